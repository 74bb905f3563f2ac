//! The manifest: what a closed consolidation consists of, as everybody on the way is told it.
//!
//! One value, complete in itself, in three forms: JSON for machines, CSV for spreadsheets
//! (one row a parcel), PDF for whoever stands at a counter. The same value gives the same
//! bytes for ever, so that a manifest can be rendered again instead of being kept.
//!
//! It names nobody. Carriers and hubs need to know what a parcel is, what it weighs and which
//! city it goes to; the consignee's name, street and telephone number are for customs and the
//! last mile, who are told by other ways, each their own part.

mod csv;
mod pdf;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashSet;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use self::csv::to_csv;
pub use self::pdf::to_pdf;
use super::sscc::Sscc;
use super::waybill::{HouseNumber, MasterReference};
use crate::domain::dangerous::UnNumber;
use crate::domain::id::ParcelId;
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::domain::network::{DepartureId, HubCode, TransportMode};
use crate::domain::place::{Country, Division};
use crate::domain::quantity::{Grams, SizeMm};
use crate::domain::service::Clearance;

/// Of the form below. It goes up when a field changes its meaning or goes away.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    pub consolidation: String,
    pub departure: DepartureId,
    pub mode: TransportMode,
    pub carrier: String,
    pub master: MasterReference,
    pub from: Station,
    pub to: Station,
    /// Both as scheduled.
    pub depart_at: Instant,
    pub arrive_at: Instant,
    pub closed_at: Instant,
    pub units: Vec<Unit>,
    pub bags: Vec<Bag>,
    pub totals: Totals,
}

/// A hub, with the zone that its local times are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    pub code: HubCode,
    /// In English: it is read at both ends.
    pub name: String,
    #[serde(with = "zone_as_text")]
    pub zone: Tz,
}

/// An aircraft container or pallet, or a roller cage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// As painted on it: `AKE12345CX`.
    pub number: String,
    #[serde(rename = "type")]
    pub unit_type: String,
    pub tare_grams: u64,
    pub gross_grams: u64,
    pub volume_cm3: u64,
    pub bags: Vec<Sscc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bag {
    pub sscc: Sscc,
    /// The number of the unit that it is in; none travels loose.
    pub unit: Option<String>,
    pub gateway: HubCode,
    pub clearance: Clearance,
    pub last_mile_carrier: Option<String>,
    pub weight_grams: u64,
    pub volume_cm3: u64,
    /// No bag at all, but a parcel that none takes.
    #[serde(default)]
    pub single_piece: bool,
    pub parcels: Vec<Parcel>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    pub id: ParcelId,
    /// Of its shipment: the parcels of one shipment share it.
    pub house: HouseNumber,
    /// The merchant's own.
    pub reference: String,
    pub weight_grams: Grams,
    pub size_mm: SizeMm,
    pub description: String,
    pub hs_codes: Vec<String>,
    /// One sum for each currency of its items.
    pub declared: Vec<Money>,
    /// Where the goods were made; more than one where the items differ.
    pub origins: Vec<Country>,
    /// Empty for goods that are not dangerous.
    pub dangerous: Vec<UnNumber>,
    /// As far as anybody on the way has to know.
    pub division: Division,
    pub city: String,
}

/// What the rest adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub units: u64,
    pub bags: u64,
    pub shipments: u64,
    pub parcels: u64,
    pub dangerous_parcels: u64,
    /// Of the bags: units are not in it.
    pub weight_grams: u64,
    /// Of units as they are loaded, and of the bags that travel loose.
    pub gross_grams: u64,
    pub volume_cm3: u64,
    /// One sum for each currency, in the order of their codes.
    pub declared: Vec<Money>,
}

impl Totals {
    pub fn of(units: &[Unit], bags: &[Bag]) -> Self {
        let parcels = || bags.iter().flat_map(|bag| &bag.parcels);
        let loose = bags.iter().filter(|bag| bag.unit.is_none());
        let mut declared: Vec<Money> = Vec::new();
        for money in parcels().flat_map(|parcel| parcel.declared.iter().copied()) {
            match declared.iter_mut().find(|sum| sum.currency == money.currency) {
                Some(sum) => sum.minor = sum.minor.saturating_add(money.minor),
                None => declared.push(money),
            }
        }
        declared.sort_by_key(|sum| sum.currency.code());
        Self {
            units: units.len() as u64,
            bags: bags.len() as u64,
            shipments: parcels().map(|parcel| &parcel.house).collect::<HashSet<_>>().len() as u64,
            parcels: parcels().count() as u64,
            dangerous_parcels: parcels().filter(|parcel| !parcel.dangerous.is_empty()).count() as u64,
            weight_grams: bags.iter().map(|bag| bag.weight_grams).sum(),
            gross_grams: units.iter().map(|unit| unit.gross_grams).sum::<u64>()
                + loose.map(|bag| bag.weight_grams).sum::<u64>(),
            volume_cm3: bags.iter().map(|bag| bag.volume_cm3).sum(),
            declared,
        }
    }
}

/// Indented, with a line break at the end: it is read by people as well.
pub fn to_json(manifest: &Manifest) -> String {
    // Numbers, text and lists of them: nothing in it that JSON has no form for.
    let mut json = serde_json::to_string_pretty(manifest).expect("a manifest has a form in JSON");
    json.push('\n');
    json
}

mod zone_as_text {
    use chrono_tz::Tz;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}
