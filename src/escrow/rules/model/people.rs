//! What people do about the money of a world.

use super::*;

impl Model {
    /// The names of the troubles that a person who thaws sets aside.
    fn known(&self, world: &World, share: &Share) -> Vec<String> {
        let mut names = Vec::new();
        if world.goods.contains(&Goods::Returning) {
            names.push("returning".to_owned());
        }
        names.extend(share.delivered_at.map(|since| format!("taken_back {}", since.timestamp_micros())));
        names
    }

    pub fn of_people(&self, world: &World, all: &mut Vec<World>) {
        let standing = self.standing(world);
        let parcels = self.parcels(world);
        let shares = self.shares(world, &parcels);
        let states: Vec<_> = shares.iter().map(|share| share.state).collect();
        let window = shares[0].delivered_at.map(|since| since + TimeDelta::days(i64::from(self.policy.days)));
        let situation = |index: usize, act: &Act| Situation {
            state: states.get(index).copied().unwrap_or_else(|| acts::state_for(act, &states)),
            policy: &self.policy,
            standing: &standing,
            now: at(world.day),
            window_ends_at: window.filter(|_| self.policy.release == ReleaseMode::AfterWindow),
            can_refund: true,
            contested: world.people.lost_payment,
            left_minor: shares.get(index).map_or(0, Share::left_minor),
            refund_begun_minor: world
                .parts
                .get(index)
                .and_then(|part| part.refund.filter(|sent| !sent.is_fresh).map(|sent| sent.amount)),
            refund_was_sent: world.parts.get(index).is_some_and(|part| {
                part.refund
                    .is_some_and(|sent| sent.stands.is_in_doubt() || sent.stands == Stands::Acknowledged)
            }),
        };
        let mut when = |act: &Act, actor: &str, index: usize, change: &dyn Fn(&mut World)| {
            if admit(act, actor, &situation(index, act)).is_ok() {
                let mut next = world.clone();
                for part in &mut next.parts {
                    part.confirmed = acts::has_confirmed(act, part.confirmed, part.state);
                }
                change(&mut next);
                all.push(next);
            }
        };
        let (dispute, order) = (DisputeId::from_uuid(Uuid::nil()), usize::MAX);
        let opened = Act::DisputeOpened { dispute, reason: DisputeReason::NotReceived };
        when(&opened, "buyer", order, &|next| next.people.disputed = true);
        when(&Act::DisputeWithdrawn { dispute }, "buyer", order, &|next| next.people.disputed = false);
        when(&Act::BuyerConfirmed, "buyer", order, &|_| {});
        if !self.people {
            return;
        }
        when(&Act::BuyerExtended { days: 10 }, "buyer", order, &|next| next.people.extended = true);
        let reason = || "a reason".to_owned();
        when(&Act::Frozen { reason: reason() }, "ana", order, &|next| {
            (next.people.froze, next.people.withdrew) = (true, false);
        });
        let thaw = Act::Thawed { reason: reason(), set_aside: Default::default() };
        let known = shares.iter().flat_map(|share| self.known(world, share));
        let bits = known.fold(0, |bits, name| {
            bits | troubles().iter().position(|known| *known == name).map_or(0, |bit| 1 << bit)
        });
        when(&thaw, "ana", order, &|next| {
            (next.people.froze, next.people.withdrew) = (false, false);
            next.people.set_aside |= bits;
        });
        // All refunds are of the first share: the others are like it.
        let share = self.of(0);
        for (amount_minor, needs_second) in [(self.held(0), false), (1, true)] {
            let act = Act::RefundOrdered { share, amount_minor, reason: reason(), needs_second };
            when(&act, "ana", 0, &|next| {
                next.people.refund = Some((0, amount_minor, needs_second, false));
                next.people.froze &= !next.people.withdrew;
                next.people.withdrew = false;
            });
        }
        when(&Act::RefundApproved { share }, "ben", 0, &|next| {
            next.people.refund =
                next.people.refund.map(|(part, amount, needs, _)| (part, amount, needs, true));
        });
        when(&Act::RefundWithdrawn { share, reason: reason() }, "ana", 0, &|next| {
            (next.people.refund, next.people.withdrew) = (None, !next.people.froze);
            next.people.froze = true;
        });
        let has_begun = |sent: Sent| sent.stands.is_in_doubt() || sent.stands == Stands::Acknowledged;
        let may_have_moved = |part: &Part| {
            is_settled(part.state) || [part.confirm, part.refund].into_iter().flatten().any(has_begun)
        };
        // By parcel it is the same of each share, and there are too many worlds.
        let is_one = self.policy.release_by == ReleaseBy::Order;
        if is_one && !world.people.lost_payment && !world.parts.iter().any(may_have_moved) {
            let mut next = world.clone();
            next.people.lost_payment = true;
            all.push(next);
        }
    }
}
