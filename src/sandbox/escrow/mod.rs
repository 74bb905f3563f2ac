//! An escrow provider on loopback: Standard Webhooks, Alipay, Antom and PayPal, at one address.
//!
//! Promise: it believes nothing that is not signed as the format has it, keeps books in which
//! released + refunded ≤ held always holds, does each key's command at most once, and answers as
//! the real one would, its own answers signed. It was written from the providers' public
//! documents, apart from the adapters that call it: each checks the other.
//!
//! [`books`] decide; a file or folder for each format reads, believes and answers; [`faults`] come
//! between reading and acting; [`control`] makes trades and shows them; [`notice`] and
//! [`deliver`] are what the provider says by itself. It forgets everything when it stops.

mod alipay;
mod antom;
pub mod ask;
mod books;
mod control;
mod crypto;
mod deliver;
mod faults;
pub mod keyring;
mod notice;
mod paypal;
mod server;
mod trade;
mod webhook;
mod wire;

use std::net::TcpListener;
use std::sync::Arc;

pub use ask::Format;
pub use books::{Books, Rules};
pub use deliver::Notify;
pub use faults::Shares;
pub use server::{EscrowCounts, EscrowState, ProviderOptions, Wires, keep_time, serve};
pub use trade::{Terms, Trade};

use crate::clock::Clock;
use crate::standard_webhooks::Secret;

#[derive(Debug, Clone)]
pub struct EscrowOptions {
    pub seed: u64,
    /// The share of triggers that take effect and are not told so.
    pub lose_answers: f64,
    /// The share of triggers that are answered 503 before they took effect.
    pub errors: f64,
}

/// The generic provider alone, with trades that are opened by their first mention.
pub fn escrow(
    listener: TcpListener,
    secret: Secret,
    options: EscrowOptions,
) -> std::io::Result<(actix_web::dev::Server, Arc<EscrowState>)> {
    let EscrowOptions { seed, lose_answers, errors } = options;
    let shares = Shares { lose_answers, errors, ..Shares::default() };
    let rules = Rules { open: true, release_after: None };
    let options = ProviderOptions { seed, shares, rules, clock: Clock::real(), notify: None };
    serve(listener, Wires::webhook(secret), options)
}
