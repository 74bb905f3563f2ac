//! What hubs and operators see of a consolidation. It names nobody.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::consolidation::{Expected, MemberState};
use crate::domain::instant::rfc3339;
use crate::domain::sscc::Sscc;
use crate::store::bag_parcels::{Member, Placed, Surplus};
use crate::store::consolidations::{Bag, Consolidation, LeftBehind, Unit};

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsolidationView {
    #[schema(example = "con_01kb2m3z8te2gt8d1v6q8h4x5n")]
    pub id: String,
    #[schema(example = "L0002-20260303")]
    pub departure: String,
    pub from: String,
    pub to: String,
    /// air, sea, road or rail
    pub mode: String,
    pub carrier: String,
    /// The master air waybill's number; a reference of our own where the carrier gave none
    #[schema(example = "160-12345675")]
    pub master: String,
    /// packed, opened (somebody began to unpack it), settled (nothing of it is left to be seen) or dissolved
    pub state: String,
    pub cutoff_at: String,
    pub closed_at: String,
    pub depart_at: String,
    pub arrive_at: String,
    pub opened_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsolidationPage {
    /// The last closed first, a hundred at most
    pub consolidations: Vec<ConsolidationView>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsolidationDetailView {
    #[serde(flatten)]
    pub consolidation: ConsolidationView,
    pub units: Vec<UnitView>,
    pub bags: Vec<BagView>,
    /// Shipments that were booked and did not go
    pub left_behind: Vec<LeftBehindView>,
    /// Expected and not seen at the other end, once somebody began to unpack it or it should long have been there
    pub missing: Vec<MissingView>,
    /// Seen at the other end and not expected in this one
    pub surplus: Vec<SurplusView>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnitView {
    /// Scan it as {id of the consolidation}/{number}
    #[schema(example = "AKE-1")]
    pub number: String,
    #[serde(rename = "type")]
    pub unit_type: String,
    pub tare_grams: u64,
    pub gross_grams: u64,
    pub bags: usize,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BagView {
    #[schema(example = "106141411234567897")]
    pub sscc: String,
    pub number: u32,
    /// None: it travels loose
    pub unit: Option<String>,
    pub gateway: String,
    pub clearance: String,
    pub last_mile_carrier: Option<String>,
    pub weight_grams: u64,
    pub volume_cm3: u64,
    pub parcels: u32,
    /// A parcel that no bag takes, by itself
    pub single_piece: bool,
    /// Of these, how many were seen at the other end
    pub unpacked: usize,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LeftBehindView {
    pub shipment: String,
    pub reason: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MissingView {
    pub parcel: String,
    pub bag: String,
    /// There was time enough to find it
    pub overdue: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SurplusView {
    pub parcel: String,
    pub hub: String,
    pub scanned_at: String,
    /// The departure it should be on, as far as it was packed for one
    pub belongs_on: Option<String>,
}

impl From<&Consolidation> for ConsolidationView {
    fn from(one: &Consolidation) -> Self {
        Self {
            id: one.id.to_string(),
            departure: one.departure.to_string(),
            from: one.from.to_string(),
            to: one.to.to_string(),
            mode: one.mode.to_string(),
            carrier: one.carrier.clone(),
            master: one.master.to_string(),
            state: one.state.to_string(),
            cutoff_at: rfc3339(one.cutoff_at),
            closed_at: rfc3339(one.closed_at),
            depart_at: rfc3339(one.depart_at),
            arrive_at: rfc3339(one.arrive_at),
            opened_at: one.opened_at.map(rfc3339),
        }
    }
}

impl ConsolidationDetailView {
    pub fn new(
        found: &Consolidation,
        bags: &[Bag],
        units: &[Unit],
        members: &[Member],
        left_behind: &[LeftBehind],
        expected: Expected,
    ) -> Self {
        let mut unpacked: HashMap<Sscc, usize> = HashMap::new();
        for member in members.iter().filter(|member| member.state == MemberState::Unpacked) {
            *unpacked.entry(member.sscc).or_default() += 1;
        }
        let bag = |bag: &Bag| BagView {
            sscc: bag.sscc.to_string(),
            number: bag.number,
            unit: bag.unit.clone(),
            gateway: bag.gateway.to_string(),
            clearance: bag.clearance.to_string(),
            last_mile_carrier: bag.last_mile_carrier.clone(),
            weight_grams: bag.grams,
            volume_cm3: bag.cm3,
            parcels: bag.parcels,
            single_piece: bag.single_piece,
            unpacked: unpacked.get(&bag.sscc).copied().unwrap_or_default(),
        };
        let unit = |unit: &Unit| {
            let inside = || bags.iter().filter(|bag| bag.unit.as_ref() == Some(&unit.number));
            UnitView {
                number: unit.number.clone(),
                unit_type: unit.unit_type.clone(),
                tare_grams: unit.tare_grams,
                gross_grams: unit.tare_grams + inside().map(|bag| bag.grams).sum::<u64>(),
                bags: inside().count(),
            }
        };
        let is_missing =
            |member: &&Member| expected != Expected::InTime && member.state == MemberState::Packed;
        Self {
            consolidation: found.into(),
            units: units.iter().map(unit).collect(),
            bags: bags.iter().map(bag).collect(),
            left_behind: left_behind
                .iter()
                .map(|left| LeftBehindView {
                    shipment: left.shipment.to_string(),
                    reason: left.reason.clone(),
                })
                .collect(),
            missing: members
                .iter()
                .filter(is_missing)
                .map(|member| MissingView {
                    parcel: member.parcel.to_string(),
                    bag: member.sscc.to_string(),
                    overdue: expected == Expected::Overdue,
                })
                .collect(),
            surplus: Vec::new(),
        }
    }

    /// `elsewhere`: where the parcel is packed by the books.
    pub fn add_surplus(&mut self, found: &Surplus, elsewhere: Option<&Placed>) {
        self.surplus.push(SurplusView {
            parcel: found.parcel.to_string(),
            hub: found.hub.to_string(),
            scanned_at: rfc3339(found.scanned_at),
            belongs_on: elsewhere.map(|placed| placed.departure.to_string()),
        });
    }
}
