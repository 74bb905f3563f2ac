//! A code and the words beside it, taken together.
//!
//! The code is the carrier's verdict, the words its detail and a second witness. Bad news is believed from
//! either; good news only where nothing speaks against it. Where the two contradict each other, nobody knows.

use super::reading::Seen;
use super::wording::{Bearing, Meaning, bearing};
use crate::domain::event::{EventStatus, Happening};

use EventStatus as S;

/// `code`: what the carrier's code means by its table.
pub fn agreed(code: EventStatus, words: Meaning) -> EventStatus {
    let told = match words {
        Meaning::Nothing => return code,
        Meaning::Doubted if code == S::Delivered => return S::Unknown,
        Meaning::Doubted => return code,
        Meaning::Says(told) => told,
    };
    if code == S::Unknown || told == code {
        return code;
    }
    match bearing(code) {
        Bearing::Over => over(code, told),
        Bearing::Before => before(code, told),
        Bearing::Onward => onward(code, told),
        Bearing::Adverse => adverse(code, told),
    }
}

fn over(code: EventStatus, told: EventStatus) -> EventStatus {
    let came_back = matches!(told, S::Delivered | S::Returning | S::Damaged);
    if code == S::Returned && came_back {
        return S::Returned;
    }
    if matches!(told, S::Returned | S::Damaged) { told } else { S::Unknown }
}

fn before(code: EventStatus, told: EventStatus) -> EventStatus {
    match bearing(told) {
        Bearing::Before | Bearing::Adverse => told,
        Bearing::Onward => code,
        Bearing::Over => S::Unknown,
    }
}

fn onward(code: EventStatus, told: EventStatus) -> EventStatus {
    match bearing(told) {
        Bearing::Adverse => told,
        Bearing::Before => code,
        // The most that a general code can mean.
        Bearing::Onward if code == S::InTransit => told,
        Bearing::Onward => code,
        Bearing::Over if told == S::Returned => told,
        Bearing::Over => S::Unknown,
    }
}

fn adverse(code: EventStatus, told: EventStatus) -> EventStatus {
    let is_general = matches!(code, S::Exception | S::Delayed);
    let may_follow_trouble = matches!(
        told,
        S::AvailableForCollection | S::CustomsPresented | S::CustomsReleased | S::ExportCustoms
    );
    match bearing(told) {
        Bearing::Over if told == S::Returned => told,
        Bearing::Over => S::Unknown,
        Bearing::Adverse if is_general => told,
        Bearing::Onward if is_general && may_follow_trouble => told,
        Bearing::Adverse | Bearing::Onward | Bearing::Before => code,
    }
}

/// What is handed over after it turned back is handed to its sender, however the carrier words that.
pub fn mark_what_came_back(seen: &mut [Seen]) {
    let turned = |one: &Happening| one.status == S::Returning && one.cancels.is_none();
    let turned = seen.iter().map(|seen| &seen.happening).filter(|one| turned(one));
    let Some(turned_at) = turned.map(|one| one.occurred.at).min() else { return };
    for happening in seen.iter_mut().map(|seen| &mut seen.happening) {
        if happening.status == S::Delivered && happening.occurred.at >= turned_at {
            happening.status = S::Returned;
            happening.delivered_to = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_stands_only_where_nothing_speaks_against_it() {
        let with = |words| agreed(S::Delivered, words);
        assert_eq!(with(Meaning::Nothing), S::Delivered);
        assert_eq!(with(Meaning::Says(S::Delivered)), S::Delivered);
        assert_eq!(with(Meaning::Doubted), S::Unknown);
        for told in EventStatus::ALL {
            let stands = matches!(told, S::Delivered | S::Returned | S::Damaged);
            let expected = if stands { *told } else { S::Unknown };
            assert_eq!(with(Meaning::Says(*told)), expected, "{told}");
        }
    }

    #[test]
    fn words_alone_deliver_nothing() {
        for code in EventStatus::ALL.iter().filter(|code| **code != S::Delivered) {
            for words in [Meaning::Doubted, Meaning::Nothing]
                .into_iter()
                .chain(EventStatus::ALL.iter().map(|told| Meaning::Says(*told)))
            {
                assert_ne!(agreed(*code, words), S::Delivered, "{code} {words:?}");
            }
        }
    }

    #[test]
    fn detail_is_believed_where_it_agrees() {
        for (code, told, expected) in [
            (S::InTransit, S::Departed, S::Departed),
            (S::InTransit, S::InfoReceived, S::InTransit),
            (S::PickedUp, S::Arrived, S::PickedUp),
            (S::OutForDelivery, S::AttemptFailed, S::AttemptFailed),
            (S::InTransit, S::Returned, S::Returned),
            (S::Exception, S::CustomsReleased, S::CustomsReleased),
            (S::Exception, S::AvailableForCollection, S::AvailableForCollection),
            (S::Exception, S::OutForDelivery, S::Exception),
            (S::Exception, S::Lost, S::Lost),
            (S::Exception, S::Delivered, S::Unknown),
            (S::CustomsHeld, S::Delayed, S::CustomsHeld),
            (S::Returned, S::Delivered, S::Returned),
            (S::Returned, S::OutForDelivery, S::Unknown),
            (S::InfoReceived, S::PickedUp, S::InfoReceived),
            (S::InfoReceived, S::Cancelled, S::Cancelled),
            (S::Unknown, S::Arrived, S::Unknown),
        ] {
            assert_eq!(agreed(code, Meaning::Says(told)), expected, "{code} {told}");
        }
    }
}
