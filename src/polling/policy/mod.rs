//! When to look at a parcel next, under a budget of calls.
//!
//! Promise: calls go where the expected delay that a look removes is greatest. For each parcel there is an
//! index ([`index`]) that grows with the time since the last look, the faster the likelier something has
//! happened; a parcel is due when it reaches the [`Price`] of a call, which rises and falls so that the
//! calls there are are used, and none more. [`next_look`] is a pure function of the [`Model`], the
//! [`Parcel`], the price and `now`; the same input gives the same plan.
//!
//! How it learns: of each class and stage the latest thousand stays are kept with the minute at which each
//! began, the next scan and the delivery. What a parcel will do is read off those that came at about the
//! same time of the day and had shown nothing new for as long; few of them are filled up with those of
//! other hours, then of other classes, then with a guess, each as far as its number bears out. So the hours
//! of delivery, missing scans and lanes are learnt and nothing is fitted, no outlier weighs more than one,
//! and lead times that change are forgotten within weeks. Weekdays and promised days count as far as they
//! made a difference. Stays count as soon as they end, also those of parcels still on their way.
//!
//! Absent on purpose: clocks and zones (all times are the destination's, [`LocalMinute`]), holidays, what
//! one parcel says of another, and correlation of a parcel's own stages.

mod calendar;
mod index;
mod local_time;
mod model;
mod outlook;
mod parcels;
mod planner;
mod price;
mod queue;
mod samples;

pub use index::{Bounds, index, next_look};
pub use local_time::{DAY, LocalMinute};
pub use model::{Class, Guess, History, Model, Scan, Stage};
pub use outlook::Parcel;
pub use planner::{NotTaken, Planner};
pub use price::{Price, Quota};
pub use queue::SLOT;
