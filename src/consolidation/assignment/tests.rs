//! Assignment held against what is allowed, against its bounds, and against trying everything.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::consolidation::effort::Shuffler;

fn units_of(departure: &Departure, loads: &[&Load]) -> u64 {
    let weight: u64 = loads.iter().map(|load| load.weight_grams).sum();
    let volume: u64 = loads.iter().map(|load| load.volume_cm3).sum();
    weight.div_ceil(departure.unit_weight_grams).max(volume.div_ceil(departure.unit_volume_cm3))
}

/// What a plan costs, worked out from nothing; none if it is not allowed.
fn cost(loads: &[Load], departures: &[Departure], apart: &Apart, places: &[Option<usize>]) -> Option<u128> {
    let mut cost = 0;
    for (load, place) in loads.iter().zip(places) {
        cost += match place {
            None => u128::from(load.left_behind_micros),
            Some(place) => {
                let choice = load.choices.iter().find(|choice| choice.departure == *place)?;
                u128::from(choice.cost_micros)
            }
        };
    }
    for (index, departure) in departures.iter().enumerate() {
        let aboard =
            loads.iter().zip(places).filter(|(_, place)| **place == Some(index)).map(|(load, _)| load);
        let aboard: Vec<&Load> = aboard.collect();
        for (at, one) in aboard.iter().enumerate() {
            if aboard[at + 1..].iter().any(|other| apart.holds(one.class, other.class)) {
                return None;
            }
        }
        let units = units_of(departure, &aboard);
        if units > u64::from(departure.units_max) {
            return None;
        }
        cost += u128::from(units * departure.unit_cost_micros);
    }
    Some(cost)
}

/// The least cost, by trying every place for every load.
fn optimum(loads: &[Load], departures: &[Departure], apart: &Apart) -> u128 {
    let mut places = vec![None; loads.len()];
    let mut turns = vec![0; loads.len()];
    let mut best = u128::MAX;
    loop {
        if let Some(cost) = cost(loads, departures, apart, &places) {
            best = best.min(cost);
        }
        let Some(at) = (0..loads.len()).find(|at| turns[*at] < loads[*at].choices.len()) else { return best };
        for before in 0..at {
            (turns[before], places[before]) = (0, None);
        }
        places[at] = Some(loads[at].choices[turns[at]].departure);
        turns[at] += 1;
    }
}

fn departures() -> impl Strategy<Value = Vec<Departure>> {
    let departure = (10..=40_u64, 10..=40_u64, 0..=3_u32, 0..=100_u64).prop_map(
        |(unit_weight_grams, unit_volume_cm3, units_max, unit_cost_micros)| Departure {
            unit_weight_grams,
            unit_volume_cm3,
            units_max,
            unit_cost_micros,
        },
    );
    vec(departure, 3)
}

fn loads(most: usize) -> impl Strategy<Value = Vec<Load>> {
    let choices = btree_map(0..3_usize, 0..=60_u64, 0..=3);
    let load = (0..=20_u64, 0..=20_u64, 0..3_u32, choices, 0..=120_u64).prop_map(
        |(weight_grams, volume_cm3, class, choices, left_behind_micros)| Load {
            weight_grams,
            volume_cm3,
            class,
            choices: choices
                .into_iter()
                .map(|(departure, cost_micros)| Choice { departure, cost_micros })
                .collect(),
            left_behind_micros,
        },
    );
    vec(load, 0..=most)
}

fn some_apart() -> impl Strategy<Value = Apart> {
    vec((0..3_u32, 0..3_u32), 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn assert_valid(loads: &[Load], departures: &[Departure], apart: &Apart, assigned: &Assigned) {
    let cost = cost(loads, departures, apart, &assigned.departures).expect("a plan that is allowed");
    assert_eq!(cost, assigned.cost_micros);
    assert!(assigned.lower_bound_micros <= cost, "{} > {cost}", assigned.lower_bound_micros);
    for (index, departure) in departures.iter().enumerate() {
        let aboard = loads.iter().zip(&assigned.departures).filter(|(_, place)| **place == Some(index));
        let aboard: Vec<&Load> = aboard.map(|(load, _)| load).collect();
        assert_eq!(u64::from(assigned.units[index]), units_of(departure, &aboard));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_keeps_to_what_is_allowed_and_costs_what_it_says(
        loads in loads(40), departures in departures(), apart in some_apart()
    ) {
        let assigned = assign(&loads, &departures, &apart).expect("a question that can be answered");
        assert_valid(&loads, &departures, &apart, &assigned);
        prop_assert_eq!(assign(&loads, &departures, &apart).expect("the same"), assigned);
    }

    #[test]
    fn few_loads_are_assigned_at_the_least_cost(
        loads in loads(6), departures in departures(), apart in some_apart()
    ) {
        let assigned = assign(&loads, &departures, &apart).expect("a question that can be answered");
        assert_valid(&loads, &departures, &apart, &assigned);
        let optimum = optimum(&loads, &departures, &apart);
        prop_assert_eq!((assigned.cost_micros, assigned.lower_bound_micros), (optimum, optimum));
        let proved = prove(&loads, &departures, &apart, assigned.cost_micros, 20).expect("the same question");
        prop_assert!(proved <= optimum, "{proved} > {optimum}");
        // Nor is more proved for whoever knows of no plan as cheap.
        let proved = prove(&loads, &departures, &apart, 2 * optimum + 1, 20).expect("the same question");
        prop_assert!(proved <= optimum, "{proved} > {optimum}");
    }
}

/// Loads that fill a few units, each with two to four departures to choose from; `classes` of them, the last two
/// apart, and so many cubic centimetres to a gram.
fn many(seed: u64, classes: u32, volume: (u64, u64)) -> (Vec<Load>, Vec<Departure>, Apart) {
    let mut shuffler = Shuffler::new(seed + 1);
    let mut between = |least: u64, most: u64| least + shuffler.below((most - least + 1) as usize) as u64;
    let departure = |at: u64| Departure {
        unit_weight_grams: 150_000 * (at % 3 + 1),
        unit_volume_cm3: 500_000 * (at % 3 + 1),
        units_max: 4,
        unit_cost_micros: 200_000 * (at % 3 + 1) + 10_000 * (at % 5),
    };
    let departures: Vec<Departure> = (0..5).map(departure).collect();
    let loads = (0..44).map(|at| {
        let weight_grams = between(5_000, 30_000);
        let first = between(0, 4) as usize;
        let choices = (0..between(2, 4) as usize).map(|step| Choice {
            departure: (first + step) % 5,
            cost_micros: weight_grams * between(8, 22) / 10,
        });
        Load {
            weight_grams,
            choices: choices.collect(),
            volume_cm3: weight_grams * between(volume.0, volume.1),
            class: at % classes,
            left_behind_micros: weight_grams * 8,
        }
    });
    let loads = loads.collect();
    let apart =
        if classes > 1 { [(classes - 2, classes - 1)].into_iter().collect() } else { Apart::nothing() };
    (loads, departures, apart)
}

#[test]
fn many_loads_cost_little_more_than_is_proved_be_they_bulky_or_apart() {
    for (classes, volume) in [(1, (3, 3)), (1, (1, 6)), (4, (3, 3)), (2, (2, 5))] {
        for seed in 0..3 {
            let (loads, departures, apart) = many(seed, classes, volume);
            let assigned = assign(&loads, &departures, &apart).expect("a question that can be answered");
            assert_valid(&loads, &departures, &apart, &assigned);
            let cost = assigned.cost_micros;
            let proved = prove(&loads, &departures, &apart, cost, 40).expect("the same question");
            assert!(100 * cost <= 105 * proved, "{classes}, {volume:?}, {seed}: {cost}, {proved}");
        }
    }
}

#[test]
fn companies_get_along_and_leave_nobody_out_however_many_classes_are_apart() {
    for classes in [1, 3, 6, 7, 20, 70_u32] {
        let apart: Apart = (1..classes).map(|class| (class, class / 3)).chain([(0, 0)]).collect();
        let loads: Vec<Load> = (0..classes + 2).map(|class| Load { class, ..load(1, &[1]) }).collect();
        let question = plan::Question::new(&loads, &[DEPARTURE], &apart);
        let kinds = kinds::Kinds::new(&question);
        for (one, kind) in kinds.of_load.iter().enumerate() {
            assert!(kinds.companies.iter().any(|company| company & kind != 0), "{classes}: {one}");
            for (other, other_kind) in kinds.of_load.iter().enumerate().filter(|(_, other)| *other != kind) {
                let together =
                    kinds.companies.iter().any(|company| company & kind != 0 && company & other_kind != 0);
                assert!(!together || !question.are_apart(one, other), "{classes}: {one}, {other}");
                assert!(
                    together || !kinds.are_all || question.are_apart(one, other),
                    "{classes}: {one}, {other}"
                );
            }
        }
    }
}

fn load(weight_grams: u64, costs: &[u64]) -> Load {
    let choices = costs.iter().enumerate();
    Load {
        weight_grams,
        volume_cm3: 0,
        class: 0,
        choices: choices.map(|(departure, cost)| Choice { departure, cost_micros: *cost }).collect(),
        left_behind_micros: 1_000,
    }
}

const DEPARTURE: Departure =
    Departure { unit_weight_grams: 100, unit_volume_cm3: 100, units_max: 2, unit_cost_micros: 50 };

fn assigned(loads: &[Load], departures: &[Departure]) -> Assigned {
    assign(loads, departures, &Apart::nothing()).expect("a question that can be answered")
}

#[test]
fn loads_share_a_unit_though_each_alone_would_choose_another_departure() {
    // Apart, they would cost 2 × (10 + 50); together 10 + 30 + 50.
    let loads = [load(50, &[10, 30]), load(50, &[30, 10])];
    let assigned = assigned(&loads, &[DEPARTURE, DEPARTURE]);
    assert_eq!((assigned.cost_micros, assigned.units.iter().sum::<u32>()), (90, 1));
}

#[test]
fn the_bound_of_loads_that_fill_their_units_is_what_they_cost() {
    let loads = [load(50, &[10]), load(50, &[30]), load(100, &[5])];
    let assigned = assigned(&loads, &[DEPARTURE]);
    assert_eq!((assigned.cost_micros, assigned.lower_bound_micros), (145, 145));
    // Where there is room for one unit only, two halves are worth more than a whole.
    let one_unit = Departure { units_max: 1, ..DEPARTURE };
    let proved = prove(&loads, &[one_unit], &Apart::nothing(), 2_000, 10).expect("the same question");
    assert!((1_085..=1_090).contains(&proved), "{proved}");
}

#[test]
fn nothing_costs_nothing_and_what_has_no_choice_stays_behind() {
    assert_eq!(assigned(&[], &[]).cost_micros, 0);
    let assigned = assigned(&[load(1, &[]), load(201, &[10])], &[DEPARTURE]);
    assert_eq!(assigned.departures, [None, None], "two units take 200");
    assert_eq!((assigned.cost_micros, assigned.lower_bound_micros), (2_000, 2_000));
}

#[test]
fn a_load_stays_behind_where_that_is_cheaper() {
    let mut cheap = load(1, &[10]);
    cheap.left_behind_micros = 59;
    assert_eq!(assigned(std::slice::from_ref(&cheap), &[DEPARTURE]).departures, [None]);
    cheap.left_behind_micros = 61;
    assert_eq!(assigned(&[cheap], &[DEPARTURE]).departures, [Some(0)]);
}

#[test]
fn volume_needs_units_as_weight_does() {
    let mut bulky = load(1, &[0]);
    bulky.volume_cm3 = 101;
    assert_eq!(assigned(&[bulky], &[DEPARTURE]).units, [2]);
}

#[test]
fn classes_that_are_apart_travel_on_different_departures() {
    let mut loads = [load(10, &[10, 300]), load(10, &[10, 300])];
    loads[1].class = 1;
    let apart = [(0, 1)].into_iter().collect();
    let assigned = assign(&loads, &[DEPARTURE, DEPARTURE], &apart).expect("a question that can be answered");
    assert_eq!(assigned.cost_micros, 10 + 300 + 2 * 50);
}

#[test]
fn a_question_that_makes_no_sense_is_refused() {
    let ask = |load: &Load, departure: Departure| {
        assign(std::slice::from_ref(load), &[departure], &Apart::nothing()).expect_err("a refusal")
    };
    let nowhere = load(1, &[1, 1]);
    assert_eq!(ask(&nowhere, DEPARTURE), CannotAssign::Choice { load: 0, departure: 1 });
    let mut twice = load(1, &[1]);
    twice.choices.push(twice.choices[0]);
    assert_eq!(ask(&twice, DEPARTURE), CannotAssign::Choice { load: 0, departure: 0 });
    assert_eq!(ask(&load(LARGEST + 1, &[]), DEPARTURE), CannotAssign::Load { load: 0 });
    for wrong in [
        Departure { unit_weight_grams: 0, ..DEPARTURE },
        Departure { units_max: UNITS_MAX + 1, ..DEPARTURE },
        Departure { unit_cost_micros: LARGEST + 1, ..DEPARTURE },
    ] {
        assert_eq!(ask(&load(1, &[]), wrong), CannotAssign::Departure { departure: 0 });
    }
}
