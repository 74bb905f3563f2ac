//! The carriers this daemon can ask, by their code.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Track;
use super::dhl_unified::DhlUnified;
use crate::config;
use crate::domain::carrier::CarrierCode;

/// Fixed from the start. A carrier without credentials is not in it.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<CarrierCode, Arc<dyn Track>>);

impl Registry {
    pub fn new(settings: &config::Carriers) -> Self {
        let configured: [Option<Arc<dyn Track>>; 1] =
            [DhlUnified::new(&settings.dhl_unified).map(|adapter| Arc::new(adapter) as _)];
        Self(configured.into_iter().flatten().map(|adapter| (adapter.code().clone(), adapter)).collect())
    }

    pub fn get(&self, carrier: &CarrierCode) -> Option<&Arc<dyn Track>> {
        self.0.get(carrier)
    }

    /// What people call the carrier of this code.
    pub fn name(&self, code: &str) -> Option<&'static str> {
        self.0.iter().find(|(known, _)| known.as_str() == code).map(|(_, adapter)| adapter.name())
    }

    pub fn codes(&self) -> impl Iterator<Item = &CarrierCode> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(changes: &str) -> Vec<String> {
        let settings = config::defaults_with(changes).expect("valid settings");
        let registry = Registry::new(&settings.carriers);
        assert!(registry.codes().all(|code| registry.get(code).is_some_and(|found| found.code() == code)));
        registry.codes().map(CarrierCode::to_string).collect()
    }

    #[test]
    fn a_carrier_without_a_key_is_absent() {
        assert_eq!(codes(""), Vec::<String>::new());
        assert_eq!(codes("[carriers.dhl_unified]\napi_key = \"k\""), ["dhl_unified"]);
    }
}
