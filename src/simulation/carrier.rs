//! The last mile's carrier: what becomes of each label, and what is told of it when. Pure.
//!
//! A journey is the sandbox's; what goes wrong with it is decided with it. What happened is told some time
//! after it happened, sometimes a day later and behind what came after it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::domain::carrier::TrackingNumber;
use crate::domain::event::EventStatus;
use crate::domain::id::ParcelId;
use crate::domain::instant::{Instant, rfc3339};
use crate::outbound::Answer;
use crate::sandbox::{Step, journey, page};

/// What becomes of a parcel, as nobody but the simulation knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Delivered,
    /// Said to be delivered, and then that it goes back.
    TakenBack,
    Returned,
    Lost,
}

pub struct Label {
    pub parcel: ParcelId,
    steps: Vec<(Instant, Step)>,
}

#[derive(Default)]
pub struct Carrier {
    labels: BTreeMap<TrackingNumber, Label>,
}

const PLACE: &str = "Shanghai";
const LATE_SHARE: f64 = 0.1;
const CONTRADICTED_SHARE: f64 = 0.05;

impl Carrier {
    pub fn label(&self, number: &TrackingNumber) -> Option<&Label> {
        self.labels.get(number)
    }

    pub fn last_told_at(&self, number: &TrackingNumber) -> Option<Instant> {
        self.labels.get(number)?.steps.iter().map(|(told_at, _)| *told_at).max()
    }

    /// Books a label; again, nothing changes.
    pub fn book(
        &mut self,
        dice: &mut fastrand::Rng,
        number: &TrackingNumber,
        parcel: ParcelId,
        fate: Fate,
        now: Instant,
    ) {
        if self.labels.contains_key(number) {
            return;
        }
        let mut steps = happenings(dice, number, fate, now);
        if dice.f64() < CONTRADICTED_SHARE {
            contradict(dice, &mut steps);
        }
        let steps = steps.into_iter().map(|step| (told_at(dice, &step), step)).collect();
        self.labels.insert(number.clone(), Label { parcel, steps });
    }

    pub fn answer(&self, number: Option<TrackingNumber>, now: Instant) -> Answer {
        let found = number.and_then(|number| Some((self.labels.get(&number)?, number)));
        let Some((label, number)) = found else { return problem(404, "No shipment was found.") };
        let told = label.steps.iter().filter(|(told_at, _)| *told_at <= now);
        let steps: Vec<Step> = told.map(|(_, step)| step.clone()).collect();
        Answer {
            status: 200,
            body: page(&number, PLACE, &steps, now).to_string().into_bytes(),
            ..Answer::default()
        }
    }
}

impl Label {
    /// Whether it was told by `now` that the parcel was delivered at `at`, to the second.
    pub fn told_delivered(&self, at: Instant, now: Instant) -> bool {
        let is_it = |step: &Step| is_delivery(step) && step.at.timestamp() == at.timestamp();
        self.steps.iter().any(|(told_at, step)| *told_at <= now && is_it(step))
    }
}

impl Carrier {
    /// What of a label is told in the neutral form as well, by somebody who pushes it, and when.
    pub fn pushes(&self, number: &TrackingNumber) -> Vec<(Instant, Value)> {
        let steps = self.labels.get(number).map_or(&[][..], |label| &label.steps);
        let push = |(told_at, step): &(Instant, Step)| {
            let (status, at) = (status(step)?, rfc3339(step.at));
            let event = json!({"occurred_at": at, "status": status, "description": step.text});
            Some((*told_at, json!({"tracking_number": number, "events": [event]})))
        };
        steps.iter().filter_map(push).collect()
    }
}

/// None: what nobody would push.
fn status(step: &Step) -> Option<EventStatus> {
    Some(match step.text {
        "Shipment information received" => EventStatus::InfoReceived,
        "Shipment picked up" => EventStatus::PickedUp,
        "Out for delivery" => EventStatus::OutForDelivery,
        "Delivery attempted; recipient not home" => EventStatus::AttemptFailed,
        "The shipment will be returned to the sender" => EventStatus::Returning,
        "Returned to shipper" => EventStatus::Returned,
        _ if is_delivery(step) => EventStatus::Delivered,
        _ => return None,
    })
}

fn is_delivery(step: &Step) -> bool {
    step.status_code == "delivered" && step.text.starts_with("Delivered")
}

/// As DHL words it.
pub fn problem(status: u16, detail: &str) -> Answer {
    let body = json!({"title": "Problem", "status": status, "detail": detail});
    Answer { status, body: body.to_string().into_bytes(), ..Answer::default() }
}

fn happenings(
    dice: &mut fastrand::Rng,
    number: &TrackingNumber,
    fate: Fate,
    booked_at: Instant,
) -> Vec<Step> {
    let mut steps = journey(dice.u64(..), number.as_str(), booked_at);
    let Some(delivered_at) = steps.last().map(|step| step.at) else { return steps };
    let mut further = |status_code, text, hours: i64| {
        let at = delivered_at + TimeDelta::minutes(dice.i64(30..60 * hours));
        Step { at, status_code, text }
    };
    match fate {
        Fate::Delivered => {}
        Fate::TakenBack => {
            steps.push(further("transit", "The shipment will be returned to the sender", 48));
        }
        Fate::Returned => {
            steps.pop();
            let back = further("transit", "The shipment will be returned to the sender", 12);
            let returned_at = back.at + TimeDelta::days(3);
            steps.push(back);
            steps.push(Step { at: returned_at, status_code: "transit", text: "Returned to shipper" });
        }
        Fate::Lost => steps.truncate(3),
    }
    steps
}

/// The code says one thing and the text another: nobody knows what that means.
fn contradict(dice: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let behind = dice.usize(1..steps.len());
    let at = steps[behind - 1].at + TimeDelta::minutes(1);
    steps.insert(behind, Step { at, status_code: "delivered", text: "Could not be delivered" });
}

fn told_at(dice: &mut fastrand::Rng, step: &Step) -> Instant {
    let minutes = if dice.f64() < LATE_SHARE { dice.i64(60..24 * 60) } else { dice.i64(0..40) };
    step.at + TimeDelta::minutes(minutes)
}
