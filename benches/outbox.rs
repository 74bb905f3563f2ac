//! What the way out to an escrow provider costs: `cargo bench --bench outbox -- --database sqlite --rounds 5`.
//!
//! First how many triggers a second are sent and acknowledged, from the outbox to a provider on loopback that checks
//! every signature, until what it answered is stored. Beside it in the same run, in turns: the same signed bodies
//! posted to another such provider by a bare HTTP client, as many at once, and nothing stored. Each order has the three
//! triggers of a delivery, one after the other as always. Then, with orders that are delivered at an even pace, how long
//! it takes from the commit that wrote down a delivery until the provider reads the first word of it, and until it reads
//! `confirm_receipt`, before which it has to acknowledge `delivered` and that has to be stored. On PostgreSQL that is
//! measured a second time with two daemons: one writes deliveries down, and the other one, woken by it, sends.
//!
//! Left out: both databases, five rounds of 2,000 orders, 100 deliveries a second for 20 seconds, three times.
//! Databases are made as the tests make them: in memory, PostgreSQL without fsync.

// Of what the tests stand on this needs a part, and its own tests run elsewhere.
#![allow(dead_code, unused_imports, unused_macros)]

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::StreamExt;
use sampan::app::{self, Running};
use sampan::clock::Clock;
use sampan::domain::event::{
    DeliveredTo, EventLocation, EventSource, EventStatus, Happening, Occurred, OffsetSource, ScanKind,
    TrackingEvent,
};
use sampan::domain::id::{MerchantId, ShipmentId};
use sampan::domain::instant::rfc3339;
use sampan::escrow::provider::Command;
use sampan::flows::advance::{Occasion, advance};
use sampan::flows::{Deps, accept_pickup, send_triggers};
use sampan::sandbox::{self, EscrowOptions};
use sampan::store::{StoreError, outbox};
use sampan::{config, telemetry};
use sea_orm::ConnectionTrait;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use support::app::{Keys, prepare, settings};
use support::database::{Database, Kind, number};
use support::steps::one_parcel;
use support::world::{Troubles, World};

/// The daemon's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one order sends: shipped, delivered, confirm_receipt.
const TRIGGERS: usize = 3;
const PREPARED_TOGETHER: usize = 64;

struct Options {
    kinds: Vec<Kind>,
    rounds: usize,
    orders: usize,
    rate: u32,
    seconds: u32,
    paced_rounds: usize,
}

fn main() {
    let options = options(std::env::args().skip(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for kind in &options.kinds {
            throughput(*kind, &options).await;
            latency(*kind, &options, Teller::Sender).await;
            if *kind == Kind::Postgres {
                latency(*kind, &options, Teller::Another).await;
            }
        }
    });
}

fn options(mut arguments: impl Iterator<Item = String>) -> Options {
    let kinds = vec![Kind::Sqlite, Kind::Postgres];
    let mut options = Options { kinds, rounds: 5, orders: 2_000, rate: 100, seconds: 20, paced_rounds: 3 };
    while let Some(name) = arguments.next() {
        // Cargo's own.
        if name == "--bench" {
            continue;
        }
        let value = arguments.next().unwrap_or_else(|| panic!("{name} has no value"));
        let number = || value.parse::<u32>().unwrap_or_else(|_| panic!("{name} {value}: no number"));
        match name.as_str() {
            "--database" if value == "sqlite" => options.kinds = vec![Kind::Sqlite],
            "--database" if value == "postgres" => options.kinds = vec![Kind::Postgres],
            "--rounds" => options.rounds = number() as usize,
            "--orders" => options.orders = number() as usize,
            "--rate" => options.rate = number(),
            "--seconds" => options.seconds = number(),
            "--paced-rounds" => options.paced_rounds = number() as usize,
            _ => panic!("{name} {value}: unknown; see the beginning of benches/outbox.rs"),
        }
    }
    options
}

async fn throughput(kind: Kind, options: &Options) {
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let Some(db) = Database::new(kind).await else { return };
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        let deps = parts(&db, &world, "").await;
        let shipments = accept(&deps, keys.merchant, options.orders).await;
        deliver_all(&deps, &shipments, &[shipped, delivered]).await;
        analyze(kind, &deps).await;
        let bodies = signed(&deps).await;
        let sent = bodies.len();
        assert_eq!(sent, TRIGGERS * options.orders, "the triggers of every order");
        // Whoever goes first finds a colder house: they take turns.
        let (bare_seconds, our_seconds) = if round % 2 == 0 {
            let bare = post(&deps, bodies).await;
            (bare, send(&deps, sent).await)
        } else {
            let ours = send(&deps, sent).await;
            (post(&deps, bodies).await, ours)
        };
        let rate = |seconds: f64| sent as f64 / seconds;
        println!(
            "{kind:?} round {round}: {:.0} triggers/s sent and acknowledged, {:.0}/s bare, ratio {:.2}",
            rate(our_seconds),
            rate(bare_seconds),
            bare_seconds / our_seconds
        );
        ours.push(rate(our_seconds));
        bare.push(rate(bare_seconds));
        ratios.push(bare_seconds / our_seconds);
        deps.store.close().await;
    }
    println!(
        "{kind:?} medians of {} rounds: {:.0} triggers/s sent and acknowledged, {:.0}/s bare, ratio {:.2}\n",
        options.rounds,
        median(&mut ours),
        median(&mut bare),
        median(&mut ratios)
    );
}

/// What the autovacuum of any other PostgreSQL does before long.
async fn analyze(kind: Kind, deps: &Deps) {
    if kind == Kind::Postgres {
        deps.store.reader().execute_unprepared("ANALYZE").await.expect("statistics");
    }
}

/// The outbox as it is, until all is acknowledged.
async fn send(deps: &Deps, sent: usize) -> f64 {
    let begun = Instant::now();
    let claimed = send_triggers::run_due(deps).await.expect("a database");
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(claimed as usize, sent, "each is sent once");
    let acknowledged = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'acknowledged'";
    assert_eq!(number(&deps.store, acknowledged).await as usize, sent);
    let confirmed = "SELECT COUNT(*) AS n FROM escrow_order WHERE state = 'confirmed'";
    assert_eq!(number(&deps.store, confirmed).await as usize, sent / TRIGGERS);
    seconds
}

struct Signed {
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// Every trigger of the outbox as its provider's adapter writes it, in the order in which an order's go out.
async fn signed(deps: &Deps) -> Vec<Signed> {
    let mut messages = outbox::list(deps.store.reader(), None, u64::from(u32::MAX)).await.expect("messages");
    messages.sort_by_key(|message| message.position);
    let provider = deps.providers.get("webhook").expect("the provider");
    let wall = deps.clock.wall();
    let signed = messages.iter().map(|message| {
        let body: Value = serde_json::from_str(&message.body).expect("a body");
        let facts = serde_json::from_value(body["data"].clone()).expect("facts");
        let command = Command { id: message.id, facts: &facts, body: &message.body };
        let request = provider.request(&command, wall).expect("something to say");
        Signed { headers: request.headers, body: request.body.expect("a body") }
    });
    signed.collect()
}

/// The same bodies to a provider of their own.
async fn post(deps: &Deps, bodies: Vec<Signed>) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/triggers", listener.local_addr().expect("an address"));
    let secret = deps.settings.escrow.webhook_secret.expose_secret().parse().expect("a secret");
    let options = EscrowOptions { seed: 7, lose_answers: 0.0, errors: 0.0 };
    let (server, _) = sandbox::escrow(listener, secret, options).expect("a provider");
    let (handle, serving) = (server.handle(), tokio::spawn(server));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let begun = Instant::now();
    let tasks = bodies.into_iter().map(|signed| {
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move {
            let mut request = client.post(url);
            for (name, value) in signed.headers {
                request = request.header(name, value);
            }
            let answer = request.body(signed.body).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.bytes().await.expect("a whole answer");
        })
    });
    // Spawned as they are taken up: so many at once and no more.
    let together = deps.settings.outbox.per_provider_max;
    futures_util::stream::iter(tasks)
        .buffer_unordered(together)
        .for_each(async |done| done.expect("sent"))
        .await;
    let seconds = begun.elapsed().as_secs_f64();
    handle.stop(false).await;
    serving.await.expect("it ends").expect("a server");
    seconds
}

type Arrivals = Arc<Mutex<HashMap<(String, String), Instant>>>;

/// A provider that notes when each word of an order has arrived.
fn noting() -> (SocketAddr, Arrivals) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let arrivals = Arrivals::default();
    let noted = web::Data::new(Arc::clone(&arrivals));
    let take = async |noted: web::Data<Arrivals>, body: web::Bytes| {
        let at = Instant::now();
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let text = |name: &str| body["data"][name].as_str().expect("a text").to_owned();
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.entry((text("shipment"), text("action"))).or_insert(at);
        HttpResponse::Ok().json(json!({}))
    };
    let server =
        HttpServer::new(move || App::new().app_data(noted.clone()).route("/triggers", web::post().to(take)));
    tokio::spawn(server.workers(1).disable_signals().listen(listener).expect("a server").run());
    (address, arrivals)
}

/// Which daemon writes down what the sender sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Teller {
    Sender,
    Another,
}

async fn latency(kind: Kind, options: &Options, teller: Teller) {
    let mut medians: HashMap<(&str, u32), Vec<f64>> = HashMap::new();
    for round in 0..options.paced_rounds {
        let Some(db) = Database::new(kind).await else { return };
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        let (address, arrivals) = noting();
        let changes = format!("escrow.webhook_url = \"http://{address}/triggers\"\n");
        let running = daemon(&db, &world, &changes).await;
        let deps = match teller {
            Teller::Sender => running.deps.clone(),
            Teller::Another => parts(&db, &world, &changes).await,
        };
        let shipments = accept(&deps, keys.merchant, (options.rate * options.seconds) as usize).await;
        deliver_all(&deps, &shipments, &[shipped]).await;
        let on_their_way = "SELECT COUNT(*) AS n FROM outbox WHERE state <> 'acknowledged'";
        while number(&deps.store, on_their_way).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let committed = paced(&deps, &shipments, options.rate).await;
        let confirmed = "SELECT COUNT(*) AS n FROM escrow_order WHERE state <> 'confirmed'";
        while number(&deps.store, confirmed).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for action in ["delivered", "confirm_receipt"] {
            let mut waits: Vec<f64> = committed
                .iter()
                .map(|(shipment, at)| {
                    let arrived = arrivals[&(shipment.to_string(), action.to_owned())];
                    arrived.saturating_duration_since(*at).as_secs_f64() * 1_000.0
                })
                .collect();
            waits.sort_by(f64::total_cmp);
            for percent in [50, 99] {
                medians.entry((action, percent)).or_default().push(percentile(&waits, percent));
            }
            println!(
                "{kind:?} round {round}, written by {teller:?}: from the commit of a delivery to {action} on the wire: P50 {:.1} ms, P99 {:.1} ms, at most {:.1} ms",
                percentile(&waits, 50),
                percentile(&waits, 99),
                waits.last().copied().unwrap_or_default()
            );
        }
        running.stop().await;
    }
    for action in ["delivered", "confirm_receipt"] {
        let mut of = |percent| median(medians.entry((action, percent)).or_default());
        println!(
            "{kind:?} medians of {} rounds at {} deliveries a second, written by {teller:?}: {action} on the wire after P50 {:.1} ms, P99 {:.1} ms",
            options.paced_rounds,
            options.rate,
            of(50),
            of(99)
        );
    }
    println!();
}

/// Delivers one after the other, evenly; says when each commit was known.
async fn paced(deps: &Deps, shipments: &[ShipmentId], rate: u32) -> Vec<(ShipmentId, Instant)> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut tasks = Vec::with_capacity(shipments.len());
    for id in shipments.iter().copied() {
        ticks.tick().await;
        let deps = deps.clone();
        tasks.push(tokio::spawn(async move { (id, deliver(&deps, id, &[delivered]).await) }));
    }
    let mut committed = Vec::with_capacity(tasks.len());
    for task in tasks {
        committed.push(task.await.expect("a delivery"));
    }
    committed
}

type Happens = fn(&Deps) -> TrackingEvent;

/// Writes down what happened, as whoever hears of it does, and rings. Says when the commit was known.
async fn deliver(deps: &Deps, id: ShipmentId, what: &[Happens]) -> Instant {
    let events: Vec<TrackingEvent> = what.iter().map(|happens| happens(deps)).collect();
    let occasion = Occasion::new(deps, "carrier dhl_unified".to_owned());
    let advanced = deps
        .store
        .write(move |tx| Box::pin(async move { advance(tx, id, &events, &occasion).await }))
        .await
        .expect("a commit");
    let committed_at = Instant::now();
    if advanced.expect("a shipment").to_send {
        deps.outbox_bell.notify_one();
    }
    committed_at
}

async fn deliver_all(deps: &Deps, shipments: &[ShipmentId], what: &[Happens]) {
    let each = shipments.iter().map(|id| deliver(deps, *id, what));
    futures_util::stream::iter(each).buffer_unordered(PREPARED_TOGETHER).collect::<Vec<_>>().await;
}

fn shipped(deps: &Deps) -> TrackingEvent {
    event(deps, EventStatus::PickedUp, "picked up", 48)
}

fn delivered(deps: &Deps) -> TrackingEvent {
    let mut event = event(deps, EventStatus::Delivered, "delivered", 1);
    event.happening.delivered_to = Some(DeliveredTo::Addressee);
    event
}

/// As a carrier tells it of the only parcel.
fn event(deps: &Deps, status: EventStatus, text: &str, hours_ago: i64) -> TrackingEvent {
    let now = deps.clock.now();
    let at = now - chrono::TimeDelta::hours(hours_ago);
    TrackingEvent {
        parcel: Some(1),
        source: EventSource::Poll,
        source_name: "dhl_unified".to_owned(),
        happening: Happening {
            status,
            delivered_to: None,
            occurred: Occurred { at, local_time: rfc3339(at), offset_source: OffsetSource::Carrier },
            code: text.to_owned(),
            description: text.to_owned(),
            location: EventLocation::default(),
            cancels: None,
        },
        tracking_number: Some("1Z999AA10123456784".parse().expect("a tracking number")),
        scan: None,
        hub: None,
        facility: None,
        raw: json!({"status": text}).to_string(),
        recorded_at: now,
        doubted: false,
    }
}

async fn accept(deps: &Deps, merchant: MerchantId, orders: usize) -> Vec<ShipmentId> {
    let each = (0..orders).map(async |_| {
        let body = one_parcel().to_string();
        let answer =
            accept_pickup::accept(deps, merchant, None, body.as_bytes()).await.expect("a good pickup");
        let accepted: Value = serde_json::from_str(&answer.body).expect("JSON");
        accepted["id"].as_str().expect("an id").parse::<ShipmentId>().expect("a shipment's id")
    });
    futures_util::stream::iter(each).buffer_unordered(PREPARED_TOGETHER).collect().await
}

/// The inner parts of a daemon, without anybody at work.
async fn parts(db: &Database, world: &World, changes: &str) -> Deps {
    let settings = config::defaults_with(&settings(db, world, changes)).expect("valid settings");
    app::build(Arc::new(settings), Clock::real()).await.expect("a daemon's parts")
}

async fn daemon(db: &Database, world: &World, changes: &str) -> Running {
    let settings = config::defaults_with(&settings(db, world, changes)).expect("valid settings");
    let listener = TcpListener::bind(settings.http.listen).expect("a free port");
    let metrics = telemetry::metrics().expect("metrics");
    app::start(listener, Arc::new(settings), Clock::real(), metrics, false).await.expect("a daemon")
}

fn percentile(sorted: &[f64], percent: u32) -> f64 {
    let at = (sorted.len() * percent as usize).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
