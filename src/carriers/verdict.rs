//! What a code and the words beside it come to, taken together.
//!
//! The code is the carrier's verdict, the words its detail and a second witness. Bad news is believed from
//! either; detail where it points the same way as the code. Only a code delivers, and only where nothing speaks
//! against it. An ending that only one of both knows of is a contradiction: the event is `unknown`; but what
//! one of them says came back is no delivery, nor is it on its way to one.

use super::codes::Row;
use super::wording::{Bearing, Meaning, bearing};
use super::{Seen, tongues};
use crate::domain::correction::taken_back;
use crate::domain::event::{DeliveredTo, EventStatus, Happening};

use EventStatus as S;

/// `code`: what the carrier's code means by its table.
pub fn agreed(code: EventStatus, words: Meaning) -> EventStatus {
    let told = match words {
        Meaning::Nothing => return code,
        Meaning::Doubted if code == S::Delivered => return S::Unknown,
        Meaning::Doubted => return code,
        Meaning::Says(told) => told,
    };
    match bearing(code) {
        _ if code == S::Unknown || told == code => code,
        Bearing::Before => before(code, told),
        Bearing::Onward => onward(code, told),
        Bearing::Adverse => adverse(code, told),
        // At its sender's: words often say no more than "delivered", or how it came there.
        Bearing::Over if code == S::Returned => code,
        Bearing::Over if matches!(told, S::Returned | S::Damaged) => told,
        Bearing::Over => S::Unknown,
    }
}

/// As [`agreed`], of a code that is an operation and so as fine as its words: where both are on the way there is
/// no detail in the words but of customs, and words that are ahead of the code contradict it.
pub fn agreed_on_operation(code: EventStatus, words: Meaning, to: DeliveredTo) -> EventStatus {
    let Meaning::Says(told) = words else { return agreed(code, words) };
    // Put into a locker is how it was handed over.
    let is_in_locker = told == S::AvailableForCollection && to == DeliveredTo::Locker;
    match bearing(code) {
        Bearing::Over if code == S::Delivered && is_in_locker => code,
        Bearing::Onward if bearing(told) != Bearing::Onward => agreed(code, words),
        Bearing::Onward if nearness(told) > nearness(code) => S::Unknown,
        Bearing::Onward if code == S::InTransit && is_customs(told) => told,
        Bearing::Onward => code,
        Bearing::Before | Bearing::Adverse | Bearing::Over => agreed(code, words),
    }
}

/// As [`agreed`], of couriers who file under exceptions what becomes of a parcel at customs.
pub fn agreed_on_exception(code: EventStatus, words: Meaning) -> EventStatus {
    match words {
        Meaning::Says(told) if matches!(code, S::Exception | S::Delayed) && is_customs(told) => told,
        words => agreed(code, words),
    }
}

fn is_customs(status: EventStatus) -> bool {
    matches!(status, S::ExportCustoms | S::CustomsPresented | S::CustomsReleased)
}

/// To the consignee, of what is on the way there.
fn nearness(status: EventStatus) -> u8 {
    let is_at_the_door = status == S::OutForDelivery;
    let is_waiting = status == S::AvailableForCollection;
    u8::from(is_at_the_door) + 2 * u8::from(is_waiting)
}

fn before(code: EventStatus, told: EventStatus) -> EventStatus {
    match bearing(told) {
        Bearing::Before | Bearing::Adverse => told,
        Bearing::Onward => code,
        Bearing::Over => S::Unknown,
    }
}

/// No further than both say.
fn onward(code: EventStatus, told: EventStatus) -> EventStatus {
    match bearing(told) {
        Bearing::Before | Bearing::Adverse => told,
        // The most that a general code can mean.
        Bearing::Onward if code == S::InTransit => told,
        Bearing::Onward => code,
        Bearing::Over if told == S::Returned => told,
        Bearing::Over => S::Unknown,
    }
}

fn adverse(code: EventStatus, told: EventStatus) -> EventStatus {
    let is_general = matches!(code, S::Exception | S::Delayed);
    let may_get_worse = matches!(code, S::AttemptFailed | S::CustomsHeld);
    let is_worse = matches!(told, S::Returning | S::Lost | S::Damaged | S::Destroyed);
    let may_not_be_back = matches!(code, S::Returning | S::Lost | S::Damaged | S::Destroyed);
    let may_wait = matches!(code, S::Exception | S::AttemptFailed) && told == S::AvailableForCollection;
    match bearing(told) {
        // What turns back is said to be returned long before it is; what is lost stays so.
        Bearing::Over if told == S::Returned && may_not_be_back => code,
        Bearing::Over if told == S::Returned => told,
        Bearing::Over => S::Unknown,
        Bearing::Adverse if is_general || may_get_worse && is_worse => told,
        Bearing::Onward if may_wait => told,
        Bearing::Adverse | Bearing::Onward | Bearing::Before => code,
    }
}

/// `row`: what the adapter's table says of the code; an unknown code stays unknown, whatever the words.
/// `told`: whom the words name.
pub fn agreed_by_row(
    row: Option<&Row>,
    words: Meaning,
    told: DeliveredTo,
) -> (EventStatus, Option<DeliveredTo>) {
    let Some(row) = row else { return (S::Unknown, None) };
    let status = agreed(row.status, words);
    (status, (status == S::Delivered).then(|| to_whom(row.delivered_to, told)))
}

/// As [`agreed_by_row`], of an aggregator, which passes on texts of carriers of all countries. Its code is read from them
/// by those who know the language, so a text that nobody here can read takes no delivery back: else no parcel that
/// is delivered in Poland would ever be. But to whom is then only said by a code that the text may qualify: nobody
/// is named, and those who want to know before they pay wait.
pub fn agreed_of_many(row: Option<&Row>, texts: &[&str]) -> (EventStatus, Option<DeliveredTo>) {
    let (words, told) = (tongues::meaning(texts), tongues::recipient(texts));
    let is_read = words != Meaning::Nothing || told != DeliveredTo::Unspecified;
    match agreed_by_row(row, words, told) {
        (S::Delivered, Some(_)) if !is_read && texts.iter().any(|text| !text.trim().is_empty()) => {
            (S::Delivered, Some(DeliveredTo::Unspecified))
        }
        agreed => agreed,
    }
}

/// Where the text is the one that belongs to the code there is nothing to weigh.
pub fn beyond(row: Option<&Row>, text: &str, words: Meaning) -> Meaning {
    if row.is_some_and(|row| is_same(text, &row.meaning)) { Meaning::Nothing } else { words }
}

/// In the same words, whatever stands between them.
pub fn is_same(text: &str, meaning: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    letters(text) == letters(meaning)
}

/// What words alone can say, where there is no code: anything but that money may move.
pub fn without_code(words: Meaning) -> EventStatus {
    match words {
        Meaning::Says(S::Delivered) | Meaning::Doubted | Meaning::Nothing => S::Unknown,
        Meaning::Says(status) => status,
    }
}

/// Whom one of both names; where they name different ones, nobody knows.
pub fn to_whom(code: Option<DeliveredTo>, told: DeliveredTo) -> DeliveredTo {
    match (code.unwrap_or(DeliveredTo::Unspecified), told) {
        (DeliveredTo::Unspecified, to) | (to, DeliveredTo::Unspecified) => to,
        (code, told) if code == told => code,
        // Left there first, then fetched.
        (DeliveredTo::Locker, DeliveredTo::Collected) => told,
        (_, _) => DeliveredTo::Unspecified,
    }
}

/// What is handed over after it turned back, or came back, is handed to its sender, however the carrier words
/// that; after it was sent on to somewhere else, nobody knows to whom.
pub fn mark_what_came_back(seen: &mut [Seen]) {
    let happenings: Vec<&Happening> = seen.iter().map(|seen| &seen.happening).collect();
    let taken = taken_back(&happenings);
    let mut order: Vec<usize> = (0..seen.len()).filter(|at| taken[*at].is_none()).collect();
    // At the same instant it turned back first.
    let is_way_back = |status| matches!(status, S::Returning | S::Returned);
    order.sort_by_key(|at| (seen[*at].happening.occurred.at, !is_way_back(seen[*at].happening.status)));
    let mut ended_as = None;
    for at in order {
        let happening = &mut seen[at].happening;
        match (happening.status, ended_as) {
            (S::Returning | S::Returned, _) if happening.cancels.is_none() => {
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
    use crate::domain::event::{EventLocation, Occurred, OffsetSource};
    use crate::domain::instant::from_micros;

    #[test]
    fn a_delivery_stands_only_where_nothing_speaks_against_it() {
        let with = |words| agreed(S::Delivered, words);
        assert_eq!(with(Meaning::Nothing), S::Delivered);
        assert_eq!(with(Meaning::Doubted), S::Unknown);
        for told in EventStatus::ALL {
            let stands = matches!(told, S::Delivered | S::Returned | S::Damaged);
            let expected = if stands { *told } else { S::Unknown };
            assert_eq!(with(Meaning::Says(*told)), expected, "{told}");
        }
    }

    #[test]
    fn detail_counts_where_it_fits_the_code_and_bad_news_wherever_it_stands() {
        for (code, told, expected) in [
            (S::InfoReceived, S::PickupScheduled, S::PickupScheduled),
            (S::InfoReceived, S::PickedUp, S::InfoReceived),
            (S::InfoReceived, S::Cancelled, S::Cancelled),
            (S::InfoReceived, S::Returned, S::Unknown),
            (S::InTransit, S::Departed, S::Departed),
            (S::InTransit, S::OutForDelivery, S::OutForDelivery),
            (S::InTransit, S::InfoReceived, S::InfoReceived),
            (S::InTransit, S::Returned, S::Returned),
            (S::PickedUp, S::Arrived, S::PickedUp),
            (S::OutForDelivery, S::Arrived, S::OutForDelivery),
            (S::OutForDelivery, S::AttemptFailed, S::AttemptFailed),
            (S::OutForDelivery, S::Delivered, S::Unknown),
            (S::Exception, S::CustomsReleased, S::Exception),
            (S::Exception, S::AvailableForCollection, S::AvailableForCollection),
            (S::Exception, S::OutForDelivery, S::Exception),
            (S::Exception, S::Lost, S::Lost),
            (S::Exception, S::Delivered, S::Unknown),
            (S::AttemptFailed, S::AvailableForCollection, S::AvailableForCollection),
            (S::AttemptFailed, S::Delayed, S::AttemptFailed),
            (S::AttemptFailed, S::Returning, S::Returning),
            (S::CustomsHeld, S::Delayed, S::CustomsHeld),
            (S::CustomsHeld, S::Cancelled, S::CustomsHeld),
            (S::CustomsHeld, S::Destroyed, S::Destroyed),
            (S::CustomsHeld, S::CustomsReleased, S::CustomsHeld),
            (S::Returning, S::Returned, S::Returning),
            (S::Lost, S::Delayed, S::Lost),
            (S::Lost, S::Returned, S::Lost),
            (S::Cancelled, S::Returned, S::Returned),
            (S::Returned, S::Delivered, S::Returned),
            (S::Returned, S::OutForDelivery, S::Returned),
            (S::Unknown, S::Arrived, S::Unknown),
        ] {
            assert_eq!(agreed(code, Meaning::Says(told)), expected, "{code} {told}");
        }
    }

    #[test]
    fn words_ahead_of_an_operation_contradict_it() {
        let (somebody, waits) = (DeliveredTo::Unspecified, S::AvailableForCollection);
        for (code, told, expected) in [
            (S::InTransit, S::CustomsReleased, S::CustomsReleased),
            (S::InTransit, S::Arrived, S::InTransit),
            (S::OutForDelivery, S::Arrived, S::OutForDelivery),
            (S::PickedUp, S::OutForDelivery, S::Unknown),
            (S::InTransit, waits, S::Unknown),
            (S::OutForDelivery, waits, S::Unknown),
            (S::OutForDelivery, S::AttemptFailed, S::AttemptFailed),
            (S::Delivered, waits, S::Unknown),
        ] {
            assert_eq!(agreed_on_operation(code, Meaning::Says(told), somebody), expected, "{code} {told}");
        }
        let into_a_locker = agreed_on_operation(S::Delivered, Meaning::Says(waits), DeliveredTo::Locker);
        assert_eq!(into_a_locker, S::Delivered);
    }

    #[test]
    fn the_text_that_belongs_to_the_code_needs_no_reading() {
        let meaning = "Delivered late - no answer".into();
        let row = Row { status: S::AttemptFailed, delivered_to: None, cancels: None, meaning };
        let words = |text| beyond(Some(&row), text, Meaning::Says(S::Delivered));
        assert_eq!(words("DELIVERED LATE (no answer)"), Meaning::Nothing);
        assert_eq!(words("Delivered late"), Meaning::Says(S::Delivered));
    }

    #[test]
    fn who_took_it_is_said_by_both_or_by_one() {
        use DeliveredTo as To;
        for (code, told, expected) in [
            (To::Unspecified, To::Locker, To::Locker),
            (To::Neighbour, To::Unspecified, To::Neighbour),
            (To::Neighbour, To::Neighbour, To::Neighbour),
            (To::Addressee, To::Neighbour, To::Unspecified),
        ] {
            assert_eq!(to_whom(Some(code), told), expected);
        }
        assert_eq!(to_whom(None, To::Locker), To::Locker);
    }

    fn seen(hour: i64, status: EventStatus, description: &str) -> Seen {
        let at = from_micros(hour * 3_600_000_000);
        let delivered_to = (status == S::Delivered).then_some(DeliveredTo::Locker);
        let happening = Happening {
            status,
            delivered_to,
            occurred: Occurred { at, local_time: at.to_rfc3339(), offset_source: OffsetSource::Carrier },
            code: format!("{hour} {status}"),
            description: description.to_owned(),
            location: EventLocation::default(),
            cancels: None,
        };
        Seen { happening, raw: String::new() }
    }

    fn marked(mut all: Vec<Seen>) -> Vec<EventStatus> {
        mark_what_came_back(&mut all);
        assert!(
            all.iter()
                .all(|one| one.happening.delivered_to.is_none() || one.happening.status == S::Delivered)
        );
        all.into_iter().map(|one| one.happening.status).collect()
    }

    #[test]
    fn what_is_handed_over_after_it_turned_back_came_back() {
        let turned = |hour| seen(hour, S::Returning, "退回");
        let delivered = |hour| seen(hour, S::Delivered, "");
        let before_and_after = vec![delivered(3), turned(2), delivered(1)];
        assert_eq!(marked(before_and_after), [S::Returned, S::Returning, S::Delivered]);
        assert_eq!(marked(vec![delivered(2), turned(2)]), [S::Returned, S::Returning]);
        let came_back = seen(2, S::Returned, "Returned to shipper");
        assert_eq!(marked(vec![came_back.clone(), delivered(3)]), [S::Returned, S::Returned]);
        assert_eq!(marked(vec![delivered(2), came_back]), [S::Returned, S::Returned]);
        let sent_on = seen(2, S::Returning, "转寄");
        assert_eq!(marked(vec![turned(1), sent_on, delivered(3)])[2], S::Unknown);
        let mut taken_back = seen(2, S::InTransit, "");
        taken_back.happening.cancels = Some(turned(1).happening.code);
        assert_eq!(marked(vec![turned(1), taken_back, delivered(3)])[2], S::Delivered);
    }

    fn words() -> impl Strategy<Value = Meaning> {
        let says = proptest::sample::select(S::ALL).prop_map(Meaning::Says);
        prop_oneof![Just(Meaning::Nothing), Just(Meaning::Doubted), says]
    }

    proptest! {
        #[test]
        fn words_alone_deliver_nothing(
            code in proptest::sample::select(S::ALL),
            words in words(),
            to in proptest::sample::select(DeliveredTo::ALL),
        ) {
            prop_assert!(agreed(code, words) != S::Delivered || code == S::Delivered);
            prop_assert!(agreed_on_operation(code, words, to) != S::Delivered || code == S::Delivered);
            prop_assert!(agreed_on_exception(code, words) != S::Delivered || code == S::Delivered);
            prop_assert_ne!(without_code(words), S::Delivered);
            prop_assert_eq!(agreed_by_row(None, words, DeliveredTo::Addressee), (S::Unknown, None));
        }
    }
}
