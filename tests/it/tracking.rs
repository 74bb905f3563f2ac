//! What a buyer sees, and what nobody sees.

use chrono::DateTime;
use sampan::standard_webhooks::Secret;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, prepare, settings, spawn_app};
use crate::support::binary::Served;
use crate::support::database::Database;
use crate::support::http::{Client, send};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::steps::{
    accept, accept_two_parcels, detail, get, hubs_of, look, problem, scan, scan_until, text,
};
use crate::support::stub::{Reply, Stub, days_back, dhl_event, dhl_page, number_in};
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};

fn json_of(accepted: &Value) -> String {
    format!("/v1/tracking/{}", text(&accepted["tracking_token"]))
}

fn page_of(accepted: &Value) -> String {
    format!("/track/{}", text(&accepted["tracking_token"]))
}

/// A carrier that tells everything about whoever opened the door.
async fn gossip() -> Stub {
    Stub::start(|asked, _| {
        let mut delivered = dhl_event(
            &days_back(2, "10:00"),
            "delivered",
            "Delivered, signed for by Signer Zhao at Peony Gardens",
            "Lotus Lane 7, SHANGHAI",
        );
        delivered["remark"] = json!("Left with neighbour Qian, flat 1204");
        delivered["location"]["address"]["postalCode"] = json!("200071");
        delivered["location"]["address"]["streetAddress"] = json!("Lotus Lane 7");
        let moved =
            dhl_event(&days_back(3, "10:00"), "transit", "Held at the shop of Sun Li", "Lotus Lane 7");
        Reply::json(200, &dhl_page(number_in(&asked.path), &[delivered, moved]))
    })
    .await
}

async fn delivered(app: &App, accepted: &Value) {
    wait_until("the shipment is delivered", async || detail(app, accepted).await["status"] == "delivered")
        .await;
}

on_both_databases! {
    async fn nothing_that_a_buyer_sees_names_a_person_a_merchant_or_a_price(db: Database) {
        let carrier = gossip().await;
        let app =
            spawn_app(&db, &format!("carriers.dhl_unified.base_url = \"http://{}\"", carrier.address)).await;
        let mut body = pickup(TWO_PARCELS);
        body["consignee"]["name"] = json!("Consignee Li");
        body["consignee"]["lines"] = json!(["Bliss Road 88", "Room 9C"]);
        body["pickup"]["contact"] = json!({"name": "Warehouse Tanaka", "phone": "+819012345678"});
        body["pickup"]["address"]["lines"] = json!(["Harbour Shed 5"]);
        body["payment"]["amount"] = json!("7391.57");
        let accepted = accept(&app, &body).await;
        scan_until(&app, &accepted, "customs_released").await;
        let (_, gateway) = hubs_of(&accepted);
        for number in [1, 2] {
            let mut handed = scan(&accepted, number, "handed_over", 20);
            handed["carrier"] = json!("dhl_unified");
            handed["tracking_number"] = json!(format!("JVGL060000000000{number}"));
            handed["note"] = json!("gave it to driver Wu");
            app.client.scan(&gateway, &handed).await.expect("an answer").must_be(201);
        }
        delivered(&app, &accepted).await;
        let merchant = app.client.keys.merchant.to_string();
        let secrets = [
            "Consignee",
            text(&body["consignee"]["phone"]),
            "Bliss",
            "9C",
            "Tanaka",
            "819012345678",
            "Harbour",
            "Shop",
            &merchant,
            text(&body["reference"]),
            text(&body["parcels"][0]["reference"]),
            text(&body["payment"]["reference"]),
            "7391",
            "COS",
            "smartphone",
            "Signer",
            "Zhao",
            "Peony",
            "Lotus",
            "neighbour",
            "1204",
            "200071",
            "Sun Li",
            "JVGL06",
            "driver",
            "Wu",
            text(&accepted["id"]),
            text(&accepted["parcels"][0]["id"]),
        ];
        for path in [json_of(&accepted), page_of(&accepted), page_of(&accepted) + "?lang=zh"] {
            let shown = look(&app, &path, &[]).await;
            assert_eq!(shown.status, 200);
            let shown = shown.text();
            assert!(shown.contains("SHANGHAI"), "the town is shown: {shown}");
            for secret in secrets {
                assert!(!shown.contains(secret), "{path} shows {secret:?}: {shown}");
            }
        }
        app.stop().await;
    }

    async fn a_timeline_has_its_milestones_and_its_events_newest_first(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "arrived").await;
        let view = look(&app, &json_of(&accepted), &[]).await.must_be(200);
        assert_eq!((&view["status"], &view["service"]), (&json!("at_gateway"), &json!("express")));
        let milestones = view["milestones"].as_array().expect("milestones");
        let named = |name: &str| {
            milestones.iter().find(|m| m["milestone"] == name).unwrap_or_else(|| panic!("no {name}"))
        };
        let (hub, gateway) = hubs_of(&accepted);
        for (name, reached, place) in [
            ("accepted", true, None),
            ("at_origin_hub", true, Some(&hub)),
            ("line_haul", true, Some(&hub)),
            ("at_gateway", true, Some(&gateway)),
            ("last_mile", false, Some(&gateway)),
            ("delivered", false, None),
        ] {
            let milestone = named(name);
            assert_eq!(milestone["reached"], reached, "{milestone}");
            assert_eq!(milestone["reached_at"].is_object(), reached, "{milestone}");
            assert_eq!(milestone["hub"], json!(place), "{milestone}");
            for moment in ["reached_at", "expected_at"]
                .map(|side| &milestone[side])
                .into_iter()
                .filter(|m| m.is_object())
            {
                let read = |side: &str| DateTime::parse_from_rfc3339(text(&moment[side])).expect("a time");
                assert_eq!(read("utc"), read("local"), "{moment}");
                assert!(text(&moment["zone"]).contains('/'), "{moment}");
            }
        }
        assert!(named("delivered")["expected_at"].is_object());
        assert_eq!(named("at_gateway")["reached_at"]["zone"], "Asia/Shanghai");
        assert_eq!(named("at_origin_hub")["reached_at"]["zone"], "Asia/Tokyo");
        assert!(text(&named("at_origin_hub")["reached_at"]["local"]).ends_with("+09:00"));
        let events = view["events"].as_array().expect("events");
        let at = |event: &Value| text(&event["at"]["utc"]).to_owned();
        assert!(
            events.len() >= 7 && events.is_sorted_by(|newer, older| at(newer) >= at(older)),
            "{events:?}"
        );
        assert_eq!(events.iter().filter(|event| event["scan"] == "received").count(), 2);
        app.stop().await;
    }

    async fn who_has_the_newest_already_is_told_so(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        for path in [json_of(&accepted), page_of(&accepted)] {
            let first = look(&app, &path, &[]).await;
            let etag = first.header("etag").expect("an ETag").to_owned();
            for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
                let same = look(&app, &path, &[("if-none-match", &known)]).await;
                assert_eq!(
                    (same.status, same.body.len(), same.header("etag")),
                    (304, 0, Some(etag.as_str())),
                    "{known}"
                );
            }
            assert_eq!(look(&app, &path, &[("if-none-match", "\"other\"")]).await.status, 200);
        }
        let before = look(&app, &json_of(&accepted), &[]).await;
        let (hub, _) = hubs_of(&accepted);
        app.client.scan(&hub, &scan(&accepted, 1, "received", 0)).await.expect("an answer").must_be(201);
        let known = before.header("etag").expect("an ETag");
        let after = look(&app, &json_of(&accepted), &[("if-none-match", known)]).await;
        assert_eq!(after.status, 200);
        assert_ne!(after.header("etag"), Some(known));
        app.stop().await;
    }

    async fn a_token_that_is_none_leads_nowhere(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let token = text(&accepted["tracking_token"]);
        let (cut, longer, like) = (&token[..21], format!("{token}A"), format!("{}%25", &token[..21]));
        let quote = "'%20OR%20'1'='1'%20--%20";
        for token in
            ["A".repeat(22).as_str(), cut, &longer, &like, quote, "%00", "%ff", text(&accepted["id"])]
        {
            let api = look(&app, &format!("/v1/tracking/{token}"), &[]).await;
            assert_eq!(problem(&api, 404), "not-found", "{token}");
            let page = look(&app, &format!("/track/{token}"), &[("accept-language", "zh-CN")]).await;
            assert_eq!(
                (page.status, page.header("content-type")),
                (404, Some("text/html; charset=utf-8")),
                "{token}"
            );
            assert!(page.text().contains("未找到") && !page.text().contains(token), "{token}");
        }
        app.stop().await;
    }

    async fn the_page_speaks_the_buyers_language_and_loads_nothing_from_elsewhere(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let path = page_of(&accepted);
        for (query, accept, lang, word) in [
            ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "预计送达"),
            ("", "en-GB", "en", "Estimated delivery"),
            ("", "fr", "en", "Estimated delivery"),
            ("?lang=zh", "en", "zh-Hans", "预计送达"),
            ("?lang=en", "zh-CN", "en", "Estimated delivery"),
            ("?lang=xx", "zh-CN", "zh-Hans", "预计送达"),
        ] {
            let page = look(&app, &format!("{path}{query}"), &[("accept-language", accept)]).await;
            let html = page.text();
            assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
            assert!(
                html.contains(&format!("<html lang=\"{lang}\"")) && html.contains(word),
                "{query} {accept}: {html}"
            );
            assert!(page.header("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-language")));
            let policy = page.header("content-security-policy").expect("a policy");
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(page.header("cache-control"), Some("private, no-cache"));
            assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
            let title =
                html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).expect("a title");
            assert!(!title.contains(text(&accepted["tracking_token"])), "{title}");
            for loads in ["<script", "style=\"", "src=\"http", "href=\"http", "url(http", "@import"] {
                assert!(!html.contains(loads), "{loads}: {html}");
            }
            let css = html.split("href=\"").find(|part| part.starts_with("/assets/")).expect("a stylesheet");
            let css = look(&app, css.split('"').next().unwrap_or_default(), &[]).await;
            assert_eq!((css.status, css.header("content-type")), (200, Some("text/css; charset=utf-8")));
            assert!(css.header("cache-control").is_some_and(|value| value.contains("immutable")));
        }
        app.stop().await;
    }

    async fn no_token_no_name_and_no_key_gets_into_a_log(db: Database) {
        let (world, keys) = (World::start(Troubles::default()), prepare(&db).await);
        let served = Served::start(db.folder.path(), &settings(&db, &world, "")).await;
        let client = Client { address: served.address, keys };
        let body = pickup(TWO_PARCELS);
        let accepted =
            client.post_pickup(&body, Some("key-of-a-test")).await.expect("an answer").must_be(201);
        let (hub, _) = hubs_of(&accepted);
        client.scan(&hub, &scan(&accepted, 1, "received", 0)).await.expect("an answer").must_be(201);
        for path in [json_of(&accepted), page_of(&accepted) + "?lang=zh", page_of(&accepted) + "/x"] {
            send(served.address, "GET", &path, &[], b"").await.expect("an answer");
        }
        let mut wrong = body.clone();
        wrong["service"] = json!("fast");
        assert_eq!(client.post_pickup(&wrong, None).await.expect("an answer").status, 422);
        let log = served.log();
        assert!(log.contains("/track/{token}"), "requests are logged by their pattern: {log}");
        let consignee = (text(&body["consignee"]["name"]), text(&body["consignee"]["phone"]));
        for secret in [
            text(&accepted["tracking_token"]),
            &client.keys.api_key,
            &client.keys.hubs[&hub],
            &client.keys.webhook_secret,
            consignee.0,
            consignee.1,
            text(&body["pickup"]["contact"]["phone"]),
        ] {
            assert!(!log.contains(secret), "{secret:?} is in the log");
        }
        // What the log was searched for is what it would look like.
        assert!(client.keys.webhook_secret.parse::<Secret>().is_ok());
    }

    async fn the_public_view_needs_no_key_and_takes_none(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept_two_parcels(&app).await;
        let bare = look(&app, &json_of(&accepted), &[]).await;
        let with_key = get(&app, &json_of(&accepted)).await;
        assert_eq!((bare.status, &bare.body), (200, &with_key.body));
        app.stop().await;
    }
}
