//! After the storm: until nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sampan::domain::escrow::OrderState;
use sampan::store::Store;
use sea_orm::{ConnectionTrait, Statement};

use super::fleet::Fleet;
use super::shop::Order;
use super::story::Story;
use crate::support::database::{Database, number};
use crate::support::http::send;
use crate::support::rows::{text, try_change};
use crate::support::wait::{Wait, wait_until};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Nobody who has claimed a number is at it for so long while nothing moves.
const STILL: Duration = Duration::from_secs(3);

/// What daemons put off until a time: table, column, which rows it counts for, and how many seconds ahead are worth
/// waiting for. Further ahead is what is put off for minutes, and what a clock put off that was wrong. Leases are not
/// here: those that a wrong clock wrote the daemons have to shorten.
const PUT_OFF: [PutOff; 7] = [
    ("outbox", "next_attempt_at", "state IN ('pending', 'frozen')", 5),
    // Nothing waits for another word about what is delivered, and a long storm has thousands of those.
    ("tracked_number", "next_poll_at", "next_poll_at IS NOT NULL AND delivered_at IS NULL", 5),
    ("carrier_account", "next_call_at", "next_call_at > 0", 5),
    ("webhook_message", "next_attempt_at", "state = 'pending'", 5),
    ("webhook_endpoint", "paused_until", "paused_until > 0", 5),
    ("escrow_notice", "next_attempt_at", "settled_at IS NULL", 5),
    ("replan", "next_attempt_at", "next_attempt_at > 0", 5),
];

/// Instead of the clock going on for minutes or hours, what was put off so far is moved to now: it would come by
/// itself, so much later. Who is busy is left alone until the next time.
async fn let_time_pass(db: &Database, store: &Store) -> u64 {
    let mut moved = 0;
    for put_off in PUT_OFF {
        let (table, rows) = further_ahead(put_off);
        if number(store, &format!("SELECT COUNT(*) AS n FROM {table} WHERE {rows}")).await > 0 {
            moved += bring_forward(db, put_off).await;
        }
    }
    moved
}

/// The same while the storm lasts, and perhaps nothing can be changed: without it one clock that was hours ahead for
/// a moment would be all that happens.
pub async fn time_goes_on(db: &Database) {
    for put_off in PUT_OFF {
        bring_forward(db, put_off).await;
    }
}

type PutOff = (&'static str, &'static str, &'static str, i64);

fn further_ahead((table, column, rows, seconds): PutOff) -> (&'static str, String) {
    let worth_waiting = chrono::Utc::now().timestamp_micros() + seconds * 1_000_000;
    (table, format!("{rows} AND {column} > {worth_waiting}"))
}

async fn bring_forward(db: &Database, put_off: PutOff) -> u64 {
    let (now, column) = (chrono::Utc::now().timestamp_micros(), put_off.1);
    let (table, rows) = further_ahead(put_off);
    try_change(db, &format!("UPDATE {table} SET {column} = {now} WHERE {rows}")).await.unwrap_or(0)
}

/// The same for the claims of the dead, and of those who could not store an answer: they end by themselves in two
/// minutes. Who lives and loses one asks again.
async fn free_claims(db: &Database) {
    let _ = try_change(db, "UPDATE tracked_number SET claimed_until = 1 WHERE claimed_until > 0").await;
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

/// How many orders have to be found how.
#[derive(Debug)]
pub struct Expected {
    states: BTreeMap<String, i64>,
    /// Of those with a race, each in one of its states.
    open: BTreeMap<String, i64>,
    races: i64,
    delivered: i64,
}

#[derive(Debug)]
struct Found {
    states: BTreeMap<String, i64>,
    delivered: i64,
}

impl Expected {
    pub fn of(orders: &[Order]) -> Self {
        let (mut states, mut open, mut races) = (BTreeMap::new(), BTreeMap::new(), 0);
        for order in orders {
            let ends = order.story.ends(order.held);
            let of_one = if ends.len() == 1 { &mut states } else { &mut open };
            races += i64::from(ends.len() > 1);
            for end in ends {
                *of_one.entry(end.state.to_string()).or_default() += 1;
            }
        }
        let delivered = orders.iter().filter(|order| order.story != Story::CalledOff).count() as i64;
        Self { states, open, races, delivered }
    }

    fn is_met_by(&self, found: &Found) -> bool {
        let of = |states: &BTreeMap<String, i64>, state: &str| states.get(state).copied().unwrap_or(0);
        let beyond = |state: &str| of(&found.states, state) - of(&self.states, state);
        let each = OrderState::ALL.iter().map(|state| state.to_string());
        let fits = each.map(|state| (beyond(&state), of(&self.open, &state)));
        let (mut races, mut is_met) = (0, self.delivered == found.delivered);
        for (beyond, most) in fits {
            is_met &= (0..=most).contains(&beyond);
            races += beyond;
        }
        is_met && races == self.races
    }
}

impl Found {
    async fn by(store: &Store) -> Self {
        let mut states = BTreeMap::new();
        for state in OrderState::ALL {
            let sql = format!("SELECT COUNT(*) AS n FROM escrow_order WHERE state = '{state}'");
            let orders = number(store, &sql).await;
            if orders > 0 {
                states.insert(state.to_string(), orders);
            }
        }
        let delivered = "SELECT COUNT(*) AS n FROM shipment WHERE status = 'delivered'";
        Self { states, delivered: number(store, delivered).await }
    }
}

/// What nobody may leave undone. Doubts end where the provider can be asked; elsewhere a person ends them.
pub fn undone(inquires: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    UNDONE.into_iter().filter(move |(what, _)| inquires || *what != "doubts")
}

const UNDONE: [(&str, &str); 8] = [
    // No cut-off of a storm's orders is in the past but those that the storm has brought forward.
    (
        "cut-offs",
        "SELECT COUNT(*) AS n FROM departure WHERE state = 'open' AND depart_at - cutoff_at > 259200000000",
    ),
    ("consolidations", "SELECT COUNT(*) AS n FROM consolidation WHERE NOT announced"),
    ("plans", "SELECT COUNT(*) AS n FROM replan WHERE attempts = 0"),
    ("triggers", "SELECT COUNT(*) AS n FROM outbox WHERE state IN ('pending', 'waiting')"),
    ("doubts", "SELECT COUNT(*) AS n FROM outbox WHERE state = 'frozen' AND claims > answered"),
    ("messages", "SELECT COUNT(*) AS n FROM webhook_message WHERE state = 'pending'"),
    ("notices", "SELECT COUNT(*) AS n FROM escrow_notice WHERE settled_at IS NULL"),
    ("pushes", "SELECT COUNT(*) AS n FROM carrier_push WHERE next_attempt_at IS NOT NULL"),
];

/// What is not done yet, in words; the same words for as long as nothing moves.
async fn left(store: &Store, expected: &Expected, inquires: bool) -> Option<String> {
    let (found, mut open) = (Found::by(store).await, Vec::new());
    for (what, sql) in undone(inquires) {
        let rows = number(store, sql).await;
        if rows > 0 {
            open.push(format!("{rows} {what}"));
        }
    }
    if expected.is_met_by(&found) && open.is_empty() {
        return None;
    }
    let answered =
        number(store, "SELECT COUNT(*) AS n FROM tracked_number WHERE answered_at IS NOT NULL").await;
    let mut why = String::new();
    for sql in [
        "SELECT MAX(last_problem) AS n FROM outbox WHERE state = 'pending'",
        "SELECT MAX(last_problem) AS n FROM webhook_message WHERE state = 'pending'",
        "SELECT MAX(problem) AS n FROM escrow_notice WHERE settled_at IS NULL",
    ] {
        why.extend(text(store, sql).await.map(|problem| format!("; {problem}")));
    }
    Some(format!("{found:?}, and not {expected:?}; {answered} numbers answered; undone: {open:?}{why}"))
}

/// What is known of some orders that are not where they should be, by each of their numbers.
async fn unfinished(store: &Store) -> String {
    let now = chrono::Utc::now().timestamp_micros();
    let db = store.reader();
    let sql = format!(
        "SELECT 'order ' || o.state || ' (' || COALESCE(o.frozen_because, '') || '), shipment ' || s.status \
         || ', asked again in ' || COALESCE(CAST((t.next_poll_at - {now}) / 1000000 AS TEXT), 'never') \
         || ' s, claimed for ' || CAST((t.claimed_until - {now}) / 1000000 AS TEXT) \
         || ' s, failures ' || CAST(t.failures AS TEXT) || ', answered ' \
         || COALESCE(CAST((t.answered_at - {now}) / 1000000 AS TEXT), 'never') || ', problem ' \
         || COALESCE(t.last_problem, 'none') || ', wakes ' \
         || COALESCE(CAST((o.wake_at - {now}) / 1000000 AS TEXT), 'never') AS n \
         FROM escrow_order o JOIN shipment s ON s.id = o.shipment_id \
         LEFT JOIN tracked_number t ON t.shipment_id = s.id \
         WHERE (o.state NOT IN ('confirmed', 'refunded') OR s.status <> 'delivered') AND s.status <> 'cancelled' LIMIT 12"
    );
    let statement = Statement::from_string(db.get_database_backend(), &sql);
    let rows = db.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let line = |row: &sea_orm::QueryResult| row.try_get::<Option<String>>("", "n").ok().flatten();
    rows.iter().map(|row| line(row).unwrap_or_else(|| "no number".to_owned()) + "\n").collect()
}

/// Until all is done; an error when nothing moves any more. Says how many things a wrong clock had put off.
pub async fn converge(
    db: &Database,
    store: &Store,
    expected: &Expected,
    inquires: bool,
) -> Result<u64, String> {
    let (mut moved_at, mut put_off) = (Instant::now(), 0);
    // What goes to and fro does not move.
    let (mut seen, mut still) = (BTreeSet::new(), Wait::begin());
    let mut freed_at: Option<Instant> = None;
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(left) = left(store, expected, inquires).await else { return Ok(put_off) };
        put_off += let_time_pass(db, store).await;
        if freed_at.is_none_or(|at| at.max(moved_at).elapsed() > STILL) {
            free_claims(db).await;
            freed_at = Some(Instant::now());
        }
        if !seen.contains(&left) {
            seen.insert(left);
            (moved_at, still) = (Instant::now(), Wait::begin());
        } else if still.is_hopeless() {
            return Err(format!("nothing moves any more: {left}\n{}", unfinished(store).await));
        }
    }
}
