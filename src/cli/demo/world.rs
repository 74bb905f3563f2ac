//! Everything that is there before the first request.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context;
use chrono::{TimeZone, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::Demo;
use crate::app::{self, Running};
use crate::clock::Clock;
use crate::config;
use crate::domain::network::HubCode;
use crate::flows::authenticate::create_hub_key;
use crate::flows::import_network;
use crate::outbound::Outbound;
use crate::sandbox::sample;
use crate::sandbox::{CarrierOptions, CarrierState, EscrowOptions, EscrowState, carrier, escrow};
use crate::standard_webhooks::Secret;
use crate::telemetry;

/// Shares of answers that go wrong: enough to be seen, as in life.
const CARRIER_FAULTS: f64 = 0.05;
const LOST_ACKNOWLEDGEMENTS: f64 = 0.08;
const PROVIDER_ERRORS: f64 = 0.04;

/// The company prefix of GS1's own examples: what the demonstration prints goes onto no bag.
const EXAMPLE_PREFIX: &str = "0614141";

pub struct World {
    pub daemon: Running,
    pub clock: Clock,
    pub outbound: Outbound,
    pub hub_keys: Arc<HashMap<HubCode, SecretString>>,
    pub carrier: Arc<CarrierState>,
    pub carrier_url: String,
    pub escrow: Arc<EscrowState>,
    sandbox: Vec<actix_web::dev::ServerHandle>,
    _folder: tempfile::TempDir,
}

/// What hub staff know of the world.
pub struct Colleague {
    pub api: String,
    pub clock: Clock,
    pub outbound: Outbound,
    pub hub_keys: Arc<HashMap<HubCode, SecretString>>,
    pub carrier_url: String,
}

fn loopback(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Of the airlines of the sample network, which are invented: under a prefix that no airline has.
const AIRLINES: [&str; 6] = [
    "Blue Crane Air Cargo",
    "Harbour Sky Cargo",
    "Jade Belly Network",
    "Meridian Air Logistics",
    "Northstar Freighters",
    "Silk Arc Airlines",
];

fn waybill_stock() -> String {
    let stock = |(place, carrier): (usize, &str)| {
        let (first, last) = (place * 1_000_000, place * 1_000_000 + 999_999);
        format!("{{carrier = \"{carrier}\", prefix = \"000\", first = {first}, last = {last}}}")
    };
    AIRLINES.into_iter().enumerate().map(stock).collect::<Vec<_>>().join(", ")
}

impl World {
    pub async fn start(demo: &Demo) -> anyhow::Result<Self> {
        // The bundled requests were made on this morning.
        let start = Utc.with_ymd_and_hms(2026, 3, 2, 0, 0, 0).single().context("a valid date")?;
        let clock = Clock::fast(start, demo.speed);
        let api_key = format!("sandbox-{}", demo.seed);
        let secret = Secret::generate()?;

        let carrier_listener = loopback(0)?;
        let carrier_url = format!("http://{}", carrier_listener.local_addr()?);
        let options = CarrierOptions { seed: demo.seed, api_key: api_key.clone(), faults: CARRIER_FAULTS };
        let (carrier_server, carrier) = carrier(carrier_listener, clock.clone(), options)?;

        let escrow_listener = loopback(0)?;
        let escrow_url = format!("http://{}/triggers", escrow_listener.local_addr()?);
        let options =
            EscrowOptions { seed: demo.seed, lose_answers: LOST_ACKNOWLEDGEMENTS, errors: PROVIDER_ERRORS };
        let (escrow_server, escrow) = escrow(escrow_listener, secret.clone(), options)?;

        let sandbox = vec![carrier_server.handle(), escrow_server.handle()];
        tokio::spawn(carrier_server);
        tokio::spawn(escrow_server);

        let folder = tempfile::Builder::new().prefix("sampan-demo-").tempdir()?;
        let listener = match demo.port {
            Some(port) => loopback(port).with_context(|| format!("cannot listen on port {port}"))?,
            None => loopback(8080).or_else(|_| loopback(0))?,
        };
        let settings = config::defaults_with(&format!(
            "[http]\nlisten = \"{listen}\"\n\
             [database]\nurl = \"sqlite://{folder}/sampan.db\"\n\
             [outbound]\nallow_private_addresses = true\n\
             [carriers.dhl_unified]\nbase_url = \"{carrier_url}\"\napi_key = \"{api_key}\"\n\
             calls_per_second = 0\ncalls_per_day = 0\ncalls_per_shipment_and_day = 0\n\
             [consolidation]\nsscc_company_prefix = \"{EXAMPLE_PREFIX}\"\nwaybill_stock = [{stock}]\n\
             [escrow]\nwebhook_url = \"{escrow_url}\"\nwebhook_secret = \"{secret}\"\n",
            listen = listener.local_addr()?,
            folder = folder.path().display(),
            secret = secret.to_text(),
            stock = waybill_stock(),
        ))?;
        let outbound = Outbound::new(&settings.outbound)?;
        let daemon =
            app::start(listener, Arc::new(settings), clock.clone(), telemetry::metrics()?, true).await?;
        import_network::import(&daemon.deps.store, sample::files(), clock.now()).await?;
        import_network::run_due(&daemon.deps).await?;
        let mut hub_keys = HashMap::new();
        for hub in daemon.deps.network.current().hubs() {
            let key = create_hub_key(&daemon.deps.store, hub.code.clone(), clock.now()).await?;
            hub_keys.insert(hub.code.clone(), key);
        }
        let hub_keys = Arc::new(hub_keys);
        Ok(Self { daemon, clock, outbound, hub_keys, carrier, carrier_url, escrow, sandbox, _folder: folder })
    }

    pub fn api(&self) -> String {
        format!("http://{}", self.daemon.address)
    }

    pub fn colleague(&self) -> Colleague {
        Colleague {
            api: self.api(),
            clock: self.clock.clone(),
            outbound: self.outbound.clone(),
            hub_keys: Arc::clone(&self.hub_keys),
            carrier_url: self.carrier_url.clone(),
        }
    }

    pub async fn stop(self) {
        self.daemon.stop().await;
        for server in self.sandbox {
            server.stop(true).await;
        }
    }
}

impl Colleague {
    pub fn key(&self, hub: &HubCode) -> Option<String> {
        self.hub_keys.get(hub).map(|key| format!("Bearer {}", key.expose_secret()))
    }
}
