//! A database of its own for each test, gone when the test is.

use std::path::PathBuf;

use sampan::store::{Store, schema};
use sea_orm::{ConnectionTrait, Statement};
use secrecy::SecretString;
use tempfile::TempDir;

use super::postgres;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// With the schema of this version, and empty.
pub struct Database {
    pub kind: Kind,
    pub url: SecretString,
    /// For files of the test; the SQLite file is in it.
    pub folder: TempDir,
    name: String,
}

/// Where files cost no disk.
pub fn memory() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    if shared.is_dir() { shared } else { std::env::temp_dir() }
}

impl Database {
    /// None: there is no PostgreSQL here, and somebody was told so.
    pub async fn new(kind: Kind) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("sampan-test-").tempdir_in(memory());
        let folder = folder.expect("a folder for a test");
        let name = format!("sampan_test_{}", uuid::Uuid::new_v4().simple());
        let url = match kind {
            Kind::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("sampan.db").display()).into();
                schema::up(&url).await.expect("migrations that apply");
                url
            }
            Kind::Postgres => {
                let server = postgres::server().await?;
                server.create(&name).await.expect("a database for a test");
                server.url(&name).into()
            }
        };
        Some(Self { kind, url, folder, name })
    }

    pub async fn store(&self) -> Store {
        Store::connect(&self.url, 4).await.expect("a connection")
    }
}

/// Also when the test fails. A database that cannot be dropped goes with its server.
impl Drop for Database {
    fn drop(&mut self) {
        if self.kind == Kind::Sqlite {
            return;
        }
        let name = self.name.clone();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if let Some(server) = postgres::server().await {
                    let _ = server.drop(&name).await;
                }
            });
            Ok::<_, std::io::Error>(())
        });
        let _ = dropping.join();
    }
}

/// The number that a query answers under the name `n`.
pub async fn number(store: &Store, sql: &str) -> i64 {
    let db = store.reader();
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let row = row.unwrap_or_else(|| panic!("{sql}: no row"));
    row.try_get("", "n").unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Makes two tests of each function: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$about:meta])* async fn $name:ident($db:ident: Database) $body:block)+) => {$(
        $(#[$about])*
        mod $name {
            use super::*;
            use $crate::support::database::Kind;

            async fn test($db: Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(Database::new(Kind::Sqlite).await.expect("SQLite is built in")).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(db) = Database::new(Kind::Postgres).await {
                    test(db).await;
                }
            }
        }
    )+};
}
