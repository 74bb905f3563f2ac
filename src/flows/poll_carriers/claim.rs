//! Taking numbers that are due, and the calls that it takes to ask about them, in one transaction.

use std::collections::HashMap;

use chrono::TimeDelta;

use crate::carriers::{Account, PhoneTail, Question};
use crate::config::Settings;
use crate::domain::carrier::{CarrierCode, TrackingNumber};
use crate::domain::id::ShipmentId;
use crate::domain::instant::Instant;
use crate::flows::Deps;
use crate::polling::quota;
use crate::store::tracked::{self, Tracked};
use crate::store::{StoreError, carrier_accounts, shipments};

/// One question, and not before when it may be asked, by the machine's clock.
pub struct Call {
    pub at: Instant,
    pub numbers: Vec<Number>,
    phones: HashMap<ShipmentId, PhoneTail>,
}

/// A number that is asked about once, with every parcel that it is on.
pub struct Number {
    pub asked: Tracked,
    pub others: Vec<Tracked>,
}

impl Number {
    pub fn parcels(self) -> impl Iterator<Item = Tracked> {
        std::iter::once(self.asked).chain(self.others)
    }
}

impl Call {
    pub fn questions(&self) -> impl Iterator<Item = Question> {
        self.numbers.iter().map(|number| &number.asked).map(|tracked| Question {
            number: tracked.number.clone(),
            phone_tail: self.phones.get(&tracked.parcel.shipment).cloned(),
        })
    }
}

pub struct Claimed {
    pub calls: Vec<Call>,
}

/// How much longer than the longest question a claim lasts.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// A question can be so many requests: for a pass, the question, for another pass and the question again, or telling
/// the carrier of new numbers.
const REQUESTS: i64 = 4;

/// How long a claim lasts.
pub fn lasts(settings: &Settings) -> TimeDelta {
    let outbound = &settings.outbound;
    let longest = (outbound.timeout_seconds + outbound.connect_timeout_seconds) as i64;
    TimeDelta::seconds(REQUESTS * longest) + MARGIN
}

/// As many calls as there is `room` for and the account's limits let through, longest due first.
pub async fn claim(deps: &Deps, account: &Account, room: usize) -> Result<Claimed, StoreError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let until = wall + lasts(&deps.settings);
    let (id, limits) = (account.id.clone(), account.limits.clone());
    let is_limited = limits.are_any();
    let per_call = limits.numbers_per_call.get();
    let wants_phone = account.adapter.wants_phone;
    deps.store
        .write(move |tx| {
            let (id, limits) = (id.clone(), limits.clone());
            Box::pin(async move {
                let usage = match is_limited {
                    true => carrier_accounts::hold(tx, &id).await?,
                    // Nobody counts; it may have to be left alone.
                    false => carrier_accounts::find(tx, &id).await?.unwrap_or_default(),
                };
                let (granted, _) = quota::grant(&limits, usage, room, wall);
                if granted.calls == 0 {
                    return Ok(Claimed { calls: Vec::new() });
                }
                let most = granted.calls.saturating_mul(per_call);
                let numbers = tracked::claim(tx, &id.carrier, now, wall, until, most).await?;
                let sharing = tracked::sharing(tx, &id.carrier, &numbers, wall).await?;
                let phones = if wants_phone { phones(tx, &numbers).await? } else { HashMap::new() };
                let mut numbers = once_each(numbers.into_iter().chain(sharing));
                let calls = numbers.len().div_ceil(per_call);
                let (granted, after) = quota::grant(&limits, usage, calls, wall);
                if is_limited && calls > 0 {
                    carrier_accounts::save(tx, &id, &after).await?;
                }
                let mut calls = Vec::with_capacity(calls);
                while !numbers.is_empty() {
                    let rest = numbers.split_off(numbers.len().min(per_call));
                    let at = granted.first_at + granted.apart * calls.len() as i32;
                    calls.push(Call { at, numbers, phones: phones.clone() });
                    numbers = rest;
                }
                Ok(Claimed { calls })
            })
        })
        .await
}

/// In the order in which they come.
fn once_each(tracked: impl Iterator<Item = Tracked>) -> Vec<Number> {
    let mut numbers: Vec<Number> = Vec::new();
    let mut places: HashMap<TrackingNumber, usize> = HashMap::new();
    for tracked in tracked {
        let place = *places.entry(tracked.number.clone()).or_insert(numbers.len());
        match numbers.get_mut(place) {
            Some(number) => number.others.push(tracked),
            None => numbers.push(Number { asked: tracked, others: Vec::new() }),
        }
    }
    numbers
}

async fn phones(
    tx: &crate::store::Tx,
    numbers: &[Tracked],
) -> Result<HashMap<ShipmentId, PhoneTail>, StoreError> {
    let mut ids: Vec<ShipmentId> = numbers.iter().map(|tracked| tracked.parcel.shipment).collect();
    ids.sort_unstable();
    ids.dedup();
    let phones = shipments::consignee_phones(tx, &ids).await?;
    Ok(phones.into_iter().filter_map(|(id, phone)| Some((id, PhoneTail::of(&phone)?))).collect())
}

/// A daemon that was started later may have the carrier, and asks about a number within so long.
const LEFT_TO_OTHERS: TimeDelta = TimeDelta::minutes(10);

/// Due numbers of a carrier that nobody asks.
pub async fn of_unconfigured(deps: &Deps, carrier: &CarrierCode) -> Result<Vec<Tracked>, StoreError> {
    const MOST: usize = 256;
    let (now, wall) = (deps.clock.now() - LEFT_TO_OTHERS, deps.clock.wall());
    let until = wall + lasts(&deps.settings);
    let carrier = carrier.clone();
    deps.store
        .write(move |tx| {
            let carrier = carrier.clone();
            Box::pin(async move { tracked::claim(tx, &carrier, now, wall, until, MOST).await })
        })
        .await
}
