//! Minutes on the clock of the consignee's place, which is what deliveries go by.

use serde::{Deserialize, Serialize};

pub const DAY: i32 = 24 * 60;

/// Minutes since a Monday's midnight at the destination, as its clocks show them.
///
/// Whoever has an instant adds the offset of the zone that is in force then. An hour that a change of
/// clocks repeats or leaves out is of no account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalMinute(pub i32);

impl LocalMinute {
    pub fn plus(self, minutes: i32) -> LocalMinute {
        LocalMinute(self.0.saturating_add(minutes))
    }

    pub fn since(self, earlier: LocalMinute) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day it is in, counted from the first Monday.
    pub fn day(self) -> i32 {
        self.0.div_euclid(DAY)
    }

    pub fn midnight(self) -> LocalMinute {
        LocalMinute(self.day().saturating_mul(DAY))
    }

    /// Minutes since midnight.
    pub fn clock(self) -> i32 {
        self.0.rem_euclid(DAY)
    }

    /// 0 is the first day of the week.
    pub fn weekday(self) -> usize {
        self.day().rem_euclid(7) as usize
    }
}
