//! What a merchant buys: how fast, and under which customs regime.

use super::text::words;

words! {
    /// How fast, and what may be weighed against it: `express` takes the earliest
    /// arrival, be it after the promise, the others the cheapest way that keeps their promise.
    Service { Express = "express", Standard = "standard", Economy = "economy" }
}

words! {
    /// The customs regime a shipment enters China under. A gateway supports some of them.
    Clearance {
        /// Cross-border e-commerce, direct from abroad.
        B2cDirect = "9610",
        /// Cross-border e-commerce out of a bonded warehouse.
        B2cBonded = "1210",
        /// Personal articles by express.
        Express = "express",
        /// Personal articles by post.
        Postal = "postal",
    }
}
