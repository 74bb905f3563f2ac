//! `sampan plan`: one request a line, over a network in files.

use std::fs;
use std::path::Path;
use std::process::Output;

use sampan::sandbox::sample::{HUBS_CSV, LANES_CSV, PICKUPS};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::binary::{bad, err, good, out, sampan_fed};

fn network(lanes: &str, more: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("hubs.csv", HUBS_CSV);
    write("lanes.csv", lanes);
    more.iter().for_each(|(name, text)| write(name, text));
    folder
}

fn plan(folder: &Path, more: &[&str], lines: &str) -> Output {
    let arguments = ["plan", "--network", ".", "--at", "2026-03-02T00:00:00Z"];
    sampan_fed(folder, &[&arguments[..], more].concat(), lines)
}

fn answers(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).expect("JSON on each line")).collect()
}

fn vector(way: &Value) -> (String, i64, i64) {
    let text = way["arrive_at"].as_str().expect("a time").to_owned();
    let number = |name: &str| way[name].as_i64().expect("a whole number");
    (text, number("cost_micros"), number("co2e_milligrams"))
}

/// Legs follow each other and add up, and what is shown is what is counted.
fn check_way(way: &Value) {
    let legs = way["legs"].as_array().expect("legs");
    let sum = |name: &str| legs.iter().map(|leg| leg[name].as_i64().expect("a number")).sum::<i64>();
    assert_eq!((sum("cost_micros"), sum("co2e_milligrams")), (vector(way).1, vector(way).2));
    let cents = (vector(way).1 + 5_000) / 10_000;
    assert_eq!(
        way["cost"],
        json!({"amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": "USD"})
    );
    assert_eq!(way["co2e_grams"], (vector(way).2 + 500) / 1_000);
    assert_eq!(legs.last().expect("a leg")["arrive_at"], way["arrive_at"]);
    for pair in legs.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"]);
        assert!(pair[0]["arrive_at"].as_str() <= pair[1]["depart_at"].as_str());
    }
    let kinds: Vec<_> = legs.iter().map(|leg| leg["kind"].as_str().expect("a kind")).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("first_mile", "last_mile"));
    assert!(
        (3..=5).contains(&kinds.len()) && kinds[1..kinds.len() - 1].iter().all(|kind| *kind == "line_haul")
    );
}

#[test]
fn every_sample_request_gets_its_choice_among_what_nothing_beats() {
    let folder = network(LANES_CSV, &[]);
    let first = good(&plan(folder.path(), &["--pareto"], PICKUPS));
    let answers = answers(&first);
    assert_eq!(answers.len(), 200);
    for (answer, line) in answers.iter().zip(PICKUPS.lines()) {
        let request: Value = serde_json::from_str(line).expect("a request");
        assert_eq!(answer["reference"], request["reference"]);
        let pareto = answer["pareto"].as_array().expect("ways");
        pareto.iter().for_each(check_way);
        let vectors: Vec<_> = pareto.iter().map(vector).collect();
        for (one, other) in vectors.iter().flat_map(|one| vectors.iter().map(move |other| (one, other))) {
            let no_worse = other.0 <= one.0 && other.1 <= one.1 && other.2 <= one.2;
            assert!(one == other || !no_worse, "{other:?} beats {one:?}");
        }
        let choice = &answer["choice"];
        assert!(pareto.iter().any(|way| way["legs"] == choice["legs"]));
        let in_time =
            || vectors.iter().filter(|way| way.0.as_str() <= choice["promised_by"].as_str().expect("a time"));
        match request["service"].as_str() {
            Some("express") => assert_eq!(vectors.iter().map(|way| &way.0).min(), Some(&vector(choice).0)),
            _ => assert_eq!(in_time().map(|way| way.1).min(), Some(vector(choice).1)),
        }
        let rejected = answer["rejected"].as_array().expect("a list");
        assert!(
            rejected.iter().all(|other| other["reason"].as_str().is_some_and(|reason| !reason.is_empty()))
        );
        assert!(rejected.len() >= pareto.len() - 1, "each of the others has its reason");
    }
    assert_eq!(
        good(&plan(folder.path(), &["--pareto"], PICKUPS)),
        first,
        "the same question, the same answer"
    );
    let short = good(&plan(folder.path(), &[], PICKUPS.lines().next().expect("a line")));
    assert!(!short.contains("pareto"), "{short}");
}

#[test]
fn a_bad_line_is_answered_on_its_line_and_the_rest_goes_on() {
    let folder = network(LANES_CSV, &[]);
    let line = PICKUPS.lines().next().expect("a line");
    let from_brazil = line.replace("\"country\":\"HK\"", "\"country\":\"BR\"");
    assert_ne!(from_brazil, line);
    let mut armed: Value = serde_json::from_str(line).expect("a request");
    armed["parcels"][0]["items"][0]["hs_code"] = json!("930190");
    let long = "x".repeat(2_000_000);
    let lines = format!("{{\n\n{{\"reference\": \"R9\"}}\n{from_brazil}\n{armed}\n{long}\n{line}");
    let output = plan(folder.path(), &[], &lines);
    bad(&output);
    let answers = answers(&out(&output));
    let codes: Vec<_> = answers.iter().map(|answer| answer["error"]["code"].as_str()).collect();
    assert_eq!(
        codes,
        [Some("not_json"), Some("fields"), Some("no_route"), Some("fields"), Some("not_json"), None]
    );
    assert_eq!(answers[1]["reference"], "R9");
    assert!(answers[1]["error"]["fields"].as_array().is_some_and(|fields| fields.len() >= 6));
    assert_eq!(answers[2]["error"]["detail"], "no origin hub takes in parcels that are picked up in BR");
    assert_eq!(answers[3]["error"]["fields"][0]["pointer"], "/parcels/0/items/0/hs_code");
    assert!(answers[5]["choice"]["legs"].is_array());
}

#[test]
fn a_promise_that_cannot_be_kept_is_refused_with_what_there_is() {
    let folder =
        network(LANES_CSV, &[("sampan.toml", "[routing.promise_days]\nstandard = 1\neconomy = 1\n")]);
    let line = PICKUPS.lines().find(|line| line.contains("\"economy\"")).expect("an economy request");
    let output = plan(folder.path(), &["--pareto"], line);
    bad(&output);
    let answer = &answers(&out(&output))[0];
    assert!(
        answer["error"]["detail"]
            .as_str()
            .is_some_and(|detail| detail.starts_with("economy promises delivery by"))
    );
    assert!(answer["choice"].is_null() && answer["pareto"].as_array().is_some_and(|ways| !ways.is_empty()));
}

#[test]
fn a_closed_hub_and_a_cancelled_departure_send_it_another_way() {
    let line = PICKUPS.lines().next().expect("a request from Hong Kong");
    let way = |more: &[(&str, &str)]| {
        let folder = network(LANES_CSV, more);
        answers(&good(&plan(folder.path(), &[], line)))[0]["choice"].clone()
    };
    let usual = way(&[]);
    let departure = usual["legs"][1]["departure"].as_str().expect("a departure");
    let (lane, date) = departure.split_once('-').expect("a lane and a date");
    let date = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    let header = "lane_id,date,change,depart_local,reason\n";
    let cancelled = way(&[("departures.csv", &format!("{header}{lane},{date},cancelled,,fog\n"))]);
    assert_ne!(cancelled["legs"][1]["departure"], usual["legs"][1]["departure"]);
    let closed = "hub,from,until,reason\nHKHKG,2026-03-02T00:00:00Z,2026-03-06T00:00:00Z,typhoon\n";
    let closed = way(&[("closures.csv", closed)]);
    assert!(closed["legs"][1]["depart_at"].as_str() >= Some("2026-03-06T00:00:00Z"), "{closed}");
}

#[test]
fn a_bad_network_or_a_bad_configuration_plans_nothing() {
    let lanes = LANES_CSV.replacen("L0001,AUBNE,", "L0001,XXXXX,", 1).replacen(
        "Australia/Brisbane,18.1",
        "Mars/Base,0",
        1,
    );
    let folder = network(&lanes, &[]);
    let output = plan(folder.path(), &[], PICKUPS);
    let said = bad(&output);
    for mistake in [
        "lanes.csv line 2, from: XXXXX is not in hubs.csv",
        "lanes.csv line 3, depart_tz: \"Mars/Base\" is not a time zone",
        "lanes.csv line 3, transit_hours: has to be more than 0",
        "3 mistakes; nothing was planned",
    ] {
        assert!(said.contains(mistake), "{said}");
    }
    assert_eq!(out(&output), "");
    let folder = network(LANES_CSV, &[("sampan.toml", "[routing.promise_days]\nstandard = 0\n")]);
    assert!(bad(&plan(folder.path(), &[], PICKUPS)).contains("routing.promise_days.standard"));
    let output = sampan_fed(folder.path(), &["plan", "--network", ".", "--at", "yesterday"], "");
    assert!(output.status.code() == Some(2) && err(&output).contains("--at"), "{}", err(&output));
}
