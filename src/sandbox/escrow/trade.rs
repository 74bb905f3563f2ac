//! One trade: what it holds, and what a command does to it.
//!
//! Pure. A trade changes through [`Trade::act`] alone, which changes all of it or nothing.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::ask::{Action, Ask, Format, Refusal};
use crate::domain::instant::Instant;
use crate::domain::money::Money;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Balances {
    pub held: Option<Money>,
    pub released_minor: i64,
    pub refunded_minor: i64,
    /// By the command that left them so.
    pub moved_minor: i64,
}

/// What was agreed when a trade was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Another name: the merchant's number, PayPal's capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<String>,
    pub release_deadline_at: Option<Instant>,
    pub earliest_release_at: Option<Instant>,
    /// Whether the payer is somebody else than the buyer whom a customs declaration names.
    pub payer_differs: bool,
}

/// One that the buyer opened, and that was judged for the merchant if it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dispute {
    /// Among those of its trade.
    pub number: u32,
    pub opened_at: Instant,
    pub judged_at: Option<Instant>,
}

impl Dispute {
    pub fn changed_at(self) -> Instant {
        self.judged_at.unwrap_or(self.opened_at)
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Trade {
    pub format: Format,
    pub reference: String,
    /// None: nobody said how much.
    pub held: Option<Money>,
    pub released_minor: i64,
    pub refunded_minor: i64,
    pub declared_minor: i64,
    pub released_by_itself_minor: i64,
    pub released_by_itself_at: Option<Instant>,
    pub frozen: bool,
    pub shipped_at: Option<Instant>,
    pub delivered_at: Option<Instant>,
    pub created_at: Instant,
    pub opened_by_mention: bool,
    #[serde(flatten)]
    pub terms: Terms,
    /// The last one.
    #[serde(skip)]
    pub dispute: Option<Dispute>,
    #[serde(skip)]
    shares: BTreeMap<u16, i64>,
    #[serde(skip)]
    last_moved_minor: i64,
    /// How far the words about freezing have come.
    #[serde(skip)]
    sequence: u16,
}

impl Trade {
    pub fn new(format: Format, reference: &str, held: Option<Money>, now: Instant) -> Self {
        Self {
            format,
            reference: reference.to_owned(),
            held: held.filter(|held| held.minor > 0),
            released_minor: 0,
            refunded_minor: 0,
            declared_minor: 0,
            released_by_itself_minor: 0,
            released_by_itself_at: None,
            frozen: false,
            shipped_at: None,
            delivered_at: None,
            created_at: now,
            opened_by_mention: false,
            terms: Terms::default(),
            dispute: None,
            shares: BTreeMap::new(),
            last_moved_minor: 0,
            sequence: 0,
        }
    }

    pub fn left(&self) -> Option<Money> {
        // What was moved never exceeds what is held, so this neither overflows nor goes below nought.
        self.held
            .map(|held| Money::new(held.minor - self.released_minor - self.refunded_minor, held.currency))
    }

    pub fn balances(&self) -> Balances {
        Balances {
            held: self.held,
            released_minor: self.released_minor,
            refunded_minor: self.refunded_minor,
            moved_minor: self.last_moved_minor,
        }
    }

    pub fn is_refunded(&self) -> bool {
        self.held.is_some_and(|held| self.refunded_minor == held.minor)
    }

    pub fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.minor == 0)
    }

    /// A trade that was opened by its first mention holds what was said of it since: the order's
    /// amount, or its parcels' shares together.
    pub fn hear_of(&mut self, share: Option<u16>, amount: Money, is_whole: bool) {
        if !self.opened_by_mention || amount.minor <= 0 {
            return;
        }
        let held = *self.held.get_or_insert(Money::new(0, amount.currency));
        if held.currency != amount.currency {
            return;
        }
        if let Some(share) = share {
            self.shares.entry(share).or_insert(amount.minor);
        }
        let shares = self.shares.values().fold(0_i64, |sum, minor| sum.saturating_add(*minor));
        let whole = if is_whole && share.is_none() { amount.minor } else { 0 };
        self.held = Some(Money::new(held.minor.max(shares).max(whole), held.currency));
    }

    pub fn act(&mut self, ask: &Ask, release_after: Option<TimeDelta>, now: Instant) -> Result<(), Refusal> {
        if let (Some(held), Some(amount)) = (self.held, ask.amount)
            && held.currency != amount.currency
        {
            return Err(Refusal::OtherCurrency);
        }
        self.last_moved_minor = 0;
        match ask.action {
            Action::Ship | Action::Deliver if self.is_refunded() => return Err(Refusal::Closed),
            Action::Ship => {
                self.shipped_at.get_or_insert(now);
                // The clock of Alipay's own deadline starts when the goods are sent.
                if let (Format::Alipay, Some(after)) = (self.format, release_after) {
                    self.terms.release_deadline_at = Some(now + after);
                }
            }
            Action::Deliver => {
                self.delivered_at.get_or_insert(now);
            }
            Action::Release => {
                if self.frozen {
                    return Err(Refusal::Frozen);
                }
                if self.terms.earliest_release_at.is_some_and(|earliest| now < earliest) {
                    return Err(Refusal::TooEarly);
                }
                self.last_moved_minor = self.movable(ask)?;
                self.released_minor += self.last_moved_minor;
            }
            Action::Refund => {
                self.last_moved_minor = self.movable(ask)?;
                self.refunded_minor += self.last_moved_minor;
            }
            Action::Freeze | Action::Thaw => {
                if self.is_last_word(ask) {
                    self.frozen = ask.action == Action::Freeze;
                }
            }
            Action::Declare => self.declare(ask)?,
        }
        Ok(())
    }

    /// False: it was late on its way, and another one that was said later came before it.
    fn is_last_word(&mut self, ask: &Ask) -> bool {
        let Some(sequence) = ask.sequence else { return true };
        self.sequence = self.sequence.max(sequence);
        sequence == self.sequence
    }

    /// How much a command moves; nothing where nobody ever spoke of money.
    fn movable(&self, ask: &Ask) -> Result<i64, Refusal> {
        let (Some(held), Some(left)) = (self.held, self.left()) else { return Ok(0) };
        let minor = ask.amount.map_or(left.minor, |amount| amount.minor);
        match minor {
            _ if left.minor == 0 => {
                Err(if self.is_refunded() { Refusal::Closed } else { Refusal::NothingLeft })
            }
            ..=0 => Err(Refusal::NoAmount),
            // What was released before belongs to the whole, and is not released again.
            _ if ask.must_be_whole && ask.action == Action::Release => {
                let is_whole = minor == held.minor - self.refunded_minor;
                if is_whole { Ok(left.minor) } else { Err(Refusal::NotTheWhole) }
            }
            _ if minor > left.minor => Err(Refusal::Exceeds),
            _ if ask.must_be_whole && minor != held.minor => Err(Refusal::NotTheWhole),
            _ => Ok(minor),
        }
    }

    fn declare(&mut self, ask: &Ask) -> Result<(), Refusal> {
        let held = self.held.map_or(0, |held| held.minor);
        let minor = ask.amount.map_or(held, |amount| amount.minor);
        if minor <= 0 {
            return Err(Refusal::NoAmount);
        }
        if minor > held - self.declared_minor {
            return Err(Refusal::Exceeds);
        }
        self.declared_minor += minor;
        Ok(())
    }

    /// A dispute that the buyer opened, or that was judged for the merchant, without anybody's command.
    pub fn set_frozen(&mut self, frozen: bool, now: Instant) {
        self.frozen = frozen;
        let open = self.dispute.as_mut().filter(|last| last.judged_at.is_none());
        match (frozen, open) {
            (true, None) => {
                let number = self.dispute.map_or(1, |last| last.number + 1);
                self.dispute = Some(Dispute { number, opened_at: now, judged_at: None });
            }
            (false, Some(open)) => open.judged_at = Some(now),
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// By the provider's own deadline. Whether there was anything to release.
    pub fn release_rest(&mut self, now: Instant) -> bool {
        let left = self.left().map_or(0, |left| left.minor);
        if left > 0 {
            self.released_minor += left;
            self.released_by_itself_minor += left;
            self.released_by_itself_at = Some(now);
        }
        left > 0
    }
}
