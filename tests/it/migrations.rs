//! A schema change is there whole or not at all, wherever a daemon dies in it.

use migration::{Migrator, MigratorTrait};
use sampan::store::{Store, schema, webhook_endpoints};
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::hooks::{hook, listening, newest_is, ping};
use crate::support::rows::change;
use crate::support::steps::{accept, accept_two_parcels, detail, one_parcel, scan_until};
use crate::support::stub::delivering_carrier;
use crate::support::wait::wait_until;

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIHByb3ZpZGVyIGluIGEgdGVzdA";

/// Of which a daemon asks all the time, with statements that it has prepared.
const ASKED: [&str; 21] = [
    "shipment",
    "parcel",
    "plan",
    "pickup_request",
    "booking",
    "departure",
    "tracking_event",
    "tracked_number",
    "number_owner",
    "carrier_account",
    "carrier_answer",
    "escrow_order",
    "escrow_trigger",
    "payment_owner",
    "outbox",
    "audit_entry",
    "webhook_endpoint",
    "webhook_message",
    "idempotency_key",
    "merchant_key",
    "hub_key",
];

/// Until so many orders are paid for and their merchant has heard all of it.
async fn paid(app: &App, orders: i64) {
    let open = "SELECT (SELECT COUNT(*) FROM escrow_order WHERE state = 'confirmed') \
         - (SELECT COUNT(*) FROM webhook_message WHERE state <> 'acknowledged') AS n";
    wait_until("it is paid for", async || number(&app.deps.store, open).await == orders).await;
}

/// The name of the third table of the first migration.
const IN_THE_WAY: &str = "CREATE TABLE hub_key (hash text)";

on_both_databases! {
    /// What stops it here is a table in its way; a `kill -9` leaves the same half behind.
    async fn a_migration_that_is_cut_short_leaves_nothing(db: Database) {
        schema::down(&db.url).await.expect("back to nothing");
        let store = Store::connect(&db.url, 1).await.expect("a connection");
        store.reader().execute_unprepared(IN_THE_WAY).await.expect("a table that does not belong there");
        let cut_short = schema::up(&db.url).await;
        assert!(cut_short.is_err(), "the first migration cannot make its third table: {cut_short:?}");
        store.reader().execute_unprepared("DROP TABLE hub_key").await.expect("out of the way");

        let again = schema::up(&db.url).await;
        assert!(again.is_ok(), "nothing of the first try is in the way of the second: {again:?}");
        assert!(schema::is_current(&store).await.expect("an answer"));
        store.close().await;
    }

    async fn the_schema_goes_up_and_down_and_up(db: Database) {
        assert_eq!(schema::up(&db.url).await.expect("nothing to do"), [""; 0]);
        let down = schema::down(&db.url).await.expect("every step back");
        let mut up = schema::up(&db.url).await.expect("every step again");
        up.reverse();
        assert_eq!(up, down);
    }

    async fn a_daemon_goes_on_when_a_newer_one_has_added_columns(db: Database) {
        let (provider, carrier) = (listening().await, delivering_carrier().await);
        let settings = format!(
            "database.connections_max = 1\nescrow.webhook_url = \"http://{}/escrow\"\nescrow.webhook_secret = \"{SECRET}\"\n\
             carriers.dhl_unified.base_url = \"http://{}\"\n",
            provider.address, carrier.address
        );
        let app = spawn_app(&db, &settings).await;
        hook(&app.client, &provider, "hooks", &["*"]).await;
        let first = accept(&app, &one_parcel()).await;
        scan_until(&app, &first, "handed_over").await;
        paid(&app, 1).await;
        for table in ASKED {
            change(&db, &format!("ALTER TABLE {table} ADD COLUMN of_a_newer_version TEXT")).await;
        }
        let mut another = one_parcel();
        another["reference"] = json!("R-AFTER");
        another["payment"]["reference"] = json!("P-AFTER");
        let second = accept(&app, &another).await;
        scan_until(&app, &second, "handed_over").await;
        paid(&app, 2).await;
        assert_eq!(detail(&app, &second).await["status"], "delivered");
        app.stop().await;
    }

    async fn endpoints_and_what_they_were_told_outlive_their_subscriptions(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let endpoint = hook(&app.client, &stub, "hooks", &["pickup.*"]).await;
        accept_two_parcels(&app).await;
        newest_is(&app.client, &endpoint.path, "acknowledged").await;
        ping(&app.client, &endpoint.path).await;
        newest_is(&app.client, &endpoint.path, "acknowledged").await;
        let merchant = app.client.keys.merchant;
        app.stop().await;

        let store = Store::connect(&db.url, 1).await.expect("a connection");
        let names = schema::status(&db.url).await.expect("the steps");
        let since = names.iter().position(|step| step.name.ends_with("webhook_subscriptions"));
        let steps = names.len() - since.expect("the step");
        Migrator::down(store.reader().pool().expect("a pool"), Some(steps as u32)).await.expect("a way back");
        let messages = "SELECT COUNT(*) AS n FROM webhook_message";
        assert_eq!(number(&store, messages).await, 1, "what nobody knew before is gone");
        Migrator::up(store.reader().pool().expect("a pool"), None).await.expect("a way up, with rows");
        assert_eq!(number(&store, messages).await, 1);
        let known = webhook_endpoints::of_merchant(store.reader(), merchant).await.expect("endpoints");
        assert_eq!(known.len(), 1);
        assert!(known[0].secrets.is_empty() && known[0].events.covers("escrow.code".parse().expect("a kind")));
        assert!(schema::is_current(&store).await.expect("an answer"));
        store.close().await;
    }
}
