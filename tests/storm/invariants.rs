//! What has to be true after any storm, by the database's books, the provider's and the carrier's.
//!
//! Numbered as the promises of the daemon are: 1 pickups, 2 triggers, 3 evidence, 4 money, 5 places, 6 departures,
//! 7 events and timelines, 8 audit, 9 who sees what. What is said of one order's money is in `ledger.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use sampan::domain::escrow::TriggerAction;
use sampan::domain::event::{ScanKind, TrackingEvent};
use sampan::domain::id::ShipmentId;
use sampan::domain::shipment::ShipmentStatus;
use sampan::store::{Backend, Store, audit, events, shipments};
use sampan::tracking;
use serde_json::Value;

use super::ledger::Ledger;
use super::record::{Figures, person};
use super::settle::undone;
use super::shop::{Order, is_for_now};
use super::story::Story;
use crate::support::app::Keys;
use crate::support::database::number;
use crate::support::http::{Client, Response, send};
use crate::support::rows::count;
use crate::support::wait::wait_for;
use crate::support::world::World;
use crate::support::yard::books_agree;

pub struct Books<'a> {
    pub store: &'a Store,
    pub world: &'a World,
    pub client: &'a Client,
    pub orders: &'a [Order],
    /// Whether the provider can be asked what became of a trigger.
    pub inquires: bool,
}

/// What the provider wrote down of our triggers, by their keys.
pub type Effects = BTreeMap<String, Effect>;

#[derive(Debug)]
pub struct Effect {
    pub order: String,
    pub action: String,
    pub took_effect: bool,
    pub moved_minor: i64,
}

const TOGETHER: usize = 8;

impl Books<'_> {
    /// Panics where they don't hold. Writes down what there was.
    pub async fn hold(&self, figures: &mut Figures) {
        self.invariant_1_each_answered_pickup_is_there_once().await;
        let effects = self.effects().await;
        let each = stream::iter(self.orders).map(|order| self.order_holds(order, &effects));
        let known: Vec<usize> = each.buffer_unordered(TOGETHER).collect().await;
        self.invariant_2_the_provider_knows_nothing_else(known.iter().sum(), &effects, figures).await;
        self.invariant_5_each_parcel_is_in_one_place(figures).await;
        self.invariant_6_departures_carry_what_they_can_and_what_was_in_time().await;
        self.invariant_7_each_event_is_stored_once(figures).await;
        self.invariant_8_every_chain_is_whole(figures).await;
    }

    /// Says how many triggers of it the provider knows.
    async fn order_holds(&self, order: &Order, effects: &Effects) -> usize {
        let id: ShipmentId = order.id.parse().expect("a shipment's id");
        self.invariant_1_the_same_key_gets_the_same_answer(order).await;
        let ledger = Ledger::read(self, order, id).await;
        let known = ledger.invariant_2_each_trigger_takes_effect_once_or_never(effects);
        ledger.invariant_3_a_confirmation_has_its_grounds();
        ledger.invariant_3_what_is_on_its_way_is_taken_out_of_a_frozen_order();
        ledger.invariant_4_the_money_went_where_it_should(effects, self.trade(order).await.as_ref());
        ledger.invariant_8_every_effect_has_grounds_in_the_chain();
        ledger.invariant_8_everybodys_word_is_in_the_chain();
        self.invariant_7_the_timeline_follows_from_the_events(order, id).await;
        self.invariant_9_a_buyer_sees_nobodys_name(order).await;
        known
    }

    async fn effects(&self) -> Effects {
        let all = self.world.triggers().await;
        let effect = |trigger: &Value| {
            let text = |field: &str| trigger[field].as_str().expect("a text").to_owned();
            let effect = Effect {
                order: text("order"),
                action: text("action"),
                took_effect: trigger["took_effect"].as_bool().expect("yes or no"),
                moved_minor: trigger["moved_minor"].as_i64().unwrap_or(0),
            };
            (text("id"), effect)
        };
        let effects: Effects = all.iter().map(effect).collect();
        assert_eq!(effects.len(), all.len(), "2: the provider has a key twice");
        effects
    }

    /// None: the provider never heard of it.
    async fn trade(&self, order: &Order) -> Option<Value> {
        let path = format!("/sandbox/trades/{}", order.payment_reference);
        let answer = send(self.world.escrow_address, "GET", &path, &[], b"").await;
        let answer = answer.expect("the provider answers");
        (answer.status != 404).then(|| answer.must_be(200)["trade"].clone())
    }

    /// 1, the numbers.
    async fn invariant_1_each_answered_pickup_is_there_once(&self) {
        let ids: BTreeSet<_> = self.orders.iter().map(|order| &order.id).collect();
        assert_eq!(ids.len(), self.orders.len(), "1: two pickups were answered with one shipment");
        for table in ["shipment", "pickup_request", "escrow_order", "idempotency_key"] {
            let rows = count(self.store, table).await as usize;
            assert_eq!(rows, self.orders.len(), "1: each answered pickup is one row in {table}");
        }
        let parcels: usize = self.orders.iter().map(|order| order.numbers.len()).sum();
        assert_eq!(count(self.store, "parcel").await as usize, parcels, "1: parcels");
    }

    /// 1, each by itself.
    async fn invariant_1_the_same_key_gets_the_same_answer(&self, order: &Order) {
        let body = serde_json::from_str(&order.body).expect("a body");
        let ask = async || self.client.post_pickup(&body, Some(&order.key)).await;
        let again = answered("a pickup is answered again", ask).await;
        let said = (again.status, again.text(), again.header("idempotency-replayed"));
        assert_eq!(said, (201, order.answer.clone(), Some("true")), "1: {}", order.key);
    }

    /// 7: in whatever order they are read.
    async fn invariant_7_the_timeline_follows_from_the_events(&self, order: &Order, id: ShipmentId) {
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
        let is_called_off = order.story == Story::CalledOff;
        let end = if is_called_off { ShipmentStatus::Cancelled } else { ShipmentStatus::Delivered };
        assert_eq!(shipment.status, end, "{}", order.key);
        for (parcel, folded) in parcels.iter().zip(&timeline.parcels) {
            let said = (parcel.status, parcel.hub.as_ref());
            assert_eq!(said, (folded.status, folded.hub), "7: parcel {}", parcel.id);
        }
        let is_packing = |event: &&TrackingEvent| event.scan == Some(ScanKind::Packed);
        let packed = events.iter().filter(is_packing).count();
        let uuid = match self.store.backend() {
            Backend::Sqlite => format!("X'{}'", id.uuid().simple()),
            Backend::Postgres => format!("'{}'", id.uuid()),
        };
        let members = format!("SELECT COUNT(*) AS n FROM bag_parcel WHERE shipment_id = {uuid}");
        assert_eq!(
            packed as i64,
            number(self.store, &members).await,
            "5: {id} was told what it is packed in"
        );
        let mut expected = 1 + order.scans + packed;
        if is_called_off {
            expected += 1;
        } else {
            for number in &order.numbers {
                expected += self.world.carrier_events(number).await;
            }
        }
        assert_eq!(events.len(), expected, "7: {id} has each event once, and none is lost");
    }

    /// 9: what the buyer's page shows.
    async fn invariant_9_a_buyer_sees_nobodys_name(&self, order: &Order) {
        for front in ["/track", "/v1/tracking"] {
            let path = format!("{front}/{}", order.tracking_token);
            let look = async || send(self.client.address, "GET", &path, &[], b"").await;
            let page = answered("a buyer is answered", look).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            assert_eq!(person::found_in(&page.text()), None, "9: {path}");
        }
    }

    /// 2: everything that it was told was ours to tell, and nothing is on its way for ever.
    async fn invariant_2_the_provider_knows_nothing_else(
        &self,
        known: usize,
        effects: &Effects,
        figures: &mut Figures,
    ) {
        let counts = self.world.escrow.snapshot();
        assert_eq!(counts.double_effects, 0, "2: {counts:?}");
        assert_eq!(effects.len(), known, "2: the provider was told what no order of ours knows");
        let once: Vec<_> = TriggerAction::ALL.iter().filter(|action| action.happens_once()).collect();
        let words: Vec<_> = once.iter().map(|action| format!("'{action}'")).collect();
        let acknowledged = format!(
            "SELECT COUNT(*) AS n FROM escrow_trigger WHERE acknowledged_at IS NOT NULL AND action IN ({})",
            words.join(", ")
        );
        let acknowledged = number(self.store, &acknowledged).await;
        figures.triggers = count(self.store, "escrow_trigger").await;
        let took_effect = effects.values().filter(|effect| effect.took_effect);
        let is_once = |effect: &&Effect| once.iter().any(|action| action.as_str() == effect.action);
        figures.effects = took_effect.filter(is_once).count();
        figures.seen_again = counts.seen_again;
        figures.badly_timed = counts.bad_signatures;
        figures.double_effects = counts.double_effects;
        figures.untold = figures.effects as i64 - acknowledged;
        assert!(figures.untold >= 0, "2: {} acknowledged triggers took no effect", -figures.untold);
        assert!(figures.untold == 0 || !self.inquires, "2: {} effects are not acknowledged", figures.untold);
        // Who can be asked is asked before it is told again: only what is still on the wire comes twice.
        let again = counts.seen_again as i64;
        let is_asked = !self.inquires || again * 20 <= figures.triggers + 40;
        assert!(is_asked, "2: {again} of {} triggers came again", figures.triggers);
        for (what, sql) in undone(self.inquires) {
            assert_eq!(number(self.store, sql).await, 0, "2: {what} are left for ever");
        }
    }

    /// 5: in one consolidation, and on one departure at a time.
    async fn invariant_5_each_parcel_is_in_one_place(&self, figures: &mut Figures) {
        let packed = "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM bag_parcel b \
             JOIN consolidation c ON c.id = b.consolidation_id \
             WHERE c.dissolved_at IS NULL AND b.state = 'packed' \
             GROUP BY b.shipment_id, b.parcel_number HAVING COUNT(*) > 1) AS twins";
        assert_eq!(number(self.store, packed).await, 0, "5: a parcel is in two consolidations");
        let booked = "SELECT COUNT(*) AS n FROM booking one JOIN departure a ON a.id = one.departure_id \
             JOIN booking two ON two.shipment_id = one.shipment_id AND two.departure_id <> one.departure_id \
             JOIN departure b ON b.id = two.departure_id \
             WHERE a.depart_at < b.arrive_at AND b.depart_at < a.arrive_at";
        assert_eq!(number(self.store, booked).await, 0, "5: a shipment is on two departures at a time");
        figures.packed = count(self.store, "bag_parcel").await;
        figures.consolidations = count(self.store, "consolidation").await;
    }

    /// 6.
    async fn invariant_6_departures_carry_what_they_can_and_what_was_in_time(&self) {
        books_agree(self.store).await;
        let too_late = "SELECT COUNT(*) AS n FROM bag_parcel b \
             JOIN consolidation c ON c.id = b.consolidation_id \
             WHERE c.dissolved_at IS NULL AND b.state = 'packed' AND c.cutoff_at < \
             (SELECT MIN(e.occurred_at) FROM tracking_event e WHERE e.shipment_id = b.shipment_id \
             AND e.parcel_number = b.parcel_number AND e.hub_code = c.from_hub)";
        assert_eq!(
            number(self.store, too_late).await,
            0,
            "6: a parcel is on a departure that it came too late for"
        );
    }

    /// 7: the raw form once.
    async fn invariant_7_each_event_is_stored_once(&self, figures: &mut Figures) {
        figures.events = count(self.store, "tracking_event").await;
        let twice = "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM tracking_event WHERE source IN ('scan', 'poll', 'push') \
             GROUP BY shipment_id, parcel_number, source_name, tracking_number, raw HAVING COUNT(*) > 1) AS twins";
        // Of our own events two can have the same raw form, of carriers' and hubs' none.
        assert_eq!(number(self.store, twice).await, 0, "7: an event is stored twice");
    }

    /// 8: and every row says what was audited of it last.
    async fn invariant_8_every_chain_is_whole(&self, figures: &mut Figures) {
        let verdict = audit::verify(self.store).await.expect("the audit");
        assert_eq!(verdict.breaks, vec![], "8: a chain is broken");
        assert_eq!(verdict.shipments as usize, self.orders.len(), "8: a chain is missing");
        figures.audit_entries = verdict.entries;
    }
}

/// Asks until there is an answer: a daemon may have a connection left that broke in the storm, and says "not now" once.
pub async fn answered(what: &str, ask: impl AsyncFn() -> io::Result<Response>) -> Response {
    let look = async || match ask().await {
        Ok(answer) if is_for_now(&answer) => Err(format!("{} {}", answer.status, answer.text())),
        Ok(answer) => Ok(answer),
        Err(error) => Err(error.to_string()),
    };
    wait_for(what, look).await
}

/// 9: what another merchant sees.
pub async fn invariant_9_a_stranger_sees_nothing(client: &Client, stranger: Arc<Keys>, orders: &[Order]) {
    let stranger = Client { address: client.address, keys: (*stranger).clone() };
    let look = async || stranger.get("/v1/shipments").await;
    let list = answered("a stranger is answered", look).await.must_be(200);
    assert_eq!(list["shipments"].as_array().map(Vec::len), Some(0), "9: {list}");
    if let Some(order) = orders.first() {
        let path = format!("/v1/shipments/{}", order.id);
        let look = async || stranger.get(&path).await;
        assert_eq!(answered("a stranger is answered", look).await.status, 404, "9: {path}");
    }
}
