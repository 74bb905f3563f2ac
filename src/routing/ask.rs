//! What a plan is asked for, and why there may be none.

use crate::domain::failure::Class;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::place::{Country, Point};
use crate::domain::quantity::Grams;
use crate::domain::service::{Clearance, Service};

/// One shipment, all parcels together: they travel as one.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    pub pickup: Point,
    pub pickup_country: Country,
    /// The end of the pickup window.
    pub until: Instant,
    pub consignee: Point,
    pub service: Service,
    pub clearance: Clearance,
    /// What a departure has to be able to carry.
    pub weight: Grams,
    pub volume_cm3: u64,
    /// What is paid for.
    pub chargeable: Grams,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    #[error("no hubs and lanes have been loaded yet; try again once they are")]
    EmptyNetwork,
    #[error("no origin hub takes in parcels that are picked up in {0}")]
    NoOriginHub(Country),
    #[error("no gateway supports clearance {0}; choose another one")]
    NoGateway(Clearance),
    #[error(
        "no departure can carry {weight_grams} g and {volume_cm3} cm³ at once; split the order into \
         several shipments"
    )]
    TooLarge { weight_grams: u32, volume_cm3: u64 },
    #[error(
        "no departures within {horizon_days} days lead from the hubs near the pickup to a gateway with \
         clearance {clearance}"
    )]
    NoDeparture { horizon_days: u32, clearance: Clearance },
    #[error(
        "{service} promises delivery by {}, the earliest that is possible is {}; choose a slower service if \
         there is one, or express for the earliest arrival whenever that is",
        rfc3339(*promised_by),
        rfc3339(*fastest)
    )]
    PromiseNotKept { service: Service, fastest: Instant, promised_by: Instant },
}

impl NoRoute {
    pub fn class(&self) -> Class {
        match self {
            // An operator has to load a network; then the same request is planned.
            NoRoute::EmptyNetwork => Class::Retry,
            NoRoute::NoOriginHub(_)
            | NoRoute::NoGateway(_)
            | NoRoute::TooLarge { .. }
            | NoRoute::NoDeparture { .. }
            | NoRoute::PromiseNotKept { .. } => Class::Caller,
        }
    }
}
