//! One attempt at a trigger: ask, if an earlier sending may have had its effect, then send.
//!
//! A crash anywhere in it leaves the claim, which was counted before. Who asked goes on with the claim anew before
//! anything is sent: asking takes its time, and a lease is as long as sending alone can take.

use super::settle::Outcome;
use super::{Deps, ask_providers, lease};
use crate::domain::escrow::TriggerFacts;
use crate::escrow::provider::{Command, Found, Provider, Reading};
use crate::outbound::{Answer, Request, SendError};
use crate::outbox::gate::Went;
use crate::store::outbox::{self, Ended, Message};

/// A provider, and how it does while it is spoken with.
pub struct Line<'d> {
    deps: &'d Deps,
    provider: &'d Provider,
    pub went: Went,
}

impl<'d> Line<'d> {
    pub fn new(deps: &'d Deps, provider: &'d Provider) -> Self {
        Self { deps, provider, went: Went::Unused }
    }

    async fn exchange(&mut self, request: Request) -> Result<Answer, SendError> {
        let answer = ask_providers::send(self.deps, self.provider, request).await;
        self.went = went(&answer);
        answer
    }

    /// None: this provider cannot be asked about such a command.
    pub async fn ask(&mut self, command: &Command<'_>) -> Option<Found> {
        let inquire = self.provider.abilities.inquire.as_ref()?;
        let request = inquire.about_command(command, self.deps.clock.wall())?;
        Some(match self.exchange(request).await {
            Ok(answer) => inquire.read_about_command(command, &answer),
            Err(error) => Found::NoWord { reason: error.to_string(), after: None },
        })
    }
}

const TOO_MANY: u16 = 429;

/// What an answer says of whoever gave it, beside what it says of the trigger.
fn went(answer: &Result<Answer, SendError>) -> Went {
    match answer {
        Ok(answer) if answer.status >= 500 || answer.status == TOO_MANY => {
            Went::Failed { asked: answer.retry_after }
        }
        Ok(_) => Went::Well,
        Err(_) => Went::Failed { asked: None },
    }
}

pub async fn attempt(line: &mut Line<'_>, message: &mut Message) -> Outcome {
    let (deps, provider) = (line.deps, line.provider);
    let facts = match read(&message.body) {
        Ok(facts) => facts,
        Err(reason) => return Outcome::Dead { reason, ended: untouched(message) },
    };
    let text = message.body.clone();
    let command = Command { id: message.id, facts: &facts, body: &text };
    if message.was_in_doubt() {
        match line.ask(&command).await {
            Some(Found::TookEffect) => return Outcome::Acknowledged,
            Some(Found::Refused { reason }) => return Outcome::Dead { reason, ended: Ended::WithoutEffect },
            Some(Found::UnderWay) => {
                let reason = "the provider is still at it".to_owned();
                return Outcome::Later { reason, after: None, ended: Ended::InDoubt };
            }
            Some(Found::NoWord { reason, after }) => {
                return Outcome::Later { reason, after, ended: Ended::InDoubt };
            }
            Some(Found::NotThere) if !goes_on(deps, message).await => return Outcome::Overtaken,
            Some(Found::NotThere) => {}
            None if is_forgotten(deps, provider, message) => {
                let reason = "what came of it is not known, and the provider keeps its key no longer";
                return Outcome::Dead { reason: reason.to_owned(), ended: Ended::InDoubt };
            }
            None => {}
        }
    }
    transmit(line, &command, message).await
}

async fn transmit(line: &mut Line<'_>, command: &Command<'_>, message: &Message) -> Outcome {
    let provider = line.provider;
    let request = match provider.request(command, line.deps.clock.wall()) {
        Ok(request) => request,
        Err(unsayable) => return Outcome::Dead { reason: unsayable.0, ended: untouched(message) },
    };
    match line.exchange(request).await {
        Ok(answer) => match provider.read(command, &answer) {
            Reading::Acknowledged => Outcome::Acknowledged,
            Reading::Declared(declared) => Outcome::Declared(declared),
            Reading::Later { reason, after } => Outcome::Later { reason, after, ended: untouched(message) },
            Reading::Unknown { reason, after } => Outcome::Later { reason, after, ended: Ended::InDoubt },
            Reading::Refused { reason } => Outcome::Dead { reason, ended: untouched(message) },
            Reading::Gone { reason } => Outcome::Dead { reason, ended: untouched(message) },
        },
        Err(error @ (SendError::Forbidden(_) | SendError::NotSent(_))) => {
            Outcome::Later { reason: error.to_string(), after: None, ended: untouched(message) }
        }
        Err(error @ (SendError::NoAnswer(_) | SendError::TooLarge(_))) => {
            Outcome::Later { reason: error.to_string(), after: None, ended: Ended::InDoubt }
        }
    }
}

/// Whether it may still be sent, and by us: then with as much time for it as at first.
async fn goes_on(deps: &Deps, message: &mut Message) -> bool {
    let (wall, leased_until) = lease(deps);
    if message.leased_until <= wall {
        return false;
    }
    let held = message.clone();
    let renewed =
        deps.store.write(move |tx| Box::pin(async move { outbox::renew(tx, &held, leased_until).await }));
    match renewed.await {
        Ok(true) => {
            message.leased_until = leased_until;
            true
        }
        Ok(false) | Err(_) => false,
    }
}

/// This attempt had no effect; what is known of those before it stays as it was.
fn untouched(message: &Message) -> Ended {
    if message.was_in_doubt() { Ended::InDoubt } else { Ended::WithoutEffect }
}

/// Whether the provider may have forgotten the key under which it was sent first.
fn is_forgotten(deps: &Deps, provider: &Provider, message: &Message) -> bool {
    let (Some(kept), Some(first)) = (provider.keeps_keys, message.first_sent_at) else { return false };
    (deps.clock.wall() - first).to_std().is_ok_and(|age| age >= kept)
}

/// The facts of a trigger, from the body that was written when it was made.
pub fn read(body: &str) -> Result<TriggerFacts, String> {
    #[derive(serde::Deserialize)]
    struct Body {
        data: TriggerFacts,
    }
    let body: Body = serde_json::from_str(body).map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(body.data)
}
