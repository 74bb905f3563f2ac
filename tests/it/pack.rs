//! `sampan pack`: JSON in, JSON out, with neither a configuration nor a database.

use std::process::Output;

use sampan::sandbox::sample::PICKUPS;
use serde_json::{Value, json};

use crate::support::binary::{bad, good, out, sampan_fed};

fn pack(body: &str) -> Output {
    // A folder with nothing in it: nothing is asked of it, and nothing left there.
    let folder = tempfile::tempdir().expect("a folder for a test");
    let output = sampan_fed(folder.path(), &["pack"], body);
    assert_eq!(folder.path().read_dir().expect("our own folder").count(), 0);
    output
}

fn packed(body: &Value) -> Value {
    serde_json::from_str(&good(&pack(&body.to_string()))).expect("JSON")
}

/// What is said, with nothing on standard output; the last line counts the lines before it.
fn mistakes(body: &str) -> Vec<String> {
    let output = pack(body);
    let said = bad(&output);
    assert_eq!(out(&output), "");
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    let last = lines.pop().expect("a last line");
    assert_eq!(last, format!("{} mistakes; nothing was packed", lines.len()));
    lines
}

#[test]
fn parcels_come_out_in_bags() {
    let body = json!({
        "bins": {"max_weight_grams": 10, "max_volume_cm3": 20, "max_parcels": 3},
        "parcels": [
            {"id": "a", "weight_grams": 6, "volume_cm3": 1},
            {"id": "b", "weight_grams": 4, "volume_cm3": 2, "group": ""},
            {"id": "c", "weight_grams": 4, "group": "CAN 9610"},
            {"id": "d", "weight_grams": 1, "class": "food"},
            {"id": "e", "weight_grams": 1, "class": "battery"},
        ],
        "apart": [["food", "battery"]],
    });
    let answer = good(&pack(&body.to_string()));
    assert!(answer.ends_with("}\n"), "{answer}");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let bags = answer["bags"].as_array().expect("bags");
    let mut parcels: Vec<&str> = bags
        .iter()
        .flat_map(|bag| bag["parcels"].as_array().expect("parcels"))
        .filter_map(Value::as_str)
        .collect();
    parcels.sort_unstable();
    assert_eq!(parcels, ["a", "b", "c", "d", "e"]);
    assert_eq!((bags.len(), &answer["lower_bound"]), (3, &json!(3)));
    let with_c = bags.iter().find(|bag| bag["parcels"] == json!(["c"])).expect("a bag for the other group");
    assert_eq!(with_c, &json!({"parcels": ["c"], "weight_grams": 4, "volume_cm3": 0}));
    for bag in bags {
        let parcels = bag["parcels"].to_string();
        assert!(!(parcels.contains("\"d\"") && parcels.contains("\"e\"")), "food beside batteries: {answer}");
    }
}

#[test]
fn the_sample_pickups_are_packed_close_to_the_bound() {
    let mut parcels = Vec::new();
    for line in PICKUPS.lines() {
        let body: Value = serde_json::from_str(line).expect("a pickup");
        for parcel in body["parcels"].as_array().expect("parcels") {
            let side = |at: usize| parcel["size_mm"][at].as_u64().expect("a side");
            parcels.push(json!({
                "id": parcel["reference"],
                "weight_grams": parcel["weight_grams"],
                "volume_cm3": (side(0) * side(1) * side(2)).div_ceil(1_000),
                "group": body["clearance"],
            }));
        }
    }
    let count = parcels.len();
    let bins = json!({"max_weight_grams": 30_000, "max_volume_cm3": 120_000});
    let answer = packed(&json!({"bins": bins, "parcels": parcels}));
    let bags = answer["bags"].as_array().expect("bags");
    let in_bags: usize = bags.iter().map(|bag| bag["parcels"].as_array().expect("parcels").len()).sum();
    assert_eq!(in_bags, count);
    let bound = answer["lower_bound"].as_u64().expect("a number");
    assert!(bags.len() as u64 * 100 <= bound * 102, "{} bags, and {bound} at least", bags.len());
}

#[test]
fn no_parcels_need_no_bags() {
    assert_eq!(
        good(&pack(r#"{"bins":{"max_weight_grams":1},"parcels":[]}"#)),
        "{\"bags\":[],\"lower_bound\":0}\n"
    );
    let nulls = json!({
        "bins": {"max_weight_grams": 1, "max_parcels": null},
        "parcels": [{"id": "a", "weight_grams": 0, "class": null}],
        "apart": null,
    });
    assert_eq!(packed(&nulls)["bags"], json!([{"parcels": ["a"], "weight_grams": 0, "volume_cm3": 0}]));
}

#[test]
fn all_mistakes_are_named_at_once_by_their_pointers() {
    let body = r#"{
        "bins": {"max_weight_grams": 10, "max_volume_cm3": 0, "max_height": 3},
        "parcels": [
            {"id": "a", "weight_grams": -1},
            {"id": "b", "weight_grams": 1.5},
            {"id": "a", "weight_grams": 11},
            {"weight_grams": "3", "volume_cm3": 1e3},
            {"id": "c"},
            {"id": 7, "weight_grams": 1, "weight_grams": 2, "colour/~": "red"},
            [],
            {"id": "", "weight_grams": 1, "group": 4}
        ],
        "apart": [["a"], ["a", 3], "x"],
        "note": ""
    }"#;
    let range = "has to be a whole number from 0 to 281474976710656";
    let said = mistakes(body);
    let expected = [
        "/note: is not known here; known are bins, parcels, apart".to_owned(),
        "/bins/max_height: is not known here; known are max_weight_grams, max_volume_cm3, max_parcels"
            .to_owned(),
        "/bins/max_volume_cm3: has to be a whole number from 1 to 281474976710656".to_owned(),
        format!("/parcels/0/weight_grams: {range}"),
        format!("/parcels/1/weight_grams: {range}"),
        "/parcels/2/id: is that of /parcels/0 already".to_owned(),
        "/parcels/3/id: is missing".to_owned(),
        format!("/parcels/3/weight_grams: {range}"),
        format!("/parcels/3/volume_cm3: {range}"),
        "/parcels/4/weight_grams: is missing".to_owned(),
        "/parcels/5/weight_grams: is given twice".to_owned(),
        "/parcels/5/colour~1~0: is not known here; known are id, weight_grams, volume_cm3, group, class"
            .to_owned(),
        "/parcels/5/id: has to be a string".to_owned(),
        "/parcels/6: has to be an object".to_owned(),
        "/parcels/7/group: has to be a string".to_owned(),
        "/parcels/7/id: is empty".to_owned(),
        "/apart/0: has to be a pair of classes".to_owned(),
        "/apart/1/1: has to be a string".to_owned(),
        "/apart/2: has to be a list".to_owned(),
    ];
    assert_eq!(said, expected);
}

#[test]
fn parcels_larger_than_a_bag_are_all_named() {
    let body = json!({
        "bins": {"max_weight_grams": 10, "max_volume_cm3": 20},
        "parcels": [
            {"id": "a", "weight_grams": 11, "volume_cm3": 20},
            {"id": "b", "weight_grams": 10, "volume_cm3": 21},
        ],
    });
    let expected = [
        "/parcels/0/weight_grams: 11 is more than a bag takes, which is 10",
        "/parcels/1/volume_cm3: 21 is more than a bag takes, which is 20",
    ];
    assert_eq!(mistakes(&body.to_string()), expected);
}

#[test]
fn what_is_no_question_is_refused() {
    for (body, said) in [
        ("", "not JSON: EOF"),
        ("{\"bins\":", "not JSON"),
        ("{} {}", "not JSON: trailing"),
        ("[]", "the whole: has to be an object"),
        (r#"{"bins":{"max_weight_grams":0},"parcels":[]}"#, "/bins/max_weight_grams: has to be"),
        (r#"{"bins":{"max_weight_grams":1,"max_parcels":0},"parcels":[]}"#, "/bins/max_parcels: has to be"),
        (r#"{"bins":[],"parcels":[]}"#, "/bins: has to be an object"),
        (r#"{"bins":{"max_weight_grams":1},"parcels":{}}"#, "/parcels: has to be a list"),
        (r#"{"bins":{"max_weight_grams":1}}"#, "/parcels: is missing"),
        (r#"{"parcels":[]}"#, "/bins: is missing"),
    ] {
        let mistakes = mistakes(body);
        assert!(mistakes.len() == 1 && mistakes[0].starts_with(said), "{body}: {mistakes:?}");
    }
}
