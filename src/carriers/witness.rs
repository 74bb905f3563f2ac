//! A code and a text about one event, and what can be believed of both.
//!
//! The code is the carrier's verdict, the text its detail. Detail counts where it fits the verdict; bad
//! news counts wherever it stands; a delivery counts only if nobody contradicts it.

use super::codes::Row;
use super::wording::{Bearing, Meaning, bearing};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

/// `row`: what the adapter's table says of the code; an unknown code stays unknown, whatever the text.
/// `to`: who took it by the text.
pub fn agreed(row: Option<&Row>, said: Meaning, to: DeliveredTo) -> (EventStatus, Option<DeliveredTo>) {
    let Some(row) = row else { return (S::Unknown, None) };
    let status = status(row.status, said);
    let by_code = row.delivered_to.unwrap_or(DeliveredTo::Unspecified);
    (status, (status == S::Delivered).then(|| taker(by_code, to)))
}

/// What a text alone can say, where there is no code: anything but that money may move.
pub fn without_code(said: Meaning) -> EventStatus {
    match said {
        Meaning::Says(S::Delivered) | Meaning::Doubted | Meaning::Nothing => S::Unknown,
        Meaning::Says(status) => status,
    }
}

fn status(code: EventStatus, said: Meaning) -> EventStatus {
    match (code, said) {
        (S::Unknown, _) => S::Unknown,
        (S::Delivered, Meaning::Says(S::Delivered) | Meaning::Nothing) => S::Delivered,
        (S::Delivered, Meaning::Says(instead @ (S::Returned | S::Damaged))) => instead,
        (S::Delivered, Meaning::Says(_) | Meaning::Doubted) => S::Unknown,
        (code, Meaning::Doubted | Meaning::Nothing) => code,
        // At its sender's: texts often say no more than "delivered".
        (S::Returned, Meaning::Says(S::Delivered)) => S::Returned,
        (_, Meaning::Says(S::Delivered)) => S::Unknown,
        (code, Meaning::Says(told)) => match bearing(code) {
            Bearing::Before => before(code, told),
            Bearing::Onward => onward(code, told),
            Bearing::Adverse => adverse(code, told),
            Bearing::Over => over(code, told),
        },
    }
}

fn before(code: EventStatus, told: EventStatus) -> EventStatus {
    match bearing(told) {
        Bearing::Before | Bearing::Adverse => told,
        Bearing::Onward => code,
        Bearing::Over => S::Unknown,
    }
}

/// No further than both say.
fn onward(code: EventStatus, told: EventStatus) -> EventStatus {
    match bearing(told) {
        Bearing::Before | Bearing::Adverse | Bearing::Over => told,
        Bearing::Onward if code == S::InTransit => told,
        Bearing::Onward => code,
    }
}

fn adverse(code: EventStatus, told: EventStatus) -> EventStatus {
    let is_mild = matches!(code, S::Exception | S::Delayed | S::AttemptFailed | S::CustomsHeld);
    let is_grave =
        matches!(told, S::Returning | S::Returned | S::Lost | S::Damaged | S::Destroyed | S::Cancelled);
    match (code, told) {
        (S::Exception, S::AvailableForCollection) => told,
        (S::Exception, told) if bearing(told) == Bearing::Adverse => told,
        (S::Returning, S::Returned) => told,
        (_, told) if is_mild && is_grave => told,
        (code, _) => code,
    }
}

/// Back at its sender's, or still on the way there.
fn over(code: EventStatus, told: EventStatus) -> EventStatus {
    if told == S::Returning { told } else { code }
}

/// Where the two name different people, the one further from the addressee; between strangers, nobody knows.
fn taker(by_code: DeliveredTo, by_text: DeliveredTo) -> DeliveredTo {
    use DeliveredTo as To;
    match (by_code, by_text) {
        (one, other) if one == other => one,
        (To::Unspecified, other) | (other, To::Unspecified) => other,
        (To::Addressee, other) | (other, To::Addressee) => other,
        // Left there first, then fetched.
        (To::Locker, To::Collected) | (To::Collected, To::Locker) => To::Collected,
        _ => To::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::wording::{meaning, recipient};

    fn read(status: EventStatus, text: &str) -> EventStatus {
        let delivered_to = (status == S::Delivered).then_some(DeliveredTo::Unspecified);
        let row = Row { status, delivered_to, cancels: None, meaning: String::new() };
        agreed(Some(&row), meaning(&[text]), recipient(&[text])).0
    }

    #[test]
    fn detail_counts_where_it_fits_the_verdict() {
        for (code, text, expected) in [
            (S::InfoReceived, "Label created", S::InfoReceived),
            (S::InfoReceived, "Arrived at facility", S::InfoReceived),
            (S::InfoReceived, "Shipment has been cancelled", S::Cancelled),
            (S::InTransit, "", S::InTransit),
            (S::InTransit, "Arrived at facility", S::Arrived),
            (S::InTransit, "It has not yet arrived", S::InTransit),
            (S::Departed, "Arrived at facility", S::Departed),
            (S::PickedUp, "Label created", S::InfoReceived),
            (S::OutForDelivery, "Delivery attempted", S::AttemptFailed),
            (S::InTransit, "Returned to sender", S::Returned),
            (S::Exception, "Parcel damaged", S::Damaged),
            (S::Exception, "Ready for collection", S::AvailableForCollection),
            (S::Exception, "Arrived at facility", S::Exception),
            (S::AttemptFailed, "Being returned to the shipper", S::Returning),
            (S::AttemptFailed, "Shipment on hold", S::AttemptFailed),
            (S::Lost, "Shipment on hold", S::Lost),
            (S::Returning, "Returned to sender", S::Returned),
            (S::Returned, "It will be returned to its sender", S::Returning),
            (S::Returned, "Delivered", S::Returned),
            (S::Delivered, "", S::Delivered),
            (S::Delivered, "Delivered, front desk", S::Delivered),
            (S::Delivered, "Delivered to sender", S::Returned),
        ] {
            assert_eq!(read(code, text), expected, "{code}: {text}");
        }
    }

    #[test]
    fn a_contradicted_delivery_is_none_whoever_contradicts() {
        for code in EventStatus::ALL {
            if !matches!(code, S::Delivered | S::Returned) {
                assert_eq!(read(*code, "Delivered to the addressee"), S::Unknown, "{code}");
            }
        }
        for text in ["Could not be delivered", "Will be delivered", "On hold", "Arrived", "Label created"] {
            assert_eq!(read(S::Delivered, text), S::Unknown, "{text}");
        }
        assert_eq!(without_code(meaning(&["Delivered"])), S::Unknown);
        assert_eq!(without_code(meaning(&["Departed facility"])), S::Departed);
        assert_eq!(agreed(None, meaning(&["Delivered"]), DeliveredTo::Addressee), (S::Unknown, None));
    }

    #[test]
    fn of_two_takers_the_one_further_from_the_addressee_counts() {
        use DeliveredTo as To;
        for (code, text, expected) in [
            (To::Unspecified, To::Locker, To::Locker),
            (To::Neighbour, To::Unspecified, To::Neighbour),
            (To::Addressee, To::Unspecified, To::Addressee),
            (To::Addressee, To::Mailroom, To::Mailroom),
            (To::Locker, To::Collected, To::Collected),
            (To::Neighbour, To::Locker, To::Unspecified),
        ] {
            assert_eq!((taker(code, text), taker(text, code)), (expected, expected));
        }
    }
}
