//! What merchants and operators do about a buyer's objection.
//!
//! A decision, the refund it orders and the end of the dispute are one transaction. The refund is
//! ordered first: between the two nothing is released. It goes by the rules of every refund, so
//! above the configured amount it waits for another operator.

use chrono::TimeDelta;
use serde_json::json;

use super::Deps;
use super::act_on_order::{ActError, Wish, refundable, write};
use super::advance::{Changes, Occasion, finish};
use super::authenticate::Operator;
use super::notices;
use super::tell_merchants::tell;
use super::views::DisputeView;
use crate::domain::dispute::{Closed, Dispute, Message, Party, Statement};
use crate::domain::escrow::{Act, DisputeOutcome, Obstacle, ShareOf};
use crate::domain::id::{DisputeId, MerchantId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::escrow::rules::acts::NotNow;
use crate::intake::{Decided, Decision};
use crate::notifications::EscrowNews;
use crate::store::shipments::{self, Shipment};
use crate::store::{Reads, StoreError, Tx, disputes};

/// Who looks at disputes, beside the buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    Merchant(MerchantId),
    Operator(Operator),
}

impl Side {
    pub fn sees(&self, shipment: &Shipment) -> bool {
        match self {
            Side::Merchant(merchant) => *merchant == shipment.merchant,
            Side::Operator(_) => true,
        }
    }

    fn party(&self) -> Party {
        match self {
            Side::Merchant(_) => Party::Merchant,
            Side::Operator(_) => Party::Operator,
        }
    }

    fn actor(&self) -> String {
        match self {
            Side::Merchant(merchant) => format!("merchant {merchant}"),
            Side::Operator(operator) => operator.actor(),
        }
    }
}

/// Newest first. None: there is no such shipment for them.
pub async fn list(
    deps: &Deps,
    side: &Side,
    shipment: ShipmentId,
) -> Result<Option<Vec<DisputeView>>, StoreError> {
    let db = deps.store.reader();
    let found = shipments::find(db, shipment).await?;
    if !found.is_some_and(|shipment| side.sees(&shipment)) {
        return Ok(None);
    }
    Ok(Some(views(db, shipment).await?))
}

pub async fn views(db: &impl Reads, shipment: ShipmentId) -> Result<Vec<DisputeView>, StoreError> {
    let mut views = Vec::new();
    for dispute in disputes::of_shipment(db, shipment).await? {
        views.push(DisputeView::load(db, &dispute).await?);
    }
    Ok(views)
}

/// The shipment is locked first, so that the dispute is as it stays.
async fn lock(tx: &Tx, side: &Side, id: DisputeId) -> Result<(Shipment, Dispute), ActError> {
    let found = disputes::find(tx, id).await?.ok_or(ActError::NotFound)?;
    let shipment = shipments::lock(tx, found.shipment).await?.ok_or(ActError::NotFound)?;
    let dispute = disputes::find(tx, id).await?.ok_or(ActError::NotFound)?;
    if !side.sees(&shipment) {
        return Err(ActError::NotFound);
    }
    if dispute.closed.is_some() {
        return Err(NotNow::Other("this dispute is not open".to_owned()).into());
    }
    Ok((shipment, dispute))
}

pub async fn add_message(
    deps: &Deps,
    side: Side,
    id: DisputeId,
    said: Statement,
) -> Result<DisputeView, ActError> {
    let occasion = Occasion::new(deps, side.actor());
    let view = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let (shipment, dispute) = lock(tx, &side, id).await?;
                say(tx, shipment, &dispute, side.party(), said, &occasion).await?;
                Ok::<_, ActError>(DisputeView::load(tx, &dispute).await?)
            })
        })
        .await?;
    deps.webhook_bell.notify_one();
    Ok(view)
}

/// Closes a dispute, and orders what goes back.
pub async fn close(
    deps: &Deps,
    operator: Operator,
    id: DisputeId,
    decision: Decision,
) -> Result<DisputeView, ActError> {
    let occasion = Occasion::new(deps, operator.actor());
    let above = deps.settings.escrow.second_person_above.clone();
    let view: Result<DisputeView, ActError> = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let (shipment, dispute) = lock(tx, &Side::Operator(operator), id).await?;
                decide(tx, shipment, dispute, decision, &above, &occasion).await
            })
        })
        .await;
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    view
}

async fn decide(
    tx: &Tx,
    mut shipment: Shipment,
    dispute: Dispute,
    Decision { outcome, reason }: Decision,
    above: &[Money],
    occasion: &Occasion,
) -> Result<DisputeView, ActError> {
    for (share, amount) in refunds(tx, &shipment, &outcome, occasion).await? {
        let wish = Wish::Refund { share, amount, reason: reason.clone() };
        write(tx, shipment, wish, above, occasion).await?;
        // Its audit has gone on.
        shipment = shipments::find(tx, dispute.shipment).await?.ok_or(ActError::NotFound)?;
    }
    let outcome = outcome.outcome();
    let act = Act::DisputeClosed { dispute: dispute.id, outcome };
    write(tx, shipment.clone(), Wish::Do(act), above, occasion).await?;
    let closed = end(tx, &shipment, dispute, outcome, Some(reason), occasion).await?;
    Ok(DisputeView::load(tx, &closed).await?)
}

/// Of which share how much; none: all that is left of it.
async fn refunds(
    tx: &Tx,
    shipment: &Shipment,
    outcome: &Decided,
    occasion: &Occasion,
) -> Result<Vec<(ShareOf, Option<Money>)>, ActError> {
    Ok(match outcome {
        Decided::Rejected => Vec::new(),
        Decided::RefundedInPart { amount, parcel } => vec![(*parcel, Some(*amount))],
        Decided::RefundedInFull { parcel: Some(parcel) } => vec![(Some(*parcel), None)],
        Decided::RefundedInFull { parcel: None } => {
            let open = refundable(tx, shipment.id, &occasion.providers).await?;
            if open.is_empty() {
                return Err(NotNow::Other("nothing is left that could go back".to_owned()).into());
            }
            open.into_iter().map(|share| (share, None)).collect()
        }
    })
}

/// How long before a dispute is to be decided somebody is reminded of it.
const REMIND_BEFORE: TimeDelta = TimeDelta::days(1);

pub fn first_reminder(dispute: &Dispute) -> Instant {
    (dispute.decide_by - REMIND_BEFORE).max(dispute.opened_at)
}

/// How many disputes one round looks at.
const AT_ONCE: u32 = 100;

/// Reminds of open disputes a day before they are to be decided, and when they should have been. The money stays
/// frozen all the same: only people decide.
pub async fn remind(deps: &Deps) -> Result<(), StoreError> {
    let now = deps.clock.now();
    for id in disputes::to_remind(deps.store.reader(), now, AT_ONCE).await? {
        let occasion = Occasion::new(deps, "sampan".to_owned());
        let write = deps.store.write(move |tx| Box::pin(async move { remind_of(tx, id, &occasion).await }));
        if let Err(error) = write.await {
            tracing::error!(%error, dispute = %id, "nobody could be reminded of a dispute; it will be tried again");
        }
        deps.webhook_bell.notify_one();
    }
    Ok(())
}

async fn remind_of(tx: &Tx, id: DisputeId, occasion: &Occasion) -> Result<(), StoreError> {
    let Some(found) = disputes::find(tx, id).await? else { return Ok(()) };
    let Some(mut shipment) = shipments::lock(tx, found.shipment).await? else { return Ok(()) };
    let is_over = found.decide_by <= occasion.now;
    let again_at = (!is_over).then_some(found.decide_by);
    if !disputes::reminded(tx, &found, occasion.now, again_at).await? {
        return Ok(());
    }
    let deadline_at = found.decide_by;
    tracing::error!(shipment = %shipment.id, dispute = %id, %deadline_at, is_over, "a dispute is to be decided");
    let what = if is_over { "the dispute should have been decided" } else { "the dispute is to be decided" };
    let mut changes = Changes::new(occasion);
    changes.add("dispute.deadline_near", json!({"dispute": id, "is_over": is_over}));
    let news = EscrowNews::DeadlineNear { what: what.to_owned(), deadline_at };
    changes.notices.push(notices::of_escrow(&shipment, None, &news));
    finish(tx, &mut shipment, changes, occasion).await.map(drop)
}

/// The one that is open, if one is.
pub async fn open_one(tx: &Tx, shipment: ShipmentId) -> Result<Option<Dispute>, StoreError> {
    Ok(disputes::of_shipment(tx, shipment).await?.into_iter().find(|dispute| dispute.closed.is_none()))
}

/// Writes the end down and tells the merchant of it.
pub async fn end(
    tx: &Tx,
    shipment: &Shipment,
    mut dispute: Dispute,
    outcome: DisputeOutcome,
    because: Option<String>,
    occasion: &Occasion,
) -> Result<Dispute, StoreError> {
    let closed = Closed { at: occasion.now, outcome, because };
    disputes::close(tx, &dispute, &closed).await?;
    dispute.closed = Some(closed);
    let news = EscrowNews::DisputeClosed {
        dispute: dispute.id,
        closed_at: occasion.now,
        outcome: outcome.to_string(),
    };
    tell(tx, &[notices::of_escrow(shipment, None, &news)], occasion.now, occasion.wall).await?;
    Ok(dispute)
}

/// Adds what somebody says. The audit knows that somebody said something, and not what.
pub async fn say(
    tx: &Tx,
    mut shipment: Shipment,
    dispute: &Dispute,
    party: Party,
    said: Statement,
    occasion: &Occasion,
) -> Result<(), ActError> {
    let before = disputes::messages(tx, dispute).await?.len() as u32;
    if before >= Dispute::MESSAGES_MAX {
        return Err(NotNow::from(Obstacle::AllSaid).into());
    }
    disputes::insert_message(tx, dispute, before + 1, &Message { party, said, at: occasion.now }).await?;
    let mut changes = Changes::new(occasion);
    changes.add("dispute.message", json!({"dispute": dispute.id, "number": before + 1}));
    let news = EscrowNews::DisputeMessage { dispute: dispute.id, number: before + 1, party };
    changes.notices.push(notices::of_escrow(&shipment, None, &news));
    finish(tx, &mut shipment, changes, occasion).await?;
    Ok(())
}
