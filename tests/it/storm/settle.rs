//! After the storm: until nothing is left to do.

use std::time::{Duration, Instant};

use sampan::store::Store;

use super::fleet::Fleet;
use crate::support::database::{Database, number};
use crate::support::http::send;
use crate::support::rows::{change, text};
use crate::support::wait::{PATIENCE, wait_until};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Nobody who has claimed a number is at it for so long while nothing moves.
const STILL: Duration = Duration::from_secs(3);

/// What daemons put off until a time: table, column, which rows it counts for, and how many seconds ahead are worth
/// waiting for. Further ahead is what is put off for minutes, and what a clock put off that was wrong.
const PUT_OFF: [(&str, &str, &str, i64); 7] = [
    ("outbox", "next_attempt_at", "state = 'pending'", 5),
    ("outbox", "leased_until", "state = 'pending'", 5),
    ("tracked_number", "next_poll_at", "next_poll_at IS NOT NULL", 5),
    ("carrier_account", "next_call_at", "next_call_at > 0", 5),
    ("webhook_message", "next_attempt_at", "state = 'pending'", 5),
    ("webhook_endpoint", "paused_until", "paused_until > 0", 5),
    ("webhook_endpoint", "leased_until", "leased_until > 0", 60),
];

/// Instead of the clock going on for minutes or hours, what was put off so far is moved to now: it would come by
/// itself, so much later.
async fn let_time_pass(db: &Database) -> u64 {
    let mut moved = 0;
    for (table, column, rows, seconds) in PUT_OFF {
        let now = chrono::Utc::now().timestamp_micros();
        let sql = format!(
            "UPDATE {table} SET {column} = {now} WHERE {rows} AND {column} > {}",
            now + seconds * 1_000_000
        );
        moved += change(db, &sql).await;
    }
    moved
}

/// The same for the claims of the dead, and of those who could not store an answer: they end by themselves in two
/// minutes. Who lives and loses one asks again.
async fn free_claims(db: &Database) {
    change(db, "UPDATE tracked_number SET claimed_until = 1 WHERE claimed_until > 0").await;
}

pub async fn all_are_ready(fleet: &Fleet) {
    wait_until("every daemon listens", async || fleet.all_listen()).await;
    for keeper in &fleet.keepers {
        wait_until("every daemon is ready", async || {
            let Some(address) = keeper.address() else { return false };
            let answer = send(address, "GET", "/readyz", &[], b"").await;
            answer.is_ok_and(|answer| answer.status == 200)
        })
        .await;
    }
}

/// What is not done yet, in words; the same words for as long as nothing moves.
async fn left(store: &Store, to_confirm: usize) -> Option<String> {
    let confirmed = number(store, "SELECT COUNT(*) AS n FROM escrow_order WHERE state = 'confirmed'").await;
    let sent = "SELECT COUNT(*) AS n FROM outbox WHERE state IN ('pending', 'waiting')";
    let told = "SELECT COUNT(*) AS n FROM webhook_message WHERE state = 'pending'";
    let (triggers, messages) = (number(store, sent).await, number(store, told).await);
    let answered =
        number(store, "SELECT COUNT(*) AS n FROM tracked_number WHERE answered_at IS NOT NULL").await;
    if confirmed == to_confirm as i64 && triggers == 0 && messages == 0 {
        return None;
    }
    let mut why = String::new();
    for sql in [
        "SELECT MAX(last_problem) AS n FROM outbox WHERE state = 'pending'",
        "SELECT MAX(last_problem) AS n FROM tracked_number WHERE next_poll_at IS NOT NULL",
        "SELECT MAX(last_problem) AS n FROM webhook_message WHERE state = 'pending'",
    ] {
        why.extend(text(store, sql).await.map(|problem| format!("; {problem}")));
    }
    Some(format!(
        "{confirmed} of {to_confirm} confirmed, {answered} numbers answered, {triggers} triggers and {messages} messages on their way{why}"
    ))
}

/// Until all is done; an error when nothing moves any more. Says how many things a wrong clock had put off.
pub async fn converge(db: &Database, store: &Store, to_confirm: usize) -> Result<u64, String> {
    let (mut last, mut moved_at, mut put_off) = (String::new(), Instant::now(), 0);
    let mut freed_at: Option<Instant> = None;
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(left) = left(store, to_confirm).await else { return Ok(put_off) };
        put_off += let_time_pass(db).await;
        if freed_at.is_none_or(|at| at.max(moved_at).elapsed() > STILL) {
            free_claims(db).await;
            freed_at = Some(Instant::now());
        }
        if left != last {
            (last, moved_at) = (left, Instant::now());
        } else if moved_at.elapsed() > PATIENCE {
            return Err(format!("nothing moves any more: {last}"));
        }
    }
}
