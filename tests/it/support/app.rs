//! A daemon inside the test process, and what any daemon needs before it is of use.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;

use sampan::app::{self, Running};
use sampan::clock::Clock;
use sampan::domain::id::MerchantId;
use sampan::flows::{Deps, authenticate, import_network};
use sampan::{config, routing, sandbox, telemetry};
use secrecy::ExposeSecret;

use super::database::Database;
use super::http::Client;
use super::world::{Troubles, World};

/// Who may ask for what.
#[derive(Debug, Clone)]
pub struct Keys {
    pub merchant: MerchantId,
    pub api_key: String,
    pub webhook_secret: String,
    /// By the hub's code, for every hub of the sample network.
    pub hubs: BTreeMap<String, String>,
}

/// Loads the sample network, creates a merchant and a key for every hub.
pub async fn prepare(db: &Database) -> Keys {
    let store = db.store().await;
    let now = Clock::real().now();
    import_network::import(&store, sandbox::sample::files(), now).await.expect("the sample network");
    let (country, currency) = ("US".parse().expect("a country"), "USD".parse().expect("a currency"));
    let merchant = authenticate::create_merchant(&store, "Shop".to_owned(), country, currency, now).await;
    let merchant = merchant.expect("a merchant");
    let mut keys = BTreeMap::new();
    let (hubs, ..) = routing::read(sandbox::sample::files()).expect("the sample network");
    for hub in hubs {
        let key = authenticate::create_hub_key(&store, hub.code.clone(), now).await.expect("a hub's key");
        keys.insert(hub.code.to_string(), key.expose_secret().to_owned());
    }
    store.close().await;
    Keys {
        merchant: merchant.id,
        api_key: merchant.api_key.expose_secret().to_owned(),
        webhook_secret: merchant.webhook_secret.expose_secret().to_owned(),
        hubs: keys,
    }
}

/// The settings of a daemon on `db` that speaks with `world`, as TOML. `changes` are lines
/// such as `outbox.lease_seconds = 1`, and go above everything else.
pub fn settings(db: &Database, world: &World, changes: &str) -> String {
    let mut lines: BTreeMap<&str, String> = world.settings().into_iter().collect();
    lines.insert("database.url", format!("{:?}", db.url.expose_secret()));
    lines.insert("http.listen", "\"127.0.0.1:0\"".to_owned());
    lines.insert("http.public_url", "\"http://sampan.test\"".to_owned());
    for line in changes.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no `key = value`: {line}"));
        lines.insert(key.trim(), value.trim().to_owned());
    }
    lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

pub struct App {
    pub client: Client,
    pub world: Arc<World>,
    pub deps: Deps,
    running: Running,
}

/// A daemon on `db` with an honest world around it, the sample network and a merchant.
pub async fn spawn_app(db: &Database, changes: &str) -> App {
    let world = Arc::new(World::start(Troubles::default()));
    let keys = prepare(db).await;
    spawn_beside(db, world, keys, changes).await
}

/// One more daemon on a database that was prepared.
pub async fn spawn_beside(db: &Database, world: Arc<World>, keys: Keys, changes: &str) -> App {
    let settings = config::defaults_with(&settings(db, &world, changes)).expect("valid settings");
    let listener = TcpListener::bind(settings.http.listen).expect("a free port");
    let metrics = telemetry::metrics().expect("metrics");
    let running = app::start(listener, Arc::new(settings), Clock::real(), metrics, false).await;
    let running = running.expect("a daemon");
    let client = Client { address: running.address, keys };
    App { client, world, deps: running.deps.clone(), running }
}

impl App {
    pub async fn stop(self) {
        self.running.stop().await;
    }
}
