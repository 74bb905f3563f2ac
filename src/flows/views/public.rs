//! What anybody with a tracking token sees. Nothing in it identifies a person.

use serde::Serialize;
use utoipa::ToSchema;

use crate::carriers::Registry;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::network::Hub;
use crate::domain::place::Country;
use crate::domain::plan::Plan;
use crate::domain::shipment::{Estimate, Milestone, ShipmentStatus};
use crate::geography::Atlas;
use crate::routing::Network;
use crate::store::shipments::Shipment;
use crate::tracking::{Entry, Timeline, Where, expected};

/// An instant with the local time of the place it is about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MomentView {
    pub utc: String,
    pub local: String,
    /// A name of the IANA time zone database.
    pub zone: String,
}

impl MomentView {
    fn new(at: Instant, zone: chrono_tz::Tz) -> Self {
        Self { utc: rfc3339(at), local: at.with_timezone(&zone).to_rfc3339(), zone: zone.name().to_owned() }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MilestoneView {
    pub milestone: String,
    pub reached: bool,
    /// When the plan foresees it.
    pub expected_at: Option<MomentView>,
    pub reached_at: Option<MomentView>,
    /// A hub's code.
    pub hub: Option<String>,
    /// A hub's name in English and Chinese.
    pub place_en: Option<String>,
    pub place_zh: Option<String>,
}

/// One event as everybody may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PublicEventView {
    pub parcel: Option<u16>,
    pub status: String,
    pub at: MomentView,
    /// As the source wrote it.
    pub local_time: String,
    pub offset_source: String,
    /// system, scan, poll or push
    pub source: String,
    /// What was scanned, where it was a scan.
    pub scan: Option<String>,
    /// The code of the carrier who said so, and what people call it.
    pub carrier: Option<String>,
    pub carrier_name: Option<String>,
    pub hub: Option<String>,
    pub place_en: Option<String>,
    pub place_zh: Option<String>,
    pub country: Option<String>,
    pub delivered_to: Option<String>,
    /// Other sources that said the same
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_reported_by: Vec<String>,
    /// It was not so, or was undone, as its source said later
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub taken_back: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PublicParcelView {
    pub number: u16,
    pub status: String,
    pub delivered_to: Option<String>,
}

/// What anybody with the token sees: nothing in it identifies a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrackingView {
    pub status: String,
    pub service: String,
    pub estimated_delivery: EstimateMomentsView,
    pub delivered_at: Option<MomentView>,
    pub milestones: Vec<MilestoneView>,
    pub parcels: Vec<PublicParcelView>,
    /// Newest first.
    pub events: Vec<PublicEventView>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EstimateMomentsView {
    pub earliest: MomentView,
    pub latest: MomentView,
    /// How many of all deliveries come within their window: of the others, half are earlier and half later.
    #[schema(example = 0.8)]
    pub confidence: f64,
}

/// Where the consignee's clocks are.
const CONSIGNEE_ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

impl TrackingView {
    pub fn new(
        shipment: &Shipment,
        plan: &Plan,
        timeline: &Timeline,
        network: &Network,
        carriers: &Registry,
    ) -> Self {
        let moment = |at| MomentView::new(at, CONSIGNEE_ZONE);
        let parcels = timeline.parcels.iter().map(|parcel| PublicParcelView {
            number: parcel.number,
            status: parcel.status.to_string(),
            delivered_to: parcel
                .delivered
                .and_then(|event| event.happening.delivered_to)
                .map(|to| to.to_string()),
        });
        Self {
            status: timeline.status.to_string(),
            service: shipment.service.to_string(),
            estimated_delivery: EstimateMomentsView {
                earliest: moment(shipment.estimate.earliest_at),
                latest: moment(shipment.estimate.latest_at),
                confidence: Estimate::CONFIDENCE,
            },
            delivered_at: timeline.delivered_at.map(moment),
            milestones: milestones(shipment, plan, timeline, network),
            parcels: parcels.collect(),
            events: timeline
                .entries
                .iter()
                .rev()
                .map(|entry| public_event(entry, shipment, network, carriers))
                .collect(),
        }
    }
}

fn milestones(
    shipment: &Shipment,
    plan: &Plan,
    timeline: &Timeline,
    network: &Network,
) -> Vec<MilestoneView> {
    let off_course = matches!(
        timeline.status,
        ShipmentStatus::Cancelled
            | ShipmentStatus::Returning
            | ShipmentStatus::Returned
            | ShipmentStatus::Lost
            | ShipmentStatus::Destroyed
    );
    let foreseen = expected(plan);
    let row = |milestone: &Milestone| {
        let planned = foreseen.iter().find(|(foreseen, ..)| foreseen == milestone);
        let reached = timeline.milestone >= *milestone;
        let hub = planned.and_then(|(_, _, place)| match place {
            Where::Hub(code) => network.hub(code),
            Where::Pickup | Where::Consignee => None,
        });
        let zone = match planned {
            Some((_, _, Where::Pickup)) => shipment.pickup_zone,
            Some((_, _, Where::Hub(_))) => hub.map_or(chrono_tz::Tz::UTC, |hub| hub.zone),
            Some((_, _, Where::Consignee)) | None => CONSIGNEE_ZONE,
        };
        // A milestone that is neither planned nor reported says nothing to a buyer; one that
        // will not come any more is not promised.
        let reached_at = timeline.reached.get(milestone).map(|at| MomentView::new(*at, zone));
        let worth_showing = reached_at.is_some() || planned.is_some() && (reached || !off_course);
        worth_showing.then(|| MilestoneView {
            milestone: milestone.to_string(),
            reached,
            expected_at: planned.map(|(_, at, _)| MomentView::new(*at, zone)),
            reached_at,
            hub: hub.map(|hub| hub.code.to_string()),
            place_en: hub.map(|hub| hub.name_en.clone()),
            place_zh: hub.map(|hub| hub.name_zh.clone()),
        })
    };
    Milestone::ALL.iter().filter_map(row).collect()
}

/// A carrier's place as far as it may be public: a town that the atlas knows. Carriers write whole
/// addresses into that field, the town last, and now and then a name.
fn public_place(place: &str, country: Country) -> Option<String> {
    let parts = place.split([',', '，', '、']).flat_map(|part| part.split(" - ")).map(str::trim);
    let mut parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.reverse();
    let town = parts.into_iter().find(|part| Atlas::embedded().knows_town(country, part));
    town.map(str::to_owned)
}

fn public_event(
    entry: &Entry,
    shipment: &Shipment,
    network: &Network,
    carriers: &Registry,
) -> PublicEventView {
    let event = entry.event;
    let happening = &event.happening;
    let hub: Option<&Hub> = event.hub.as_ref().and_then(|code| network.hub(code));
    let by_carrier = event.hub.is_none() && event.scan.is_none() && event.parcel.is_some();
    let zone = match hub {
        Some(hub) => hub.zone,
        None if by_carrier => CONSIGNEE_ZONE,
        None => shipment.pickup_zone,
    };
    let country = happening.location.country.as_deref().and_then(|country| country.parse::<Country>().ok());
    let place = happening.location.place.as_deref();
    let place = place.and_then(|place| public_place(place, country.unwrap_or(Country::CHINA)));
    PublicEventView {
        parcel: event.parcel,
        status: happening.status.to_string(),
        at: MomentView::new(happening.occurred.at, zone),
        local_time: happening.occurred.local_time.clone(),
        offset_source: happening.occurred.offset_source.to_string(),
        source: event.source.to_string(),
        scan: event.scan.map(|kind| kind.to_string()),
        carrier: by_carrier.then(|| event.source_name.clone()),
        carrier_name: by_carrier.then(|| carriers.name(&event.source_name)).flatten().map(str::to_owned),
        hub: event.hub.as_ref().map(ToString::to_string),
        place_en: hub.map(|hub| hub.name_en.clone()).or_else(|| place.clone()),
        place_zh: hub.map(|hub| hub.name_zh.clone()).or(place),
        country: country.or(hub.map(|hub| hub.country)).map(|country| country.to_string()),
        delivered_to: happening.delivered_to.map(|to| to.to_string()),
        also_reported_by: entry.also.iter().map(|event| event.source_name.clone()).collect(),
        taken_back: entry.taken_back,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_town_is_shown_and_nothing_finer() {
        for (country, place, town) in [
            ("NL", "Oderweg 2, AMSTERDAM", Some("AMSTERDAM")),
            ("DE", "Düsseldorf", Some("Düsseldorf")),
            ("CN", "Shanghai - CN", Some("Shanghai")),
            ("CN", "Futian District, Shenzhen", Some("Shenzhen")),
            ("CN", "深圳", Some("深圳")),
            ("CN", "上海市浦东新区", Some("上海市浦东新区")),
            ("CN", "幸福路12号，深圳市", Some("深圳市")),
            ("CN", "幸福路12号", None),
            ("CN", "幸福路十二号三单元", None),
            ("CN", "深圳市福田区幸福路", None),
            ("CN", "幸福路", None),
            ("CN", "王伟", None),
            ("CN", "Wang Wei - CN", None),
            ("US", "Main Street", None),
            ("US", "Main Street 5", None),
            // A town of another country is a word that nobody vouches for.
            ("CN", "Amsterdam", None),
            ("CN", " , ", None),
        ] {
            let shown = public_place(place, country.parse().expect("a country"));
            assert_eq!(shown.as_deref(), town, "{country} {place}");
        }
    }
}
