//! The search: every way to a gateway that could be the answer, and no other.
//!
//! Labels (ready, cost) grow from the origin hubs, one lane at a time. As waiting never makes
//! anything earlier, the first departure of a lane is never worse than a later one, and a label that
//! is ready no earlier and costs no less than another at the same hub with no more lanes cannot
//! lead anywhere that the other does not lead as well: it is dropped. What is left is exact for
//! both questions, the earliest arrival and the cheapest within a deadline. At the gateways
//! nothing is dropped, so that ways over different hubs can be told apart afterwards.

use super::ask::Ask;
use super::cost;
use super::hub_time::ready_at;
use super::network::Network;
use super::schedule::{Departure, departures_from};
use crate::domain::instant::Instant;
use crate::domain::network::{HubKind, Lane};
use crate::domain::plan::UsdMicros;

/// Lanes that one way may take: to a feeder's hub, to a hub with a direct connection, to the gateway.
pub const LINE_HAULS_MAX: usize = 3;

/// A lane that is taken.
#[derive(Debug, Clone)]
pub struct Haul<'a> {
    pub lane: &'a Lane,
    pub departure: Departure,
    pub cost: UsdMicros,
}

/// A way as far as it goes: at an origin hub still under way, at a gateway complete but for the last mile.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    /// Index of the origin hub that the first mile leads to.
    pub origin: usize,
    /// Index of the hub that was reached.
    pub hub: usize,
    pub ready_at: Instant,
    pub cost: UsdMicros,
    pub hauls: Vec<Haul<'a>>,
}

impl Way<'_> {
    pub fn lane_ids(&self) -> impl Iterator<Item = &str> {
        self.hauls.iter().map(|haul| haul.lane.id.as_str())
    }
}

#[derive(Debug)]
pub struct Found<'a> {
    /// Ways to a gateway that supports the clearance, ready after customs.
    pub ways: Vec<Way<'a>>,
    /// Whether a lane was passed over because its empty departure is too small.
    pub too_large: bool,
}

/// All ways from `starts` (after the first mile, ready at their origin hub) that leave until `last_at`.
pub fn search<'a>(network: &'a Network, ask: &Ask, starts: Vec<Way<'a>>, last_at: Instant) -> Found<'a> {
    let mut found = Found { ways: Vec::new(), too_large: false };
    let mut fronts: Vec<Vec<(Instant, UsdMicros)>> = vec![Vec::new(); network.hubs().len()];
    let mut under_way = undominated(starts, &mut fronts);
    for taken in 1..=LINE_HAULS_MAX {
        let mut reached = Vec::new();
        for way in &under_way {
            for (lane, to) in network.lanes_out(way.hub) {
                let hub = &network.hubs()[to];
                let goes_on = match hub.kind {
                    HubKind::OriginHub if taken == LINE_HAULS_MAX => continue,
                    HubKind::OriginHub => true,
                    HubKind::Gateway if hub.clearances.contains(&ask.clearance) => false,
                    HubKind::Gateway => continue,
                };
                if !carries(lane, ask) {
                    found.too_large = true;
                    continue;
                }
                let Some(next) = extend(network, way, lane, to, ask, last_at) else { continue };
                if goes_on { reached.push(next) } else { found.ways.push(next) }
            }
        }
        under_way = undominated(reached, &mut fronts);
    }
    found
}

fn carries(lane: &Lane, ask: &Ask) -> bool {
    u64::from(ask.weight.0) <= lane.capacity_grams && ask.volume_cm3 <= lane.capacity_cm3
}

/// `way` and the first departure of `lane` that it catches.
fn extend<'a>(
    network: &Network,
    way: &Way<'a>,
    lane: &'a Lane,
    to: usize,
    ask: &Ask,
    last_at: Instant,
) -> Option<Way<'a>> {
    let departure = departures_from(lane, way.ready_at, last_at - way.ready_at).next()?;
    let ready_at = ready_at(&network.hubs()[to], departure.arrive_at);
    let cost = cost::line_haul(lane, ask.chargeable);
    let mut hauls = way.hauls.clone();
    hauls.push(Haul { lane, departure, cost });
    Some(Way { origin: way.origin, hub: to, ready_at, cost: way.cost + cost, hauls })
}

/// The labels that no other makes pointless, judged against each other and against `fronts`, which holds
/// those with fewer lanes by hub and takes these in. Of equals, the first by lane ids stays.
fn undominated<'a>(mut labels: Vec<Way<'a>>, fronts: &mut [Vec<(Instant, UsdMicros)>]) -> Vec<Way<'a>> {
    labels.sort_by(|a, b| {
        let key = |way: &Way| (way.ready_at, way.cost);
        key(a).cmp(&key(b)).then_with(|| a.lane_ids().cmp(b.lane_ids()))
    });
    // Sorted so, whatever dominates a label has gone before it.
    labels.retain(|way| {
        let front = &mut fronts[way.hub];
        let dominated = front.iter().any(|(ready_at, cost)| *ready_at <= way.ready_at && *cost <= way.cost);
        if !dominated {
            front.push((way.ready_at, way.cost));
        }
        !dominated
    });
    labels
}
