//! What the facts of one share come to, the strongest first.

use super::acts::RefundOrder;
use super::table::Sight;
use super::{Facts, Issued, Share, Stands, Trouble, parcels_of, release};
use crate::domain::escrow::{DisputeThere, OrderState, StandsThere, TriggerAction};
use crate::domain::instant::Instant;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub sight: Sight,
    pub because: Option<String>,
    /// Since when its delivery is known, if it is.
    pub delivered_at: Option<Instant>,
    pub wake_at: Option<Instant>,
}

pub fn see(facts: &Facts, share: &Share, now: Instant) -> Seen {
    let delivered = parcels_of(facts, share).all(|parcel| parcel.delivered.is_some());
    let delivered_at = delivered.then(|| known_since(facts, share, now));
    let seen = |sight, because| Seen { sight, because, delivered_at, wake_at: None };
    if let Some((sight, because)) = of_money(facts, share) {
        return seen(sight, because);
    }
    if let Some(trouble) = trouble(facts, share, delivered) {
        return seen(Sight::Trouble, Some(trouble.text));
    }
    let Some(since) = delivered_at else {
        let picked_up = parcels_of(facts, share).all(|parcel| parcel.picked_up.is_some());
        return seen(if picked_up { Sight::PickedUp } else { Sight::Nothing }, None);
    };
    let to = || parcels_of(facts, share).filter_map(|p| p.delivered.as_ref()).map(|event| event.delivered_to);
    let due_at = release::due_at(facts.policy, facts.standing, confirms(share), since, to());
    if due_at > now {
        let because = Some("the release waits for its window".to_owned());
        return Seen { sight: Sight::Delivered, because, delivered_at, wake_at: Some(due_at) };
    }
    if !facts.can.confirm_receipt {
        let because = Some("this provider releases by itself, and cannot be told to".to_owned());
        return seen(Sight::Delivered, because);
    }
    let confirm = share.issued(TriggerAction::ConfirmReceipt);
    if confirm.is_some_and(|confirm| !confirm.is_fresh && confirm.amount_minor != share.left_minor()) {
        let text = "the provider has seen the release with another amount: a person has to settle it there";
        return seen(Sight::ReleaseRefused, Some(text.to_owned()));
    }
    match confirm.map(|confirm| confirm.stands) {
        Some(Stands::Refused) => seen(Sight::ReleaseRefused, known(share, "the release was refused")),
        Some(Stands::GivenUp) => {
            seen(Sight::ReleaseRefused, known(share, "nobody knows whether the release took effect"))
        }
        Some(Stands::Unseen | Stands::MaybeSeen | Stands::Acknowledged) | None => {
            seen(Sight::ReleaseDue, None)
        }
    }
}

/// Whether the buyer confirmed the delivery that is known now: a word about one that was taken back ends with it.
pub fn confirms(share: &Share) -> bool {
    share.buyer_confirmed && !share.taken_back
}

/// Since when the delivery that is proved now is known. One that was taken back counts for none that came after it, and
/// nothing is known since a time to come: whoever wrote that had a clock that was ahead.
fn known_since(facts: &Facts, share: &Share, now: Instant) -> Instant {
    let Some(before) = share.delivered_at.filter(|_| !share.taken_back) else { return now };
    let proved = parcels_of(facts, share).filter_map(|parcel| parcel.delivered.as_ref());
    let last = proved.map(|proof| proof.occurred_at.min(now)).max();
    last.map_or(before, |last| before.max(last)).min(now)
}

/// What was written down before says more than what can be said now.
fn known(share: &Share, text: &str) -> Option<String> {
    let before = share.because.clone().filter(|_| share.state == OrderState::Failed);
    Some(before.unwrap_or_else(|| text.to_owned()))
}

/// Money that has moved, and money that is to go back.
fn of_money(facts: &Facts, share: &Share) -> Option<(Sight, Option<String>)> {
    let refund = share.issued(TriggerAction::Refund);
    let stands = |issued: Option<&Issued>| issued.map(|issued| issued.stands);
    if share.refunded_minor() > 0 && share.left_minor() <= 0 {
        return Some((Sight::Refunded, None));
    }
    if let Some(word) = &facts.standing.provider_refunded {
        return Some((Sight::Refunded, Some(word.clone())));
    }
    let confirm = share.issued(TriggerAction::ConfirmReceipt);
    let released = stands(confirm) == Some(Stands::Acknowledged);
    let by_itself = facts.standing.provider_released.as_ref();
    if released || by_itself.is_some() {
        if stands(refund).is_some_and(Stands::is_in_doubt) {
            let text =
                "the provider released while it was told to refund: what became of the refund is not known";
            return Some((Sight::Trouble, Some(text.to_owned())));
        }
        return Some((Sight::Released, by_itself.cloned().filter(|_| !released)));
    }
    let order =
        facts.standing.refunds.get(&share.of).filter(|_| stands(refund) != Some(Stands::Acknowledged))?;
    let in_doubt = stands(confirm).is_some_and(Stands::is_in_doubt);
    let (sight, because) = of_refund(share, order, refund, in_doubt);
    let unseen = matches!(stands(refund), None | Some(Stands::Unseen));
    match held_back(facts) {
        Some(held) if sight == Sight::RefundDue && unseen => Some((Sight::Trouble, Some(held))),
        Some(_) | None => Some((sight, because)),
    }
}

/// Why not even a refund goes out that its provider cannot have heard of.
fn held_back(facts: &Facts) -> Option<String> {
    if facts.contested {
        return Some(CONTESTED.to_owned());
    }
    let waits = |reason| format!("a refund waits until the order is thawed: {}", by_an_operator(reason));
    let by_an_operator = facts.standing.frozen.as_deref().map(waits);
    // What the provider gave back itself is not to be given back once more.
    by_an_operator.or_else(|| given_back_there(facts))
}

/// The money is the other order's business.
const CONTESTED: &str = "another order named the same payment before";

fn by_an_operator(reason: &str) -> String {
    format!("frozen by an operator: {reason}")
}

/// A dispute that the provider kept may have ended with money for the buyer, until a person says that it did not matter.
fn given_back_there(facts: &Facts) -> Option<String> {
    let standing = &facts.standing;
    let troubles = standing.disputes_there.values().filter(|said| said.stands == StandsThere::Otherwise);
    let mut troubles = troubles.filter_map(there);
    troubles.find(|trouble| !standing.set_aside.contains(&trouble.name)).map(|trouble| trouble.text)
}

/// What a dispute that the provider keeps has against the money's going to the merchant.
fn there(said: &DisputeThere) -> Option<Trouble> {
    let DisputeThere { dispute, word, .. } = said;
    match said.stands {
        StandsThere::Open => Some(Trouble {
            name: format!("dispute_there {dispute}"),
            text: format!("the buyer's dispute {dispute} is open at the provider: {word}"),
        }),
        StandsThere::Otherwise => Some(Trouble {
            name: format!("dispute_there {dispute} ended"),
            text: format!("the buyer's dispute {dispute} ended at the provider: {word}"),
        }),
        StandsThere::ForSeller => None,
    }
}

/// A refund that was ordered and has not taken effect.
fn of_refund(
    share: &Share,
    order: &RefundOrder,
    refund: Option<&Issued>,
    in_doubt: bool,
) -> (Sight, Option<String>) {
    if !order.is_approved() {
        let text = "a refund waits for another person's approval";
        return (Sight::Trouble, Some(text.to_owned()));
    }
    if refund.is_some_and(|refund| !refund.is_fresh && refund.amount_minor != order.amount_minor) {
        let text = "the provider may know the refund with another amount: a person has to settle it there";
        return (Sight::RefundRefused, Some(text.to_owned()));
    }
    match refund.map(|refund| refund.stands) {
        // As long as the provider cannot have it, it waits for what became of the release.
        None | Some(Stands::Unseen | Stands::Refused) if in_doubt => {
            let text = "a refund waits until it is known whether the release took effect";
            (Sight::Trouble, Some(text.to_owned()))
        }
        Some(Stands::Refused) => (Sight::RefundRefused, known(share, "the refund was refused")),
        Some(Stands::GivenUp) => {
            (Sight::RefundRefused, known(share, "nobody knows whether the refund took effect"))
        }
        None | Some(Stands::Unseen | Stands::MaybeSeen | Stands::Acknowledged) => (Sight::RefundDue, None),
    }
}

/// The first reason for a share's money not to move.
pub fn trouble(facts: &Facts, share: &Share, delivered: bool) -> Option<Trouble> {
    troubles(facts, share, delivered).into_iter().next()
}

/// Every reason that nobody has set aside.
pub fn troubles(facts: &Facts, share: &Share, delivered: bool) -> Vec<Trouble> {
    let mut all = Vec::new();
    let mut add = |name: &str, text: String| all.push(Trouble { name: name.to_owned(), text });
    if facts.contested {
        add("contested", CONTESTED.to_owned());
    }
    if facts.called_off {
        add("called_off", "the shipment was called off".to_owned());
    }
    if let Some(dispute) = &facts.standing.dispute {
        add("dispute", format!("a dispute is open: {}", dispute.reason));
    }
    for trouble in facts.standing.disputes_there.values().filter_map(there) {
        add(&trouble.name, trouble.text);
    }
    if let Some(reason) = &facts.standing.frozen {
        add("frozen", by_an_operator(reason));
    }
    for parcel in facts.parcels {
        for trouble in &parcel.troubles {
            add(&trouble.name, format!("parcel {}: {}", parcel.number, trouble.text));
        }
        if parcel.held {
            add("customs", format!("parcel {}: customs holds it", parcel.number));
        }
    }
    match share.delivered_at {
        Some(since) if !delivered => {
            let name = format!("taken_back {}", since.timestamp_micros());
            add(&name, "a delivery that was known was taken back".to_owned());
        }
        Some(_) if says_otherwise(facts, share) => {
            let proved = parcels_of(facts, share).filter_map(|parcel| parcel.delivered.as_ref());
            let times: Vec<_> = proved.map(|it| it.occurred_at.timestamp_micros().to_string()).collect();
            let name = format!("changed {}", times.join(" "));
            add(&name, "the delivery that is proved now is not the one that was to be reported".to_owned());
        }
        Some(_) | None => {}
    }
    all.retain(|trouble| !can_be_set_aside(trouble) || !facts.standing.set_aside.contains(&trouble.name));
    all
}

/// A payment that is another's, a case that is open and a person's own word are not set aside, but ended.
pub fn can_be_set_aside(trouble: &Trouble) -> bool {
    !["contested", "called_off", "dispute", "frozen", "customs"].contains(&trouble.name.as_str())
}

/// Whether what was taken out of the outbox proves something else than what is proved now.
fn says_otherwise(facts: &Facts, share: &Share) -> bool {
    let said_so = [TriggerAction::Delivered, TriggerAction::ConfirmReceipt];
    let unsettled = |issued: &&Issued| matches!(issued.stands, Stands::Unseen | Stands::MaybeSeen);
    let proved = || parcels_of(facts, share).filter_map(|parcel| parcel.delivered.as_ref());
    let mut said = share.issued.iter().filter(|issued| said_so.contains(&issued.action)).filter(unsettled);
    let may_wait = matches!(share.state, OrderState::Held | OrderState::Shipped | OrderState::Frozen);
    may_wait && said.any(|issued| !proved().eq(issued.parcels.iter()))
}
