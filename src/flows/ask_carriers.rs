//! One question to a carrier, with all that belongs to it: a pass, if the account needs one, and telling the
//! carrier of numbers that it wants to be told of first.
//!
//! A pass is fetched once, however many questions wait for it, and shared until shortly before it ends; one that
//! is refused before that is thrown away, and the question asked once more with a new one. Who waited for a pass
//! that could not be had does not ask for it once more. Each request beyond the question's first pays its
//! [`Toll`]. Nothing is kept of a question: a crash loses a pass, and the next daemon fetches another.

mod toll;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::gazetteer::Embedded;
use crate::carriers::{
    Account, Authorise, Failure, FailureKind, NotAnAnswer, Occasion, Question, Reading, Said, Token,
};
use crate::domain::carrier::AccountId;
use crate::domain::instant::Instant;
use crate::outbound::{Answer, Outbound, SendError};
use crate::store::StoreError;
pub use toll::Toll;

/// What came back, and what it means.
pub struct Heard {
    pub answer: Answer,
    pub reading: Result<Reading, NotAnAnswer>,
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Send(#[from] SendError),
    /// The carrier gives us no pass.
    #[error("no pass: {} {}", .0.code, .0.message)]
    NoPass(Failure),
    /// Another question asked for the pass meanwhile, in vain.
    #[error("no pass: another question asked for it in vain")]
    NoPassEither,
    /// It takes more requests than the account has left.
    #[error("no call is left for all of the question")]
    NoCallLeft,
    #[error("a call cannot be counted: {0}")]
    NotCounted(#[source] StoreError),
}

/// A pass, and until when it is used, by the machine's clock.
struct Pass {
    token: Token,
    until: Instant,
}

#[derive(Clone)]
pub struct Asker {
    outbound: Outbound,
    passes: Arc<Mutex<HashMap<AccountId, Arc<Gate>>>>,
}

/// Where questions of an account wait while one of them fetches a pass.
#[derive(Default)]
struct Gate {
    pass: tokio::sync::Mutex<Option<Pass>>,
    /// How often none could be had.
    failures: AtomicU64,
}

/// A pass that ends within this time might end on its way.
const PASS_MARGIN: chrono::Duration = chrono::Duration::seconds(60);

impl Asker {
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, passes: Arc::default() }
    }

    pub async fn ask(
        &self,
        account: &Account,
        questions: &[Question],
        now: Instant,
        toll: &Toll,
    ) -> Result<Heard, AskError> {
        let heard = self.ask_once(account, questions, now, toll).await?;
        let is_refused = heard.reading.as_ref().is_ok_and(is_refused);
        if account.abilities.authorise.is_some() && is_refused {
            self.forget_pass(&account.id);
            toll.pay().await?;
            return self.ask_once(account, questions, now, toll).await;
        }
        self.introduce(account, questions, now, toll, heard).await
    }

    async fn ask_once(
        &self,
        account: &Account,
        questions: &[Question],
        now: Instant,
        toll: &Toll,
    ) -> Result<Heard, AskError> {
        let token = match &account.abilities.authorise {
            Some(authorise) => Some(self.pass(&account.id, authorise.as_ref(), now, toll).await?),
            None => None,
        };
        let occasion = Occasion { now, id: Uuid::now_v7(), token };
        let answer = self.outbound.send(account.abilities.track.request(questions, &occasion)).await?;
        let reading = (account.adapter.read)(&answer, &Embedded);
        Ok(Heard { answer, reading })
    }

    /// The carrier's answer for those it was told of only now is that it knows nothing of them yet.
    async fn introduce(
        &self,
        account: &Account,
        questions: &[Question],
        now: Instant,
        toll: &Toll,
        mut heard: Heard,
    ) -> Result<Heard, AskError> {
        let (Some(introduce), Ok(reading)) = (&account.abilities.introduce, &mut heard.reading) else {
            return Ok(heard);
        };
        let is_new = |failure: &Failure| introduce.is_asked_for(failure);
        // Some say so of a number, others say nothing of it at all.
        let is_of_new = |question: &&Question| match reading.about(&question.number) {
            Said::Failed(failure) => is_new(&failure),
            Said::Events { .. } => false,
        };
        let new: Vec<Question> = questions.iter().filter(is_of_new).cloned().collect();
        if new.is_empty() {
            return Ok(heard);
        }
        let token = match &account.abilities.authorise {
            Some(authorise) => Some(self.pass(&account.id, authorise.as_ref(), now, toll).await?),
            None => None,
        };
        let occasion = Occasion { now, id: Uuid::now_v7(), token };
        toll.pay().await?;
        let answer = self.outbound.send(introduce.request(&new, &occasion)).await?;
        match introduce.read(&answer) {
            Ok(introduced) => {
                reading.failures.retain(|failure| !is_new(failure));
                reading.failures.extend(introduced.failures);
            }
            Err(error) => heard = Heard { answer, reading: Err(error) },
        }
        Ok(heard)
    }

    async fn pass(
        &self,
        id: &AccountId,
        authorise: &dyn Authorise,
        now: Instant,
        toll: &Toll,
    ) -> Result<Token, AskError> {
        let gate = {
            let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(passes.entry(id.clone()).or_default())
        };
        let failures = gate.failures.load(Ordering::Acquire);
        let mut pass = gate.pass.lock().await;
        if let Some(pass) = pass.as_ref().filter(|pass| pass.until > now) {
            return Ok(pass.token.clone());
        }
        if gate.failures.load(Ordering::Acquire) != failures {
            return Err(AskError::NoPassEither);
        }
        match self.fetch(authorise, now, toll).await {
            Ok(fetched) => Ok(pass.insert(fetched).token.clone()),
            Err(error) => {
                gate.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    async fn fetch(&self, authorise: &dyn Authorise, now: Instant, toll: &Toll) -> Result<Pass, AskError> {
        toll.pay().await?;
        let occasion = Occasion { now, id: Uuid::now_v7(), token: None };
        let answer = self.outbound.send(authorise.request(&occasion)).await?;
        let token = authorise.read(&answer).map_err(AskError::NoPass)?;
        let lasts = chrono::Duration::from_std(token.lasts).unwrap_or(chrono::Duration::days(1));
        Ok(Pass { token, until: now + (lasts - PASS_MARGIN).max(lasts / 2) })
    }

    fn forget_pass(&self, id: &AccountId) {
        self.passes.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

fn is_refused(reading: &Reading) -> bool {
    reading.packages.is_empty() && reading.failures.iter().any(|failure| failure.kind == FailureKind::Auth)
}
