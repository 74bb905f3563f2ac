//! Both sides in, differences out.

use std::collections::BTreeMap;

use super::{Account, Difference, DifferenceKind as Kind, Freezing, Hold, Proof, Sent, Silence};
use crate::domain::escrow::{OrderState, TriggerAction};
use crate::domain::id::OrderId;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::money::Money;
use crate::escrow::provider::{Found, Trade, TradeState};
use crate::escrow::rules::{Stands, is_settled};

/// How long the outbox has for a trigger before its doubt is a person's business, in hours.
const DOUBT_HOURS: i64 = 24;

/// What differs, each hold beside its own account, by `wall`, the machine's clock. Accounts that nobody asked for say
/// nothing; a hold without one was not compared, and that is said.
pub fn compare(ours: &[Hold], theirs: &[Account], wall: Instant) -> Vec<Difference> {
    let accounts: BTreeMap<OrderId, &Account> =
        theirs.iter().map(|account| (account.order, account)).collect();
    let mut found: Vec<Difference> = Vec::new();
    for hold in ours {
        match accounts.get(&hold.order) {
            Some(account) => found.extend(of_one(hold, account, wall)),
            None => found.push(no_word(hold, "it was not asked")),
        }
    }
    found.sort_by(|one, other| place(one).cmp(&place(other)));
    found
}

type Place<'d> = (&'d str, Option<OrderId>, Kind, Option<crate::domain::id::TriggerId>);

fn place(difference: &Difference) -> Place<'_> {
    (&difference.provider, difference.order, difference.kind, difference.trigger)
}

fn no_word(hold: &Hold, reason: &str) -> Difference {
    Difference::of_hold(Kind::NoWord, hold, how(hold, balances(hold)), reason.to_owned())
}

fn of_one(hold: &Hold, account: &Account, wall: Instant) -> Vec<Difference> {
    let mut found: Vec<Difference> = hold
        .triggers
        .iter()
        .filter_map(|sent| of_trigger(hold, sent, account.commands.get(&sent.id), wall))
        .collect();
    // What a trigger's own answer proves is no second difference of its trade.
    let (mut released, mut refunded) = balances(hold);
    for sent in proven(hold, &found) {
        match sent.action {
            TriggerAction::ConfirmReceipt => released += sent.amount_minor,
            TriggerAction::Refund => refunded += sent.amount_minor,
            TriggerAction::Shipped
            | TriggerAction::Delivered
            | TriggerAction::Freeze
            | TriggerAction::Thaw
            | TriggerAction::DeclareCustoms => {}
        }
    }
    match &account.trade {
        Ok(trade) => found.extend(of_trade(hold, trade, (released, refunded))),
        Err(Silence { reason, .. }) => found.push(no_word(hold, reason)),
    }
    found
}

fn balances(hold: &Hold) -> (i64, i64) {
    (hold.released_minor, hold.refunded_minor)
}

fn proven<'h>(hold: &'h Hold, found: &[Difference]) -> Vec<&'h Sent> {
    let took_effect =
        |sent: &&Sent| found.iter().any(|difference| difference.proof == Some(Proof::TookEffect(sent.id)));
    hold.triggers.iter().filter(took_effect).collect()
}

fn of_trigger(hold: &Hold, sent: &Sent, word: Option<&Found>, wall: Instant) -> Option<Difference> {
    let differs = |kind, theirs: &str| Difference::of_trigger(kind, hold, sent, theirs.to_owned());
    let no_effect = Proof::NoEffect { trigger: sent.id, claims: sent.claims };
    let proves = |kind, theirs: &str, proof| Difference { proof: Some(proof), ..differs(kind, theirs) };
    match (sent.stands, word) {
        (Stands::Acknowledged, Some(Found::NotThere)) => {
            Some(differs(Kind::AcknowledgedHere, "it is not there"))
        }
        // Its trade is over, and nobody asks any more where the goods are.
        (Stands::Acknowledged, Some(Found::Refused { .. }))
            if sent.action == TriggerAction::Shipped && is_settled(hold.state) =>
        {
            None
        }
        (Stands::Acknowledged, Some(Found::Refused { reason })) => {
            Some(differs(Kind::AcknowledgedHere, &format!("it was refused: {reason}")))
        }
        (Stands::Acknowledged, _) => None,
        (Stands::Unseen | Stands::MaybeSeen | Stands::Refused | Stands::GivenUp, Some(Found::TookEffect)) => {
            Some(proves(Kind::TookEffectThere, "it took effect", Proof::TookEffect(sent.id)))
        }
        (Stands::GivenUp, Some(Found::NotThere)) => {
            Some(proves(Kind::NoEffectThere, "it is not there", no_effect))
        }
        (Stands::GivenUp, Some(Found::Refused { reason })) => {
            let theirs = format!("it was refused: {reason}");
            Some(proves(Kind::NoEffectThere, &theirs, no_effect))
        }
        (Stands::MaybeSeen | Stands::GivenUp, Some(Found::UnderWay)) => {
            is_old(sent, wall).then(|| differs(Kind::InDoubt, "it is still at it"))
        }
        (Stands::MaybeSeen | Stands::GivenUp, Some(Found::NoWord { reason, .. })) => {
            doubt(hold, sent, wall).map(|kind| differs(kind, reason))
        }
        (Stands::MaybeSeen | Stands::GivenUp, None) => {
            doubt(hold, sent, wall).map(|kind| differs(kind, "it cannot be asked about this"))
        }
        // Sent again, or never sent: the outbox knows what to do.
        (Stands::MaybeSeen, Some(Found::NotThere | Found::Refused { .. }))
        | (Stands::Unseen | Stands::Refused, _) => None,
    }
}

/// Of a trigger that nobody can say anything about.
fn doubt(hold: &Hold, sent: &Sent, wall: Instant) -> Option<Kind> {
    let age = sent.first_sent_at.map(|first| wall - first);
    let forgotten =
        hold.keeps_keys.zip(age).is_some_and(|(kept, age)| age.to_std().is_ok_and(|age| age >= kept));
    if forgotten {
        return Some(Kind::KeyForgotten);
    }
    (sent.stands == Stands::GivenUp || is_old(sent, wall)).then_some(Kind::InDoubt)
}

fn is_old(sent: &Sent, wall: Instant) -> bool {
    sent.first_sent_at.is_some_and(|first| wall - first >= chrono::TimeDelta::hours(DOUBT_HOURS))
}

fn of_trade(hold: &Hold, trade: &Trade, (released, refunded): (i64, i64)) -> Vec<Difference> {
    let (ours, theirs) = (how(hold, (released, refunded)), said(hold, trade));
    let differs = |kind| Difference::of_hold(kind, hold, ours.clone(), theirs.clone());
    if trade.state == TradeState::Absent {
        return vec![differs(Kind::UnknownThere)];
    }
    if let Some(kind) = of_amount(hold, trade) {
        // Nothing else that is said of such a trade can be about this order's money.
        return vec![differs(kind)];
    }
    let mut found: Vec<Difference> = of_money(hold, trade, released, refunded)
        .into_iter()
        .map(|(kind, proof)| Difference { proof, ..differs(kind) })
        .collect();
    let is_open = trade.state == TradeState::Open && !is_settled(hold.state);
    match (trade.frozen, hold.freezing) {
        (Some(true), Freezing::Told(_)) if is_open && hold.state != OrderState::Frozen => {
            found.push(differs(Kind::FrozenThere));
        }
        (Some(false), Freezing::Told(true)) if is_open => found.push(differs(Kind::FrozenHere)),
        (Some(_) | None, Freezing::Told(_) | Freezing::OnItsWay) => {}
    }
    if is_open && let Some(kind) = of_deadline(hold.release_deadline_at, trade.release_deadline_at) {
        let at = |at: Option<Instant>| at.map_or("not known".to_owned(), rfc3339);
        let (ours, theirs) = (at(hold.release_deadline_at), at(trade.release_deadline_at));
        found.push(Difference {
            proof: Some(Proof::Deadline),
            ..Difference::of_hold(kind, hold, ours, theirs)
        });
    }
    found
}

fn of_amount(hold: &Hold, trade: &Trade) -> Option<Kind> {
    let held = trade.held?;
    match held.currency == hold.held.currency {
        false => Some(Kind::CurrencyDiffers),
        true => (held.minor != hold.held.minor).then_some(Kind::AmountDiffers),
    }
}

/// What moved on one side alone.
fn of_money(hold: &Hold, trade: &Trade, released: i64, refunded: i64) -> Vec<(Kind, Option<Proof>)> {
    let left = hold.held.minor - released - refunded;
    // What is settled otherwise here is not unsettled by itself.
    let proof = Some(Proof::Moved).filter(|_| !is_settled(hold.state));
    match trade.state {
        TradeState::Released if left > 0 || refunded >= hold.held.minor => {
            return paid(hold, proof).into_iter().collect();
        }
        TradeState::Refunded if refunded < hold.held.minor => return vec![(Kind::RefundedThere, proof)],
        TradeState::Closed if left > 0 => return vec![(Kind::ClosedThere, None)],
        TradeState::Open
        | TradeState::Released
        | TradeState::Refunded
        | TradeState::Closed
        | TradeState::Absent => {}
    }
    let beside = |theirs: Option<i64>, ours: i64, there, here| match theirs {
        Some(theirs) if theirs > ours => Some((there, None)),
        Some(theirs) if theirs < ours => Some((here, None)),
        Some(_) | None => None,
    };
    let released = beside(trade.released_minor, released, Kind::ReleasedThere, Kind::ReleasedHere);
    let refunded = beside(trade.refunded_minor, refunded, Kind::RefundedThere, Kind::RefundedHere);
    released.into_iter().chain(refunded).collect()
}

/// All of it is the merchant's. A provider that waits for nobody's word pays before the goods are there, and refunds
/// all the same: that settles an order only when there is nothing more to wait for, and is no news before.
fn paid(hold: &Hold, proof: Option<Proof>) -> Option<(Kind, Option<Proof>)> {
    match hold.state {
        OrderState::Held | OrderState::Shipped if !hold.waits_for_us => None,
        OrderState::Delivered if !hold.waits_for_us && hold.is_waiting => None,
        OrderState::Frozen | OrderState::RefundRequested | OrderState::Failed if !hold.waits_for_us => {
            Some((Kind::ReleasedThere, None))
        }
        OrderState::Held
        | OrderState::Shipped
        | OrderState::Delivered
        | OrderState::ConfirmRequested
        | OrderState::Confirmed
        | OrderState::Frozen
        | OrderState::RefundRequested
        | OrderState::Refunded
        | OrderState::Failed => Some((Kind::ReleasedThere, proof)),
    }
}

fn of_deadline(ours: Option<Instant>, theirs: Option<Instant>) -> Option<Kind> {
    let theirs = theirs?;
    match ours {
        Some(ours) if theirs == ours => None,
        Some(ours) if theirs > ours => Some(Kind::DeadlineLater),
        Some(_) | None => Some(Kind::DeadlineNearer),
    }
}

/// How an order stands with us.
fn how(hold: &Hold, (released, refunded): (i64, i64)) -> String {
    let amount = |minor| Money::new(minor, hold.held.currency).amount();
    format!(
        "{}: {} {} held, {} released, {} refunded",
        hold.state,
        hold.held.amount(),
        hold.held.currency,
        amount(released),
        amount(refunded)
    )
}

/// How a trade stands with the provider, as far as it says.
fn said(hold: &Hold, trade: &Trade) -> String {
    let state = match trade.state {
        TradeState::Open => "open",
        TradeState::Released => "released",
        TradeState::Refunded => "refunded",
        TradeState::Closed => "closed",
        TradeState::Absent => "not known there",
    };
    let currency = trade.held.map_or(hold.held.currency, |held| held.currency);
    let amount = |minor| Money::new(minor, currency).amount();
    let parts = [
        trade.held.map(|held| format!("{} {} held", held.amount(), held.currency)),
        trade.released_minor.map(|minor| format!("{} released", amount(minor))),
        trade.refunded_minor.map(|minor| format!("{} refunded", amount(minor))),
        trade.frozen.map(|frozen| if frozen { "frozen".to_owned() } else { "not frozen".to_owned() }),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { state.to_owned() } else { format!("{state}: {}", parts.join(", ")) }
}
