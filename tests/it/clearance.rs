//! The papers of a bag say how what is in it is cleared, and so it stays while it is in it.

use sampan::domain::id::ShipmentId;
use sampan::flows::change_clearance::{self, ClearanceError};
use sampan::flows::{Deps, change_network, close_departures, replan};
use sampan::store::departures;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;

use crate::on_both_databases;
use crate::support::app::spawn_app;
use crate::support::database::{Database, Kind, number};
use crate::support::journey::long_ago;
use crate::support::rows::change;
use crate::support::steps::{accept_two_parcels, detail, hubs_of, problem, scan, text};
use crate::support::wait::wait_until;
use crate::support::yard::{F2, Yard, operator};

const MONDAY_F2: &str = "F2-20260302";
const MORNING: &str = "2026-03-02T05:00:00Z";
const CUT_OFF: &str = "2026-03-02T12:01:00Z";

/// Two parcels on Monday's F2, whose gateway clears 9610 and 1210.
async fn packed(yard: &Yard) -> ShipmentId {
    let id = yard.accept("2026-03-02", 2, 1_000).await;
    for number in [1, 2] {
        yard.scan("HKONE", id, number, "received", MORNING, None).await;
    }
    let departure = MONDAY_F2.parse().expect("a departure");
    let closed = close_departures::close_one(&yard.at(CUT_OFF), &departure).await;
    assert!(closed.expect("a closing").is_some(), "something was packed");
    id
}

async fn to(yard: &Yard, deps: &Deps, id: ShipmentId, clearance: &str) -> Result<(), ClearanceError> {
    change_clearance::change(deps, yard.keys.merchant, id, &json!({"clearance": clearance})).await
}

async fn clearance(yard: &Yard, id: ShipmentId) -> String {
    yard.detail(id).await.shipment.clearance
}

#[track_caller]
fn is_refused(changed: Result<(), ClearanceError>) {
    let error = changed.expect_err("it is in a bag");
    assert!(matches!(error, ClearanceError::Packed { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the shipment is in bag 1 of F2-20260302, whose papers say how it is cleared"
    );
}

on_both_databases! {
    async fn what_is_in_a_bag_is_cleared_as_its_papers_say_until_it_is_out(db: Database) {
        let yard = Yard::new(&db, &[F2]).await;
        let id = packed(&yard).await;
        let deps = yard.at(CUT_OFF);
        is_refused(to(&yard, &deps, id, "1210").await);
        assert_eq!(clearance(&yard, id).await, "9610");
        to(&yard, &deps, id, "9610").await.expect("what it is already");
        for parcel in [1, 2] {
            is_refused(to(&yard, &deps, id, "1210").await);
            yard.scan("HKONE", id, parcel, "offloaded", "2026-03-02T12:30:00Z", Some(MONDAY_F2)).await;
        }
        to(&yard, &yard.at("2026-03-02T12:40:00Z"), id, "1210").await.expect("nothing of it is in a bag");
        assert_eq!(clearance(&yard, id).await, "1210");
        yard.is_sound().await;
    }

    async fn what_does_not_leave_or_was_left_behind_may_be_cleared_another_way(db: Database) {
        let yard = Yard::new(&db, &[F2]).await;
        // This one is not received.
        let behind = yard.accept("2026-03-02", 1, 1_000).await;
        let id = packed(&yard).await;
        let deps = yard.at(CUT_OFF);
        to(&yard, &deps, behind, "1210").await.expect("it is in no bag");
        let departure = MONDAY_F2.parse().expect("a departure");
        change_network::cancel_departure(&deps, &operator(), &departure, &json!({"reason": "fog"})).await.expect("cancelled");
        to(&yard, &deps, id, "1210").await.expect("it is in no bag any more");
        replan::run_due(&deps).await.expect("plans");
        for id in [behind, id] {
            assert_eq!((clearance(&yard, id).await.as_str(), yard.departures(id).await), ("1210", vec!["F2-20260303".to_owned()]));
        }
        yard.is_sound().await;
    }

    async fn a_merchant_is_told_in_which_bag_it_is(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, path) = (hubs_of(&accepted).0, format!("/v1/shipments/{}/clearance", text(&accepted["id"])));
        for number in [1, 2] {
            app.client.scan(&hub, &scan(&accepted, number, "received", 0)).await.expect("an answer").must_be(201);
        }
        let cutoff_at = (long_ago() + chrono::TimeDelta::minutes(30)).timestamp_micros();
        change(&db, &format!("UPDATE departure SET cutoff_at = {cutoff_at}")).await;
        let packed = "SELECT COUNT(*) AS n FROM bag_parcel WHERE state = 'packed'";
        wait_until("it is packed", async || number(&app.deps.store, packed).await == 2).await;
        let bearer = format!("Bearer {}", app.client.keys.api_key);
        let body = json!({"clearance": "postal"}).to_string();
        let headers = [("authorization", bearer.as_str())];
        let answer = crate::support::http::send(app.client.address, "POST", &path, &headers, body.as_bytes()).await;
        let answer = answer.expect("an answer");
        assert_eq!(problem(&answer, 409), "clearance-on-papers");
        assert!(text(&answer.json()["detail"]).starts_with("the shipment is in bag 1 of "), "{}", answer.text());
        assert_eq!(detail(&app, &accepted).await["clearance"], accepted["clearance"]);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clearance_waits_for_a_closing_that_is_under_way() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let yard = Yard::new(&db, &[F2]).await;
    let id = packed(&yard).await;
    // As it was before, and then again, in a transaction that is not over.
    change(&db, "UPDATE departure SET state = 'open'").await;
    change(&db, "UPDATE bag_parcel SET state = 'removed'").await;
    let tx = yard.deps.store.reader().pool().expect("a pool").begin().await.expect("a transaction");
    let (departure, wall) = (MONDAY_F2.parse().expect("a departure"), yard.deps.clock.wall());
    assert!(departures::close(&tx, &departure, wall).await.expect("an answer"), "it was open");
    tx.execute_unprepared("UPDATE bag_parcel SET state = 'packed'").await.expect("parcels in their bag");
    let closing = async {
        let waiting = "SELECT COUNT(*) AS n FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until("the change waits", async || number(&yard.deps.store, waiting).await == 1).await;
        tx.commit().await.expect("a commit");
    };
    let deps = yard.at(CUT_OFF);
    let (changed, ()) = tokio::join!(to(&yard, &deps, id, "1210"), closing);
    is_refused(changed);
}
