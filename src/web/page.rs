//! From a view to what a page shows: which words, in which order, and how loud.

use std::borrow::Cow;

use askama::Template;

use super::buyer_phrases::BuyerPhrases;
use super::language::Language;
use super::moment::Moment;
use super::phrases::{Phrases, meaning};
use super::steps::{Position, Step, When, steps};
use super::stories::{Day, days};
use super::tone::{Tone, of_shipment};
use super::words::{in_language, name};
use crate::domain::event::DeliveredTo;
use crate::domain::service::Service;
use crate::domain::shipment::ShipmentStatus;
use crate::flows::views::{PublicParcelView, TrackingView};

#[derive(Template)]
#[template(path = "tracking.html", config = "src/web/askama.toml")]
pub struct TrackingPage<'v> {
    token: &'v str,
    language: Language,
    to_act: &'static str,
    say: &'static Phrases,
    tone: Tone,
    status: Cow<'v, str>,
    /// Says aloud what the colour says.
    mark: Option<&'static str>,
    meaning: Option<&'static str>,
    service: Cow<'v, str>,
    arrival: Arrival,
    /// Of a hundred shipments, how many come within the window.
    percent: u32,
    /// To whom, where all parcels went the same way.
    delivered_to: Option<Cow<'v, str>>,
    steps: Vec<Step<'v>>,
    /// Only where there are several.
    parcels: Vec<ParcelLine<'v>>,
    days: Vec<Day<'v>>,
}

/// What can be said about the moment a buyer waits for.
enum Arrival {
    At(Moment),
    Between(Moment, Moment),
    /// Not coming.
    Never,
}

struct ParcelLine<'v> {
    number: u16,
    tone: Tone,
    status: Cow<'v, str>,
    delivered_to: Option<Cow<'v, str>>,
}

impl<'v> TrackingPage<'v> {
    pub fn new(view: &'v TrackingView, token: &'v str, language: Language) -> Self {
        let status = view.status.parse::<ShipmentStatus>();
        let tone = of_shipment(&view.status);
        let several = view.parcels.len() > 1;
        let parcels = if several { view.parcels.as_slice() } else { &[] };
        let say = Phrases::in_language(language);
        Self {
            token,
            language,
            to_act: to_act(tone, BuyerPhrases::in_language(language)),
            say,
            tone,
            mark: mark(tone, say),
            status: name::<ShipmentStatus>(&view.status, language),
            meaning: status.ok().map(|status| in_language(meaning(status), language)),
            service: name::<Service>(&view.service, language),
            arrival: arrival(view, tone, language),
            percent: (view.estimated_delivery.confidence * 100.0).round() as u32,
            delivered_to: the_same_for_all(&view.parcels).map(|to| name::<DeliveredTo>(to, language)),
            steps: steps(view, tone, language),
            parcels: parcels.iter().map(|parcel| parcel_line(parcel, language)).collect(),
            days: days(&view.events, several, language),
        }
    }
}

/// Where the goods are not coming there is no receipt to confirm, and all the more to ask about the money.
fn to_act(tone: Tone, say: &BuyerPhrases) -> &'static str {
    match tone {
        Tone::Going | Tone::Done | Tone::Held => say.link,
        Tone::Ended | Tone::Alarm => say.link_without_goods,
    }
}

fn mark(tone: Tone, say: &Phrases) -> Option<&'static str> {
    match tone {
        Tone::Going | Tone::Done => None,
        Tone::Held => Some(say.held_up),
        Tone::Ended => Some(say.not_coming),
        Tone::Alarm => Some(say.gone_wrong),
    }
}

fn arrival(view: &TrackingView, tone: Tone, language: Language) -> Arrival {
    if let Some(at) = &view.delivered_at {
        return Arrival::At(Moment::new(at, language));
    }
    match tone {
        // Delivered, and nobody said when.
        Tone::Done | Tone::Ended | Tone::Alarm => Arrival::Never,
        Tone::Going | Tone::Held => {
            let [earliest, latest] = [&view.estimated_delivery.earliest, &view.estimated_delivery.latest];
            Arrival::Between(Moment::new(earliest, language), Moment::new(latest, language))
        }
    }
}

fn the_same_for_all(parcels: &[PublicParcelView]) -> Option<&str> {
    let first = parcels.first()?.delivered_to.as_deref()?;
    parcels.iter().all(|parcel| parcel.delivered_to.as_deref() == Some(first)).then_some(first)
}

fn parcel_line(parcel: &PublicParcelView, language: Language) -> ParcelLine<'_> {
    ParcelLine {
        number: parcel.number,
        tone: of_shipment(&parcel.status),
        status: name::<ShipmentStatus>(&parcel.status, language),
        delivered_to: parcel.delivered_to.as_deref().map(|to| name::<DeliveredTo>(to, language)),
    }
}

#[derive(Template)]
#[template(path = "not_found.html", config = "src/web/askama.toml")]
pub struct NotFoundPage {
    language: Language,
    say: &'static Phrases,
}

impl NotFoundPage {
    pub fn new(language: Language) -> Self {
        Self { language, say: Phrases::in_language(language) }
    }
}
