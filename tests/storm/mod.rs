//! The real daemons under load, in all weathers.
//!
//! Merchants, hubs, buyers, operators, a carrier and a provider go about their business ([`shop`], [`deeds`]), each order
//! with a story that says how its money has to end ([`story`]), while by a plan that a seed decides ([`plan`]) daemons are killed at random instants and started again ([`fleet`]), the links to the database, the
//! provider, the carrier and the merchant break, dawdle, fall silent or lose answers ([`link`]), the database's disk is
//! full for a while ([`disk`]), and wall clocks jump by up to two hours ([`clock`]). Then it is calm again, everything
//! comes to rest ([`settle`]), and the nine invariants hold ([`invariants`], and of money [`ledger`]).
//!
//! A storm that fails says its seed and its plan. The same seed plans the same storm. With an odd one the provider can be
//! asked what became of a trigger; with an even one triggers whose answer was lost are sent again under their keys.
//! SQLite is for one daemon, so several are tried on PostgreSQL alone.
//! Absent: faults of the disk that lie (a lost fsync), and a PostgreSQL that dies itself.

mod clock;
mod deeds;
mod disk;
mod fleet;
mod ground;
mod invariants;
mod ledger;
mod link;
mod plan;
mod record;
mod settle;
mod shop;
mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clock::Weather;
use disk::Disk;
use fleet::{Common, Excuses, Fleet};
use futures_util::future::join_all;
use ground::{
    another_merchant, buyers_prove_themselves_by_phone, listening_merchant, operator, small_disk, tablespace,
    write_config,
};
use link::{Proxy, pass};
use plan::{Fault, Link, Plan, Step, Terms};
use record::{Figures, Record, held, person, read};
use serde_json::json;
use settle::Expected;
use shop::{Order, Shop, Street};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::support::app::{Keys, prepare};
use crate::support::binary;
use crate::support::database::{Database, Kind};
use crate::support::http::{Client, send};
use crate::support::postgres::{self, Target};
use crate::support::rows::try_change;
use crate::support::stub::Stub;
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub kind: Kind,
    pub daemons: usize,
    pub kills: usize,
    pub seed: u64,
}

const SHOPS: usize = 10;
/// Those who wait for deliveries.
const DOORS: usize = 24;
/// How long a step waits for answers: longer than any fault lasts, and than a starved machine takes to start a daemon
/// and let it answer. Killed earlier each time it would never answer anybody.
const NO_ANSWERS: Duration = Duration::from_secs(30);
/// What a wrong clock put off for hours comes after so many steps.
const HOURS_PASS_EVERY: usize = 8;
/// Load goes with the plan: so many orders a step, and no more.
const ORDERS_A_STEP: usize = 3;
/// Of the departure for which most was received: a minute after the last of it, as the scans have it.
const CUT_OFF: &str = "UPDATE departure SET cutoff_at = (SELECT MAX(e.occurred_at) + 60000000 FROM booking b \
     JOIN tracking_event e ON e.shipment_id = b.shipment_id AND e.scan_kind IN ('received', 'arrived') \
     WHERE b.departure_id = departure.id AND e.hub_code = departure.from_hub) \
     WHERE id = (SELECT d.id FROM departure d JOIN booking b ON b.departure_id = d.id \
     JOIN tracking_event e ON e.shipment_id = b.shipment_id AND e.hub_code = d.from_hub \
     WHERE d.state = 'open' AND e.scan_kind IN ('received', 'arrived') GROUP BY d.id ORDER BY COUNT(*) DESC, d.id LIMIT 1)";
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
        let operators = [operator(&db, "ana").await, operator(&db, "ben").await];
        buyers_prove_themselves_by_phone(&db, &keys).await;
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
        let inquires = options.seed % 2 == 1;
        let config = write_config(&db, &world, &links, inquires);
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
        let (at_the_door, doors) = mpsc::unbounded_channel();
        let street = Arc::new(Street {
            fleet,
            world,
            keys,
            record,
            done: Mutex::default(),
            allowed,
            begun: Mutex::new(0),
            operators,
            inquires,
            at_the_door: Mutex::new(Some(at_the_door)),
            doors: tokio::sync::Mutex::new(doors),
        });
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
        let register = async || send(client.address, "POST", "/v1/webhooks", &headers, body.as_bytes()).await;
        invariants::answered("the merchant may listen", register).await.must_be(201);
    }

    async fn run(&self, plan: &Plan) -> Figures {
        let begun = Instant::now();
        let person = |person: usize| {
            let seed = self.options.seed.wrapping_mul(1_000) + person as u64;
            Shop { street: Arc::clone(&self.street), dice: fastrand::Rng::with_seed(seed) }
        };
        let shops = join_all((0..SHOPS).map(|number| person(number).open()));
        let doors = join_all((SHOPS..SHOPS + DOORS).map(|number| person(number).stand_at_the_door()));
        let weather = async {
            self.rage(plan).await;
            let took = begun.elapsed();
            self.be_calm().await;
            took
        };
        let store = self.db.store().await;
        let to_the_end = async {
            let (took, _) = tokio::join!(weather, shops);
            held(&self.street.at_the_door).take();
            self.no_problems();
            let orders = held(&self.street.done).clone();
            let expected = Expected::of(&orders);
            if let Err(stuck) = settle::converge(&self.db, &store, &expected, self.street.inquires).await {
                let refused = self.refused_by_provider().await;
                panic!("{stuck}\nthe provider refused {refused:#?}");
            }
            (took, orders)
        };
        let ((took, orders), _) = tokio::join!(to_the_end, doors);
        self.no_problems();
        let mut figures = self.figures(took, &orders);
        figures.rested_after = begun.elapsed() - took;
        let client = &self.client();
        let world = &*self.street.world;
        invariants::Books { store: &store, world, client, orders: &orders, inquires: self.street.inquires }
            .hold(&mut figures)
            .await;
        invariants::invariant_9_a_stranger_sees_nothing(client, Arc::clone(&self.stranger), &orders).await;
        self.the_merchant_was_told(&store, &mut figures).await;
        store.close().await;
        self.audit_agrees();
        self.no_problems();
        let is_far = |step: &&Step| matches!(step.fault, Fault::Clock { ahead_seconds, .. } if ahead_seconds.abs() > 600);
        let far = plan.steps.iter().filter(is_far).count();
        let seen = self.street.record.clock_off_seconds();
        assert!(far < 5 || seen > 60, "clocks were set far off {far} times, and daemons saw {seen} s of it");
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
            if nth % HOURS_PASS_EVERY == 0 {
                settle::time_goes_on(&self.db).await;
            }
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
            // It comes by itself as well, days later. What is lost with a disk that is full comes another time.
            Fault::CutOff => drop(try_change(&self.db, CUT_OFF).await),
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

    async fn refused_by_provider(&self) -> Vec<String> {
        let mut all = self.street.world.triggers().await;
        all.retain(|trigger| trigger["refused"].is_string());
        all.iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn no_problems(&self) {
        let problems = self.street.record.problems();
        assert!(problems.is_empty(), "{} of {:?}", problems.join("\n"), self.options);
    }

    fn figures(&self, took: Duration, orders: &[Order]) -> Figures {
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
            orders: orders.len(),
            stories: stories(orders),
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

/// How many orders had which story.
fn stories(orders: &[Order]) -> BTreeMap<String, usize> {
    let mut stories = BTreeMap::new();
    for order in orders {
        *stories.entry(format!("{:?}", order.story)).or_default() += 1;
    }
    stories
}

/// No storm, and its end: jobs go on although a clock was ahead for a moment.
pub async fn calm_again(options: Options) {
    let storm = Storm::prepare(options).await.expect("its database");
    storm.be_calm().await;
    storm.end().await;
}
