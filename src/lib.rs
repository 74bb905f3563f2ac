pub mod carriers;
pub mod clock;
pub mod config;
pub mod domain;
pub mod outbound;
pub mod sandbox;
pub mod standard_webhooks;
