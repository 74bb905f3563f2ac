//! How long it takes to plan a hundred thousand shipments anew on SQLite, and what callers notice of it.
//!
//! `cargo bench --bench replan`, with `SHIPMENTS` other than 100,000 where that is too many. It fills a database
//! in the folder for temporary files with shipments that are all collected at one address, closes the hub that most
//! of them are planned over, and asks for a tracking page's data and for pickups all the while.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use sampan::app;
use sampan::clock::Clock;
use sampan::domain::id::MerchantId;
use sampan::flows::{Deps, accept_pickup, authenticate, import_network, manage_webhooks};
use sampan::outbound::Request;
use sampan::sandbox::sample::{self, PICKUPS};
use sampan::store::schema;
use sampan::{config, telemetry};
use sea_orm::{ConnectionTrait, Statement};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const TOGETHER: usize = 64;
const QUIET: Duration = Duration::from_secs(10);
const PAGES_EVERY: Duration = Duration::from_millis(20);
const PICKUPS_EVERY: Duration = Duration::from_millis(50);

struct Bench {
    deps: Deps,
    address: String,
    api_key: String,
    operator_key: String,
    orders: Vec<Value>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let shipments: usize =
        std::env::var("SHIPMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let settings = format!(
        "database.url = {url:?}\nhttp.listen = \"127.0.0.1:0\"\noutbound.allow_private_addresses = true\n\
         log.level = \"warn\"\n"
    );
    let settings = Arc::new(config::defaults_with(&settings).expect("settings"));
    telemetry::log(&settings.log).expect("a log");
    schema::up(&settings.database.url).await.expect("a schema");
    let deps = app::build(Arc::clone(&settings), Clock::real()).await.expect("parts");
    let now = deps.clock.now();
    import_network::import(&deps.store, sample::files(), now).await.expect("a network");
    import_network::refresh(&deps).await.expect("a network");
    let (country, currency) = ("US".parse().expect("a country"), "USD".parse().expect("a currency"));
    let merchant =
        authenticate::create_merchant(&deps.store, "Bench".to_owned(), country, currency, now).await;
    let merchant = merchant.expect("a merchant");
    // Somebody who is told and never there: messages are written, and nothing is sent.
    let endpoint = json!({"url": "http://127.0.0.1:9/"});
    manage_webhooks::register(&deps, merchant.id, &endpoint).await.expect("an endpoint");
    let operator = authenticate::create_operator_key(&deps.store, "bench".to_owned(), now).await;
    let orders = orders();
    fill(&deps, merchant.id, &orders, shipments).await;
    deps.store.close().await;

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let running =
        app::start(listener, settings, Clock::real(), telemetry::metrics().expect("metrics"), false);
    let running = running.await.expect("a daemon");
    let bench = Arc::new(Bench {
        deps: running.deps.clone(),
        address: format!("http://{}", running.address),
        api_key: merchant.api_key.expose_secret().to_owned(),
        operator_key: operator.expect("a key").expose_secret().to_owned(),
        orders,
    });
    measure(&bench).await;
    running.stop().await;
}

/// The sample's orders of one country, all collected at the address of the first.
fn orders() -> Vec<Value> {
    let all = PICKUPS.lines().map(|line| serde_json::from_str::<Value>(line).expect("a sample pickup"));
    let mut orders: Vec<Value> = all.filter(|order| order["pickup"]["address"]["country"] == "US").collect();
    let address = orders[0]["pickup"]["address"].clone();
    let (from, until) = (Clock::real().now() + chrono::TimeDelta::hours(20), chrono::TimeDelta::hours(3));
    for order in &mut orders {
        order["pickup"]["address"] = address.clone();
        order["pickup"]["from"] = json!(from.to_rfc3339());
        order["pickup"]["until"] = json!((from + until).to_rfc3339());
        for parcel in order["parcels"].as_array_mut().expect("parcels") {
            parcel["weight_grams"] = json!(100);
            parcel["size_mm"] = json!([100, 80, 40]);
        }
    }
    orders
}

fn order(orders: &[Value], number: usize) -> String {
    let mut order = orders[number % orders.len()].clone();
    let own = uuid::Uuid::new_v4().simple().to_string();
    order["reference"] = json!(format!("R-{own}"));
    order["payment"]["reference"] = json!(format!("T-{own}"));
    order.to_string()
}

async fn fill(deps: &Deps, merchant: MerchantId, orders: &[Value], shipments: usize) {
    let begun = Instant::now();
    let accepted = futures_util::stream::iter(0..shipments).map(|number| {
        let (deps, body) = (deps.clone(), order(orders, number));
        async move {
            let done = tokio::spawn(async move {
                accept_pickup::accept(&deps, merchant, None, body.as_bytes()).await.map(drop)
            });
            done.await.expect("a task").expect("a good pickup");
        }
    });
    accepted.buffer_unordered(TOGETHER).collect::<Vec<_>>().await;
    println!("{shipments} shipments accepted in {:.1} s", begun.elapsed().as_secs_f64());
}

async fn query(deps: &Deps, sql: &str) -> Vec<(String, i64)> {
    let db = deps.store.reader();
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("rows");
    let row = |row: &sea_orm::QueryResult| {
        (row.try_get("", "name").expect("a name"), row.try_get("", "n").expect("a number"))
    };
    rows.iter().map(row).collect()
}

async fn call(bench: &Bench, request: Request) -> Value {
    let answer = bench.deps.outbound.send(request).await.expect("an answer");
    assert!(answer.status < 300, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).expect("JSON")
}

async fn measure(bench: &Arc<Bench>) {
    let hubs = "SELECT d.from_hub AS name, COUNT(DISTINCT b.shipment_id) AS n FROM departure d \
         JOIN booking b ON b.departure_id = d.id GROUP BY d.from_hub ORDER BY n DESC";
    let hubs = query(&bench.deps, hubs).await;
    println!("booked from: {hubs:?}");
    let (hub, _) = hubs.first().expect("a hub").clone();
    let tokens = query(&bench.deps, "SELECT tracking_token AS name, 0 AS n FROM shipment LIMIT 1000").await;
    let tokens: Arc<Vec<String>> = Arc::new(tokens.into_iter().map(|(token, _)| token).collect());

    let before = probe(bench, &tokens, async { tokio::time::sleep(QUIET).await }).await;
    report("before", &before);
    let during = probe(bench, &tokens, replan(bench, &hub)).await;
    report("meanwhile", &during);
    for (table, n) in query(
        &bench.deps,
        "SELECT 'replan' AS name, COUNT(*) AS n FROM replan UNION ALL SELECT 'messages', COUNT(*) FROM \
         webhook_message UNION ALL SELECT 'plans', COUNT(*) FROM plan UNION ALL SELECT 'shipments', COUNT(*) FROM shipment",
    )
    .await
    {
        println!("  {table}: {n}");
    }
}

async fn replan(bench: &Arc<Bench>, hub: &str) {
    let now = Clock::real().now();
    let body = json!({
        "from": now.to_rfc3339(),
        "until": (now + chrono::TimeDelta::days(12)).to_rfc3339(),
        "reason": "a flood",
    });
    let request =
        Request::post(format!("{}/v1/hubs/{hub}/closures", bench.address), body.to_string().into_bytes())
            .header("authorization", format!("Bearer {}", bench.operator_key));
    let begun = Instant::now();
    let closed = call(bench, request).await;
    println!("{hub} closed in {:.2} s: {closed}", begun.elapsed().as_secs_f64());
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let sql = "SELECT 'due' AS name, COUNT(*) AS n FROM replan WHERE attempts = 0";
        if query(&bench.deps, sql).await[0].1 == 0 {
            break;
        }
    }
    println!("all planned anew after {:.1} s", begun.elapsed().as_secs_f64());
}

/// Milliseconds that pages and pickups took while `work` was done.
struct Latencies {
    pages: Vec<f64>,
    pickups: Vec<f64>,
}

async fn probe(bench: &Arc<Bench>, tokens: &Arc<Vec<String>>, work: impl Future<Output = ()>) -> Latencies {
    let done = Arc::new(AtomicBool::new(false));
    let asking = |every: Duration, is_page: bool| {
        let (bench, tokens, done) = (Arc::clone(bench), Arc::clone(tokens), Arc::clone(&done));
        tokio::spawn(async move {
            let mut asked = Vec::new();
            let mut ticks = tokio::time::interval(every);
            while !done.load(Ordering::Relaxed) {
                ticks.tick().await;
                let (bench, tokens, number) = (Arc::clone(&bench), Arc::clone(&tokens), asked.len());
                // Each by itself: one that is slow does not keep the next one from being asked.
                asked.push(tokio::spawn(async move {
                    let request = if is_page {
                        Request::get(format!(
                            "{}/v1/tracking/{}",
                            bench.address,
                            tokens[number % tokens.len()]
                        ))
                    } else {
                        let body = order(&bench.orders, number).into_bytes();
                        Request::post(format!("{}/v1/pickups", bench.address), body)
                            .header("authorization", format!("Bearer {}", bench.api_key))
                    };
                    let begun = Instant::now();
                    call(&bench, request).await;
                    begun.elapsed().as_secs_f64() * 1e3
                }));
            }
            let mut took = Vec::with_capacity(asked.len());
            for one in asked {
                took.push(one.await.expect("an answer"));
            }
            took.sort_by(f64::total_cmp);
            took
        })
    };
    let (pages, pickups) = (asking(PAGES_EVERY, true), asking(PICKUPS_EVERY, false));
    work.await;
    done.store(true, Ordering::Relaxed);
    Latencies { pages: pages.await.expect("pages"), pickups: pickups.await.expect("pickups") }
}

fn report(when: &str, latencies: &Latencies) {
    for (what, took) in [("GET /v1/tracking", &latencies.pages), ("POST /v1/pickups", &latencies.pickups)] {
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        println!(
            "{when}: {what}: {} asked, median {:.1} ms, P99 {:.1} ms, most {:.1} ms",
            took.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}
