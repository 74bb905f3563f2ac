//! A person does something about an order's money: the buyer, an operator.
//!
//! Whether it is admitted is the escrow rules' to say. What is admitted is written down with
//! what the rules make of it, in one transaction, under the shipment's lock. A refusal changes
//! nothing and says why.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde_json::json;

use super::Deps;
use super::advance::{Changes, Occasion, advance, finish};
use super::send_triggers::moves_money;
use super::settle_order::{Case, is_held, settle};
use crate::domain::escrow::{
    Act, DisputeThere, OrderState, SettledThere, ShareOf, ShareState, StandsThere, TriggerAction,
};
use crate::domain::failure::Class;
use crate::domain::id::{MerchantId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::domain::outbox::OutboxState;
use crate::escrow::registry::Providers;
use crate::escrow::rules::acts::{NotNow, Situation, admit, state_for};
use crate::escrow::rules::{self, release, sight};
use crate::store::orders::Order;
use crate::store::shipments::{self, Shipment};
use crate::store::{StoreError, Tx, orders};
use crate::telemetry;

/// How the actor of what a provider says of itself begins.
const PROVIDER: &str = "provider ";

/// What somebody wants done, before anything is known of the order.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    Do(Act),
    Thaw {
        reason: String,
        /// By their names. None: the only one that there is.
        set_aside: Option<BTreeSet<String>>,
    },
    Refund {
        share: ShareOf,
        amount: Option<Money>,
        reason: String,
    },
    /// Money that waited for a person, and that this one settled at the provider's console.
    Settled {
        outcome: SettledThere,
        reason: String,
    },
    /// Of exactly so much: nobody approves what somebody changed meanwhile.
    Approve {
        share: ShareOf,
        amount: Option<Money>,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("there is no such shipment")]
    NotFound,
    #[error(transparent)]
    NotNow(#[from] NotNow),
    #[error("the order is in {held}, not in {found}")]
    OtherCurrency { held: String, found: String },
    #[error("the order has no such share: {0}")]
    NoSuchShare(String),
    #[error("{provider} moves multiples of {step} alone")]
    NotInSteps { provider: String, step: Money },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ActError {
    pub fn class(&self) -> Class {
        match self {
            ActError::NotFound => Class::NotFound,
            ActError::NotNow(_) => Class::Conflict,
            ActError::OtherCurrency { .. } | ActError::NotInSteps { .. } | ActError::NoSuchShare(_) => {
                Class::Caller
            }
            ActError::Store(error) => error.class(),
        }
    }
}

/// Does what is wished, as `actor`; the merchant's own shipments alone where one is named.
pub async fn act(
    deps: &Deps,
    shipment: ShipmentId,
    merchant: Option<MerchantId>,
    wish: Wish,
    actor: String,
) -> Result<Order, ActError> {
    let occasion = Occasion::new(deps, actor);
    let above = deps.settings.escrow.second_person_above.clone();
    let order = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let shipment = shipments::lock(tx, shipment).await?.ok_or(ActError::NotFound)?;
                if merchant.is_some_and(|merchant| merchant != shipment.merchant) {
                    return Err(ActError::NotFound);
                }
                write(tx, shipment, wish, &above, &occasion).await
            })
        })
        .await?;
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    Ok(order)
}

/// The same under a lock that the caller holds.
pub async fn write(
    tx: &Tx,
    mut shipment: Shipment,
    wish: Wish,
    second_person_above: &[Money],
    occasion: &Occasion,
) -> Result<Order, ActError> {
    let mut case = Case::load(tx, shipment.id, &occasion.providers).await?;
    let act = act_of(&case, wish, second_person_above, &occasion.providers)?;
    admitted(&case, &act, &occasion.actor, occasion.now)?;
    let mut changes = Changes::new(occasion);
    raise_alarm(&case, &act, &shipment, &mut changes, &occasion.actor);
    case.act(tx, act, occasion, &mut changes).await?;
    settle(tx, &shipment, case, occasion, &mut changes).await?;
    finish(tx, &mut shipment, changes, occasion).await?;
    Ok(orders::of_shipment(tx, shipment.id).await?)
}

/// The shares of which something is left, and of which nothing was ordered back yet.
pub async fn refundable(
    tx: &Tx,
    shipment: ShipmentId,
    providers: &Providers,
) -> Result<Vec<ShareOf>, StoreError> {
    let case = Case::load(tx, shipment, providers).await?;
    let standing = case.standing();
    let is_open = |share: &rules::Share| {
        !rules::is_settled(share.state) && share.left_minor() > 0 && !standing.refunds.contains_key(&share.of)
    };
    Ok(case.shares().into_iter().filter(is_open).map(|share| share.of).collect())
}

fn act_of(
    case: &Case,
    wish: Wish,
    second_person_above: &[Money],
    providers: &Providers,
) -> Result<Act, ActError> {
    match wish {
        Wish::Do(act) => Ok(act),
        Wish::Approve { share, amount } => {
            let ordered = case.standing().refunds.get(&share).map(|refund| refund.amount_minor);
            let ordered = ordered.map(|minor| Money::new(minor, case.order.held.currency));
            match ordered {
                Some(ordered) if amount != Some(ordered) => {
                    Err(NotNow::Other(format!("the refund that waits is of {ordered}: approve that amount"))
                        .into())
                }
                Some(_) | None => Ok(Act::RefundApproved { share }),
            }
        }
        Wish::Thaw { reason, set_aside } => {
            let shown = case.order.frozen_because.as_deref();
            let set_aside = seen(known_troubles(case), set_aside, shown)?;
            lifts_something(case, &set_aside)?;
            Ok(Act::Thawed { reason, set_aside })
        }
        Wish::Settled { outcome, reason } => settled(case, outcome, &reason),
        Wish::Refund { share, amount, reason } => {
            let held = case.order.held;
            let found = case.shares().into_iter().find(|known| known.of == share);
            let Some(found) = found else {
                let by_parcel = case.order.shares.iter().any(|share| share.of.is_some());
                return Err(ActError::NoSuchShare(match (by_parcel, share) {
                    (false, _) => "its money goes as one".to_owned(),
                    (true, None) => "its money goes by parcel: name one".to_owned(),
                    (true, Some(number)) => format!("it has no parcel {number}"),
                }));
            };
            let amount = amount.unwrap_or(Money::new(found.left_minor(), held.currency));
            if amount.currency != held.currency {
                let (held, found) = (held.currency.to_string(), amount.currency.to_string());
                return Err(ActError::OtherCurrency { held, found });
            }
            let provider = &case.order.provider;
            let step = Money::new(providers.step_minor(provider, held.currency), held.currency);
            // An order that came before its provider was configured may be no multiple: all that is left may go back.
            if amount.minor % step.minor != 0 && amount.minor != found.left_minor() {
                return Err(ActError::NotInSteps { provider: provider.clone(), step });
            }
            let limit = second_person_above.iter().find(|limit| limit.currency == held.currency);
            let before: i64 = case.standing().refunds.values().map(|refund| refund.amount_minor).sum();
            let needs_second = limit.is_none_or(|limit| before.saturating_add(amount.minor) > limit.minor);
            Ok(Act::RefundOrdered { share, amount_minor: amount.minor, reason, needs_second })
        }
    }
}

/// It ends all that is left of an order, so that all of it has to wait for a person, and nothing else may be about to
/// say otherwise: a dispute, a refund that waits for approval, a command of which nobody knows what came of it.
fn settled(case: &Case, outcome: SettledThere, reason: &str) -> Result<Act, ActError> {
    let refuse = |text: String| Err(NotNow::Other(text).into());
    let waits = |share: &ShareState| {
        let is_held =
            share.state == OrderState::Delivered && share.because.as_deref() == Some(rules::HELD_THERE);
        is_held || matches!(share.state, OrderState::Failed | OrderState::Frozen)
    };
    let mut left = case.order.shares.iter().filter(|share| !rules::is_settled(share.state)).peekable();
    if left.peek().is_none() {
        return refuse(format!("the order is {} already", case.order.state));
    }
    if !left.all(waits) {
        return refuse(format!("the order is {}, and some of its money moves by itself", case.order.state));
    }
    if case.order.contested {
        return refuse(
            "another order named the same payment before: it is not this one's to settle".to_owned(),
        );
    }
    let standing = case.standing();
    if standing.dispute.is_some() {
        return refuse("a dispute is open: close it first".to_owned());
    }
    let is_open = |said: &&DisputeThere| said.stands == StandsThere::Open;
    if let Some(said) = standing.disputes_there.values().find(is_open) {
        return refuse(format!(
            "the buyer's dispute {} is open at the provider: it moves the money",
            said.dispute
        ));
    }
    if standing.waiting(&case.order.shares).next().is_some() {
        return refuse("a refund waits for another person: approve it or withdraw it first".to_owned());
    }
    let in_doubt = case.triggers.iter().filter(|trigger| moves_money(trigger.facts.action)).find(|trigger| {
        let message = case.message(trigger.id);
        message.is_some_and(|it| it.state != OutboxState::Acknowledged && it.is_in_doubt())
    });
    if let Some(trigger) = in_doubt {
        return refuse(format!(
            "nobody knows yet what came of trigger {}: say it first (sampan outbox took-effect, no-effect)",
            trigger.id
        ));
    }
    let word = format!("settled at the provider by hand: {reason}");
    Ok(match outcome {
        SettledThere::Released => Act::ProviderReleased { word },
        SettledThere::Refunded => Act::ProviderRefunded { word },
    })
}

/// The provider pays the merchant though the order is held here for a reason, or went back; or it gives back what the
/// merchant was paid: nobody can do anything about that but people.
fn raise_alarm(case: &Case, act: &Act, shipment: &Shipment, changes: &mut Changes<'_>, actor: &str) {
    if !actor.starts_with(PROVIDER) {
        return;
    }
    if let (Act::ProviderRefunded { word }, OrderState::Confirmed) = (act, case.order.state) {
        telemetry::refunded_after_release(&case.order.provider);
        tracing::error!(shipment = %shipment.id, word, "a provider gave back the money of an order whose merchant was paid");
        changes.add("order.refunded_after_release", json!({"word": word}));
        return;
    }
    let is_release = matches!(act, Act::ProviderReleased { .. });
    if !(is_release && is_held(case, case.order.state)) {
        return;
    }
    let because = &case.order.frozen_because;
    telemetry::released_against_us(&case.order.provider);
    tracing::error!(shipment = %shipment.id, because, "a provider released the money of an order that was held");
    changes.add("order.released_against_hold", json!({"was": case.order.state, "because": because}));
}

/// What a person who thaws can set aside, by name.
fn known_troubles(case: &Case) -> BTreeMap<String, String> {
    case.ask(|facts| {
        let of = |share| {
            let delivered = rules::parcels_of(facts, share).all(|parcel| parcel.delivered.is_some());
            sight::troubles(facts, share, delivered)
        };
        let known = facts.shares.iter().flat_map(of).filter(sight::can_be_set_aside);
        known.map(|trouble| (trouble.name, trouble.text)).collect()
    })
}

/// Nobody sets aside what he did not name, unless it is the only thing and the one that the order shows.
fn seen(
    known: BTreeMap<String, String>,
    named: Option<BTreeSet<String>>,
    shown: Option<&str>,
) -> Result<BTreeSet<String>, NotNow> {
    let is_seen = |(name, text): &(&String, &String)| match &named {
        Some(named) => named.contains(*name),
        None => known.len() == 1 && shown == Some(text.as_str()),
    };
    let strange = named.iter().flatten().find(|name| !known.contains_key(*name));
    if let Some(name) = strange {
        let names: Vec<_> = known.keys().map(|name| format!("{name:?}")).collect();
        let there_is = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        return Err(NotNow::Other(format!(
            "{name:?} does not hold the order; to be set aside there is {there_is}"
        )));
    }
    let unseen: Vec<_> =
        known.iter().filter(|one| !is_seen(one)).map(|(name, text)| format!("{name:?} ({text})")).collect();
    if unseen.is_empty() {
        return Ok(known.into_keys().collect());
    }
    Err(NotNow::Other(format!(
        "name in set_aside what is to be set aside; not named is {}",
        unseen.join(", ")
    )))
}

/// Nobody is told that an order is thawed which is held by nothing but what a thaw does not lift.
fn lifts_something(case: &Case, set_aside: &BTreeSet<String>) -> Result<(), NotNow> {
    if case.standing().frozen.is_some() || !set_aside.is_empty() {
        return Ok(());
    }
    let text = match (case.order.contested, case.is_called_off(), &case.order.frozen_because) {
        (true, _, _) => "another order named the same payment before: say whose it is (own-payment)",
        (false, true, _) => {
            "the shipment was called off: refund its money, or say how it was settled at the provider's console"
        }
        (false, false, Some(because)) if case.order.state == OrderState::Frozen => {
            &format!("a thaw does not lift what holds it: {because}")
        }
        (false, false, _) => return Ok(()),
    };
    Err(NotNow::Other(text.to_owned()))
}

fn admitted(case: &Case, act: &Act, actor: &str, now: Instant) -> Result<(), NotNow> {
    let about = match act {
        Act::RefundOrdered { share, .. }
        | Act::RefundApproved { share }
        | Act::RefundWithdrawn { share, .. } => Some(*share),
        Act::BuyerConfirmed
        | Act::BuyerExtended { .. }
        | Act::DisputeOpened { .. }
        | Act::DisputeWithdrawn { .. }
        | Act::DisputeClosed { .. }
        | Act::Frozen { .. }
        | Act::Thawed { .. }
        | Act::Revived
        | Act::ProviderReleased { .. }
        | Act::ProviderRefunded { .. }
        | Act::DisputedThere(_) => None,
    };
    case.ask(|facts| {
        let share = facts.shares.iter().find(|share| about == Some(share.of));
        let states: Vec<_> = facts.shares.iter().map(|share| share.state).collect();
        let situation = Situation {
            state: share.map_or_else(|| state_for(act, &states), |share| share.state),
            policy: facts.policy,
            standing: facts.standing,
            now,
            window_ends_at: facts.shares.iter().filter_map(|share| window(facts, share)).max(),
            can_refund: facts.can.refund,
            contested: facts.contested,
            left_minor: share.map_or(0, rules::Share::left_minor),
            refund_begun_minor: share
                .and_then(|share| share.issued(TriggerAction::Refund))
                .filter(|refund| !refund.is_fresh)
                .map(|refund| refund.amount_minor),
            refund_was_sent: share.is_some_and(|share| refund_was_sent(case, share)),
        };
        admit(act, actor, &situation)
    })
}

fn window(facts: &rules::Facts, share: &rules::Share) -> Option<Instant> {
    let to = rules::parcels_of(facts, share).filter_map(|parcel| parcel.delivered.as_ref());
    let since = share.delivered_at.filter(|_| share.state == OrderState::Delivered)?;
    release::window_ends_at(facts.policy, facts.standing, since, to.map(|proof| proof.delivered_to))
}

/// Whether the provider may have a refund, or may still get it from whoever claimed it.
fn refund_was_sent(case: &Case, share: &rules::Share) -> bool {
    let refund = case
        .triggers
        .iter()
        .find(|trigger| trigger.facts.action == TriggerAction::Refund && trigger.facts.parcel == share.of);
    let message = refund.and_then(|refund| case.message(refund.id));
    message.is_some_and(|message| message.is_in_doubt() || message.state == OutboxState::Acknowledged)
}

/// After what time an order that could not be judged is looked at again.
const PUT_OFF: TimeDelta = TimeDelta::minutes(5);

async fn put_off(deps: &Deps, shipment: ShipmentId) -> Result<(), StoreError> {
    let at = deps.clock.now() + PUT_OFF;
    deps.store.write(move |tx| Box::pin(async move { orders::put_off(tx, shipment, at).await })).await
}

/// How many orders one round looks at.
const AT_ONCE: usize = 200;

/// Orders that time alone changes are judged again. One that cannot be holds up no other.
pub async fn wake(deps: &Deps) -> Result<u64, StoreError> {
    let mut woken = 0;
    for shipment in orders::waking(deps.store.reader(), deps.clock.now(), AT_ONCE).await? {
        let occasion = Occasion::new(deps, "sampan".to_owned());
        let judged = deps
            .store
            .write(move |tx| Box::pin(async move { advance(tx, shipment, &[], &occasion).await.map(drop) }))
            .await;
        match judged {
            Ok(()) => woken += 1,
            Err(error) => {
                tracing::error!(%error, %shipment, "an order could not be judged; it will be tried again");
                put_off(deps, shipment).await?;
            }
        }
    }
    if woken > 0 {
        deps.outbox_bell.notify_one();
        deps.webhook_bell.notify_one();
    }
    Ok(woken)
}
