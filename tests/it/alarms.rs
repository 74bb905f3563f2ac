//! What went wrong with money and nobody but people can mend is said loudly, and once.

use sampan::flows::send_triggers;
use sampan::flows::tend_outbox::{ByHand, by_hand};
use sampan::store::outbox;
use serde_json::json;

use crate::on_both_databases;
use crate::support::app::spawn_app;
use crate::support::database::{Database, number};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::operator::Operator;
use crate::support::steps::{accept, detail, scan_until, text};
use crate::support::stub::{Reply, Stub, delivering_carrier};
use crate::support::wait::wait_until;

on_both_databases! {
    async fn a_release_that_took_effect_although_its_money_went_back_raises_an_alarm(db: Database) {
        let provider = Stub::start(|asked, _| match asked.json()["data"]["action"] == "confirm_receipt" {
            true => Reply::Status(500, Vec::new()),
            false => Reply::json(200, &json!({})),
        })
        .await;
        let carrier = delivering_carrier().await;
        let hurried = format!(
            "escrow.webhook_url = \"http://{}/escrow\"\ncarriers.dhl_unified.base_url = \"http://{}\"\n\
             outbox.retry_seconds = [0]\n",
            provider.address, carrier.address
        );
        let app = spawn_app(&db, &hurried).await;
        let (ana, ben) = (Operator::new(&app, "ana").await, Operator::new(&app, "ben").await);
        let body = pickup(TWO_PARCELS);
        let accepted = accept(&app, &body).await;
        scan_until(&app, &accepted, "handed_over").await;
        let state_is = async |state: &str| {
            let seen = async || detail(&app, &accepted).await["escrow"]["state"] == state;
            wait_until(&format!("the order is {state}"), seen).await;
        };
        state_is("failed").await;
        let escrow = detail(&app, &accepted).await["escrow"].clone();
        let all = escrow["triggers"].as_array().expect("triggers");
        let confirm = all.iter().find(|trigger| trigger["action"] == "confirm_receipt").expect("a confirmation");
        let confirm = text(&confirm["id"]).parse().expect("a trigger");
        by_hand(&app.deps, confirm, ByHand::NoEffect, "operator ana".to_owned()).await.expect("a doubt that ends");
        let all_of_it = json!({
            "reason": "lost", "amount": body["payment"]["amount"], "currency": body["payment"]["currency"],
        });
        ana.says(&app, &accepted, "refund", all_of_it.clone()).await.must_be(200);
        ben.says(&app, &accepted, "refund/approve", all_of_it).await.must_be(200);
        state_is("refunded").await;
        // Whoever said so was wrong.
        let message = outbox::find(app.deps.store.reader(), confirm).await.expect("an answer").expect("a message");
        for _ in 0..2 {
            send_triggers::acknowledged(&app.deps, message.clone()).await.expect("a commit");
        }
        let alarms = "SELECT COUNT(*) AS n FROM audit_entry WHERE action = 'order.released_against_hold'";
        assert_eq!(number(&app.deps.store, alarms).await, 1);
        assert_eq!(detail(&app, &accepted).await["escrow"]["state"], "refunded");
        app.stop().await;
    }
}
