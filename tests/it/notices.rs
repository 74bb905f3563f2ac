//! What escrow providers say by themselves: verified, stored, answered, and written down once.

use chrono::{DateTime, TimeDelta, Utc};
use sampan::clock::Clock;
use sampan::domain::instant::rfc3339;
use sampan::domain::money::Money;
use sampan::escrow::provider::{Notice, Said};
use sampan::flows::authenticate;
use sampan::standard_webhooks::{Secret, sign};
use sampan::store::StoreError;
use sampan::store::escrow_notices::{self, KeptNotice};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::http::{Response, send};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::rows::{count, text as row_text};
use crate::support::steps::{accept, detail, one_parcel, problem, scan_until, stranger, text};
use crate::support::stub::{Reply, Stub};
use crate::support::wait::wait_until;

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIHByb3ZpZGVyIGluIGEgdGVzdA";
const ANOTHER: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBpbiBhIHRlc3QgdG9v";

/// One that hears triggers and says nothing of them; asked about a trade, it says `state`.
async fn silent(state: &'static str) -> Stub {
    saying(json!({"state": state})).await
}

/// The same, with more to say of each trade.
async fn saying(fields: Value) -> Stub {
    Stub::start(move |asked, _| match asked.path.split_once("payment_reference=") {
        Some((_, reference)) => {
            let mut fields = fields.clone();
            fields["payment_reference"] = json!(reference);
            Reply::json(200, &fields)
        }
        None => Reply::Status(503, Vec::new()),
    })
    .await
}

async fn spawn(db: &Database, provider: &Stub) -> App {
    let address = provider.address;
    let settings = format!(
        "escrow.webhook_url = \"http://{address}/escrow\"\nescrow.webhook_secret = \"{SECRET}\"\n\
         escrow.webhook_inquire_url = \"http://{address}/ask\"\n"
    );
    spawn_app(db, &settings).await
}

async fn notify(app: &App, id: &str, secret: &str, body: &Value) -> Response {
    let (secret, body): (Secret, _) = (secret.parse().expect("a secret"), body.to_string());
    let at = app.deps.clock.wall().timestamp();
    let (signature, at) = (sign(&secret, id, at, body.as_bytes()), at.to_string());
    let headers = [("webhook-id", id), ("webhook-timestamp", &at), ("webhook-signature", &signature)];
    send(app.client.address, "POST", "/v1/escrow/webhook/notify", &headers, body.as_bytes())
        .await
        .expect("an answer")
}

/// Notified and taken in.
async fn taken(app: &App, id: &str, body: &Value) {
    let answer = notify(app, id, SECRET, body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    settled(app).await;
}

async fn settled(app: &App) {
    let open = "SELECT COUNT(*) AS n FROM escrow_notice WHERE settled_at IS NULL";
    wait_until("every notice is settled", async || number(&app.deps.store, open).await == 0).await;
}

async fn first_problem(app: &App) -> Option<String> {
    row_text(&app.deps.store, "SELECT problem AS n FROM escrow_notice WHERE problem IS NOT NULL").await
}

/// As they came.
async fn kept_bodies(app: &App) -> Vec<String> {
    let db = app.deps.store.reader();
    let sql = "SELECT body FROM escrow_notice";
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.expect("notices");
    let body = |row: &QueryResult| row.try_get::<Vec<u8>>("", "body").expect("a body");
    let mut bodies: Vec<_> = rows.iter().map(|row| String::from_utf8(body(row)).expect("text")).collect();
    bodies.sort();
    bodies
}

async fn audited(app: &App, action: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) AS n FROM audit_entry WHERE action = '{action}'");
    number(&app.deps.store, &sql).await
}

/// The trigger that the provider heard of this shipment's picking up.
async fn trigger_of(provider: &Stub, accepted: &Value) -> (String, String) {
    let mut found = None;
    let heard = async || {
        let all = provider.asked();
        let mut of_it = all.iter().filter(|asked| asked.path == "/escrow");
        let one = of_it.find(|asked| asked.json()["data"]["shipment"] == accepted["id"]);
        found = one.map(|asked| {
            let reference = asked.json()["data"]["payment_reference"].clone();
            (asked.header("idempotency-key").to_owned(), text(&reference).to_owned())
        });
        found.is_some()
    };
    wait_until("the provider heard of it", heard).await;
    found.expect("a trigger")
}

fn says(kind: &str, reference: &str, more: Value) -> Value {
    let mut data = json!({"payment_reference": reference});
    data.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    json!({"type": format!("escrow.{kind}"), "data": data})
}

async fn freeze(app: &App, accepted: &Value) {
    let key = authenticate::create_operator_key(&app.deps.store, "ana".to_owned(), Clock::real().now()).await;
    let bearer = format!("Bearer {}", key.expect("a key").expose_secret());
    let path = format!("/v1/shipments/{}/escrow/freeze", text(&accepted["id"]));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({"reason": "the buyer called"}).to_string();
    let answer = send(app.client.address, "POST", &path, &headers, body.as_bytes()).await;
    answer.expect("an answer").must_be(200);
}

on_both_databases! {
    async fn a_notice_acknowledges_a_trigger_once_though_it_is_sent_thrice(db: Database) {
        let provider = silent("open").await;
        let app = spawn(&db, &provider).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "received").await;
        let (trigger, reference) = trigger_of(&provider, &accepted).await;
        let body = says("took_effect", &reference, json!({"trigger": trigger}));
        for _ in 0..3 {
            taken(&app, "msg_1", &body).await;
        }
        taken(&app, "msg_2", &body).await;
        assert_eq!(count(&app.deps.store, "escrow_notice").await, 2);
        assert_eq!(audited(&app, "trigger.acknowledged").await, 1);
        assert_eq!(first_problem(&app).await, None);
        let late = says("refused", &reference, json!({"trigger": trigger, "reason": "changed our mind"}));
        taken(&app, "msg_3", &late).await;
        assert!(first_problem(&app).await.expect("a problem").contains("took effect before"));
        assert_eq!(audited(&app, "trigger.dead").await, 0);
        app.stop().await;
    }

    async fn what_is_not_the_providers_is_refused_and_not_kept(db: Database) {
        let provider = silent("open").await;
        let app = spawn(&db, &provider).await;
        let body = says("trade_changed", "T", json!({}));
        assert_eq!(problem(&notify(&app, "msg_1", ANOTHER, &body).await, 401), "not-the-providers");
        let nonsense = says("shipped", "T", json!({}));
        assert_eq!(problem(&notify(&app, "msg_1", ANOTHER, &nonsense).await, 401), "not-the-providers");
        for name in ["alipay", "paypal", "nobody", "%00"] {
            let path = format!("/v1/escrow/{name}/notify");
            let answer = send(app.client.address, "POST", &path, &[], b"{}").await.expect("an answer");
            assert_eq!(answer.status, 404, "{name}");
        }
        assert_eq!(count(&app.deps.store, "escrow_notice").await, 0);
        taken(&app, "msg_1", &body).await;
        assert_eq!(first_problem(&app).await.as_deref(), Some("no order of ours has this payment"));
        app.stop().await;
    }

    async fn what_is_signed_and_cannot_be_read_is_kept_as_it_came_and_acknowledged(db: Database) {
        let provider = silent("open").await;
        let app = spawn(&db, &provider).await;
        let accepted = accept(&app, &one_parcel()).await;
        for (id, body) in [("msg_1", says("shipped", "T", json!({}))), ("msg_2", json!(["anything"]))] {
            // Sent again though it was acknowledged: it is the same.
            for _ in 0..2 {
                taken(&app, id, &body).await;
            }
        }
        assert_eq!(count(&app.deps.store, "escrow_notice").await, 2);
        let shown = "SELECT COUNT(*) AS n FROM escrow_notice WHERE problem LIKE 'it cannot be read: %' AND attempts = 1";
        assert_eq!(number(&app.deps.store, shown).await, 2);
        assert!(first_problem(&app).await.expect("a problem").starts_with("it cannot be read: "));
        let sent = [json!(["anything"]), says("shipped", "T", json!({}))].map(|body| body.to_string());
        assert_eq!(kept_bodies(&app).await, sent);
        assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "held");
        app.stop().await;
    }

    async fn a_notice_about_one_payment_says_nothing_of_anothers_trigger(db: Database) {
        let provider = silent("open").await;
        let app = spawn(&db, &provider).await;
        let (mine, body) = (accept(&app, &one_parcel()).await, pickup(TWO_PARCELS));
        let rival = stranger(&app).await.post_pickup(&body, None).await.expect("an answer").must_be(201);
        for accepted in [&mine, &rival] {
            scan_until(&app, accepted, "received").await;
        }
        let (_, reference) = trigger_of(&provider, &mine).await;
        let (of_rival, _) = trigger_of(&provider, &rival).await;
        for (id, kind) in [("msg_1", "took_effect"), ("msg_2", "refused")] {
            taken(&app, id, &says(kind, &reference, json!({"trigger": of_rival}))).await;
        }
        assert_eq!((audited(&app, "trigger.acknowledged").await, audited(&app, "trigger.dead").await), (0, 0));
        assert!(first_problem(&app).await.expect("a problem").contains("none of this order's"));
        app.stop().await;
    }

    async fn a_refusal_buries_the_trigger_with_its_reason(db: Database) {
        let provider = silent("open").await;
        let app = spawn(&db, &provider).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "received").await;
        let (trigger, reference) = trigger_of(&provider, &accepted).await;
        let body = says("refused", &reference, json!({"trigger": trigger, "reason": "the trade is too old"}));
        for _ in 0..2 {
            taken(&app, "msg_1", &body).await;
        }
        let dead = "SELECT last_problem AS n FROM outbox WHERE state = 'dead' AND claims = answered";
        assert_eq!(row_text(&app.deps.store, dead).await.as_deref(), Some("the trade is too old"));
        assert_eq!(audited(&app, "trigger.dead").await, 1);
        app.stop().await;
    }

    async fn a_deadline_is_shown_and_a_frozen_order_is_warned_of_once(db: Database) {
        let provider = silent("open").await;
        let app = spawn(&db, &provider).await;
        let body = one_parcel();
        let (accepted, reference) = (accept(&app, &body).await, text(&body["payment"]["reference"]));
        let at = |hours| says("releases_at", reference, json!({"at": rfc3339(in_hours(&app, hours))}));
        let later = at(240);
        taken(&app, "msg_1", &later).await;
        let escrow = detail(&app, &accepted).await["escrow"].clone();
        assert_eq!(escrow["release_deadline_at"], later["data"]["at"], "{escrow}");
        freeze(&app, &accepted).await;
        assert_eq!(audited(&app, "order.deadline_near").await, 0);
        for (id, hours) in [("msg_2", 47), ("msg_2", 47), ("msg_3", 46)] {
            taken(&app, id, &at(hours)).await;
            assert_eq!(audited(&app, "order.deadline_near").await, 1);
        }
        // Put off by the provider: near once more, of another day.
        taken(&app, "msg_4", &at(100)).await;
        taken(&app, "msg_5", &at(40)).await;
        assert_eq!(audited(&app, "order.deadline_near").await, 2);
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn a_trade_that_changed_is_asked_about_and_what_the_provider_did_is_written_once(db: Database) {
        let provider = silent("released").await;
        let app = spawn(&db, &provider).await;
        let body = one_parcel();
        let (accepted, reference) = (accept(&app, &body).await, text(&body["payment"]["reference"]));
        for id in ["msg_1", "msg_1", "msg_2"] {
            taken(&app, id, &says("trade_changed", reference, json!({"reason": "by its deadline"}))).await;
        }
        assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "confirmed");
        assert_eq!(audited(&app, "order.act").await, 1);
        let by = "SELECT actor AS n FROM escrow_act";
        assert_eq!(row_text(&app.deps.store, by).await.as_deref(), Some("provider webhook"));
        app.stop().await;
    }

    async fn a_release_of_what_is_frozen_is_written_down_and_raises_an_alarm(db: Database) {
        let provider = silent("released").await;
        let app = spawn(&db, &provider).await;
        let body = one_parcel();
        let (accepted, reference) = (accept(&app, &body).await, text(&body["payment"]["reference"]));
        freeze(&app, &accepted).await;
        for id in ["msg_1", "msg_2"] {
            taken(&app, id, &says("trade_changed", reference, json!({"reason": "by its deadline"}))).await;
        }
        assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "confirmed");
        assert_eq!(audited(&app, "order.released_against_hold").await, 1);
        app.stop().await;
    }

    async fn a_trade_is_believed_only_if_all_that_is_held_went_to_the_merchant(db: Database) {
        let body = one_parcel();
        let (amount, currency) = (&body["payment"]["amount"], &body["payment"]["currency"]);
        let held = |amount: &Value| json!({"amount": amount, "currency": currency});
        for (says_of_it, problem) in [
            (json!({"held": held(&json!("1.00")), "released": "1.00", "refunded": "0.00"}), Some("is held")),
            (json!({"held": held(amount), "released": "1.00", "refunded": "9.00"}), Some("no more than")),
            (json!({"held": held(amount), "released": amount, "refunded": "0.00"}), None),
        ] {
            let mut fields = says_of_it;
            fields["state"] = json!("released");
            let provider = saying(fields.clone()).await;
            let app = spawn(&db, &provider).await;
            let mut body = body.clone();
            let reference = Uuid::new_v4().simple().to_string();
            body["payment"]["reference"] = json!(reference);
            let accepted = accept(&app, &body).await;
            taken(&app, &reference, &says("trade_changed", &reference, json!({}))).await;
            let state = detail(&app, &accepted).await["escrow"]["state"].clone();
            assert_eq!(state, if problem.is_some() { "held" } else { "confirmed" }, "{fields}");
            let of_it = format!("SELECT problem AS n FROM escrow_notice WHERE notice_id = '{reference}'");
            let said = row_text(&app.deps.store, &of_it).await.unwrap_or_default();
            assert!(said.contains(problem.unwrap_or_default()), "{said}");
            app.stop().await;
        }
    }

    async fn a_notice_about_another_amount_is_not_believed(db: Database) {
        let provider = silent("released").await;
        let app = spawn(&db, &provider).await;
        let body = one_parcel();
        let (accepted, payment) = (accept(&app, &body).await, &body["payment"]);
        let currency = text(&payment["currency"]).parse().expect("a currency");
        let held = Money::parse(text(&payment["amount"]), currency).expect("an amount");
        for (minor, state) in [(held.minor - 1, "held"), (held.minor, "confirmed")] {
            keep(&app, text(&payment["reference"]), Money::new(minor, currency)).await;
            settled(&app).await;
            assert_eq!(detail(&app, &accepted).await["escrow"]["state"], state);
        }
        assert!(first_problem(&app).await.expect("a problem").contains("is held"));
        app.stop().await;
    }
}

fn in_hours(app: &App, hours: i64) -> DateTime<Utc> {
    let at = app.deps.clock.now() + TimeDelta::hours(hours);
    DateTime::from_timestamp(at.timestamp(), 0).expect("a time")
}

/// As one is kept whose provider says what was paid.
async fn keep(app: &App, reference: &str, total: Money) {
    let id = Uuid::now_v7();
    let notice = Notice {
        id: id.to_string(),
        payment_reference: reference.to_owned(),
        total: Some(total),
        says: Said::Changed("TRADE_FINISHED".to_owned()),
    };
    let wall = app.deps.clock.wall();
    let kept = KeptNotice {
        id,
        provider: "webhook".to_owned(),
        notice_id: notice.id.clone(),
        body: b"{}".to_vec(),
        said: serde_json::to_string(&notice).expect("JSON"),
        received_at: wall,
        attempts: 0,
    };
    let stored: Result<bool, StoreError> = app
        .deps
        .store
        .write(move |tx| {
            let kept = kept.clone();
            Box::pin(async move { escrow_notices::insert(tx, &kept, wall).await })
        })
        .await;
    assert!(stored.expect("a notice"));
}
