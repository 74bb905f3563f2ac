//! One throwaway PostgreSQL for the whole test process, a database of its own for each test.
//!
//! `SAMPAN_TEST_POSTGRES_URL` names a server to use; otherwise one is started in memory
//! with the programs found here, and stopped when this process ends, however it ends.
//! Where there is neither, the half of the tests that needs it is left out, loudly;
//! `SAMPAN_TEST_REQUIRE_POSTGRES=1` makes that a failure.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use sampan::store::schema;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use tokio::sync::OnceCell;

use super::wait::wait_until;

pub struct Server {
    /// With `{}` where the name of the database goes.
    url: String,
    /// Whom its files belong to; none: it is somebody else's, and its files are out of reach.
    files_of: Option<Owner>,
    /// What the URL itself names, to be connected with while databases are made.
    maintenance: String,
}

/// A user and a group, where they are not those of the tests.
pub type Owner = Option<(u32, u32)>;

/// Where a server listens.
#[derive(Debug, Clone)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Whoever makes a database holds this lock: nobody may be connected with a template that is copied.
const LOCK: i64 = 0x5a_7e_57_00;
const TEMPLATE: &str = "sampan_test_template";

/// None: there is no PostgreSQL here.
pub async fn server() -> Option<&'static Server> {
    static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();
    SERVER.get_or_init(prepare).await.as_ref()
}

async fn prepare() -> Option<Server> {
    let server = match std::env::var("SAMPAN_TEST_POSTGRES_URL") {
        Ok(url) => named(&url),
        Err(_) => match programs() {
            Some(programs) => start(&programs).await,
            None => {
                let missing = "no PostgreSQL here (initdb and postgres are neither in PATH nor in \
                     /usr/lib/postgresql, SAMPAN_TEST_POSTGRES_URL is not set)";
                let required = std::env::var("SAMPAN_TEST_REQUIRE_POSTGRES").is_ok_and(|set| set == "1");
                assert!(!required, "{missing}, and SAMPAN_TEST_REQUIRE_POSTGRES=1");
                eprintln!("\n!!! THE POSTGRESQL HALF OF THESE TESTS IS LEFT OUT: {missing}\n");
                return None;
            }
        },
    };
    server.make_template().await.expect("a migrated template database");
    Some(server)
}

impl Server {
    pub fn url(&self, database: &str) -> String {
        self.url.replace("{}", database)
    }

    /// Makes a database with the schema of this version in it.
    pub async fn create(&self, name: &str) -> Result<(), DbErr> {
        self.alone(&[&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")]).await
    }

    pub async fn drop(&self, name: &str) -> Result<(), DbErr> {
        let connection = connect(&self.url(&self.maintenance)).await?;
        connection.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        connection.close().await
    }

    /// Where whoever speaks with it through something else has to go.
    pub fn target(&self) -> Target {
        let url = self.url("postgres");
        if let Some((_, folder)) = url.split_once("?host=") {
            return Target::Unix(Path::new(folder).join(".s.PGSQL.5432"));
        }
        let (_, behind) = url.split_once("://").expect("a URL");
        let (host, _) = behind.split_once('/').expect("a URL with a database");
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
        let found = host.to_socket_addrs().ok().and_then(|mut found| found.next());
        Target::Tcp(found.unwrap_or_else(|| panic!("{host} has no address")))
    }

    /// Whom its files belong to; none: they are out of reach.
    pub fn files_of(&self) -> Option<Owner> {
        self.files_of
    }

    /// Puts the files of a database, nobody being connected with it, into an empty folder of its own.
    pub async fn move_to(&self, url: &str, tablespace: &str, folder: &Path) -> Result<(), DbErr> {
        let name =
            url.split('?').next().and_then(|front| front.rsplit('/').next()).expect("a database's name");
        let create = format!("CREATE TABLESPACE {tablespace} LOCATION '{}'", folder.display());
        self.alone(&[&create, &format!("ALTER DATABASE {name} SET TABLESPACE {tablespace}")]).await
    }

    pub async fn drop_tablespace(&self, tablespace: &str) -> Result<(), DbErr> {
        self.alone(&[&format!("DROP TABLESPACE IF EXISTS {tablespace}")]).await
    }

    /// From nothing: one that an earlier version left is of no use.
    async fn make_template(&self) -> Result<(), DbErr> {
        let create = format!("CREATE DATABASE {TEMPLATE}_new");
        let rename = format!("ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}");
        let drop = |name: &str| format!("DROP DATABASE IF EXISTS {name}");
        self.alone(&[&drop(&format!("{TEMPLATE}_new")), &create]).await?;
        schema::up(&self.url(&format!("{TEMPLATE}_new")).into()).await.expect("migrations that apply");
        self.alone(&[&drop(TEMPLATE), &rename]).await
    }

    async fn alone(&self, statements: &[&str]) -> Result<(), DbErr> {
        let connection = connect(&self.url(&self.maintenance)).await?;
        connection.execute_unprepared(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
        for statement in statements {
            connection.execute_unprepared(statement).await?;
        }
        connection.close().await
    }
}

async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await
}

fn named(url: &str) -> Server {
    let (front, parameters) = url.split_once('?').map_or((url, None), |(f, p)| (f, Some(p)));
    let split = front.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('/')?)));
    let (scheme, (host, name)) = split.unwrap_or_else(|| {
        panic!("SAMPAN_TEST_POSTGRES_URL has to be postgres://USER:PASSWORD@HOST/DATABASE")
    });
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    let url = format!("{scheme}://{host}/{{}}{parameters}");
    Server { url, files_of: None, maintenance: name.to_owned() }
}

/// The folder that has both programs.
fn programs() -> Option<PathBuf> {
    let has_both = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<_> = std::env::split_paths(&path).filter(has_both).collect();
    if found.is_empty() {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        found = versions.map(|version| version.path().join("bin")).filter(has_both).collect();
        // The newest: folders are named by number.
        let number = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
        found.sort_by_key(|bin| std::cmp::Reverse(number(bin)));
    }
    found.into_iter().next()
}

/// Starts the server, and stops it when the standard input closes: the kernel does that
/// when this process ends, even if it is killed. Nothing outlives the tests.
const SUPERVISE: &str = r#"
programs=$1 folder=$2
"$programs/initdb" --pgdata="$folder/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale=C --no-sync >"$folder/log" 2>&1 || exit 1
"$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=300 \
    -c shared_buffers=64MB -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off >>"$folder/log" 2>&1 &
server=$!
cat >/dev/null
# In an instant, but for one that has not yet learnt to hear the second signal.
kill -TERM "$server" && kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;

async fn start(programs: &Path) -> Server {
    // Never dropped: its end of the pipe closes with this process.
    static SUPERVISOR: OnceLock<Child> = OnceLock::new();
    let folder = tempfile::Builder::new().prefix("sampan-test-pg-").tempdir_in(super::database::memory());
    let folder = folder.expect("a folder for the server").keep();
    let mut sh = Command::new("sh");
    sh.arg("-c").arg(SUPERVISE).arg("sh").arg(programs).arg(&folder);
    sh.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A Ctrl-C is for the tests; the server goes when they have gone.
    sh.process_group(0).current_dir("/");
    let mut owner = None;
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        let (user, group) =
            account("postgres").expect("a user postgres, since its server refuses to be root");
        chown(&folder, Some(user), Some(group)).expect("its own folder for postgres");
        sh.uid(user).gid(group);
        owner = Some((user, group));
    }
    let mut child = sh.spawn().expect("sh");
    let url = format!("postgres://postgres@localhost/{{}}?host={}", folder.display());
    let server = Server { url, files_of: Some(owner), maintenance: "postgres".to_owned() };
    let socket = folder.join(".s.PGSQL.5432");
    wait_until("PostgreSQL answers", async || {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        let ended = child.try_wait().expect("our own child");
        let gave_up = ended.is_some() || log.contains("database system is shut down");
        assert!(!gave_up, "PostgreSQL did not start:\n{log}");
        socket.exists() && connect(&server.url("postgres")).await.is_ok()
    })
    .await;
    assert!(SUPERVISOR.set(child).is_ok(), "the server is started once");
    server
}

/// User and group, from /etc/passwd.
fn account(name: &str) -> Option<(u32, u32)> {
    let all = fs::read_to_string("/etc/passwd").ok()?;
    let line = all.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// `url` with everything else as it was, at another address.
pub fn through(url: &str, address: SocketAddr) -> String {
    let (scheme, behind) = url.split_once("://").expect("a URL");
    let (host, path) = behind.split_once('/').expect("a URL with a database");
    let user = host.rsplit_once('@').map(|(user, _)| format!("{user}@")).unwrap_or_default();
    let (name, parameters) = path.split_once('?').unwrap_or((path, ""));
    let others = parameters.split('&').filter(|one| !one.is_empty() && !one.starts_with("host="));
    let parameters: String = others.map(|one| format!("&{one}")).collect();
    format!("{scheme}://{user}{address}/{name}?sslmode=disable{parameters}")
}

/// Lets the server go through a folder that is ours.
pub fn let_in(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).expect("a folder of ours");
}
