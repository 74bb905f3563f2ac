//! Who sends and who receives. Personal data: never logged, never on a public page.
//!
//! `Debug` tells nothing of what is inside, so that no log line or error can.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::instant::Instant;
use super::place::{Country, Division, Point};

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub country: Country,
    pub region: String,
    pub city: String,
    pub postal_code: String,
    pub lines: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Point>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub name: String,
    pub phone: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consignee {
    pub name: String,
    pub phone: String,
    pub division: Division,
    pub lines: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub postal_code: Option<String>,
}

/// Where and when to collect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pickup {
    pub address: Address,
    pub contact: Contact,
    pub from: Instant,
    pub until: Instant,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}, …)", self.country)
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(…)")
    }
}

impl fmt::Debug for Consignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consignee({}, …)", self.division)
    }
}
