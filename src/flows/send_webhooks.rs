//! Carries messages to merchants' endpoints.
//!
//! claim an endpoint (a lease, committed) → send some of what is due to it → store what came
//! of it, and give the endpoint back. A crash in between leaves the lease, which ends by
//! itself; then the same messages go out again under the same ids.
//!
//! Nobody waits for somebody else's endpoint. Triggers have a worker and a table of their
//! own. Each endpoint has so many messages under way and no more; of one that answers fast, many go out
//! with one claim. One of which nothing got
//! through is left alone for a while with all that waits for it, and then asked with one
//! message; of the places for calls, a quarter is for such endpoints, and the rest is not. One
//! that said 410, or let nothing through for days, is disabled, and what waits for it is dead:
//! the merchant's other endpoints are told so with it.
//!
//! The worker is rung by the commit that wrote a message and looks by itself every
//! `outbox.tick_seconds`.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use secrecy::ExposeSecret;
use tokio::task::{JoinError, JoinSet};

use super::tell_merchants::tell_everywhere;
use super::{Deps, SideBySide};
use crate::chance;
use crate::domain::instant::Instant;
use crate::domain::webhook::{SigningSecret, WebhookKind};
use crate::faults;
use crate::notifications::{self, Reading, secrets};
use crate::outbox::rules::{Next, next, pause};
use crate::standard_webhooks::{BadSecret, Secret};
use crate::store::webhook_endpoints::{self, Endpoint, Standing};
use crate::store::webhook_messages::{self, WebhookMessage};
use crate::store::{Reads, StoreError, Tx, merchants};
use crate::telemetry;

const GONE: &str = "the address is gone (410)";

/// Runs until `stop` says so, and finishes what is under way.
pub async fn work(deps: Deps, mut stop: tokio::sync::watch::Receiver<bool>) {
    let tick = Duration::from_secs(u64::from(deps.settings.outbox.tick_seconds));
    let mut calls = Calls::default();
    while !*stop.borrow() {
        if let Err(error) = calls.begin(&deps).await {
            tracing::error!(%error, "what merchants are told cannot be read; it will be looked at again");
        }
        tokio::select! {
            () = deps.webhook_bell.notified() => {}
            () = calls.one_ends(), if !calls.are_none() => {}
            () = tokio::time::sleep(tick) => {}
            _ = stop.changed() => {}
        }
    }
    while !calls.are_none() {
        calls.one_ends().await;
    }
}

/// Sends all that is due. Says to how many endpoints, each as often as it was called.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let (mut calls, mut all) = (Calls::default(), 0);
    loop {
        let begun = calls.begin(deps).await?;
        all += begun;
        if begun == 0 && calls.are_none() {
            return Ok(all);
        }
        if !calls.are_none() {
            calls.one_ends().await;
        }
    }
}

/// Endpoints that are being called: those that failed last, and the others.
#[derive(Default)]
struct Calls {
    well: JoinSet<()>,
    failing: JoinSet<()>,
}

impl Calls {
    fn are_none(&self) -> bool {
        self.well.is_empty() && self.failing.is_empty()
    }

    async fn one_ends(&mut self) {
        let ended = tokio::select! {
            Some(ended) = self.well.join_next() => ended,
            Some(ended) = self.failing.join_next() => ended,
            else => return,
        };
        note(ended);
    }

    /// Claims and calls as many endpoints as there are places. Says how many that were.
    async fn begin(&mut self, deps: &Deps) -> Result<u64, StoreError> {
        while let Some(ended) = self.well.try_join_next().or_else(|| self.failing.try_join_next()) {
            note(ended);
        }
        if deps.stopping.has_begun() {
            return Ok(0);
        }
        let places = deps.settings.webhooks.concurrency_max;
        let free = places.saturating_sub(self.well.len() + self.failing.len());
        // First, so that however much there is for the others, it is found out who is back.
        let free_for_failing = (places / 4).max(1).saturating_sub(self.failing.len()).min(free);
        if free == 0 {
            return Ok(0);
        }
        let wall = deps.clock.wall();
        if !webhook_endpoints::is_any_due(deps.store.reader(), wall).await? {
            return Ok(0);
        }
        let leased_until = wall + chrono::Duration::seconds(i64::from(deps.settings.outbox.lease_seconds));
        let claim = webhook_endpoints::claim;
        let (well, failing): (Vec<Endpoint>, Vec<Endpoint>) = deps
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let failing = claim(tx, true, wall, leased_until, free_for_failing).await?;
                    let left = free - failing.len();
                    Ok::<_, StoreError>((claim(tx, false, wall, leased_until, left).await?, failing))
                })
            })
            .await?;
        let begun = (well.len() + failing.len()) as u64;
        for (endpoints, calls) in [(well, &mut self.well), (failing, &mut self.failing)] {
            for endpoint in endpoints {
                match deps.side_by_side {
                    SideBySide::AsWanted => drop(calls.spawn(serve(deps.clone(), endpoint))),
                    SideBySide::OneByOne => serve(deps.clone(), endpoint).await,
                }
            }
        }
        Ok(begun)
    }
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a call to a merchant broke off; it will be made again when its lease ends");
    }
}

/// Never fails: what cannot be stored is done again when the lease ends.
async fn serve(deps: Deps, endpoint: Endpoint) {
    let id = endpoint.id;
    if let Err(error) = call(&deps, endpoint).await {
        tracing::error!(%error, endpoint = %id, "what a merchant was told could not be stored; it will be sent again");
    }
}

async fn call(deps: &Deps, endpoint: Endpoint) -> Result<(), StoreError> {
    faults::reached("webhook.claimed");
    let tried = if endpoint.is_open() {
        let at_once = deps.settings.webhooks.per_endpoint_max;
        let most = if endpoint.standing.failures > 0 { 1 } else { at_once * TURNS };
        let secrets = secrets_in_force(deps, &endpoint).await?;
        let due = webhook_messages::due(deps.store.reader(), endpoint.id, deps.clock.wall(), most).await?;
        let sent = due.into_iter().map(|message| send(deps, &endpoint.url, &secrets, message));
        in_turns(deps, sent, at_once).await
    } else {
        // Told in the very moment in which it was closed.
        Vec::new()
    };
    faults::reached("webhook.sent");
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let outcome = decide(deps, &endpoint, tried, wall);
    outcome.count();
    let (id, merchant) = (endpoint.id, endpoint.merchant);
    let disabled = deps
        .store
        .write(move |tx| Box::pin(async move { settle(tx, &endpoint, outcome, now, wall).await }))
        .await?;
    faults::reached("webhook.settled");
    if let Some(because) = disabled {
        tracing::warn!(endpoint = %id, %merchant, because, "an endpoint is disabled; its merchant's others are told");
        telemetry::webhook_disabled();
        deps.webhook_bell.notify_one();
    }
    Ok(())
}

/// What goes out with one claim is so many times what goes out at once.
const TURNS: usize = 16;

/// So many at once, and the next one as soon as one got through; for a moment only, so that a slow endpoint does not
/// keep its place from others, and nothing goes for long to one that was changed or taken back meanwhile.
async fn in_turns(
    deps: &Deps,
    mut all: impl Iterator<Item = impl Future<Output = (WebhookMessage, Reading)>>,
    at_once: usize,
) -> Vec<(WebhookMessage, Reading)> {
    let moment = Duration::from_secs(deps.settings.outbound.timeout_seconds) / 8;
    let began = deps.clock.wall();
    // Before it began: the clock was set back.
    let is_young = || (deps.clock.wall() - began).to_std().is_ok_and(|age| age < moment);
    let (mut under_way, mut tried) = (FuturesUnordered::from_iter(all.by_ref().take(at_once)), Vec::new());
    let mut goes_on = true;
    while let Some(one) = under_way.next().await {
        let got_through = matches!(one.1, Reading::Acknowledged);
        goes_on &= got_through && is_young() && !deps.stopping.has_begun();
        tried.push(one);
        if goes_on {
            under_way.extend(all.next());
        }
    }
    tried
}

/// All that are in force.
async fn secrets_in_force(deps: &Deps, endpoint: &Endpoint) -> Result<Vec<Secret>, StoreError> {
    let corrupt = |error: BadSecret| StoreError::Corrupt {
        table: "webhook_endpoint",
        column: "secrets",
        reason: error.to_string(),
    };
    let kept = signing_secrets(deps.store.reader(), endpoint).await?;
    secrets::in_force(&kept, deps.clock.wall())
        .map(|secret| secret.expose_secret().parse().map_err(corrupt))
        .collect()
}

/// The endpoint's own, the current one first; of an endpoint that has none yet, its merchant's.
pub(super) async fn signing_secrets(
    db: &impl Reads,
    endpoint: &Endpoint,
) -> Result<Vec<SigningSecret>, StoreError> {
    if !endpoint.secrets.is_empty() {
        return Ok(endpoint.secrets.clone());
    }
    let merchant = merchants::find(db, endpoint.merchant).await?.ok_or_else(|| StoreError::Corrupt {
        table: "webhook_endpoint",
        column: "merchant_id",
        reason: format!("there is no merchant {}", endpoint.merchant),
    })?;
    let both = [Some(merchant.webhook_secret), merchant.webhook_secret_previous];
    Ok(both.into_iter().flatten().map(|secret| SigningSecret { secret, until: None }).collect())
}

async fn send(
    deps: &Deps,
    url: &str,
    secrets: &[Secret],
    message: WebhookMessage,
) -> (WebhookMessage, Reading) {
    let request = notifications::request(url, secrets, message.id, &message.body, deps.clock.wall());
    let reading = match deps.outbound.send(request).await {
        Ok(answer) => notifications::read(&answer),
        // Whether it arrived or not, it goes out again under the same id. An address that is
        // refused too: what a name stands for changes.
        Err(error) => Reading::Later { problem: error.to_string(), after: None },
    };
    (message, reading)
}

/// What one round of calls comes to.
struct Outcome {
    messages: Vec<(WebhookMessage, Verdict)>,
    standing: Standing,
    /// Nothing more is to be sent there.
    closed: Option<String>,
}

enum Verdict {
    Acknowledged,
    Again { at: Instant, problem: String },
    Dead { problem: String },
}

impl Outcome {
    fn count(&self) {
        for (_, verdict) in &self.messages {
            telemetry::webhook_sent(match verdict {
                Verdict::Acknowledged => "acknowledged",
                Verdict::Again { .. } => "retried",
                Verdict::Dead { .. } => "dead",
            });
        }
    }
}

fn decide(deps: &Deps, endpoint: &Endpoint, tried: Vec<(WebhookMessage, Reading)>, wall: Instant) -> Outcome {
    let (settings, chance) = (&deps.settings.outbox, chance::share());
    let later = |wait: Duration| wall + chrono::Duration::from_std(wait).unwrap_or_default();
    let before = endpoint.standing;
    let (mut got_through, mut gone, mut asked) = (tried.is_empty(), false, None);
    let mut messages = Vec::with_capacity(tried.len());
    for (message, reading) in tried {
        let verdict = match reading {
            Reading::Acknowledged => {
                got_through = true;
                Verdict::Acknowledged
            }
            Reading::Gone => {
                gone = true;
                Verdict::Dead { problem: GONE.to_owned() }
            }
            Reading::Later { problem, after } => {
                asked = asked.max(after);
                let tries = message.attempts + 1;
                match next(tries, &settings.retry_seconds, settings.jitter, chance::share(), after) {
                    Next::After(wait) => Verdict::Again { at: later(wait), problem },
                    Next::GiveUp => Verdict::Dead { problem },
                }
            }
        };
        messages.push((message, verdict));
    }
    let standing = if got_through {
        Standing { failures: 0, failing_since: None, paused_until: wall }
    } else {
        let failures = before.failures.saturating_add(1);
        let wait = pause(failures, &settings.retry_seconds, settings.jitter, chance, asked);
        // A time to come was written by a clock that was ahead.
        let failing_since = Some(before.failing_since.map_or(wall, |since| since.min(wall)));
        Standing { failures, failing_since, paused_until: later(wait) }
    };
    let patience = chrono::Duration::days(i64::from(deps.settings.webhooks.disable_after_days));
    let closed = match standing.failing_since {
        _ if gone => Some(GONE.to_owned()),
        _ if !endpoint.is_open() => Some(closed_before(endpoint)),
        // Days that were tried all along, and not the leap of a clock.
        Some(since)
            if wall - since >= patience && standing.failures as usize > settings.retry_seconds.len() =>
        {
            Some(format!("nothing got through for {} days", patience.num_days()))
        }
        _ => None,
    };
    Outcome { messages, standing, closed }
}

fn closed_before(endpoint: &Endpoint) -> String {
    endpoint.disabled_because.clone().unwrap_or_else(|| TAKEN_BACK.to_owned())
}

/// Of what waited for an endpoint that its merchant took back.
pub(super) const TAKEN_BACK: &str = "the endpoint was taken back";

/// The endpoint first, as everybody does who changes both. Says why it was disabled, if it was.
async fn settle(
    tx: &Tx,
    endpoint: &Endpoint,
    outcome: Outcome,
    now: Instant,
    wall: Instant,
) -> Result<Option<String>, StoreError> {
    let Endpoint { id, merchant, url, .. } = endpoint;
    let is_ours = webhook_endpoints::release(tx, endpoint, outcome.standing, wall).await?;
    // Who lost the lease does not know how it stands: it may have been enabled again meanwhile.
    let closed = outcome.closed.filter(|_| is_ours);
    let disabled = match &closed {
        Some(because) => webhook_endpoints::disable(tx, *merchant, *id, wall, because).await?,
        None => false,
    };
    let is_plain = |(message, verdict): &&(WebhookMessage, Verdict)| {
        matches!(verdict, Verdict::Acknowledged) && !message.kind.is_withheld()
    };
    let (plain, others): (Vec<_>, Vec<_>) = outcome.messages.iter().partition(is_plain);
    let plain: Vec<_> = plain.into_iter().map(|(message, _)| message).collect();
    webhook_messages::acknowledge_all(tx, &plain, wall).await?;
    for (message, verdict) in others {
        match verdict {
            Verdict::Acknowledged => webhook_messages::acknowledge(tx, message, wall).await?,
            Verdict::Again { at, problem } => {
                tracing::debug!(message = %message.id, attempts = message.attempts + 1, problem, "a merchant was not told; it will be tried again");
                webhook_messages::postpone(tx, message, wall, *at, problem).await?;
            }
            Verdict::Dead { problem } => {
                tracing::warn!(message = %message.id, endpoint = %endpoint.id, attempts = message.attempts + 1, problem, "a merchant will not be told");
                webhook_messages::bury(tx, message, wall, problem).await?;
            }
        }
    }
    if let Some(because) = &closed {
        webhook_messages::bury_all(tx, *id, wall, because).await?;
    }
    let Some(because) = closed.filter(|_| disabled) else { return Ok(None) };
    let data = notifications::disabled(*id, url, &because, now);
    tell_everywhere(tx, *merchant, WebhookKind::WebhookDisabled, &data, now, wall).await?;
    Ok(Some(because))
}

/// Messages that are forgotten in one transaction.
const FORGOTTEN_TOGETHER: usize = 1_000;

/// Forgets what was settled long ago. Says how many messages that were.
pub async fn forget_old(deps: &Deps) -> Result<u64, StoreError> {
    let before = deps.clock.wall() - chrono::Duration::days(i64::from(deps.settings.webhooks.keep_days));
    let mut forgotten = 0;
    while !deps.stopping.has_begun() {
        let some = deps
            .store
            .write(move |tx| {
                Box::pin(async move { webhook_messages::forget(tx, before, FORGOTTEN_TOGETHER).await })
            })
            .await?;
        forgotten += some;
        if some < FORGOTTEN_TOGETHER as u64 {
            break;
        }
    }
    deps.store.write(move |tx| Box::pin(async move { webhook_endpoints::forget(tx, before).await })).await?;
    Ok(forgotten)
}
