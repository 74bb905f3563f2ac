//! What policies and people do to an order's money, from the door to the provider.

use sampan::flows::tend_outbox::{ByHand, by_hand};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::operator::Operator;
use crate::support::rows::change;
use crate::support::steps::{accept, detail, pointers, problem, scan_until, stranger, text};
use crate::support::stub::{
    Asked, Reply, Stub, days_back, delivering_carrier, dhl_event, dhl_page, number_in,
};
use crate::support::wait::wait_until;

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIHByb3ZpZGVyIGluIGEgdGVzdA";

async fn willing() -> Stub {
    Stub::start(|_, _| Reply::json(200, &json!({}))).await
}

fn settings(provider: &Stub, carrier: &Stub) -> String {
    format!(
        "escrow.webhook_url = \"http://{}/escrow\"\nescrow.webhook_secret = \"{SECRET}\"\n\
         carriers.dhl_unified.base_url = \"http://{}\"\n",
        provider.address, carrier.address
    )
}

async fn spawn(db: &Database, provider: &Stub, carrier: &Stub) -> App {
    spawn_app(db, &settings(provider, carrier)).await
}

fn ordered(policy: &Value) -> Value {
    let mut body = pickup(TWO_PARCELS);
    body["payment"]["release_policy"] = policy.clone();
    body
}

async fn state_is(app: &App, accepted: &Value, state: &str) {
    let seen = async || detail(app, accepted).await["escrow"]["state"] == state;
    wait_until(&format!("the order is {state}"), seen).await;
}

/// Kind and amount of what the provider was told, in order.
fn told(provider: &Stub) -> Vec<(String, String)> {
    let one = |asked: &crate::support::stub::Asked| {
        let body = asked.json();
        (text(&body["data"]["action"]).to_owned(), text(&body["data"]["amount"]).to_owned())
    };
    provider.asked().iter().map(one).collect()
}

fn amounts(provider: &Stub, action: &str) -> Vec<String> {
    told(provider).into_iter().filter(|(told, _)| told == action).map(|(_, amount)| amount).collect()
}

/// What the provider was told about freezing, in order, and its place in the sequence.
fn words(provider: &Stub) -> Vec<(String, i64)> {
    let asked = provider.asked();
    let bodies = asked.iter().map(|asked| asked.json()["data"].clone());
    let word = |data: Value| Some((text(&data["action"]).to_owned(), data["sequence"].as_i64()?));
    bodies.filter_map(word).collect()
}

/// A stranger's order, and then the merchant's own, which names the same payment.
async fn two_of_one_payment(app: &App) -> (Value, Value) {
    let mut body = pickup(TWO_PARCELS);
    let theirs = stranger(app).await.post_pickup(&body, None).await.expect("an answer").must_be(201);
    body["reference"] = json!("MINE-1");
    (theirs, accept(app, &body).await)
}

/// What somebody does about a thaw that was given up.
#[derive(Clone, Copy)]
enum Then {
    ByHand(ByHand),
    Settled,
}

on_both_databases! {
    async fn a_window_holds_the_money_until_it_ends(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let app = spawn(&db, &provider, &carrier).await;
        let accepted = accept(&app, &ordered(&json!({"release": "after_window", "days": 1}))).await;
        scan_until(&app, &accepted, "handed_over").await;
        state_is(&app, &accepted, "delivered").await;
        let escrow = detail(&app, &accepted).await["escrow"].clone();
        assert!(escrow["next_at"].is_string(), "{escrow}");
        wait_until("it was told of the delivery", async || amounts(&provider, "delivered").len() == 1).await;
        assert_eq!(amounts(&provider, "confirm_receipt"), [""; 0]);
        // It was delivered two days ago, and by the rows that is known since then.
        let since = "UPDATE escrow_order SET wake_at = 1, \
            shares = REPLACE(shares, '\"delivered_at\":\"20', '\"delivered_at\":\"19')";
        change(&db, since).await;
        state_is(&app, &accepted, "confirmed").await;
        assert_eq!(amounts(&provider, "confirm_receipt").len(), 1);
        app.stop().await;
    }

    async fn by_parcel_each_parcels_share_is_released_when_it_is_there(db: Database) {
        let provider = willing().await;
        let carrier = Stub::start(|asked, _| {
            let number = number_in(&asked.path);
            let delivered = dhl_event(&days_back(2, "10:00"), "delivered", "Delivered", "SHANGHAI");
            let events = if number.ends_with("-1") { vec![delivered] } else { Vec::new() };
            Reply::json(200, &dhl_page(number, &events))
        })
        .await;
        let app = spawn(&db, &provider, &carrier).await;
        let body = ordered(&json!({"release": "on_delivery", "release_by": "parcel"}));
        let accepted = accept(&app, &body).await;
        scan_until(&app, &accepted, "handed_over").await;
        wait_until("a share was released", async || amounts(&provider, "confirm_receipt").len() == 1).await;
        let of_one = |shares: &Value| shares[0]["state"] == "confirmed" && shares[1]["state"] == "shipped";
        wait_until("the first share is paid and the second waits", async || {
            of_one(&detail(&app, &accepted).await["escrow"]["shares"])
        })
        .await;
        let escrow = detail(&app, &accepted).await["escrow"].clone();
        let cents = |text: &Value| self::text(text).replace('.', "").parse::<i64>().expect("an amount");
        let shares = escrow["shares"].as_array().expect("shares");
        let sum: i64 = shares.iter().map(|share| cents(&share["held"]["amount"])).sum();
        assert_eq!(sum, cents(&body["payment"]["amount"]), "the shares are the whole");
        assert_eq!(amounts(&provider, "confirm_receipt"), [text(&shares[0]["held"]["amount"])]);
        assert_eq!(escrow["state"], "shipped");
        app.stop().await;
    }

    async fn a_thaw_waits_for_a_freeze_that_may_still_arrive(db: Database) {
        // Of the first it is not known whether it is there, or still on its way.
        let provider = Stub::start(|_, before| match before.len() {
            0 => Reply::Status(500, Vec::new()),
            _ => Reply::json(200, &json!({})),
        })
        .await;
        let carrier = delivering_carrier().await;
        // By itself it would not be sent again in this test.
        let settings = settings(&provider, &carrier) + "outbox.retry_seconds = [3600, 3600]\n";
        let app = spawn_app(&db, &settings).await;
        let ana = Operator::new(&app, "ana").await;
        let accepted = accept(&app, &pickup(TWO_PARCELS)).await;
        let reason = json!({"reason": "the buyer called"});
        ana.says(&app, &accepted, "freeze", reason.clone()).await.must_be(200);
        let in_doubt = "SELECT COUNT(*) AS n FROM outbox WHERE attempts = 1 AND claims > answered";
        wait_until("the freeze is in doubt", async || number(&app.deps.store, in_doubt).await == 1).await;
        ana.says(&app, &accepted, "thaw", reason).await.must_be(200);
        wait_until("the thaw is there", async || told(&provider).len() == 3).await;
        let actions: Vec<_> = told(&provider).into_iter().map(|(action, _)| action).collect();
        assert_eq!(actions, ["freeze", "freeze", "thaw"]);
        let keys: Vec<_> =
            provider.asked().iter().map(|asked| asked.header("idempotency-key").to_owned()).collect();
        assert_eq!(keys[0], keys[1], "a copy of it that comes late is known by its key");
        app.stop().await;
    }

    async fn money_waits_while_its_provider_was_told_to_hold_it_and_no_longer(db: Database) {
        // What becomes of the freeze, how often the thaw fails and in which way, and what a person does then.
        for (nth, (freeze, thaws, thaw, then)) in [
            (200, 1, 422, Some(Then::ByHand(ByHand::Retry))),
            (200, 2, 500, Some(Then::ByHand(ByHand::TookEffect))),
            (200, 1, 422, Some(Then::Settled)),
            (422, 1, 422, None),
        ]
        .into_iter()
        .enumerate()
        {
            let provider = Stub::start(move |asked, before| {
                let says = |asked: &Asked, action: &str| asked.json()["data"]["action"] == action;
                let before = before.iter().filter(|asked| says(asked, "thaw")).count();
                let status = match () {
                    () if says(asked, "freeze") => freeze,
                    () if says(asked, "thaw") && before < thaws => thaw,
                    () => 200,
                };
                if status == 500 { Reply::Status(500, Vec::new()) } else { Reply::json(status, &json!({})) }
            })
            .await;
            let carrier = delivering_carrier().await;
            let hurried = settings(&provider, &carrier) + "outbox.retry_seconds = [0]\n";
            let app = spawn_app(&db, &hurried).await;
            let ana = Operator::new(&app, &format!("ana-{nth}")).await;
            let mut body = pickup(TWO_PARCELS);
            body["payment"]["reference"] = json!(format!("T-{nth}"));
            let accepted = accept(&app, &body).await;
            let why = json!({"reason": "the buyer called"});
            assert_eq!(ana.says(&app, &accepted, "freeze", why.clone()).await.must_be(200)["state"], "frozen");
            let are = async |action: &str, state: &str| {
                let sql = format!(
                    "SELECT COUNT(*) AS n FROM outbox o JOIN escrow_trigger t ON t.id = o.id \
                     JOIN escrow_order e ON e.shipment_id = t.shipment_id \
                     WHERE t.action = '{action}' AND o.state = '{state}' AND e.payment_reference = 'T-{nth}'"
                );
                number(&app.deps.store, &sql).await
            };
            let heard = if freeze == 200 { "acknowledged" } else { "dead" };
            wait_until("the freeze was answered", async || are("freeze", heard).await == 1).await;
            scan_until(&app, &accepted, "handed_over").await;
            ana.says(&app, &accepted, "thaw", why).await.must_be(200);
            wait_until("the thaw is given up", async || are("thaw", "dead").await == 1).await;
            if let Some(then) = then {
                state_is(&app, &accepted, "delivered").await;
                let escrow = detail(&app, &accepted).await["escrow"].clone();
                assert!(text(&escrow["frozen_because"]).contains("holds the whole payment"), "{escrow}");
                assert_eq!(amounts(&provider, "confirm_receipt"), [""; 0], "it would be refused");
                match then {
                    Then::Settled => {
                        let said = json!({"outcome": "released", "reason": "case 4711"});
                        ana.says(&app, &accepted, "settled", said).await.must_be(200);
                    }
                    Then::ByHand(what) => {
                        let all = escrow["triggers"].as_array().expect("triggers");
                        let thaw = all.iter().find(|trigger| trigger["action"] == "thaw").expect("a thaw");
                        let thaw = text(&thaw["id"]).parse().expect("a trigger");
                        by_hand(&app.deps, thaw, what, "operator ana".to_owned()).await.expect("one that is dead");
                        app.deps.outbox_bell.notify_one();
                    }
                }
            }
            state_is(&app, &accepted, "confirmed").await;
            let asked_for = usize::from(!matches!(then, Some(Then::Settled)));
            assert_eq!(amounts(&provider, "confirm_receipt").len(), asked_for);
            app.stop().await;
        }
    }

    async fn a_frozen_order_waits_and_goes_on_when_it_is_thawed(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let app = spawn(&db, &provider, &carrier).await;
        let ana = Operator::new(&app, "ana").await;
        let accepted = accept(&app, &pickup(TWO_PARCELS)).await;
        let reason = json!({"reason": "the buyer called"});
        let early = ana.says(&app, &accepted, "thaw", reason.clone()).await;
        assert_eq!(problem(&early, 409), "not-as-things-stand");
        let frozen = ana.says(&app, &accepted, "freeze", reason.clone()).await.must_be(200);
        assert_eq!(frozen["state"], "frozen");
        assert!(text(&frozen["frozen_because"]).contains("the buyer called"));
        scan_until(&app, &accepted, "handed_over").await;
        let arrived = async || detail(&app, &accepted).await["status"] == "delivered";
        wait_until("it is delivered", arrived).await;
        state_is(&app, &accepted, "frozen").await;
        assert_eq!(amounts(&provider, "confirm_receipt"), [""; 0]);
        ana.says(&app, &accepted, "thaw", reason.clone()).await.must_be(200);
        state_is(&app, &accepted, "confirmed").await;
        let actions: Vec<_> = told(&provider).into_iter().map(|(action, _)| action).collect();
        assert_eq!(actions, ["freeze", "thaw", "shipped", "delivered", "confirm_receipt"]);
        let late = ana.says(&app, &accepted, "freeze", reason).await;
        assert_eq!(problem(&late, 409), "not-as-things-stand");
        app.stop().await;
    }

    async fn what_is_wrong_is_set_aside_by_name_where_it_is_more_than_one_thing(db: Database) {
        let provider = willing().await;
        let carrier = Stub::start(|asked, _| {
            let number = number_in(&asked.path);
            let delivered = dhl_event(&days_back(2, "10:00"), "delivered", "Delivered", "SHANGHAI");
            let text = "The shipment will be returned to the sender";
            let returning = dhl_event(&days_back(1, "10:00"), "transit", text, "SHANGHAI");
            Reply::json(200, &dhl_page(number, &[returning, delivered]))
        })
        .await;
        let app = spawn(&db, &provider, &carrier).await;
        let ana = Operator::new(&app, "ana").await;
        let accepted = accept(&app, &pickup(TWO_PARCELS)).await;
        scan_until(&app, &accepted, "handed_over").await;
        let both = async || {
            let parcels = detail(&app, &accepted).await["parcels"].clone();
            parcels.as_array().is_some_and(|all| all.iter().all(|parcel| parcel["status"] == "returning"))
        };
        wait_until("both come back", both).await;
        let reason = "the carrier took both returns back";
        let unnamed = ana.says(&app, &accepted, "thaw", json!({"reason": reason})).await;
        assert_eq!(problem(&unnamed, 409), "not-as-things-stand");
        let refusal = text(&unnamed.json()["detail"]).to_owned();
        let names: Vec<_> = refusal.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(names.len() == 2 && names.iter().all(|name| name.contains("returning")), "{refusal}");
        let one = ana.says(&app, &accepted, "thaw", json!({"reason": reason, "set_aside": [names[0]]})).await;
        assert_eq!(problem(&one, 409), "not-as-things-stand");
        assert!(!text(&one.json()["detail"]).contains(&names[0]), "{}", one.json());
        ana.says(&app, &accepted, "thaw", json!({"reason": reason, "set_aside": names})).await.must_be(200);
        app.stop().await;
    }

    async fn a_provider_that_counts_days_from_the_shipping_has_a_deadline(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let settings = format!("{}escrow.webhook_releases_after_days = 10\n", settings(&provider, &carrier));
        let app = spawn_app(&db, &settings).await;
        let accepted = accept(&app, &ordered(&json!({"release": "after_window", "days": 20}))).await;
        assert_eq!(detail(&app, &accepted).await["escrow"]["release_deadline_at"], Value::Null);
        scan_until(&app, &accepted, "received").await;
        let is_known = async || detail(&app, &accepted).await["escrow"]["release_deadline_at"].is_string();
        wait_until("the day is known", is_known).await;
        app.stop().await;
    }

    async fn a_payment_that_a_stranger_named_first_is_given_to_its_owner(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let app = spawn(&db, &provider, &carrier).await;
        let ana = Operator::new(&app, "ana").await;
        let (theirs, mine) = two_of_one_payment(&app).await;
        let reason = json!({"reason": "the provider's console shows whose it is"});
        let own = ana.says(&app, &theirs, "own-payment", reason.clone()).await;
        assert_eq!(problem(&own, 409), "not-as-things-stand");
        ana.says(&app, &mine, "own-payment", reason.clone()).await.must_be(200);
        state_is(&app, &mine, "held").await;
        let again = ana.says(&app, &mine, "own-payment", reason.clone()).await;
        assert_eq!(problem(&again, 409), "not-as-things-stand");
        scan_until(&app, &mine, "handed_over").await;
        state_is(&app, &mine, "confirmed").await;
        let late = ana.says(&app, &theirs, "own-payment", reason).await;
        assert_eq!(problem(&late, 409), "not-as-things-stand");
        assert_eq!(amounts(&provider, "confirm_receipt").len(), 1);
        app.stop().await;
    }

    async fn what_a_provider_holds_for_one_order_it_lets_go_when_the_payment_is_given_to_another(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let app = spawn(&db, &provider, &carrier).await;
        let ana = Operator::new(&app, "ana").await;
        let (theirs, mine) = two_of_one_payment(&app).await;
        let reason = json!({"reason": "two orders name this payment"});
        ana.says(&app, &theirs, "freeze", reason.clone()).await.must_be(200);
        wait_until("it holds the payment", async || words(&provider) == [("freeze".to_owned(), 2)]).await;
        ana.says(&app, &mine, "own-payment", reason.clone()).await.must_be(200);
        wait_until("it lets the payment go", async || words(&provider).len() == 2).await;
        ana.says(&app, &mine, "freeze", reason.clone()).await.must_be(200);
        wait_until("it holds the payment again", async || words(&provider).len() == 3).await;
        ana.says(&app, &mine, "thaw", reason).await.must_be(200);
        scan_until(&app, &mine, "handed_over").await;
        state_is(&app, &mine, "confirmed").await;
        let said = [("freeze", 2), ("thaw", 3), ("freeze", 4), ("thaw", 5)];
        assert_eq!(words(&provider), said.map(|(action, sequence)| (action.to_owned(), sequence)));
        app.stop().await;
    }

    async fn a_refund_in_part_needs_two_people_and_leaves_the_rest_to_be_released(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let app = spawn(&db, &provider, &carrier).await;
        let (ana, ben) = (Operator::new(&app, "ana").await, Operator::new(&app, "ben").await);
        let body = pickup(TWO_PARCELS);
        let accepted = accept(&app, &body).await;
        let nonsense = json!({"reason": "x", "amount": "1000000.00", "currency": "EUR"});
        assert_eq!(pointers(&ana.says(&app, &accepted, "refund", nonsense).await), ["/currency"]);
        let too_much = json!({"reason": "x", "amount": "1000000.00", "currency": "CNY"});
        assert_eq!(problem(&ana.says(&app, &accepted, "refund", too_much).await, 409), "not-as-things-stand");
        let part = json!({"reason": "a cup is broken", "amount": "1000.01", "currency": "CNY"});
        let ordered = ana.says(&app, &accepted, "refund", part.clone()).await.must_be(200);
        assert_eq!(ordered["state"], "frozen", "it waits for another person");
        assert_eq!(problem(&ana.says(&app, &accepted, "refund", part).await, 409), "not-as-things-stand");
        let agreed = json!({"reason": "agreed", "amount": "1000.01", "currency": "CNY"});
        let less = json!({"reason": "agreed", "amount": "10.00", "currency": "CNY"});
        assert_eq!(problem(&ben.says(&app, &accepted, "refund/approve", less).await, 409), "not-as-things-stand");
        let herself = ana.says(&app, &accepted, "refund/approve", agreed.clone()).await;
        assert_eq!(problem(&herself, 409), "not-as-things-stand");
        ben.says(&app, &accepted, "refund/approve", agreed.clone()).await.must_be(200);
        wait_until("the refund was told", async || amounts(&provider, "refund") == ["1000.01"]).await;
        scan_until(&app, &accepted, "handed_over").await;
        state_is(&app, &accepted, "confirmed").await;
        let held: f64 = text(&body["payment"]["amount"]).parse().expect("an amount");
        assert_eq!(amounts(&provider, "confirm_receipt"), [format!("{:.2}", held - 1000.01)]);
        let late = ana.says(&app, &accepted, "refund", json!({"reason": "too late"})).await;
        assert_eq!(problem(&late, 409), "not-as-things-stand");
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn an_order_that_cannot_be_judged_is_put_off_and_holds_up_no_other(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let app = spawn(&db, &provider, &carrier).await;
        for reference in ["T-BROKEN", "T-GOOD"] {
            let mut body = ordered(&json!({"release": "after_window", "days": 1}));
            body["payment"]["reference"] = json!(reference);
            let accepted = accept(&app, &body).await;
            scan_until(&app, &accepted, "handed_over").await;
            state_is(&app, &accepted, "delivered").await;
        }
        let state = "SELECT COUNT(*) AS n FROM escrow_order WHERE payment_reference = 'T-GOOD' AND state = 'confirmed'";
        change(&db, "UPDATE escrow_order SET policy = 'nonsense' WHERE payment_reference = 'T-BROKEN'").await;
        let due = "UPDATE escrow_order SET wake_at = CASE payment_reference WHEN 'T-BROKEN' THEN 1 ELSE 2 END, \
            shares = REPLACE(shares, '\"delivered_at\":\"20', '\"delivered_at\":\"19')";
        change(&db, due).await;
        wait_until("the good one is paid", async || number(&app.deps.store, state).await == 1).await;
        let put_off =
            "SELECT COUNT(*) AS n FROM escrow_order WHERE payment_reference = 'T-BROKEN' AND wake_at > 2";
        wait_until("the other is put off", async || number(&app.deps.store, put_off).await == 1).await;
        app.stop().await;
    }

    async fn what_a_person_settled_at_the_providers_console_is_ended_here(db: Database) {
        let provider = Stub::start(|asked, _| {
            let refused = asked.json()["data"]["action"] == "confirm_receipt";
            Reply::json(if refused { 422 } else { 200 }, &json!({}))
        })
        .await;
        let carrier = delivering_carrier().await;
        let app = spawn(&db, &provider, &carrier).await;
        let ana = Operator::new(&app, "ana").await;
        let accepted = accept(&app, &pickup(TWO_PARCELS)).await;
        let said = json!({"outcome": "released", "reason": "case 4711"});
        let early = ana.says(&app, &accepted, "settled", said.clone()).await;
        assert_eq!(problem(&early, 409), "not-as-things-stand");
        scan_until(&app, &accepted, "handed_over").await;
        state_is(&app, &accepted, "failed").await;
        let wrong = json!({"outcome": "kept", "who": "me"});
        let wrong = ana.says(&app, &accepted, "settled", wrong).await;
        assert_eq!(pointers(&wrong), ["/outcome", "/reason", "/who"]);
        let ended = ana.says(&app, &accepted, "settled", said.clone()).await.must_be(200);
        assert_eq!(ended["state"], "confirmed", "{ended}");
        let again = ana.says(&app, &accepted, "settled", said).await;
        assert_eq!(problem(&again, 409), "not-as-things-stand");
        assert_eq!(amounts(&provider, "confirm_receipt").len(), 1);
        let alarms = "SELECT COUNT(*) AS n FROM audit_entry WHERE action = 'order.released_against_hold'";
        assert_eq!(number(&app.deps.store, alarms).await, 0, "who did it himself needs no alarm");
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn nothing_is_settled_by_hand_while_something_else_may_say_otherwise(db: Database) {
        let provider = Stub::start(|asked, _| match asked.json()["data"]["action"] == "confirm_receipt" {
            true => Reply::Status(500, Vec::new()),
            false => Reply::json(200, &json!({})),
        })
        .await;
        let carrier = Stub::start(|asked, _| {
            let number = number_in(&asked.path);
            let delivered = dhl_event(&days_back(2, "10:00"), "delivered", "Delivered", "SHANGHAI");
            let events = if number.ends_with("-1") { vec![delivered] } else { Vec::new() };
            Reply::json(200, &dhl_page(number, &events))
        })
        .await;
        let hurried = settings(&provider, &carrier) + "outbox.retry_seconds = [0]\n";
        let app = spawn_app(&db, &hurried).await;
        let ana = Operator::new(&app, "ana").await;
        let accepted =
            accept(&app, &ordered(&json!({"release": "on_delivery", "release_by": "parcel"}))).await;
        scan_until(&app, &accepted, "handed_over").await;
        let states = async || {
            let shares = detail(&app, &accepted).await["escrow"]["shares"].clone();
            [0, 1].map(|at| text(&shares[at]["state"]).to_owned())
        };
        wait_until("nobody knows what came of one", async || states().await == ["failed", "shipped"]).await;
        let settled = async || {
            let said = json!({"outcome": "refunded", "reason": "case 4711"});
            ana.says(&app, &accepted, "settled", said).await
        };
        let refused = async |why: &str| {
            let answer = settled().await;
            assert_eq!(problem(&answer, 409), "not-as-things-stand");
            assert!(answer.text().contains(why), "{}", answer.text());
        };
        refused("moves by itself").await;
        ana.says(&app, &accepted, "freeze", json!({"reason": "the buyer called"})).await.must_be(200);
        refused("nobody knows yet what came of trigger").await;
        let dead = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'dead' AND leased_until = 0";
        wait_until("every try failed", async || number(&app.deps.store, dead).await == 1).await;
        let escrow = detail(&app, &accepted).await["escrow"].clone();
        let all = escrow["triggers"].as_array().expect("triggers");
        let confirm = all.iter().find(|trigger| trigger["action"] == "confirm_receipt").expect("a confirmation");
        let confirm = text(&confirm["id"]).parse().expect("a trigger");
        by_hand(&app.deps, confirm, ByHand::NoEffect, "operator ana".to_owned()).await.expect("a doubt that ends");
        settled().await.must_be(200);
        assert_eq!(states().await, ["refunded", "refunded"]);
        assert_eq!(amounts(&provider, "refund"), [""; 0]);
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn a_policy_that_makes_no_sense_is_refused_by_its_field(db: Database) {
        let (provider, carrier) = (willing().await, delivering_carrier().await);
        let app = spawn(&db, &provider, &carrier).await;
        for (policy, pointer) in [
            (json!({"release": "never"}), "/payment/release_policy/release"),
            (json!({"release": "after_window", "days": 0}), "/payment/release_policy/days"),
            (json!({"release": "on_delivery", "dwell_minutes": -1}), "/payment/release_policy/dwell_minutes"),
            (json!({"release": "on_delivery", "wait_for_window": ["moon"]}), "/payment/release_policy/wait_for_window/0"),
            (json!({"release": "on_delivery", "release_by": "gram"}), "/payment/release_policy/release_by"),
            (json!({"days": 10}), "/payment/release_policy/release"),
        ] {
            let refused = app.client.post_pickup(&ordered(&policy), None).await.expect("an answer");
            assert_eq!(pointers(&refused), [pointer], "{policy}");
        }
        app.stop().await;
    }
}
