//! Parcels of one shipment wait for each other, and not for ever.

use chrono::TimeDelta;
use sampan::clock::Clock;
use sampan::domain::id::{ParcelId, ShipmentId};
use sampan::domain::instant::{Instant, rfc3339};
use sampan::flows::{Deps, close_departures, manage_webhooks, record_scans, replan};
use serde_json::json;

use crate::on_both_databases;
use crate::support::database::{Database, number};
use crate::support::rows::change;
use crate::support::yard::{F1, Yard, at};

/// What a daemon does at the cut-off of F1 (10:00 UTC).
async fn cut_off(yard: &Yard, day: Instant) {
    let deps = Deps { clock: Clock::fast(day + TimeDelta::minutes(601), 1.0), ..yard.deps.clone() };
    replan::find_missed(&deps).await.expect("a look");
    close_departures::run_due(&deps).await.expect("closings");
    replan::run_due(&deps).await.expect("plans");
}

async fn days(yard: &Yard, from: &str, until: &str) {
    let mut day = at(&format!("{from}T00:00:00Z"));
    while day <= at(&format!("{until}T00:00:00Z")) {
        cut_off(yard, day).await;
        day += TimeDelta::days(1);
    }
}

async fn packed(yard: &Yard, parcel: u16) -> i64 {
    let sql = format!("SELECT COUNT(*) AS n FROM bag_parcel WHERE parcel_number = {parcel}");
    number(&yard.deps.store, &sql).await
}

async fn noted(yard: &Yard, action: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) AS n FROM audit_entry WHERE action = '{action}'");
    number(&yard.deps.store, &sql).await
}

async fn told(yard: &Yard, kind: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) AS n FROM webhook_message WHERE kind = '{kind}'");
    number(&yard.deps.store, &sql).await
}

async fn accepted(yard: &Yard, parcels: usize) -> ShipmentId {
    let endpoint = json!({"url": "https://shop.example/"});
    manage_webhooks::register(&yard.deps, yard.keys.merchant, &endpoint).await.expect("an endpoint");
    yard.accept("2026-03-02", parcels, 1_000).await
}

on_both_databases! {
    async fn the_others_go_on_without_a_parcel_that_never_comes(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let id = accepted(&yard, 2).await;
        yard.scan("HKONE", id, 1, "received", "2026-03-02T05:00:00Z", None).await;
        days(&yard, "2026-03-02", "2026-04-05").await;
        assert_eq!(packed(&yard, 1).await, 0, "it waits for the other one");
        let plans = noted(&yard, "shipment.replanned").await;
        assert!((1..=12).contains(&plans), "{plans} plans in five weeks");
        assert_eq!(told(&yard, "shipment.replanned").await, plans);
        days(&yard, "2026-04-06", "2026-04-20").await;
        assert_eq!((packed(&yard, 1).await, packed(&yard, 2).await), (1, 0));
        assert_eq!(number(&yard.deps.store, "SELECT COUNT(*) AS n FROM booking").await, 1, "of the one that went");
        let plans = noted(&yard, "shipment.replanned").await;
        days(&yard, "2026-04-21", "2026-05-20").await;
        assert_eq!(noted(&yard, "shipment.replanned").await, plans, "nobody looks for what is given up");
        // It comes after all.
        yard.scan("HKONE", id, 2, "received", "2026-05-21T05:00:00Z", None).await;
        days(&yard, "2026-05-21", "2026-05-22").await;
        assert_eq!((packed(&yard, 1).await, packed(&yard, 2).await), (1, 1));
        yard.is_sound().await;
    }

    /// It was there in time, and had been given up at the cut-off: its plan seems to hold, and it has no room.
    async fn what_is_said_late_to_have_come_is_looked_at_again(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let id = accepted(&yard, 1).await;
        let mut day = at("2026-03-02T00:00:00Z");
        while noted(&yard, "shipment.not_collected").await == 0 {
            cut_off(&yard, day).await;
            day += TimeDelta::days(1);
        }
        day -= TimeDelta::days(1);
        let late = Deps { clock: Clock::fast(day + TimeDelta::minutes(630), 1.0), ..yard.deps.clone() };
        let parcel = ParcelId { shipment: id, number: 1 };
        let scan = json!({"parcel": parcel, "kind": "received", "occurred_at": rfc3339(day + TimeDelta::minutes(570))});
        let hub = "HKONE".parse().expect("a hub");
        record_scans::record(&late, &hub, &scan).await.expect("a good scan");
        assert_eq!(number(&yard.deps.store, "SELECT COUNT(*) AS n FROM booking").await, 0);
        change(&db, "UPDATE replan SET next_attempt_at = 0").await;
        assert_eq!(replan::run_due(&late).await.expect("plans"), 1, "its departure has not left yet");
        for _ in 0..2 {
            day += TimeDelta::days(1);
            cut_off(&yard, day).await;
            cut_off(&yard, day).await;
        }
        assert_eq!(packed(&yard, 1).await, 1);
        yard.is_sound().await;
    }

    /// Of one that left without ever having been received, the hub knows that it is not there.
    async fn nobody_waits_for_what_has_left(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let id = accepted(&yard, 2).await;
        yard.scan("HKONE", id, 1, "received", "2026-03-02T05:00:00Z", None).await;
        yard.scan("HKONE", id, 2, "departed", "2026-03-02T06:00:00Z", Some("F1-20260301")).await;
        days(&yard, "2026-03-02", "2026-03-03").await;
        assert_eq!((packed(&yard, 1).await, packed(&yard, 2).await), (1, 0));
        yard.is_sound().await;
    }

    async fn what_is_never_collected_gives_its_room_back_once_and_goes_when_it_comes_after_all(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let id = accepted(&yard, 1).await;
        days(&yard, "2026-03-02", "2026-04-30").await;
        let plans = noted(&yard, "shipment.replanned").await;
        assert!((1..=12).contains(&plans), "{plans} plans in eight weeks");
        assert_eq!((noted(&yard, "shipment.not_collected").await, told(&yard, "shipment.unroutable").await), (1, 1));
        assert_eq!(number(&yard.deps.store, "SELECT COUNT(*) AS n FROM booking").await, 0);
        yard.scan("HKONE", id, 1, "received", "2026-05-01T05:00:00Z", None).await;
        days(&yard, "2026-05-01", "2026-05-02").await;
        assert_eq!(packed(&yard, 1).await, 1);
        yard.is_sound().await;
    }
}
