//! Many acknowledgements in one transaction, with as many statements as one takes.
//!
//! What becomes of each is what would become of it alone: the same rules judge the same facts. Of a shipment that has
//! two of them, the caller takes them one after the other.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::settle::{about, changes_its_order};
use crate::domain::escrow::TriggerAction;
use crate::domain::id::{OrderId, ShipmentId};
use crate::faults;
use crate::flows::advance::{Changes, Occasion, finish_each};
use crate::flows::settle_order::{Case, raise_alarm, weigh};
use crate::notifications::EscrowNews;
use crate::store::at_once;
use crate::store::orders::Trigger;
use crate::store::outbox::Message;
use crate::store::shipments::Shipment;
use crate::store::{StoreError, Tx};

/// At most one message of each shipment. Says whether there is something new to tell a merchant.
pub async fn acknowledge(tx: &Tx, messages: &[Message], occasion: &Occasion) -> Result<bool, StoreError> {
    let by_shipment: BTreeMap<ShipmentId, &Message> =
        messages.iter().map(|message| (message.shipment, message)).collect();
    let ids: Vec<ShipmentId> = by_shipment.keys().copied().collect();
    let shipments = at_once::lock(tx, &ids).await?;
    let keys: Vec<_> = messages.iter().map(|message| message.id).collect();
    let new = at_once::acknowledge(tx, &keys, occasion.wall).await?;
    // Of the others another attempt was acknowledged before.
    let keys: Vec<_> = shipments
        .iter()
        .filter_map(|shipment| Some((shipment.id, by_shipment.get(&shipment.id)?.id)))
        .filter(|(_, id)| new.contains(id))
        .collect();
    let mut triggers = at_once::acknowledge_triggers(tx, &keys, occasion.now).await?;
    let shipments: Vec<(Shipment, Trigger)> = shipments
        .into_iter()
        .filter_map(|shipment| {
            let trigger = triggers.remove(&shipment.id)?;
            Some((shipment, trigger))
        })
        .collect();
    let acknowledged: Vec<&Trigger> = shipments.iter().map(|(_, trigger)| trigger).collect();
    let judged: Vec<ShipmentId> = acknowledged
        .iter()
        .filter(|trigger| changes_its_order(trigger.facts.action))
        .map(|trigger| trigger.facts.shipment)
        .collect();
    let cases = cases(tx, &judged, occasion).await?;
    let streams: Vec<OrderId> = acknowledged.iter().map(|trigger| trigger.facts.order).collect();
    let told = change(tx, shipments, cases, occasion).await?;
    at_once::release_next(tx, &streams, occasion.wall).await?;
    messages.iter().for_each(|_| faults::reached("outbox.before_commit"));
    Ok(told)
}

async fn cases(
    tx: &Tx,
    judged: &[ShipmentId],
    occasion: &Occasion,
) -> Result<HashMap<ShipmentId, Case>, StoreError> {
    if judged.is_empty() {
        return Ok(HashMap::new());
    }
    Case::load_many(tx, judged, &occasion.providers).await
}

async fn change(
    tx: &Tx,
    acknowledged: Vec<(Shipment, Trigger)>,
    mut cases: HashMap<ShipmentId, Case>,
    occasion: &Occasion,
) -> Result<bool, StoreError> {
    let (mut changed, mut orders) = (Vec::with_capacity(acknowledged.len()), Vec::new());
    for (shipment, trigger) in acknowledged {
        let mut changes = Changes::new(occasion);
        let action = trigger.facts.action;
        changes.add("trigger.acknowledged", json!({"trigger": trigger.id, "action": action}));
        let news = |trigger, action| EscrowNews::TriggerAcknowledged { trigger, action };
        changes.notices.push(about(&shipment, &trigger, news));
        if let Some(case) = cases.remove(&shipment.id) {
            if action == TriggerAction::ConfirmReceipt {
                raise_alarm(&case, trigger.facts.parcel, &shipment, &mut changes);
            }
            orders.extend(weigh(tx, &shipment, case, occasion, &mut changes).await?.order);
        }
        changed.push((shipment, changes));
    }
    at_once::save_orders(tx, orders).await?;
    finish_each(tx, &mut changed, occasion).await
}
