//! The world outside, to try a daemon against: an escrow provider in all formats, a carrier.
//!
//! Prints one line of JSON when it listens, with what a daemon has to be told. Keys stay in their
//! files; no private key is printed.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::printing::say;
use crate::clock::Clock;
use crate::config;
use crate::outbound::Outbound;
use crate::sandbox::escrow::keyring::{self, Files};
use crate::sandbox::escrow::{Notify, ProviderOptions, Rules, Shares, keep_time, serve};
use crate::sandbox::{CarrierOptions, carrier};

#[derive(Args)]
pub struct Sandbox {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Play the escrow provider: Standard Webhooks, Alipay, Antom, PayPal.
    Escrow(Escrow),
    /// Play a carrier that speaks DHL Unified's format.
    Carrier(Carrier),
}

#[derive(Args)]
struct Escrow {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The folder of the keys; made with new ones where they are missing.
    #[arg(long, default_value = "sandbox-keys")]
    keys: PathBuf,
    /// What goes wrong, goes wrong the same way for the same seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let each answer wait.
    #[arg(long, default_value_t = 0)]
    slow_ms: u64,
    /// The share of commands that take effect and are not told so, from 0 to 1. Like all that follows, it befalls a
    /// command once: sent again, it gets through. What lasts is switched on by `POST /sandbox/faults`, see README.
    #[arg(long, default_value_t = 0.0)]
    lose_answers: f64,
    /// The share of commands that fail before they take effect, once.
    #[arg(long, default_value_t = 0.0)]
    errors: f64,
    /// The share of commands that are told that nobody knows what became of them, once.
    #[arg(long, default_value_t = 0.0)]
    unknown: f64,
    /// Release what is left of a trade so many seconds after it was made, or shipped.
    #[arg(long, value_name = "SECONDS")]
    release_after: Option<u32>,
    /// Let the first command about an unknown trade make it, with the amount it names.
    #[arg(long)]
    open: bool,
    /// Where notices go; {provider} in it stands for the format.
    #[arg(long, value_name = "URL")]
    notify: Option<String>,
}

#[derive(Args)]
struct Carrier {
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What DHL-API-Key has to say.
    #[arg(long, default_value = "sandbox")]
    api_key: String,
    /// The share of questions that go wrong, from 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    faults: f64,
}

impl Sandbox {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Escrow(escrow) => escrow.run().await,
            What::Carrier(carrier) => carrier.run().await,
        }
    }
}

impl Escrow {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let shares = Shares {
            slow_ms: self.slow_ms,
            lose_answers: self.lose_answers,
            errors: self.errors,
            unknown: self.unknown,
            ..Shares::default()
        };
        anyhow::ensure!(shares.are_shares(), "shares are between 0 and 1");
        // Whoever reads the configuration is in another folder, perhaps.
        let keys = std::path::absolute(&self.keys)?;
        let (wires, files) = keyring::open(&keys)?;
        let listener = listen(self.listen)?;
        let address = listener.local_addr()?;
        let release_after = self.release_after.map(|seconds| TimeDelta::seconds(seconds.into()));
        let options = ProviderOptions {
            seed: self.seed,
            shares,
            rules: Rules { open: self.open, release_after },
            clock: Clock::real(),
            notify: self.notify.map(notify).transpose()?,
        };
        let (server, state) = serve(listener, wires, options)?;
        tokio::spawn(keep_time(state));
        say!("{}", introduction(address, &files))?;
        until_told(server).await
    }
}

impl Carrier {
    async fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::ensure!((0.0..=1.0).contains(&self.faults), "shares are between 0 and 1");
        let listener = listen(self.listen)?;
        let address = listener.local_addr()?;
        let config = format!(
            "[carriers.dhl_unified]\nbase_url = \"http://{address}\"\napi_key = \"{}\"\n",
            self.api_key
        );
        let options = CarrierOptions { seed: self.seed, api_key: self.api_key, faults: self.faults };
        let (server, _) = carrier(listener, Clock::real(), options)?;
        say!("{}", json!({ "address": format!("http://{address}"), "config": config }))?;
        until_told(server).await
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

fn notify(url: String) -> anyhow::Result<Notify> {
    // The daemon is on this machine, as a rule.
    let settings = config::defaults_with("[outbound]\nallow_private_addresses = true")?;
    let outbound = Outbound::new(&settings.outbound)?;
    Ok(Notify { url, first_wait: Duration::from_secs(1), outbound })
}

/// SIGTERM and Ctrl-C finish what is in flight.
async fn until_told(server: actix_web::dev::Server) -> anyhow::Result<ExitCode> {
    let handle = server.handle();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let running = tokio::spawn(server);
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    handle.stop(true).await;
    running.await??;
    Ok(ExitCode::SUCCESS)
}

/// What whoever sets up a daemon has to know, and nothing that is secret.
fn introduction(address: SocketAddr, files: &Files) -> Value {
    let url = format!("http://{address}");
    json!({
        "address": url,
        "config": snippet(&url, files),
        "keys": {
            "webhook_secret": files.webhook_secret,
            "webhook_merchant_key": files.webhook_merchant_key,
            "webhook_provider_public": files.webhook_provider_public,
            "alipay_merchant_key": files.alipay_merchant_key,
            "alipay_provider_public": files.alipay_provider_public,
            "alipay_md5_key": files.alipay_md5_key,
            "antom_merchant_key": files.antom_merchant_key,
            "antom_provider_public": files.antom_provider_public,
            "paypal_secret": files.paypal_secret,
            "paypal_provider_public": files.paypal_provider_public,
        },
    })
}

/// Whole as it is: keys and secrets are named by their files.
fn snippet(url: &str, files: &Files) -> String {
    let file = |path: &Path| format!("{:?}", path.display().to_string());
    format!(
        "[escrow]\n\
         webhook_url = \"{url}/triggers\"\n\
         webhook_inquire_url = \"{url}/triggers\"\n\
         webhook_secret_file = {secret}\n\
         webhook_signing_key_file = {signing_key}\n\
         webhook_notice_key_file = {notice_key}\n\
         [escrow.alipay]\n\
         base_url = \"{url}/gateway.do\"\n\
         app_id = \"{app_id}\"\n\
         private_key_file = {alipay_key}\n\
         public_key_file = {alipay_provider}\n\
         legacy_base_url = \"{url}/gateway.do\"\n\
         legacy_partner = \"{partner}\"\n\
         legacy_key_file = {md5_key}\n\
         [escrow.antom]\n\
         base_url = \"{url}/ams/api\"\n\
         client_id = \"{antom_id}\"\n\
         private_key_file = {antom_key}\n\
         public_key_file = {antom_provider}\n\
         [escrow.paypal]\n\
         base_url = \"{url}\"\n\
         client_id = \"{paypal_id}\"\n\
         client_secret_file = {paypal_secret}\n\
         [outbound]\n\
         allow_private_addresses = true\n",
        secret = file(&files.webhook_secret),
        signing_key = file(&files.webhook_merchant_key),
        notice_key = file(&files.webhook_provider_public),
        app_id = keyring::APP_ID,
        partner = keyring::PARTNER,
        md5_key = file(&files.alipay_md5_key),
        alipay_key = file(&files.alipay_merchant_key),
        alipay_provider = file(&files.alipay_provider_public),
        antom_id = keyring::ANTOM_CLIENT_ID,
        antom_key = file(&files.antom_merchant_key),
        antom_provider = file(&files.antom_provider_public),
        paypal_id = keyring::PAYPAL_CLIENT_ID,
        paypal_secret = file(&files.paypal_secret),
    )
}
