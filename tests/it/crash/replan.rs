//! Deaths while shipments are planned anew.
//!
//! After each there is the old plan with its room and the request to look at it, or the new one with its own.

use std::os::unix::process::ExitStatusExt;

use sampan::clock::Clock;
use sampan::flows::authenticate;
use sampan::store::audit;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::patient::write_config;
use crate::on_both_databases;
use crate::support::app::prepare;
use crate::support::daemon::Daemon;
use crate::support::database::{Database, number};
use crate::support::http::{Client, send};
use crate::support::journey::{self, pickup};
use crate::support::rows::change;
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};
use crate::support::yard::books_agree;

const SIGKILL: i32 = 9;

/// `left`: how many plans and requests a death at `kill_at` leaves.
async fn died(db: Database, kill_at: &str, left: (i64, i64)) {
    let world = World::start(Troubles::default());
    let keys = prepare(&db).await;
    let store = db.store().await;
    let key = authenticate::create_operator_key(&store, "ana".to_owned(), Clock::real().now()).await;
    let bearer = format!("Bearer {}", key.expect("a key").expose_secret());
    let config = write_config(&db, &world);
    let mut daemon = Daemon::start(&config, Some(kill_at)).await;
    let client = Client { address: daemon.address, keys };
    let accepted =
        client.post_pickup(&pickup(journey::TWO_PARCELS), None).await.expect("an answer").must_be(201);
    let legs = accepted["plan"]["legs"].as_array().expect("legs");
    let departure = legs.iter().find_map(|leg| leg["departure"].as_str()).expect("a departure");
    let (path, body) = (format!("/v1/departures/{departure}/cancel"), json!({"reason": "fog"}).to_string());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    // It may die before it can answer.
    let _ = send(daemon.address, "POST", &path, &headers, body.as_bytes()).await;
    let status = daemon.end("a daemon that plans anew dies of it").await;
    assert_eq!(status.signal(), Some(SIGKILL), "it ended by itself: {status}");

    let plans = async || number(&store, "SELECT COUNT(*) AS n FROM plan").await;
    let requests = async || number(&store, "SELECT COUNT(*) AS n FROM replan").await;
    assert_eq!((plans().await, requests().await), left);
    books_agree(&store).await;
    // The dead one's lease ends by the machine's clock, a minute from now.
    change(&db, "UPDATE replan SET claimed_until = 0").await;
    let mut daemon = Daemon::start(&config, None).await;
    wait_until("it is planned anew", async || (plans().await, requests().await) == (2, 0)).await;
    let client = Client { address: daemon.address, ..client };
    let path = format!("/v1/shipments/{}", accepted["id"].as_str().expect("an id"));
    let detail: Value = client.get(&path).await.expect("an answer").must_be(200);
    let reason = detail["plan"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("was cancelled (fog)"), "{reason}");
    books_agree(&store).await;
    assert_eq!(audit::verify(&store).await.expect("the audit").breaks, vec![]);
    store.close().await;
    daemon.terminate();
    assert!(daemon.end("the daemon stops when told to").await.success());
}

on_both_databases! {
    async fn after_shipments_are_claimed(db: Database) {
        died(db, "replan.claimed", (1, 1)).await;
    }

    async fn before_new_plans_are_committed(db: Database) {
        died(db, "replan.before_commit", (1, 1)).await;
    }

    async fn after_new_plans_are_committed(db: Database) {
        died(db, "replan.committed", (2, 0)).await;
    }
}
