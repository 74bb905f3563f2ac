//! From a question to a plan: the first mile, the search, the last mile, the choice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;

use super::ask::{Ask, NoRoute, Start};
use super::cost::{Factors, Road};
use super::distances::{Distances, Measured};
use super::loads::Loads;
use super::network::Network;
use super::schedule::later;
use super::search::{Cargo, Goal, Label, LastMile, Search};
use super::timetable::{Load, week_of};
use super::write_down::{self, Found};
use crate::config;
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::DepartureId;
use crate::domain::place::Country;
use crate::domain::plan::{Itinerary, Leg, Plan};
use crate::domain::quantity::Grams;
use crate::domain::service::Service;

/// A network made ready for planning, shared by all who plan.
///
/// What depends on the network alone is worked out once. What is booked is told to it ([`Planner::book`]) and
/// looked at, never reserved: that is the database's to do. The same network, the same bookings and
/// the same question give the same answer.
pub struct Planner {
    pub(super) network: Arc<Network>,
    pub(super) settings: config::Routing,
    pub(super) factors: Factors,
    first_mile: Road,
    /// Of countries that have one of their own.
    first_miles: HashMap<Country, Road>,
    /// By the index of the gateway.
    last_miles: Vec<Road>,
    distances: Distances,
    loads: Loads,
    /// Searches that nobody uses just now.
    idle: Mutex<Vec<Search>>,
}

/// The times that a question is measured by.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub start_at: Instant,
    /// No departure after this one is looked at.
    pub last_at: Instant,
    pub promised_by: Instant,
    /// Whether what is late is refused.
    pub binds: bool,
    pub window_is_over: bool,
}

/// What was asked for, and all that no other way beats.
pub struct Planned {
    pub plan: Plan,
    /// By arrival, then cost, then emissions.
    pub pareto: Vec<Itinerary>,
}

impl Planner {
    pub fn new(network: Arc<Network>, settings: config::Routing) -> Planner {
        let factors = Factors::new(&settings.co2e_grams_per_tonne_km);
        let loads = Loads::new(TimeDelta::days(i64::from(settings.horizon_days)));
        let road = |miles: &config::Miles, country| Road::new(&miles.of(country), &factors);
        let named =
            settings.first_mile.by_country.keys().filter_map(|name| name.to_ascii_uppercase().parse().ok());
        let first_miles = named.map(|country| (country, road(&settings.first_mile, country))).collect();
        let last_miles = network.hubs().iter().map(|hub| road(&settings.last_mile, hub.country)).collect();
        Planner {
            first_mile: Road::new(&settings.first_mile.general(), &factors),
            first_miles,
            last_miles,
            network,
            settings,
            factors,
            distances: Distances::default(),
            loads,
            idle: Mutex::default(),
        }
    }

    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Tells what is booked on a departure, in place of what was known of it.
    pub fn book(&self, departure: &DepartureId, load: Load) {
        self.loads.set(&self.network, departure, load);
    }

    /// What is known to be booked on a departure.
    pub fn booked(&self, departure: &DepartureId) -> Load {
        self.loads.get(departure)
    }

    /// Forgets what was booked on departures of before.
    pub fn forget_before(&self, date: chrono::NaiveDate) {
        self.loads.forget_before(date);
    }

    /// The way that the service asks for, with its reasons and the best other ways.
    pub fn plan(&self, ask: &Ask, now: Instant) -> Result<Plan, NoRoute> {
        self.with_all(ask, now, |found| write_down::plan(self, ask, found))
    }

    /// The same, and every way that no other one beats in time, cost and emissions.
    pub fn plan_with_pareto(&self, ask: &Ask, now: Instant) -> Result<Planned, NoRoute> {
        self.with_all(ask, now, |found| {
            let pareto =
                found.doors.iter().map(|door| write_down::itinerary(self, ask, found, door)).collect();
            Ok(Planned { plan: write_down::plan(self, ask, found)?, pareto })
        })
    }

    /// Every way that no other one beats, be it in time for the service or not.
    pub fn pareto(&self, ask: &Ask, now: Instant) -> Result<Vec<Itinerary>, NoRoute> {
        self.with_all(ask, now, |found| {
            Ok(found.doors.iter().map(|door| write_down::itinerary(self, ask, found, door)).collect())
        })
    }

    /// How many ways no other one beats.
    pub fn pareto_size(&self, ask: &Ask, now: Instant) -> Result<usize, NoRoute> {
        self.with_all(ask, now, |found| Ok(found.doors.len()))
    }

    /// The way of [`plan`](Self::plan) alone, without a look at the others.
    pub fn choose(&self, ask: &Ask, now: Instant) -> Result<Itinerary, NoRoute> {
        self.with_choice(ask, now, |found| {
            let chosen = found.choice(ask.service)?;
            Ok(write_down::itinerary(self, ask, found, chosen))
        })
    }

    /// When the way of [`plan`](Self::plan) arrives.
    pub fn arrival(&self, ask: &Ask, now: Instant) -> Result<Instant, NoRoute> {
        self.with_choice(ask, now, |found| Ok(from_micros(found.choice(ask.service)?.ready_at)))
    }

    /// The leg of one departure, whether it is to come or has left.
    pub fn haul(&self, id: &DepartureId, depart_at: Instant, ask: &Ask) -> Option<Leg> {
        let lane = self.network.lane_index(&id.lane)?;
        Some(write_down::haul(self, ask, lane, id.date, depart_at))
    }

    fn with_choice<T>(
        &self,
        ask: &Ask,
        now: Instant,
        read: impl Fn(&Found) -> Result<T, NoRoute>,
    ) -> Result<T, NoRoute> {
        let times = self.times(ask, now);
        let goal = match ask.service {
            Service::Express => Goal::Earliest,
            Service::Standard | Service::Economy => Goal::CheapestBy(times.promised_by.timestamp_micros()),
        };
        match self.find(ask, &times, goal, &read) {
            // Nothing in time: what there is otherwise decides, or says why not.
            Err(_) if goal != Goal::Earliest => self.find(ask, &times, Goal::Earliest, read),
            known => known,
        }
    }

    fn with_all<T>(
        &self,
        ask: &Ask,
        now: Instant,
        read: impl FnOnce(&Found) -> Result<T, NoRoute>,
    ) -> Result<T, NoRoute> {
        self.find(ask, &self.times(ask, now), Goal::Pareto, read)
    }

    fn times(&self, ask: &Ask, now: Instant) -> Times {
        let days = |from_at, days: u32| later(from_at, TimeDelta::days(i64::from(days)));
        let (start_at, promised_by, window_is_over) = match &ask.start {
            Start::Hub { ready_at, promised_by, .. } => ((*ready_at).max(now), Some(*promised_by), false),
            Start::Pickup { until, promised_by, .. } => {
                (later((*until).max(now), TimeDelta::zero()), *promised_by, now > *until)
            }
        };
        let promise_days = match ask.service {
            Service::Express => self.settings.promise_days.express,
            Service::Standard => self.settings.promise_days.standard,
            Service::Economy => self.settings.promise_days.economy,
        };
        Times {
            start_at,
            last_at: days(start_at, self.settings.horizon_days),
            promised_by: promised_by.unwrap_or_else(|| days(start_at, promise_days)),
            // Who buys the earliest arrival gets it whenever it is; to the others the promise binds, until
            // it was given.
            binds: promised_by.is_none() && ask.service != Service::Express,
            window_is_over,
        }
    }

    fn find<T>(
        &self,
        ask: &Ask,
        times: &Times,
        goal: Goal,
        read: impl FnOnce(&Found) -> Result<T, NoRoute>,
    ) -> Result<T, NoRoute> {
        if self.network.is_empty() {
            return Err(NoRoute::EmptyNetwork);
        }
        if !self.network.hubs().iter().any(|hub| hub.clearances.contains(&ask.clearance)) {
            return Err(NoRoute::NoGateway(ask.clearance));
        }
        let timetable = self.loads.timetable(&self.network, week_of(times.start_at));
        let gateways = self.distances.gateways(&self.network, ask.consignee);
        let origins = self.origins(ask)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut search = idle.unwrap_or_default();
        let run = |search: &mut Search, cargo: &Cargo, goal| {
            let starts =
                origins.iter().enumerate().map(|(index, origin)| self.start(ask, times, index, *origin));
            let limits = (times.last_at.timestamp_micros(), goal);
            let last_mile = |gateway| self.last_mile(ask, &gateways, gateway);
            search.run(&self.network, &timetable, &self.factors, cargo, starts, limits, last_mile);
        };
        let wanted = cargo(ask);
        run(&mut search, &wanted, goal);
        let done = if search.doors().is_empty() && matches!(goal, Goal::CheapestBy(_)) {
            // It is looked for again without a deadline.
            Err(NoRoute::Hindered)
        } else if search.doors().is_empty() {
            let finds = |relaxed: &Cargo| {
                run(&mut search, relaxed, Goal::Earliest);
                !search.doors().is_empty()
            };
            Err(self.why_not(ask, &wanted, finds))
        } else {
            read(&Found {
                doors: search.doors(),
                passed_over: search.passed_over(),
                times: *times,
                origins: &origins,
                gateways: &gateways,
                timetable: &timetable,
            })
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(search);
        done
    }

    /// What alone stands in the way, if it is one thing: without it there would be a way.
    fn why_not(&self, ask: &Ask, cargo: &Cargo, mut finds: impl FnMut(&Cargo) -> bool) -> NoRoute {
        let horizon_days = self.settings.horizon_days;
        let light = Cargo { weight: Grams(0), volume_cm3: 0, takes_any_room: true, ..*cargo };
        if finds(&Cargo { takes_any_room: true, ..*cargo }) {
            NoRoute::Full { horizon_days }
        } else if finds(&Cargo { goods: &[], ..*cargo }) {
            let goods: Vec<_> = ask.goods.iter().map(|goods| goods.un.to_string()).collect();
            NoRoute::GoodsNotTaken { goods: goods.join(", ") }
        } else if finds(&Cargo { piece: Grams(0), ..*cargo }) {
            NoRoute::PieceTooHeavy { weight_grams: ask.piece.0 }
        } else if finds(&light) {
            NoRoute::TooLarge { weight_grams: ask.weight.0, volume_cm3: ask.volume_cm3 }
        } else if finds(&Cargo { goods: &[], piece: Grams(0), ..light }) {
            NoRoute::Hindered
        } else {
            NoRoute::NoDeparture { horizon_days, clearance: ask.clearance }
        }
    }

    /// The hubs that a way may begin at, with the road to each.
    fn origins(&self, ask: &Ask) -> Result<Measured, NoRoute> {
        match &ask.start {
            Start::Hub { code, .. } => {
                let hub = self.network.hub_index(code).ok_or_else(|| NoRoute::NoSuchHub(code.clone()))?;
                Ok(Arc::new([(hub as u32, 0)]))
            }
            Start::Pickup { point, country, .. } => {
                let most = self.settings.origin_hubs_max;
                let origins = self.distances.origin_hubs(&self.network, *point, *country, most);
                if origins.is_empty() { Err(NoRoute::NoOriginHub(*country)) } else { Ok(origins) }
            }
        }
    }

    fn start(&self, ask: &Ask, times: &Times, index: usize, (hub, micrometres): (u32, u64)) -> Label {
        let hub = hub as usize;
        let Start::Pickup { country, .. } = &ask.start else {
            return Label::start(index, hub, times.start_at.timestamp_micros(), 0, 0);
        };
        let road = self.first_mile(*country);
        let received_at = later(times.start_at, TimeDelta::minutes(road.minutes(micrometres)));
        let ready_at = self.network.ready_at_index(hub, received_at).timestamp_micros();
        let cost = road.cost(micrometres, ask.chargeable);
        Label::start(index, hub, ready_at, cost, road.co2e(micrometres, ask.weight))
    }

    fn last_mile(&self, ask: &Ask, gateways: &[(u32, u64)], gateway: usize) -> LastMile {
        let micrometres = distance_to(gateways, gateway);
        let road = self.last_mile_road(gateway);
        LastMile {
            micros: road.minutes(micrometres) * 60_000_000,
            cost: road.cost(micrometres, ask.chargeable),
            co2e: road.co2e(micrometres, ask.weight),
        }
    }

    pub(super) fn first_mile(&self, country: Country) -> &Road {
        self.first_miles.get(&country).unwrap_or(&self.first_mile)
    }

    pub(super) fn last_mile_road(&self, gateway: usize) -> &Road {
        &self.last_miles[gateway]
    }
}

fn cargo(ask: &Ask) -> Cargo<'_> {
    Cargo {
        clearance: ask.clearance,
        weight: ask.weight,
        volume_cm3: ask.volume_cm3,
        piece: ask.piece,
        chargeable: ask.chargeable,
        goods: &ask.goods,
        takes_any_room: false,
    }
}

/// Of hubs in the order of their indexes.
pub(super) fn distance_to(measured: &[(u32, u64)], hub: usize) -> u64 {
    let found = measured.binary_search_by_key(&hub, |(index, _)| *index as usize);
    found.map_or(0, |place| measured[place].1)
}
