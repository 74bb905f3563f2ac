//! All that is known of the shipments of a batch, one question for each kind of thing.

use std::collections::HashMap;

use crate::chance;
use crate::domain::event::TrackingEvent;
use crate::domain::id::{PlanId, ShipmentId};
use crate::domain::plan::Plan;
use crate::store::departures::{self, Held};
use crate::store::replans::Waiting;
use crate::store::shipments::{self, Parcel, Shipment};
use crate::store::{Reads, StoreError, events, shipments_at_once};

/// One shipment, as it was when it was read.
pub struct Case {
    pub waiting: Waiting,
    pub shipment: Shipment,
    pub plan: Plan,
    pub parcels: Vec<Parcel>,
    pub events: Vec<TrackingEvent>,
    pub held: Vec<Held>,
    /// The id of its next plan, if it needs one: thrown here, where it waits for nobody's processor.
    pub next_plan: PlanId,
}

/// The shipments first: what is changed after them is found by their audit chain, or by the request for it.
pub async fn load(db: &impl Reads, waiting: &[Waiting]) -> Result<Vec<Case>, StoreError> {
    let ids: Vec<ShipmentId> = waiting.iter().map(|waiting| waiting.shipment).collect();
    let shipments = shipments_at_once::find(db, &ids).await?;
    let mut plans = shipments_at_once::plans(db, &ids).await?;
    let mut parcels: HashMap<ShipmentId, Vec<Parcel>> = HashMap::with_capacity(ids.len());
    for parcel in shipments::parcels_of(db, &ids).await? {
        parcels.entry(parcel.id.shipment).or_default().push(parcel);
    }
    let mut events = events::of_shipments(db, &ids).await?;
    let mut held: HashMap<ShipmentId, Vec<Held>> = HashMap::with_capacity(ids.len());
    for one in departures::held_by(db, &ids).await? {
        held.entry(one.booking.shipment).or_default().push(one);
    }
    let mut waiting: HashMap<ShipmentId, Waiting> =
        waiting.iter().map(|waiting| (waiting.shipment, waiting.clone())).collect();
    let case = |shipment: Shipment| {
        let id = shipment.id;
        // A plan that is another one by now: the shipment was changed since, and stays in the queue.
        let plan = plans.remove(&id).filter(|(plan, _)| *plan == shipment.plan)?.1;
        Some(Case {
            waiting: waiting.remove(&id)?,
            plan,
            parcels: parcels.remove(&id).unwrap_or_default(),
            events: events.remove(&id).unwrap_or_default(),
            held: held.remove(&id).unwrap_or_default(),
            next_plan: PlanId::from_uuid(chance::id()),
            shipment,
        })
    };
    Ok(shipments.into_iter().filter_map(case).collect())
}
