//! What daemons put off until a time by the machine's clock, or the journey's: leases, claims, next attempts.

use sea_orm::ConnectionTrait;

use super::row::statement;
use super::{StoreError, Tx};
use crate::domain::instant::Instant;
use crate::domain::text::words;

words! {
    /// Named by its column.
    Wait {
        OutboxLease = "outbox.leased_until",
        OutboxAttempt = "outbox.next_attempt_at",
        EndpointLease = "webhook_endpoint.leased_until",
        EndpointPause = "webhook_endpoint.paused_until",
        MessageAttempt = "webhook_message.next_attempt_at",
        NumberClaim = "tracked_number.claimed_until",
        NextPoll = "tracked_number.next_poll_at",
        NextCall = "carrier_account.next_call_at",
        PushAttempt = "carrier_push.next_attempt_at",
        NoticeAttempt = "escrow_notice.next_attempt_at",
        ReplanClaim = "replan.claimed_until",
        ReplanAttempt = "replan.next_attempt_at",
    }
}

impl Wait {
    fn place(self) -> (&'static str, &'static str) {
        self.as_str().split_once('.').unwrap_or_default()
    }

    /// Of which rows it says anything: none that are settled.
    fn rows(self) -> &'static str {
        match self {
            // Of what goes out no more, what the provider is asked about.
            Wait::OutboxLease | Wait::OutboxAttempt => {
                "(state IN ('pending', 'frozen') OR state IN ('dead', 'parked') AND claims > answered)"
            }
            Wait::MessageAttempt => "state = 'pending'",
            Wait::NumberClaim => "next_poll_at IS NOT NULL",
            Wait::EndpointLease
            | Wait::EndpointPause
            | Wait::NextPoll
            | Wait::NextCall
            | Wait::PushAttempt
            | Wait::NoticeAttempt
            | Wait::ReplanClaim
            | Wait::ReplanAttempt => "1 = 1",
        }
    }
}

/// Whether anything of this kind is put off for longer than until `until`, without holding anybody up.
pub async fn is_any_beyond(
    db: &impl ConnectionTrait,
    wait: Wait,
    until: Instant,
) -> Result<bool, StoreError> {
    let (table, column) = wait.place();
    let sql = format!("SELECT 1 AS one FROM {table} WHERE {column} > $1 AND {} LIMIT 1", wait.rows());
    Ok(db.query_one_raw(statement(db, &sql, [until.timestamp_micros().into()])).await?.is_some())
}

/// Nothing of this kind is put off for longer than until `until`. Says how many waits were shortened.
pub async fn shorten(tx: &Tx, wait: Wait, until: Instant) -> Result<u64, StoreError> {
    let (table, column) = wait.place();
    let sql = format!("UPDATE {table} SET {column} = $1 WHERE {column} > $1 AND {}", wait.rows());
    Ok(tx.execute_raw(statement(tx, &sql, [until.timestamp_micros().into()])).await?.rows_affected())
}
