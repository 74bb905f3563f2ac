//! The simulator as an operator has it: over files, each time in a process of its own.

use std::fs;
use std::path::Path;

use sampan::sandbox::sample::PICKUPS;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::binary::{bad, good, sampan};
use crate::support::database::memory;

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("sampan-test-").tempdir_in(memory()).expect("a folder for a test")
}

fn report(folder: &Path, arguments: &[&str]) -> Value {
    let common = ["simulate", "--days", "2", "--json"];
    let said = good(&sampan(folder, &[&common, arguments].concat()));
    serde_json::from_str(&said).expect("a report in JSON")
}

#[test]
fn the_same_seed_is_the_same_story_in_another_process() {
    let folder = folder();
    let arguments = ["--seed", "5", "--shipments", "4", "--faults", "many"];
    let (one, again) = (report(folder.path(), &arguments), report(folder.path(), &arguments));
    assert_eq!(one, again);
    assert_eq!(one["trace"].as_str().map(str::len), Some(64), "{one}");
}

#[test]
fn where_nothing_goes_wrong_everybody_is_delivered_and_paid_for() {
    let folder = folder();
    let report = report(folder.path(), &["--seed", "3", "--shipments", "6", "--faults", "none"]);
    let count = |key: &str| report[key].as_u64().expect("a number");
    assert_eq!((count("delivered"), count("under_way")), (count("accepted"), 0), "{report}");
    assert_eq!(count("accepted") + count("refused"), 6);
    assert!(report["confirmed"]["CNY"].is_string(), "{report}");
}

#[test]
fn a_hub_that_closes_is_another_story() {
    let folder = folder();
    good(&sampan(folder.path(), &["network", "sample", "network"]));
    let pickups: Vec<&str> =
        PICKUPS.lines().filter(|line| line.contains("\"country\":\"HK\"")).take(3).collect();
    fs::write(folder.path().join("pickups.jsonl"), pickups.join("\n")).expect("a file");
    let arguments =
        ["--shipments", "3", "--faults", "none", "--network", "network", "--workload", "pickups.jsonl"];
    let as_it_is = report(folder.path(), &arguments);
    let closures = "hub,from,until,reason\nHKHKG,2026-03-01T00:00:00Z,2026-03-06T00:00:00Z,typhoon\n";
    fs::write(folder.path().join("network/closures.csv"), closures).expect("a file");
    let closed = report(folder.path(), &arguments);
    assert_eq!((&as_it_is["accepted"], &as_it_is["delivered"]), (&Value::from(3), &Value::from(3)));
    assert_ne!(as_it_is["trace"], closed["trace"]);
    assert_ne!(as_it_is["hubs"], closed["hubs"]);
}

#[test]
fn a_workload_that_cannot_be_read_says_where() {
    let folder = folder();
    fs::write(folder.path().join("pickups.jsonl"), "{}\n{").expect("a file");
    let said = bad(&sampan(folder.path(), &["simulate", "--workload", "pickups.jsonl"]));
    assert!(said.contains("line 2"), "{said}");
    fs::write(folder.path().join("pickups.jsonl"), "{}\n").expect("a file");
    let said = bad(&sampan(folder.path(), &["simulate", "--workload", "pickups.jsonl"]));
    assert!(said.contains("line 1") && said.contains("/pickup/from"), "{said}");
}

#[test]
fn a_network_with_bad_rows_is_not_simulated_and_each_row_is_named() {
    let folder = folder();
    good(&sampan(folder.path(), &["network", "sample", "network"]));
    let lanes_csv = folder.path().join("network/lanes.csv");
    let lanes = fs::read_to_string(&lanes_csv).expect("lanes");
    fs::write(&lanes_csv, lanes.replacen(",air,", ",balloon,", 2)).expect("a file");
    let said = bad(&sampan(folder.path(), &["simulate", "--network", "network", "--days", "2"]));
    assert_eq!(said.matches("balloon").count(), 2, "{said}");
    assert!(said.contains("lanes.csv") && said.contains("2 mistakes; nothing was simulated"), "{said}");
}

#[test]
fn a_request_of_a_workload_that_is_refused_is_named_by_its_line_and_its_fields() {
    let folder = folder();
    let pickups: Vec<&str> = PICKUPS.lines().take(2).collect();
    let mut wrong: Value = serde_json::from_str(pickups[1]).expect("a body");
    wrong["parcels"][0]["weight_grams"] = Value::from(0);
    fs::write(folder.path().join("pickups.jsonl"), format!("{}\n\n{wrong}\n", pickups[0])).expect("a file");
    let arguments = ["--faults", "none", "--workload", "pickups.jsonl"];
    let report = report(folder.path(), &arguments);
    let refusal = &report["refusals"][0];
    assert_eq!((&report["refused"], &refusal["line"]), (&Value::from(1), &Value::from(3)), "{report}");
    assert_eq!(refusal["reference"], wrong["reference"]);
    assert_eq!(refusal["fields"][0]["pointer"], "/parcels/0/weight_grams", "{report}");
    let told = good(&sampan(folder.path(), &[&["simulate", "--days", "2"], &arguments[..]].concat()));
    assert!(told.contains("line 3") && told.contains("/parcels/0/weight_grams"), "{told}");
}
