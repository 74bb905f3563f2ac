//! Orders paid for by each provider, in its own format, from the first scan until the merchant has the money: the
//! daemon and the provider's sandbox speak with each other and with nobody else.

use sampan::domain::outbox::OutboxState;
use sampan::flows::tend_outbox::{ByHand, by_hand};
use sampan::sandbox::escrow::keyring::{ANTOM_CLIENT_ID, APP_ID, PARTNER, PAYPAL_CLIENT_ID};
use sampan::store::audit;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::provider::world::Provider;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::journey::{TWO_PARCELS, long_ago, pickup, scans};
use crate::support::rows::change;
use crate::support::steps::{accept, detail, one_parcel, pointers, scan_until, text};
use crate::support::stub::delivering_carrier;
use crate::support::wait::wait_until;

async fn spawn(db: &Database, provider: &Provider, more: &str) -> App {
    let (address, files, carrier) = (provider.address, &provider.files, delivering_carrier().await.address);
    let path = |file: &std::path::Path| format!("{:?}", file.display().to_string());
    let secret = std::fs::read_to_string(&files.paypal_secret).expect("a secret's file");
    let settings = format!(
        "escrow.alipay.base_url = \"http://{address}/gateway.do\"\nescrow.alipay.app_id = \"{APP_ID}\"\n\
         escrow.alipay.private_key_file = {}\nescrow.alipay.public_key_file = {}\n\
         escrow.antom.base_url = \"http://{address}/ams/api\"\nescrow.antom.client_id = \"{ANTOM_CLIENT_ID}\"\n\
         escrow.antom.private_key_file = {}\nescrow.antom.public_key_file = {}\n\
         escrow.paypal.base_url = \"http://{address}\"\nescrow.paypal.client_id = \"{PAYPAL_CLIENT_ID}\"\n\
         escrow.paypal.client_secret = {:?}\nescrow.webhook_url = \"http://{address}/triggers\"\n\
         escrow.webhook_inquire_url = \"http://{address}/triggers\"\nescrow.webhook_secret = {:?}\noutbox.retry_seconds = [0, 0, 0]\n\
         carriers.dhl_unified.base_url = \"http://{carrier}\"\n{more}",
        path(&files.alipay_merchant_key),
        path(&files.alipay_provider_public),
        path(&files.antom_merchant_key),
        path(&files.antom_provider_public),
        secret.trim(),
        std::fs::read_to_string(&files.webhook_secret).expect("a secret's file").trim(),
    );
    spawn_app(db, &settings).await
}

fn with_legacy(provider: &Provider) -> String {
    format!(
        "escrow.alipay.legacy_base_url = \"http://{}/gateway.do\"\nescrow.alipay.legacy_partner = \"{PARTNER}\"\n\
         escrow.alipay.legacy_key_file = {:?}",
        provider.address,
        provider.files.alipay_md5_key.display().to_string(),
    )
}

/// An order that is paid for, and its payment.
struct Paid {
    accepted: Value,
    reference: String,
    fen: i64,
}

impl Paid {
    async fn through(app: &App, provider: &Provider, name: &str, mut body: Value) -> Self {
        let reference = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        body["payment"]["provider"] = json!(name);
        body["payment"]["reference"] = json!(reference);
        assert_eq!(body["payment"]["currency"], "CNY");
        let amount = text(&body["payment"]["amount"]).to_owned();
        provider.create(name, &reference, &amount, json!({})).await;
        let fen = amount.replace('.', "").parse().expect("an amount with two digits behind its point");
        Self { accepted: accept(app, &body).await, reference, fen }
    }

    /// Every scan as planned, those again that were made before.
    async fn deliver(&self, app: &App) {
        for scan in scans(&self.accepted, long_ago()) {
            let answer = app.client.scan(&scan.hub, &scan.body).await.expect("an answer");
            assert!(answer.status < 300, "{}", answer.text());
        }
    }

    async fn escrow(&self, app: &App) -> Value {
        detail(app, &self.accepted).await["escrow"].clone()
    }

    async fn is(&self, app: &App, state: &str) {
        let there = async || self.escrow(app).await["state"] == state;
        wait_until(&format!("the order is {state}"), there).await;
    }

    /// Of each kind that was acknowledged, how many.
    async fn told(&self, app: &App, action: &str) -> usize {
        let escrow = self.escrow(app).await;
        let triggers = escrow["triggers"].as_array().expect("triggers");
        let such = |one: &&Value| one["action"] == action && one["acknowledged_at"].is_string();
        triggers.iter().filter(such).count()
    }
}

fn by_parcel() -> Value {
    let mut body = pickup(TWO_PARCELS);
    body["payment"]["release_policy"] = json!({"release": "on_delivery", "release_by": "parcel"});
    body
}

async fn is_whole(app: &App) {
    let verified = audit::verify(&app.deps.store).await.expect("the audit");
    assert_eq!(verified.breaks, vec![]);
    let dead = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'dead'";
    assert_eq!(number(&app.deps.store, dead).await, 0);
}

on_both_databases! {
    async fn each_provider_that_waits_for_our_word_pays_the_whole(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, "").await;
        for name in ["alipay", "antom"] {
            let paid = Paid::through(&app, &provider, name, one_parcel()).await;
            paid.deliver(&app).await;
            paid.is(&app, "confirmed").await;
            assert_eq!(provider.moved(&paid.reference).await, (paid.fen, 0), "{name}");
        }
        is_whole(&app).await;
        app.stop().await;
    }

    async fn by_parcel_the_shares_are_the_whole_and_goods_are_sent_once(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, &with_legacy(&provider)).await;
        let paid = Paid::through(&app, &provider, "alipay", by_parcel()).await;
        let (first, rest): (Vec<_>, Vec<_>) =
            scans(&paid.accepted, long_ago()).into_iter().partition(|scan| scan.body["parcel"] == paid.accepted["parcels"][0]["id"]);
        for scan in first {
            app.client.scan(&scan.hub, &scan.body).await.expect("an answer").must_be(201);
        }
        let share = async || provider.moved(&paid.reference).await.0;
        wait_until("the first share is paid", async || share().await > 0).await;
        assert!(share().await < paid.fen);
        assert_eq!(paid.told(&app, "shipped").await, 0, "half of the goods is not there yet");
        for scan in rest {
            app.client.scan(&scan.hub, &scan.body).await.expect("an answer").must_be(201);
        }
        paid.is(&app, "confirmed").await;
        assert_eq!(provider.moved(&paid.reference).await, (paid.fen, 0));
        is_whole(&app).await;
        app.stop().await;
    }

    async fn a_trade_of_the_gateway_of_old_is_sent_when_its_last_parcel_is(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, &with_legacy(&provider)).await;
        for (body, shares) in [(pickup(TWO_PARCELS), 1), (by_parcel(), 2)] {
            let paid = Paid::through(&app, &provider, "alipay", body).await;
            scan_until(&app, &paid.accepted, "received").await;
            wait_until("it knows that the goods are sent", async || paid.told(&app, "shipped").await > 0).await;
            let trade = provider.look(&format!("/sandbox/trades/{}", paid.reference)).await;
            assert!(trade["trade"]["shipped_at"].is_string(), "{trade}");
            paid.deliver(&app).await;
            paid.is(&app, "confirmed").await;
            assert_eq!((paid.told(&app, "shipped").await, paid.told(&app, "confirm_receipt").await), (1, shares));
        }
        is_whole(&app).await;
        app.stop().await;
    }

    async fn lost_answers_and_errors_are_asked_about_and_nothing_is_paid_twice(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, "").await;
        for faults in [json!({"lose_answers": 1.0}), json!({"errors": 1.0}), json!({"unknown": 1.0})] {
            for name in ["alipay", "antom"] {
                let paid = Paid::through(&app, &provider, name, one_parcel()).await;
                provider.set_faults(faults.clone()).await;
                paid.deliver(&app).await;
                let tried = format!(
                    "SELECT COUNT(*) AS n FROM outbox WHERE attempts > 0 AND body LIKE '%{}%'", paid.reference
                );
                wait_until("it was tried", async || number(&app.deps.store, &tried).await > 0).await;
                provider.set_faults(json!({})).await;
                change(&db, "UPDATE outbox SET next_attempt_at = 0 WHERE state = 'pending'").await;
                paid.is(&app, "confirmed").await;
                assert_eq!(provider.moved(&paid.reference).await, (paid.fen, 0), "{name} {faults}");
            }
        }
        is_whole(&app).await;
        app.stop().await;
    }

    async fn a_release_that_is_refused_since_the_provider_released_by_itself_has_not_failed(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, "").await;
        // Alipay does not say for good that it refuses it, and so nobody knows whose release it was.
        for (name, refused) in [("webhook", "parked"), ("alipay", "dead")] {
            let paid = Paid::through(&app, &provider, name, one_parcel()).await;
            // And nobody says so.
            provider.control(&format!("/sandbox/trades/{}/release", paid.reference), &json!({})).await.must_be(200);
            paid.deliver(&app).await;
            paid.is(&app, "confirmed").await;
            let escrow = paid.escrow(&app).await;
            assert_eq!((paid.told(&app, "confirm_receipt").await, &escrow["frozen_because"]), (0, &json!("released")), "{name}");
            assert_eq!(provider.moved(&paid.reference).await, (paid.fen, 0), "{name}");
            let such = format!(
                "SELECT COUNT(*) AS n FROM outbox WHERE state = '{refused}' AND body LIKE '%{}%'", paid.reference
            );
            assert_eq!(number(&app.deps.store, &such).await, 1, "{name}");
            let all = escrow["triggers"].as_array().expect("triggers");
            let confirm = all.iter().find(|trigger| trigger["action"] == "confirm_receipt").expect("a release");
            let confirm = text(&confirm["id"]).parse().expect("a trigger");
            if name == "webhook" {
                let again = by_hand(&app.deps, confirm, ByHand::Retry, "operator ana".to_owned()).await;
                let again = again.expect("a parked one can be tried again");
                assert_eq!(
                    (again.state, again.last_problem.as_deref()),
                    (OutboxState::Parked, Some("its money has moved"))
                );
            }
        }
        app.stop().await;
    }

    async fn a_release_that_is_refused_since_less_was_paid_has_failed(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, "").await;
        let mut body = one_parcel();
        body["payment"]["provider"] = json!("webhook");
        body["payment"]["reference"] = json!("LESS");
        provider.create("webhook", "LESS", "1.00", json!({})).await;
        provider.control("/sandbox/trades/LESS/release", &json!({})).await.must_be(200);
        let paid = Paid { accepted: accept(&app, &body).await, reference: "LESS".to_owned(), fen: 100 };
        paid.deliver(&app).await;
        paid.is(&app, "failed").await;
        app.stop().await;
    }

    async fn paypal_is_told_of_many_parcels_and_of_few(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, "").await;
        for body in [one_parcel(), pickup(TWO_PARCELS), many_parcels()] {
            let paid = Paid::through(&app, &provider, "paypal", body).await;
            paid.deliver(&app).await;
            wait_until("it knows of the delivery", async || paid.told(&app, "delivered").await == 1).await;
            assert_eq!((paid.told(&app, "shipped").await, paid.told(&app, "confirm_receipt").await), (1, 0));
            assert_eq!(paid.escrow(&app).await["state"], "delivered", "it releases by itself");
        }
        is_whole(&app).await;
        app.stop().await;
    }

    async fn a_payment_that_its_provider_cannot_hold_is_refused_when_it_is_named(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, "").await;
        for (name, reference, currency, field) in [
            ("alipay", "2026112200001", "USD", "/payment/currency"),
            ("alipay", "not a trade number", "CNY", "/payment/reference"),
            ("antom", "with spaces", "CNY", "/payment/reference"),
            ("paypal", "three/slashed/ids", "USD", "/payment/reference"),
            ("antom", "2026112200001", "IDR", "/payment/amount"),
            ("paypal", "2026112200001", "HUF", "/payment/amount"),
        ] {
            let mut body = one_parcel();
            body["payment"]["provider"] = json!(name);
            body["payment"]["reference"] = json!(reference);
            body["payment"]["currency"] = json!(currency);
            body["payment"]["amount"] = json!("100.50");
            let answer = app.client.post_pickup(&body, None).await.expect("an answer");
            assert_eq!((answer.status, pointers(&answer)), (422, vec![field.to_owned()]), "{name} {reference}");
        }
        app.stop().await;
    }
}

/// More than PayPal takes at once.
fn many_parcels() -> Value {
    let mut body = one_parcel();
    let one = body["parcels"][0].clone();
    let parcels = (1..=23).map(|number| {
        let mut parcel = one.clone();
        parcel["reference"] = json!(format!("BOX-{number}"));
        parcel
    });
    body["parcels"] = parcels.collect();
    body
}
