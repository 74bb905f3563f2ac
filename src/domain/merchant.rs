//! What we know of a merchant's standing.

use super::text::words;

words! {
    Verification {
        /// May ask for pickups.
        Verified = "verified",
        /// May not: a person has to look first.
        Suspended = "suspended",
    }
}
