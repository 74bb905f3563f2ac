//! How close packing comes to the best there is, and how long it takes.
//!
//! The sets are of the kinds that the literature compares by, made anew from a seed: those of
//! Falkenauer (U: uniform; T: triplets that fill their bags exactly, so that the optimum is known)
//! and of Scholl, Klein and Jürgens (1: small weights; 2: few to many parcels a bag; 3: large ones). Where the
//! optimum is not known, the ratio is to the bound, and the true one is no larger.
//! The table goes to standard error before anything is timed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use sampan::consolidation::Apart;
use sampan::consolidation::packing::{Item, Limits, pack};
use sampan::sandbox::sample::PICKUPS;
use serde_json::Value;

/// What is packed, into what, and the known optimum.
struct Set {
    items: Vec<Item>,
    limits: Limits,
    optimum: Option<usize>,
}

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

fn by_weight(weights: &[u64], weight_grams: u64, optimum: Option<usize>) -> Set {
    let item = |weight: &u64| Item { weight_grams: *weight, volume_cm3: 0, group: 0, class: 0 };
    Set {
        items: weights.iter().map(item).collect(),
        limits: Limits { weight_grams, volume_cm3: None, parcels: None },
        optimum,
    }
}

fn uniform(dice: &mut Dice, count: usize, least: u64, most: u64, limit: u64) -> Set {
    let weights: Vec<u64> = (0..count).map(|_| dice.between(least, most)).collect();
    by_weight(&weights, limit, None)
}

fn triplets(dice: &mut Dice, count: usize) -> Set {
    let mut weights = Vec::new();
    for _ in 0..count / 3 {
        let first = dice.between(380, 490);
        let second = dice.between(250, (1_000 - first) / 2);
        weights.extend([first, second, 1_000 - first - second]);
    }
    for at in (1..weights.len()).rev() {
        weights.swap(at, dice.between(0, at as u64) as usize);
    }
    by_weight(&weights, 1_000, Some(count / 3))
}

fn weight_and_volume(dice: &mut Dice, count: usize, parcels: Option<u32>) -> Set {
    let item = |dice: &mut Dice| {
        let weight_grams = dice.between(200, 6_000);
        Item { weight_grams, volume_cm3: weight_grams * dice.between(2, 8), group: 0, class: 0 }
    };
    Set {
        items: (0..count).map(|_| item(dice)).collect(),
        limits: Limits { weight_grams: 30_000, volume_cm3: Some(120_000), parcels },
        optimum: None,
    }
}

/// The parcels of the bundled pickups, without groups or by the clearance and province they go to.
fn sample(grouped: bool) -> Set {
    let mut groups: Vec<String> = Vec::new();
    let mut items = Vec::new();
    for line in PICKUPS.lines() {
        let body: Value = serde_json::from_str(line).expect("a pickup");
        let province = body["consignee"]["division"].as_str().expect("a division").split_at(2).0;
        let name = if grouped { format!("{} {province}", body["clearance"]) } else { String::new() };
        let group = groups.iter().position(|group| *group == name).unwrap_or_else(|| {
            groups.push(name);
            groups.len() - 1
        });
        for parcel in body["parcels"].as_array().expect("parcels") {
            let side = |at: usize| parcel["size_mm"][at].as_u64().expect("a side");
            items.push(Item {
                weight_grams: parcel["weight_grams"].as_u64().expect("a weight"),
                volume_cm3: (side(0) * side(1) * side(2)).div_ceil(1_000),
                group: group as u32,
                class: 0,
            });
        }
    }
    let limits = Limits { weight_grams: 30_000, volume_cm3: Some(120_000), parcels: None };
    Set { items, limits, optimum: None }
}

fn scholl_1(dice: &mut Dice) -> Vec<Set> {
    let mut sets = Vec::new();
    for count in [50, 100, 200, 500] {
        for limit in [100, 120, 150] {
            for least in [1, 20, 30] {
                sets.extend((0..5).map(|_| uniform(dice, count, least, 100, limit)));
            }
        }
    }
    sets
}

fn scholl_2(dice: &mut Dice) -> Vec<Set> {
    let mut sets = Vec::new();
    for count in [50, 100, 200, 500] {
        for a_bag in [3, 5, 7, 9] {
            for percent in [20, 50, 90] {
                let mean = 1_000 / a_bag;
                let (least, most) = (mean * (100 - percent) / 100, mean * (100 + percent) / 100);
                sets.extend((0..3).map(|_| uniform(dice, count, least, most, 1_000)));
            }
        }
    }
    sets
}

fn families() -> Vec<(String, Vec<Set>)> {
    let mut dice = Dice(1);
    let mut families = Vec::new();
    for count in [60, 120, 249, 501] {
        families
            .push((format!("Falkenauer T {count}"), (0..20).map(|_| triplets(&mut dice, count)).collect()));
    }
    for count in [120, 250, 500, 1_000] {
        let sets = (0..20).map(|_| uniform(&mut dice, count, 20, 100, 150)).collect();
        families.push((format!("Falkenauer U {count}"), sets));
    }
    families.push(("Scholl 1".to_owned(), scholl_1(&mut dice)));
    families.push(("Scholl 2".to_owned(), scholl_2(&mut dice)));
    let large = (0..10).map(|_| uniform(&mut dice, 200, 20_000, 35_000, 100_000)).collect();
    families.push(("Scholl 3".to_owned(), large));
    families.push((
        "weight and volume 1,000".to_owned(),
        (0..5).map(|_| weight_and_volume(&mut dice, 1_000, None)).collect(),
    ));
    families.push((
        "and at most 9 a bag".to_owned(),
        (0..5).map(|_| weight_and_volume(&mut dice, 1_000, Some(9))).collect(),
    ));
    families.push(("sample pickups".to_owned(), vec![sample(false)]));
    families.push(("sample by destination".to_owned(), vec![sample(true)]));
    families.push(("100,000 uniform".to_owned(), vec![uniform(&mut dice, 100_000, 20, 100, 150)]));
    families.push(("99,999 triplets".to_owned(), vec![triplets(&mut dice, 99_999)]));
    families.push(("100,000 two measures".to_owned(), vec![weight_and_volume(&mut dice, 100_000, None)]));
    families
        .push(("100,000 three measures".to_owned(), vec![weight_and_volume(&mut dice, 100_000, Some(9))]));
    families
}

fn table(families: &[(String, Vec<Set>)]) {
    eprintln!(
        "{:24} {:>5} {:>8} {:>8} {:>7} {:>7} {:>9}",
        "set", "sets", "bags", "least", "ratio", "proved", "worst ms"
    );
    for (name, sets) in families {
        let (mut bags, mut least, mut proved, mut worst) = (0, 0, 0, Duration::ZERO);
        for set in sets {
            let begun = Instant::now();
            let packed = pack(&set.items, &set.limits, &Apart::nothing()).expect("parcels that fit");
            worst = worst.max(begun.elapsed());
            let of_this = set.optimum.unwrap_or(packed.lower_bound);
            bags += packed.bags.len();
            least += of_this;
            proved += usize::from(packed.bags.len() == of_this);
        }
        let ratio = bags as f64 / least as f64;
        let (count, worst) = (sets.len(), worst.as_secs_f64() * 1_000.0);
        eprintln!("{name:24} {count:>5} {bags:>8} {least:>8} {ratio:>7.4} {proved:>7} {worst:>9.1}");
    }
}

fn main() {
    let families = families();
    table(&families);
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    for timed in
        ["Falkenauer T 501", "Falkenauer U 1000", "sample pickups", "100,000 uniform", "100,000 two measures"]
    {
        let set = families.iter().find(|(name, _)| name == timed).and_then(|(_, sets)| sets.first());
        let set = set.expect("a family of that name");
        criterion.bench_function(timed, |bencher| {
            bencher.iter_batched(
                Apart::nothing,
                |apart| black_box(pack(&set.items, &set.limits, &apart)),
                BatchSize::PerIteration,
            );
        });
    }
    criterion.final_summary();
}
