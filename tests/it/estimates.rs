//! Windows for the delivery: learned from deliveries, shared by all daemons, never in the past.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sampan::domain::event::{
    EventLocation, EventSource, EventStatus, Happening, Occurred, OffsetSource, TrackingEvent,
};
use sampan::domain::id::ShipmentId;
use sampan::domain::instant::Instant;
use sampan::domain::shipment::Milestone;
use sampan::flows::advance::{Occasion, advance};
use sampan::flows::{Deps, cancel_shipment, learn_stage_times, show};
use sampan::store::shipments::Filter;
use sampan::store::{StoreError, stage_times};

use crate::on_both_databases;
use crate::support::database::{Database, number};
use crate::support::rows::{count, text};
use crate::support::yard::{F1, F2, Yard, at, build};

fn told(status: EventStatus, at: Instant) -> TrackingEvent {
    TrackingEvent {
        parcel: Some(1),
        source: EventSource::Poll,
        source_name: "dhl_unified".to_owned(),
        happening: Happening {
            status,
            delivered_to: None,
            occurred: Occurred { at, local_time: at.to_rfc3339(), offset_source: OffsetSource::Carrier },
            code: status.to_string(),
            description: String::new(),
            location: EventLocation::default(),
            cancels: None,
        },
        tracking_number: None,
        scan: None,
        hub: None,
        facility: None,
        raw: "{}".to_owned(),
        recorded_at: at,
        doubted: false,
    }
}

/// A carrier tells of one shipment, at that time.
async fn tell(yard: &Yard, id: ShipmentId, status: EventStatus, at: Instant) {
    let deps = Deps { clock: sampan::clock::Clock::fast(at, 1.0), ..yard.deps.clone() };
    let (event, occasion) = (told(status, at), Occasion::new(&deps, "carrier dhl_unified".to_owned()));
    let advanced: Result<_, StoreError> = deps
        .store
        .write(move |tx| Box::pin(async move { advance(tx, id, &[event], &occasion).await.map(drop) }))
        .await;
    advanced.expect("an event");
}

/// Delivered so many hours after its plan, and what the plan was.
async fn deliver(yard: &Yard, hours_late: i64) -> Instant {
    let id = yard.accept("2026-03-02", 1, 10).await;
    let planned = at(&yard.detail(id).await.plan.arrive_at);
    tell(yard, id, EventStatus::Delivered, planned + TimeDelta::hours(hours_late)).await;
    planned
}

async fn run(deps: &Deps) {
    learn_stage_times::run_due(deps).await.expect("samples added up");
}

/// How much was learned of each milestone.
async fn learned(deps: &Deps) -> BTreeMap<Milestone, f64> {
    let rows = stage_times::all(deps.store.reader()).await.expect("rows");
    let weight = |row: &stage_times::StageTime| row.weights.iter().map(|(_, weight)| weight).sum();
    rows.iter().map(|row| (row.milestone, weight(row))).collect()
}

on_both_databases! {
    async fn deliveries_teach_every_daemon_once(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let other = build(&db, &yard.world).await;
        let first = yard.accept("2026-03-02", 1, 10).await;
        let unlearned = yard.detail(first).await;
        assert_eq!(unlearned.shipment.estimated_delivery.earliest, unlearned.plan.arrive_at);
        assert_eq!(unlearned.shipment.estimated_delivery.confidence, 0.8);

        for _ in 0..40 {
            deliver(&yard, 50).await;
        }
        assert_eq!(count(&yard.deps.store, "stage_sample").await, 40, "of each the acceptance, and no more is known");
        assert_eq!(learned(&yard.deps).await, BTreeMap::new());
        // A week later: what is not told yet teaches nothing.
        let (one, other) = (yard.at("2026-03-12T00:00:00Z"), Deps { clock: yard.at("2026-03-12T00:00:00Z").clock, ..other });
        let (a, b) = futures_util::future::join(learn_stage_times::run_due(&one), learn_stage_times::run_due(&other)).await;
        assert!(a.is_ok() && b.is_ok());
        assert_eq!(count(&yard.deps.store, "stage_sample").await, 0);
        assert_eq!(learned(&one).await, BTreeMap::from([(Milestone::Accepted, 40.0)]), "each counts once");

        run(&other).await;
        run(&one).await;
        assert_eq!(learned(&one).await, BTreeMap::from([(Milestone::Accepted, 40.0)]), "again: nothing more");
        for deps in [one, other] {
            let id = yard.accept("2026-03-02", 1, 10).await;
            let plan = yard.detail(id).await.plan;
            tell(&Yard { deps, keys: yard.keys.clone(), world: yard.world.clone() }, id, EventStatus::Delayed, at("2026-03-02T05:00:00Z")).await;
            let estimate = yard.detail(id).await.shipment.estimated_delivery;
            let late = |text: &str| (at(text) - at(&plan.arrive_at)).num_hours();
            assert!((0..=50).contains(&late(&estimate.earliest)) && late(&estimate.latest) == 50, "{estimate:?}");
        }
        yard.is_sound().await;
    }

    async fn a_window_that_passed_without_a_delivery_is_not_shown(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let (late, called_off) = (yard.accept("2026-03-02", 1, 10).await, yard.accept("2026-03-02", 1, 10).await);
        cancel_shipment::cancel(&yard.deps, yard.keys.merchant, called_off).await.expect("in time");
        let before = yard.detail(late).await;
        let a_day_later = at(&before.shipment.estimated_delivery.latest) + TimeDelta::hours(1);
        let then = Yard { deps: yard.at(&a_day_later.to_rfc3339()), keys: yard.keys.clone(), world: yard.world.clone() };
        let detail = then.detail(late).await.shipment.estimated_delivery;
        assert!(at(&detail.earliest) > a_day_later && at(&detail.latest) > at(&detail.earliest), "{detail:?}");
        let page = show::shipments(&then.deps, yard.keys.merchant, &Filter::default(), 10).await.expect("a page");
        let shown = |id: ShipmentId| {
            let shown = page.shipments.iter().find(|shipment| shipment.id == id.to_string());
            at(&shown.expect("a shipment").estimated_delivery.earliest)
        };
        assert!((shown(late) - at(&detail.earliest)).num_minutes() == 0, "the list says the same");
        assert_eq!(shown(called_off), at(&before.shipment.estimated_delivery.earliest), "nobody waits for it");
        let token = &before.shipment.tracking_token;
        let public = show::tracking(&then.deps, token).await.expect("an answer").expect("a shipment");
        assert!(at(&public.estimated_delivery.earliest.utc) > a_day_later);
        assert_eq!(public.estimated_delivery.confidence, 0.8);
    }

    async fn what_is_delivered_keeps_its_last_estimate(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 1, 10).await;
        let before = yard.detail(id).await.shipment.estimated_delivery;
        let delivered_at = at(&before.latest) + TimeDelta::days(3);
        tell(&yard, id, EventStatus::Delivered, delivered_at).await;
        let after = yard.detail(id).await.shipment;
        assert_eq!((after.estimated_delivery.earliest, after.estimated_delivery.latest), (before.earliest, before.latest));
        // Told once more, by a second source: no second sample of the same delivery.
        tell(&yard, id, EventStatus::Delivered, delivered_at + TimeDelta::minutes(1)).await;
        let samples = "SELECT COUNT(*) AS n FROM stage_sample WHERE milestone = 'accepted'";
        assert_eq!(number(&yard.deps.store, samples).await, 1);
        let group = "SELECT group_name AS n FROM stage_sample WHERE milestone = 'accepted'";
        assert_eq!(text(&yard.deps.store, group).await.as_deref(), Some("CNONE air"));
    }
}
