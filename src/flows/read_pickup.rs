//! From the body of a pickup request to what it asks of the planner. Reads and decides, and nothing else.

use serde_json::Value;

use crate::customs;
use crate::domain::instant::Instant;
use crate::domain::quantity::{Chargeable, Grams};
use crate::escrow::webhook;
use crate::geography::{Atlas, Located};
use crate::intake::{self, Declared, FieldError, Known, Nowhere, PickupRequest, Unfit};
use crate::routing::{Ask, Start};

/// Reads a body, or says all that is wrong with it.
pub fn read(json: &Value, now: Instant) -> Result<PickupRequest, Vec<FieldError>> {
    let atlas = Atlas::embedded();
    let known = Known {
        now,
        providers: &[webhook::NAME],
        address: &|address| match atlas.locate(address) {
            Ok(_) => Ok(()),
            Err(error) => Err(Nowhere { field: error.field(), detail: error.to_string() }),
        },
        division: &|division| atlas.division(division).is_some(),
        goods: &|declared| match declared {
            Declared::Goods { hs_code, clearance } => customs::screen(hs_code, clearance)
                .map_err(|refusal| Unfit { field: "hs_code", detail: refusal.to_string() }),
            Declared::Dangerous { un, class } => customs::check(un, class)
                .map_err(|mismatch| Unfit { field: mismatch.field(), detail: mismatch.to_string() }),
        },
    };
    intake::read(json, &known)
}

/// What a request asks of the planner, and where its pickup is.
pub fn ask(request: &PickupRequest) -> Result<(Located, Ask), Vec<FieldError>> {
    let atlas = Atlas::embedded();
    let address = &request.pickup.address;
    // Reading the request has found both; the same atlas does not lose them.
    let nowhere = |field: &str| {
        let pointer = format!("/{field}");
        vec![FieldError { pointer, detail: "is nowhere".to_owned() }]
    };
    let located = atlas.locate(address).map_err(|_| nowhere("pickup/address"))?;
    let division = atlas.division(request.consignee.division).ok_or_else(|| nowhere("consignee/division"))?;
    let parcels = &request.parcels;
    let weight: u64 = parcels.iter().map(|parcel| u64::from(parcel.weight.0)).sum();
    let ask = Ask {
        start: Start::Pickup { point: located.point, country: address.country, until: request.pickup.until },
        consignee: division.point,
        service: request.service,
        clearance: request.clearance,
        weight: Grams(u32::try_from(weight).unwrap_or(u32::MAX)),
        volume_cm3: parcels.iter().map(|parcel| parcel.size.cubic_cm()).sum(),
        piece: parcels.iter().map(|parcel| parcel.weight).max().unwrap_or(Grams(0)),
        chargeable: parcels.iter().map(|parcel| Chargeable::of(parcel.weight, parcel.size)).sum(),
        goods: customs::carriage(parcels.iter().flat_map(|parcel| &parcel.items)),
    };
    Ok((located, ask))
}
