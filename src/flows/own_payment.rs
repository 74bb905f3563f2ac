//! An operator says whose a payment is that two orders named.
//!
//! Who names a payment first has it, so a stranger can name one that is not his and leave its owner contested: frozen,
//! and with no refund. Here the payment goes over to the order that it belongs to; the other one is contested from then
//! on. As long as the one that has it may have moved the money, nothing goes over. A provider that was told to hold the
//! payment is told to let it go: why it was held is the other order's business, and its new owner says anew what there
//! is to say, in the same sequence. One transaction, under the locks of both shipments, always in the same order.

use serde_json::json;

use super::Deps;
use super::act_on_order::ActError;
use super::advance::{Changes, Occasion, finish};
use super::settle_order::{Case, settle, thaw};
use crate::domain::escrow::TriggerAction;
use crate::domain::id::ShipmentId;
use crate::domain::outbox::OutboxState;
use crate::escrow::registry::payment_of;
use crate::escrow::rules::acts::NotNow;
use crate::escrow::rules::is_settled;
use crate::store::orders::Order;
use crate::store::shipments::{self, Shipment};
use crate::store::{Tx, orders};

pub async fn own(
    deps: &Deps,
    shipment: ShipmentId,
    reason: String,
    actor: String,
) -> Result<Order, ActError> {
    let occasion = Occasion::new(deps, actor);
    let order = deps
        .store
        .write(move |tx| Box::pin(async move { write(tx, shipment, &reason, &occasion).await }))
        .await?;
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    Ok(order)
}

async fn write(tx: &Tx, id: ShipmentId, reason: &str, occasion: &Occasion) -> Result<Order, ActError> {
    if shipments::find(tx, id).await?.is_none() {
        return Err(ActError::NotFound);
    }
    let order = orders::of_shipment(tx, id).await?;
    let payment = payment_of(&order.provider, &order.payment_reference);
    let owner = orders::owner_of_payment(tx, &order.provider, payment).await?;
    let Some(owner) = owner.filter(|owner| *owner != id) else {
        return Err(NotNow::Other("the payment is this order's own".to_owned()).into());
    };
    let mut both = [id, owner];
    both.sort();
    for one in both {
        shipments::lock(tx, one).await?.ok_or(ActError::NotFound)?;
    }
    // Somebody may have been quicker.
    if orders::owner_of_payment(tx, &order.provider, payment).await? != Some(owner) {
        return Err(NotNow::Other("the payment has gone over to another order meanwhile".to_owned()).into());
    }
    let before = Case::load(tx, owner, &occasion.providers).await?;
    if may_have_moved(&before) {
        let text = format!("the order of {owner} has the payment, and may have moved its money");
        return Err(NotNow::Other(text).into());
    }
    orders::give_payment(tx, &order, payment).await?;
    judge(tx, owner, Part::Loses, reason, occasion).await?;
    judge(tx, id, Part::Gets { freezes: before.order.freezes }, reason, occasion).await?;
    Ok(orders::of_shipment(tx, id).await?)
}

fn may_have_moved(case: &Case) -> bool {
    let moves = |action| matches!(action, TriggerAction::ConfirmReceipt | TriggerAction::Refund);
    let sent = case.triggers.iter().filter(|trigger| moves(trigger.facts.action));
    let mut messages = sent.filter_map(|trigger| case.message(trigger.id));
    case.order.shares.iter().any(|share| is_settled(share.state))
        || messages.any(|message| message.is_in_doubt() || message.state == OutboxState::Acknowledged)
}

enum Part {
    Loses,
    /// After so many freezes of the payment by the one that had it.
    Gets {
        freezes: u32,
    },
}

async fn judge(
    tx: &Tx,
    id: ShipmentId,
    part: Part,
    reason: &str,
    occasion: &Occasion,
) -> Result<(), ActError> {
    let Some(mut shipment): Option<Shipment> = shipments::find(tx, id).await? else {
        return Err(ActError::NotFound);
    };
    let mut case = Case::load(tx, id, &occasion.providers).await?;
    let mut changes = Changes::new(occasion);
    let detail = json!({"reason": reason});
    match part {
        Part::Loses => {
            case.order.contested = true;
            changes.add("order.contested", detail);
            if case.order.provider_frozen {
                thaw(tx, &mut case, &shipment, occasion, &mut changes).await?;
            }
        }
        Part::Gets { freezes } => {
            case.order.contested = false;
            case.order.freezes = case.order.freezes.max(freezes);
            changes.add("order.owns_payment", detail);
        }
    }
    orders::save(tx, &case.order).await?;
    settle(tx, &shipment, case, occasion, &mut changes).await?;
    finish(tx, &mut shipment, changes, occasion).await?;
    Ok(())
}
