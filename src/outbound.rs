//! The only way out: the one HTTP client, its limits, its guard.
//!
//! Adapters say what to ask ([`Request`]) and read what came ([`Answer`]); this file sends.
//! A failure says whether the request may have arrived ([`SendError::class`]): that is
//! what decides between repeating and asking first. Redirects are not followed. Names that
//! resolve to loopback, private or link-local addresses are not called, unless the
//! configuration says so; the check sits in the resolver, so that the address that was
//! checked is the address that is called. In a simulation the same requests go to [`Peers`] in this process.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
pub use reqwest::Method;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::config;
use crate::domain::failure::Class;

/// What an adapter wants to ask. Header values are secrets until proven otherwise: there is no `Debug`.
pub struct Request {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
    /// Whether nothing but the status of the answer matters: its body is left on the wire.
    pub status_only: bool,
    /// Headers of the answer that are wanted with it, in small letters.
    pub keep: &'static [&'static str],
    /// Somebody else than the configuration named the address.
    pub is_strangers: bool,
}

impl Request {
    pub fn get(url: String) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: None,
            status_only: false,
            keep: &[],
            is_strangers: false,
        }
    }

    pub fn post(url: String, body: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            url,
            headers: Vec::new(),
            body: Some(body),
            status_only: false,
            keep: &[],
            is_strangers: false,
        }
    }

    /// For receivers whose answers are nobody's business, however long they are.
    pub fn status_only(self) -> Self {
        Self { status_only: true, ..self }
    }

    /// To an address that a stranger named: it is not called where the configuration alone may go.
    pub fn strangers(self) -> Self {
        Self { is_strangers: true, ..self }
    }

    pub fn keep(self, headers: &'static [&'static str]) -> Self {
        Self { keep: headers, ..self }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    /// From `Retry-After`, in seconds; a date there counts from the moment of the answer.
    pub retry_after: Option<Duration>,
    /// What is left to ask, where the answer says so.
    pub allowance: Option<Allowance>,
    /// Those that the request wanted kept, as far as they came.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// From `X-RateLimit-Remaining` and `X-RateLimit-Reset`, or the same without the `X-`: how many requests may
/// follow, until how long after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub remaining: u32,
    pub resets_after: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the address is refused: {0}")]
    Forbidden(String),
    #[error("nothing was sent: {0}")]
    NotSent(String),
    #[error("sent, and no whole answer came back: {0}")]
    NoAnswer(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl SendError {
    pub fn class(&self) -> Class {
        match self {
            SendError::Forbidden(_) => Class::Caller,
            SendError::NotSent(_) => Class::Retry,
            SendError::NoAnswer(_) | SendError::TooLarge(_) => Class::OutcomeUnknown,
        }
    }
}

/// Everybody whom a simulated daemon calls.
pub trait Peers: Send + Sync {
    /// None: the daemon does not live to see what comes of it.
    fn answer(&self, request: Request) -> Option<Result<Answer, SendError>>;
}

#[derive(Clone)]
enum Way {
    Network(reqwest::Client),
    Simulated(Arc<dyn Peers>),
}

/// Where calls may go that is not on the public Internet.
#[derive(Debug, Clone, Default)]
pub struct Home {
    everything: bool,
    /// In small letters.
    hosts: Arc<BTreeSet<String>>,
}

impl Home {
    pub fn new(settings: &config::Outbound) -> Self {
        Self { everything: settings.allow_private_addresses, hosts: Arc::new(settings.private_hosts.clone()) }
    }

    fn has(&self, host: &str) -> bool {
        self.everything || self.hosts.contains(&host.trim_matches(['[', ']']).to_ascii_lowercase())
    }
}

#[derive(Clone)]
pub struct Outbound {
    way: Way,
    home: Home,
    answer_bytes_max: usize,
}

impl Outbound {
    pub fn new(settings: &config::Outbound) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("sampan/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(settings.connect_timeout_seconds))
            .timeout(Duration::from_secs(settings.timeout_seconds))
            .no_proxy()
            .dns_resolver(GuardedResolver { home: Home::new(settings) })
            .build()?;
        Ok(Self::over(Way::Network(client), settings))
    }

    /// Nothing leaves this process: `peers` answer.
    pub fn simulated(settings: &config::Outbound, peers: Arc<dyn Peers>) -> Self {
        Self::over(Way::Simulated(peers), settings)
    }

    fn over(way: Way, settings: &config::Outbound) -> Self {
        Self { way, home: Home::new(settings), answer_bytes_max: settings.answer_bytes_max }
    }

    pub async fn send(&self, request: Request) -> Result<Answer, SendError> {
        let url =
            reqwest::Url::parse(&request.url).map_err(|error| SendError::Forbidden(error.to_string()))?;
        self.check(&url, request.is_strangers)?;
        let client = match &self.way {
            Way::Network(client) => client,
            Way::Simulated(peers) => {
                return match peers.answer(request) {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                };
            }
        };
        let mut builder = client.request(request.method, url);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let response = builder.send().await.map_err(classify)?;
        let status = response.status().as_u16();
        let (retry_after, allowance) = (retry_after(response.headers()), allowance(response.headers()));
        let kept = |name: &&'static str| {
            let value = response.headers().get(*name)?.to_str().ok()?;
            Some((*name, value.to_owned()))
        };
        let headers = request.keep.iter().filter_map(kept).collect();
        let body = if request.status_only { Vec::new() } else { self.read(response).await? };
        Ok(Answer { status, retry_after, allowance, headers, body })
    }

    fn check(&self, url: &reqwest::Url, is_strangers: bool) -> Result<(), SendError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SendError::Forbidden(format!("scheme {}", url.scheme())));
        }
        let checked =
            if is_strangers { check_stranger(url, &self.home) } else { check_literal(url, &self.home) };
        checked.map_err(SendError::Forbidden)
    }

    async fn read(&self, response: reqwest::Response) -> Result<Vec<u8>, SendError> {
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| SendError::NoAnswer(describe(&error)))?;
            if body.len() + chunk.len() > self.answer_bytes_max {
                return Err(SendError::TooLarge(self.answer_bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// A literal address never meets the resolver, so it is checked here.
fn check_literal(url: &reqwest::Url, home: &Home) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if !is_public(address) && !home.has(host) => {
            Err(format!("{address} is not a public address"))
        }
        _ => Ok(()),
    }
}

/// The resolver lets names of home pass, so that a stranger's are looked at before it is asked.
fn check_stranger(url: &reqwest::Url, home: &Home) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    if home.has(host) && !home.everything {
        return Err(format!("{host} is not a public address"));
    }
    check_literal(url, home)
}

/// Why a stranger's address cannot be called, as far as it can be told without asking anybody:
/// what a name stands for may be another thing each time, and is checked each time it is called.
pub fn check_address(text: &str, home: &Home) -> Result<(), String> {
    let url = reqwest::Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if home.everything => {}
        _ => return Err("has to begin with https://".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a name or a password in it, which every message would show".to_owned());
    }
    check_stranger(&url, home)
}

fn classify(error: reqwest::Error) -> SendError {
    let text = describe(&error);
    if text.contains(REFUSED) {
        SendError::Forbidden(text)
    } else if error.is_connect() || error.is_builder() {
        SendError::NotSent(text)
    } else {
        SendError::NoAnswer(text)
    }
}

/// The innermost cause, without the address: query strings can hold secrets.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "timed out".into() } else { cause.to_string() }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    (at - sent_at(headers)?).to_std().ok()
}

fn sent_at(headers: &HeaderMap) -> Option<chrono::DateTime<chrono::FixedOffset>> {
    chrono::DateTime::parse_from_rfc2822(headers.get("date")?.to_str().ok()?).ok()
}

/// Some count a reset in seconds from now, some in seconds since 1970.
fn allowance(headers: &HeaderMap) -> Option<Allowance> {
    let number = |name: &str| -> Option<u64> {
        let header =
            headers.get(format!("x-ratelimit-{name}")).or_else(|| headers.get(format!("ratelimit-{name}")));
        header?.to_str().ok()?.trim().parse().ok()
    };
    let (remaining, reset) = (number("remaining")?, number("reset")?);
    let since_1970 = sent_at(headers).and_then(|at| u64::try_from(at.timestamp()).ok());
    let seconds = match since_1970 {
        Some(now) if reset >= 1_000_000_000 => reset.saturating_sub(now),
        None if reset >= 1_000_000_000 => return None,
        _ => reset,
    };
    let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
    Some(Allowance { remaining, resets_after: Duration::from_secs(seconds) })
}

/// Everything but RFC 3986's unreserved letters.
pub fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

const REFUSED: &str = "resolves to an address that is not public";

struct GuardedResolver {
    home: Home,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let home = self.home.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if !home.has(&host) && !found.iter().all(|address| is_public(address.ip())) {
                return Err(format!("{host} {REFUSED}").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one that the whole Internet means the same by (RFC 6890 and its registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let protocol = a == 192 && b == 0 && c == 0;
            let benchmark = a == 198 && (b == 18 || b == 19);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || shared
                || protocol
                || benchmark)
        }
        IpAddr::V6(v6) => {
            let embedded = v6.to_ipv4_mapped().or_else(|| match v6.segments() {
                // NAT64 and 6to4 carry an IPv4 address that the guard must see.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4_of(high, low)),
                [0x2002, high, low, ..] => Some(v4_of(high, low)),
                _ => None,
            });
            if let Some(v4) = embedded {
                return is_public(IpAddr::V4(v4));
            }
            // Global unicast is 2000::/3; documentation and Teredo lie within it.
            let [first, second, ..] = v6.segments();
            first & 0xe000 == 0x2000 && !(first == 0x2001 && (second == 0xdb8 || second < 0x200))
        }
    }
}

fn v4_of(high: u16, low: u16) -> std::net::Ipv4Addr {
    std::net::Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests;
