//! The providers that this daemon is configured for, by name.
//!
//! Fixed from the start but for their keys, which follow their files. `webhook` can be named by a pickup request
//! before there is an address for it: its triggers wait. The others are known where they are configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::keys::Rings;
use super::provider::{NotIts, Provider, Unsayable};
use super::rules::Can;
use super::{alipay, antom, paypal, webhook};
use crate::config::{self, ConfigError};
use crate::domain::escrow::CustomsOffice;
use crate::domain::money::{Currency, Money};

/// What a payment is known by, however a provider's references spell it.
pub fn payment_of<'r>(provider: &str, reference: &'r str) -> &'r str {
    if provider == paypal::NAME { paypal::capture_of(reference) } else { reference }
}

/// Every provider that there is an adapter for.
pub const NAMES: [&str; 4] = [alipay::NAME, antom::NAME, paypal::NAME, webhook::NAME];

#[derive(Clone, Default)]
pub struct Providers(Arc<Known>);

#[derive(Default)]
struct Known {
    by_name: BTreeMap<&'static str, Provider>,
    rings: Rings,
    customs: Option<CustomsOffice>,
}

impl Providers {
    /// Reads key files, and blocks. An error names the key of the configuration that is wrong.
    pub fn open(settings: &config::Escrow) -> Result<Self, ConfigError> {
        let mut known = Known { customs: settings.customs.office(), ..Known::default() };
        let opened = [
            alipay::open(&settings.alipay)?,
            antom::open(&settings.antom)?,
            paypal::open(&settings.paypal)?,
            webhook::open(settings)?,
        ];
        for (provider, rings) in opened.into_iter().flatten() {
            known.by_name.insert(provider.name, provider);
            known.rings.extend(rings);
        }
        Ok(Self(Arc::new(known)))
    }

    /// None where it is not configured.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.0.by_name.get(name)
    }

    pub fn all(&self) -> impl Iterator<Item = &Provider> {
        self.0.by_name.values()
    }

    pub fn is_empty(&self) -> bool {
        self.0.by_name.is_empty()
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
                declare_customs: can.declare_customs.is_some() && self.0.customs.is_some(),
                ships_whole: provider.ships_whole,
            }
        })
    }

    /// Whether a payment can be one that `name` holds. What is not configured can hold any.
    pub fn could_hold(&self, name: &str, reference: &str, held: Money) -> Result<(), NotIts> {
        let Some(provider) = self.get(name) else { return Ok(()) };
        (provider.could_hold)(reference, held)?;
        let step = Money::new((provider.step_minor)(held.currency), held.currency);
        match held.minor % step.minor {
            0 => Ok(()),
            _ => Err(NotIts::amount(Unsayable(format!("{name} takes multiples of {step} alone")))),
        }
    }

    /// Of which amounts `name` moves multiples, in minor units. What is not configured says nothing of it.
    pub fn step_minor(&self, name: &str, currency: Currency) -> i64 {
        self.get(name).map_or(1, |provider| (provider.step_minor)(currency))
    }

    /// Where payments are declared, by whom; none: nowhere.
    pub fn customs(&self) -> Option<&CustomsOffice> {
        self.0.customs.as_ref()
    }

    /// What `payment.provider` of a pickup request may say.
    pub fn names(&self) -> Vec<&'static str> {
        NAMES.into_iter().filter(|name| *name == webhook::NAME || self.0.by_name.contains_key(name)).collect()
    }

    /// Reads the key files again, and says whether any key changed. Blocks.
    pub fn refresh_keys(&self) -> bool {
        self.0.rings.iter().fold(false, |changed, ring| ring.refresh() | changed)
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.by_name.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::signing::test_keys::{MERCHANT, PROVIDER_PUBLIC};
    use super::*;

    fn opened(changes: &str) -> Result<Providers, ConfigError> {
        Providers::open(&config::defaults_with(changes)?.escrow)
    }

    fn all() -> String {
        format!(
            "[escrow]\nwebhook_url = \"https://escrow.example/in\"\n\
             webhook_secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n\
             webhook_inquire_url = \"https://escrow.example/triggers\"\n\
             [escrow.alipay]\napp_id = \"1\"\nprivate_key = '''{MERCHANT}'''\npublic_key = '''{PROVIDER_PUBLIC}'''\n\
             legacy_partner = \"2088000000000001\"\nlegacy_key = \"legacy-secret\"\n\
             [escrow.antom]\nclient_id = \"1\"\nprivate_key = '''{MERCHANT}'''\npublic_key = '''{PROVIDER_PUBLIC}'''\n\
             [escrow.paypal]\nclient_id = \"1\"\nclient_secret = \"paypal-secret\"\nwebhook_id = \"W\"\n"
        )
    }

    #[test]
    fn a_capture_is_one_payment_with_its_order_and_without() {
        assert_eq!(payment_of("paypal", "5O1/3C6"), payment_of("paypal", "3C6"));
        assert_ne!(payment_of("webhook", "5O1/3C6"), payment_of("webhook", "3C6"));
    }

    #[test]
    fn what_is_configured_is_known_and_webhook_always_can_be_named() {
        assert_eq!(opened("").expect("valid settings").names(), ["webhook"]);
        assert!(opened("").expect("valid settings").get("webhook").is_none());
        let providers = opened(&all()).expect("valid settings");
        assert_eq!(providers.names(), NAMES);
        assert!(providers.all().all(|provider| NAMES.contains(&provider.name)));
        assert!(!providers.refresh_keys(), "texts do not change");
    }

    #[test]
    fn an_amount_is_held_in_the_steps_in_which_its_provider_moves_it() {
        let providers = opened(&all()).expect("valid settings");
        for (name, amount, currency, fits) in [
            ("antom", "15000.00", "IDR", true),
            ("antom", "15000.50", "IDR", false),
            ("antom", "15.50", "TWD", true),
            ("paypal", "15.50", "TWD", false),
            ("paypal", "1200.01", "HUF", false),
            ("paypal", "1200.00", "HUF", true),
            ("paypal", "1201", "JPY", true),
            ("paypal", "0.01", "USD", true),
            ("alipay", "0.01", "CNY", true),
            ("webhook", "1200.01", "HUF", true),
            ("nobody", "1200.01", "HUF", true),
        ] {
            let held = Money::parse(amount, currency.parse().expect("a currency")).expect("an amount");
            let refused = providers.could_hold(name, "2026112200001", held).map_err(|not_its| not_its.field);
            assert_eq!(refused, if fits { Ok(()) } else { Err("amount") }, "{name} {amount} {currency}");
            let step_minor = providers.step_minor(name, held.currency);
            assert_eq!(held.minor % step_minor == 0, fits, "{name} {amount} {currency}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key_and_no_secret_is_shown() {
        for (changes, key) in [
            ("[escrow]\nwebhook_url = \"https://x\"\nwebhook_secret = \"s3cret\"", "escrow.webhook_secret: "),
            ("[escrow]\nwebhook_inquire_url = \"http://x\"", "escrow.webhook_inquire_url: "),
            ("[escrow.alipay]\nbase_url = \"ftp://x\"", "escrow.alipay.base_url: "),
            ("[escrow.alipay]\napp_id = \"1\"", "escrow.alipay.private_key: "),
            ("[escrow.alipay]\napp_id = \"1\"\nprivate_key = \"s3cret\"", "escrow.alipay.private_key: "),
            (
                "[escrow.alipay]\napp_id = \"1\"\nprivate_key_file = \"/no/key\"",
                "escrow.alipay.private_key_file: ",
            ),
            ("[escrow.antom]\nclient_id = \"1\"", "escrow.antom.private_key: "),
            ("[escrow.antom]\nclient_ids = \"1\"", "the configuration cannot be read: "),
            ("[escrow.paypal]\nclient_id = \"1\"", "escrow.paypal.client_secret: "),
        ] {
            let error = opened(changes).expect_err(changes).to_string();
            assert!(error.starts_with(key) && !error.contains("s3cret"), "{error}");
        }
        let with = |name: &str, value: &str| {
            let changes = all().replacen("[escrow]\n", &format!("[escrow]\n{name} = \"{value}\"\n"), 1);
            opened(&changes).expect_err("refused").to_string()
        };
        for name in ["webhook_signing_key", "webhook_notice_key"] {
            let error = with(name, "whsec_c3RvbGVu");
            assert!(error.starts_with(&format!("escrow.{name}: ")) && !error.contains("c3Rv"), "{error}");
        }
    }

    #[test]
    fn the_readme_says_what_each_provider_can() {
        let readme = include_str!("../../README.md");
        for provider in opened(&all()).expect("valid settings").all() {
            let can = &provider.abilities;
            let cells = [
                can.shipped.is_some(),
                can.delivered.is_some(),
                can.confirm_receipt.is_some(),
                can.refund.is_some(),
                can.freeze.is_some(),
                can.inquire.is_some(),
                can.declare_customs.is_some(),
                can.sends_notices(),
            ];
            let cells = cells.map(|can| if can { "yes" } else { "–" });
            let row = format!("| `{}` | {} |", provider.name, cells.join(" | "));
            assert!(readme.lines().any(|line| line == row), "README.md should have:\n{row}");
        }
    }

    #[test]
    fn no_secret_is_printed_with_the_configuration_or_the_providers() {
        let settings = config::defaults_with(&all()).expect("valid settings").escrow;
        let providers = Providers::open(&settings).expect("valid settings");
        let shown = format!("{settings:?} {providers:?}");
        for secret in ["whsec_", "PRIVATE", "legacy-secret", "paypal-secret"] {
            assert!(!shown.contains(secret), "{secret}");
        }
    }
}
