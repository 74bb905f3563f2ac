use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::printing::say;
use crate::config::Settings;
use crate::domain::id::TriggerId;
use crate::domain::instant::rfc3339;
use crate::domain::outbox::OutboxState;
use crate::flows::authenticate::Operator;
use crate::flows::send_triggers;
use crate::flows::tend_outbox::{ByHand, by_hand};
use crate::store::outbox::{self, Message};

#[derive(Args)]
pub struct Outbox {
    /// Who does it, for the audit.
    #[arg(long, global = true, value_name = "NAME")]
    by: Option<String>,
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
        /// One JSON object a message.
        #[arg(long)]
        json: bool,
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
            Verb::List { state, limit, json } => {
                let states = state.map_or(
                    OutboxState::ALL.iter().copied().filter(|s| *s != OutboxState::Acknowledged).collect(),
                    |s| vec![s],
                );
                for state in states {
                    for message in outbox::list(deps.store.reader(), Some(state), limit).await? {
                        let shown = shown(&message);
                        say!("{}", if json { shown.to_string() } else { line(&shown) })?;
                    }
                }
                return Ok(ExitCode::SUCCESS);
            }
            Verb::Retry { id } => (id, ByHand::Retry, "back in the queue"),
            Verb::Park { id } => (id, ByHand::Park, "parked"),
            Verb::TookEffect { id } => (id, ByHand::TookEffect, "took effect"),
            Verb::NoEffect { id } => (id, ByHand::NoEffect, "had no effect"),
        };
        let actor = self.by.map_or_else(|| "operator".to_owned(), |name| Operator { name }.actor());
        by_hand(&deps, id, what, actor).await?;
        say!("{id} {word}")?;
        deps.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// What somebody has to know who decides about a message. One that nobody can read is shown without what it says.
fn shown(message: &Message) -> Value {
    let facts = send_triggers::read(&message.body).ok();
    let facts = facts.as_ref();
    json!({
        "trigger": message.id,
        "state": message.state,
        "in_doubt": message.is_in_doubt() && message.state != OutboxState::Acknowledged,
        "destination": message.destination.as_str(),
        "action": facts.map(|facts| facts.action),
        "amount": facts.map(|facts| &facts.amount),
        "currency": facts.map(|facts| &facts.currency),
        "shipment": message.shipment,
        "parcel": facts.and_then(|facts| facts.parcel),
        "payment_reference": facts.map(|facts| &facts.payment_reference),
        "attempts": message.attempts,
        "next_attempt_at": rfc3339(message.next_attempt_at),
        "last_problem": message.last_problem,
    })
}

fn line(shown: &Value) -> String {
    let word = |name: &str| match &shown[name] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let doubt = if shown["in_doubt"] == true { ", in doubt" } else { "" };
    let parcel = shown["parcel"].as_u64().map(|number| format!("-{number}")).unwrap_or_default();
    format!(
        "{}  {}{doubt}  {} {} {}  {}{parcel}  {} of {}  attempts {}  next {}  {}",
        word("trigger"),
        word("state"),
        word("action"),
        word("amount"),
        word("currency"),
        word("shipment"),
        word("payment_reference"),
        word("destination"),
        word("attempts"),
        word("next_attempt_at"),
        word("last_problem"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_whose_money_it_is_and_what_went_wrong() {
        let shown = json!({
            "trigger": "trg_1", "state": "dead", "in_doubt": true, "destination": "escrow.webhook",
            "action": "confirm_receipt", "amount": "12.50", "currency": "CNY", "shipment": "shp_1", "parcel": 2,
            "payment_reference": "T1", "attempts": 10, "next_attempt_at": "2026-11-22T03:00:00Z",
            "last_problem": "answered 500",
        });
        assert_eq!(
            line(&shown),
            "trg_1  dead, in doubt  confirm_receipt 12.50 CNY  shp_1-2  T1 of escrow.webhook  attempts 10  \
             next 2026-11-22T03:00:00Z  answered 500"
        );
        let unread = json!({"trigger": "trg_1", "state": "dead", "action": null, "parcel": null});
        assert!(line(&unread).starts_with("trg_1  dead  - - -  -  - of -"), "{}", line(&unread));
    }
}
