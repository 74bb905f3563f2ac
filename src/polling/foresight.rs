//! The [`policy`](super::policy) in the daemon's words: carriers, statuses and instants.
//!
//! A parcel's class is its carrier and the hub that it comes from, its stage what the carrier last said of it, its clock that of the
//! consignee. What is held of a stage before anything was learnt is rough on purpose.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::policy::{
    Bounds, Class, Guess, History, LocalMinute, Model, Parcel, Price, Scan, Stage, next_look,
};
use crate::config;
use crate::domain::carrier::CarrierCode;
use crate::domain::event::EventStatus;
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;

/// Where the consignee's clocks are.
const ZONE: Tz = Tz::Asia__Shanghai;

/// Nothing was said yet.
const UNSAID: Stage = Stage(EventStatus::ALL.len() as u8);

#[derive(Clone)]
pub struct Foresight {
    model: Model,
    classes: BTreeMap<Way, Class>,
}

/// A carrier, and the hub that it got a parcel at: parcels of one way travel alike.
pub type Way = (CarrierCode, Option<HubCode>);

/// What is known of a parcel that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The latest event; when it was first asked about, where there is none.
    pub since: Instant,
    pub status: Option<EventStatus>,
    pub promised_at: Option<Instant>,
    /// This look.
    pub looked_at: Instant,
}

impl Default for Foresight {
    fn default() -> Self {
        let guesses = EventStatus::ALL.iter().map(|status| guess(*status)).chain([hours(24, 96)]);
        Self { model: Model::new(guesses.collect()), classes: BTreeMap::new() }
    }
}

impl Foresight {
    /// `scans`: oldest first, without the delivery.
    pub fn learn(
        &mut self,
        way: Way,
        scans: &[(EventStatus, Instant)],
        delivered_at: Instant,
        promised_at: Option<Instant>,
    ) {
        let next = Class(u16::try_from(self.classes.len()).unwrap_or(u16::MAX));
        let class = *self.classes.entry(way).or_insert(next);
        let scan = |(status, at): &(EventStatus, Instant)| Scan { stage: stage(*status), at: local(*at) };
        let scans: Vec<Scan> = scans.iter().map(scan).collect();
        let (delivered, promised) = (Some(local(delivered_at)), promised_at.map(local));
        self.model.learn(&History { class, scans: &scans, delivered, promised }, None);
    }

    /// When to look again: when that is worth the price of a call, within the bounds of the configuration.
    pub fn next(&self, way: &Way, look: &Look, price: &Price, settings: &config::Polling) -> Instant {
        let minutes = |minutes: f64| TimeDelta::microseconds((minutes * 60e6) as i64);
        let (least, most) =
            (minutes(settings.minutes_between_least), minutes(settings.hours_between_most * 60.0));
        // A way that nothing was learnt of is like all others together.
        let class = self.classes.get(way).copied().unwrap_or(Class(u16::MAX));
        let parcel = Parcel {
            class,
            stage: look.status.map_or(UNSAID, stage),
            since: local(look.since),
            looked: local(look.looked_at),
            promised: look.promised_at.map(local),
        };
        let bounds = Bounds {
            shortest: settings.minutes_between_least.ceil() as i32,
            longest: (settings.hours_between_most * 60.0).ceil() as i32,
        };
        let next = next_look(&self.model, &parcel, price, bounds, parcel.looked);
        let wait = TimeDelta::minutes(i64::from(next.since(parcel.looked)));
        look.looked_at + wait.max(least).min(most)
    }
}

fn stage(status: EventStatus) -> Stage {
    let place = EventStatus::ALL.iter().position(|known| *known == status);
    place.map_or(UNSAID, |place| Stage(place as u8))
}

/// Minutes since the Monday before 1970 was five days old.
fn local(at: Instant) -> LocalMinute {
    const MONDAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(1970, 1, 5);
    let local: NaiveDateTime = ZONE.from_utc_datetime(&at.naive_utc()).naive_local();
    let monday = MONDAY.unwrap_or_default().and_time(chrono::NaiveTime::MIN);
    LocalMinute(i32::try_from((local - monday).num_minutes()).unwrap_or(i32::MAX))
}

fn hours(to_next: i32, then_to_delivery: i32) -> Guess {
    Guess { to_next: to_next * 60, then_to_delivery: then_to_delivery * 60 }
}

/// Hours to the next scan, and from there to the delivery, on a last mile in China.
fn guess(status: EventStatus) -> Guess {
    match status {
        EventStatus::InfoReceived | EventStatus::PickupScheduled => hours(24, 72),
        EventStatus::PickedUp => hours(12, 60),
        EventStatus::ExportCustoms | EventStatus::CustomsPresented | EventStatus::CustomsHeld => {
            hours(24, 60)
        }
        EventStatus::CustomsReleased => hours(12, 48),
        EventStatus::Departed | EventStatus::Arrived | EventStatus::InTransit => hours(14, 40),
        EventStatus::OutForDelivery => hours(3, 1),
        EventStatus::AvailableForCollection | EventStatus::AttemptFailed => hours(18, 8),
        EventStatus::Delayed | EventStatus::Exception | EventStatus::Damaged => hours(24, 24),
        EventStatus::Unknown => hours(18, 36),
        EventStatus::Delivered
        | EventStatus::Returning
        | EventStatus::Returned
        | EventStatus::Lost
        | EventStatus::Destroyed
        | EventStatus::Cancelled => hours(48, 48),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;

    fn settings() -> config::Polling {
        config::defaults_with("").expect("defaults").polling
    }

    fn way(carrier: &str) -> Way {
        (carrier.parse().expect("a carrier"), "CNPVG".parse().ok())
    }

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn wait(foresight: &Foresight, status: EventStatus, since: &str, looked: &str) -> f64 {
        let way = way("sf_express");
        let look = Look { since: at(since), status: Some(status), promised_at: None, looked_at: at(looked) };
        let next = foresight.next(&way, &look, &Price::new(settings().price_minutes as f32), &settings());
        (next - look.looked_at).num_minutes() as f64 / 60.0
    }

    #[test]
    fn minutes_are_counted_on_the_consignees_clock_from_a_monday() {
        assert_eq!(local(at("1970-01-04T16:00:00Z")), LocalMinute(0));
        assert_eq!(local(at("2026-03-02T04:30:00Z")).clock(), 12 * 60 + 30);
        assert_eq!(local(at("2026-03-01T16:00:00Z")).weekday(), 0);
    }

    #[test]
    fn a_parcel_at_the_door_is_asked_about_much_more_often_than_one_on_the_road() {
        let foresight = Foresight::default();
        let door =
            wait(&foresight, EventStatus::OutForDelivery, "2026-03-02T00:30:00Z", "2026-03-02T03:00:00Z");
        let road = wait(&foresight, EventStatus::InTransit, "2026-03-02T00:30:00Z", "2026-03-02T03:00:00Z");
        assert!(door <= 1.5 && road >= 2.0 * door, "{door} {road}");
    }

    #[test]
    fn what_deliveries_taught_counts() {
        let mut foresight = Foresight::default();
        // Handed out at eight in the morning, delivered at eight in the evening.
        for day in 0..200 {
            let out = at("2025-08-01T00:00:00Z") + TimeDelta::days(day);
            let scans = [(EventStatus::OutForDelivery, out)];
            foresight.learn(way("sf_express"), &scans, out + TimeDelta::hours(12), None);
        }
        let morning =
            wait(&foresight, EventStatus::OutForDelivery, "2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z");
        assert!((10.5..=12.0).contains(&morning), "{morning}");
    }

    #[test]
    fn nobody_is_asked_about_more_or_less_often_than_the_configuration_says() {
        let settings = settings();
        let foresight = Foresight::default();
        let wait = |status, hours: i64, price: f32| {
            let looked_at = from_micros(1_772_400_000_000_000);
            let since = looked_at - TimeDelta::hours(hours);
            let look = Look { since, status, promised_at: None, looked_at };
            foresight.next(&way("ems"), &look, &Price::new(price), &settings) - looked_at
        };
        let least = TimeDelta::minutes(settings.minutes_between_least as i64);
        assert_eq!(wait(Some(EventStatus::OutForDelivery), 3, 1e-6), least);
        assert_eq!(wait(None, 0, 1e6), TimeDelta::hours(settings.hours_between_most as i64));
    }
}
