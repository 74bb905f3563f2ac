//! One request to an escrow provider, with a pass where it wants one, and its keys as their files have them.
//!
//! A pass is fetched once, however many requests wait for it, and shared until shortly before it ends; one that is
//! refused before that is thrown away, and what was to be sent goes out again later, with a new one. Without a pass
//! nothing is sent. A crash loses a pass, and the next daemon fetches another.
//!
//! Keys are read again every minute, and before a notice is refused for its signature: whoever replaces a key does
//! so on both sides at about the same time. Files are read on a thread for that, and not once for each forgery.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::Deps;
use crate::domain::instant::Instant;
use crate::escrow::provider::{Authorise, NotBelieved, Notice, Pass, Provider};
use crate::outbound::{Answer, Outbound, Request, SendError};

/// A pass that ends within this time might end on its way.
const PASS_MARGIN: Duration = Duration::from_secs(60);
/// How often forgeries can make the files of keys be read.
const SECONDS_BETWEEN_READINGS: i64 = 5;
const UNAUTHORISED: u16 = 401;

struct Kept {
    pass: Pass,
    /// By the machine's clock.
    until: Instant,
}

/// By provider: fetched once, however many wait for it.
type Cells = HashMap<&'static str, Arc<OnceCell<Kept>>>;

/// What providers gave us to show, and when their keys were read last.
#[derive(Clone, Default)]
pub struct Passes {
    kept: Arc<Mutex<Cells>>,
    keys_read_at: Arc<AtomicI64>,
    vouching: Arc<AtomicUsize>,
}

/// Notices that providers are asked about at the same time, whether they sent them.
const VOUCHING_MAX: usize = 4;
/// The same of those that name no payment of ours: anybody can make them up, and they leave the others their turns.
const VOUCHING_OTHERS_MAX: usize = 1;

/// Held while a provider is asked whether it sent a notice.
pub struct Turn(Arc<AtomicUsize>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passes {
    async fn of(
        &self,
        outbound: &Outbound,
        name: &'static str,
        authorise: &dyn Authorise,
        wall: Instant,
    ) -> Result<Pass, SendError> {
        let cell = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let cell = kept.entry(name).or_default();
            if cell.get().is_some_and(|kept| kept.until <= wall) {
                *cell = Arc::default();
            }
            Arc::clone(cell)
        };
        let kept = cell.get_or_try_init(|| fetch(outbound, authorise, wall)).await?;
        Ok(kept.pass.clone())
    }

    /// `is_ours`: it names a payment of ours. None: enough are being asked about.
    pub fn turn_to_vouch(&self, is_ours: bool) -> Option<Turn> {
        let most = if is_ours { VOUCHING_MAX } else { VOUCHING_OTHERS_MAX };
        let turn = Turn(Arc::clone(&self.vouching));
        // A turn that is not to be had is given back at once.
        (self.vouching.fetch_add(1, Ordering::Relaxed) < most).then_some(turn)
    }

    fn forget(&self, name: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// Whatever goes wrong on the way to a pass: of what was to be sent with it nothing was sent.
async fn fetch(outbound: &Outbound, authorise: &dyn Authorise, wall: Instant) -> Result<Kept, SendError> {
    let answer =
        outbound.send(authorise.request()).await.map_err(|error| SendError::NotSent(error.to_string()))?;
    let pass = authorise.read(&answer).map_err(SendError::NotSent)?;
    let used = pass.lasts.saturating_sub(PASS_MARGIN).max(pass.lasts / 2);
    let used = chrono::Duration::from_std(used).unwrap_or(chrono::Duration::days(1));
    Ok(Kept { pass, until: wall + used })
}

/// Sends a request of `provider`'s adapter.
pub async fn send(deps: &Deps, provider: &Provider, request: Request) -> Result<Answer, SendError> {
    send_while(deps, provider, request, || true).await
}

/// The same, if it may still be sent once there is a pass for it.
pub async fn send_while(
    deps: &Deps,
    provider: &Provider,
    request: Request,
    may_be_sent: impl Fn() -> bool,
) -> Result<Answer, SendError> {
    let (name, wall) = (provider.name, deps.clock.wall());
    let authorise = provider.abilities.authorise.as_ref();
    let request = match authorise {
        Some(authorise) => {
            let pass = deps.passes.of(&deps.outbound, name, authorise.as_ref(), wall).await?;
            authorise.admit(request, &pass)
        }
        None => request,
    };
    if !may_be_sent() {
        return Err(SendError::NotSent("the time that it could be sent in is over".to_owned()));
    }
    let answer = deps.outbound.send(request).await?;
    if authorise.is_some() && answer.status == UNAUTHORISED {
        deps.passes.forget(name);
    }
    Ok(answer)
}

/// Reads the files of keys again, those that changed. Says whether any did.
pub async fn read_keys(deps: &Deps) -> bool {
    deps.passes.keys_read_at.store(deps.clock.wall().timestamp(), Ordering::Relaxed);
    let providers = deps.providers.clone();
    tokio::task::spawn_blocking(move || providers.refresh_keys()).await.unwrap_or(false)
}

/// What a notice of `provider` says. One whose signature no key made is read again if there are new keys.
/// None: it is not configured, or says nothing by itself.
pub async fn believe(
    deps: &Deps,
    provider: &str,
    header: &(dyn Fn(&str) -> Option<String> + Sync),
    body: &[u8],
) -> Option<Result<Notice, NotBelieved>> {
    let notified = deps.providers.get(provider)?.abilities.notified.clone()?;
    let wall = deps.clock.wall();
    let read = notified.read(&header, body, wall);
    let is_due =
        wall.timestamp() - deps.passes.keys_read_at.load(Ordering::Relaxed) >= SECONDS_BETWEEN_READINGS;
    match read {
        Err(NotBelieved(_)) if is_due && read_keys(deps).await => Some(notified.read(&header, body, wall)),
        read => Some(read),
    }
}
