//! The carrier and the escrow provider that a daemon under test speaks with.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use sampan::clock::Clock;
use sampan::sandbox::{self, CarrierOptions, CarrierState, EscrowOptions, EscrowState};
use sampan::standard_webhooks::Secret;
use serde_json::Value;

use super::http;

pub struct World {
    pub carrier: Arc<CarrierState>,
    pub escrow: Arc<EscrowState>,
    pub carrier_address: SocketAddr,
    pub escrow_address: SocketAddr,
    secret: String,
    troubles: Troubles,
}

/// What goes wrong out there, in shares between 0 and 1. Nothing, unless a test says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Troubles {
    pub carrier_faults: f64,
    pub lost_answers: f64,
    pub escrow_errors: f64,
}

const CARRIER_KEY: &str = "a key for tests";
const SEED: u64 = 7;

impl World {
    /// Both servers run until the test's runtime ends.
    pub fn start(troubles: Troubles) -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (carrier_listener, escrow_listener) = (listen(), listen());
        let address = |listener: &TcpListener| listener.local_addr().expect("a port's address");
        let (carrier_address, escrow_address) = (address(&carrier_listener), address(&escrow_listener));
        let options =
            CarrierOptions { seed: SEED, api_key: CARRIER_KEY.into(), faults: troubles.carrier_faults };
        let (server, carrier) =
            sandbox::carrier(carrier_listener, Clock::real(), options).expect("a carrier");
        tokio::spawn(server);
        let secret = Secret::generate().expect("random bytes").to_text();
        let options =
            EscrowOptions { seed: SEED, lose_answers: troubles.lost_answers, errors: troubles.escrow_errors };
        let known = secret.parse().expect("a secret reads what it wrote");
        let (server, escrow) = sandbox::escrow(escrow_listener, known, options).expect("an escrow provider");
        tokio::spawn(server);
        Self { carrier, escrow, carrier_address, escrow_address, secret, troubles }
    }

    /// What a daemon has to be told to speak with this world: keys and values.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let quoted = |text: &str| format!("{text:?}");
        vec![
            ("outbound.allow_private_addresses", "true".to_owned()),
            ("carriers.dhl_unified.base_url", format!("\"http://{}\"", self.carrier_address)),
            ("carriers.dhl_unified.api_key", quoted(CARRIER_KEY)),
            // A carrier on loopback takes as many questions as anybody likes.
            ("carriers.dhl_unified.calls_per_second", "0".to_owned()),
            ("carriers.dhl_unified.calls_per_day", "0".to_owned()),
            ("carriers.dhl_unified.calls_per_shipment_and_day", "0".to_owned()),
            // A test says when the night comes.
            ("escrow.reconciliation.nightly", "false".to_owned()),
            ("escrow.webhook_url", format!("\"http://{}/triggers\"", self.escrow_address)),
            ("escrow.webhook_secret", quoted(&self.secret)),
        ]
    }

    /// What provider and daemon sign with. Only storms speak as the provider.
    #[allow(dead_code)]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// How many events the carrier tells of `number`.
    pub async fn carrier_events(&self, number: &str) -> usize {
        let path = format!("/track/shipments?trackingNumber={number}");
        let headers = [("dhl-api-key", CARRIER_KEY)];
        loop {
            let answer = http::send(self.carrier_address, "GET", &path, &headers, b"").await;
            let answer = answer.expect("the carrier answers");
            // One that was told to misbehave says so, or breaks off; it does not always.
            let page = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
            match &page["shipments"][0]["events"] {
                Value::Array(events) => return events.len(),
                _ => assert!(self.troubles.carrier_faults > 0.0, "{}", answer.text()),
            }
        }
    }

    /// Every trigger as the provider wrote it down.
    pub async fn triggers(&self) -> Vec<Value> {
        let answer = http::send(self.escrow_address, "GET", "/sandbox/triggers", &[], b"").await;
        let list = answer.expect("the provider answers").must_be(200);
        list.as_array().expect("a list").clone()
    }
}
