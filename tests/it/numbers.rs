//! Which carriers a tracking number can belong to: the command, the route, and scans that believe it.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::spawn_app;
use crate::support::binary::{good, sampan, sampan_fed};
use crate::support::database::Database;
use crate::support::rows::count_all;
use crate::support::steps::{accept, get, hubs_of, look, one_parcel, pointers, problem, scan, text};

/// What the command prints in a folder with nothing in it, and leaves nothing there.
fn lines(arguments: &[&str], input: Option<&str>) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let arguments = [&["detect"], arguments].concat();
    let output = match input {
        Some(input) => sampan_fed(folder.path(), &arguments, input),
        None => sampan(folder.path(), &arguments),
    };
    assert_eq!(folder.path().read_dir().expect("our own folder").count(), 0);
    good(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn each_number_is_answered_by_a_line() {
    let said =
        lines(&["1z 999 aa1 01 2345 6784", "RB123456786GB", "LP00724622449605", "MIXEDUP001", ""], None);
    let expected = [
        json!({"number": "1Z999AA10123456784", "mistyped": false,
            "candidates": [{"carrier": "ups", "checksum": "valid"}]}),
        json!({"number": "RB123456786GB", "mistyped": true, "candidates": []}),
        json!({"number": "LP00724622449605", "mistyped": false,
            "candidates": [{"carrier": "cainiao", "checksum": "none"}]}),
        json!({"number": "MIXEDUP001", "mistyped": false, "candidates": []}),
        json!({"number": "", "mistyped": false, "candidates": []}),
    ];
    assert_eq!(said, expected);
}

#[test]
fn without_a_number_they_are_read_from_standard_input() {
    let said =
        lines(&[], Some("00340434161094042557\n\nEV008712571CN\r\n１Ｚ５Ｒ８９３９０３５７５６７１２７"));
    let best = |line: &Value| json!([line["number"], line["candidates"][0]]);
    let expected = [
        json!(["00340434161094042557",
            {"carrier": "dhl_unified", "service": "parcel_de", "checksum": "valid"}]),
        json!(["EV008712571CN", {"carrier": "ems", "service": "ems", "checksum": "valid"}]),
        json!(["1Z5R89390357567127", {"carrier": "ups", "checksum": "valid"}]),
    ];
    assert_eq!(said.iter().map(best).collect::<Vec<_>>(), expected);
    assert_eq!(lines(&[], Some("")), [Value::Null; 0]);
}

on_both_databases! {
    async fn a_merchant_asks_which_carriers_a_number_can_belong_to(db: Database) {
        let app = spawn_app(&db, "").await;
        let detected = get(&app, "/v1/carriers/detect?number=1Z+999-AA1%200123456784").await.must_be(200);
        let expected = json!({"number": "1Z999AA10123456784", "mistyped": false,
            "candidates": [{"carrier": "ups", "checksum": "valid"}]});
        assert_eq!(detected, expected);
        let garbage = get(&app, "/v1/carriers/detect?number=%F0%9F%98%80").await.must_be(200);
        assert_eq!((&garbage["mistyped"], &garbage["candidates"]), (&json!(false), &json!([])));
        let long = format!("/v1/carriers/detect?number={}", "9".repeat(101));
        for path in ["/v1/carriers/detect", "/v1/carriers/detect?number=", "/v1/carriers/detect?number=+", &long] {
            let refused = get(&app, path).await;
            assert_eq!(problem(&refused, 400), "invalid-parameter", "{path}");
            assert!(text(&refused.json()["detail"]).starts_with("number: "), "{path}: {}", refused.text());
        }
        let anybody = look(&app, "/v1/carriers/detect?number=1Z999AA10123456784", &[]).await;
        assert_eq!(problem(&anybody, 401), "unauthenticated");
        app.stop().await;
    }

    async fn a_handover_under_a_mistyped_number_is_refused(db: Database) {
        let app = spawn_app(&db, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        let (_, gateway) = hubs_of(&accepted);
        let under = |number: &str| {
            let mut body = scan(&accepted, 1, "handed_over", 5);
            body["carrier"] = json!("dhl_unified");
            body["tracking_number"] = json!(number);
            body
        };
        let rows = count_all(&app.deps.store).await;
        for number in ["00340434161094042558", "1Z999AA10123456785", "rb 123456786 gb"] {
            let refused = app.client.scan(&gateway, &under(number)).await.expect("an answer");
            assert_eq!(pointers(&refused), ["/tracking_number"], "{number}");
            let spelt = number.replace(' ', "").to_uppercase();
            let expected = format!("{spelt} is mistyped: its check digit does not fit any carrier's format");
            assert_eq!(refused.json()["errors"][0]["detail"], json!(expected));
        }
        assert_eq!(count_all(&app.deps.store).await, rows);
        let list = json!([under("00340434161094042558"), under("00340434161094042557")]);
        let answer = app.client.scan(&gateway, &list).await.expect("an answer").must_be(200);
        let results: Vec<_> = answer["results"].as_array().expect("results").iter().map(|r| text(&r["result"])).collect();
        assert_eq!(results, ["refused", "recorded"]);
        app.stop().await;
    }
}
