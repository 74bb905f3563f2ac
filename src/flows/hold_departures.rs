//! Departures that something is booked on or packed for, held against a network that has changed.
//!
//! In the transaction that makes the change: what does not leave any more is cancelled, what was packed for it
//! is dissolved, and the shipments on it are queued. A departure that is packed is cancelled where it has other
//! times, too: its papers say the old ones. A row that is cancelled stays so, whatever comes after;
//! nothing else would tell those who went with it from those who were planned elsewhere meanwhile.

use super::book_departures;
use crate::domain::calendar::Closure;
use crate::domain::instant::Instant;
use crate::domain::network::DepartureState;
use crate::routing::{BadNetwork, Network};
use crate::store::departures::{Booked, Dated};
use crate::store::replans::Cause;
use crate::store::{StoreError, Tx, consolidations, departures, network, replans};

/// A hub is closed: what was to leave it meanwhile does not.
pub async fn close(
    tx: &Tx,
    closure: &Closure,
    cause: &Cause,
    (now, wall): (Instant, Instant),
) -> Result<(), StoreError> {
    let leaving = departures::leaving(tx, &closure.hub, closure.from_at, closure.until_at).await?;
    for booked in leaving.into_iter().filter(|booked| booked.dated.depart_at > now) {
        call_off(tx, &booked.dated, cause, (now, wall)).await?;
    }
    Ok(())
}

/// A new network is in the tables. `since`: no cut-off of what is still to leave was before it.
pub async fn hold(
    tx: &Tx,
    since: Instant,
    cause: &Cause,
    (now, wall): (Instant, Instant),
) -> Result<(), StoreError> {
    let all = departures::yet_to_leave(tx, since, now).await?;
    if all.is_empty() {
        return Ok(());
    }
    let (hubs, lanes, calendar) = network::load(tx).await?;
    let network = Network::new(hubs, lanes, &calendar).map_err(|error: BadNetwork| StoreError::Corrupt {
        table: "lane",
        column: "id",
        reason: error.to_string(),
    })?;
    for Booked { dated, state, .. } in all {
        match as_it_is(&network, &dated) {
            None => call_off(tx, &dated, cause, (now, wall)).await?,
            Some(same) if same == dated => {}
            Some(other) if state == DepartureState::Open => departures::redate(tx, &other, wall).await?,
            Some(other) if (other.depart_at, other.arrive_at) != (dated.depart_at, dated.arrive_at) => {
                call_off(tx, &dated, cause, (now, wall)).await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// None: it does not leave, or not from where and to where it did.
fn as_it_is(network: &Network, dated: &Dated) -> Option<Dated> {
    let now = book_departures::dated(network, &dated.id, network.departure(&dated.id)?)?;
    ((&now.from, &now.to) == (&dated.from, &dated.to)).then_some(now)
}

async fn call_off(
    tx: &Tx,
    dated: &Dated,
    cause: &Cause,
    times: (Instant, Instant),
) -> Result<(), StoreError> {
    departures::cancel(tx, dated, times.1).await?;
    consolidations::dissolve(tx, &dated.id, times.0).await?;
    replans::request_booked_on(tx, &dated.id, cause, times).await?;
    Ok(())
}
