//! What people do about an order's money, and what a provider does by itself.
//!
//! Acts are kept in the order of their coming and never changed; [`Standing`] is what they
//! come to. Whether one is admitted is said by [`ACTS`], a word for each state and kind of
//! act, and then by what else has to hold ([`admit`]).

use std::collections::{BTreeMap, BTreeSet};

use super::{is_settled, of_all};
use crate::domain::escrow::{
    Act, DisputeReason, DisputeThere, Obstacle, OrderState, ReleasePolicy, ShareOf, ShareState, StandsThere,
};
use crate::domain::id::DisputeId;
use crate::domain::instant::Instant;
use crate::domain::text::words;

words! {
    ActKind {
        BuyerConfirms = "the buyer confirms",
        BuyerExtends = "the buyer extends",
        DisputeOpens = "a dispute opens",
        DisputeEnds = "a dispute ends",
        Freezes = "an operator freezes",
        Thaws = "an operator thaws",
        OrdersRefund = "a refund is ordered",
        ApprovesRefund = "a refund is approved",
        WithdrawsRefund = "a refund is withdrawn",
        Revives = "a trigger is revived",
        ProviderMoves = "the provider moves the money",
    }
}

fn kind(act: &Act) -> ActKind {
    match act {
        Act::BuyerConfirmed => ActKind::BuyerConfirms,
        Act::BuyerExtended { .. } => ActKind::BuyerExtends,
        Act::DisputeOpened { .. } => ActKind::DisputeOpens,
        Act::DisputeWithdrawn { .. } | Act::DisputeClosed { .. } => ActKind::DisputeEnds,
        Act::Frozen { .. } => ActKind::Freezes,
        Act::Thawed { .. } => ActKind::Thaws,
        Act::RefundOrdered { .. } => ActKind::OrdersRefund,
        Act::RefundApproved { .. } => ActKind::ApprovesRefund,
        Act::RefundWithdrawn { .. } => ActKind::WithdrawsRefund,
        Act::Revived => ActKind::Revives,
        Act::ProviderReleased { .. } | Act::ProviderRefunded { .. } => ActKind::ProviderMoves,
        Act::DisputedThere(said) => match said.stands {
            StandsThere::Open | StandsThere::Otherwise => ActKind::Freezes,
            StandsThere::ForSeller => ActKind::DisputeEnds,
        },
    }
}

/// Why an act is not admitted, for whoever tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// The buyer's page has its own words for each.
    #[error("{0}")]
    Known(Obstacle),
    /// What merchants and operators meet, in English.
    #[error("{0}")]
    Other(String),
}

impl From<Obstacle> for NotNow {
    fn from(obstacle: Obstacle) -> Self {
        Self::Known(obstacle)
    }
}

type Admitted = Result<(), Obstacle>;

const YES: Admitted = Ok(());
const NOTHING_YET: Admitted = Err(Obstacle::NothingYet);
const ON_ITS_WAY: Admitted = Err(Obstacle::ReleaseAsked);
const PAID: Admitted = Err(Obstacle::Paid);
const BACK: Admitted = Err(Obstacle::Back);
const FROZEN: Admitted = Err(Obstacle::Frozen);
const BEING_REFUNDED: Admitted = Err(Obstacle::BeingRefunded);
const FAILED: Admitted = Err(Obstacle::Failed);
const NOT_FROZEN: Admitted = Err(Obstacle::NotFrozen);

/// A row for each state, in the order of [`ActKind::ALL`].
pub const ACTS: [(OrderState, [Admitted; 11]); 9] = {
    use OrderState as S;
    [
        (S::Held, [NOTHING_YET, NOTHING_YET, YES, YES, YES, NOT_FROZEN, YES, YES, YES, YES, YES]),
        (S::Shipped, [NOTHING_YET, NOTHING_YET, YES, YES, YES, NOT_FROZEN, YES, YES, YES, YES, YES]),
        (S::Delivered, [YES, YES, YES, YES, YES, NOT_FROZEN, YES, YES, YES, YES, YES]),
        (S::ConfirmRequested, [ON_ITS_WAY, ON_ITS_WAY, YES, YES, YES, NOT_FROZEN, YES, YES, YES, YES, YES]),
        (S::Confirmed, [PAID, PAID, PAID, YES, PAID, PAID, PAID, PAID, PAID, YES, YES]),
        (S::Frozen, [FROZEN, FROZEN, YES, YES, YES, YES, YES, YES, YES, YES, YES]),
        (
            S::RefundRequested,
            [
                BEING_REFUNDED,
                BEING_REFUNDED,
                YES,
                YES,
                YES,
                YES,
                BEING_REFUNDED,
                BEING_REFUNDED,
                BEING_REFUNDED,
                YES,
                YES,
            ],
        ),
        (S::Refunded, [BACK, BACK, BACK, YES, BACK, BACK, BACK, BACK, BACK, YES, YES]),
        (S::Failed, [FAILED, FAILED, YES, YES, YES, YES, YES, YES, YES, YES, YES]),
    ]
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundOrder {
    pub amount_minor: i64,
    pub reason: String,
    pub by: String,
    /// It waits for another person.
    pub needs_second: bool,
    pub approved_by: Option<String>,
}

impl RefundOrder {
    pub fn is_approved(&self) -> bool {
        !self.needs_second || self.approved_by.is_some()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDispute {
    pub id: DisputeId,
    pub reason: DisputeReason,
}

/// What all acts come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    pub extended_days: Option<u32>,
    pub dispute: Option<OpenDispute>,
    /// About which an operator has decided.
    pub decided: BTreeSet<DisputeReason>,
    pub frozen: Option<String>,
    /// Whose refund's withdrawal alone froze it.
    pub withdrawn: Option<ShareOf>,
    pub set_aside: BTreeSet<String>,
    pub refunds: BTreeMap<ShareOf, RefundOrder>,
    /// In the provider's words.
    pub provider_released: Option<String>,
    pub provider_refunded: Option<String>,
    /// Those that the provider keeps, by its names, as it last said that they stand.
    pub disputes_there: BTreeMap<String, DisputeThere>,
}

impl Standing {
    pub fn of<'a>(acts: impl IntoIterator<Item = (&'a Act, &'a str)>) -> Self {
        let mut standing = Self::default();
        for (act, actor) in acts {
            standing.take(act, actor);
        }
        standing
    }

    /// What another person has to approve yet: nothing of a share whose money has moved meanwhile.
    pub fn waiting<'s>(
        &'s self,
        shares: &'s [ShareState],
    ) -> impl Iterator<Item = (ShareOf, &'s RefundOrder)> {
        let has_moved = |of| shares.iter().any(|share| share.of == of && is_settled(share.state));
        let waiting = self.refunds.iter().filter(|(_, refund)| !refund.is_approved());
        waiting.filter(move |(of, _)| !has_moved(**of)).map(|(of, refund)| (*of, refund))
    }

    fn take(&mut self, act: &Act, actor: &str) {
        match act {
            Act::BuyerExtended { days } => self.extended_days = Some(*days),
            Act::DisputeOpened { dispute, reason } => {
                self.dispute = Some(OpenDispute { id: *dispute, reason: *reason });
            }
            Act::DisputeWithdrawn { dispute } => {
                self.dispute.take_if(|open| open.id == *dispute);
            }
            Act::DisputeClosed { dispute, .. } => {
                let ended = self.dispute.take_if(|open| open.id == *dispute);
                self.decided.extend(ended.map(|ended| ended.reason));
            }
            Act::Frozen { reason } => (self.frozen, self.withdrawn) = (Some(reason.clone()), None),
            Act::Thawed { set_aside, .. } => {
                (self.frozen, self.withdrawn) = (None, None);
                self.set_aside.extend(set_aside.iter().cloned());
            }
            Act::RefundOrdered { share, amount_minor, reason, needs_second } => {
                let (reason, by) = (reason.clone(), actor.to_owned());
                let (amount_minor, needs_second) = (*amount_minor, *needs_second);
                let order = RefundOrder { amount_minor, reason, by, needs_second, approved_by: None };
                self.refunds.insert(*share, order);
                // A person has thought again.
                if self.withdrawn.take_if(|withdrawn| withdrawn == share).is_some() {
                    self.frozen = None;
                }
            }
            Act::RefundApproved { share } => {
                if let Some(refund) = self.refunds.get_mut(share) {
                    refund.approved_by = Some(actor.to_owned());
                }
            }
            Act::RefundWithdrawn { share, reason } => {
                self.refunds.remove(share);
                // If it was a decision about what the buyer objects to, it came to nothing.
                self.decided.clear();
                // What was to go back does not go to the merchant instead, unless a person says so.
                let withdrawn = format!("a refund was withdrawn: {reason}");
                self.frozen = Some(match self.frozen.take() {
                    None => {
                        self.withdrawn = Some(*share);
                        withdrawn
                    }
                    Some(before) => {
                        self.withdrawn = None;
                        format!("{before}; {withdrawn}")
                    }
                });
            }
            // About deliveries, not about the order: see [`has_confirmed`].
            Act::BuyerConfirmed | Act::Revived => {}
            Act::ProviderReleased { word } => self.provider_released = Some(word.clone()),
            Act::ProviderRefunded { word } => self.provider_refunded = Some(word.clone()),
            Act::DisputedThere(said) => {
                let known = self.disputes_there.get(&said.dispute);
                if known.is_none_or(|known| known.at <= said.at) {
                    self.disputes_there.insert(said.dispute.clone(), said.clone());
                }
            }
        }
    }
}

/// Whether the buyer has confirmed a share's delivery, after this act. A word is about what is there when it is said,
/// and who objects has confirmed nothing.
pub fn has_confirmed(act: &Act, before: bool, state: OrderState) -> bool {
    match act {
        Act::BuyerConfirmed => before || state == OrderState::Delivered,
        Act::DisputeOpened { .. } => false,
        Act::DisputedThere(said) => before && said.stands != StandsThere::Open,
        Act::BuyerExtended { .. }
        | Act::DisputeWithdrawn { .. }
        | Act::DisputeClosed { .. }
        | Act::Frozen { .. }
        | Act::Thawed { .. }
        | Act::RefundOrdered { .. }
        | Act::RefundApproved { .. }
        | Act::RefundWithdrawn { .. }
        | Act::Revived
        | Act::ProviderReleased { .. }
        | Act::ProviderRefunded { .. } => before,
    }
}

/// What an act is held against, beside the standing.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'s> {
    pub state: OrderState,
    pub policy: &'s ReleasePolicy,
    pub standing: &'s Standing,
    pub now: Instant,
    /// Until when the buyer can object to what is delivered; none: there is no window, or nothing was.
    pub window_ends_at: Option<Instant>,
    pub can_refund: bool,
    pub contested: bool,
    /// What is left of the share that the act is about, and what was refunded or asked to be of it.
    pub left_minor: i64,
    pub refund_was_sent: bool,
    /// Of how much a refund is that the provider may have heard of, under the only key that it ever has.
    pub refund_begun_minor: Option<i64>,
}

/// By which state an act about the whole order is admitted: a buyer speaks of what is there already.
pub fn state_for(act: &Act, shares: &[OrderState]) -> OrderState {
    let is_of_what_is_there = matches!(act, Act::BuyerConfirmed | Act::BuyerExtended { .. });
    if is_of_what_is_there && shares.contains(&OrderState::Delivered) {
        return OrderState::Delivered;
    }
    of_all(shares)
}

pub fn admit(act: &Act, actor: &str, at: &Situation) -> Result<(), NotNow> {
    let refuse = |text: &str| Err(NotNow::Other(text.to_owned()));
    let meets = |obstacle: Obstacle| Err(NotNow::Known(obstacle));
    ACTS[at.state as usize].1[kind(act) as usize]?;
    match act {
        Act::BuyerExtended { days } => {
            let max = ReleasePolicy::EXTENSION_DAYS_MAX;
            if at.standing.extended_days.is_some() {
                return meets(Obstacle::ExtendedBefore);
            }
            if at.window_ends_at.is_none_or(|ends| ends <= at.now) {
                return meets(Obstacle::NoWindow);
            }
            if !(1..=max).contains(days) {
                return Err(NotNow::Other(format!("a window is extended by 1 to {max} days")));
            }
        }
        Act::DisputeOpened { .. } if at.standing.dispute.is_some() => {
            return meets(Obstacle::DisputeOpen);
        }
        // Who pays could keep the money back for ever otherwise.
        Act::DisputeOpened { reason, .. } if at.standing.decided.contains(reason) => {
            return meets(Obstacle::Decided);
        }
        Act::DisputeWithdrawn { dispute } | Act::DisputeClosed { dispute, .. } => {
            if at.standing.dispute.as_ref().is_none_or(|open| open.id != *dispute) {
                return refuse("this dispute is not open");
            }
        }
        Act::Thawed { .. } if at.standing.dispute.is_some() => {
            return refuse("a dispute is open: close it first");
        }
        Act::RefundOrdered { share, amount_minor, .. } => return admit_refund(*share, *amount_minor, at),
        Act::RefundApproved { .. } if at.contested => return refuse(ANOTHERS),
        Act::RefundApproved { share } => match at.standing.refunds.get(share) {
            None => return refuse("no refund was ordered"),
            Some(refund) if refund.is_approved() => return refuse("the refund is approved already"),
            Some(refund) if refund.by == actor => {
                return refuse("another person has to approve than the one who ordered it");
            }
            Some(_) => {}
        },
        Act::RefundWithdrawn { share, .. } => {
            if !at.standing.refunds.contains_key(share) {
                return refuse("no refund was ordered");
            }
            if at.refund_was_sent {
                return refuse("the provider may have been told already");
            }
        }
        Act::BuyerConfirmed
        | Act::DisputeOpened { .. }
        | Act::Frozen { .. }
        | Act::Thawed { .. }
        | Act::Revived
        | Act::ProviderReleased { .. }
        | Act::ProviderRefunded { .. }
        | Act::DisputedThere(_) => {}
    }
    Ok(())
}

const ANOTHERS: &str = "another order named the same payment before: it is not this one's to refund";

fn admit_refund(share: ShareOf, amount_minor: i64, at: &Situation) -> Result<(), NotNow> {
    let refuse = |text: &str| Err(NotNow::Other(text.to_owned()));
    if !at.can_refund {
        return refuse("this provider has no call for refunds: refund at its console");
    }
    if at.contested {
        return refuse(ANOTHERS);
    }
    if at.standing.refunds.contains_key(&share) {
        return refuse("a refund was ordered before, and there is one at most");
    }
    if at.refund_begun_minor.is_some_and(|begun| begun != amount_minor) {
        return refuse("a refund of another amount was begun before: only that amount can be ordered again");
    }
    if !(1..=at.left_minor).contains(&amount_minor) {
        return refuse("the amount has to be more than nought, and no more than what is left");
    }
    Ok(())
}
