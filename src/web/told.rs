//! What came of what a buyer sent, in the words of the page.

use chrono::{DurationRound, TimeDelta};

use super::buyer_phrases::BuyerPhrases;
use super::language::Language;
use super::moment::Moment;
use super::tone::Tone;
use super::words::{Named, in_language};
use crate::domain::escrow::Obstacle;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::merchant::BuyerProof;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    CodeSent,
    Confirmed,
    Extended,
    Objected,
    Withdrawn,
    Added,
    /// What was said so far stands on the page.
    Shown,
    NothingReported,
    WrongProof {
        tries_left: u8,
    },
    /// It was used, or has expired.
    NoCode,
    /// With another it can be tried again at once.
    CodeSpent,
    TooManyCodes {
        again_at: Instant,
    },
    TooManyTries {
        again_at: Instant,
    },
    /// A code was asked for where none are sent.
    ByPhone,
    /// The order does not stand so that it could be done. None: nobody foresaw a buyer to meet it.
    NotNow(Option<Obstacle>),
    Incomplete(Vec<Field>),
}

/// A field of the page's forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Proof,
    Days,
    Reason,
    Message,
    Attachments,
}

impl Field {
    /// By the JSON pointer of the same field in a body, or of something in it. None: no form has it.
    pub fn at(pointer: &str) -> Option<Self> {
        match pointer.split('/').nth(1)? {
            "proof" => Some(Self::Proof),
            "days" => Some(Self::Days),
            "reason" => Some(Self::Reason),
            "message" => Some(Self::Message),
            "attachments" => Some(Self::Attachments),
            _ => None,
        }
    }

    fn has_to_be(self, proof: BuyerProof, say: &'static BuyerPhrases) -> &'static str {
        match (self, proof) {
            (Field::Proof, BuyerProof::Code) => say.code_has_to_be,
            (Field::Proof, BuyerProof::Phone) => say.phone_has_to_be,
            (Field::Days, _) => say.days_have_to_be,
            (Field::Reason, _) => say.reason_has_to_be,
            (Field::Message, _) => say.message_has_to_be,
            (Field::Attachments, _) => say.attachments_have_to_be,
        }
    }
}

/// As it stands on the page.
pub struct Word {
    pub tone: Tone,
    pub text: &'static str,
    pub tries_left: Option<u8>,
    pub again_at: Option<Moment>,
    /// What each field has to be that is not.
    pub to_mend: Vec<&'static str>,
}

impl Word {
    pub fn new(told: &Told, proof: BuyerProof, language: Language) -> Self {
        let say = BuyerPhrases::in_language(language);
        let mut word = Self {
            tone: tone(told),
            text: text(told, language),
            tries_left: None,
            again_at: None,
            to_mend: Vec::new(),
        };
        match told {
            Told::WrongProof { tries_left } => word.tries_left = Some(*tries_left),
            Told::TooManyCodes { again_at } | Told::TooManyTries { again_at } => {
                word.again_at = Some(Moment::in_china(&rfc3339(minute_after(*again_at)), language));
            }
            Told::Incomplete(fields) => {
                word.to_mend.extend(fields.iter().map(|field| field.has_to_be(proof, say)));
                // Two wrong addresses are one wrong field.
                word.to_mend.dedup();
            }
            Told::CodeSent
            | Told::Confirmed
            | Told::Extended
            | Told::Objected
            | Told::Withdrawn
            | Told::Added
            | Told::Shown
            | Told::NothingReported
            | Told::NoCode
            | Told::CodeSpent
            | Told::ByPhone
            | Told::NotNow(_) => {}
        }
        word
    }
}

/// The page tells no seconds, and who comes at the minute that it names is not to be early.
fn minute_after(at: Instant) -> Instant {
    let minute = TimeDelta::minutes(1);
    (at + minute).duration_trunc(minute).unwrap_or(at)
}

fn text(told: &Told, language: Language) -> &'static str {
    let say = BuyerPhrases::in_language(language);
    match told {
        Told::CodeSent => say.code_sent,
        Told::Confirmed => say.confirmed,
        Told::Extended => say.extended,
        Told::Objected => say.objected,
        Told::Withdrawn => say.withdrawn,
        Told::Added => say.added,
        Told::Shown => say.shown,
        Told::NothingReported => say.nothing_reported,
        Told::WrongProof { .. } => say.wrong_proof,
        Told::NoCode => say.no_code,
        Told::CodeSpent => say.code_spent,
        Told::TooManyCodes { .. } => say.too_many_codes,
        Told::TooManyTries { .. } => say.too_many_tries,
        Told::ByPhone => say.no_codes_here,
        Told::NotNow(Some(obstacle)) => in_language(obstacle.names(), language),
        Told::NotNow(None) => say.not_now,
        Told::Incomplete(_) => say.incomplete,
    }
}

fn tone(told: &Told) -> Tone {
    match told {
        Told::CodeSent
        | Told::Confirmed
        | Told::Extended
        | Told::Withdrawn
        | Told::Added
        | Told::Shown
        | Told::NothingReported => Tone::Done,
        Told::Objected
        | Told::NoCode
        | Told::TooManyCodes { .. }
        | Told::ByPhone
        | Told::NotNow(_)
        | Told::Incomplete(_) => Tone::Held,
        Told::WrongProof { .. } | Told::CodeSpent | Told::TooManyTries { .. } => Tone::Alarm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dispute::Statement;
    use crate::domain::escrow::ReleasePolicy;

    #[test]
    fn a_field_that_is_wrong_is_named_with_what_it_has_to_be() {
        let pointers = ["/proof", "/message", "/attachments/0", "/attachments/3", "/act", ""];
        let fields: Vec<Field> = pointers.into_iter().filter_map(Field::at).collect();
        assert_eq!(fields, [Field::Proof, Field::Message, Field::Attachments, Field::Attachments]);
        for language in [Language::English, Language::Chinese] {
            let say = BuyerPhrases::in_language(language);
            let told = Told::Incomplete(fields.clone());
            let expected = [say.code_has_to_be, say.message_has_to_be, say.attachments_have_to_be];
            assert_eq!(Word::new(&told, BuyerProof::Code, language).to_mend, expected);
            let by_phone = Word::new(&told, BuyerProof::Phone, language);
            assert_eq!(by_phone.to_mend[0], say.phone_has_to_be);
            for (phrase, number) in [
                (say.message_has_to_be, Statement::CHARACTERS_MAX),
                (say.attachments_have_to_be, Statement::ATTACHMENTS_MAX),
                (say.attachments_have_to_be, Statement::ATTACHMENT_CHARACTERS_MAX),
                (say.days_have_to_be, ReleasePolicy::EXTENSION_DAYS_MAX as usize),
            ] {
                assert!(phrase.contains(&number.to_string()), "{number} is not in {phrase:?}");
            }
        }
    }

    #[test]
    fn who_has_to_wait_is_told_until_when_and_never_too_early() {
        for (until, shown) in [
            ("2026-03-04T16:29:00Z", "00:30"),
            ("2026-03-04T16:29:00.500Z", "00:30"),
            ("2026-03-04T16:29:59.999Z", "00:30"),
        ] {
            let again_at = until.parse().expect("an instant");
            for told in [Told::TooManyCodes { again_at }, Told::TooManyTries { again_at }] {
                let word = Word::new(&told, BuyerProof::Code, Language::English);
                let again_at = word.again_at.expect("a time");
                assert_eq!(
                    (again_at.day.as_str(), again_at.time.as_str()),
                    ("Thu 5 March", shown),
                    "{until}"
                );
            }
        }
        let spent = Word::new(&Told::CodeSpent, BuyerProof::Code, Language::English);
        assert_eq!(spent.again_at, None, "with a new code nobody waits");
    }

    #[test]
    fn each_obstacle_has_words_of_its_own() {
        for language in [Language::English, Language::Chinese] {
            let word = |obstacle: Option<Obstacle>| {
                Word::new(&Told::NotNow(obstacle), BuyerProof::Code, language).text
            };
            let known = Obstacle::ALL.iter().map(|obstacle| word(Some(*obstacle)));
            let mut all: Vec<&str> = known.chain([word(None)]).collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), Obstacle::ALL.len() + 1, "{all:?}");
        }
    }
}
