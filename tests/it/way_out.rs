//! Who waits for whom on the way out: nobody for another's provider, and a provider's triggers for nobody's tick.

use std::sync::Arc;

use futures_util::FutureExt;
use sampan::app;
use sampan::clock::Clock;
use sampan::config;
use sampan::domain::carrier::TrackingNumber;
use sampan::domain::escrow::Act;
use sampan::flows::act_on_order::{self, Wish};
use sampan::flows::{Deps, accept_pickup, bell, poll_carriers, record_scans, send_triggers, send_webhooks};
use sampan::store::Backend;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::on_both_databases;
use crate::support::app::{App, Keys, prepare, settings, spawn_app};
use crate::support::database::{Database, number};
use crate::support::hooks::hook;
use crate::support::journey::{self, TWO_PARCELS, pickup, scans, tracking_number};
use crate::support::rows::change;
use crate::support::steps::{accept, accept_two_parcels, scan_until, text};
use crate::support::stub::{Reply, Stub};
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIHByb3ZpZGVyIGluIGEgdGVzdA";

fn webhook_at(stub: &Stub) -> String {
    format!("escrow.webhook_url = \"http://{}/escrow\"\nescrow.webhook_secret = \"{SECRET}\"\n", stub.address)
}

/// Hands a pass to whoever asks, and then falls silent.
async fn silent_paypal() -> Stub {
    Stub::start(|asked, _| match asked.path.as_str() {
        "/v1/oauth2/token" => Reply::json(200, &json!({"access_token": "pass", "expires_in": 3_600})),
        _ => Reply::Silence,
    })
    .await
}

fn paid_with_paypal() -> Value {
    let mut body = pickup(TWO_PARCELS);
    body["payment"]["provider"] = json!("paypal");
    body["payment"]["reference"] = json!(uuid::Uuid::new_v4().simple().to_string());
    body
}

async fn claimed(app: &App, provider: &str) -> i64 {
    let sql = format!(
        "SELECT COUNT(*) AS n FROM outbox WHERE destination = 'escrow.{provider}' AND (claims > 0 OR attempts > 0)"
    );
    number(&app.deps.store, &sql).await
}

async fn sent(app: &App) -> i64 {
    let sql =
        "SELECT COUNT(*) AS n FROM outbox WHERE destination = 'escrow.webhook' AND state = 'acknowledged'";
    number(&app.deps.store, sql).await
}

/// The inner parts of a daemon, without anybody at work.
async fn parts(db: &Database, world: &World, changes: &str) -> Deps {
    let settings = config::defaults_with(&settings(db, world, changes)).expect("valid settings");
    app::build(Arc::new(settings), Clock::real()).await.expect("a daemon's parts")
}

async fn accept_by(deps: &Deps, keys: &Keys) -> Value {
    let body = pickup(TWO_PARCELS).to_string();
    let answer = accept_pickup::accept(deps, keys.merchant, None, body.as_bytes()).await;
    serde_json::from_str(&answer.expect("a good pickup").body).expect("JSON")
}

async fn scan_by(deps: &Deps, accepted: &Value, last: usize) {
    for scan in scans(accepted, journey::long_ago()).iter().take(last) {
        let hub = scan.hub.parse().expect("a hub's code");
        record_scans::record(deps, &hub, &scan.body).await.expect("a good scan");
    }
}

/// A shipment that is handed over, with numbers that the carrier delivers.
async fn deliver_by(deps: &Deps, world: &World, keys: &Keys) -> Value {
    let accepted = accept_by(deps, keys).await;
    for parcel in accepted["parcels"].as_array().expect("parcels") {
        let number: TrackingNumber = tracking_number(parcel).parse().expect("a tracking number");
        world.carrier.book_at(number, "Shanghai", journey::long_ago());
    }
    scan_by(deps, &accepted, usize::MAX).await;
    poll_carriers::run_due(deps).await.expect("a carrier that answers");
    accepted
}

/// Those of a daemon who send, and whoever tells them to; nobody who asks carriers.
struct Senders {
    stop: watch::Sender<bool>,
    at_work: Vec<JoinHandle<()>>,
}

impl Senders {
    fn of(deps: &Deps) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut at_work = vec![
            tokio::spawn(send_triggers::work(deps.clone(), stopped.clone())),
            tokio::spawn(send_webhooks::work(deps.clone(), stopped.clone())),
        ];
        if deps.store.backend() == Backend::Postgres {
            let url = deps.settings.database.url.clone();
            at_work.push(tokio::spawn(bell::listen(deps.bells.clone(), url, stopped)));
        }
        Self { stop, at_work }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        for one in self.at_work {
            one.await.expect("a sender that ends");
        }
    }
}

on_both_databases! {
    async fn a_provider_that_hangs_holds_up_no_other_and_no_more_than_so_many_triggers(db: Database) {
        let (paypal, webhook) = (silent_paypal().await, Stub::start(|_, _| Reply::json(200, &json!({}))).await);
        let more = format!(
            "{}escrow.paypal.base_url = \"http://{}\"\nescrow.paypal.client_id = \"us\"\n\
             escrow.paypal.client_secret = \"secret\"\noutbox.per_provider_max = 3\noutbox.concurrency_max = 64\n\
             outbound.timeout_seconds = 30\nhttp.shutdown_seconds = 1\n",
            webhook_at(&webhook), paypal.address
        );
        let app = spawn_app(&db, &more).await;
        for _ in 0..8 {
            let accepted = accept(&app, &paid_with_paypal()).await;
            scan_until(&app, &accepted, "received").await;
        }
        wait_until("PayPal has all that it is given", async || paypal.asked().len() == 1 + 3).await;
        for _ in 0..5 {
            let accepted = accept_two_parcels(&app).await;
            scan_until(&app, &accepted, "received").await;
        }
        wait_until("the other provider has all of its own", async || sent(&app).await == 5).await;
        assert_eq!((paypal.asked().len(), claimed(&app, "paypal").await), (1 + 3, 3), "nobody claims what has to wait");
        app.stop().await;
    }

    async fn what_was_claimed_ahead_of_a_provider_that_falls_silent_is_given_back(db: Database) {
        const MOST: usize = 4;
        let webhook = Stub::start(|_, before| match before.len() {
            0..12 => Reply::json(200, &json!({})),
            _ => Reply::Silence,
        })
        .await;
        let more = format!(
            "{}outbox.per_provider_max = {MOST}\noutbound.timeout_seconds = 30\nhttp.shutdown_seconds = 1\n",
            webhook_at(&webhook)
        );
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        let deps = parts(&db, &world, &more).await;
        for _ in 0..40 {
            let accepted = accept_by(&deps, &keys).await;
            scan_by(&deps, &accepted, 2).await;
        }
        let senders = Senders::of(&deps);
        wait_until("it has all that it takes", async || webhook.asked().len() == 12 + MOST).await;
        let begun = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'pending' AND claims > 0";
        wait_until("nobody holds the others", async || number(&deps.store, begun).await as usize == MOST).await;
        let free = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'pending' AND claims = 0 AND leased_until = 0";
        assert_eq!(number(&deps.store, free).await as usize, 40 - 12 - MOST);
        drop(senders);
        deps.store.close().await;
    }

    async fn a_provider_that_fails_costs_few_triggers_a_try_and_the_others_none(db: Database) {
        let webhook = Stub::start(|_, _| Reply::Status(503, Vec::new())).await;
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        let more = format!(
            "{}outbox.per_provider_max = 2\noutbox.retry_seconds = [60, 60]\noutbox.jitter = 0.0\n",
            webhook_at(&webhook)
        );
        let deps = parts(&db, &world, &more).await;
        for _ in 0..12 {
            let accepted = accept_by(&deps, &keys).await;
            scan_by(&deps, &accepted, 2).await;
        }
        let begun = send_triggers::run_due(&deps).await.expect("a database");
        // The fifth failure was the last that was let through; another one may have been on its way.
        assert!((5..=6).contains(&begun), "{begun}");
        assert_eq!(webhook.asked().len() as u64, begun);
        let untouched = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'pending' AND attempts = 0 AND claims = 0 \
             AND leased_until <= created_at";
        assert_eq!(number(&deps.store, untouched).await as u64, 12 - begun);
        deps.store.close().await;
    }

    async fn a_provider_that_is_back_is_found_out_by_one_and_gets_them_all(db: Database) {
        let webhook = Stub::start(|_, before| match before.len() {
            0..=6 => Reply::Status(503, Vec::new()),
            _ => Reply::json(200, &json!({})),
        })
        .await;
        let more = format!(
            "{}outbox.per_provider_max = 1\noutbox.retry_seconds = [1, 1, 1, 1, 1, 1, 1]\noutbox.jitter = 0.0\n",
            webhook_at(&webhook)
        );
        let app = spawn_app(&db, &more).await;
        for _ in 0..10 {
            let accepted = accept_two_parcels(&app).await;
            scan_until(&app, &accepted, "received").await;
        }
        wait_until("all are sent", async || sent(&app).await == 10).await;
        // Five to find out that it is down, and two to see.
        assert_eq!(webhook.asked().len(), 10 + 7);
        app.stop().await;
    }

    async fn a_provider_that_asks_for_time_while_it_fails_gets_it_for_all(db: Database) {
        let webhook = Stub::start(|_, _| Reply::RetryAfter(429, 3_600)).await;
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        // Without a wait of its own it would be tried again and again.
        let more = format!("{}outbox.per_provider_max = 1\noutbox.retry_seconds = [0, 0]\n", webhook_at(&webhook));
        let deps = parts(&db, &world, &more).await;
        for _ in 0..7 {
            let accepted = accept_by(&deps, &keys).await;
            scan_by(&deps, &accepted, 2).await;
        }
        assert_eq!(send_triggers::run_due(&deps).await.expect("a database"), 5);
        deps.store.close().await;
    }

    async fn answers_that_are_stored_together_settle_each_order_and_a_broken_one_spoils_no_other(db: Database) {
        let world = World::start(Troubles::default());
        let keys = prepare(&db).await;
        let deps = parts(&db, &world, "").await;
        for _ in 0..5 {
            deliver_by(&deps, &world, &keys).await;
        }
        send_triggers::run_due(&deps).await.expect("a database");
        let count = async |sql: &str| number(&deps.store, &format!("SELECT COUNT(*) AS n FROM {sql}")).await;
        assert_eq!(count("escrow_order WHERE state = 'confirmed'").await, 5);
        assert_eq!(count("outbox WHERE state = 'acknowledged' AND attempts = 1 AND claims = 1").await, 15);
        assert_eq!(count("escrow_trigger WHERE acknowledged_at IS NOT NULL").await, 15);
        assert_eq!(count("audit_entry WHERE action = 'trigger.acknowledged'").await, 15);
        assert_eq!(count("audit_entry WHERE action = 'order.state' AND detail LIKE '%\"to\":\"confirmed\"%'").await, 5);
        let verdict = sampan::store::audit::verify(&deps.store).await.expect("the audit");
        assert_eq!(verdict.breaks, vec![]);
        for _ in 0..5 {
            deliver_by(&deps, &world, &keys).await;
        }
        let broken = "UPDATE escrow_trigger SET facts = '{' WHERE id = (SELECT MIN(CAST(id AS text)) FROM outbox WHERE state = 'pending')";
        let broken = match db.kind {
            Kind::Sqlite => broken.replace("MIN(CAST(id AS text))", "MIN(id)"),
            Kind::Postgres => broken.replace("id = (", "CAST(id AS text) = ("),
        };
        assert_eq!(change(&db, &broken).await, 1);
        send_triggers::run_due(&deps).await.expect("a database");
        assert_eq!(count("escrow_order WHERE state = 'confirmed'").await, 9);
        assert_eq!(count("outbox WHERE state = 'pending'").await, 1);
        deps.store.close().await;
    }

    /// While it was judged its messages were held, and a sender that was woken then has passed over them.
    async fn who_held_a_message_that_nobody_has_begun_to_send_rings_again(db: Database) {
        let (world, keys) = (World::start(Troubles::default()), prepare(&db).await);
        let deps = parts(&db, &world, "").await;
        let rings = || deps.outbox_bell.notified().now_or_never().is_some();
        let accepted = accept_by(&deps, &keys).await;
        scan_by(&deps, &accepted, 2).await;
        assert_eq!((rings(), rings()), (true, false), "both parcels are received: the shop has shipped");
        scan_by(&deps, &accepted, 3).await;
        assert!(rings(), "a scan that gives cause to nothing new");
        send_triggers::run_due(&deps).await.expect("a database");
        rings();
        scan_by(&deps, &accepted, 4).await;
        assert!(!rings(), "what is sent is nobody's to send");
        deps.store.close().await;
    }

    async fn what_nobody_can_have_seen_is_parked_when_its_order_ends(db: Database) {
        let (world, keys) = (World::start(Troubles::default()), prepare(&db).await);
        let deps = parts(&db, &world, "").await;
        let accepted = deliver_by(&deps, &world, &keys).await;
        let states = async |state: &str| {
            number(&deps.store, &format!("SELECT COUNT(*) AS n FROM outbox WHERE state = '{state}'")).await
        };
        assert_eq!((states("pending").await, states("waiting").await), (1, 2), "shipped; delivered, confirm_receipt");
        let shipment = text(&accepted["id"]).parse().expect("a shipment's id");
        let act = Act::ProviderReleased { word: "by its own deadline".to_owned() };
        act_on_order::act(&deps, shipment, None, Wish::Do(act), "provider webhook".to_owned()).await.expect("an act");
        assert_eq!((states("parked").await, states("frozen").await), (1, 0), "what it did by itself is not asked for");
        send_triggers::run_due(&deps).await.expect("a database");
        assert_eq!((states("acknowledged").await, states("pending").await + states("waiting").await), (2, 0));
        deps.store.close().await;
    }

    /// By the commit alone: nobody looks by himself within the hour.
    async fn a_delivery_is_told_without_a_tick_whichever_daemon_wrote_it_down(db: Database) {
        let shop = Stub::start(|_, _| Reply::json(200, &json!({}))).await;
        let app = spawn_app(&db, "").await;
        hook(&app.client, &shop, "hooks", &["escrow.*"]).await;
        let (world, keys) = (Arc::clone(&app.world), app.client.keys.clone());
        app.stop().await;
        let hourly = "outbox.tick_seconds = 3600\n";
        let sender = parts(&db, &world, hourly).await;
        let other = match db.kind {
            Kind::Postgres => parts(&db, &world, hourly).await,
            // One daemon has the file to itself: its own bell rings.
            Kind::Sqlite => sender.clone(),
        };
        let senders = Senders::of(&sender);
        for round in 1..=3 {
            deliver_by(&other, &world, &keys).await;
            let confirmed = "SELECT COUNT(*) AS n FROM escrow_order WHERE state = 'confirmed'";
            wait_until("the money moves", async || number(&sender.store, confirmed).await == round).await;
            let told = async || {
                let kinds = shop.asked().iter().map(|asked| text(&asked.json()["type"]).to_owned()).collect::<Vec<_>>();
                kinds.iter().filter(|kind| *kind == "escrow.trigger_acknowledged").count() as i64 == 3 * round
            };
            wait_until("the merchant is told", told).await;
        }
        assert_eq!(world.escrow.snapshot().triggers, 9);
        senders.stop().await;
        if db.kind == Kind::Postgres {
            other.store.close().await;
        }
        sender.store.close().await;
    }
}
