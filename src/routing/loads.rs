//! Timetables in use, and what is booked on their departures.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{NaiveDate, TimeDelta};

use super::network::Network;
use super::timetable::{Load, Timetable};
use crate::domain::network::DepartureId;

/// Weeks of starts that are kept: nearly all plans start in this one or the next.
const WEEKS_MAX: usize = 8;

pub struct Loads {
    horizon: TimeDelta,
    /// What was told, whether a timetable has the departure or not.
    booked: RwLock<HashMap<DepartureId, Load>>,
    weeks: RwLock<Vec<(i64, Arc<Timetable>)>>,
}

impl Loads {
    pub fn new(horizon: TimeDelta) -> Loads {
        Loads { horizon, booked: RwLock::default(), weeks: RwLock::default() }
    }

    pub fn get(&self, departure: &DepartureId) -> Load {
        let booked = self.booked.read().unwrap_or_else(PoisonError::into_inner);
        booked.get(departure).copied().unwrap_or_default()
    }

    pub fn set(&self, network: &Network, departure: &DepartureId, load: Load) {
        // Held until the timetables know it too: one that is being made reads this first or is told below.
        let mut booked = self.booked.write().unwrap_or_else(PoisonError::into_inner);
        if load == Load::default() {
            booked.remove(departure);
        } else {
            booked.insert(departure.clone(), load);
        }
        if let Some(lane) = network.lane_index(&departure.lane) {
            for (_, timetable) in self.weeks.read().unwrap_or_else(PoisonError::into_inner).iter() {
                timetable.set_load(lane, departure.date, load);
            }
        }
    }

    /// Forgets what nobody plans on any more.
    pub fn forget_before(&self, date: NaiveDate) {
        self.booked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|departure, _| departure.date >= date);
    }

    /// The timetable for starts within `week`, made if nobody has asked for it lately.
    pub fn timetable(&self, network: &Network, week: i64) -> Arc<Timetable> {
        let find = |weeks: &[(i64, Arc<Timetable>)]| {
            weeks.iter().find(|(known, _)| *known == week).map(|(_, timetable)| Arc::clone(timetable))
        };
        if let Some(known) = find(&self.weeks.read().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        let made = Timetable::build(network, week, self.horizon);
        let booked = self.booked.read().unwrap_or_else(PoisonError::into_inner);
        let mut weeks = self.weeks.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = find(&weeks) {
            return known;
        }
        for (departure, load) in booked.iter() {
            if let Some(lane) = network.lane_index(&departure.lane) {
                made.set_load(lane, departure.date, *load);
            }
        }
        if weeks.len() == WEEKS_MAX {
            // The week that nearly everybody plans in is the earliest but for questions about the past, so
            // that what is farthest ahead goes.
            let last = weeks.iter().enumerate().max_by_key(|(_, (week, _))| *week);
            let farthest = last.map_or(0, |(place, _)| place);
            weeks.swap_remove(farthest);
        }
        let made = Arc::new(made);
        weeks.push((week, Arc::clone(&made)));
        made
    }
}
