//! What is put together at a cut-off, as everybody speaks of it.

use super::text::words;

words! {
    /// How far a consolidation is.
    ConsolidationState {
        /// In its bags, at the hub it leaves or on the way.
        Packed = "packed",
        /// At its end somebody has begun to take parcels out.
        Opened = "opened",
        /// Every parcel of it was seen there.
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
