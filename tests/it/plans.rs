//! Questions that are asked all the time are answered from an index, however full the tables get.

use sampan::app;
use sampan::clock::Clock;
use sampan::config;
use sampan::domain::escrow::OrderState;
use sampan::domain::id::{MerchantId, OrderId, ParcelId, ShipmentId};
use sampan::domain::instant::from_micros;
use sampan::domain::network::DepartureId;
use sampan::domain::outbox::Destination;
use sampan::domain::shipment::{Milestone, StageSample};
use sampan::domain::webhook::{MessageState, WebhookKind};
use sampan::flows::{accept_pickup, close_departures, manage_webhooks, record_scans};
use sampan::store::bag_parcels::{self, Surplus};
use sampan::store::carrier_pushes::{self, Push};
use sampan::store::consolidations::{self, LeftBehind};
use sampan::store::reconciliations;
use sampan::store::shipments::Filter;
use sampan::store::{
    Store, StoreError, Tx, at_once, departures, disputes, escrow_notices, events, idempotency, orders,
    outbox, replans, shipments, shipments_at_once, stage_times, tracked, waiting_orders, webhook_endpoints,
    webhook_log, webhook_messages,
};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::Value;

use crate::support::app::{Keys, prepare, settings};
use crate::support::database::{Database, Kind};
use crate::support::journey::{self, pickup, scans};
use crate::support::rows::change;
use crate::support::world::{Troubles, World};

/// As the store asks them. SQLite tells its plan without any rows.
fn questions() -> Vec<(&'static str, String)> {
    let due_outbox = outbox::DUE.replace("$1", "5").replace("$2", "64").replace("$4", "'escrow.webhook'");
    let due_tracked = tracked::DUE.replace("$1", "'dhl_unified'").replace("$2", "5").replace("$3", "5");
    let due_tracked = due_tracked.replace("$4", "100");
    let list = |and: &str| {
        format!("SELECT * FROM shipment WHERE merchant_id = x'00' {and} ORDER BY id DESC LIMIT 51")
    };
    let due_pushes = carrier_pushes::DUE.replace("$1", "5").replace("$2", "64");
    let key = "(shipment_id, parcel_number, carrier, tracking_number)";
    let log = |and: &str| {
        format!("SELECT * FROM webhook_message WHERE merchant_id = x'00' AND endpoint_id = x'00' {and}")
    };
    let behind = "AND (created_at, id) < ((SELECT created_at FROM webhook_message \
        WHERE merchant_id = x'00' AND endpoint_id = x'00' AND id = x'01'), x'01')";
    let past = "AND state = 'dead' AND created_at >= 5 AND created_at < 9";
    vec![
        ("due messages", due_outbox.clone()),
        ("the claim of messages", format!("UPDATE outbox SET leased_until = 9 WHERE id IN ({due_outbox}) RETURNING *")),
        ("open messages", "SELECT state, count(id) FROM outbox WHERE state IN ('pending', 'dead') GROUP BY state".into()),
        ("due numbers", due_tracked.clone()),
        ("carriers that are asked", tracked::NEXT_CARRIER.replace("$1", "'a'")),
        (
            "the claim of numbers",
            format!("UPDATE tracked_number SET claimed_until = 9 WHERE {key} IN ({due_tracked}) RETURNING *"),
        ),
        ("due pushes", due_pushes.clone()),
        ("the claim of pushes", format!("UPDATE carrier_push SET next_attempt_at = 9 WHERE id IN ({due_pushes}) RETURNING *")),
        ("due notices", escrow_notices::DUE.replace("$1", "5").replace("$2", "16")),
        ("notices of long ago", "DELETE FROM escrow_notice WHERE settled_at < 5".into()),
        ("whose a payment is", orders::OWNER.replace("$1", "'webhook'").replace("$2", "'T'")),
        ("whom anything was paid through", reconciliations::NEXT_PROVIDER.replace("$1", "'a'")),
        (
            "orders whose money has not moved",
            reconciliations::OPEN.replace("$1", "'webhook'").replace("$2", "x'00'").replace("$3", "32"),
        ),
        (
            "settled orders of the last days",
            ["'webhook'", "5", "x'00'", "9", "32"]
                .iter()
                .zip(1..)
                .fold(reconciliations::SETTLED.to_owned(), |sql, (value, at)| sql.replace(&format!("${at}"), value)),
        ),
        ("disputes to be reminded of", disputes::TO_REMIND.replace("$1", "5").replace("$2", "100")),
        (
            "orders that wait for a person",
            waiting_orders::waiting_in(OrderState::Failed)
                .replace("$1", "5")
                .replace("$2", "x'00'")
                .replace("$3", "200"),
        ),
        ("orders that time changes", orders::WAKING.replace("$1", "5").replace("$2", "200")),
        (
            "dead letters in doubt",
            outbox::IN_DOUBT
                .replace("$1", "5")
                .replace("$2", "64")
                .replace("$4", "'dead'")
                .replace("$5", "'escrow.webhook'"),
        ),
        ("pushes of long ago", "DELETE FROM carrier_push WHERE received_at < 5 AND next_attempt_at IS NULL".into()),
        ("a merchant's shipments", list("")),
        ("the next page", list("AND id < x'ff'")),
        ("those of one status", list("AND status = 'accepted'")),
        ("that of one reference", list("AND reference = 'R'")),
        ("by token", "SELECT * FROM shipment WHERE tracking_token = 't' LIMIT 1".into()),
        (
            "by reference",
            "SELECT * FROM pickup_request WHERE merchant_id = x'00' AND reference = 'R' LIMIT 1".into(),
        ),
        (
            "by payment",
            "SELECT * FROM escrow_order WHERE merchant_id = x'00' AND provider = 'webhook' AND payment_reference = 'T' LIMIT 1".into(),
        ),
        ("parcels", "SELECT * FROM parcel WHERE shipment_id IN (x'00', x'01') ORDER BY shipment_id, number".into()),
        ("events", "SELECT * FROM tracking_event WHERE shipment_id = x'00'".into()),
        ("triggers", "SELECT * FROM escrow_trigger WHERE shipment_id = x'00'".into()),
        ("endpoints to be told", format!("{} AND merchant_id IN (x'00', x'01')", webhook_endpoints::LISTENERS.replace("$1", "5"))),
        ("a merchant's endpoints", "SELECT * FROM webhook_endpoint WHERE deleted_at IS NULL AND merchant_id = x'00' ORDER BY id".into()),
        ("endpoints taken back long ago", "DELETE FROM webhook_endpoint WHERE deleted_at < 5".into()),
        (
            "due messages of an endpoint",
            "SELECT * FROM webhook_message WHERE state = 'pending' AND endpoint_id = x'00' AND next_attempt_at <= 5 ORDER BY next_attempt_at LIMIT 4".into(),
        ),
        ("what waits for an endpoint", "UPDATE webhook_message SET state = 'dead' WHERE state = 'pending' AND endpoint_id = x'00'".into()),
        (
            "newest messages of an endpoint",
            log("ORDER BY id DESC LIMIT 100"),
        ),
        ("the page behind them", log("AND id < x'01' ORDER BY id DESC LIMIT 100")),
        ("messages of one state", log("AND state = 'dead' ORDER BY created_at DESC, id DESC LIMIT 100")),
        ("the page behind those", log(&format!("AND state = 'dead' {behind} ORDER BY created_at DESC, id DESC LIMIT 100"))),
        ("messages of one kind", log("AND kind = 'ping' ORDER BY created_at DESC, id DESC LIMIT 100")),
        ("the page behind these", log(&format!("AND kind = 'ping' {behind} ORDER BY created_at DESC, id DESC LIMIT 100"))),
        (
            "messages of one state and kind",
            log(&format!("AND state = 'dead' AND kind = 'ping' {behind} ORDER BY created_at DESC, id DESC LIMIT 100")),
        ),
        ("what was settled in a time", log(&format!("{past} ORDER BY created_at, id LIMIT 10001"))),
        (
            "what is left of it",
            log(&format!("{past} {} AND kind IN ('ping', 'escrow.code') ORDER BY created_at, id LIMIT 10001", behind.replace('<', ">"))),
        ),
        (
            "messages that are taken up again",
            "UPDATE webhook_message SET state = 'pending' WHERE merchant_id = x'00' AND endpoint_id = x'00' AND id IN (x'00', x'01') AND state <> 'pending'".into(),
        ),
        (
            "messages settled long ago",
            format!(
                "DELETE FROM webhook_message WHERE (merchant_id, endpoint_id, id) IN ({})",
                webhook_messages::OLD.replace("$1", "5").replace("$2", "1000")
            ),
        ),
        ("departures whose cut-off is over", departures::DUE.replace("$1", "5").replace("$2", "100")),
        ("bookings of a departure", "SELECT * FROM booking WHERE departure_id = 'L' ORDER BY shipment_id".into()),
        ("scans of shipments", "SELECT * FROM tracking_event WHERE shipment_id IN (x'00', x'01') AND source = 'scan'".into()),
        ("a departure's consolidation", "SELECT * FROM consolidation WHERE departure_id = 'L' LIMIT 1".into()),
        ("a master reference", "SELECT COUNT(*) FROM consolidation WHERE master = 'M'".into()),
        ("what leaves a hub", "SELECT * FROM consolidation WHERE from_hub = 'H' ORDER BY closed_at DESC LIMIT 100".into()),
        ("what ends at a hub", "SELECT * FROM consolidation WHERE to_hub = 'H' ORDER BY closed_at DESC LIMIT 100".into()),
        ("untold consolidations", "SELECT * FROM consolidation WHERE announced = FALSE ORDER BY closed_at LIMIT 100".into()),
        ("bags of a consolidation", "SELECT * FROM bag WHERE consolidation_id = x'00' ORDER BY number".into()),
        ("units of a consolidation", "SELECT * FROM unit WHERE consolidation_id = x'00' ORDER BY number".into()),
        ("parcels in bags", "SELECT * FROM bag_parcel WHERE sscc IN ('1', '2')".into()),
        ("places of a parcel", bag_parcels::PLACED.to_owned() + "m.shipment_id = x'00' AND m.parcel_number = 1"),
        ("places of shipments", bag_parcels::PLACED.to_owned() + "m.state = 'packed' AND m.shipment_id IN (x'00', x'01')"),
        ("who stayed behind", "SELECT * FROM left_behind WHERE departure_id = 'L' ORDER BY shipment_id".into()),
        ("plans to look at", replans::DUE.replace("$1", "5").replace("$2", "128")),
        ("all plans of a shipment", "SELECT * FROM plan WHERE shipment_id = x'00' ORDER BY id DESC".into()),
        (
            "plans in force",
            "SELECT p.* FROM shipment s JOIN plan p ON p.shipment_id = s.id AND p.id = s.plan_id WHERE s.id IN (x'00', x'01')".into(),
        ),
        (
            "what shipments hold",
            "SELECT b.*, d.state FROM booking b JOIN departure d ON d.id = b.departure_id WHERE b.shipment_id IN (x'00')".into(),
        ),
        ("those on a departure", replans::BOOKED_ON.replace("$6", "'L1-20260302'")),
        ("unroutable shipments", "SELECT COUNT(*) FROM replan WHERE attempts > 0".into()),
        ("a hub's closures", "SELECT * FROM hub_closure WHERE hub_code = 'USLAX' ORDER BY id".into()),
        ("samples of deliveries", stage_times::WAITING.replace("$1", "5").replace("$2", "100")),
        (
            "samples that are taken",
            format!(
                "DELETE FROM stage_sample WHERE (shipment_id, milestone) IN ({}) RETURNING *",
                stage_times::WAITING.replace("$1", "5").replace("$2", "100")
            ),
        ),
        ("an answer that was given", "SELECT * FROM idempotency_key WHERE merchant_id = x'00' AND key = 'k'".into()),
    ]
}

#[tokio::test]
async fn sqlite_searches_and_does_not_scan() {
    let db = Database::new(Kind::Sqlite).await.expect("SQLite is built in");
    let store = db.store().await;
    for (name, sql) in questions() {
        let plan = explain(&store, &sql).await;
        let scans = plan.iter().any(|step| step.starts_with("SCAN"));
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!scans && !sorts, "{name}: {plan:#?}\n{sql}");
        if ["due messages", "dead letters in doubt"].contains(&name) {
            // What waits for one receiver is not in the way of those for another.
            let by_receiver =
                plan.iter().any(|step| step.contains("(state=? AND destination=? AND next_attempt_at<?)"));
            assert!(by_receiver, "{name}: {plan:#?}");
        }
    }
    // They sort what they found, so that everybody takes it in one order, and read no table to find it.
    let around = replans::AROUND.replace("$6", "'USLAX'");
    let around = ["$7", "$8", "$9", "$10"].iter().rev().fold(around, |sql, name| sql.replace(name, "5"));
    let departures = [
        ("those around a closure", around),
        ("those of a new network", replans::ALL_OPEN.replace("$6", "5")),
        ("those who missed a cut-off", replans::MISSED.replace("$6", "5").replace("$7", "6")),
        (
            "new plans of many",
            "WITH now (id, plan_id) AS (VALUES (x'00', x'01'), (x'02', x'03')) UPDATE shipment \
             SET plan_id = now.plan_id FROM now WHERE shipment.id = now.id"
                .to_owned(),
        ),
        (
            "bookings given back",
            "DELETE FROM booking WHERE (shipment_id, departure_id) IN (VALUES (x'00', 'a'), (x'01', 'b'))"
                .to_owned(),
        ),
        (
            "parcels that go on",
            bag_parcels::UNPACK.replace("$1", "5") + "(x'00', 1, x'01'), (x'02', 1, x'03'))",
        ),
    ];
    for (name, sql) in departures {
        let plan = explain(&store, &sql).await;
        let tables = [
            "SCAN d",
            "SCAN b",
            "SCAN p",
            "SCAN e",
            "SCAN s",
            "SCAN booking",
            "SCAN shipment",
            "SCAN bag_parcel",
        ];
        let scans = |step: &String| {
            tables.iter().any(|table| step == table || step.starts_with(&format!("{table} ")))
        };
        assert!(!plan.iter().any(scans), "{name}: {plan:#?}\n{sql}");
    }
    // Numbers that are done with are in nobody's way.
    for sql in [
        &tracked::NEXT_CARRIER.replace("$1", "'a'"),
        &tracked::WAITING.replace("$1", "'a'").replace("$2", "5").replace("$3", "9"),
    ] {
        let plan = explain(&store, sql).await;
        assert!(plan.iter().any(|step| step.contains("tracked_number_asked_idx")), "{plan:#?}\n{sql}");
    }
    // It steps over endpoints, and sorts the few that are due.
    let due = webhook_endpoints::DUE.replace("$1", "5").replace("$2", "0").replace("$3", "32");
    let claim = format!("UPDATE webhook_endpoint SET leased_until = 9 WHERE id IN ({due}) RETURNING *");
    let plan = explain(&store, &claim).await;
    let reads_all =
        |step: &String| ["SCAN m", "SCAN e", "SCAN webhook"].iter().any(|scan| step.starts_with(scan));
    assert!(!plan.iter().any(reads_all), "the claim of endpoints: {plan:#?}\n{claim}");
    // Counts that have no table of their own to read.
    let plan = explain(&store, &bag_parcels::ASTRAY.replace("$1", "5").replace("$2", "5")).await;
    let reads_all = |step: &String| step.starts_with("SCAN") && step != "SCAN CONSTANT ROW";
    assert!(!plan.iter().any(reads_all), "parcels astray: {plan:#?}");
    for bounds in ["(state=? AND opened_at<?)", "(state=? AND arrive_at<?)"] {
        assert!(plan.iter().any(|step| step.ends_with(bounds)), "{bounds}: {plan:#?}");
    }
    // However much waits in other streams.
    let plan = explain(&store, &at_once::next_of("(x'00', x'01')")).await;
    assert!(plan.iter().any(|step| step.ends_with("outbox_stream_position_idx (stream=?)")), "{plan:#?}");
    assert!(!plan.iter().any(|step| step.contains("state=?")), "{plan:#?}");
    store.close().await;
}

async fn explain(store: &Store, sql: &str) -> Vec<String> {
    let db = store.reader();
    let statement = Statement::from_string(db.get_database_backend(), format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = db.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.try_get("", "detail").expect("a step of a plan")).collect()
}

const ROWS: usize = 10_000;

/// Fills every table with copies of the rows of one shipment: of ten merchants, and with
/// one message and one number in a hundred that are due.
async fn fill(store: &Store) {
    let merchant = "CASE WHEN n % 10 = 0 THEN merchant_id ELSE md5('merchant ' || n % 10)::uuid END";
    let rare = |due: &str, otherwise: &str| format!("CASE WHEN n % 100 = 0 THEN {due} ELSE {otherwise} END");
    // Nine in ten are asked about no more.
    let later = "CASE WHEN n % 10 = 0 THEN next_poll_at + 86400000000 * (n % 30 + 1) END";
    let (state, next_poll_at) = (rare("'pending'", "'acknowledged'"), rare("1", later));
    let id = "md5('shipment ' || n)::uuid";
    let rival = "md5('merchant ' || n % 1000)::uuid";
    let order_state = rare("'shipped'", "'confirmed'");
    let departure_state = rare("'open'", "'closed'");
    let consolidation_state = "CASE n % 100 WHEN 0 THEN 'opened' WHEN 1 THEN 'packed' ELSE 'settled' END";
    let webhook_state = rare("'pending'", "'acknowledged'");
    let (run_id, booked_id) =
        ["id", "departure_id"].map(|id| format!("split_part({id}, '-', 1) || n || '-20260302'")).into();
    let (next_attempt_at, attempts) = (rare("1", "9000000000000000"), rare("1", "0"));
    let push_due_at = rare("1", "NULL");
    let tables: [(&str, &[(&str, &str)]); 23] = [
        (
            "carrier_push",
            &[
                ("id", id),
                ("body_hash", "md5('push ' || n)"),
                ("received_at", "n"),
                ("next_attempt_at", &push_due_at),
            ],
        ),
        (
            "shipment",
            &[
                ("id", id),
                ("merchant_id", merchant),
                ("tracking_token", "'token ' || n"),
                ("reference", "'reference ' || n"),
                ("status", "CASE WHEN n % 20 = 0 THEN 'delivered' ELSE status END"),
            ],
        ),
        (
            "pickup_request",
            &[("shipment_id", id), ("merchant_id", merchant), ("reference", "'reference ' || n")],
        ),
        ("parcel", &[("shipment_id", id)]),
        ("plan", &[("shipment_id", id)]),
        (
            "departure",
            &[
                ("id", &run_id),
                ("from_hub", "'H' || n % 500"),
                ("to_hub", "'G' || n % 500"),
                ("depart_at", "n"),
                ("arrive_at", "n"),
                ("cutoff_at", "n"),
                ("changed_at", "n"),
                ("state", &departure_state),
            ],
        ),
        ("booking", &[("shipment_id", id), ("departure_id", &booked_id)]),
        ("replan", &[("shipment_id", id), ("next_attempt_at", &next_attempt_at), ("attempts", &attempts)]),
        (
            "escrow_order",
            &[
                ("shipment_id", id),
                ("merchant_id", merchant),
                ("payment_reference", "'payment ' || n"),
                ("state", &order_state),
                ("updated_at", "n"),
            ],
        ),
        ("escrow_trigger", &[("shipment_id", id), ("created_at", "n")]),
        ("tracking_event", &[("shipment_id", id)]),
        (
            "consolidation",
            &[
                ("id", id),
                ("departure_id", "'L' || n || '-20260302'"),
                ("master", "'M' || n"),
                ("from_hub", "'A' || n % 60"),
                ("to_hub", "'B' || n % 60"),
                ("closed_at", "n"),
                ("arrive_at", "n"),
                ("opened_at", "n"),
                ("state", consolidation_state),
                ("announced", "n % 100 <> 0"),
            ],
        ),
        ("bag", &[("sscc", "lpad(n::text, 18, '0')"), ("consolidation_id", id)]),
        ("unit", &[("consolidation_id", id)]),
        (
            "bag_parcel",
            &[
                ("shipment_id", id),
                ("consolidation_id", id),
                ("sscc", "lpad(n::text, 18, '0')"),
                ("state", "CASE n % 100 WHEN 0 THEN 'packed' WHEN 1 THEN 'packed' ELSE 'unpacked' END"),
            ],
        ),
        ("left_behind", &[("departure_id", "'L' || n || '-20260302'")]),
        ("surplus", &[("consolidation_id", id), ("scanned_at", "n")]),
        ("tracked_number", &[("shipment_id", id), ("next_poll_at", &next_poll_at)]),
        ("outbox", &[("id", id), ("stream", id), ("shipment_id", id), ("state", &state)]),
        ("stage_sample", &[("shipment_id", id), ("created_at", "n")]),
        ("idempotency_key", &[("merchant_id", merchant), ("key", "'key ' || n")]),
        ("webhook_endpoint", &[("id", id), ("merchant_id", rival)]),
        (
            "webhook_message",
            &[
                ("id", id),
                ("merchant_id", rival),
                ("endpoint_id", "md5('shipment ' || n % 700)::uuid"),
                ("state", &webhook_state),
                ("settled_at", "n"),
            ],
        ),
    ];
    let db = store.reader();
    for (table, changes) in tables {
        let sql = format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(row, jsonb_build_object({}))).* \
             FROM {table} row, generate_series(1, {ROWS}) AS n",
            changes
                .iter()
                .map(|(column, value)| format!("'{column}', {value}"))
                .collect::<Vec<_>>()
                .join(", ")
        );
        let added = db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(added.rows_affected() >= ROWS as u64, "{table} is full");
    }
    db.execute_unprepared("ANALYZE").await.expect("statistics");
}

/// Counts whole tables read in this transaction, by PostgreSQL's own books.
struct Watch<'t> {
    tx: &'t Tx,
    scans: Vec<(String, i64)>,
}

impl<'t> Watch<'t> {
    async fn new(tx: &'t Tx) -> Self {
        Self { tx, scans: scans_of(tx).await }
    }

    async fn used_an_index(&mut self, question: &str) {
        let scans = scans_of(self.tx).await;
        let before = std::mem::replace(&mut self.scans, scans);
        assert_eq!(self.scans, before, "{question}: a whole table was read");
    }
}

async fn scans_of(tx: &Tx) -> Vec<(String, i64)> {
    let sql = "SELECT relname::text AS name, seq_scan FROM pg_stat_xact_user_tables ORDER BY relname";
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await;
    let rows = rows.expect("the books of this transaction");
    let row = |row: &sea_orm::QueryResult| {
        (row.try_get("", "name").expect("a name"), row.try_get("", "seq_scan").expect("a count"))
    };
    rows.iter().map(row).collect()
}

/// As answers about a handful of shipments are taken in.
async fn many_at_once(
    tx: &Tx,
    id: ShipmentId,
    stream: OrderId,
    watch: &mut Watch<'_>,
) -> Result<(), StoreError> {
    let others = (0..4).map(|_| ShipmentId::from_uuid(uuid::Uuid::now_v7()));
    let ids: Vec<ShipmentId> = others.chain([id]).collect();
    let now = Clock::real().now();
    let held = at_once::lock(tx, &ids).await?;
    assert_eq!(held.len(), 1);
    watch.used_an_index("shipments to be held").await;
    assert!(!at_once::parcel_numbers(tx, &ids).await?[&id].is_empty());
    watch.used_an_index("the parcels of some shipments").await;
    let orders = at_once::orders(tx, &ids).await?;
    watch.used_an_index("the orders of some shipments").await;
    let triggers = at_once::triggers(tx, &ids).await?;
    watch.used_an_index("the triggers of some shipments").await;
    assert!(!at_once::hold_streams(tx, &[stream]).await?[&stream].is_empty());
    watch.used_an_index("some streams").await;
    let keys: Vec<_> = triggers[&id].iter().map(|trigger| trigger.id).collect();
    at_once::acknowledge(tx, &keys, now).await?;
    watch.used_an_index("acknowledged messages").await;
    let keys: Vec<_> = keys.into_iter().map(|key| (id, key)).collect();
    at_once::acknowledge_triggers(tx, &keys, now).await?;
    watch.used_an_index("acknowledged triggers").await;
    at_once::release_next(tx, &[stream], now).await?;
    watch.used_an_index("the next of some streams").await;
    at_once::save_orders(tx, orders.into_values().collect()).await?;
    watch.used_an_index("some orders as they are now").await;
    at_once::save_progress(tx, held.iter().collect()).await?;
    watch.used_an_index("some shipments as they are now").await;
    Ok(())
}

/// One shipment with all that belongs to it.
async fn one_of_everything(db: &Database, keys: &Keys) -> (ShipmentId, Value) {
    let world = World::start(Troubles::default());
    let settings = config::defaults_with(&settings(db, &world, "")).expect("valid settings");
    let deps = app::build(std::sync::Arc::new(settings), Clock::real()).await.expect("a daemon's parts");
    let body = pickup(journey::TWO_PARCELS);
    let text = body.to_string();
    let answer = accept_pickup::accept(&deps, keys.merchant, Some("key".to_owned()), text.as_bytes()).await;
    let accepted: Value = serde_json::from_str(&answer.expect("a good pickup").body).expect("JSON");
    for scan in scans(&accepted, journey::long_ago()) {
        let hub = scan.hub.parse().expect("a hub's code");
        record_scans::record(&deps, &hub, &scan.body).await.expect("a good scan");
    }
    pack(&deps, db, &accepted).await;
    let endpoint = serde_json::json!({"url": "https://shop.example/"});
    let endpoint = manage_webhooks::register(&deps, keys.merchant, &endpoint).await.expect("an endpoint");
    let endpoint = endpoint.webhook.id.parse().expect("an endpoint's id");
    manage_webhooks::ping(&deps, keys.merchant, endpoint).await.expect("a message");
    let id: ShipmentId = accepted["id"].as_str().and_then(|id| id.parse().ok()).expect("a shipment's id");
    let sample =
        StageSample { milestone: Milestone::Accepted, group: "CNPVG air".to_owned(), residual_seconds: 0 };
    let push = Push {
        id: uuid::Uuid::now_v7(),
        carrier: "dhl_unified".parse().expect("a carrier"),
        body: b"{}".to_vec(),
        received_at: Clock::real().now(),
        attempts: 0,
    };
    let asked: Result<(), StoreError> = deps
        .store
        .write(move |tx| {
            let (cause, at) = (replans::Cause::of_our_own("a test"), Clock::real().now());
            let push = push.clone();
            Box::pin(async move {
                stage_times::insert_samples(tx, id, &[sample], at, at).await?;
                carrier_pushes::insert(tx, &push, at).await?;
                replans::request_check(tx, &[id], &cause, at, at).await
            })
        })
        .await;
    asked.expect("a request");
    deps.store.close().await;
    (id, accepted)
}

/// The departure that it was on, closed after the fact; with one who stayed behind and one who was too many.
async fn pack(deps: &sampan::flows::Deps, db: &Database, accepted: &Value) {
    let cutoff_at = (journey::long_ago() + chrono::TimeDelta::minutes(30)).timestamp_micros();
    change(db, &format!("UPDATE departure SET cutoff_at = {cutoff_at}")).await;
    let departure = departure_of(accepted);
    let packed = close_departures::close_one(deps, &departure).await.expect("a closing");
    let consolidation = packed.expect("a consolidation");
    let shipment: ShipmentId = accepted["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let (hub, scanned_at) = ("CNPVG".parse().expect("a hub"), from_micros(1));
    let parcel = ParcelId { shipment, number: 1 };
    let found = Surplus { consolidation, parcel, hub, scanned_at };
    let left = LeftBehind { shipment, reason: "a test".to_owned() };
    let written = deps.store.write(move |tx| {
        Box::pin(async move {
            bag_parcels::insert_surplus(tx, &found).await?;
            consolidations::insert_left_behind(tx, &departure, &[left], scanned_at).await
        })
    });
    written.await.unwrap_or_else(|error: StoreError| panic!("{error}"));
}

fn departure_of(accepted: &Value) -> DepartureId {
    let legs = accepted["plan"]["legs"].as_array().expect("legs");
    let departure = legs.iter().find_map(|leg| leg["departure"].as_str()).expect("a departure");
    departure.parse().expect("a departure")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_uses_an_index_when_the_tables_are_full() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let keys = prepare(&db).await;
    let (id, accepted) = one_of_everything(&db, &keys).await;
    let store = db.store().await;
    fill(&store).await;
    let tx = store.reader().pool().expect("a pool").begin().await.expect("a transaction");
    ask_everything(&tx, keys.merchant, id, &accepted).await.expect("answers");
    drop(tx);
    store.close().await;
}

async fn ask_everything(
    tx: &Tx,
    merchant: MerchantId,
    id: ShipmentId,
    accepted: &Value,
) -> Result<(), StoreError> {
    let now = Clock::real().now();
    let text = |name: &str| accepted[name].as_str().expect("a text").to_owned();
    let mut watch = Watch::new(tx).await;
    let until = now + chrono::TimeDelta::minutes(1);

    assert!(!outbox::claim(tx, &Destination::escrow("webhook"), now, until, 64).await?.is_empty());
    watch.used_an_index("the claim of messages").await;
    assert!(outbox::open_counts(tx).await?.iter().any(|(_, messages)| *messages > 0));
    watch.used_an_index("the open messages").await;
    let carrier = "dhl_unified".parse().expect("a carrier");
    assert_eq!(tracked::claim(tx, &carrier, now, now, until, 100).await?.len(), 100);
    watch.used_an_index("the claim of numbers").await;
    assert!(tracked::is_any_due(tx, &carrier, now, until).await?);
    // In a table as small as this a whole batch would be found sooner by reading all of it.
    assert_eq!(carrier_pushes::claim(tx, now, until, 16).await?.len(), 16);
    watch.used_an_index("the claim of pushes").await;
    assert_eq!(carrier_pushes::purge(tx, from_micros(200)).await?, 198);
    watch.used_an_index("pushes of long ago").await;
    assert_eq!(tracked::carriers(tx).await?, [carrier]);
    watch.used_an_index("carriers that are asked").await;

    let first = ShipmentId::from_uuid(uuid::Uuid::nil());
    assert_eq!(reconciliations::open(tx, "webhook", first, 32).await?.len(), 32);
    watch.used_an_index("orders whose money has not moved").await;
    let since = from_micros(9_900);
    let settled = reconciliations::settled(tx, "webhook", (since, first), until, 32).await?;
    assert!(settled.len() == 32 && settled.iter().all(|(at, _)| *at >= since), "{settled:?}");
    watch.used_an_index("settled orders of the last days").await;

    let all = Filter::default();
    let page = shipments::list(tx, merchant, &all, 51).await?;
    assert_eq!(page.len(), 51);
    watch.used_an_index("a merchant's shipments").await;
    let before = Filter { before: page.last().map(|last| last.id), ..all.clone() };
    assert_eq!(shipments::list(tx, merchant, &before, 51).await?.len(), 51);
    watch.used_an_index("the next page").await;
    let delivered = Filter { status: "delivered".parse().ok(), ..all.clone() };
    assert_eq!(shipments::list(tx, merchant, &delivered, 51).await?.len(), 51);
    watch.used_an_index("those of one status").await;
    let reference = Filter { reference: Some(text("reference")), ..all };
    assert_eq!(shipments::list(tx, merchant, &reference, 51).await?.len(), 1);
    watch.used_an_index("that of one reference").await;
    let ids: Vec<_> = page.iter().map(|shipment| shipment.id).collect();
    assert!(!shipments::parcels_of(tx, &ids).await?.is_empty());
    watch.used_an_index("the parcels of a page").await;

    assert!(shipments::find_by_token(tx, &text("tracking_token")).await?.is_some());
    watch.used_an_index("by token").await;
    assert_eq!(shipments::by_reference(tx, merchant, &text("reference")).await?, Some(id));
    watch.used_an_index("by reference").await;
    let order = orders::of_shipment(tx, id).await?;
    let payment = orders::by_payment(tx, merchant, "webhook", &order.payment_reference).await?;
    assert_eq!(payment, Some(id));
    watch.used_an_index("an order, and by payment").await;
    assert!(!orders::triggers(tx, id).await?.is_empty());
    assert!(!events::of_shipment(tx, id).await?.is_empty());
    assert!(!outbox::hold_stream(tx, order.id).await?.is_empty());
    many_at_once(tx, id, order.id, &mut watch).await?;
    assert!(shipments::lock(tx, id).await?.is_some());
    watch.used_an_index("what belongs to a shipment").await;
    let endpoints = webhook_endpoints::listeners(tx, [merchant], now).await?;
    let endpoint = endpoints[0].id;
    watch.used_an_index("a merchant's open endpoints").await;
    assert!(!webhook_endpoints::claim(tx, false, now, until, 32).await?.is_empty());
    watch.used_an_index("the claim of endpoints").await;
    assert_eq!(webhook_messages::due(tx, endpoint, now, 4).await?.len(), 1);
    watch.used_an_index("due messages of an endpoint").await;
    look_at_the_log(&mut watch, tx, webhook_log::Of { merchant, endpoint }, now).await?;
    assert_eq!(webhook_messages::bury_all(tx, endpoint, now, "a test").await?, 1);
    watch.used_an_index("what waits for an endpoint").await;
    assert_eq!(webhook_messages::forget(tx, sampan::domain::instant::from_micros(50), 10).await?, 10);
    watch.used_an_index("messages settled long ago").await;
    assert_eq!(webhook_endpoints::forget(tx, now).await?, 0);
    watch.used_an_index("endpoints taken back long ago").await;
    ask_of_consolidations(&mut watch, tx, id, accepted, now).await?;
    assert_eq!(shipments::plans(tx, id).await?.len(), 1);
    assert_eq!(shipments_at_once::plans(tx, &[id]).await?.len(), 1);
    assert_eq!(shipments_at_once::lock(tx, &ids).await?.len(), ids.len());
    assert_eq!(events::of_shipments(tx, &[id]).await?.len(), 1);
    let held = departures::held_by(tx, &[id]).await?;
    watch.used_an_index("what is known of shipments, and what they hold").await;
    let departure = &held.first().expect("a booking").booking.departure;
    assert_eq!(departures::bookings_on(tx, departure).await?, 1);
    departures::find_many(tx, [departure]).await?;
    departures::delete_bookings(tx, &[(id, departure.clone())]).await?;
    watch.used_an_index("what is booked").await;
    let (cause, at) = (replans::Cause::of_our_own("a test"), sampan::domain::instant::from_micros);
    // In a table as small as this a whole batch would be found sooner by reading all of it.
    let claimed = replans::claim(tx, now, until, 16).await?;
    assert_eq!(claimed.len(), 16);
    watch.used_an_index("the claim of plans to look at").await;
    let first = claimed[0].shipment;
    assert_eq!(replans::still_claimed(tx, &[first], until).await?, [first]);
    replans::settle(tx, &[id]).await?;
    watch.used_an_index("the end of a request").await;
    replans::request_booked_on(tx, departure, &cause, (now, now)).await?;
    watch.used_an_index("those on a departure").await;
    let around = replans::Around { leaving: (at(50), at(900)), arriving: (at(50), at(900)) };
    replans::request_around(tx, &"H5".parse().expect("a hub"), &around, &cause, (now, now)).await?;
    watch.used_an_index("those around a closure").await;
    replans::request_missed(tx, (at(50), at(150)), &cause, (now, now)).await?;
    watch.used_an_index("those who missed a cut-off").await;
    assert_eq!(replans::unroutable(tx).await?, 100);
    watch.used_an_index("unroutable shipments").await;
    assert!(stage_times::are_waiting(tx, at(100)).await?);
    // As above: a few.
    assert_eq!(stage_times::take_samples(tx, at(100), 10).await?.len(), 10);
    watch.used_an_index("samples of deliveries").await;
    assert!(idempotency::find(tx, merchant, "key").await?.is_some());
    watch.used_an_index("an answer that was given").await;
    Ok(())
}

async fn look_at_the_log(
    watch: &mut Watch<'_>,
    tx: &Tx,
    of: webhook_log::Of,
    now: sampan::domain::instant::Instant,
) -> Result<(), StoreError> {
    let newest = webhook_log::page(tx, of, &Default::default(), 100).await?;
    assert_eq!(newest.len(), 1);
    watch.used_an_index("newest messages of an endpoint").await;
    let last = newest.last().map(|message| message.id).expect("a message");
    let (state, kind) = (Some(MessageState::Pending), Some(WebhookKind::Ping));
    for (state, kind) in [(state, None), (None, kind), (state, kind)] {
        for before in [None, Some(last)] {
            let filter = webhook_log::Filter { state, kind, before };
            let found = webhook_log::page(tx, of, &filter, 100).await?;
            assert_eq!(found.len(), usize::from(before.is_none()), "{filter:?}");
            watch.used_an_index(&format!("messages of an endpoint: {filter:?}")).await;
        }
    }
    for (after, kinds) in [(None, vec![]), (Some(last), vec![WebhookKind::Ping])] {
        let past = webhook_log::Past { since_at: from_micros(0), until_at: now, kinds, after };
        assert_eq!(webhook_log::settled(tx, of, &past, MessageState::Dead, 100).await?, []);
        watch.used_an_index("what was settled in a time").await;
    }
    assert_eq!(webhook_log::take_up(tx, of, &[last], now, now).await?, 0, "it is on its way");
    webhook_log::hurry(tx, of, last, now).await?;
    watch.used_an_index("a message that is taken up again").await;
    Ok(())
}

async fn ask_of_consolidations(
    watch: &mut Watch<'_>,
    tx: &Tx,
    id: ShipmentId,
    accepted: &Value,
    now: sampan::domain::instant::Instant,
) -> Result<(), StoreError> {
    let departure = departure_of(accepted);
    assert_eq!(departures::due(tx, now, 100).await?.len(), 100);
    watch.used_an_index("departures whose cut-off is over").await;
    assert_eq!(departures::bookings(tx, &departure).await?.len(), 1);
    watch.used_an_index("bookings of a departure").await;
    assert!(!events::sightings(tx, &[id]).await?.is_empty());
    watch.used_an_index("scans of shipments").await;
    let found = consolidations::find_by_departure(tx, &departure).await?.expect("a consolidation");
    assert!(consolidations::is_taken(tx, &found.master).await?);
    assert!(!consolidations::of_hub(tx, &found.from, 100).await?.is_empty());
    assert_eq!(consolidations::newest(tx, 100).await?.len(), 100);
    assert!(!consolidations::unannounced(tx, 100).await?.is_empty());
    watch.used_an_index("consolidations").await;
    let bags = consolidations::bags(tx, found.id).await?;
    assert!(consolidations::bag(tx, bags[0].sscc).await?.is_some());
    assert_eq!(consolidations::units(tx, found.id).await?.len(), 1);
    assert_eq!(consolidations::left_behind(tx, &departure).await?.len(), 1);
    watch.used_an_index("bags, units, and who stayed behind").await;
    assert_eq!(bag_parcels::of_consolidation(tx, found.id).await?.len(), 2);
    assert_eq!(bag_parcels::of_bags(tx, &[bags[0].sscc]).await?.len(), 2);
    let parcel = ParcelId { shipment: id, number: 1 };
    assert_eq!(bag_parcels::of_parcel(tx, parcel).await?.len(), 1);
    bag_parcels::packed_of(tx, &[id]).await?;
    assert_eq!(bag_parcels::surplus_of(tx, found.id).await?.len(), 1);
    watch.used_an_index("parcels in bags").await;
    // Of each hundred consolidations one is open and one never arrived, with two parcels each.
    let (missing, surplus) = bag_parcels::astray(tx, from_micros(500), from_micros(9_990)).await?;
    assert_eq!((missing, surplus), (20, 10));
    watch.used_an_index("parcels astray").await;
    consolidations::hold(tx, [found.id]).await?;
    bag_parcels::unpack(tx, &[(parcel, found.id)], now).await?;
    watch.used_an_index("parcels that go on").await;
    consolidations::open(tx, found.id, now).await?;
    watch.used_an_index("a consolidation that is opened").await;
    Ok(())
}
