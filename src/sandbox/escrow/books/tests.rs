use proptest::prelude::*;

use super::*;
use crate::domain::instant::from_micros;

fn cny(minor: i64) -> Money {
    Money::new(minor, "CNY".parse().expect("a currency"))
}

fn at(seconds: i64) -> Instant {
    from_micros(1_772_700_000_000_000 + seconds * 1_000_000)
}

fn ask(format: Format, key: &str, reference: &str, action: Action, minor: Option<i64>) -> Ask {
    let mut ask =
        Ask::new(format, key, reference, action, [u8::try_from(minor.unwrap_or(0) % 256).unwrap_or(0); 32]);
    ask.amount = minor.map(cny);
    ask
}

fn with_trade(terms: Terms) -> Books {
    let mut books = Books::new(Rules::default());
    books.create(Format::Antom, "P1", cny(1000), terms, at(0)).expect("a new trade");
    books
}

fn release(books: &mut Books, key: &str, minor: i64) -> Verdict {
    books.perform(ask(Format::Antom, key, "P1", Action::Release, Some(minor)), at(1))
}

fn left(books: &Books) -> Option<i64> {
    books.find(Format::Antom, "P1").and_then(|trade| trade.left()).map(|left| left.minor)
}

#[test]
fn a_deadline_releases_what_is_left_and_no_command_can_move_it_again() {
    let mut books = with_trade(Terms { release_deadline_at: Some(at(1)), ..Terms::default() });
    assert_eq!(books.release_due(at(0)), []);
    assert!(matches!(release(&mut books, "k1", 1), Verdict::Refused { why: Refusal::NothingLeft, .. }));
    let trade = books.find(Format::Antom, "P1").expect("the trade");
    assert_eq!((trade.released_minor, trade.released_by_itself_at), (1000, Some(at(1))));
}

#[test]
fn a_frozen_trade_is_not_released_by_any_deadline_and_can_be_refunded() {
    let mut books = with_trade(Terms { release_deadline_at: Some(at(1)), ..Terms::default() });
    books.set_frozen(Format::Antom, "P1", true, at(0)).expect("the trade");
    assert_eq!(books.release_due(at(5)), []);
    assert!(matches!(release(&mut books, "k1", 1), Verdict::Refused { why: Refusal::Frozen, .. }));
    let refund = ask(Format::Antom, "k2", "P1", Action::Refund, None);
    assert!(matches!(books.perform(refund, at(5)), Verdict::Done { .. }));
    books.set_frozen(Format::Antom, "P1", false, at(0)).expect("the trade");
    assert_eq!((books.release_due(at(5)), left(&books)), (vec![], Some(0)));
}

#[test]
fn a_frozen_trade_stays_due_and_each_is_released_once() {
    let mut books = with_trade(Terms { release_deadline_at: Some(at(1)), ..Terms::default() });
    books.set_frozen(Format::Antom, "P1", true, at(0)).expect("the trade");
    let later = Terms { release_deadline_at: Some(at(9)), ..Terms::default() };
    books.create(Format::Antom, "P2", cny(5), later, at(0)).expect("a new trade");
    assert_eq!(books.release_due(at(8)), []);
    books.set_frozen(Format::Antom, "P1", false, at(0)).expect("the trade");
    let named = |name: &str| (Format::Antom, name.to_owned());
    assert_eq!(books.release_due(at(8)), [named("P1")]);
    assert_eq!(books.release_due(at(9)), [named("P2")]);
    assert_eq!(books.release_due(at(9)), []);
}

#[test]
fn a_refusal_is_final_where_the_format_has_it_so_and_tried_again_elsewhere() {
    for (format, is_final) in [(Format::Antom, true), (Format::Webhook, false), (Format::Paypal, false)] {
        let mut books = Books::new(Rules::default());
        let early = ask(format, "k1", "P9", Action::Refund, Some(5));
        assert!(matches!(books.perform(early.clone(), at(0)), Verdict::Refused { .. }));
        books.create(format, "P9", cny(10), Terms::default(), at(0)).expect("a new trade");
        let again = books.perform(early, at(1));
        assert_eq!(matches!(again, Verdict::Refused { .. }), is_final, "{format}");
        assert_eq!((books.triggers().len(), books.triggers()[0].seen), (1, 2));
    }
}

#[test]
fn a_trade_is_known_by_its_other_name_and_made_once() {
    let mut books = with_trade(Terms { also: Some("SHOP-1".into()), ..Terms::default() });
    let by_other = ask(Format::Antom, "k1", "SHOP-1", Action::Refund, Some(400));
    assert!(matches!(books.perform(by_other, at(1)), Verdict::Done { .. }));
    assert_eq!(left(&books), Some(600));
    for name in ["P1", "SHOP-1"] {
        let again = books.create(Format::Antom, name, cny(1), Terms::default(), at(1));
        assert_eq!(again.map(|_| ()), Err(NotMade::Exists));
    }
    let nothing = books.create(Format::Antom, "P2", cny(0), Terms::default(), at(1));
    assert_eq!(nothing.map(|_| ()), Err(NotMade::NoAmount));
}

fn asks() -> impl Strategy<Value = Vec<(Ask, i64)>> {
    let formats = prop::sample::select(Format::ALL.to_vec());
    let actions = prop::sample::select(Action::ALL.to_vec());
    let amounts = prop::option::of(prop_oneof![-5_i64..1500, Just(i64::MAX), Just(i64::MIN)]);
    let one =
        (formats, actions, 0..3_u8, 0..8_u8, amounts, prop::option::of(0..3_u16), any::<bool>(), 0..40_i64);
    let one = one.prop_map(|(format, action, trade, key, minor, share, is_whole, seconds)| {
        let mut ask = ask(format, &format!("{format}:{key}"), &format!("T{trade}"), action, minor);
        (ask.share, ask.is_whole) = (share, is_whole);
        (ask, seconds)
    });
    proptest::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn whatever_is_asked_nothing_is_paid_twice(asks in asks(), open: bool, deadline in 0..40_i64) {
        let mut books = Books::new(Rules { open, release_after: Some(TimeDelta::seconds(30)) });
        for format in Format::ALL {
            let terms = Terms { release_deadline_at: Some(at(deadline)), ..Terms::default() };
            books.create(*format, "T0", cny(1000), terms, at(0)).expect("a new trade");
        }
        let mut effects: HashMap<String, (Option<Money>, Balances)> = HashMap::new();
        for (ask, seconds) in asks {
            let key = ask.key.clone();
            if let Verdict::Done { trigger, again } = books.perform(ask, at(seconds)) {
                let after = trigger.after.expect("balances of what took effect");
                let is_known = effects.contains_key(&key);
                // A refusal that is not final can be followed by an effect under the same key.
                prop_assert!(again || !is_known);
                let known = effects.entry(key).or_insert((trigger.amount, after));
                prop_assert_eq!(*known, (trigger.amount, after));
            }
            for trade in books.trades() {
                let moved = i128::from(trade.released_minor) + i128::from(trade.refunded_minor);
                let held = i128::from(trade.held.map_or(0, |held| held.minor));
                prop_assert!(trade.released_minor >= 0 && trade.refunded_minor >= 0);
                prop_assert!(moved <= held, "{trade:?}");
            }
        }
        let by_command: i128 = books.triggers().iter().filter(|trigger| trigger.took_effect)
            .filter(|trigger| matches!(trigger.action, Action::Release | Action::Refund))
            .filter_map(|trigger| trigger.moved_minor).map(i128::from).sum();
        let moved: i128 = books.trades()
            .map(|trade| i128::from(trade.released_minor - trade.released_by_itself_minor) + i128::from(trade.refunded_minor))
            .sum();
        prop_assert_eq!(by_command, moved);
    }
}
