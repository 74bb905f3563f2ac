pub mod clock;
pub mod config;
pub mod domain;
pub mod intake;
pub mod merchants;
pub mod outbound;
pub mod standard_webhooks;
pub mod store;
