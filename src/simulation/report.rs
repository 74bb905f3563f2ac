//! What a simulation comes to, for operators.

use std::collections::BTreeMap;
use std::fmt;

use chrono::TimeDelta;
use serde::Serialize;

use super::Options;
use super::world::World;
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;
use crate::domain::shipment::ShipmentStatus;
use crate::intake::FieldError;
use crate::store::shipments::Shipment;

/// Refused requests that are told of one by one; the others are counted.
const REFUSALS: usize = 20;

/// A pickup request that was not accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// Of the workload's file.
    pub line: usize,
    pub reference: String,
    pub reason: String,
    pub fields: Vec<FieldError>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {}: {}", self.line, self.reference, self.reason)?;
        self.fields.iter().try_for_each(|FieldError { pointer, detail }| write!(f, "; {pointer} {detail}"))
    }
}

/// Counted on the way.
#[derive(Default)]
pub struct Tally {
    refused: u64,
    refusals: Vec<Refusal>,
    pub missed: u64,
    pub replanned: u64,
    pub restarts: u64,
    /// Parcels that were taken in, by hub and day since 1970.
    handled: BTreeMap<HubCode, BTreeMap<i64, u64>>,
    statuses: BTreeMap<String, u64>,
    under_way: u64,
    late: u64,
    door_to_door: Vec<TimeDelta>,
}

impl Tally {
    pub fn refused(&mut self, refusal: Refusal) {
        self.refused += 1;
        if self.refusals.len() < REFUSALS {
            self.refusals.push(refusal);
        }
    }

    pub fn handled(&mut self, hub: &HubCode, at: Instant) {
        let days = self.handled.entry(hub.clone()).or_default();
        *days.entry(at.timestamp().div_euclid(86_400)).or_default() += 1;
    }

    pub fn ended(&mut self, shipment: &Shipment, promised_by: Instant) {
        *self.statuses.entry(shipment.status.to_string()).or_default() += 1;
        self.under_way += u64::from(shipment.status.is_under_way());
        let is_delivered = shipment.status == ShipmentStatus::Delivered;
        if let Some(delivered_at) = shipment.delivered_at.filter(|_| is_delivered) {
            self.late += u64::from(delivered_at > promised_by);
            self.door_to_door.push(delivered_at - shipment.pickup.until);
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HubLoad {
    pub parcels: u64,
    /// On its busiest day.
    pub parcels_a_day_most: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub seed: u64,
    pub days: u32,
    pub trace: String,
    pub steps: u64,
    pub accepted: u64,
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<Refusal>,
    pub delivered: u64,
    /// Not delivered, not back, not lost: still somewhere.
    pub under_way: u64,
    pub statuses: BTreeMap<String, u64>,
    /// From the end of the pickup's window to the door.
    pub days_door_to_door_p50: f64,
    pub days_door_to_door_p90: f64,
    /// Delivered after what its service promised.
    pub late: u64,
    pub missed_connections: u64,
    pub planned_anew: u64,
    pub hubs: BTreeMap<String, HubLoad>,
    pub carrier_calls: u64,
    pub provider_calls: u64,
    pub webhooks: u64,
    /// Both by currency: what was paid out, and what went back.
    pub confirmed: BTreeMap<String, String>,
    pub refunded: BTreeMap<String, String>,
    /// Payments that the provider let go by its own deadline.
    pub paid_by_provider: u64,
    pub restarts: u64,
}

impl World {
    pub fn report(&mut self, options: &Options) -> Report {
        let tally = &mut self.tally;
        tally.door_to_door.sort_unstable();
        let hubs = tally.handled.iter().map(|(hub, days)| {
            let most = days.values().copied().max().unwrap_or_default();
            (hub.to_string(), HubLoad { parcels: days.values().sum(), parcels_a_day_most: most })
        });
        let books = self.outside.books();
        let moved = books.provider.moved();
        let of = |place: usize| {
            let amounts = moved.iter().map(|(code, moved)| (*code, moved[place]));
            let some = amounts.filter(|(_, money)| money.minor > 0);
            some.map(|(code, money)| (code.to_owned(), money.amount())).collect()
        };
        Report {
            seed: options.seed,
            days: options.days,
            trace: self.trace.digest(),
            steps: self.trace.steps(),
            accepted: self.shipments.len() as u64,
            refused: tally.refused,
            refusals: tally.refusals.clone(),
            delivered: tally.door_to_door.len() as u64,
            under_way: tally.under_way,
            statuses: tally.statuses.clone(),
            days_door_to_door_p50: days_at(&tally.door_to_door, 0.5),
            days_door_to_door_p90: days_at(&tally.door_to_door, 0.9),
            late: tally.late,
            missed_connections: tally.missed,
            planned_anew: tally.replanned,
            hubs: hubs.collect(),
            carrier_calls: books.carrier_calls,
            provider_calls: books.provider.calls,
            webhooks: books.webhooks,
            confirmed: of(0),
            refunded: of(1),
            paid_by_provider: books.provider.paid_by_itself(),
            restarts: tally.restarts,
        }
    }
}

/// The value that the share `share` of all reaches at most, to the tenth of a day; 0 of none.
fn days_at(sorted: &[TimeDelta], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = (share * last as f64).round() as usize;
    (sorted[place].num_minutes() as f64 / 144.0).round() / 10.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, refused, delivered, under_way, late, .. } = self;
        writeln!(f, "accepted             {accepted}, {refused} refused")?;
        self.refusals.iter().try_for_each(|refusal| writeln!(f, "  {refusal}"))?;
        if let Some(more @ 1..) = refused.checked_sub(self.refusals.len() as u64) {
            writeln!(f, "  and {more} more")?;
        }
        writeln!(f, "delivered            {delivered}, {late} of them late; {under_way} still under way")?;
        let (p50, p90) = (self.days_door_to_door_p50, self.days_door_to_door_p90);
        writeln!(f, "days door to door    {p50} (P50), {p90} (P90)")?;
        writeln!(f, "missed connections   {}, planned anew {}", self.missed_connections, self.planned_anew)?;
        let ended: Vec<_> = self.statuses.iter().map(|(status, count)| format!("{status} {count}")).collect();
        writeln!(f, "ended                {}", ended.join(", "))?;
        for (what, sums) in [("confirmed", &self.confirmed), ("refunded", &self.refunded)] {
            let money: Vec<_> = sums.iter().map(|(code, sum)| format!("{sum} {code}")).collect();
            writeln!(f, "{what:<20} {}", money.join(", "))?;
        }
        if self.paid_by_provider > 0 {
            writeln!(f, "by its own deadline  the provider paid {} times", self.paid_by_provider)?;
        }
        let (carrier, provider) = (self.carrier_calls, self.provider_calls);
        writeln!(
            f,
            "calls                {carrier} to carriers, {provider} to the provider, {} to merchants",
            self.webhooks
        )?;
        writeln!(f, "parcels by hub       (all, on the busiest day)")?;
        let mut hubs: Vec<_> = self.hubs.iter().collect();
        hubs.sort_by_key(|(hub, load)| (std::cmp::Reverse(load.parcels), (*hub).clone()));
        for (hub, load) in hubs {
            writeln!(f, "  {hub:<18} {}, {}", load.parcels, load.parcels_a_day_most)?;
        }
        write!(f, "trace                {} in {} steps", self.trace, self.steps)
    }
}
