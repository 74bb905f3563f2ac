//! Payments that are declared to customs by their provider: once, when the goods are on their way, and beside the money.

use sampan::sandbox::escrow::keyring::ANTOM_CLIENT_ID;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::provider::world::Provider;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::journey::{long_ago, scans};
use crate::support::rows::{change, text as row_text};
use crate::support::steps::{accept, detail, one_parcel, scan_until, text};
use crate::support::stub::delivering_carrier;
use crate::support::wait::wait_until;

const OFFICE: &str = "escrow.customs.place = \"HANGZHOU\"\nescrow.customs.merchant_code = \"3301963K8L\"\n\
     escrow.customs.merchant_name = \"Shop\"";

async fn spawn(db: &Database, provider: &Provider, more: &str) -> App {
    let (address, files) = (provider.address, &provider.files);
    let settings = format!(
        "escrow.antom.base_url = \"http://{address}/ams/api\"\nescrow.antom.client_id = \"{ANTOM_CLIENT_ID}\"\n\
         escrow.antom.private_key_file = {:?}\nescrow.antom.public_key_file = {:?}\n{more}",
        files.antom_merchant_key.display().to_string(),
        files.antom_provider_public.display().to_string(),
    );
    spawn_app(db, &settings).await
}

/// Paid through Antom, and cleared so.
async fn accepted(app: &App, provider: &Provider, clearance: &str) -> (Value, String) {
    let mut body = one_parcel();
    body["clearance"] = json!(clearance);
    body["payment"]["provider"] = json!("antom");
    assert_eq!(body["payment"]["currency"], "CNY");
    let reference = text(&body["payment"]["reference"]).to_owned();
    provider.create("antom", &reference, text(&body["payment"]["amount"]), json!({})).await;
    (accept(app, &body).await, reference)
}

async fn declared(provider: &Provider, reference: &str) -> i64 {
    let shown = provider.look(&format!("/sandbox/trades/{reference}")).await;
    shown["trade"]["declared_minor"].as_i64().expect("an amount")
}

async fn held(provider: &Provider, reference: &str) -> String {
    let shown = provider.look(&format!("/sandbox/trades/{reference}")).await;
    text(&shown["trade"]["held"]["amount"]).replace('.', "")
}

async fn declarations(app: &App, accepted: &Value) -> Vec<Value> {
    let escrow = detail(app, accepted).await["escrow"].clone();
    let triggers = escrow["triggers"].as_array().expect("triggers").clone();
    triggers.into_iter().filter(|trigger| trigger["action"] == "declare_customs").collect()
}

async fn travel(app: &App, accepted: &Value) {
    for scan in scans(accepted, long_ago()) {
        let answer = app.client.scan(&scan.hub, &scan.body).await.expect("an answer");
        assert!(answer.status < 300, "{}", answer.text());
    }
}

on_both_databases! {
    async fn a_payment_is_declared_once_and_its_number_kept(db: Database) {
        let provider = Provider::plain();
        let app = spawn(&db, &provider, OFFICE).await;
        let (accepted, reference) = accepted(&app, &provider, "9610").await;
        assert_eq!(declarations(&app, &accepted).await, Vec::<Value>::new(), "nothing was picked up");
        scan_until(&app, &accepted, "received").await;
        wait_until("it is declared", async || {
            let all = declarations(&app, &accepted).await;
            all.first().is_some_and(|one| one["acknowledged_at"].is_string())
        })
        .await;
        let all = declarations(&app, &accepted).await;
        assert_eq!(all.len(), 1);
        assert!(!text(&all[0]["declaration"]["number"]).is_empty(), "{}", all[0]);
        assert_eq!(declared(&provider, &reference).await.to_string(), held(&provider, &reference).await);
        let audited = "SELECT detail AS n FROM audit_entry WHERE action = 'trigger.acknowledged'";
        let audited = row_text(&app.deps.store, audited).await.expect("an entry");
        assert!(audited.contains("declaration_number"), "{audited}");
        assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "shipped");
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn what_is_cleared_as_personal_articles_or_without_an_office_is_not_declared(db: Database) {
        let provider = Provider::plain();
        for (clearance, settings) in [("express", OFFICE), ("9610", "")] {
            let app = spawn(&db, &provider, settings).await;
            let (accepted, reference) = accepted(&app, &provider, clearance).await;
            scan_until(&app, &accepted, "received").await;
            assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "shipped");
            assert_eq!(declarations(&app, &accepted).await, Vec::<Value>::new());
            assert_eq!(declared(&provider, &reference).await, 0);
            app.stop().await;
        }
    }

    async fn a_declaration_that_does_not_get_through_holds_up_no_money_and_is_made_once(db: Database) {
        let (provider, carrier) = (Provider::plain(), delivering_carrier().await);
        let more = format!(
            "{OFFICE}\noutbox.retry_seconds = [86400]\ncarriers.dhl_unified.base_url = \"http://{}\"",
            carrier.address
        );
        let app = spawn(&db, &provider, &more).await;
        let (accepted, reference) = accepted(&app, &provider, "9610").await;
        provider.set_faults(json!({"lose_answers": 1.0})).await;
        scan_until(&app, &accepted, "received").await;
        let lost = "SELECT COUNT(*) AS n FROM outbox WHERE last_problem IS NOT NULL AND claims > answered";
        wait_until("its answer is lost", async || number(&app.deps.store, lost).await == 1).await;
        provider.set_faults(json!({})).await;
        travel(&app, &accepted).await;
        wait_until("the merchant is paid", async || {
            detail(&app, &accepted).await["escrow"]["state"] == "confirmed"
        })
        .await;
        assert_eq!(declarations(&app, &accepted).await[0]["acknowledged_at"], json!(null));
        change(&db, "UPDATE outbox SET next_attempt_at = 0 WHERE state = 'pending'").await;
        wait_until("it got through", async || {
            declarations(&app, &accepted).await[0]["declaration"]["number"].is_string()
        })
        .await;
        assert_eq!(declared(&provider, &reference).await.to_string(), held(&provider, &reference).await);
        app.stop().await;
    }

    async fn a_declaration_that_is_refused_is_a_dead_letter_and_no_more(db: Database) {
        let (provider, carrier) = (Provider::plain(), delivering_carrier().await);
        let more = format!("{OFFICE}\ncarriers.dhl_unified.base_url = \"http://{}\"", carrier.address);
        let app = spawn(&db, &provider, &more).await;
        let mut body = one_parcel();
        body["clearance"] = json!("9610");
        body["payment"]["provider"] = json!("antom");
        // Customs takes yuan alone.
        body["payment"]["currency"] = json!("USD");
        let accepted = accept(&app, &body).await;
        let reference = text(&body["payment"]["reference"]);
        provider.create("antom", reference, text(&body["payment"]["amount"]), json!({"currency": "USD"})).await;
        travel(&app, &accepted).await;
        wait_until("the merchant is paid", async || {
            detail(&app, &accepted).await["escrow"]["state"] == "confirmed"
        })
        .await;
        let dead = "SELECT last_problem AS n FROM outbox WHERE state = 'dead'";
        assert!(row_text(&app.deps.store, dead).await.is_some_and(|problem| problem.contains("CNY")));
        app.stop().await;
    }
}
