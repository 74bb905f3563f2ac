//! Hubs, lanes and their calendar, checked and indexed.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::closed::Closed;
use super::hub_time;
use super::schedule::{self, Departure};
use crate::domain::calendar::{Calendar, ChangeKind};
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, Hub, HubCode, HubKind, Lane, LaneId};

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
    /// Half the way round the globe, with detours.
    pub const DISTANCE_METRES: u64 = 100_000_000;
    /// So many hubs and lanes are counted in 16 and 32 bits.
    pub const HUBS: usize = 50_000;
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
    #[error("there are {0} hubs, more than can be planned over")]
    TooManyHubs(usize),
}

/// Every lane joins two different hubs of the network, and every figure is one to compute with.
/// The order in which hubs and lanes were given makes no difference to any answer.
#[derive(Debug, Clone)]
pub struct Network {
    hubs: Vec<Hub>,
    lanes: Vec<Lane>,
    hub_index: HashMap<HubCode, usize>,
    lane_index: HashMap<LaneId, usize>,
    /// By lane, the hubs at its ends.
    ends: Vec<(usize, usize)>,
    /// By hub, the lanes that leave it.
    lanes_out: Vec<Vec<usize>>,
    /// By hub.
    closed: Vec<Closed>,
    /// By lane.
    changes: Vec<BTreeMap<NaiveDate, ChangeKind>>,
}

impl Network {
    /// What the calendar says of hubs and lanes that are not there is no mistake: they may have been before.
    pub fn new(mut hubs: Vec<Hub>, mut lanes: Vec<Lane>, calendar: &Calendar) -> Result<Network, BadNetwork> {
        if hubs.len() > limits::HUBS {
            return Err(BadNetwork::TooManyHubs(hubs.len()));
        }
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
        let mut ends = Vec::with_capacity(lanes.len());
        for (index, lane) in lanes.iter().enumerate() {
            check_lane(lane)?;
            let end = |hub: &HubCode| {
                let unknown = || BadNetwork::UnknownHub { lane: lane.id.clone(), hub: hub.clone() };
                hub_index.get(hub).copied().ok_or_else(unknown)
            };
            let (from, to) = (end(&lane.from)?, end(&lane.to)?);
            lanes_out[from].push(index);
            ends.push((from, to));
            if lane_index.insert(lane.id.clone(), index).is_some() {
                return Err(BadNetwork::DuplicateLane(lane.id.clone()));
            }
        }
        let closed = hubs.iter().map(|hub| Closed::of(hub, calendar)).collect();
        let mut changes = vec![BTreeMap::new(); lanes.len()];
        for change in &calendar.changes {
            if let Some(lane) = lane_index.get(&change.departure.lane) {
                changes[*lane].insert(change.departure.date, change.kind);
            }
        }
        Ok(Network { hubs, lanes, hub_index, lane_index, ends, lanes_out, closed, changes })
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

    /// When what `hub` receives at `received_at` may leave it.
    pub fn ready_at(&self, hub: &HubCode, received_at: Instant) -> Option<Instant> {
        self.hub_index.get(hub).map(|hub| self.ready_at_index(*hub, received_at))
    }

    /// The last moment at which a hub can receive what is to leave it at `depart_at`.
    pub fn cutoff_at(&self, hub: &HubCode, depart_at: Instant) -> Option<Instant> {
        let hub = *self.hub_index.get(hub)?;
        hub_time::cutoff_at(&self.hubs[hub], &self.closed[hub], depart_at)
    }

    /// A dated run as it is planned now; none where it is cancelled, its hub is closed, or it never was.
    pub fn departure(&self, id: &DepartureId) -> Option<Departure> {
        let lane = *self.lane_index.get(&id.lane)?;
        let departure = schedule::departure_on(&self.lanes[lane], &self.changes[lane], id.date)?;
        (!self.closed[self.ends[lane].0].contains(departure.depart_at)).then_some(departure)
    }

    /// A dated run as its lane and the changes to it have it, be its hub closed or not.
    pub fn scheduled(&self, id: &DepartureId) -> Option<Departure> {
        let lane = *self.lane_index.get(&id.lane)?;
        schedule::departure_on(&self.lanes[lane], &self.changes[lane], id.date)
    }

    /// Whether somebody said that it does not leave.
    pub fn is_cancelled(&self, id: &DepartureId) -> bool {
        let lane = self.lane_index.get(&id.lane);
        lane.is_some_and(|lane| self.changes[*lane].get(&id.date) == Some(&ChangeKind::Cancelled))
    }

    /// Those of one lane, in order, but for what would leave a closed hub.
    pub(super) fn departures(&self, lane: usize, at: Instant, last_at: Instant) -> Vec<Departure> {
        let mut all = schedule::departures(&self.lanes[lane], &self.changes[lane], at, last_at);
        let closed = &self.closed[self.ends[lane].0];
        all.retain(|departure| !closed.contains(departure.depart_at));
        all
    }

    pub(super) fn ready_at_index(&self, hub: usize, received_at: Instant) -> Instant {
        hub_time::ready_at(&self.hubs[hub], &self.closed[hub], received_at)
    }

    pub(super) fn hub_index(&self, code: &HubCode) -> Option<usize> {
        self.hub_index.get(code).copied()
    }

    pub(super) fn lane_index(&self, id: &LaneId) -> Option<usize> {
        self.lane_index.get(id).copied()
    }

    /// The hubs at the ends of a lane.
    pub(super) fn ends(&self, lane: usize) -> (usize, usize) {
        self.ends[lane]
    }

    /// Lanes out of a hub, by lane id.
    pub(super) fn lanes_out(&self, hub: usize) -> &[usize] {
        &self.lanes_out[hub]
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
        ("distance_metres", lane.distance_metres <= limits::DISTANCE_METRES),
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
        let bad = |hubs, lanes| {
            Network::new(hubs, lanes, &Calendar::default()).expect_err("a bad network").to_string()
        };
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
        let network =
            Network::new(vec![gateway("CN1"), hub("AA")], lanes, &Calendar::default()).expect("a network");
        assert_eq!(network.hubs()[0].code.as_str(), "AA");
        assert_eq!(network.lanes()[0].id.as_str(), "L1");
        assert!(network.hub(&"CN1".parse().expect("a code")).is_some());
        assert!(network.lane(&"L1".parse().expect("an id")).is_some());
        assert!(network.lane(&"L2".parse().expect("an id")).is_none());
        assert!(
            !network.is_empty()
                && Network::new(vec![hub("AA")], vec![], &Calendar::default()).expect("hubs").is_empty()
        );
    }
}
