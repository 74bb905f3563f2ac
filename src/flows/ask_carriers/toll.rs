//! What a question pays for each request beyond its first, which was counted before it was asked.
//!
//! Paid into the same row that questions are counted in, before the request is sent: a crash in between leaves a
//! call that was counted and not made.

use chrono::TimeDelta;

use super::AskError;
use crate::carriers::Account;
use crate::clock::Clock;
use crate::domain::carrier::{AccountId, Limits};
use crate::flows::Deps;
use crate::polling::quota;
use crate::store::{Store, carrier_accounts};

pub struct Toll(Option<Counted>);

struct Counted {
    store: Store,
    clock: Clock,
    id: AccountId,
    limits: Limits,
}

/// So long a question that is under way waits for its turn. A claim outlasts three such waits.
const PATIENCE: TimeDelta = TimeDelta::seconds(15);

impl Toll {
    /// Nobody counts.
    pub fn free() -> Self {
        Self(None)
    }

    pub fn of(deps: &Deps, account: &Account) -> Self {
        let limits = account.limits.clone();
        if !limits.are_any() {
            return Self::free();
        }
        let (store, clock) = (deps.store.clone(), deps.clock.clone());
        Self(Some(Counted { store, clock, id: account.id.clone(), limits }))
    }

    /// Comes back when the request may be sent.
    pub async fn pay(&self) -> Result<(), AskError> {
        let Some(Counted { store, clock, id, limits }) = &self.0 else { return Ok(()) };
        let (id, limits, wall) = (id.clone(), limits.clone(), clock.wall());
        let granted = store
            .write(move |tx| {
                let (id, limits) = (id.clone(), limits.clone());
                Box::pin(async move {
                    let usage = carrier_accounts::hold(tx, &id).await?;
                    let granted = quota::further(&limits, usage, wall);
                    let granted = granted.filter(|(at, _)| *at <= wall + PATIENCE);
                    if let Some((_, after)) = &granted {
                        carrier_accounts::save(tx, &id, after).await?;
                    }
                    Ok(granted)
                })
            })
            .await;
        let (at, _) = granted.map_err(AskError::NotCounted)?.ok_or(AskError::NoCallLeft)?;
        clock.reaches(at).await;
        Ok(())
    }
}
