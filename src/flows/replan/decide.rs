//! Whether a plan still holds, and where a new one begins. Values in, decision out.
//!
//! The legs that are still ahead are walked over the network as it is now. A plan holds as long as what is
//! on it can board each of its departures and reach the gateway about when it was to. Being ahead of a plan
//! breaks nothing, and being late breaks it once that costs a departure.

use chrono::TimeDelta;

use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, HubCode, HubKind};
use crate::domain::plan::{Leg, LegKind, Plan};
use crate::domain::service::Clearance;
use crate::routing::Network;
use crate::tracking::Place;

/// What is known of a shipment on its way.
pub struct Known<'k> {
    pub plan: &'k Plan,
    pub clearance: Clearance,
    /// The end of the pickup window.
    pub pickup_until: Instant,
    /// By parcel.
    pub places: &'k [Place],
    /// Departures that were packed without it, or on which it has no room.
    pub left_behind: &'k [DepartureId],
    /// Departures that were called off, even where the network has them again since.
    pub cancelled: &'k [DepartureId],
}

#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    StillHolds,
    Anew(Anew),
    /// Nothing is left to plan.
    Nothing,
    /// All that is left was to be in a hub so long ago that nobody waits for it.
    Abandoned,
}

/// A new way from where the least advanced parcels are.
#[derive(Debug, Clone, PartialEq)]
pub struct Anew {
    /// Why the plan does not hold, in words.
    pub why: String,
    pub start: Beginning,
    /// What is behind it, with the times at which it happened.
    pub travelled: Vec<Travelled>,
    /// Whose way it is: places in the list of parcels.
    pub parcels: Vec<usize>,
    /// Whom nobody waits for any more, in the same way.
    pub given_up: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Beginning {
    Pickup { until: Instant },
    Hub { code: HubCode, ready_at: Instant },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Travelled {
    Planned(Leg),
    /// It went with another departure than planned.
    Otherwise {
        departure: DepartureId,
        depart_at: Instant,
    },
}

/// By so much a gateway may be ready later: clocks and scanners are not more exact, and the estimate
/// follows by itself.
const TOLERATED: TimeDelta = TimeDelta::hours(1);
/// What still is in its hub so long after its departure left has not gone with it.
pub const SCANNED_WITHIN: TimeDelta = TimeDelta::hours(6);
/// Who is late comes later by this part of it at least: looked for at each cut-off, what never comes would be planned
/// anew several times a day.
const LATER_BY: i32 = 4;

pub fn decide(network: &Network, known: &Known, horizon: TimeDelta, now: Instant) -> Decision {
    let mut walk = Walk { network, known, hauls: hauls(known.plan), given_up: Vec::new(), now };
    walk.given_up = walk.overdue(horizon);
    let Some((place, parcels)) = walk.front() else {
        return if walk.given_up.is_empty() { Decision::Nothing } else { Decision::Abandoned };
    };
    let Some(ahead) = walk.ahead(place) else { return Decision::StillHolds };
    let Some(why) = walk.broken(place, &ahead) else { return Decision::StillHolds };
    let later_by = walk.late(place) / LATER_BY;
    let start = match place {
        Place::Uncollected => Beginning::Pickup { until: known.pickup_until.max(now + later_by) },
        Place::Collected | Place::InHub { .. } | Place::UnderWay { .. } | Place::Beyond => {
            Beginning::Hub { code: ahead.hub.clone(), ready_at: ahead.ready_at.unwrap_or(now) + later_by }
        }
    };
    let travelled = walk.travelled(place);
    Decision::Anew(Anew { why, start, travelled, parcels, given_up: walk.given_up })
}

/// Whether nobody waits any more for what was to be in a hub, or to be collected, at `due_at`.
pub fn is_given_up(due_at: Instant, horizon: TimeDelta, now: Instant) -> bool {
    now - due_at > horizon
}

/// When what left `hub` at `left_at` is in the next one, as its lane takes: a plan made since then may have stretched
/// the leg of another parcel.
pub fn due_after(
    network: &Network,
    plan: &Plan,
    hub: &HubCode,
    departure: Option<&DepartureId>,
    left_at: Instant,
) -> Instant {
    let leg = hauls(plan).into_iter().find(|leg| leg.from == hub.as_str());
    let departure = departure.or(leg.and_then(|leg| leg.departure.as_ref()));
    let lane = departure.and_then(|departure| network.lane(&departure.lane));
    left_at + lane.map_or(TimeDelta::zero(), |lane| TimeDelta::minutes(i64::from(lane.transit_minutes)))
}

fn hauls(plan: &Plan) -> Vec<&Leg> {
    plan.legs.iter().filter(|leg| leg.kind == LegKind::LineHaul).collect()
}

/// The next hub, and when what is on the way is free to leave it.
struct Ahead {
    hub: HubCode,
    /// None: the hub is not in the network any more.
    ready_at: Option<Instant>,
    /// The line-haul with which it goes on from there, or how many there are: the gateway. None: the hub is
    /// not on the plan.
    next: Option<usize>,
}

struct Walk<'w> {
    network: &'w Network,
    known: &'w Known<'w>,
    hauls: Vec<&'w Leg>,
    /// Nobody waits for these any more: places in the list of parcels. The others go on without them.
    given_up: Vec<usize>,
    now: Instant,
}

impl<'w> Walk<'w> {
    /// The place of the least advanced parcels, and which those are. None: none is on a way any more.
    fn front(&self) -> Option<(&'w Place, Vec<usize>)> {
        let places = self.known.places;
        let is_on_a_way =
            |(at, place): &(usize, &Place)| **place != Place::Beyond && !self.given_up.contains(at);
        let on_a_way = places.iter().enumerate().filter(is_on_a_way).map(|(_, place)| place);
        let place = on_a_way.min_by_key(|place| self.rank(place))?;
        let is_there = |other: &Place| match (place, other) {
            (Place::InHub { hub, .. }, Place::InHub { hub: other, .. })
            | (Place::UnderWay { hub, .. }, Place::UnderWay { hub: other, .. }) => hub == other,
            (place, other) => place == other,
        };
        let is_waited_for = |index: &usize| is_there(&places[*index]) && !self.given_up.contains(index);
        let there: Vec<usize> = (0..places.len()).filter(is_waited_for).collect();
        // Of those in one hub the one that came last says when all of them can go.
        let last = there.iter().map(|index| &places[*index]).max_by_key(|place| self.free_at(place));
        Some((last.unwrap_or(place), there))
    }

    /// Whom nobody waits for any more.
    fn overdue(&self, horizon: TimeDelta) -> Vec<usize> {
        let is_overdue =
            |place: &Place| self.due_at(place).is_some_and(|due_at| is_given_up(due_at, horizon, self.now));
        let all = self.known.places.iter().enumerate();
        all.filter(|(_, place)| is_overdue(place)).map(|(at, _)| at).collect()
    }

    /// When what is in no hub was to be collected, or to be in the next one. None: it is in one, or past them all.
    fn due_at(&self, place: &Place) -> Option<Instant> {
        match place {
            Place::Uncollected | Place::Collected => Some(self.known.pickup_until),
            Place::UnderWay { hub, departure, at } => {
                Some(due_after(self.network, self.known.plan, hub, departure.as_ref(), *at))
            }
            Place::InHub { .. } | Place::Beyond => None,
        }
    }

    /// By how much it is not where it was to be.
    fn late(&self, place: &Place) -> TimeDelta {
        let is_on_the_road =
            *place == Place::Collected && self.first_mile().is_some_and(|first| self.now <= first.arrive_at);
        let due_at = self.due_at(place).filter(|_| !is_on_the_road);
        due_at.map_or(TimeDelta::zero(), |due_at| (self.now - due_at).max(TimeDelta::zero()))
    }

    fn first_mile(&self) -> Option<&Leg> {
        self.known.plan.legs.iter().find(|leg| leg.kind == LegKind::FirstMile)
    }

    /// How far along the plan; what is off it in a hub counts as not far, so that somebody sees to it.
    fn rank(&self, place: &Place) -> usize {
        match place {
            Place::Uncollected => 0,
            Place::Collected => 1,
            Place::InHub { hub, .. } => self.index(hub).map_or(2, |index| 2 + 2 * index),
            Place::UnderWay { hub, .. } => self.index(hub).map_or(3, |index| 3 + 2 * index),
            Place::Beyond => usize::MAX,
        }
    }

    fn index(&self, hub: &HubCode) -> Option<usize> {
        let from = self.hauls.iter().position(|leg| leg.from == hub.as_str());
        from.or_else(|| (self.known.plan.gateway == *hub).then_some(self.hauls.len()))
    }

    /// When what is in a hub can leave it.
    fn free_at(&self, place: &Place) -> Option<Instant> {
        let Place::InHub { hub, since, offloaded, released_at } = place else { return None };
        let ready_at = match released_at {
            Some(released_at) => *released_at,
            None => self.network.ready_at(hub, *since)?,
        };
        // It goes with a later one than the one that it did not go with.
        let after = offloaded.as_ref().map(|(departure, noticed_at)| {
            let planned = self.hauls.iter().find(|leg| leg.departure.as_ref() == Some(departure));
            let scheduled = self.network.scheduled(departure).map(|departure| departure.depart_at);
            let left_at = scheduled.or(planned.map(|leg| leg.depart_at)).unwrap_or(*noticed_at);
            left_at.max(*noticed_at) + TimeDelta::microseconds(1)
        });
        Some(after.map_or(ready_at, |after| ready_at.max(after)))
    }

    /// None: nobody can say where it is going.
    fn ahead(&self, place: &Place) -> Option<Ahead> {
        match place {
            Place::Uncollected | Place::Collected => {
                let hub = self.known.plan.origin_hub.clone();
                let received_at = self.first_mile().map_or(self.now, |leg| leg.arrive_at.max(self.now));
                let (ready_at, next) = (self.network.ready_at(&hub, received_at), self.index(&hub));
                Some(Ahead { hub, ready_at, next })
            }
            Place::InHub { hub, .. } => {
                let (ready_at, next) = (self.free_at(place), self.index(hub));
                Some(Ahead { hub: hub.clone(), ready_at, next })
            }
            Place::UnderWay { hub, departure, at } => {
                let (to, arrive_at) = self.flight(hub, departure.as_ref(), *at)?;
                let ready_at = self.network.ready_at(&to, arrive_at.max(self.now));
                let next = self.index(&to);
                Some(Ahead { hub: to, ready_at, next })
            }
            Place::Beyond => None,
        }
    }

    /// Where what left `hub` at `left_at` arrives, and when.
    fn flight(
        &self,
        hub: &HubCode,
        departure: Option<&DepartureId>,
        left_at: Instant,
    ) -> Option<(HubCode, Instant)> {
        let planned = self
            .hauls
            .iter()
            .find(|leg| leg.from == hub.as_str())
            .filter(|leg| departure.is_none() || leg.departure.as_ref() == departure);
        if let Some(leg) = planned {
            let transit = leg.arrive_at - leg.depart_at;
            return Some((leg.to.parse().ok()?, leg.arrive_at.max(left_at + transit)));
        }
        let lane = self.network.lane(&departure?.lane)?;
        let transit = TimeDelta::minutes(i64::from(lane.transit_minutes));
        Some((lane.to.clone(), left_at + transit))
    }

    /// The departure that it left with, where that is none of its plan's.
    fn other_departure(&self, place: &'w Place) -> Option<&'w DepartureId> {
        let Place::UnderWay { hub, departure: Some(departure), .. } = place else { return None };
        let is_planned = |leg: &&&Leg| leg.from == hub.as_str() && leg.departure.as_ref() == Some(departure);
        self.hauls.iter().find(is_planned).is_none().then_some(departure)
    }

    /// Why it cannot go on as planned. None: it can.
    fn broken(&self, place: &'w Place, ahead: &Ahead) -> Option<String> {
        let hub = &ahead.hub;
        if let Some(departure) = self.other_departure(place) {
            return Some(format!("it left with {departure}"));
        }
        let Some(mut ready_at) = ahead.ready_at else {
            return Some(format!("hub {hub} is not in the network any more"));
        };
        let Some(next) = ahead.next else { return Some(format!("hub {hub} is not on the way")) };
        for (leg, is_first) in
            self.hauls[next..].iter().zip([true].into_iter().chain(std::iter::repeat(false)))
        {
            let Some(id) = &leg.departure else { continue };
            if self.known.left_behind.contains(id) {
                return Some(format!("departure {id} was packed without it"));
            }
            let lane = self.network.lane(&id.lane);
            let lane = lane.filter(|lane| lane.from.as_str() == leg.from && lane.to.as_str() == leg.to);
            let is_cancelled = self.known.cancelled.contains(id);
            let departure = lane.and_then(|_| self.network.departure(id)).filter(|_| !is_cancelled);
            let Some(departure) = departure else { return Some(format!("departure {id} does not leave")) };
            if (departure.depart_at, departure.arrive_at) != (leg.depart_at, leg.arrive_at) {
                return Some(format!("departure {id} has other times"));
            }
            let waits = is_first && matches!(place, Place::InHub { .. });
            if ready_at > departure.depart_at || (waits && self.now > departure.depart_at + SCANNED_WITHIN) {
                return Some(format!("departure {id} is missed"));
            }
            let to: HubCode = leg.to.parse().ok()?;
            let Some(ready_there_at) = self.network.ready_at(&to, departure.arrive_at) else {
                return Some(format!("hub {to} is not in the network any more"));
            };
            ready_at = ready_there_at;
        }
        self.at_the_gateway(ready_at)
    }

    fn at_the_gateway(&self, ready_at: Instant) -> Option<String> {
        let Known { plan, clearance, .. } = self.known;
        let gateway = &plan.gateway;
        let hub = self.network.hub(gateway);
        if !hub.is_some_and(|hub| hub.kind == HubKind::Gateway && hub.clearances.contains(clearance)) {
            return Some(format!("gateway {gateway} does not clear {clearance}"));
        }
        let is_late = ready_at > plan.ready_at_gateway_at + TOLERATED;
        is_late.then(|| format!("gateway {gateway} hands it on later"))
    }

    /// The legs that are behind what is at `place`.
    fn travelled(&self, place: &Place) -> Vec<Travelled> {
        let legs = &self.known.plan.legs;
        let until = |hub: &HubCode| {
            let at = legs.iter().position(|leg| leg.kind != LegKind::FirstMile && leg.from == hub.as_str());
            at.map(|at| legs[..at].to_vec())
        };
        let planned = |legs: Vec<Leg>| legs.into_iter().map(Travelled::Planned).collect::<Vec<_>>();
        match place {
            Place::Uncollected | Place::Beyond => Vec::new(),
            Place::Collected => {
                let first = legs.iter().filter(|leg| leg.kind == LegKind::FirstMile).cloned();
                planned(arrived(first.collect(), self.now, Instant::max))
            }
            Place::InHub { hub, since, .. } => match until(hub) {
                Some(behind) => planned(arrived(behind, *since, |_, since| since)),
                // It came to where it was not meant to: what was over by then is behind it.
                None => planned(legs.iter().filter(|leg| leg.arrive_at <= *since).cloned().collect()),
            },
            Place::UnderWay { hub, departure, at } => {
                let mut behind = planned(until(hub).unwrap_or_default());
                let leg = self.hauls.iter().find(|leg| leg.from == hub.as_str());
                let as_planned = leg.filter(|leg| departure.is_none() || leg.departure == *departure);
                match (as_planned, departure) {
                    (Some(leg), _) => {
                        let transit = leg.arrive_at - leg.depart_at;
                        let depart_at = leg.depart_at.max(*at);
                        let arrive_at = depart_at + transit;
                        behind.push(Travelled::Planned(Leg { depart_at, arrive_at, ..(*leg).clone() }));
                    }
                    (None, Some(departure)) => {
                        let departure = departure.clone();
                        behind.push(Travelled::Otherwise { departure, depart_at: *at });
                    }
                    (None, None) => {}
                }
                behind
            }
        }
    }
}

/// The last of `legs` with the time at which it really ended.
fn arrived(mut legs: Vec<Leg>, at: Instant, of: impl Fn(Instant, Instant) -> Instant) -> Vec<Leg> {
    if let Some(last) = legs.last_mut() {
        last.arrive_at = of(last.arrive_at, at);
        last.depart_at = last.depart_at.min(last.arrive_at);
    }
    legs
}

#[cfg(test)]
mod tests;
