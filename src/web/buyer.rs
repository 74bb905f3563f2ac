//! Where a buyer says that all is well, asks for more time, or objects: forms, and no script.
//!
//! Everything is possible to see and little to do: what counts is proved by a code or a telephone number,
//! so that the link alone does nothing. The page knows neither the money nor the buyer; that something was
//! delivered it knows, as the timeline does.

use std::borrow::Cow;

use askama::Template;

use super::buyer_phrases::BuyerPhrases;
use super::draft::Draft;
use super::language::Language;
use super::moment::Moment;
use super::phrases::Phrases;
use super::told::{Told, Word};
use super::words::{Named, in_language, name};
use crate::domain::dispute::{Party, Statement};
use crate::domain::escrow::{DisputeOutcome, DisputeReason, ReleasePolicy};
use crate::domain::merchant::BuyerProof;
use crate::flows::views::{DisputeMessageView, DisputeView};

/// What is to stand on the page.
pub struct BuyerView<'t> {
    pub token: &'t str,
    pub proof: BuyerProof,
    /// Before, nobody is offered to confirm it.
    pub is_delivered: bool,
    /// What came of what was just sent.
    pub told: Option<Told>,
    /// The form that was refused.
    pub draft: Draft,
    pub disputes: &'t [DisputeView],
}

#[derive(Template)]
#[template(path = "buyer.html", config = "src/web/askama.toml")]
pub struct BuyerPage<'t> {
    token: &'t str,
    language: Language,
    say: &'static Phrases,
    act: &'static BuyerPhrases,
    by_code: bool,
    is_delivered: bool,
    told: Option<Word>,
    draft: Draft,
    reasons: Vec<(&'static str, &'static str)>,
    days: Vec<u32>,
    characters_max: usize,
    disputes: Vec<Dispute<'t>>,
}

/// What was said in one dispute, and how it ended.
struct Dispute<'t> {
    reason: Cow<'t, str>,
    opened_at: Moment,
    decide_by: Moment,
    outcome: Option<Cow<'t, str>>,
    because: Option<&'t str>,
    messages: Vec<Message<'t>>,
}

struct Message<'t> {
    by: Cow<'t, str>,
    at: Moment,
    text: &'t str,
    attachments: &'t [String],
}

impl<'t> Dispute<'t> {
    fn new(view: &'t DisputeView, language: Language) -> Self {
        let message = |message: &'t DisputeMessageView| Message {
            by: name::<Party>(&message.by, language),
            at: Moment::in_china(&message.at, language),
            text: &message.message,
            attachments: &message.attachments,
        };
        Self {
            reason: name::<DisputeReason>(&view.reason, language),
            opened_at: Moment::in_china(&view.opened_at, language),
            decide_by: Moment::in_china(&view.decide_by, language),
            outcome: view.outcome.as_deref().map(|outcome| name::<DisputeOutcome>(outcome, language)),
            because: view.because.as_deref(),
            messages: view.messages.iter().map(message).collect(),
        }
    }
}

impl<'t> BuyerPage<'t> {
    pub fn new(view: BuyerView<'t>, language: Language) -> Self {
        let act = BuyerPhrases::in_language(language);
        let reason = |reason: &DisputeReason| (reason.as_str(), in_language(reason.names(), language));
        Self {
            token: view.token,
            language,
            say: Phrases::in_language(language),
            act,
            by_code: view.proof == BuyerProof::Code,
            is_delivered: view.is_delivered,
            told: view.told.map(|told| Word::new(&told, view.proof, language)),
            draft: view.draft,
            reasons: DisputeReason::ALL.iter().map(reason).collect(),
            days: (1..=ReleasePolicy::EXTENSION_DAYS_MAX).rev().collect(),
            characters_max: Statement::CHARACTERS_MAX,
            disputes: view.disputes.iter().map(|view| Dispute::new(view, language)).collect(),
        }
    }
}
