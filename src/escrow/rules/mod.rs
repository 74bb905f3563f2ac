//! What is known of an order → what its money does.
//!
//! [`decide`] is a pure function, and deciding again decides the same. It looks at each
//! share of the money by itself (the whole of it, or one a parcel): [`sight::see`] finds
//! what the facts come to, [`table`] says where that leads, and the triggers that belong
//! there are made if they were not made before.
//!
//! What may have reached the provider is never thought undone: a refund waits until it is
//! known what became of a release that was sent, and a trigger that was taken out stays
//! the provider's to acknowledge.

pub mod acts;
pub mod release;
pub mod sight;
pub mod table;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use acts::Standing;
use table::{Sight, next};

use crate::domain::escrow::{Evidence, OrderState, ParcelEvidence, ReleasePolicy, ShareOf, TriggerAction};
use crate::domain::instant::Instant;

/// A reason for money not to move, with a name by which a person can set it aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The same for the same happening, however often it is looked at.
    pub name: String,
    pub text: String,
}

/// What is known of one parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelFacts {
    pub number: u16,
    pub picked_up: Option<ParcelEvidence>,
    pub delivered: Option<ParcelEvidence>,
    /// Why no money should move by itself because of this parcel.
    pub troubles: Vec<Trouble>,
    /// An open customs case.
    pub held: bool,
}

/// How a trigger that was made stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stands {
    /// The provider cannot have seen it, or said that it does not have it.
    Unseen,
    /// It may have taken effect.
    MaybeSeen,
    Acknowledged,
    /// It goes out no more by itself, and has had no effect.
    Refused,
    /// It goes out no more by itself, and may have had its effect.
    GivenUp,
}

impl Stands {
    fn is_in_doubt(self) -> bool {
        matches!(self, Stands::MaybeSeen | Stands::GivenUp)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub action: TriggerAction,
    pub stands: Stands,
    pub amount_minor: i64,
    /// Nobody ever began to send it: under its key it may still say something else.
    pub is_fresh: bool,
    /// What it says of parcels.
    pub parcels: Vec<ParcelEvidence>,
}

/// A part of an order's money, and what was done about it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub of: ShareOf,
    pub held_minor: i64,
    pub state: OrderState,
    /// Why it is as it is, as far as somebody wrote that down.
    pub because: Option<String>,
    /// When its delivery was first known.
    pub delivered_at: Option<Instant>,
    /// That delivery was taken back since: a later one is another.
    pub taken_back: bool,
    /// The buyer said of that delivery that all is well.
    pub buyer_confirmed: bool,
    /// Of each action that happens once, at most one.
    pub issued: Vec<Issued>,
}

impl Share {
    pub fn issued(&self, action: TriggerAction) -> Option<&Issued> {
        self.issued.iter().find(|issued| issued.action == action)
    }

    pub fn refunded_minor(&self) -> i64 {
        let refund = self.issued(TriggerAction::Refund);
        refund.filter(|refund| refund.stands == Stands::Acknowledged).map_or(0, |refund| refund.amount_minor)
    }

    /// What can still be released.
    pub fn left_minor(&self) -> i64 {
        self.held_minor - self.refunded_minor()
    }
}

/// The calls that the order's provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Can {
    pub shipped: bool,
    pub delivered: bool,
    pub confirm_receipt: bool,
    pub refund: bool,
    pub freeze: bool,
    /// And the goods are cleared in a way that needs it.
    pub declare_customs: bool,
    /// `shipped` is about all of the payment, and said once.
    pub ships_whole: bool,
}

impl Can {
    /// But declarations, which are made where somebody says at which office.
    pub const EVERYTHING: Can = Can {
        shipped: true,
        delivered: true,
        confirm_receipt: true,
        refund: true,
        freeze: true,
        declare_customs: false,
        ships_whole: false,
    };

    fn say(self, action: TriggerAction) -> bool {
        match action {
            TriggerAction::Shipped => self.shipped,
            TriggerAction::Delivered => self.delivered,
            TriggerAction::ConfirmReceipt => self.confirm_receipt,
            TriggerAction::Refund => self.refund,
            TriggerAction::Freeze | TriggerAction::Thaw => self.freeze,
            TriggerAction::DeclareCustoms => self.declare_customs,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub policy: &'a ReleasePolicy,
    pub can: Can,
    /// Every parcel of the order, at least one.
    pub parcels: &'a [ParcelFacts],
    /// Every share of its money.
    pub shares: &'a [Share],
    pub standing: &'a Standing,
    pub called_off: bool,
    /// Another order named the same payment before.
    pub contested: bool,
    /// Whether the last word to the provider about it was that nothing may move.
    pub provider_knows_frozen: bool,
    /// Whether it does what it was told then, as far as anybody knows: it would refuse to release anything.
    pub provider_holds: bool,
}

/// What may be sent while a share stands so. The rest of what was made and not acknowledged is
/// taken out of the outbox. `shipped` stays true, whatever becomes of the goods, and so does what was paid for them
/// as long as it was not paid back.
pub fn may_send(state: OrderState) -> &'static [TriggerAction] {
    use TriggerAction as A;
    match state {
        OrderState::Refunded => &[A::Shipped],
        OrderState::Held | OrderState::Shipped | OrderState::Frozen => &[A::Shipped, A::DeclareCustoms],
        OrderState::Delivered | OrderState::Confirmed | OrderState::Failed => {
            &[A::Shipped, A::DeclareCustoms, A::Delivered]
        }
        OrderState::ConfirmRequested => &[A::Shipped, A::DeclareCustoms, A::Delivered, A::ConfirmReceipt],
        OrderState::RefundRequested => &[A::Shipped, A::DeclareCustoms, A::Refund],
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub action: TriggerAction,
    pub amount_minor: i64,
    pub evidence: Evidence,
}

/// What becomes of one share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub of: ShareOf,
    pub sight: Sight,
    pub state: OrderState,
    pub because: Option<String>,
    pub delivered_at: Option<Instant>,
    pub taken_back: bool,
    pub buyer_confirmed: bool,
    /// To be made now, in the order in which the provider has to see them.
    pub triggers: Vec<Made>,
    /// What was made before, was never sent, and says something else than what holds now.
    pub rewritten: Vec<Made>,
    /// When time alone changes it; none: only a happening does.
    pub wake_at: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub shares: Vec<Verdict>,
    /// What the provider is to be told about all of it: `freeze` or `thaw`.
    pub tell: Option<TriggerAction>,
}

impl Decision {
    /// What the order is called, and why.
    pub fn order(&self) -> (OrderState, Option<String>) {
        let states: Vec<_> = self.shares.iter().map(|share| share.state).collect();
        let state = of_all(&states);
        let because = self.shares.iter().find(|share| share.state == state).and_then(|s| s.because.clone());
        (state, because)
    }
}

/// What an order with such shares is called: what needs a person first, then the least advanced.
pub fn of_all(states: &[OrderState]) -> OrderState {
    use OrderState as S;
    let first = [
        S::Frozen,
        S::Failed,
        S::RefundRequested,
        S::Held,
        S::Shipped,
        S::Delivered,
        S::ConfirmRequested,
        S::Confirmed,
        S::Refunded,
    ];
    first.into_iter().find(|state| states.contains(state)).unwrap_or(S::Held)
}

pub fn decide(facts: &Facts, now: Instant) -> Decision {
    let judged = |is_held_there| -> Vec<_> {
        facts.shares.iter().map(|share| judge(facts, share, is_held_there, now)).collect()
    };
    let shares = judged(false);
    let tell = to_tell(facts, &shares);
    // A thaw goes out before whatever it lets go.
    let is_held_there = tell.is_none() && facts.provider_holds;
    Decision { shares: if is_held_there { judged(true) } else { shares }, tell }
}

/// What the provider is to be told about all of an order whose shares stand so.
fn to_tell(facts: &Facts, shares: &[Verdict]) -> Option<TriggerAction> {
    let open = || shares.iter().filter(|share| !is_settled(share.state));
    let goes_back = |share: &&Verdict| matches!(share.sight, Sight::RefundDue | Sight::RefundRefused);
    // What was to go back and was refused is the merchant's as little as before.
    let stands_still =
        |share: &Verdict| share.state == OrderState::Frozen || share.sight == Sight::RefundRefused;
    // A provider freezes a trade as a whole: it is told when no share of it may be released any more.
    let frozen = open().any(stands_still) && open().all(|share| stands_still(share) || goes_back(&share));
    let calm = open().next().is_some()
        && open().all(|share| share.state != OrderState::Frozen && !goes_back(&share))
        && facts.shares.iter().all(|share| {
            let delivered = parcels_of(facts, share).all(|parcel| parcel.delivered.is_some());
            is_settled(share.state) || sight::trouble(facts, share, delivered).is_none()
        });
    // Who names another's payment has no say about it.
    let may_tell = facts.can.freeze && !facts.contested;
    match (facts.provider_knows_frozen, frozen) {
        (false, true) if may_tell => Some(TriggerAction::Freeze),
        (true, false) if may_tell && calm => Some(TriggerAction::Thaw),
        _ => None,
    }
}

pub fn is_settled(state: OrderState) -> bool {
    matches!(state, OrderState::Confirmed | OrderState::Refunded)
}

/// Why a share waits that would be released otherwise.
pub const HELD_THERE: &str = "the provider holds the whole payment, and has not let it go";

/// `is_held_there`: the provider releases nothing of this order as long as it is not told otherwise.
fn judge(facts: &Facts, share: &Share, is_held_there: bool, now: Instant) -> Verdict {
    let mut seen = sight::see(facts, share, now);
    if is_held_there && seen.sight == Sight::ReleaseDue {
        (seen.sight, seen.because) = (Sight::Delivered, Some(HELD_THERE.to_owned()));
    }
    let state = next(share.state, seen.sight);
    let stays = state == share.state && is_settled(state);
    let because = if stays { share.because.clone() } else { seen.because };
    let because = because.or_else(|| {
        let taken_back = matches!(seen.sight, Sight::Nothing | Sight::PickedUp);
        let text = "a delivery that was known was taken back again";
        (state == OrderState::Frozen && taken_back).then(|| text.to_owned())
    });
    let due = match state {
        OrderState::Held
        | OrderState::Frozen
        | OrderState::Confirmed
        | OrderState::Refunded
        | OrderState::Failed => Vec::new(),
        OrderState::RefundRequested => refund(facts, share, now).into_iter().collect(),
        OrderState::Shipped | OrderState::Delivered | OrderState::ConfirmRequested => {
            onward(facts, share, state, now)
        }
    };
    let (before, triggers): (Vec<_>, Vec<_>) =
        due.into_iter().partition(|made| share.issued(made.action).is_some());
    let rewritten = before.into_iter().filter(|made| is_outdated(share, made)).collect();
    let wake_at = if is_settled(state) { None } else { seen.wake_at };
    // A delivery that was taken back is remembered as long as that is somebody's business.
    let forgotten = matches!(state, OrderState::Held | OrderState::Shipped);
    let delivered_at = seen.delivered_at.or(share.delivered_at.filter(|_| !forgotten));
    let taken_back = seen.delivered_at.is_none() && delivered_at.is_some();
    Verdict {
        of: share.of,
        sight: seen.sight,
        state,
        because,
        delivered_at,
        taken_back,
        buyer_confirmed: seen.delivered_at.is_some() && sight::confirms(share),
        triggers,
        rewritten,
        wake_at,
    }
}

/// Whether a trigger that was never sent says something else than what holds now.
fn is_outdated(share: &Share, made: &Made) -> bool {
    let before = share.issued(made.action).filter(|issued| issued.is_fresh);
    before.is_some_and(|before| {
        before.amount_minor != made.amount_minor || before.parcels != made.evidence.parcels
    })
}

/// What the goods' way asks for, as far as `state` has come.
fn onward(facts: &Facts, share: &Share, state: OrderState, now: Instant) -> Vec<Made> {
    let release = state == OrderState::ConfirmRequested;
    let due = [
        (TriggerAction::Shipped, shipped(facts, share, now)),
        // On their way, and not at the gateway yet: customs wants the payment before the goods.
        (TriggerAction::DeclareCustoms, evidence(facts, share, now, |parcel| parcel.picked_up.as_ref())),
        (TriggerAction::Delivered, evidence(facts, share, now, |parcel| parcel.delivered.as_ref())),
        (
            TriggerAction::ConfirmReceipt,
            evidence(facts, share, now, |parcel| parcel.delivered.as_ref()).filter(|_| release),
        ),
    ];
    due.into_iter()
        .filter(|(action, _)| facts.can.say(*action))
        .filter_map(|(action, evidence)| {
            // To customs, what was paid: not what is left of it.
            let declares = action == TriggerAction::DeclareCustoms;
            let amount_minor = if declares { share.held_minor } else { share.left_minor() };
            Some(Made { action, amount_minor, evidence: evidence? })
        })
        .collect()
}

/// Of a payment that is shipped as a whole the first share speaks, when every parcel is on its way: the days until
/// such a provider releases by itself are counted from then on.
fn shipped(facts: &Facts, share: &Share, now: Instant) -> Option<Evidence> {
    let is_first = facts.shares.first().is_some_and(|first| first.of == share.of);
    match facts.can.ships_whole {
        false => evidence(facts, share, now, |parcel| parcel.picked_up.as_ref()),
        true if is_first => proven(facts, facts.parcels.iter(), now, |parcel| parcel.picked_up.as_ref()),
        true => None,
    }
}

fn refund(facts: &Facts, share: &Share, now: Instant) -> Option<Made> {
    let order = facts.standing.refunds.get(&share.of)?;
    if !facts.can.refund {
        return None;
    }
    // Who they are is the house's own business: the audit knows.
    let approved = if order.approved_by.is_some() { ", approved by another" } else { "" };
    let because = Some(format!("ordered by an operator{approved}: {}", order.reason));
    let evidence = Evidence { policy: facts.policy.clone(), decided_at: now, parcels: Vec::new(), because };
    Some(Made { action: TriggerAction::Refund, amount_minor: order.amount_minor, evidence })
}

/// The parcels on whose arrival a share depends.
pub fn parcels_of<'f>(facts: &Facts<'f>, share: &Share) -> impl Iterator<Item = &'f ParcelFacts> {
    let of = share.of;
    facts.parcels.iter().filter(move |parcel| of.is_none_or(|number| number == parcel.number))
}

/// One piece of evidence for every parcel of a share, or none at all.
fn evidence<'f>(
    facts: &Facts<'f>,
    share: &Share,
    now: Instant,
    of: impl Fn(&'f ParcelFacts) -> Option<&'f ParcelEvidence>,
) -> Option<Evidence> {
    proven(facts, parcels_of(facts, share), now, of)
}

fn proven<'f>(
    facts: &Facts<'f>,
    parcels: impl Iterator<Item = &'f ParcelFacts>,
    now: Instant,
    of: impl Fn(&'f ParcelFacts) -> Option<&'f ParcelEvidence>,
) -> Option<Evidence> {
    let parcels: Option<Vec<_>> = parcels.map(|parcel| of(parcel).cloned()).collect();
    let parcels = parcels.filter(|parcels| !parcels.is_empty())?;
    Some(Evidence { policy: facts.policy.clone(), decided_at: now, parcels, because: None })
}
