//! The decision at a cut-off: who goes, who stays behind and why, in which bags and units.
//!
//! # Promise
//! Every shipment that was booked either goes with all its parcels or stays behind with a reason in
//! words. What goes is within the departure's capacity, and each parcel of it is in exactly one bag, each bag
//! in one unit at most. No bag exceeds its limits but a single piece, which is one parcel that no bag takes,
//! numbered among the bags and marked; no unit exceeds the payload and the volume of its type. What has to be kept apart
//! shares neither a bag nor a unit.
//!
//! # Who stays behind
//! What is not there. Of the rest, where it is more than the departure takes: by promise, express before
//! standard before economy, then who has fewer days left, then who was accepted first. A shipment that does not
//! fit makes room for smaller ones behind it, which costs it nothing: it does not fit either way.
//!
//! # Units
//! Each type is tried for all bags, and each unit then exchanged for the lightest type that takes what is in
//! it. The fewest units win, then the least tare, then the order of preference. Bags too large for
//! the type are tried with the others; what fits into none travels loose. An exact choice among mixed
//! fleets of units is left out: what a station has at hand is known there and not here.
//!
//! Capacity is of goods: bags and units weigh nothing in it, as nothing of them was booked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Apart;
use super::packing::{CannotPack, Item, Limits, pack};
use super::segregation;
use super::terms::Terms;
use super::units::UnitType;
use crate::domain::id::{ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, HubCode, TransportMode};
use crate::domain::service::{Clearance, Service};
use crate::domain::waybill::HouseNumber;

/// What parcels share a bag for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    pub gateway: HubCode,
    pub clearance: Clearance,
    pub last_mile_carrier: Option<String>,
}

/// A shipment that is booked on the departure.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub shipment: ShipmentId,
    pub service: Service,
    pub promised_by: Instant,
    pub way: Way,
    /// Why it cannot go, in words.
    pub absent: Option<String>,
    pub pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub parcel: ParcelId,
    pub grams: u64,
    pub cm3: u64,
    /// As [`segregation::packing_class`] names them.
    pub classes: BTreeSet<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Departing {
    pub id: DepartureId,
    pub mode: TransportMode,
    pub cutoff_at: Instant,
    pub capacity_grams: u64,
    pub capacity_cm3: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Closing {
    /// By way, and numbered by their place, from 1.
    pub bags: Vec<Bag>,
    pub units: Vec<Unit>,
    pub left_behind: Vec<LeftBehind>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Bag {
    pub way: Way,
    pub parcels: Vec<ParcelId>,
    pub grams: u64,
    pub cm3: u64,
    /// What of it no bag takes; none: it is a bag.
    pub single_piece: Option<Excess>,
    /// The place of its unit; none: it travels loose.
    pub unit: Option<usize>,
}

/// What is too much for a bag, with the limit that it exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// How heavy it is, and how heavy a bag may be.
    pub grams: Option<(u64, u64)>,
    pub cm3: Option<(u64, u64)>,
}

impl Excess {
    fn of(piece: &Piece, limits: &Limits) -> Option<Self> {
        let exceeds = |it: u64, most: Option<u64>| most.filter(|most| it > *most).map(|most| (it, most));
        let grams = exceeds(piece.grams, Some(limits.weight_grams));
        let cm3 = exceeds(piece.cm3, limits.volume_cm3);
        (grams.is_some() || cm3.is_some()).then_some(Self { grams, cm3 })
    }
}

/// `31000 g where a bag takes 30000 g`
impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grams = self.grams.map(|(it, most)| format!("{it} g where a bag takes {most} g"));
        let cm3 = self.cm3.map(|(it, most)| format!("{it} cm3 where a bag takes {most} cm3"));
        f.write_str(&grams.into_iter().chain(cm3).collect::<Vec<_>>().join(", and "))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// `AKE-1`, until somebody reads what is painted on it.
    pub number: String,
    pub unit_type: &'static UnitType,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    pub shipment: ShipmentId,
    pub reason: String,
}

/// The same arguments give the same closing.
pub fn close(departing: &Departing, candidates: &[Candidate], terms: &Terms) -> Result<Closing, CannotPack> {
    let (going, left_behind) = choose(departing, candidates);
    let mut bags = into_bags(&going, &terms.bag)?;
    bags.sort_by(|a, b| (&a.bag.way, &a.bag.parcels).cmp(&(&b.bag.way, &b.bag.parcels)));
    let loaded = into_units(&bags, terms.units(departing.mode))?;
    let mut units = Vec::with_capacity(loaded.len());
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for (place, unit) in loaded.iter().enumerate() {
        let count = counts.entry(&unit.unit_type.code).or_default();
        *count += 1;
        units.push(Unit { number: format!("{}-{count}", unit.unit_type.code), unit_type: unit.unit_type });
        for bag in &unit.bags {
            bags[*bag].bag.unit = Some(place);
        }
    }
    Ok(Closing { bags: bags.into_iter().map(|classed| classed.bag).collect(), units, left_behind })
}

/// Who goes, and who does not.
fn choose<'c>(departing: &Departing, candidates: &'c [Candidate]) -> (Vec<&'c Candidate>, Vec<LeftBehind>) {
    let mut left_behind = Vec::new();
    let mut there: Vec<&Candidate> = Vec::new();
    let mut houses = BTreeSet::new();
    for candidate in candidates {
        let shipment = candidate.shipment;
        match &candidate.absent {
            Some(reason) => left_behind.push(LeftBehind { shipment, reason: reason.clone() }),
            // Once in thousands of millions of departures; they go one after the other.
            None if !houses.insert(HouseNumber::of(shipment)) => {
                let reason = "another shipment on the departure has its house number".to_owned();
                left_behind.push(LeftBehind { shipment, reason });
            }
            None => there.push(candidate),
        }
    }
    there.sort_by_key(|candidate| (candidate.service, candidate.promised_by, candidate.shipment));
    let sum = |of: fn(&Piece) -> u64, one: &Candidate| one.pieces.iter().map(of).sum::<u64>();
    let load = |one: &Candidate| (sum(|piece| piece.grams, one), sum(|piece| piece.cm3, one));
    let all = there.iter().map(|one| load(one)).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    let (mut grams, mut cm3) = (0, 0);
    let mut going = Vec::with_capacity(there.len());
    for candidate in there {
        let (more_grams, more_cm3) = load(candidate);
        if grams + more_grams <= departing.capacity_grams && cm3 + more_cm3 <= departing.capacity_cm3 {
            (grams, cm3) = (grams + more_grams, cm3 + more_cm3);
            going.push(candidate);
        } else {
            let reason = overbooked(departing, candidate, all);
            left_behind.push(LeftBehind { shipment: candidate.shipment, reason });
        }
    }
    going.sort_by_key(|candidate| candidate.shipment);
    left_behind.sort_by_key(|left| left.shipment);
    (going, left_behind)
}

fn overbooked(departing: &Departing, candidate: &Candidate, (grams, cm3): (u64, u64)) -> String {
    let kg = |grams: u64| grams as f64 / 1e3;
    let m3 = |cm3: u64| cm3 as f64 / 1e6;
    let left = candidate.promised_by - departing.cutoff_at;
    let days = match left.num_days() {
        days if left < chrono::TimeDelta::zero() => format!("{} days late", days.abs()),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    };
    format!(
        "{} is overbooked: it takes {:.1} kg and {:.2} m3, and {:.1} kg and {:.2} m3 are there for it; \
         {} with {days} of its promise gives way to what has less time",
        departing.id,
        kg(departing.capacity_grams),
        m3(departing.capacity_cm3),
        kg(grams),
        m3(cm3),
        candidate.service,
    )
}

/// A bag, and the classes of what is in it.
struct Classed {
    bag: Bag,
    classes: BTreeSet<&'static str>,
}

/// Numbers for sets of classes, and which of them are apart: as soon as one class of the one may not travel
/// with one of the other. A set that is apart in itself travels alone.
#[derive(Default)]
struct Mixtures<'a> {
    numbers: BTreeMap<&'a BTreeSet<&'static str>, u32>,
}

impl<'a> Mixtures<'a> {
    fn number(&mut self, classes: &'a BTreeSet<&'static str>) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(classes).or_insert(next)
    }

    fn apart(&self) -> Apart {
        let mut apart = Apart::nothing();
        for (one, number) in &self.numbers {
            for (other, other_number) in &self.numbers {
                let mut pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
                if pairs.any(|(a, b)| !segregation::may_share(a, b)) {
                    apart.keep(*number, *other_number);
                }
            }
        }
        apart
    }
}

fn into_bags(going: &[&Candidate], limits: &Limits) -> Result<Vec<Classed>, CannotPack> {
    let mut ways: Vec<&Way> = going.iter().map(|candidate| &candidate.way).collect();
    ways.sort();
    ways.dedup();
    let pieces = going.iter().flat_map(|one| one.pieces.iter().map(move |piece| (&one.way, piece)));
    let (bagged, alone): (Vec<_>, Vec<_>) =
        pieces.partition(|(_, piece)| Excess::of(piece, limits).is_none());
    let mut mixtures = Mixtures::default();
    let items: Vec<Item> = bagged
        .iter()
        .map(|(way, piece)| Item {
            weight_grams: piece.grams,
            volume_cm3: piece.cm3,
            // Of those it was taken from.
            group: ways.partition_point(|other| other < way) as u32,
            class: mixtures.number(&piece.classes),
        })
        .collect();
    let packed = pack(&items, limits, &mixtures.apart())?;
    let of_several = packed.bags.iter().map(|bag| {
        let pieces: Vec<_> = bag.iter().map(|item| bagged[*item]).collect();
        bag_of(&pieces, None)
    });
    let of_one = alone.iter().map(|one| bag_of(std::slice::from_ref(one), Excess::of(one.1, limits)));
    Ok(of_several.chain(of_one).collect())
}

fn bag_of(pieces: &[(&Way, &Piece)], single_piece: Option<Excess>) -> Classed {
    let mut parcels: Vec<ParcelId> = pieces.iter().map(|(_, piece)| piece.parcel).collect();
    parcels.sort_unstable();
    let bag = Bag {
        way: pieces[0].0.clone(),
        parcels,
        grams: pieces.iter().map(|(_, piece)| piece.grams).sum(),
        cm3: pieces.iter().map(|(_, piece)| piece.cm3).sum(),
        single_piece,
        unit: None,
    };
    let classes = pieces.iter().flat_map(|(_, piece)| piece.classes.iter().copied()).collect();
    Classed { bag, classes }
}

struct Loaded {
    unit_type: &'static UnitType,
    bags: Vec<usize>,
}

fn takes(unit: &UnitType, grams: u64, cm3: u64) -> bool {
    grams <= unit.payload_grams && cm3 <= unit.volume_cm3
}

fn into_units(bags: &[Classed], types: &[&'static UnitType]) -> Result<Vec<Loaded>, CannotPack> {
    let all: Vec<usize> = (0..bags.len()).collect();
    let mut best = best_units(bags, &all, types, types)?;
    best.sort_by_key(|unit| unit.bags.first().copied());
    Ok(best)
}

/// Units for some of the bags: the best of one type after the other, with `others` for what a type cannot take.
fn best_units(
    bags: &[Classed],
    some: &[usize],
    types: &[&'static UnitType],
    others: &[&'static UnitType],
) -> Result<Vec<Loaded>, CannotPack> {
    let mut best: Option<Vec<Loaded>> = None;
    let rank = |units: &[Loaded]| {
        let packed: usize = units.iter().map(|unit| unit.bags.len()).sum();
        let tare: u64 = units.iter().map(|unit| unit.unit_type.tare_grams).sum();
        (some.len() - packed, units.len(), tare)
    };
    for unit_type in types {
        let (fit, too_large): (Vec<usize>, Vec<usize>) =
            some.iter().partition(|at| takes(unit_type, bags[**at].bag.grams, bags[**at].bag.cm3));
        let mut units = units_of(bags, &fit, unit_type, others)?;
        if !too_large.is_empty() {
            let rest: Vec<_> = types.iter().copied().filter(|other| other.code != unit_type.code).collect();
            units.extend(best_units(bags, &too_large, &rest, others)?);
        }
        if best.as_ref().is_none_or(|best| rank(&units) < rank(best)) {
            best = Some(units);
        }
    }
    Ok(best.unwrap_or_default())
}

/// Units of one type, each exchanged for the lightest type that takes what is in it.
fn units_of(
    bags: &[Classed],
    some: &[usize],
    unit_type: &'static UnitType,
    types: &[&'static UnitType],
) -> Result<Vec<Loaded>, CannotPack> {
    let mut mixtures = Mixtures::default();
    let items: Vec<Item> = some
        .iter()
        .map(|at| Item {
            weight_grams: bags[*at].bag.grams,
            volume_cm3: bags[*at].bag.cm3,
            group: 0,
            class: mixtures.number(&bags[*at].classes),
        })
        .collect();
    let limits = Limits {
        weight_grams: unit_type.payload_grams,
        volume_cm3: Some(unit_type.volume_cm3),
        parcels: None,
    };
    let packed = pack(&items, &limits, &mixtures.apart())?;
    let load = |unit: &Vec<usize>| {
        let inside: Vec<usize> = unit.iter().map(|item| some[*item]).collect();
        let grams = inside.iter().map(|at| bags[*at].bag.grams).sum();
        let cm3 = inside.iter().map(|at| bags[*at].bag.cm3).sum();
        let fitting = types.iter().copied().filter(|other| takes(other, grams, cm3));
        let lightest = fitting.min_by_key(|other| other.tare_grams).unwrap_or(unit_type);
        Loaded { unit_type: lightest, bags: inside }
    };
    Ok(packed.bags.iter().map(load).collect())
}

#[cfg(test)]
mod tests;
