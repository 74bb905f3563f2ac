//! What arrives: from whatever bytes came to a request, a scan or an address that can
//! be acted upon.
//!
//! Promise: a body is either a [`PickupRequest`] (or a [`Scan`], an address, a [`Closing`]) in which every field has
//! passed its check, or a list of all that is wrong with it, each by its JSON pointer. Nothing is
//! guessed, rounded or dropped: a field nobody knows is an error too, since it may be a
//! misspelt one that mattered.
//!
//! Absent on purpose: where an address is, whether goods may enter China, and whether a way exists.
//! Others know; what is said of single fields is asked while reading, by way of [`Known`].

mod bag_scan;
mod buyer;
mod calendar;
mod escrow;
mod reading;
mod request;
mod scan;
mod webhook;

pub use bag_scan::{BagScan, Load, UnitName, is_of_a_bag, read as read_bag_scan};
pub use buyer::{
    Decided, Decision, Objection, Proven, read_decision, read_extension, read_objection, read_proof,
    read_proven_statement, read_statement,
};
pub use calendar::{Closing, read_cancellation, read_clearance, read_closing};
pub use escrow::{Instruction, Says, read_instruction, read_settled};
pub use reading::FieldError;
pub use request::{Declared, Known, NewParcel, Nowhere, Payment, PickupRequest, Unfit, read};
pub use scan::{Scan, read as read_scan};
pub use webhook::{
    NewWebhook, PastWebhooks, WebhookChange, read as read_webhook, read_change as read_webhook_change,
    read_past as read_webhooks_past, read_rotation as read_secret_rotation,
};
