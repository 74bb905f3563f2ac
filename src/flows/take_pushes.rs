//! What carriers send by themselves, instead of being asked.
//!
//! A push is looked at only as far as it takes to know that it is the carrier's, stored, and answered: carriers wait
//! a moment and no longer, and some never try again. Afterwards it is read as an answer is, and each of its
//! parcels taken in by itself. A crash after the answer loses nothing; one while it is taken in has it taken in
//! again, which adds nothing. What a push lost, the next poll finds.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;

use super::Deps;
use super::advance::{Advanced, Occasion, advance};
use super::gazetteer::Embedded;
use super::poll_carriers::take_in::{Raw, event, keep, latest, learn, parcel, ring};
use crate::carriers::{Acknowledgement, Failure, Package, Pushed, Reading};
use crate::chance;
use crate::config;
use crate::domain::carrier::CarrierCode;
use crate::domain::event::{EventSource, TrackingEvent};
use crate::domain::instant::Instant;
use crate::faults;
use crate::outbound::Answer;
use crate::polling::rules::{Known, Outcome, next};
use crate::store::carrier_pushes::{self, Push};
use crate::store::tracked::{self, News, Tracked};
use crate::store::{StoreError, Tx};
use crate::telemetry;

#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// No account of ours with that carrier takes pushes.
    #[error("no pushes are taken from this carrier")]
    NotTaken,
    #[error("{0}")]
    NotVerified(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Strangers are turned away before their bodies are read.
pub fn are_taken(deps: &Deps, carrier: &CarrierCode) -> bool {
    deps.carriers.accounts(carrier).iter().any(|account| account.receiver.is_some())
}

/// Stores a push and says what its carrier wants to hear. The same again changes nothing.
pub async fn receive(
    deps: &Deps,
    carrier: &CarrierCode,
    pushed: &Pushed<'_>,
) -> Result<Acknowledgement, PushError> {
    let wall = deps.clock.wall();
    let receivers = deps.carriers.accounts(carrier).iter().filter_map(|one| one.receiver.as_ref());
    let mut refusal = None;
    for receiver in receivers.map(|receiver| &receiver.receive) {
        if let Err(reason) = receiver.verify(pushed, wall) {
            refusal.get_or_insert(reason);
            continue;
        }
        let body = receiver.open(pushed.body).map_err(|reason| PushError::NotVerified(reason.0))?;
        let push = Push { id: chance::id(), carrier: carrier.clone(), body, received_at: wall, attempts: 0 };
        let is_new = deps
            .store
            .write(move |tx| {
                let push = push.clone();
                Box::pin(async move { carrier_pushes::insert(tx, &push, wall).await })
            })
            .await?;
        faults::reached("push.stored");
        if is_new {
            deps.push_bell.notify_one();
        }
        return Ok(receiver.acknowledgement());
    }
    Err(refusal.map_or(PushError::NotTaken, |reason| PushError::NotVerified(reason.0)))
}

/// So many are taken in together.
const TOGETHER: u64 = 64;
const CLAIM: chrono::Duration = chrono::Duration::seconds(60);
const LOOK_AGAIN: Duration = Duration::from_secs(2);

pub async fn work(deps: Deps, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = run_due(&deps).await {
            tracing::error!(%error, "what carriers sent cannot be taken in; it will be tried again");
        }
        tokio::select! {
            () = deps.push_bell.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Says how many were taken in. One that cannot be keeps no other waiting, and is tried again after longer and longer.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let (mut taken, mut failed) = (0, None);
    loop {
        let wall = deps.clock.wall();
        let claim = deps.store.write(move |tx| {
            Box::pin(async move { carrier_pushes::claim(tx, wall, wall + CLAIM, TOGETHER).await })
        });
        let due = claim.await?;
        if due.is_empty() || deps.stopping.has_begun() {
            return failed.map_or(Ok(taken), Err);
        }
        for push in due {
            match take_in(deps, &push).await {
                Ok(()) => taken += 1,
                Err(error) => {
                    fall_back(deps, &push, &error).await?;
                    failed = failed.or(Some(error));
                }
            }
        }
    }
}

/// So often it is tried to take a push in: for about a day.
const ATTEMPTS: u32 = 12;
pub(super) const LONGEST_WAIT: TimeDelta = TimeDelta::hours(6);

/// None: it was tried often enough. A push that stays untaken costs nothing but its own news, which the next poll has.
fn next_attempt(attempts: u32) -> Option<TimeDelta> {
    let doubled = CLAIM * 2_i32.pow(attempts.clamp(1, 16) - 1);
    (attempts < ATTEMPTS).then(|| doubled.min(LONGEST_WAIT))
}

async fn fall_back(deps: &Deps, push: &Push, error: &StoreError) -> Result<(), StoreError> {
    let (id, wait) = (push.id, next_attempt(push.attempts));
    let problem = format!("taken up {} times and not taken in: {error}", push.attempts);
    if wait.is_none() {
        telemetry::push_given_up(push.carrier.as_str());
        tracing::error!(carrier = %push.carrier, push = %id, %error, "a carrier's push is given up");
    }
    let wall = deps.clock.wall();
    deps.store
        .write(move |tx| {
            let problem = problem.clone();
            Box::pin(async move {
                match wait {
                    Some(wait) => carrier_pushes::put_off(tx, id, wall + wait, &problem).await,
                    None => carrier_pushes::settle(tx, id, Some(&problem)).await,
                }
            })
        })
        .await
}

async fn take_in(deps: &Deps, push: &Push) -> Result<(), StoreError> {
    let (mut problems, mut strangers) = (Vec::new(), Vec::new());
    match read(deps, push) {
        Ok(reading) => {
            for package in &reading.packages {
                if !of_package(deps, push, package).await? {
                    problems.push(format!("{} is on no label of ours", package.number));
                    strangers.extend(std::iter::once(&package.number).chain(&package.also).cloned());
                }
                if !package.unreadable.is_empty() {
                    let events = package.unreadable.len();
                    problems.push(format!("{}: {events} of its events cannot be read", package.number));
                }
            }
            let failed = |failure: &Failure| format!("{} {}", failure.code, failure.message);
            problems.extend(reading.failures.iter().map(failed));
        }
        Err(reason) => {
            tracing::error!(carrier = %push.carrier, push = %push.id, reason, "a carrier's push makes no sense");
            problems.push(reason);
        }
    }
    let (push, problem) = (push.clone(), (!problems.is_empty()).then(|| problems.join("; ")));
    deps.store
        .write(move |tx| {
            let (push, problem, strangers) = (push.clone(), problem.clone(), strangers.clone());
            Box::pin(async move {
                carrier_pushes::keep_for(tx, &push, &strangers).await?;
                carrier_pushes::settle(tx, push.id, problem.as_deref()).await
            })
        })
        .await
}

fn read(deps: &Deps, push: &Push) -> Result<Reading, String> {
    let mut accounts = deps.carriers.accounts(&push.carrier).iter();
    let receiver = accounts.find_map(|account| account.receiver.as_ref());
    let receiver = receiver.ok_or("pushes of this carrier are not taken any more")?;
    let answer = Answer { status: 200, body: push.body.clone(), ..Answer::default() };
    receiver.reading(&answer, &Embedded).map_err(|error| error.to_string())
}

/// False: nobody here has that number.
async fn of_package(deps: &Deps, push: &Push, package: &Package) -> Result<bool, StoreError> {
    let any = deps.carriers.accounts(&push.carrier).iter().any(|account| account.adapter.aggregates);
    for number in std::iter::once(&package.number).chain(&package.also) {
        let parcels = tracked::by_number(deps.store.reader(), &push.carrier, number, any).await?;
        if parcels.is_empty() {
            continue;
        }
        for tracked in parcels {
            let (push, package) = (push.clone(), package.clone());
            let carrier = push.carrier.clone();
            let occasion = Occasion::new(deps, format!("carrier {carrier}"));
            let settings = deps.settings.polling.clone();
            let write = deps.store.write(move |tx| {
                let (tracked, push, package) = (tracked.clone(), push.clone(), package.clone());
                let settings = settings.clone();
                Box::pin(async move { write(tx, tracked, &push, package, &settings, &occasion).await })
            });
            ring(deps, carrier.as_str(), write.await?.as_ref());
        }
        return Ok(true);
    }
    Ok(false)
}

async fn write(
    tx: &Tx,
    tracked: Tracked,
    push: &Push,
    package: Package,
    settings: &config::Polling,
    occasion: &Occasion,
) -> Result<Option<Advanced>, StoreError> {
    if !tracked::is_own(tx, &tracked).await? {
        return Ok(None);
    }
    let now = occasion.now;
    let readable = package.seen.iter().map(|seen| &seen.raw);
    let raw: Vec<&str> = readable.chain(&package.unreadable).map(String::as_str).collect();
    if !raw.is_empty() {
        keep(tx, &tracked, Raw::new(200, raw.join("\n").into_bytes()), now).await?;
    }
    let seen = latest(&package.seen, now);
    // What was polled meanwhile was heard later.
    let heard_at = push.received_at + (now - occasion.wall);
    let of_sender = |seen| TrackingEvent {
        source_name: push.carrier.to_string(),
        ..event(&tracked, seen, EventSource::Push, heard_at)
    };
    let events: Vec<TrackingEvent> = package.seen.into_iter().map(of_sender).collect();
    let advanced = advance(tx, tracked.parcel.shipment, &events, occasion).await?;
    let delivered_at = learn(tx, &tracked, push.carrier.as_str(), advanced.as_ref(), now).await?;
    let news = News { heard_at: now, seen, is_delivered: Some(delivered_at.is_some()) };
    let known = Known { since: tracked.created_at, seen: seen.max(tracked.last.seen), delivered_at };
    let wake_at = advanced.as_ref().and_then(|advanced| wake_at(&tracked, advanced, &known, settings, now));
    tracked::note(tx, &tracked, &news, wake_at).await?;
    faults::reached("push.before_commit");
    Ok(advanced)
}

/// A number that was let go is asked about again where what was said of it calls for that. Not one that another
/// handover replaced.
fn wake_at(
    tracked: &Tracked,
    advanced: &Advanced,
    known: &Known,
    settings: &config::Polling,
    now: Instant,
) -> Option<Instant> {
    let parcel = parcel(advanced, tracked)?;
    let soon = now + TimeDelta::minutes((settings.minutes_between_least.ceil() as i64).max(1));
    let is_current = parcel.tracking_number.as_ref() == Some(&tracked.number);
    let next = next(&Outcome::Answered, parcel.status, known, 0, soon, settings, now);
    next.at.filter(|_| is_current)
}

/// What was taken in a month ago is kept with its parcels.
pub async fn forget_old(deps: &Deps) -> Result<u64, StoreError> {
    let before = deps.clock.wall() - KEPT;
    deps.store
        .write(move |tx| {
            Box::pin(async move {
                carrier_pushes::purge_early(tx, before).await?;
                carrier_pushes::purge(tx, before).await
            })
        })
        .await
}

const KEPT: chrono::Duration = chrono::Duration::days(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_tried_for_about_a_day_and_then_no_more() {
        let waits: Vec<TimeDelta> = (1..100).map_while(next_attempt).collect();
        assert_eq!((waits.len() as u32, waits[0]), (ATTEMPTS - 1, CLAIM));
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]) && waits.last() == Some(&LONGEST_WAIT));
        let together: TimeDelta = waits.iter().sum();
        assert!(together > TimeDelta::hours(20) && together < TimeDelta::hours(36), "{together}");
    }
}
