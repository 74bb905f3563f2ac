//! Somebody who runs the network, at the doors.

use sampan::clock::Clock;
use sampan::flows::authenticate;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::app::App;
use super::http::{Response, send};
use super::steps::text;

pub struct Operator(String);

impl Operator {
    pub async fn new(app: &App, name: &str) -> Self {
        let key =
            authenticate::create_operator_key(&app.deps.store, name.to_owned(), Clock::real().now()).await;
        Self(format!("Bearer {}", key.expect("a key").expose_secret()))
    }

    /// About an order's money.
    pub async fn says(&self, app: &App, accepted: &Value, verb: &str, body: Value) -> Response {
        let path = format!("/v1/shipments/{}/escrow/{verb}", text(&accepted["id"]));
        let headers = [("authorization", self.0.as_str()), ("content-type", "application/json")];
        send(app.client.address, "POST", &path, &headers, body.to_string().as_bytes())
            .await
            .expect("an answer")
    }

    pub async fn gets(&self, app: &App, path: &str) -> Response {
        let headers = [("authorization", self.0.as_str())];
        send(app.client.address, "GET", path, &headers, b"").await.expect("an answer")
    }
}
