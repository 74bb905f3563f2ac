//! Many orders, read in a few questions and judged one by one.

use std::collections::HashMap;

use super::facts::{consignments, parcel_facts};
use super::{Case, streams_beside};
use crate::domain::id::{OrderId, ShipmentId};
use crate::domain::shipment::ShipmentStatus;
use crate::escrow::registry::Providers;
use crate::store::orders::{self, Order, Trigger, WrittenAct};
use crate::store::outbox::Message;
use crate::store::{StoreError, Tx, at_once, events};
use crate::tracking::{self, Timeline};

impl Case {
    /// Of what is written down.
    pub fn of(
        shipment: ShipmentId,
        timeline: &Timeline<'_>,
        providers: &Providers,
        order: Order,
        triggers: Vec<Trigger>,
        messages: Vec<Message>,
        acts: Vec<WrittenAct>,
    ) -> Self {
        Self {
            can: providers.can(&order.provider),
            parcels: timeline.parcels.iter().map(|parcel| parcel_facts(shipment, parcel)).collect(),
            consignments: consignments(timeline),
            called_off: timeline.status == ShipmentStatus::Cancelled,
            before: order.clone(),
            order,
            triggers,
            messages,
            acts,
        }
    }

    /// Of each of `ids` that has an order. The caller holds the shipments.
    pub async fn load_many(
        tx: &Tx,
        ids: &[ShipmentId],
        providers: &Providers,
    ) -> Result<HashMap<ShipmentId, Self>, StoreError> {
        let numbers = at_once::parcel_numbers(tx, ids).await?;
        let mut events = events::of_shipments(tx, ids).await?;
        let orders = at_once::orders(tx, ids).await?;
        let mut triggers = at_once::triggers(tx, ids).await?;
        let of_order = |order: &Order| {
            let beside = triggers.get(&order.shipment).map_or(&[][..], Vec::as_slice);
            streams_beside(beside).chain([order.id]).collect::<Vec<_>>()
        };
        let streams: Vec<OrderId> = orders.values().flat_map(of_order).collect();
        let mut messages = at_once::hold_streams(tx, &streams).await?;
        let mut cases = HashMap::with_capacity(orders.len());
        for (id, order) in orders {
            let acts = orders::acts(tx, &order).await?;
            let events = events.remove(&id).unwrap_or_default();
            let timeline = tracking::fold(numbers.get(&id).map_or(&[], Vec::as_slice), &events);
            let triggers = triggers.remove(&id).unwrap_or_default();
            let streams = streams_beside(&triggers).chain([order.id]);
            let messages = streams.flat_map(|stream| messages.remove(&stream).unwrap_or_default()).collect();
            cases.insert(id, Self::of(id, &timeline, providers, order, triggers, messages, acts));
        }
        Ok(cases)
    }
}
