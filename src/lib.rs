pub mod clock;
pub mod config;
pub mod domain;
pub mod geography;
pub mod outbound;
pub mod routing;
pub mod sandbox;
