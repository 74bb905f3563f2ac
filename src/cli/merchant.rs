use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use super::printing::{remark, say};
use crate::config::Settings;
use crate::domain::escrow::{ReleaseBy, ReleaseMode, ReleasePolicy};
use crate::domain::event::DeliveredTo;
use crate::domain::id::MerchantId;
use crate::domain::instant::rfc3339;
use crate::domain::merchant::{BuyerProof, Verification};
use crate::domain::money::Currency;
use crate::domain::network::HubCode;
use crate::domain::place::Country;
use crate::flows::authenticate;
use crate::store::{Store, merchants};

#[derive(Args)]
pub struct Merchant {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Create a merchant; its API key and its webhook secret are shown this once.
    Create {
        #[arg(long)]
        name: String,
        /// Two capital letters (ISO 3166).
        #[arg(long)]
        country: Country,
        /// What it is paid in, three capital letters (ISO 4217).
        #[arg(long)]
        currency: Currency,
    },
    /// List the merchants there are.
    List,
    /// Give a merchant a new webhook secret; the old one stays good until the next time.
    RotateSecret { id: MerchantId },
    /// Give a merchant a new API key, shown this once; all earlier ones end at once.
    RenewKey { id: MerchantId },
    /// Refuse whatever a merchant sends; what was accepted goes on.
    Suspend { id: MerchantId },
    /// Let a suspended merchant in again.
    Reinstate { id: MerchantId },
    /// Show how a merchant's orders are released and how its buyers prove themselves, and change what is named.
    Escrow(Escrow),
}

impl Merchant {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let deps = super::build(settings).await?;
        match self.verb {
            Verb::Create { name, country, currency } => {
                let name = name.trim().to_owned();
                if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
                    bail!("--name has to be 1 to 100 characters long");
                }
                let now = deps.clock.now();
                let new = authenticate::create_merchant(&deps.store, name, country, currency, now).await?;
                say!("merchant        {}", new.id)?;
                say!("api_key         {}", new.api_key.expose_secret())?;
                say!("webhook_secret  {}", new.webhook_secret.expose_secret())?;
                remark!("Keep both: neither is shown again.");
            }
            Verb::List => {
                for merchant in merchants::list(deps.store.reader()).await? {
                    say!(
                        "{}  {}  {}  {:9}  {}  {}",
                        merchant.id,
                        merchant.country,
                        merchant.settlement_currency,
                        merchant.verification,
                        rfc3339(merchant.created_at),
                        merchant.name
                    )?;
                }
            }
            Verb::RotateSecret { id } => match authenticate::rotate_secret(&deps.store, id).await? {
                Some(secret) => say!("webhook_secret  {}", secret.expose_secret())?,
                None => bail!("there is no merchant {id}"),
            },
            Verb::RenewKey { id } => {
                match authenticate::renew_key(&deps.store, id, deps.clock.now()).await? {
                    Some(key) => say!("api_key  {}", key.expose_secret())?,
                    None => bail!("there is no merchant {id}"),
                }
            }
            Verb::Suspend { id } => set_verification(&deps.store, id, Verification::Suspended).await?,
            Verb::Escrow(escrow) => escrow.run(&deps.store).await?,
            Verb::Reinstate { id } => set_verification(&deps.store, id, Verification::Verified).await?,
        }
        deps.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// What is left out stays as it is. Orders that were accepted before keep what they were accepted with.
#[derive(Args)]
struct Escrow {
    id: MerchantId,
    /// `on_delivery` or `after_window`.
    #[arg(long)]
    release: Option<ReleaseMode>,
    /// How long buyers can object, 1 to 60.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(ReleasePolicy::DAYS_MAX)))]
    days: Option<u32>,
    /// Nothing is released earlier than so long after delivery.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=i64::from(ReleasePolicy::DWELL_MINUTES_MAX)))]
    dwell_minutes: Option<u32>,
    /// What waits for the window in any case, such as `locker,neighbour`; with nothing behind it: nothing does.
    #[arg(long, value_delimiter = ',', num_args = 0..)]
    wait_for_window: Option<Vec<DeliveredTo>>,
    /// `order` or `parcel`.
    #[arg(long)]
    release_by: Option<ReleaseBy>,
    /// `code` or `phone`.
    #[arg(long)]
    buyer_proof: Option<BuyerProof>,
}

impl Escrow {
    async fn run(self, store: &Store) -> anyhow::Result<()> {
        let Some(found) = merchants::find(store.reader(), self.id).await? else {
            bail!("there is no merchant {}", self.id);
        };
        let before = found.release_policy;
        let policy = ReleasePolicy {
            release: self.release.unwrap_or(before.release),
            days: self.days.unwrap_or(before.days),
            dwell_minutes: self.dwell_minutes.unwrap_or(before.dwell_minutes),
            wait_for_window: self.wait_for_window.unwrap_or(before.wait_for_window),
            release_by: self.release_by.unwrap_or(before.release_by),
        };
        let proof = self.buyer_proof.unwrap_or(found.buyer_proof);
        if !authenticate::set_escrow(store, self.id, policy.clone(), proof).await? {
            bail!("there is no merchant {}", self.id);
        }
        let waiting: Vec<_> = policy.wait_for_window.iter().map(|to| to.as_str()).collect();
        say!("release          {}", policy.release)?;
        say!("days             {}", policy.days)?;
        say!("dwell_minutes    {}", policy.dwell_minutes)?;
        say!("wait_for_window  {}", waiting.join(","))?;
        say!("release_by       {}", policy.release_by)?;
        say!("buyer_proof      {proof}")?;
        Ok(())
    }
}

async fn set_verification(store: &Store, id: MerchantId, to: Verification) -> anyhow::Result<()> {
    if !authenticate::set_verification(store, id, to).await? {
        bail!("there is no merchant {id}");
    }
    say!("{id}  {to}")?;
    Ok(())
}

#[derive(Args)]
pub struct HubKey {
    #[command(subcommand)]
    verb: HubKeyVerb,
}

#[derive(Subcommand)]
enum HubKeyVerb {
    /// Create a key for a hub's scanners; it is shown this once.
    Create { hub: HubCode },
    /// End every key of a hub at once.
    Revoke { hub: HubCode },
}

impl HubKey {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let deps = super::build(settings).await?;
        let now = deps.clock.now();
        match self.verb {
            HubKeyVerb::Create { hub } => {
                if deps.network.current().hub(&hub).is_none() {
                    bail!("{hub} is not a hub of the network; import one with `sampan network import DIR`");
                }
                let key = authenticate::create_hub_key(&deps.store, hub.clone(), now).await?;
                say!("hub      {hub}")?;
                say!("hub_key  {}", key.expose_secret())?;
            }
            HubKeyVerb::Revoke { hub } => {
                match authenticate::revoke_hub_keys(&deps.store, hub.clone(), now).await? {
                    0 => bail!("{hub} has no key that is good"),
                    ended => say!("{hub}  {ended} keys ended")?,
                }
            }
        }
        deps.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
