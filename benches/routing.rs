//! How fast plans are made: `cargo bench --bench routing`.
//!
//! Over the sample network with its 200 requests, and over a made one of 500 hubs and about 10,000
//! departures a week. Distances are known after the first round, as they are in a daemon that has
//! run for a while; `cold` measures what they cost otherwise. One core, one question at a time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant as Stopwatch;

use criterion::{Criterion, Throughput, criterion_group};
use sampan::config;
use sampan::domain::calendar::Calendar;
use sampan::domain::dangerous::LaneGoods;
use sampan::domain::instant::Instant;
use sampan::domain::network::{Hub, HubKind, Lane, TransportMode};
use sampan::domain::place::{Country, Point};
use sampan::domain::quantity::{Chargeable, Grams};
use sampan::domain::service::{Clearance, Service};
use sampan::escrow::registry::Providers;
use sampan::flows::read_pickup;
use sampan::routing::{self, Ask, Network, Planner, Start};
use sampan::sandbox::sample;

/// Counts what is asked of the system.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// Only counts, and leaves the rest to the system's own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn now() -> Instant {
    "2026-03-01T00:00:00Z".parse().expect("an instant")
}

/// The same everywhere (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % most
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.below(1 << 30) as f64 / (1_u64 << 30) as f64
    }
}

fn sample_world() -> (Planner, Vec<Ask>) {
    let (hubs, lanes, calendar) = routing::read(sample::files()).expect("the sample network");
    let network = Network::new(hubs, lanes, &calendar).expect("a network");
    let asks = sample::PICKUPS.lines().map(|line| {
        let body = serde_json::from_str(line).expect("a body");
        let request = read_pickup::read(&body, now(), &["webhook"], &Providers::default());
        read_pickup::ask(&request.expect("a request")).expect("a place").1
    });
    (planner(network), asks.collect())
}

fn planner(network: Network) -> Planner {
    Planner::new(Arc::new(network), config::defaults_with("").expect("the defaults").routing)
}

const HUBS: usize = 500;
const GATEWAYS: usize = 60;
const LANES: u64 = 2_500;

/// 440 origin hubs in ten countries, 60 gateways, lanes that leave four times a week on average.
fn made_world() -> (Planner, Vec<Ask>) {
    let mut dice = Dice(0x5eed);
    let hubs: Vec<Hub> = (0..HUBS).map(|index| made_hub(index, &mut dice)).collect();
    let lanes = (0..LANES).map(|index| made_lane(index, &hubs, &mut dice)).collect();
    let network = Network::new(hubs.clone(), lanes, &Calendar::default()).expect("a network");
    let departures: u32 =
        network.lanes().iter().map(|lane| lane.weekdays.to_string().split(';').count() as u32).sum();
    eprintln!("made network: {} hubs, {} lanes, {departures} departures a week", HUBS, LANES);
    let asks = (0..200).map(|index| {
        let hub = &hubs[GATEWAYS + dice.below((HUBS - GATEWAYS) as u64) as usize];
        made_ask(index, hub, &mut dice)
    });
    (planner(network), asks.collect())
}

fn made_hub(index: usize, dice: &mut Dice) -> Hub {
    let is_gateway = index < GATEWAYS;
    let country =
        if is_gateway { "CN".to_owned() } else { format!("{}A", (b'A' + (index % 10) as u8) as char) };
    let zones = [chrono_tz::America::New_York, chrono_tz::Asia::Tokyo, chrono_tz::Europe::Berlin];
    Hub {
        code: format!("H{index:03}").parse().expect("a code"),
        name_en: String::new(),
        name_zh: String::new(),
        kind: if is_gateway { HubKind::Gateway } else { HubKind::OriginHub },
        country: country.parse().expect("a country"),
        point: Point { lat: dice.between(-40.0, 60.0), lon: dice.between(-150.0, 150.0) },
        zone: zones[index % 3],
        clearances: if is_gateway { vec![Clearance::B2cDirect] } else { Vec::new() },
        cutoff_local: chrono::NaiveTime::from_hms_opt(15 + (index % 4) as u32, 0, 0).expect("a time"),
        handling_minutes: 240 + 60 * dice.below(12) as u32,
    }
}

fn made_lane(index: u64, hubs: &[Hub], dice: &mut Dice) -> Lane {
    let from = GATEWAYS + dice.below((HUBS - GATEWAYS) as u64) as usize;
    let to = match dice.below(5) {
        // Two in five lead to a gateway, the others feed other hubs.
        0 | 1 => dice.below(GATEWAYS as u64) as usize,
        _ => {
            let other = GATEWAYS + dice.below((HUBS - GATEWAYS) as u64) as usize;
            if other == from { 0 } else { other }
        }
    };
    let (mode, hours, cents) = match dice.below(10) {
        0..6 => (TransportMode::Air, 8 + dice.below(30), 150 + dice.below(400)),
        6..8 => (TransportMode::Road, 5 + dice.below(60), 10 + dice.below(60)),
        _ => (TransportMode::Sea, 100 + dice.below(500), 5 + dice.below(40)),
    };
    let days: Vec<_> = (1..=7).filter(|_| dice.below(7) < 4).map(|day: u8| day.to_string()).collect();
    let days = if days.is_empty() { "3".to_owned() } else { days.join(";") };
    Lane {
        id: format!("L{index:05}").parse().expect("an id"),
        from: hubs[from].code.clone(),
        to: hubs[to].code.clone(),
        mode,
        carrier: String::new(),
        service: String::new(),
        weekdays: days.parse().expect("weekdays"),
        depart_local: chrono::NaiveTime::from_hms_opt(dice.below(24) as u32, 15, 0).expect("a time"),
        depart_zone: hubs[from].zone,
        transit_minutes: 60 * hours as u32,
        capacity_grams: 4_000_000,
        capacity_cm3: 25_000_000,
        fixed_cost_micros: 274_000_000,
        cost_per_kg_micros: 10_000 * cents as i64,
        distance_metres: 1_000 * (200 + dice.below(9_000)),
        piece_grams_max: None,
        dangerous_goods: LaneGoods::ByMode,
    }
}

fn made_ask(index: u64, hub: &Hub, dice: &mut Dice) -> Ask {
    let country: Country = hub.country;
    let until = now() + chrono::TimeDelta::minutes(37 * index as i64 % 10_000);
    Ask {
        start: Start::Pickup { point: hub.point, country, until, promised_by: None },
        consignee: Point { lat: dice.between(20.0, 45.0), lon: dice.between(80.0, 130.0) },
        service: [Service::Express, Service::Standard, Service::Economy][index as usize % 3],
        clearance: Clearance::B2cDirect,
        weight: Grams(300 + dice.below(5_000) as u32),
        volume_cm3: 4_000,
        piece: Grams(300),
        chargeable: Chargeable(6_000 * (300 + dice.below(6_000))),
        goods: Vec::new(),
    }
}

fn with_service(asks: &[Ask], service: Service) -> Vec<Ask> {
    asks.iter().map(|ask| Ask { service, ..ask.clone() }).collect()
}

/// Microseconds a question, the median of rounds over all of them.
fn micros(asks: &[Ask], mut ask: impl FnMut(&Ask)) -> f64 {
    let mut rounds: Vec<f64> = (0..30)
        .map(|_| {
            let begun = Stopwatch::now();
            asks.iter().for_each(&mut ask);
            begun.elapsed().as_secs_f64() * 1e6 / asks.len() as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn table(name: &str, (planner, asks): &(Planner, Vec<Ask>)) {
    let express = with_service(asks, Service::Express);
    let row =
        |what: &str, micros: f64| eprintln!("{name:<8} {what:<42} {micros:>9.1} µs  {:>9.0}/s", 1e6 / micros);
    for ask in asks {
        let _ = planner.pareto_size(ask, now());
    }
    row("earliest arrival", micros(&express, |ask| drop(black_box(planner.arrival(ask, now())))));
    row("choice of the service", micros(asks, |ask| drop(black_box(planner.arrival(ask, now())))));
    row("choice, leg by leg", micros(asks, |ask| drop(black_box(planner.choose(ask, now())))));
    row("Pareto set", micros(asks, |ask| drop(black_box(planner.pareto_size(ask, now())))));
    row("Pareto set, leg by leg", micros(asks, |ask| drop(black_box(planner.pareto(ask, now())))));
    row("plan with reasons and alternatives", micros(asks, |ask| drop(black_box(planner.plan(ask, now())))));
    let sizes: Vec<_> = asks.iter().filter_map(|ask| planner.pareto_size(ask, now()).ok()).collect();
    let allocations = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for ask in asks {
            let _ = black_box(planner.arrival(ask, now()));
            let _ = black_box(planner.pareto_size(ask, now()));
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    // Once to warm up: the two kinds of questions take turns with one memory here for the first time.
    let (_, allocations) = (allocations(), allocations());
    eprintln!(
        "{name:<8} {} of {} have a way, {:.1} in a Pareto set; {allocations} allocations in {} searches",
        sizes.len(),
        asks.len(),
        sizes.iter().sum::<usize>() as f64 / sizes.len() as f64,
        2 * asks.len(),
    );
    assert_eq!(allocations, 0, "a search that has warmed up allocates nothing");
}

fn benches(criterion: &mut Criterion) {
    for (name, world) in [("sample", sample_world()), ("made", made_world())] {
        table(name, &world);
        let (planner, asks) = &world;
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(asks.len() as u64)).sample_size(20);
        let express = with_service(asks, Service::Express);
        group.bench_function("earliest arrival", |bencher| {
            bencher.iter(|| express.iter().filter(|ask| planner.arrival(ask, now()).is_ok()).count());
        });
        group.bench_function("choice", |bencher| {
            bencher.iter(|| asks.iter().filter(|ask| planner.arrival(ask, now()).is_ok()).count());
        });
        group.bench_function("Pareto set", |bencher| {
            bencher
                .iter(|| asks.iter().filter_map(|ask| planner.pareto_size(ask, now()).ok()).sum::<usize>());
        });
        group.finish();
    }
}

criterion_group!(routing_benches, benches);

fn main() {
    routing_benches();
    Criterion::default().configure_from_args().final_summary();
}
