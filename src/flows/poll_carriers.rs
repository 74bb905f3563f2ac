//! Asks carriers about the parcels that are due.
//!
//! Each account is worked by itself: a carrier that is slow or down costs its own parcels a delay, and nobody
//! else anything. Due numbers are claimed (no other daemon takes them meanwhile) together with the calls that they
//! take, as many as the account's limits let through; asked about side by side, several in a call where
//! the carrier takes several; and each number's part of the answer is taken in by itself: the raw answer, its
//! events, what they change and the time of the next question are one transaction. A crash before it leaves
//! the claim, which ends by itself, and calls that were counted and not made; then the number is asked about again,
//! and what was stored already is not stored twice. No more is in memory than is under way.

mod claim;
pub mod foresee;
mod hear;
mod lines;
pub mod take_in;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use super::ask_carriers::Toll;
use super::{Deps, SideBySide};
use crate::carriers::{Account, Question};
use crate::domain::carrier::CarrierCode;
use crate::domain::instant::Instant;
use crate::faults;
use crate::store::tracked::Tracked;
use crate::store::{StoreError, carrier_accounts, tracked};
use crate::telemetry;
pub use claim::lasts as claim_lasts;
use claim::{Call, claim};
pub use foresee::Foreseen;
use hear::{NumberHeard, hear};
pub use lines::{LONGEST_REST, Lines};

/// How often an account looks for what has become due.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Works until `stop` says so; what is under way then is finished.
pub async fn work(deps: Deps, stop: watch::Receiver<bool>) {
    let accounts = deps.carriers.all().map(|account| {
        let (deps, account, stop) = (deps.clone(), Arc::clone(account), stop.clone());
        let work = move || {
            let (deps, account, stop) = (deps.clone(), Arc::clone(&account), stop.clone());
            async move { work_account(&deps, &account, stop).await }
        };
        tokio::spawn(again_after_a_panic(work))
    });
    let mut all: Vec<_> = accounts.collect();
    let (deps_to_learn, stop_to_learn) = (deps.clone(), stop.clone());
    all.push(tokio::spawn(again_after_a_panic(move || {
        foresee::work(deps_to_learn.clone(), stop_to_learn.clone())
    })));
    all.push(tokio::spawn(again_after_a_panic(move || work_unconfigured(deps.clone(), stop.clone()))));
    futures_util::future::join_all(all).await;
}

/// An answer that nobody foresaw costs what was under way, and not its account until the next start: the claims end
/// by themselves.
async fn again_after_a_panic<F>(work: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Err(error) = tokio::spawn(work()).await {
        tracing::error!(%error, "polling broke off; it begins again");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn work_account(deps: &Deps, account: &Account, mut stop: watch::Receiver<bool>) {
    let mut under_way = FuturesUnordered::new();
    while !*stop.borrow() {
        let next = next_calls(deps, account, under_way.len());
        match beside(&mut under_way, next).await {
            Ok(calls) => under_way.extend(calls.into_iter().map(|call| ask(deps, account, call))),
            Err(error) => {
                tracing::error!(account = %account.id, %error, "what is due cannot be read; it will be looked at again");
            }
        }
        tokio::select! {
            Some(_) = under_way.next(), if !under_way.is_empty() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stop.changed() => {}
        }
    }
    while under_way.next().await.is_some() {}
}

/// Asks about all that is due at this moment and let through. Says about how many numbers.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let accounts = deps.carriers.all().map(|account| async move {
        if let SideBySide::OneByOne = deps.side_by_side {
            return ask_one_by_one(deps, account).await;
        }
        let (mut asked, mut under_way) = (0, FuturesUnordered::new());
        loop {
            let next = next_calls(deps, account, under_way.len());
            let calls = beside(&mut under_way, next).await?;
            asked += calls.iter().map(|call| call.numbers.len() as u64).sum::<u64>();
            under_way.extend(calls.into_iter().map(|call| ask(deps, account, call)));
            if under_way.next().await.is_none() {
                return Ok::<u64, StoreError>(asked);
            }
        }
    });
    let asked = futures_util::future::join_all(accounts).await;
    asked.into_iter().sum()
}

/// The same, one call after the other of those that were claimed together.
async fn ask_one_by_one(deps: &Deps, account: &Account) -> Result<u64, StoreError> {
    let mut asked = 0;
    loop {
        let calls = next_calls(deps, account, 0).await?;
        if calls.is_empty() {
            return Ok(asked);
        }
        for call in calls {
            asked += call.numbers.len() as u64;
            ask(deps, account, call).await;
        }
    }
}

/// What comes of `next`, while those under way go on: they may have the very connections that it waits for.
async fn beside<T>(
    under_way: &mut FuturesUnordered<impl Future<Output = ()>>,
    next: impl Future<Output = T>,
) -> T {
    let mut next = std::pin::pin!(next);
    loop {
        tokio::select! {
            done = &mut next => return done,
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
        }
    }
}

/// As many calls as there is room for beside those under way. A claim is worth its while when half of the room
/// is free.
async fn next_calls(deps: &Deps, account: &Account, under_way: usize) -> Result<Vec<Call>, StoreError> {
    let room = account.limits.concurrency_max.get().saturating_sub(under_way);
    if deps.stopping.has_begun() || 2 * room < account.limits.concurrency_max.get() {
        return Ok(Vec::new());
    }
    let wall = deps.clock.wall();
    if !tracked::is_any_due(deps.store.reader(), &account.id.carrier, deps.clock.now(), wall).await? {
        return Ok(Vec::new());
    }
    let let_through = deps.lines.let_through(&account.id, wall);
    let room = room.min(let_through);
    if room == 0 {
        return Ok(Vec::new());
    }
    let claimed = claim(deps, account, room).await;
    let is_used = claimed.as_ref().is_ok_and(|claimed| !claimed.calls.is_empty());
    if !is_used {
        deps.lines.was_not_used(&account.id, wall);
    }
    claimed.map(|claimed| claimed.calls)
}

/// Never fails: what goes wrong is noted and asked about again.
async fn ask(deps: &Deps, account: &Account, call: Call) {
    deps.clock.reaches(call.at).await;
    let questions: Vec<Question> = call.questions().collect();
    let asked_at = deps.clock.wall();
    let answer = deps.asker.ask(account, &questions, asked_at, &Toll::of(deps, account)).await;
    let asked: Vec<&Tracked> = call.numbers.iter().map(|number| &number.asked).collect();
    let heard = hear(account, &asked, answer);
    let wall = deps.clock.wall();
    deps.lines.note(&account.id, asked_at, wall, &heard.line);
    if let Some(until) = heard.line.rests_until(wall) {
        leave_alone(deps, account, until).await;
    }
    faults::reached("poll.asked");
    let taken = call.numbers.into_iter().zip(heard.numbers).flat_map(|(number, heard)| {
        telemetry::carrier_asked(account.id.carrier.as_str(), heard.kind);
        number.parcels().map(move |tracked| take_in(deps, account, tracked, heard.clone()))
    });
    futures_util::future::join_all(taken).await;
}

async fn take_in(deps: &Deps, account: &Account, tracked: Tracked, heard: NumberHeard) {
    let parcel = tracked.parcel;
    if let Err(error) = take_in::answer(deps, account, tracked, heard).await {
        tracing::error!(%error, %parcel, "a carrier's answer could not be stored; it will be asked again");
    }
}

/// By every daemon.
async fn leave_alone(deps: &Deps, account: &Account, until: Instant) {
    let id = account.id.clone();
    let write = deps.store.write(move |tx| {
        let id = id.clone();
        Box::pin(async move { carrier_accounts::rest(tx, &id, until).await })
    });
    if let Err(error) = write.await {
        tracing::error!(account = %account.id, %error, "that a carrier wants to be left alone cannot be stored");
    }
}

/// Numbers of carriers that were configured when their parcels were handed over, and are not now.
async fn work_unconfigured(deps: Deps, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = put_off_unconfigured(&deps).await {
            tracing::error!(%error, "carriers that are not configured cannot be looked for");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Says so and looks again later, so that whoever configures the carrier again loses nothing.
pub async fn put_off_unconfigured(deps: &Deps) -> Result<(), StoreError> {
    let known = tracked::carriers(deps.store.reader()).await?;
    let is_unknown = |carrier: &CarrierCode| !deps.carriers.is_configured(carrier);
    for carrier in known.into_iter().filter(is_unknown) {
        let numbers = claim::of_unconfigured(deps, &carrier).await?;
        if !numbers.is_empty() {
            tracing::error!(%carrier, numbers = numbers.len(), "parcels are with a carrier that is not configured");
        }
        for tracked in numbers {
            telemetry::carrier_asked(carrier.as_str(), "not_configured");
            take_in::nothing(deps, tracked, "the carrier is not configured").await?;
        }
    }
    Ok(())
}
