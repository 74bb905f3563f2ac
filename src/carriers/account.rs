//! Accounts with carriers, out of the configuration.
//!
//! What every account has (an address, limits, a secret for pushes) is read here; the rest of its table is
//! its adapter's own. `[carriers.ups.accounts.second]` is a further account: what it does not say is
//! as in `[carriers.ups]`. A key that neither knows is refused by its name.

use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono::NaiveTime;
use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ability::{Abilities, Receive};
use super::neutral::{self, Neutral};
use super::place::Gazetteer;
use super::reading::{NotAnAnswer, Reading};
use super::verdict::mark_what_came_back;
use crate::config::{ConfigError, Table};
use crate::domain::carrier::{AccountId, CarrierCode, Limits};
use crate::outbound::Answer;

/// A carrier as it is known before anybody has an account with it.
pub struct Adapter {
    pub code: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The most numbers that it takes in one question.
    pub numbers_max: usize,
    /// Whether it tells more, or anything, to those who know the consignee's telephone number.
    pub wants_phone: bool,
    /// Whether it tells of other carriers' parcels, under their numbers.
    pub aggregates: bool,
    /// None: the account has no credentials, so there is nobody to ask as.
    pub open: fn(Opening) -> Result<Option<Abilities>, ConfigError>,
    /// One answer or push by itself, as [`Adapter::reading`] begins.
    pub(super) read: Read,
}

type Read = fn(&Answer, &dyn Gazetteer) -> Result<Reading, NotAnAnswer>;

impl Adapter {
    /// What an answer or a push says, by itself.
    pub fn reading(&self, answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
        whole(self.read, answer, gazetteer)
    }
}

/// What came back is seen in all events of a package together, whoever its carrier is.
fn whole(read: Read, answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let mut reading = read(answer, gazetteer)?;
    for package in &mut reading.packages {
        mark_what_came_back(&mut package.seen);
    }
    Ok(reading)
}

/// What an adapter is handed to open an account with.
pub struct Opening {
    /// `carriers.ups`, or `carriers.ups.accounts.second`.
    pub key: String,
    /// Without a slash at its end.
    pub base_url: String,
    /// What pushes are signed with; None where there is none.
    pub push_secret: Option<SecretString>,
    table: Table,
}

impl Opening {
    /// The adapter's own keys.
    pub fn settings<T: DeserializeOwned>(&mut self) -> Result<T, ConfigError> {
        let table = std::mem::take(&mut self.table);
        let value = ::config::Value::new(None, ::config::ValueKind::Table(table));
        value.try_deserialize().map_err(|error| invalid(&self.key, error.to_string()))
    }
}

/// How an account takes what its carrier sends by itself.
pub struct Receiver {
    pub receive: Arc<dyn Receive>,
    read: Read,
}

impl Receiver {
    /// What a push says.
    pub fn reading(&self, answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
        whole(self.read, answer, gazetteer)
    }
}

pub struct Account {
    pub id: AccountId,
    pub adapter: &'static Adapter,
    pub abilities: Abilities,
    pub limits: Limits,
    pub receiver: Option<Receiver>,
}

/// What every account can say.
#[derive(Deserialize)]
struct Common {
    base_url: String,
    #[serde(default)]
    push_secret: Option<SecretString>,
    #[serde(default)]
    calls_per_second: f64,
    #[serde(default)]
    calls_per_day: u32,
    #[serde(default)]
    day_begins: String,
    #[serde(default)]
    calls_per_shipment_and_day: u32,
    #[serde(default)]
    concurrency_max: Option<usize>,
    #[serde(default)]
    numbers_per_call: Option<usize>,
}

const COMMON_KEYS: [&str; 8] = [
    "base_url",
    "push_secret",
    "calls_per_second",
    "calls_per_day",
    "day_begins",
    "calls_per_shipment_and_day",
    "concurrency_max",
    "numbers_per_call",
];
const CONCURRENCY: usize = 8;

fn invalid(key: &str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), reason: reason.into() }
}

/// Every account of one carrier that has credentials, the first one first.
pub fn open_all(
    adapter: &'static Adapter,
    code: &CarrierCode,
    mut table: Table,
    allow_private: bool,
) -> Result<Vec<Account>, ConfigError> {
    let key = format!("carriers.{code}");
    let further = match table.remove("accounts") {
        Some(value) => {
            value.into_table().map_err(|error| invalid(&format!("{key}.accounts"), error.to_string()))?
        }
        None => Table::new(),
    };
    let mut named: Vec<_> = further.into_iter().collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let mut tables = vec![(String::new(), key.clone(), table.clone())];
    for (name, value) in named {
        let key = format!("{key}.accounts.{name}");
        let own = value.into_table().map_err(|error| invalid(&key, error.to_string()))?;
        let mut whole = table.clone();
        whole.extend(own);
        tables.push((name, key, whole));
    }
    let mut accounts = Vec::with_capacity(tables.len());
    for (name, key, table) in tables {
        let id = AccountId { carrier: code.clone(), name };
        accounts.extend(open(adapter, id, key, table, allow_private)?);
    }
    Ok(accounts)
}

fn open(
    adapter: &'static Adapter,
    id: AccountId,
    key: String,
    mut table: Table,
    allow_private: bool,
) -> Result<Option<Account>, ConfigError> {
    let common: Table = COMMON_KEYS.iter().filter_map(|key| table.remove_entry(*key)).collect();
    let common = ::config::Value::new(None, ::config::ValueKind::Table(common));
    let common: Common = common.try_deserialize().map_err(|error| invalid(&key, error.to_string()))?;
    let limits = limits(adapter, &key, &common)?;
    let base_url = common.base_url.trim_end_matches('/').to_owned();
    check_address(&format!("{key}.base_url"), &base_url, allow_private)?;
    let push_secret = common.push_secret.filter(|secret| !secret.expose_secret().is_empty());
    let opening = Opening { key: key.clone(), base_url, push_secret: push_secret.clone(), table };
    let Some(abilities) = (adapter.open)(opening)? else { return Ok(None) };
    let receiver = receiver(adapter, &abilities, &key, push_secret)?;
    Ok(Some(Account { id, adapter, abilities, limits, receiver }))
}

/// A carrier's own way of pushing; for those that have none, the neutral one.
fn receiver(
    adapter: &Adapter,
    abilities: &Abilities,
    key: &str,
    push_secret: Option<SecretString>,
) -> Result<Option<Receiver>, ConfigError> {
    match (abilities.receive.clone(), push_secret) {
        (Some(receive), _) => Ok(Some(Receiver { receive, read: adapter.read })),
        (None, Some(secret)) => {
            let neutral = Neutral::signed_with(&secret)
                .map_err(|error| invalid(&format!("{key}.push_secret"), error.to_string()))?;
            Ok(Some(Receiver { receive: Arc::new(neutral), read: neutral::read }))
        }
        (None, None) => Ok(None),
    }
}

fn check_address(key: &str, url: &str, allow_private: bool) -> Result<(), ConfigError> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(invalid(key, "has to begin with http:// or https://"));
    }
    if url.starts_with("http://") && !allow_private {
        let reason = "has to begin with https:// unless outbound.allow_private_addresses is true";
        return Err(invalid(key, reason));
    }
    Ok(())
}

fn limits(adapter: &Adapter, key: &str, common: &Common) -> Result<Limits, ConfigError> {
    let wrong = |name: &str, reason: &str| invalid(&format!("{key}.{name}"), reason);
    if !(common.calls_per_second.is_finite() && common.calls_per_second >= 0.0) {
        return Err(wrong("calls_per_second", "has to be 0 (no limit) or more"));
    }
    let count = |name: &str, given: Option<usize>, otherwise: usize| {
        NonZeroUsize::new(given.unwrap_or(otherwise)).ok_or_else(|| wrong(name, "has to be 1 or more"))
    };
    let numbers_per_call = count("numbers_per_call", common.numbers_per_call, adapter.numbers_max)?;
    if numbers_per_call.get() > adapter.numbers_max {
        let reason = format!("has to be {} or less: {} takes no more", adapter.numbers_max, adapter.name);
        return Err(wrong("numbers_per_call", &reason));
    }
    let day_begins = day_begins(&common.day_begins)
        .ok_or_else(|| wrong("day_begins", "has to be a time and a zone, such as 00:00 America/New_York"))?;
    let some = |count: u32| Some(count).filter(|count| *count > 0);
    Ok(Limits {
        calls_per_second: Some(common.calls_per_second).filter(|rate| *rate > 0.0),
        calls_per_day: some(common.calls_per_day),
        day_begins,
        calls_per_shipment_and_day: some(common.calls_per_shipment_and_day),
        concurrency_max: count("concurrency_max", common.concurrency_max, CONCURRENCY)?,
        numbers_per_call,
    })
}

/// Midnight in Greenwich where nothing is said.
fn day_begins(text: &str) -> Option<(NaiveTime, Tz)> {
    if text.is_empty() {
        return Some((NaiveTime::MIN, Tz::UTC));
    }
    let (time, zone) = text.split_once(' ')?;
    Some((NaiveTime::parse_from_str(time, "%H:%M").ok()?, zone.trim().parse().ok()?))
}
