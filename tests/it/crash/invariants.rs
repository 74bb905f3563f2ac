//! What has to be true after any crash, once things have come to rest.

use sampan::domain::escrow::{OrderState, TriggerAction};
use sampan::domain::event::EventStatus;
use sampan::domain::id::ShipmentId;
use sampan::store::{Store, audit, events, orders, shipments};
use sampan::tracking;
use serde_json::{Value, json};

use crate::support::database::number;
use crate::support::world::World;

/// How many are stored.
pub async fn events(store: &Store) -> i64 {
    number(store, "SELECT count(*) AS n FROM tracking_event").await
}

/// Of a database with one shipment in it, `accepted`, that was delivered.
pub async fn hold(store: &Store, world: &World, accepted: &Value) {
    let id: ShipmentId = accepted["id"].as_str().and_then(|id| id.parse().ok()).expect("a shipment's id");
    there_is_one_shipment(store).await;
    each_action_has_one_trigger_and_one_effect(store, world, id).await;
    the_confirmation_has_its_evidence(store, id).await;
    the_timeline_follows_from_the_events(store, id).await;
    let verdict = audit::verify(store).await.expect("the audit");
    assert_eq!((verdict.shipments, verdict.breaks), (1, vec![]), "the audit's chain is whole");
}

/// 1: however often it was sent.
async fn there_is_one_shipment(store: &Store) {
    for table in ["shipment", "pickup_request", "escrow_order", "plan", "idempotency_key"] {
        let rows = number(store, &format!("SELECT count(*) AS n FROM {table}")).await;
        assert_eq!(rows, 1, "one pickup is one row in {table}");
    }
    assert_eq!(number(store, "SELECT count(*) AS n FROM parcel").await, 2);
}

/// 2: one trigger, one key, one effect; and nothing is left on its way.
async fn each_action_has_one_trigger_and_one_effect(store: &Store, world: &World, id: ShipmentId) {
    let triggers = orders::triggers(store.reader(), id).await.expect("triggers");
    let actions: Vec<_> = triggers.iter().map(|trigger| trigger.facts.action).collect();
    let all = [TriggerAction::Shipped, TriggerAction::Delivered, TriggerAction::ConfirmReceipt];
    assert_eq!(actions, all, "one trigger for each action");
    assert!(triggers.iter().all(|trigger| trigger.acknowledged_at.is_some()), "{triggers:?}");
    let settled = "SELECT count(*) AS n FROM outbox WHERE state = 'acknowledged'";
    assert_eq!(number(store, settled).await, 3, "every message is settled");
    assert_eq!(number(store, "SELECT count(*) AS n FROM outbox").await, 3, "one message a trigger");

    let counts = world.escrow.snapshot();
    let once = json!({"shipped": 1, "delivered": 1, "confirm_receipt": 1});
    assert_eq!(json!(counts.effects), once, "each command took effect once: {counts:?}");
    assert_eq!((counts.triggers, counts.double_effects, counts.bad_signatures), (3, 0, 0), "{counts:?}");
    let seen = world.triggers().await;
    let keys: Vec<_> = seen.iter().map(|trigger| trigger["id"].as_str().expect("a key")).collect();
    let ours: Vec<_> = triggers.iter().map(|trigger| trigger.id.to_string()).collect();
    assert_eq!(keys, ours, "the provider knows our triggers, in our order");
}

/// 3: every parcel's delivered event, stored with the trigger.
async fn the_confirmation_has_its_evidence(store: &Store, id: ShipmentId) {
    let db = store.reader();
    let order = orders::of_shipment(db, id).await.expect("an order");
    assert_eq!((order.state, order.frozen_because), (OrderState::Confirmed, None));
    let triggers = orders::triggers(db, id).await.expect("triggers");
    let confirm = triggers.iter().find(|trigger| trigger.facts.action == TriggerAction::ConfirmReceipt);
    let evidence = &confirm.expect("a confirmation").facts.evidence;
    let events = events::of_shipment(db, id).await.expect("events");
    let parcels = shipments::parcels(db, id).await.expect("parcels");
    assert_eq!(evidence.parcels.len(), parcels.len(), "evidence for each parcel: {evidence:?}");
    for parcel in parcels {
        let proof = evidence.parcels.iter().find(|proof| proof.parcel == parcel.id);
        let proof = proof.unwrap_or_else(|| panic!("no evidence for {}: {evidence:?}", parcel.id));
        let is_it = |event: &&sampan::domain::event::TrackingEvent| {
            event.parcel == Some(parcel.id.number)
                && event.happening.status == EventStatus::Delivered
                && event.happening.occurred.at == proof.occurred_at
        };
        assert!(events.iter().any(|event| is_it(&event)), "no event stands behind {proof:?}");
        assert_eq!(proof.status, "delivered");
    }
}

/// 7: in whatever order they are read.
async fn the_timeline_follows_from_the_events(store: &Store, id: ShipmentId) {
    let db = store.reader();
    let events = events::of_shipment(db, id).await.expect("events");
    let parcels = shipments::parcels(db, id).await.expect("parcels");
    let numbers: Vec<_> = parcels.iter().map(|parcel| parcel.id.number).collect();
    let timeline = tracking::fold(&numbers, &events);
    let mut dice = fastrand::Rng::with_seed(1);
    for _ in 0..20 {
        let mut shuffled = events.clone();
        dice.shuffle(&mut shuffled);
        assert_eq!(tracking::fold(&numbers, &shuffled), timeline, "the order of events made a difference");
    }
    let shipment = shipments::find(db, id).await.expect("a row").expect("a shipment");
    assert_eq!(
        (shipment.status, shipment.delivered_at),
        (timeline.status, timeline.delivered_at),
        "the shipment says what its events say"
    );
    for (parcel, folded) in parcels.iter().zip(&timeline.parcels) {
        assert_eq!((parcel.status, parcel.hub.as_ref()), (folded.status, folded.hub), "parcel {}", parcel.id);
    }
}
