//! What the tests stand on: databases, daemons, an outside world, callers.

pub mod app;
pub mod binary;
pub mod daemon;
pub mod database;
pub mod forms;
pub mod hooks;
pub mod http;
pub mod journey;
pub mod operator;
// Storms (`benches/storm.rs`) stand on more of it than the tests do.
#[allow(dead_code)]
pub mod postgres;
pub mod pushers;
pub mod rows;
pub mod steps;
pub mod stub;
pub mod wait;
pub mod world;
pub mod yard;
