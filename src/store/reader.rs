//! Whom questions outside a transaction are put to, and a moment at which several of them are.

use std::ops::Deref;
use std::pin::Pin;

use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, ExecResult, QueryResult, Statement,
};

use super::Tx;
use super::held::{Held, Turn};

#[derive(Clone)]
pub struct Reader(Source);

#[derive(Clone)]
pub(super) enum Source {
    Pool(DatabaseConnection),
    Held(Held),
}

/// A transaction that nothing is written in. Dropping it ends it.
pub struct Snapshot(Moment);

enum Moment {
    Transaction(Tx),
    /// Nobody else writes meanwhile.
    Turn(Turn),
}

impl Reader {
    pub(super) fn of_pool(pool: DatabaseConnection) -> Self {
        Self(Source::Pool(pool))
    }

    pub(super) fn held(held: Held) -> Self {
        Self(Source::Held(held))
    }

    /// For migrations, and transactions of one's own. None: a simulation's connection is handed to nobody.
    pub fn pool(&self) -> Option<&DatabaseConnection> {
        match &self.0 {
            Source::Pool(pool) => Some(pool),
            Source::Held(_) => None,
        }
    }

    pub(super) fn source(&self) -> &Source {
        &self.0
    }
}

impl From<Tx> for Snapshot {
    fn from(tx: Tx) -> Self {
        Self(Moment::Transaction(tx))
    }
}

impl From<Turn> for Snapshot {
    fn from(turn: Turn) -> Self {
        Self(Moment::Turn(turn))
    }
}

impl Deref for Snapshot {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        match &self.0 {
            Moment::Transaction(tx) => tx,
            Moment::Turn(turn) => turn,
        }
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;

/// Written out as `async_trait` would: each answer is boxed once, by whoever gives it.
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DatabaseBackend {
        match &self.0 {
            Source::Pool(pool) => ConnectionTrait::get_database_backend(pool),
            Source::Held(_) => DatabaseBackend::Sqlite,
        }
    }

    fn execute_raw<'s, 'a>(&'s self, statement: Statement) -> Answer<'a, ExecResult>
    where
        's: 'a,
        Self: 'a,
    {
        match &self.0 {
            Source::Pool(pool) => pool.execute_raw(statement),
            Source::Held(held) => Box::pin(async move { held.turn().await?.execute_raw(statement).await }),
        }
    }

    fn execute_unprepared<'s, 'q, 'a>(&'s self, sql: &'q str) -> Answer<'a, ExecResult>
    where
        's: 'a,
        'q: 'a,
        Self: 'a,
    {
        match &self.0 {
            Source::Pool(pool) => pool.execute_unprepared(sql),
            Source::Held(held) => Box::pin(async move { held.turn().await?.execute_unprepared(sql).await }),
        }
    }

    fn query_one_raw<'s, 'a>(&'s self, statement: Statement) -> Answer<'a, Option<QueryResult>>
    where
        's: 'a,
        Self: 'a,
    {
        match &self.0 {
            Source::Pool(pool) => pool.query_one_raw(statement),
            Source::Held(held) => Box::pin(async move { held.turn().await?.query_one_raw(statement).await }),
        }
    }

    fn query_all_raw<'s, 'a>(&'s self, statement: Statement) -> Answer<'a, Vec<QueryResult>>
    where
        's: 'a,
        Self: 'a,
    {
        match &self.0 {
            Source::Pool(pool) => pool.query_all_raw(statement),
            Source::Held(held) => Box::pin(async move { held.turn().await?.query_all_raw(statement).await }),
        }
    }
}
