//! What merchants ask for: the given bodies, round and round under references of their own.

use chrono::{DateTime, FixedOffset, TimeDelta};
use serde_json::Value;

use super::{Options, Scene, Trouble};
use crate::domain::instant::Instant;
use crate::domain::money::{BadMoney, Currency, Money};
use crate::domain::place::Country;

/// One pickup request, as its merchant posts it.
pub struct Pickup {
    pub body: Value,
    pub reference: String,
    pub line: usize,
    pub country: Country,
    pub post_at: Instant,
    pub payment: (String, Money),
    /// Who gets it: what nobody may read outside.
    pub private: Vec<String>,
}

/// What the merchant of a country settles in: the currency of the first goods it sends.
pub fn currency(pickups: &[Pickup], country: Country) -> Option<Currency> {
    let first = pickups.iter().find(|pickup| pickup.country == country)?;
    first.body.pointer("/parcels/0/items/0/currency")?.as_str()?.parse().ok()
}

/// Days at the end in which nothing new is asked for, so that what was asked for gets somewhere.
const DAYS_FOR_THE_LAST: u32 = 10;

/// The hours before its pickup in which a request is posted.
const POSTED_HOURS: std::ops::Range<i64> = 4..48;

/// When it all begins, and the requests in the order of the given bodies.
pub fn make(
    options: &Options,
    scene: &Scene,
    dice: &mut fastrand::Rng,
) -> Result<(Instant, Vec<Pickup>), Trouble> {
    let from = |(place, body)| at(body, "from").map_err(|trouble| in_line(scene.line(place), trouble));
    let first = scene.pickups.iter().enumerate().map(|pickup| Ok(from(pickup)?.to_utc()));
    let first = first.collect::<Result<Vec<_>, Trouble>>()?.into_iter().min();
    let first = first.ok_or_else(|| Trouble::Workload("there is no pickup in it".to_owned()))?;
    let midnight = first - TimeDelta::seconds(first.timestamp().rem_euclid(86_400));
    let start = midnight - TimeDelta::days(1);
    let offset = dice.usize(0..scene.pickups.len());
    let days = i64::from(options.days.saturating_sub(DAYS_FOR_THE_LAST).max(1));
    let pickup = |nth: usize| {
        let count = scene.pickups.len();
        let place = if scene.is_spread { (offset + nth) % count } else { nth % count };
        let round = nth / count;
        let weeks = TimeDelta::weeks(i64::try_from(round).unwrap_or_default());
        let later = if scene.is_spread { TimeDelta::days(dice.i64(0..days)) } else { weeks };
        let posted = TimeDelta::minutes(dice.i64(POSTED_HOURS.start * 60..POSTED_HOURS.end * 60));
        let line = scene.line(place);
        let read = read(&scene.pickups[place], round, later, posted, start);
        read.map(|pickup| Pickup { line, ..pickup }).map_err(|trouble| in_line(line, trouble))
    };
    Ok((start, (0..options.shipments as usize).map(pickup).collect::<Result<_, _>>()?))
}

fn in_line(line: usize, trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Workload(what) => Trouble::Workload(format!("line {line}: {what}")),
        other => other,
    }
}

fn read(
    body: &Value,
    round: usize,
    later: TimeDelta,
    posted: TimeDelta,
    start: Instant,
) -> Result<Pickup, Trouble> {
    let mut body = body.clone();
    let (from, until) = (at(&body, "from")? + later, at(&body, "until")? + later);
    body["pickup"]["from"] = from.to_rfc3339().into();
    body["pickup"]["until"] = until.to_rfc3339().into();
    if round > 0 {
        for field in ["/reference", "/payment/reference"] {
            let again = format!("{}-{round}", text(&body, field)?);
            if let Some(field) = body.pointer_mut(field) {
                *field = again.into();
            }
        }
    }
    let bad = |error: BadMoney| Trouble::Workload(format!("/payment: {error}"));
    let currency: Currency = text(&body, "/payment/currency")?.parse().map_err(bad)?;
    let held = Money::parse(&text(&body, "/payment/amount")?, currency).map_err(bad)?;
    let country = text(&body, "/pickup/address/country")?;
    Ok(Pickup {
        reference: text(&body, "/reference")?,
        line: 0,
        country: country.parse().map_err(|_| Trouble::Workload(format!("{country:?} is no country")))?,
        post_at: (from.to_utc() - posted).max(start + TimeDelta::hours(1)),
        payment: (text(&body, "/payment/reference")?, held),
        private: vec![text(&body, "/consignee/name")?, text(&body, "/consignee/phone")?],
        body,
    })
}

fn text(body: &Value, field: &str) -> Result<String, Trouble> {
    let text = body.pointer(field).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Trouble::Workload(format!("a body has no text in {field}")))
}

fn at(body: &Value, end: &str) -> Result<DateTime<FixedOffset>, Trouble> {
    let written = text(body, &format!("/pickup/{end}"))?;
    DateTime::parse_from_rfc3339(&written)
        .map_err(|error| Trouble::Workload(format!("pickup/{end} {written}: {error}")))
}
