//! What a code and the words beside it come to, taken together.
//!
//! The code is the carrier's verdict, the words its witness. Words that tell more of the same are believed;
//! words that fall short of the code say nothing against it; bad news stands, whoever brings it. Words that are
//! ahead of their code, and endings that only one of both knows of, are contradictions: the event is `unknown`.
//! Only a code delivers.

use super::Seen;
use super::wording::Meaning;
use crate::domain::correction::taken_back;
use crate::domain::event::{DeliveredTo, EventStatus, Happening};

use EventStatus as S;

/// How far along a status is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Before,
    UnderWay,
    AtTheDoor,
    Waiting,
    Trouble,
    Over,
}

fn phase(status: EventStatus) -> Phase {
    match status {
        S::InfoReceived | S::PickupScheduled => Phase::Before,
        S::PickedUp
        | S::Departed
        | S::Arrived
        | S::InTransit
        | S::ExportCustoms
        | S::CustomsPresented
        | S::CustomsReleased => Phase::UnderWay,
        S::OutForDelivery => Phase::AtTheDoor,
        S::AvailableForCollection => Phase::Waiting,
        S::CustomsHeld
        | S::AttemptFailed
        | S::Returning
        | S::Delayed
        | S::Exception
        | S::Damaged
        | S::Lost
        | S::Destroyed
        | S::Cancelled
        | S::Unknown => Phase::Trouble,
        S::Delivered | S::Returned => Phase::Over,
    }
}

/// `to`: whom the words name.
pub fn settle(code: EventStatus, words: Meaning, to: DeliveredTo) -> EventStatus {
    match words {
        Meaning::Nothing => code,
        Meaning::Doubted if code == S::Delivered => S::Unknown,
        Meaning::Doubted => code,
        Meaning::Says(said) => both(code, said, to),
    }
}

fn both(code: EventStatus, said: EventStatus, to: DeliveredTo) -> EventStatus {
    if code == S::Unknown {
        return S::Unknown;
    }
    match (phase(code), phase(said)) {
        (Phase::Over, _) => over(code, said, to),
        (Phase::Before, Phase::Over) => S::Unknown,
        (_, Phase::Over) => {
            if said == S::Returned {
                S::Returned
            } else {
                S::Unknown
            }
        }
        (Phase::Trouble, Phase::Trouble) => {
            if says_more(code, said) {
                said
            } else {
                code
            }
        }
        (Phase::Trouble, Phase::Waiting) if matches!(code, S::Exception | S::AttemptFailed) => said,
        (Phase::Trouble, _) => code,
        (_, Phase::Trouble) => said,
        (Phase::Before, _) => code,
        (Phase::UnderWay, Phase::UnderWay) => {
            if code == S::InTransit && is_customs(said) {
                said
            } else {
                code
            }
        }
        (code_phase, said_phase) => {
            if said_phase > code_phase {
                S::Unknown
            } else {
                code
            }
        }
    }
}

fn over(code: EventStatus, said: EventStatus, to: DeliveredTo) -> EventStatus {
    // Put into a locker is how it was handed over.
    let is_in_locker = said == S::AvailableForCollection && to == DeliveredTo::Locker;
    if code == S::Returned || said == S::Returned {
        S::Returned
    } else if said == S::Delivered || said == S::Damaged {
        said
    } else if is_in_locker {
        S::Delivered
    } else {
        S::Unknown
    }
}

fn is_customs(status: EventStatus) -> bool {
    matches!(status, S::ExportCustoms | S::CustomsPresented | S::CustomsReleased)
}

/// Words that tell what the trouble is, or that it is worse.
fn says_more(code: EventStatus, said: EventStatus) -> bool {
    let is_coarse = matches!(code, S::Exception | S::Delayed);
    let is_worse = matches!(said, S::Returning | S::Damaged | S::Lost | S::Destroyed);
    is_coarse && !matches!(said, S::Unknown | S::Delayed) || code == S::AttemptFailed && is_worse
}

/// Whom the words name; where they name nobody, whom the code does. Where they name different ones, nobody knows.
pub fn recipient(code: Option<DeliveredTo>, words: DeliveredTo) -> DeliveredTo {
    match (code.unwrap_or(DeliveredTo::Unspecified), words) {
        (DeliveredTo::Unspecified, to) | (to, DeliveredTo::Unspecified) => to,
        (code, words) if code == words => code,
        (_, _) => DeliveredTo::Unspecified,
    }
}

/// What is signed for after it turned back was signed for by its sender; after it was sent on to somewhere else,
/// nobody knows by whom.
pub fn after_turning_back(seen: &mut [Seen]) {
    let happenings: Vec<&Happening> = seen.iter().map(|seen| &seen.happening).collect();
    let taken = taken_back(&happenings);
    let mut order: Vec<usize> = (0..seen.len()).filter(|at| taken[*at].is_none()).collect();
    order.sort_by_key(|at| (seen[*at].happening.occurred.at, seen[*at].happening.status));
    let mut ended_as = None;
    for at in order {
        let happening = &mut seen[at].happening;
        match (happening.status, ended_as) {
            (S::Returning, _) => {
                let is_sent_on =
                    happening.description.contains("转寄") && !happening.description.contains('退');
                ended_as = Some(if is_sent_on { S::Unknown } else { S::Returned });
            }
            (S::Delivered, Some(ended_as)) => {
                (happening.status, happening.delivered_to) = (ended_as, None);
            }
            (_, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_tell_more_fall_short_or_contradict() {
        let unnamed = DeliveredTo::Unspecified;
        for (code, said, expected) in [
            (S::InTransit, S::CustomsReleased, S::CustomsReleased),
            (S::InTransit, S::Arrived, S::InTransit),
            (S::OutForDelivery, S::Arrived, S::OutForDelivery),
            (S::PickedUp, S::OutForDelivery, S::Unknown),
            (S::InTransit, S::AvailableForCollection, S::Unknown),
            (S::OutForDelivery, S::Delivered, S::Unknown),
            (S::OutForDelivery, S::AttemptFailed, S::AttemptFailed),
            (S::InTransit, S::Returned, S::Returned),
            (S::Exception, S::Lost, S::Lost),
            (S::Exception, S::Delivered, S::Unknown),
            (S::Exception, S::OutForDelivery, S::Exception),
            (S::AttemptFailed, S::AvailableForCollection, S::AvailableForCollection),
            (S::InfoReceived, S::PickedUp, S::InfoReceived),
            (S::InfoReceived, S::Returned, S::Unknown),
            (S::Delivered, S::OutForDelivery, S::Unknown),
            (S::Delivered, S::Returning, S::Unknown),
            (S::Delivered, S::AvailableForCollection, S::Unknown),
            (S::Delivered, S::Returned, S::Returned),
            (S::Returned, S::Delivered, S::Returned),
        ] {
            assert_eq!(settle(code, Meaning::Says(said), unnamed), expected, "{code} {said}");
        }
        let waiting = Meaning::Says(S::AvailableForCollection);
        assert_eq!(settle(S::Delivered, waiting, DeliveredTo::Locker), S::Delivered);
        assert_eq!(settle(S::Delivered, Meaning::Doubted, unnamed), S::Unknown);
        assert_eq!(settle(S::Delivered, Meaning::Nothing, unnamed), S::Delivered);
    }

    proptest! {
        #[test]
        fn words_alone_deliver_nothing(
            code in proptest::sample::select(S::ALL),
            said in proptest::sample::select(S::ALL),
            to in proptest::sample::select(DeliveredTo::ALL),
        ) {
            let settled = settle(code, Meaning::Says(said), to);
            prop_assert!(settled != S::Delivered || code == S::Delivered);
        }
    }
}
