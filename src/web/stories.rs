//! Events as a buyer reads them: newest first, day by day.

use std::borrow::Cow;

use super::language::Language;
use super::moment::Moment;
use super::tone::{Tone, of_event};
use super::words::name;
use crate::domain::event::{DeliveredTo, EventSource, EventStatus, OffsetSource, ScanKind};
use crate::flows::views::PublicEventView;

/// Neighbours in the order of the instants that fall on one local day. A parcel that flies east
/// over the date line has the same day twice.
pub struct Day<'v> {
    pub name: String,
    pub stories: Vec<Story<'v>>,
}

pub struct Story<'v> {
    pub status: Cow<'v, str>,
    pub tone: Tone,
    pub delivered_to: Option<Cow<'v, str>>,
    pub at: Moment,
    pub place: Option<&'v str>,
    pub country: Option<&'v str>,
    pub source: Cow<'v, str>,
    pub carrier: Option<&'v str>,
    /// It was not so, as it turned out.
    pub taken_back: bool,
    /// Which ones it happened to, where there are several.
    pub parcels: String,
    pub doubt: Option<Doubt<'v>>,
}

/// A time zone that nobody wrote down.
pub struct Doubt<'v> {
    pub why: Cow<'v, str>,
    pub written: &'v str,
}

pub fn days(events: &[PublicEventView], several_parcels: bool, language: Language) -> Vec<Day<'_>> {
    let mut days: Vec<Day> = Vec::new();
    for together in events.chunk_by(told_at_once) {
        // `chunk_by` gives no empty slices.
        let Some(event) = together.first() else { continue };
        let numbers = together.iter().filter_map(|event| event.parcel);
        let parcels = if several_parcels { list(numbers) } else { String::new() };
        let story = story(event, parcels, language);
        match days.last_mut() {
            Some(day) if day.name == story.at.full_day => day.stories.push(story),
            Some(_) | None => {
                days.push(Day { name: story.at.full_day.clone(), stories: vec![story] });
            }
        }
    }
    days
}

/// The same thing of several parcels: a bag was scanned, a van was emptied.
fn told_at_once(one: &PublicEventView, other: &PublicEventView) -> bool {
    one.parcel.is_some() && other.parcel.is_some() && told(one) == told(other)
}

/// All that a page says about an event, but for whose it is.
fn told(event: &PublicEventView) -> [Option<&str>; 13] {
    [
        Some(&event.status),
        event.scan.as_deref(),
        Some(&event.at.utc),
        Some(&event.at.zone),
        Some(&event.local_time),
        Some(&event.offset_source),
        Some(&event.source),
        event.carrier.as_deref(),
        event.place_en.as_deref(),
        event.place_zh.as_deref(),
        event.country.as_deref(),
        event.delivered_to.as_deref(),
        event.taken_back.then_some("taken back"),
    ]
}

/// `1, 2, 3`
fn list(numbers: impl Iterator<Item = u16>) -> String {
    let mut numbers: Vec<u16> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

fn story(event: &PublicEventView, parcels: String, language: Language) -> Story<'_> {
    Story {
        status: match &event.scan {
            Some(kind) => name::<ScanKind>(kind, language),
            None => name::<EventStatus>(&event.status, language),
        },
        tone: of_event(&event.status),
        delivered_to: event.delivered_to.as_deref().map(|to| name::<DeliveredTo>(to, language)),
        at: Moment::new(&event.at, language),
        place: match language {
            Language::English => event.place_en.as_deref(),
            Language::Chinese => event.place_zh.as_deref(),
        },
        country: event.country.as_deref(),
        source: name::<EventSource>(&event.source, language),
        carrier: event.carrier_name.as_deref().or(event.carrier.as_deref()),
        taken_back: event.taken_back,
        parcels,
        doubt: doubt(event, language),
    }
}

fn doubt(event: &PublicEventView, language: Language) -> Option<Doubt<'_>> {
    let told = match event.offset_source.parse() {
        // A country's zone is only taken where the country has one.
        Ok(OffsetSource::Carrier | OffsetSource::FacilityZone | OffsetSource::CountryZone) => true,
        Ok(OffsetSource::AssumedUtc) | Err(_) => false,
    };
    let why = name::<OffsetSource>(&event.offset_source, language);
    (!told).then_some(Doubt { why, written: &event.local_time })
}
