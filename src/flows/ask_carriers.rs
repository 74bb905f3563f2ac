//! One question to a carrier, with all that belongs to it: a pass, if the account needs one, and telling the
//! carrier of numbers that it wants to be told of first.
//!
//! A pass is fetched once, however many questions wait for it, and shared until shortly before it ends; one that
//! is refused before that is thrown away, and the question asked once more with a new one. Nothing is kept of a
//! question: a crash loses a pass, and the next daemon fetches another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::gazetteer::Embedded;
use crate::carriers::{
    Account, Authorise, Failure, FailureKind, NotAnAnswer, Occasion, Question, Reading, Said, Token,
};
use crate::domain::carrier::AccountId;
use crate::domain::instant::Instant;
use crate::outbound::{Answer, Outbound, SendError};

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
}

/// A pass, and until when it is used, by the machine's clock.
struct Pass {
    token: Token,
    until: Instant,
}

#[derive(Clone)]
pub struct Asker {
    outbound: Outbound,
    passes: Arc<Mutex<HashMap<AccountId, Arc<OnceCell<Pass>>>>>,
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
    ) -> Result<Heard, AskError> {
        let (heard, token) = self.ask_once(account, questions, now, None).await?;
        let is_refused = heard.reading.as_ref().is_ok_and(is_refused);
        if let Some(refused) = token.filter(|_| is_refused) {
            let (heard, _) = self.ask_once(account, questions, now, Some(&refused)).await?;
            return Ok(heard);
        }
        self.introduce(account, questions, now, heard).await
    }

    async fn ask_once(
        &self,
        account: &Account,
        questions: &[Question],
        now: Instant,
        refused: Option<&Token>,
    ) -> Result<(Heard, Option<Token>), AskError> {
        let token = match &account.abilities.authorise {
            Some(authorise) => Some(self.pass(&account.id, authorise.as_ref(), now, refused).await?),
            None => None,
        };
        let occasion = Occasion { now, id: Uuid::now_v7(), token: token.clone() };
        let answer = self.outbound.send(account.abilities.track.request(questions, &occasion)).await?;
        let reading = account.adapter.reading(&answer, &Embedded);
        Ok((Heard { answer, reading }, token))
    }

    /// The carrier's answer for those it was told of only now is that it knows nothing of them yet.
    async fn introduce(
        &self,
        account: &Account,
        questions: &[Question],
        now: Instant,
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
            Some(authorise) => Some(self.pass(&account.id, authorise.as_ref(), now, None).await?),
            None => None,
        };
        let occasion = Occasion { now, id: Uuid::now_v7(), token };
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

    /// `refused`: the pass that was refused. Another question may have fetched a new one since: that one is good.
    async fn pass(
        &self,
        id: &AccountId,
        authorise: &dyn Authorise,
        now: Instant,
        refused: Option<&Token>,
    ) -> Result<Token, AskError> {
        let is_spent = |pass: &Pass| pass.until <= now || refused.is_some_and(|one| one.is(&pass.token));
        let cell = {
            let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
            let cell = passes.entry(id.clone()).or_default();
            if cell.get().is_some_and(is_spent) {
                *cell = Arc::default();
            }
            Arc::clone(cell)
        };
        let pass = cell.get_or_try_init(|| self.fetch(authorise, now)).await?;
        Ok(pass.token.clone())
    }

    async fn fetch(&self, authorise: &dyn Authorise, now: Instant) -> Result<Pass, AskError> {
        let occasion = Occasion { now, id: Uuid::now_v7(), token: None };
        let answer = self.outbound.send(authorise.request(&occasion)).await?;
        let token = authorise.read(&answer).map_err(AskError::NoPass)?;
        let lasts = chrono::Duration::from_std(token.lasts).unwrap_or(chrono::Duration::days(1));
        Ok(Pass { token, until: now + (lasts - PASS_MARGIN).max(lasts / 2) })
    }
}

/// What is refused of one number is no word about who asks.
fn is_refused(reading: &Reading) -> bool {
    let is_of_all = |failure: &Failure| failure.kind == FailureKind::Auth && failure.number.is_none();
    reading.packages.is_empty() && reading.failures.iter().any(is_of_all)
}
