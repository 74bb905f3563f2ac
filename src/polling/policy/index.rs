//! The index of a parcel, and when it reaches a price.

use super::local_time::LocalMinute;
use super::model::Model;
use super::outlook::{Of, Parcel, foretell};
use super::price::Price;

/// What seeing a scan at once is worth, where seeing a delivery at once is worth one: enough that a
/// timeline does not starve, too little to be late at a door for.
const SCAN: f32 = 0.005;
/// Between two of these minutes the index is taken to rise evenly.
const STEP_MINUTES: i32 = 30;

/// Minutes between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// No answer is fresher than this.
    pub shortest: i32,
    /// However little may happen.
    pub longest: i32,
}

/// Gives `take` the worth of each time at which something may happen, in minutes after the last look:
/// the delay that a look then removes, times how likely it is. Its sum up to a time is the index there.
fn worths(model: &Model, parcel: &Parcel, mut take: impl FnMut(Of, i32, f32)) -> Totals {
    let weekdays = model.weekdays.factors();
    let mut totals = Totals { deliveries: f32::MIN_POSITIVE, scans: f32::MIN_POSITIVE };
    foretell(model, parcel, Of::Delivery, |minutes, weight| {
        let at = parcel.looked.plus(minutes);
        let promised = parcel.promised.map_or(1.0, |promised| model.promises.factor(promised, at));
        let weight = weight * weekdays[at.weekday()] * promised;
        totals.deliveries += weight;
        take(Of::Delivery, minutes, weight * minutes as f32);
    });
    foretell(model, parcel, Of::NextScan, |minutes, weight| {
        totals.scans += weight;
        take(Of::NextScan, minutes, weight * minutes as f32);
    });
    totals
}

/// Weights, to be divided by.
struct Totals {
    deliveries: f32,
    scans: f32,
}

impl Totals {
    fn index(&self, deliveries: f32, scans: f32) -> f32 {
        deliveries / self.deliveries + SCAN * scans / self.scans
    }
}

/// U(t) = t·p(t) − ∫p, in minutes of delay, where p is how likely it has happened t after the last look
/// (Olston and Pandey, Recrawl Scheduling Based on Information Longevity, WWW 2008).
pub fn index(model: &Model, parcel: &Parcel, now: LocalMinute) -> f32 {
    let waited = now.since(parcel.looked);
    let (mut deliveries, mut scans) = (0.0, 0.0);
    let totals = worths(model, parcel, |of, minutes, worth| match of {
        Of::Delivery if minutes <= waited => deliveries += worth,
        Of::NextScan if minutes <= waited => scans += worth,
        Of::Delivery | Of::NextScan => (),
    });
    totals.index(deliveries, scans)
}

/// The first time from `now` on at which the index reaches the price, within the bounds.
pub fn next_look(
    model: &Model,
    parcel: &Parcel,
    price: &Price,
    bounds: Bounds,
    now: LocalMinute,
) -> LocalMinute {
    let first = now.since(parcel.looked).max(bounds.shortest);
    let last = bounds.longest.max(first);
    let (mut deliveries, mut scans) = ([0.0_f32; BINS], [0.0_f32; BINS]);
    let totals = worths(model, parcel, |of, minutes, worth| {
        let bins = match of {
            Of::Delivery => &mut deliveries,
            Of::NextScan => &mut scans,
        };
        if let Some(sum) = bins.get_mut(bin(minutes)) {
            *sum += worth;
        }
    });
    let mut before = 0.0;
    for (at, (deliveries, scans)) in deliveries.into_iter().zip(scans).enumerate() {
        let (from, to) = (start(at), start(at + 1));
        let rise = totals.index(deliveries, scans);
        let mut minutes = from.max(first);
        while minutes < to {
            if minutes >= last {
                return parcel.looked.plus(last);
            }
            let index = before + rise * (minutes - from) as f32 / (to - from) as f32;
            let at = parcel.looked.plus(minutes);
            if index >= price.at(at) {
                return at;
            }
            minutes += STEP_MINUTES;
        }
        before += rise;
    }
    parcel.looked.plus(last)
}

/// Times are told apart to the minute for half an hour, and to a thirty-second part from there on.
const FINE: i32 = 32;
/// As far as twenty-two days.
const BINS: usize = 352;

fn bin(minutes: i32) -> usize {
    let minutes = minutes.max(0);
    if minutes < FINE {
        return minutes as usize;
    }
    let octave = minutes.ilog2() as i32;
    ((octave - 4) * FINE + (minutes >> (octave - 5)) % FINE) as usize
}

/// The first minute of a bin.
fn start(bin: usize) -> i32 {
    let bin = bin as i32;
    if bin < FINE { bin } else { (FINE + bin % FINE) << (bin / FINE - 1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::local_time::DAY;
    use super::super::model::{Class, Guess, History, Scan, Stage};
    use super::*;

    const BOUNDS: Bounds = Bounds { shortest: 5, longest: 7 * DAY };

    /// Handed out at eight, delivered in the afternoon.
    fn model() -> Model {
        let mut model = Model::new(vec![Guess { to_next: DAY, then_to_delivery: DAY }; 2]);
        for day in 0..200 {
            let came = day * DAY + 480;
            let scans = [(0, came - 3 * DAY), (1, came)];
            let scans = scans.map(|(stage, at)| Scan { stage: Stage(stage), at: LocalMinute(at) });
            let delivered = Some(LocalMinute(came + 240 + day * 53 % 300));
            model.learn(&History { class: Class(0), scans: &scans, delivered, promised: None }, None);
        }
        model
    }

    fn parcel(stage: u8, since: i32, looked: i32) -> Parcel {
        let (since, looked) = (LocalMinute(since), LocalMinute(looked));
        Parcel { class: Class(0), stage: Stage(stage), since, looked, promised: None }
    }

    #[test]
    fn bins_are_next_to_each_other() {
        for minutes in 0..30 * DAY {
            let bin = bin(minutes);
            assert!(start(bin) <= minutes && minutes < start(bin + 1));
        }
    }

    #[test]
    fn out_for_delivery_at_noon_is_worth_a_hundred_far_away() {
        let (model, noon) = (model(), LocalMinute(720 + 60));
        let at_the_door = index(&model, &parcel(1, 480, 480), noon);
        let far_away = index(&model, &parcel(0, 480, 480), noon);
        assert!(at_the_door > 100.0 * far_away, "{at_the_door} {far_away}");
    }

    #[test]
    fn nobody_is_looked_for_in_a_morning_without_deliveries() {
        let model = model();
        let parcel = parcel(1, 480, 500);
        let next = next_look(&model, &parcel, &Price::new(10.0), BOUNDS, parcel.looked);
        assert!(next > LocalMinute(720) && next < LocalMinute(1_020), "{next:?}");
    }

    #[test]
    fn a_promised_day_is_believed_as_far_as_it_held() {
        let mut model = model();
        let price = Price::new(1_000.0);
        let promised = Parcel { promised: Some(LocalMinute(5 * DAY + 600)), ..parcel(0, 480, 480) };
        let before = next_look(&model, &promised, &price, BOUNDS, promised.looked);
        for day in 0..300 {
            let scans = [Scan { stage: Stage(0), at: LocalMinute(day * DAY + 480) }];
            let after = 1 + day % 6;
            let delivered = Some(LocalMinute((day + after) * DAY + 840));
            let promised = Some(LocalMinute((day + after) * DAY + 600));
            model.learn(&History { class: Class(0), scans: &scans, delivered, promised }, None);
        }
        let after = next_look(&model, &promised, &price, BOUNDS, promised.looked);
        assert!(before.day() < 5 && after.day() == 5, "{before:?} {after:?}");
    }

    proptest! {
        #[test]
        fn a_dearer_look_is_never_earlier(
            stage in 0_u8..3, since in 0..10_000, waited in 0..5_000, price in 0.01_f32..500.0, more in 1.0_f32..9.0,
        ) {
            let (model, parcel) = (model(), parcel(stage, since, since + waited));
            let look = |price| next_look(&model, &parcel, &Price::new(price), BOUNDS, parcel.looked);
            prop_assert!(look(price) <= look(price * more));
        }

        #[test]
        fn a_look_is_within_its_bounds(
            stage in 0_u8..3, since in 0..10_000, waited in 0..5_000, late in 0..20_000, price in 0.0_f32..1e9,
        ) {
            let (model, parcel) = (model(), parcel(stage, since, since + waited));
            let now = parcel.looked.plus(late);
            let next = next_look(&model, &parcel, &Price::new(price), BOUNDS, now);
            let latest = parcel.looked.plus(BOUNDS.longest).max(now);
            prop_assert!(next >= now && next >= parcel.looked.plus(BOUNDS.shortest) && next <= latest);
        }

        #[test]
        fn the_index_never_falls(stage in 0_u8..3, since in 0..10_000, waited in 0..5_000, wait in 0..9_000) {
            let (model, parcel) = (model(), parcel(stage, since, since + waited));
            let at = |wait| index(&model, &parcel, parcel.looked.plus(wait));
            prop_assert!(at(wait) <= at(wait + 60) + 0.001);
        }
    }
}
