//! Where a buyer says that all is well, asks for more time, or objects: forms, and no script.
//!
//! Everything is possible to see and little to do: what counts is proved by a code or a telephone number,
//! so that the link alone does nothing. The page knows neither the money nor the buyer.

use askama::Template;

use super::buyer_phrases::BuyerPhrases;
use super::language::Language;
use super::phrases::Phrases;
use super::tone::Tone;
use super::words::{Named, in_language};
use crate::domain::dispute::Statement;
use crate::domain::escrow::{DisputeReason, ReleasePolicy};
use crate::domain::merchant::BuyerProof;

/// What came of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    CodeSent,
    Confirmed,
    Extended,
    Objected,
    Withdrawn,
    Added,
    WrongProof {
        tries_left: u8,
    },
    TooManyTries,
    /// The order does not stand so that it could be done.
    NotNow,
    /// Something is missing or too long.
    Incomplete,
}

impl Told {
    fn tone(self) -> Tone {
        match self {
            Told::CodeSent | Told::Confirmed | Told::Extended | Told::Withdrawn | Told::Added => Tone::Done,
            Told::Objected | Told::NotNow | Told::Incomplete => Tone::Held,
            Told::WrongProof { .. } | Told::TooManyTries => Tone::Alarm,
        }
    }

    fn text(self, say: &'static BuyerPhrases) -> &'static str {
        match self {
            Told::CodeSent => say.code_sent,
            Told::Confirmed => say.confirmed,
            Told::Extended => say.extended,
            Told::Objected => say.objected,
            Told::Withdrawn => say.withdrawn,
            Told::Added => say.added,
            Told::WrongProof { .. } => say.wrong_proof,
            Told::TooManyTries => say.too_many_tries,
            Told::NotNow => say.not_now,
            Told::Incomplete => say.incomplete,
        }
    }
}

#[derive(Template)]
#[template(path = "buyer.html", config = "src/web/askama.toml")]
pub struct BuyerPage<'t> {
    token: &'t str,
    language: Language,
    say: &'static Phrases,
    act: &'static BuyerPhrases,
    by_code: bool,
    told: Option<(Tone, &'static str)>,
    tries_left: Option<u8>,
    reasons: Vec<(&'static str, &'static str)>,
    days: Vec<u32>,
    characters_max: usize,
}

impl<'t> BuyerPage<'t> {
    pub fn new(token: &'t str, proof: BuyerProof, told: Option<Told>, language: Language) -> Self {
        let act = BuyerPhrases::in_language(language);
        let reason = |reason: &DisputeReason| (reason.as_str(), in_language(reason.names(), language));
        Self {
            token,
            language,
            say: Phrases::in_language(language),
            act,
            by_code: proof == BuyerProof::Code,
            told: told.map(|told| (told.tone(), told.text(act))),
            tries_left: if let Some(Told::WrongProof { tries_left }) = told {
                Some(tries_left)
            } else {
                None
            },
            reasons: DisputeReason::ALL.iter().map(reason).collect(),
            days: (1..=ReleasePolicy::EXTENSION_DAYS_MAX).rev().collect(),
            characters_max: Statement::CHARACTERS_MAX,
        }
    }
}
