//! The same events, however they come: in any order, in any batches, again and again.

use sampan::domain::event::{
    DeliveredTo, EventSource, EventStatus, Happening, Occurred, OffsetSource, TrackingEvent,
};
use sampan::domain::id::ShipmentId;
use sampan::domain::instant::Instant;
use sampan::flows::advance::{Occasion, advance};
use sampan::store::StoreError;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::journey::{long_ago, tracking_number};
use crate::support::rows::{change, count, make_due};
use crate::support::steps::{accept_two_parcels, detail, scan_until, text};
use crate::support::stub::{Reply, Stub};
use crate::support::wait::wait_until;

/// What two sources say of a parcel after its handover.
fn events(parcel: u16, number: &str, handed_over_at: Instant) -> Vec<TrackingEvent> {
    let hour = |n: i64| handed_over_at + chrono::TimeDelta::hours(n);
    let event = |source: &str, hours: i64, status: EventStatus, cancels: Option<&str>| {
        let at = hour(hours);
        TrackingEvent {
            parcel: Some(parcel),
            source: if source == "seventeentrack" { EventSource::Push } else { EventSource::Poll },
            source_name: source.to_owned(),
            happening: Happening {
                status,
                delivered_to: None,
                occurred: Occurred { at, local_time: at.to_rfc3339(), offset_source: OffsetSource::Carrier },
                code: cancels.map_or_else(|| status.to_string(), |code| format!("not {code}")),
                description: String::new(),
                location: sampan::domain::event::EventLocation::default(),
                cancels: cancels.map(str::to_owned),
            },
            tracking_number: number.parse().ok(),
            scan: None,
            hub: None,
            facility: None,
            raw: format!("{source} {hours} {status}"),
            recorded_at: at,
            doubted: false,
        }
    };
    vec![
        event("dhl_unified", 1, EventStatus::PickedUp, None),
        event("seventeentrack", 1, EventStatus::PickedUp, None),
        event("dhl_unified", 5, EventStatus::OutForDelivery, None),
        event("dhl_unified", 6, EventStatus::Unknown, Some("out_for_delivery")),
        event("dhl_unified", 9, EventStatus::OutForDelivery, None),
        event("seventeentrack", 12, EventStatus::Delivered, None),
        event("dhl_unified", 12, EventStatus::Delivered, None),
    ]
}

/// What one answer says of an event that others speak of too.
struct Reading {
    /// When it happened, and when the answer came.
    hours: (i64, i64),
    code: &'static str,
    status: EventStatus,
    delivered_to: Option<DeliveredTo>,
    cancels: Option<&'static str>,
}

impl Reading {
    fn event(&self, number: &str, handed_over_at: Instant) -> TrackingEvent {
        let mut event = events(1, number, handed_over_at).remove(0);
        let hour = |n: i64| handed_over_at + chrono::TimeDelta::hours(n);
        (event.recorded_at, event.happening.occurred.at) = (hour(self.hours.1), hour(self.hours.0));
        event.happening.occurred.local_time = event.happening.occurred.at.to_rfc3339();
        event.happening.code = self.code.to_owned();
        (event.happening.status, event.happening.delivered_to) = (self.status, self.delivered_to);
        event.happening.cancels = self.cancels.map(str::to_owned);
        event
    }
}

/// Readings of the same events, and what they come to.
fn rereadings() -> Vec<(&'static str, Vec<Reading>, &'static str, &'static str)> {
    use EventStatus::{Delivered, Exception, Returned, Returning, Unknown};
    let read = |hours, code, status| Reading { hours, code, status, delivered_to: None, cancels: None };
    let to = |hours, whom| Reading { delivered_to: Some(whom), ..read(hours, "OK", Delivered) };
    let not = |hours, cancels| Reading { cancels, ..read(hours, "304", Exception) };
    vec![
        (
            "doubted until it was confirmed",
            vec![
                read((12, 13), "OK", Unknown),
                read((12, 14), "OK", Delivered),
                read((12, 15), "OK", Delivered),
            ],
            "delivered",
            "confirm_requested",
        ),
        (
            "doubted later",
            vec![
                read((12, 13), "OK", Delivered),
                read((12, 14), "OK", Unknown),
                read((12, 15), "OK", Unknown),
            ],
            "out_for_delivery",
            "frozen",
        ),
        (
            "doubted for a while",
            vec![
                read((12, 13), "OK", Delivered),
                read((12, 14), "OK", Unknown),
                read((12, 15), "OK", Delivered),
            ],
            "delivered",
            "confirm_requested",
        ),
        (
            "a correction that is understood later",
            vec![read((12, 13), "OK", Delivered), not((14, 14), None), not((14, 15), Some("OK"))],
            "out_for_delivery",
            "frozen",
        ),
        (
            "to whom is known later",
            vec![to((12, 13), DeliveredTo::Unspecified), to((12, 14), DeliveredTo::Locker)],
            "delivered",
            "confirm_requested",
        ),
        (
            "a delivery to its sender",
            vec![
                read((12, 13), "OK", Delivered),
                read((11, 14), "BACK", Returning),
                read((12, 14), "OK", Returned),
            ],
            "returned",
            "frozen",
        ),
    ]
}

fn is_on_its_way(event: &TrackingEvent) -> bool {
    event.happening.status != EventStatus::Delivered
}

/// A generator of numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// In batches of one to four, each event at least once, some of them twice.
fn batches(mut all: Vec<TrackingEvent>, dice: &mut Dice) -> Vec<Vec<TrackingEvent>> {
    for _ in 0..5 {
        let again = all[dice.below(all.len())].clone();
        all.push(again);
    }
    for at in (1..all.len()).rev() {
        all.swap(at, dice.below(at + 1));
    }
    let mut batches = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(1 + dice.below(4)));
        batches.push(std::mem::replace(&mut all, rest));
    }
    batches
}

async fn feed(app: &App, shipment: ShipmentId, events: Vec<TrackingEvent>) {
    let occasion = Occasion::new(&app.deps, "a test".to_owned());
    let fed: Result<(), StoreError> = app
        .deps
        .store
        .write(move |tx| Box::pin(async move { advance(tx, shipment, &events, &occasion).await.map(drop) }))
        .await;
    fed.expect("a shipment that advances");
}

/// All that a merchant sees of it but for names and numbers of its own.
fn seen(shown: &Value) -> Value {
    let events: Vec<Value> = shown["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter(|event| event["source"] != "system" && event["source"] != "scan")
        .map(|event| {
            json!([
                event["parcel"],
                event["status"],
                event["occurred_at"],
                event["source_name"],
                event["also_reported_by"],
                event["taken_back"]
            ])
        })
        .collect();
    let triggers: Vec<&Value> =
        shown["escrow"]["triggers"].as_array().expect("triggers").iter().map(|one| &one["action"]).collect();
    json!({"status": shown["status"], "delivered_at": shown["delivered_at"], "events": events,
        "escrow": shown["escrow"]["state"], "triggers": triggers})
}

on_both_databases! {
    async fn the_same_events_come_to_the_same_timeline_status_and_outbox(db: Database) {
        // Nobody else has anything to say.
        let silent = Stub::start(|_, _| Reply::Status(503, Vec::new())).await;
        let app = spawn_app(&db, &format!(
            "carriers.dhl_unified.base_url = \"http://{}\"\nescrow.webhook_url = \"http://{}/\"",
            silent.address, silent.address
        )).await;
        let (mut first, at): (Option<Value>, _) = (None, long_ago() + chrono::TimeDelta::hours(48));
        for seed in 0..12 {
            let accepted = accept_two_parcels(&app).await;
            scan_until(&app, &accepted, "handed_over").await;
            let shipment: ShipmentId = text(&accepted["id"]).parse().expect("an id");
            let parcels = accepted["parcels"].as_array().expect("parcels");
            let numbers = parcels.iter().map(tracking_number).collect::<Vec<_>>();
            let all = [events(1, &numbers[0], at), events(2, &numbers[1], at)].concat();
            for batch in batches(all, &mut Dice(seed)) {
                feed(&app, shipment, batch).await;
            }
            let shown = seen(&detail(&app, &accepted).await);
            assert_eq!(shown["status"], "delivered", "seed {seed}");
            match &first {
                None => {
                    assert_eq!(shown["events"].as_array().map(Vec::len), Some(10), "{shown:#}");
                    first = Some(shown);
                }
                Some(first) => assert_eq!(*first, shown, "seed {seed}"),
            }
        }
        assert_eq!(count(&app.deps.store, "escrow_trigger").await, 12 * 3);
        app.stop().await;
    }

    async fn what_is_read_otherwise_later_comes_to_the_same_however_it_comes(db: Database) {
        let silent = Stub::start(|_, _| Reply::Status(503, Vec::new())).await;
        let app = spawn_app(&db, &format!(
            "carriers.dhl_unified.base_url = \"http://{}\"\nescrow.webhook_url = \"http://{}/\"",
            silent.address, silent.address
        )).await;
        let at = long_ago() + chrono::TimeDelta::hours(48);
        for (what, readings, status, escrow) in rereadings() {
            let mut first: Option<Value> = None;
            for seed in 0..5 {
                let accepted = accept_two_parcels(&app).await;
                scan_until(&app, &accepted, "handed_over").await;
                let shipment: ShipmentId = text(&accepted["id"]).parse().expect("an id");
                let parcels = accepted["parcels"].as_array().expect("parcels");
                let numbers = parcels.iter().map(tracking_number).collect::<Vec<_>>();
                let mut all = events(2, &numbers[1], at);
                all.extend(events(1, &numbers[0], at).into_iter().filter(is_on_its_way));
                all.extend(readings.iter().map(|reading| reading.event(&numbers[0], at)));
                for batch in batches(all, &mut Dice(seed)) {
                    feed(&app, shipment, batch).await;
                }
                let mut shown = seen(&detail(&app, &accepted).await);
                assert_eq!((&shown["status"], &shown["escrow"]), (&json!(status), &json!(escrow)), "{what}, seed {seed}");
                // What was believed for a while may have been asked for, and frozen since.
                shown["triggers"] = Value::Null;
                match &first {
                    None => first = Some(shown),
                    Some(first) => assert_eq!(*first, shown, "{what}, seed {seed}"),
                }
            }
        }
        app.stop().await;
    }

    async fn a_carrier_that_is_silent_for_long_is_noticed_once(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let number = crate::support::stub::number_in(&asked.path);
            Reply::json(200, &crate::support::stub::dhl_page(number, &[]))
        }).await;
        let app = spawn_app(&db, &format!("carriers.dhl_unified.base_url = \"http://{}\"", carrier.address)).await;
        let accepted = crate::support::steps::accept(&app, &crate::support::steps::one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        let asked = async |times: usize| {
            let free = "SELECT COUNT(*) AS n FROM tracked_number WHERE claimed_until = 0 AND next_poll_at > 0";
            wait_until(&format!("answer {times} is taken in"), async || {
                carrier.asked().len() >= times && number(&app.deps.store, free).await == 1
            })
            .await;
        };
        asked(1).await;
        change(&db, "UPDATE tracked_number SET created_at = created_at - 1000000000000").await;
        for times in 2..=4 {
            make_due(&db).await;
            asked(times).await;
        }
        let shown = detail(&app, &accepted).await;
        let events = shown["events"].as_array().expect("events");
        let silences: Vec<_> = events.iter().filter(|event| event["code"] == "silence").collect();
        assert_eq!(silences.len(), 1, "{events:#?}");
        assert_eq!(silences[0]["status"], "exception");
        assert_eq!(shown["status"], "last_mile", "and it is no progress");
        app.stop().await;
    }
}
