//! Why this way, and why not that one, in words for the merchant.

use chrono::TimeDelta;

use crate::domain::instant::Instant;
use crate::domain::plan::{Co2eMilligrams, UsdMicros};
use crate::domain::service::Service;

/// What of a way is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub arrive_at: Instant,
    pub cost: UsdMicros,
    pub co2e: Co2eMilligrams,
}

/// What there was to choose from, and what was chosen.
pub struct Choice {
    pub service: Service,
    /// That no other way beats, of which `in_time` keep the promise.
    pub ways: usize,
    pub in_time: usize,
    /// How long after the promise the chosen way arrives, where it does.
    pub late_by: Option<TimeDelta>,
    pub window_is_over: bool,
}

/// Why the chosen way won, and what has to be known about it.
pub fn of_choice(choice: &Choice) -> String {
    let mut reason = match (choice.service, choice.ways, choice.in_time) {
        (_, 1, _) => "no other way is better in anything".to_owned(),
        (Service::Express, ways, _) => format!("the earliest arrival of {ways} ways"),
        (Service::Standard | Service::Economy, ways, 1) => {
            format!("the only one of {ways} ways that keeps the promise")
        }
        (Service::Standard | Service::Economy, ways, in_time) if in_time == ways => {
            format!("the cheapest of {ways} ways, all within the promise")
        }
        (Service::Standard | Service::Economy, ways, in_time) => {
            format!("the cheapest of the {in_time} among {ways} ways that keep the promise")
        }
    };
    if let Some(late_by) = choice.late_by {
        reason += &format!("; it arrives {} after the promise", duration(late_by));
    }
    if choice.window_is_over {
        reason += "; the pickup window is already over, so it starts now";
    }
    reason
}

/// Why `other` was turned down for `chosen`: first what decided, then what else is different.
pub fn of_alternative(service: Service, chosen: Outcome, other: Outcome, promised_by: Instant) -> String {
    // Where the chosen way is late as well, being late is no reason.
    if other.arrive_at > promised_by && chosen.arrive_at <= promised_by {
        return format!("arrives {} after the promise", duration(other.arrive_at - promised_by));
    }
    let time = difference(other.arrive_at.cmp(&chosen.arrive_at), |later| {
        let by = duration((other.arrive_at - chosen.arrive_at).abs());
        format!("arrives {by} {}", if later { "later" } else { "earlier" })
    });
    let cost = difference(other.cost.cmp(&chosen.cost), |dearer| {
        let by = dollars((other.cost.0 - chosen.cost.0).abs());
        format!("costs {by} USD {}", if dearer { "more" } else { "less" })
    });
    let co2e = difference(other.co2e.cmp(&chosen.co2e), |dirtier| {
        let by = kilograms((other.co2e.0 - chosen.co2e.0).abs());
        format!("emits {by} {}", if dirtier { "more" } else { "less" })
    });
    let in_order = match service {
        Service::Express => [time, cost, co2e],
        Service::Standard | Service::Economy => [cost, time, co2e],
    };
    join(in_order.into_iter().flatten())
}

/// What decided first, then what speaks for the same way, then what speaks against it.
fn join(differences: impl Iterator<Item = (bool, String)>) -> String {
    let mut differences = differences.peekable();
    let Some((decided_worse, _)) = differences.peek() else {
        return "equal, but later by lane id".to_owned();
    };
    let decided_worse = *decided_worse;
    let (same, other): (Vec<_>, Vec<_>) = differences.partition(|(is_worse, _)| *is_worse == decided_worse);
    let words = |side: Vec<(bool, String)>| side.into_iter().map(|(_, words)| words).collect::<Vec<_>>();
    let (same, other) = (words(same).join(", and "), words(other).join(" and "));
    if other.is_empty() { same } else { format!("{same}, but {other}") }
}

/// Whether the other is worse, and the words for it; nothing where it is the same.
fn difference(order: std::cmp::Ordering, words: impl Fn(bool) -> String) -> Option<(bool, String)> {
    let is_worse = order.is_gt();
    order.is_ne().then(|| (is_worse, words(is_worse)))
}

/// `1 d 4 h`, `3 h 5 min`, `12 min`: the two largest units, what is finer being cut off.
fn duration(delta: TimeDelta) -> String {
    let minutes = delta.num_minutes();
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// `3.1 kg CO₂e`, `12 g CO₂e`.
fn kilograms(milligrams: i64) -> String {
    match Co2eMilligrams(milligrams).grams() {
        0 => "less than 1 g CO₂e".to_owned(),
        grams if grams < 1_000 => format!("{grams} g CO₂e"),
        grams => format!("{}.{} kg CO₂e", grams / 1_000, grams % 1_000 / 100),
    }
}

fn dollars(micros: i64) -> String {
    let text = UsdMicros(micros).dollars();
    if text == "0.00" { "less than 0.01".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    fn outcome(time: &str, cost: i64, co2e: i64) -> Outcome {
        Outcome { arrive_at: at(time), cost: UsdMicros(cost), co2e: Co2eMilligrams(co2e) }
    }

    #[test]
    fn an_alternative_says_what_decided_before_what_else_differs() {
        let promised_by = at("2026-03-20T00:00:00Z");
        let chosen = outcome("2026-03-10T00:00:00Z", 10_000_000, 5_000_000);
        let reason = |service, other| of_alternative(service, chosen, other, promised_by);
        for (time, cost, co2e, express, standard) in [
            (
                "2026-03-11T04:00:00Z",
                13_100_000,
                1_900_000,
                "arrives 1 d 4 h later, and costs 3.10 USD more, but emits 3.1 kg CO₂e less",
                "costs 3.10 USD more, and arrives 1 d 4 h later, but emits 3.1 kg CO₂e less",
            ),
            (
                "2026-03-10T00:12:00Z",
                9_999_000,
                5_000_000,
                "arrives 12 min later, but costs less than 0.01 USD less",
                "costs less than 0.01 USD less, but arrives 12 min later",
            ),
            (
                "2026-03-10T00:00:00Z",
                11_000_000,
                4_988_000,
                "costs 1.00 USD more, but emits 12 g CO₂e less",
                "costs 1.00 USD more, but emits 12 g CO₂e less",
            ),
            (
                "2026-03-09T20:55:00Z",
                10_000_000,
                5_000_400,
                "arrives 3 h 5 min earlier, but emits less than 1 g CO₂e more",
                "arrives 3 h 5 min earlier, but emits less than 1 g CO₂e more",
            ),
            ("2026-03-22T00:00:00Z", 1, 0, "arrives 2 d after the promise", "arrives 2 d after the promise"),
        ] {
            assert_eq!(reason(Service::Express, outcome(time, cost, co2e)), express);
            assert_eq!(reason(Service::Standard, outcome(time, cost, co2e)), standard);
        }
    }

    #[test]
    fn a_choice_says_among_how_many_it_won() {
        let reason = |service, ways, in_time| {
            of_choice(&Choice { service, ways, in_time, late_by: None, window_is_over: false })
        };
        assert_eq!(reason(Service::Express, 1, 1), "no other way is better in anything");
        assert_eq!(reason(Service::Express, 9, 1), "the earliest arrival of 9 ways");
        assert_eq!(reason(Service::Economy, 9, 1), "the only one of 9 ways that keeps the promise");
        assert_eq!(reason(Service::Economy, 9, 9), "the cheapest of 9 ways, all within the promise");
        assert_eq!(
            reason(Service::Standard, 9, 4),
            "the cheapest of the 4 among 9 ways that keep the promise"
        );
    }

    #[test]
    fn a_choice_says_what_is_wrong_with_it() {
        let late = Choice {
            service: Service::Express,
            ways: 9,
            in_time: 0,
            late_by: Some(TimeDelta::hours(30)),
            window_is_over: true,
        };
        assert_eq!(
            of_choice(&late),
            "the earliest arrival of 9 ways; it arrives 1 d 6 h after the promise; \
             the pickup window is already over, so it starts now"
        );
        let only = Choice { ways: 1, window_is_over: false, ..late };
        assert_eq!(
            of_choice(&only),
            "no other way is better in anything; it arrives 1 d 6 h after the promise"
        );
    }

    #[test]
    fn where_the_chosen_way_is_late_too_an_alternative_says_how_it_differs() {
        let (chosen, other) = (outcome("2026-03-10T00:00:00Z", 1, 1), outcome("2026-03-11T00:00:00Z", 1, 1));
        let promised_by = at("2026-03-09T00:00:00Z");
        assert_eq!(of_alternative(Service::Express, chosen, other, promised_by), "arrives 1 d later");
    }
}
