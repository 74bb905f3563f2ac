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

words! {
    /// How a buyer shows that it is the buyer.
    BuyerProof {
        /// A code that the merchant passes on.
        Code = "code",
        /// The last four digits of the consignee's telephone number.
        Phone = "phone",
    }
}
