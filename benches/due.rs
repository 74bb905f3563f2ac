//! Whether a daemon on SQLite keeps a million parcels asked about on time.
//!
//! `cargo bench --bench due`, with other `NUMBERS` than 1,000,000, `RATE` than 300 a second and `SECONDS` than 60.
//! So many numbers fall due each second; a carrier on loopback answers each question in 80 ms with events that
//! are new, so that every answer changes a shipment. Printed: how late questions were asked, how many were asked
//! a second, and what the process has in memory before and after.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::StreamExt;
use sampan::clock::Clock;
use sampan::domain::id::MerchantId;
use sampan::flows::{Deps, accept_pickup, authenticate, import_network, record_scans};
use sampan::sandbox::sample::{self, PICKUPS};
use sampan::store::schema;
use sampan::{app, config, telemetry};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

const TOGETHER: usize = 64;
const ANSWERS_IN: Duration = Duration::from_millis(80);
/// What is due first waits until the daemon is up.
const WARM_UP_SECONDS: i64 = 5;

fn parameter(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let (numbers, rate, seconds) =
        (parameter("NUMBERS", 1_000_000), parameter("RATE", 300), parameter("SECONDS", 60));
    let due = (rate * seconds).min(numbers);
    let carrier = carrier();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let settings = format!(
        "database.url = {url:?}\nhttp.listen = \"127.0.0.1:0\"\noutbound.allow_private_addresses = true\n\
         log.level = \"warn\"\n[carriers.dhl_unified]\nbase_url = \"http://{carrier}\"\napi_key = \"k\"\n\
         calls_per_second = 0\ncalls_per_day = 0\ncalls_per_shipment_and_day = 0\nconcurrency_max = 64\n"
    );
    let settings = Arc::new(config::defaults_with(&settings).expect("settings"));
    telemetry::log(&settings.log).expect("a log");
    schema::up(&settings.database.url).await.expect("a schema");
    let deps = app::build(Arc::clone(&settings), Clock::real()).await.expect("parts");
    let now = deps.clock.now();
    import_network::import(&deps.store, sample::files(), now).await.expect("a network");
    import_network::refresh(&deps).await.expect("a network");
    let (country, currency) = ("US".parse().expect("a country"), "USD".parse().expect("a currency"));
    let merchant = authenticate::create_merchant(&deps.store, "Bench".to_owned(), country, currency, now);
    hand_over(&deps, merchant.await.expect("a merchant").id, due).await;
    others(&deps, numbers - due).await;
    let start = Clock::real().now() + chrono::TimeDelta::seconds(WARM_UP_SECONDS);
    fall_due(&deps, start, rate).await;
    deps.store.close().await;

    let before = resident_megabytes();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let running =
        app::start(listener, settings, Clock::real(), telemetry::metrics().expect("metrics"), false);
    let running = running.await.expect("a daemon");
    let asked = "SELECT COUNT(*) AS n FROM tracked_number WHERE asked_at IS NOT NULL";
    let begun = Instant::now();
    while (number(&running.deps, asked).await as usize) < due {
        assert!(begun.elapsed() < Duration::from_secs(20 * seconds as u64), "it never gets there");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    report(&running.deps, start, rate, due).await;
    println!("memory: {before} MB before the daemon, {} MB after {due} of {numbers}", resident_megabytes());
    running.stop().await;
}

/// A carrier with news of every parcel.
fn carrier() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = async |query: web::Query<std::collections::HashMap<String, String>>| {
        tokio::time::sleep(ANSWERS_IN).await;
        let event = |at: &str, text: &str| {
            json!({"timestamp": at, "statusCode": "transit", "status": text, "description": text,
                "location": {"address": {"countryCode": "CN", "addressLocality": "SHANGHAI"}}})
        };
        let today = chrono::Utc::now().format("%Y-%m-%d");
        let events = [
            event(&format!("{today}T08:00:00+08:00"), "Arrived"),
            event(&format!("{today}T02:00:00+08:00"), "Picked up"),
        ];
        HttpResponse::Ok().json(json!({"shipments": [{"id": query["trackingNumber"], "events": events}]}))
    };
    let server = HttpServer::new(move || App::new().route("/track/shipments", web::get().to(answer)));
    let server = server.workers(1).disable_signals().listen(listener).expect("a server").run();
    tokio::spawn(server);
    address
}

/// Shipments that a courier has.
async fn hand_over(deps: &Deps, merchant: MerchantId, shipments: usize) {
    let orders: Vec<Value> =
        PICKUPS.lines().map(|line| serde_json::from_str(line).expect("a sample pickup")).collect();
    let one = |order: &&Value| order["parcels"].as_array().is_some_and(|parcels| parcels.len() == 1);
    let order = orders.iter().find(one).expect("a pickup of one parcel").clone();
    let gateway = sample_gateway();
    let tasks = futures_util::stream::iter(0..shipments).map(|number| {
        let (deps, mut order, gateway) = (deps.clone(), order.clone(), gateway.clone());
        let from = Clock::real().now() + chrono::TimeDelta::hours(20);
        order["pickup"]["from"] = json!(from.to_rfc3339());
        order["pickup"]["until"] = json!((from + chrono::TimeDelta::hours(3)).to_rfc3339());
        order["parcels"][0]["weight_grams"] = json!(1);
        order["parcels"][0]["size_mm"] = json!([10, 10, 10]);
        (order["reference"], order["payment"]["reference"]) =
            (json!(format!("R-{number}")), json!(format!("T-{number}")));
        tokio::spawn(async move {
            let body = order.to_string();
            let accepted =
                accept_pickup::accept(&deps, merchant, None, body.as_bytes()).await.expect("a pickup");
            let accepted: Value = serde_json::from_str(&accepted.body).expect("JSON");
            let at = Clock::real().now() - chrono::TimeDelta::hours(30);
            let scan = json!({
                "parcel": accepted["parcels"][0]["id"], "kind": "handed_over", "occurred_at": at.to_rfc3339(),
                "carrier": "dhl_unified", "tracking_number": format!("BENCH-{number:08}-X"),
            });
            record_scans::record(&deps, &gateway, &scan).await.expect("a scan");
        })
    });
    let begun = Instant::now();
    let done: Vec<_> = tasks.buffer_unordered(TOGETHER).collect().await;
    done.into_iter().for_each(|done| done.expect("a task"));
    println!("{shipments} shipments handed over in {:.1} s", begun.elapsed().as_secs_f64());
}

fn sample_gateway() -> sampan::domain::network::HubCode {
    let (hubs, ..) = sampan::routing::read(sample::files()).expect("the sample network");
    let gateway = hubs.iter().find(|hub| hub.kind == sampan::domain::network::HubKind::Gateway);
    gateway.expect("a gateway").code.clone()
}

/// Numbers that fall due another day, in no order.
async fn others(deps: &Deps, count: usize) {
    let tomorrow = (Clock::real().now() + chrono::TimeDelta::days(1)).timestamp_micros();
    let sql = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
         INSERT INTO tracked_number (shipment_id, parcel_number, carrier, tracking_number, next_poll_at, \
         claimed_until, failures, created_at) \
         SELECT randomblob(16), 1, 'dhl_unified', 'OTHER-' || n, {tomorrow} + abs(random() % 86400000000), 0, 0, 0 FROM n"
    );
    if count > 0 {
        execute(deps, sql).await;
    }
}

/// So many a second, beginning at `start`.
async fn fall_due(deps: &Deps, start: chrono::DateTime<chrono::Utc>, rate: usize) {
    let sql = format!(
        "UPDATE tracked_number SET next_poll_at = {} + CAST(substr(tracking_number, 7, 8) AS INTEGER) * 1000000 / {rate} \
         WHERE tracking_number LIKE 'BENCH-%'",
        start.timestamp_micros()
    );
    execute(deps, sql).await;
}

async fn execute(deps: &Deps, sql: String) {
    let done = deps.store.write(move |tx| {
        let statement = Statement::from_string(tx.get_database_backend(), sql.clone());
        Box::pin(
            async move { tx.execute_raw(statement).await.map(drop).map_err(sampan::store::StoreError::from) },
        )
    });
    done.await.expect("rows");
}

async fn number(deps: &Deps, sql: &str) -> i64 {
    let db = deps.store.reader();
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("a row");
    row.expect("a row").try_get("", "n").expect("a number")
}

async fn report(deps: &Deps, start: chrono::DateTime<chrono::Utc>, rate: usize, due: usize) {
    let db = deps.store.reader();
    let sql = format!(
        "SELECT asked_at - ({} + CAST(substr(tracking_number, 7, 8) AS INTEGER) * 1000000 / {rate}) AS late, asked_at \
         FROM tracked_number WHERE tracking_number LIKE 'BENCH-%'",
        start.timestamp_micros()
    );
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("rows");
    let read = |name: &str| -> Vec<i64> {
        let mut all: Vec<i64> = rows.iter().map(|row| row.try_get("", name).expect("a number")).collect();
        all.sort_unstable();
        all
    };
    let (late, asked) = (read("late"), read("asked_at"));
    let milliseconds = |share: f64| late[((late.len() - 1) as f64 * share) as usize] / 1_000;
    let took = (asked[asked.len() - 1] - asked[0]) as f64 / 1e6;
    println!(
        "{due} answers taken in in {took:.1} s: {:.0} a second; after they fell due, by the median {} ms, P99 {} ms, at most {} ms",
        due as f64 / took,
        milliseconds(0.5),
        milliseconds(0.99),
        milliseconds(1.0)
    );
}

fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_024
}
