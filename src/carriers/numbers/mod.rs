//! Which carriers a tracking number can belong to, by its form and its check digit.
//!
//! Promise: [`detect`] names every carrier of the tables whose form fits, best first: a check
//! digit that holds in a form with marks of its own, a check digit that holds, a form with
//! marks, bare digits; among equals the form that leaves less open, then the order of the
//! table. Any text is read, as people type it; what is no number has no candidates. Pure.
//!
//! Invariants: `valid` is said where a check digit was computed and holds, and nowhere else. A
//! number is mistyped only where every form that fits has a check digit of which the table is
//! sure that all its numbers carry it, and each one fails. Whoever is unsure says nothing: to
//! refuse a merchant's real parcel is worse than to take a slip of the pen. So bare numbers of 9
//! to 16 digits are never mistyped, as some carrier's of that length have no check digit; where
//! the carrier is known, its own forms decide ([`check`]).
//!
//! The forms are rows of `data/`, with their sources beside them; numbers of postal operators
//! (UPU S10) are read in [`s10`]. Deliberately absent: which parcels a carrier has issued
//! a number for; a check digit that was not typed at all; the check digits of SF, CJ and
//! GLS, of which no public source is sure.

mod checks;
mod form;
mod s10;
mod spelling;
mod table;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::carrier::{CarrierCode, TrackingNumber};
use spelling::Symbols;

/// What a tracking number says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Detection {
    /// In one spelling: capitals, without spaces and hyphens.
    #[schema(example = "1Z999AA10123456784")]
    pub number: String,
    /// A form fits, and its check digit does not: somebody slipped.
    pub mistyped: bool,
    /// Best first.
    pub candidates: Vec<Candidate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Candidate {
    #[schema(example = "ups")]
    pub carrier: &'static str,
    /// Which of the carrier's services, as far as the form tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'static str>,
    pub checksum: Checksum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    /// The check digit was computed and holds.
    Valid,
    /// The form alone fits.
    None,
}

/// Why a number cannot be right. Its text is for the one who typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistyped {
    /// No carrier's.
    Anywhere { number: String },
    /// Not the one's whose it is said to be.
    At { number: String, carrier: CarrierCode },
}

impl fmt::Display for Mistyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mistyped::Anywhere { number } => {
                write!(f, "{number} is mistyped: its check digit does not fit any carrier's format")
            }
            Mistyped::At { number, carrier } => {
                write!(f, "{number} is mistyped: its check digit does not fit the format of {carrier}")
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The check digit holds.
    Holds,
    /// The form has none.
    Unchecked,
    /// It fails, and some numbers of the form may carry none.
    Doubtful,
    /// It fails, and all numbers of the form carry one.
    Fails,
}

/// A form that a number has.
#[derive(Debug, Clone, Copy)]
struct Fit {
    carrier: &'static str,
    service: Option<&'static str>,
    verdict: Verdict,
    /// Letters or a long beginning of its own, where others have digits alone.
    is_marked: bool,
    /// How much of the number the form prescribes.
    prescribed: u8,
}

pub fn detect(text: &str) -> Detection {
    let (number, symbols) = spelling::read(text);
    let mut fits: Vec<Fit> = symbols.iter().flat_map(fits).collect();
    let mistyped = all_fail(fits.iter());
    fits.retain(|fit| fit.verdict != Verdict::Fails);
    fits.sort_by_key(|fit| {
        let (holds, is_doubtful) = (fit.verdict == Verdict::Holds, fit.verdict == Verdict::Doubtful);
        Reverse((holds, fit.is_marked, fit.prescribed, !is_doubtful))
    });
    let mut candidates: Vec<Candidate> = Vec::with_capacity(fits.len());
    for Fit { carrier, service, verdict, .. } in fits {
        if !candidates.iter().any(|better| (better.carrier, better.service) == (carrier, service)) {
            let checksum = if verdict == Verdict::Holds { Checksum::Valid } else { Checksum::None };
            candidates.push(Candidate { carrier, service, checksum });
        }
    }
    Detection { number, mistyped, candidates }
}

/// Whether `number` may be one of `carrier`. A form that nobody knows may be anybody's.
pub fn check(carrier: &CarrierCode, number: &TrackingNumber) -> Result<(), Mistyped> {
    let (number, symbols) = spelling::read(number.as_str());
    let fits: Vec<Fit> = symbols.iter().flat_map(fits).collect();
    if all_fail(fits.iter()) {
        Err(Mistyped::Anywhere { number })
    } else if all_fail(fits.iter().filter(|fit| fit.carrier == carrier.as_str())) {
        Err(Mistyped::At { number, carrier: carrier.clone() })
    } else {
        Ok(())
    }
}

fn fits(symbols: &Symbols) -> impl Iterator<Item = Fit> {
    table::fits(symbols).chain(s10::fit(symbols))
}

/// And there is one at all.
fn all_fail<'f>(mut fits: impl Iterator<Item = &'f Fit>) -> bool {
    let fails = |fit: &Fit| fit.verdict == Verdict::Fails;
    fits.next().is_some_and(fails) && fits.all(fails)
}
