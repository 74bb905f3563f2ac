//! How close assignment comes to the best there is, and how long it takes.
//!
//! On few loads, against a branch and bound that tries every place; on many, against what can be proved
//! with patience ([`prove`]), which is at most the optimum, so that the true ratio is no larger.
//! The table goes to standard error before anything is timed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use sampan::consolidation::Apart;
use sampan::consolidation::assignment::{Assigned, Choice, Departure, Load, assign, prove};

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
const UNITS: [(&str, u64, u64, u64); 3] = [
    ("large units", 1_500_000, 4_300_000, 2_000_000_000),
    ("middling units", 600_000, 2_000_000, 900_000_000),
    ("small units", 300_000, 900_000, 400_000_000),
];

fn question(
    seed: u64,
    loads: usize,
    departures: usize,
    unit: (&str, u64, u64, u64),
) -> (Vec<Load>, Vec<Departure>) {
    let mut dice = Dice(seed);
    let (_, unit_weight_grams, unit_volume_cm3, cost) = unit;
    let departure = |dice: &mut Dice| Departure {
        unit_weight_grams,
        unit_volume_cm3,
        units_max: dice.between(2, 6) as u32,
        unit_cost_micros: cost * dice.between(80, 120) / 100,
    };
    let all: Vec<Departure> = (0..departures).map(|_| departure(&mut dice)).collect();
    let load = |dice: &mut Dice| {
        let weight_grams = dice.between(5_000, 30_000);
        let first = dice.between(0, departures as u64 - 1) as usize;
        let reach = (dice.between(2, 5) as usize).min(departures);
        let choices = (0..reach).map(|at| Choice {
            departure: (first + at) % departures,
            cost_micros: weight_grams * dice.between(800, 2_200),
        });
        let choices = choices.collect();
        let volume_cm3 = weight_grams * dice.between(3, 7);
        Load { weight_grams, volume_cm3, class: 0, choices, left_behind_micros: weight_grams * 8_000 }
    };
    ((0..loads).map(|_| load(&mut dice)).collect(), all)
}

/// The least cost of the loads from the first on, everything tried that can still be less than `best`.
fn least(loads: &[Load], departures: &[Departure], carried: &mut [(u64, u64)], paid: u64, best: &mut u64) {
    let units = |departure: &Departure, carried: (u64, u64)| {
        carried.0.div_ceil(departure.unit_weight_grams).max(carried.1.div_ceil(departure.unit_volume_cm3))
    };
    let rest: u64 = loads
        .iter()
        .map(|load| {
            load.choices.iter().map(|choice| choice.cost_micros).fold(load.left_behind_micros, u64::min)
        })
        .sum();
    if paid + rest >= *best {
        return;
    }
    let Some((load, others)) = loads.split_first() else {
        *best = paid;
        return;
    };
    for choice in &load.choices {
        let departure = &departures[choice.departure];
        let before = carried[choice.departure];
        let after = (before.0 + load.weight_grams, before.1 + load.volume_cm3);
        let needed = units(departure, after);
        if needed <= u64::from(departure.units_max) {
            let more = (needed - units(departure, before)) * departure.unit_cost_micros;
            carried[choice.departure] = after;
            least(others, departures, carried, paid + more + choice.cost_micros, best);
            carried[choice.departure] = before;
        }
    }
    least(others, departures, carried, paid + load.left_behind_micros, best);
}

fn assigned(loads: &[Load], departures: &[Departure]) -> Assigned {
    assign(loads, departures, &Apart::nothing()).expect("a question that can be answered")
}

fn table() {
    eprintln!("{:44} {:>9} {:>9} {:>7}", "30 questions each, against the optimum", "mean", "worst", "ms");
    for (name, weight, volume, cost) in UNITS {
        // Few loads fill small units only.
        let unit = (name, weight / 12, volume / 12, cost / 12);
        let (mut sum, mut worst, mut time) = (0.0, 0.0_f64, Duration::ZERO);
        for seed in 0..30 {
            let (loads, departures) = question(seed, 13, 4, unit);
            let begun = Instant::now();
            let found = assigned(&loads, &departures);
            time = time.max(begun.elapsed());
            let mut best = u64::MAX;
            least(&loads, &departures, &mut [(0, 0); 4], 0, &mut best);
            let ratio = found.cost_micros as f64 / best as f64;
            (sum, worst) = (sum + ratio, worst.max(ratio));
        }
        let milliseconds = time.as_secs_f64() * 1_000.0;
        let name = format!("13 loads, 4 departures, {name} / 12");
        eprintln!("{name:44} {:>9.4} {worst:>9.4} {milliseconds:>7.1}", sum / 30.0);
    }
    eprintln!("{:44} {:>9} {:>9} {:>7}", "3 questions each, against what is proved", "mean", "worst", "ms");
    for (loads, departures) in [(60, 4), (300, 8), (300, 12), (300, 30)] {
        for unit in UNITS {
            let (mut sum, mut worst, mut time) = (0.0, 0.0_f64, Duration::ZERO);
            for seed in 0..3 {
                let (loads, departures) = question(seed, loads, departures, unit);
                let begun = Instant::now();
                let found = assigned(&loads, &departures);
                time = time.max(begun.elapsed());
                let proved = prove(&loads, &departures, &Apart::nothing(), found.cost_micros, 300);
                let ratio = found.cost_micros as f64 / proved.expect("the same question") as f64;
                (sum, worst) = (sum + ratio, worst.max(ratio));
            }
            let milliseconds = time.as_secs_f64() * 1_000.0;
            let name = format!("{loads} loads, {departures} departures, {}", unit.0);
            eprintln!("{name:44} {:>9.4} {worst:>9.4} {milliseconds:>7.1}", sum / 3.0);
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
    let (loads, departures) = question(1, 300, 12, UNITS[1]);
    criterion.bench_function("assign 300 loads to 12 departures", |bencher| {
        bencher.iter(|| black_box(assigned(&loads, &departures)));
    });
    criterion.final_summary();
}
