//! What a carrier said of a number, whether it was asked or not, into the parcel's timeline.
//!
//! One transaction: what was said, what it changes, when to ask next. An answer that is the same as the one before
//! changes nothing but the time of the next question.

use chrono::TimeDelta;

use super::Foreseen;
use super::hear::NumberHeard;
pub use super::hear::Raw;
use crate::carriers::{Account, Seen};
use crate::chance;
use crate::config;
use crate::domain::carrier::{AccountId, Limits};
use crate::domain::event::{EventSource, EventStatus, Occurred, OffsetSource, TrackingEvent};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::shipment::ShipmentStatus;
use crate::escrow::rules::is_settled;
use crate::faults;
use crate::flows::Deps;
use crate::flows::advance::{Advanced, AdvancedParcel, Occasion, advance};
use crate::polling::foresight::Look;
use crate::polling::rules::{Known, Outcome, Silence, happened, next, silence};
use crate::store::events::{self, RawAnswer, insert_answer};
use crate::store::poll_histories::{self, Journey};
use crate::store::shipments::{self, ParcelStanding};
use crate::store::tracked::{self, News, Tracked};
use crate::store::{StoreError, Tx};
use crate::telemetry;

/// What decides when to look again.
#[derive(Clone)]
struct Terms {
    settings: config::Polling,
    limits: Option<Limits>,
    account: Option<AccountId>,
    foreseen: Foreseen,
}

/// What came of a question.
pub async fn answer(
    deps: &Deps,
    account: &Account,
    tracked: Tracked,
    heard: NumberHeard,
) -> Result<(), StoreError> {
    let occasion = Occasion::new(deps, format!("carrier {}", tracked.carrier));
    let terms = Terms {
        settings: deps.settings.polling.clone(),
        limits: Some(account.limits.clone()),
        account: Some(account.id.clone()),
        foreseen: deps.foreseen.clone(),
    };
    let carrier = tracked.carrier.clone();
    let advanced = deps
        .store
        .write(move |tx| {
            let (tracked, heard, terms) = (tracked.clone(), heard.clone(), terms.clone());
            Box::pin(async move { write(tx, tracked, heard, &terms, &occasion).await })
        })
        .await?;
    faults::reached("poll.committed");
    ring(deps, carrier.as_str(), advanced.as_ref());
    Ok(())
}

/// Nobody could be asked: looked at again later.
pub async fn nothing(deps: &Deps, tracked: Tracked, problem: &'static str) -> Result<(), StoreError> {
    let occasion = Occasion::new(deps, format!("carrier {}", tracked.carrier));
    let terms = Terms {
        settings: deps.settings.polling.clone(),
        limits: None,
        account: None,
        foreseen: deps.foreseen.clone(),
    };
    let failed = Outcome::Failed { retry_after: None };
    let heard = NumberHeard::nothing("not_configured", failed, problem);
    deps.store
        .write(move |tx| {
            let (tracked, heard, terms) = (tracked.clone(), heard.clone(), terms.clone());
            Box::pin(async move { write(tx, tracked, heard, &terms, &occasion).await })
        })
        .await?;
    Ok(())
}

pub fn ring(deps: &Deps, carrier: &str, advanced: Option<&Advanced>) {
    let Some(advanced) = advanced else { return };
    telemetry::unknown_statuses(carrier, advanced.unknown);
    if advanced.to_send {
        deps.outbox_bell.notify_one();
    }
    if advanced.to_tell {
        deps.webhook_bell.notify_one();
    }
}

async fn write(
    tx: &Tx,
    tracked: Tracked,
    heard: NumberHeard,
    terms: &Terms,
    occasion: &Occasion,
) -> Result<Option<Advanced>, StoreError> {
    let now = occasion.now;
    if !tracked::is_own(tx, &tracked).await? {
        let_go(tx, &tracked, now).await?;
        return Ok(None);
    }
    // What pushes told since it was claimed.
    let before = tracked::find(tx, &tracked).await?.unwrap_or_else(|| tracked.clone());
    let settings = &terms.settings;
    let hash = heard.raw.as_ref().map(|raw| raw.hash.clone());
    let seen = latest(&heard.seen, now).max(before.last.seen);
    let silent_since = silence(&known(&before, seen), settings, now);
    let mut advanced = None;
    let quiet = match silent_since.is_none() {
        true => nothing_new(tx, &before, &heard, now).await?,
        false => None,
    };
    let mut delivered_at = before.last.delivered_at;
    let (standing, is_delivered) = if quiet.is_some() {
        (quiet.map(|quiet| (quiet.status, quiet.expected_by)), None)
    } else {
        if let Some(raw) = heard.raw {
            keep(tx, &tracked, raw, now).await?;
        }
        let mut events: Vec<_> =
            heard.seen.into_iter().map(|seen| event(&tracked, seen, EventSource::Poll, now)).collect();
        events.extend(silent_since.map(|silence| silent(&tracked, &silence, now)));
        advanced = advance(tx, tracked.parcel.shipment, &events, occasion).await?;
        let parcel = advanced.as_ref().and_then(|advanced| parcel(advanced, &tracked));
        delivered_at = learn(tx, &tracked, tracked.carrier.as_str(), advanced.as_ref(), now).await?;
        let promised_at = advanced.as_ref().map(|advanced| advanced.shipment.estimate.latest_at);
        (parcel.map(|parcel| parcel.status).zip(promised_at), Some(delivered_at.is_some()))
    };
    let status = standing.map_or(ShipmentStatus::LastMile, |(status, _)| status);
    let look = Look {
        since: seen.map_or(tracked.created_at, |(at, _)| at),
        status: seen.map(|(_, status)| status),
        promised_at: standing.map(|(_, promised_at)| promised_at),
        looked_at: now,
    };
    let foreseen = terms.foreseen.next(terms.account.as_ref(), &tracked, &look, settings);
    let known = Known { since: tracked.created_at, seen, delivered_at };
    let next = next(&heard.outcome, status, &known, tracked.failures, foreseen, settings, now);
    let outcome = tracked::Outcome {
        next_poll_at: next.at.map(|at| at.max(earliest(terms.limits.as_ref(), now))),
        failures: next.failures,
        problem: heard.problem,
        answered_at: (heard.outcome == Outcome::Answered).then_some(now),
        answer_hash: hash.or(before.last.answer_hash),
        asked_at: Some(now),
        news: News { heard_at: now, seen, is_delivered },
    };
    tracked::settle(tx, &tracked, &outcome).await?;
    faults::reached("poll.before_commit");
    Ok(advanced)
}

/// Where a parcel stands about which nothing was said, or the same as before. None: it is to be looked into.
async fn nothing_new(
    tx: &Tx,
    before: &Tracked,
    heard: &NumberHeard,
    now: Instant,
) -> Result<Option<ParcelStanding>, StoreError> {
    let Some(raw) = &heard.raw else {
        return match heard.seen.is_empty() {
            true => shipments::parcel_standing(tx, before.parcel).await,
            false => Ok(None),
        };
    };
    if before.last.answer_hash.as_ref() != Some(&raw.hash) {
        return Ok(None);
    }
    let standing = shipments::parcel_standing(tx, before.parcel).await?;
    // Where money waits for something else than a certain time, it is judged again with each answer.
    Ok(standing.filter(|standing| {
        let is_known_delivered = before.last.delivered_at.is_some();
        let waits_for_time = standing.order_wakes_at.is_some_and(|at| at > now);
        let is_at_rest = is_known_delivered && (waits_for_time || is_settled(standing.order));
        standing.status != ShipmentStatus::Delivered || is_at_rest
    }))
}

/// The carrier has given the number out again; what it says now is about another shipment.
async fn let_go(tx: &Tx, tracked: &Tracked, now: Instant) -> Result<(), StoreError> {
    let problem = Some("the number is on another shipment's label now".to_owned());
    let over = tracked::Outcome {
        next_poll_at: None,
        failures: 0,
        problem,
        answered_at: None,
        answer_hash: tracked.last.answer_hash.clone(),
        asked_at: tracked.last.asked_at,
        news: News { heard_at: now, seen: tracked.last.seen, is_delivered: None },
    };
    tracked::settle(tx, tracked, &over).await
}

fn known(tracked: &Tracked, seen: Option<(Instant, EventStatus)>) -> Known {
    Known { since: tracked.created_at, seen, delivered_at: tracked.last.delivered_at }
}

pub fn parcel<'a>(advanced: &'a Advanced, tracked: &Tracked) -> Option<&'a AdvancedParcel> {
    advanced.parcels.iter().find(|parcel| parcel.number == tracked.parcel.number)
}

/// When a parcel was first heard to be delivered, if it is; what it did until then is written down that first time.
/// The shipment is held. `teller`: who said so.
pub async fn learn(
    tx: &Tx,
    tracked: &Tracked,
    teller: &str,
    advanced: Option<&Advanced>,
    now: Instant,
) -> Result<Option<Instant>, StoreError> {
    let Some(advanced) = advanced else { return Ok(None) };
    let Some(delivered_at) = parcel(advanced, tracked).and_then(|parcel| parcel.delivered_at) else {
        return Ok(None);
    };
    let known = tracked::find(tx, tracked).await?.and_then(|known| known.last.delivered_at);
    if known.is_some() {
        return Ok(known);
    }
    let events = events::of_shipment(tx, tracked.parcel.shipment).await?;
    let is_told = |event: &&TrackingEvent| {
        event.parcel == Some(tracked.parcel.number)
            && event.tracking_number.as_ref() == Some(&tracked.number)
            && event.source_name == teller
            && matches!(event.source, EventSource::Poll | EventSource::Push)
            && event.happening.status != EventStatus::Delivered
    };
    let told = events.iter().filter(is_told).map(|event| &event.happening);
    let journey = Journey {
        scans: told.map(|one| (one.status, one.occurred.at.min(now))).collect(),
        delivered_at: delivered_at.min(now),
        promised_at: Some(advanced.shipment.estimate.latest_at),
        from_hub: tracked.from_hub.clone(),
    };
    poll_histories::insert(tx, chance::id(), &tracked.carrier, &journey).await?;
    Ok(Some(now))
}

/// So many questions about a shipment a day, at equal distances.
fn earliest(limits: Option<&Limits>, now: Instant) -> Instant {
    match limits.and_then(|limits| limits.calls_per_shipment_and_day) {
        Some(calls) => now + TimeDelta::microseconds(86_400_000_000 / i64::from(calls)),
        None => now,
    }
}

/// What a carrier said, kept as it came.
pub async fn keep(tx: &Tx, tracked: &Tracked, raw: Raw, now: Instant) -> Result<(), StoreError> {
    let answer = RawAnswer {
        parcel: tracked.parcel,
        carrier: tracked.carrier.clone(),
        number: tracked.number.clone(),
        status: raw.status,
        body: raw.body,
        asked_at: now,
    };
    insert_answer(tx, answer).await
}

/// The latest event that can have happened.
pub fn latest(seen: &[Seen], now: Instant) -> Option<(Instant, EventStatus)> {
    let told = seen.iter().map(|seen| &seen.happening);
    told.filter_map(|one| Some((happened(one.occurred.at, now)?, one.status))).max()
}

pub fn event(tracked: &Tracked, seen: Seen, source: EventSource, now: Instant) -> TrackingEvent {
    TrackingEvent {
        parcel: Some(tracked.parcel.number),
        source,
        source_name: tracked.carrier.to_string(),
        happening: seen.happening,
        tracking_number: Some(tracked.number.clone()),
        scan: None,
        hub: None,
        facility: None,
        raw: seen.raw,
        recorded_at: now,
        doubted: false,
    }
}

/// Ours to say, and once for each silence: it bears the time at which the silence became too long.
fn silent(tracked: &Tracked, silence: &Silence, now: Instant) -> TrackingEvent {
    let at = silence.too_long_at;
    let occurred = Occurred { at, local_time: rfc3339(at), offset_source: OffsetSource::Carrier };
    let words = format!("{} has said nothing new for {} days", tracked.carrier, silence.days);
    TrackingEvent {
        parcel: Some(tracked.parcel.number),
        recorded_at: now,
        ..TrackingEvent::of_our_own(EventStatus::Exception, "silence", &words, occurred)
    }
}
