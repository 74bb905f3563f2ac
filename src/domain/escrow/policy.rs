//! When a merchant may be paid.

use serde::{Deserialize, Serialize};

use super::super::event::DeliveredTo;
use super::super::text::words;

words! {
    ReleaseMode {
        /// As soon as the last parcel is delivered.
        OnDelivery = "on_delivery",
        /// When the buyer has had so many days to object, or says earlier that all is well.
        AfterWindow = "after_window",
    }
}

words! {
    /// What is released at once.
    ReleaseBy {
        /// All of it, when everything is there.
        Order = "order",
        /// Each parcel's share, when that parcel is there.
        Parcel = "parcel",
    }
}

/// In JSON all but `release` may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct ReleasePolicy {
    pub release: ReleaseMode,
    /// The window, for those who wait for it.
    pub days: u32,
    /// Nothing is released earlier than so long after delivery.
    pub dwell_minutes: u32,
    /// Kinds of `delivered` that wait for the window whatever `release` says.
    pub wait_for_window: Vec<DeliveredTo>,
    pub release_by: ReleaseBy,
}

impl ReleasePolicy {
    pub const DAYS: u32 = 10;
    /// The longest protection that a marketplace of ours gives (AliExpress).
    pub const DAYS_MAX: u32 = 60;
    /// By how much a buyer can extend, once.
    pub const EXTENSION_DAYS_MAX: u32 = 10;
    pub const DWELL_MINUTES_MAX: u32 = 30 * 24 * 60;
}

impl Default for ReleasePolicy {
    fn default() -> Self {
        Self {
            release: ReleaseMode::OnDelivery,
            days: Self::DAYS,
            dwell_minutes: 0,
            wait_for_window: Vec::new(),
            release_by: ReleaseBy::Order,
        }
    }
}

/// Evidence of old has a policy's name alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Name(ReleaseMode),
    Whole {
        release: ReleaseMode,
        #[serde(default = "days")]
        days: u32,
        #[serde(default)]
        dwell_minutes: u32,
        #[serde(default)]
        wait_for_window: Vec<DeliveredTo>,
        #[serde(default = "by_order")]
        release_by: ReleaseBy,
    },
}

fn days() -> u32 {
    ReleasePolicy::DAYS
}

fn by_order() -> ReleaseBy {
    ReleaseBy::Order
}

impl From<Written> for ReleasePolicy {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(release) => Self { release, ..Self::default() },
            Written::Whole { release, days, dwell_minutes, wait_for_window, release_by } => {
                Self { release, days, dwell_minutes, wait_for_window, release_by }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_from_its_name_and_from_what_is_said_of_it() {
        let read = |text: &str| serde_json::from_str::<ReleasePolicy>(text).expect("a policy");
        assert_eq!(read("\"on_delivery\""), ReleasePolicy::default());
        assert_eq!(read("{\"release\":\"on_delivery\"}"), ReleasePolicy::default());
        let whole = ReleasePolicy {
            release: ReleaseMode::AfterWindow,
            days: 15,
            dwell_minutes: 90,
            wait_for_window: vec![DeliveredTo::Locker],
            release_by: ReleaseBy::Parcel,
        };
        let text = serde_json::to_string(&whole).expect("JSON");
        assert_eq!(read(&text), whole);
    }
}
