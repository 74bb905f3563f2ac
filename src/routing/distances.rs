//! How far addresses are from hubs.
//!
//! A geodesic takes about a microsecond, and a plan would need dozens; but merchants send from few places,
//! and China has three thousand divisions. So what was measured is kept: up to [`KEPT_MAX`] places, all of which
//! are forgotten when there are more.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::cost::distance_micrometres;
use super::network::Network;
use super::union::is_one_market;
use crate::domain::network::HubKind;
use crate::domain::place::{Country, Point};

const KEPT_MAX: usize = 20_000;

/// Micrometres to hubs, by their index.
pub type Measured = Arc<[(u32, u64)]>;
type Kept<K> = RwLock<HashMap<(u64, u64, K), Measured>>;

#[derive(Default)]
pub struct Distances {
    origins: Kept<Country>,
    gateways: Kept<()>,
}

impl Distances {
    /// The `most` nearest origin hubs of the pickup's market, nearest first; of two as near, the first by code.
    pub fn origin_hubs(&self, network: &Network, pickup: Point, country: Country, most: usize) -> Measured {
        keep(&self.origins, (pickup, country), || {
            let mut near = measure(network, pickup, |hub| {
                hub.kind == HubKind::OriginHub && is_one_market(country, hub.country)
            });
            near.sort_unstable_by_key(|(hub, micrometres)| (*micrometres, *hub));
            near.truncate(most);
            near
        })
    }

    /// Every gateway, by index.
    pub fn gateways(&self, network: &Network, consignee: Point) -> Measured {
        keep(&self.gateways, (consignee, ()), || {
            measure(network, consignee, |hub| hub.kind == HubKind::Gateway)
        })
    }
}

fn measure(
    network: &Network,
    point: Point,
    wanted: impl Fn(&crate::domain::network::Hub) -> bool,
) -> Vec<(u32, u64)> {
    let hubs = network.hubs().iter().enumerate().filter(|(_, hub)| wanted(hub));
    hubs.map(|(index, hub)| (index as u32, distance_micrometres(point, hub.point))).collect()
}

fn keep<K: Copy + Eq + std::hash::Hash>(
    kept: &Kept<K>,
    (point, key): (Point, K),
    measure: impl FnOnce() -> Vec<(u32, u64)>,
) -> Measured {
    let key = (point.lat.to_bits(), point.lon.to_bits(), key);
    if let Some(known) = kept.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Arc::clone(known);
    }
    let measured: Measured = measure().into();
    let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT_MAX {
        kept.clear();
    }
    kept.insert(key, Arc::clone(&measured));
    measured
}
