//! What escrow providers say by themselves.
//!
//! A notice is verified, stored and answered in the provider's own words, also one that nobody here can read: sent again
//! it would say no more, and a person can look at it. The same again is answered alike and changes nothing. Afterwards it is taken in: what it says and that it was taken in are one transaction, under the shipment's
//! lock. A crash after the answer loses nothing. A notice speaks for the order alone that its payment belongs to, and
//! for the amount that is held. A trade that changed is asked about, and the answer believed, never the notice.

mod effect;
mod vouch;

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use tokio::sync::watch;

use super::advance::Occasion;
use super::{Deps, ask_providers};
use crate::chance;
use crate::domain::id::ShipmentId;
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::escrow::provider::{NotBelieved, Notice, Said, Trade};
use crate::escrow::registry::payment_of;
use crate::faults;
use crate::store::escrow_notices::{self, KeptNotice};
use crate::store::{StoreError, Tx, orders, shipments};
use crate::telemetry;

#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// It is not configured, or says nothing by itself.
    #[error("no notices are taken from this provider")]
    NotTaken,
    #[error(transparent)]
    NotBelieved(#[from] NotBelieved),
    /// Whether it is the provider's cannot be found out now: it comes again.
    #[error("{0}")]
    NotNow(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Strangers are turned away before their bodies are read.
pub fn are_taken(deps: &Deps, provider: &str) -> bool {
    deps.providers.get(provider).is_some_and(|provider| provider.abilities.sends_notices())
}

/// Stores a notice and says what its provider wants to hear: content type and body.
pub async fn receive(
    deps: &Deps,
    provider: &str,
    header: &(dyn Fn(&str) -> Option<String> + Sync),
    body: &[u8],
) -> Result<(&'static str, &'static str), NoticeError> {
    let known = deps.providers.get(provider).ok_or(NoticeError::NotTaken)?;
    let acknowledgement = match (&known.abilities.notified, &known.abilities.vouched) {
        (Some(notified), _) => {
            let believed = ask_providers::believe(deps, provider, header, body).await;
            keep(deps, provider, believed.ok_or(NoticeError::NotTaken)??, body).await?;
            notified.acknowledgement()
        }
        (None, Some(vouched)) => {
            if let Some(notice) = vouch::vouched(deps, known, vouched.as_ref(), header, body).await? {
                keep(deps, provider, notice, body).await?;
            }
            vouched.acknowledgement()
        }
        (None, None) => return Err(NoticeError::NotTaken),
    };
    Ok(acknowledgement)
}

/// Stores what is believed, once, whether anybody can read it or not.
async fn keep(deps: &Deps, provider: &str, notice: Notice, body: &[u8]) -> Result<(), StoreError> {
    let wall = deps.clock.wall();
    let is_unreadable = matches!(notice.says, Said::Unreadable(_));
    let kept = KeptNotice {
        id: chance::id(),
        provider: provider.to_owned(),
        // Text, numbers and times: there is nothing in it that JSON cannot say.
        said: serde_json::to_string(&notice).unwrap_or_default(),
        notice_id: notice.id,
        body: body.to_vec(),
        received_at: wall,
        attempts: 0,
    };
    let is_new = deps
        .store
        .write(move |tx| {
            let kept = kept.clone();
            Box::pin(async move { escrow_notices::insert(tx, &kept, wall).await })
        })
        .await?;
    faults::reached("notice.stored");
    if is_new && is_unreadable {
        telemetry::notice_given_up(provider);
    }
    if is_new {
        deps.notice_bell.notify_one();
    }
    Ok(())
}

/// So many are taken in together.
const TOGETHER: u64 = 16;
/// Longer than a provider is asked.
const CLAIM: TimeDelta = TimeDelta::minutes(2);
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Runs until `stop` says so, and finishes what is under way.
pub async fn work(deps: Deps, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = run_due(&deps).await {
            tracing::error!(%error, "what escrow providers sent cannot be taken in; it will be tried again");
        }
        tokio::select! {
            () = deps.notice_bell.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Says how many were looked at. One that cannot be taken in is tried again after longer and longer.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let mut looked_at = 0;
    while !deps.stopping.has_begun() {
        let wall = deps.clock.wall();
        let claim = deps.store.write(move |tx| {
            Box::pin(async move { escrow_notices::claim(tx, wall, wall + CLAIM, TOGETHER).await })
        });
        let due = claim.await?;
        if due.is_empty() {
            break;
        }
        looked_at += due.len() as u64;
        for done in join_all(due.into_iter().map(|kept| one(deps, kept))).await {
            done?;
        }
    }
    Ok(looked_at)
}

/// Why a notice cannot be taken in yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untaken {
    #[error("{0}")]
    Later(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// So often it is tried to take a notice in: for about a day.
const ATTEMPTS: u32 = 12;
pub(super) const LONGEST_WAIT: TimeDelta = TimeDelta::hours(6);

/// None: it was tried often enough.
fn next_attempt(attempts: u32) -> Option<TimeDelta> {
    let doubled = TimeDelta::seconds(30) * 2_i32.pow(attempts.clamp(1, 16) - 1);
    (attempts < ATTEMPTS).then(|| doubled.min(LONGEST_WAIT))
}

async fn one(deps: &Deps, kept: KeptNotice) -> Result<(), StoreError> {
    let Err(untaken) = take_in(deps, &kept).await else { return Ok(()) };
    let (id, wall, wait) = (kept.id, deps.clock.wall(), next_attempt(kept.attempts));
    let problem = format!("taken up {} times and not taken in: {untaken}", kept.attempts);
    if wait.is_none() {
        telemetry::notice_given_up(&kept.provider);
        tracing::error!(provider = kept.provider, notice = %id, %untaken, "a provider's notice is given up");
    }
    deps.store
        .write(move |tx| {
            let problem = problem.clone();
            Box::pin(async move {
                match wait {
                    Some(wait) => escrow_notices::put_off(tx, id, wall + wait, &problem).await,
                    None => escrow_notices::settle(tx, id, Some(&problem), wall).await,
                }
            })
        })
        .await
}

async fn take_in(deps: &Deps, kept: &KeptNotice) -> Result<(), Untaken> {
    let notice: Notice =
        serde_json::from_str(&kept.said).map_err(|error| Untaken::Later(error.to_string()))?;
    let trade = match &notice.says {
        Said::Changed(_) => about_trade(deps, kept, &notice).await?,
        // The provider may have moved the money by itself; what is refused is known in any case.
        Said::Refused(..) if !notice.payment_reference.is_empty() => {
            about_trade(deps, kept, &notice).await.ok().flatten()
        }
        Said::TookEffect(_)
        | Said::Refused(..)
        | Said::ReleasesAt(_)
        | Said::Disputed(_)
        | Said::OfNoOrder(_)
        | Said::Unreadable(_) => None,
    };
    let told = effect::Told {
        kept: kept.clone(),
        notice,
        trade,
        is_last: next_attempt(kept.attempts).is_none(),
        second_person_above: deps.settings.escrow.second_person_above.clone(),
    };
    let occasion = Occasion::new(deps, format!("provider {}", kept.provider));
    deps.store.write(move |tx| Box::pin(async move { effect::write(tx, &told, &occasion).await })).await?;
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    Ok(())
}

/// What the provider says of the trade when it is asked. None: it cannot be asked, or the trade is nobody's here.
async fn about_trade(deps: &Deps, kept: &KeptNotice, notice: &Notice) -> Result<Option<Trade>, Untaken> {
    let reference = &notice.payment_reference;
    let Some(provider) = deps.providers.get(&kept.provider) else { return Ok(None) };
    let Some(inquire) = &provider.abilities.inquire else { return Ok(None) };
    let payment = payment_of(&kept.provider, reference);
    if orders::owner_of_payment(deps.store.reader(), &kept.provider, payment).await?.is_none() {
        return Ok(None);
    }
    let request = inquire.about_trade(reference, deps.clock.wall());
    let answer = ask_providers::send(deps, provider, request).await;
    let answer = answer.map_err(|error| Untaken::Later(error.to_string()))?;
    provider.read_about_trade(reference, &answer, deps.clock.now()).map(Some).map_err(Untaken::Later)
}

/// Believes what a provider said of an order's trade when it was asked, as if a notice had made us ask. None: what it
/// proves stands in the order now; otherwise why it cannot.
pub async fn believe(
    deps: &Deps,
    provider: &str,
    shipment: ShipmentId,
    trade: Trade,
) -> Result<Option<String>, StoreError> {
    let occasion = Occasion::new(deps, format!("provider {provider}"));
    let (above, provider) = (deps.settings.escrow.second_person_above.clone(), provider.to_owned());
    let work = async move |tx: &Tx| believe_under(tx, &provider, shipment, &trade, &above, &occasion).await;
    let written = deps.store.write(move |tx| Box::pin(async move { work(tx).await })).await;
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    written
}

/// The same in the caller's transaction.
pub async fn believe_under(
    tx: &Tx,
    provider: &str,
    shipment: ShipmentId,
    trade: &Trade,
    second_person_above: &[Money],
    occasion: &Occasion,
) -> Result<Option<String>, StoreError> {
    let Some(shipment) = shipments::lock(tx, shipment).await? else {
        return Ok(Some("it is not there".to_owned()));
    };
    let order = orders::of_shipment(tx, shipment.id).await?;
    let payment = payment_of(provider, &order.payment_reference);
    let owner = orders::owner_of_payment(tx, provider, payment).await?;
    if order.provider != provider || owner != Some(shipment.id) {
        return Ok(Some("the payment is another order's".to_owned()));
    }
    let heard = effect::Heard { trade, word: "", is_last: false, second_person_above };
    match effect::of_trade(tx, heard, shipment, order, occasion).await {
        Ok(problem) => Ok(problem),
        // Nothing was written.
        Err(Untaken::Later(reason)) => Ok(Some(reason)),
        Err(Untaken::Store(error)) => Err(error),
    }
}

/// Longer than any provider sends the same notice again.
const KEPT: TimeDelta = TimeDelta::days(90);

pub async fn forget_old(deps: &Deps) -> Result<u64, StoreError> {
    let before: Instant = deps.clock.wall() - KEPT;
    deps.store.write(move |tx| Box::pin(async move { escrow_notices::purge(tx, before).await })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_tried_for_about_a_day_and_then_no_more() {
        let waits: Vec<TimeDelta> = (1..100).map_while(next_attempt).collect();
        assert_eq!((waits.len() as u32, waits[0]), (ATTEMPTS - 1, TimeDelta::seconds(30)));
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]) && waits.last() == Some(&LONGEST_WAIT));
        let together: TimeDelta = waits.iter().sum();
        assert!(together > TimeDelta::hours(12) && together < TimeDelta::hours(36), "{together}");
    }
}
