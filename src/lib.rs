//! Sampan moves a merchant's goods to a buyer in China and tells the escrow provider when
//! the money may move. This is the map, in the order of a parcel's journey.
//!
//! A request enters at a door ([`http`], [`scheduler`], [`cli`]), goes to a flow or to one
//! capability, which asks its pure rules and then writes through [`store`]:
//!
//! | | |
//! |---|---|
//! | [`intake`] | a pickup request arrives, and is read with all its mistakes at once |
//! | [`merchants`] | who is calling |
//! | [`geography`] | where the pickup and the consignee are |
//! | [`customs`] | what may enter China, and on what it may travel |
//! | [`routing`] | the way: first mile, hub, departures, gateway, last mile, and why this one |
//! | [`flows`] | the stories that need several: accept, scan, poll, cancel, send |
//! | [`consolidation`] | which parcels travel together, and their papers |
//! | [`carriers`] | what carriers are asked and what their answers mean |
//! | [`polling`] | when to ask whom again |
//! | [`tracking`] | all events, one timeline, one status |
//! | [`escrow`] | when money may move, and how a provider is told |
//! | [`outbox`] | when to try again, and how much at once |
//! | [`notifications`] | what merchants are told |
//! | [`store`] | the only SQL |
//! | [`http`], [`web`], [`scheduler`], [`cli`] | the doors |
//! | [`sandbox`] | a carrier and an escrow provider on loopback, for demonstrations and tests |
//! | [`simulation`] | weeks of all of it in seconds, from a seed |
//! | [`app`] | builds every part once and owns starting and stopping |
//!
//! Beneath all: [`domain`], the shared words; [`clock`], the only time; [`chance`], the only
//! dice; [`outbound`], the only way out; [`config`], read once; [`telemetry`];
//! [`standard_webhooks`]; [`faults`].
//! Imports go one way only, and `tests/tidy.rs` sees to it.

pub mod app;
pub mod carriers;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod consolidation;
pub mod customs;
pub mod domain;
pub mod escrow;
pub mod faults;
pub mod flows;
pub mod geography;
pub mod http;
pub mod intake;
pub mod merchants;
pub mod notifications;
pub mod outbound;
pub mod outbox;
pub mod polling;
pub mod routing;
pub mod sandbox;
pub mod scheduler;
pub mod simulation;
pub mod standard_webhooks;
pub mod store;
pub mod telemetry;
pub mod tracking;
pub mod web;
