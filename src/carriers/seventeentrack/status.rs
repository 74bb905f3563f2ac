//! One event of 17TRACK's: what its words and its text come to, when and where it was.

use super::event::Fields;
use super::translate::CODES;
use crate::carriers::codes::Row;
use crate::carriers::discretion::shown;
use crate::carriers::moment::{Moment, moment};
use crate::carriers::place::point;
use crate::carriers::tongues::meaning;
use crate::carriers::verdict::{agreed_of_many, without_code};
use crate::carriers::{Gazetteer, Place};
use crate::domain::event::{DeliveredTo, EventLocation, EventStatus, Happening, Occurred};

use EventStatus as S;

/// What a word of 17TRACK's means, whatever its capitals.
pub fn of(word: &str) -> Option<&'static Row> {
    CODES.get(&word.to_ascii_lowercase())
}

pub fn happening(fields: &Fields, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let town = if fields.city.is_empty() { &fields.location } else { &fields.city };
    let place = Place {
        country: fields.country.clone(),
        region: fields.state.clone(),
        town: town.clone(),
        postal_code: fields.postal_code.clone(),
    };
    let occurred = occurred(fields, &place, gazetteer)?;
    let (status, delivered_to) = status(fields);
    let location = place.location(gazetteer);
    let given = point(&fields.latitude, &fields.longitude);
    let word = if fields.sub_status.is_empty() { &fields.stage } else { &fields.sub_status };
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: word.clone(),
        description: description(fields, status),
        location: EventLocation { point: given.or(location.point), ..location },
        cancels: None,
    })
}

/// The place's time with its offset, then the instant alone, then what the carrier behind it wrote.
fn occurred(fields: &Fields, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    let local = moment(&fields.time_iso, &[]);
    let absolute = moment(&fields.time_utc, &[]).map(|moment| match moment {
        // Its name says what clock it is of.
        Moment::Local(utc) => Moment::Absolute(utc.and_utc()),
        Moment::Absolute(_) => moment,
    });
    match (local, absolute) {
        (Some(moment @ Moment::Absolute(_)), _) => Some(moment.occurred(&fields.time_iso, place, gazetteer)),
        (Some(Moment::Local(_)), Some(utc)) => Some(utc.occurred(&fields.time_iso, place, gazetteer)),
        (None, Some(utc)) => Some(utc.occurred(&fields.time_utc, place, gazetteer)),
        (Some(local), None) => Some(local.occurred(&fields.time_iso, place, gazetteer)),
        (None, None) => Some(moment(&fields.time_raw, &["%Y-%m-%dT%H:%M%z"])?.occurred(
            &fields.time_raw,
            place,
            gazetteer,
        )),
    }
}

/// The fine word decides, and the coarse one must not speak against it.
fn status(fields: &Fields) -> (EventStatus, Option<DeliveredTo>) {
    let texts = [fields.texts[0].as_str(), fields.texts[1].as_str()];
    if fields.sub_status.is_empty() && fields.stage.is_empty() {
        return (without_code(meaning(&texts)), None);
    }
    let (fine, coarse) = (of(&fields.sub_status), of(&fields.stage));
    let told = if fields.sub_status.is_empty() { coarse } else { fine };
    let status = agreed_of_many(told, &texts);
    let words = [fine, coarse].map(|row| row.map(|row| row.status));
    match status.0 {
        S::Delivered if words.contains(&Some(S::Returned)) => (S::Returned, None),
        S::Delivered if words.iter().flatten().any(|word| *word != S::Delivered) => (S::Unknown, None),
        S::Delivered if !fields.stage.is_empty() && coarse.is_none() => (S::Unknown, None),
        _ => status,
    }
}

/// The translation where there is one.
fn description(fields: &Fields, status: EventStatus) -> String {
    let [own, translated] = &fields.texts;
    let text = if translated.is_empty() { own } else { translated };
    shown(text, status, of(&fields.sub_status).or_else(|| of(&fields.stage)))
}
