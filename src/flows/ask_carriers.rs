//! One question to a carrier, with all that belongs to it: a pass, if the account needs one, and telling the
//! carrier of numbers that it wants to be told of first.
//!
//! A pass is fetched once, however many questions wait for it, and shared until shortly before it ends; one that
//! is refused before that is thrown away, and the question asked once more with a new one. Who waited for a pass
//! that could not be had does not ask for it once more. Each request beyond the question's first pays its
//! [`Toll`]. Nothing is kept of a question: a crash loses a pass, and the next daemon fetches another.

mod toll;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::gazetteer::Embedded;
use crate::carriers::{
    Account, Authorise, Failure, FailureKind, Introduce, NotAnAnswer, Occasion, Question, Reading, Said,
    Seen, Token,
};
use crate::chance;
use crate::domain::carrier::{AccountId, TrackingNumber};
use crate::domain::event::EventStatus;
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
    /// The numbers that carriers were told of. Telling them again after a crash changes nothing.
    introduced: Arc<Mutex<HashSet<(AccountId, TrackingNumber)>>>,
}

/// Where questions of an account wait while one of them fetches a pass.
#[derive(Default)]
struct Gate {
    pass: tokio::sync::Mutex<Option<Pass>>,
    /// How often none could be had.
    failures: AtomicU64,
}

/// As many as are remembered: after these it begins anew.
const INTRODUCED_MAX: usize = 100_000;

/// A pass that ends within this time might end on its way.
const PASS_MARGIN: chrono::Duration = chrono::Duration::seconds(60);

impl Asker {
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, passes: Arc::default(), introduced: Arc::default() }
    }

    pub async fn ask(
        &self,
        account: &Account,
        questions: &[Question],
        now: Instant,
        toll: &Toll,
    ) -> Result<Heard, AskError> {
        let (heard, token) = self.ask_once(account, questions, (now, toll), None).await?;
        let is_refused = heard.reading.as_ref().is_ok_and(is_refused);
        if let Some(refused) = token.filter(|_| is_refused) {
            toll.pay().await?;
            let (heard, _) = self.ask_once(account, questions, (now, toll), Some(&refused)).await?;
            return Ok(heard);
        }
        Ok(self.introduce(account, questions, (now, toll), heard).await)
    }

    async fn ask_once(
        &self,
        account: &Account,
        questions: &[Question],
        (now, toll): (Instant, &Toll),
        refused: Option<&Token>,
    ) -> Result<(Heard, Option<Token>), AskError> {
        let token = match &account.abilities.authorise {
            Some(authorise) => Some(self.pass(&account.id, authorise.as_ref(), (now, toll), refused).await?),
            None => None,
        };
        let occasion = Occasion { now, id: chance::id(), token: token.clone() };
        let answer = self.outbound.send(account.abilities.track.request(questions, &occasion)).await?;
        let reading = account.adapter.reading(&answer, &Embedded);
        Ok((Heard { answer, reading }, token))
    }

    /// The carrier's answer for those it was told of only now is that it knows nothing of them yet. What was heard
    /// of the others stays, however this goes.
    async fn introduce(
        &self,
        account: &Account,
        questions: &[Question],
        (now, toll): (Instant, &Toll),
        mut heard: Heard,
    ) -> Heard {
        let (Some(introduce), Ok(reading)) = (&account.abilities.introduce, &mut heard.reading) else {
            return heard;
        };
        let mut new: Vec<Question> = questions
            .iter()
            .filter(|question| self.is_to_introduce(account, introduce.as_ref(), question, reading))
            .cloned()
            .collect();
        if new.is_empty() {
            return heard;
        }
        // Not always the same ones first: one that is refused would keep its place for ever.
        let at = usize::try_from(now.timestamp_micros().unsigned_abs()).unwrap_or_default() % new.len();
        new.rotate_left(at);
        new.truncate(introduce.numbers_max().max(1));
        let is_meant = |failure: &Failure| {
            introduce.is_asked_for(failure)
                && failure.number.as_ref().is_none_or(|number| new.iter().any(|one| one.number == *number))
        };
        let introduced = self.tell(account, introduce.as_ref(), &new, (now, toll)).await;
        let is_for_now =
            |failure: &Failure| matches!(failure.kind, FailureKind::RateLimited | FailureKind::CarrierDown);
        if !introduced.failures.iter().any(is_for_now) {
            self.remember(account, &new);
        }
        reading.failures.retain(|failure| !is_meant(failure));
        reading.failures.extend(introduced.failures.into_iter().flat_map(|failure| of_each(failure, &new)));
        heard
    }

    /// Some say of a number that they want to be told of it, others say nothing of it at all; and some want to be told
    /// of it once in any case, until it is delivered.
    fn is_to_introduce(
        &self,
        account: &Account,
        introduce: &dyn Introduce,
        question: &Question,
        reading: &Reading,
    ) -> bool {
        let is_delivered = |seen: &Seen| seen.happening.status == EventStatus::Delivered;
        match reading.about(&question.number) {
            Said::Failed(failure) => introduce.is_asked_for(&failure),
            Said::Events { seen, .. } => {
                introduce.wants_all()
                    && !seen.iter().any(is_delivered)
                    && !self.introduced().contains(&(account.id.clone(), question.number.clone()))
            }
        }
    }

    /// What was not taken, and why.
    async fn tell(
        &self,
        account: &Account,
        introduce: &dyn Introduce,
        new: &[Question],
        (now, toll): (Instant, &Toll),
    ) -> Reading {
        let token = match &account.abilities.authorise {
            Some(authorise) => match self.pass(&account.id, authorise.as_ref(), (now, toll), None).await {
                Ok(token) => Some(token),
                Err(error) => return Reading::failed(untold(&error)),
            },
            None => None,
        };
        if let Err(error) = toll.pay().await {
            return Reading::failed(untold(&error));
        }
        let occasion = Occasion { now, id: chance::id(), token };
        match self.outbound.send(introduce.request(new, &occasion)).await {
            Ok(answer) => introduce.read(&answer).unwrap_or_else(|NotAnAnswer(message)| {
                let failure = Failure::new(FailureKind::Unparsable, answer.status.to_string(), message);
                Reading::failed(failure)
            }),
            Err(error) => Reading::failed(untold(&AskError::Send(error))),
        }
    }

    fn introduced(&self) -> MutexGuard<'_, HashSet<(AccountId, TrackingNumber)>> {
        self.introduced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, account: &Account, new: &[Question]) {
        let mut introduced = self.introduced();
        if introduced.len() >= INTRODUCED_MAX {
            introduced.clear();
        }
        introduced.extend(new.iter().map(|question| (account.id.clone(), question.number.clone())));
    }

    /// `refused`: the pass that was refused. Another question may have fetched a new one since: that one is good.
    async fn pass(
        &self,
        id: &AccountId,
        authorise: &dyn Authorise,
        (now, toll): (Instant, &Toll),
        refused: Option<&Token>,
    ) -> Result<Token, AskError> {
        let is_good = |pass: &&Pass| pass.until > now && !refused.is_some_and(|one| one.is(&pass.token));
        let gate = {
            let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(passes.entry(id.clone()).or_default())
        };
        let failures = gate.failures.load(Ordering::Acquire);
        let mut pass = gate.pass.lock().await;
        if let Some(pass) = pass.as_ref().filter(is_good) {
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
        let occasion = Occasion { now, id: chance::id(), token: None };
        let answer = self.outbound.send(authorise.request(&occasion)).await?;
        let token = authorise.read(&answer).map_err(AskError::NoPass)?;
        let lasts = chrono::Duration::from_std(token.lasts).unwrap_or(chrono::Duration::days(1));
        Ok(Pass { token, until: now + (lasts - PASS_MARGIN).max(lasts / 2) })
    }
}

/// A failure without a number, of the numbers that a carrier was told of; unless it is of the account or the carrier:
/// then nothing was found out about any that it does not know.
fn of_each(failure: Failure, new: &[Question]) -> Vec<Failure> {
    let is_of_all =
        matches!(failure.kind, FailureKind::Auth | FailureKind::RateLimited | FailureKind::CarrierDown);
    if failure.number.is_some() || is_of_all {
        return vec![failure];
    }
    new.iter().map(|question| failure.clone().of(Some(question.number.clone()))).collect()
}

fn untold(error: &AskError) -> Failure {
    match error {
        AskError::NoPass(failure) => failure.clone(),
        AskError::Send(_) | AskError::NoPassEither | AskError::NotCounted(_) => {
            Failure::new(FailureKind::CarrierDown, "", error.to_string())
        }
        AskError::NoCallLeft => Failure::new(FailureKind::RateLimited, "", error.to_string()),
    }
}

fn is_refused(reading: &Reading) -> bool {
    let is_of_all = |failure: &Failure| failure.kind == FailureKind::Auth && failure.number.is_none();
    reading.packages.is_empty() && reading.failures.iter().any(is_of_all)
}
