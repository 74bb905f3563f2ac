//! Shipments whose parcels part on the way, and departures that do not leave.

use chrono::TimeDelta;
use sampan::domain::calendar::Closure;
use sampan::domain::id::ClosureId;
use sampan::domain::network::{DepartureId, HubKind};
use sampan::flows::{close_departures, import_network};
use sampan::store::{StoreError, calendar, network};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::journey::long_ago;
use crate::support::rows::{change, count};
use crate::support::steps::{accept_two_parcels, detail, hubs_of, look, pointers, scan, text};
use crate::support::wait::wait_until;

const PACKED: &str = "SELECT COUNT(*) AS n FROM bag_parcel WHERE state = 'packed'";

/// The first line-haul of a plan.
fn first_haul(accepted: &Value) -> Value {
    let legs = accepted["plan"]["legs"].as_array().expect("a plan has legs");
    legs.iter().find(|leg| leg["kind"] == "line_haul").expect("a line-haul").clone()
}

fn departure_of(accepted: &Value) -> String {
    text(&first_haul(accepted)["departure"]).to_owned()
}

async fn report(app: &App, hub: &str, body: &Value, status: u16) -> Value {
    app.client.scan(hub, body).await.expect("an answer").must_be(status)
}

async fn receive(app: &App, accepted: &Value) {
    for number in 1..=2 {
        report(app, &hubs_of(accepted).0, &scan(accepted, number, "received", 0), 201).await;
    }
}

/// Closes it, its cut-off so many hours after [`long_ago`].
async fn close(app: &App, db: &Database, departure: &str, hours: i64) {
    let cutoff_at = (long_ago() + TimeDelta::hours(hours) + TimeDelta::minutes(30)).timestamp_micros();
    let sql = format!("UPDATE departure SET cutoff_at = {cutoff_at} WHERE id = '{departure}'");
    assert_eq!(change(db, &sql).await, 1, "{departure} is booked");
    let id = departure.parse().expect("a departure");
    close_departures::close_one(&app.deps, &id).await.expect("a closing");
    let open = format!("SELECT COUNT(*) AS n FROM departure WHERE id = '{departure}' AND state = 'open'");
    let untold = "SELECT COUNT(*) AS n FROM consolidation WHERE NOT announced";
    wait_until("the departure is closed", async || {
        number(&app.deps.store, &open).await + number(&app.deps.store, untold).await == 0
    })
    .await;
}

async fn consolidation(app: &App, hub: &str, departure: &str) -> Value {
    let bearer = format!("Bearer {}", app.client.keys.hubs[hub]);
    let headers = [("authorization", bearer.as_str())];
    let page = look(app, &format!("/v1/consolidations?departure={departure}"), &headers).await.must_be(200);
    let path = format!("/v1/consolidations/{}", text(&page["consolidations"][0]["id"]));
    look(app, &path, &headers).await.must_be(200)
}

async fn planned_anew(app: &App) {
    wait_until("it is planned anew", async || count(&app.deps.store, "replan").await == 0).await;
}

/// The departure in whose bag a parcel is.
async fn is_packed_on(app: &App, accepted: &Value, parcel: usize, departure: &str) -> bool {
    let id = text(&accepted["parcels"][parcel - 1]["id"]);
    let parcel = id.rsplit('-').next().expect("a number");
    let sql = format!(
        "SELECT COUNT(*) AS n FROM bag_parcel m JOIN consolidation c ON c.id = m.consolidation_id \
         WHERE m.state = 'packed' AND m.parcel_number = {parcel} AND c.departure_id = '{departure}'"
    );
    number(&app.deps.store, &sql).await == 1
}

on_both_databases! {
    async fn what_was_offloaded_is_packed_without_the_parcels_that_went_ahead(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let first = departure_of(&accepted);
        receive(&app, &accepted).await;
        close(&app, &db, &first, 0).await;
        let mut offloaded = scan(&accepted, 1, "offloaded", 2);
        offloaded["departure"] = json!(first);
        report(&app, &hubs_of(&accepted).0, &offloaded, 201).await;
        planned_anew(&app).await;
        let second = departure_of(&detail(&app, &accepted).await);
        assert_ne!(second, first);
        close(&app, &db, &second, 3).await;
        assert!(is_packed_on(&app, &accepted, 1, &second).await);
        assert!(is_packed_on(&app, &accepted, 2, &first).await);
        assert_eq!(count(&app.deps.store, "left_behind").await, 0);
        app.stop().await;
    }

    async fn what_was_brought_to_two_hubs_leaves_from_both(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (here, first) = (hubs_of(&accepted).0, departure_of(&accepted));
        let network = app.deps.network.current();
        let lane = network.lane(&first.parse::<DepartureId>().expect("a departure").lane).expect("a lane");
        let others = network.hubs().iter().filter(|hub| hub.kind == HubKind::OriginHub && hub.code != lane.from);
        let there = others.map(|hub| hub.code.to_string()).next().expect("another hub");
        report(&app, &there, &scan(&accepted, 1, "received", 0), 201).await;
        report(&app, &here, &scan(&accepted, 2, "received", 0), 201).await;
        planned_anew(&app).await;
        let second = departure_of(&detail(&app, &accepted).await);
        assert_ne!(second, first);
        for (departure, parcel) in [(first, 2), (second, 1)] {
            close(&app, &db, &departure, 0).await;
            assert!(is_packed_on(&app, &accepted, parcel, &departure).await);
        }
        assert_eq!(count(&app.deps.store, "left_behind").await, 0);
        app.stop().await;
    }

    async fn nobody_waits_for_what_left_with_another_departure(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let departure = departure_of(&accepted);
        let (lane, _) = departure.split_once('-').expect("a lane");
        receive(&app, &accepted).await;
        let mut left = scan(&accepted, 2, "departed", 0);
        left["occurred_at"] = json!((long_ago() + TimeDelta::minutes(10)).to_rfc3339());
        left["departure"] = json!(format!("{lane}-20200106"));
        report(&app, &hubs_of(&accepted).0, &left, 201).await;
        planned_anew(&app).await;
        let departure = departure_of(&detail(&app, &accepted).await);
        close(&app, &db, &departure, 0).await;
        assert!(is_packed_on(&app, &accepted, 1, &departure).await);
        assert_eq!(number(&app.deps.store, PACKED).await, 1);
        app.stop().await;
    }

    async fn a_departure_that_a_closed_hub_keeps_is_not_packed(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (haul, departure) = (first_haul(&accepted), departure_of(&accepted));
        receive(&app, &accepted).await;
        let depart_at = app.deps.network.current().departure(&departure.parse().expect("a departure"));
        let depart_at = depart_at.expect("it leaves").depart_at;
        let closure = Closure {
            hub: text(&haul["from"]).parse().expect("a hub"),
            from_at: depart_at - TimeDelta::hours(1),
            until_at: depart_at + TimeDelta::hours(1),
            reason: "flood".to_owned(),
        };
        let now = app.deps.clock.now();
        // By another daemon, of which this one has heard nothing but the closure.
        let written = app.deps.store.write(move |tx| {
            Box::pin(async move {
                network::new_edition(tx, now).await?;
                calendar::insert_closure(tx, ClosureId::from_uuid(Uuid::now_v7()), &closure, now).await?;
                Ok::<_, StoreError>(())
            })
        });
        written.await.expect("a closure");
        import_network::refresh(&app.deps).await.expect("a network");
        close(&app, &db, &departure, 0).await;
        assert_eq!(count(&app.deps.store, "consolidation").await, 0);
        assert_eq!(count(&app.deps.store, "left_behind").await, 1);
        planned_anew(&app).await;
        let planned = detail(&app, &accepted).await;
        assert_ne!(departure_of(&planned), departure);
        let reason = text(&planned["plan"]["reason"]);
        assert!(reason.contains("is closed when"), "{reason}");
        app.stop().await;
    }

    async fn what_is_seen_elsewhere_is_in_its_bag_no_more(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (haul, departure) = (first_haul(&accepted), departure_of(&accepted));
        let (hub, to) = (text(&haul["from"]), text(&haul["to"]));
        receive(&app, &accepted).await;
        close(&app, &db, &departure, 0).await;
        // It leaves an hour after its cut-off.
        let depart_at = (long_ago() + TimeDelta::minutes(90)).timestamp_micros();
        change(&db, &format!("UPDATE consolidation SET depart_at = {depart_at}")).await;
        report(&app, hub, &scan(&accepted, 1, "received", 1), 201).await;
        assert_eq!(number(&app.deps.store, PACKED).await, 2, "it had not left yet");
        report(&app, hub, &scan(&accepted, 1, "received", 2), 201).await;
        assert_eq!(number(&app.deps.store, PACKED).await, 1);
        let stranger = app.client.keys.hubs.keys().find(|code| *code != hub && *code != to).expect("a hub").clone();
        report(&app, &stranger, &scan(&accepted, 2, "arrived", 3), 201).await;
        assert_eq!(number(&app.deps.store, PACKED).await, 0);
        // It comes out of the bag nevertheless.
        let mut unpacked = scan(&accepted, 1, "unpacked", 9);
        unpacked["departure"] = json!(departure);
        report(&app, to, &unpacked, 201).await;
        assert_eq!(consolidation(&app, to, &departure).await["surplus"][0]["parcel"], accepted["parcels"][0]["id"]);
        app.stop().await;
    }

    async fn nothing_leaves_from_where_its_departure_ends(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (haul, departure) = (first_haul(&accepted), departure_of(&accepted));
        let (hub, to) = (text(&haul["from"]), text(&haul["to"]));
        receive(&app, &accepted).await;
        close(&app, &db, &departure, 0).await;
        let found = consolidation(&app, hub, &departure).await;
        for kind in ["departed", "offloaded"] {
            let at = (long_ago() + TimeDelta::hours(9)).to_rfc3339();
            let bag = json!({"bag": found["bags"][0]["sscc"], "kind": kind, "departure": departure, "occurred_at": at});
            assert_eq!(pointers(&app.client.scan(to, &bag).await.expect("an answer")), ["/kind"]);
            let mut one = scan(&accepted, 1, kind, 9);
            one["departure"] = json!(departure);
            assert_eq!(pointers(&app.client.scan(to, &one).await.expect("an answer")), ["/departure"]);
        }
        app.stop().await;
    }
}
