//! `sampan poll-plan`: a line out for each line in, with neither a configuration nor a database.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::binary::{bad, good, out, sampan_fed};

fn plan(history: Option<&str>, lines: &[Value]) -> Output {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let path = folder.path().join("history.jsonl");
    let mut arguments = vec!["poll-plan"];
    if let Some(history) = history {
        std::fs::write(&path, history).expect("our own folder");
        arguments.extend(["--history", path.to_str().expect("a plain name")]);
    }
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    sampan_fed(folder.path(), &arguments, &lines.join("\n"))
}

fn new(id: impl Into<Value>) -> Value {
    json!({"id": id.into(), "class": "air", "created": 1.0})
}

#[test]
fn each_slot_is_answered_with_at_most_so_many() {
    let answers = plan(
        None,
        &[
            json!({"t": 1, "budget": 0, "new": [new(1), new("two"), new(3)], "results": []}),
            json!({"t": 1.0833, "budget": 9, "new": [], "results": []}),
            json!({"t": 1.1667, "budget": 2, "new": [], "results": [
                {"id": 1, "events": [["INFO", 1.0]]},
                {"id": "two", "events": [["INFO", 1.0], ["DELIVERED", 1.05]]},
                {"id": 3, "events": [["INFO", 1.0], ["OUT_FOR_DELIVERY", 1.05]]},
            ]}),
        ],
    );
    let answers: Vec<Value> =
        good(&answers).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let asked = |at: usize| {
        let mut asked: Vec<String> =
            answers[at]["poll"].as_array().expect("a list").iter().map(Value::to_string).collect();
        asked.sort_unstable();
        asked
    };
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0], json!({"poll": []}));
    assert_eq!(asked(1), ["\"two\"", "1", "3"]);
    assert_eq!(asked(2), ["1", "3"], "who was delivered is let go");
}

#[test]
fn what_is_odd_and_can_be_understood_ends_nothing() {
    let answers = plan(
        None,
        &[
            json!({"t": 1, "budget": 2.0, "new": [new(1), new("two")], "results": []}),
            json!({"t": 1.0833, "budget": 2, "new": [], "results": []}),
            json!({"t": 1.1667, "budget": 0, "new": [], "results": [
                {"id": 1, "events": [["INFO", 1.0], ["TELEPORTED", 1.05]]},
                {"id": 1, "events": [["INFO", 1.0], ["TELEPORTED", 1.05]]},
                {"id": "two", "events": [["INFO", 1.0], ["DELIVERED", 1.1]]},
                {"id": "two", "events": [["INFO", 1.0], ["DELIVERED", 1.1]]},
            ]}),
            json!({"t": 1.25, "budget": 2, "new": [], "results": [{"id": 1, "events": [["INFO", 1.0]]}]}),
        ],
    );
    let said = good(&answers);
    let last: Value = serde_json::from_str(said.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last, json!({"poll": [1]}));
}

#[test]
fn a_bad_line_is_named_with_its_field_and_ends_the_plan() {
    let slot = |results: Value| json!({"t": 1, "budget": 1, "new": [], "results": results});
    let output = plan(None, &[slot(json!([])), slot(json!([{"id": 7, "events": []}]))]);
    assert_eq!(bad(&output), "line 2: `results[0].id` is not known, or was delivered; the plan ends here\n");
    assert_eq!(out(&output), "{\"poll\":[]}\n");
    let finished = json!({"id": 1, "class": "air", "created": 0, "events": [["INFO", "noon"]]});
    let said = plan(Some(&finished.to_string()), &[]);
    let said = bad(&said);
    let mistake = "line 1: `events[0]` has to be a number of hours, ten million at most";
    assert!(said.ends_with(&format!("{mistake}; nothing was planned\n")), "{said}");
}
