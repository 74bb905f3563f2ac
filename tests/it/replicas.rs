//! Two daemons on one PostgreSQL share the work: nothing is done twice.
//!
//! The daemons are their inner parts without doors and clocks, so that both begin at the
//! same moment and it is known what each of them did.

use std::sync::Arc;

use sampan::app;
use sampan::clock::Clock;
use sampan::config;
use sampan::domain::id::ParcelId;
use sampan::flows::{Deps, accept_pickup, poll_carriers, record_scans, send_triggers};
use sampan::store::StoreError;
use sampan::store::tracked::{self, Last, Tracked};
use serde_json::Value;

use crate::support::app::{Keys, prepare, settings};
use crate::support::database::{Database, Kind, number};
use crate::support::journey::{self, pickup, scans, tracking_number};
use crate::support::world::{Troubles, World};

const SHIPMENTS: usize = 100;
const PARCELS: usize = 2 * SHIPMENTS;

/// Small batches, so that both have to come back for more.
const CHANGES: &str = "
    carriers.dhl_unified.concurrency_max = 10
    outbox.concurrency_max = 5
    database.connections_max = 16
";

async fn daemon(db: &Database, world: &World) -> Deps {
    daemon_with(db, world, "").await
}

async fn daemon_with(db: &Database, world: &World, more: &str) -> Deps {
    let changes = format!("{CHANGES}{more}");
    let settings = config::defaults_with(&settings(db, world, &changes)).expect("valid settings");
    app::build(Arc::new(settings), Clock::real()).await.expect("a daemon's parts")
}

/// Pickups that were accepted, as their merchants know them.
async fn accept(deps: &Deps, keys: &Keys) -> Vec<Value> {
    let mut accepted = Vec::with_capacity(SHIPMENTS);
    for _ in 0..SHIPMENTS {
        let body = pickup(journey::TWO_PARCELS).to_string();
        let answer = accept_pickup::accept(deps, keys.merchant, None, body.as_bytes()).await;
        let answer = answer.expect("a good pickup");
        accepted.push(serde_json::from_str(&answer.body).expect("JSON"));
    }
    accepted
}

fn parcels(accepted: &[Value]) -> impl Iterator<Item = &Value> {
    accepted.iter().flat_map(|shipment| shipment["parcels"].as_array().expect("parcels"))
}

/// Parcels that are handed over and due, each with a number that the carrier knows.
async fn hand_over(one: &Deps, world: &World, keys: &Keys) {
    let accepted = accept(one, keys).await;
    let now = Clock::real().now();
    let mut all = Vec::with_capacity(PARCELS);
    for parcel in parcels(&accepted) {
        let (id, number) = (parcel["id"].as_str().expect("an id"), tracking_number(parcel));
        let number: sampan::domain::carrier::TrackingNumber = number.parse().expect("a tracking number");
        world.carrier.book_at(number.clone(), "Shanghai", journey::long_ago());
        let parcel: ParcelId = id.parse().expect("a parcel's id");
        let carrier = "dhl_unified".parse().expect("a carrier's code");
        all.push(Tracked {
            parcel,
            carrier,
            number,
            failures: 0,
            from_hub: None,
            created_at: now,
            claimed_until: now,
            last: Last::default(),
        });
    }
    let registered: Result<(), StoreError> = one
        .store
        .write(move |tx| {
            Box::pin(async move {
                for tracked in &all {
                    let shipment = tracked.parcel.shipment;
                    assert!(tracked::own(tx, shipment, &tracked.carrier, &tracked.number, now).await?);
                    tracked::register(tx, tracked, now).await?;
                }
                Ok(())
            })
        })
        .await;
    registered.expect("numbers to ask about");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_due_number_is_asked_about_by_one_of_them() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    let (one, other) = (daemon(&db, &world).await, daemon(&db, &world).await);
    hand_over(&one, &world, &keys).await;
    let (by_one, by_other) = tokio::join!(poll_carriers::run_due(&one), poll_carriers::run_due(&other));
    let (by_one, by_other) = (by_one.expect("polls"), by_other.expect("polls"));
    assert_eq!(by_one + by_other, PARCELS as u64, "{by_one} by one, {by_other} by the other");
    assert!(by_one > 0 && by_other > 0, "they share: {by_one} by one, {by_other} by the other");
    assert_eq!(world.carrier.questions(), PARCELS as u64, "each number is asked about once");
    let answered =
        "SELECT count(*) AS n FROM tracked_number WHERE answered_at IS NOT NULL AND claimed_until = 0";
    assert_eq!(number(&one.store, answered).await, PARCELS as i64, "every answer is stored");
    let triggers = "SELECT count(*) AS n FROM escrow_trigger WHERE action = 'confirm_receipt'";
    assert_eq!(number(&one.store, triggers).await, SHIPMENTS as i64, "one confirmation a shipment");
    one.store.close().await;
    other.store.close().await;
}

/// Answers are taken in over the connections that the next claim needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_with_fewer_connections_than_questions_under_way_asks_on() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    let few = "carriers.dhl_unified.concurrency_max = 16\ndatabase.connections_max = 2\n";
    let one = daemon_with(&db, &world, few).await;
    hand_over(&one, &world, &keys).await;
    // One that is in its own way is told after seconds that there is no connection.
    assert_eq!(poll_carriers::run_due(&one).await.expect("connections enough"), PARCELS as u64);
    one.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_keep_to_the_limits_of_their_account_together() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    // One at a time, so that both come back for more again and again.
    let few = "carriers.dhl_unified.calls_per_day = 40\ncarriers.dhl_unified.concurrency_max = 1\n";
    let (one, other) = (daemon_with(&db, &world, few).await, daemon_with(&db, &world, few).await);
    hand_over(&one, &world, &keys).await;
    let (by_one, by_other) = tokio::join!(poll_carriers::run_due(&one), poll_carriers::run_due(&other));
    let asked = by_one.expect("polls") + by_other.expect("polls");
    let counted = number(&one.store, "SELECT calls AS n FROM carrier_account").await;
    assert_eq!((world.carrier.questions(), asked), (counted as u64, counted as u64));
    // A fifth of a day's calls are there when it begins.
    assert!((8..=40).contains(&asked), "{asked}");
    one.store.close().await;
    other.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_trigger_is_sent_by_one_of_them() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    let (one, other) = (daemon(&db, &world).await, daemon(&db, &world).await);
    for shipment in accept(&one, &keys).await {
        // The first hub has both parcels: the provider is to be told that they are shipped.
        for scan in scans(&shipment, journey::long_ago()).iter().take(2) {
            let hub = scan.hub.parse().expect("a hub's code");
            record_scans::record(&one, &hub, &scan.body).await.expect("a good scan");
        }
    }
    let (by_one, by_other) = tokio::join!(send_triggers::run_due(&one), send_triggers::run_due(&other));
    let (by_one, by_other) = (by_one.expect("sends"), by_other.expect("sends"));
    assert_eq!(by_one + by_other, SHIPMENTS as u64, "{by_one} by one, {by_other} by the other");
    assert!(by_one > 0 && by_other > 0, "they share: {by_one} by one, {by_other} by the other");
    let counts = world.escrow.snapshot();
    assert_eq!((counts.triggers, counts.seen_again), (SHIPMENTS as u64, 0), "{counts:?}");
    let attempts = number(
        &one.store,
        "SELECT CAST(max(attempts) AS bigint) AS n FROM outbox WHERE state = 'acknowledged'",
    );
    assert_eq!(attempts.await, 1, "each was sent once");
    one.store.close().await;
    other.store.close().await;
}
