//! Asks carriers about the parcels that are due.
//!
//! Due numbers are claimed in batches (no other daemon takes them meanwhile), asked about
//! side by side, and each answer is taken in by itself: the raw answer, its events, what
//! they change and the time of the next question are one transaction. A crash before it
//! leaves the claim, which ends by itself; then the number is asked about again, and what
//! was stored already is not stored twice. Whatever a carrier does (says nothing, too
//! much, or nonsense) costs its own parcel a delay and nobody else anything.

use std::time::Duration;

use super::Deps;
use super::advance::{Advanced, Occasion, advance};
use crate::carriers::{Account, Failure, FailureKind, Occasion as AskedOn, Question, Said, Seen};
use crate::domain::event::{EventSource, TrackingEvent};
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
    while !deps.stopping.has_begun() && !deps.pauses.hold_all(deps.carriers.codes(), deps.clock.wall()) {
        let (now, wall) = (deps.clock.now(), deps.clock.wall());
        let longest = deps.settings.outbound.timeout_seconds + deps.settings.outbound.connect_timeout_seconds;
        let claimed_until = wall + chrono::Duration::seconds(longest as i64) + CLAIM_MARGIN;
        // No more than are asked about at once: a claim must not run out while it waits its turn.
        let together = deps.settings.polling.concurrency_max;
        let due: Vec<Tracked> = deps
            .store
            .write(move |tx| {
                Box::pin(async move { tracked::claim(tx, now, wall, claimed_until, together).await })
            })
            .await?;
        let full = due.len() == together;
        asked += due.len() as u64;
        futures_util::future::join_all(due.into_iter().map(|tracked| ask_about(deps, tracked))).await;
        if !full {
            break;
        }
    }
    Ok(asked)
}

/// Never fails: what goes wrong is noted and asked about again.
async fn ask_about(deps: &Deps, tracked: Tracked) {
    let heard = match (
        deps.carriers.accounts(&tracked.carrier).first(),
        deps.pauses.left(&tracked.carrier, deps.clock.wall()),
    ) {
        (None, _) => {
            // It was configured when the parcel was handed over, and is not now.
            tracing::error!(carrier = %tracked.carrier, "parcels are with a carrier that is not configured");
            Heard::nothing("not_configured", "the carrier is not configured")
        }
        (Some(_), Some(after)) => Heard {
            outcome: Outcome::NotNow { after },
            ..Heard::nothing("paused", "the carrier asks for fewer questions")
        },
        (Some(carrier), None) => {
            let question = Question { number: tracked.number.clone(), phone_tail: None };
            let occasion = AskedOn { now: deps.clock.wall(), id: uuid::Uuid::now_v7(), token: None };
            let answer = deps.outbound.send(carrier.abilities.track.request(&[question], &occasion)).await;
            let heard = hear(carrier, &tracked, answer);
            if let Outcome::NotNow { after } = heard.outcome {
                deps.pauses.begin(&tracked.carrier, deps.clock.wall(), after);
            }
            heard
        }
    };
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

impl Heard {
    fn nothing(kind: &'static str, problem: impl Into<String>) -> Self {
        Self {
            kind,
            outcome: Outcome::Failed { retry_after: None },
            problem: Some(problem.into()),
            seen: Vec::new(),
            raw: None,
        }
    }
}

/// How long a carrier is left alone that does not say how long.
const PAUSE: Duration = Duration::from_secs(60);

/// A carrier that says "at once" and means "no" is not asked at once.
const PAUSE_LEAST: Duration = Duration::from_secs(1);

/// Pages of an error are kept as far as they can matter.
const ERROR_BYTES_KEPT: usize = 16 * 1_024;

fn hear(account: &Account, tracked: &Tracked, answer: Result<Answer, SendError>) -> Heard {
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(carrier = %tracked.carrier, %error, "a carrier did not answer");
            return Heard::nothing("no_answer", error.to_string());
        }
    };
    let heard = match (account.adapter.read)(&answer, &super::gazetteer::Embedded) {
        Ok(reading) => match reading.about(&tracked.number) {
            Said::Events { seen, unreadable } => {
                if !unreadable.is_empty() {
                    tracing::warn!(carrier = %tracked.carrier, parcel = %tracked.parcel, events = unreadable.len(),
                        "a carrier sent events without a time; they stay in its raw answer");
                }
                Heard { kind: "events", outcome: Outcome::Answered, problem: None, seen, raw: None }
            }
            Said::Failed(failure) => failed(tracked, failure),
        },
        Err(error) => {
            tracing::warn!(carrier = %tracked.carrier, parcel = %tracked.parcel, %error, "a carrier's answer makes no sense");
            Heard::nothing("unparsable", error.to_string())
        }
    };
    // What a carrier said is kept even if we cannot read it today.
    if !answer.is_success() {
        answer.body.truncate(ERROR_BYTES_KEPT);
    }
    Heard { raw: Some(answer), ..heard }
}

fn failed(tracked: &Tracked, failure: Failure) -> Heard {
    let Failure { kind, code, message, retry_after, .. } = failure;
    let said = format!("{code} {message}");
    match kind {
        FailureKind::NotFound => Heard {
            outcome: Outcome::NotFound,
            ..Heard::nothing("not_found", "the carrier does not know this number, or not yet")
        },
        FailureKind::RateLimited => Heard {
            outcome: Outcome::NotNow { after: retry_after.unwrap_or(PAUSE).max(PAUSE_LEAST) },
            ..Heard::nothing("rate_limited", "the carrier asks for fewer questions")
        },
        FailureKind::Auth => {
            tracing::error!(carrier = %tracked.carrier, code, "a carrier refuses our credentials");
            Heard::nothing("refused", said)
        }
        FailureKind::CarrierDown => {
            Heard { outcome: Outcome::Failed { retry_after }, ..Heard::nothing("carrier_down", said) }
        }
        FailureKind::Invalid | FailureKind::Unparsable => {
            tracing::warn!(carrier = %tracked.carrier, parcel = %tracked.parcel, code, "a carrier cannot be asked so");
            Heard::nothing(kind.as_str(), said)
        }
    }
}

/// One transaction: what was said, what it changes, when to ask next.
async fn take_in(deps: &Deps, tracked: Tracked, heard: Heard) -> Result<(), StoreError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let settings = deps.settings.polling.clone();
    let carrier = tracked.carrier.clone();
    let advanced = deps
        .store
        .write(move |tx| Box::pin(async move { write(tx, tracked, heard, &settings, now, wall).await }))
        .await?;
    faults::reached("poll.committed");
    if let Some(advanced) = advanced {
        telemetry::unknown_statuses(carrier.as_str(), advanced.unknown);
        if advanced.to_send {
            deps.outbox_bell.notify_one();
        }
        if advanced.to_tell {
            deps.webhook_bell.notify_one();
        }
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
) -> Result<Option<Advanced>, StoreError> {
    if !tracked::is_own(tx, &tracked).await? {
        // The carrier has given the number out again; what it says now is about another shipment.
        let problem = Some("the number is on another shipment's label now".to_owned());
        let over = tracked::Outcome { next_poll_at: None, failures: 0, problem, answered_at: None };
        tracked::settle(tx, &tracked, &over).await?;
        return Ok(None);
    }
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
    let parcels = advanced.iter().flat_map(|advanced| &advanced.parcels);
    let parcel = parcels.into_iter().find(|parcel| parcel.number == tracked.parcel.number);
    let (status, delivered_at) =
        parcel.map_or((ShipmentStatus::LastMile, None), |parcel| (parcel.status, parcel.delivered_at));
    let next = next(&heard.outcome, status, delivered_at, tracked.failures, settings, now);
    let outcome = tracked::Outcome {
        next_poll_at: next.at,
        failures: next.failures,
        problem: heard.problem,
        answered_at: (heard.outcome == Outcome::Answered).then_some(now),
    };
    tracked::settle(tx, &tracked, &outcome).await?;
    faults::reached("poll.before_commit");
    Ok(advanced)
}

fn event(tracked: &Tracked, seen: Seen, now: Instant) -> TrackingEvent {
    TrackingEvent {
        parcel: Some(tracked.parcel.number),
        source: EventSource::Poll,
        source_name: tracked.carrier.to_string(),
        happening: seen.happening,
        tracking_number: Some(tracked.number.clone()),
        scan: None,
        hub: None,
        facility: None,
        raw: seen.raw,
        recorded_at: now,
    }
}
