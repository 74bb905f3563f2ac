//! Bringing a database to the schema of this version, and back.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection};
use secrecy::SecretString;

use super::connect::{IfMissing, single};
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
    missing: IfMissing,
    work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let connection = single(url, missing).await?;
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

/// Applies what is missing, to a SQLite database that is not there from its file on. Says what was applied.
pub async fn up(url: &SecretString) -> Result<Vec<String>, StoreError> {
    alone(url, IfMissing::Make, async |connection| {
        let pending = Migrator::get_pending_migrations(connection).await?;
        Migrator::up(connection, None).await?;
        Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
    })
    .await
}

/// Takes everything back, and every row with it.
pub async fn down(url: &SecretString) -> Result<Vec<String>, StoreError> {
    alone(url, IfMissing::Refuse, async |connection| {
        let applied = Migrator::get_applied_migrations(connection).await?;
        Migrator::down(connection, None).await?;
        Ok(applied.iter().rev().map(|migration| migration.name().to_owned()).collect())
    })
    .await
}

pub async fn status(url: &SecretString) -> Result<Vec<Step>, StoreError> {
    alone(url, IfMissing::Refuse, async |connection| Ok(steps(connection).await?)).await
}

async fn steps(connection: &DatabaseConnection) -> Result<Vec<Step>, sea_orm::DbErr> {
    let applied = Migrator::get_applied_migrations(connection).await?;
    let pending = Migrator::get_pending_migrations(connection).await?;
    let step = |name: &str, applied| Step { name: name.to_owned(), applied };
    let applied = applied.iter().map(|migration| step(migration.name(), true));
    Ok(applied.chain(pending.iter().map(|migration| step(migration.name(), false))).collect())
}

/// Whether the schema is the one this version was built for. Anybody may ask, so it only reads:
/// a database that was never migrated is left as it is, and is not current.
pub async fn is_current(store: &Store) -> Result<bool, StoreError> {
    Ok(Migrator::get_pending_migrations_read_only(store.reader()).await?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::missing_file;

    async fn tables(store: &Store) -> i64 {
        let sql = "SELECT count(*) AS n FROM sqlite_master";
        let statement = crate::store::row::statement(store.reader(), sql, []);
        let row = store.reader().query_one_raw(statement).await.expect("an answer").expect("a row");
        row.try_get("", "n").expect("a number")
    }

    #[tokio::test]
    async fn asking_whether_the_schema_is_current_writes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let url: SecretString = format!("sqlite://{}/test.db", folder.path().display()).into();
        std::fs::File::create_new(folder.path().join("test.db")).expect("an empty database");
        let store = Store::connect(&url, 2).await.expect("a database");
        assert!(!is_current(&store).await.expect("an empty database is no error"));
        assert_eq!(tables(&store).await, 0);
        up(&url).await.expect("migrations");
        assert!(is_current(&store).await.expect("an answer"));
        down(&url).await.expect("migrations");
        assert!(!is_current(&store).await.expect("an answer"));
    }

    #[tokio::test]
    async fn only_going_up_makes_a_database_that_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("test.db");
        let url: SecretString = format!("sqlite://{}", file.display()).into();
        assert!(Store::connect(&url, 2).await.is_err());
        assert!(down(&url).await.is_err() && status(&url).await.is_err());
        assert_eq!(missing_file(&url), Some(file));
        up(&url).await.expect("migrations");
        assert_eq!(missing_file(&url), None);
        Store::connect(&url, 2).await.expect("a database");
    }
}
