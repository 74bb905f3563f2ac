//! What buyers do about an order, how they prove that they are the buyer, and how disputes end.

mod page;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use sampan::clock::Clock;
use sampan::domain::escrow::ReleasePolicy;
use sampan::domain::merchant::BuyerProof;
use sampan::flows::{authenticate, disputes};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::hooks::{ask, hook, listening};
use crate::support::http::{Response, send};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::rows::change;
use crate::support::steps::{accept, detail, get, pointers, problem, scan_until, stranger, text};
use crate::support::stub::{Reply, Stub, days_back, delivering_carrier, dhl_event, dhl_page, number_in};
use crate::support::wait::wait_until;

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIHByb3ZpZGVyIGluIGEgdGVzdA";

/// An order, its buyer, and everybody around.
struct Shop {
    app: App,
    provider: Stub,
    /// Where the merchant listens.
    ear: Stub,
    _carrier: Stub,
    body: Value,
    accepted: Value,
}

impl Shop {
    async fn open(db: &Database) -> Self {
        let policy = json!({"release": "after_window", "days": 10});
        Self::open_with(db, &policy, delivering_carrier().await).await
    }

    async fn open_with(db: &Database, policy: &Value, carrier: Stub) -> Self {
        let provider = Stub::start(|_, _| Reply::json(200, &json!({}))).await;
        let ear = listening().await;
        let settings = format!(
            "escrow.webhook_url = \"http://{}/escrow\"\nescrow.webhook_secret = \"{SECRET}\"\n\
             carriers.dhl_unified.base_url = \"http://{}\"\n",
            provider.address, carrier.address
        );
        let app = spawn_app(db, &settings).await;
        hook(&app.client, &ear, "hooks", &["escrow.*"]).await;
        let mut body = pickup(TWO_PARCELS);
        body["payment"]["release_policy"] = policy.clone();
        let accepted = accept(&app, &body).await;
        Self { app, provider, ear, _carrier: carrier, body, accepted }
    }

    fn token(&self) -> &str {
        text(&self.accepted["tracking_token"])
    }

    /// As the buyer, or anybody else who has the token.
    async fn says(&self, verb: &str, body: Value) -> Response {
        let path = format!("/v1/tracking/{}/{verb}", self.token());
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        send(self.app.client.address, "POST", &path, &headers, body.as_bytes()).await.expect("an answer")
    }

    /// Of the only one, as the merchant sees it.
    async fn dispute_id(&self) -> String {
        let path = format!("/v1/shipments/{}/disputes", text(&self.accepted["id"]));
        text(&get(&self.app, &path).await.must_be(200)["disputes"][0]["id"]).to_owned()
    }

    fn told(&self, kind: &str) -> Vec<Value> {
        let all = self.ear.asked();
        let bodies = all.iter().map(|asked| asked.json()).filter(|body| body["type"] == kind);
        bodies.map(|body| body["data"].clone()).collect()
    }

    /// Asks for a code, which the merchant gets.
    async fn code(&self) -> String {
        let before = self.told("escrow.code").len();
        assert_eq!(self.says("code", json!({})).await.status, 202);
        wait_until("a code came", async || self.told("escrow.code").len() > before).await;
        text(&self.told("escrow.code")[before]["code"]).to_owned()
    }

    async fn state_is(&self, state: &str) {
        let seen = async || detail(&self.app, &self.accepted).await["escrow"]["state"] == state;
        wait_until(&format!("the order is {state}"), seen).await;
    }

    async fn deliver(&self) {
        scan_until(&self.app, &self.accepted, "handed_over").await;
        self.state_is("delivered").await;
    }

    async fn dispute(&self) -> Value {
        let said = json!({
            "proof": self.code().await, "reason": "damaged", "message": "a cup is broken",
            "attachments": ["https://pictures.example/cup.jpg"],
        });
        self.says("dispute", said).await.must_be(200)
    }

    fn refunds(&self) -> Vec<String> {
        let told = self.provider.asked();
        let refunds = told.iter().map(|asked| asked.json()).filter(|body| body["data"]["action"] == "refund");
        refunds.map(|body| text(&body["data"]["amount"]).to_owned()).collect()
    }

    async fn stop(self) {
        let verified = sampan::store::audit::verify(&self.app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        self.app.stop().await;
    }
}

async fn operator(app: &App, name: &str) -> String {
    let key = authenticate::create_operator_key(&app.deps.store, name.to_owned(), Clock::real().now()).await;
    format!("Bearer {}", key.expect("a key").expose_secret())
}

async fn by(app: &App, bearer: &str, method: &str, path: &str, body: Value) -> Response {
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    send(app.client.address, method, path, &headers, body.to_string().as_bytes()).await.expect("an answer")
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

on_both_databases! {
    async fn a_buyer_extends_and_confirms_each_with_a_code_of_its_own(db: Database) {
        let shop = Shop::open(&db).await;
        shop.deliver().await;
        let code = shop.code().await;
        let wrong = shop.says("extend", json!({"proof": other_than(&code), "days": 5})).await;
        assert_eq!((problem(&wrong, 403).as_str(), &wrong.json()["tries_left"]), ("wrong-proof", &json!(4)));
        let before = detail(&shop.app, &shop.accepted).await["escrow"]["next_at"].clone();
        let extended = shop.says("extend", json!({"proof": code, "days": 5})).await.must_be(200);
        assert_eq!(extended["state"], "delivered");
        assert!(text(&extended["next_at"]) > text(&before), "{extended} is later than {before}");
        let again = shop.says("confirm", json!({"proof": code})).await;
        assert_eq!(problem(&again, 403), "no-code-in-force", "a code is good once");
        assert_eq!(again.json().get("tries_left"), None, "there is nothing to try");
        let repeated = shop.says("extend", json!({"proof": code, "days": 5})).await.must_be(200);
        assert_eq!(repeated, extended, "the answer may have been lost");
        let more = shop.says("extend", json!({"proof": code, "days": 6})).await;
        assert_eq!(problem(&more, 403), "no-code-in-force");
        let code = shop.code().await;
        let twice = shop.says("extend", json!({"proof": code, "days": 5})).await;
        assert_eq!(problem(&twice, 409), "not-as-things-stand");
        shop.says("confirm", json!({"proof": code})).await.must_be(200);
        shop.state_is("confirmed").await;
        let acts = "SELECT COUNT(*) AS n FROM escrow_act WHERE actor = 'buyer'";
        assert_eq!(number(&shop.app.deps.store, acts).await, 2);
        let sent = "SELECT COUNT(*) AS n FROM webhook_message WHERE kind = 'escrow.code' AND state = 'acknowledged'";
        wait_until("the log has both codes", async || number(&shop.app.deps.store, sent).await == 2).await;
        let kept = format!("{sent} AND body <> '{{\"type\":\"escrow.code\"}}'");
        assert_eq!(number(&shop.app.deps.store, &kept).await, 0, "but not what they were");
        shop.stop().await;
    }

    async fn guesses_side_by_side_get_no_more_tries_than_one_after_another(db: Database) {
        let shop = Shop::open(&db).await;
        let code = shop.code().await;
        let guess = json!({"proof": other_than(&code), "reason": "damaged"});
        let answers = join_all((0..12).map(|_| shop.says("dispute", guess.clone()))).await;
        let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((with(403), with(429)), (5, 7));
        let mut left: Vec<_> =
            answers.iter().filter_map(|answer| answer.json()["tries_left"].as_u64()).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 4]);
        let late = shop.says("dispute", json!({"proof": code, "reason": "damaged"})).await;
        assert_eq!(problem(&late, 429), "too-many-tries");
        shop.dispute().await;
        shop.stop().await;
    }

    async fn a_code_ends_by_itself_and_five_are_sent_in_an_hour(db: Database) {
        let shop = Shop::open(&db).await;
        let code = shop.code().await;
        change(&db, "UPDATE buyer_proof SET standing = REPLACE(standing, '\"expires_at\":\"20', '\"expires_at\":\"19')").await;
        let late = shop.says("dispute", json!({"proof": code, "reason": "damaged"})).await;
        assert_eq!(problem(&late, 403), "no-code-in-force");
        for _ in 0..4 {
            shop.code().await;
        }
        let sixth = shop.says("code", json!({})).await;
        assert_eq!(problem(&sixth, 429), "too-many-tries");
        let seconds: u32 = sixth.header("retry-after").expect("when").parse().expect("seconds");
        assert!((3_000..=3_601).contains(&seconds), "{seconds}");
        shop.stop().await;
    }

    async fn a_look_uses_no_code_up_but_its_wrong_tries_count(db: Database) {
        let shop = Shop::open(&db).await;
        let none_yet = shop.says("disputes", json!({"proof": "000000"})).await;
        assert_eq!(problem(&none_yet, 403), "no-code-in-force");
        let code = shop.code().await;
        for _ in 0..2 {
            let seen = shop.says("disputes", json!({"proof": code})).await.must_be(200);
            assert_eq!(seen["disputes"], json!([]));
        }
        let objection = json!({"proof": code, "reason": "damaged"});
        shop.says("dispute", objection.clone()).await.must_be(200);
        let seen = shop.says("disputes", json!({"proof": code})).await;
        assert_eq!(problem(&seen, 403), "no-code-in-force", "its act has ended it");
        shop.says("dispute", objection).await.must_be(200);
        let code = shop.code().await;
        for left in [4, 3, 2, 1, 0] {
            let wrong = shop.says("disputes", json!({"proof": other_than(&code)})).await;
            assert_eq!((problem(&wrong, 403).as_str(), &wrong.json()["tries_left"]), ("wrong-proof", &json!(left)));
        }
        for verb in ["disputes", "dispute/withdraw"] {
            assert_eq!(problem(&shop.says(verb, json!({"proof": code})).await, 429), "too-many-tries");
        }
        shop.stop().await;
    }

    async fn where_the_merchant_so_chooses_the_telephone_number_proves_it(db: Database) {
        let shop = Shop::open(&db).await;
        let (store, merchant) = (&shop.app.deps.store, shop.app.client.keys.merchant);
        let policy = ReleasePolicy::default();
        assert!(authenticate::set_escrow(store, merchant, policy, BuyerProof::Phone).await.expect("a change"));
        assert_eq!(problem(&shop.says("code", json!({})).await, 409), "proof-by-phone");
        let phone = text(&shop.body["consignee"]["phone"]).to_owned();
        let end = &phone[phone.len() - 4..];
        shop.says("dispute", json!({"proof": end, "reason": "wrong_item"})).await.must_be(200);
        for left in [4, 3, 2, 1, 0] {
            let wrong = shop.says("dispute/withdraw", json!({"proof": "no"})).await;
            assert_eq!((problem(&wrong, 403).as_str(), &wrong.json()["tries_left"]), ("wrong-proof", &json!(left)));
        }
        let locked = shop.says("dispute/withdraw", json!({"proof": end})).await;
        assert_eq!(problem(&locked, 429), "too-many-tries");
        let seconds: u32 = locked.header("retry-after").expect("when").parse().expect("seconds");
        assert!((86_000..=86_401).contains(&seconds), "{seconds}");
        shop.stop().await;
    }

    async fn what_the_rules_refuse_does_not_use_up_a_code_and_a_dispute_can_be_withdrawn(db: Database) {
        let shop = Shop::open(&db).await;
        let code = shop.code().await;
        let early = shop.says("confirm", json!({"proof": code})).await;
        assert_eq!(problem(&early, 409), "not-as-things-stand");
        let none = shop.says("dispute/withdraw", json!({"proof": code})).await;
        assert_eq!(problem(&none, 409), "not-as-things-stand");
        let opened = shop.says("dispute", json!({"proof": code, "reason": "not_received"})).await.must_be(200);
        assert_eq!((&opened["reason"], &opened["messages"]), (&json!("not_received"), &json!([])));
        shop.state_is("frozen").await;
        wait_until("the merchant knows", async || shop.told("escrow.dispute_opened").len() == 1).await;
        let code = shop.code().await;
        let second = shop.says("dispute", json!({"proof": code, "reason": "damaged"})).await;
        assert_eq!(problem(&second, 409), "not-as-things-stand");
        let withdrawn = shop.says("dispute/withdraw", json!({"proof": code})).await.must_be(200);
        assert_eq!(withdrawn["outcome"], "withdrawn");
        shop.state_is("held").await;
        wait_until("the merchant knows", async || shop.told("escrow.dispute_closed").len() == 1).await;
        shop.stop().await;
    }

    async fn whoever_should_decide_a_dispute_is_reminded_before_and_after_the_day(db: Database) {
        let shop = Shop::open(&db).await;
        shop.deliver().await;
        let dispute = shop.dispute().await;
        let deps = &shop.app.deps;
        disputes::remind(deps).await.expect("a database");
        let soon = (deps.clock.now() + chrono::TimeDelta::hours(3)).timestamp_micros();
        change(&db, &format!("UPDATE dispute SET decide_by = {soon}, remind_at = 1")).await;
        for _ in 0..2 {
            disputes::remind(deps).await.expect("a database");
        }
        wait_until("the merchant was told", async || shop.told("escrow.deadline_near").len() == 1).await;
        change(&db, "UPDATE dispute SET decide_by = 2, remind_at = 2").await;
        for _ in 0..2 {
            disputes::remind(deps).await.expect("a database");
        }
        wait_until("the merchant was told again", async || shop.told("escrow.deadline_near").len() == 2).await;
        assert_eq!(shop.told("escrow.deadline_near")[1]["what"], "the dispute should have been decided");
        shop.state_is("frozen").await;
        let ana = operator(&shop.app, "ana").await;
        let end = format!("/v1/disputes/{}/close", text(&dispute["id"]));
        let decision = json!({"outcome": "rejected", "reason": "it is whole"});
        by(&shop.app, &ana, "POST", &end, decision).await.must_be(200);
        assert_eq!(number(&deps.store, "SELECT COUNT(remind_at) AS n FROM dispute").await, 0);
        shop.stop().await;
    }

    async fn all_sides_speak_in_a_dispute_and_an_operator_refunds_in_part(db: Database) {
        let shop = Shop::open(&db).await;
        shop.deliver().await;
        let dispute = shop.dispute().await;
        let (list, own) = (
            format!("/v1/shipments/{}/disputes", text(&shop.accepted["id"])),
            format!("/v1/disputes/{}", text(&dispute["id"])),
        );
        let ana = operator(&shop.app, "ana").await;
        let rival = stranger(&shop.app).await;
        let message = json!({"message": "we packed it well\r\n\r\n\tin straw"}).to_string();
        assert_eq!(rival.get(&list).await.expect("an answer").status, 404);
        assert_eq!(ask(&rival, "POST", &format!("{own}/messages"), &message).await.status, 404);
        ask(&shop.app.client, "POST", &format!("{own}/messages"), &message).await.must_be(200);
        by(&shop.app, &ana, "POST", &format!("{own}/messages"), json!({"message": "a picture, please\nof the box"})).await.must_be(200);
        let reply = json!({"proof": shop.code().await, "message": "here\rit is", "attachments": ["https://p.example/2"]});
        shop.says("dispute/messages", reply).await.must_be(200);
        let seen = get(&shop.app, &list).await.must_be(200);
        assert_eq!(seen, by(&shop.app, &ana, "GET", &list, json!({})).await.must_be(200));
        let said: Vec<_> = seen["disputes"][0]["messages"].as_array().expect("messages").iter()
            .map(|message| (text(&message["by"]), text(&message["message"])))
            .collect();
        let expected = [("buyer", "a cup is broken"), ("merchant", "we packed it well\n\n\tin straw"), ("operator", "a picture, please\nof the box"), ("buyer", "here\nit is")];
        assert_eq!(said, expected);
        wait_until("the merchant heard of each", async || shop.told("escrow.dispute_message").len() == 3).await;
        let mut told: Vec<_> = shop
            .told("escrow.dispute_message")
            .iter()
            .map(|data| (data["number"].as_u64(), text(&data["party"]).to_owned()))
            .collect();
        told.sort();
        let parties: Vec<_> = told.iter().map(|(_, party)| party.as_str()).collect();
        assert_eq!(parties, ["merchant", "operator", "buyer"]);
        let no_operator = ask(&shop.app.client, "POST", &format!("{own}/close"), "{}").await;
        assert_eq!(problem(&no_operator, 401), "unknown-key");

        let part = json!({"outcome": "refunded_in_part", "amount": "25.00", "currency": "CNY", "reason": "one cup"});
        let closed = by(&shop.app, &ana, "POST", &format!("{own}/close"), part.clone()).await.must_be(200);
        assert_eq!((&closed["outcome"], &closed["because"]), (&json!("refunded_in_part"), &json!("one cup")));
        let twice = by(&shop.app, &ana, "POST", &format!("{own}/close"), part).await;
        assert_eq!(problem(&twice, 409), "not-as-things-stand");
        wait_until("the refund was told", async || shop.refunds() == ["25.00"]).await;
        wait_until("the merchant knows", async || shop.told("escrow.dispute_closed").len() == 1).await;
        let all = format!("{seen} {closed} {:?}", shop.ear.asked().iter().map(|asked| asked.json()).collect::<Vec<_>>());
        for personal in ["name", "phone"] {
            assert!(!all.contains(text(&shop.body["consignee"][personal])), "the buyer's {personal} is nowhere");
        }
        shop.stop().await;
    }

    async fn a_full_refund_above_the_limit_waits_for_another_person_and_nothing_is_paid_meanwhile(db: Database) {
        let shop = Shop::open(&db).await;
        shop.deliver().await;
        let dispute = shop.dispute().await;
        let (ana, ben) = (operator(&shop.app, "ana").await, operator(&shop.app, "ben").await);
        let close = format!("/v1/disputes/{}/close", text(&dispute["id"]));
        let too_much = json!({"outcome": "refunded_in_part", "amount": "9999999.00", "currency": "CNY", "reason": "x"});
        assert_eq!(problem(&by(&shop.app, &ana, "POST", &close, too_much).await, 409), "not-as-things-stand");
        let list = format!("/v1/shipments/{}/disputes", text(&shop.accepted["id"]));
        let still = get(&shop.app, &list).await.must_be(200);
        assert_eq!(still["disputes"][0]["outcome"], Value::Null, "what is refused closes nothing");
        let full = json!({"outcome": "refunded_in_full", "reason": "counterfeit"});
        by(&shop.app, &ana, "POST", &close, full).await.must_be(200);
        shop.state_is("frozen").await;
        assert_eq!(shop.refunds(), [""; 0]);
        let approve = format!("/v1/shipments/{}/escrow/refund/approve", text(&shop.accepted["id"]));
        let (amount, currency) = (&shop.body["payment"]["amount"], &shop.body["payment"]["currency"]);
        let agreed = json!({"reason": "agreed", "amount": amount, "currency": currency});
        by(&shop.app, &ben, "POST", &approve, agreed).await.must_be(200);
        shop.state_is("refunded").await;
        assert_eq!(shop.refunds(), [text(&shop.body["payment"]["amount"])]);
        shop.stop().await;
    }

    async fn a_full_refund_gives_back_what_is_left_where_one_share_was_paid(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let number = number_in(&asked.path);
            let delivered = dhl_event(&days_back(2, "10:00"), "delivered", "Delivered", "SHANGHAI");
            let events = if number.ends_with("-1") { vec![delivered] } else { Vec::new() };
            Reply::json(200, &dhl_page(number, &events))
        })
        .await;
        let policy = json!({"release": "on_delivery", "release_by": "parcel"});
        let shop = Shop::open_with(&db, &policy, carrier).await;
        scan_until(&shop.app, &shop.accepted, "handed_over").await;
        let shares = async || detail(&shop.app, &shop.accepted).await["escrow"]["shares"].clone();
        wait_until("one share is paid", async || shares().await[0]["state"] == "confirmed").await;
        let dispute = shop.dispute().await;
        let ana = operator(&shop.app, "ana").await;
        let close = format!("/v1/disputes/{}/close", text(&dispute["id"]));
        let full = json!({"outcome": "refunded_in_full", "reason": "it never came"});
        by(&shop.app, &ana, "POST", &close, full).await.must_be(200);
        let left = shares().await[1]["held"]["amount"].clone();
        let (amount, currency) = (&left, &shop.body["payment"]["currency"]);
        let agreed = json!({"reason": "agreed", "amount": amount, "currency": currency, "parcel": 2});
        let approve = format!("/v1/shipments/{}/escrow/refund/approve", text(&shop.accepted["id"]));
        by(&shop.app, &operator(&shop.app, "ben").await, "POST", &approve, agreed).await;
        wait_until("the other is given back", async || shares().await[1]["state"] == "refunded").await;
        assert_eq!(shop.refunds(), [text(&left)]);
        assert_eq!(shares().await[0]["state"], "confirmed");
        shop.stop().await;
    }

    async fn by_parcel_a_buyer_speaks_of_what_is_there_and_of_nothing_else(db: Database) {
        let come = Arc::new(AtomicBool::new(false));
        let carrier = Stub::start({
            let come = come.clone();
            move |asked, _| {
                let number = number_in(&asked.path);
                let delivered = dhl_event(&days_back(2, "10:00"), "delivered", "Delivered", "SHANGHAI");
                let is_there = number.ends_with("-1") || come.load(Ordering::SeqCst);
                Reply::json(200, &dhl_page(number, &if is_there { vec![delivered] } else { Vec::new() }))
            }
        })
        .await;
        let policy = json!({"release": "after_window", "days": 10, "release_by": "parcel"});
        let shop = Shop::open_with(&db, &policy, carrier).await;
        scan_until(&shop.app, &shop.accepted, "handed_over").await;
        let states = async || {
            let shares = detail(&shop.app, &shop.accepted).await["escrow"]["shares"].clone();
            [text(&shares[0]["state"]).to_owned(), text(&shares[1]["state"]).to_owned()]
        };
        wait_until("one parcel is there", async || states().await == ["delivered", "shipped"]).await;
        let extended = shop.says("extend", json!({"proof": shop.code().await, "days": 3})).await;
        assert_eq!(extended.status, 200, "{}", extended.text());
        let confirmed = shop.says("confirm", json!({"proof": shop.code().await})).await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.text());
        wait_until("what he confirmed is paid", async || states().await == ["confirmed", "shipped"]).await;
        come.store(true, Ordering::SeqCst);
        change(&db, "UPDATE tracked_number SET next_poll_at = 0").await;
        wait_until("the other is there", async || states().await[1] == "delivered").await;
        let refused = shop.says("extend", json!({"proof": shop.code().await, "days": 3})).await;
        assert_eq!(problem(&refused, 409), "not-as-things-stand", "that can be done once");
        assert_eq!(states().await, ["confirmed", "delivered"], "he has not spoken of the other one");
        shop.stop().await;
    }

    async fn strangers_to_the_token_find_nothing_and_fields_are_named(db: Database) {
        let shop = Shop::open(&db).await;
        for (verb, body, wrong) in [
            ("confirm", json!({}), vec!["/proof"]),
            ("extend", json!({"proof": "1", "days": 11}), vec!["/days"]),
            ("dispute", json!({"proof": "1", "reason": "bad", "attachments": ["http://a.example"]}), vec!["/attachments/0", "/reason"]),
            ("dispute/messages", json!({"proof": "1"}), vec!["/message"]),
            ("dispute/messages", json!({"proof": "1", "message": "a\u{1b}[2J"}), vec!["/message"]),
        ] {
            assert_eq!(pointers(&shop.says(verb, body).await), wrong, "{verb}");
        }
        for token in ["AAAAAAAAAAAAAAAAAAAAAA", "short"] {
            for verb in ["code", "confirm", "extend", "dispute", "dispute/withdraw", "dispute/messages"] {
                let path = format!("/v1/tracking/{token}/{verb}");
                let answer = send(shop.app.client.address, "POST", &path, &[], b"{}").await.expect("an answer");
                assert_eq!(problem(&answer, 404), "not-found");
            }
        }
        shop.stop().await;
    }
}
