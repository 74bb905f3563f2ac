//! What carriers' English wording says, one row a phrase.
//!
//! Most codes are too coarse for a timeline; the texts beside them tell more, and show where a code is wrong.
//! Gathered from the public tracking pages of DHL Express, Parcel DE and eCommerce (2024–2025), and of
//! the carriers that read by it. A phrase is matched in whole words, whatever the capitals and the punctuation.

pub use super::names::without_names;
use super::sender;
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

/// The first row that matches counts, so bad news stands before good:
/// `could not be delivered` must never be read as `delivered`.
const PHRASES: &[(&str, EventStatus)] = &[
    // Handed over after all, though somebody was not at home.
    ("delivered to neighbour", S::Delivered),
    ("delivered to neighbor", S::Delivered),
    ("delivered to a neighbour", S::Delivered),
    ("delivered to a neighbor", S::Delivered),
    ("left with neighbour", S::Delivered),
    ("left with a neighbour", S::Delivered),
    // At a shop or in a locker, until somebody fetches it.
    ("awaiting customer pickup", S::AvailableForCollection),
    ("awaiting customer pick up", S::AvailableForCollection),
    ("delivered to ups access point", S::AvailableForCollection),
    ("delivered to a ups access point", S::AvailableForCollection),
    ("ready for customer pickup", S::AvailableForCollection),
    ("held for customer pickup", S::AvailableForCollection),
    ("ready for recipient pickup", S::AvailableForCollection),
    // Handed over to where somebody has to go for it.
    ("delivered to collection point", S::AvailableForCollection),
    ("delivered to your nominated collection point", S::AvailableForCollection),
    ("delivered to local collect", S::AvailableForCollection),
    ("delivered to post office", S::AvailableForCollection),
    ("delivered to the post office", S::AvailableForCollection),
    // On the way back.
    ("returned to shipper", S::Returned),
    ("returned to sender", S::Returned),
    ("returned to the shipper", S::Returned),
    ("returned to the sender", S::Returned),
    ("returned to consignor", S::Returned),
    ("delivered to shipper", S::Returned),
    ("delivered to sender", S::Returned),
    ("to original sender", S::Returned),
    ("to the original sender", S::Returned),
    ("to original shipper", S::Returned),
    ("delivered back to sender", S::Returned),
    ("delivered back to the sender", S::Returned),
    ("return delivered", S::Returned),
    ("being returned", S::Returning),
    ("will be returned", S::Returning),
    ("return to shipper", S::Returning),
    ("return to sender", S::Returning),
    ("returning to sender", S::Returning),
    ("returning to shipper", S::Returning),
    ("returning package to shipper", S::Returning),
    ("return initiated", S::Returning),
    ("return shipment", S::Returning),
    ("returned", S::Returning),
    // The end of the goods.
    ("destroyed", S::Destroyed),
    ("disposed", S::Destroyed),
    ("abandoned", S::Destroyed),
    ("lost", S::Lost),
    ("damaged", S::Damaged),
    ("shipment cancelled", S::Cancelled),
    ("shipment canceled", S::Cancelled),
    ("information voided", S::Cancelled),
    ("label cancelled", S::Cancelled),
    ("label canceled", S::Cancelled),
    ("shipment has been cancelled", S::Cancelled),
    ("order cancelled", S::Cancelled),
    // Not handed over.
    ("partial delivery", S::Exception),
    ("partially delivered", S::Exception),
    ("delivery attempted", S::AttemptFailed),
    ("delivery attempt", S::AttemptFailed),
    ("attempted delivery", S::AttemptFailed),
    ("delivery not possible", S::AttemptFailed),
    ("delivery was not possible", S::AttemptFailed),
    ("delivery unsuccessful", S::AttemptFailed),
    ("unsuccessful delivery", S::AttemptFailed),
    ("delivery failed", S::AttemptFailed),
    ("could not be delivered", S::AttemptFailed),
    ("cannot be delivered", S::AttemptFailed),
    ("not delivered", S::AttemptFailed),
    ("undelivered", S::AttemptFailed),
    ("undeliverable", S::AttemptFailed),
    ("unable to deliver", S::AttemptFailed),
    ("recipient not home", S::AttemptFailed),
    ("recipient not available", S::AttemptFailed),
    ("consignee not available", S::AttemptFailed),
    ("recipient was not present", S::AttemptFailed),
    ("premises closed", S::AttemptFailed),
    ("business closed", S::AttemptFailed),
    ("refused delivery", S::AttemptFailed),
    ("delivery refused", S::AttemptFailed),
    ("delivery was refused", S::AttemptFailed),
    ("refused by recipient", S::AttemptFailed),
    ("refused by the recipient", S::AttemptFailed),
    ("refused this delivery", S::AttemptFailed),
    ("receiver was not available", S::AttemptFailed),
    ("receiver not available", S::AttemptFailed),
    ("customer not available", S::AttemptFailed),
    ("customer was not available", S::AttemptFailed),
    ("receiving business was closed", S::AttemptFailed),
    ("business was closed", S::AttemptFailed),
    ("attempt made", S::AttemptFailed),
    ("notice left", S::AttemptFailed),
    // Customs.
    ("held by customs", S::CustomsHeld),
    ("held at customs", S::CustomsHeld),
    ("held in customs", S::CustomsHeld),
    ("customs hold", S::CustomsHeld),
    ("clearance delay", S::CustomsHeld),
    ("customs clearance delay", S::CustomsHeld),
    ("customs inspection", S::CustomsHeld),
    ("uncontrollable clearance delay", S::CustomsHeld),
    ("pending release from a government agency", S::CustomsHeld),
    ("pending government agency release", S::CustomsHeld),
    ("clearance information required", S::CustomsHeld),
    ("clearance information needed", S::CustomsHeld),
    ("for clearance information", S::CustomsHeld),
    ("obtain clearance information", S::CustomsHeld),
    ("released by customs", S::CustomsReleased),
    ("released from customs", S::CustomsReleased),
    ("released by the customs agency", S::CustomsReleased),
    ("released by customs agency", S::CustomsReleased),
    ("released by the clearing agency", S::CustomsReleased),
    ("released by clearing agency", S::CustomsReleased),
    ("released from us customs", S::CustomsReleased),
    ("international shipment release", S::CustomsReleased),
    ("clearance completed", S::CustomsReleased),
    ("out of customs", S::CustomsReleased),
    ("cleared import customs", S::CustomsReleased),
    ("clearance processing complete", S::CustomsReleased),
    ("customs clearance complete", S::CustomsReleased),
    ("customs clearance completed", S::CustomsReleased),
    ("cleared customs", S::CustomsReleased),
    ("customs cleared", S::CustomsReleased),
    ("export customs", S::ExportCustoms),
    ("export clearance", S::ExportCustoms),
    ("clearance event", S::CustomsPresented),
    ("clearance in progress", S::CustomsPresented),
    ("available for clearance", S::CustomsPresented),
    ("into customs", S::CustomsPresented),
    ("customs status updated", S::CustomsPresented),
    ("customs clearance status updated", S::CustomsPresented),
    ("presented to customs", S::CustomsPresented),
    ("import customs", S::CustomsPresented),
    ("customs clearance", S::CustomsPresented),
    ("broker notified", S::CustomsPresented),
    // Waiting.
    ("available for collection", S::AvailableForCollection),
    ("available for pickup", S::AvailableForCollection),
    ("available for pick up", S::AvailableForCollection),
    ("ready for collection", S::AvailableForCollection),
    ("ready for pickup", S::AvailableForCollection),
    ("ready for pick up", S::AvailableForCollection),
    ("awaiting collection", S::AvailableForCollection),
    ("awaiting pick up by recipient", S::AvailableForCollection),
    ("can be picked up", S::AvailableForCollection),
    ("can be collected", S::AvailableForCollection),
    ("address information needed", S::Exception),
    ("address information required", S::Exception),
    ("pickup attempted", S::Exception),
    ("incorrect address", S::Exception),
    ("incomplete address", S::Exception),
    ("bad address", S::Exception),
    ("refused", S::AttemptFailed),
    ("on hold", S::Delayed),
    ("held", S::Delayed),
    ("delayed", S::Delayed),
    ("delay", S::Delayed),
    ("delivery exception", S::Exception),
    ("shipment exception", S::Exception),
    // To the door.
    ("out for delivery", S::OutForDelivery),
    ("with delivery courier", S::OutForDelivery),
    ("loaded onto the delivery vehicle", S::OutForDelivery),
    ("loaded on delivery vehicle", S::OutForDelivery),
    ("vehicle for delivery", S::OutForDelivery),
    ("recipient has picked up", S::Delivered),
    ("picked up by recipient", S::Delivered),
    ("picked up by the recipient", S::Delivered),
    ("collected by recipient", S::Delivered),
    ("collected by the recipient", S::Delivered),
    ("collected by consignee", S::Delivered),
    ("receiver picked up", S::Delivered),
    ("picked up by the receiver", S::Delivered),
    ("picked up at ups access point", S::Delivered),
    ("collected at service point", S::Delivered),
    ("collected from service point", S::Delivered),
    ("delivered", S::Delivered),
    ("signed for by", S::Delivered),
    // Before the journey.
    ("pickup scheduled", S::PickupScheduled),
    ("pick up scheduled", S::PickupScheduled),
    ("scheduled for pickup", S::PickupScheduled),
    ("pickup has been arranged", S::PickupScheduled),
    ("information received", S::InfoReceived),
    ("information was received", S::InfoReceived),
    ("instruction data", S::InfoReceived),
    ("electronic notification", S::InfoReceived),
    ("label created", S::InfoReceived),
    ("label printed", S::InfoReceived),
    ("created a label", S::InfoReceived),
    ("order processed ready for ups", S::InfoReceived),
    ("shipment ready for ups", S::InfoReceived),
    // On the journey.
    ("picked up", S::PickedUp),
    ("collected from shipper", S::PickedUp),
    ("collected from sender", S::PickedUp),
    ("posted by the sender", S::PickedUp),
    ("departed", S::Departed),
    ("left the country of origin", S::Departed),
    ("arrived", S::Arrived),
    ("in transit", S::InTransit),
    ("on the way", S::InTransit),
    ("on its way", S::InTransit),
];

/// Who took a parcel that was delivered. The first row that matches counts.
const RECIPIENTS: &[(&str, DeliveredTo)] = &[
    ("neighbour", DeliveredTo::Neighbour),
    ("neighbours", DeliveredTo::Neighbour),
    ("neighbor", DeliveredTo::Neighbour),
    ("neighbors", DeliveredTo::Neighbour),
    ("picked up", DeliveredTo::Collected),
    ("collected", DeliveredTo::Collected),
    ("packstation", DeliveredTo::Locker),
    ("locker", DeliveredTo::Locker),
    ("parcel box", DeliveredTo::Locker),
    ("paketbox", DeliveredTo::Locker),
    ("mailroom", DeliveredTo::Mailroom),
    ("mail room", DeliveredTo::Mailroom),
    ("reception", DeliveredTo::Mailroom),
    ("receptionist", DeliveredTo::Mailroom),
    ("front desk", DeliveredTo::Mailroom),
    ("concierge", DeliveredTo::Mailroom),
    ("household", DeliveredTo::Household),
    ("left with individual", DeliveredTo::Household),
    ("left with an individual", DeliveredTo::Household),
    ("family member", DeliveredTo::Household),
    ("spouse", DeliveredTo::Household),
    ("addressee", DeliveredTo::Addressee),
    ("to the recipient", DeliveredTo::Addressee),
    ("to recipient", DeliveredTo::Addressee),
    ("to the consignee", DeliveredTo::Addressee),
    ("to consignee", DeliveredTo::Addressee),
    ("original consignee", DeliveredTo::Addressee),
];

/// Words that take back what follows them closely: `will be delivered`, `not yet departed`.
const DOUBTS: &[&str] = &[
    "not",
    "cannot",
    "cant",
    "wont",
    "isnt",
    "wasnt",
    "hasnt",
    "havent",
    "didnt",
    "couldnt",
    "never",
    "no",
    "without",
    "unable",
    "failed",
    "before",
    "until",
    "if",
    "when",
    "once",
    "will",
    "would",
    "should",
    "expected",
    "scheduled",
    "planned",
    "be",
    "being",
];

/// How many words back a doubt reaches, within one clause.
const DOUBT_WORDS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Says(EventStatus),
    /// Something that is taken back, or put off, in the same breath.
    Doubted,
    Nothing,
}

pub fn meaning(texts: &[&str]) -> Meaning {
    let texts: Vec<String> = texts.iter().map(|text| words(text)).collect();
    sender::handed_back(&texts, by_phrases(&texts))
}

fn by_phrases(texts: &[String]) -> Meaning {
    let mut doubted = false;
    for (phrase, status) in PHRASES {
        for at in texts.iter().flat_map(|text| occurrences(text, phrase)) {
            if !can_be_doubted(*status) || !is_doubted(at) {
                return Meaning::Says(*status);
            }
            doubted = true;
        }
    }
    if doubted { Meaning::Doubted } else { Meaning::Nothing }
}

pub fn recipient(texts: &[&str]) -> DeliveredTo {
    let texts: Vec<String> = texts.iter().map(|text| words(text)).collect();
    RECIPIENTS
        .iter()
        .find(|(phrase, _)| texts.iter().any(|text| occurrences(text, phrase).next().is_some()))
        .map_or(DeliveredTo::Unspecified, |(_, to)| *to)
}

/// Whether one of the texts has the phrase in it, in whole words.
pub fn says(texts: &[&str], phrase: &str) -> bool {
    texts.iter().any(|text| occurrences(&words(text), phrase).next().is_some())
}

/// Small letters, one space between words, `|` between clauses, a space at both ends.
fn words(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 8);
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            '\'' | '’' => {}
            '.' | ',' | ';' | ':' | '!' => spaced.push_str(" | "),
            letter if letter.is_alphanumeric() => spaced.push(letter),
            _ => spaced.push(' '),
        }
    }
    format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What stands before each occurrence of `phrase` in whole words.
fn occurrences<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(phrase).filter_map(move |(at, _)| {
        let (before, after) = (&text[..at], &text[at + phrase.len()..]);
        (before.ends_with(' ') && after.starts_with(' ')).then_some(before)
    })
}

pub fn is_doubted(before: &str) -> bool {
    before
        .split_ascii_whitespace()
        .rev()
        .take_while(|word| *word != "|")
        .take(DOUBT_WORDS)
        .any(|word| DOUBTS.contains(&word))
}

/// Progress and endings are claims. Bad news stands however it is put: a false alarm
/// costs a look, a false delivery costs the buyer's money.
pub fn can_be_doubted(status: EventStatus) -> bool {
    match bearing(status) {
        Bearing::Onward | Bearing::Over => true,
        Bearing::Before | Bearing::Adverse => false,
    }
}

/// Which way a status points: what a status code must agree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// Nothing has moved yet.
    Before,
    /// Nearer to the consignee.
    Onward,
    /// Trouble, or the way back.
    Adverse,
    /// Handed over, to the consignee or back to the sender.
    Over,
}

pub fn bearing(status: EventStatus) -> Bearing {
    match status {
        S::InfoReceived | S::PickupScheduled => Bearing::Before,
        S::PickedUp
        | S::Departed
        | S::Arrived
        | S::InTransit
        | S::ExportCustoms
        | S::CustomsPresented
        | S::CustomsReleased
        | S::OutForDelivery
        | S::AvailableForCollection => Bearing::Onward,
        S::CustomsHeld
        | S::AttemptFailed
        | S::Returning
        | S::Delayed
        | S::Exception
        | S::Damaged
        | S::Lost
        | S::Destroyed
        | S::Cancelled
        | S::Unknown => Bearing::Adverse,
        S::Delivered | S::Returned => Bearing::Over,
    }
}
