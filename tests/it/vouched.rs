//! Notices that PayPal is asked about, whether it sent them.

use std::net::SocketAddr;
use std::time::Duration;

use sampan::config::defaults_with;
use sampan::domain::escrow::Act;
use sampan::domain::id::ShipmentId;
use sampan::flows::act_on_order::{self, Wish};
use sampan::outbound::Outbound;
use sampan::sandbox::escrow::keyring::{PAYPAL_CLIENT_ID, PAYPAL_WEBHOOK_ID};
use sampan::sandbox::escrow::{Notify, ProviderOptions};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::provider::world::{Provider, options};
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::http::{Response, send};
use crate::support::rows::{count, text as row_text};
use crate::support::steps::{accept, detail, one_parcel, problem, text};
use crate::support::stub::{Asked, Reply, Stub};
use crate::support::wait::wait_until;

/// PayPal, and who hears what it says in our place.
async fn paypal() -> (Provider, Stub) {
    let hears = Stub::start(|_, _| Reply::json(200, &json!({}))).await;
    let settings = defaults_with("[outbound]\nallow_private_addresses = true").expect("settings");
    let outbound = Outbound::new(&settings.outbound).expect("a client");
    let url = format!("http://{}/", hears.address);
    let notify = Notify { url, first_wait: Duration::from_millis(1), outbound };
    (Provider::start(ProviderOptions { notify: Some(notify), ..options() }), hears)
}

async fn spawn(db: &Database, provider: &Provider) -> App {
    let secret = std::fs::read_to_string(&provider.files.paypal_secret).expect("a secret's file");
    spawn_at(db, provider.address, secret.trim()).await
}

async fn spawn_at(db: &Database, address: SocketAddr, secret: &str) -> App {
    let settings = format!(
        "escrow.paypal.base_url = \"http://{address}\"\nescrow.paypal.client_id = \"{PAYPAL_CLIENT_ID}\"\n\
         escrow.paypal.client_secret = {secret:?}\nescrow.paypal.webhook_id = \"{PAYPAL_WEBHOOK_ID}\"",
    );
    spawn_app(db, &settings).await
}

/// PayPal, where it answers with `word` whether it sent a notice, and fails at everything else.
async fn vouching(word: &'static str) -> Stub {
    Stub::start(move |asked, _| match asked.path.as_str() {
        "/v1/oauth2/token" => Reply::json(200, &json!({"access_token": "A", "expires_in": 600})),
        "/v1/notifications/verify-webhook-signature" => {
            Reply::json(200, &json!({"verification_status": word}))
        }
        _ => Reply::Status(503, Vec::new()),
    })
    .await
}

/// Signed somehow: what the signature is worth is the stub's to say.
async fn told(app: &App, body: &Value) -> Response {
    let headers = [
        ("paypal-auth-algo", "SHA256withRSA"),
        ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-1"),
        ("paypal-transmission-id", "69cd13f0-d67a-11e5-baa3-778b53f4ae55"),
        ("paypal-transmission-sig", "c2ln"),
        ("paypal-transmission-time", "2026-11-22T03:00:00Z"),
    ];
    let body = body.to_string();
    send(app.client.address, "POST", "/v1/escrow/paypal/notify", &headers, body.as_bytes())
        .await
        .expect("an answer")
}

/// Paid by a capture, here and there.
async fn paid(app: &App, provider: &Provider) -> (Value, String) {
    let mut body = one_parcel();
    let capture = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
    body["payment"]["provider"] = json!("paypal");
    body["payment"]["reference"] = json!(capture);
    provider.create("paypal", &capture, text(&body["payment"]["amount"]), json!({})).await;
    (accept(app, &body).await, capture)
}

/// What PayPal says of a capture now, the `nth` time it says anything.
async fn said(provider: &Provider, hears: &Stub, capture: &str, nth: usize) -> Asked {
    provider.control(&format!("/sandbox/notify/{capture}"), &json!({})).await.must_be(202);
    wait_until("PayPal said something", async || hears.asked().len() > nth).await;
    hears.asked().remove(nth)
}

async fn passed_on(app: &App, notice: &Asked, body: &[u8]) -> Response {
    let headers = notice.headers.iter().filter(|(name, _)| name.starts_with("paypal-"));
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(app.client.address, "POST", "/v1/escrow/paypal/notify", &headers, body).await.expect("an answer")
}

async fn settled(app: &App) {
    let open = "SELECT COUNT(*) AS n FROM escrow_notice WHERE settled_at IS NULL";
    wait_until("every notice is settled", async || number(&app.deps.store, open).await == 0).await;
}

/// Paid by a capture, and PayPal only says whether it sent what comes.
async fn paid_here(app: &App) -> (Value, ShipmentId, String) {
    let mut body = one_parcel();
    let capture = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
    body["payment"]["provider"] = json!("paypal");
    body["payment"]["reference"] = json!(capture);
    let accepted = accept(app, &body).await;
    let id = text(&accepted["id"]).parse().expect("a shipment's id");
    (accepted, id, capture)
}

/// Hears about a dispute, and takes it in. `at`: the second at which it stood so.
async fn dispute(app: &App, capture: &str, kind: &str, at: u32, outcome: Option<&str>) {
    let resource = json!({
        "dispute_id": "PP-D-1",
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": if outcome.is_some() { "RESOLVED" } else { "OPEN" },
        "update_time": format!("2026-11-22T03:00:{at:02}.000Z"),
        "dispute_outcome": outcome.map(|code| json!({"outcome_code": code})),
        "disputed_transactions": [{"seller_transaction_id": capture}],
    });
    let id = format!("WH-{kind}-{at}-{capture}");
    let body = json!({"id": id, "event_type": format!("CUSTOMER.DISPUTE.{kind}"), "resource": resource});
    assert_eq!(told(app, &body).await.status, 200);
    settled(app).await;
}

async fn stands(app: &App, accepted: &Value) -> (String, String) {
    let escrow = detail(app, accepted).await["escrow"].clone();
    (text(&escrow["state"]).to_owned(), escrow["frozen_because"].as_str().unwrap_or_default().to_owned())
}

async fn operator(app: &App, shipment: ShipmentId, wish: Wish) {
    act_on_order::act(&app.deps, shipment, None, wish, "operator ana".to_owned()).await.expect("an act");
}

on_both_databases! {
    async fn a_dispute_at_paypal_freezes_its_order_and_thaws_nothing_but_what_it_froze(db: Database) {
        let paypal = vouching("SUCCESS").await;
        let app = spawn_at(&db, paypal.address, "s").await;
        let (accepted, id, capture) = paid_here(&app).await;
        let open = "the buyer's dispute PP-D-1 is open at the provider: MERCHANDISE_OR_SERVICE_NOT_RECEIVED";
        for (kind, at) in [("CREATED", 1), ("UPDATED", 2)] {
            dispute(&app, &capture, kind, at, None).await;
            assert_eq!(stands(&app, &accepted).await, ("frozen".to_owned(), open.to_owned()));
        }
        operator(&app, id, Wish::Do(Act::Frozen { reason: "ana looks".to_owned() })).await;
        dispute(&app, &capture, "RESOLVED", 4, Some("RESOLVED_SELLER_FAVOUR")).await;
        assert_eq!(
            stands(&app, &accepted).await,
            ("frozen".to_owned(), "frozen by an operator: ana looks".to_owned())
        );
        operator(&app, id, Wish::Thaw { reason: "all is well".to_owned(), set_aside: None }).await;
        // Late: it was so before it was decided.
        dispute(&app, &capture, "UPDATED", 3, None).await;
        assert_eq!(stands(&app, &accepted).await.0, "held");
        dispute(&app, &capture, "UPDATED", 5, None).await;
        assert_eq!(stands(&app, &accepted).await, ("frozen".to_owned(), open.to_owned()));
        dispute(&app, &capture, "RESOLVED", 6, Some("RESOLVED_SELLER_FAVOUR")).await;
        assert_eq!(stands(&app, &accepted).await.0, "held");
        let problems = "SELECT COUNT(*) AS n FROM escrow_notice WHERE problem IS NOT NULL";
        assert_eq!(number(&app.deps.store, problems).await, 0);
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn a_dispute_at_paypal_that_ends_otherwise_waits_for_a_person(db: Database) {
        let paypal = vouching("SUCCESS").await;
        let app = spawn_at(&db, paypal.address, "s").await;
        let (accepted, id, capture) = paid_here(&app).await;
        dispute(&app, &capture, "RESOLVED", 1, Some("RESOLVED_BUYER_FAVOUR")).await;
        let (state, because) = stands(&app, &accepted).await;
        assert_eq!(state, "frozen");
        assert_eq!(because, "the buyer's dispute PP-D-1 ended at the provider: RESOLVED_BUYER_FAVOUR");
        operator(&app, id, Wish::Thaw { reason: "paid otherwise".to_owned(), set_aside: None }).await;
        assert_eq!(stands(&app, &accepted).await.0, "held");
        app.stop().await;
    }

    async fn a_dispute_about_money_that_is_gone_is_shown_and_freezes_nothing(db: Database) {
        let paypal = vouching("SUCCESS").await;
        let app = spawn_at(&db, paypal.address, "s").await;
        let (accepted, id, capture) = paid_here(&app).await;
        operator(&app, id, Wish::Do(Act::ProviderReleased { word: "paid out".to_owned() })).await;
        dispute(&app, &capture, "CREATED", 1, None).await;
        assert_eq!(stands(&app, &accepted).await.0, "confirmed");
        let problem = row_text(&app.deps.store, "SELECT problem AS n FROM escrow_notice").await;
        let problem = problem.expect("a problem");
        assert!(problem.contains("PP-D-1") && problem.ends_with("the merchant was paid"), "{problem}");
        app.stop().await;
    }

    async fn only_what_paypal_says_it_sent_is_kept_and_once(db: Database) {
        let (provider, hears) = paypal().await;
        let app = spawn(&db, &provider).await;
        let (accepted, capture) = paid(&app, &provider).await;
        let notice = said(&provider, &hears, &capture, 0).await;
        let mut forged = notice.json();
        forged["resource"]["final_capture"] = json!(false);
        let answer = passed_on(&app, &notice, forged.to_string().as_bytes()).await;
        assert_eq!(problem(&answer, 401), "not-the-providers");
        let unsigned = Asked { headers: Vec::new(), ..notice.clone() };
        assert_eq!(passed_on(&app, &unsigned, &notice.body).await.status, 401);
        assert_eq!(count(&app.deps.store, "escrow_notice").await, 0);
        for _ in 0..2 {
            let answer = passed_on(&app, &notice, &notice.body).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
        }
        settled(&app).await;
        assert_eq!(count(&app.deps.store, "escrow_notice").await, 1);
        assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "held", "a capture is no release");
        assert!(detail(&app, &accepted).await["escrow"]["release_deadline_at"].is_string(), "28 days after it");
        app.stop().await;
    }

    async fn what_concerns_no_order_of_ours_is_acknowledged_and_paypal_is_not_asked(db: Database) {
        let (provider, hears) = paypal().await;
        let app = spawn(&db, &provider).await;
        let capture = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        provider.create("paypal", &capture, "10.00", json!({})).await;
        let notice = said(&provider, &hears, &capture, 0).await;
        let mut forged = notice.json();
        for _ in 0..2 {
            assert_eq!(passed_on(&app, &notice, forged.to_string().as_bytes()).await.status, 200);
            forged["id"] = json!("WH-somebody-elses");
        }
        let approved = json!({"id": "WH-2", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": {}}).to_string();
        assert_eq!(passed_on(&app, &notice, approved.as_bytes()).await.status, 200);
        assert_eq!(passed_on(&app, &notice, b"{}").await.status, 401, "PayPal did not send this");
        assert_eq!(passed_on(&app, &notice, b"").await.status, 401, "nor can it have");
        assert_eq!(count(&app.deps.store, "escrow_notice").await, 0);
        app.stop().await;
    }

    async fn a_refund_at_paypal_is_written_down(db: Database) {
        let (provider, hears) = paypal().await;
        let app = spawn(&db, &provider).await;
        let (accepted, capture) = paid(&app, &provider).await;
        let path = format!("/v2/payments/captures/{capture}/refund");
        provider.paypal("POST", &path, "R1", json!({})).await.must_be(201);
        let notice = said(&provider, &hears, &capture, 0).await;
        assert_eq!(notice.json()["event_type"], "PAYMENT.CAPTURE.REFUNDED");
        assert_eq!(passed_on(&app, &notice, &notice.body).await.status, 200);
        settled(&app).await;
        assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "refunded");
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn what_paypal_sent_and_nobody_can_read_is_kept_for_a_person(db: Database) {
        let nameless = json!({"id": "WH-7", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": {
            "dispute_id": "PP-D-1", "disputed_transactions": [{}, {}],
        }});
        for (word, status, kept) in [("FAILURE", 401, 0), ("SUCCESS", 200, 1)] {
            let paypal = vouching(word).await;
            let app = spawn_at(&db, paypal.address, "s").await;
            for _ in 0..2 {
                assert_eq!(told(&app, &nameless).await.status, status);
            }
            assert_eq!(count(&app.deps.store, "escrow_notice").await, kept);
            settled(&app).await;
            app.stop().await;
        }
        let app = spawn_at(&db, vouching("SUCCESS").await.address, "s").await;
        let problem = "SELECT problem AS n FROM escrow_notice";
        let problem = row_text(&app.deps.store, problem).await;
        assert_eq!(problem.as_deref(), Some("it cannot be read: it names no capture"));
        app.stop().await;
    }

    async fn where_paypal_does_not_say_the_notice_comes_again(db: Database) {
        let (provider, hears) = paypal().await;
        let app = spawn(&db, &provider).await;
        let (_, capture) = paid(&app, &provider).await;
        let notice = said(&provider, &hears, &capture, 0).await;
        let silent = Stub::start(|asked, _| match asked.path.as_str() {
            "/v1/oauth2/token" => Reply::json(200, &json!({"access_token": "A", "expires_in": 600})),
            _ => Reply::Status(503, Vec::new()),
        })
        .await;
        app.stop().await;
        let app = spawn_at(&db, silent.address, "s").await;
        assert_eq!(passed_on(&app, &notice, &notice.body).await.status, 503);
        assert_eq!(count(&app.deps.store, "escrow_notice").await, 0);
        app.stop().await;
    }
}
