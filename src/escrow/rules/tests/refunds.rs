//! What goes back, who may say so, and what a provider is told meanwhile.

use super::*;

#[test]
fn a_refund_in_part_makes_the_release_smaller_by_what_went_back() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.go(noon(), Stands::Unseen);
    let refund = Act::RefundOrdered {
        share: None,
        amount_minor: 2_500,
        reason: "a cup is broken".into(),
        needs_second: true,
    };
    let mut case = case.act(refund);
    assert_eq!(case.at(noon()).state, OrderState::Frozen, "it waits for a second person");
    case.acts.push((Act::RefundApproved { share: None }, "ben".into()));
    assert_eq!(case.go(noon(), Stands::MaybeSeen), [TriggerAction::Refund]);
    assert_eq!(case.share.state, OrderState::RefundRequested);
    case.share.issued.iter_mut().for_each(|issued| {
        if issued.action == TriggerAction::Refund {
            issued.stands = Stands::Acknowledged;
        }
    });
    let verdict = case.at(noon());
    assert_eq!(verdict.state, OrderState::ConfirmRequested);
    let rewritten: Vec<_> = verdict.rewritten.iter().map(|made| (made.action, made.amount_minor)).collect();
    assert!(rewritten.contains(&(TriggerAction::ConfirmReceipt, 7_500)), "{rewritten:?}");
}

#[test]
fn a_refund_waits_until_it_is_known_what_became_of_a_release() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.go(noon(), Stands::MaybeSeen);
    let refund =
        Act::RefundOrdered { share: None, amount_minor: 10_000, reason: "lost".into(), needs_second: false };
    let mut case = case.act(refund);
    let verdict = case.at(noon());
    assert_eq!((verdict.state, verdict.triggers.len()), (OrderState::Frozen, 0));
    case.go(noon(), Stands::Unseen);
    let stands = |case: &mut Case, stands| {
        case.share.issued.iter_mut().for_each(|issued| issued.stands = stands);
    };
    stands(&mut case, Stands::Unseen);
    assert_eq!(case.at(noon()).state, OrderState::RefundRequested);
    stands(&mut case, Stands::Acknowledged);
    assert_eq!(case.at(noon()).state, OrderState::Confirmed);
}

#[test]
fn what_a_provider_may_have_given_back_is_not_given_back_once_more_until_a_person_says_so() {
    let refund =
        Act::RefundOrdered { share: None, amount_minor: 10_000, reason: "lost".into(), needs_second: false };
    let case = Case::new(&[parcel(1, true, true)]).act(refund);
    assert_eq!(case.at(noon()).state, OrderState::RefundRequested);
    let ended = |case: Case| case.act(disputed_there("D-1", StandsThere::Otherwise, 2));
    let case = ended(case);
    assert_eq!(case.at(noon()).state, OrderState::Frozen);
    let set_aside = BTreeSet::from(["dispute_there D-1 ended".to_owned()]);
    let case = case.act(Act::Thawed { reason: "nothing was paid out there".into(), set_aside });
    assert_eq!(case.at(noon()).state, OrderState::RefundRequested);
}

#[test]
fn under_a_refunds_key_no_other_amount_is_ever_sent() {
    let ordered = |amount_minor| Act::RefundOrdered {
        share: None,
        amount_minor,
        reason: "lost".into(),
        needs_second: false,
    };
    let mut case = Case::new(&[parcel(1, true, false)]).act(ordered(5_000));
    case.go(noon(), Stands::Unseen);
    // A try that had no effect, and a person who thinks better of it.
    case.share.issued[0].is_fresh = false;
    let mut case = case.act(Act::RefundWithdrawn { share: None, reason: "a mistake".into() });
    case.go(noon(), Stands::Unseen);
    assert_eq!(case.share.state, OrderState::Frozen, "a person thaws what was to be refunded");
    let other = case.act(ordered(50));
    assert_eq!(other.at(noon()).sight, Sight::RefundRefused);
    assert_eq!(other.at(noon()).state, OrderState::Failed);
}

#[test]
fn who_orders_a_refund_does_not_approve_it_and_what_was_done_is_not_done_again() {
    let policy = ReleasePolicy::default();
    let order = |amount_minor| Act::RefundOrdered {
        share: None,
        amount_minor,
        reason: "lost".into(),
        needs_second: true,
    };
    let acts = [(order(5), "ana")];
    let standing = Standing::of(acts.iter().map(|(act, by)| (act, *by)));
    let nobody = Standing::default();
    let at = |state, standing| Situation {
        state,
        policy: &policy,
        standing,
        now: noon(),
        window_ends_at: None,
        can_refund: true,
        contested: false,
        left_minor: 10,
        refund_begun_minor: None,
        refund_was_sent: false,
    };
    let approve = Act::RefundApproved { share: None };
    assert!(admit(&approve, "ana", &at(OrderState::Frozen, &standing)).is_err());
    assert!(admit(&approve, "ben", &at(OrderState::Frozen, &standing)).is_ok());
    assert!(admit(&approve, "ben", &at(OrderState::Frozen, &nobody)).is_err());
    assert!(admit(&order(5), "ben", &at(OrderState::Frozen, &standing)).is_err());
    for (amount, good) in [(0, false), (1, true), (10, true), (11, false), (-1, false)] {
        assert_eq!(admit(&order(amount), "ana", &at(OrderState::Held, &nobody)).is_ok(), good, "{amount}");
    }
    for state in [OrderState::Confirmed, OrderState::Refunded] {
        assert!(admit(&order(5), "ana", &at(state, &nobody)).is_err());
        assert!(admit(&Act::BuyerConfirmed, "buyer", &at(state, &nobody)).is_err());
    }
    assert!(admit(&Act::BuyerExtended { days: 3 }, "buyer", &at(OrderState::Delivered, &nobody)).is_err());
}

#[test]
fn a_freeze_is_told_once_and_a_thaw_after_it_but_never_about_anothers_payment() {
    let policy = ReleasePolicy::default();
    let (parcels, shares) = ([parcel(1, true, false)], [share(None, 10_000)]);
    let frozen = Standing { frozen: Some("a word".into()), ..Standing::default() };
    let nothing = Standing::default();
    let facts = |standing, contested, provider_knows_frozen| Facts {
        contested,
        provider_knows_frozen,
        provider_holds: provider_knows_frozen,
        ..facts(&policy, &parcels, &shares, standing)
    };
    let tell = |standing, contested, knows| decide(&facts(standing, contested, knows), noon()).tell;
    assert_eq!(tell(&frozen, false, false), Some(TriggerAction::Freeze));
    assert_eq!(tell(&frozen, false, true), None);
    assert_eq!(tell(&nothing, false, true), Some(TriggerAction::Thaw));
    assert_eq!(tell(&nothing, false, false), None);
    assert_eq!(tell(&frozen, true, false), None);
}

#[test]
fn a_parcels_money_waits_as_long_as_the_provider_holds_another_ones() {
    let policy = ReleasePolicy { release_by: ReleaseBy::Parcel, ..ReleasePolicy::default() };
    let parcels = [parcel(1, true, true), parcel(2, true, true)];
    let shares = [share(Some(1), 9_000), share(Some(2), 1_000)];
    let waits = RefundOrder {
        amount_minor: 4_500,
        reason: "half of it is broken".into(),
        by: "ana".into(),
        needs_second: true,
        approved_by: None,
    };
    let disputed = Standing { refunds: [(Some(1), waits)].into(), ..Standing::default() };
    let nothing = Standing::default();
    let decided = |standing, provider_knows_frozen| {
        let facts = Facts {
            provider_knows_frozen,
            provider_holds: provider_knows_frozen,
            ..facts(&policy, &parcels, &shares, standing)
        };
        let Decision { shares, tell } = decide(&facts, noon());
        (shares.into_iter().map(|verdict| verdict.state).collect::<Vec<_>>(), tell)
    };
    use OrderState::{ConfirmRequested, Delivered, Frozen};
    assert_eq!(decided(&disputed, false), (vec![Frozen, ConfirmRequested], None));
    assert_eq!(decided(&disputed, true), (vec![Frozen, Delivered], None));
    assert_eq!(decided(&nothing, true), (vec![ConfirmRequested; 2], Some(TriggerAction::Thaw)));
}

/// Facts of one parcel that is there, and of a payment that its provider was told to hold or not.
fn tell(standing: &Standing, shares: &[Share], provider_knows_frozen: bool) -> Option<TriggerAction> {
    let policy = ReleasePolicy { release_by: ReleaseBy::Parcel, ..ReleasePolicy::default() };
    let parcels = [parcel(1, true, true), parcel(2, true, true)];
    let facts = Facts {
        provider_knows_frozen,
        provider_holds: provider_knows_frozen,
        ..facts(&policy, &parcels[..shares.len()], shares, standing)
    };
    decide(&facts, noon()).tell
}

fn ordered(share: ShareOf, amount_minor: i64) -> Standing {
    let (reason, by) = ("lost".to_owned(), "ana".to_owned());
    let order = RefundOrder { amount_minor, reason, by, needs_second: false, approved_by: None };
    Standing { refunds: [(share, order)].into(), ..Standing::default() }
}

fn with_refund(of: ShareOf, amount_minor: i64, stands: Stands) -> Share {
    let refund =
        Issued { action: TriggerAction::Refund, stands, amount_minor, is_fresh: false, parcels: Vec::new() };
    Share { state: OrderState::RefundRequested, issued: vec![refund], ..share(of, amount_minor) }
}

#[test]
fn what_was_to_go_back_and_was_refused_is_not_let_go() {
    let standing = ordered(Some(1), 9_000);
    let refused = with_refund(Some(1), 9_000, Stands::Refused);
    let told = |share: &Share, knows| tell(&standing, std::slice::from_ref(share), knows);
    assert_eq!(told(&refused, true), None, "held before, it stays held");
    assert_eq!(told(&refused, false), Some(TriggerAction::Freeze));
    let due = with_refund(Some(1), 9_000, Stands::MaybeSeen);
    assert_eq!((told(&due, false), told(&due, true)), (None, None));
    let back = with_refund(Some(1), 9_000, Stands::Acknowledged);
    assert_eq!(told(&back, false), None);
}

#[test]
fn a_refund_of_one_parcel_does_not_keep_a_provider_from_holding_the_others() {
    let disputed = |refunds: Standing| Standing { frozen: Some("a word".into()), ..refunds };
    let standing = disputed(ordered(Some(1), 9_000));
    for stands in [Stands::MaybeSeen, Stands::Refused] {
        let shares = [with_refund(Some(1), 9_000, stands), share(Some(2), 1_000)];
        assert_eq!(tell(&standing, &shares, false), Some(TriggerAction::Freeze), "{stands:?}");
        assert_eq!(tell(&standing, &shares, true), None, "{stands:?}");
    }
    // The other one may be released: the provider holds all or nothing.
    let shares = [with_refund(Some(1), 9_000, Stands::Refused), share(Some(2), 1_000)];
    assert_eq!(tell(&ordered(Some(1), 9_000), &shares, false), None);
}

#[test]
fn what_another_order_named_before_is_not_given_back_by_this_one() {
    let policy = ReleasePolicy::default();
    let parcels = [parcel(1, true, false)];
    let standing = ordered(None, 10_000);
    let state = |contested, stands| {
        let shares = [with_refund(None, 10_000, stands)];
        let facts = Facts { contested, ..facts(&policy, &parcels, &shares, &standing) };
        decide(&facts, noon()).shares.remove(0).state
    };
    assert_eq!(state(false, Stands::Unseen), OrderState::RefundRequested);
    assert_eq!(state(true, Stands::Unseen), OrderState::Frozen);
    assert_eq!(
        state(true, Stands::MaybeSeen),
        OrderState::RefundRequested,
        "what may be there is not undone"
    );
    let at = |contested, standing| Situation {
        state: OrderState::Frozen,
        policy: &policy,
        standing,
        now: noon(),
        window_ends_at: None,
        can_refund: true,
        contested,
        left_minor: 10_000,
        refund_begun_minor: None,
        refund_was_sent: false,
    };
    let order = RefundOrder { needs_second: true, ..standing.refunds[&None].clone() };
    let waits = Standing { refunds: [(None, order)].into(), ..Standing::default() };
    let approve = Act::RefundApproved { share: None };
    assert!(admit(&approve, "ben", &at(false, &waits)).is_ok());
    assert!(admit(&approve, "ben", &at(true, &waits)).is_err());
}
