//! What the rows of a shipment say, held against what was audited last.
//!
//! The actions and details that are read here are those that the flows write.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use crate::domain::escrow::{Act, OrderState, ShareOf, ShareState, TriggerAction, TriggerFacts};
use crate::domain::event::EventStatus;
use crate::domain::id::{ParcelId, ShipmentId, TriggerId};
use crate::domain::money::Money;
use crate::domain::shipment::ShipmentStatus;
use crate::store::entity::{audit_entry, escrow_act, escrow_order, escrow_trigger};

/// The last word of a chain on what it vouches for.
struct Audited {
    status: Option<String>,
    state: String,
    held: Option<Money>,
    /// Of whom how much, and where it stands.
    shares: BTreeMap<ShareOf, (i64, String)>,
    /// Who did what, in the order of its coming.
    acts: Vec<(String, Value)>,
    /// Triggers, what they command and of how much.
    issued: BTreeMap<String, (String, Option<String>)>,
    acknowledged: BTreeSet<String>,
}

impl Audited {
    fn read(entries: &[audit_entry::Model]) -> Self {
        let state = OrderState::Held.to_string();
        let mut said = Self {
            status: None,
            state,
            held: None,
            shares: BTreeMap::new(),
            acts: Vec::new(),
            issued: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
        };
        for entry in entries {
            // What isn't JSON was not written by us: its hash is wrong, or it vouches for nothing.
            let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
            let text = |key: &str| detail[key].as_str().unwrap_or_default().to_owned();
            match entry.action.as_str() {
                "shipment.accepted" => {
                    said.status = Some(ShipmentStatus::Accepted.to_string());
                    said.held = serde_json::from_value(detail["held"].clone()).ok();
                    let shares: Vec<ShareState> =
                        serde_json::from_value(detail["shares"].clone()).unwrap_or_default();
                    let share = |share: ShareState| (share.of, (share.held_minor, share.state.to_string()));
                    said.shares = shares.into_iter().map(share).collect();
                }
                "shipment.advanced" => said.status = Some(text("to")),
                "order.state" => {
                    said.state = text("to");
                    // All of it stands as the order does.
                    if let Some((_, state)) = said.shares.get_mut(&None) {
                        *state = text("to");
                    }
                }
                "share.state" => {
                    let of = detail["parcel"].as_u64().and_then(|number| u16::try_from(number).ok());
                    if let Some((_, state)) = said.shares.get_mut(&of) {
                        *state = text("to");
                    }
                }
                "order.act" => said.acts.push((entry.actor.clone(), detail)),
                "trigger.issued" => {
                    let amount = detail["amount"].as_str().map(str::to_owned);
                    said.issued.insert(text("trigger"), (text("action"), amount));
                }
                "trigger.rewritten" => {
                    if let Some((_, amount)) = said.issued.get_mut(&text("trigger")) {
                        *amount = Some(text("amount"));
                    }
                }
                "trigger.acknowledged" => drop(said.acknowledged.insert(text("trigger"))),
                _ => {}
            }
        }
        said
    }
}

/// Every row of one shipment that says something else than its chain, in words.
pub fn disagreements(
    status: &str,
    entries: &[audit_entry::Model],
    orders: &[escrow_order::Model],
    triggers: &[escrow_trigger::Model],
    acts: &[escrow_act::Model],
    parcels: &[(Uuid, i32)],
) -> Vec<String> {
    let audited = Audited::read(entries);
    let mut found = Vec::new();
    if audited.status.as_deref() != Some(status) {
        let known = audited.status.as_deref().unwrap_or("nothing");
        found.push(format!("the shipment is {status}, audited last was {known}"));
    }
    match orders {
        [order] => {
            found.extend(order_disagreements(order, &audited));
            found.extend(share_disagreements(order, &audited));
            found.extend(too_much_moved(order, triggers));
        }
        _ => found.push(format!("the shipment has {} orders", orders.len())),
    }
    found.extend(act_disagreements(acts, &audited));
    for trigger in triggers {
        let id = TriggerId::from_uuid(trigger.id).to_string();
        match audited.issued.get(&id) {
            Some((action, amount)) if *action == trigger.action => {
                found.extend(other_amount(trigger, &id, amount.as_deref()));
            }
            Some(_) | None => {
                found.push(format!("the trigger {id} ({}) was issued without an entry", trigger.action));
            }
        }
        if trigger.acknowledged_at.is_some() != audited.acknowledged.contains(&id) {
            let word = if trigger.acknowledged_at.is_some() { "an" } else { "no" };
            found.push(format!("the trigger {id} has {word} acknowledgement, the chain says otherwise"));
        }
        if trigger.action == TriggerAction::ConfirmReceipt.as_str() && !has_evidence(trigger, parcels) {
            found.push(format!("the trigger {id} confirms without evidence that every parcel was delivered"));
        }
    }
    found
}

fn order_disagreements(order: &escrow_order::Model, audited: &Audited) -> Vec<String> {
    let mut found = Vec::new();
    if order.state != audited.state {
        found.push(format!("the order is {}, audited last was {}", order.state, audited.state));
    }
    let is_held = |held: &Money| {
        (held.minor, held.currency.to_string()) == (order.amount_minor, order.currency.clone())
    };
    if !audited.held.as_ref().is_some_and(is_held) {
        let held =
            audited.held.map_or("nothing".to_owned(), |held| format!("{} {}", held.minor, held.currency));
        let (minor, currency) = (order.amount_minor, &order.currency);
        found.push(format!("the order holds {minor} {currency} (minor units), audited was {held}"));
    }
    found
}

fn share_disagreements(order: &escrow_order::Model, audited: &Audited) -> Vec<String> {
    if audited.shares.is_empty() {
        return Vec::new();
    }
    let Ok(shares) = serde_json::from_str::<Vec<ShareState>>(&order.shares) else {
        return vec!["the order's shares cannot be read".to_owned()];
    };
    let found = shares.into_iter().map(|share| (share.of, (share.held_minor, share.state.to_string())));
    let found: BTreeMap<_, _> = found.collect();
    let name = |of: &ShareOf| of.map_or("all of it".to_owned(), |number| format!("parcel {number}"));
    let says = |share: Option<&(i64, String)>| {
        share.map_or("nothing".to_owned(), |(minor, state)| format!("{minor} (minor units), {state}"))
    };
    let all: BTreeSet<_> = found.keys().chain(audited.shares.keys()).collect();
    let differs = all.into_iter().filter(|of| found.get(of) != audited.shares.get(of));
    differs
        .map(|of| {
            let (is, was) = (says(found.get(of)), says(audited.shares.get(of)));
            format!("the share of {} is {is}, audited last was {was}", name(of))
        })
        .collect()
}

/// What people did is what moves money: none missing, none added, none changed.
fn act_disagreements(acts: &[escrow_act::Model], audited: &Audited) -> Option<String> {
    let mut acts: Vec<_> = acts.iter().collect();
    acts.sort_by_key(|act| act.number);
    let read = |act: &&escrow_act::Model| {
        let said = serde_json::from_str::<Act>(&act.act).ok().and_then(|act| serde_json::to_value(act).ok());
        (act.actor.clone(), said.unwrap_or_default())
    };
    let found: Vec<_> = acts.iter().map(read).collect();
    (found != audited.acts).then(|| {
        let same = found.iter().zip(&audited.acts).take_while(|(found, audited)| found == audited).count();
        format!("what people did is not what was audited, from the act {} on", same + 1)
    })
}

fn other_amount(trigger: &escrow_trigger::Model, id: &str, audited: Option<&str>) -> Option<String> {
    let audited = audited?;
    let facts = serde_json::from_str::<TriggerFacts>(&trigger.facts).ok()?;
    let amount = facts.amount;
    (amount != audited).then(|| format!("the trigger {id} is of {amount}, audited last was {audited}"))
}

/// What the provider has acknowledged to have moved is no more than it held.
fn too_much_moved(order: &escrow_order::Model, triggers: &[escrow_trigger::Model]) -> Option<String> {
    let currency = order.currency.parse().ok()?;
    let moves = [TriggerAction::ConfirmReceipt, TriggerAction::Refund].map(TriggerAction::as_str);
    let moved = triggers
        .iter()
        .filter(|trigger| trigger.acknowledged_at.is_some() && moves.contains(&trigger.action.as_str()));
    let amount = |trigger: &escrow_trigger::Model| {
        let facts = serde_json::from_str::<TriggerFacts>(&trigger.facts).ok()?;
        Some(i128::from(Money::parse(&facts.amount, currency).ok()?.minor))
    };
    let sum: i128 = moved.filter_map(amount).sum();
    (sum > i128::from(order.amount_minor))
        .then(|| format!("{sum} was released and refunded of {} (minor units)", order.amount_minor))
}

/// One parcel, one delivery: none missing, none twice, none of another shipment.
fn has_evidence(trigger: &escrow_trigger::Model, parcels: &[(Uuid, i32)]) -> bool {
    let Ok(facts) = serde_json::from_str::<TriggerFacts>(&trigger.facts) else { return false };
    let delivered = EventStatus::Delivered.as_str();
    let mut proved: Vec<ParcelId> = facts.evidence.parcels.iter().map(|proof| proof.parcel).collect();
    proved.sort_unstable();
    let mut there: Vec<ParcelId> = Vec::new();
    let concerned = |number: &i32| trigger.share == 0 || trigger.share == *number;
    for (shipment, number) in parcels.iter().filter(|(_, number)| concerned(number)) {
        let Ok(number) = u16::try_from(*number) else { return false };
        there.push(ParcelId { shipment: ShipmentId::from_uuid(*shipment), number });
    }
    there.sort_unstable();
    facts.evidence.parcels.iter().all(|proof| proof.status == delivered)
        && proved == there
        && !there.is_empty()
}
