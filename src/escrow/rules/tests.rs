//! Single decisions, spelt out.

mod refunds;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use uuid::Uuid;

use super::acts::{RefundOrder, Situation, admit};
use super::*;
use crate::domain::escrow::{
    Act, DisputeOutcome, DisputeReason, DisputeThere, ReleaseBy, ReleaseMode, StandsThere,
};
use crate::domain::event::{DeliveredTo, EventSource};
use crate::domain::id::{DisputeId, ParcelId, ShipmentId};
use crate::domain::instant::from_micros;

pub fn proof(number: u16, to: Option<DeliveredTo>) -> ParcelEvidence {
    ParcelEvidence {
        parcel: ParcelId { shipment: ShipmentId::from_uuid(Uuid::nil()), number },
        status: "delivered".into(),
        delivered_to: to,
        occurred_at: from_micros(0),
        source: EventSource::Poll,
        reported_by: "dhl_unified".into(),
        tracking_number: None,
    }
}

pub fn parcel(number: u16, picked_up: bool, delivered: bool) -> ParcelFacts {
    ParcelFacts {
        number,
        picked_up: picked_up.then(|| proof(number, None)),
        delivered: delivered.then(|| proof(number, None)),
        troubles: Vec::new(),
        held: false,
    }
}

pub fn share(of: ShareOf, held_minor: i64) -> Share {
    Share {
        of,
        held_minor,
        state: OrderState::Held,
        because: None,
        delivered_at: None,
        taken_back: false,
        buyer_confirmed: false,
        issued: Vec::new(),
    }
}

/// Of an order that is nobody else's, whose provider can do everything and was told nothing.
fn facts<'f>(
    policy: &'f ReleasePolicy,
    parcels: &'f [ParcelFacts],
    shares: &'f [Share],
    standing: &'f Standing,
) -> Facts<'f> {
    Facts {
        policy,
        can: Can::EVERYTHING,
        parcels,
        shares,
        standing,
        called_off: false,
        contested: false,
        provider_knows_frozen: false,
        provider_holds: false,
    }
}

struct Case {
    policy: ReleasePolicy,
    can: Can,
    parcels: Vec<ParcelFacts>,
    share: Share,
    acts: Vec<(Act, String)>,
}

impl Case {
    fn new(parcels: &[ParcelFacts]) -> Self {
        let policy = ReleasePolicy::default();
        Self {
            policy,
            can: Can::EVERYTHING,
            parcels: parcels.to_vec(),
            share: share(None, 10_000),
            acts: Vec::new(),
        }
    }

    fn act(mut self, act: Act) -> Self {
        self.share.buyer_confirmed = acts::has_confirmed(&act, self.share.buyer_confirmed, self.share.state);
        self.acts.push((act, "ana".to_owned()));
        self
    }

    fn standing(&self) -> Standing {
        Standing::of(self.acts.iter().map(|(act, actor)| (act, actor.as_str())))
    }

    fn at(&self, now: Instant) -> Verdict {
        let shares = [self.share.clone()];
        let standing = self.standing();
        let facts = Facts { can: self.can, ..facts(&self.policy, &self.parcels, &shares, &standing) };
        decide(&facts, now).shares.remove(0)
    }

    /// Takes over what is decided, and hands every trigger to the provider as `stands`.
    fn go(&mut self, now: Instant, stands: Stands) -> Vec<TriggerAction> {
        let verdict = self.at(now);
        let made: Vec<_> = verdict.triggers.iter().map(|made| made.action).collect();
        let issued = verdict.triggers.into_iter().map(|made| Issued {
            action: made.action,
            stands,
            amount_minor: made.amount_minor,
            is_fresh: stands == Stands::Unseen,
            parcels: made.evidence.parcels,
        });
        self.share.issued.extend(issued);
        (self.share.state, self.share.delivered_at) = (verdict.state, verdict.delivered_at);
        (self.share.because, self.share.taken_back) = (verdict.because, verdict.taken_back);
        self.share.buyer_confirmed = verdict.buyer_confirmed;
        made
    }
}

fn noon() -> Instant {
    from_micros(1_772_700_000_000_000)
}

fn after_days(days: i64) -> Instant {
    noon() + TimeDelta::days(days)
}

#[test]
fn the_last_parcels_delivery_asks_for_confirmation_with_every_parcels_evidence() {
    let mut case = Case::new(&[parcel(1, true, true), parcel(2, true, false)]);
    assert_eq!(case.go(noon(), Stands::Unseen), [TriggerAction::Shipped]);
    case.parcels[1] = parcel(2, true, true);
    let verdict = case.at(noon());
    assert!(verdict.triggers.iter().all(|made| made.evidence.parcels.len() == 2));
    assert_eq!(case.go(noon(), Stands::Unseen), [TriggerAction::Delivered, TriggerAction::ConfirmReceipt]);
    assert_eq!(case.share.state, OrderState::ConfirmRequested);
    assert!(case.go(noon(), Stands::Unseen).is_empty(), "deciding again decides nothing new");
}

#[test]
fn a_declaration_is_made_once_when_the_goods_are_on_their_way_and_moves_nothing() {
    let mut case = Case::new(&[parcel(1, false, false)]);
    case.can.declare_customs = true;
    assert!(case.go(noon(), Stands::Unseen).is_empty(), "nothing was picked up");
    case.parcels[0] = parcel(1, true, false);
    let declared =
        case.at(noon()).triggers.into_iter().find(|made| made.action == TriggerAction::DeclareCustoms);
    assert_eq!(declared.map(|made| made.amount_minor), Some(10_000));
    assert_eq!(case.go(noon(), Stands::Unseen), [TriggerAction::Shipped, TriggerAction::DeclareCustoms]);
    case.parcels[0] = parcel(1, true, true);
    for stands in [Stands::MaybeSeen, Stands::Refused, Stands::GivenUp] {
        case.share.issued[1].stands = stands;
        let verdict = case.at(noon());
        let made: Vec<_> = verdict.triggers.iter().map(|made| made.action).collect();
        assert_eq!(made, [TriggerAction::Delivered, TriggerAction::ConfirmReceipt], "{stands:?}");
        assert_eq!(verdict.state, OrderState::ConfirmRequested, "{stands:?}");
    }
    let states =
        OrderState::ALL.iter().filter(|state| !may_send(**state).contains(&TriggerAction::DeclareCustoms));
    assert_eq!(states.collect::<Vec<_>>(), [&OrderState::Refunded], "what was paid back was not paid");
}

#[test]
fn a_window_is_waited_for_and_ends_by_itself_or_at_the_buyers_word() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.policy.release = ReleaseMode::AfterWindow;
    assert_eq!(case.go(noon(), Stands::Unseen), [TriggerAction::Shipped, TriggerAction::Delivered]);
    assert_eq!(case.share.state, OrderState::Delivered);
    assert_eq!(case.at(noon()).wake_at, Some(after_days(10)));
    assert_eq!(case.at(after_days(9)).state, OrderState::Delivered);
    assert_eq!(case.at(after_days(10)).state, OrderState::ConfirmRequested);
    let case = case.act(Act::BuyerExtended { days: 5 });
    assert_eq!(case.at(after_days(14)).state, OrderState::Delivered);
    assert_eq!(case.at(after_days(15)).state, OrderState::ConfirmRequested);
    let case = case.act(Act::BuyerConfirmed);
    assert_eq!(case.at(after_days(1)).state, OrderState::ConfirmRequested);
}

#[test]
fn kinds_of_delivered_that_wait_wait_and_a_dwell_holds_for_all() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.policy.wait_for_window = vec![DeliveredTo::Locker, DeliveredTo::Unspecified];
    assert_eq!(case.at(noon()).state, OrderState::Delivered, "nobody says to whom");
    case.parcels[0].delivered = Some(proof(1, Some(DeliveredTo::Addressee)));
    assert_eq!(case.at(noon()).state, OrderState::ConfirmRequested);
    case.policy.dwell_minutes = 90;
    case.go(noon(), Stands::Unseen);
    assert_eq!(case.at(noon() + TimeDelta::minutes(89)).state, OrderState::Delivered);
    assert_eq!(case.at(noon() + TimeDelta::minutes(90)).state, OrderState::ConfirmRequested);
}

#[test]
fn by_parcel_each_share_goes_when_its_parcel_is_there() {
    let policy = ReleasePolicy { release_by: ReleaseBy::Parcel, ..ReleasePolicy::default() };
    let parcels = [parcel(1, true, true), parcel(2, true, false)];
    let shares = [share(Some(1), 6_000), share(Some(2), 4_000)];
    let standing = Standing::default();
    let facts = facts(&policy, &parcels, &shares, &standing);
    let decision = decide(&facts, noon());
    let confirmed = |verdict: &Verdict| {
        let mut all = verdict.triggers.iter();
        all.find(|made| made.action == TriggerAction::ConfirmReceipt).map(|made| made.amount_minor)
    };
    assert_eq!(decision.shares.iter().map(confirmed).collect::<Vec<_>>(), [Some(6_000), None]);
    assert_eq!(decision.order().0, OrderState::Shipped);
}

#[test]
fn a_dispute_freezes_and_its_end_lets_the_money_go() {
    let dispute = DisputeId::from_uuid(Uuid::nil());
    let opened = Act::DisputeOpened { dispute, reason: DisputeReason::Damaged };
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.go(noon(), Stands::Unseen);
    let mut case = case.act(opened);
    case.go(noon(), Stands::Unseen);
    assert_eq!(case.share.state, OrderState::Frozen);
    assert!(case.share.because.as_ref().is_some_and(|because| because.contains("damaged")));
    assert!(!may_send(case.share.state).contains(&TriggerAction::ConfirmReceipt));
    let case = case.act(Act::DisputeWithdrawn { dispute });
    assert_eq!(case.at(noon()).state, OrderState::ConfirmRequested);
}

#[test]
fn a_delivery_that_was_taken_back_freezes_until_a_person_sets_it_aside() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.policy.release = ReleaseMode::AfterWindow;
    case.go(noon(), Stands::Unseen);
    case.parcels[0] = parcel(1, true, false);
    case.go(noon(), Stands::Unseen);
    assert_eq!(case.share.state, OrderState::Frozen);
    let name = format!("taken_back {}", noon().timestamp_micros());
    let mut case = case.act(Act::Thawed { reason: "a mistake".into(), set_aside: BTreeSet::from([name]) });
    case.go(after_days(1), Stands::Unseen);
    assert_eq!((case.share.state, case.share.delivered_at), (OrderState::Shipped, None));
    case.parcels[0] = parcel(1, true, true);
    assert_eq!(case.at(after_days(3)).wake_at, Some(after_days(13)), "a new window for a new delivery");
}

fn disputed_there(dispute: &str, stands: StandsThere, day: i64) -> Act {
    let (dispute, word) = (dispute.to_owned(), "a word".to_owned());
    Act::DisputedThere(DisputeThere { dispute, stands, word, at: after_days(day) })
}

#[test]
fn a_dispute_that_the_provider_keeps_holds_the_money_until_it_is_decided_for_the_seller_or_set_aside() {
    use StandsThere as S;
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.policy.release = ReleaseMode::AfterWindow;
    case.go(noon(), Stands::Unseen);
    let case = case.act(Act::BuyerConfirmed).act(disputed_there("D-1", S::Open, 2));
    let case = case.act(disputed_there("D-2", S::Open, 2));
    let state = |case: &Case| (case.at(noon()).state, case.at(noon()).because);
    let open = |name| Some(format!("the buyer's dispute {name} is open at the provider: a word"));
    assert_eq!(state(&case), (OrderState::Frozen, open("D-1")));
    let case = case.act(disputed_there("D-1", S::ForSeller, 3)).act(disputed_there("D-1", S::Open, 1));
    assert_eq!(state(&case), (OrderState::Frozen, open("D-2")), "what was so before came late");
    let case = case.act(disputed_there("D-2", S::Otherwise, 3));
    let because = "the buyer's dispute D-2 ended at the provider: a word".to_owned();
    assert_eq!(state(&case), (OrderState::Frozen, Some(because)));
    let set_aside = BTreeSet::from(["dispute_there D-2 ended".to_owned()]);
    let case = case.act(Act::Thawed { reason: "the goods came".into(), set_aside });
    assert_eq!(state(&case).0, OrderState::Delivered, "who objected has confirmed nothing");
    let case = case.act(disputed_there("D-1", S::Open, 4));
    assert_eq!(state(&case), (OrderState::Frozen, open("D-1")), "it was begun again");
}

#[test]
fn a_buyers_word_ends_with_the_delivery_that_it_was_about() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.policy.release = ReleaseMode::AfterWindow;
    case.policy.dwell_minutes = 60;
    case.go(noon(), Stands::Unseen);
    let mut case = case.act(Act::BuyerConfirmed);
    case.go(noon(), Stands::Unseen);
    assert_eq!(case.at(noon()).wake_at, Some(noon() + TimeDelta::hours(1)), "the dwell alone is waited for");
    case.parcels[0] = parcel(1, true, false);
    case.go(noon(), Stands::Unseen);
    assert_eq!(case.share.state, OrderState::Frozen);
    let name = format!("taken_back {}", noon().timestamp_micros());
    let mut case = case.act(Act::Thawed { reason: "a mistake".into(), set_aside: BTreeSet::from([name]) });
    case.parcels[0] = parcel(1, true, true);
    case.go(after_days(3), Stands::Unseen);
    assert_eq!(case.at(after_days(3)).wake_at, Some(after_days(13)), "he has not seen these goods");
}

#[test]
fn a_buyer_speaks_of_the_parcels_that_are_there() {
    use OrderState as S;
    let extended = Act::BuyerExtended { days: 3 };
    for beside in [S::Held, S::Shipped, S::Failed, S::RefundRequested, S::ConfirmRequested, S::Confirmed] {
        let shares = [beside, S::Delivered];
        assert_eq!(acts::state_for(&Act::BuyerConfirmed, &shares), S::Delivered, "{beside}");
        assert_eq!(acts::state_for(&extended, &shares), S::Delivered, "{beside}");
        assert_eq!(acts::state_for(&Act::Revived, &shares), of_all(&shares), "{beside}");
        assert!(!acts::has_confirmed(&Act::BuyerConfirmed, false, beside), "{beside}: nothing is there");
    }
    assert_eq!(acts::state_for(&extended, &[S::Frozen, S::Shipped]), S::Frozen);
}

#[test]
fn a_payment_that_ships_as_a_whole_is_shipped_once_and_when_its_last_parcel_is() {
    let policy = ReleasePolicy { release_by: ReleaseBy::Parcel, ..ReleasePolicy::default() };
    let mut shares = [share(Some(1), 6_000), share(Some(2), 4_000)];
    let standing = Standing::default();
    let shipped = |parcels: &[ParcelFacts], shares: &[Share]| {
        let facts = Facts {
            can: Can { ships_whole: true, ..Can::EVERYTHING },
            ..facts(&policy, parcels, shares, &standing)
        };
        let made = |verdict: &Verdict| {
            let such = verdict.triggers.iter().filter(|made| made.action == TriggerAction::Shipped);
            such.map(|made| made.evidence.parcels.len()).collect::<Vec<_>>()
        };
        decide(&facts, noon()).shares.iter().map(made).collect::<Vec<_>>()
    };
    let none = Vec::<usize>::new;
    shares[0].state = OrderState::Shipped;
    assert_eq!(shipped(&[parcel(1, true, false), parcel(2, false, false)], &shares), [none(), none()]);
    assert_eq!(shipped(&[parcel(1, true, false), parcel(2, true, false)], &shares), [vec![2], none()]);
}

#[test]
fn a_delivery_that_follows_one_that_was_taken_back_has_a_window_of_its_own() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.policy.release = ReleaseMode::AfterWindow;
    case.go(noon(), Stands::Acknowledged);
    case.parcels[0] = parcel(1, true, false);
    case.go(after_days(1), Stands::Unseen);
    assert_eq!((case.share.state, case.share.taken_back), (OrderState::Frozen, true));
    case.parcels[0] = parcel(1, true, true);
    case.go(after_days(12), Stands::Unseen);
    assert_eq!(case.share.delivered_at, Some(after_days(12)), "nobody had it for those twelve days");
    assert_eq!(case.at(after_days(13)).wake_at, Some(after_days(22)));
    // Taken back and made again between two looks.
    let proof = case.parcels[0].delivered.as_mut().expect("a delivery");
    proof.occurred_at = after_days(20);
    assert_eq!(case.at(after_days(21)).wake_at, Some(after_days(30)));
}

#[test]
fn a_delivery_that_is_known_since_a_time_to_come_counts_from_now() {
    let mut case = Case::new(&[parcel(1, true, true)]);
    case.go(after_days(1), Stands::Unseen);
    let verdict = case.at(noon());
    assert_eq!((verdict.state, verdict.delivered_at), (OrderState::ConfirmRequested, Some(noon())));
    case.policy.release = ReleaseMode::AfterWindow;
    assert_eq!(case.at(noon()).wake_at, Some(after_days(10)));
}

#[test]
fn settled_money_stays_where_it_is() {
    let mut parcels = [parcel(1, true, true)];
    parcels[0].troubles.push(Trouble { name: "returned".into(), text: "returned".into() });
    for state in [OrderState::Confirmed, OrderState::Refunded] {
        let mut case = Case::new(&parcels);
        case.share.state = state;
        let verdict = case.at(noon());
        assert_eq!((verdict.state, verdict.triggers.len()), (state, 0));
    }
}

#[test]
fn what_was_decided_about_a_reason_stands() {
    let policy = ReleasePolicy::default();
    let dispute = DisputeId::from_uuid(Uuid::nil());
    let may_open = |acts: &[Act], reason| {
        let standing = Standing::of(acts.iter().map(|act| (act, "somebody")));
        let at = Situation {
            state: OrderState::Delivered,
            policy: &policy,
            standing: &standing,
            now: noon(),
            window_ends_at: None,
            can_refund: true,
            contested: false,
            left_minor: 10,
            refund_was_sent: false,
            refund_begun_minor: None,
        };
        admit(&Act::DisputeOpened { dispute, reason }, "buyer", &at).is_ok()
    };
    let opened = |reason| Act::DisputeOpened { dispute, reason };
    let (withdrawn, decided) = (
        Act::DisputeWithdrawn { dispute },
        Act::DisputeClosed { dispute, outcome: DisputeOutcome::Rejected },
    );
    let never_came = DisputeReason::NotReceived;
    let mut acts = vec![opened(never_came), withdrawn.clone()];
    assert!(may_open(&acts, never_came), "who took it back may have been too quick");
    acts.extend([opened(never_came), decided]);
    assert!(!may_open(&acts, never_came));
    assert!(may_open(&acts, DisputeReason::Damaged), "it came in the end, and broken");
    let reason = || "the second person says no".to_owned();
    acts.push(Act::RefundOrdered { share: None, amount_minor: 5, reason: reason(), needs_second: true });
    acts.push(Act::RefundWithdrawn { share: None, reason: reason() });
    assert!(may_open(&acts, never_came), "what was decided came to nothing");
}
