//! What hubs report, one by one and in lists.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::http::{Response, send};
use crate::support::journey::{long_ago, scans};
use crate::support::rows::{count, count_all};
use crate::support::steps::{
    accept, accept_two_parcels, detail, hubs_of, one_parcel, pointers, problem, scan, text,
};

/// The carrier's for a shipment's parcels, check digits and all.
const NUMBERS: [&str; 2] = ["00340434161094000014", "00340434161094000021"];

async fn report(app: &App, hub: &str, body: &Value) -> Response {
    app.client.scan(hub, body).await.expect("an answer")
}

fn handed_over(accepted: &Value, number: usize, hours: i64) -> Value {
    let mut body = scan(accepted, number, "handed_over", hours);
    body["carrier"] = json!("dhl_unified");
    body["tracking_number"] = json!(NUMBERS[number - 1]);
    body
}

/// Status, where each parcel is, and when each milestone was reached.
async fn standing(app: &App, accepted: &Value) -> Value {
    let detail = detail(app, accepted).await;
    let tracking = format!("/v1/tracking/{}", text(&accepted["tracking_token"]));
    let page = app.client.get(&tracking).await.expect("an answer").must_be(200);
    let parcel = |parcel: &Value| json!([parcel["status"], parcel["hub"], parcel["delivered_to"]]);
    let parcels: Vec<_> = detail["parcels"].as_array().expect("parcels").iter().map(parcel).collect();
    let milestones = page["milestones"].as_array().expect("milestones").iter();
    // They were accepted one after the other.
    let later = milestones.filter(|milestone| milestone["milestone"] != "accepted");
    let milestones: Vec<_> = later.map(|m| json!([m["milestone"], m["reached_at"]["utc"]])).collect();
    json!([detail["status"], parcels, milestones])
}

on_both_databases! {
    async fn each_kind_of_scan_moves_the_shipment_where_it_should(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        let (hub, gateway) = hubs_of(&accepted);
        for (hours, (at, kind, status, where_)) in (0..).zip([
            (&hub, "received", "at_origin_hub", Some(&hub)),
            (&hub, "departed", "line_haul", None),
            (&gateway, "arrived", "at_gateway", Some(&gateway)),
            (&gateway, "customs_presented", "customs", Some(&gateway)),
            (&gateway, "customs_held", "on_hold", Some(&gateway)),
            (&gateway, "customs_released", "customs", Some(&gateway)),
            (&gateway, "handed_over", "last_mile", None),
        ]) {
            let body = if kind == "handed_over" {
                handed_over(&accepted, 1, hours)
            } else {
                scan(&accepted, 1, kind, hours)
            };
            let recorded = report(&app, at, &body).await.must_be(201);
            let expected = json!({"parcel": accepted["parcels"][0]["id"], "parcel_status": status,
                "shipment_status": status, "result": "recorded"});
            assert_eq!(recorded, expected, "{kind}");
            let parcel = &detail(&app, &accepted).await["parcels"][0];
            assert_eq!((&parcel["status"], &parcel["hub"]), (&json!(status), &json!(where_)), "{kind}");
        }
        app.stop().await;
    }

    async fn one_parcel_alone_does_not_move_a_shipment_of_two(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, _) = hubs_of(&accepted);
        let first = report(&app, &hub, &scan(&accepted, 1, "received", 0)).await.must_be(201);
        assert_eq!(
            (&first["parcel_status"], &first["shipment_status"]),
            (&json!("at_origin_hub"), &json!("accepted"))
        );
        let second = report(&app, &hub, &scan(&accepted, 2, "received", 1)).await.must_be(201);
        assert_eq!(second["shipment_status"], "at_origin_hub");
        app.stop().await;
    }

    async fn the_same_scan_again_changes_nothing(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, gateway) = hubs_of(&accepted);
        for (at, body) in [(hub, scan(&accepted, 1, "received", 0)), (gateway, handed_over(&accepted, 1, 5))]
        {
            let first = report(&app, &at, &body).await.must_be(201);
            let rows = (count_all(&app.deps.store).await, count(&app.deps.store, "tracked_number").await);
            let again = report(&app, &at, &body).await.must_be(200);
            assert_eq!((&first["result"], &again["result"]), (&json!("recorded"), &json!("duplicate")));
            assert_eq!(again["parcel_status"], first["parcel_status"]);
            assert_eq!(
                (count_all(&app.deps.store).await, count(&app.deps.store, "tracked_number").await),
                rows
            );
        }
        app.stop().await;
    }

    async fn one_bad_scan_of_a_list_costs_the_others_nothing(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, _) = hubs_of(&accepted);
        let mut nobodys = scan(&accepted, 1, "received", 0);
        nobodys["parcel"] = json!(text(&nobodys["parcel"]).replace("-1", "-3"));
        let good = [scan(&accepted, 1, "received", 0), scan(&accepted, 2, "received", 0)];
        let list = json!([good[0], {"kind": "received"}, 7, nobodys, good[1], good[0]]);
        let answer = report(&app, &hub, &list).await.must_be(200);
        let results: Vec<_> =
            answer["results"].as_array().expect("results").iter().map(|r| text(&r["result"])).collect();
        assert_eq!(results[..5], ["recorded", "refused", "refused", "refused", "recorded"]);
        let codes: Vec<_> =
            [1, 2, 3].map(|at| text(&answer["results"][at]["problem"]["type"]).to_owned()).into();
        assert_eq!(
            codes,
            ["invalid-fields", "invalid-fields", "unknown-parcel"]
                .map(|code| format!("urn:sampan:problem:{code}"))
        );
        assert_eq!(answer["results"][5]["result"], "duplicate");
        assert_eq!(answer["results"][4]["parcel"], accepted["parcels"][1]["id"]);
        assert_eq!(count(&app.deps.store, "tracking_event").await, 3);
        app.stop().await;
    }

    async fn a_list_has_one_to_five_hundred_scans(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, _) = hubs_of(&accepted);
        let rows = count_all(&app.deps.store).await;
        let one = scan(&accepted, 1, "received", 0);
        let list = |scans: usize| -> Value { (0..scans).map(|_| one.clone()).collect() };
        for scans in [0, 501] {
            assert_eq!(pointers(&report(&app, &hub, &list(scans)).await), [""]);
        }
        assert_eq!(count_all(&app.deps.store).await, rows);
        let answer = report(&app, &hub, &list(500)).await.must_be(200);
        let results = answer["results"].as_array().expect("results");
        let recorded = results.iter().filter(|result| result["result"] == "recorded").count();
        assert_eq!((results.len(), recorded), (500, 1));
        app.stop().await;
    }

    async fn a_hub_reports_what_is_in_it_and_nobody_else_does(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, gateway) = hubs_of(&accepted);
        let rows = count_all(&app.deps.store).await;
        let body = scan(&accepted, 1, "received", 0).to_string();
        let as_with = async |key: &str| {
            let bearer = format!("Bearer {key}");
            let path = format!("/v1/hubs/{hub}/scans");
            send(app.client.address, "POST", &path, &[("authorization", &bearer)], body.as_bytes())
                .await
                .expect("an answer")
        };
        assert_eq!(problem(&as_with(&app.client.keys.hubs[&gateway]).await, 403), "other-hub");
        assert_eq!(problem(&as_with(&app.client.keys.api_key).await, 401), "unknown-key");
        assert_eq!(problem(&as_with("shk_0").await, 401), "unknown-key");
        assert_eq!(count_all(&app.deps.store).await, rows);
        as_with(&app.client.keys.hubs[&hub]).await.must_be(201);
        app.stop().await;
    }

    async fn a_scan_that_cannot_be_is_refused_by_its_fields(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, gateway) = hubs_of(&accepted);
        let rows = count_all(&app.deps.store).await;
        let with = |mut body: Value, field: &str, value: Value| {
            body[field] = value;
            body
        };
        let received = || scan(&accepted, 1, "received", 0);
        let soon = (app.deps.clock.now() + chrono::TimeDelta::minutes(6)).to_rfc3339();
        let elsewhere = if hub == "AUBNE" { "L0211-20261124" } else { "L0001-20261124" };
        for (at, body, expected) in [
            (&hub, with(received(), "occurred_at", json!(soon)), vec!["/occurred_at"]),
            (&hub, with(received(), "occurred_at", json!("yesterday")), vec!["/occurred_at"]),
            (&hub, with(received(), "kind", json!("lost")), vec!["/kind"]),
            (&hub, with(received(), "parcel", accepted["id"].clone()), vec!["/parcel"]),
            (&hub, with(received(), "colour", json!("red")), vec!["/colour"]),
            (&hub, with(received(), "carrier", json!("dhl_unified")), vec!["/carrier"]),
            (&gateway, scan(&accepted, 1, "handed_over", 0), vec!["/carrier", "/tracking_number"]),
            (
                &gateway,
                with(handed_over(&accepted, 1, 0), "carrier", json!("pony_express")),
                vec!["/carrier"],
            ),
            (
                &hub,
                with(scan(&accepted, 1, "departed", 0), "departure", json!(elsewhere)),
                vec!["/departure"],
            ),
            (
                &hub,
                with(scan(&accepted, 1, "departed", 0), "departure", json!("L9999-20261124")),
                vec!["/departure"],
            ),
            (&hub, scan(&accepted, 1, "customs_released", 0), vec!["/kind"]),
        ] {
            assert_eq!(pointers(&report(&app, at, &body).await), expected, "{body}");
        }
        for (parcel, code) in [("-3", "unknown-parcel"), ("-65535", "unknown-parcel")] {
            let body = with(received(), "parcel", json!(text(&received()["parcel"]).replace("-1", parcel)));
            assert_eq!(problem(&report(&app, &hub, &body).await, 404), code);
        }
        let unborn = with(received(), "parcel", json!("pcl_01kb2m3z8te2gt8d1v6q8h4x5n-1"));
        assert_eq!(problem(&report(&app, &hub, &unborn).await, 404), "unknown-parcel");
        assert_eq!(
            (count_all(&app.deps.store).await, count(&app.deps.store, "tracked_number").await),
            (rows, 0)
        );
        let departure = accepted["plan"]["legs"][1]["departure"].clone();
        report(&app, &hub, &with(scan(&accepted, 1, "departed", 0), "departure", departure))
            .await
            .must_be(201);
        app.stop().await;
    }

    async fn the_order_in_which_scans_come_does_not_matter(db: Database) {
        let app = spawn_app(&db, "").await;
        let begins_at = long_ago();
        let (straight, backwards) = (accept(&app, &one_parcel()).await, accept(&app, &one_parcel()).await);
        for scan in scans(&straight, begins_at) {
            report(&app, &scan.hub, &scan.body).await.must_be(201);
        }
        let mut highest = 0;
        let order = ["accepted", "at_origin_hub", "line_haul", "at_gateway", "customs", "last_mile"];
        let mut late = scans(&backwards, begins_at);
        late.rotate_right(2);
        for scan in late.iter().rev() {
            let status = report(&app, &scan.hub, &scan.body).await.must_be(201)["shipment_status"].clone();
            let reached = order.iter().position(|known| status == *known).expect("a milestone");
            assert!(reached >= highest, "{status} after {}", order[highest]);
            highest = reached;
        }
        assert_eq!(standing(&app, &straight).await, standing(&app, &backwards).await);
        app.stop().await;
    }

    async fn an_open_customs_case_holds_the_money_until_it_closes(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, gateway) = hubs_of(&accepted);
        for number in [1, 2] {
            report(&app, &hub, &scan(&accepted, number, "received", 0)).await.must_be(201);
        }
        let held = report(&app, &gateway, &scan(&accepted, 2, "customs_held", 5)).await.must_be(201);
        assert_eq!(held["shipment_status"], "on_hold");
        let escrow = detail(&app, &accepted).await["escrow"].clone();
        assert_eq!(
            (&escrow["state"], &escrow["frozen_because"]),
            (&json!("frozen"), &json!("parcel 2: customs holds it"))
        );
        report(&app, &gateway, &scan(&accepted, 2, "customs_released", 6)).await.must_be(201);
        let after = detail(&app, &accepted).await;
        assert_eq!(
            (&after["status"], &after["parcels"][1]["status"]),
            (&json!("at_origin_hub"), &json!("customs"))
        );
        assert_eq!(
            (&after["escrow"]["state"], &after["escrow"]["frozen_because"]),
            (&json!("shipped"), &Value::Null)
        );
        app.stop().await;
    }

    async fn a_number_is_on_one_shipments_label_until_the_handover_is_corrected(db: Database) {
        let app = spawn_app(&db, "").await;
        let (first, second) = (accept(&app, &one_parcel()).await, accept(&app, &one_parcel()).await);
        let under = |accepted: &Value, number: &str, hours: i64| {
            let mut body = handed_over(accepted, 1, hours);
            body["tracking_number"] = json!(number);
            body
        };
        let (_, gateway) = hubs_of(&first);
        let mistaken = under(&first, "MIXEDUP001", 9);
        report(&app, &gateway, &mistaken).await.must_be(201);
        let (_, other_gateway) = hubs_of(&second);
        let refused = report(&app, &other_gateway, &under(&second, "MIXEDUP001", 10)).await;
        assert_eq!(problem(&refused, 422), "invalid-fields");
        assert_eq!(pointers(&refused), ["/tracking_number"]);

        let mut at_once = under(&first, "RIGHTONE01", 9);
        at_once["occurred_at"] = mistaken["occurred_at"].clone();
        let at_once = report(&app, &gateway, &at_once).await;
        assert_eq!(problem(&at_once, 422), "invalid-fields");
        assert_eq!(pointers(&at_once), ["/occurred_at"], "nobody could say which one corrects the other");
        report(&app, &gateway, &under(&first, "RIGHTONE01", 10)).await.must_be(201);
        report(&app, &gateway, &mistaken).await.must_be(200);
        report(&app, &other_gateway, &under(&second, "MIXEDUP001", 11)).await.must_be(201);
        let asked = "SELECT COUNT(*) AS n FROM tracked_number WHERE next_poll_at IS NOT NULL";
        let store = &app.deps.store;
        assert_eq!(number(store, asked).await, 2, "each parcel is asked about under its own number");
        app.stop().await;
    }
}
