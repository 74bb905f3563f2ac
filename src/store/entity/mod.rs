//! The tables as they are. Nothing outside `store` sees these.

pub mod audit_entry;
pub mod carrier_answer;
pub mod escrow_order;
pub mod escrow_trigger;
pub mod hub;
pub mod hub_key;
pub mod idempotency_key;
pub mod lane;
pub mod merchant;
pub mod merchant_key;
pub mod network_edition;
pub mod number_owner;
pub mod outbox;
pub mod parcel;
pub mod payment_owner;
pub mod pickup_request;
pub mod plan;
pub mod shipment;
pub mod tracked_number;
pub mod tracking_event;
pub mod webhook_endpoint;
pub mod webhook_message;
