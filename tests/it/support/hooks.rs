//! A merchant's endpoints, and who listens there.

use sampan::clock::Clock;
use sampan::standard_webhooks::{Secret, Signed, verify};
use serde_json::{Value, json};

use super::http::{Client, Response, send};
use super::steps::{post, text};
use super::stub::{Asked, Reply, Stub};
use super::wait::wait_until;

pub async fn ask(client: &Client, method: &str, path: &str, body: &str) -> Response {
    let bearer = format!("Bearer {}", client.keys.api_key);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    send(client.address, method, path, &headers, body.as_bytes()).await.expect("an answer")
}

pub async fn try_register(client: &Client, url: &str) -> Response {
    ask(client, "POST", "/v1/webhooks", &json!({"url": url}).to_string()).await
}

/// The path of a new endpoint.
pub async fn register(client: &Client, url: &str) -> String {
    format!("/v1/webhooks/{}", text(&try_register(client, url).await.must_be(201)["id"]))
}

/// An endpoint that was registered.
pub struct Hook {
    /// Of its own, below which its deliveries are.
    pub path: String,
    pub secret: String,
}

/// With what it wants.
pub async fn hook(client: &Client, stub: &Stub, path: &str, events: &[&str]) -> Hook {
    let body = json!({"url": format!("http://{}/{path}", stub.address), "events": events});
    let made = ask(client, "POST", "/v1/webhooks", &body.to_string()).await.must_be(201);
    Hook { path: format!("/v1/webhooks/{}", text(&made["id"])), secret: text(&made["secret"]).to_owned() }
}

pub async fn at(client: &Client, stub: &Stub) -> String {
    register(client, &format!("http://{}/hooks", stub.address)).await
}

pub async fn ping(client: &Client, endpoint: &str) {
    let sent = post(client, &format!("{endpoint}/ping")).await.must_be(202);
    assert_eq!((&sent["type"], &sent["state"]), (&json!("ping"), &json!("pending")));
}

pub async fn deliveries(client: &Client, endpoint: &str) -> Vec<Value> {
    let answer = client.get(&format!("{endpoint}/deliveries")).await.expect("an answer").must_be(200);
    answer["deliveries"].as_array().expect("deliveries").clone()
}

/// The newest delivery, once it is `state`.
pub async fn newest_is(client: &Client, endpoint: &str, state: &str) -> Value {
    let mut newest = Value::Null;
    wait_until(&format!("the newest message is {state}"), async || {
        newest = deliveries(client, endpoint).await.first().cloned().unwrap_or_default();
        newest["state"] == state
    })
    .await;
    newest
}

pub async fn listening() -> Stub {
    Stub::start(|_, _| Reply::Status(204, Vec::new())).await
}

pub async fn silent() -> Stub {
    Stub::start(|_, _| Reply::Silence).await
}

#[track_caller]
pub fn is_signed(asked: &Asked, secret: &str) {
    assert!(verifies(asked, secret), "not signed with it: {:?}", asked.headers);
}

pub fn verifies(asked: &Asked, secret: &str) -> bool {
    let secret: Secret = secret.parse().expect("a secret");
    let signed = Signed {
        id: Some(asked.header("webhook-id")),
        timestamp: Some(asked.header("webhook-timestamp")),
        signature: Some(asked.header("webhook-signature")),
    };
    verify(&[secret], &signed, &asked.body, Clock::real().wall(), 60).is_ok()
}
