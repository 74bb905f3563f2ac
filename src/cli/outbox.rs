use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::printing::{remark, say};
use crate::config::Settings;
use crate::domain::id::TriggerId;
use crate::domain::instant::rfc3339;
use crate::domain::outbox::OutboxState;
use crate::flows::authenticate::Operator;
use crate::flows::send_triggers;
use crate::flows::tend_outbox::{ByHand, by_hand};
use crate::store::Store;
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
        /// How many in all; what needs a person comes first.
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
        let (id, what) = match self.verb {
            Verb::List { state, limit, json } => {
                list(&deps.store, state, limit, json).await?;
                deps.store.close().await;
                return Ok(ExitCode::SUCCESS);
            }
            Verb::Retry { id } => (id, ByHand::Retry),
            Verb::Park { id } => (id, ByHand::Park),
            Verb::TookEffect { id } => (id, ByHand::TookEffect),
            Verb::NoEffect { id } => (id, ByHand::NoEffect),
        };
        let actor = self.by.map_or_else(|| "operator".to_owned(), |name| Operator { name }.actor());
        let message = by_hand(&deps, id, what, actor).await?;
        deps.store.close().await;
        say!("{}", outcome(what, &message))?;
        let is_in_vain = what == ByHand::Retry && !message.is_on_its_way();
        Ok(if is_in_vain { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// What a person is needed for comes first, and what is over last: those are parked for ever.
const OPEN: [OutboxState; 5] =
    [OutboxState::Dead, OutboxState::Pending, OutboxState::Waiting, OutboxState::Frozen, OutboxState::Parked];

async fn list(store: &Store, state: Option<OutboxState>, limit: u64, json: bool) -> anyhow::Result<()> {
    let states = state.map_or(OPEN.to_vec(), |state| vec![state]);
    let snapshot = store.snapshot().await?;
    let (mut left, mut more) = (limit, 0);
    for state in states {
        let messages = outbox::list(&*snapshot, Some(state), left).await?;
        for message in &messages {
            let shown = shown(message);
            say!("{}", if json { shown.to_string() } else { line(&shown) })?;
        }
        let listed = messages.len() as u64;
        left -= listed;
        if left == 0 {
            more += outbox::count(&*snapshot, state).await? - listed;
        }
    }
    if more > 0 {
        remark!("{more} more: --limit {} lists them, too", limit + more);
    }
    Ok(())
}

fn outcome(what: ByHand, message: &Message) -> String {
    let Message { id, state, .. } = message;
    let problem = message.last_problem.as_deref().unwrap_or("nobody says why");
    match what {
        ByHand::Retry if message.is_on_its_way() => format!("{id} is back in the queue: {state}"),
        ByHand::Retry => format!("{id} is not sent again, it is {state}: {problem}"),
        ByHand::Park => format!("{id} is {state}: {problem}"),
        ByHand::TookEffect => format!("{id} took effect: {state}"),
        ByHand::NoEffect => format!("{id} had no effect: {state}"),
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
        // Of the others nobody knows when, or there is none.
        "next_attempt_at": (message.state == OutboxState::Pending).then(|| rfc3339(message.next_attempt_at)),
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
    let next = shown["next_attempt_at"].as_str().map(|at| format!("  next {at}")).unwrap_or_default();
    format!(
        "{}  {}{doubt}  {} {} {}  {}{parcel}  {} of {}  attempts {}{next}  {}",
        word("trigger"),
        word("state"),
        word("action"),
        word("amount"),
        word("currency"),
        word("shipment"),
        word("payment_reference"),
        word("destination"),
        word("attempts"),
        word("last_problem"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;
    use crate::domain::outbox::Destination;

    fn message(state: OutboxState) -> Message {
        let at = from_micros(1_772_700_000_000_000);
        Message {
            id: "trg_01kb2m3z8te2gt8d1v6q8h4x5n".parse().expect("a trigger"),
            shipment: "shp_01kb2m3z8te2gt8d1v6q8h4x5n".parse().expect("a shipment"),
            stream: "ord_01kb2m3z8te2gt8d1v6q8h4x5n".parse().expect("an order"),
            position: 0,
            destination: Destination::escrow("webhook"),
            body: String::new(),
            state,
            attempts: 1,
            next_attempt_at: at,
            leased_until: at,
            last_problem: Some("its money has moved".to_owned()),
            created_at: at,
            claims: 1,
            answered: 1,
            first_sent_at: Some(at),
        }
    }

    #[test]
    fn a_try_in_vain_says_where_the_trigger_stands_instead() {
        let said = |what, state| outcome(what, &message(state));
        assert!(said(ByHand::Retry, OutboxState::Waiting).ends_with("is back in the queue: waiting"));
        let in_vain = said(ByHand::Retry, OutboxState::Parked);
        assert!(in_vain.ends_with("is not sent again, it is parked: its money has moved"), "{in_vain}");
    }

    #[test]
    fn only_what_waits_for_its_time_says_when_it_is_tried_next() {
        for state in OutboxState::ALL.iter().copied() {
            let next = shown(&message(state))["next_attempt_at"].is_string();
            assert_eq!(next, state == OutboxState::Pending, "{state}");
        }
    }

    #[test]
    fn a_line_says_whose_money_it_is_and_what_went_wrong() {
        let shown = json!({
            "trigger": "trg_1", "state": "pending", "in_doubt": true, "destination": "escrow.webhook",
            "action": "confirm_receipt", "amount": "12.50", "currency": "CNY", "shipment": "shp_1", "parcel": 2,
            "payment_reference": "T1", "attempts": 10, "next_attempt_at": "2026-11-22T03:00:00Z",
            "last_problem": "answered 500",
        });
        assert_eq!(
            line(&shown),
            "trg_1  pending, in doubt  confirm_receipt 12.50 CNY  shp_1-2  T1 of escrow.webhook  attempts 10  \
             next 2026-11-22T03:00:00Z  answered 500"
        );
        let unread = json!({"trigger": "trg_1", "state": "dead", "action": null, "parcel": null});
        assert_eq!(line(&unread), "trg_1  dead  - - -  -  - of -  attempts -  -");
    }
}
