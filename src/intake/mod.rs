//! What arrives: from whatever bytes came to a request, a scan or an address that can
//! be acted upon.
//!
//! Promise: a body is either a [`PickupRequest`] (or a [`Scan`], or an address) in which every field has
//! passed its check, or a list of all that is wrong with it, each by its JSON pointer. Nothing is
//! guessed, rounded or dropped: a field nobody knows is an error too, since it may be a
//! misspelt one that mattered.
//!
//! Absent on purpose: whether goods may enter China, and whether a way exists. Both are
//! asked later, of others.

mod reading;
mod request;
mod scan;
mod webhook;

pub use reading::FieldError;
pub use request::{Known, NewParcel, Nowhere, Payment, PickupRequest, read};
pub use scan::{Scan, read as read_scan};
pub use webhook::read as read_webhook;
