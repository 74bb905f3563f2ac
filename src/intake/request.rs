//! The body of a pickup request.

use std::collections::HashSet;

use chrono::DateTime;
use serde_json::Value;

use super::escrow::read_policy;
use super::reading::{Errors, FieldError, Object};
use crate::domain::contact::{Address, Consignee, Contact, Pickup};
use crate::domain::dangerous::UnNumber;
use crate::domain::escrow::ReleasePolicy;
use crate::domain::goods::{DangerousGoods, Item};
use crate::domain::instant::{Instant, cut};
use crate::domain::money::{Currency, Money};
use crate::domain::place::{Division, Point};
use crate::domain::quantity::{Grams, SizeMm};
use crate::domain::service::{Clearance, Service};

/// What the buyer paid, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub provider: String,
    /// The provider's trade number.
    pub reference: String,
    pub held: Money,
    /// How it is released; none: as the merchant has it.
    pub policy: Option<ReleasePolicy>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewParcel {
    pub reference: String,
    pub weight: Grams,
    pub size: SizeMm,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PickupRequest {
    pub reference: String,
    pub pickup: Pickup,
    pub consignee: Consignee,
    pub service: Service,
    pub clearance: Clearance,
    pub payment: Payment,
    pub parcels: Vec<NewParcel>,
}

const PARCELS_MAX: usize = 100;
const ITEMS_MAX: usize = 200;
/// Beyond a tonne it is freight with its own handling.
const WEIGHT_GRAMS_MAX: u32 = 1_000_000;
/// The longer side of a 125 in pallet (PMC): what is longer fits on no unit of the network.
const SIDE_MM_MAX: u32 = 3_175;
const WINDOW_DAYS_MAX: i64 = 14;
/// A window that is over is planned from now, since the request may have been long on its
/// way; one that is over for so long is a mistake.
const BACK_DAYS_MAX: i64 = 366;
/// Nobody knows a timetable of so far ahead.
const AHEAD_DAYS_MAX: i64 = 5 * 366;

/// An address that cannot be found: which of its fields is at fault, and why.
pub struct Nowhere {
    pub field: &'static str,
    pub detail: String,
}

/// What of an item decides whether it is taken; none where it could not be read.
pub enum Declared<'d> {
    Goods { hs_code: &'d str, clearance: Option<Clearance> },
    Dangerous { un: UnNumber, class: Option<&'d str> },
}

/// What is not taken as declared: which field is at fault, and why.
pub struct Unfit {
    pub field: &'static str,
    pub detail: String,
}

/// What a request is held against, beyond its own form.
pub struct Known<'k> {
    pub now: Instant,
    /// The escrow providers that can be named.
    pub providers: &'k [&'k str],
    /// Whether a payment can be one that its provider holds: by whom, under which reference, how much.
    pub payment: &'k dyn Fn(&str, &str, Money) -> Result<(), Unfit>,
    pub address: &'k dyn Fn(&Address) -> Result<(), Nowhere>,
    pub division: &'k dyn Fn(Division) -> bool,
    pub goods: &'k dyn Fn(Declared) -> Result<(), Unfit>,
}

/// An item's surroundings.
struct Within<'w> {
    known: &'w Known<'w>,
    clearance: Option<Clearance>,
    errors: &'w Errors,
}

impl Within<'_> {
    fn screen(&self, object: &Object, declared: Declared) {
        if let Err(Unfit { field, detail }) = (self.known.goods)(declared) {
            self.errors.add(&object.at(field), detail);
        }
    }
}

/// Reads a body, or says all that is wrong with it.
pub fn read(body: &Value, known: &Known) -> Result<PickupRequest, Vec<FieldError>> {
    let errors = Errors::default();
    let request = Object::new(body, String::new(), &errors).and_then(|body| request(&body, known));
    errors.check(request)
}

fn request(body: &Object, known: &Known) -> Option<PickupRequest> {
    // Everything is read before anything is given up, so that no mistake hides another.
    let reference = body.text("reference", 1..=64);
    let pickup = body.object("pickup").and_then(|pickup| read_pickup(&pickup, known));
    let consignee = body.object("consignee").and_then(|consignee| read_consignee(&consignee, known));
    let service = body.parsed("service");
    let clearance = body.parsed("clearance");
    let payment = body.object("payment").and_then(|payment| read_payment(&payment, known));
    let parcels = body.array("parcels", 1..=PARCELS_MAX).and_then(|parcels| {
        no_reference_twice(&parcels, body.errors());
        let within = Within { known, clearance, errors: body.errors() };
        let parcels: Vec<_> =
            parcels.into_iter().map(|(at, value)| read_parcel(at, value, &within)).collect();
        parcels.into_iter().collect::<Option<Vec<_>>>()
    });
    Some(PickupRequest {
        reference: reference?,
        pickup: pickup?,
        consignee: consignee?,
        service: service?,
        clearance: clearance?,
        payment: payment?,
        parcels: parcels?,
    })
}

/// Looks at what came, so that a parcel with other mistakes is compared as well.
fn no_reference_twice(parcels: &[(String, &Value)], errors: &Errors) {
    let reference =
        |(_, parcel): &(String, &Value)| parcel["reference"].as_str().map(str::trim).map(str::to_owned);
    let mut seen = HashSet::new();
    for (parcel, reference) in parcels.iter().zip(parcels.iter().map(reference)) {
        let Some(reference) = reference else { continue };
        let detail = format!("{reference:?} is another parcel of this request");
        if !seen.insert(reference) {
            errors.add(&format!("{}/reference", parcel.0), detail);
        }
    }
}

fn read_pickup(pickup: &Object, known: &Known) -> Option<Pickup> {
    let address = pickup.object("address").and_then(|address| read_address(&address, known));
    let contact = pickup.object("contact").and_then(|contact| {
        let name = contact.text("name", 1..=100);
        let phone = read_phone(&contact);
        Some(Contact { name: name?, phone: phone? })
    });
    let (from, until) = (read_instant(pickup, "from"), read_instant(pickup, "until"));
    if let (Some(from), Some(until)) = (from, until) {
        if until <= from {
            pickup.errors().add(&pickup.at("until"), "has to be later than from");
        } else if until - from > chrono::Duration::days(WINDOW_DAYS_MAX) {
            let detail = format!("a pickup window is at most {WINDOW_DAYS_MAX} days long");
            pickup.errors().add(&pickup.at("until"), detail);
        } else if until < known.now - chrono::Duration::days(BACK_DAYS_MAX) {
            let detail = format!("lies more than {BACK_DAYS_MAX} days back");
            pickup.errors().add(&pickup.at("until"), detail);
        } else if until > known.now + chrono::Duration::days(AHEAD_DAYS_MAX) {
            let detail = format!("lies more than {AHEAD_DAYS_MAX} days ahead");
            pickup.errors().add(&pickup.at("until"), detail);
        }
    }
    Some(Pickup { address: address?, contact: contact?, from: from?, until: until? })
}

pub(super) fn read_instant(object: &Object, name: &'static str) -> Option<Instant> {
    let text = object.text(name, 1..=40)?;
    let instant = DateTime::parse_from_rfc3339(&text);
    if instant.is_err() {
        object.errors().add(&object.at(name), "has to be a time such as 2026-03-02T14:00:00+08:00");
    }
    instant.ok().map(|instant| cut(instant.to_utc()))
}

fn read_address(address: &Object, known: &Known) -> Option<Address> {
    let country = address.parsed("country");
    let region = address.text_or_none("region", 0..=100);
    let city = address.text("city", 1..=100);
    let postal_code = address.text_or_none("postal_code", 0..=16);
    let lines = read_lines(address);
    let location = address.object_or_none("location").map(|location| location.and_then(|at| read_point(&at)));
    let read = Address {
        country: country?,
        region: region?.unwrap_or_default(),
        city: city?,
        postal_code: postal_code?.unwrap_or_default(),
        lines: lines?,
        location: location?,
    };
    if let Err(Nowhere { field, detail }) = (known.address)(&read) {
        address.errors().add(&address.at(field), detail);
    }
    Some(read)
}

fn read_point(location: &Object) -> Option<Point> {
    let (lat, lon) = (location.number("lat"), location.number("lon"));
    let point = Point::new(lat?, lon?);
    if let Err(error) = &point {
        let name = if matches!(error, crate::domain::place::BadPlace::Longitude(_)) { "lon" } else { "lat" };
        location.errors().add(&location.at(name), error);
    }
    point.ok()
}

fn read_lines(object: &Object) -> Option<Vec<String>> {
    let lines = object.array("lines", 1..=6)?;
    let read = |(at, value): (String, &Value)| match value.as_str().map(str::trim) {
        Some(line) if (1..=200).contains(&line.chars().count()) && !line.chars().any(char::is_control) => {
            Some(line.to_owned())
        }
        _ => {
            object.errors().add(&at, "has to be a string of 1 to 200 characters");
            None
        }
    };
    let lines: Vec<_> = lines.into_iter().map(read).collect();
    lines.into_iter().collect()
}

fn read_phone(object: &Object) -> Option<String> {
    let phone = object.text("phone", 5..=24)?;
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    let well_formed = phone.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c)) && digits >= 5;
    if !well_formed {
        object.errors().add(&object.at("phone"), "has to be digits, with + - ( ) and spaces at most");
    }
    Some(phone)
}

fn read_consignee(consignee: &Object, known: &Known) -> Option<Consignee> {
    let name = consignee.text("name", 1..=100);
    let phone = read_phone(consignee);
    let division = consignee.parsed("division");
    if let Some(division) = division.filter(|division| !(known.division)(*division)) {
        let detail = format!("{division} is not a division of China (GB/T 2260)");
        consignee.errors().add(&consignee.at("division"), detail);
    }
    let lines = read_lines(consignee);
    let postal_code = consignee.text_or_none("postal_code", 0..=16);
    Some(Consignee {
        name: name?,
        phone: phone?,
        division: division?,
        lines: lines?,
        postal_code: postal_code?.filter(|code| !code.is_empty()),
    })
}

/// An amount that is more than nothing.
fn read_money(object: &Object, amount: &'static str, currency: Option<Currency>) -> Option<Money> {
    let text = object.text(amount, 1..=40);
    let money = Money::parse(&text?, currency?);
    match money {
        Ok(money) if money.minor > 0 => Some(money),
        Ok(_) => {
            object.errors().add(&object.at(amount), "has to be more than 0");
            None
        }
        Err(error) => {
            object.errors().add(&object.at(amount), error);
            None
        }
    }
}

fn read_payment(payment: &Object, known: &Known) -> Option<Payment> {
    let provider = payment.text("provider", 1..=32);
    if let Some(provider) = &provider
        && !known.providers.contains(&provider.as_str())
    {
        let detail = format!("{provider:?} is not one of {}", known.providers.join(", "));
        payment.errors().add(&payment.at("provider"), detail);
    }
    let reference = payment.text("reference", 1..=64);
    let currency = payment.parsed("currency");
    let held = read_money(payment, "amount", currency);
    let policy = read_policy(payment);
    if let (Some(provider), Some(reference), Some(held)) = (&provider, &reference, held)
        && let Err(Unfit { field, detail }) = (known.payment)(provider, reference, held)
    {
        payment.errors().add(&payment.at(field), detail);
    }
    Some(Payment { provider: provider?, reference: reference?, held: held?, policy: policy? })
}

fn read_parcel(pointer: String, value: &Value, within: &Within) -> Option<NewParcel> {
    let parcel = Object::new(value, pointer, within.errors)?;
    let reference = parcel.text("reference", 1..=64);
    let weight = parcel.whole("weight_grams", 1..=WEIGHT_GRAMS_MAX);
    let size = parcel.array("size_mm", 3..=3).and_then(|sides| {
        let sides: Vec<_> =
            sides.iter().map(|(at, side)| parcel.as_whole(at, side, 1..=SIDE_MM_MAX)).collect();
        sides.into_iter().collect::<Option<Vec<u32>>>()?.try_into().ok()
    });
    let items = parcel.array("items", 1..=ITEMS_MAX).and_then(|items| {
        let items: Vec<_> = items.into_iter().map(|(at, value)| read_item(at, value, within)).collect();
        items.into_iter().collect::<Option<Vec<_>>>()
    });
    Some(NewParcel { reference: reference?, weight: Grams(weight?), size: SizeMm(size?), items: items? })
}

fn read_item(pointer: String, value: &Value, within: &Within) -> Option<Item> {
    let item = Object::new(value, pointer, within.errors)?;
    let sku = item.text("sku", 1..=64);
    let description = item.text("description", 1..=200);
    let hs_code = read_hs_code(&item, within);
    let quantity = item.whole("quantity", 1..=1_000_000);
    let currency = item.parsed("currency");
    let unit_price = read_money(&item, "unit_price", currency);
    let origin = item.parsed("origin");
    let dangerous_goods = item.object_or_none("dangerous_goods");
    let dangerous_goods =
        dangerous_goods.map(|goods| goods.and_then(|goods| read_dangerous_goods(&goods, within)));
    Some(Item {
        sku: sku?,
        description: description?,
        hs_code: hs_code?,
        quantity: quantity?,
        unit_price: unit_price?,
        origin: origin?,
        dangerous_goods: dangerous_goods?,
    })
}

fn read_hs_code(item: &Object, within: &Within) -> Option<String> {
    let code = item.text("hs_code", 6..=10)?;
    match code.bytes().all(|b| b.is_ascii_digit()) {
        true => within.screen(item, Declared::Goods { hs_code: &code, clearance: within.clearance }),
        false => within.errors.add(&item.at("hs_code"), "has to be 6 to 10 digits"),
    }
    Some(code)
}

fn read_dangerous_goods(goods: &Object, within: &Within) -> Option<DangerousGoods> {
    let un = goods.parsed("un");
    let class = goods.text("class", 1..=4);
    let un = un?;
    within.screen(goods, Declared::Dangerous { un, class: class.as_deref() });
    Some(DangerousGoods { un, class: class? })
}

#[cfg(test)]
mod tests;
