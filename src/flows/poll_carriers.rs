//! Asks carriers about the parcels that are due.
//!
//! Due numbers are claimed in batches (no other daemon takes them meanwhile), asked about
//! side by side, and each answer is taken in by itself: the raw answer, its events, what
//! they change and the time of the next question are one transaction. A crash before it
//! leaves the claim, which ends by itself; then the number is asked about again, and what
//! was stored already is not stored twice. Whatever a carrier does (says nothing, too
//! much, or nonsense) costs its own parcel a delay and nobody else anything.

use std::time::Duration;

use futures_util::StreamExt;

use super::Deps;
use super::advance::{Occasion, advance};
use crate::carriers::{Reading, Seen, Track};
use crate::domain::event::{EventSource, EventStatus, TrackingEvent};
use crate::domain::instant::Instant;
use crate::domain::shipment::ShipmentStatus;
use crate::faults;
use crate::outbound::{Answer, SendError};
use crate::polling::rules::{Outcome, next};
use crate::store::events::{RawAnswer, insert_answer};
use crate::store::tracked::{self, Tracked};
use crate::store::{StoreError, Tx};
use crate::telemetry;

/// How much longer than the longest question a claim lasts.
const CLAIM_MARGIN: chrono::Duration = chrono::Duration::seconds(60);

/// Asks about all that is due at this moment. Says how many questions that were.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let mut asked = 0;
    loop {
        let (now, wall) = (deps.clock.now(), deps.clock.wall());
        let longest = deps.settings.outbound.timeout_seconds + deps.settings.outbound.connect_timeout_seconds;
        let claimed_until = wall + chrono::Duration::seconds(longest as i64) + CLAIM_MARGIN;
        let batch = deps.settings.polling.batch;
        let due: Vec<Tracked> = deps
            .store
            .write(move |tx| {
                Box::pin(async move { tracked::claim(tx, now, wall, claimed_until, batch).await })
            })
            .await?;
        let full = due.len() == batch as usize;
        asked += due.len() as u64;
        futures_util::stream::iter(due)
            .for_each_concurrent(deps.settings.polling.concurrency_max, |tracked| ask_about(deps, tracked))
            .await;
        if !full {
            return Ok(asked);
        }
    }
}

/// Never fails: what goes wrong is noted and asked about again.
async fn ask_about(deps: &Deps, tracked: Tracked) {
    let Some(carrier) = deps.carriers.get(&tracked.carrier) else {
        // It was configured when the parcel was handed over, and is not now.
        tracing::error!(carrier = %tracked.carrier, "parcels are with a carrier that is not configured");
        return give_back(deps, tracked, "the carrier is not configured".to_owned()).await;
    };
    let answer = deps.outbound.send(carrier.request(&tracked.number)).await;
    let heard = hear(carrier.as_ref(), &tracked, answer);
    telemetry::carrier_asked(tracked.carrier.as_str(), heard.kind);
    faults::reached("poll.asked");
    if let Err(error) = take_in(deps, tracked.clone(), heard).await {
        tracing::error!(%error, parcel = %tracked.parcel, "a carrier's answer could not be stored; it will be asked again");
    }
}

/// An answer, read.
struct Heard {
    /// For the metric.
    kind: &'static str,
    outcome: Outcome,
    problem: Option<String>,
    seen: Vec<Seen>,
    raw: Option<Answer>,
}

fn hear(carrier: &dyn Track, tracked: &Tracked, answer: Result<Answer, SendError>) -> Heard {
    let failed = |kind, problem: String, retry_after: Option<Duration>| Heard {
        kind,
        outcome: Outcome::Failed { retry_after },
        problem: Some(problem),
        seen: Vec::new(),
        raw: None,
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(carrier = %tracked.carrier, %error, "a carrier did not answer");
            return failed("no_answer", error.to_string(), None);
        }
    };
    let heard = match carrier.read(&tracked.number, &answer) {
        Reading::Events { seen, unreadable } => {
            if !unreadable.is_empty() {
                tracing::warn!(carrier = %tracked.carrier, parcel = %tracked.parcel, events = unreadable.len(),
                    "a carrier sent events without a time; they stay in its raw answer");
            }
            Heard { kind: "events", outcome: Outcome::Answered, problem: None, seen, raw: None }
        }
        Reading::NotFound => Heard {
            kind: "not_found",
            outcome: Outcome::NotFound,
            problem: Some("the carrier does not know this number, or not yet".to_owned()),
            seen: Vec::new(),
            raw: None,
        },
        Reading::RateLimited { retry_after } => {
            failed("rate_limited", "the carrier asks for fewer questions".to_owned(), retry_after)
        }
        Reading::Refused { reason } => {
            tracing::error!(carrier = %tracked.carrier, reason, "a carrier refuses our credentials");
            failed("refused", reason, None)
        }
        Reading::CarrierDown { reason, retry_after } => failed("carrier_down", reason, retry_after),
        Reading::Unparsable { reason } => {
            tracing::warn!(carrier = %tracked.carrier, parcel = %tracked.parcel, reason, "a carrier's answer makes no sense");
            failed("unparsable", reason, None)
        }
    };
    // What a carrier said with 2xx is kept even if we cannot read it today.
    let kept = (200..300).contains(&answer.status).then_some(answer);
    Heard { raw: kept, ..heard }
}

/// One transaction: what was said, what it changes, when to ask next.
async fn take_in(deps: &Deps, tracked: Tracked, heard: Heard) -> Result<(), StoreError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let settings = deps.settings.polling.clone();
    let unknown = heard.seen.iter().filter(|seen| seen.happening.status == EventStatus::Unknown).count();
    telemetry::unknown_statuses(tracked.carrier.as_str(), unknown as u64);
    let to_send = deps
        .store
        .write(move |tx| Box::pin(async move { write(tx, tracked, heard, &settings, now, wall).await }))
        .await?;
    faults::reached("poll.committed");
    if to_send {
        deps.outbox_bell.notify_one();
    }
    Ok(())
}

async fn write(
    tx: &Tx,
    tracked: Tracked,
    heard: Heard,
    settings: &crate::config::Polling,
    now: Instant,
    wall: Instant,
) -> Result<bool, StoreError> {
    if let Some(raw) = heard.raw {
        let answer = RawAnswer {
            parcel: tracked.parcel,
            carrier: tracked.carrier.clone(),
            number: tracked.number.clone(),
            status: raw.status,
            body: raw.body,
            asked_at: now,
        };
        insert_answer(tx, answer).await?;
    }
    let events: Vec<_> = heard.seen.into_iter().map(|seen| event(&tracked, seen, now)).collect();
    let occasion = Occasion { actor: format!("carrier {}", tracked.carrier), now, wall };
    let advanced = advance(tx, tracked.parcel.shipment, &events, &occasion).await?;
    let parcel = advanced.as_ref().and_then(|advanced| {
        advanced.parcels.iter().find(|(number, ..)| *number == tracked.parcel.number).copied()
    });
    let (status, delivered_at) =
        parcel.map_or((ShipmentStatus::LastMile, None), |(_, status, at)| (status, at));
    let next = next(&heard.outcome, status, delivered_at, tracked.failures, settings, now);
    let outcome = tracked::Outcome {
        next_poll_at: next.at,
        failures: next.failures,
        problem: heard.problem,
        answered_at: (heard.outcome == Outcome::Answered).then_some(now),
    };
    tracked::settle(tx, &tracked, &outcome).await?;
    faults::reached("poll.before_commit");
    Ok(advanced.is_some_and(|advanced| advanced.to_send))
}

fn event(tracked: &Tracked, seen: Seen, now: Instant) -> TrackingEvent {
    TrackingEvent {
        parcel: Some(tracked.parcel.number),
        source: EventSource::Poll,
        source_name: tracked.carrier.to_string(),
        happening: seen.happening,
        scan: None,
        hub: None,
        facility: None,
        raw: seen.raw,
        recorded_at: now,
    }
}

async fn give_back(deps: &Deps, tracked: Tracked, problem: String) {
    let heard = Heard {
        kind: "not_configured",
        outcome: Outcome::Failed { retry_after: None },
        problem: Some(problem),
        seen: Vec::new(),
        raw: None,
    };
    if let Err(error) = take_in(deps, tracked, heard).await {
        tracing::error!(%error, "a claimed number could not be given back; its claim ends by itself");
    }
}
