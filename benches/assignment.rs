//! How close assignment comes to the best there is, and how long it takes.
//!
//! On few loads, against a branch and bound that tries every place; on many, against what can be proved
//! with patience ([`prove`]), which is at most the optimum, so that the true ratio is no larger. Beside it
//! stands what going by regret alone would cost. The table goes to standard error before anything is
//! timed. Each question has to be within [`PROMISED`] of the optimum, or of what is proved.

use std::fmt::{self, Display, Formatter};
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use sampan::consolidation::Apart;
use sampan::consolidation::assignment::{Assigned, Choice, Departure, Load, assign, prove};

/// The most that a plan may cost, in parts of what is proved.
const PROMISED: f64 = 1.05;
/// Branchings of a proof: a second or two for 300 loads.
const NODES: usize = 600;

struct Dice(u64);

impl Dice {
    /// SplitMix64, reduced to a range that holds both ends.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        least + (mixed ^ (mixed >> 31)) % (most - least + 1)
    }
}

/// A unit of a kind: its grams, its cubic centimetres, its cost.
type Unit = (u64, u64, u64);

struct Family {
    name: &'static str,
    /// Each departure has one of these kinds.
    units: &'static [Unit],
    /// Cubic centimetres to a gram.
    volume: (u64, u64),
    /// Loads are evenly of so many classes; the last two are apart.
    classes: u64,
}

const LARGE: Unit = (1_500_000, 4_300_000, 2_000_000_000);
const MIDDLING: Unit = (600_000, 2_000_000, 900_000_000);
const SMALL: Unit = (300_000, 900_000, 400_000_000);

const FAMILIES: [Family; 5] = [
    Family { name: "large units", units: &[LARGE], volume: (3, 7), classes: 1 },
    Family { name: "middling units", units: &[MIDDLING], volume: (3, 7), classes: 1 },
    Family { name: "small units", units: &[SMALL], volume: (3, 7), classes: 1 },
    Family {
        name: "all units, heavy and bulky",
        units: &[LARGE, MIDDLING, SMALL],
        volume: (1, 5),
        classes: 1,
    },
    Family { name: "middling, 2 classes of 8 apart", units: &[MIDDLING], volume: (3, 7), classes: 8 },
];

struct Posed {
    loads: Vec<Load>,
    departures: Vec<Departure>,
    apart: Apart,
}

/// The units of `family`, each a `part` as large.
fn question(seed: u64, loads: usize, departures: usize, family: &Family, part: u64) -> Posed {
    let mut dice = Dice(seed);
    let departure = |at: usize, dice: &mut Dice| {
        let (weight, volume, cost) = family.units[at % family.units.len()];
        Departure {
            unit_weight_grams: weight / part,
            unit_volume_cm3: volume / part,
            units_max: dice.between(2, 6) as u32,
            unit_cost_micros: cost / part * dice.between(80, 120) / 100,
        }
    };
    let all: Vec<Departure> = (0..departures).map(|at| departure(at, &mut dice)).collect();
    let load = |at: usize, dice: &mut Dice| {
        let weight_grams = dice.between(5_000, 30_000);
        let first = dice.between(0, departures as u64 - 1) as usize;
        let reach = (dice.between(2, 5) as usize).min(departures);
        let choices = (0..reach).map(|at| Choice {
            departure: (first + at) % departures,
            cost_micros: weight_grams * dice.between(800, 2_200),
        });
        let choices = choices.collect();
        let volume_cm3 = weight_grams * dice.between(family.volume.0, family.volume.1);
        let class = (at as u64 % family.classes) as u32;
        Load { weight_grams, volume_cm3, class, choices, left_behind_micros: weight_grams * 8_000 }
    };
    let last = family.classes as u32 - 1;
    Posed {
        loads: (0..loads).map(|at| load(at, &mut dice)).collect(),
        departures: all,
        apart: if last == 0 { Apart::nothing() } else { [(last - 1, last)].into_iter().collect() },
    }
}

/// What regret alone costs: whoever loses most by not getting its best goes first, to the best that has room,
/// where a unit costs its fair share.
fn greedy(posed: &Posed) -> u64 {
    let part = |load: &Load, departure: &Departure| {
        let weight = load.weight_grams as f64 / departure.unit_weight_grams as f64;
        weight.max(load.volume_cm3 as f64 / departure.unit_volume_cm3 as f64)
    };
    let mut order: Vec<(f64, &Load, Vec<&Choice>)> = Vec::new();
    for load in &posed.loads {
        let fair = |choice: &Choice| {
            let departure = &posed.departures[choice.departure];
            choice.cost_micros as f64 + part(load, departure) * departure.unit_cost_micros as f64
        };
        let mut choices: Vec<&Choice> = load.choices.iter().collect();
        choices.sort_by(|a, b| fair(a).total_cmp(&fair(b)));
        order.push((fair(choices[1]) - fair(choices[0]), load, choices));
    }
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut carried = vec![(0, 0); posed.departures.len()];
    let mut aboard: Vec<Vec<u32>> = vec![Vec::new(); posed.departures.len()];
    let mut cost = 0;
    for (_, load, choices) in order {
        let with = |at: usize, carried: &[(u64, u64)]| {
            (carried[at].0 + load.weight_grams, carried[at].1 + load.volume_cm3)
        };
        let takes = |choice: &&&Choice| {
            let departure = &posed.departures[choice.departure];
            let fits = units(departure, with(choice.departure, &carried)) <= u64::from(departure.units_max);
            fits && !aboard[choice.departure].iter().any(|class| posed.apart.holds(*class, load.class))
        };
        let taken = choices.iter().find(takes);
        cost += taken.map_or(load.left_behind_micros, |choice| choice.cost_micros);
        if let Some(choice) = taken {
            carried[choice.departure] = with(choice.departure, &carried);
            aboard[choice.departure].push(load.class);
        }
    }
    let used = posed.departures.iter().zip(carried);
    cost + used.map(|(about, carried)| units(about, carried) * about.unit_cost_micros).sum::<u64>()
}

fn units(departure: &Departure, carried: (u64, u64)) -> u64 {
    carried.0.div_ceil(departure.unit_weight_grams).max(carried.1.div_ceil(departure.unit_volume_cm3))
}

/// Some loads in their places, and what is there.
struct Trial<'a> {
    posed: &'a Posed,
    carried: Vec<(u64, u64)>,
    aboard: Vec<Vec<u32>>,
}

impl<'a> Trial<'a> {
    fn new(posed: &'a Posed) -> Self {
        let departures = posed.departures.len();
        Self { posed, carried: vec![(0, 0); departures], aboard: vec![Vec::new(); departures] }
    }

    /// The least cost of the loads from `at` on, everything tried that can still be less than `best`.
    fn least(&mut self, at: usize, paid: u64, best: &mut u64) {
        let cheapest = |load: &Load| {
            load.choices.iter().map(|choice| choice.cost_micros).fold(load.left_behind_micros, u64::min)
        };
        let rest: u64 = self.posed.loads[at..].iter().map(cheapest).sum();
        if paid + rest >= *best {
            return;
        }
        let Some(load) = self.posed.loads.get(at) else {
            *best = paid;
            return;
        };
        for choice in &load.choices {
            let to = choice.departure;
            let departure = &self.posed.departures[to];
            let before = self.carried[to];
            let after = (before.0 + load.weight_grams, before.1 + load.volume_cm3);
            let needed = units(departure, after);
            let gets_along = !self.aboard[to].iter().any(|class| self.posed.apart.holds(*class, load.class));
            if gets_along && needed <= u64::from(departure.units_max) {
                let more = (needed - units(departure, before)) * departure.unit_cost_micros;
                self.carried[to] = after;
                self.aboard[to].push(load.class);
                self.least(at + 1, paid + more + choice.cost_micros, best);
                self.aboard[to].pop();
                self.carried[to] = before;
            }
        }
        self.least(at + 1, paid + load.left_behind_micros, best);
    }
}

fn assigned(posed: &Posed) -> Assigned {
    assign(&posed.loads, &posed.departures, &posed.apart).expect("a question that can be answered")
}

/// The mean and the worst of some ratios.
#[derive(Default)]
struct Ratios {
    sum: f64,
    count: f64,
    worst: f64,
}

impl Ratios {
    fn add(&mut self, ratio: f64) {
        self.sum += ratio;
        self.count += 1.0;
        self.worst = self.worst.max(ratio);
    }
}

impl Display for Ratios {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{:>8.4} {:>8.4}", self.sum / self.count, self.worst)
    }
}

/// A row of the table: `seeds` questions, each against its `least`; none may be above what is promised.
fn row(name: &str, seeds: u64, pose: impl Fn(u64) -> Posed, least: impl Fn(&Posed, u128) -> u128) {
    let (mut ours, mut greedy_alone) = (Ratios::default(), Ratios::default());
    let (mut sum, mut slowest, mut proof) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for seed in 0..seeds {
        let posed = pose(seed);
        let begun = Instant::now();
        let found = assigned(&posed);
        let time = begun.elapsed();
        (sum, slowest) = (sum + time, slowest.max(time));
        let begun = Instant::now();
        let least = least(&posed, found.cost_micros) as f64;
        proof = proof.max(begun.elapsed());
        ours.add(found.cost_micros as f64 / least);
        greedy_alone.add(greedy(&posed) as f64 / least);
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    let mean = milliseconds(sum) / seeds as f64;
    let (slowest, proof) = (milliseconds(slowest), milliseconds(proof));
    eprintln!("{name:58} {ours} {greedy_alone} {mean:>7.1} {slowest:>7.1} {proof:>7.0}");
    assert!(ours.worst <= PROMISED, "{name}: {}", ours.worst);
}

fn heading(name: &str) {
    eprintln!(
        "{name:58} {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}",
        "mean", "worst", "greedy", "worst", "ms", "slowest", "proof"
    );
}

fn table() {
    heading("30 questions each, against the optimum");
    for family in &FAMILIES {
        let name = format!("13 loads, 4 departures, {} / 12", family.name);
        let optimum = |posed: &Posed, known: u128| {
            let mut best = u64::try_from(known).expect("a cost like those of its loads") + 1;
            Trial::new(posed).least(0, 0, &mut best);
            u128::from(best)
        };
        // Few loads fill small units only.
        row(&name, 30, |seed| question(seed, 13, 4, family, 12), optimum);
    }
    heading("8 questions each, against what is proved");
    for (loads, departures) in [(60, 4), (300, 8), (300, 12), (300, 30)] {
        for family in &FAMILIES {
            let name = format!("{loads} loads, {departures} departures, {}", family.name);
            let proved = |posed: &Posed, known: u128| {
                prove(&posed.loads, &posed.departures, &posed.apart, known, NODES).expect("the same question")
            };
            row(&name, 8, |seed| question(seed, loads, departures, family, 1), proved);
        }
    }
}

fn main() {
    table();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let posed = question(1, 300, 12, &FAMILIES[1], 1);
    criterion.bench_function("assign 300 loads to 12 departures", |bencher| {
        bencher.iter(|| black_box(assigned(&posed)));
    });
    criterion.final_summary();
}
