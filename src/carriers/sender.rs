//! Texts that speak of the sender: what was handed to it came back.
//!
//! `Delivered` in a text that names the sender is no delivery, unless the sender is there by its wish alone
//! (`as requested by the sender`), or because it handed the goods in. Where a text says no more of the sender
//! than that it is told of something, nobody knows what was delivered.

use super::wording::{Bearing, Meaning, bearing, is_doubted};
use crate::domain::event::EventStatus;

use EventStatus as S;

const SENDERS: &[&str] = &["sender", "senders", "shipper", "shippers", "consignor", "consignors"];

const ARTICLES: &[&str] = &["the", "its", "a", "an", "their", "your", "original"];

/// Who is handed something, and by what.
const HANDED: &[&str] = &["delivered", "redelivered", "handed", "released", "given"];
const TAKEN: &[&str] =
    &["collected", "picked up", "signed for", "signed", "received", "accepted", "claimed", "retrieved"];
/// What is yet to come.
const AWAITED: &[&str] = &["delivery", "redelivery", "collection", "pickup", "pick up"];

const WISHES: &[&str] = &["request", "requests", "instruction", "instructions", "release", "agreement"];
const TOLD: &[&str] = &["notify", "notified", "contact", "contacted", "inform", "informed"];

/// What the sender has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Gets,
    WillGet,
    HandsIn,
    IsTold,
    /// Wished it, or packed it.
    Aside,
    /// Nobody says what for.
    IsNamed,
}

/// `said`: what the texts say otherwise. They are as [`words`](super::wording) leaves them.
pub fn handed_back(texts: &[String], said: Meaning) -> Meaning {
    let is_delivered = said == Meaning::Says(S::Delivered);
    let may_be_back = match said {
        Meaning::Says(status) => is_delivered || bearing(status) == Bearing::Onward,
        Meaning::Nothing => true,
        Meaning::Doubted => false,
    };
    if !may_be_back {
        return said;
    }
    let parts: Vec<Part> = texts.iter().flat_map(|text| parts(text)).collect();
    let has = |part| parts.contains(&part);
    if has(Part::Gets) || is_delivered && has(Part::IsNamed) {
        Meaning::Says(S::Returned)
    } else if has(Part::WillGet) {
        Meaning::Says(S::Returning)
    } else if is_delivered && (has(Part::HandsIn) || has(Part::IsTold)) {
        Meaning::Doubted
    } else {
        said
    }
}

fn parts(text: &str) -> impl Iterator<Item = Part> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let named = (0..words.len()).filter_map(|at| {
        let is_address = words[at] == "return" && words.get(at + 1) == Some(&"address");
        let length = if is_address { 2 } else { 1 };
        (is_address || SENDERS.contains(&words[at])).then(|| part(&words[..at], &words[at + length..]))
    });
    named.collect::<Vec<_>>().into_iter()
}

/// Of one clause: `before` and `after` the word for the sender.
fn part(before: &[&str], after: &[&str]) -> Part {
    let before = before.rsplit(|word| *word == "|").next().unwrap_or_default();
    let is_last = after.first().is_none_or(|word| *word == "|");
    let before = without(before, ARTICLES);
    let ends_with = |list: &[&str], words: &[&str]| {
        let text = format!(" {}", words.join(" "));
        list.iter().any(|ending| text.ends_with(&format!(" {ending}")))
    };
    let Some((how, rest)) = before.split_last() else { return alone(after) };
    let rest = without(rest, &["back", "over"]);
    let is_doubted = is_doubted(&rest.join(" "));
    match *how {
        "to" if ends_with(HANDED, rest) && !is_doubted => Part::Gets,
        // `Delivery to sender`, and nothing more: it is over.
        "to" if is_last && rest == ["delivery"] => Part::Gets,
        "to" | "by" if ends_with(AWAITED, rest) => Part::WillGet,
        "by" if ends_with(TAKEN, rest) && !is_doubted => Part::Gets,
        "by" | "from" if ends_with(HANDED, rest) => Part::HandsIn,
        "by" | "from" => Part::Aside,
        told if TOLD.contains(&told) => Part::IsTold,
        "to" | "into" | "in" => Part::IsNamed,
        _ => alone(after),
    }
}

fn alone(after: &[&str]) -> Part {
    let is_wish = after.first().is_some_and(|word| WISHES.contains(word));
    let is_told = after.iter().take_while(|word| **word != "|").any(|word| TOLD.contains(word));
    if is_wish || is_told { Part::Aside } else { Part::IsNamed }
}

fn without<'t, 'w>(mut words: &'t [&'w str], endings: &[&str]) -> &'t [&'w str] {
    while let Some((last, rest)) = words.split_last()
        && endings.contains(last)
    {
        words = rest;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::wording::meaning;
    use super::*;

    #[test]
    fn what_its_sender_got_came_back() {
        for text in [
            "Delivered to the sender",
            "Delivered to shipper",
            "Delivered to the original shipper",
            "Delivered to sender's locker",
            "Delivered into the shipper’s mailbox",
            "Delivered at consignor",
            "Delivered to return address",
            "Delivered. Sender",
            "Item collected by sender",
            "Picked up by the shipper",
            "Signed for by the sender",
            "Handed over to the sender",
            "Handed back to the original shipper",
            "Delivery to sender",
            "Delivered to sender at sender's request",
            "Delivered to a neighbour of the sender",
        ] {
            assert_eq!(meaning(&[text]), Meaning::Says(S::Returned), "{text}");
        }
        assert_eq!(meaning(&["DELIVERED", "To the sender"]), Meaning::Says(S::Returned));
    }

    #[test]
    fn a_sender_who_only_wished_it_got_nothing() {
        for text in [
            "Delivered",
            "Delivered as requested by the sender",
            "Delivered per shipper's instructions",
            "Delivered at sender's request",
            "Delivered - shipper release",
            "Your parcel from the sender has been delivered",
            "Delivered, sender has been notified",
        ] {
            assert_eq!(meaning(&[text]), Meaning::Says(S::Delivered), "{text}");
        }
    }

    #[test]
    fn what_is_only_on_its_way_to_the_sender_is_not_there() {
        for (text, expected) in [
            ("Out for delivery to sender", Meaning::Says(S::Returning)),
            ("Awaiting collection by the shipper", Meaning::Says(S::Returning)),
            ("Delivery to sender scheduled", Meaning::Says(S::Returning)),
            ("Could not be handed over to the sender", Meaning::Nothing),
            ("Item received from sender", Meaning::Nothing),
            ("Collected from sender", Meaning::Says(S::PickedUp)),
            ("Posted by the sender", Meaning::Says(S::PickedUp)),
            ("Arrived, sender was notified", Meaning::Says(S::Arrived)),
            ("Delivered by sender to facility", Meaning::Doubted),
            ("Balance delivered. UPS will notify sender", Meaning::Doubted),
            ("Delivered from the shipper", Meaning::Doubted),
        ] {
            assert_eq!(meaning(&[text]), expected, "{text}");
        }
    }
}
