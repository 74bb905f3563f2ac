//! The way of a shipment: first mile, origin hub, line-haul, gateway, last mile.
//!
//! # Promise
//! [`plan`] finds, in a [`Network`] of hubs and weekly lanes, the earliest arrival for `express`,
//! be it after the promise, and the cheapest arrival within the promise for `standard` and `economy`.
//! Both are exact, not heuristics, and the same question has the same answer on every machine. A plan
//! says why it was chosen, whether it is late, and why the best other ways were not chosen; a refusal
//! says what is missing.
//!
//! # Model
//! - The clock starts when the pickup window ends, or now where that is past; the service's
//!   promise is counted from there.
//! - *First mile*: by road to one of the nearest origin hubs of the same country, or of another
//!   member of the European Union where both are in it.
//! - *Hub*: what is received later than the local cut-off counts as received at the next local
//!   midnight, is ready after the hub's handling time, and boards any departure from then on.
//! - *Line-haul*: one to [`LINE_HAULS_MAX`] lanes over origin hubs to a gateway that supports the
//!   customs regime. A lane leaves weekly at a local time; daylight saving is kept to.
//! - *Gateway*: as a hub, its handling time being that of customs; then *last mile* by road.
//! - Durations are rounded up to the minute, distances to the metre, the cost of each leg half up
//!   to a millionth of a dollar, so that a plan can be worked out again by hand.
//!
//! # Invariants
//! - Waiting never makes anything earlier: a hub, a lane and a road each deliver no earlier what
//!   they were given later. The search leans on it, and the tests check it.
//! - Legs follow each other in place and in time, and their costs add up to the plan's.
//! - No leg leaves later than the horizon, no lane is used whose empty departure is too small.
//!
//! # Deliberately absent
//! What a departure already carries (who reserves its capacity decides), closures and holidays,
//! dangerous goods, CO₂, sailings that are no weekly ones, real road distances. Pure: no clock, no
//! dice, no database; `now` is an argument.

mod ask;
mod closed;
mod cost;
mod distances;
mod hub_time;
mod loads;
mod network;
mod network_file;
mod planner;
mod reasons;
mod schedule;
mod search;
mod timetable;
mod union;
mod write_down;

#[cfg(test)]
mod tests;

pub use ask::{Ask, NoRoute, Start};
pub use network::{BadNetwork, Network};
pub use network_file::{NetworkFiles, RowError, read};
pub use planner::{Planned, Planner};
pub use schedule::Departure;
pub use search::LINE_HAULS_MAX;
pub use timetable::Load;
