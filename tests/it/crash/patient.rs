//! A daemon that dies once, and those who depend on it and don't give up.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use sampan::clock::Clock;
use sampan::store::Store;
use sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::support::app::{Keys, settings};
use crate::support::daemon::Daemon;
use crate::support::database::{Database, number};
use crate::support::http::{Client, Response};
use crate::support::wait::{PATIENCE, wait_for, wait_until};
use crate::support::world::World;

/// Everything that is waited for comes within seconds: polls follow each other, leases are short.
const HURRIED: &str = r#"
    log.format = "json"
    database.connections_max = 4
    polling.hours_delivered = 0.0001
    polling.hours_between_most = 0.0001
    polling.minutes_between_least = 0.0001
    polling.watch_days_after_delivery = 30
    outbox.lease_seconds = 4
    outbox.retry_seconds = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    outbound.timeout_seconds = 2
"#;

const SIGKILL: i32 = 9;

pub fn write_config(db: &Database, world: &World) -> PathBuf {
    let config = db.folder.path().join("sampan.toml");
    std::fs::write(&config, settings(db, world, HURRIED)).expect("the daemon's settings");
    config
}

pub struct Patient<'a> {
    daemon: Daemon,
    db: &'a Database,
    config: PathBuf,
    keys: Keys,
    kill_at: String,
    died: bool,
}

impl<'a> Patient<'a> {
    pub async fn start(db: &'a Database, world: &World, keys: Keys, kill_at: &str) -> Self {
        let config = write_config(db, world);
        let daemon = Daemon::start(&config, Some(kill_at)).await;
        Self { daemon, db, config, keys, kill_at: kill_at.to_owned(), died: false }
    }

    /// Asks until there is an answer, as anybody does who has something to lose.
    pub async fn ask(&mut self, question: impl AsyncFn(&Client) -> io::Result<Response>) -> Response {
        let begun = std::time::Instant::now();
        loop {
            let client = Client { address: self.daemon.address, keys: self.keys.clone() };
            match question(&client).await {
                Ok(answer) if answer.status < 500 => return answer,
                Ok(answer) => assert!(begun.elapsed() < PATIENCE, "still {}", answer.text()),
                Err(_) => self.start_again().await,
            }
        }
    }

    /// After its death, which has to be the one that was asked for.
    async fn start_again(&mut self) {
        let status = self.daemon.end("a daemon that does not answer has died").await;
        assert_eq!(status.signal(), Some(SIGKILL), "it ended by itself: {status}");
        assert!(!self.died, "it died a second time");
        self.died = true;
        self.let_claims_end().await;
        self.daemon = Daemon::start(&self.config, None).await;
    }

    /// The dead daemon's claims on tracking numbers end by the machine's clock, a minute and
    /// more from now: instead of the clock going on, they are moved into the past.
    async fn let_claims_end(&self) {
        let store = self.db.store().await;
        let moved = "UPDATE tracked_number SET claimed_until = 1 WHERE claimed_until > 0";
        let moved = store.reader().execute_unprepared(moved).await.expect("claims").rows_affected();
        let in_a_poll = ["poll.asked", "poll.before_commit"].iter().any(|at| self.kill_at.starts_with(at));
        assert!(!in_a_poll || moved > 0, "who dies in a poll leaves a claim, or two would ask at once");
        store.close().await;
    }

    /// Until the buyer has it, the provider has been told, and we know that it has.
    pub async fn until_confirmed(&mut self, accepted: &Value) {
        let path = format!("/v1/shipments/{}", accepted["id"].as_str().expect("an id"));
        wait_for("the order is confirmed", async || {
            let shipment = self.ask(async |merchant| merchant.get(&path).await).await.must_be(200);
            let (status, escrow) = (&shipment["status"], &shipment["escrow"]);
            let triggers = escrow["triggers"].as_array().expect("triggers");
            let told = triggers.iter().filter(|trigger| trigger["acknowledged_at"].is_string()).count();
            let done = status == "delivered" && escrow["state"] == "confirmed" && told == 3;
            if done { Ok(()) } else { Err(format!("{status} {escrow}")) }
        })
        .await;
        // A death that comes after the last commit is not seen by any question.
        if !self.died {
            self.start_again().await;
        }
    }

    /// Until the carrier's answer about every number was taken in once more.
    pub async fn until_asked_again(&self, store: &Store) {
        let now = Clock::real().now().timestamp_micros();
        let oldest = "SELECT min(answered_at) AS n FROM tracked_number";
        wait_until("the carrier is asked again", async || number(store, oldest).await > now).await;
    }

    pub async fn stop(mut self) {
        assert!(self.died, "{} was never reached", self.kill_at);
        self.daemon.terminate();
        let status = self.daemon.end("the daemon stops when told to").await;
        assert!(status.success(), "it stopped with {status}");
    }
}
