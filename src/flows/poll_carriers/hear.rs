//! What came of one question: for the account, and for each number that it was about.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::lines::LineNote;
use crate::carriers::{Account, Failure, FailureKind, Reading, Said, Seen};
use crate::flows::ask_carriers::{AskError, Heard};
use crate::outbound::Answer;
use crate::polling::rules::Outcome;
use crate::store::tracked::Tracked;

pub struct Verdict {
    pub line: LineNote,
    /// In the order of the numbers that were asked about.
    pub numbers: Vec<NumberHeard>,
}

/// What came of a question for one number.
#[derive(Clone)]
pub struct NumberHeard {
    /// For the metric.
    pub kind: &'static str,
    pub outcome: Outcome,
    pub problem: Option<String>,
    pub seen: Vec<Seen>,
    pub raw: Option<Raw>,
}

/// What the carrier said of one number, byte for byte: its answer, or of an answer about several numbers
/// the events of that one.
#[derive(Clone)]
pub struct Raw {
    pub status: u16,
    pub body: Vec<u8>,
    /// Of what it tells and what that means, and of the version that read it: tables learn words. Not of the
    /// body, where carriers number their answers.
    pub hash: String,
}

impl Raw {
    /// All of it tells something.
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        let hash = Self::hash(&body);
        Self { status, body, hash }
    }

    fn telling(told: &str, status: u16, body: Vec<u8>) -> Self {
        Self { status, body, hash: Self::hash(told.as_bytes()) }
    }

    fn hash(told: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(concat!(env!("CARGO_PKG_VERSION"), "\n"));
        hash.update(told);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl NumberHeard {
    pub fn nothing(kind: &'static str, outcome: Outcome, problem: impl Into<String>) -> Self {
        Self { kind, outcome, problem: Some(problem.into()), seen: Vec::new(), raw: None }
    }
}

/// How long a carrier is left alone that does not say how long.
const PAUSE: Duration = Duration::from_secs(60);

/// A carrier that says "at once" and means "no" is not asked at once.
const PAUSE_LEAST: Duration = Duration::from_secs(1);

/// Pages of an error are kept as far as they can matter.
const ERROR_BYTES_KEPT: usize = 16 * 1_024;

const FAILED: Outcome = Outcome::Failed { retry_after: None };

pub fn hear(account: &Account, asked: &[&Tracked], answer: Result<Heard, AskError>) -> Verdict {
    let of_all = |line, heard: NumberHeard| Verdict { line, numbers: vec![heard; asked.len()] };
    let Heard { answer, reading } = match answer {
        Ok(heard) => heard,
        Err(AskError::Send(error)) => {
            tracing::warn!(account = %account.id, %error, "a carrier did not answer");
            return of_all(LineNote::Failed, NumberHeard::nothing("no_answer", FAILED, error.to_string()));
        }
        Err(error @ (AskError::NoPassEither | AskError::NoCallLeft | AskError::NotCounted(_))) => {
            tracing::warn!(account = %account.id, %error, "a question was not asked to its end");
            let later = Outcome::NotNow { after: PAUSE };
            return of_all(LineNote::Unasked, NumberHeard::nothing("not_asked", later, error.to_string()));
        }
        Err(AskError::NoPass(failure)) => {
            tracing::error!(account = %account.id, code = failure.code, "a carrier gives us no pass");
            let line = note_of(&failure);
            return of_all(line, of_failure(account, failure));
        }
    };
    let verdict = match reading {
        Ok(reading) => read(account, asked, &answer, &reading),
        Err(error) => {
            tracing::warn!(account = %account.id, %error, "a carrier's answer makes no sense");
            let heard = NumberHeard::nothing("unparsable", FAILED, error.to_string());
            let raw = Some(Raw::new(answer.status, kept(&answer)));
            of_all(LineNote::Failed, NumberHeard { raw, ..heard })
        }
    };
    match answer.allowance {
        // The last call of its allowance was this one.
        Some(allowance) if allowance.remaining == 0 && verdict.line == LineNote::Well => {
            Verdict { line: LineNote::Rest(allowance.resets_after.max(PAUSE_LEAST)), ..verdict }
        }
        _ => verdict,
    }
}

fn kept(answer: &Answer) -> Vec<u8> {
    let most = if answer.is_success() { answer.body.len() } else { ERROR_BYTES_KEPT };
    answer.body[..answer.body.len().min(most)].to_vec()
}

fn read(account: &Account, asked: &[&Tracked], answer: &Answer, reading: &Reading) -> Verdict {
    let of_all = reading.failures.iter().find(|failure| failure.number.is_none());
    let line = match of_all {
        Some(failure) if reading.packages.is_empty() => note_of(failure),
        _ => LineNote::Well,
    };
    let numbers = asked.iter().map(|tracked| {
        let said = reading.about(&tracked.number);
        let told = told(&said);
        let meant = format!("{told}{}", meant(&said));
        let raw = match &said {
            Said::Events { .. } if asked.len() > 1 => {
                Some(Raw::telling(&meant, answer.status, told.into_bytes()))
            }
            Said::Failed(_) if asked.len() > 1 => None,
            Said::Events { .. } | Said::Failed(_) => Some(Raw::telling(&meant, answer.status, kept(answer))),
        };
        let heard = match said {
            Said::Events { seen, unreadable } => {
                if !unreadable.is_empty() {
                    tracing::warn!(account = %account.id, parcel = %tracked.parcel, events = unreadable.len(),
                        "a carrier sent events without a time; they stay in its raw answer");
                }
                NumberHeard { kind: "events", outcome: Outcome::Answered, problem: None, seen, raw: None }
            }
            Said::Failed(failure) => of_failure(account, failure),
        };
        NumberHeard { raw, ..heard }
    });
    Verdict { line, numbers: numbers.collect() }
}

/// What an answer says of one number, without what it says of itself.
fn told(said: &Said) -> String {
    match said {
        Said::Events { seen, unreadable } => {
            let events = seen.iter().map(|seen| seen.raw.as_str());
            events.chain(unreadable.iter().map(String::as_str)).collect::<Vec<_>>().join("\n")
        }
        Said::Failed(failure) => format!("{} {} {}", failure.kind, failure.code, failure.message),
    }
}

/// The same events mean something else where the carrier's word for the whole is another.
fn meant(said: &Said) -> String {
    let Said::Events { seen, .. } = said else { return String::new() };
    let events = seen.iter().map(|seen| &seen.happening);
    events.map(|one| format!("\n{} {:?} {:?}", one.status, one.delivered_to, one.cancels)).collect()
}

fn note_of(failure: &Failure) -> LineNote {
    match failure.kind {
        FailureKind::RateLimited => LineNote::Rest(failure.retry_after.unwrap_or(PAUSE).max(PAUSE_LEAST)),
        FailureKind::CarrierDown => match failure.retry_after {
            Some(wait) => LineNote::Down(wait.max(PAUSE_LEAST)),
            None => LineNote::Failed,
        },
        FailureKind::Auth => LineNote::Failed,
        FailureKind::NotFound | FailureKind::Invalid | FailureKind::Unparsable => LineNote::Well,
    }
}

fn of_failure(account: &Account, failure: Failure) -> NumberHeard {
    let Failure { kind, code, message, retry_after, .. } = failure;
    let said = format!("{code} {message}");
    match kind {
        FailureKind::NotFound => NumberHeard::nothing(
            "not_found",
            Outcome::NotFound,
            "the carrier does not know this number, or not yet",
        ),
        FailureKind::RateLimited => {
            let after = retry_after.unwrap_or(PAUSE).max(PAUSE_LEAST);
            NumberHeard::nothing(
                "rate_limited",
                Outcome::NotNow { after },
                "the carrier asks for fewer questions",
            )
        }
        FailureKind::Auth => {
            tracing::error!(account = %account.id, code, "a carrier refuses our credentials");
            NumberHeard::nothing("refused", FAILED, said)
        }
        FailureKind::CarrierDown => {
            NumberHeard::nothing("carrier_down", Outcome::Failed { retry_after }, said)
        }
        FailureKind::Invalid | FailureKind::Unparsable => {
            tracing::warn!(account = %account.id, code, "a carrier cannot be asked so");
            NumberHeard::nothing(kind.as_str(), FAILED, said)
        }
    }
}
