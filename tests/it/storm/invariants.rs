//! What has to be true after any storm, by the database's books, the provider's and the carrier's.
//!
//! Numbered as the promises of the daemon are: 1 pickups, 2 triggers, 3 evidence, 4 money, 5 places, 6 departures,
//! 7 events and timelines, 8 audit, 9 who sees what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use sampan::domain::escrow::{OrderState, TriggerAction};
use sampan::domain::event::EventStatus;
use sampan::domain::id::ShipmentId;
use sampan::domain::money::Money;
use sampan::domain::shipment::ShipmentStatus;
use sampan::store::orders::Trigger;
use sampan::store::{Store, audit, events, orders, shipments};
use sampan::tracking;

use super::record::{Figures, person};
use super::shop::{Ending, Order};
use crate::support::app::Keys;
use crate::support::database::number;
use crate::support::http::{Client, send};
use crate::support::rows::count;
use crate::support::world::World;
use crate::support::yard::books_agree;

pub struct Books<'a> {
    pub store: &'a Store,
    pub world: &'a World,
    pub client: &'a Client,
    pub orders: &'a [Order],
}

/// What the provider wrote down: by order and action, the keys, and how many of them took effect.
type Effects = BTreeMap<(String, String), Vec<(String, bool)>>;

const TOGETHER: usize = 8;

impl Books<'_> {
    /// Panics where they don't hold. Writes down what there was.
    pub async fn hold(&self, figures: &mut Figures) {
        self.each_answered_pickup_is_there_once().await;
        let effects = self.effects().await;
        let each = stream::iter(self.orders).map(|order| self.order_holds(order, &effects));
        let triggers: Vec<usize> = each.buffer_unordered(TOGETHER).collect().await;
        self.the_provider_knows_nothing_else(triggers.iter().sum(), figures).await;
        self.each_event_is_stored_once(figures).await;
        self.each_parcel_is_in_one_place().await;
        books_agree(self.store).await;
        let verdict = audit::verify(self.store).await.expect("the audit");
        assert_eq!(verdict.breaks, vec![], "8: a chain is broken");
        assert_eq!(verdict.shipments as usize, self.orders.len());
        figures.audit_entries = verdict.entries;
    }

    /// 1, the numbers.
    async fn each_answered_pickup_is_there_once(&self) {
        let ids: BTreeSet<_> = self.orders.iter().map(|order| &order.id).collect();
        assert_eq!(ids.len(), self.orders.len(), "1: two pickups were answered with one shipment");
        for table in ["shipment", "pickup_request", "escrow_order", "idempotency_key"] {
            let rows = count(self.store, table).await as usize;
            assert_eq!(rows, self.orders.len(), "1: each answered pickup is one row in {table}");
        }
        let parcels: usize = self.orders.iter().map(|order| order.numbers.len()).sum();
        assert_eq!(count(self.store, "parcel").await as usize, parcels, "1: parcels");
    }

    async fn effects(&self) -> Effects {
        let mut effects = Effects::new();
        for trigger in self.world.triggers().await {
            let text = |field: &str| trigger[field].as_str().expect("a text").to_owned();
            let took_effect = trigger["took_effect"].as_bool().expect("yes or no");
            effects.entry((text("order"), text("action"))).or_default().push((text("id"), took_effect));
        }
        effects
    }

    /// Says how many triggers it has.
    async fn order_holds(&self, order: &Order, effects: &Effects) -> usize {
        let id: ShipmentId = order.id.parse().expect("a shipment's id");
        self.the_same_key_gets_the_same_answer(order).await;
        self.a_buyer_sees_nobodys_name(order).await;
        let triggers = orders::triggers(self.store.reader(), id).await.expect("triggers");
        self.each_action_has_one_trigger_and_one_effect(order, id, &triggers, effects).await;
        self.the_money_is_there(id, &triggers, effects).await;
        if order.ending == Ending::Confirmed {
            self.the_confirmation_has_its_evidence(id, &triggers).await;
        }
        self.the_timeline_follows_from_the_events(order, id).await;
        triggers.len()
    }

    /// 1, each by itself.
    async fn the_same_key_gets_the_same_answer(&self, order: &Order) {
        let body = serde_json::from_str(&order.body).expect("a body");
        let again = self.client.post_pickup(&body, Some(&order.key)).await.expect("an answer");
        let said = (again.status, again.text(), again.header("idempotency-replayed"));
        assert_eq!(said, (201, order.answer.clone(), Some("true")), "1: {}", order.key);
    }

    /// 2: one trigger, one key, one effect, none lost.
    async fn each_action_has_one_trigger_and_one_effect(
        &self,
        order: &Order,
        id: ShipmentId,
        triggers: &[Trigger],
        effects: &Effects,
    ) {
        let row = orders::of_shipment(self.store.reader(), id).await.expect("an order");
        let once = triggers.iter().filter(|trigger| happens_once(trigger.facts.action));
        let actions: Vec<_> = once.map(|trigger| trigger.facts.action).collect();
        let expected: (OrderState, &[TriggerAction]) = match order.ending {
            Ending::Confirmed => (
                OrderState::Confirmed,
                &[TriggerAction::Shipped, TriggerAction::Delivered, TriggerAction::ConfirmReceipt],
            ),
            Ending::CalledOff => (OrderState::Frozen, &[]),
        };
        let sorted: BTreeSet<_> = actions.iter().map(|action| action.as_str()).collect();
        let wanted: BTreeSet<_> = expected.1.iter().map(|action| action.as_str()).collect();
        assert_eq!((row.state, sorted), (expected.0, wanted), "2: {} of {}", row.id, order.key);
        assert_eq!(actions.len(), expected.1.len(), "2: one trigger for each action of {}", row.id);
        for trigger in triggers {
            assert!(trigger.acknowledged_at.is_some(), "2: {trigger:?} was lost");
            let seen = effects.get(&(row.id.to_string(), trigger.facts.action.to_string()));
            let ours = (trigger.id.to_string(), true);
            let is_it = seen.is_some_and(|seen| seen.contains(&ours));
            assert!(is_it, "2: the provider does not know {trigger:?}: {seen:?}");
            let is_alone = seen.is_some_and(|seen| seen.len() == 1);
            assert!(
                is_alone || !happens_once(trigger.facts.action),
                "2: more than one took effect: {seen:?}"
            );
        }
    }

    /// 4: no more than is held, by what took effect.
    async fn the_money_is_there(&self, id: ShipmentId, triggers: &[Trigger], effects: &Effects) {
        let row = orders::of_shipment(self.store.reader(), id).await.expect("an order");
        let mut moved = 0;
        for trigger in triggers {
            let moves = matches!(trigger.facts.action, TriggerAction::ConfirmReceipt | TriggerAction::Refund);
            let key = (row.id.to_string(), trigger.facts.action.to_string());
            let own = (trigger.id.to_string(), true);
            if moves && effects.get(&key).is_some_and(|seen| seen.contains(&own)) {
                let amount = Money::parse(&trigger.facts.amount, row.held.currency);
                moved += amount.expect("an amount of money").minor;
            }
        }
        assert!(moved <= row.held.minor, "4: {moved} of {:?} moved", row.held);
    }

    /// 3: every parcel's delivered event, stored with the trigger.
    async fn the_confirmation_has_its_evidence(&self, id: ShipmentId, triggers: &[Trigger]) {
        let db = self.store.reader();
        let confirm = triggers.iter().find(|trigger| trigger.facts.action == TriggerAction::ConfirmReceipt);
        let evidence = &confirm.expect("a confirmation").facts.evidence;
        let events = events::of_shipment(db, id).await.expect("events");
        let parcels = shipments::parcels(db, id).await.expect("parcels");
        assert_eq!(evidence.parcels.len(), parcels.len(), "3: evidence for each parcel: {evidence:?}");
        for parcel in parcels {
            let proof = evidence.parcels.iter().find(|proof| proof.parcel == parcel.id);
            let proof = proof.unwrap_or_else(|| panic!("3: no evidence for {}: {evidence:?}", parcel.id));
            let stands = events.iter().any(|event| {
                event.parcel == Some(parcel.id.number)
                    && event.happening.status == EventStatus::Delivered
                    && event.happening.occurred.at == proof.occurred_at
            });
            assert!(stands && proof.status == "delivered", "3: no event stands behind {proof:?}");
        }
    }

    /// 7: in whatever order they are read.
    async fn the_timeline_follows_from_the_events(&self, order: &Order, id: ShipmentId) {
        let db = self.store.reader();
        let events = events::of_shipment(db, id).await.expect("events");
        let parcels = shipments::parcels(db, id).await.expect("parcels");
        let numbers: Vec<_> = parcels.iter().map(|parcel| parcel.id.number).collect();
        let timeline = tracking::fold(&numbers, &events);
        let mut dice = fastrand::Rng::with_seed(1);
        for _ in 0..3 {
            let mut shuffled = events.clone();
            dice.shuffle(&mut shuffled);
            assert_eq!(
                tracking::fold(&numbers, &shuffled),
                timeline,
                "7: the order of events made a difference"
            );
        }
        let shipment = shipments::find(db, id).await.expect("a row").expect("a shipment");
        let said = (shipment.status, shipment.delivered_at);
        assert_eq!(said, (timeline.status, timeline.delivered_at), "7: {id} says what its events say");
        let end = match order.ending {
            Ending::Confirmed => ShipmentStatus::Delivered,
            Ending::CalledOff => ShipmentStatus::Cancelled,
        };
        assert_eq!(shipment.status, end, "{}", order.key);
        for (parcel, folded) in parcels.iter().zip(&timeline.parcels) {
            let said = (parcel.status, parcel.hub.as_ref());
            assert_eq!(said, (folded.status, folded.hub), "7: parcel {}", parcel.id);
        }
        let mut expected = 1 + order.scans;
        match order.ending {
            Ending::CalledOff => expected += 1,
            Ending::Confirmed => {
                for number in &order.numbers {
                    expected += self.world.carrier_events(number).await;
                }
            }
        }
        assert_eq!(events.len(), expected, "7: {id} has each event once, and none is lost");
    }

    /// 9: what the buyer's page shows.
    async fn a_buyer_sees_nobodys_name(&self, order: &Order) {
        for front in ["/track", "/v1/tracking"] {
            let path = format!("{front}/{}", order.tracking_token);
            let page = send(self.client.address, "GET", &path, &[], b"").await.expect("an answer");
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            assert_eq!(person::found_in(&page.text()), None, "9: {path}");
        }
    }

    /// 2: everything that it was told was ours to tell.
    async fn the_provider_knows_nothing_else(&self, triggers: usize, figures: &mut Figures) {
        let counts = self.world.escrow.snapshot();
        let acknowledged = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'acknowledged'";
        let (all, settled) = (count(self.store, "outbox").await, number(self.store, acknowledged).await);
        assert_eq!((counts.double_effects, counts.triggers as usize), (0, triggers), "2: {counts:?}");
        assert_eq!((all as usize, all), (triggers, settled), "2: one message a trigger, all of them settled");
        figures.triggers = counts.triggers;
        figures.seen_again = counts.seen_again;
        figures.badly_timed = counts.bad_signatures;
        figures.double_effects = counts.double_effects;
        figures.lost = triggers as i64 - counts.effects.values().sum::<u64>() as i64;
    }

    /// 7: the raw form once.
    async fn each_event_is_stored_once(&self, figures: &mut Figures) {
        figures.events = count(self.store, "tracking_event").await;
        let twice = "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM tracking_event WHERE source IN ('scan', 'poll', 'push') \
             GROUP BY shipment_id, parcel_number, source_name, tracking_number, raw HAVING COUNT(*) > 1) AS twins";
        // Of our own events two can have the same raw form, of carriers' and hubs' none.
        assert_eq!(number(self.store, twice).await, 0, "7: an event is stored twice");
    }

    /// 5.
    async fn each_parcel_is_in_one_place(&self) {
        let open = "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM bag_parcel b \
             JOIN consolidation c ON c.id = b.consolidation_id \
             WHERE c.dissolved_at IS NULL AND b.state = 'packed' \
             GROUP BY b.shipment_id, b.parcel_number HAVING COUNT(*) > 1) AS twins";
        assert_eq!(number(self.store, open).await, 0, "5: a parcel is in two consolidations");
    }
}

/// What a provider is told once for an order, for ever.
fn happens_once(action: TriggerAction) -> bool {
    use TriggerAction as Action;
    matches!(action, Action::Shipped | Action::Delivered | Action::ConfirmReceipt | Action::Refund)
}

/// 9: what another merchant sees.
pub async fn a_stranger_sees_nothing(client: &Client, stranger: Arc<Keys>, orders: &[Order]) {
    let stranger = Client { address: client.address, keys: (*stranger).clone() };
    let list = stranger.get("/v1/shipments").await.expect("an answer").must_be(200);
    assert_eq!(list["shipments"].as_array().map(Vec::len), Some(0), "9: {list}");
    if let Some(order) = orders.first() {
        let path = format!("/v1/shipments/{}", order.id);
        assert_eq!(stranger.get(&path).await.expect("an answer").status, 404, "9: {path}");
    }
}
