//! The file of lanes.

use std::collections::HashMap;

use super::KnownHubs;
use super::row::{Report, Row, each_row};
use crate::domain::network::{Lane, LaneId, Weekdays};
use crate::routing::network::limits;

const FILE: &str = "lanes.csv";

/// They may be missing. A column that is nearly one of them is taken for a mistake: a limit that nobody reads
/// is no limit.
const OPTIONAL: [&str; 2] = ["max_piece_kg", "dangerous_goods"];

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

/// The ids of a file, those of bad rows too, with their weekdays where these can be read.
pub type KnownLanes = HashMap<LaneId, Option<Weekdays>>;

/// The lanes, and which there are; none where nothing could be read.
pub fn read(text: &str, known: &KnownHubs, report: &mut Report) -> (Vec<Lane>, Option<KnownLanes>) {
    let mut lanes = Vec::new();
    let mut lines: HashMap<LaneId, u64> = HashMap::new();
    let mut known_lanes = KnownLanes::new();
    let is_readable = each_row(FILE, text, &NEEDED, &OPTIONAL, report, |row| {
        let id: Option<LaneId> = row.parsed("lane_id");
        if let Some(id) = &id {
            match lines.get(id) {
                Some(line) => row.wrong("lane_id", format!("{id} is already on line {line}")),
                None => drop(lines.insert(id.clone(), row.line())),
            }
            known_lanes.insert(id.clone(), row.text("days_iso").parse().ok());
        }
        lanes.extend(lane(row, id, known));
    });
    (lanes, is_readable.then_some(known_lanes))
}

/// Every column is read before any is missed, so that all that is wrong is reported.
fn lane(row: &mut Row, id: Option<LaneId>, known: &KnownHubs) -> Option<Lane> {
    let from = known.code(row, "from");
    let to = known.code(row, "to");
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
    let distance_metres = row.rounded_up("distance_km", 1_000, 0, limits::DISTANCE_METRES as i64);
    let piece_grams_max = match row.text("max_piece_kg") {
        "" => Some(None),
        _ => row.whole("max_piece_kg", 1_000, 1, i64::from(u32::MAX)).map(Some),
    };
    let dangerous_goods = row.parsed("dangerous_goods");
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
        distance_metres: u64::try_from(distance_metres?).ok()?,
        piece_grams_max: piece_grams_max?.and_then(|grams| u32::try_from(grams).ok()),
        dangerous_goods: dangerous_goods?,
    })
}
