//! Deaths and stops while many pickups are under way.
//!
//! What was answered 201 has to be there, once. What was not answered may be there or not;
//! asked again, it is there once as well.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

use super::patient::write_config;
use crate::on_both_databases;
use crate::support::app::{Keys, prepare};
use crate::support::daemon::Daemon;
use crate::support::database::{Database, number};
use crate::support::http::Client;
use crate::support::journey::pickup;
use crate::support::wait::PATIENCE;
use crate::support::world::{Troubles, World};

const MERCHANTS: usize = 20;

/// Pickups that shops keep posting until nobody answers any more.
struct Load {
    answered: watch::Sender<usize>,
    /// Every body that was sent, and the id it was answered with, if it was.
    posted: Arc<Mutex<Vec<(Value, Option<String>)>>>,
    shops: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(client: &Client) -> Self {
        let (answered, posted) = (watch::Sender::new(0), Arc::new(Mutex::default()));
        let shop = |shop: usize| {
            let (client, answered, posted) = (client.clone(), answered.clone(), Arc::clone(&posted));
            tokio::spawn(async move { keep_posting(&client, shop, &answered, &posted).await })
        };
        let shops = (0..MERCHANTS).map(shop).collect();
        Self { answered, posted, shops }
    }

    /// Comes back within microseconds of the last of them: who is killed now has had no
    /// time for anything that should have been done before the answer.
    async fn until_answered(&self, enough: usize) {
        let mut answered = self.answered.subscribe();
        let waited = tokio::time::timeout(PATIENCE, answered.wait_for(|answered| *answered >= enough));
        assert!(waited.await.is_ok(), "{enough} pickups were not answered within {PATIENCE:?}");
    }

    async fn ended(self) -> Vec<(Value, Option<String>)> {
        for shop in self.shops {
            shop.await.expect("a shop that does not panic");
        }
        std::mem::take(&mut *self.posted.lock().expect("whole books"))
    }
}

async fn keep_posting(
    client: &Client,
    shop: usize,
    answered: &watch::Sender<usize>,
    posted: &Mutex<Vec<(Value, Option<String>)>>,
) {
    loop {
        let body = pickup(shop);
        let key = key(&body);
        let answer = client.post_pickup(&body, Some(&key)).await;
        let id = match &answer {
            Ok(answer) if answer.status == 201 => {
                answered.send_modify(|answered| *answered += 1);
                Some(answer.json()["id"].as_str().expect("an id").to_owned())
            }
            Ok(answer) => {
                assert!(answer.status >= 500, "a good pickup was refused: {}", answer.text());
                None
            }
            Err(_) => None,
        };
        let go_on = id.is_some();
        posted.lock().expect("whole books").push((body, id));
        if !go_on {
            return;
        }
    }
}

fn key(body: &Value) -> String {
    format!("key of {}", body["reference"].as_str().expect("a reference"))
}

/// Asks for everything once more, under the keys it was asked for.
async fn everything_is_there_once(
    db: &Database,
    config: &Path,
    keys: Keys,
    posted: &[(Value, Option<String>)],
) {
    let mut daemon = Daemon::start(config, None).await;
    let client = Client { address: daemon.address, keys };
    let store = db.store().await;
    let before = number(&store, "SELECT count(*) AS n FROM shipment").await as usize;
    let answered = posted.iter().filter(|(_, id)| id.is_some()).count();
    assert!(before >= answered, "{answered} pickups were answered 201, {before} are there");
    let mut by_reference = BTreeMap::new();
    for (body, id) in posted {
        let answer = client.post_pickup(body, Some(&key(body))).await.expect("an answer");
        let found = answer.must_be(201)["id"].as_str().expect("an id").to_owned();
        if let Some(id) = id {
            assert_eq!(&found, id, "what was answered 201 is the same shipment for ever");
            assert_eq!(answer.header("idempotency-replayed"), Some("true"));
        }
        let twin = by_reference.insert(body["reference"].to_string(), found);
        assert_eq!(twin, None, "every body has a reference of its own");
    }
    let after = number(&store, "SELECT count(*) AS n FROM shipment").await as usize;
    assert_eq!(after, posted.len(), "each pickup is there once");
    store.close().await;
    daemon.terminate();
    assert!(daemon.end("the daemon stops when told to").await.success());
}

on_both_databases! {
    async fn a_stop_under_load_is_quick_and_loses_nothing(db: Database) {
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        let config = write_config(&db, &world);
        let mut daemon = Daemon::start(&config, None).await;
        let load = Load::start(&Client { address: daemon.address, keys: keys.clone() });
        load.until_answered(2 * MERCHANTS).await;
        daemon.terminate();
        let told = Instant::now();
        let status = daemon.end("a daemon that was told to stop stops").await;
        let took = told.elapsed();
        assert!(status.success(), "it stopped with {status}");
        assert!(took < Duration::from_secs(10), "it took {took:?} to stop");
        let posted = load.ended().await;
        everything_is_there_once(&db, &config, keys, &posted).await;
    }

    async fn a_death_at_any_moment_loses_nothing_that_was_answered(db: Database) {
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        let config = write_config(&db, &world);
        let mut posted = Vec::new();
        let mut dice = fastrand::Rng::with_seed(20);
        for _ in 0..3 {
            let mut daemon = Daemon::start(&config, None).await;
            let load = Load::start(&Client { address: daemon.address, keys: keys.clone() });
            load.until_answered(dice.usize(1..4 * MERCHANTS)).await;
            daemon.kill();
            daemon.end("a daemon that was killed is dead").await;
            posted.extend(load.ended().await);
        }
        everything_is_there_once(&db, &config, keys, &posted).await;
    }
}
