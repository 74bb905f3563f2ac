//! The real daemons under load, in all weathers.
//!
//! Merchants, hubs, buyers, a carrier and a provider go about their business ([`shop`]), while by a plan that a seed
//! decides ([`plan`]) daemons are killed at random instants and started again ([`fleet`]), the links to the database, the
//! provider, the carrier and the merchant break, dawdle, fall silent or lose answers ([`link`]), the database's disk is
//! full for a while ([`disk`]), and wall clocks jump by up to two hours ([`clock`]). Then it is calm again, everything
//! comes to rest ([`settle`]), and the nine invariants hold ([`invariants`]).
//!
//! A storm that fails says its seed and its plan. The same seed plans the same storm.
//! SQLite is for one daemon, so several are tried on PostgreSQL alone.
//! Absent: faults of the disk that lie (a lost fsync), and a PostgreSQL that dies itself.

mod clock;
mod disk;
mod fleet;
mod invariants;
mod link;
mod plan;
mod record;
mod settle;
mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clock::Weather;
use disk::Disk;
use fleet::{Common, Excuses, Fleet};
use futures_util::future::join_all;
use link::{Proxy, pass};
use plan::{Fault, Link, Plan, Step, Terms};
use record::{Figures, Record, held, person, read};
use sampan::clock::Clock;
use sampan::flows::authenticate;
use sampan::store::schema;
use secrecy::ExposeSecret;
use serde_json::json;
use shop::{Ending, Shop, Street};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::app::{Keys, prepare, settings};
use crate::support::binary;
use crate::support::database::{Database, Kind};
use crate::support::http::{Client, send};
use crate::support::postgres::{self, Target};
use crate::support::stub::{Reply, Stub};
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub kind: Kind,
    pub daemons: usize,
    pub kills: usize,
    pub seed: u64,
}

/// Leases and waits of seconds; more tries than any storm is long.
const HURRIED: &str = r#"
    log.format = "json"
    database.connections_max = 4
    polling.hours_delivered = 0.01
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
const SHOPS: usize = 10;
/// How long a step waits for answers: longer than any fault lasts.
const NO_ANSWERS: Duration = Duration::from_secs(5);
/// Load goes with the plan: so many orders a step, and no more.
const ORDERS_A_STEP: usize = 3;
const TROUBLES: Troubles = Troubles { carrier_faults: 0.1, lost_answers: 0.2, escrow_errors: 0.1 };

/// None: there is no PostgreSQL here, and somebody was told so. Panics with the plan if anything is wrong.
pub async fn rage(options: Options) -> Option<Figures> {
    let storm = Storm::prepare(options).await?;
    let plan = Plan::draw(storm.terms());
    let mut tellers = Tellers { plan: &plan, fleet: Some(Arc::clone(&storm.street.fleet)) };
    let figures = storm.run(&plan).await;
    tellers.fleet = None;
    storm.end().await;
    Some(figures)
}

/// Tells of a storm that panics what it takes to run it again.
struct Tellers<'a> {
    plan: &'a Plan,
    fleet: Option<Arc<Fleet>>,
}

impl Drop for Tellers<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.fleet.take().map(|fleet| fleet.last_lines()).unwrap_or_default();
            eprintln!("--- the plan\n{}{log}---", self.plan);
        }
    }
}

struct Links {
    database: Option<Arc<Proxy>>,
    provider: Arc<Proxy>,
    carrier: Arc<Proxy>,
    merchant: Arc<Proxy>,
}

impl Links {
    fn get(&self, link: Link) -> &Arc<Proxy> {
        match link {
            Link::Database => self.database.as_ref().expect("a plan without it does not name it"),
            Link::Provider => &self.provider,
            Link::Carrier => &self.carrier,
            Link::Merchant => &self.merchant,
        }
    }

    fn calm(&self) {
        for proxy in self.database.iter().chain([&self.provider, &self.carrier, &self.merchant]) {
            proxy.calm();
        }
    }
}

struct Storm {
    options: Options,
    street: Arc<Street>,
    allow: watch::Sender<Option<usize>>,
    links: Links,
    weathers: Vec<Arc<Weather>>,
    excuses: Arc<Excuses>,
    /// How many think that it is full.
    fullness: Arc<AtomicUsize>,
    merchant: Stub,
    config: PathBuf,
    stranger: Arc<Keys>,
    disk: Arc<Disk>,
    db: Database,
}

impl Storm {
    async fn prepare(options: Options) -> Option<Self> {
        let mut db = Database::new(options.kind).await?;
        let disk = Arc::new(small_disk(&mut db).await);
        let world = Arc::new(World::start(TROUBLES));
        let keys = prepare(&db).await;
        let stranger = Arc::new(another_merchant(&db, &keys).await);
        let merchant = listening_merchant().await;
        let links = Links {
            database: match db.kind {
                Kind::Sqlite => None,
                Kind::Postgres => Some(Proxy::start(postgres::server().await?.target()).await),
            },
            provider: Proxy::start(Target::Tcp(world.escrow_address)).await,
            carrier: Proxy::start(Target::Tcp(world.carrier_address)).await,
            merchant: Proxy::start(Target::Tcp(merchant.address)).await,
        };
        let config = write_config(&db, &world, &links);
        let folder = db.folder.path();
        let weather = |daemon: usize| Arc::new(Weather::new(folder.join(format!("weather-{daemon}"))));
        let weathers: Vec<_> = (0..options.daemons).map(weather).collect();
        let (excuses, record) = (Arc::new(Excuses::default()), Arc::new(Record::default()));
        let common = Common {
            config: config.clone(),
            preloaded: clock::build(folder),
            excuses: Arc::clone(&excuses),
            record: Arc::clone(&record),
        };
        let fleet = Arc::new(Fleet::start(&common, &weathers));
        settle::all_are_ready(&fleet).await;
        let (allow, allowed) = watch::channel(Some(ORDERS_A_STEP));
        let (done, begun) = (Mutex::default(), Mutex::new(0));
        let street = Arc::new(Street { fleet, world, keys, record, done, allowed, begun });
        let fullness = Arc::new(AtomicUsize::new(0));
        let storm = Self {
            options,
            street,
            allow,
            links,
            weathers,
            excuses,
            fullness,
            merchant,
            config,
            stranger,
            disk,
            db,
        };
        storm.register_merchant().await;
        Some(storm)
    }

    fn terms(&self) -> Terms {
        Terms {
            seed: self.options.seed,
            kills: self.options.kills,
            daemons: self.options.daemons,
            database_link: self.links.database.is_some(),
            // What cannot be mounted can be pretended to a daemon, and not to a PostgreSQL.
            disk: self.disk.is_mounted() || self.options.kind == Kind::Sqlite,
        }
    }

    fn client(&self) -> Client {
        let address = self.street.fleet.any(&mut fastrand::Rng::with_seed(1)).expect("a daemon that listens");
        Client { address, keys: self.street.keys.clone() }
    }

    async fn register_merchant(&self) {
        let client = self.client();
        let bearer = format!("Bearer {}", client.keys.api_key);
        let body = json!({"url": format!("http://{}/hooks", self.links.merchant.address)}).to_string();
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = send(client.address, "POST", "/v1/webhooks", &headers, body.as_bytes()).await;
        answer.expect("an answer").must_be(201);
    }

    async fn run(&self, plan: &Plan) -> Figures {
        let begun = Instant::now();
        let shop = |shop: usize| {
            let seed = self.options.seed.wrapping_mul(1_000) + shop as u64;
            Shop { street: Arc::clone(&self.street), dice: fastrand::Rng::with_seed(seed) }
        };
        let shops = join_all((0..SHOPS).map(|number| shop(number).open()));
        let weather = async {
            self.rage(plan).await;
            let took = begun.elapsed();
            self.be_calm().await;
            took
        };
        let (took, _) = tokio::join!(weather, shops);
        self.no_problems();
        let orders = held(&self.street.done).clone();
        let store = self.db.store().await;
        let to_confirm = orders.iter().filter(|order| order.ending == Ending::Confirmed).count();
        let settled = settle::converge(&self.db, &store, to_confirm).await;
        settled.unwrap_or_else(|stuck| panic!("{stuck}"));
        let mut figures = self.figures(took, orders.len(), to_confirm);
        figures.rested_after = begun.elapsed() - took;
        let client = &self.client();
        let world = &*self.street.world;
        invariants::Books { store: &store, world, client, orders: &orders }.hold(&mut figures).await;
        invariants::a_stranger_sees_nothing(client, Arc::clone(&self.stranger), &orders).await;
        self.the_merchant_was_told(&store, &mut figures).await;
        store.close().await;
        self.audit_agrees();
        self.no_problems();
        let clocks = plan.steps.iter().filter_map(|step| match step.fault {
            Fault::Clock { ahead_seconds, .. } => Some(ahead_seconds.abs()),
            _ => None,
        });
        let (farthest, seen) = (clocks.max().unwrap_or(0), self.street.record.clock_off_seconds());
        assert!(
            farthest < 600 || seen > 60,
            "clocks were set {farthest} s off, and daemons saw {seen} s of it"
        );
        figures
    }

    /// Until the plan is over, or something is wrong.
    async fn rage(&self, plan: &Plan) {
        let mut lasting = JoinSet::new();
        for (nth, Step { answers, after, fault }) in plan.steps.iter().enumerate() {
            let enough = read(&self.street.record.questions) + answers;
            let is_answered =
                wait_until("questions are answered", async || read(&self.street.record.questions) >= enough);
            // While a fault lasts there may be none; the next one may come all the same.
            let _ = tokio::time::timeout(NO_ANSWERS, is_answered).await;
            pass(*after).await;
            self.allow.send_replace(Some((nth + 2) * ORDERS_A_STEP));
            if !self.street.record.problems().is_empty() {
                break;
            }
            self.play(*fault, &mut lasting).await;
            while lasting.try_join_next().is_some() {}
        }
        self.allow.send_replace(None);
        while lasting.join_next().await.is_some() {}
    }

    async fn play(&self, fault: Fault, lasting: &mut JoinSet<()>) {
        match fault {
            Fault::Kill { daemon } => {
                let keeper = Arc::clone(&self.street.fleet.keepers[daemon]);
                wait_until("there is a daemon to kill", async || keeper.kill()).await;
                record::count(&self.street.record.kills);
            }
            Fault::Trouble { link, trouble, lasts } => {
                let excuses = (link == Link::Database).then(|| Arc::clone(&self.excuses));
                excuses.iter().for_each(|excuses| excuses.begin());
                let proxy = Arc::clone(self.links.get(link));
                let number = proxy.begin(trouble);
                lasting.spawn(async move {
                    pass(lasts).await;
                    proxy.end(number);
                    excuses.iter().for_each(|excuses| excuses.end());
                });
            }
            Fault::FullDisk { lasts } => {
                self.excuses.begin();
                let (disk, fullness) = (Arc::clone(&self.disk), Arc::clone(&self.fullness));
                let (weathers, excuses) = (self.weathers.clone(), Arc::clone(&self.excuses));
                fullness.fetch_add(1, Ordering::SeqCst);
                fill(&disk, &weathers);
                lasting.spawn(async move {
                    pass(lasts).await;
                    if fullness.fetch_sub(1, Ordering::SeqCst) == 1 {
                        free(&disk, &weathers);
                    }
                    excuses.end();
                });
            }
            Fault::Clock { daemon, ahead_seconds } => self.weathers[daemon].set_ahead(ahead_seconds),
        }
    }

    async fn be_calm(&self) {
        self.links.calm();
        free(&self.disk, &self.weathers);
        // Whatever the plan left them at: clocks that are an hour ahead are set right, and jobs go on at once.
        for ahead_seconds in [3_600, 0] {
            self.weathers.iter().for_each(|weather| weather.set_ahead(ahead_seconds));
            settle::all_are_ready(&self.street.fleet).await;
        }
    }

    #[track_caller]
    fn no_problems(&self) {
        let problems = self.street.record.problems();
        assert!(problems.is_empty(), "{} of {:?}", problems.join("\n"), self.options);
    }

    fn figures(&self, took: Duration, orders: usize, confirmed: usize) -> Figures {
        let record = &self.street.record;
        let (ready_median, ready_slowest) = record.ready();
        Figures {
            took,
            kills: read(&record.kills),
            starts: read(&record.starts),
            failed_starts: read(&record.failed_starts),
            ready_median,
            ready_slowest,
            questions: read(&record.questions),
            not_now: read(&record.not_now),
            unanswered: read(&record.unanswered),
            orders,
            confirmed,
            called_off: orders - confirmed,
            refused: read(&record.refused),
            errors: record.errors(),
            ..Figures::default()
        }
    }

    /// Of every message, once at least, and of nobody's name.
    async fn the_merchant_was_told(&self, store: &sampan::store::Store, figures: &mut Figures) {
        let asked = self.merchant.asked();
        let mut seen = BTreeMap::<String, usize>::new();
        for asked in &asked {
            let text = String::from_utf8_lossy(&asked.body);
            assert_eq!(person::found_in(&text), None, "9: a webhook says {text}");
            *seen.entry(asked.header("webhook-id").to_owned()).or_default() += 1;
        }
        let all = crate::support::rows::count(store, "webhook_message").await as usize;
        assert_eq!(seen.len(), all, "each message reached the merchant");
        let lost = "SELECT COUNT(*) AS n FROM webhook_message WHERE state <> 'acknowledged'";
        assert_eq!(crate::support::database::number(store, lost).await, 0, "messages that were given up");
        let endpoints: BTreeSet<_> = asked.iter().map(|asked| asked.path.clone()).collect();
        assert!(endpoints.len() <= 1, "{endpoints:?}");
        (figures.messages, figures.messages_again) = (all, asked.len() - all);
    }

    /// 8, by the command that an operator has.
    fn audit_agrees(&self) {
        let config = self.config.display().to_string();
        let output = binary::sampan(self.db.folder.path(), &["--config", &config, "audit", "verify"]);
        assert!(binary::good(&output).contains(" 0 breaks"), "8: {}", binary::out(&output));
    }

    async fn end(self) {
        let Self { street, links, disk, db, .. } = self;
        drop(links);
        let record = Arc::clone(&street.record);
        let Some(street) = Arc::into_inner(street) else { panic!("a shop is still open") };
        if let Some(fleet) = Arc::into_inner(street.fleet) {
            fleet.stop();
        }
        assert_eq!(record.problems(), Vec::<String>::new(), "a daemon stops when told to");
        let name = tablespace(&db);
        let kind = db.kind;
        drop(db);
        if kind == Kind::Postgres
            && disk.is_mounted()
            && let Some(server) = postgres::server().await
        {
            server.drop_tablespace(&name).await.expect("an empty tablespace");
        }
        drop(disk);
    }
}

fn fill(disk: &Disk, weathers: &[Arc<Weather>]) {
    if !disk.is_mounted() {
        weathers.iter().for_each(|weather| weather.set_full(true));
        return;
    }
    // What grows between a look and a change is looked at again; it ends, since there is less and less room.
    while !disk.fill() {}
}

fn free(disk: &Disk, weathers: &[Arc<Weather>]) {
    disk.free();
    weathers.iter().for_each(|weather| weather.set_full(false));
}

fn tablespace(db: &Database) -> String {
    let folder = db.folder.path().file_name().expect("a name").to_string_lossy();
    folder.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// With the database on it.
async fn small_disk(db: &mut Database) -> Disk {
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

fn write_config(db: &Database, world: &World, links: &Links) -> PathBuf {
    let mut changes = HURRIED.to_owned();
    let mut set = |key: &str, value: String| changes.push_str(&format!("{key} = {value}\n"));
    set("outbox.retry_seconds", format!("{:?}", vec![1; TRIES]));
    set("carriers.dhl_unified.base_url", format!("\"http://{}\"", links.carrier.address));
    set("escrow.webhook_url", format!("\"http://{}/triggers\"", links.provider.address));
    if let Some(database) = &links.database {
        set("database.url", format!("{:?}", postgres::through(db.url.expose_secret(), database.address)));
    }
    let config = db.folder.path().join("sampan.toml");
    std::fs::write(&config, settings(db, world, &changes)).expect("the daemons' settings");
    config
}

async fn another_merchant(db: &Database, keys: &Keys) -> Keys {
    let store = db.store().await;
    let (country, currency) = ("HK".parse().expect("a country"), "HKD".parse().expect("a currency"));
    let now = Clock::real().now();
    let new = authenticate::create_merchant(&store, "Rival".to_owned(), country, currency, now).await;
    let new = new.expect("a merchant");
    store.close().await;
    Keys { merchant: new.id, api_key: new.api_key.expose_secret().to_owned(), ..keys.clone() }
}

/// Who takes most messages at once, and of some says that it did not.
async fn listening_merchant() -> Stub {
    let dice = Mutex::new(fastrand::Rng::with_seed(3));
    Stub::start(move |_, _| match held(&dice).u8(0..20) {
        0 => Reply::Status(500, Vec::new()),
        1 => Reply::HangUp,
        _ => Reply::Status(204, Vec::new()),
    })
    .await
}

/// What is run of every change: 200 kills in all. `SAMPAN_STORM_KILLS` and `SAMPAN_STORM_SEED` change them; for long
/// storms there is `cargo bench --bench storm`.
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<u64> {
        let set = std::env::var(name).ok()?;
        Some(set.parse().unwrap_or_else(|_| panic!("{name} has to be a number, and is {set:?}")))
    }

    async fn weather(kind: Kind, daemons: usize, kills: usize) {
        let kills = variable("SAMPAN_STORM_KILLS").map_or(kills, |kills| kills as usize);
        let seed = variable("SAMPAN_STORM_SEED").unwrap_or(1);
        let options = Options { kind, daemons, kills, seed };
        if let Some(figures) = rage(options).await {
            println!("{options:?}\n{figures}");
        }
    }

    /// Longer ones are the bench's.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_daemon_that_is_killed_a_few_times_loses_nothing() {
        weather(Kind::Sqlite, 1, 5).await;
    }
}
