//! The carriers this daemon knows, and the accounts it has with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::{Account, Adapter, open_all};
use super::{
    aftership, australia_post, cainiao, canada_post, dhl_unified, ems, fedex, kuaidi100, la_poste,
    royal_mail, seventeentrack, sf_express, ups, usps,
};
use crate::config::{self, ConfigError};
use crate::domain::carrier::CarrierCode;

/// One line a carrier.
pub const ADAPTERS: &[&Adapter] = &[
    &dhl_unified::ADAPTER,
    &ups::ADAPTER,
    &fedex::ADAPTER,
    &usps::ADAPTER,
    &sf_express::ADAPTER,
    &ems::ADAPTER,
    &cainiao::ADAPTER,
    &seventeentrack::ADAPTER,
    &kuaidi100::ADAPTER,
    &aftership::ADAPTER,
    &royal_mail::ADAPTER,
    &australia_post::ADAPTER,
    &canada_post::ADAPTER,
    &la_poste::ADAPTER,
];

/// Fixed from the start. A carrier without credentials is not in it.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<CarrierCode, Vec<Arc<Account>>>);

impl Registry {
    /// `allow_private`: whether carriers may be called without encryption, at home or in a test.
    pub fn new(settings: &config::Carriers, allow_private: bool) -> Result<Self, ConfigError> {
        let mut accounts = BTreeMap::new();
        for (name, table) in settings.tables() {
            let key = format!("carriers.{name}");
            let invalid = |reason: String| ConfigError::Invalid { key: key.clone(), reason };
            let adapter =
                Self::adapter(name).ok_or_else(|| invalid("is no carrier that Sampan knows".into()))?;
            let code: CarrierCode = name.parse().map_err(|error| invalid(format!("{error}")))?;
            let opened = open_all(adapter, &code, table.clone(), allow_private)?;
            if !opened.is_empty() {
                accounts.insert(code, opened.into_iter().map(Arc::new).collect());
            }
        }
        Ok(Self(accounts))
    }

    /// Whether there is an account with it or not.
    pub fn adapter(code: &str) -> Option<&'static Adapter> {
        ADAPTERS.iter().copied().find(|adapter| adapter.code == code)
    }

    /// The accounts with a carrier, the first one first; none where it is not configured.
    pub fn accounts(&self, carrier: &CarrierCode) -> &[Arc<Account>] {
        self.0.get(carrier).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.0.values().flatten()
    }

    pub fn is_configured(&self, carrier: &CarrierCode) -> bool {
        self.0.contains_key(carrier)
    }

    /// What people call the carrier of this code.
    pub fn name(&self, code: &str) -> Option<&'static str> {
        Self::adapter(code).map(|adapter| adapter.name)
    }

    pub fn codes(&self) -> impl Iterator<Item = &CarrierCode> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(changes: &str) -> Result<Registry, ConfigError> {
        Registry::new(&config::defaults_with(changes)?.carriers, false)
    }

    fn accounts(changes: &str) -> Vec<String> {
        let registry = registry(changes).expect("valid settings");
        registry.0.values().flatten().map(|account| account.id.to_string()).collect()
    }

    #[test]
    fn every_adapter_has_a_code_and_defaults_and_waits_for_credentials() {
        assert!(ADAPTERS.iter().all(|adapter| adapter.code.parse::<CarrierCode>().is_ok()));
        let settings = config::defaults_with("").expect("valid defaults").carriers;
        let mut of_defaults: Vec<_> = settings.tables().map(|(name, _)| name).collect();
        let mut known: Vec<_> = ADAPTERS.iter().map(|adapter| adapter.code).collect();
        of_defaults.sort_unstable();
        known.sort_unstable();
        assert_eq!(of_defaults, known);
        assert_eq!(accounts(""), Vec::<String>::new());
    }

    #[test]
    fn a_further_account_says_only_what_differs() {
        let two = "[carriers.dhl_unified]\napi_key = \"k\"\n[carriers.dhl_unified.accounts.freight]\n\
            api_key = \"f\"\ncalls_per_day = 10";
        assert_eq!(accounts(two), ["dhl_unified", "dhl_unified/freight"]);
        let registry = registry(two).expect("valid settings");
        let accounts = registry.accounts(&"dhl_unified".parse().expect("a code"));
        let per_day: Vec<_> = accounts.iter().map(|account| account.limits.calls_per_day).collect();
        assert_eq!(per_day, [Some(250), Some(10)]);
        let per_second: Vec<_> = accounts.iter().map(|account| account.limits.calls_per_second).collect();
        assert_eq!(per_second, [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_key() {
        for (changes, key) in [
            ("[carriers.dhl]\nbase_url = \"https://x\"", "carriers.dhl: "),
            ("[carriers.dhl_unified]\nkey = \"k\"", "carriers.dhl_unified: "),
            ("[carriers.dhl_unified]\nbase_url = \"http://x\"", "carriers.dhl_unified.base_url: "),
            ("[carriers.dhl_unified]\nbase_url = \"ftp://x\"", "carriers.dhl_unified.base_url: "),
            ("[carriers.dhl_unified]\nday_begins = \"noon\"", "carriers.dhl_unified.day_begins: "),
            ("[carriers.dhl_unified]\nnumbers_per_call = 2", "carriers.dhl_unified.numbers_per_call: "),
            ("[carriers.dhl_unified]\nconcurrency_max = 0", "carriers.dhl_unified.concurrency_max: "),
            (
                "[carriers.dhl_unified]\napi_key = \"k\"\npush_secret = \"s3cret\"",
                "carriers.dhl_unified.push_secret: ",
            ),
            ("[carriers.dhl_unified]\ncalls_per_second = -1", "carriers.dhl_unified.calls_per_second: "),
            ("[carriers.dhl_unified.accounts.x]\ncalls_per_dya = 1", "carriers.dhl_unified.accounts.x: "),
        ] {
            let error = registry(changes).err().expect(changes).to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
