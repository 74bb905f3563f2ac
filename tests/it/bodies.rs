//! Bodies that are refused: how, with everything that is wrong at once, and without a trace.

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::Database;
use crate::support::http::{Response, send};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::rows::count_all;
use crate::support::steps::{pointers, problem};

async fn post_bytes(app: &App, body: &[u8]) -> Response {
    let bearer = format!("Bearer {}", app.client.keys.api_key);
    let headers = [("authorization", bearer.as_str())];
    send(app.client.address, "POST", "/v1/pickups", &headers, body).await.expect("an answer")
}

async fn post(app: &App, body: &Value) -> Response {
    post_bytes(app, body.to_string().as_bytes()).await
}

fn set(body: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    match parent {
        Value::Array(elements) => elements[name.parse::<usize>().expect("an index")] = value,
        _ => parent[name] = value,
    }
}

/// Each by itself, and then all together.
fn mistakes() -> Vec<(&'static str, Value)> {
    vec![
        ("/color", json!("red")),
        ("/reference", json!("")),
        ("/service", json!("fast")),
        ("/clearance", json!("9710")),
        ("/pickup/until", json!("2020-01-01T00:00:00Z")),
        ("/pickup/contact/phone", json!("call me")),
        ("/pickup/address/country", json!("Japan")),
        ("/pickup/address/lines", json!([])),
        ("/pickup/address/location/lat", json!(135.61123)),
        ("/consignee/name", json!(7)),
        ("/consignee/division", json!("44")),
        ("/consignee/lines/0", json!("")),
        ("/payment/provider", json!("paypal")),
        ("/payment/amount", json!("10.001")),
        ("/parcels/0/weight_grams", json!(0)),
        ("/parcels/0/size_mm", json!([1, 2])),
        ("/parcels/0/items/0/unit_price", json!("12900.5")),
        ("/parcels/0/items/0/hs_code", json!("85.17")),
        ("/parcels/0/items/0/quantity", json!(1.5)),
        ("/parcels/0/items/0/dangerous_goods/un", json!("N34811")),
        ("/parcels/1/items", json!([])),
    ]
}

/// Sends `body` in pieces without saying how long it is.
async fn post_chunked(app: &App, body: &[u8]) -> io::Result<u16> {
    let mut stream = TcpStream::connect(app.client.address).await?;
    let (address, key) = (app.client.address, &app.client.keys.api_key);
    let head = format!(
        "POST /v1/pickups HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    for piece in body.chunks(64 * 1024) {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        stream.write_all(piece).await?;
        stream.write_all(b"\r\n").await?;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or(io::ErrorKind::UnexpectedEof.into())
}

on_both_databases! {
    async fn every_mistake_of_a_body_is_named_alone_and_together(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut all = pickup(TWO_PARCELS);
        for (pointer, value) in mistakes() {
            let mut one = pickup(TWO_PARCELS);
            set(&mut one, pointer, value.clone());
            assert_eq!(pointers(&post(&app, &one).await), [pointer]);
            set(&mut all, pointer, value);
        }
        let mut expected: Vec<_> = mistakes().into_iter().map(|(pointer, _)| pointer).collect();
        expected.sort();
        assert_eq!(pointers(&post(&app, &all).await), expected);
        assert_eq!(count_all(&app.deps.store).await, 0, "a refused request leaves nothing");
        app.stop().await;
    }

    async fn a_parcel_reference_that_comes_twice_is_named_whatever_else_is_wrong(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut body = pickup(TWO_PARCELS);
        body["parcels"][1]["reference"] = body["parcels"][0]["reference"].clone();
        assert_eq!(pointers(&post(&app, &body).await), ["/parcels/1/reference"]);
        body["parcels"][0]["weight_grams"] = json!(0);
        assert_eq!(pointers(&post(&app, &body).await), ["/parcels/0/weight_grams", "/parcels/1/reference"]);
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }

    async fn places_that_are_nowhere_are_named_together(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut body = pickup(TWO_PARCELS);
        body["pickup"]["address"] = json!({"country": "DE", "city": "Frankfurt am Main", "lines": ["1 Dock Road"],
            "location": {"lat": 8.68, "lon": 50.11}});
        body["consignee"]["division"] = json!("999999");
        let refused = post(&app, &body).await;
        assert_eq!(pointers(&refused), ["/consignee/division", "/pickup/address/location"]);
        assert!(refused.text().contains("the other way round"), "{}", refused.text());
        body["pickup"]["address"] = json!({"country": "DE", "city": "Atlantis", "lines": ["1 Dock Road"]});
        assert_eq!(pointers(&post(&app, &body).await), ["/consignee/division", "/pickup/address/city"]);
        body["service"] = json!("fast");
        let with_others = ["/consignee/division", "/pickup/address/city", "/service"];
        assert_eq!(pointers(&post(&app, &body).await), with_others, "all at once");
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }

    async fn goods_that_may_not_enter_or_travel_are_refused_by_their_rules(db: Database) {
        let app = spawn_app(&db, "").await;
        let arms = "arms and ammunition are prohibited (GACC Decree 43, annex 1, no. 1)";
        let meat =
            "meat and offal are prohibited under clearance postal (MARA and GACC Announcement 470, no. 2)";
        let cells = "UN3481 (lithium ion batteries with or in equipment) is class 9";
        let unknown = "UN9999 is not in the table of dangerous goods that are carried";
        let dangerous = |un: &str| json!({"un": un, "class": "3"});
        let mut all = pickup(TWO_PARCELS);
        all["clearance"] = json!("postal");
        let item = all["parcels"][0]["items"][0].clone();
        all["parcels"][0]["items"] = json!([item.clone(), item.clone(), item]);
        let mut expected = Vec::new();
        for (pointer, value, detail) in [
            ("/parcels/0/items/1/hs_code", json!("93040000"), arms),
            ("/parcels/1/items/0/hs_code", json!("020130"), meat),
            ("/parcels/0/items/0/dangerous_goods/class", dangerous("UN3481"), cells),
            ("/parcels/0/items/2/dangerous_goods/un", dangerous("UN9999"), unknown),
        ] {
            set(&mut all, pointer.trim_end_matches("/un").trim_end_matches("/class"), value);
            expected.push(json!({"pointer": pointer, "detail": detail}));
        }
        let refused = post(&app, &all).await;
        assert_eq!(problem(&refused, 422), "invalid-fields");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        let mut errors = refused.json()["errors"].as_array().expect("errors").clone();
        let by_pointer = |error: &Value| error["pointer"].to_string();
        errors.sort_by_key(by_pointer);
        expected.sort_by_key(by_pointer);
        assert_eq!(errors, expected);
        all["service"] = json!("fast");
        assert_eq!(pointers(&post(&app, &all).await).len(), expected.len() + 1, "with all other mistakes");
        assert_eq!(count_all(&app.deps.store).await, 0, "a refused request leaves nothing");
        app.stop().await;
    }

    async fn what_is_not_json_is_refused_as_such(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut latin = pickup(TWO_PARCELS).to_string().into_bytes();
        let quote = latin.iter().position(|byte| *byte == b':').expect("a colon") + 2;
        latin.insert(quote, 0xe9);
        let deep = "[".repeat(100_000);
        for body in [&b""[..], b"{", b"{\"reference\": }", b"hello", &latin, deep.as_bytes()] {
            assert_eq!(problem(&post_bytes(&app, body).await, 400), "not-json");
        }
        for body in [&b"[]"[..], b"null", b"\"text\"", b"7"] {
            assert_eq!(pointers(&post_bytes(&app, body).await), [""]);
        }
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }

    async fn a_body_is_read_up_to_a_mebibyte_and_no_further(db: Database) {
        let app = spawn_app(&db, "").await;
        let padded = |bytes: usize| {
            let mut body = pickup(TWO_PARCELS).to_string().into_bytes();
            body.resize(bytes, b' ');
            body
        };
        post_bytes(&app, &padded(1 << 20)).await.must_be(201);
        assert_eq!(post_chunked(&app, &padded(1 << 20)).await.expect("an answer"), 201);
        let rows = count_all(&app.deps.store).await;
        let refused = post_bytes(&app, &padded((1 << 20) + 1)).await;
        assert_eq!(problem(&refused, 413), "body-too-large");
        assert_eq!(post_chunked(&app, &padded((1 << 20) + 1)).await.expect("an answer"), 413);
        assert_eq!(count_all(&app.deps.store).await, rows);
        app.stop().await;
    }
}
