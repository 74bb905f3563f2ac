//! What a clock put off that was ahead.

use chrono::TimeDelta;
use sampan::flows::{poll_carriers, shorten_waits};

use crate::on_both_databases;
use crate::support::app::spawn_app;
use crate::support::database::{Database, number};
use crate::support::rows::change;
use crate::support::steps::{accept, one_parcel, scan_until};
use crate::support::stub::{Reply, Stub, delivering_carrier};
use crate::support::wait::wait_until;

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIHByb3ZpZGVyIGluIGEgdGVzdA";

/// Every column that a daemon waits by, and what of its rows count.
const PUT_OFF: [(&str, &str); 4] = [
    ("outbox", "next_attempt_at"),
    ("outbox", "leased_until"),
    ("tracked_number", "claimed_until"),
    ("tracked_number", "next_poll_at"),
];

on_both_databases! {
    async fn what_a_clock_of_another_decade_put_off_is_not_put_off_for_a_decade(db: Database) {
        let provider = Stub::start(|_, _| Reply::Status(503, Vec::new())).await;
        let carrier = delivering_carrier().await;
        let settings = format!(
            "escrow.webhook_url = \"http://{}/escrow\"\nescrow.webhook_secret = \"{SECRET}\"\n\
             outbox.retry_seconds = [3000]\ncarriers.dhl_unified.base_url = \"http://{}\"\n",
            provider.address, carrier.address
        );
        let app = spawn_app(&db, &settings).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        let store = &app.deps.store;
        let told = async || number(store, "SELECT COUNT(*) AS n FROM outbox WHERE state = 'pending' AND attempts > 0").await > 0;
        wait_until("a trigger waits for its next try", told).await;
        let answered = async || number(store, "SELECT COUNT(*) AS n FROM tracked_number WHERE answered_at IS NOT NULL").await > 0;
        wait_until("the carrier was asked", answered).await;

        let now = app.deps.clock.wall();
        let (an_hour, a_week) = (now + TimeDelta::hours(1), now + TimeDelta::days(7));
        let hour = format!("UPDATE outbox SET next_attempt_at = {}", an_hour.timestamp_micros());
        change(&db, &hour).await;
        shorten_waits::run_due(&app.deps).await.expect("waits");
        let kept = number(store, "SELECT MAX(next_attempt_at) AS n FROM outbox WHERE state = 'pending'").await;
        assert_eq!(kept, an_hour.timestamp_micros(), "a wait that the schedule can make stays as it is");

        let claim = app.deps.clock.wall() + poll_carriers::claim_lasts(&app.deps.settings) + TimeDelta::seconds(5);
        change(&db, &format!("UPDATE tracked_number SET claimed_until = {}", claim.timestamp_micros())).await;
        shorten_waits::run_due(&app.deps).await.expect("waits");
        let kept = number(store, "SELECT MAX(claimed_until) AS n FROM tracked_number").await;
        assert_eq!(kept, claim.timestamp_micros(), "one whose clock is a little ahead keeps what it is at work on");

        let decade = (now + TimeDelta::days(3_650)).timestamp_micros();
        for (table, column) in PUT_OFF {
            assert!(change(&db, &format!("UPDATE {table} SET {column} = {decade}")).await > 0, "{table}");
        }
        shorten_waits::run_due(&app.deps).await.expect("waits");
        for (table, column) in PUT_OFF {
            let rows = if table == "outbox" { "state = 'pending'" } else { "1 = 1" };
            let longest = number(store, &format!("SELECT MAX({column}) AS n FROM {table} WHERE {rows}")).await;
            assert!(longest < a_week.timestamp_micros(), "{table}.{column} waits until {longest}");
        }
        let claim = number(store, "SELECT MAX(claimed_until) AS n FROM tracked_number").await;
        assert!(claim < an_hour.timestamp_micros(), "a claim lasts for minutes");
        assert_eq!(shorten_waits::run_due(&app.deps).await.expect("waits"), 0, "and nothing is shortened twice");
        app.stop().await;
    }
}
