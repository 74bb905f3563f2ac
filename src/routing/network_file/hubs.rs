//! The file of hubs.

use std::collections::{HashMap, HashSet};

use super::KnownHubs;
use super::row::{Report, Row, each_row};
use crate::domain::network::{Hub, HubCode, HubKind};
use crate::domain::place::Point;
use crate::domain::service::Clearance;
use crate::routing::network::limits;

const FILE: &str = "hubs.csv";

const NEEDED: [&str; 11] = [
    "code",
    "name_en",
    "name_zh",
    "kind",
    "country",
    "lat",
    "lon",
    "tz",
    "customs_modes",
    "cutoff_local",
    "handling_hours",
];

pub fn read(text: &str, report: &mut Report) -> (Vec<Hub>, KnownHubs) {
    let mut hubs = Vec::new();
    let mut codes = HashSet::new();
    let mut lines: HashMap<HubCode, u64> = HashMap::new();
    let is_readable = each_row(FILE, text, &NEEDED, &[], report, |row| {
        codes.insert(row.text("code").to_owned());
        let code: Option<HubCode> = row.parsed("code");
        if let Some(code) = &code {
            match lines.get(code) {
                Some(line) => row.wrong("code", format!("{code} is already on line {line}")),
                None => drop(lines.insert(code.clone(), row.line())),
            }
        }
        hubs.extend(hub(row, code));
    });
    (hubs, if is_readable { KnownHubs::Codes(codes) } else { KnownHubs::Unreadable })
}

/// Every column is read before any is missed, so that all that is wrong is reported.
fn hub(row: &mut Row, code: Option<HubCode>) -> Option<Hub> {
    let name_en = row.words("name_en");
    let name_zh = row.words("name_zh");
    let kind = row.parsed("kind");
    let country = row.parsed("country");
    let point = point(row);
    let zone = row.zone("tz");
    let clearances = clearances(row, kind);
    let cutoff_local = row.time("cutoff_local");
    let handling_minutes = row.rounded_up("handling_hours", 60, 0, i64::from(limits::MINUTES));
    Some(Hub {
        code: code?,
        name_en: name_en?,
        name_zh: name_zh?,
        kind: kind?,
        country: country?,
        point: point?,
        zone: zone?,
        clearances: clearances?,
        cutoff_local: cutoff_local?,
        handling_minutes: u32::try_from(handling_minutes?).ok()?,
    })
}

fn point(row: &mut Row) -> Option<Point> {
    let (lat, lon) = (row.degrees("lat"), row.degrees("lon"));
    // One at a time, so that the column at fault is the one that is named.
    let lat = lat.filter(|lat| match Point::new(*lat, 0.0) {
        Ok(_) => true,
        Err(error) => {
            row.wrong("lat", error.to_string());
            false
        }
    });
    let lon = lon.filter(|lon| match Point::new(0.0, *lon) {
        Ok(_) => true,
        Err(error) => {
            row.wrong("lon", error.to_string());
            false
        }
    });
    Point::new(lat?, lon?).ok()
}

fn clearances(row: &mut Row, kind: Option<HubKind>) -> Option<Vec<Clearance>> {
    const COLUMN: &str = "customs_modes";
    let text = row.text(COLUMN);
    let mut clearances = Vec::new();
    let mut is_good = true;
    for word in text.split(';').map(str::trim).filter(|_| !text.is_empty()) {
        match word.parse() {
            Ok(clearance) if !clearances.contains(&clearance) => clearances.push(clearance),
            Ok(_) => {}
            Err(error) => {
                let error: <Clearance as std::str::FromStr>::Err = error;
                row.wrong(COLUMN, error.to_string());
                is_good = false;
            }
        }
    }
    match kind {
        Some(HubKind::Gateway) if text.is_empty() => {
            row.wrong(COLUMN, "a gateway needs at least one");
            return None;
        }
        Some(HubKind::OriginHub) if !text.is_empty() => {
            row.wrong(COLUMN, "an origin hub has none");
            return None;
        }
        Some(HubKind::Gateway | HubKind::OriginHub) | None => {}
    }
    is_good.then_some(clearances)
}
