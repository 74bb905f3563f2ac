//! The file of lanes.

use std::collections::HashMap;

use super::KnownHubs;
use super::row::{Report, Row, each_row};
use crate::domain::network::{HubCode, Lane, LaneId};
use crate::routing::network::limits;

const FILE: &str = "lanes.csv";

const NEEDED: [&str; 15] = [
    "lane_id",
    "from",
    "to",
    "mode",
    "carrier",
    "service",
    "days_iso",
    "depart_local",
    "depart_tz",
    "transit_hours",
    "capacity_kg",
    "capacity_m3",
    "fixed_cost_usd",
    "cost_per_kg_usd",
    "distance_km",
];

/// Half the way round the globe, with detours.
const DISTANCE_KM_MAX: i64 = 100_000;

pub fn read(text: &str, known: &KnownHubs, report: &mut Report) -> Vec<Lane> {
    let mut lanes = Vec::new();
    let mut lines: HashMap<LaneId, u64> = HashMap::new();
    each_row(FILE, text, &NEEDED, report, |row| {
        let id: Option<LaneId> = row.parsed("lane_id");
        if let Some(id) = &id {
            match lines.get(id) {
                Some(line) => row.wrong("lane_id", format!("{id} is already on line {line}")),
                None => drop(lines.insert(id.clone(), row.line())),
            }
        }
        lanes.extend(lane(row, id, known));
    });
    lanes
}

/// Every column is read before any is missed, so that all that is wrong is reported.
fn lane(row: &mut Row, id: Option<LaneId>, known: &KnownHubs) -> Option<Lane> {
    let from = end(row, "from", known);
    let to = end(row, "to", known);
    if from.is_some() && from == to {
        row.wrong("to", "leads back to where it begins");
    }
    let mode = row.parsed("mode");
    let carrier = row.words("carrier");
    let service = row.words("service");
    let weekdays = row.parsed("days_iso");
    let depart_local = row.time("depart_local");
    let depart_zone = row.zone("depart_tz");
    let transit_minutes = row.rounded_up("transit_hours", 60, 1, i64::from(limits::MINUTES));
    let capacity_grams = row.whole("capacity_kg", 1_000, 1, limits::CAPACITY_GRAMS as i64);
    let capacity_cm3 = row.whole("capacity_m3", 1_000_000, 1, limits::CAPACITY_CM3 as i64);
    let fixed_cost_micros = row.whole("fixed_cost_usd", 1_000_000, 0, limits::COST_MICROS);
    let cost_per_kg_micros = row.whole("cost_per_kg_usd", 1_000_000, 0, limits::COST_MICROS);
    let distance_km = row.rounded_up("distance_km", 1, 0, DISTANCE_KM_MAX);
    Some(Lane {
        id: id?,
        from: from?,
        to: to?,
        mode: mode?,
        carrier: carrier?,
        service: service?,
        weekdays: weekdays?,
        depart_local: depart_local?,
        depart_zone: depart_zone?,
        transit_minutes: u32::try_from(transit_minutes?).ok()?,
        capacity_grams: u64::try_from(capacity_grams?).ok()?,
        capacity_cm3: u64::try_from(capacity_cm3?).ok()?,
        fixed_cost_micros: fixed_cost_micros?,
        cost_per_kg_micros: cost_per_kg_micros?,
        distance_km: u32::try_from(distance_km?).ok()?,
    })
}

fn end(row: &mut Row, column: &'static str, known: &KnownHubs) -> Option<HubCode> {
    let code: HubCode = row.parsed(column)?;
    match known {
        KnownHubs::Codes(codes) if !codes.contains(code.as_str()) => {
            row.wrong(column, format!("{code} is not in hubs.csv"));
            None
        }
        KnownHubs::Codes(_) | KnownHubs::Unreadable => Some(code),
    }
}
