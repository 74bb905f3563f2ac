//! Money in parts that add up exactly.

/// `total_minor` in proportion to `weights`, by largest remainder: each part is its exact share
/// rounded down or up, and together they are the whole. Of equal remainders the earlier part gets
/// the unit. Where nobody has a weight, all have the same.
pub fn split(total_minor: i64, weights: &[u64]) -> Vec<i64> {
    let all: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if all == 0 {
        return if weights.is_empty() { Vec::new() } else { split(total_minor, &vec![1; weights.len()]) };
    }
    let total = u128::from(total_minor.unsigned_abs());
    let exact = |weight: &u64| total * u128::from(*weight);
    let mut parts: Vec<u128> = weights.iter().map(|weight| exact(weight) / all).collect();
    let left = total - parts.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(exact(&weights[*at]) % all));
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[at] += 1;
    }
    // No part is larger than the whole, which is an i64.
    let signed = |part: u128| i64::try_from(part).unwrap_or(i64::MAX) * total_minor.signum();
    parts.into_iter().map(signed).collect()
}

/// The same, with something in each part where there is enough: what is nothing can be neither released nor refunded.
pub fn split_among_all(total_minor: i64, weights: &[u64]) -> Vec<i64> {
    let mut parts = split(total_minor, weights);
    for at in 0..parts.len() {
        let largest = (0..parts.len()).rev().max_by_key(|at| parts[*at]);
        if let Some(largest) = largest.filter(|largest| parts[at] == 0 && parts[*largest] > 1) {
            parts[largest] -= 1;
            parts[at] = 1;
        }
    }
    parts
}

/// The same in steps of so many minor units, as whoever moves the money takes it. What is no whole number of steps is in
/// the largest part, so that the others can be moved.
pub fn split_among_all_in_steps(total_minor: i64, step_minor: i64, weights: &[u64]) -> Vec<i64> {
    let step_minor = step_minor.max(1);
    let mut parts = split_among_all(total_minor / step_minor, weights);
    for part in &mut parts {
        *part *= step_minor;
    }
    if let Some(largest) = parts.iter_mut().max() {
        *largest += total_minor % step_minor;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_remainders_get_what_is_left() {
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(10_001, &[5_000, 2_500, 2_501]), [5_000, 2_500, 2_501]);
        assert_eq!(split(7, &[0, 0]), [4, 3]);
        assert_eq!(split(5, &[0, 9]), [0, 5]);
        assert_eq!(split(5, &[]), Vec::<i64>::new());
    }

    #[test]
    fn what_is_taken_in_steps_is_split_in_steps() {
        assert_eq!(split_among_all_in_steps(10_000, 100, &[1, 1, 1]), [3_400, 3_300, 3_300]);
        assert_eq!(split_among_all_in_steps(200, 100, &[9_999, 1]), [100, 100]);
        assert_eq!(split_among_all_in_steps(10_001, 100, &[1, 9]), [1_000, 9_001]);
        assert_eq!(split_among_all_in_steps(500, 100, &[]), Vec::<i64>::new());
    }

    proptest! {
        #[test]
        fn nobody_goes_without_where_there_is_enough(
            total in 0_i64..200, weights in prop::collection::vec(0_u64..100, 1..12)
        ) {
            let parts = split_among_all(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            prop_assert_eq!(parts.iter().all(|part| *part > 0), total >= weights.len() as i64);
            if split(total, &weights).iter().all(|part| *part > 0) {
                prop_assert_eq!(parts, split(total, &weights));
            }
        }

        #[test]
        fn in_steps_each_part_is_a_whole_number_of_them_and_together_they_are_the_whole(
            steps in 0_i64..1_000_000, step in prop::sample::select(vec![1_i64, 10, 100, 1_000]), rest in 0_i64..1_000,
            weights in prop::collection::vec(0_u64..1_000, 1..12)
        ) {
            let whole = split_among_all_in_steps(steps * step, step, &weights);
            prop_assert_eq!(whole.iter().sum::<i64>(), steps * step);
            prop_assert!(whole.iter().all(|part| part % step == 0));
            let in_units: Vec<i64> = whole.iter().map(|part| part / step).collect();
            prop_assert_eq!(in_units, split_among_all(steps, &weights));
            let rest = rest % step;
            let uneven = split_among_all_in_steps(steps * step + rest, step, &weights);
            prop_assert_eq!(uneven.iter().sum::<i64>(), steps * step + rest);
            prop_assert!(uneven.iter().filter(|part| *part % step != 0).count() <= 1);
        }

        #[test]
        fn parts_add_up_and_are_within_one_of_their_exact_share(
            total in 0_i64.., weights in prop::collection::vec(0_u64.., 1..12)
        ) {
            let parts = split(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            let all: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights).filter(|_| all > 0) {
                let below = u128::from(total.unsigned_abs()) * u128::from(*weight) / all;
                prop_assert!((below..=below + 1).contains(&u128::from(part.unsigned_abs())));
            }
        }
    }
}
