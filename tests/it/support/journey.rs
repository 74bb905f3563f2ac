//! What merchants post and hubs scan, made from the sample pickups.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sampan::clock::Clock;
use sampan::domain::instant::Instant;
use sampan::sandbox::sample::PICKUPS;
use serde_json::{Value, json};

/// The sample pickup number `line`, to be collected in the next days, under references
/// that nobody else has.
pub fn pickup(line: usize) -> Value {
    let text = PICKUPS.lines().nth(line).unwrap_or_else(|| panic!("there is no sample pickup {line}"));
    let mut body: Value = serde_json::from_str(text).expect("a sample pickup");
    let at = |text: &Value| {
        DateTime::parse_from_rfc3339(text.as_str().expect("a text")).expect("a time with its offset")
    };
    let from = at(&body["pickup"]["from"]);
    // Whole weeks: the day of the week and the hour stay what they are.
    let weeks = (Utc::now() - from.to_utc()).num_days().div_euclid(7) + 1;
    for side in ["from", "until"] {
        let moved = at(&body["pickup"][side]) + TimeDelta::days(7 * weeks);
        body["pickup"][side] = json!(moved.to_rfc3339());
    }
    let own = uuid::Uuid::new_v4().simple().to_string();
    body["reference"] = json!(format!("R-{own}"));
    body["payment"]["reference"] = json!(format!("T-{own}"));
    body
}

/// A line of the sample with two parcels.
pub const TWO_PARCELS: usize = 1;

/// One scan of one parcel.
#[derive(Debug, Clone)]
pub struct Scan {
    pub hub: String,
    pub body: Value,
}

/// Every scan from the first hub to the courier, an hour apart, the first one at `begins_at`.
/// `accepted` is the answer to the pickup.
pub fn scans(accepted: &Value, begins_at: Instant) -> Vec<Scan> {
    let legs = accepted["plan"]["legs"].as_array().expect("a plan has legs");
    let line_hauls: Vec<_> = legs.iter().filter(|leg| leg["kind"] == "line_haul").collect();
    let hub = |leg: &Value, side: &str| leg[side].as_str().expect("a hub's code").to_owned();
    let first = line_hauls.first().expect("a plan goes over a line-haul");
    let mut steps = vec![(hub(first, "from"), "received")];
    for leg in line_hauls {
        steps.push((hub(leg, "from"), "departed"));
        steps.push((hub(leg, "to"), "arrived"));
    }
    let gateway = steps.last().expect("steps").0.clone();
    for kind in ["customs_presented", "customs_released", "handed_over"] {
        steps.push((gateway.clone(), kind));
    }
    let parcels = accepted["parcels"].as_array().expect("parcels");
    let mut scans = Vec::new();
    for (hours, (hub, kind)) in (0..).zip(steps) {
        for parcel in parcels {
            let at = begins_at + TimeDelta::hours(hours);
            let mut body = json!({
                "parcel": parcel["id"],
                "kind": kind,
                "occurred_at": at.to_rfc3339_opts(SecondsFormat::Secs, true),
            });
            if kind == "handed_over" {
                body["carrier"] = json!("dhl_unified");
                body["tracking_number"] = json!(tracking_number(parcel));
            }
            scans.push(Scan { hub: hub.clone(), body });
        }
    }
    scans
}

/// The courier's number for a parcel: always the same for the same one.
pub fn tracking_number(parcel: &Value) -> String {
    let id = parcel["id"].as_str().expect("a parcel's id");
    id.trim_start_matches("pcl_").to_ascii_uppercase()
}

/// So long ago that a label booked at that time has been delivered (the sandbox's journeys
/// take four days at most).
pub fn long_ago() -> Instant {
    Clock::real().now() - TimeDelta::days(5)
}
