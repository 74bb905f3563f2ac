//! The body of a hub scan.

use chrono::DateTime;
use serde_json::Value;

use super::reading::{Errors, FieldError, Object};
use crate::domain::carrier::{CarrierCode, TrackingNumber};
use crate::domain::event::ScanKind;
use crate::domain::id::ParcelId;
use crate::domain::instant::{Instant, cut};
use crate::domain::network::DepartureId;
use crate::domain::sscc::Sscc;

#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    pub parcel: ParcelId,
    pub kind: ScanKind,
    pub occurred_at: Instant,
    /// As the scanner wrote it.
    pub local_time: String,
    /// With `handed_over`, and only there: who takes the last mile, under which number.
    pub handed_to: Option<(CarrierCode, TrackingNumber)>,
    pub departure: Option<DepartureId>,
    /// With `packed`, where it says which one, and `unpacked`.
    pub bag: Option<Sscc>,
    pub note: Option<String>,
}

pub(super) const OFFLOADED_FROM: &str =
    "is missing: offloaded names the departure that it did not leave with";

/// How far ahead of us a scanner's clock may be.
const AHEAD_MINUTES_MAX: i64 = 5;
/// What is older is a scanner without a clock.
const BACK_DAYS_MAX: i64 = 366;

/// Reads one scan, or says all that is wrong with it.
pub fn read(body: &Value, now: Instant) -> Result<Scan, Vec<FieldError>> {
    let errors = Errors::default();
    let scan = Object::new(body, String::new(), &errors).and_then(|body| scan(&body, now));
    errors.check(scan)
}

fn scan(body: &Object, now: Instant) -> Option<Scan> {
    let parcel = body.parsed("parcel");
    let kind = body.parsed("kind");
    let (written, occurred_at) = read_time(body, now);

    let carrier: Option<Option<CarrierCode>> = body.parsed_or_none("carrier");
    let number: Option<Option<TrackingNumber>> = body.parsed_or_none("tracking_number");
    let departure = body.parsed_or_none("departure");
    let bag: Option<Option<Sscc>> = body.parsed_or_none("bag");
    let note = body.text_or_none("note", 0..=500);

    if kind == Some(ScanKind::Offloaded) && departure == Some(None) {
        body.errors().add("/departure", OFFLOADED_FROM);
    }
    let handed_over = kind == Some(ScanKind::HandedOver);
    for (pointer, absent) in [("/carrier", carrier == Some(None)), ("/tracking_number", number == Some(None))]
    {
        if handed_over && absent {
            body.errors().add(pointer, "is missing: handed_over names the carrier and its number");
        }
        if !handed_over && kind.is_some() && !absent {
            body.errors().add(pointer, "goes with handed_over only");
        }
    }
    let packs = kind.is_some_and(|kind| matches!(kind, ScanKind::Packed | ScanKind::Unpacked));
    if kind == Some(ScanKind::Packed) && bag == Some(None) {
        body.errors().add("/bag", "is missing: packed names the bag that the parcel is put into");
    }
    if kind.is_some() && !packs && matches!(bag, Some(Some(_))) {
        let detail = "goes with packed and unpacked only; without a parcel, all that is in the bag is meant";
        body.errors().add("/bag", detail);
    }
    Some(Scan {
        parcel: parcel?,
        kind: kind?,
        occurred_at: occurred_at?,
        local_time: written?,
        handed_to: carrier?.zip(number?),
        departure: departure?,
        bag: bag?,
        note: note?.filter(|note| !note.is_empty()),
    })
}

/// As it was written, and the instant that is meant.
pub(super) fn read_time(body: &Object, now: Instant) -> (Option<String>, Option<Instant>) {
    let written = body.text("occurred_at", 1..=40);
    let occurred_at = written.as_ref().and_then(|text| {
        let instant = DateTime::parse_from_rfc3339(text).map(|instant| cut(instant.to_utc()));
        match instant {
            Err(_) => body.errors().add("/occurred_at", "has to be a time such as 2026-03-02T14:00:00+08:00"),
            Ok(at) if at > now + chrono::Duration::minutes(AHEAD_MINUTES_MAX) => {
                body.errors().add("/occurred_at", "lies in the future");
            }
            Ok(at) if at < now - chrono::Duration::days(BACK_DAYS_MAX) => {
                body.errors().add("/occurred_at", format!("lies more than {BACK_DAYS_MAX} days back"));
            }
            Ok(_) => {}
        }
        instant.ok()
    });
    (written, occurred_at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Instant {
        "2026-03-05T00:00:00Z".parse().expect("an instant")
    }

    fn pointers(body: Value) -> Vec<String> {
        read(&body, now()).expect_err("a refusal").into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_handover_names_the_carrier_and_its_number() {
        let parcel = "pcl_00000000000000000000000001-1";
        let body =
            json!({"parcel": parcel, "kind": "handed_over", "occurred_at": "2026-03-04T10:00:00+08:00"});
        assert_eq!(pointers(body.clone()), ["/carrier", "/tracking_number"]);
        let mut whole = body.clone();
        whole["carrier"] = json!("dhl_unified");
        whole["tracking_number"] = json!("00340434161094000014");
        assert!(read(&whole, now()).is_ok());
        whole["kind"] = json!("received");
        assert_eq!(pointers(whole), ["/carrier", "/tracking_number"]);
    }

    #[test]
    fn a_bag_goes_with_packing_and_unpacking() {
        let parcel = "pcl_00000000000000000000000001-1";
        let at = "2026-03-04T10:00:00+08:00";
        let body = |kind: &str| json!({"parcel": parcel, "kind": kind, "occurred_at": at});
        assert_eq!(pointers(body("packed")), ["/bag"]);
        assert!(read(&body("unpacked"), now()).is_ok());
        for (kind, is_good) in [("packed", true), ("unpacked", true), ("received", false)] {
            let mut body = body(kind);
            body["bag"] = json!("(00)106141411234567897");
            assert_eq!(read(&body, now()).is_ok(), is_good, "{kind}");
            body["bag"] = json!("106141411234567890");
            assert_eq!(pointers(body)[0], "/bag");
        }
    }

    #[test]
    fn a_scan_from_the_future_is_refused() {
        let parcel = "pcl_00000000000000000000000001-1";
        let at = |at: &str| json!({"parcel": parcel, "kind": "received", "occurred_at": at});
        assert!(read(&at("2026-03-05T00:04:00Z"), now()).is_ok());
        assert_eq!(pointers(at("2026-03-05T00:06:00Z")), ["/occurred_at"]);
        assert_eq!(pointers(at("yesterday")), ["/occurred_at"]);
        assert_eq!(pointers(at("1970-01-01T00:00:00Z")), ["/occurred_at"]);
    }
}
