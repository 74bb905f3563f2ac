//! An operator cancels a departure, closes a hub, or opens it again.
//!
//! The change, the new edition of the network and the queue of the shipments whose plans it may break are one
//! transaction: nobody who plans on the old edition saves his plan after it, and whoever had saved one
//! before it is in the queue. A crash after it leaves the queue, which any daemon works off. To ask
//! for the same again finds what is there.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use super::authenticate::Operator;
use super::import_network::LoadError;
use super::views::{CancelledView, ClosureList, ClosureView};
use super::{Deps, book_departures, hold_departures, import_network};
use crate::chance;
use crate::domain::calendar::{ChangeKind, Closure, DepartureChange};
use crate::domain::failure::Class;
use crate::domain::id::ClosureId;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::network::{DepartureId, HubCode};
use crate::intake::{self, FieldError};
use crate::store::departures::Dated;
use crate::store::replans::{Around, Cause};
use crate::store::{StoreError, Tx, calendar, consolidations, departures, network, replans};

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{} fields are wrong", .0.len())]
    Fields(Vec<FieldError>),
    #[error("there is no such departure, hub or closure")]
    NotFound,
    #[error("departure {departure} left at {}", rfc3339(*depart_at))]
    HasLeft { departure: DepartureId, depart_at: Instant },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Network(#[from] LoadError),
}

impl ChangeError {
    pub fn class(&self) -> Class {
        match self {
            ChangeError::Fields(_) => Class::Caller,
            ChangeError::NotFound => Class::NotFound,
            ChangeError::HasLeft { .. } => Class::Conflict,
            ChangeError::Store(error) | ChangeError::Network(LoadError::Store(error)) => error.class(),
            ChangeError::Network(LoadError::Bad(_)) => Class::Bug,
        }
    }
}

/// How often a change is tried that another one got in the way of.
const TRIES: usize = 5;

/// Tries again what gave in to another transaction: nothing of it is there then.
async fn patiently<T, E, F>(mut change: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Contends,
{
    for _ in 1..TRIES {
        match change().await {
            Err(error) if error.is_contended() => tracing::debug!("a change of the network is tried again"),
            done => return done,
        }
    }
    change().await
}

trait Contends {
    fn is_contended(&self) -> bool;
}

impl Contends for ChangeError {
    fn is_contended(&self) -> bool {
        matches!(self, ChangeError::Store(error) if error.is_contended())
    }
}

impl Contends for StoreError {
    fn is_contended(&self) -> bool {
        matches!(self, StoreError::Contended(_))
    }
}

/// Takes the new edition into force here and has the queue worked off; other daemons do so by themselves.
async fn take_effect(deps: &Deps) {
    if let Err(error) = import_network::refresh(deps).await {
        tracing::error!(%error, "a change of the network is stored and not in force here yet");
    }
    deps.replan_bell.notify_one();
}

pub async fn cancel_departure(
    deps: &Deps,
    operator: &Operator,
    id: &DepartureId,
    body: &Value,
) -> Result<CancelledView, ChangeError> {
    let reason = intake::read_cancellation(body).map_err(ChangeError::Fields)?;
    import_network::refresh(deps).await?;
    let network = deps.network.current();
    if !network.is_cancelled(id) {
        let departure = network.scheduled(id).ok_or(ChangeError::NotFound)?;
        let (now, depart_at) = (deps.clock.now(), departure.depart_at);
        if depart_at <= now {
            return Err(ChangeError::HasLeft { departure: id.clone(), depart_at });
        }
        let dated = book_departures::dated(&network, id, departure).ok_or(ChangeError::NotFound)?;
        let cause = Cause::new(format!("departure {id} was cancelled ({reason})"), operator.actor());
        let wall = deps.clock.wall();
        patiently(|| {
            let (dated, reason, cause) = (dated.clone(), reason.clone(), cause.clone());
            deps.store.write(move |tx| {
                Box::pin(async move { cancel(tx, &dated, reason, &cause, (now, wall)).await })
            })
        })
        .await?;
        take_effect(deps).await;
    }
    let shipments_to_replan = departures::bookings_on(deps.store.reader(), id).await?;
    Ok(CancelledView { departure: id.to_string(), state: "cancelled", shipments_to_replan })
}

async fn cancel(
    tx: &Tx,
    dated: &Dated,
    reason: String,
    cause: &Cause,
    (now, wall): (Instant, Instant),
) -> Result<(), StoreError> {
    // First of all: who makes a new edition waits for those who save plans made on this one.
    network::new_edition(tx, now).await?;
    let change = DepartureChange { departure: dated.id.clone(), kind: ChangeKind::Cancelled, reason };
    calendar::change_departure(tx, &change, now).await?;
    departures::cancel(tx, dated, wall).await?;
    consolidations::dissolve(tx, &dated.id, now).await?;
    replans::request_booked_on(tx, &dated.id, cause, (now, wall)).await?;
    Ok(())
}

/// And whether it was so already.
pub async fn close_hub(
    deps: &Deps,
    operator: &Operator,
    hub: &HubCode,
    body: &Value,
) -> Result<(ClosureView, bool), ChangeError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let closing = intake::read_closing(body, now).map_err(ChangeError::Fields)?;
    import_network::refresh(deps).await?;
    let network = deps.network.current();
    let handling = network.hub(hub).ok_or(ChangeError::NotFound)?.handling_minutes;
    let closure = Closure {
        hub: hub.clone(),
        from_at: closing.from_at,
        until_at: closing.until_at,
        reason: closing.reason,
    };
    let horizon = TimeDelta::days(i64::from(deps.settings.routing.horizon_days));
    let around = around(&closure, horizon.max(TimeDelta::minutes(i64::from(handling)) * 2));
    let (from, until) = (rfc3339(closure.from_at), rfc3339(closure.until_at));
    let reason = format!("hub {hub} is closed from {from} until {until} ({})", closure.reason);
    let (cause, id) = (Cause::new(reason, operator.actor()), ClosureId::from_uuid(chance::id()));
    let around = Arc::new(around);
    let view: (ClosureView, bool) = patiently(|| {
        let (closure, around, cause) = (closure.clone(), Arc::clone(&around), cause.clone());
        deps.store.write(move |tx| {
            Box::pin(async move { close(tx, id, closure, &around, &cause, (now, wall)).await })
        })
    })
    .await?;
    take_effect(deps).await;
    Ok(view)
}

/// What leaves the hub from then on, until all who waited for it to open have left; and whatever may still
/// be in it by then. Generous: each shipment is looked at by itself.
fn around(closure: &Closure, slack: TimeDelta) -> Around {
    let (from_at, until_at) = (closure.from_at, closure.until_at);
    Around { leaving: (from_at, until_at + slack), arriving: (from_at - slack, until_at) }
}

async fn close(
    tx: &Tx,
    id: ClosureId,
    closure: Closure,
    around: &Around,
    cause: &Cause,
    (now, wall): (Instant, Instant),
) -> Result<(ClosureView, bool), StoreError> {
    network::new_edition(tx, now).await?;
    let known = calendar::closures_of(tx, &closure.hub).await?;
    let same = known.into_iter().find(|(_, known, imported)| *known == closure && !imported);
    let (id, is_new) = match same {
        Some((id, ..)) => (id, false),
        None => {
            calendar::insert_closure(tx, id, &closure, now).await?;
            (id, true)
        }
    };
    hold_departures::close(tx, &closure, cause, (now, wall)).await?;
    let to_check = replans::request_around(tx, &closure.hub, around, cause, (now, wall)).await?;
    Ok((ClosureView::new(id, &closure, false, Some(to_check)), is_new))
}

/// The hub is open again. Plans that avoid it stay as they are; what there was no way for is tried again.
pub async fn open_hub(deps: &Deps, hub: &HubCode, id: ClosureId) -> Result<(), ChangeError> {
    let (hub, now) = (hub.clone(), deps.clock.now());
    patiently(|| {
        let hub = hub.clone();
        deps.store.write(move |tx| Box::pin(async move { open(tx, &hub, id, now).await }))
    })
    .await?;
    take_effect(deps).await;
    Ok(())
}

async fn open(tx: &Tx, hub: &HubCode, id: ClosureId, now: Instant) -> Result<(), ChangeError> {
    network::new_edition(tx, now).await?;
    if !calendar::delete_closure(tx, hub, id).await? {
        return Err(ChangeError::NotFound);
    }
    replans::wake(tx).await?;
    Ok(())
}

pub async fn closures(deps: &Deps, hub: &HubCode) -> Result<ClosureList, ChangeError> {
    if deps.network.current().hub(hub).is_none() {
        return Err(ChangeError::NotFound);
    }
    let closures = calendar::closures_of(deps.store.reader(), hub).await?;
    let view =
        |(id, closure, imported): (ClosureId, Closure, bool)| ClosureView::new(id, &closure, imported, None);
    Ok(ClosureList { closures: closures.into_iter().map(view).collect() })
}
