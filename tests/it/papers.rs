//! What papers say of odd consolidations: parcels that no bag takes, departures that do not leave.

use sampan::flows::{change_network, close_departures};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::Database;
use crate::support::http::Response;
use crate::support::journey::{long_ago, pickup};
use crate::support::rows::change;
use crate::support::steps::{accept, accept_two_parcels, hubs_of, look, problem, scan, text};
use crate::support::yard::operator;

/// Received at its first hub, and closed after the fact; the id of the hub and of the consolidation.
async fn packed(app: &App, db: &Database, accepted: &Value) -> (String, String) {
    let hub = hubs_of(accepted).0;
    for number in 1..=accepted["parcels"].as_array().expect("parcels").len() {
        app.client.scan(&hub, &scan(accepted, number, "received", 0)).await.expect("an answer").must_be(201);
    }
    let cutoff_at = (long_ago() + chrono::TimeDelta::minutes(30)).timestamp_micros();
    let departure = departure_of(accepted);
    change(db, &format!("UPDATE departure SET cutoff_at = {cutoff_at} WHERE id = '{departure}'")).await;
    let departure = departure.parse().expect("a departure");
    let closed = close_departures::close_one(&app.deps, &departure).await.expect("a closing");
    let page = ask(app, &hub, &format!("/v1/consolidations?departure={departure}")).await.must_be(200);
    let id = text(&page["consolidations"][0]["id"]).to_owned();
    assert!(closed.is_none_or(|closed| closed.to_string() == id), "closed here or by the daemon's own job");
    (hub, id)
}

fn departure_of(accepted: &Value) -> String {
    let legs = accepted["plan"]["legs"].as_array().expect("a plan has legs");
    let departure = legs.iter().find_map(|leg| leg["departure"].as_str());
    departure.expect("a departure").to_owned()
}

async fn ask(app: &App, hub: &str, path: &str) -> Response {
    let bearer = format!("Bearer {}", app.client.keys.hubs[hub]);
    look(app, path, &[("authorization", &bearer)]).await
}

on_both_databases! {
    async fn a_parcel_that_no_bag_takes_is_marked_as_a_single_piece_on_all_papers(db: Database) {
        let app = spawn_app(&db, "consolidation.bag_weight_kg = 0.5").await;
        let mut body = pickup(0);
        let of = |reference: &str, grams: u32| {
            let mut parcel = body["parcels"][0].clone();
            (parcel["reference"], parcel["weight_grams"]) = (json!(reference), json!(grams));
            parcel
        };
        body["parcels"] = json!([of("light", 500), of("heavy", 501)]);
        let accepted = accept(&app, &body).await;
        let (hub, id) = packed(&app, &db, &accepted).await;
        let papers = format!("/v1/consolidations/{id}");
        let seen = ask(&app, &hub, &papers).await.must_be(200);
        let manifest = ask(&app, &hub, &format!("{papers}/manifest.json")).await.must_be(200);
        for bags in [&seen["bags"], &manifest["bags"]] {
            let bags = bags.as_array().expect("bags");
            let marks: Vec<_> = bags.iter().map(|bag| (bag["weight_grams"].as_u64(), bag["single_piece"].as_bool())).collect();
            assert_eq!(marks, [(Some(500), Some(false)), (Some(501), Some(true))]);
        }
        let csv = ask(&app, &hub, &format!("{papers}/manifest.csv")).await.text();
        assert!(csv.lines().next().expect("a header").ends_with(",single_piece"), "{csv}");
        for (line, mark) in csv.lines().skip(1).zip(["false", "true"]) {
            assert!(line.ends_with(&format!(",{mark}")), "{line}");
        }
        let names = seen["bags"].as_array().expect("bags").iter().map(|bag| text(&bag["sscc"]));
        for (sscc, name) in names.zip([">Bag 1 of 2<", ">SINGLE PIECE 2 of 2<"]) {
            let svg = ask(&app, &hub, &format!("{papers}/labels/{sscc}.svg")).await;
            assert_eq!((svg.status, svg.header("content-type")), (200, Some("image/svg+xml")));
            assert!(svg.text().contains(name) && svg.text().contains(&format!(">(00){sscc}<")), "{}", svg.text());
        }
        let pdf = ask(&app, &hub, &format!("{papers}/labels.pdf")).await;
        assert_eq!(pdf.text().matches("/Type/Page/").count(), 2);
        for said in ["(Bag 1 of 2)", "(SINGLE PIECE 2 of 2)"] {
            assert!(pdf.text().contains(said), "{said}");
        }
        app.stop().await;
    }

    async fn a_departure_that_does_not_leave_has_no_papers(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let (hub, id) = packed(&app, &db, &accepted).await;
        let departure = departure_of(&accepted);
        let papers = format!("/v1/consolidations/{id}");
        let sscc = text(&ask(&app, &hub, &papers).await.must_be(200)["bags"][0]["sscc"]).to_owned();
        let all = [
            "manifest.json".to_owned(),
            "manifest.csv".to_owned(),
            "manifest.pdf".to_owned(),
            "labels.pdf".to_owned(),
            format!("labels/{sscc}.svg"),
        ];
        for paper in &all {
            assert_eq!(ask(&app, &hub, &format!("{papers}/{paper}")).await.status, 200, "{paper}");
        }
        let reason = json!({"reason": "fog"});
        let id = departure.parse().expect("a departure");
        change_network::cancel_departure(&app.deps, &operator(), &id, &reason).await.expect("cancelled");
        for paper in &all {
            let refused = ask(&app, &hub, &format!("{papers}/{paper}")).await;
            assert_eq!(problem(&refused, 409), "departure-does-not-leave", "{paper}");
            let detail = refused.json()["detail"].clone();
            assert_eq!(detail, json!(format!("{departure} does not leave: what was packed for it goes otherwise")));
        }
        let seen = ask(&app, &hub, &papers).await.must_be(200);
        assert_eq!((&seen["state"], &seen["bags"][0]["sscc"]), (&json!("dissolved"), &json!(sscc)));
        app.stop().await;
    }
}
