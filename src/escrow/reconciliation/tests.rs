use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::report::{COLUMNS, Totals, csv};
use super::*;
use crate::domain::money::Currency;
use crate::escrow::provider::TradeState;
use crate::escrow::rules::is_settled;

fn wall() -> Instant {
    "2026-11-22T03:00:00Z".parse().expect("an instant")
}

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

fn hold(number: u128) -> Hold {
    Hold {
        shipment: ShipmentId::from_uuid(Uuid::from_u128(number)),
        order: OrderId::from_uuid(Uuid::from_u128(number)),
        provider: "webhook".to_owned(),
        payment_reference: format!("T-{number}"),
        state: OrderState::Shipped,
        held: Money::new(10_000, currency("CNY")),
        waits_for_us: true,
        is_waiting: false,
        released_minor: 0,
        refunded_minor: 0,
        freezing: Freezing::Told(false),
        release_deadline_at: None,
        keeps_keys: None,
        triggers: Vec::new(),
    }
}

fn sent(number: u128, action: TriggerAction, stands: Stands) -> Sent {
    let id = TriggerId::from_uuid(Uuid::from_u128(number));
    Sent { id, action, parcel: None, amount_minor: 10_000, stands, first_sent_at: Some(wall()), claims: 1 }
}

/// What a provider says that sees everything as we do.
fn agreeing(hold: &Hold) -> Account {
    let state = match hold.state {
        OrderState::Confirmed => TradeState::Released,
        OrderState::Refunded => TradeState::Refunded,
        OrderState::Held
        | OrderState::Shipped
        | OrderState::Delivered
        | OrderState::ConfirmRequested
        | OrderState::Frozen
        | OrderState::RefundRequested
        | OrderState::Failed => TradeState::Open,
    };
    let trade = Trade {
        state,
        held: Some(hold.held),
        released_minor: Some(hold.released_minor),
        refunded_minor: Some(hold.refunded_minor),
        release_deadline_at: hold.release_deadline_at,
        frozen: Some(hold.freezing == Freezing::Told(true)),
    };
    let word = |sent: &Sent| match sent.stands {
        Stands::Acknowledged => Some((sent.id, Found::TookEffect)),
        Stands::Unseen | Stands::MaybeSeen | Stands::Refused => Some((sent.id, Found::NotThere)),
        Stands::GivenUp => None,
    };
    let commands = hold.triggers.iter().filter_map(word).collect();
    Account { order: hold.order, trade: Ok(trade), commands }
}

fn said(account: &mut Account) -> &mut Trade {
    account.trade.as_mut().expect("a trade")
}

fn kinds(hold: &Hold, account: &Account) -> Vec<DifferenceKind> {
    let found = compare(std::slice::from_ref(hold), std::slice::from_ref(account), wall());
    found.iter().map(|difference| difference.kind).collect()
}

fn only(hold: &Hold, account: &Account) -> Difference {
    let mut found = compare(std::slice::from_ref(hold), std::slice::from_ref(account), wall());
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// Of a trade that is damaged so.
fn damaged(state: OrderState, damage: impl FnOnce(&mut Trade)) -> Difference {
    let hold = Hold { state, ..hold(1) };
    let mut account = agreeing(&hold);
    damage(said(&mut account));
    only(&hold, &account)
}

#[test]
fn each_way_of_differing_has_its_name() {
    use DifferenceKind as K;
    use OrderState as S;
    let cases: [(K, Difference); 12] = [
        (K::ReleasedThere, damaged(S::Shipped, |trade| trade.state = TradeState::Released)),
        (K::ReleasedThere, damaged(S::Delivered, |trade| trade.released_minor = Some(1))),
        (K::RefundedThere, damaged(S::Shipped, |trade| trade.state = TradeState::Refunded)),
        (K::RefundedThere, damaged(S::Shipped, |trade| trade.refunded_minor = Some(1))),
        (K::ClosedThere, damaged(S::Held, |trade| trade.state = TradeState::Closed)),
        (K::UnknownThere, damaged(S::Held, |trade| trade.state = TradeState::Absent)),
        (K::AmountDiffers, damaged(S::Held, |trade| trade.held = Some(Money::new(9_999, currency("CNY"))))),
        (
            K::CurrencyDiffers,
            damaged(S::Held, |trade| trade.held = Some(Money::new(10_000, currency("USD")))),
        ),
        (K::FrozenThere, damaged(S::Shipped, |trade| trade.frozen = Some(true))),
        (K::DeadlineNearer, damaged(S::Held, |trade| trade.release_deadline_at = Some(wall()))),
        (K::RefundedThere, damaged_after(S::Confirmed, TradeState::Refunded)),
        (K::ReleasedThere, damaged_after(S::Refunded, TradeState::Released)),
    ];
    for (kind, difference) in cases {
        assert_eq!(difference.kind, kind, "{difference:#?}");
        assert_eq!(difference.done, Done::Reported);
        assert!(difference.ours != difference.theirs && difference.order.is_some(), "{difference:#?}");
    }
}

/// Of an order that is settled with us, and the other way there.
fn damaged_after(state: OrderState, theirs: TradeState) -> Difference {
    let mut hold = Hold { state, ..hold(1) };
    match state {
        OrderState::Confirmed => hold.released_minor = hold.held.minor,
        _ => hold.refunded_minor = hold.held.minor,
    }
    let mut account = agreeing(&hold);
    said(&mut account).state = theirs;
    only(&hold, &account)
}

#[test]
fn only_what_is_not_settled_here_is_proven_to_have_moved() {
    use OrderState as S;
    for state in S::ALL.iter().filter(|state| !is_settled(**state)) {
        let difference = damaged(*state, |trade| trade.state = TradeState::Released);
        assert_eq!(difference.proof, Some(Proof::Moved), "{state}");
    }
    assert_eq!(damaged_after(S::Confirmed, TradeState::Refunded).proof, None);
    assert_eq!(damaged_after(S::Refunded, TradeState::Released).proof, None);
    assert_eq!(
        damaged(S::Shipped, |trade| trade.released_minor = Some(1)).proof,
        None,
        "a part proves nothing"
    );
    assert_eq!(damaged(S::Held, |trade| trade.state = TradeState::Closed).proof, None);
}

#[test]
fn a_provider_that_waits_for_nobody_pays_before_the_goods_are_there() {
    let kinds_while = |state, is_waiting| {
        let hold = Hold { state, waits_for_us: false, is_waiting, ..hold(1) };
        let mut account = agreeing(&hold);
        said(&mut account).state = TradeState::Released;
        let found = compare(std::slice::from_ref(&hold), std::slice::from_ref(&account), wall());
        found.first().map(|difference| difference.proof)
    };
    let kinds_in = |state| kinds_while(state, false);
    assert_eq!(kinds_in(OrderState::Held), None);
    assert_eq!(kinds_in(OrderState::Shipped), None);
    assert_eq!(kinds_in(OrderState::Delivered), Some(Some(Proof::Moved)));
    assert_eq!(kinds_while(OrderState::Delivered, true), None, "the buyer can object yet");
    assert_eq!(kinds_in(OrderState::Frozen), Some(None), "nobody says that it may go");
}

#[test]
fn a_trigger_beside_the_providers_word_of_it() {
    use DifferenceKind as K;
    use TriggerAction::{ConfirmReceipt, Shipped};
    let reason = || "no".to_owned();
    let no_word = || Some(Found::NoWord { reason: reason(), after: None });
    let refused = || Some(Found::Refused { reason: reason() });
    let cases = [
        (Stands::Acknowledged, Some(Found::NotThere), Some(K::AcknowledgedHere)),
        (Stands::Acknowledged, refused(), Some(K::AcknowledgedHere)),
        (Stands::Acknowledged, no_word(), None),
        (Stands::Acknowledged, None, None),
        (Stands::MaybeSeen, Some(Found::TookEffect), Some(K::TookEffectThere)),
        (Stands::MaybeSeen, Some(Found::NotThere), None),
        (Stands::MaybeSeen, no_word(), None),
        (Stands::Refused, Some(Found::TookEffect), Some(K::TookEffectThere)),
        (Stands::GivenUp, Some(Found::TookEffect), Some(K::TookEffectThere)),
        (Stands::GivenUp, Some(Found::NotThere), Some(K::NoEffectThere)),
        (Stands::GivenUp, refused(), Some(K::NoEffectThere)),
        (Stands::GivenUp, no_word(), Some(K::InDoubt)),
        (Stands::GivenUp, None, Some(K::InDoubt)),
        (Stands::GivenUp, Some(Found::UnderWay), None),
    ];
    for (stands, word, kind) in cases {
        let hold = Hold { triggers: vec![sent(7, Shipped, stands)], ..hold(1) };
        let mut account = agreeing(&hold);
        account.commands = word.clone().map(|word| (hold.triggers[0].id, word)).into_iter().collect();
        assert_eq!(kinds(&hold, &account), Vec::from_iter(kind), "{stands:?} {word:?}");
    }
    // What a trigger's own answer proves is not said of its trade once more.
    let hold = Hold {
        state: OrderState::ConfirmRequested,
        triggers: vec![sent(7, ConfirmReceipt, Stands::MaybeSeen)],
        ..hold(1)
    };
    let mut account = agreeing(&hold);
    account.commands = [(hold.triggers[0].id, Found::TookEffect)].into();
    said(&mut account).state = TradeState::Released;
    said(&mut account).released_minor = Some(10_000);
    assert_eq!(only(&hold, &account).proof, Some(Proof::TookEffect(hold.triggers[0].id)));
}

#[test]
fn a_doubt_that_outlives_the_providers_memory_is_a_persons() {
    let day = Duration::from_secs(24 * 3600);
    let aged = |days: i64, keeps_keys| {
        let first_sent_at = Some(wall() - TimeDelta::days(days));
        let sent = Sent { first_sent_at, ..sent(7, TriggerAction::Refund, Stands::MaybeSeen) };
        let hold = Hold { triggers: vec![sent], keeps_keys, ..hold(1) };
        let mut account = agreeing(&hold);
        account.commands.clear();
        kinds(&hold, &account)
    };
    assert_eq!(aged(0, Some(45 * day)), []);
    assert_eq!(aged(1, Some(45 * day)), [DifferenceKind::InDoubt]);
    assert_eq!(aged(45, Some(45 * day)), [DifferenceKind::KeyForgotten]);
    assert_eq!(aged(45, None), [DifferenceKind::InDoubt]);
}

#[test]
fn what_is_not_said_differs_from_nothing_and_silence_is_said() {
    let hold = hold(1);
    let quiet = Trade {
        state: TradeState::Open,
        held: None,
        released_minor: None,
        refunded_minor: None,
        release_deadline_at: None,
        frozen: None,
    };
    let mut account = agreeing(&hold);
    account.trade = Ok(quiet);
    let known = Hold { release_deadline_at: Some(wall()), released_minor: 10, ..hold.clone() };
    assert_eq!((kinds(&hold, &account), kinds(&known, &account)), (vec![], vec![]));
    account.trade = Err(Silence { reason: "answered 500".to_owned(), is_down: true });
    let difference = only(&hold, &account);
    assert_eq!((difference.kind, difference.theirs.as_str()), (DifferenceKind::NoWord, "answered 500"));
    let unasked = compare(std::slice::from_ref(&hold), &[], wall());
    assert_eq!(unasked[0].kind, DifferenceKind::NoWord);
}

#[test]
fn a_freeze_on_its_way_is_no_difference() {
    let hold = Hold { state: OrderState::Frozen, freezing: Freezing::OnItsWay, ..hold(1) };
    let mut account = agreeing(&hold);
    for frozen in [None, Some(false), Some(true)] {
        said(&mut account).frozen = frozen;
        assert_eq!(kinds(&hold, &account), []);
    }
    let told = Hold { freezing: Freezing::Told(true), ..hold };
    said(&mut account).frozen = Some(false);
    assert_eq!(kinds(&told, &account), [DifferenceKind::FrozenHere]);
}

#[test]
fn a_cell_is_never_a_formula_and_always_one_cell() {
    for evil in ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
        let difference = Difference {
            payment_reference: Some(evil.to_owned()),
            because: Some("two\nlines, \"quoted\"".to_owned()),
            ..Difference::of_provider(DifferenceKind::NoWord, "webhook", String::new(), String::new())
        };
        let text = csv(std::slice::from_ref(&difference), true);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().expect("names"), COLUMNS.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
        assert_eq!(
            (rows.len(), &rows[0][5], &rows[0][12]),
            (1, &*format!("'{evil}"), "two\nlines, \"quoted\"")
        );
    }
    assert_eq!(csv(&[], false), "");
}

#[test]
fn figures_add_up_by_what_they_mean() {
    let of = |kind| Difference::of_provider(kind, "webhook", String::new(), String::new());
    let mut totals = Totals { orders: 2, ..Totals::default() };
    totals.count(&[of(DifferenceKind::NoWord), of(DifferenceKind::ReleasedThere)]);
    let mut both = totals.clone();
    both.add(&totals);
    assert_eq!((both.orders, both.differing(), both.unasked()), (4, 2, 2));
    assert_eq!((both.of_severity(Severity::Critical), both.of_severity(Severity::Notice)), (2, 0));
    let written = serde_json::to_string(&both).expect("JSON");
    assert_eq!(serde_json::from_str::<Totals>(&written).expect("figures"), both);
}

fn any_hold() -> impl Strategy<Value = Hold> {
    let stands =
        prop::sample::select(vec![Stands::Unseen, Stands::MaybeSeen, Stands::Acknowledged, Stands::Refused]);
    let action = prop::sample::select(TriggerAction::ALL);
    let triggers = prop::collection::vec((any::<u128>(), action, stands), 0..4);
    let amounts = (1_i64..100_000, 0_i64..=100, 0_i64..=100);
    let state = prop::sample::select(OrderState::ALL);
    (any::<u128>(), state, amounts, any::<bool>(), prop::option::of(0_i64..100), triggers).prop_map(
        |(number, state, (held, released, refunded), waits_for_us, deadline, triggers)| {
            let released = held * released / 100;
            let refunded = (held - released) * refunded / 100;
            let (released_minor, refunded_minor) = match state {
                OrderState::Confirmed => (held - refunded.min(held - 1), refunded.min(held - 1)),
                OrderState::Refunded => (0, held),
                // What is all moved is settled.
                _ => (released.min(held - 1), 0),
            };
            Hold {
                state,
                held: Money::new(held, currency("CNY")),
                waits_for_us,
                is_waiting: !waits_for_us,
                released_minor,
                refunded_minor,
                freezing: Freezing::Told(state == OrderState::Frozen),
                release_deadline_at: deadline.map(|days| wall() + TimeDelta::days(days)),
                triggers: triggers.into_iter().map(|(id, action, stands)| sent(id, action, stands)).collect(),
                ..hold(number)
            }
        },
    )
}

/// The same damage, done to the other side.
fn mirrored(kind: DifferenceKind) -> DifferenceKind {
    use DifferenceKind as K;
    match kind {
        K::ReleasedThere => K::ReleasedHere,
        K::ReleasedHere => K::ReleasedThere,
        K::RefundedThere => K::RefundedHere,
        K::RefundedHere => K::RefundedThere,
        K::DeadlineNearer => K::DeadlineLater,
        K::DeadlineLater => K::DeadlineNearer,
        other => other,
    }
}

proptest! {
    #[test]
    fn sides_that_agree_do_not_differ(holds in prop::collection::vec(any_hold(), 0..6)) {
        let accounts: Vec<_> = holds.iter().map(agreeing).collect();
        prop_assert_eq!(compare(&holds, &accounts, wall()), vec![]);
    }

    #[test]
    fn damage_is_found_on_whichever_side_it_is(hold in any_hold(), by in 1_i64..50, what in 0_usize..4) {
        prop_assume!(!is_settled(hold.state));
        let damage = |released: &mut i64, refunded: &mut i64, held: &mut i64, deadline: &mut Option<Instant>| match what {
            0 => *released += by,
            1 => *refunded += by,
            2 => *held += by,
            _ => *deadline = Some(deadline.unwrap_or(wall()) + TimeDelta::hours(by)),
        };
        let mut hold = hold;
        // Room for the damage, so that it moves nothing to its end.
        hold.held.minor += 1_000;
        hold.release_deadline_at.get_or_insert(wall());
        let honest = agreeing(&hold);
        let mut theirs = honest.clone();
        let trade = said(&mut theirs);
        let (mut released, mut refunded, mut held) = (hold.released_minor, hold.refunded_minor, hold.held.minor);
        damage(&mut released, &mut refunded, &mut held, &mut trade.release_deadline_at);
        (trade.released_minor, trade.refunded_minor) = (Some(released), Some(refunded));
        trade.held = Some(Money::new(held, hold.held.currency));
        let there = kinds(&hold, &theirs);
        let mut ours = hold.clone();
        damage(
            &mut ours.released_minor,
            &mut ours.refunded_minor,
            &mut ours.held.minor,
            &mut ours.release_deadline_at,
        );
        let here = kinds(&ours, &honest);
        prop_assert_eq!(there.len(), 1, "{:?}", there);
        prop_assert_eq!(here, there.into_iter().map(mirrored).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_either_side_does_not_matter(
        sides in prop::collection::vec((any_hold(), any::<bool>(), any::<u16>(), any::<u16>()), 0..6),
    ) {
        let account = |(hold, is_damaged, ..): &(Hold, bool, u16, u16)| {
            let mut account = agreeing(hold);
            if *is_damaged {
                said(&mut account).state = TradeState::Absent;
            }
            account
        };
        let in_order_of = |key: fn(&(Hold, bool, u16, u16)) -> u16| {
            let mut sides = sides.clone();
            sides.sort_by_key(key);
            sides
        };
        let holds = |sides: &[(Hold, bool, u16, u16)]| sides.iter().map(|side| side.0.clone()).collect::<Vec<_>>();
        let (one, other) = (in_order_of(|side| side.2), in_order_of(|side| side.3));
        let (accounts, others): (Vec<_>, Vec<_>) = (one.iter().map(account).collect(), other.iter().map(account).collect());
        let found = compare(&holds(&one), &accounts, wall());
        prop_assert_eq!(&found, &compare(&holds(&other), &accounts, wall()));
        prop_assert_eq!(&found, &compare(&holds(&one), &others, wall()));
        prop_assert_eq!(found.len(), sides.iter().filter(|side| side.1).count());
    }
}
