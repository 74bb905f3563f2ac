//! What is inside a parcel, as the merchant declares it.

use serde::{Deserialize, Serialize};

use super::dangerous::UnNumber;
use super::money::Money;
use super::place::Country;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DangerousGoods {
    pub un: UnNumber,
    /// `9`, `3`, `2.1`
    pub class: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub description: String,
    pub hs_code: String,
    pub quantity: u32,
    pub unit_price: Money,
    pub origin: Country,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dangerous_goods: Option<DangerousGoods>,
}

impl Item {
    /// In minor units of its own currency.
    pub fn worth_minor(&self) -> u64 {
        self.unit_price.minor.unsigned_abs().saturating_mul(u64::from(self.quantity))
    }
}
