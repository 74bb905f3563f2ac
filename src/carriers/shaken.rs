//! Answers of a carrier's own shape with anything at all in them.
//!
//! Beside the contract, which damages bytes: here values are lost, of another type, or written otherwise,
//! and the JSON stays whole.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::Adapter;
use super::contract::read;
use crate::domain::event::EventStatus;

#[derive(Debug, Clone)]
enum Change {
    To(Value),
    Capitals,
    IntoText,
    IntoList,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::To(Value::Null)),
        Just(Change::To(json!([]))),
        Just(Change::To(json!({}))),
        any::<bool>().prop_map(|value| Change::To(json!(value))),
        any::<i64>().prop_map(|value| Change::To(json!(value))),
        any::<f64>().prop_map(|value| Change::To(json!(value))),
        ".{0,12}".prop_map(|value| Change::To(json!(value))),
        Just(Change::Capitals),
        Just(Change::IntoText),
        Just(Change::IntoList),
    ]
}

/// `body` delivers nothing; whatever is changed in it, it delivers nothing still.
pub fn nothing_is_delivered(adapter: &Adapter, body: &[u8]) {
    let whole: Value = serde_json::from_slice(body).expect("JSON");
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), change()), 1..12);
    runner
        .run(&changes, |changes| {
            let mut value = whole.clone();
            for (at, change) in changes {
                let mut at = at.index(nodes(&value));
                alter(&mut value, &mut at, &change);
            }
            let text = value.to_string();
            if let Ok(reading) = read(adapter, 200, text.as_bytes()) {
                let seen = reading.packages.iter().flat_map(|package| &package.seen);
                let mut statuses = seen.map(|seen| seen.happening.status);
                prop_assert!(statuses.all(|status| status != EventStatus::Delivered), "{text}");
            }
            Ok(())
        })
        .expect("whatever is in it, nothing is delivered");
}

fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(nodes).sum(),
        Value::Object(fields) => fields.values().map(nodes).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The node that is `at` steps into the tree.
fn alter(value: &mut Value, at: &mut usize, change: &Change) -> bool {
    if *at == 0 {
        *value = altered(value, change);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|value| alter(value, at, change)),
        Value::Object(fields) => fields.values_mut().any(|value| alter(value, at, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn altered(value: &Value, change: &Change) -> Value {
    match (change, value) {
        (Change::To(value), _) => value.clone(),
        (Change::Capitals, Value::String(text)) => json!(text.to_uppercase()),
        (Change::Capitals, Value::Object(fields)) => {
            fields.iter().map(|(name, value)| (name.to_uppercase(), value.clone())).collect()
        }
        (Change::Capitals, other) => other.clone(),
        (Change::IntoText, other) => json!(other.to_string()),
        (Change::IntoList, other) => json!([other]),
    }
}
