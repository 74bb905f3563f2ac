//! The real daemon, killed between every two steps, started again, and looked over.
//!
//! Each test is one journey: a merchant posts a pickup and asks again until it has an
//! answer, hubs scan and scan again, a carrier delivers, a provider is told. At one point
//! of it the daemon kills itself as `kill -9` would. Whatever the point, the same has to
//! be true afterwards: `crash/invariants.rs` says what.

mod invariants;
mod load;
mod patient;
mod replan;

use crate::on_both_databases;
use crate::support::app::prepare;
use crate::support::database::Database;
use crate::support::journey::{self, pickup, scans, tracking_number};
use crate::support::world::{Troubles, World};
use patient::Patient;

/// A shop's order, to the door and to its money, with a death at `kill_at`.
async fn journey(db: Database, kill_at: &str) {
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    let mut patient = Patient::start(&db, &world, keys, kill_at).await;
    let body = pickup(journey::TWO_PARCELS);

    let answer = patient.ask(async |merchant| merchant.post_pickup(&body, Some("order 1")).await).await;
    let accepted = answer.must_be(201);
    let again = patient.ask(async |merchant| merchant.post_pickup(&body, Some("order 1")).await).await;
    assert_eq!(again.must_be(201), accepted, "the same key gets the same answer, word by word");
    assert_eq!(again.header("idempotency-replayed"), Some("true"));

    let booked_at = journey::long_ago();
    let parcels = accepted["parcels"].as_array().expect("parcels");
    let numbers: Vec<_> = parcels.iter().map(tracking_number).collect();
    for number in &numbers {
        world.carrier.book_at(number.parse().expect("a tracking number"), "Shanghai", booked_at);
    }
    let scans = scans(&accepted, booked_at - chrono::TimeDelta::days(2));
    for scan in &scans {
        let answer = patient.ask(async |hub| hub.scan(&scan.hub, &scan.body).await).await;
        // 200: it was recorded, and the daemon died before it could say so.
        assert!(matches!(answer.status, 200 | 201), "a scan was refused: {}", answer.text());
    }
    patient.until_confirmed(&accepted).await;
    let store = db.store().await;
    let events_before = invariants::events(&store).await;
    patient.until_asked_again(&store).await;
    patient.stop().await;

    let mut events_expected = 1 + scans.len();
    for number in &numbers {
        events_expected += world.carrier_events(number).await;
    }
    assert_eq!(events_before, events_expected as i64, "each event is stored once");
    assert_eq!(invariants::events(&store).await, events_before, "asking again adds nothing");
    invariants::hold(&store, &world, &accepted).await;
    store.close().await;
}

on_both_databases! {
    async fn before_a_pickup_is_committed(db: Database) {
        journey(db, "accept.before_commit").await;
    }

    async fn between_a_pickups_commit_and_its_answer(db: Database) {
        journey(db, "accept.committed").await;
    }

    async fn between_the_first_scans_commit_and_its_answer(db: Database) {
        journey(db, "scan.committed").await;
    }

    /// Both parcels are in the first hub: the provider is about to be told.
    async fn between_the_commit_of_the_scan_that_ships_and_its_answer(db: Database) {
        journey(db, "scan.committed#2").await;
    }

    async fn after_a_carrier_has_answered(db: Database) {
        journey(db, "poll.asked").await;
    }

    async fn before_a_carriers_answer_is_committed(db: Database) {
        journey(db, "poll.before_commit").await;
    }

    /// The second parcel's delivery: the triggers are in this transaction.
    async fn before_the_last_delivery_is_committed(db: Database) {
        journey(db, "poll.before_commit#2").await;
    }

    async fn after_a_carriers_answer_is_committed(db: Database) {
        journey(db, "poll.committed").await;
    }

    async fn after_the_last_delivery_is_committed(db: Database) {
        journey(db, "poll.committed#2").await;
    }

    async fn after_a_trigger_is_claimed(db: Database) {
        journey(db, "outbox.claimed").await;
    }

    /// The third trigger is the one that moves money.
    async fn after_the_confirmation_is_claimed(db: Database) {
        journey(db, "outbox.claimed#3").await;
    }

    async fn after_a_trigger_is_sent(db: Database) {
        journey(db, "outbox.sent").await;
    }

    async fn after_the_confirmation_is_sent(db: Database) {
        journey(db, "outbox.sent#3").await;
    }

    async fn before_an_acknowledgement_is_committed(db: Database) {
        journey(db, "outbox.before_commit").await;
    }

    async fn before_the_acknowledgement_of_the_confirmation_is_committed(db: Database) {
        journey(db, "outbox.before_commit#3").await;
    }

    async fn after_an_acknowledgement_is_committed(db: Database) {
        journey(db, "outbox.settled").await;
    }

    async fn after_everything_is_settled(db: Database) {
        journey(db, "outbox.settled#3").await;
    }
}
