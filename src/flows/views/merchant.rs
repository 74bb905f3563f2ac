//! What a merchant sees of its own shipments.

use serde::Serialize;
use utoipa::ToSchema;

use super::escrow::EscrowView;
use crate::domain::instant::rfc3339;
use crate::domain::place::Point;
use crate::domain::plan::{Leg, Plan, UsdMicros};
use crate::domain::shipment::Estimate;
use crate::store::shipments::{Parcel, Planned, Shipment};
use crate::tracking::Entry;

/// A decimal string in a currency of ISO 4217.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyView {
    #[schema(example = "12.35")]
    pub amount: String,
    #[schema(example = "USD")]
    pub currency: String,
}

fn usd(cost: UsdMicros) -> MoneyView {
    MoneyView { amount: cost.dollars(), currency: "USD".to_owned() }
}

/// A window for the delivery, by the plan and by how late deliveries were before. It never lies in the past.
#[derive(Debug, Serialize, ToSchema)]
pub struct EstimateView {
    pub earliest: String,
    pub latest: String,
    /// How many of all deliveries come within their window: of the others, half are earlier and half later.
    #[schema(example = 0.8)]
    pub confidence: f64,
}

impl From<Estimate> for EstimateView {
    fn from(estimate: Estimate) -> Self {
        Self {
            earliest: rfc3339(estimate.earliest_at),
            latest: rfc3339(estimate.latest_at),
            confidence: Estimate::CONFIDENCE,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LegView {
    /// first_mile, line_haul or last_mile
    pub kind: String,
    pub from: String,
    pub to: String,
    pub mode: String,
    pub lane: Option<String>,
    pub departure: Option<String>,
    pub depart_at: String,
    pub arrive_at: String,
    /// As the crow flies on the road, as the lane says on a line-haul.
    pub distance_km: f64,
    pub cost: MoneyView,
    /// CO₂ equivalent of the actual weight, well to wheel.
    pub co2e_grams: i64,
}

impl From<&Leg> for LegView {
    fn from(leg: &Leg) -> Self {
        Self {
            kind: leg.kind.to_string(),
            from: leg.from.clone(),
            to: leg.to.clone(),
            mode: leg.mode.to_string(),
            lane: leg.lane.as_ref().map(ToString::to_string),
            departure: leg.departure.as_ref().map(ToString::to_string),
            depart_at: rfc3339(leg.depart_at),
            arrive_at: rfc3339(leg.arrive_at),
            distance_km: leg.distance_km,
            cost: usd(leg.cost),
            co2e_grams: leg.co2e.grams(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AlternativeView {
    pub via: Vec<String>,
    pub arrive_at: String,
    pub cost: MoneyView,
    pub co2e_grams: i64,
    /// Why it was turned down.
    pub reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PlanView {
    pub legs: Vec<LegView>,
    pub arrive_at: String,
    pub cost: MoneyView,
    pub co2e_grams: i64,
    pub promised_by: String,
    /// Why this way.
    pub reason: String,
    /// What no other way beats in everything, but was not what the service asks for.
    pub alternatives: Vec<AlternativeView>,
    /// What was not even considered, such as full departures.
    pub passed_over: Vec<String>,
}

impl From<&Plan> for PlanView {
    fn from(plan: &Plan) -> Self {
        let alternatives = plan.alternatives.iter().map(|other| AlternativeView {
            via: other.via.iter().map(ToString::to_string).collect(),
            arrive_at: rfc3339(other.arrive_at),
            cost: usd(other.cost),
            co2e_grams: other.co2e.grams(),
            reason: other.reason.clone(),
        });
        Self {
            legs: plan.legs.iter().map(LegView::from).collect(),
            arrive_at: rfc3339(plan.arrive_at),
            cost: usd(plan.cost),
            co2e_grams: plan.co2e.grams(),
            promised_by: rfc3339(plan.promised_by),
            reason: plan.reason.clone(),
            alternatives: alternatives.collect(),
            passed_over: plan.passed_over.clone(),
        }
    }
}

/// A plan that is or was in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct PastPlanView {
    pub id: String,
    pub created_at: String,
    /// Why it was made, and why this way.
    pub reason: String,
    pub arrive_at: String,
}

impl From<&Planned> for PastPlanView {
    fn from(planned: &Planned) -> Self {
        Self {
            id: planned.id.to_string(),
            created_at: rfc3339(planned.created_at),
            reason: planned.plan.reason.clone(),
            arrive_at: rfc3339(planned.plan.arrive_at),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ParcelView {
    /// On the label, for scanners.
    pub id: String,
    pub reference: String,
    pub weight_grams: u32,
    pub size_mm: [u32; 3],
    pub status: String,
    /// Where it is, when it is in a hub.
    pub hub: Option<String>,
    pub delivered_to: Option<String>,
}

impl From<&Parcel> for ParcelView {
    fn from(parcel: &Parcel) -> Self {
        Self {
            id: parcel.id.to_string(),
            reference: parcel.reference.clone(),
            weight_grams: parcel.weight.0,
            size_mm: parcel.size.0,
            status: parcel.status.to_string(),
            hub: parcel.hub.as_ref().map(ToString::to_string),
            delivered_to: parcel.delivered_to.map(|to| to.to_string()),
        }
    }
}

/// A shipment as its merchant sees it in a list, and as the answer to a pickup request begins.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentView {
    pub id: String,
    pub reference: String,
    pub status: String,
    pub tracking_token: String,
    pub tracking_url: String,
    pub service: String,
    pub clearance: String,
    pub estimated_delivery: EstimateView,
    pub delivered_at: Option<String>,
    pub created_at: String,
    pub parcels: Vec<ParcelView>,
}

impl ShipmentView {
    pub fn new(shipment: &Shipment, parcels: &[Parcel], public_url: &str) -> Self {
        Self {
            id: shipment.id.to_string(),
            reference: shipment.reference.clone(),
            status: shipment.status.to_string(),
            tracking_token: shipment.tracking_token.clone(),
            tracking_url: format!("{public_url}/track/{}", shipment.tracking_token),
            service: shipment.service.to_string(),
            clearance: shipment.clearance.to_string(),
            estimated_delivery: shipment.estimate.into(),
            delivered_at: shipment.delivered_at.map(rfc3339),
            created_at: rfc3339(shipment.created_at),
            parcels: parcels.iter().map(ParcelView::from).collect(),
        }
    }
}

/// The answer to a pickup request.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedView {
    #[serde(flatten)]
    pub shipment: ShipmentView,
    pub plan: PlanView,
}

/// One event as the merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// The parcel's number, from 1; absent where the whole shipment is meant.
    pub parcel: Option<u16>,
    pub status: String,
    pub occurred_at: String,
    /// As the source wrote it.
    pub local_time: String,
    pub offset_source: String,
    pub source: String,
    pub source_name: String,
    pub code: String,
    pub description: String,
    pub place: Option<String>,
    pub country: Option<String>,
    pub hub: Option<String>,
    pub delivered_to: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub coordinates: Option<Point>,
    /// Other sources that said the same
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_reported_by: Vec<String>,
    /// It was not so, or was undone, as its source said later
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub taken_back: bool,
}

impl From<&Entry<'_>> for EventView {
    fn from(entry: &Entry<'_>) -> Self {
        let event = entry.event;
        let happening = &event.happening;
        Self {
            parcel: event.parcel,
            status: happening.status.to_string(),
            occurred_at: rfc3339(happening.occurred.at),
            local_time: happening.occurred.local_time.clone(),
            offset_source: happening.occurred.offset_source.to_string(),
            source: event.source.to_string(),
            source_name: event.source_name.clone(),
            code: happening.code.clone(),
            description: happening.description.clone(),
            place: happening.location.place.clone(),
            country: happening.location.country.clone(),
            hub: event.hub.as_ref().map(ToString::to_string),
            delivered_to: happening.delivered_to.map(|to| to.to_string()),
            coordinates: happening.location.point,
            also_reported_by: entry.also.iter().map(|event| event.source_name.clone()).collect(),
            taken_back: entry.taken_back,
        }
    }
}

/// Everything about one shipment, for its merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentDetailView {
    #[serde(flatten)]
    pub shipment: ShipmentView,
    pub plan: PlanView,
    /// Every plan it has had, the one in force first.
    pub plan_history: Vec<PastPlanView>,
    pub escrow: EscrowView,
    /// Newest first.
    pub events: Vec<EventView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentPage {
    /// Newest first.
    pub shipments: Vec<ShipmentView>,
    /// Pass it as `cursor` to get the next page; absent on the last one.
    pub next_cursor: Option<String>,
}
