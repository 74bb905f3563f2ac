use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, IsolationLevel,
    TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::sqlite::SqliteConnectOptions;

use super::StoreError;
use super::held::Held;
use super::in_thread::InThread;
use super::reader::{Reader, Snapshot, Source};
use super::writer::Writer;
use crate::faults::Fuse;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

#[derive(Clone)]
pub struct Store {
    reader: Reader,
    pub(super) writer: Writer,
    backend: Backend,
}

/// How long a caller waits for a connection before it is told to come back.
const ACQUIRE: Duration = Duration::from_secs(8);

/// Statements that a connection keeps prepared. A month of everything the daemon does has some 360 texts, a list's
/// length being part of its text.
pub(super) const STATEMENTS: usize = 512;

/// Rows that SQLite's thread is ahead of who reads them. Where it has to wait, the two change places with every row.
const ROWS: usize = 4_096;

impl Store {
    /// Connects to what is there: no file is made for a SQLite database, see [`schema::up`](super::schema::up).
    pub async fn connect(url: &SecretString, connections_max: u32) -> Result<Self, StoreError> {
        let url = url.expose_secret();
        if url.starts_with("sqlite:") {
            let writer = Writer::grouped(sqlite(url, 1, IfMissing::Refuse)).await?;
            let reader = sqlite(url, connections_max, IfMissing::Refuse);
            let reader = Reader::of_pool(Database::connect(reader).await?);
            return Ok(Self { reader, writer, backend: Backend::Sqlite });
        }
        let pool = Database::connect(postgres(url, connections_max)).await?;
        Ok(Self {
            reader: Reader::of_pool(pool.clone()),
            writer: Writer::Direct(pool),
            backend: Backend::Postgres,
        })
    }

    /// A database that ends with its last clone, of the schema of this version, for a simulation. It has one
    /// connection, which is asked one thing after the other: no two threads can race.
    pub async fn in_memory(fuse: Fuse) -> Result<Self, StoreError> {
        let pool = InThread::open()?;
        Migrator::up(&pool, None).await?;
        let held = Held::new(&pool).await?;
        let writer = Writer::Simulated(held.clone(), fuse);
        Ok(Self { reader: Reader::held(held), writer, backend: Backend::Sqlite })
    }

    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// For queries outside a transaction.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// A transaction whose reads all see the database as it is now. Dropping it ends it.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let isolation = match self.backend {
            Backend::Postgres => Some(IsolationLevel::RepeatableRead),
            // A read transaction of SQLite in WAL mode is a snapshot.
            Backend::Sqlite => None,
        };
        Ok(match self.reader.source() {
            Source::Pool(pool) => pool.begin_with_config(isolation, None).await?.into(),
            Source::Held(held) => held.turn().await?.into(),
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.reader.execute_unprepared("SELECT 1").await.map(|_| ())?)
    }

    /// Waits for the writes under way, then lets go of every connection.
    pub async fn close(self) {
        self.writer.close().await;
        let Source::Pool(pool) = self.reader.source() else { return };
        if let Err(error) = pool.close_by_ref().await {
            tracing::warn!(%error, "the database connections did not close cleanly");
        }
    }
}

/// Where a SQLite database should be, by its whole path, if there is none.
pub fn missing_file(url: &SecretString) -> Option<PathBuf> {
    let url = url.expose_secret();
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    let options = SqliteConnectOptions::from_str(url).ok()?;
    let path = std::path::absolute(options.get_filename()).ok()?;
    (!path.exists()).then_some(path)
}

/// What becomes of a SQLite database whose file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMissing {
    Make,
    Refuse,
}

/// One connection to `url`, for work that needs a session of its own.
pub(super) async fn single(url: &SecretString, missing: IfMissing) -> Result<DatabaseConnection, StoreError> {
    let url = url.expose_secret();
    let options = if url.starts_with("sqlite:") { sqlite(url, 1, missing) } else { postgres(url, 1) };
    let connection = Database::connect(options).await?;
    debug_assert!(matches!(
        connection.get_database_backend(),
        DatabaseBackend::Sqlite | DatabaseBackend::Postgres
    ));
    Ok(connection)
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(ACQUIRE).sqlx_logging(false);
    options
}

fn sqlite(url: &str, connections: u32, missing: IfMissing) -> ConnectOptions {
    let mut options = options(url, connections);
    // A connection that is never closed keeps the pages it has read.
    options.idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .create_if_missing(missing == IfMissing::Make)
            .busy_timeout(Duration::from_secs(10))
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("cache_size", "-16000")
            .pragma("temp_store", "MEMORY")
            .statement_cache_capacity(STATEMENTS)
            .row_buffer_size(ROWS)
    });
    options
}

fn postgres(url: &str, connections: u32) -> ConnectOptions {
    let mut options = options(url, connections);
    options.max_lifetime(Duration::from_secs(1_800)).set_application_name("sampan");
    options.map_sqlx_postgres_opts(|options| options.statement_cache_capacity(STATEMENTS));
    options
}
