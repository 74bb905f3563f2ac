//! Ids: a three-letter prefix that says what is meant, then a UUIDv7 in Crockford's
//! base 32, so `shp_01kb2m3z8te2gt8d1v6q8h4x5n`. They sort by the time of their making.
//!
//! A parcel's id is its shipment's with a number behind (`pcl_01kb…-2`): whoever holds
//! a label can find the shipment without an index, and everything that belongs to one
//! shipment can live on one shard.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::text::serde_as_text;

/// Crockford's alphabet: no i, l, o or u, so that a label can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED_LENGTH: usize = 26;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not an id of the form {prefix}_…")]
pub struct BadId {
    pub found: String,
    pub prefix: &'static str,
}

fn encode(value: u128) -> [u8; ENCODED_LENGTH] {
    std::array::from_fn(|i| {
        let shift = 5 * (ENCODED_LENGTH - 1 - i);
        ALPHABET[(value >> shift) as usize & 31]
    })
}

/// One spelling per value: capitals, look-alikes and an overflowing first digit are refused.
fn decode(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != ENCODED_LENGTH || bytes[0] > b'7' {
        return None;
    }
    bytes.iter().try_fold(0, |value: u128, byte| {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        Some(value << 5 | digit as u128)
    })
}

fn bad_id(found: &str, prefix: &'static str) -> BadId {
    BadId { found: found.chars().take(48).collect(), prefix }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = encode(self.0.as_u128());
                write!(f, "{}_{}", $prefix, digits.escape_ascii())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(|value| Self(Uuid::from_u128(value)))
                    .ok_or_else(|| bad_id(text, $prefix))
            }
        }

        serde_as_text!($name);
    )+};
}

ids! {
    MerchantId = "mer",
    OrderId = "ord",
    ShipmentId = "shp",
    PlanId = "pln",
    ClosureId = "cls",
    ConsolidationId = "con",
    DisputeId = "dsp",
    /// Also the idempotency key under which the escrow provider sees the trigger.
    TriggerId = "trg",
    /// Where a merchant wants to be told.
    WebhookId = "whk",
    /// What a merchant is told, under the same id however often it is sent.
    MessageId = "msg",
}

/// A parcel of a shipment, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParcelId {
    pub shipment: ShipmentId,
    pub number: u16,
}

impl ParcelId {
    pub const PREFIX: &'static str = "pcl";
}

impl fmt::Display for ParcelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = encode(self.shipment.uuid().as_u128());
        write!(f, "pcl_{}-{}", digits.escape_ascii(), self.number)
    }
}

impl fmt::Debug for ParcelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ParcelId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let parse = || {
            let (digits, number) = text.strip_prefix("pcl_")?.split_once('-')?;
            let well_written = !number.starts_with(['0', '+']);
            let number = number.parse().ok().filter(|_| well_written)?;
            let shipment = ShipmentId::from_uuid(Uuid::from_u128(decode(digits)?));
            Some(ParcelId { shipment, number })
        };
        parse().ok_or_else(|| bad_id(text, Self::PREFIX))
    }
}

serde_as_text!(ParcelId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_read_back_as_it_was_written(value: u128, number in 1_u16..) {
            let shipment = ShipmentId::from_uuid(Uuid::from_u128(value));
            prop_assert_eq!(shipment.to_string().parse(), Ok(shipment));
            let parcel = ParcelId { shipment, number };
            prop_assert_eq!(parcel.to_string().parse(), Ok(parcel));
        }

        #[test]
        fn ids_sort_as_their_values_do(a: u128, b: u128) {
            let text = |value| ShipmentId::from_uuid(Uuid::from_u128(value)).to_string();
            prop_assert_eq!(text(a).cmp(&text(b)), a.cmp(&b));
        }
    }

    #[test]
    fn other_spellings_of_an_id_are_refused() {
        let id = ShipmentId::from_uuid(Uuid::from_u128(42)).to_string();
        assert!(id.parse::<ShipmentId>().is_ok());
        assert!(id.to_uppercase().parse::<ShipmentId>().is_err());
        assert!(id.replace("shp_", "mer_").parse::<ShipmentId>().is_err());
        assert!(format!("shp_8{}", "0".repeat(25)).parse::<ShipmentId>().is_err());
        for number in ["0", "01", "+1", "65536", "", "x"] {
            let parcel = format!("{}-{number}", id.replace("shp_", "pcl_"));
            assert!(parcel.parse::<ParcelId>().is_err(), "{parcel}");
        }
    }
}
