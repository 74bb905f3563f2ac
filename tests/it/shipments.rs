//! A merchant's own shipments: looked at, listed, called off.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::Database;
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::rows::{count, count_all};
use crate::support::steps::{
    accept, accept_two_parcels, detail, get, hubs_of, look, one_parcel, post, problem, scan, stranger, text,
};

fn path(accepted: &Value) -> String {
    format!("/v1/shipments/{}", text(&accepted["id"]))
}

fn ids(page: &Value) -> Vec<String> {
    let shipments = page["shipments"].as_array().expect("shipments");
    shipments.iter().map(|shipment| text(&shipment["id"]).to_owned()).collect()
}

async fn list(app: &App, query: &str) -> Value {
    get(app, &format!("/v1/shipments{query}")).await.must_be(200)
}

on_both_databases! {
    async fn a_merchant_sees_the_whole_of_its_shipment(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let accepted = accept(&app, &body).await;
        let detail = detail(&app, &accepted).await;
        for field in ["id", "reference", "tracking_token", "tracking_url", "parcels", "plan", "created_at"] {
            assert_eq!(detail[field], accepted[field], "{field}");
        }
        let escrow = &detail["escrow"];
        assert_eq!((&escrow["state"], &escrow["triggers"]), (&json!("held"), &json!([])));
        assert_eq!(escrow["payment_reference"], body["payment"]["reference"]);
        assert_eq!(escrow["held"]["amount"], body["payment"]["amount"]);
        assert_eq!(detail["events"].as_array().map(Vec::len), Some(1));
        assert_eq!(detail["events"][0]["code"], "accepted");
        app.stop().await;
    }

    async fn a_shipment_of_somebody_else_is_no_shipment(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let rows = count_all(&app.deps.store).await;
        let rival = stranger(&app).await;
        let theirs = rival.get(&path(&accepted)).await.expect("an answer");
        assert_eq!(problem(&theirs, 404), "not-found");
        assert_eq!(problem(&post(&rival, &format!("{}/cancel", path(&accepted))).await, 404), "not-found");
        assert_eq!(ids(&rival.get("/v1/shipments").await.expect("an answer").must_be(200)).len(), 0);
        let reference = format!("/v1/shipments?reference={}", text(&accepted["reference"]));
        assert_eq!(ids(&rival.get(&reference).await.expect("an answer").must_be(200)).len(), 0);
        assert_eq!(detail(&app, &accepted).await["status"], "accepted");
        assert_eq!(count_all(&app.deps.store).await, rows);
        app.stop().await;
    }

    async fn an_id_that_is_none_finds_nothing(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let upper = text(&accepted["id"]).to_uppercase();
        let pcl = text(&accepted["id"]).replace("shp_", "pcl_");
        for id in [
            "1",
            "shp_",
            "%00",
            "..%2f",
            "%ff%fe",
            "shp_01kb2m3z8te2gt8d1v6q8h4x5n",
            &upper,
            &pcl,
            &"9".repeat(2_000),
        ] {
            assert_eq!(problem(&get(&app, &format!("/v1/shipments/{id}")).await, 404), "not-found", "{id}");
            let cancel = post(&app.client, &format!("/v1/shipments/{id}/cancel")).await;
            assert_eq!(problem(&cancel, 404), "not-found", "{id}");
        }
        for path in [path(&accepted), "/v1/shipments".to_owned()] {
            assert_eq!(problem(&look(&app, &path, &[]).await, 401), "unauthenticated");
        }
        app.stop().await;
    }

    async fn a_list_is_filtered_by_status_and_reference(db: Database) {
        let app = spawn_app(&db, "").await;
        let (one, two) = (accept_two_parcels(&app).await, accept_two_parcels(&app).await);
        post(&app.client, &format!("{}/cancel", path(&one))).await.must_be(200);
        assert_eq!(ids(&list(&app, "").await), [text(&two["id"]), text(&one["id"])], "newest first");
        assert_eq!(ids(&list(&app, "?status=cancelled").await), [text(&one["id"])]);
        assert_eq!(ids(&list(&app, "?status=accepted").await), [text(&two["id"])]);
        assert_eq!(ids(&list(&app, "?status=delivered").await).len(), 0);
        let reference = format!("?reference={}", text(&two["reference"]));
        assert_eq!(ids(&list(&app, &reference).await), [text(&two["id"])]);
        assert_eq!(ids(&list(&app, &format!("{reference}&status=cancelled")).await).len(), 0);
        assert_eq!(ids(&list(&app, "?status=&reference=&cursor=&limit=").await).len(), 2);
        let parcels = &list(&app, &reference).await["shipments"][0]["parcels"];
        assert_eq!(parcels, &two["parcels"]);
        app.stop().await;
    }

    async fn pages_show_everything_once_while_new_shipments_arrive(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut expected = BTreeSet::new();
        for line in 0..11 {
            expected.insert(text(&accept(&app, &pickup(line)).await["id"]).to_owned());
        }
        let (mut seen, mut query, mut pages) = (Vec::new(), "?limit=4".to_owned(), 0);
        loop {
            let page = list(&app, &query).await;
            seen.extend(ids(&page));
            pages += 1;
            accept(&app, &pickup(20 + pages)).await;
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=4&cursor={cursor}");
        }
        assert_eq!((pages, seen.len()), (3, 11));
        assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
        // A last page that is full has no next one.
        let all = list(&app, "?limit=14").await;
        assert_eq!((ids(&all).len(), &all["next_cursor"]), (14, &Value::Null));
        app.stop().await;
    }

    async fn a_wrong_parameter_is_refused_by_its_name(db: Database) {
        let app = spawn_app(&db, "").await;
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("limit=1.5", "limit"),
            ("status=lost_at_sea", "status"),
            ("cursor=next", "cursor"),
            ("cursor=mer_01kb2m3z8te2gt8d1v6q8h4x5n", "cursor"),
            ("page=2", "page"),
            ("limit=1&limit=2", "limit"),
        ] {
            let refused = get(&app, &format!("/v1/shipments?{query}")).await;
            assert_eq!(problem(&refused, 400), "invalid-parameter", "{query}");
            assert!(text(&refused.json()["detail"]).contains(name), "{query}: {}", refused.text());
        }
        for query in ["limit=1", "limit=200"] {
            list(&app, &format!("?{query}")).await;
        }
        app.stop().await;
    }

    async fn a_shipment_that_no_hub_has_can_be_called_off_and_its_money_stays(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let cancel = format!("{}/cancel", path(&accepted));
        let cancelled = post(&app.client, &cancel).await.must_be(200);
        assert_eq!(cancelled["status"], "cancelled");
        assert_eq!(cancelled["escrow"]["state"], "frozen");
        assert!(text(&cancelled["escrow"]["frozen_because"]).contains("called off"));
        let rows = count_all(&app.deps.store).await;
        assert_eq!(post(&app.client, &cancel).await.must_be(200), cancelled);
        assert_eq!(count_all(&app.deps.store).await, rows, "a repeat adds nothing");
        // A parcel that turns up all the same stays on record, and nothing is paid.
        let (hub, _) = hubs_of(&accepted);
        let late = app.client.scan(&hub, &scan(&accepted, 1, "received", 0)).await.expect("an answer");
        assert_eq!(late.must_be(201)["shipment_status"], "cancelled");
        let after = detail(&app, &accepted).await;
        assert_eq!((&after["status"], &after["escrow"]["state"]), (&json!("cancelled"), &json!("frozen")));
        let told = after["escrow"]["triggers"].as_array().expect("triggers");
        assert!(told.iter().all(|trigger| trigger["action"] == "freeze") && told.len() == 1, "{told:?}");
        app.stop().await;
    }

    async fn a_shipment_of_which_a_hub_has_one_parcel_cannot_be_called_off(db: Database) {
        let app = spawn_app(&db, "").await;
        for accepted in [accept(&app, &one_parcel()).await, accept_two_parcels(&app).await] {
            let (hub, _) = hubs_of(&accepted);
            app.client.scan(&hub, &scan(&accepted, 1, "received", 0)).await.expect("an answer").must_be(201);
            let events = count(&app.deps.store, "tracking_event").await;
            let refused = post(&app.client, &format!("{}/cancel", path(&accepted))).await;
            assert_eq!(problem(&refused, 409), "too-late-to-cancel");
            assert_eq!(count(&app.deps.store, "tracking_event").await, events);
            assert_ne!(detail(&app, &accepted).await["escrow"]["state"], "frozen");
        }
        app.stop().await;
    }
}
