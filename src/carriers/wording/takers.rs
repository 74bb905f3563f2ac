//! To whom, or to what, "delivered to …" hands a parcel over.
//!
//! Handing over to another carrier, to a shop or back to the sender is filed under the word that also ends a
//! journey. What stands behind `to` has to be known as the consignee's side: nobody knows whose a name is,
//! or a company's. Behind `at` and `in` stands a place as a rule, and behind `signed by` a name: there only what is
//! known to be no end takes the claim back.

use super::{Found, Meaning, occurrences};
use crate::domain::event::EventStatus as S;

/// These are no end. The first row that matches counts.
const ELSEWHERE: &[(&str, Meaning)] = &[
    ("sender", Meaning::Says(S::Returned)),
    ("senders", Meaning::Says(S::Returned)),
    ("shipper", Meaning::Says(S::Returned)),
    ("shippers", Meaning::Says(S::Returned)),
    ("consignor", Meaning::Says(S::Returned)),
    ("seller", Meaning::Says(S::Returned)),
    ("sellers", Meaning::Says(S::Returned)),
    ("merchant", Meaning::Says(S::Returned)),
    ("merchants", Meaning::Says(S::Returned)),
    ("retailer", Meaning::Says(S::Returned)),
    ("vendor", Meaning::Says(S::Returned)),
    ("supplier", Meaning::Says(S::Returned)),
    ("returns", Meaning::Says(S::Returned)),
    ("wrong", Meaning::Says(S::Exception)),
    ("incorrect", Meaning::Says(S::Exception)),
    ("another address", Meaning::Says(S::Exception)),
    ("carrier", Meaning::Doubted),
    ("carriers", Meaning::Doubted),
    ("courier", Meaning::Doubted),
    ("partner", Meaning::Doubted),
    ("agent", Meaning::Doubted),
    ("broker", Meaning::Doubted),
    ("customs", Meaning::Doubted),
    ("airline", Meaning::Doubted),
    ("airport", Meaning::Doubted),
    ("facility", Meaning::Doubted),
    ("depot", Meaning::Doubted),
    ("hub", Meaning::Doubted),
    ("terminal", Meaning::Doubted),
    ("gateway", Meaning::Doubted),
    ("sorting", Meaning::Doubted),
    ("delivery office", Meaning::Doubted),
    ("office of exchange", Meaning::Doubted),
    ("for final delivery", Meaning::Doubted),
    ("pick up", Meaning::Says(S::AvailableForCollection)),
    ("pickup", Meaning::Says(S::AvailableForCollection)),
    ("collection", Meaning::Says(S::AvailableForCollection)),
    ("access point", Meaning::Says(S::AvailableForCollection)),
    ("service point", Meaning::Says(S::AvailableForCollection)),
    ("relay point", Meaning::Says(S::AvailableForCollection)),
    ("drop point", Meaning::Says(S::AvailableForCollection)),
    ("parcel shop", Meaning::Says(S::AvailableForCollection)),
    ("parcelshop", Meaning::Says(S::AvailableForCollection)),
    ("shop", Meaning::Says(S::AvailableForCollection)),
    ("store", Meaning::Says(S::AvailableForCollection)),
    ("station", Meaning::Says(S::AvailableForCollection)),
    ("post office", Meaning::Says(S::AvailableForCollection)),
    ("postal office", Meaning::Says(S::AvailableForCollection)),
];

/// Those of them that sign; a shop that does can be the consignee.
const NO_SIGNERS: &[&str] = &[
    "sender",
    "shipper",
    "consignor",
    "seller",
    "merchant",
    "carrier",
    "courier",
    "station",
    "pick up point",
    "pickup point",
    "collection point",
    "access point",
    "service point",
];

/// Persons of the consignee's side. Whoever is at a shop has fetched it there.
const PERSONS: &[&str] = &[
    "you",
    "recipient",
    "recipients",
    "consignee",
    "consignees",
    "customer",
    "customers",
    "addressee",
    "addressees",
    "receiver",
    "receivers",
    "buyer",
    "buyers",
    "neighbour",
    "neighbours",
    "neighbor",
    "neighbors",
    "household",
    "family",
    "spouse",
    "individual",
    "occupant",
    "resident",
    "tenant",
    "relative",
    "colleague",
    "co worker",
    "secretary",
    "receptionist",
    "doorman",
    "porter",
    "caretaker",
    "janitor",
    "security",
    "guard",
    "concierge",
    "authorised person",
    "authorized person",
    "authorised representative",
    "authorized representative",
];

/// Places of the consignee's side.
const PLACES: &[&str] = &[
    "your",
    "reception",
    "front desk",
    "mailroom",
    "mail room",
    "guardhouse",
    "lobby",
    "hallway",
    "entrance",
    "door",
    "doorstep",
    "porch",
    "patio",
    "garage",
    "garden",
    "shed",
    "balcony",
    "yard",
    "gate",
    "carport",
    "home",
    "house",
    "residence",
    "residential",
    "apartment",
    "flat",
    "business",
    "company",
    "office",
    "school",
    "hotel",
    "university",
    "address",
    "final destination",
    "safe place",
    "safeplace",
    "safe location",
    "secure location",
    "designated location",
    "loading dock",
    "dock",
    "locker",
    "lockers",
    "packstation",
    "paketbox",
    "box",
    "mailbox",
    "letterbox",
    "letterplate",
    "inside",
    "building",
    "secure",
    "safe",
    "slot",
    "desk",
    "destination address",
];

/// Of a place with a shop's name in it that is a locker.
const LOCKERS: &[&str] = &["locker", "lockers", "packstation"];

/// These speak of the one who wished it so, not of the one who has it.
const ON_BEHALF: &[&str] = &["instruction", "instructions", "request", "requested", "behalf", "agreement"];

/// "Signed" alone is a delivery, in "signed in at the depot" it is none.
pub(super) fn whole_clause(found: &Found<'_>) -> Option<Meaning> {
    let is_first = matches!(found.before.split_ascii_whitespace().next_back(), None | Some("|"));
    let rest = found.after.split('|').next().unwrap_or_default();
    (found.phrase == "signed" && !(is_first && rest.trim().is_empty())).then_some(Meaning::Nothing)
}

/// `None`: nothing is said beyond the phrase.
pub(super) fn handed(found: &Found<'_>) -> Option<Meaning> {
    let clause = found.after.split('|').next().unwrap_or_default();
    match found.phrase {
        "signed" => whole_clause(found),
        "signed by" | "signed for by" => {
            // A colon ends no clause here.
            let name = found.after.trim_start_matches([' ', '|']).split('|').next().unwrap_or_default();
            let name = format!(" {name} ");
            elsewhere(&name).filter(|_| NO_SIGNERS.iter().any(|word| has(&name, word)))
        }
        "delivered" => delivered(clause.split(" by ").next().unwrap_or_default()),
        _ => None,
    }
}

/// `clause`: what stands behind "delivered".
fn delivered(clause: &str) -> Option<Meaning> {
    let clause = format!("{} ", clause.trim_end());
    let taker = behind_preposition(&clause)?;
    let has_any = |words: &[&str]| words.iter().any(|word| has(taker, word));
    match elsewhere(taker).filter(|_| !has_any(ON_BEHALF)) {
        Some(Meaning::Says(S::AvailableForCollection)) if has_any(PERSONS) || has_any(LOCKERS) => None,
        Some(told) => Some(told),
        None if has_any(PERSONS) || has_any(PLACES) || !has(&clause, "to") => None,
        None => Some(Meaning::Doubted),
    }
}

fn elsewhere(taker: &str) -> Option<Meaning> {
    ELSEWHERE.iter().find(|(words, _)| has(taker, words)).map(|(_, told)| *told)
}

fn has(text: &str, words: &str) -> bool {
    occurrences(text, words).next().is_some()
}

/// From the first word on that says where to.
fn behind_preposition(clause: &str) -> Option<&str> {
    const WHERE: &[&str] = &[" to ", " at ", " in ", " into ", " inside "];
    let at = WHERE.iter().filter_map(|word| clause.find(word)).min()?;
    Some(&clause[at..])
}

#[cfg(test)]
mod tests {
    use super::super::meaning_of_anybodys as meaning;
    use super::*;

    #[test]
    fn only_the_consignees_side_ends_a_journey() {
        for (text, expected) in [
            ("Delivered to recipient", S::Delivered),
            ("Delivered to the consignee in good condition", S::Delivered),
            ("Delivered to your mailbox", S::Delivered),
            ("Delivered to front desk", S::Delivered),
            ("Delivered to parcel locker at the station", S::Delivered),
            ("Delivered to customer at post office", S::Delivered),
            ("Delivered in/at mailbox", S::Delivered),
            ("Delivered at 12:30", S::Delivered),
            ("Delivered, PO Box", S::Delivered),
            ("Delivered to P.O. Box", S::Delivered),
            ("Delivered - Signed for by: GIFT SHOP", S::Delivered),
            ("Delivered by local carrier", S::Delivered),
            ("Delivered to addressee by carrier", S::Delivered),
            ("Delivered in accordance with the shipper's instructions", S::Delivered),
            ("Delivered, signed by J. SMITH", S::Delivered),
            ("Signed", S::Delivered),
            ("Delivered to sender's address", S::Returned),
            ("Delivered to seller", S::Returned),
            ("Delivered to merchant", S::Returned),
            ("Parcel delivered to the returns warehouse", S::Returned),
            ("Signed for by: SENDER", S::Returned),
            ("Delivered to wrong address", S::Exception),
            ("Delivered to parcel shop", S::AvailableForCollection),
            ("Delivered to Access Point", S::AvailableForCollection),
            ("Delivered to local post office", S::AvailableForCollection),
            ("Delivered to pick-up point", S::AvailableForCollection),
            ("Delivered at the station, please collect", S::AvailableForCollection),
            ("Package signed by station", S::AvailableForCollection),
            ("Delivery to consignee failed", S::Exception),
        ] {
            assert_eq!(meaning(&[text]), Meaning::Says(expected), "{text}");
        }
        for text in [
            "Delivered to Agent for Final Delivery",
            "Delivered to local carrier",
            "Shipment delivered to partner carrier",
            "Delivered to JOHN SMITH",
            "Delivered to local post",
            "Delivered to ACME GmbH",
        ] {
            assert_eq!(meaning(&[text]), Meaning::Doubted, "{text}");
        }
        assert_eq!(meaning(&["Signed in at the origin"]), Meaning::Nothing);
    }
}
