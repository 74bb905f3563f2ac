//! Merchants: one a country, each posting its share of the bundled requests, signed.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::staff::Itinerary;
use super::world::World;
use crate::domain::id::MerchantId;
use crate::domain::money::Currency;
use crate::domain::place::Country;
use crate::flows::authenticate::create_merchant;
use crate::outbound::Request;
use crate::sandbox::sample::PICKUPS;
use crate::standard_webhooks::{Secret, sign};

struct Shipper {
    id: MerchantId,
    api_key: SecretString,
    secret: Secret,
}

/// A shipment as its merchant knows it from the answer.
pub struct Shipped {
    pub reference: String,
    pub country: String,
    pub answer: Value,
}

/// All of them, and a key to look at one merchant's with.
pub struct AllShipped {
    pub shipments: Vec<Shipped>,
    pub example_key: SecretString,
}

impl AllShipped {
    pub fn itineraries(&self) -> Vec<Itinerary> {
        self.shipments.iter().filter_map(|shipped| Itinerary::of(&shipped.answer)).collect()
    }
}

/// Where a shop in each country keeps its books.
fn currency(country: &str) -> &'static str {
    match country {
        "GB" => "GBP",
        "KR" => "KRW",
        "JP" => "JPY",
        "AU" => "AUD",
        "HK" => "HKD",
        "TW" => "TWD",
        "US" => "USD",
        _ => "EUR",
    }
}

/// Requests that are under way at the same time.
const TOGETHER: usize = 16;

pub async fn post_all(world: &World, shipments: u32, seed: u64) -> anyhow::Result<AllShipped> {
    let bodies = bodies(shipments, seed)?;
    let mut shippers = BTreeMap::new();
    for (country, _) in &bodies {
        if !shippers.contains_key(country) {
            shippers.insert(country.clone(), register(world, country).await?);
        }
    }
    let shippers = &shippers;
    let posted = futures_util::stream::iter(bodies)
        .map(|(country, body)| async move {
            let shipper = shippers.get(&country).context("a shipper of each country")?;
            post(world, shipper, country, body).await
        })
        .buffered(TOGETHER)
        .try_collect()
        .await?;
    let first = shippers.values().next().context("at least one shipper")?;
    Ok(AllShipped { shipments: posted, example_key: first.api_key.clone() })
}

/// The bundled bodies, from a place that the seed chooses, round and round with fresh references.
fn bodies(shipments: u32, seed: u64) -> anyhow::Result<Vec<(String, Value)>> {
    let lines: Vec<&str> = PICKUPS.lines().collect();
    let first = fastrand::Rng::with_seed(seed).usize(0..lines.len());
    let body = |n: usize| {
        let mut body: Value = serde_json::from_str(lines[(first + n) % lines.len()])?;
        let round = n / lines.len();
        if round > 0 {
            for field in ["/reference", "/payment/reference"] {
                let text = body.pointer_mut(field).context("a field of every bundled body")?;
                *text = Value::from(format!("{}-{round}", text.as_str().unwrap_or_default()));
            }
        }
        let country = body.pointer("/pickup/address/country").and_then(Value::as_str);
        Ok((country.context("a country in every bundled body")?.to_owned(), body))
    };
    (0..shipments as usize).map(body).collect()
}

async fn register(world: &World, country: &str) -> anyhow::Result<Shipper> {
    let store = &world.daemon.deps.store;
    let settles_in: Currency = currency(country).parse()?;
    let country: Country = country.parse()?;
    let name = format!("Harbour Goods {country}");
    let new = create_merchant(store, name, country, settles_in, world.clock.now()).await?;
    let secret = new.webhook_secret.expose_secret().parse().context("a secret just made")?;
    Ok(Shipper { id: new.id, api_key: new.api_key, secret })
}

async fn post(world: &World, shipper: &Shipper, country: String, body: Value) -> anyhow::Result<Shipped> {
    let reference = body["reference"].as_str().unwrap_or_default().to_owned();
    let text = body.to_string();
    let message = format!("msg_{reference}");
    let timestamp = world.clock.wall().timestamp();
    let request = Request::post(format!("{}/v1/pickups", world.api()), text.clone().into_bytes())
        .header("content-type", "application/json")
        .header("sampan-merchant", shipper.id.to_string())
        .header("webhook-signature", sign(&shipper.secret, &message, timestamp, text.as_bytes()))
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-id", message);
    let answer = world.outbound.send(request).await?;
    if answer.status != 201 {
        bail!("{reference} was answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(Shipped { reference, country, answer: serde_json::from_slice(&answer.body)? })
}
