//! One attempt at a trigger: ask, if an earlier sending may have had its effect, then send.
//!
//! A crash anywhere in it leaves the claim, which was counted before. Who asked goes on with the claim anew before
//! anything is sent: asking takes its time, and a lease is as long as sending alone can take.

use std::time::Duration;

use super::settle::{Outcome, moves_money};
use super::{Deps, ask_providers, lease};
use crate::chance;
use crate::domain::escrow::TriggerFacts;
use crate::escrow::provider::{Command, Found, Provider, Reading, Trade};
use crate::outbound::{Answer, Request, SendError};
use crate::outbox::gate::Went;
use crate::outbox::rules::{Next, next};
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
        self.exchange_while(request, || true).await
    }

    async fn exchange_while(
        &mut self,
        request: Request,
        may_be_sent: impl Fn() -> bool,
    ) -> Result<Answer, SendError> {
        let answer = ask_providers::send_while(self.deps, self.provider, request, may_be_sent).await;
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

    /// How the trade stands. None: nobody says so now.
    async fn ask_about_trade(&mut self, command: &Command<'_>) -> Option<Trade> {
        let reference = &command.facts.payment_reference;
        let request =
            self.provider.abilities.inquire.as_ref()?.about_trade(reference, self.deps.clock.wall());
        let answer = self.exchange(request).await.map_err(|error| error.to_string());
        let now = self.deps.clock.now();
        let trade = answer.and_then(|answer| self.provider.read_about_trade(reference, &answer, now));
        if let Err(reason) = &trade {
            tracing::warn!(trigger = %command.id, reason, "a trigger goes out no more, and its provider does not say how the trade stands");
        }
        trade.ok()
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
    let facts = match read(&message.body) {
        Ok(facts) => facts,
        Err(reason) => return dead(reason, untouched(message)),
    };
    let text = message.body.clone();
    let command = Command { id: message.id, facts: &facts, body: &text };
    let mut outcome = try_once(line, &command, message).await;
    // The provider may have moved the money by itself, and has nothing left to move: then no person has to find that
    // out.
    if let Outcome::Dead { trade, .. } = &mut outcome
        && moves_money(facts.action)
        && goes_on(line.deps, message).await
    {
        let went = line.went;
        *trade = line.ask_about_trade(&command).await;
        // Of the way that triggers go, the question says nothing.
        line.went = went;
    }
    outcome
}

async fn try_once(line: &mut Line<'_>, command: &Command<'_>, message: &mut Message) -> Outcome {
    let (deps, provider) = (line.deps, line.provider);
    if message.was_in_doubt() {
        match line.ask(command).await {
            Some(Found::TookEffect) => return Outcome::Acknowledged,
            Some(Found::Refused { reason }) => return dead(reason, Ended::WithoutEffect),
            Some(Found::UnderWay) => {
                let reason = "the provider is still at it".to_owned();
                return later(deps, message, reason, None, Ended::InDoubt);
            }
            Some(Found::NoWord { reason, after }) => {
                return later(deps, message, reason, after, Ended::InDoubt);
            }
            Some(Found::NotThere) if !goes_on(deps, message).await => return Outcome::Overtaken,
            Some(Found::NotThere) => {}
            None if is_forgotten(deps, provider, message) => {
                let reason = "what came of it is not known, and the provider keeps its key no longer";
                return dead(reason.to_owned(), Ended::InDoubt);
            }
            None => {}
        }
    }
    transmit(line, command, message).await
}

async fn transmit(line: &mut Line<'_>, command: &Command<'_>, message: &Message) -> Outcome {
    let (deps, provider) = (line.deps, line.provider);
    let request = match provider.request(command, deps.clock.wall()) {
        Ok(request) => request,
        Err(unsayable) => return dead(unsayable.0, untouched(message)),
    };
    // Whoever thinks the lease over takes what was not heard of by then for what was never sent.
    let time_out = chrono::Duration::seconds(deps.settings.outbound.timeout_seconds.cast_signed());
    let may_be_sent = || deps.clock.wall() + time_out <= message.leased_until;
    match line.exchange_while(request, may_be_sent).await {
        Ok(answer) => match provider.read(command, &answer) {
            Reading::Acknowledged => Outcome::Acknowledged,
            Reading::Declared(declared) => Outcome::Declared(declared),
            Reading::Later { reason, after } => later(deps, message, reason, after, untouched(message)),
            Reading::Unknown { reason, after } => later(deps, message, reason, after, Ended::InDoubt),
            Reading::Refused { reason } | Reading::Gone { reason } => dead(reason, untouched(message)),
        },
        Err(error @ (SendError::Forbidden(_) | SendError::NotSent(_))) => {
            later(deps, message, error.to_string(), None, untouched(message))
        }
        Err(error @ (SendError::NoAnswer(_) | SendError::TooLarge(_))) => {
            later(deps, message, error.to_string(), None, Ended::InDoubt)
        }
    }
}

/// `after`: what the provider asked for.
fn later(deps: &Deps, message: &Message, reason: String, after: Option<Duration>, ended: Ended) -> Outcome {
    let settings = &deps.settings.outbox;
    match next(message.attempts + 1, &settings.retry_seconds, settings.jitter, chance::share(), after) {
        Next::After(wait) => Outcome::Later { reason, wait, ended },
        Next::GiveUp => dead(reason, ended),
    }
}

/// No more by itself.
fn dead(reason: String, ended: Ended) -> Outcome {
    Outcome::Dead { reason, ended, trade: None }
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
