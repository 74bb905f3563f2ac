use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use super::printing::{remark, say};
use crate::config::Settings;
use crate::domain::instant::rfc3339;
use crate::flows::authenticate;
use crate::store::{operators, replans};

#[derive(Args)]
pub struct OperatorKey {
    #[command(subcommand)]
    verb: KeyVerb,
}

#[derive(Subcommand)]
enum KeyVerb {
    /// Create a key for somebody who cancels departures, closes hubs, and refunds and settles orders; it is shown this once.
    Create { name: String },
    /// List the keys there are, by the names of those who have them.
    List,
    /// End every key of an operator at once.
    Revoke { name: String },
}

impl OperatorKey {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let deps = super::build(settings).await?;
        let now = deps.clock.now();
        match self.verb {
            KeyVerb::Create { name } => {
                let name = name.trim().to_owned();
                if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
                    bail!("a name has to be 1 to 100 characters long");
                }
                let key = authenticate::create_operator_key(&deps.store, name.clone(), now).await?;
                say!("operator      {name}")?;
                say!("operator_key  {}", key.expose_secret())?;
                remark!("Keep it: it is not shown again.");
            }
            KeyVerb::List => {
                for key in operators::list(deps.store.reader()).await? {
                    let ended =
                        key.revoked_at.map_or("good".to_owned(), |at| format!("ended {}", rfc3339(at)));
                    say!("{}  {ended}  {}", rfc3339(key.created_at), key.name)?;
                }
            }
            KeyVerb::Revoke { name } => {
                match authenticate::revoke_operator_keys(&deps.store, name.clone(), now).await? {
                    0 => bail!("{name} has no key that is good"),
                    ended => say!("{name}  {ended} keys ended")?,
                }
            }
        }
        deps.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub struct Replan {
    #[command(subcommand)]
    verb: ReplanVerb,
}

#[derive(Subcommand)]
enum ReplanVerb {
    /// List shipments whose plan waits to be looked at, and those that there is no way for.
    List {
        #[arg(long, default_value_t = 100)]
        limit: u64,
    },
}

impl Replan {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let deps = super::build(settings).await?;
        let ReplanVerb::List { limit } = self.verb;
        for waiting in replans::list(deps.store.reader(), limit).await? {
            let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            say!(
                "{}  attempts {:2}  next {}  {}  {}  {}",
                waiting.shipment,
                waiting.attempts,
                rfc3339(waiting.next_attempt_at),
                waiting.cause.requested_by,
                or_dash(&waiting.cause.reason),
                or_dash(waiting.last_problem.as_deref().unwrap_or_default())
            )?;
        }
        deps.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
