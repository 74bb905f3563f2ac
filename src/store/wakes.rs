//! Waking the other daemons on the same database, where there can be others: on PostgreSQL.
//!
//! A word is said after the commit that gave cause to it, and not in its transaction: those in which something is said
//! PostgreSQL commits one after the other, all of them. It is heard by whoever listens at that moment and by nobody
//! later, so whoever waits for one looks by itself now and then, too. That costs a word that was lost its haste, and
//! nothing else.

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgListener;

use super::row::statement;
use super::{Reads, Store, StoreError};
use crate::domain::text::words;

words! {
    /// What there is something of.
    Wake {
        Triggers = "triggers",
        Messages = "messages",
    }
}

const CHANNEL: &str = "sampan_wake";

/// Says to all who listen that there is something new; `from` is who says so.
pub async fn tell(store: &Store, what: Wake, from: u64) -> Result<(), StoreError> {
    let db = store.reader();
    let values = [CHANNEL.into(), format!("{what} {from:x}").into()];
    db.execute_raw(statement(db, "SELECT pg_notify($1, $2)", values)).await?;
    Ok(())
}

/// Listens on a connection of its own, until it is lost: that is the only way in which this ends. `heard` is called
/// with what others than `own` say; and with everything when listening begins, since nobody heard what was said before.
pub async fn listen(url: &SecretString, own: u64, heard: impl Fn(Wake) + Send + Sync) -> StoreError {
    match listening(url, own, heard).await {
        Ok(()) => StoreError::Unavailable("the connection was lost".to_owned()),
        Err(error) => StoreError::Unavailable(error.to_string()),
    }
}

async fn listening(
    url: &SecretString,
    own: u64,
    heard: impl Fn(Wake) + Send + Sync,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(url.expose_secret()).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Wake::ALL.iter().for_each(|what| heard(*what));
    while let Some(said) = listener.try_recv().await? {
        let Some((what, from)) = said.payload().split_once(' ') else { continue };
        if let (Ok(what), false) = (what.parse(), u64::from_str_radix(from, 16) == Ok(own)) {
            heard(what);
        }
    }
    Ok(())
}
