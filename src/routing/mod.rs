//! The way of a shipment: first mile, origin hub, line-haul, gateway, last mile.
//!
//! # Promise
//! Of all ways there are, a [`Planner`] finds every one that no other beats in arrival, cost and emissions, and
//! nothing else: the exact Pareto set. `express` takes its earliest arrival, be it after the promise;
//! `standard` and `economy` the cheapest within their promised days; of equals the one with fewer
//! lanes, then the first lane ids. The same network, bookings and question have the same
//! answer on every machine. A plan says why it was chosen, how the others differ, and what was
//! passed over; a refusal says what is missing.
//!
//! # Model
//! - *Start*: the clock starts when the pickup window ends, or now where that is past; the service's
//!   promise is counted from there. Goods on the way start in the hub they are in, or come to.
//! - *First mile*: by road to an origin hub of the same country, or of another member of the European
//!   Union where both are in it. Hours: detour × geodesic km / speed. Cost: fixed + per km ×
//!   detour × km + per kg × chargeable kg. As configured, by country.
//! - *Hub*: what is received later than the local cut-off counts as received at the next local
//!   midnight, is ready after the hub's handling time, and boards any departure from then on. What comes
//!   to a closed hub counts as received when it opens, and what is ready while it is closed leaves when
//!   it opens. Closures have two ends, holidays are a hub's local days.
//! - *Line-haul*: one to [`LINE_HAULS_MAX`] lanes over origin hubs to a gateway that supports the
//!   customs regime. A lane leaves weekly at a local time, but for cancelled and extra departures; what
//!   would leave a closed hub does not. A local time that does not exist moves forward by the gap, one
//!   that exists twice is the first. Cost: per kg × chargeable kg + fixed × chargeable kg / capacity kg.
//! - *Room*: a departure with too little left for the weight or the volume is passed over, as are lanes
//!   that do not take the dangerous goods or the heaviest piece.
//! - *Gateway*: as a hub, its handling time being that of customs; then *last mile* by road.
//! - *Weights*: a parcel is charged for the larger of its weight and its volume (6,000 cm³ are a kilogram),
//!   a shipment for the sum; emissions are grams a tonne-kilometre of the actual weight by mode.
//! - *Rounding*: each leg's duration up to the minute, its cost half up to a millionth of a dollar, its
//!   emissions half up to a milligram, and nothing else; compared so, shown in cents and grams.
//!
//! # Invariants
//! - Waiting never makes anything earlier: a hub, a lane and a road each deliver no earlier what
//!   they were given later. The search leans on it, and the tests check it.
//! - Legs follow each other in place and in time, and their costs and emissions add up to the way's.
//! - No leg leaves later than the horizon, none leaves with more on it than was known to fit.
//!
//! # Deliberately absent
//! Reserving: what is booked is looked at, and the database decides who gets the room. Sailings that are no
//! weekly ones, real road distances, onward lanes out of gateways. No clock, no dice, no database:
//! `now` is an argument. What a planner remembers (timetables, distances) changes no answer.

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
