//! Storms over the real daemons, 200 kills in all: what of `storm/` is run of every change.
//!
//! A target of its own: cargo runs it when the other tests are over, so that neither starves the other.
//! `SAMPAN_STORM_KILLS` and `SAMPAN_STORM_SEED` change each storm's own; for long ones there is
//! `cargo bench --bench storm`.

// Processes are killed, clocks preloaded and disks mounted as Linux has it.
#![cfg(target_os = "linux")]
// Of what the other tests stand on a storm needs a part.
#![allow(dead_code, unused_imports, unused_macros)]

#[path = "storm/mod.rs"]
mod storm;
#[path = "it/support/mod.rs"]
mod support;

use std::io::Write;

use storm::{Options, rage};
use support::database::Kind;

fn variable(name: &str) -> Option<u64> {
    let set = std::env::var(name).ok()?;
    Some(set.parse().unwrap_or_else(|_| panic!("{name} has to be a number, and is {set:?}")))
}

async fn weather(kind: Kind, daemons: usize, kills: usize, seed: u64) {
    let kills = variable("SAMPAN_STORM_KILLS").map_or(kills, |kills| kills as usize);
    let seed = variable("SAMPAN_STORM_SEED").unwrap_or(seed);
    let options = Options { kind, daemons, kills, seed };
    if let Some(figures) = rage(options).await {
        // Past what keeps the words of a test that passes: a seed and its figures are for whoever looks.
        let _ = write!(std::io::stderr().lock(), "\n{options:?}\n{figures}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_daemon_on_sqlite_loses_nothing_and_does_nothing_twice() {
    weather(Kind::Sqlite, 1, 70, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_daemon_on_postgres_loses_nothing_and_does_nothing_twice() {
    weather(Kind::Postgres, 1, 60, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_daemons_on_postgres_lose_nothing_and_do_nothing_twice() {
    weather(Kind::Postgres, 3, 70, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_go_on_when_a_clock_was_ahead_for_a_moment() {
    storm::calm_again(Options { kind: Kind::Sqlite, daemons: 1, kills: 0, seed: 1 }).await;
}
