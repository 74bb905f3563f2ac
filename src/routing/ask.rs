//! What a plan is asked for, and why there may be none.

use crate::domain::dangerous::DangerousCarriage;
use crate::domain::failure::Class;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::network::HubCode;
use crate::domain::place::{Country, Point};
use crate::domain::quantity::{Chargeable, Grams};
use crate::domain::service::{Clearance, Service};

/// One shipment, all parcels together: they travel as one.
#[derive(Debug, Clone)]
pub struct Ask {
    pub start: Start,
    pub consignee: Point,
    pub service: Service,
    pub clearance: Clearance,
    /// What a departure has to be able to carry.
    pub weight: Grams,
    pub volume_cm3: u64,
    /// The heaviest parcel.
    pub piece: Grams,
    /// What is paid for.
    pub chargeable: Chargeable,
    pub goods: Vec<DangerousCarriage>,
}

/// Where the way begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At the merchant's, by the end of the pickup window. What was promised before stays promised, and is no
    /// reason any more to go nowhere; where nothing was, it is counted from here, and binds.
    Pickup { point: Point, country: Country, until: Instant, promised_by: Option<Instant> },
    /// In a hub, free to go from then on. What was promised is no reason any more to go nowhere.
    Hub { code: HubCode, ready_at: Instant, promised_by: Instant },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    #[error("no hubs and lanes have been loaded yet; try again once they are")]
    EmptyNetwork,
    #[error("no origin hub takes in parcels that are picked up in {0}")]
    NoOriginHub(Country),
    #[error("hub {0} is not in the network any more")]
    NoSuchHub(HubCode),
    #[error("no gateway supports clearance {0}; choose another one")]
    NoGateway(Clearance),
    #[error(
        "no departure can carry {weight_grams} g and {volume_cm3} cm³ at once; split the order into \
         several shipments"
    )]
    TooLarge { weight_grams: u32, volume_cm3: u64 },
    #[error("no lane on the way takes a piece of {weight_grams} g; split the parcel")]
    PieceTooHeavy { weight_grams: u32 },
    #[error("no lane on the way takes {goods} with the rest; send dangerous goods by themselves")]
    GoodsNotTaken { goods: String },
    #[error(
        "what is too large, too heavy or dangerous in it finds no way; split the order into several shipments"
    )]
    Hindered,
    #[error("every departure within {horizon_days} days that leads there is full")]
    Full { horizon_days: u32 },
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
            // An operator has to load a network, or departures have to become free; then the same
            // request is planned.
            NoRoute::EmptyNetwork | NoRoute::NoSuchHub(_) | NoRoute::Full { .. } => Class::Retry,
            NoRoute::NoOriginHub(_)
            | NoRoute::NoGateway(_)
            | NoRoute::TooLarge { .. }
            | NoRoute::PieceTooHeavy { .. }
            | NoRoute::GoodsNotTaken { .. }
            | NoRoute::Hindered
            | NoRoute::NoDeparture { .. }
            | NoRoute::PromiseNotKept { .. } => Class::Caller,
        }
    }
}
