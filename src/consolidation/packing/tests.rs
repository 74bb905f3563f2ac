//! Packing held against its limits, against brute force, and against sets that are known to be hard.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::effort::Shuffler;
use super::*;

fn by_weight(weights: &[u64]) -> Vec<Item> {
    weights.iter().map(|weight| Item { weight_grams: *weight, volume_cm3: 0, group: 0, class: 0 }).collect()
}

fn weight_only(weight_grams: u64) -> Limits {
    Limits { weight_grams, volume_cm3: None, parcels: None }
}

fn packed(weights: &[u64], limit: u64) -> Packed {
    pack(&by_weight(weights), &weight_only(limit), &Apart::nothing()).expect("parcels that fit")
}

fn apart(pairs: &[(u32, u32)]) -> Apart {
    pairs.iter().copied().collect()
}

/// May these travel in one bag?
fn go_together(items: &[Item], bag: &[usize], limits: &Limits, apart: &Apart) -> bool {
    let total = |of: fn(&Item) -> u64| bag.iter().map(|index| of(&items[*index])).sum::<u64>();
    let pairs_fit = bag.iter().enumerate().all(|(at, one)| {
        bag[at + 1..].iter().all(|other| {
            items[*one].group == items[*other].group && !apart.holds(items[*one].class, items[*other].class)
        })
    });
    pairs_fit
        && total(|item| item.weight_grams) <= limits.weight_grams
        && limits.volume_cm3.is_none_or(|limit| total(|item| item.volume_cm3) <= limit)
        && limits.parcels.is_none_or(|limit| bag.len() <= limit as usize)
}

fn assert_valid(items: &[Item], limits: &Limits, apart: &Apart, packed: &Packed) {
    let mut seen: Vec<usize> = packed.bags.iter().flatten().copied().collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..items.len()).collect::<Vec<_>>(), "each parcel once");
    for bag in &packed.bags {
        assert!(!bag.is_empty() && bag.is_sorted());
        assert!(go_together(items, bag, limits, apart), "{bag:?}");
    }
    assert!(packed.bags.is_sorted_by_key(|bag| bag[0]));
    assert!(packed.bags.len() >= packed.lower_bound, "{} < {}", packed.bags.len(), packed.lower_bound);
}

/// The fewest bags, by trying everything.
fn optimum(items: &[Item], limits: &Limits, apart: &Apart) -> usize {
    fn place(
        at: usize,
        bags: &mut Vec<Vec<usize>>,
        best: &mut usize,
        fits: &dyn Fn(&[usize]) -> bool,
        n: usize,
    ) {
        if bags.len() >= *best {
            return;
        }
        if at == n {
            *best = bags.len();
            return;
        }
        for bag in 0..bags.len() {
            bags[bag].push(at);
            if fits(&bags[bag]) {
                place(at + 1, bags, best, fits, n);
            }
            bags[bag].pop();
        }
        bags.push(vec![at]);
        place(at + 1, bags, best, fits, n);
        bags.pop();
    }
    let mut best = items.len() + 1;
    let fits = |bag: &[usize]| go_together(items, bag, limits, apart);
    place(0, &mut Vec::new(), &mut best, &fits, items.len());
    best
}

fn items(most: usize) -> impl Strategy<Value = Vec<Item>> {
    let item = (0..=30_u64, 0..=40_u64, 0..2_u32, 0..4_u32)
        .prop_map(|(weight_grams, volume_cm3, group, class)| Item { weight_grams, volume_cm3, group, class });
    vec(item, 0..=most)
}

fn limits() -> impl Strategy<Value = Limits> {
    (30..=60_u64, prop::option::of(40..=80_u64), prop::option::of(1..=5_u32))
        .prop_map(|(weight_grams, volume_cm3, parcels)| Limits { weight_grams, volume_cm3, parcels })
}

fn some_apart() -> impl Strategy<Value = Apart> {
    vec((0..4_u32, 0..4_u32), 0..4).prop_map(|pairs| apart(&pairs))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_parcel_travels_once_within_the_limits(items in items(60), limits in limits(), apart in some_apart()) {
        let packed = pack(&items, &limits, &apart).expect("parcels that fit");
        assert_valid(&items, &limits, &apart, &packed);
        prop_assert_eq!(&pack(&items, &limits, &apart).expect("the same"), &packed);
    }

    #[test]
    fn few_parcels_need_no_more_than_one_bag_above_the_optimum(
        items in items(8), limits in limits(), apart in some_apart()
    ) {
        let packed = pack(&items, &limits, &apart).expect("parcels that fit");
        let optimum = optimum(&items, &limits, &apart);
        prop_assert!(packed.lower_bound <= optimum, "{} > {optimum}", packed.lower_bound);
        prop_assert!(packed.bags.len() <= optimum + 1, "{} > {optimum} + 1", packed.bags.len());
    }

    #[test]
    fn the_order_of_the_parcels_does_not_move_the_bound(weights in vec(1..=100_u64, 1..60)) {
        let mut other = weights.clone();
        other.reverse();
        let (one, other) = (packed(&weights, 150), packed(&other, 150));
        prop_assert_eq!(one.lower_bound, other.lower_bound);
        prop_assert!(one.bags.len().abs_diff(other.bags.len()) <= 1);
    }
}

#[test]
fn nothing_needs_no_bag() {
    assert_eq!(packed(&[], 1), Packed { bags: Vec::new(), lower_bound: 0 });
    assert_eq!(packed(&[0, 0], 1).bags, [[0, 1]]);
}

#[test]
fn what_first_fit_decreasing_cannot_do_is_done() {
    let weights = [3, 3, 2, 2, 2, 2];
    let items = by_weight(&weights);
    let nothing = Apart::nothing();
    let problem = Problem::new(&items, &[0, 1, 2, 3, 4, 5], &weight_only(7), &nothing);
    // Both threes into one bag, and then there is one two too many.
    assert_eq!(first_fit::best_of_orders(&problem, 2).len(), 3);
    assert_eq!(packed(&weights, 7).bags.len(), 2);
}

#[test]
fn triplets_that_fill_their_bags_exactly_are_found() {
    let mut shuffler = Shuffler::new(3);
    let mut weights = Vec::new();
    for _ in 0..20 {
        let first = 380 + shuffler.below(111) as u64;
        let second = 250 + shuffler.below(((1_000 - first) / 2 - 250) as usize + 1) as u64;
        weights.extend([first, second, 1_000 - first - second]);
    }
    weights.sort_by_key(|weight| weight * 7_919 % 1_009);
    assert_eq!(packed(&weights, 1_000).bags.len(), 20);
}

#[test]
fn the_bound_knows_what_cannot_share_a_bag() {
    // Three of six tenths: the weight alone would go into two bags.
    assert_eq!(packed(&[6, 6, 6], 10).lower_bound, 3);
    // Two of four tenths go together, three do not.
    assert_eq!(packed(&[4, 4, 4, 4, 4], 10).lower_bound, 3);
    let limits = Limits { parcels: Some(2), ..weight_only(1_000) };
    assert_eq!(pack(&by_weight(&[1; 7]), &limits, &Apart::nothing()).expect("light parcels").lower_bound, 4);
}

#[test]
fn classes_that_are_apart_from_themselves_travel_alone() {
    let mut items = by_weight(&[1; 6]);
    for (index, class) in [1, 1, 2, 2, 3, 3].into_iter().enumerate() {
        items[index].class = class;
    }
    let packed = pack(&items, &weight_only(10), &apart(&[(1, 1), (2, 1)])).expect("light parcels");
    // One bag for each of the first two, one for the third and fourth; the rest goes anywhere.
    assert_eq!((packed.bags.len(), packed.lower_bound), (3, 3));
}

#[test]
fn groups_do_not_mix_and_their_bounds_add_up() {
    let mut items = by_weight(&[6, 4, 6, 4]);
    items[1].group = 1;
    items[3].group = 7;
    let packed = pack(&items, &weight_only(20), &Apart::nothing()).expect("light parcels");
    assert_eq!(packed, Packed { bags: vec![vec![0, 2], vec![1], vec![3]], lower_bound: 3 });
}

#[test]
fn all_parcels_that_fit_nowhere_are_named() {
    let mut items = by_weight(&[11, 3, 12]);
    items[1].volume_cm3 = 6;
    items[2].volume_cm3 = 9;
    let limits = Limits { volume_cm3: Some(5), ..weight_only(10) };
    let too_large = |item, measure| TooLarge { item, measure };
    let error = pack(&items, &limits, &Apart::nothing()).expect_err("parcels that do not fit");
    let all = [(0, Measure::Weight), (1, Measure::Volume), (2, Measure::Weight), (2, Measure::Volume)];
    assert_eq!(error, CannotPack::TooLarge(all.map(|(item, measure)| too_large(item, measure)).to_vec()));
    assert!(error.to_string().contains("number 0 by its weight"), "{error}");
}

#[test]
fn a_bag_that_takes_nothing_is_refused() {
    for (limits, measure) in [
        (weight_only(0), Measure::Weight),
        (weight_only(LARGEST + 1), Measure::Weight),
        (Limits { volume_cm3: Some(0), ..weight_only(1) }, Measure::Volume),
        (Limits { parcels: Some(0), ..weight_only(1) }, Measure::Parcels),
    ] {
        assert_eq!(pack(&[], &limits, &Apart::nothing()), Err(CannotPack::Limit(measure)));
    }
}

#[test]
fn the_largest_numbers_are_added_without_a_crash() {
    let items = by_weight(&[LARGEST; 5]);
    let limits = Limits { volume_cm3: Some(LARGEST), parcels: Some(u32::MAX), weight_grams: LARGEST };
    assert_eq!(pack(&items, &limits, &Apart::nothing()).expect("parcels that fit").bags.len(), 5);
}

#[test]
fn very_many_small_parcels_share_few_bags() {
    let weights: Vec<u64> = (0..5_000).map(|index| index % 3).collect();
    let packed = packed(&weights, 2_000);
    assert_eq!((packed.bags.len(), packed.lower_bound), (3, 3));
}
