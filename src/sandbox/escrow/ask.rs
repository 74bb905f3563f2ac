//! What can be asked about a trade, and how it was decided: the words that the formats share.

use serde::Serialize;

use super::trade::Balances;
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::domain::text::words;

words! {
    /// Whose wire format a trade is spoken of in.
    Format {
        Webhook = "webhook",
        Alipay = "alipay",
        Antom = "antom",
        Paypal = "paypal",
    }
}

impl Format {
    /// Whether a key that was refused stays refused. Alipay and PayPal take the same request again, and decide anew.
    pub fn keeps(self, refusal: Refusal) -> bool {
        match self {
            Format::Webhook => !refusal.may_pass(),
            Format::Antom => true,
            Format::Alipay | Format::Paypal => false,
        }
    }

    /// Whether a second command for the same thing is refused although its key is another.
    pub fn acts_once(self) -> bool {
        match self {
            Format::Webhook => true,
            Format::Alipay | Format::Antom | Format::Paypal => false,
        }
    }
}

words! {
    Action {
        Ship = "shipped",
        Deliver = "delivered",
        Release = "confirm_receipt",
        Refund = "refund",
        Freeze = "freeze",
        Thaw = "thaw",
        /// To a customs office: moves nothing.
        Declare = "declare",
    }
}

impl Action {
    pub fn happens_once(self) -> bool {
        match self {
            Action::Ship | Action::Deliver | Action::Release | Action::Refund => true,
            Action::Freeze | Action::Thaw | Action::Declare => false,
        }
    }
}

words! {
    /// Why the books refuse a command. Nothing of it happened.
    Refusal {
        NoSuchTrade = "no such trade",
        OtherCurrency = "the trade is in another currency",
        NoAmount = "an amount above nought is needed",
        Exceeds = "more than is left",
        NothingLeft = "nothing is left",
        TooEarly = "not before its time",
        Frozen = "frozen by a dispute",
        /// Everything went back to the buyer.
        Closed = "closed",
        DoneAlready = "done already, under another key",
        /// Without a number of its own, a refund is of everything; without a part of its own, a release of the rest.
        NotTheWhole = "not the whole amount",
    }
}

impl Refusal {
    /// Whether the same command may be in place later, without anything new having been said.
    pub fn may_pass(self) -> bool {
        match self {
            Refusal::NoSuchTrade | Refusal::TooEarly | Refusal::Frozen => true,
            Refusal::OtherCurrency
            | Refusal::NoAmount
            | Refusal::Exceeds
            | Refusal::NothingLeft
            | Refusal::Closed
            | Refusal::DoneAlready
            | Refusal::NotTheWhole => false,
        }
    }
}

/// A command, after it was read and believed.
#[derive(Debug, Clone)]
pub struct Ask {
    pub format: Format,
    /// Unique among all formats and calls.
    pub key: String,
    /// The key as it came.
    pub id: String,
    pub reference: String,
    /// Another name of the trade that came with the command.
    pub also: Option<String>,
    /// What the sender calls it, where it is not the trade's name.
    pub order: String,
    pub action: Action,
    /// None: all that is left.
    pub amount: Option<Money>,
    /// The parcel whose share it is.
    pub share: Option<u16>,
    /// Whether `amount` is what the trade holds, and not a part.
    pub is_whole: bool,
    /// Refused unless it is about everything: a release, unless it is about all that was not refunded.
    pub must_be_whole: bool,
    /// Where a freeze or a thaw stands among those of its order.
    pub sequence: Option<u16>,
    /// Of what may not differ under the same key.
    pub body: [u8; 32],
}

impl Ask {
    pub fn new(format: Format, key: &str, reference: &str, action: Action, body: [u8; 32]) -> Self {
        Self {
            format,
            key: key.to_owned(),
            id: key.to_owned(),
            reference: reference.to_owned(),
            also: None,
            order: reference.to_owned(),
            action,
            amount: None,
            share: None,
            is_whole: false,
            must_be_whole: false,
            sequence: None,
            body,
        }
    }

    /// A webhook may come without an amount: then there is no money in the trade, only effects.
    pub fn can_open(&self) -> bool {
        self.format == Format::Webhook || self.amount.is_some_and(|amount| amount.minor > 0)
    }
}

/// A command as it was decided.
#[derive(Debug, Clone, Serialize)]
pub struct Trigger {
    pub id: String,
    pub order: String,
    pub action: Action,
    pub took_effect: bool,
    pub received_at: Instant,
    pub seen: u64,
    pub format: Format,
    pub reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Balances>,
    /// Of money; where the command did not say, what was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_minor: Option<i64>,
    #[serde(skip)]
    pub key: String,
    #[serde(skip)]
    pub body: [u8; 32],
}

impl Trigger {
    pub fn new(ask: Ask, outcome: Result<Balances, Refusal>, now: Instant) -> Self {
        let (after, refused) = (outcome.ok(), outcome.err());
        let moved_minor = after.map(|after| after.moved_minor).filter(|moved| *moved > 0);
        Self {
            id: ask.id,
            order: ask.order,
            action: ask.action,
            took_effect: refused.is_none(),
            received_at: now,
            seen: 1,
            format: ask.format,
            reference: ask.reference,
            amount: ask.amount,
            refused,
            after,
            moved_minor,
            key: ask.key,
            body: ask.body,
        }
    }

    /// What it moved, or was about.
    pub fn moved(&self) -> Option<Money> {
        match (self.after.and_then(|after| after.held), self.moved_minor) {
            (Some(held), Some(minor)) => Some(Money::new(minor, held.currency)),
            (_, _) => self.amount,
        }
    }
}
