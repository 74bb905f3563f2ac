use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Settings;
use crate::domain::id::TriggerId;
use crate::domain::instant::rfc3339;
use crate::domain::outbox::OutboxState;
use crate::flows::tend_outbox::{ByHand, by_hand};
use crate::store::outbox;

#[derive(Args)]
pub struct Outbox {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List messages: those not acknowledged, or those of one state.
    List {
        /// pending, waiting, acknowledged, dead, parked or frozen
        #[arg(long)]
        state: Option<OutboxState>,
        #[arg(long, default_value_t = 100)]
        limit: u64,
    },
    /// Put a dead or parked message back, with a fresh set of tries.
    Retry { id: TriggerId },
    /// Take a message out that is not acknowledged yet.
    Park { id: TriggerId },
    /// Say of a message in doubt that the provider's console shows its effect.
    TookEffect { id: TriggerId },
    /// Say of a message in doubt that nothing came of it at the provider, and nothing will.
    NoEffect { id: TriggerId },
}

impl Outbox {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let deps = super::build(settings).await?;
        let (id, what, word) = match self.verb {
            Verb::List { state, limit } => {
                let states = state.map_or(
                    OutboxState::ALL.iter().copied().filter(|s| *s != OutboxState::Acknowledged).collect(),
                    |s| vec![s],
                );
                for state in states {
                    for message in outbox::list(deps.store.reader(), Some(state), limit).await? {
                        println!(
                            "{}  {:12}  {}  attempts {:2}  next {}  {}",
                            message.id,
                            message.state,
                            message.destination,
                            message.attempts,
                            rfc3339(message.next_attempt_at),
                            message.last_problem.as_deref().unwrap_or("-")
                        );
                    }
                }
                return Ok(ExitCode::SUCCESS);
            }
            Verb::Retry { id } => (id, ByHand::Retry, "back in the queue"),
            Verb::Park { id } => (id, ByHand::Park, "parked"),
            Verb::TookEffect { id } => (id, ByHand::TookEffect, "took effect"),
            Verb::NoEffect { id } => (id, ByHand::NoEffect, "had no effect"),
        };
        by_hand(&deps, id, what).await?;
        println!("{id} {word}");
        deps.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
