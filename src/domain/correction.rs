//! Events that take back earlier ones.

use super::event::Happening;

/// For each of `happenings`, the later one that takes it back, if any: the same source says so. What takes
/// back takes the latest one with the code it names that nothing else took back. The order that they come
/// in makes no difference.
pub fn taken_back(happenings: &[&Happening]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..happenings.len()).collect();
    let key = |at: &usize| {
        let one = happenings[*at];
        (one.occurred.at, one.cancels.is_some(), &one.code, &one.description, &one.occurred.local_time)
    };
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut taken = vec![None; happenings.len()];
    for (place, at) in order.iter().enumerate() {
        let Some(code) = &happenings[*at].cancels else { continue };
        let earlier = order[..place].iter().rev();
        let meant =
            earlier.copied().find(|earlier| taken[*earlier].is_none() && happenings[*earlier].code == *code);
        if let Some(meant) = meant {
            taken[meant] = Some(*at);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{EventLocation, EventStatus, Occurred, OffsetSource};
    use crate::domain::instant::from_micros;

    fn happening(hour: i64, code: &str, cancels: Option<&str>) -> Happening {
        let at = from_micros(hour * 3_600_000_000);
        Happening {
            status: EventStatus::Unknown,
            delivered_to: None,
            occurred: Occurred { at, local_time: at.to_rfc3339(), offset_source: OffsetSource::Carrier },
            code: code.to_owned(),
            description: String::new(),
            location: EventLocation::default(),
            cancels: cancels.map(str::to_owned),
        }
    }

    #[test]
    fn the_latest_event_of_that_code_before_it_is_taken_back_once() {
        let all = [
            happening(9, "I", None),
            happening(1, "I", None),
            happening(2, "I", None),
            happening(3, "not I", Some("I")),
            happening(4, "not I", Some("I")),
            happening(5, "not I", Some("I")),
        ];
        let whole: Vec<&Happening> = all.iter().collect();
        assert_eq!(taken_back(&whole), [None, Some(4), Some(3), None, None, None]);
        let once: Vec<&Happening> = all[..4].iter().rev().collect();
        assert_eq!(taken_back(&once), [None, Some(0), None, None]);
    }
}
