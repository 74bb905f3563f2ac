//! One checkpoint of AfterShip's: what its tags and its text come to, when and where it was.

use std::sync::LazyLock;

use super::wire::Fields;
use crate::carriers::codes::{Codes, Row};
use crate::carriers::countries::alpha2;
use crate::carriers::discretion::shown;
use crate::carriers::moment::moment;
use crate::carriers::place::point;
use crate::carriers::tongues::meaning;
use crate::carriers::verdict::{agreed_of_many, without_code};
use crate::carriers::{Gazetteer, Place};
use crate::domain::event::{DeliveredTo, EventLocation, EventStatus, Happening, Occurred};

static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

/// What a tag or a subtag means, whatever its capitals.
pub fn of(code: &str) -> Option<&'static Row> {
    CODES.get(&code.to_ascii_lowercase())
}

/// The finer of the two, if they are of one family.
pub fn of_both<'f>(tag: &'f str, subtag: &'f str) -> (&'f str, Option<&'static Row>) {
    let family = subtag.split('_').next().unwrap_or_default();
    match (tag.is_empty(), subtag.is_empty()) {
        (_, true) => (tag, of(tag)),
        (true, false) => (subtag, of(subtag)),
        (false, false) => (subtag, of(subtag).filter(|_| family.eq_ignore_ascii_case(tag))),
    }
}

pub fn happening(fields: &Fields, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let town = if fields.city.is_empty() { &fields.location } else { &fields.city };
    let place = Place {
        country: alpha2(&fields.country),
        region: fields.state.clone(),
        town: town.clone(),
        postal_code: fields.postal_code.clone(),
    };
    let occurred = occurred(&fields.time, &place, gazetteer)?;
    let (code, row) = of_both(&fields.tag, &fields.subtag);
    let (status, delivered_to) = status(code, row, &fields.message);
    let location = place.location(gazetteer);
    let given = point(&fields.latitude, &fields.longitude);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: code.to_owned(),
        description: shown(&fields.message, status, of(code)),
        location: EventLocation { point: given.or(location.point), ..location },
        cancels: None,
    })
}

fn status(code: &str, row: Option<&Row>, message: &str) -> (EventStatus, Option<DeliveredTo>) {
    if code.is_empty() { (without_code(meaning(&[message])), None) } else { agreed_of_many(row, &[message]) }
}

/// A bare date is what carriers give that know no more: its beginning, and nobody is told of an hour.
fn occurred(time: &str, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    let moment = moment(time, &["%Y-%m-%d %H:%M"]).or_else(|| {
        let is_date = time.len() == "2026-03-04".len();
        is_date.then(|| moment(&format!("{time}T00:00:00"), &[])).flatten()
    });
    Some(moment?.occurred(time, place, gazetteer))
}
