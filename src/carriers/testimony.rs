//! A code and the text beside it, taken together.
//!
//! The code is the carrier's verdict, the text its detail and a second witness. Where the text is the one
//! that belongs to the code there is nothing to weigh. Detail is believed where it points the same way as the
//! code; worse news is believed wherever it stands; what contradicts itself about an ending is `unknown`.

use super::codes::Row;
use super::wording::{Bearing, Meaning, bearing};
use crate::domain::event::{DeliveredTo, EventStatus};

/// `meaning`: of the text, which names whom it was `told` to be handed to.
pub fn agreed(
    row: Option<&Row>,
    text: &str,
    meaning: Meaning,
    told: DeliveredTo,
) -> (EventStatus, Option<DeliveredTo>) {
    let Some(row) = row else { return (EventStatus::Unknown, None) };
    let meaning = if is_same(text, &row.meaning) { Meaning::Nothing } else { meaning };
    let status = match bearing(row.status) {
        _ if row.status == EventStatus::Unknown => EventStatus::Unknown,
        Bearing::Over => over(row.status, meaning),
        Bearing::Before | Bearing::Onward => onward(row.status, meaning),
        Bearing::Adverse => adverse(row.status, meaning),
    };
    (status, (status == EventStatus::Delivered).then(|| to_whom(row.delivered_to, told)))
}

/// In the same words, whatever stands between them.
fn is_same(text: &str, meaning: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    letters(text) == letters(meaning)
}

/// The code may be coarser than the text; two that name different people name nobody.
fn to_whom(by_code: Option<DeliveredTo>, told: DeliveredTo) -> DeliveredTo {
    match by_code {
        None | Some(DeliveredTo::Unspecified) => told,
        Some(to) if told == to || told == DeliveredTo::Unspecified => to,
        Some(_) => DeliveredTo::Unspecified,
    }
}

fn over(status: EventStatus, meaning: Meaning) -> EventStatus {
    let is_returned = status == EventStatus::Returned;
    match meaning {
        Meaning::Nothing => status,
        Meaning::Says(EventStatus::Returned) => EventStatus::Returned,
        Meaning::Says(EventStatus::Damaged) => EventStatus::Damaged,
        // Handed over, to the sender.
        Meaning::Says(EventStatus::Delivered | EventStatus::Returning) if is_returned => status,
        Meaning::Says(EventStatus::Delivered) => status,
        Meaning::Says(_) | Meaning::Doubted => EventStatus::Unknown,
    }
}

fn onward(status: EventStatus, meaning: Meaning) -> EventStatus {
    match meaning {
        Meaning::Nothing | Meaning::Doubted => status,
        Meaning::Says(told) => match bearing(told) {
            Bearing::Over => EventStatus::Unknown,
            Bearing::Adverse => told,
            Bearing::Onward if status == EventStatus::InTransit => told,
            Bearing::Before | Bearing::Onward => status,
        },
    }
}

fn adverse(status: EventStatus, meaning: Meaning) -> EventStatus {
    let is_vague = matches!(status, EventStatus::Exception | EventStatus::Delayed);
    match meaning {
        Meaning::Says(EventStatus::Delivered) => EventStatus::Unknown,
        Meaning::Says(EventStatus::Returned) if is_vague => EventStatus::Returning,
        Meaning::Says(told) if is_vague && bearing(told) == Bearing::Adverse => told,
        Meaning::Says(_) | Meaning::Nothing | Meaning::Doubted => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EventStatus as S;

    fn read(status: S, meaning: Meaning) -> S {
        let delivered_to = (status == S::Delivered).then_some(DeliveredTo::Unspecified);
        let row = Row { status, delivered_to, cancels: None, meaning: String::new() };
        agreed(Some(&row), "something", meaning, DeliveredTo::Unspecified).0
    }

    #[test]
    fn only_two_that_agree_deliver() {
        let says = Meaning::Says;
        for status in EventStatus::ALL.iter().copied() {
            for told in EventStatus::ALL.iter().copied() {
                let delivers = read(status, says(told)) == S::Delivered;
                assert_eq!(delivers, (status, told) == (S::Delivered, S::Delivered), "{status} {told}");
            }
            assert_eq!(read(status, Meaning::Nothing), status);
            assert_ne!(
                read(status, Meaning::Doubted),
                if status == S::Delivered { status } else { S::Delivered }
            );
        }
        assert_eq!(agreed(None, "", says(S::Delivered), DeliveredTo::Locker), (S::Unknown, None));
    }

    #[test]
    fn worse_news_is_believed_and_detail_where_it_points_the_same_way() {
        for (status, told, expected) in [
            (S::InTransit, S::OutForDelivery, S::OutForDelivery),
            (S::InTransit, S::Returning, S::Returning),
            (S::OutForDelivery, S::Returned, S::Unknown),
            (S::OutForDelivery, S::Arrived, S::OutForDelivery),
            (S::Exception, S::Damaged, S::Damaged),
            (S::Exception, S::Returned, S::Returning),
            (S::Returning, S::Returned, S::Returning),
            (S::Returned, S::Delivered, S::Returned),
            (S::Delivered, S::Returned, S::Returned),
            (S::Delivered, S::Returning, S::Unknown),
            (S::AvailableForCollection, S::Delivered, S::Unknown),
        ] {
            assert_eq!(read(status, Meaning::Says(told)), expected, "{status} {told}");
        }
    }

    #[test]
    fn the_text_that_belongs_to_the_code_needs_no_reading() {
        let row = Row {
            status: S::AttemptFailed,
            delivered_to: None,
            cancels: None,
            meaning: "Delivered late - no answer".into(),
        };
        let status = |text| agreed(Some(&row), text, Meaning::Says(S::Delivered), DeliveredTo::Unspecified).0;
        assert_eq!(status("DELIVERED LATE (no answer)"), S::AttemptFailed);
        assert_eq!(status("Delivered late"), S::Unknown);
    }

    #[test]
    fn who_took_it_is_said_by_both_or_by_one() {
        use DeliveredTo as To;
        for (by_code, told, expected) in [
            (To::Unspecified, To::Locker, To::Locker),
            (To::Neighbour, To::Unspecified, To::Neighbour),
            (To::Neighbour, To::Neighbour, To::Neighbour),
            (To::Addressee, To::Neighbour, To::Unspecified),
        ] {
            assert_eq!(to_whom(Some(by_code), told), expected);
        }
    }
}
