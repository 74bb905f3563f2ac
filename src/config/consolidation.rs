//! What parcels are packed into at a cut-off, and which numbers are given out.
//!
//! Only the figures are checked here. Numbers and words of the trade are read by the
//! consolidation itself, which the daemon asks before it begins.

use serde::Deserialize;

use super::{ConfigError, invalid};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consolidation {
    pub bag_weight_kg: f64,
    pub bag_volume_m3: f64,
    pub bag_parcels_max: u32,
    pub sscc_extension: String,
    pub sscc_company_prefix: String,
    pub missing_after_hours: u32,
    pub unit_types: UnitTypes,
    pub waybill_stock: Vec<WaybillStock>,
    pub last_mile: Vec<LastMile>,
}

/// By mode of transport, in the order of preference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitTypes {
    pub air: Vec<String>,
    pub sea: Vec<String>,
    pub road: Vec<String>,
    pub rail: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaybillStock {
    pub carrier: String,
    pub prefix: String,
    pub first: u32,
    pub last: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastMile {
    pub gateway: String,
    #[serde(default)]
    pub divisions: Vec<String>,
    pub carrier: String,
}

/// Beyond this a figure is a mistake in its unit.
const BAG_MAX: f64 = 1e6;

pub fn check(consolidation: &Consolidation) -> Result<(), ConfigError> {
    for (key, figure, least) in [
        ("consolidation.bag_weight_kg", consolidation.bag_weight_kg, 1e-3),
        ("consolidation.bag_volume_m3", consolidation.bag_volume_m3, 1e-6),
    ] {
        if !(least..=BAG_MAX).contains(&figure) {
            return invalid(key, "has to be more than 0, and a bag still");
        }
    }
    Ok(())
}
