//! Status code and texts of one event, taken together.
//!
//! The code is the carrier's own verdict, the texts its detail, and weighed as with any carrier. `delivered`
//! is also what DHL calls a parcel that it left at a shop, or with another carrier, or of which a part is
//! missing: the texts beside the code say so, and only they.

use std::sync::LazyLock;

use super::wire::Fields;
use crate::carriers::codes::Codes;
use crate::carriers::verdict::{agreed, agreed_by_row};
use crate::carriers::wording::{Lexicon, Meaning, meaning, recipient};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

/// Deliveries that are none, the worst first. From DHL's reasons beside `delivered` (combinations of event and
/// reason of DHL Parcel DE, July 2024, as open-logistics-tracking/OLTS lists them, CC BY 4.0) and its tracking pages.
const ELSEWHERE: &[(&str, EventStatus)] = &[
    ("confiscated", S::Exception),
    ("confiscation", S::Exception),
    ("seized", S::Exception),
    ("incomplete", S::Exception),
    ("not complete", S::Exception),
    ("accsi", S::Exception),
    ("wrong address", S::Exception),
    ("wrong recipient", S::Exception),
    ("wrong receiver", S::Exception),
    ("wrong consignee", S::Exception),
    ("cancelled", S::Cancelled),
    ("canceled", S::Cancelled),
    ("hndtc", S::InTransit),
    ("handover to carrier", S::InTransit),
    ("handed over to carrier", S::InTransit),
    ("handover to partner", S::InTransit),
    ("for final delivery", S::InTransit),
    ("for onward delivery", S::InTransit),
    ("serpt", S::AvailableForCollection),
    ("parcelshop", S::AvailableForCollection),
    ("parcel shop", S::AvailableForCollection),
    ("packet shop", S::AvailableForCollection),
    ("partner shop", S::AvailableForCollection),
    ("servicepoint", S::AvailableForCollection),
    ("service point", S::AvailableForCollection),
    ("pickup point", S::AvailableForCollection),
    ("pick up point", S::AvailableForCollection),
    ("collection point", S::AvailableForCollection),
    ("access point", S::AvailableForCollection),
    ("retail outlet", S::AvailableForCollection),
    ("retail location", S::AvailableForCollection),
    ("post office", S::AvailableForCollection),
];

/// To whom DHL hands on what is not there yet. `By` one of them it is.
const HANDED_ON: &[&str] = &[
    "3rd party",
    "agent",
    "another carrier",
    "customs",
    "delivery agent",
    "delivery partner",
    "local postal operator",
    "partner",
    "partner carrier",
    "postal operator",
    "third party",
];

const ARTICLES: [&str; 6] = ["", "a ", "an ", "the ", "our ", "its "];

pub fn status(fields: &Fields) -> (EventStatus, Option<DeliveredTo>) {
    let texts = [fields.status.as_str(), fields.description.as_str()];
    let row = CODES.get(&fields.status_code.to_ascii_lowercase());
    let words = meaning(&texts);
    let code = row.map_or(S::Unknown, |row| row.status);
    let is_delivery = match words {
        Meaning::Says(told) => told == S::Delivered,
        Meaning::Nothing => code == S::Delivered,
        Meaning::Doubted => false,
    };
    match is_delivery.then(|| elsewhere(&texts)).flatten() {
        Some(told) if code == S::Delivered => (told, None),
        Some(told) => (agreed(code, Meaning::Says(told)), None),
        None if code == S::Delivered && is_doubted(&fields.remark) => {
            (agreed(agreed(code, words), Meaning::Doubted), None)
        }
        None => agreed_by_row(row, words, recipient(&texts)),
    }
}

static ELSEWHERE_NAMED: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::new(ELSEWHERE.iter().map(|(phrase, _)| *phrase)));
static HANDED_ON_TO: LazyLock<Lexicon> = LazyLock::new(|| {
    let to = |whom: &'static str| ARTICLES.iter().map(move |article| format!("to {article}{whom}"));
    Lexicon::new(HANDED_ON.iter().flat_map(|whom| to(whom)))
});

fn elsewhere(texts: &[&str]) -> Option<EventStatus> {
    let listed = ELSEWHERE_NAMED.first(texts).map(|row| ELSEWHERE[row].1);
    let status = listed.or_else(|| HANDED_ON_TO.first(texts).map(|_| S::InTransit))?;
    // Where it waited is where it was fetched.
    let is_fetched = status == S::AvailableForCollection && recipient(texts) == DeliveredTo::Collected;
    (!is_fetched).then_some(status)
}

/// A remark can only cast doubt: it is written for people, about anything.
fn is_doubted(remark: &str) -> bool {
    let is_silent = matches!(meaning(&[remark]), Meaning::Says(S::Delivered) | Meaning::Nothing);
    !is_silent || elsewhere(&[remark]).is_some()
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
    fn what_was_left_at_a_shop_or_with_another_carrier_is_not_delivered() {
        for (text, expected) in [
            ("Delivered to ParcelShop", "available_for_collection"),
            ("The shipment was delivered to a DHL ServicePoint", "available_for_collection"),
            ("DHL Service Point", "available_for_collection"),
            ("Delivered to the pick-up point", "available_for_collection"),
            ("Delivered to retail outlet", "available_for_collection"),
            ("Delivered to the partner carrier for final delivery", "in_transit"),
            ("Handover to carrier", "in_transit"),
            ("HNDTC", "in_transit"),
            ("Delivered to an agent", "in_transit"),
            ("Delivered to customs", "in_transit"),
            ("Delivered by our delivery partner", "delivered unspecified"),
            ("Delivered, shipment incomplete", "exception"),
            ("Confiscated", "exception"),
            ("Delivered to wrong address", "exception"),
            ("Shipment order canceled", "cancelled"),
        ] {
            assert_eq!(read("delivered", text), expected, "{text}");
        }
        assert_eq!(read("transit", "Delivered to ParcelShop"), "available_for_collection");
        assert_eq!(read("pre-transit", "Delivered to ParcelShop"), "info_received");
        assert_eq!(read("delivered", "Picked up by the recipient at the ParcelShop"), "delivered collected");
        assert_eq!(read("delivered", "JESSICA"), "delivered unspecified");
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
        assert_eq!(with_remark("delivered", "Please fetch it at the ParcelShop"), EventStatus::Unknown);
        assert_eq!(with_remark("delivered", "Thank you"), EventStatus::Delivered);
        assert_eq!(with_remark("transit", "Delivered"), EventStatus::InTransit);
    }
}
