//! The sandbox's escrow provider, spoken to over HTTP in each of its formats.
//!
//! Requests are signed and answers checked by what stands in these files, from the providers'
//! documents; of the server nothing is used but its keys' files.

mod alipay;
mod antom;
mod command;
mod control;
mod faults;
mod legacy;
mod notices;
mod paypal;
mod webhook;
pub mod world;
