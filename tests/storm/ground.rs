//! What a storm stands on: the database on its small disk, the daemons' settings, those who may ask.

use std::path::PathBuf;
use std::sync::Mutex;

use sampan::clock::Clock;
use sampan::domain::escrow::ReleasePolicy;
use sampan::domain::merchant::BuyerProof;
use sampan::flows::authenticate;
use sampan::store::schema;
use secrecy::ExposeSecret;

use super::Links;
use super::disk::Disk;
use super::record::held;
use super::story::SECOND_PERSON_ABOVE;
use crate::support::app::{Keys, settings};
use crate::support::database::{Database, Kind};
use crate::support::postgres;
use crate::support::stub::{Reply, Stub};
use crate::support::world::World;

/// Leases and waits of seconds; more tries than any storm is long.
const HURRIED: &str = r#"
    log.format = "json"
    database.connections_max = 4
    polling.hours_delivered = 1.0
    polling.hours_between_most = 0.002
    polling.minutes_between_least = 0.02
    polling.retry_minutes_first = 1
    polling.retry_minutes_max = 1
    outbox.lease_seconds = 4
    outbox.jitter = 0.0
    outbound.timeout_seconds = 2
    outbound.connect_timeout_seconds = 1
    http.shutdown_seconds = 4
"#;

const TRIES: usize = 2_000;
pub fn tablespace(db: &Database) -> String {
    let folder = db.folder.path().file_name().expect("a name").to_string_lossy();
    folder.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// With the database on it.
pub async fn small_disk(db: &mut Database) -> Disk {
    let folder = db.folder.path().join("disk");
    match db.kind {
        Kind::Sqlite => {
            let disk = Disk::new(folder.clone(), None);
            db.url = format!("sqlite://{}", folder.join("sampan.db").display()).into();
            schema::up(&db.url).await.expect("migrations that apply");
            disk
        }
        Kind::Postgres => {
            let server = postgres::server().await.expect("the one that has this database");
            let Some(owner) = server.files_of() else {
                eprintln!("\n!!! THE DISK OF A POSTGRESQL OF YOUR OWN IS NOT FILLED\n");
                return Disk::none(folder);
            };
            postgres::let_in(db.folder.path());
            let disk = Disk::new(folder.clone(), owner);
            if disk.is_mounted() {
                server
                    .move_to(db.url.expose_secret(), &tablespace(db), &folder)
                    .await
                    .expect("a database that is moved");
            } else {
                eprintln!("\n!!! THE DISK OF POSTGRESQL IS NOT FILLED HERE\n");
            }
            disk
        }
    }
}

pub fn write_config(db: &Database, world: &World, links: &Links, inquires: bool) -> PathBuf {
    let mut changes = HURRIED.to_owned();
    let mut set = |key: &str, value: String| changes.push_str(&format!("{key} = {value}\n"));
    set("outbox.retry_seconds", format!("{:?}", vec![1; TRIES]));
    set("carriers.dhl_unified.base_url", format!("\"http://{}\"", links.carrier.address));
    set("escrow.webhook_url", format!("\"http://{}/triggers\"", links.provider.address));
    set("escrow.second_person_above", format!("[{SECOND_PERSON_ABOVE:?}]"));
    if inquires {
        set("escrow.webhook_inquire_url", format!("\"http://{}/triggers\"", links.provider.address));
    }
    if let Some(database) = &links.database {
        set("database.url", format!("{:?}", postgres::through(db.url.expose_secret(), database.address)));
    }
    let config = db.folder.path().join("sampan.toml");
    std::fs::write(&config, settings(db, world, &changes)).expect("the daemons' settings");
    config
}

pub async fn operator(db: &Database, name: &str) -> String {
    let store = db.store().await;
    let key = authenticate::create_operator_key(&store, name.to_owned(), Clock::real().now()).await;
    store.close().await;
    format!("Bearer {}", key.expect("a key").expose_secret())
}

/// Whose codes would end while clocks jump.
pub async fn buyers_prove_themselves_by_phone(db: &Database, keys: &Keys) {
    let store = db.store().await;
    let set =
        authenticate::set_escrow(&store, keys.merchant, ReleasePolicy::default(), BuyerProof::Phone).await;
    assert!(set.expect("a change"), "the merchant is there");
    store.close().await;
}

pub async fn another_merchant(db: &Database, keys: &Keys) -> Keys {
    let store = db.store().await;
    let (country, currency) = ("HK".parse().expect("a country"), "HKD".parse().expect("a currency"));
    let now = Clock::real().now();
    let new = authenticate::create_merchant(&store, "Rival".to_owned(), country, currency, now).await;
    let new = new.expect("a merchant");
    store.close().await;
    Keys { merchant: new.id, api_key: new.api_key.expose_secret().to_owned(), ..keys.clone() }
}

/// Who takes most messages at once, and of some says that it did not.
pub async fn listening_merchant() -> Stub {
    let dice = Mutex::new(fastrand::Rng::with_seed(3));
    Stub::start(move |_, _| match held(&dice).u8(0..20) {
        0 => Reply::Status(500, Vec::new()),
        1 => Reply::HangUp,
        _ => Reply::Status(204, Vec::new()),
    })
    .await
}
