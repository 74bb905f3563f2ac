//! What this daemon learnt about when to look again, and what a call costs with each account.
//!
//! Journeys are written down with their delivery, and every daemon reads what came since it last looked: all of
//! them learn the same, and a new one knows in a moment what the others do. Prices follow what is left of each
//! account's day, and begin anew with the daemon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::carriers::Account;
use crate::config;
use crate::domain::carrier::AccountId;
use crate::domain::instant::Instant;
use crate::flows::Deps;
use crate::polling::foresight::{Foresight, Look};
use crate::polling::policy::{Price, Quota};
use crate::polling::quota;
use crate::store::tracked::Tracked;
use crate::store::{StoreError, carrier_accounts, poll_histories, tracked};

/// So many of the newest journeys are kept, and learnt from.
const JOURNEYS: u64 = 20_000;

#[derive(Clone)]
pub struct Foreseen {
    foresight: Arc<RwLock<Foresight>>,
    prices: Arc<Mutex<HashMap<AccountId, Asked>>>,
    first: f32,
}

/// What a call of an account costs, and what it was asked since that was looked at.
struct Asked {
    price: Price,
    calls: u32,
    waiting: u32,
}

impl Foreseen {
    pub fn new(settings: &config::Polling) -> Self {
        let first = settings.price_minutes as f32;
        Self { foresight: Arc::default(), prices: Arc::default(), first }
    }

    /// When to look again. `account`: None where nobody was asked.
    pub fn next(
        &self,
        account: Option<&AccountId>,
        tracked: &Tracked,
        look: &Look,
        settings: &config::Polling,
    ) -> Instant {
        let price =
            account.map_or_else(|| Price::new(self.first), |id| self.with(id, |asked| asked.price.clone()));
        let foresight = self.foresight.read().unwrap_or_else(PoisonError::into_inner);
        let way = (tracked.carrier.clone(), tracked.from_hub.clone());
        foresight.next(&way, look, &price, settings)
    }

    pub fn count(&self, id: &AccountId, calls: usize) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        self.with(id, |asked| asked.calls = asked.calls.saturating_add(calls));
    }

    fn with<T>(&self, id: &AccountId, change: impl FnOnce(&mut Asked) -> T) -> T {
        let mut prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = prices.entry(id.clone());
        change(asked.or_insert_with(|| Asked { price: Price::new(self.first), calls: 0, waiting: 0 }))
    }
}

const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Learns and follows the prices until `stop` says so.
pub async fn work(deps: Deps, mut stop: watch::Receiver<bool>) {
    let mut learnt_to = Uuid::nil();
    while !*stop.borrow() {
        if let Err(error) = learn(&deps, &mut learnt_to).await {
            tracing::error!(%error, "what parcels did cannot be read; it will be read again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stop.changed() => return,
        }
        for account in deps.carriers.all() {
            if let Err(error) = follow(&deps, account).await {
                tracing::error!(account = %account.id, %error, "what was asked of an account cannot be read");
            }
        }
    }
}

/// What came since, in the order in which it came.
async fn learn(deps: &Deps, learnt_to: &mut Uuid) -> Result<(), StoreError> {
    let new = poll_histories::since(deps.store.reader(), *learnt_to, JOURNEYS).await?;
    let mut foresight = deps.foreseen.foresight.write().unwrap_or_else(PoisonError::into_inner);
    for (id, carrier, journey) in new {
        let way = (carrier, journey.from_hub);
        foresight.learn(way, &journey.scans, journey.delivered_at, journey.promised_at);
        *learnt_to = id;
    }
    Ok(())
}

/// The price of a call rises where more parcels are worth one than there are calls, and falls where fewer are.
async fn follow(deps: &Deps, account: &Account) -> Result<(), StoreError> {
    const MOST: u32 = 100_000;
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let Some(per_day) = account.limits.calls_per_day else { return Ok(()) };
    let usage = carrier_accounts::find(deps.store.reader(), &account.id).await?.unwrap_or_default();
    let Some((left, time_left)) = quota::left(&account.limits, usage, wall) else { return Ok(()) };
    let waiting = tracked::waiting(deps.store.reader(), &account.id.carrier, now, MOST).await?;
    let per_call = account.limits.numbers_per_call.get() as u32;
    let quota = Quota {
        calls: per_day,
        minutes: 24 * 60,
        calls_left: left,
        minutes_left: i32::try_from(time_left.num_minutes()).unwrap_or(i32::MAX),
    };
    deps.foreseen.with(&account.id, |asked| {
        let more_waiting = waiting.saturating_sub(asked.waiting).div_ceil(per_call);
        asked.price.follow(asked.calls.saturating_add(more_waiting), quota, 1);
        (asked.calls, asked.waiting) = (0, waiting);
    });
    Ok(())
}

/// Older journeys than are learnt from are forgotten.
pub async fn forget_old(deps: &Deps) -> Result<u64, StoreError> {
    deps.store.write(move |tx| Box::pin(async move { poll_histories::keep(tx, JOURNEYS).await })).await
}
