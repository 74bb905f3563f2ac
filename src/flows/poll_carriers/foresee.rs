//! What this daemon learnt about when to look again, and what a call costs with each account.
//!
//! Journeys are written down with their delivery, and every daemon reads what came since it last looked: all of
//! them learn the same, and a new one knows in a moment what the others do. Prices follow what is left of each
//! account's day, and begin anew with the daemon.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::carriers::Account;
use crate::config;
use crate::domain::carrier::AccountId;
use crate::domain::instant::Instant;
use crate::flows::Deps;
use crate::polling::demand::Demand;
use crate::polling::foresight::{Foresight, Look};
use crate::polling::policy::Price;
use crate::store::tracked::Tracked;
use crate::store::{StoreError, carrier_accounts, poll_histories, tracked};

/// So many of the newest journeys are kept, and learnt from.
const JOURNEYS: u64 = 20_000;

#[derive(Clone)]
pub struct Foreseen {
    foresight: Arc<RwLock<Arc<Foresight>>>,
    demands: Arc<Mutex<HashMap<AccountId, Demand>>>,
    first: f32,
}

impl Foreseen {
    pub fn new(settings: &config::Polling) -> Self {
        let first = settings.price_minutes as f32;
        Self { foresight: Arc::default(), demands: Arc::default(), first }
    }

    /// When to look again. `account`: None where nobody was asked.
    pub fn next(
        &self,
        account: Option<&AccountId>,
        tracked: &Tracked,
        look: &Look,
        settings: &config::Polling,
    ) -> Instant {
        let price = account
            .map_or_else(|| Price::new(self.first), |id| self.with(id, |demand| demand.price().clone()));
        let way = (tracked.carrier.clone(), tracked.from_hub.clone());
        self.learnt().next(&way, look, &price, settings)
    }

    fn learnt(&self) -> Arc<Foresight> {
        Arc::clone(&self.foresight.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T>(&self, id: &AccountId, change: impl FnOnce(&mut Demand) -> T) -> T {
        let mut demands = self.demands.lock().unwrap_or_else(PoisonError::into_inner);
        change(demands.entry(id.clone()).or_insert_with(|| Demand::new(self.first)))
    }
}

const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Learns and follows the prices until `stop` says so.
pub async fn work(deps: Deps, mut stop: watch::Receiver<bool>) {
    let mut learnt = Learnt::default();
    while !*stop.borrow() {
        if let Err(error) = learn(&deps, &mut learnt).await {
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

/// Which journeys were read.
#[derive(Default)]
pub struct Learnt {
    newest: Uuid,
    /// Those of the last minutes before the newest.
    lately: HashSet<Uuid>,
}

/// An id is made before its transaction ends, and daemons' clocks differ: what bears an older id than what was read
/// already may come so much later.
const LATE: Duration = Duration::from_secs(600);

impl Learnt {
    /// Everything after this is read again.
    fn from(&self) -> Uuid {
        let millis = self.newest.as_u128() >> 80;
        Uuid::from_u128(millis.saturating_sub(LATE.as_millis()) << 80)
    }

    /// False: it was read before.
    fn is_new(&mut self, id: Uuid) -> bool {
        self.newest = self.newest.max(id);
        self.lately.insert(id)
    }

    fn forget(&mut self) {
        let from = self.from();
        self.lately.retain(|id| *id > from);
    }
}

/// What came since, in the order in which it came. Learnt on a copy, so that nobody waits for it.
pub async fn learn(deps: &Deps, learnt: &mut Learnt) -> Result<(), StoreError> {
    let mut new = poll_histories::since(deps.store.reader(), learnt.from(), JOURNEYS).await?;
    new.retain(|(id, ..)| learnt.is_new(*id));
    learnt.forget();
    if new.is_empty() {
        return Ok(());
    }
    let (before, now) = (deps.foreseen.learnt(), deps.clock.now());
    let learning = tokio::task::spawn_blocking(move || {
        let mut foresight = Foresight::clone(&before);
        for (_, carrier, journey) in new {
            let way = (carrier, journey.from_hub);
            // A date far ahead would make all that was learnt before it old.
            let delivered_at = journey.delivered_at.min(now);
            foresight.learn(way, &journey.scans, delivered_at, journey.promised_at);
        }
        Arc::new(foresight)
    });
    match learning.await {
        Ok(after) => {
            *deps.foreseen.foresight.write().unwrap_or_else(PoisonError::into_inner) = after;
        }
        Err(error) => tracing::error!(%error, "what parcels did cannot be learnt"),
    }
    Ok(())
}

/// The price of a call rises where more parcels are worth one than there are calls, and falls where fewer are.
async fn follow(deps: &Deps, account: &Account) -> Result<(), StoreError> {
    const MOST: u32 = 100_000;
    if account.limits.calls_per_day.is_none() {
        return Ok(());
    }
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let usage = carrier_accounts::find(deps.store.reader(), &account.id).await?.unwrap_or_default();
    let waiting = tracked::waiting(deps.store.reader(), &account.id.carrier, now, MOST).await?;
    let waiting = waiting.div_ceil(account.limits.numbers_per_call.get() as u32);
    deps.foreseen.with(&account.id, |demand| demand.follow(&account.limits, usage, waiting, wall, 1));
    Ok(())
}

/// Older journeys than are learnt from are forgotten.
pub async fn forget_old(deps: &Deps) -> Result<u64, StoreError> {
    deps.store.write(move |tx| Box::pin(async move { poll_histories::keep(tx, JOURNEYS).await })).await
}
