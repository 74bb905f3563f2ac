//! What callers are shown. The shapes of the API's answers, made from domain values;
//! the doors only write them down.
//!
//! [`merchant`] is for the one whose shipment it is, [`public`] for anybody with its token,
//! [`webhooks`] for the one who is told, [`operator`] and [`reconciliation`] for those who run the network,
//! [`consolidations`] for them and for hubs.

mod consolidations;
mod disputes;
mod escrow;
mod merchant;
mod operator;
mod public;
mod reconciliation;
mod webhooks;

pub use consolidations::*;
pub use disputes::*;
pub use escrow::*;
pub use merchant::*;
pub use operator::*;
pub use public::*;
pub use reconciliation::*;
pub use webhooks::*;
