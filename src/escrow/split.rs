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
