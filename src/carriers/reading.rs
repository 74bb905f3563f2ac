//! What an answer says, number by number.

use std::time::Duration;

use super::merge::of_carriers;
use crate::domain::carrier::TrackingNumber;
use crate::domain::correction::taken_back;
use crate::domain::event::{EventStatus, Happening};
use crate::domain::text::words;
use crate::outbound::Answer;

/// All that one answer says, whoever asked. Failures can be logged: they repeat nothing of the body but
/// the carrier's own code and words for what went wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    pub packages: Vec<Package>,
    pub failures: Vec<Failure>,
}

/// One handling unit. Several under one number are several packages: each is found by its own number.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    pub number: TrackingNumber,
    /// What else this very package can be asked about by.
    pub also: Vec<TrackingNumber>,
    /// All that happened so far, in the carrier's order. Every answer repeats the earlier events.
    pub seen: Vec<Seen>,
    /// Events without a time that can be read, as they came: nowhere to put them in a timeline.
    pub unreadable: Vec<String>,
}

/// One event of a parcel.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub happening: Happening,
    /// That one event as the carrier wrote it.
    pub raw: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// None: it is about the whole question.
    pub number: Option<TrackingNumber>,
    pub kind: FailureKind,
    /// The carrier's own, or the status of its answer.
    pub code: String,
    pub message: String,
    pub retry_after: Option<Duration>,
}

words! {
    FailureKind {
        /// The carrier does not know the number, or not yet.
        NotFound = "not_found",
        /// The credentials are refused: a person must act, unless a token ran out.
        Auth = "auth",
        RateLimited = "rate_limited",
        /// The carrier will not be asked so: a malformed number, a missing telephone number.
        Invalid = "invalid",
        CarrierDown = "carrier_down",
        /// Of the carrier's format, and not to be understood. If it stays, a person must look.
        Unparsable = "unparsable",
    }
}

/// These bytes are no answer of that carrier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnAnswer(pub String);

/// What an answer says about one number that was asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Events { seen: Vec<Seen>, unreadable: Vec<String> },
    Failed(Failure),
}

impl Reading {
    pub fn failed(failure: Failure) -> Self {
        Self { packages: Vec::new(), failures: vec![failure] }
    }

    /// A number that the answer does not speak of was not found.
    pub fn about(&self, number: &TrackingNumber) -> Said {
        let mut found: Vec<&Package> =
            self.packages.iter().filter(|package| package.number == *number).collect();
        if found.is_empty() {
            found = self.packages.iter().filter(|package| package.also.contains(number)).collect();
        }
        if !found.is_empty() {
            let Package { seen, unreadable, .. } = Package::of_several(number.clone(), &found);
            return Said::Events { seen, unreadable };
        }
        let own = self.failures.iter().find(|failure| failure.number.as_ref() == Some(number));
        let failure = own.or_else(|| self.failures.iter().find(|failure| failure.number.is_none()));
        Said::Failed(failure.cloned().unwrap_or_else(|| Failure::not_found(number)))
    }
}

impl Package {
    /// What is said of a number that may mean any of several: unless all of them are delivered, none is.
    pub fn of_several(number: TrackingNumber, several: &[&Self]) -> Self {
        let unreadable = several.iter().flat_map(|package| package.unreadable.clone()).collect();
        let seen = match several {
            [package] => package.seen.clone(),
            several => {
                let names: Vec<String> = (0..several.len()).map(|at| at.to_string()).collect();
                let seen = several.iter().map(|package| package.seen.clone());
                of_carriers(names.iter().map(String::as_str).zip(seen).collect())
            }
        };
        Self { number, also: Vec::new(), seen, unreadable }
    }

    /// Where it is by these events alone, oldest first. What is delivered stays so until it comes back or
    /// that was taken back, and what came back is not delivered; an event that nobody understands changes nothing.
    pub fn status(&self) -> Status<'_> {
        let happenings: Vec<&Happening> = self.seen.iter().map(|seen| &seen.happening).collect();
        let taken = taken_back(&happenings);
        let mut standing: Vec<_> =
            happenings.into_iter().zip(taken).filter(|(_, by)| by.is_none()).map(|(one, _)| one).collect();
        standing.sort_by_key(|one| (one.occurred.at, one.status));
        let mut status = Status { status: EventStatus::Unknown, delivered: None };
        let mut turned_back = false;
        for one in standing {
            let comes_back = matches!(
                one.status,
                EventStatus::Returning | EventStatus::Returned | EventStatus::Lost | EventStatus::Destroyed
            );
            if one.status == EventStatus::Unknown || one.cancels.is_some() {
                continue;
            }
            turned_back |= matches!(one.status, EventStatus::Returning | EventStatus::Returned);
            if turned_back && one.status == EventStatus::Delivered {
                status = Status { status: EventStatus::Returned, delivered: None };
                continue;
            }
            match status.delivered {
                Some(_) if !comes_back => {}
                _ => {
                    let delivered = Some(one).filter(|one| one.status == EventStatus::Delivered);
                    status = Status { status: one.status, delivered };
                }
            }
        }
        status
    }
}

/// What a package's events come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Status<'p> {
    pub status: EventStatus,
    /// The event by which it is delivered.
    pub delivered: Option<&'p Happening>,
}

impl Failure {
    pub fn new(kind: FailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { number: None, kind, code: code.into(), message: message.into(), retry_after: None }
    }

    pub fn of(self, number: Option<TrackingNumber>) -> Self {
        Self { number, ..self }
    }

    /// As long as the answer that it came in asks for.
    pub fn with_wait(self, answer: &Answer) -> Self {
        Self { retry_after: answer.retry_after, ..self }
    }

    fn not_found(number: &TrackingNumber) -> Self {
        Self::new(FailureKind::NotFound, "", "the answer does not speak of this number")
            .of(Some(number.clone()))
    }

    /// Of the carrier's format, and not to be understood.
    pub fn unparsable(message: &str) -> Self {
        Self::new(FailureKind::Unparsable, "", message)
    }

    /// What a status alone says, where the body says nothing. None: it says nothing either.
    pub fn by_status(answer: &Answer) -> Option<Self> {
        let kind = match answer.status {
            401 | 403 => FailureKind::Auth,
            429 => FailureKind::RateLimited,
            408 | 500..=599 => FailureKind::CarrierDown,
            _ => return None,
        };
        let message = format!("answered with status {}", answer.status);
        Some(Self::new(kind, answer.status.to_string(), message).with_wait(answer))
    }
}

/// The reading of a body that is not in the carrier's format: what its status says, if it says anything.
pub fn without_body(answer: &Answer) -> Result<Reading, NotAnAnswer> {
    match Failure::by_status(answer) {
        Some(failure) => Ok(Reading::failed(failure)),
        None => {
            Err(NotAnAnswer(format!("the body is not in the carrier's format (status {})", answer.status)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{DeliveredTo, EventLocation, Occurred, OffsetSource};
    use crate::domain::instant::from_micros;

    use EventStatus as S;

    fn package(number: &str, also: &str, statuses: &[EventStatus]) -> Package {
        let seen = statuses.iter().zip(1..).map(|(status, hour)| {
            let at = from_micros(hour * 3_600_000_000);
            let happening = Happening {
                status: *status,
                delivered_to: (*status == S::Delivered).then_some(DeliveredTo::Unspecified),
                occurred: Occurred { at, local_time: at.to_rfc3339(), offset_source: OffsetSource::Carrier },
                code: status.to_string(),
                description: String::new(),
                location: EventLocation::default(),
                cancels: None,
            };
            Seen { happening, raw: String::new() }
        });
        let also = also.parse().into_iter().collect();
        Package { number: number.parse().expect("a number"), also, seen: seen.collect(), unreadable: vec![] }
    }

    #[test]
    fn what_came_back_is_not_delivered_afterwards() {
        for (statuses, expected) in [
            ([S::Delivered, S::InTransit, S::Arrived], S::Delivered),
            ([S::Returned, S::Delivered, S::Delivered], S::Returned),
            ([S::Returning, S::Delivered, S::Unknown], S::Returned),
            ([S::Returned, S::Arrived, S::Delivered], S::Returned),
            ([S::Delivered, S::Returned, S::Delivered], S::Returned),
        ] {
            assert_eq!(package("AB1234", "", &statuses).status().status, expected, "{statuses:?}");
        }
    }

    #[test]
    fn of_several_packages_that_may_be_meant_all_have_to_be_delivered() {
        let delivers = |packages: &[Package]| {
            let reading = Reading { packages: packages.to_vec(), failures: Vec::new() };
            let Said::Events { seen, .. } = reading.about(&"AB1234".parse().expect("a number")) else {
                panic!("events")
            };
            assert!(!seen.is_empty());
            seen.iter().any(|seen| seen.happening.status == S::Delivered)
        };
        let (there, on_its_way) = ([S::Arrived, S::Delivered], [S::Arrived]);
        let by_name = |statuses: &[EventStatus]| package("AB1234", "", statuses);
        let besides = |statuses: &[EventStatus]| package("CD5678", "AB1234", statuses);
        assert!(delivers(&[by_name(&there)]) && delivers(&[besides(&there)]));
        assert!(delivers(&[by_name(&there), by_name(&there)]));
        assert!(!delivers(&[by_name(&there), by_name(&on_its_way)]));
        assert!(!delivers(&[besides(&on_its_way), besides(&there)]));
        assert!(delivers(&[besides(&on_its_way), by_name(&there)]), "its own name counts");
    }
}
