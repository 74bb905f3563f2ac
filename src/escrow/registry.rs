//! The providers that are configured, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::provider::{Abilities, Provider};
use super::rules::Can;
use super::webhook::{self, Webhook};
use crate::config;
use crate::standard_webhooks::BadSecret;

#[derive(Clone, Default)]
pub struct Providers(Arc<BTreeMap<&'static str, Provider>>);

impl Providers {
    /// Those of which the configuration says enough. The triggers of the others wait until it does.
    pub fn open(settings: &config::Escrow) -> Result<Self, BadSecret> {
        let webhook = Webhook::from_config(settings)?.map(|webhook| {
            let to = Arc::new(webhook);
            let abilities = Abilities {
                shipped: Some(to.clone()),
                delivered: Some(to.clone()),
                confirm_receipt: Some(to.clone()),
                refund: Some(to.clone()),
                freeze: Some(to),
                ..Abilities::default()
            };
            Provider { name: webhook::NAME, abilities, keeps_keys: None }
        });
        Ok(Self(Arc::new(webhook.into_iter().map(|provider| (provider.name, provider)).collect())))
    }

    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.0.get(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The calls that a provider has. Of one that is not configured yet nobody knows; what it has no call
    /// for is refused when it is sent.
    pub fn can(&self, name: &str) -> Can {
        self.get(name).map_or(Can::EVERYTHING, |provider| {
            let can = &provider.abilities;
            Can {
                shipped: can.shipped.is_some(),
                delivered: can.delivered.is_some(),
                confirm_receipt: can.confirm_receipt.is_some(),
                refund: can.refund.is_some(),
                freeze: can.freeze.is_some(),
            }
        })
    }
}
