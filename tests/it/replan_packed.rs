//! Departures that were packed or booked and do not leave as they were to.

use sampan::domain::event::{
    EventLocation, EventSource, EventStatus, Happening, Occurred, OffsetSource, TrackingEvent,
};
use sampan::domain::id::ShipmentId;
use sampan::flows::advance::{self, Occasion};
use sampan::flows::{Deps, change_network, close_departures, manage_webhooks, replan};
use sampan::store::{StoreError, replans};
use serde_json::json;

use crate::on_both_databases;
use crate::support::database::{Database, number};
use crate::support::rows::text;
use crate::support::yard::{self, F1, F2, Yard, operator};

const AFTER_CUT_OFF: &str = "2026-03-02T10:01:00Z";

async fn run(deps: &Deps) -> u64 {
    replan::run_due(deps).await.expect("plans")
}

async fn state(deps: &Deps, departure: &str) -> String {
    let sql = format!("SELECT state AS n FROM departure WHERE id = '{departure}'");
    text(&deps.store, &sql).await.expect("a departure")
}

async fn consolidation(deps: &Deps) -> String {
    text(&deps.store, "SELECT state AS n FROM consolidation").await.expect("a consolidation")
}

/// A shipment on Monday's F1, which is packed with it.
async fn packed(yard: &Yard) -> ShipmentId {
    let id = yard.accept("2026-03-02", 1, 1_000).await;
    yard.scan("HKONE", id, 1, "received", "2026-03-02T05:00:00Z", None).await;
    let departure = "F1-20260302".parse().expect("a departure");
    let closed = close_departures::close_one(&yard.at(AFTER_CUT_OFF), &departure).await;
    assert!(closed.expect("a closing").is_some(), "something was packed");
    assert_eq!(state(&yard.deps, "F1-20260302").await, "closed");
    id
}

/// Somebody says that a parcel is lost.
async fn lose(yard: &Yard, id: ShipmentId, parcel: u16) {
    let deps = yard.at("2026-03-02T06:00:00Z");
    let now = deps.clock.now();
    let event = TrackingEvent {
        parcel: Some(parcel),
        source: EventSource::System,
        source_name: "sampan".to_owned(),
        happening: Happening {
            status: EventStatus::Lost,
            delivered_to: None,
            occurred: Occurred { at: now, local_time: String::new(), offset_source: OffsetSource::Carrier },
            code: "lost".to_owned(),
            description: String::new(),
            location: EventLocation::default(),
            cancels: None,
        },
        tracking_number: None,
        scan: None,
        hub: None,
        facility: None,
        raw: "{}".to_owned(),
        recorded_at: now,
        doubted: false,
    };
    let occasion = Occasion::new(&deps, "sampan".to_owned());
    let lost: Result<_, StoreError> = deps
        .store
        .write(move |tx| {
            Box::pin(async move { advance::advance(tx, id, &[event], &occasion).await.map(drop) })
        })
        .await;
    lost.expect("an event");
}

on_both_databases! {
    async fn what_was_packed_for_a_hub_that_closes_goes_with_a_later_departure(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = packed(&yard).await;
        let later = yard.accept("2026-03-03", 1, 500).await;
        let deps = yard.at("2026-03-02T10:30:00Z");
        let body = json!({"from": "2026-03-02T11:00:00Z", "until": "2026-03-03T00:00:00Z", "reason": "a strike"});
        let hub = "HKONE".parse().expect("a hub");
        let (closure, _) = change_network::close_hub(&deps, &operator(), &hub, &body).await.expect("a closure");
        assert_eq!((state(&deps, "F1-20260302").await, consolidation(&deps).await), ("cancelled".into(), "dissolved".into()));
        assert_eq!(state(&deps, "F1-20260303").await, "open", "it leaves after the closure");

        // It opens again before anybody has looked: what was dissolved does not leave all the same.
        let closure = closure.id.parse().expect("an id");
        change_network::open_hub(&deps, &hub, closure).await.expect("taken back");
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(id).await, ["F1-20260303"]);
        assert_eq!(yard.departures(later).await, ["F1-20260303"]);
        let reason = yard.detail(id).await.plan.reason;
        assert!(reason.starts_with("hub HKONE is closed from "), "{reason}");
        assert_eq!(number(&deps.store, "SELECT booked_grams AS n FROM departure WHERE id = 'F1-20260303'").await, 1_500);
        yard.is_sound().await;
    }

    async fn what_was_packed_for_a_lane_that_a_new_network_has_not_goes_with_another(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = packed(&yard).await;
        yard::import(&yard.deps.store, &[F1, F2], yard::at("2026-03-02T10:30:00Z")).await;
        let deps = yard.at("2026-03-02T10:30:00Z");
        assert_eq!(run(&deps).await, 0);
        assert_eq!(state(&deps, "F1-20260302").await, "closed", "the same network moves nothing");
        yard::import(&deps.store, &[F2], yard::at("2026-03-02T10:30:00Z")).await;
        assert_eq!((state(&deps, "F1-20260302").await, consolidation(&deps).await), ("cancelled".into(), "dissolved".into()));
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(id).await, ["F2-20260302"]);
        yard.is_sound().await;
    }

    async fn what_leaves_at_other_times_is_dated_anew_where_it_is_open(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 1, 1_000).await;
        let later = F1.replace("20:00", "21:00").replace(",20,1,", ",30,1,");
        yard::import(&yard.deps.store, &[&later, F2], yard::at(yard::MONDAY)).await;
        let of = |column: &str| format!("SELECT {column} AS n FROM departure WHERE id = 'F1-20260302'");
        let micros = |time: &str| yard::at(time).timestamp_micros();
        let store = &yard.deps.store;
        assert_eq!(number(store, &of("depart_at")).await, micros("2026-03-02T13:00:00Z"));
        assert_eq!(number(store, &of("arrive_at")).await, micros("2026-03-02T16:00:00Z"));
        assert_eq!(number(store, &of("cutoff_at")).await, micros("2026-03-02T11:00:00Z"));
        assert_eq!(number(store, &of("capacity_grams")).await, 30_000);
        assert_eq!(run(&yard.at(yard::MONDAY)).await, 1);
        assert_eq!(yard.departures(id).await, ["F1-20260302"]);
        yard.is_sound().await;
    }

    async fn one_that_nobody_collects_does_not_hold_up_the_others(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 2, 1_000).await;
        yard.scan("HKONE", id, 1, "received", "2026-04-21T05:00:00Z", None).await;
        let deps = yard.at("2026-04-21T05:01:00Z");
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(id).await, ["F1-20260421"]);
        let booked = "SELECT booked_grams AS n FROM departure WHERE id = 'F1-20260421'";
        assert_eq!(number(&deps.store, booked).await, 1_000, "for the one that is there");
        yard.is_sound().await;
    }

    async fn the_merchant_is_told_once_that_nobody_collected_it(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let endpoint = json!({"url": "https://shop.example/"});
        manage_webhooks::register(&yard.deps, yard.keys.merchant, &endpoint).await.expect("an endpoint");
        let id = yard.accept("2026-03-02", 2, 1_000).await;
        let deps = yard.at("2026-04-21T05:00:00Z");
        for _ in 0..2 {
            let (now, wall) = (deps.clock.now(), deps.clock.wall());
            let asked: Result<(), StoreError> = deps.store.write(move |tx| Box::pin(async move {
                replans::request_check(tx, &[id], &replans::Cause::of_our_own(""), now, wall).await
            })).await;
            asked.expect("a request");
            assert_eq!(run(&deps).await, 0);
        }
        let told = "SELECT COUNT(*) AS n FROM webhook_message WHERE kind = 'shipment.unroutable'";
        assert_eq!(number(&deps.store, told).await, 1);
        assert_eq!(number(&deps.store, "SELECT COUNT(*) AS n FROM booking").await, 0);
        yard.is_sound().await;
    }

    async fn what_is_further_on_keeps_its_place_however_often_the_rest_is_planned(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 2, 1_000).await;
        for parcel in [1, 2] {
            yard.scan("HKONE", id, parcel, "received", "2026-03-02T05:00:00Z", None).await;
        }
        yard.scan("HKONE", id, 1, "departed", "2026-03-02T12:00:00Z", Some("F1-20260302")).await;
        for day in ["2026-03-02", "2026-03-03"] {
            let (time, departure) = (format!("{day}T12:00:00Z"), format!("F1-{}", day.replace('-', "")));
            yard.scan("HKONE", id, 2, "offloaded", &time, Some(&departure)).await;
            assert_eq!(run(&yard.at(&format!("{day}T12:01:00Z"))).await, 1);
        }
        for (departure, booked) in [("F1-20260302", 1_000), ("F1-20260303", 0), ("F1-20260304", 1_000)] {
            let sql = format!("SELECT CAST(COALESCE(SUM(grams), 0) AS BIGINT) AS n FROM booking WHERE departure_id = '{departure}'");
            assert_eq!(number(&yard.deps.store, &sql).await, booked, "{departure}");
        }
        yard.is_sound().await;
    }

    async fn a_lost_parcel_does_not_cost_the_other_one_its_place(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 2, 1_000).await;
        for parcel in [1, 2] {
            yard.scan("HKONE", id, parcel, "received", "2026-03-02T05:00:00Z", None).await;
        }
        for (parcel, held) in [(1, 1), (2, 0)] {
            lose(&yard, id, parcel).await;
            assert_eq!(number(&yard.deps.store, "SELECT COUNT(*) AS n FROM booking").await, held, "parcel {parcel}");
        }
        yard.is_sound().await;
    }
}
