//! What is packed at a cut-off, its papers, and what becomes of it at the other end.

use std::sync::Arc;

use chrono::TimeDelta;
use sampan::app;
use sampan::clock::Clock;
use sampan::config;
use sampan::domain::consolidation::ConsolidationState;
use sampan::flows::authenticate::Operator;
use sampan::flows::{
    Deps, accept_pickup, change_network, close_departures, import_network, record_scans, show_consolidations,
};
use sampan::routing::NetworkFiles;
use sampan::sandbox;
use sampan::store::{audit, consolidations};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, Keys, prepare, settings, spawn_app, spawn_beside};
use crate::support::daemon::Daemon;
use crate::support::database::{Database, Kind, number};
use crate::support::http::Response;
use crate::support::journey::{self, long_ago, pickup};
use crate::support::rows::{change, count, count_all};
use crate::support::steps::{
    accept, accept_two_parcels, detail, hubs_of, look, one_parcel, pointers, problem, scan, text,
};
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};

/// Numbers of the operator's own.
const NUMBERED: &str = "consolidation.sscc_company_prefix = \"4012345\"";

/// The first departure that a shipment is planned on.
fn departure_of(accepted: &Value) -> String {
    let legs = accepted["plan"]["legs"].as_array().expect("a plan has legs");
    let first = legs.iter().find(|leg| leg["kind"] == "line_haul").expect("a line-haul");
    text(&first["departure"]).to_owned()
}

/// Scans every parcel of it as received at its first hub.
async fn receive(app: &App, accepted: &Value) {
    let (hub, _) = hubs_of(accepted);
    for number in 1..=accepted["parcels"].as_array().expect("parcels").len() {
        report(app, &hub, &scan(accepted, number, "received", 0)).await.must_be(201);
    }
}

async fn report(app: &App, hub: &str, body: &Value) -> Response {
    app.client.scan(hub, body).await.expect("an answer")
}

/// Lets the cut-off of a departure be over since half an hour after everything was received.
async fn let_pass(db: &Database, departure: &str) {
    let cutoff_at = (long_ago() + TimeDelta::minutes(30)).timestamp_micros();
    let sql = format!("UPDATE departure SET cutoff_at = {cutoff_at} WHERE id = '{departure}'");
    assert_eq!(change(db, &sql).await, 1, "{departure} is booked");
}

/// Waits until the daemon has closed it, and told everybody.
async fn closed(app: &App, departure: &str) {
    let store = &app.deps.store;
    wait_until("the departure is closed", async || {
        let open = format!("SELECT COUNT(*) AS n FROM departure WHERE id = '{departure}' AND state = 'open'");
        let untold = "SELECT COUNT(*) AS n FROM consolidation WHERE NOT announced";
        number(store, &open).await == 0 && number(store, untold).await == 0
    })
    .await;
}

/// At once, so that nobody finds out first who missed it.
async fn close(app: &App, db: &Database, departure: &str) {
    let_pass(db, departure).await;
    let id = departure.parse().expect("a departure");
    close_departures::close_one(&app.deps, &id).await.expect("a closing");
    closed(app, departure).await;
}

async fn ask(app: &App, hub: &str, path: &str) -> Response {
    let bearer = format!("Bearer {}", app.client.keys.hubs[hub]);
    look(app, path, &[("authorization", &bearer)]).await
}

/// Waits until whoever stayed behind has another plan.
async fn planned_anew(app: &App) {
    let waiting = "SELECT COUNT(*) AS n FROM replan WHERE left_behind";
    wait_until("it is planned anew", async || number(&app.deps.store, waiting).await == 0).await;
}

/// The consolidation of a departure, with all about it.
async fn consolidation(app: &App, hub: &str, departure: &str) -> Value {
    let page = ask(app, hub, &format!("/v1/consolidations?departure={departure}")).await.must_be(200);
    let id = text(&page["consolidations"][0]["id"]).to_owned();
    ask(app, hub, &format!("/v1/consolidations/{id}")).await.must_be(200)
}

/// A scan of a bag or a unit, so many hours after [`long_ago`].
fn of_load(name: &str, value: &str, kind: &str, hours: i64) -> Value {
    let at = long_ago() + TimeDelta::hours(hours);
    json!({name: value, "kind": kind, "occurred_at": at.to_rfc3339()})
}

/// Where the first line-haul ends.
fn next_hub(accepted: &Value) -> String {
    let legs = accepted["plan"]["legs"].as_array().expect("a plan has legs");
    let first = legs.iter().find(|leg| leg["kind"] == "line_haul").expect("a line-haul");
    text(&first["to"]).to_owned()
}

async fn some(app: &App, shipments: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for _ in 0..shipments {
        all.push(accept_two_parcels(app).await);
    }
    all
}

on_both_databases! {
    async fn what_was_received_is_packed_at_the_cut_off_with_its_papers(db: Database) {
        let app = spawn_app(&db, NUMBERED).await;
        let all = some(&app, 3).await;
        let departure = departure_of(&all[0]);
        for accepted in &all {
            assert_eq!(departure_of(accepted), departure);
            receive(&app, accepted).await;
        }
        close(&app, &db, &departure).await;

        for accepted in &all {
            let detail = detail(&app, accepted).await;
            assert_eq!(detail["status"], "consolidated");
            let events = detail["events"].as_array().expect("events");
            let packed = events.iter().filter(|event| event["code"] == "consolidated").count();
            assert_eq!(packed, 2, "{events:?}");
        }
        let (hub, _) = hubs_of(&all[0]);
        let found = consolidation(&app, &hub, &departure).await;
        assert_eq!((&found["state"], &found["left_behind"]), (&json!("packed"), &json!([])));
        let bags = found["bags"].as_array().expect("bags");
        assert_eq!(bags.iter().map(|bag| bag["parcels"].as_u64().expect("a count")).sum::<u64>(), 6);
        assert!(bags.iter().all(|bag| text(&bag["sscc"]).starts_with("04012345") && bag["unit"] == found["units"][0]["number"]));

        let papers = format!("/v1/consolidations/{}", text(&found["id"]));
        let json = ask(&app, &hub, &format!("{papers}/manifest.json")).await;
        assert_eq!(json.header("content-type"), Some("application/json"));
        let manifest = json.must_be(200);
        assert_eq!((&manifest["totals"]["parcels"], &manifest["totals"]["shipments"]), (&json!(6), &json!(3)));
        assert_eq!(manifest["master"], found["master"]);
        let csv = ask(&app, &hub, &format!("{papers}/manifest.csv")).await;
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let named = format!("attachment; filename=\"manifest-{departure}.csv\"");
        assert_eq!(csv.header("content-disposition"), Some(named.as_str()));
        assert_eq!(csv.text().lines().count(), 1 + 6);
        for accepted in &all {
            for parcel in accepted["parcels"].as_array().expect("parcels") {
                assert!(csv.text().contains(text(&parcel["id"])));
            }
        }
        for (paper, pages) in [("manifest.pdf", 1), ("labels.pdf", bags.len())] {
            let pdf = ask(&app, &hub, &format!("{papers}/{paper}")).await;
            assert_eq!((pdf.status, pdf.header("content-type")), (200, Some("application/pdf")));
            assert!(pdf.body.starts_with(b"%PDF"));
            assert_eq!(pdf.text().matches("/Type/Page/").count(), pages, "{paper}");
        }
        let svg = ask(&app, &hub, &format!("{papers}/labels/{}.svg", text(&bags[0]["sscc"]))).await;
        assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
        assert!(svg.text().starts_with("<svg"));
        assert_eq!(audit::verify(&app.deps.store).await.expect("the audit").breaks, []);
        app.stop().await;
    }

    async fn only_the_hubs_at_either_end_see_it_and_it_names_nobody(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = one_parcel();
        let accepted = accept(&app, &body).await;
        let departure = departure_of(&accepted);
        receive(&app, &accepted).await;
        close(&app, &db, &departure).await;
        let (hub, to) = (hubs_of(&accepted).0, next_hub(&accepted));
        let found = consolidation(&app, &hub, &departure).await;
        let papers = format!("/v1/consolidations/{}", text(&found["id"]));
        let stranger = app.client.keys.hubs.keys().find(|code| **code != hub && **code != to);
        let stranger = stranger.expect("a third hub").clone();
        let bag = text(&found["bags"][0]["sscc"]).to_owned();
        let merchant = format!("Bearer {}", app.client.keys.api_key);
        for path in [
            papers.clone(),
            format!("{papers}/manifest.json"),
            format!("{papers}/manifest.csv"),
            format!("{papers}/labels/{bag}.svg"),
        ] {
            for end in [&hub, &to] {
                let seen = ask(&app, end, &path).await;
                assert_eq!(seen.status, 200);
                let consignee = &body["consignee"];
                for private in [&consignee["name"], &consignee["phone"], &consignee["lines"][0]] {
                    assert!(!seen.text().contains(text(private)), "{path}: {private}");
                }
            }
            assert_eq!(problem(&ask(&app, &stranger, &path).await, 403), "other-hub");
            assert_eq!(look(&app, &path, &[]).await.status, 401);
            assert_eq!(look(&app, &path, &[("authorization", &merchant)]).await.status, 401);
        }
        let by_departure = format!("/v1/consolidations?departure={departure}");
        assert_eq!(problem(&ask(&app, &stranger, &by_departure).await, 403), "other-hub");
        let listed = ask(&app, &to, "/v1/consolidations").await.must_be(200);
        assert_eq!(listed["consolidations"][0]["id"], found["id"]);
        assert_eq!(ask(&app, &stranger, "/v1/consolidations").await.must_be(200)["consolidations"], json!([]));
        for nothing in ["con_x", "con_00000000000000000000000000/manifest.pdf"] {
            assert_eq!(ask(&app, &hub, &format!("/v1/consolidations/{nothing}")).await.status, 404);
        }
        assert_eq!(ask(&app, &hub, &format!("{papers}/manifest.xls")).await.status, 404);
        let other = papers.clone() + "/labels/106141411234567897.svg";
        assert_eq!(ask(&app, &hub, &other).await.status, 404);
        app.stop().await;
    }

    async fn who_was_not_received_whole_stays_behind_and_is_planned_anew(db: Database) {
        let app = spawn_app(&db, "").await;
        let all = some(&app, 3).await;
        let departure = departure_of(&all[0]);
        let (hub, _) = hubs_of(&all[0]);
        receive(&app, &all[0]).await;
        report(&app, &hub, &scan(&all[1], 2, "received", 0)).await.must_be(201);
        // Too late by half an hour.
        for number in [1, 2] {
            report(&app, &hub, &scan(&all[2], number, "received", 1)).await.must_be(201);
        }
        close(&app, &db, &departure).await;
        let found = consolidation(&app, &hub, &departure).await;
        let left = found["left_behind"].as_array().expect("who stayed behind");
        assert_eq!(left.len(), 2, "{left:?}");
        for (left, accepted) in left.iter().zip(&all[1..]) {
            assert_eq!(left["shipment"], accepted["id"]);
            let reason = text(&left["reason"]);
            assert!(reason.starts_with("parcel 1 of 2: not received at"), "{reason}");
        }
        planned_anew(&app).await;
        for (left, accepted) in left.iter().zip(&all[1..]) {
            let detail = detail(&app, accepted).await;
            assert_ne!(departure_of(&detail), departure);
            let reason = text(&detail["plan"]["reason"]);
            assert!(reason.starts_with(text(&left["reason"])), "{reason}");
        }
        let store = &app.deps.store;
        let booked = format!("SELECT COUNT(*) AS n FROM booking WHERE departure_id = '{departure}'");
        // At some hours they are packed at once, for a departure that they were received in time for.
        let packed = format!(
            "SELECT COUNT(*) AS n FROM bag_parcel m JOIN consolidation c ON c.id = m.consolidation_id \
             WHERE c.departure_id = '{departure}'"
        );
        assert_eq!((number(store, &booked).await, number(store, &packed).await), (1, 2));
        let sums = "SELECT COUNT(*) AS n FROM departure d WHERE booked_grams <> \
             (SELECT COALESCE(SUM(grams), 0) FROM booking WHERE departure_id = d.id)";
        assert_eq!(number(store, sums).await, 0, "what is booked adds up");
        app.stop().await;
    }

    async fn a_departure_that_nobody_came_for_is_closed_without_a_consolidation(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        close(&app, &db, &departure_of(&accepted)).await;
        assert_eq!(count(&app.deps.store, "consolidation").await, 0);
        assert_eq!(count(&app.deps.store, "left_behind").await, 1);
        assert_eq!(detail(&app, &accepted).await["status"], "accepted");
        app.stop().await;
    }

    async fn of_an_overbooked_departure_who_promised_less_stays_behind(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut all = Vec::new();
        for service in ["economy", "standard"] {
            let mut body = pickup(0);
            body["service"] = json!(service);
            let accepted = accept(&app, &body).await;
            receive(&app, &accepted).await;
            all.push(accepted);
        }
        let departure = departure_of(&all[0]);
        assert_eq!(departure_of(&all[1]), departure, "both are booked on it");
        // Two kilograms are left of it: enough for one of them.
        shrink(&app, departure.split('-').next().expect("a lane"), "2").await;
        close(&app, &db, &departure).await;
        let found = consolidation(&app, &hubs_of(&all[0]).0, &departure).await;
        let left = found["left_behind"].as_array().expect("who stayed behind");
        assert_eq!((left.len(), &left[0]["shipment"]), (1, &all[0]["id"]), "{left:?}");
        let reason = text(&left[0]["reason"]);
        assert!(reason.contains("is overbooked: it takes 2.0 kg") && reason.contains("economy with"), "{reason}");
        assert_eq!(detail(&app, &all[1]).await["status"], "consolidated");
        assert_eq!(detail(&app, &all[0]).await["status"], "at_origin_hub");
        planned_anew(&app).await;
        let planned = detail(&app, &all[0]).await;
        assert!(text(&planned["plan"]["reason"]).starts_with(reason), "{}", planned["plan"]["reason"]);
        app.stop().await;
    }

    async fn a_scan_of_a_bag_or_a_unit_moves_all_that_is_in_it(db: Database) {
        let app = spawn_app(&db, NUMBERED).await;
        let all = some(&app, 2).await;
        let departure = departure_of(&all[0]);
        for accepted in &all {
            receive(&app, accepted).await;
        }
        close(&app, &db, &departure).await;
        let (hub, to) = (hubs_of(&all[0]).0, next_hub(&all[0]));
        let found = consolidation(&app, &hub, &departure).await;
        let unit = format!("{}/{}", text(&found["id"]), text(&found["units"][0]["number"]));
        let departed = of_load("unit", &unit, "departed", 2);
        let moved = report(&app, &hub, &departed).await.must_be(201);
        let expected = json!({"unit": unit, "result": "recorded", "parcels": 4, "moved": 4, "failed": []});
        assert_eq!(moved, expected);
        let rows = count_all(&app.deps.store).await;
        let again = report(&app, &hub, &departed).await.must_be(200);
        assert_eq!((&again["result"], &again["moved"]), (&json!("duplicate"), &json!(0)));
        assert_eq!(count_all(&app.deps.store).await, rows);
        for accepted in &all {
            assert_eq!(detail(&app, accepted).await["status"], "line_haul");
        }
        // As a scanner reads it, in a list with another scan.
        let bag = format!("]C100{}", text(&found["bags"][0]["sscc"]));
        let list = json!([of_load("bag", &bag, "arrived", 20), {"bag": "x"}, scan(&all[0], 1, "arrived", 21)]);
        let results = report(&app, &to, &list).await.must_be(200);
        let results: Vec<_> =
            results["results"].as_array().expect("results").iter().map(|one| text(&one["result"])).collect();
        assert_eq!(results, ["recorded", "refused", "recorded"]);
        for accepted in &all {
            assert_eq!(detail(&app, accepted).await["parcels"][0]["hub"], json!(to));
        }
        app.stop().await;
    }

    async fn what_does_not_leave_is_in_no_bag_any_more(db: Database) {
        let app = spawn_app(&db, NUMBERED).await;
        let all = some(&app, 2).await;
        let departure = departure_of(&all[0]);
        for accepted in &all {
            receive(&app, accepted).await;
        }
        close(&app, &db, &departure).await;
        let (hub, _) = hubs_of(&all[0]);
        let mut offloaded = scan(&all[0], 1, "offloaded", 2);
        offloaded["departure"] = json!(departure);
        report(&app, &hub, &offloaded).await.must_be(201);
        let packed = "SELECT COUNT(*) AS n FROM bag_parcel WHERE state = 'packed'";
        assert_eq!(number(&app.deps.store, packed).await, 3);
        let found = consolidation(&app, &hub, &departure).await;
        let bag = text(&found["bags"][0]["sscc"]);
        let mut rest = of_load("bag", bag, "offloaded", 3);
        rest["departure"] = json!(departure);
        let moved = report(&app, &hub, &rest).await.must_be(201);
        assert_eq!(moved["moved"], 3);
        assert_eq!(number(&app.deps.store, packed).await, 0);
        app.stop().await;
    }

    async fn a_departure_that_is_cancelled_after_it_was_packed_is_dissolved(db: Database) {
        let app = spawn_app(&db, NUMBERED).await;
        let accepted = accept_two_parcels(&app).await;
        let departure = departure_of(&accepted);
        receive(&app, &accepted).await;
        close(&app, &db, &departure).await;
        let operator = Operator { name: "ana".to_owned() };
        let id = departure.parse().expect("a departure");
        let reason = json!({"reason": "fog"});
        change_network::cancel_departure(&app.deps, &operator, &id, &reason).await.expect("a cancellation");
        let found = consolidation(&app, &hubs_of(&accepted).0, &departure).await;
        assert_eq!(found["state"], "dissolved");
        let packed = "SELECT COUNT(*) AS n FROM bag_parcel WHERE state = 'packed'";
        assert_eq!(number(&app.deps.store, packed).await, 0);
        // What goes with another departure instead is packed for that.
        wait_until("it is planned anew", async || count(&app.deps.store, "replan").await == 0).await;
        let next = departure_of(&detail(&app, &accepted).await);
        assert_ne!(next, departure);
        close(&app, &db, &next).await;
        assert_eq!(number(&app.deps.store, packed).await, 2);
        app.stop().await;
    }

    async fn a_load_is_scanned_where_it_is_and_known(db: Database) {
        let app = spawn_app(&db, NUMBERED).await;
        let accepted = accept_two_parcels(&app).await;
        let departure = departure_of(&accepted);
        receive(&app, &accepted).await;
        close(&app, &db, &departure).await;
        let (hub, to) = (hubs_of(&accepted).0, next_hub(&accepted));
        let found = consolidation(&app, &hub, &departure).await;
        let bag = text(&found["bags"][0]["sscc"]).to_owned();
        let stranger = app.client.keys.hubs.keys().find(|code| **code != hub && **code != to).expect("a hub");
        let rows = count_all(&app.deps.store).await;
        assert_eq!(pointers(&report(&app, stranger, &of_load("bag", &bag, "arrived", 2)).await), ["/bag"]);
        assert_eq!(pointers(&report(&app, &hub, &of_load("bag", &bag, "customs_held", 2)).await), ["/kind"]);
        let mut elsewhere = of_load("bag", &bag, "departed", 2);
        elsewhere["departure"] = json!("L0001-20260302");
        assert_eq!(pointers(&report(&app, &hub, &elsewhere).await), ["/departure"]);
        for (name, unknown) in [
            ("bag", "106141411234567897".to_owned()),
            ("unit", format!("{}/AKE-99", text(&found["id"]))),
        ] {
            let answer = report(&app, &hub, &of_load(name, &unknown, "departed", 2)).await;
            assert_eq!(problem(&answer, 404), "unknown-bag");
        }
        assert_eq!(count_all(&app.deps.store).await, rows);
        app.stop().await;
    }

    async fn a_parcel_in_the_wrong_bag_is_refused_and_told_where_it_belongs(db: Database) {
        let app = spawn_app(&db, &format!("{NUMBERED}\nconsolidation.bag_parcels_max = 1")).await;
        let (accepted, late) = (accept_two_parcels(&app).await, accept_two_parcels(&app).await);
        let departure = departure_of(&accepted);
        receive(&app, &accepted).await;
        close(&app, &db, &departure).await;
        // The other one stayed behind.
        planned_anew(&app).await;
        let (hub, _) = hubs_of(&accepted);
        let found = consolidation(&app, &hub, &departure).await;
        let bags: Vec<_> = found["bags"].as_array().expect("bags").iter().map(|bag| text(&bag["sscc"])).collect();
        assert_eq!(bags.len(), 2);
        let put = |accepted: &Value, number, bag: &str| {
            let mut body = scan(accepted, number, "packed", 1);
            body["bag"] = json!(bag);
            body
        };
        planned_anew(&app).await;
        let rows = count_all(&app.deps.store).await;
        let refused = async |body: Value| {
            let answer = report(&app, &hub, &body).await;
            assert_eq!(pointers(&answer), ["/bag"]);
            text(&answer.json()["errors"][0]["detail"]).to_owned()
        };
        let detail = refused(put(&accepted, 1, bags[1])).await;
        assert!(detail.ends_with(&format!("belongs in bag 1 of {departure}, (00){}", bags[0])), "{detail}");
        let detail = refused(put(&late, 1, bags[0])).await;
        assert!(detail.contains(&format!("is not on {departure}; it is planned on")), "{detail}");
        let detail = refused(put(&late, 1, "106141411234567897")).await;
        assert_eq!(detail, "no bag has the number (00)106141411234567897");
        assert_eq!(count_all(&app.deps.store).await, rows, "a refusal leaves nothing");
        let right = put(&accepted, 1, bags[0]);
        let packed = report(&app, &hub, &right).await.must_be(201);
        assert_eq!(packed["parcel_status"], "consolidated");
        report(&app, &hub, &right).await.must_be(200);
        app.stop().await;
    }

    async fn what_is_missing_and_what_is_surplus_is_seen(db: Database) {
        let app = spawn_app(&db, &format!("{NUMBERED}\nconsolidation.missing_after_hours = 1")).await;
        let (accepted, stray) = (accept_two_parcels(&app).await, accept_two_parcels(&app).await);
        let departure = departure_of(&accepted);
        receive(&app, &accepted).await;
        close(&app, &db, &departure).await;
        let (hub, to) = (hubs_of(&accepted).0, next_hub(&accepted));
        let found = consolidation(&app, &hub, &departure).await;
        assert_eq!((&found["missing"], &found["opened_at"]), (&json!([]), &json!(null)));
        let bag = text(&found["bags"][0]["sscc"]);
        report(&app, &to, &of_load("bag", bag, "arrived", 10)).await.must_be(201);
        assert_eq!(consolidation(&app, &to, &departure).await["missing"], json!([]), "nobody has opened it");

        let take = |accepted: &Value, number, hours, bag: Option<&str>| {
            let mut body = scan(accepted, number, "unpacked", hours);
            body["bag"] = json!(bag);
            body
        };
        let body = take(&accepted, 1, 11, Some(bag));
        let first = report(&app, &to, &body).await.must_be(201);
        assert_eq!(report(&app, &to, &body).await.status, 200);
        // It does not say where it came from, and nobody expects it.
        assert_eq!(pointers(&report(&app, &to, &take(&stray, 2, 11, None)).await), ["/bag"]);
        let body = take(&stray, 2, 11, Some(bag));
        let surplus = report(&app, &to, &body).await.must_be(201);
        report(&app, &to, &body).await.must_be(200);
        assert_eq!(first["parcel_status"], surplus["parcel_status"]);

        let opened = consolidation(&app, &to, &departure).await;
        assert_eq!(opened["state"], "opened");
        let missing = json!([{"parcel": accepted["parcels"][1]["id"], "bag": bag, "overdue": true}]);
        assert_eq!(opened["missing"], missing);
        assert_eq!(opened["bags"][0]["unpacked"], 1);
        assert_eq!(opened["surplus"][0]["parcel"], stray["parcels"][1]["id"]);
        assert_eq!(show_consolidations::astray(&app.deps).await.expect("counts"), (1, 1));
        // Any scan of it by itself finds it.
        report(&app, &to, &scan(&accepted, 2, "arrived", 12)).await.must_be(201);
        let settled = consolidation(&app, &to, &departure).await;
        assert_eq!((&settled["missing"], &settled["state"]), (&json!([]), &json!("settled")));
        // What was taken out does not move with its bag any more.
        let later = report(&app, &to, &of_load("bag", bag, "arrived", 13)).await.must_be(200);
        assert_eq!(later["parcels"], 0);
        assert_eq!(show_consolidations::astray(&app.deps).await.expect("counts"), (0, 1));
        app.stop().await;
    }

    async fn a_closing_that_fails_half_way_leaves_nothing_and_succeeds_later(db: Database) {
        let app = spawn_app(&db, NUMBERED).await;
        let accepted = accept_two_parcels(&app).await;
        receive(&app, &accepted).await;
        // After the departure is closed and the numbers are drawn, the bag finds its number taken.
        let departure = departure_of(&accepted);
        let taken = "INSERT INTO bag (sscc, consolidation_id, number, gateway, clearance, grams, cm3, parcels) \
             SELECT '040123450000000009', id, 1, 'X', '9610', 1, 1, 1 FROM shipment";
        change(&db, taken).await;
        let_pass(&db, &departure).await;
        let departure_id = departure.parse().expect("a departure");
        let failed = close_departures::close_one(&app.deps, &departure_id).await;
        assert!(failed.is_err(), "the number of its first bag is taken");
        let store = &app.deps.store;
        for table in ["consolidation", "unit", "bag_parcel", "left_behind", "serial_counter"] {
            assert_eq!(count(store, table).await, 0, "{table}");
        }
        assert_eq!(number(store, "SELECT COUNT(*) AS n FROM departure WHERE state = 'closed'").await, 0);
        assert_eq!(detail(&app, &accepted).await["status"], "at_origin_hub");
        change(&db, "DELETE FROM bag").await;
        closed(&app, &departure).await;
        assert_eq!(count(store, "bag_parcel").await, 2);
        app.stop().await;
    }

    async fn a_death_before_the_commit_leaves_the_departure_open(db: Database) {
        survive(db, "close.before_commit").await;
    }

    async fn a_death_after_the_commit_leaves_only_the_telling(db: Database) {
        survive(db, "close.committed").await;
    }

    async fn a_death_while_shipments_are_told_leaves_the_others_to_be_told(db: Database) {
        survive(db, "close.announced_one").await;
    }

    async fn an_air_waybill_is_drawn_from_the_stock_of_the_carrier(db: Database) {
        let probe = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&probe).await;
        let departure = departure_of(&accepted);
        let network = probe.deps.network.current();
        let lane = network.lane(&departure.split('-').next().expect("a lane").parse().expect("a lane")).expect("a lane");
        let is_air = lane.mode.as_str() == "air";
        let carrier = lane.carrier.clone();
        let (world, keys) = (Arc::clone(&probe.world), probe.client.keys.clone());
        receive(&probe, &accepted).await;
        probe.stop().await;
        let stock = format!(
            "consolidation.waybill_stock = [{{carrier = \"{carrier}\", prefix = \"160\", first = 1234567, last = 1234568}}]"
        );
        let app = spawn_beside(&db, world, keys, &stock).await;
        close(&app, &db, &departure).await;
        let found = consolidation(&app, &hubs_of(&accepted).0, &departure).await;
        let expected = if is_air { "160-12345675".to_owned() } else { format!("MB-{departure}") };
        assert_eq!(found["master"], json!(expected));
        app.stop().await;
    }
}

/// The lane in force has another capacity from now on.
async fn shrink(app: &App, lane: &str, capacity_kg: &str) {
    let mut lines: Vec<String> = sandbox::sample::LANES_CSV.lines().map(str::to_owned).collect();
    let line = lines.iter_mut().find(|line| line.starts_with(&format!("{lane},"))).expect("a lane");
    let mut fields: Vec<&str> = line.split(',').collect();
    fields[12] = capacity_kg;
    *line = fields.join(",");
    let lanes = lines.join("\n");
    let files = NetworkFiles { lanes: &lanes, ..sandbox::sample::files() };
    import_network::import(&app.deps.store, files, app.deps.clock.now()).await.expect("a network");
    import_network::run_due(&app.deps).await.expect("the new network");
}

/// A daemon that dies at `kill_at` while it closes, and one after it.
async fn survive(db: Database, kill_at: &str) {
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    let deps = parts(&db, &world).await;
    let accepted = received(&deps, &keys, 3).await;
    let departure = departure_of(&accepted[0]);
    let_pass(&db, &departure).await;
    let config = db.folder.path().join("sampan.toml");
    let settings = settings(&db, &world, "log.format = \"json\"");
    std::fs::write(&config, settings).expect("the daemon's settings");
    let mut dying = Daemon::start(&config, Some(kill_at)).await;
    dying.end("the daemon dies").await;
    let store = &deps.store;
    let consolidations = count(store, "consolidation").await;
    assert_eq!(consolidations, i64::from(kill_at != "close.before_commit"));
    assert_eq!(count(store, "bag_parcel").await, 6 * consolidations, "all of it or nothing");
    drop(dying);

    let after = Daemon::start(&config, None).await;
    wait_until("everybody is told", async || {
        let told = "SELECT COUNT(*) AS n FROM shipment WHERE status = 'consolidated'";
        let announced = "SELECT COUNT(*) AS n FROM consolidation WHERE announced";
        number(store, told).await == 3 && number(store, announced).await == 1
    })
    .await;
    assert_eq!((count(store, "consolidation").await, count(store, "bag_parcel").await), (1, 6));
    let events = "SELECT COUNT(*) AS n FROM tracking_event WHERE code = 'consolidated'";
    assert_eq!(number(store, events).await, 6, "each parcel is told once");
    let bags = count(store, "bag").await;
    assert_eq!(number(store, "SELECT next AS n FROM serial_counter").await, bags, "no number is lost");
    assert_eq!(audit::verify(store).await.expect("the audit").breaks, []);
    after.terminate();
    drop(after);
    deps.store.clone().close().await;
}

/// The inner parts of a daemon, without doors and jobs.
async fn parts(db: &Database, world: &World) -> Deps {
    let settings = config::defaults_with(&settings(db, world, "")).expect("valid settings");
    app::build(Arc::new(settings), Clock::real()).await.expect("a daemon's parts")
}

/// Shipments of two parcels each that their first hub has received.
async fn received(deps: &Deps, keys: &Keys, shipments: usize) -> Vec<Value> {
    let mut all = Vec::with_capacity(shipments);
    for _ in 0..shipments {
        let body = pickup(journey::TWO_PARCELS).to_string();
        let answer = accept_pickup::accept(deps, keys.merchant, None, body.as_bytes()).await;
        let accepted: Value = serde_json::from_str(&answer.expect("a good pickup").body).expect("JSON");
        let hub = hubs_of(&accepted).0.parse().expect("a hub's code");
        for number in [1, 2] {
            let body = scan(&accepted, number, "received", 0);
            record_scans::record(deps, &hub, &body).await.expect("a good scan");
        }
        all.push(accepted);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_daemons_one_closes_a_departure() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    let (one, other) = (parts(&db, &world).await, parts(&db, &world).await);
    let accepted = received(&one, &keys, 40).await;
    let departure = departure_of(&accepted[0]);
    let_pass(&db, &departure).await;
    let (first, second) = tokio::join!(close_departures::run_due(&one), close_departures::run_due(&other));
    first.expect("a closing");
    second.expect("a look at what is closed");
    let store = &one.store;
    let departure = departure.parse().expect("a departure");
    let found = consolidations::find_by_departure(store.reader(), &departure).await.expect("an answer");
    assert_eq!(found.expect("a consolidation").state, ConsolidationState::Packed);
    assert_eq!((count(store, "consolidation").await, count(store, "bag_parcel").await), (1, 80));
    let events = "SELECT COUNT(*) AS n FROM tracking_event WHERE code = 'consolidated'";
    assert_eq!(number(store, events).await, 80);
    assert_eq!(audit::verify(store).await.expect("the audit").breaks, []);
    let _ = (one.store.clone().close().await, other.store.clone().close().await);
}
