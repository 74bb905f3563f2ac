//! What carriers' English wording says, one row a phrase.
//!
//! Most codes are too coarse for a timeline; the texts beside them tell more, and show where a code is wrong.
//! Gathered from the public tracking pages of DHL Express, Parcel DE and eCommerce (2024–2025), and of
//! the carriers that read by it. A phrase is matched in whole words, whatever the capitals and the punctuation.

mod lexicon;
mod phrases;
mod takers;

use std::sync::LazyLock;

pub use self::lexicon::Lexicon;
use self::phrases::{PHRASES, RECIPIENTS};
pub use super::names::without_names;
use super::sender;
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

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
    read(texts, takers::whole_clause)
}

/// As [`meaning`], of a carrier whose "delivered" can be to anybody: it has to say to whom, if to somebody.
pub fn meaning_of_anybodys(texts: &[&str]) -> Meaning {
    read(texts, takers::handed)
}

/// A phrase in its text.
struct Found<'a> {
    phrase: &'a str,
    before: &'a str,
    after: &'a str,
}

/// `otherwise`: what an occurrence says instead of its row.
fn read(texts: &[&str], otherwise: impl Fn(&Found<'_>) -> Option<Meaning>) -> Meaning {
    let texts: Vec<String> = texts.iter().map(|text| words(text)).collect();
    sender::handed_back(&texts, by_phrases(&texts, otherwise))
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::new(PHRASES.iter().map(|(phrase, _)| *phrase)));
static RECIPIENTS_NAMED: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::new(RECIPIENTS.iter().map(|(phrase, _)| *phrase)));

fn by_phrases(texts: &[String], otherwise: impl Fn(&Found<'_>) -> Option<Meaning>) -> Meaning {
    let mut doubted = false;
    for found in LEXICON.look_up(texts) {
        let (phrase, status) = PHRASES[found.row];
        if can_be_doubted(status) && is_doubted(found.before) {
            doubted = true;
            continue;
        }
        match otherwise(&Found { phrase, before: found.before, after: found.after }) {
            Some(Meaning::Doubted) => doubted = true,
            Some(Meaning::Nothing) => {}
            Some(told @ Meaning::Says(_)) => return told,
            None => return Meaning::Says(status),
        }
    }
    if doubted { Meaning::Doubted } else { Meaning::Nothing }
}

pub fn recipient(texts: &[&str]) -> DeliveredTo {
    RECIPIENTS_NAMED.first(texts).map_or(DeliveredTo::Unspecified, |row| RECIPIENTS[row].1)
}

/// Whether one of the texts has the phrase in it, in whole words.
pub fn says(texts: &[&str], phrase: &str) -> bool {
    texts.iter().any(|text| occurrences(&words(text), phrase).next().is_some())
}

/// Small letters, one space between words, `|` between clauses, a space at both ends.
fn words(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 8);
    // Full stops end clauses, but for these.
    let text = text.to_lowercase();
    let text = if text.contains("p.o.") { text.replace("p.o.", "po") } else { text };
    for letter in text.chars() {
        match letter {
            '\'' | '’' => {}
            '.' | ',' | ';' | ':' | '!' => spaced.push_str(" | "),
            letter if letter.is_alphanumeric() => spaced.push(letter),
            _ => spaced.push(' '),
        }
    }
    let mut words = String::with_capacity(spaced.len() + 2);
    for word in spaced.split_whitespace() {
        words.push(' ');
        words.push_str(word);
    }
    words.push(' ');
    words
}

/// What stands before and after each occurrence of `phrase` in whole words.
fn occurrences<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(phrase).filter_map(move |(at, _)| {
        let (before, after) = (&text[..at], &text[at + phrase.len()..]);
        (before.ends_with(' ') && after.starts_with(' ')).then_some((before, after))
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
