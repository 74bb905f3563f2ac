//! The steps of a journey that tests take again and again.

use sampan::flows::authenticate;
use sampan::sandbox::sample::PICKUPS;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::app::App;
use super::http::{Client, Response, send};
use super::journey::{self, long_ago, pickup, scans};

/// The body of a sample pickup with one parcel.
pub fn one_parcel() -> Value {
    let one = |line: &&str| {
        let body: Value = serde_json::from_str(line).expect("a sample pickup");
        body["parcels"].as_array().is_some_and(|parcels| parcels.len() == 1)
    };
    let line = PICKUPS.lines().take_while(|line| !one(line)).count();
    pickup(line)
}

pub async fn accept(app: &App, body: &Value) -> Value {
    app.client.post_pickup(body, None).await.expect("an answer").must_be(201)
}

pub async fn accept_two_parcels(app: &App) -> Value {
    accept(app, &pickup(journey::TWO_PARCELS)).await
}

/// Scans every parcel as planned, up to and with the first `last`.
pub async fn scan_until(app: &App, accepted: &Value, last: &str) {
    let mut reached = false;
    for scan in scans(accepted, long_ago()) {
        if reached && scan.body["kind"] != last {
            break;
        }
        reached |= scan.body["kind"] == last;
        app.client.scan(&scan.hub, &scan.body).await.expect("an answer").must_be(201);
    }
    assert!(reached, "no {last} on this way");
}

/// Every scan as planned; the last one hands every parcel over under its number.
pub async fn hand_over(app: &App, accepted: &Value, carrier: &str, numbers: &[&str]) {
    let mut numbers = numbers.iter();
    for mut scan in scans(accepted, long_ago()) {
        if scan.body["kind"] == "handed_over" {
            scan.body["carrier"] = json!(carrier);
            scan.body["tracking_number"] = json!(numbers.next().expect("a number for each parcel"));
        }
        app.client.scan(&scan.hub, &scan.body).await.expect("an answer").must_be(201);
    }
}

/// The first hub of the plan, and the gateway.
pub fn hubs_of(accepted: &Value) -> (String, String) {
    let legs = accepted["plan"]["legs"].as_array().expect("a plan has legs");
    let of = |leg: &Value, side: &str| leg[side].as_str().expect("a hub's code").to_owned();
    let mut line_hauls = legs.iter().filter(|leg| leg["kind"] == "line_haul");
    let first = line_hauls.next().expect("a line-haul");
    (of(first, "from"), of(line_hauls.next_back().unwrap_or(first), "to"))
}

/// A scan of the shipment's parcel `number`, so many hours after [`long_ago`].
pub fn scan(accepted: &Value, number: usize, kind: &str, hours: i64) -> Value {
    let at = long_ago() + chrono::TimeDelta::hours(hours);
    json!({"parcel": accepted["parcels"][number - 1]["id"], "kind": kind, "occurred_at": at.to_rfc3339()})
}

pub async fn detail(app: &App, accepted: &Value) -> Value {
    get(app, &format!("/v1/shipments/{}", text(&accepted["id"]))).await.must_be(200)
}

/// As the merchant.
pub async fn get(app: &App, path: &str) -> Response {
    app.client.get(path).await.expect("an answer")
}

/// As nobody, with these headers.
pub async fn look(app: &App, path: &str, headers: &[(&str, &str)]) -> Response {
    send(app.client.address, "GET", path, headers, b"").await.expect("an answer")
}

/// As the merchant, without a body.
pub async fn post(client: &Client, path: &str) -> Response {
    let bearer = format!("Bearer {}", client.keys.api_key);
    send(client.address, "POST", path, &[("authorization", &bearer)], b"").await.expect("an answer")
}

/// Another merchant, a caller of its own.
pub async fn stranger(app: &App) -> Client {
    let (country, currency) = ("HK".parse().expect("a country"), "HKD".parse().expect("a currency"));
    let (store, now) = (&app.deps.store, app.deps.clock.now());
    let new = authenticate::create_merchant(store, "Rival".to_owned(), country, currency, now).await;
    let new = new.expect("a merchant");
    let mut client = app.client.clone();
    client.keys.merchant = new.id;
    client.keys.api_key = new.api_key.expose_secret().to_owned();
    client.keys.webhook_secret = new.webhook_secret.expose_secret().to_owned();
    client
}

#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The end of a problem's type.
#[track_caller]
pub fn problem(response: &Response, status: u16) -> String {
    let body = response.must_be(status);
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{body}");
    assert_eq!(body["status"], status);
    assert!(body["title"].is_string(), "{body}");
    text(&body["type"]).strip_prefix("urn:sampan:problem:").expect("our own type").to_owned()
}

/// The pointers of a problem's errors, sorted.
#[track_caller]
pub fn pointers(response: &Response) -> Vec<String> {
    assert_eq!(problem(response, 422), "invalid-fields", "{}", response.text());
    let errors = response.json()["errors"].as_array().expect("errors").clone();
    let mut pointers: Vec<_> = errors.iter().map(|error| text(&error["pointer"]).to_owned()).collect();
    assert!(errors.iter().all(|error| !text(&error["detail"]).is_empty()), "{errors:?}");
    pointers.sort();
    pointers
}
