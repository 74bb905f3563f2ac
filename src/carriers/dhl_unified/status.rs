//! Status code and texts of one event, taken together.
//!
//! The code is the carrier's own verdict, the texts its detail. Detail is believed
//! where it agrees with the code; where they contradict each other, nobody knows, and
//! the event is `unknown`. A `transit` that speaks of "delivered" releases no money.

use super::wire::Fields;
use crate::carriers::wording::{Bearing, Meaning, bearing, meaning, recipient};
use crate::domain::event::{DeliveredTo, EventStatus};

pub fn status(fields: &Fields) -> (EventStatus, Option<DeliveredTo>) {
    let texts = [fields.status.as_str(), fields.description.as_str()];
    let status = match fields.status_code.to_ascii_lowercase().as_str() {
        "pre-transit" => before(meaning(&texts)),
        "transit" => under_way(meaning(&texts)),
        "delivered" => over(meaning(&texts), meaning(&[&fields.remark])),
        "failure" => failed(meaning(&texts)),
        _ => EventStatus::Unknown,
    };
    let delivered_to = (status == EventStatus::Delivered).then(|| recipient(&texts));
    (status, delivered_to)
}

fn before(meaning: Meaning) -> EventStatus {
    match meaning {
        Meaning::Says(status) => match bearing(status) {
            Bearing::Before | Bearing::Adverse => status,
            Bearing::Onward => EventStatus::InfoReceived,
            Bearing::Over => EventStatus::Unknown,
        },
        Meaning::Doubted | Meaning::Nothing => EventStatus::InfoReceived,
    }
}

fn under_way(meaning: Meaning) -> EventStatus {
    match meaning {
        Meaning::Says(EventStatus::Delivered) => EventStatus::Unknown,
        Meaning::Says(status) => status,
        Meaning::Doubted | Meaning::Nothing => EventStatus::InTransit,
    }
}

/// A remark can only cast doubt: it is written for people, about anything.
fn over(meaning: Meaning, remark: Meaning) -> EventStatus {
    match meaning {
        Meaning::Says(ended @ (EventStatus::Returned | EventStatus::Damaged)) => ended,
        Meaning::Says(EventStatus::Delivered) | Meaning::Nothing => match remark {
            Meaning::Says(EventStatus::Delivered) | Meaning::Nothing => EventStatus::Delivered,
            Meaning::Says(_) | Meaning::Doubted => EventStatus::Unknown,
        },
        Meaning::Says(_) | Meaning::Doubted => EventStatus::Unknown,
    }
}

fn failed(meaning: Meaning) -> EventStatus {
    match meaning {
        Meaning::Says(EventStatus::Delivered) => EventStatus::Unknown,
        Meaning::Says(told @ (EventStatus::Returned | EventStatus::AvailableForCollection)) => told,
        Meaning::Says(status) => match bearing(status) {
            Bearing::Adverse => status,
            Bearing::Before | Bearing::Onward | Bearing::Over => EventStatus::Exception,
        },
        Meaning::Doubted | Meaning::Nothing => EventStatus::Exception,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: &str, description: &str) -> String {
        let (status, to) = status(&Fields {
            status_code: code.into(),
            description: description.into(),
            ..Fields::default()
        });
        to.map_or(status.to_string(), |to| format!("{status} {to}"))
    }

    #[test]
    fn wording_tells_more_where_it_agrees_with_the_code() {
        for (code, text, expected) in [
            ("pre-transit", "Shipment information received", "info_received"),
            ("pre-transit", "Pickup scheduled", "pickup_scheduled"),
            ("pre-transit", "Shipment picked up", "info_received"),
            ("transit", "Shipment picked up", "picked_up"),
            ("transit", "Processed at LEIPZIG - GERMANY", "in_transit"),
            ("transit", "Departed Facility in LEIPZIG - GERMANY", "departed"),
            ("transit", "Arrived at Sort Facility LEIPZIG - GERMANY", "arrived"),
            ("transit", "It has not yet arrived at the hub", "in_transit"),
            ("transit", "Scheduled for delivery", "in_transit"),
            ("transit", "Inspected and found undamaged", "in_transit"),
            ("transit", "The shipment will be delivered today", "in_transit"),
            ("transit", "Customs clearance status updated", "customs_presented"),
            ("transit", "Clearance processing complete at SHANGHAI", "customs_released"),
            ("transit", "Uncontrollable clearance delay", "customs_held"),
            ("transit", "Shipment on hold", "delayed"),
            ("transit", "With delivery courier", "out_for_delivery"),
            ("transit", "Delivery attempted; recipient not home", "attempt_failed"),
            ("transit", "Ready for pick-up at the Service Point", "available_for_collection"),
            ("transit", "The shipment will be returned to the sender", "returning"),
            ("transit", "Returned to shipper", "returned"),
            ("failure", "Delivery attempt unsuccessful", "attempt_failed"),
            ("failure", "Ready for collection", "available_for_collection"),
            ("failure", "Out for delivery", "exception"),
            ("failure", "Something new", "exception"),
            ("failure", "Parcel damaged", "damaged"),
            ("unknown", "Delivered", "unknown"),
            ("customs-cleared", "Cleared customs", "unknown"),
            ("", "Delivered", "unknown"),
        ] {
            assert_eq!(read(code, text), expected, "{code}: {text}");
        }
    }

    #[test]
    fn a_delivery_tells_to_whom() {
        for (text, expected) in [
            ("Delivered", "unspecified"),
            ("", "unspecified"),
            ("Delivered to the addressee", "addressee"),
            ("Delivered to a household member", "household"),
            ("Recipient not home, delivered to a neighbour", "neighbour"),
            ("Delivered into a parcel locker", "locker"),
            ("Delivered to the mailroom", "mailroom"),
            ("Delivered - Signed for by: RECEPTION", "mailroom"),
            ("The recipient has picked up the shipment from the PACKSTATION", "collected"),
            ("Collected at service point", "collected"),
        ] {
            assert_eq!(read("delivered", text), format!("delivered {expected}"), "{text}");
        }
    }

    #[test]
    fn a_contradiction_is_unknown_and_never_progress() {
        for (code, text) in [
            ("pre-transit", "DELIVERED"),
            ("pre-transit", "Returned to sender"),
            ("transit", "Delivered to the addressee"),
            ("transit", "Shipment delivered"),
            ("failure", "Delivered"),
            ("delivered", "Shipment on hold"),
            ("delivered", "Held at customs"),
            ("delivered", "The shipment is being returned"),
            ("delivered", "Could not be delivered"),
            ("delivered", "It was never delivered"),
            ("delivered", "It wasn't delivered"),
            ("delivered", "Out for delivery"),
            ("delivered", "Arrived at facility"),
            ("delivered", "Available for collection"),
            ("delivered", "Partial delivery"),
        ] {
            assert_eq!(read(code, text), "unknown", "{code}: {text}");
        }
    }

    #[test]
    fn what_came_back_to_its_sender_is_returned_whatever_the_code() {
        for text in ["Returned to sender", "Returned to shipper", "Delivered to shipper", "Return delivered"]
        {
            assert_eq!(read("delivered", text), "returned", "{text}");
        }
        assert_eq!(read("delivered", "Delivered, damaged"), "damaged");
    }

    #[test]
    fn a_remark_can_only_cast_doubt() {
        let with_remark = |code: &str, remark: &str| {
            let fields = Fields { status_code: code.into(), remark: remark.into(), ..Fields::default() };
            status(&fields).0
        };
        assert_eq!(with_remark("delivered", "Pending customs inspection"), EventStatus::Unknown);
        assert_eq!(with_remark("delivered", "Thank you"), EventStatus::Delivered);
        assert_eq!(with_remark("transit", "Delivered"), EventStatus::InTransit);
    }
}
