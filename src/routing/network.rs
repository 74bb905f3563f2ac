//! Hubs and lanes, checked and indexed.

use std::collections::HashMap;

use crate::domain::network::{Hub, HubCode, HubKind, Lane, LaneId};

/// Limits that no real lane comes near, and that keep every cost within an i128 and every time
/// within a calendar.
pub mod limits {
    /// A hundred thousand tonnes.
    pub const CAPACITY_GRAMS: u64 = 100_000_000_000;
    /// A million cubic metres.
    pub const CAPACITY_CM3: u64 = 1_000_000_000_000;
    /// A hundred million dollars.
    pub const COST_MICROS: i64 = 100_000_000_000_000;
    /// A year.
    pub const MINUTES: u32 = 366 * 24 * 60;
}

/// Ours to mend: what is read from a file was checked with its line numbers before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    #[error("there are two hubs {0}")]
    DuplicateHub(HubCode),
    #[error("there are two lanes {0}")]
    DuplicateLane(LaneId),
    #[error("lane {lane} has the unknown hub {hub} at an end")]
    UnknownHub { lane: LaneId, hub: HubCode },
    #[error("lane {0} leads back to where it begins")]
    Loop(LaneId),
    #[error("lane {lane}: {figure} is not within its limits")]
    LaneLimit { lane: LaneId, figure: &'static str },
    #[error("hub {0}: handling_minutes is not within its limits")]
    HubLimit(HubCode),
    #[error("hub {0}: a gateway has clearances, an origin hub has none")]
    Clearances(HubCode),
}

/// Every lane joins two different hubs of the network, and every figure is one to compute with.
/// The order in which hubs and lanes were given makes no difference to any answer.
#[derive(Debug, Clone)]
pub struct Network {
    hubs: Vec<Hub>,
    lanes: Vec<Lane>,
    hub_index: HashMap<HubCode, usize>,
    lane_index: HashMap<LaneId, usize>,
    /// By hub, the lanes that leave it, each with the hub it leads to.
    lanes_out: Vec<Vec<(usize, usize)>>,
}

impl Network {
    pub fn new(mut hubs: Vec<Hub>, mut lanes: Vec<Lane>) -> Result<Network, BadNetwork> {
        hubs.sort_by(|a, b| a.code.cmp(&b.code));
        lanes.sort_by(|a, b| a.id.cmp(&b.id));
        let mut hub_index = HashMap::with_capacity(hubs.len());
        for (index, hub) in hubs.iter().enumerate() {
            check_hub(hub)?;
            if hub_index.insert(hub.code.clone(), index).is_some() {
                return Err(BadNetwork::DuplicateHub(hub.code.clone()));
            }
        }
        let mut lane_index = HashMap::with_capacity(lanes.len());
        let mut lanes_out = vec![Vec::new(); hubs.len()];
        for (index, lane) in lanes.iter().enumerate() {
            check_lane(lane)?;
            let end = |hub: &HubCode| {
                let unknown = || BadNetwork::UnknownHub { lane: lane.id.clone(), hub: hub.clone() };
                hub_index.get(hub).copied().ok_or_else(unknown)
            };
            lanes_out[end(&lane.from)?].push((index, end(&lane.to)?));
            if lane_index.insert(lane.id.clone(), index).is_some() {
                return Err(BadNetwork::DuplicateLane(lane.id.clone()));
            }
        }
        Ok(Network { hubs, lanes, hub_index, lane_index, lanes_out })
    }

    pub fn hub(&self, code: &HubCode) -> Option<&Hub> {
        self.hub_index.get(code).map(|index| &self.hubs[*index])
    }

    pub fn lane(&self, id: &LaneId) -> Option<&Lane> {
        self.lane_index.get(id).map(|index| &self.lanes[*index])
    }

    /// By code.
    pub fn hubs(&self) -> &[Hub] {
        &self.hubs
    }

    /// By id.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Without lanes there is no way, however many hubs there are.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Lanes out of the hub at `index` and the index of the hub at the other end, by lane id.
    pub(super) fn lanes_out(&self, index: usize) -> impl Iterator<Item = (&Lane, usize)> {
        self.lanes_out[index].iter().map(|(lane, to)| (&self.lanes[*lane], *to))
    }
}

fn check_hub(hub: &Hub) -> Result<(), BadNetwork> {
    if (hub.kind == HubKind::Gateway) == hub.clearances.is_empty() {
        return Err(BadNetwork::Clearances(hub.code.clone()));
    }
    if hub.handling_minutes > limits::MINUTES {
        return Err(BadNetwork::HubLimit(hub.code.clone()));
    }
    Ok(())
}

fn check_lane(lane: &Lane) -> Result<(), BadNetwork> {
    if lane.from == lane.to {
        return Err(BadNetwork::Loop(lane.id.clone()));
    }
    for (figure, is_within) in [
        ("transit_minutes", (1..=limits::MINUTES).contains(&lane.transit_minutes)),
        ("capacity_grams", (1..=limits::CAPACITY_GRAMS).contains(&lane.capacity_grams)),
        ("capacity_cm3", (1..=limits::CAPACITY_CM3).contains(&lane.capacity_cm3)),
        ("fixed_cost_micros", (0..=limits::COST_MICROS).contains(&lane.fixed_cost_micros)),
        ("cost_per_kg_micros", (0..=limits::COST_MICROS).contains(&lane.cost_per_kg_micros)),
    ] {
        if !is_within {
            return Err(BadNetwork::LaneLimit { lane: lane.id.clone(), figure });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{gateway, hub, lane};
    use super::*;

    #[test]
    fn what_contradicts_itself_is_no_network() {
        let hubs = || vec![hub("AA"), gateway("CN1")];
        let good = || lane("L1", "AA", "CN1");
        let bad = |hubs, lanes| Network::new(hubs, lanes).expect_err("a bad network").to_string();
        for (lane, words) in [
            (lane("L1", "AA", "XX"), "unknown hub XX"),
            (lane("L1", "AA", "AA"), "leads back"),
            (Lane { capacity_grams: 0, ..good() }, "capacity_grams"),
            (Lane { capacity_cm3: u64::MAX, ..good() }, "capacity_cm3"),
            (Lane { transit_minutes: 0, ..good() }, "transit_minutes"),
            (Lane { fixed_cost_micros: -1, ..good() }, "fixed_cost_micros"),
            (Lane { cost_per_kg_micros: i64::MAX, ..good() }, "cost_per_kg_micros"),
        ] {
            let error = bad(hubs(), vec![lane]);
            assert!(error.contains(words), "{error}");
        }
        assert!(bad(hubs(), vec![good(), good()]).contains("two lanes L1"));
        assert!(bad(vec![hub("AA"), hub("AA")], vec![]).contains("two hubs AA"));
        let bare = Hub { clearances: vec![], ..gateway("CN1") };
        assert!(bad(vec![bare], vec![]).contains("a gateway has clearances"));
        let slow = Hub { handling_minutes: u32::MAX, ..hub("AA") };
        assert!(bad(vec![slow], vec![]).contains("handling_minutes"));
    }

    #[test]
    fn hubs_and_lanes_are_found_by_their_names() {
        let lanes = vec![lane("L3", "AA", "CN1"), lane("L1", "AA", "CN1")];
        let network = Network::new(vec![gateway("CN1"), hub("AA")], lanes).expect("a network");
        assert_eq!(network.hubs()[0].code.as_str(), "AA");
        assert_eq!(network.lanes()[0].id.as_str(), "L1");
        assert!(network.hub(&"CN1".parse().expect("a code")).is_some());
        assert!(network.lane(&"L1".parse().expect("an id")).is_some());
        assert!(network.lane(&"L2".parse().expect("an id")).is_none());
        assert!(!network.is_empty() && Network::new(vec![hub("AA")], vec![]).expect("hubs").is_empty());
    }
}
