//! What the daemon is told before it starts: defaults, then a file, then the environment.
//!
//! Read once, in `main`. A key nobody knows is refused by name, since a misspelt
//! limit is worse than none. Secrets are wrapped: printing the configuration shows none.

mod carriers;
mod consolidation;
mod escrow;
mod miles;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use ::config::{Config, Environment, File, FileFormat};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

pub use carriers::{Carriers, Table};
pub use consolidation::{Consolidation, LastMile, UnitTypes, WaybillStock};
pub use escrow::{Alipay, Antom, Customs, Escrow, KeySource, Paypal, Reconciliation};
pub use miles::{Co2eFactors, Mile, Miles};

/// Every key with its default and what it means.
pub const DEFAULTS: &str = include_str!("config.default.toml");

/// Looked for in the current folder where no file is named.
pub const FILE: &str = "sampan.toml";

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration cannot be read: {0}")]
    Unreadable(String),
    #[error("{key}: {reason}")]
    Invalid { key: String, reason: String },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub http: Http,
    pub database: Database,
    pub log: Log,
    pub intake: Intake,
    pub routing: Routing,
    pub consolidation: Consolidation,
    pub polling: Polling,
    pub tracking: Tracking,
    pub escrow: Escrow,
    pub outbox: Outbox,
    pub webhooks: Webhooks,
    pub outbound: Outbound,
    pub carriers: Carriers,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: SocketAddr,
    pub public_url: String,
    pub body_bytes_max: usize,
    pub connections_max: usize,
    pub shutdown_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: SecretString,
    pub connections_max: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Pretty,
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    pub signature_tolerance_seconds: u32,
    pub idempotency_hours: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    pub horizon_days: u32,
    pub origin_hubs_max: usize,
    pub alternatives_max: usize,
    pub promise_days: PromiseDays,
    pub first_mile: Miles,
    pub last_mile: Miles,
    pub co2e_grams_per_tonne_km: Co2eFactors,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromiseDays {
    pub express: u32,
    pub standard: u32,
    pub economy: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polling {
    pub minutes_between_least: f64,
    pub hours_between_most: f64,
    pub price_minutes: f64,
    pub hours_on_hold: f64,
    pub retry_minutes_first: u32,
    pub retry_minutes_max: u32,
    pub watch_days_after_delivery: u32,
    pub hours_delivered: f64,
    pub silence_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    pub half_life_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    pub concurrency_max: usize,
    pub per_provider_max: usize,
    pub tick_seconds: u32,
    pub lease_seconds: u32,
    #[serde(deserialize_with = "list")]
    pub retry_seconds: Vec<u32>,
    pub jitter: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub concurrency_max: usize,
    pub per_endpoint_max: usize,
    pub disable_after_days: u32,
    pub keep_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub connect_timeout_seconds: u64,
    pub timeout_seconds: u64,
    pub answer_bytes_max: usize,
    pub allow_private_addresses: bool,
    #[serde(deserialize_with = "names")]
    pub private_hosts: BTreeSet<String>,
}

impl Outbound {
    /// Whether what the configuration names may be in a private network, and be called without encryption.
    pub fn is_at_home(&self, url: &str) -> bool {
        self.allow_private_addresses || self.private_hosts.contains(&host_of(url))
    }
}

/// In small letters.
fn host_of(url: &str) -> String {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    let authority = behind.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.to_ascii_lowercase()
}

/// A list of names, or a text with commas between them, in small letters.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
    }
    let texts = match Written::deserialize(deserializer)? {
        Written::List(list) => list,
        Written::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    let names = texts.iter().map(|text| text.trim().to_ascii_lowercase());
    Ok(names.filter(|name| !name.is_empty()).collect())
}

/// A list of numbers, or the text `5,300` that a variable can hold. Variables stay text
/// until a field asks for a number: a secret of digits must keep its leading zeros.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<u32>),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::List(list) => Ok(list),
        Written::Text(text) => {
            text.split(',').map(|n| n.trim().parse().map_err(serde::de::Error::custom)).collect()
        }
    }
}

impl From<::config::ConfigError> for ConfigError {
    fn from(error: ::config::ConfigError) -> Self {
        ConfigError::Unreadable(error.to_string())
    }
}

/// Defaults, then `file` (or `sampan.toml` where there is one), then the environment.
pub fn load(file: Option<&Path>) -> Result<Settings, ConfigError> {
    let builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    let builder = match file {
        Some(named) => builder.add_source(File::from(named).format(FileFormat::Toml)),
        None => builder.add_source(File::new(FILE, FileFormat::Toml).required(false)),
    };
    read(builder.add_source(environment(None)))
}

/// The defaults with `changes` (TOML) on top and no environment, for tests and the demonstration.
pub fn defaults_with(changes: &str) -> Result<Settings, ConfigError> {
    let builder = Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from_str(changes, FileFormat::Toml));
    read(builder)
}

fn environment(variables: Option<std::collections::HashMap<String, String>>) -> Environment {
    Environment::with_prefix("SAMPAN").prefix_separator("__").separator("__").source(variables)
}

fn read(builder: ::config::ConfigBuilder<::config::builder::DefaultState>) -> Result<Settings, ConfigError> {
    let settings: Settings = builder.build()?.try_deserialize()?;
    settings.normalise()?.check()
}

fn invalid(key: impl Into<String>, reason: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Invalid { key: key.into(), reason: reason.to_owned() })
}

impl Settings {
    fn normalise(mut self) -> Result<Self, ConfigError> {
        if self.http.public_url.is_empty() {
            self.http.public_url = format!("http://{}", self.http.listen);
        }
        while self.http.public_url.ends_with('/') {
            self.http.public_url.pop();
        }
        Ok(self)
    }

    fn check(self) -> Result<Self, ConfigError> {
        self.check_addresses()?;
        miles::check(&self.routing)?;
        consolidation::check(&self.consolidation)?;
        self.check_figures()?;
        Ok(self)
    }

    fn check_addresses(&self) -> Result<(), ConfigError> {
        let database = self.database.url.expose_secret();
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| database.starts_with(scheme)) {
            return invalid("database.url", "has to begin with sqlite:// or postgres://");
        }
        if database.contains(":memory:") || database.contains("mode=memory") {
            return invalid(
                "database.url",
                "names a database in memory, which each connection would see its own of",
            );
        }
        let public = self.http.public_url.as_str();
        if !public.is_empty() && !public.starts_with("http://") && !public.starts_with("https://") {
            return invalid("http.public_url", "has to begin with http:// or https://");
        }
        escrow::check(&self.escrow, &self.outbound)
    }

    fn check_figures(&self) -> Result<(), ConfigError> {
        let hours = [
            self.polling.minutes_between_least,
            self.polling.hours_between_most,
            self.polling.price_minutes,
            self.polling.hours_on_hold,
            self.polling.hours_delivered,
        ];
        if hours.iter().any(|hours| !(*hours > 0.0 && hours.is_finite())) {
            return invalid("polling", "hours, minutes and the price have to be more than 0");
        }
        let counts = [
            ("http.connections_max", self.http.connections_max as u64),
            ("database.connections_max", u64::from(self.database.connections_max)),
            ("intake.idempotency_hours", u64::from(self.intake.idempotency_hours)),
            ("routing.horizon_days", u64::from(self.routing.horizon_days)),
            ("routing.origin_hubs_max", self.routing.origin_hubs_max as u64),
            ("routing.promise_days.express", u64::from(self.routing.promise_days.express)),
            ("routing.promise_days.standard", u64::from(self.routing.promise_days.standard)),
            ("routing.promise_days.economy", u64::from(self.routing.promise_days.economy)),
            ("consolidation.bag_parcels_max", u64::from(self.consolidation.bag_parcels_max)),
            ("tracking.half_life_days", u64::from(self.tracking.half_life_days)),
            ("polling.silence_days", u64::from(self.polling.silence_days)),
            ("polling.retry_minutes_first", u64::from(self.polling.retry_minutes_first)),
            ("outbox.concurrency_max", self.outbox.concurrency_max as u64),
            ("outbox.per_provider_max", self.outbox.per_provider_max as u64),
            ("outbox.tick_seconds", u64::from(self.outbox.tick_seconds)),
            ("webhooks.per_endpoint_max", self.webhooks.per_endpoint_max as u64),
            ("webhooks.disable_after_days", u64::from(self.webhooks.disable_after_days)),
            ("webhooks.keep_days", u64::from(self.webhooks.keep_days)),
            ("outbound.connect_timeout_seconds", self.outbound.connect_timeout_seconds),
            ("outbound.timeout_seconds", self.outbound.timeout_seconds),
        ];
        for (key, count) in counts {
            if count == 0 {
                return invalid(key, "has to be 1 or more");
            }
        }
        // A container is killed ten seconds after it was told to stop.
        if !(1..=9).contains(&self.http.shutdown_seconds) {
            return invalid("http.shutdown_seconds", "has to be between 1 and 9");
        }
        if self.polling.retry_minutes_max < self.polling.retry_minutes_first {
            return invalid("polling.retry_minutes_max", "has to be polling.retry_minutes_first or more");
        }
        if self.webhooks.concurrency_max < 2 {
            return invalid(
                "webhooks.concurrency_max",
                "has to be 2 or more: one place is for those that fail",
            );
        }
        // A pass is fetched, and then a trigger sent: both within the lease, or somebody else sends it meanwhile.
        if u64::from(self.outbox.lease_seconds) < 2 * self.outbound.timeout_seconds {
            return invalid("outbox.lease_seconds", "has to be twice outbound.timeout_seconds or more");
        }
        if self.outbox.retry_seconds.is_empty() {
            return invalid("outbox.retry_seconds", "has to have one wait or more");
        }
        if !(0.0..=1.0).contains(&self.outbox.jitter) {
            return invalid("outbox.jitter", "has to be between 0 and 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        let settings = defaults_with("").expect("valid defaults");
        assert_eq!(settings.http.public_url, "http://127.0.0.1:8080");
    }

    #[test]
    fn a_key_nobody_knows_is_refused_by_its_name() {
        let error = defaults_with("[http]\nlisten_on = \"0.0.0.0:80\"").expect_err("an unknown key");
        assert!(error.to_string().contains("listen_on"), "{error}");
        let error = defaults_with("[htpp]\nlisten = \"0.0.0.0:80\"").expect_err("an unknown section");
        assert!(error.to_string().contains("htpp"), "{error}");
    }

    #[test]
    fn the_environment_goes_above_the_file() {
        let variables = [
            ("SAMPAN__HTTP__BODY_BYTES_MAX", "77"),
            ("SAMPAN__OUTBOX__RETRY_SECONDS", "1,2"),
            ("SAMPANX", "1"),
            ("SAMPAN__CARRIERS__DHL_UNIFIED__API_KEY", "00123"),
        ];
        let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let builder = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(environment(Some(variables)));
        let settings = read(builder).expect("valid settings");
        assert_eq!(settings.http.body_bytes_max, 77);
        assert_eq!(settings.outbox.retry_seconds, [1, 2]);
        let dhl = settings.carriers.tables().find(|(name, _)| *name == "dhl_unified").expect("DHL").1;
        assert_eq!(dhl["api_key"].clone().into_string().expect("text"), "00123");
    }

    #[test]
    fn values_that_cannot_work_are_refused_with_their_key() {
        for (changes, key) in [
            ("[database]\nurl = \"mysql://x\"", "database.url"),
            ("[outbox]\nconcurrency_max = 0", "outbox.concurrency_max"),
            ("[routing.first_mile]\nspeed_kmh = 0.0", "routing.first_mile.speed_kmh"),
            ("[routing.first_mile.by_country.US]\ndetour = 0.9", "routing.first_mile.by_country.US.detour"),
            ("[routing.last_mile]\nper_km = \"-0.1\"", "routing.last_mile.per_km"),
            ("[routing.co2e_grams_per_tonne_km]\nsea = -1", "routing.co2e_grams_per_tonne_km.sea"),
            ("[routing.promise_days]\nstandard = 0", "routing.promise_days.standard"),
            ("[routing]\nhorizon_days = 367", "routing.horizon_days"),
            ("[escrow]\nwebhook_url = \"https://x\"", "escrow.webhook_secret"),
            ("[escrow.customs]\nplace = \"HANGZHOU\"", "escrow.customs"),
            ("[escrow.alipay]\nbase_url = \"https://x?charset=utf-8\"", "escrow.alipay.base_url"),
            ("[escrow.alipay]\nlegacy_base_url = \"https://x?a=b\"", "escrow.alipay.legacy_base_url"),
            ("[escrow.alipay]\nsettle_to = \"2088123412341234\"", "escrow.alipay.settle_to"),
            ("[escrow.alipay]\nsettle_to_type = \"userId\"", "escrow.alipay.settle_to"),
            ("[escrow.reconciliation]\nhour_utc = 24", "escrow.reconciliation.hour_utc"),
            ("[escrow.reconciliation]\ndays = 0", "escrow.reconciliation.days"),
            ("[escrow.reconciliation]\nconcurrency_max = 0", "escrow.reconciliation.concurrency_max"),
            ("[http]\nshutdown_seconds = 0", "http.shutdown_seconds"),
            ("[http]\nshutdown_seconds = 10", "http.shutdown_seconds"),
            ("[intake]\nidempotency_hours = 0", "intake.idempotency_hours"),
            ("[outbox]\nper_provider_max = 0", "outbox.per_provider_max"),
            ("[outbox]\ntick_seconds = 0", "outbox.tick_seconds"),
            ("[outbox]\nlease_seconds = 39", "outbox.lease_seconds"),
            ("[outbound]\ntimeout_seconds = 31", "outbox.lease_seconds"),
            ("[outbox]\nretry_seconds = []", "outbox.retry_seconds"),
            ("[webhooks]\nconcurrency_max = 1", "webhooks.concurrency_max"),
            ("[webhooks]\nper_endpoint_max = 0", "webhooks.per_endpoint_max"),
            ("[outbound]\nconnect_timeout_seconds = 0", "outbound.connect_timeout_seconds"),
            ("[outbound]\ntimeout_seconds = 0", "outbound.timeout_seconds"),
            ("[polling]\nretry_minutes_max = 29", "polling.retry_minutes_max"),
            ("[consolidation]\nbag_parcels_max = 0", "consolidation.bag_parcels_max"),
            ("[consolidation]\nbag_weight_kg = 0.0", "consolidation.bag_weight_kg"),
            ("[consolidation]\nbag_volume_m3 = -1.0", "consolidation.bag_volume_m3"),
        ] {
            let error = defaults_with(changes).expect_err(changes).to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
    }

    #[test]
    fn alipay_can_pay_somebody_who_is_named() {
        let named = "[escrow.alipay]\nsettle_to_type = \"userId\"\nsettle_to = \"2088123412341234\"";
        defaults_with(named).expect("a type and its receiver");
    }

    #[test]
    fn what_leaves_the_house_is_encrypted() {
        let escrow =
            |url: &str| format!("escrow.webhook_url = \"{url}\"\nescrow.webhook_secret = \"whsec_x\"\n");
        let plain = escrow("http://pay.example");
        let error = defaults_with(&plain).expect_err("in the clear").to_string();
        assert!(error.starts_with("escrow.webhook_url: has to begin with https://"), "{error}");
        defaults_with(&escrow("https://pay.example")).expect("encrypted");
        // Whoever lets it call private addresses is at home, or testing.
        defaults_with(&format!("{plain}outbound.allow_private_addresses = true")).expect("at home");
        for hosts in [r#"["Pay.example"]"#, r#""other, pay.example""#] {
            defaults_with(&format!("{plain}outbound.private_hosts = {hosts}")).expect("a host at home");
        }
        for hosts in ["[]", r#"["example", "pay.example.org", "http://pay.example"]"#] {
            defaults_with(&format!("{plain}outbound.private_hosts = {hosts}")).expect_err("another host");
        }
    }

    #[test]
    fn a_host_is_what_stands_between_the_slashes_and_the_port() {
        for (url, host) in [
            ("https://Pay.example:8443/in?a=b", "pay.example"),
            ("http://user:word@10.0.0.5/", "10.0.0.5"),
            ("http://[fd00::1]:80#x", "fd00::1"),
            ("http://pay.example?x=@home", "pay.example"),
            ("", ""),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }

    #[test]
    fn printing_the_settings_shows_no_secret() {
        let settings = defaults_with(
            "[database]\nurl = \"postgres://u:hunter2@h/n\"\n[carriers.dhl_unified]\napi_key = \"hunter2\"",
        )
        .expect("valid settings");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
