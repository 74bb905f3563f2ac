//! Every way that things can go, for small orders: no reachable world breaks an invariant.
//!
//! A world is the goods, what people did, what was sent, and the provider's own books. From
//! each world every step is taken that could come next: a delivery, its correction, a return,
//! a dispute and its end, the buyer's word, time, a refund, a freeze; a claim of a trigger, its
//! arrival, its loss before or after it took effect (a crash is a loss), its refusal, its last
//! try, a question about it; the provider's own deadline. The provider of the model does
//! whatever it is told, balance or not, so that what holds is held by the rules alone.
//!
//! One thing is presumed: who asks what became of a trigger asks when nobody is sending it any
//! more (leases outlast time-outs).

mod people;
mod wire;

use std::collections::{HashSet, VecDeque};
use std::io::Write;

use chrono::TimeDelta;
use uuid::Uuid;

use self::wire::{Sent, ways_of};
use super::acts::{RefundOrder, Situation, admit};
use super::tests::{parcel, share};
use super::*;
use crate::domain::escrow::{Act, DisputeReason, ReleaseBy, ReleaseMode};
use crate::domain::id::DisputeId;
use crate::domain::instant::from_micros;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Goods {
    There,
    PickedUp,
    Delivered,
    TakenBack,
    Returning,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Part {
    state: OrderState,
    /// 0: not; else the day.
    delivered_on: u8,
    taken_back: bool,
    /// By the buyer.
    confirmed: bool,
    confirm: Option<Sent>,
    refund: Option<Sent>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct People {
    extended: bool,
    disputed: bool,
    froze: bool,
    /// By withdrawing a refund.
    withdrew: bool,
    /// Troubles by their bit: a return, and what was taken back of each day.
    set_aside: u8,
    refund: Option<(u8, i64, bool, bool)>,
    /// It is another order's by now.
    lost_payment: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    goods: Vec<Goods>,
    parts: Vec<Part>,
    people: People,
    day: u8,
    /// The last word to the provider was that nothing may move.
    told_frozen: bool,
    provider_let_go: bool,
    we_know_it_did: bool,
}

struct Model {
    policy: ReleasePolicy,
    parcels: usize,
    /// Fewer things that people do, where there are many parcels.
    people: bool,
}

/// In equal shares for two and for three, so that parcels can change places.
const HELD: i64 = 12;
/// Within every window, and after every one.
const DAYS: [u8; 2] = [1, 40];

fn troubles() -> Vec<String> {
    let taken_back = DAYS.iter().map(|day| format!("taken_back {}", at(*day).timestamp_micros()));
    std::iter::once("returning".to_owned()).chain(taken_back).collect()
}

fn at(day: u8) -> Instant {
    from_micros(1_772_700_000_000_000) + TimeDelta::days(i64::from(day))
}

impl Model {
    fn held(&self, of: usize) -> i64 {
        match self.policy.release_by {
            ReleaseBy::Order => HELD,
            ReleaseBy::Parcel => crate::escrow::split::split(HELD, &vec![1; self.parcels])[of],
        }
    }

    fn of(&self, index: usize) -> ShareOf {
        match self.policy.release_by {
            ReleaseBy::Order => None,
            ReleaseBy::Parcel => u16::try_from(index + 1).ok(),
        }
    }

    fn start(&self) -> World {
        let count = match self.policy.release_by {
            ReleaseBy::Order => 1,
            ReleaseBy::Parcel => self.parcels,
        };
        let part = Part {
            state: OrderState::Held,
            delivered_on: 0,
            taken_back: false,
            confirmed: false,
            confirm: None,
            refund: None,
        };
        World {
            goods: vec![Goods::There; self.parcels],
            parts: vec![part; count],
            people: People::default(),
            day: DAYS[0],
            told_frozen: false,
            provider_let_go: false,
            we_know_it_did: false,
        }
    }

    fn standing(&self, world: &World) -> Standing {
        let people = world.people;
        let mut standing = Standing {
            extended_days: people.extended.then_some(10),
            frozen: people.froze.then(|| "a person".to_owned()),
            provider_released: world.we_know_it_did.then(|| "its deadline".to_owned()),
            ..Standing::default()
        };
        if people.disputed {
            let id = DisputeId::from_uuid(Uuid::nil());
            standing.dispute = Some(acts::OpenDispute { id, reason: DisputeReason::NotReceived });
        }
        let is_set_aside = |(bit, _): &(usize, String)| people.set_aside & (1 << bit) != 0;
        let names = troubles().into_iter().enumerate().filter(is_set_aside);
        standing.set_aside.extend(names.map(|(_, name)| name));
        if let Some((part, amount_minor, needs_second, approved)) = people.refund {
            let (reason, by) = ("a reason".to_owned(), "ana".to_owned());
            let approved_by = approved.then(|| "ben".to_owned());
            let order = RefundOrder { amount_minor, reason, by, needs_second, approved_by };
            standing.refunds.insert(self.of(usize::from(part)), order);
        }
        standing
    }

    fn parcels(&self, world: &World) -> Vec<ParcelFacts> {
        let facts = |(goods, number): (&Goods, u16)| {
            let mut facts = parcel(number, *goods != Goods::There, *goods == Goods::Delivered);
            if *goods == Goods::Returning {
                facts.troubles.push(Trouble { name: "returning".into(), text: "returning".into() });
            }
            facts
        };
        world.goods.iter().zip(1..).map(facts).collect()
    }

    fn shares(&self, world: &World, parcels: &[ParcelFacts]) -> Vec<Share> {
        let one = |(index, part): (usize, &Part)| {
            let of = self.of(index);
            let sent = [(TriggerAction::ConfirmReceipt, part.confirm), (TriggerAction::Refund, part.refund)];
            let proofs = |action| match action {
                TriggerAction::ConfirmReceipt => {
                    let mine = parcels.iter().filter(|parcel| of.is_none_or(|of| of == parcel.number));
                    mine.map(|parcel| super::tests::proof(parcel.number, None)).collect()
                }
                _ => Vec::new(),
            };
            let issued = sent.into_iter().filter_map(|(action, sent)| {
                let Sent { stands, amount, is_fresh, .. } = sent?;
                Some(Issued { action, stands, amount_minor: amount, is_fresh, parcels: proofs(action) })
            });
            Share {
                state: part.state,
                delivered_at: (part.delivered_on > 0).then(|| at(part.delivered_on)),
                taken_back: part.taken_back,
                buyer_confirmed: part.confirmed,
                issued: issued.collect(),
                ..share(of, self.held(index))
            }
        };
        world.parts.iter().enumerate().map(one).collect()
    }

    /// Parcels that differ in nothing but their number are one world in any order.
    fn in_order(&self, mut world: World) -> World {
        match self.policy.release_by {
            ReleaseBy::Order => world.goods.sort(),
            ReleaseBy::Parcel => {
                // Of the first share alone people order refunds.
                let first = usize::from(self.people);
                let mut pairs: Vec<_> =
                    world.goods.iter().copied().zip(world.parts.iter().copied()).collect();
                pairs[first..].sort();
                (world.goods, world.parts) = pairs.into_iter().unzip();
            }
        }
        world
    }

    fn days(&self) -> &'static [u8] {
        match self.policy.release {
            ReleaseMode::OnDelivery => &DAYS[..1],
            ReleaseMode::AfterWindow => &DAYS,
        }
    }

    /// What the rules make of the world, and the checks that every decision has to pass.
    fn decided(&self, mut world: World) -> World {
        let (standing, parcels) = (self.standing(&world), self.parcels(&world));
        let shares = self.shares(&world, &parcels);
        let facts = Facts {
            policy: &self.policy,
            can: Can { shipped: false, delivered: false, ..Can::EVERYTHING },
            parcels: &parcels,
            shares: &shares,
            standing: &standing,
            called_off: false,
            contested: world.people.lost_payment,
            provider_knows_frozen: world.told_frozen,
            provider_holds: world.told_frozen,
        };
        let decision = decide(&facts, at(world.day));
        match decision.tell {
            Some(TriggerAction::Freeze) => world.told_frozen = true,
            Some(TriggerAction::Thaw) => world.told_frozen = false,
            Some(other) => panic!("{other} is not about all of an order"),
            None => {}
        }
        for (index, verdict) in decision.shares.into_iter().enumerate() {
            for made in verdict.triggers.iter().chain(&verdict.rewritten) {
                if made.action == TriggerAction::ConfirmReceipt {
                    self.has_grounds(&world, index);
                }
                if made.action == TriggerAction::Refund {
                    let ordered = standing.refunds.get(&self.of(index)).map(|order| order.amount_minor);
                    assert_eq!(ordered, Some(made.amount_minor), "not as it was ordered: {world:?}");
                }
                let part = &mut world.parts[index];
                let slot = match made.action {
                    TriggerAction::ConfirmReceipt => &mut part.confirm,
                    TriggerAction::Refund => &mut part.refund,
                    other => panic!("{other} has no call here"),
                };
                let unseen = slot.is_none_or(|sent| sent.is_fresh);
                assert!(unseen, "made twice, or rewritten when it was seen: {made:?}");
                let amount = made.amount_minor;
                *slot = Some(Sent {
                    stands: Stands::Unseen,
                    amount,
                    is_fresh: true,
                    is_on_the_wire: false,
                    took_effect: false,
                });
            }
            if verdict.buyer_confirmed {
                self.is_there(&world, index);
            }
            // It would be refused, and nobody could ask for it again.
            let goes = may_send(verdict.state).contains(&TriggerAction::ConfirmReceipt);
            assert!(!(goes && world.told_frozen), "released while the provider holds it: {world:?}");
            self.leaves_it_alone(&world, index, verdict.state);
            let part = &mut world.parts[index];
            part.state = verdict.state;
            part.taken_back = verdict.taken_back;
            // Where nothing waits for it, a word is no other world.
            part.confirmed = verdict.buyer_confirmed && self.policy.release == ReleaseMode::AfterWindow;
            part.delivered_on = verdict
                .delivered_at
                .map_or(0, |since| *DAYS.iter().find(|day| at(**day) == since).unwrap_or(&0));
        }
        world
    }

    /// A payment that is another order's by now is that one's to release and to give back.
    fn leaves_it_alone(&self, world: &World, index: usize, state: OrderState) {
        let part = world.parts[index];
        let unseen = |sent: &Sent| sent.stands == Stands::Unseen;
        let sent = [(TriggerAction::ConfirmReceipt, part.confirm), (TriggerAction::Refund, part.refund)];
        let mut unseen = sent.into_iter().filter(|(_, sent)| sent.as_ref().is_some_and(unseen));
        let moves = unseen.any(|(action, _)| may_send(state).contains(&action));
        assert!(!(world.people.lost_payment && moves), "another order's money: {world:?}");
    }

    /// A buyer's word about a delivery ends with it, so the next one is waited for anew.
    fn is_there(&self, world: &World, index: usize) {
        let mine = match self.policy.release_by {
            ReleaseBy::Order => world.goods.as_slice(),
            ReleaseBy::Parcel => &world.goods[index..=index],
        };
        assert!(mine.iter().all(|goods| *goods == Goods::Delivered), "not delivered: {world:?}");
    }

    /// Invariant 3, from the world itself.
    fn has_grounds(&self, world: &World, index: usize) {
        self.is_there(world, index);
        let people = world.people;
        assert!(!people.disputed && !people.froze, "released against somebody's word: {world:?}");
        let aside = people.set_aside & 1 != 0;
        assert!(aside || !world.goods.contains(&Goods::Returning), "in trouble: {world:?}");
        let since = world.parts[index].delivered_on;
        let days = u32::from(world.day.saturating_sub(if since == 0 { world.day } else { since }));
        let window = self.policy.days + if people.extended { 10 } else { 0 };
        let due = match self.policy.release {
            ReleaseMode::OnDelivery => true,
            ReleaseMode::AfterWindow => world.parts[index].confirmed || days >= window,
        };
        assert!(due, "before its time: {world:?}");
    }

    /// Invariant 4, from the provider's books.
    fn adds_up(&self, world: &World) {
        for (index, part) in world.parts.iter().enumerate() {
            let moved =
                |sent: Option<Sent>| sent.filter(|sent| sent.took_effect).map_or(0, |sent| sent.amount);
            let (released, refunded) = (moved(part.confirm), moved(part.refund));
            assert!(released + refunded <= self.held(index), "{released} + {refunded}: {world:?}");
        }
    }

    fn steps(&self, world: &World) -> Vec<World> {
        let mut all = Vec::new();
        self.of_goods(world, &mut all);
        self.of_people(world, &mut all);
        self.of_the_wire(world, &mut all);
        let mut also = |change: &dyn Fn(&mut World)| {
            let mut next = world.clone();
            change(&mut next);
            all.push(next);
        };
        if let Some(later) = self.days().iter().find(|day| **day > world.day) {
            also(&|next| next.day = *later);
        }
        let untouched = |part: &Part| [part.confirm, part.refund].iter().flatten().all(|it| !it.took_effect);
        if self.people && !world.provider_let_go && world.parts.iter().all(untouched) {
            also(&|next| next.provider_let_go = true);
        }
        if world.provider_let_go && !world.we_know_it_did {
            also(&|next| next.we_know_it_did = true);
        }
        all
    }

    fn of_goods(&self, world: &World, all: &mut Vec<World>) {
        for (index, goods) in world.goods.iter().enumerate() {
            let next: &[Goods] = match goods {
                Goods::There => &[Goods::PickedUp],
                Goods::PickedUp => &[Goods::Delivered, Goods::Returning],
                Goods::Delivered => &[Goods::TakenBack, Goods::Returning],
                Goods::TakenBack => &[Goods::Delivered],
                Goods::Returning => &[],
            };
            all.extend(next.iter().map(|goods| {
                let mut next = world.clone();
                next.goods[index] = *goods;
                next
            }));
        }
    }

    fn of_the_wire(&self, world: &World, all: &mut Vec<World>) {
        for index in 0..world.parts.len() {
            for action in [TriggerAction::ConfirmReceipt, TriggerAction::Refund] {
                let part = &world.parts[index];
                let Some(sent) = (if action == TriggerAction::Refund { part.refund } else { part.confirm })
                else {
                    continue;
                };
                let mut becomes = |changed: Sent| {
                    let mut next = world.clone();
                    let part = &mut next.parts[index];
                    let slot =
                        if action == TriggerAction::Refund { &mut part.refund } else { &mut part.confirm };
                    *slot = Some(changed);
                    all.push(next);
                };
                let may_go = may_send(part.state).contains(&action);
                let ordered = world.people.refund.map(|(_, amount, ..)| amount);
                let goes_now = action == TriggerAction::Refund && may_go && !sent.is_on_the_wire;
                assert!(!goes_now || ordered.is_none_or(|ordered| ordered == sent.amount), "{world:?}");
                ways_of(sent, may_go, world.provider_let_go).into_iter().for_each(&mut becomes);
            }
        }
    }

    fn explore(&self) -> usize {
        let start = self.decided(self.start());
        let mut known = HashSet::from([start.clone()]);
        let mut open = VecDeque::from([start]);
        while let Some(world) = open.pop_front() {
            self.adds_up(&world);
            for next in self.steps(&world) {
                let next = self.in_order(self.decided(next));
                if known.insert(next.clone()) {
                    open.push_back(next);
                }
            }
        }
        known.len()
    }
}

fn explore(release: ReleaseMode, release_by: ReleaseBy, parcels: usize, people: bool) {
    let policy = ReleasePolicy { release, release_by, ..ReleasePolicy::default() };
    let worlds = Model { policy, parcels, people }.explore();
    // Past the test's own capture: how much was looked at is worth more than that it passed.
    let _ = writeln!(
        std::io::stderr(),
        "{parcels} parcels, {release}, by {release_by}, everybody acts: {people}: {worlds} worlds"
    );
    assert!(worlds > 100, "somebody stopped the world");
}

#[test]
fn one_parcel_with_all_that_people_can_do() {
    explore(ReleaseMode::OnDelivery, ReleaseBy::Order, 1, true);
    explore(ReleaseMode::AfterWindow, ReleaseBy::Order, 1, true);
}

#[test]
fn two_parcels_together() {
    explore(ReleaseMode::OnDelivery, ReleaseBy::Order, 2, true);
}

#[test]
fn two_parcels_each_by_itself() {
    explore(ReleaseMode::OnDelivery, ReleaseBy::Parcel, 2, true);
    explore(ReleaseMode::AfterWindow, ReleaseBy::Parcel, 2, false);
}

#[test]
fn three_parcels_together() {
    explore(ReleaseMode::OnDelivery, ReleaseBy::Order, 3, true);
    explore(ReleaseMode::AfterWindow, ReleaseBy::Order, 3, false);
}

#[test]
fn three_parcels_each_by_itself() {
    explore(ReleaseMode::OnDelivery, ReleaseBy::Parcel, 3, false);
}
