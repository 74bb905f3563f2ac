//! What may enter China, and under which conditions it is carried.
//!
//! Promise: goods that no clearance of theirs lets in are refused when they are announced, by
//! the name of the rule that says so; dangerous goods are known by their UN number, and for each
//! mode of transport it is known whether it takes them.
//!
//! Invariants: of several beginnings of an HS code the longest that holds for the clearance
//! decides; a UN number that is in no table is carried by nobody. The tables are part of the binary
//! (`data/`, with their sources beside them), each row with its source and its date. Pure.
//!
//! Deliberately absent: permits (what needs one is refused as well), yearly caps and values,
//! alcohol's and tobacco's small quantities, contents that no code tells (printed matter,
//! imitations), weights and packings of dangerous goods, and whether what was declared is true.

mod dangerous;
mod prohibited;
mod table;

pub use dangerous::{DangerousRule, Mismatch, carriage, check, dangerous};
pub use prohibited::{GoodsRule, Refusal, Verdict, screen};
