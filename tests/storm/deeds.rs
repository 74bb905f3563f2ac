//! What buyers, operators and the provider do about an order's money, each until it is answered.
//!
//! Who has no answer asks again, and may then be told that it is done: what came of it shows in the end. Who has an
//! answer the first time has to have the right one.

use std::time::Duration;

use sampan::domain::money::Money;
use sampan::standard_webhooks::{Secret, sign};
use serde_json::{Value, json};

use super::record::person;
use super::shop::{Answer, Order, Shop};
use super::story::{Deed, Part, needs_second_person};
use crate::support::http::{Client, send};

const ANA: usize = 0;
const BEN: usize = 1;
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const LOOK_CLOSELY: Duration = Duration::from_millis(300);

impl Shop {
    pub async fn do_deed(&mut self, order: &Order, deed: Deed) {
        let amount = |part: Part| money(part.of(order.held));
        let why = |reason: &str| json!({"reason": reason});
        match deed {
            Deed::Freeze => self.operate(order, ANA, "freeze", why("the buyer called"), deed).await,
            Deed::Thaw => self.operate(order, BEN, "thaw", why("all is well"), deed).await,
            Deed::OrderRefund(part) => {
                self.operate(order, ANA, "refund", with(amount(part), "reason", "a cup is broken"), deed)
                    .await;
            }
            Deed::Approve(part) if needs_second_person(part.of(order.held)) => {
                let body = with(amount(part), "reason", "agreed");
                self.operate(order, BEN, "refund/approve", body, deed).await;
            }
            Deed::Approve(_) => {}
            Deed::Dispute => {
                let said = json!({"reason": "damaged", "message": "a cup is broken"});
                self.buyer(order, "dispute", said, deed).await;
            }
            Deed::Withdraw => self.buyer(order, "dispute/withdraw", json!({}), deed).await,
            Deed::Extend => self.buyer(order, "extend", json!({"days": 5}), deed).await,
            Deed::Confirm => self.buyer(order, "confirm", json!({}), deed).await,
            Deed::Reject => self.close(order, json!({"outcome": "rejected"}), deed).await,
            Deed::SettleBy(Part::All) => {
                self.close(order, json!({"outcome": "refunded_in_full"}), deed).await
            }
            Deed::SettleBy(Part::Half) => {
                let body = with(amount(Part::Half), "outcome", "refunded_in_part");
                self.close(order, body, deed).await;
            }
            Deed::AwaitDelivery => self.await_delivery(order).await,
            Deed::AwaitRelease => self.await_release(order).await,
            Deed::ProviderReleases => self.provider_releases(order).await,
        }
    }

    async fn operate(&mut self, order: &Order, who: usize, verb: &str, body: Value, deed: Deed) {
        let path = format!("/v1/shipments/{}/escrow/{verb}", order.id);
        let bearer = self.street.operators[who].clone();
        let answer = self.post(&path, Some(&bearer), &body).await;
        self.is_done(order, &answer, deed);
    }

    async fn buyer(&mut self, order: &Order, verb: &str, body: Value, deed: Deed) {
        let path = format!("/v1/tracking/{}/{verb}", order.tracking_token);
        let phone = person::CONSIGNEE_PHONE;
        let body = with(body, "proof", &phone[phone.len() - 4..]);
        let answer = self.post(&path, None, &body).await;
        self.is_done(order, &answer, deed);
    }

    /// Closes the dispute that the buyer opened.
    async fn close(&mut self, order: &Order, body: Value, deed: Deed) {
        let path = format!("/v1/shipments/{}/disputes", order.id);
        let list = self.ask("disputes", async |client| client.get(&path).await).await.response;
        let Some(id) = list.json()["disputes"][0]["id"].as_str().map(str::to_owned) else {
            if order.story.is_a_race() {
                return;
            }
            self.street.record.problem(format!("{} has no dispute: {}", order.id, list.text()));
            return;
        };
        let bearer = self.street.operators[ANA].clone();
        let body = with(body, "reason", "as we see it");
        let answer = self.post(&format!("/v1/disputes/{id}/close"), Some(&bearer), &body).await;
        self.is_done(order, &answer, deed);
    }

    async fn post(&mut self, path: &str, bearer: Option<&str>, body: &Value) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.map(|bearer| ("authorization", bearer)));
        let body = body.to_string();
        let asked =
            async |client: &Client| send(client.address, "POST", path, &headers, body.as_bytes()).await;
        self.ask(path, asked).await
    }

    fn is_done(&self, order: &Order, answer: &Answer, deed: Deed) {
        let status = answer.response.status;
        let is_fine = status == 200 || status == 409 && (answer.again || order.story.is_a_race());
        if !is_fine {
            let said = answer.response.text();
            self.street.record.problem(format!("{deed:?} of {} was answered {status}: {said}", order.id));
        }
    }

    async fn await_delivery(&mut self, order: &Order) {
        // A daemon that is ahead by the clock of its journey has not gone over the window.
        let ends = ["delivered", "confirm_requested", "confirmed"];
        if matches!(self.await_state(order, &ends, LOOK_AGAIN).await.as_deref(), Some(state) if state != ends[0])
        {
            self.street.record.problem(format!("{} was released within its window", order.id));
        }
    }

    async fn await_release(&mut self, order: &Order) {
        self.await_state(order, &["confirm_requested", "confirmed", "failed"], LOOK_CLOSELY).await;
    }

    /// Which of `states` it came to; none: something is wrong.
    async fn await_state(&mut self, order: &Order, states: &[&str], every: Duration) -> Option<String> {
        let path = format!("/v1/shipments/{}", order.id);
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let seen = self.ask("a look", async |client| client.get(&path).await).await.response;
            let state = seen.json()["escrow"]["state"].as_str().unwrap_or_default().to_owned();
            if states.contains(&state.as_str()) {
                return Some(state);
            }
            if !self.street.record.problems().is_empty() {
                return None;
            }
        }
    }

    /// As the provider: no daemon has a part in it.
    async fn at_provider(&self, path: &str, body: &Value) -> u16 {
        let headers = [("content-type", "application/json")];
        let address = self.street.world.escrow_address;
        let answer = send(address, "POST", path, &headers, body.to_string().as_bytes()).await;
        answer.expect("the provider answers").status
    }

    /// The buyer pays, before the merchant asks for anything.
    pub async fn pay(&self, payment_reference: &str, amount: Money) {
        let mut trade = money(amount);
        trade["format"] = json!("webhook");
        trade["payment_reference"] = json!(payment_reference);
        let status = self.at_provider("/sandbox/trades", &trade).await;
        assert_eq!(status, 201, "the provider does not take a trade");
    }

    /// And says so, with the same words under the same id, until it is heard.
    async fn provider_releases(&mut self, order: &Order) {
        let reference = order.payment_reference.clone();
        let path = format!("/sandbox/trades/{reference}/release");
        // 409: it has moved before.
        let status = self.at_provider(&path, &json!({})).await;
        assert!(matches!(status, 200 | 409), "the provider does not release: {status}");
        let data = json!({"payment_reference": reference, "reason": "its deadline"});
        let body = json!({"type": "escrow.trade_changed", "data": data}).to_string();
        let (id, secret) = (format!("notice {reference}"), self.street.world.secret());
        let secret: Secret = secret.parse().expect("a secret");
        let say = async |client: &Client| {
            let at = chrono::Utc::now().timestamp();
            let (signature, at) = (sign(&secret, &id, at, body.as_bytes()), at.to_string());
            let headers =
                [("webhook-id", id.as_str()), ("webhook-timestamp", &at), ("webhook-signature", &signature)];
            send(client.address, "POST", "/v1/escrow/webhook/notify", &headers, body.as_bytes()).await
        };
        let answer = self.ask("a notice", say).await;
        self.is_done(order, &answer, Deed::ProviderReleases);
    }
}

fn money(amount: Money) -> Value {
    json!({"amount": amount.amount(), "currency": amount.currency.to_string()})
}

fn with(mut body: Value, name: &str, text: &str) -> Value {
    body[name] = json!(text);
    body
}
