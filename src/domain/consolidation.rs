//! What is put together at a cut-off, as everybody speaks of it.

use chrono::TimeDelta;

use super::instant::Instant;
use super::text::words;

words! {
    /// How far a consolidation is.
    ConsolidationState {
        /// In its bags, at the hub it leaves or on the way.
        Packed = "packed",
        /// At its end somebody has begun to take parcels out.
        Opened = "opened",
        /// Nothing of it is left to be seen there.
        Settled = "settled",
        /// Its departure did not leave: the parcels are where they were.
        Dissolved = "dissolved",
    }
}

words! {
    /// How a parcel stands to a consolidation it is or was in. It is packed in one at most.
    MemberState {
        Packed = "packed",
        /// Seen by itself at the other end.
        Unpacked = "unpacked",
        /// Taken out before the departure left.
        Removed = "removed",
    }
}

/// How it stands with parcels of a consolidation that are in their bags by the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nobody could have seen them yet.
    InTime,
    /// Others came out of it, and these did not.
    Missing,
    /// They are missing, and there was time enough to find them.
    Overdue,
}

/// From the first parcel on that is taken out of a consolidation the others are missing. Of what nobody ever
/// opened, because nothing of it arrived, everything is missing once it should long have been there.
pub fn expected(
    opened_at: Option<Instant>,
    arrive_at: Instant,
    missing_after: TimeDelta,
    now: Instant,
) -> Expected {
    let is_over = opened_at.unwrap_or(arrive_at) + missing_after <= now;
    match (is_over, opened_at) {
        (true, _) => Expected::Overdue,
        (false, Some(_)) => Expected::Missing,
        (false, None) => Expected::InTime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_opened_is_missing_when_it_should_long_have_been_there() {
        let at = |hour: u32| format!("2026-03-02T{hour:02}:00:00Z").parse::<Instant>().expect("an instant");
        let day =
            |opened: Option<u32>, now: u32| expected(opened.map(at), at(8), TimeDelta::hours(6), at(now));
        assert_eq!([day(None, 7), day(None, 13)], [Expected::InTime; 2]);
        assert_eq!(day(None, 14), Expected::Overdue);
        assert_eq!(day(Some(13), 13), Expected::Missing);
        assert_eq!([day(Some(13), 18), day(Some(13), 19)], [Expected::Missing, Expected::Overdue]);
        assert_eq!(day(Some(7), 13), Expected::Overdue, "it came early");
    }
}
