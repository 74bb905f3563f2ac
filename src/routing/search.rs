//! The search: all ways that no other one beats in time, cost and emissions, and no others.
//!
//! Rounds of lanes, as RAPTOR has rounds of trips: labels (ready, cost, CO₂e) at hubs grow by one lane a
//! round. A lane costs and emits the same whenever it leaves, and waiting never makes anything earlier,
//! so that of a lane only the first departure with room for the shipment is ever worth taking.
//!
//! One label makes another at the same hub pointless if it took no more lanes, is no later, no
//! dearer and no dirtier, and is truly cheaper or cleaner, or comes first by number of lanes
//! and lane ids. Being earlier alone is not enough: a cut-off may make both equal later, and then
//! ids decide. Costs and emissions never become equal again, as both go on alike. The relation
//! is an order, so what is left does not depend on the order of the search, and it is exact.
//!
//! Whoever asks for one choice instead of all bounds the search: what is already later than the best
//! arrival, or dearer than the cheapest way in time, is not followed.
//!
//! Everything is kept in a [`Search`] that is used again: after a few searches it allocates nothing.

use super::cost::{self, Factors};
use super::network::Network;
use super::schedule::END_OF_TIME;
use super::timetable::{Load, Timetable};
use crate::domain::dangerous::DangerousCarriage;
use crate::domain::network::{HubKind, Lane};
use crate::domain::quantity::{Chargeable, Grams};
use crate::domain::service::Clearance;

/// Lanes that one way may take: to a feeder's hub, to a hub with a direct connection, to the gateway.
pub const LINE_HAULS_MAX: usize = 3;

const NONE: u32 = u32::MAX;

/// Later than any time, dearer than any cost.
const NEVER: i64 = i64::MAX;

/// What is wanted of all ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Every one that no other beats.
    Pareto,
    /// Those of the earliest arrival.
    Earliest,
    /// Those of the lowest cost that arrive by then.
    CheapestBy(i64),
}

/// What travels, and what it is asked for.
pub struct Cargo<'a> {
    pub clearance: Clearance,
    pub weight: Grams,
    pub volume_cm3: u64,
    pub piece: Grams,
    pub chargeable: Chargeable,
    pub goods: &'a [DangerousCarriage],
    /// As if nothing were booked.
    pub takes_any_room: bool,
}

/// A way as far as it goes. Lanes and departures that were not taken are [`NONE`].
#[derive(Debug, Clone, Copy)]
pub struct Label {
    pub ready_at: i64,
    pub cost: i64,
    pub co2e: i64,
    lanes: [u32; LINE_HAULS_MAX],
    departures: [u32; LINE_HAULS_MAX],
    pub hub: u32,
    /// Index of the start that it began with.
    pub start: u32,
    taken: u8,
}

impl Label {
    pub fn start(index: usize, hub: usize, ready_at: i64, cost: i64, co2e: i64) -> Label {
        let none = [NONE; LINE_HAULS_MAX];
        let (hub, start) = (hub as u32, index as u32);
        Label { ready_at, cost, co2e, lanes: none, departures: none, hub, start, taken: 0 }
    }

    /// Lanes and departures that were taken, in order.
    pub fn hauls(&self) -> impl Iterator<Item = (usize, usize)> {
        let taken = usize::from(self.taken);
        (0..taken).map(|i| (self.lanes[i] as usize, self.departures[i] as usize))
    }

    /// Fewer lanes first, then the first lane ids: lanes are counted in the order of their ids.
    pub fn rank(&self) -> (u8, [u32; LINE_HAULS_MAX]) {
        (self.taken, self.lanes)
    }

    fn beats(&self, other: &Label) -> bool {
        self.ready_at <= other.ready_at
            && self.cost <= other.cost
            && self.co2e <= other.co2e
            && (self.cost < other.cost || self.co2e < other.co2e || self.rank() <= other.rank())
    }

    /// The order of the same thing at the door, where nothing can become equal any more.
    fn beats_at_the_door(&self, other: &Label) -> bool {
        self.ready_at <= other.ready_at
            && self.cost <= other.cost
            && self.co2e <= other.co2e
            && ((self.ready_at, self.cost, self.co2e) != (other.ready_at, other.cost, other.co2e)
                || self.rank() <= other.rank())
    }
}

/// From a gateway to the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastMile {
    pub micros: i64,
    pub cost: i64,
    pub co2e: i64,
}

/// What was not even considered, to tell whoever asks: the first of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// A lane whose empty departure is too small.
    pub too_small: Option<usize>,
    /// A lane that takes no piece so heavy.
    pub piece: Option<usize>,
    /// A lane that does not take the dangerous goods.
    pub goods: Option<usize>,
    /// A lane and a departure of it with too little room left.
    pub full: Option<(usize, usize)>,
}

/// The memory of a search, and what it found.
#[derive(Default)]
pub struct Search {
    labels: Vec<Label>,
    /// By hub, labels that none beats.
    fronts: Vec<Vec<u32>>,
    touched: Vec<u32>,
    under_way: Vec<u32>,
    reached: Vec<u32>,
    /// By gateway; what was not asked for yet is none.
    last_miles: Vec<Option<LastMile>>,
    asked_for: Vec<u32>,
    doors: Vec<Label>,
    passed_over: PassedOver,
    best_arrival: i64,
    best_cost: i64,
}

impl Search {
    fn reset(&mut self, hubs: usize) {
        self.labels.clear();
        self.under_way.clear();
        self.reached.clear();
        self.doors.clear();
        for hub in self.touched.drain(..) {
            self.fronts[hub as usize].clear();
        }
        for hub in self.asked_for.drain(..) {
            self.last_miles[hub as usize] = None;
        }
        self.fronts.resize_with(hubs, Vec::new);
        self.last_miles.resize(hubs, None);
        self.passed_over = PassedOver::default();
        (self.best_arrival, self.best_cost) = (NEVER, NEVER);
    }

    /// Finds all ways from `starts` (after the first mile, ready at their hubs) that leave until `last_at`:
    /// their labels at the door, each ready when it arrives there, by time, then cost, then emissions.
    #[expect(
        clippy::too_many_arguments,
        reason = "what belongs to the network, to the cargo and to the question"
    )]
    pub fn run(
        &mut self,
        network: &Network,
        timetable: &Timetable,
        factors: &Factors,
        cargo: &Cargo,
        starts: impl Iterator<Item = Label>,
        (last_at, goal): (i64, Goal),
        last_mile: impl Fn(usize) -> LastMile,
    ) {
        self.reset(network.hubs().len());
        for start in starts {
            let hub = &network.hubs()[start.hub as usize];
            match hub.kind {
                HubKind::OriginHub => self.keep(start),
                HubKind::Gateway if hub.clearances.contains(&cargo.clearance) => {
                    self.arrive(start, goal, &last_mile);
                }
                HubKind::Gateway => {}
            }
        }
        for taken in 1..=LINE_HAULS_MAX {
            std::mem::swap(&mut self.under_way, &mut self.reached);
            self.reached.clear();
            for at in 0..self.under_way.len() {
                let label = self.labels[self.under_way[at] as usize];
                // Beaten since by one that took as many lanes.
                if !self.fronts[label.hub as usize].contains(&self.under_way[at])
                    || !self.is_within(&label, goal)
                {
                    continue;
                }
                for lane in network.lanes_out(label.hub as usize) {
                    let Some((next, kind)) =
                        self.extend(network, timetable, factors, cargo, &label, *lane, last_at)
                    else {
                        continue;
                    };
                    match kind {
                        HubKind::Gateway => self.arrive(next, goal, &last_mile),
                        HubKind::OriginHub if taken < LINE_HAULS_MAX && self.is_within(&next, goal) => {
                            self.keep(next)
                        }
                        HubKind::OriginHub => {}
                    }
                }
            }
        }
        self.doors.sort_unstable_by_key(|door| (door.ready_at, door.cost, door.co2e));
    }

    /// Of the last search.
    pub fn doors(&self) -> &[Label] {
        &self.doors
    }

    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    /// Whether a label may still lead to what is wanted. What goes on from it adds to time and cost.
    fn is_within(&self, label: &Label, goal: Goal) -> bool {
        match goal {
            Goal::Pareto => true,
            Goal::Earliest => label.ready_at <= self.best_arrival,
            Goal::CheapestBy(deadline) => label.ready_at <= deadline && label.cost <= self.best_cost,
        }
    }

    /// `label` and the first departure of `lane` that has room for it.
    #[expect(
        clippy::too_many_arguments,
        reason = "the inner loop takes what it needs, and nothing is built for it"
    )]
    fn extend(
        &mut self,
        network: &Network,
        timetable: &Timetable,
        factors: &Factors,
        cargo: &Cargo,
        label: &Label,
        lane_index: usize,
        last_at: i64,
    ) -> Option<(Label, HubKind)> {
        let lane = &network.lanes()[lane_index];
        let to = network.ends(lane_index).1;
        let hub = &network.hubs()[to];
        if hub.kind == HubKind::Gateway && !hub.clearances.contains(&cargo.clearance) {
            return None;
        }
        if !self.carries(lane, lane_index, cargo) {
            return None;
        }
        let departure = self.first_with_room(timetable, lane, lane_index, cargo, label.ready_at, last_at)?;
        let mut next = *label;
        let taken = usize::from(label.taken);
        (next.lanes[taken], next.departures[taken]) = (lane_index as u32, departure as u32);
        next.taken += 1;
        next.hub = to as u32;
        next.ready_at = timetable.ready_at[departure];
        next.cost += cost::line_haul(lane, cargo.chargeable);
        next.co2e += factors.line_haul(lane, cargo.weight);
        Some((next, hub.kind))
    }

    fn carries(&mut self, lane: &Lane, index: usize, cargo: &Cargo) -> bool {
        if u64::from(cargo.weight.0) > lane.capacity_grams || cargo.volume_cm3 > lane.capacity_cm3 {
            self.passed_over.too_small.get_or_insert(index);
            return false;
        }
        if lane.piece_grams_max.is_some_and(|most| cargo.piece.0 > most) {
            self.passed_over.piece.get_or_insert(index);
            return false;
        }
        if !cargo.goods.iter().all(|goods| lane.dangerous_goods.takes(goods, lane.mode)) {
            self.passed_over.goods.get_or_insert(index);
            return false;
        }
        true
    }

    fn first_with_room(
        &mut self,
        timetable: &Timetable,
        lane: &Lane,
        lane_index: usize,
        cargo: &Cargo,
        at: i64,
        last_at: i64,
    ) -> Option<usize> {
        let all = timetable.of_lane(lane_index);
        let mut departure = timetable.first_from(lane_index, at);
        while departure < all.end && timetable.depart_at[departure] <= last_at {
            let load = if cargo.takes_any_room { Load::default() } else { timetable.load(departure) };
            if load.grams + u64::from(cargo.weight.0) <= lane.capacity_grams
                && load.cm3 + cargo.volume_cm3 <= lane.capacity_cm3
            {
                return Some(departure);
            }
            self.passed_over.full.get_or_insert((lane_index, departure));
            departure += 1;
        }
        None
    }

    /// Keeps a label at an origin hub, unless another one makes it pointless.
    fn keep(&mut self, label: Label) {
        let front = &mut self.fronts[label.hub as usize];
        let labels = &self.labels;
        if front.iter().any(|other| labels[*other as usize].beats(&label)) {
            return;
        }
        if front.is_empty() {
            self.touched.push(label.hub);
        }
        // Those with fewer lanes stay: they may still go where this one may not.
        front.retain(|other| {
            let other = &labels[*other as usize];
            other.taken < label.taken || !label.beats(other)
        });
        let index = self.labels.len() as u32;
        front.push(index);
        self.labels.push(label);
        self.reached.push(index);
    }

    /// Takes a label from its gateway to the door.
    fn arrive(&mut self, mut label: Label, goal: Goal, last_mile: impl Fn(usize) -> LastMile) {
        let gateway = label.hub as usize;
        let mile = *self.last_miles[gateway].get_or_insert_with(|| {
            self.asked_for.push(label.hub);
            last_mile(gateway)
        });
        label.ready_at = label.ready_at.saturating_add(mile.micros);
        label.cost += mile.cost;
        label.co2e += mile.co2e;
        if label.ready_at >= END_OF_TIME.timestamp_micros() {
            return;
        }
        if !self.is_within(&label, goal) || self.doors.iter().any(|door| door.beats_at_the_door(&label)) {
            return;
        }
        self.doors.retain(|door| !label.beats_at_the_door(door));
        self.best_arrival = self.best_arrival.min(label.ready_at);
        self.best_cost = self.best_cost.min(label.cost);
        self.doors.push(label);
    }
}
