//! What the polling policy costs: to find the next parcel to ask among ten thousand to ten million, in
//! time and in memory, to say when a parcel is to be looked at next, and to learn.
//!
//! The table goes to standard error before anything is timed. Finding one among ten million may cost
//! [`PROMISED_RATIO`] times what it costs among ten thousand, and a parcel may take [`PROMISED_BYTES`].
//! `POLLING_PARCELS_MAX` in the environment makes the table shorter.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use sampan::polling::policy::{
    Bounds, Class, DAY, Guess, History, LocalMinute, Model, Parcel, Planner, Price, SLOT, Scan, Stage,
    next_look,
};

const PROMISED_RATIO: f64 = 4.0;
const PROMISED_BYTES: f64 = 64.0;

const BOUNDS: Bounds = Bounds { shortest: 5, longest: 10 * DAY };
const STAGES: u8 = 6;
const CLASSES: u16 = 3;
/// Slots before anything is measured, and measured ones.
const SLOTS: (i32, i32) = (6, 24);

struct Dice(u64);

impl Dice {
    /// SplitMix64, evenly between 0 and 1.
    fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: i32) -> i32 {
        (self.throw() * f64::from(bound)) as i32
    }
}

/// A parcel's scans, and its delivery by day.
fn journey(dice: &mut Dice) -> (Class, Vec<Scan>, LocalMinute) {
    let class = dice.below(i32::from(CLASSES));
    let mut at = dice.below(60 * DAY);
    let mut scans = Vec::new();
    for stage in 0..STAGES {
        scans.push(Scan { stage: Stage(stage), at: LocalMinute(at) });
        at += ((1 + class) as f64 * 600.0 * (2.0 * dice.throw() - 1.0).exp()) as i32;
    }
    let delivered = (at / DAY + 1) * DAY + 480 + dice.below(720);
    (Class(class as u16), scans, LocalMinute(delivered))
}

fn learn(model: &mut Model, journey: &(Class, Vec<Scan>, LocalMinute)) {
    let (class, scans, delivered) = journey;
    model.learn(&History { class: *class, scans, delivered: Some(*delivered), promised: None }, None);
}

fn model() -> Model {
    let mut model = Model::new(vec![Guess { to_next: DAY, then_to_delivery: DAY }; usize::from(STAGES)]);
    let mut dice = Dice(1);
    (0..20_000).for_each(|_| learn(&mut model, &journey(&mut dice)));
    model.settle();
    model
}

fn parcel(dice: &mut Dice, now: LocalMinute) -> Parcel {
    let looked = now.plus(-dice.below(2 * DAY));
    Parcel {
        class: Class(dice.below(i32::from(CLASSES)) as u16),
        stage: Stage(dice.below(i32::from(STAGES)) as u8),
        since: looked.plus(-dice.below(DAY)),
        looked,
        promised: None,
    }
}

struct Row {
    next: Duration,
    bytes: f64,
}

/// One call a parcel and day, all of them answered without news.
fn row(model: &Model, count: u64) -> Row {
    let mut dice = Dice(count);
    let start = LocalMinute(200 * DAY + 600);
    let mut planner = Planner::new(model.clone(), BOUNDS, start);
    let parcels: Vec<(Class, Scan)> = (0..count)
        .map(|id| {
            let parcel = parcel(&mut dice, start);
            planner.add(id, &parcel, start).expect("a new number");
            (parcel.class, Scan { stage: parcel.stage, at: parcel.since })
        })
        .collect();
    let (mut spent, mut found, mut bytes) = (Duration::ZERO, 0, 0);
    let mut asked: Vec<u64> = Vec::new();
    for slot in 0..SLOTS.0 + SLOTS.1 {
        let now = start.plus(slot * SLOT);
        for id in asked.drain(..) {
            let (_, scan) = parcels[id as usize];
            planner.answer(id, &[scan], None, now).expect("it was asked");
        }
        let begun = Instant::now();
        asked = planner.pick(now, count as usize * SLOT as usize / DAY as usize);
        if slot >= SLOTS.0 {
            spent += begun.elapsed();
            found += asked.len();
            bytes = bytes.max(planner.bytes());
        }
    }
    Row { next: spent / found.max(1) as u32, bytes: bytes as f64 / count as f64 }
}

fn table(model: &Model) {
    let most = std::env::var("POLLING_PARCELS_MAX").ok().and_then(|most| most.parse().ok());
    let most: u64 = most.unwrap_or(10_000_000);
    eprintln!("{:>10} {:>14} {:>7} {:>12}", "parcels", "next one, us", "ratio", "bytes each");
    let mut first = None;
    for count in [10_000, 100_000, 1_000_000, 10_000_000].into_iter().filter(|count| *count <= most) {
        let row = row(model, count);
        let next = row.next.as_secs_f64() * 1e6;
        let ratio = next / *first.get_or_insert(next);
        eprintln!("{count:>10} {next:>14.2} {ratio:>7.2} {:>12.1}", row.bytes);
        assert!(ratio <= PROMISED_RATIO, "finding one costs {ratio} times as much");
        assert!(row.bytes <= PROMISED_BYTES || count < 100_000, "{} bytes", row.bytes);
    }
    let written = serde_json::to_vec(model).expect("a table").len();
    eprintln!("the model of {CLASSES} classes and {STAGES} stages: {} kB written down", written / 1_000);
}

fn main() {
    let model = model();
    table(&model);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let now = LocalMinute(200 * DAY);
    let price = Price::new(10.0);
    criterion.bench_function("next_look", |bencher| {
        let mut dice = Dice(2);
        bencher.iter_batched(
            || parcel(&mut dice, now),
            |parcel| black_box(next_look(&model, &parcel, &price, BOUNDS, now)),
            criterion::BatchSize::SmallInput,
        );
    });
    criterion.bench_function("learn a delivered parcel", |bencher| {
        let (mut dice, mut model) = (Dice(3), model.clone());
        bencher.iter_batched(
            || journey(&mut dice),
            |journey| learn(&mut model, &journey),
            criterion::BatchSize::SmallInput,
        );
    });
    criterion.final_summary();
}
