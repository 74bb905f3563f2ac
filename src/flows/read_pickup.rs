//! From the body of a pickup request to what it asks of the planner. Reads and decides, and nothing else.

use serde_json::Value;

use crate::customs;
use crate::domain::goods::Item;
use crate::domain::instant::Instant;
use crate::domain::place::Division;
use crate::domain::quantity::{Chargeable, Grams, SizeMm};
use crate::domain::service::{Clearance, Service};
use crate::escrow::provider::NotIts;
use crate::escrow::registry::Providers;
use crate::geography::{Atlas, Located};
use crate::intake::{self, Declared, FieldError, Known, NewParcel, Nowhere, PickupRequest, Unfit};
use crate::routing::{Ask, Start};

/// Reads a body, or says all that is wrong with it. `names`: whom a payment may be with; those of
/// `providers` say whether it can be theirs.
pub fn read(
    json: &Value,
    now: Instant,
    names: &[&str],
    providers: &Providers,
) -> Result<PickupRequest, Vec<FieldError>> {
    let atlas = Atlas::embedded();
    let known = Known {
        now,
        providers: names,
        payment: &|provider, reference, held| {
            let fits = providers.could_hold(provider, reference, held);
            fits.map_err(|NotIts { field, detail }| Unfit { field, detail })
        },
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

/// One parcel, as far as a way depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'p> {
    pub weight: Grams,
    pub size: SizeMm,
    pub items: &'p [Item],
}

/// What a request asks of the planner, and where its pickup is.
pub fn ask(request: &PickupRequest) -> Result<(Located, Ask), Vec<FieldError>> {
    let address = &request.pickup.address;
    // Reading the request has found both; the same atlas does not lose them.
    let nowhere = |field: &str| {
        let pointer = format!("/{field}");
        vec![FieldError { pointer, detail: "is nowhere".to_owned() }]
    };
    let located = Atlas::embedded().locate(address).map_err(|_| nowhere("pickup/address"))?;
    let until = request.pickup.until;
    let start = Start::Pickup { point: located.point, country: address.country, until, promised_by: None };
    let pieces = request.parcels.iter().map(|NewParcel { weight, size, items, .. }| Piece {
        weight: *weight,
        size: *size,
        items,
    });
    let ask = ask_from(start, request.consignee.division, request.service, request.clearance, pieces);
    Ok((located, ask.ok_or_else(|| nowhere("consignee/division"))?))
}

/// What `pieces` ask of the planner that go on from `start` together. None: the division is nowhere.
pub fn ask_from<'p>(
    start: Start,
    division: Division,
    service: Service,
    clearance: Clearance,
    pieces: impl Iterator<Item = Piece<'p>> + Clone,
) -> Option<Ask> {
    let consignee = Atlas::embedded().division(division)?.point;
    let weight: u64 = pieces.clone().map(|piece| u64::from(piece.weight.0)).sum();
    Some(Ask {
        start,
        consignee,
        service,
        clearance,
        weight: Grams(u32::try_from(weight).unwrap_or(u32::MAX)),
        volume_cm3: pieces.clone().map(|piece| piece.size.cubic_cm()).sum(),
        piece: pieces.clone().map(|piece| piece.weight).max().unwrap_or(Grams(0)),
        chargeable: pieces.clone().map(|piece| Chargeable::of(piece.weight, piece.size)).sum(),
        goods: customs::carriage(pieces.flat_map(|piece| piece.items)),
    })
}
