//! One event of Kuaidi100's: what code, word and text come to, when and where it was.

use std::sync::LazyLock;

use super::wire::Fields;
use crate::carriers::codes::{Codes, Row};
use crate::carriers::discretion::shown;
use crate::carriers::place::point;
use crate::carriers::tongues::meaning;
use crate::carriers::verdict::{agreed_of_many, without_code};
use crate::carriers::wording::Meaning;
use crate::carriers::{Gazetteer, Place, beijing};
use crate::domain::event::{DeliveredTo, EventLocation, EventStatus, Happening, Occurred};
use crate::domain::place::Country;

use EventStatus as S;

static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

pub fn of(code: &str) -> Option<&'static Row> {
    CODES.get(code)
}

/// `state`: of the parcel as a whole, if this is its newest event; older answers have no code for each.
pub fn happening(fields: &Fields, state: Option<&str>, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let place = place(fields);
    let occurred = occurred(fields, &place, gazetteer)?;
    let code = [&fields.status_code, &fields.status].into_iter().find(|code| !code.is_empty());
    let (status, delivered_to) = match (code, state) {
        (Some(_), _) => by_codes(fields),
        (None, Some(state)) => by_state(fields, state),
        (None, None) => (without_code(meaning(&[&fields.context])), None),
    };
    let code = code.map_or(state.unwrap_or_default(), String::as_str);
    let location = place.location(gazetteer);
    let given =
        fields.area_center.split_once(',').and_then(|(longitude, latitude)| point(latitude, longitude));
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: code.to_owned(),
        description: shown(&fields.context, status, of(code)),
        location: EventLocation { point: given.or(location.point), ..location },
        cancels: None,
    })
}

/// Code and word are of one table; a delivery is one by both of them.
fn by_codes(fields: &Fields) -> (EventStatus, Option<DeliveredTo>) {
    let said = meaning(&[&fields.context]);
    let (by_code, by_word) = (of(&fields.status_code), of(&fields.status));
    let row = if fields.status_code.is_empty() { by_word } else { by_code };
    // Signed for by a box, and still in it.
    let is_in_box = row.is_some_and(|row| row.delivered_to == Some(DeliveredTo::Locker));
    if is_in_box && said == Meaning::Says(S::AvailableForCollection) {
        return (S::AvailableForCollection, None);
    }
    let told = agreed_of_many(row, &[&fields.context]);
    let word = by_word.map(|row| row.status);
    match told.0 {
        S::Delivered if word == Some(S::Returned) => (S::Returned, None),
        S::Delivered if !fields.status.is_empty() && word != Some(S::Delivered) => (S::Unknown, None),
        _ => told,
    }
}

/// The state is of the whole, so for a delivery the text has to say so too.
fn by_state(fields: &Fields, state: &str) -> (EventStatus, Option<DeliveredTo>) {
    let said = meaning(&[&fields.context]);
    match agreed_of_many(of(state), &[&fields.context]) {
        (S::Delivered, _) if said != Meaning::Says(S::Delivered) => (S::Unknown, None),
        told => told,
    }
}

/// Beijing's clock, wherever it was; it is China's where no place is named.
fn occurred(fields: &Fields, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    let china = Place { country: Country::CHINA.as_str().to_owned(), ..Place::default() };
    let place = if place.country().is_some() { place } else { &china };
    fields.times.iter().find_map(|text| beijing::occurred(text, place, gazetteer))
}

fn place(fields: &Fields) -> Place {
    let mut names = fields.area_name.split(',').map(str::trim).filter(|name| !name.is_empty());
    let (province, city) = (names.next().unwrap_or_default(), names.next());
    let town = if fields.area_name.is_empty() { fields.location.as_str() } else { city.unwrap_or(province) };
    let country: String = fields.area_code.chars().take(2).collect();
    Place {
        country: if country.parse::<Country>().is_ok() { country } else { String::new() },
        region: province.to_owned(),
        town: town.to_owned(),
        postal_code: String::new(),
    }
}
