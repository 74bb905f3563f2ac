//! What went wrong, as carriers behind a pass say it: a code and words of their own, or a refusal by whoever
//! stands before them.

use super::json::Object;
use super::oauth::refusal;
use super::reading::{Failure, FailureKind, Reading};
use crate::outbound::Answer;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    pub code: String,
    pub message: String,
}

impl Problem {
    pub fn of(fields: &Object<'_>) -> Self {
        Self { code: fields.text("code"), message: fields.text("message") }
    }

    pub fn says_nothing(&self) -> bool {
        self.code.is_empty() && self.message.is_empty()
    }

    /// `known`: what the carrier's code and words mean, where they mean anything.
    pub fn failure(&self, known: Option<FailureKind>, answer: &Answer) -> Failure {
        let by_status = || Failure::by_status(answer).map(|failure| failure.kind);
        let otherwise = if answer.status / 100 == 4 { FailureKind::Invalid } else { FailureKind::Unparsable };
        let kind = known.or_else(by_status).unwrap_or(otherwise);
        Failure::new(kind, &self.code, &self.message).with_wait(answer)
    }
}

/// The reading of an answer that is nothing but errors, if it is one.
pub fn errors_alone(
    problems: &[Problem],
    failure: impl Fn(&Problem, &Answer) -> Failure,
    body: &Object<'_>,
    answer: &Answer,
) -> Option<Reading> {
    if problems.is_empty() {
        return refusal(body, answer).map(|refusal| Reading::failed(refusal.with_wait(answer)));
    }
    let failures = problems.iter().map(|problem| failure(problem, answer)).collect();
    Some(Reading { packages: Vec::new(), failures })
}
