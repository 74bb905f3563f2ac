//! The most that a departure alone could gain by carrying loads for rewards.
//!
//! With `k` units it gains at most what it gains if it fills them by one measure alone, with parts of loads
//! where needed, those that gain most per part of a unit first (Dantzig); the units then have to be
//! paid. The measure may be weight, volume, or any mean of the two: what keeps to both keeps to that.
//! Of classes that are apart it carries at most one, so that the best of all companies that
//! get along is no less than what it can gain.
//!
//! Sizes are rounded down and gains up, so that this holds to the last micro.

use super::kinds::Kinds;
use super::plan::Question;
use super::{Departure, Load};

/// The parts that a unit is cut into.
pub const UNIT: u64 = 1 << 20;
/// A measure that is all weight; one that is all volume is zero.
pub const ALL_WEIGHT: u64 = 1 << 10;

/// Who may be carried, what it fills by weight and by volume in parts of a unit, and what it costs.
pub struct Offer {
    pub load: usize,
    pub parts: [u64; 2],
    pub cost: i64,
}

impl Offer {
    pub fn size(&self, measure: u64) -> u64 {
        // No load that fits is larger than 2^16 units.
        (self.parts[0] * measure + self.parts[1] * (ALL_WEIGHT - measure)) / ALL_WEIGHT
    }
}

pub struct Offers {
    pub by_departure: Vec<Vec<Offer>>,
    /// By load.
    kinds: Vec<u64>,
    /// What is carried is part of one of them.
    companies: Vec<u64>,
}

impl Offers {
    pub fn new(question: &Question) -> Self {
        let by_departure = (0..question.departures.len()).map(|departure| offers(question, departure));
        let Kinds { of_load, companies, are_all } = Kinds::new(question);
        // Where there are others, all kinds together, which is more than any company.
        let companies = if are_all { companies } else { vec![u64::MAX] };
        Self { by_departure: by_departure.collect(), kinds: of_load, companies }
    }
}

fn offers(question: &Question, departure: usize) -> Vec<Offer> {
    let about = &question.departures[departure];
    let part = |value: u64, whole: u64| (u128::from(value) * u128::from(UNIT) / u128::from(whole)) as u64;
    let offer = |(load, of): (usize, &Load)| {
        let cost = question.cost(load, departure)? as i64;
        let weight = part(of.weight_grams, about.unit_weight_grams);
        Some(Offer { load, parts: [weight, part(of.volume_cm3, about.unit_volume_cm3)], cost })
    };
    question.loads.iter().enumerate().filter_map(offer).collect()
}

/// What a departure would do.
pub struct Gain {
    pub units: u32,
    pub net: i128,
    /// What that fills by weight and by volume, in parts of a unit.
    pub used: [f64; 2],
}

struct Wanted<'a> {
    offer: &'a Offer,
    gain: i64,
    size: u64,
}

/// The units in `range` with which departure `at` gains most, and that, by `measure`; what it carries is added to
/// `taken`.
pub fn most_gain(
    (about, at): (&Departure, usize),
    offers: &Offers,
    rewards: &[i64],
    measure: u64,
    range: (u32, u32),
    taken: &mut [u64],
) -> Gain {
    let wanted = offers.by_departure[at].iter().map(|offer| Wanted {
        offer,
        gain: rewards[offer.load] - offer.cost,
        size: offer.size(measure),
    });
    let mut wanted: Vec<Wanted> = wanted.filter(|wanted| wanted.gain > 0).collect();
    // Most per part first; what has no size before all.
    wanted.sort_unstable_by(|a, b| {
        let left = i128::from(a.gain) * i128::from(b.size);
        let right = i128::from(b.gain) * i128::from(a.size);
        right.cmp(&left).then(a.size.cmp(&b.size)).then(a.offer.load.cmp(&b.offer.load))
    });
    let filled = offers.companies.iter().map(|company| {
        let of_it: Vec<&Wanted> =
            wanted.iter().filter(|wanted| company & offers.kinds[wanted.offer.load] != 0).collect();
        (fill(about, &of_it, range), of_it)
    });
    // There is always a company, be it of nobody.
    let best = filled.reduce(|best, other| if other.0.net > best.0.net { other } else { best });
    let Some((Filled { units, net, whole, part }, wanted)) = best else {
        return Gain { units: 0, net: 0, used: [0.0; 2] };
    };
    let mut used = [0.0; 2];
    let mut take = |offer: &Offer, much: u64| {
        taken[offer.load] += much;
        for (used, part) in used.iter_mut().zip(offer.parts) {
            *used += part as f64 * (much as f64 / UNIT as f64);
        }
    };
    wanted[..whole].iter().for_each(|wanted| take(wanted.offer, UNIT));
    if let Some(begun) = wanted.get(whole).filter(|begun| begun.size > 0) {
        take(begun.offer, (u128::from(part) * u128::from(UNIT) / u128::from(begun.size)) as u64);
    }
    Gain { units, net, used }
}

struct Filled {
    units: u32,
    net: i128,
    /// So many are carried as a whole, and of the next one a part.
    whole: usize,
    part: u64,
}

fn fill(about: &Departure, wanted: &[&Wanted], range: (u32, u32)) -> Filled {
    let unit_cost = i128::from(about.unit_cost_micros);
    let mut best = Filled { units: range.0, net: i128::MIN, whole: 0, part: 0 };
    let (mut at, mut part, mut gained) = (0, 0_u64, 0_i128);
    for units in 0..=range.1 {
        // Fill one unit more, from the part of the load where the last one ended.
        let mut room = if units == 0 { 0 } else { UNIT };
        while let Some(next) = wanted.get(at) {
            let used = (next.size - part).min(room);
            part += used;
            room -= used;
            if part < next.size {
                break;
            }
            gained += i128::from(next.gain);
            (at, part) = (at + 1, 0);
        }
        let begun = wanted.get(at).map_or(0, |begun| {
            let size = i128::from(begun.size.max(1));
            // Rounded up; nothing here is negative.
            (i128::from(begun.gain) * i128::from(part) + size - 1) / size
        });
        let net = gained + begun - unit_cost * i128::from(units);
        if units >= range.0 && net > best.net {
            best = Filled { units, net, whole: at, part };
        }
        if at == wanted.len() && units >= range.0 {
            break;
        }
    }
    best
}
