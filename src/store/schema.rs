//! Bringing a database to the schema of this version, and back.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection};
use secrecy::SecretString;

use super::connect::single;
use super::{Store, StoreError};

pub struct Step {
    pub name: String,
    pub applied: bool,
}

/// Anything else that locks in this database would have to hit this number by accident.
const LOCK: i64 = 0x5a_6d_70_61_6e;

/// Runs `work` while no other daemon migrates the same database.
async fn alone<T>(
    url: &SecretString,
    work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let connection = single(url).await?;
    let postgres = connection.get_database_backend() == DatabaseBackend::Postgres;
    if postgres {
        connection.execute_unprepared(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
    }
    let done = work(&connection).await;
    if postgres {
        connection.execute_unprepared(&format!("SELECT pg_advisory_unlock({LOCK})")).await?;
    }
    connection.close().await?;
    done
}

/// Applies what is missing. Says what was applied.
pub async fn up(url: &SecretString) -> Result<Vec<String>, StoreError> {
    alone(url, async |connection| {
        let pending = Migrator::get_pending_migrations(connection).await?;
        Migrator::up(connection, None).await?;
        Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
    })
    .await
}

/// Takes everything back, and every row with it.
pub async fn down(url: &SecretString) -> Result<Vec<String>, StoreError> {
    alone(url, async |connection| {
        let applied = Migrator::get_applied_migrations(connection).await?;
        Migrator::down(connection, None).await?;
        Ok(applied.iter().rev().map(|migration| migration.name().to_owned()).collect())
    })
    .await
}

pub async fn status(url: &SecretString) -> Result<Vec<Step>, StoreError> {
    alone(url, async |connection| Ok(steps(connection).await?)).await
}

async fn steps(connection: &DatabaseConnection) -> Result<Vec<Step>, sea_orm::DbErr> {
    let applied = Migrator::get_applied_migrations(connection).await?;
    let pending = Migrator::get_pending_migrations(connection).await?;
    let step = |name: &str, applied| Step { name: name.to_owned(), applied };
    let applied = applied.iter().map(|migration| step(migration.name(), true));
    Ok(applied.chain(pending.iter().map(|migration| step(migration.name(), false))).collect())
}

/// Whether the schema is the one this version was built for.
pub async fn is_current(store: &Store) -> Result<bool, StoreError> {
    Ok(Migrator::get_pending_migrations(store.reader()).await?.is_empty())
}
