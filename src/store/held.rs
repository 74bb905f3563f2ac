//! The one connection of a simulated database.
//!
//! It is held from the beginning to the end, and who needs it takes turns: a question for as long as it takes, a write
//! for its whole transaction. One that is dropped half-way is taken back before the next turn begins, so nobody sees
//! anything of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, TransactionTrait};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Tx;

#[derive(Clone)]
pub(super) struct Held {
    /// Its own transaction was committed as soon as it had begun, and its type is what work is done with.
    connection: Arc<Mutex<Tx>>,
    /// A transaction was begun, and has not come to its end.
    is_open: Arc<AtomicBool>,
}

/// Until it is dropped the connection is nobody else's.
pub type Turn = OwnedMutexGuard<Tx>;

impl Held {
    pub async fn new(pool: &DatabaseConnection) -> Result<Self, DbErr> {
        let connection = pool.begin().await?;
        run(&connection, "COMMIT").await?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), is_open: Arc::default() })
    }

    pub async fn turn(&self) -> Result<Turn, DbErr> {
        let turn = Arc::clone(&self.connection).lock_owned().await;
        if self.is_open.load(Ordering::Relaxed) {
            self.end(&turn, "ROLLBACK").await?;
        }
        Ok(turn)
    }

    pub async fn begin(&self) -> Result<Turn, DbErr> {
        let turn = self.turn().await?;
        self.is_open.store(true, Ordering::Relaxed);
        run(&turn, "BEGIN").await?;
        Ok(turn)
    }

    pub async fn commit(&self, turn: Turn) -> Result<(), DbErr> {
        self.end(&turn, "COMMIT").await
    }

    async fn end(&self, turn: &Turn, how: &str) -> Result<(), DbErr> {
        run(turn, how).await?;
        self.is_open.store(false, Ordering::Relaxed);
        Ok(())
    }
}

async fn run(connection: &Tx, word: &str) -> Result<(), DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), word);
    connection.execute_raw(statement).await.map(|_| ())
}
