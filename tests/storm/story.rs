//! What becomes of an order's money: who does what about it, and how that has to end. Pure.

use std::collections::BTreeMap;

use fastrand::Rng;
use sampan::domain::escrow::{OrderState, TriggerAction};
use sampan::domain::money::Money;
use serde_json::{Value, json};

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Half,
    All,
}

impl Part {
    pub fn of(self, held: Money) -> Money {
        match self {
            Part::Half => Money::new((held.minor / 2).max(1), held.currency),
            Part::All => held,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// The goods arrive, and the merchant is paid.
    Plain,
    /// The same, each parcel's share by itself.
    PlainByParcel,
    /// By the merchant, before anybody collects it.
    CalledOff,
    /// An operator freezes it on the way, and thaws it.
    FrozenForAWhile,
    FrozenForGood,
    /// The buyer objects on the way, and takes it back.
    DisputeWithdrawn,
    DisputeRejected,
    /// An operator orders it on the way, another one approves.
    RefundedOnTheWay(Part),
    /// Within the window after its delivery: the buyer extends it, and confirms.
    ConfirmedByBuyer,
    /// Within the window the buyer objects, and an operator refunds; the rest the buyer confirms.
    RefundedAtTheDoor(Part),
    /// By its own deadline, before the goods arrive; it says so by a notice.
    ReleasedByProvider,
    /// The same while the goods arrive: whose release is first, nobody knows.
    ReleasedByProviderInARace,
    /// The buyer objects while the release is on its way, and is told that all is well.
    DisputedInARace,
    /// An operator refunds while the release is on its way: whether the merchant was paid before, nobody knows.
    RefundedInARace,
}

/// What somebody does about an order's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Freeze,
    Thaw,
    Dispute,
    Withdraw,
    Reject,
    OrderRefund(Part),
    /// An operator closes the dispute with a refund.
    SettleBy(Part),
    /// The operator who did not order it, where one has to.
    Approve(Part),
    Extend,
    Confirm,
    /// Nobody acts before the order is said to be delivered.
    AwaitDelivery,
    /// Or before the merchant's money is on its way.
    AwaitRelease,
    ProviderReleases,
}

/// How an order has to be found when all is at rest.
#[derive(Debug, Clone)]
pub struct End {
    pub state: OrderState,
    /// What the provider has to have been told and to have done, of what is told once.
    pub done: Vec<TriggerAction>,
    /// What it can have been told as well: whether it was in time depends on the weather.
    pub possible: Vec<TriggerAction>,
    pub released_minor: i64,
    pub refunded_minor: i64,
}

impl Story {
    /// `by_provider`: whether the provider can be asked how a trade stands.
    pub fn draw(dice: &mut Rng, by_provider: bool) -> Self {
        let part = if dice.bool() { Part::Half } else { Part::All };
        match dice.u8(0..100) {
            0..8 => Story::CalledOff,
            8..16 => Story::FrozenForAWhile,
            16..19 => Story::FrozenForGood,
            19..26 => Story::DisputeWithdrawn,
            26..33 => Story::DisputeRejected,
            33..45 => Story::RefundedOnTheWay(part),
            45..55 => Story::ConfirmedByBuyer,
            55..67 => Story::RefundedAtTheDoor(part),
            67..70 if by_provider => Story::ReleasedByProvider,
            70..74 if by_provider => Story::ReleasedByProviderInARace,
            // Elsewhere a person finds out whether the release took effect before anything is refunded.
            74..79 if by_provider => Story::RefundedInARace,
            79..86 => Story::DisputedInARace,
            86..92 => Story::PlainByParcel,
            _ => Story::Plain,
        }
    }

    pub fn policy(self) -> Value {
        match self {
            Story::ConfirmedByBuyer | Story::RefundedAtTheDoor(_) => {
                json!({"release": "after_window", "days": 10})
            }
            Story::PlainByParcel => json!({"release": "on_delivery", "release_by": "parcel"}),
            Story::Plain
            | Story::CalledOff
            | Story::FrozenForAWhile
            | Story::FrozenForGood
            | Story::DisputeWithdrawn
            | Story::DisputeRejected
            | Story::RefundedOnTheWay(_)
            | Story::ReleasedByProvider
            | Story::ReleasedByProviderInARace
            | Story::DisputedInARace
            | Story::RefundedInARace => json!({"release": "on_delivery"}),
        }
    }

    /// Before the courier has it.
    pub fn on_the_way(self) -> Vec<Deed> {
        match self {
            Story::Plain
            | Story::PlainByParcel
            | Story::CalledOff
            | Story::ConfirmedByBuyer
            | Story::RefundedAtTheDoor(_)
            | Story::ReleasedByProviderInARace
            | Story::DisputedInARace
            | Story::RefundedInARace => Vec::new(),
            Story::FrozenForAWhile => vec![Deed::Freeze, Deed::Thaw],
            Story::FrozenForGood => vec![Deed::Freeze],
            Story::DisputeWithdrawn => vec![Deed::Dispute, Deed::Withdraw],
            Story::DisputeRejected => vec![Deed::Dispute, Deed::Reject],
            Story::RefundedOnTheWay(part) => vec![Deed::OrderRefund(part), Deed::Approve(part)],
            Story::ReleasedByProvider => vec![Deed::ProviderReleases],
        }
    }

    /// After that.
    pub fn at_the_door(self) -> Vec<Deed> {
        match self {
            Story::ConfirmedByBuyer => vec![Deed::AwaitDelivery, Deed::Extend, Deed::Confirm],
            Story::RefundedAtTheDoor(part) => {
                let mut deeds =
                    vec![Deed::AwaitDelivery, Deed::Dispute, Deed::SettleBy(part), Deed::Approve(part)];
                if part == Part::Half {
                    deeds.extend([Deed::AwaitDelivery, Deed::Confirm]);
                }
                deeds
            }
            Story::ReleasedByProviderInARace => vec![Deed::ProviderReleases],
            Story::DisputedInARace => vec![Deed::AwaitRelease, Deed::Dispute, Deed::Reject],
            Story::RefundedInARace => {
                vec![Deed::AwaitRelease, Deed::OrderRefund(Part::All), Deed::Approve(Part::All)]
            }
            Story::Plain
            | Story::PlainByParcel
            | Story::CalledOff
            | Story::FrozenForAWhile
            | Story::FrozenForGood
            | Story::DisputeWithdrawn
            | Story::DisputeRejected
            | Story::RefundedOnTheWay(_)
            | Story::ReleasedByProvider => Vec::new(),
        }
    }

    /// How it has to end; in a race, in one of these ways.
    pub fn ends(self, held: Money) -> Vec<End> {
        use TriggerAction::{ConfirmReceipt, Delivered, Refund, Shipped};
        let end = |state, done: &[TriggerAction], possible: &[TriggerAction], released, refunded| End {
            state,
            done: done.to_vec(),
            possible: possible.to_vec(),
            released_minor: released,
            refunded_minor: refunded,
        };
        let (all, half) = (held.minor, Part::Half.of(held).minor);
        let paid = || end(OrderState::Confirmed, &[Shipped, Delivered, ConfirmReceipt], &[], all, 0);
        let back = |possible| end(OrderState::Refunded, &[Refund], possible, 0, all);
        match self {
            Story::Plain
            | Story::PlainByParcel
            | Story::FrozenForAWhile
            | Story::DisputeWithdrawn
            | Story::DisputeRejected
            | Story::ConfirmedByBuyer => vec![paid()],
            Story::CalledOff => vec![end(OrderState::Frozen, &[], &[], 0, 0)],
            Story::FrozenForGood => vec![end(OrderState::Frozen, &[], &[Shipped], 0, 0)],
            Story::RefundedOnTheWay(Part::All) => vec![back(&[Shipped])],
            Story::RefundedAtTheDoor(Part::All) => vec![back(&[Shipped, Delivered])],
            Story::RefundedOnTheWay(Part::Half) | Story::RefundedAtTheDoor(Part::Half) => {
                let done = [Shipped, Delivered, ConfirmReceipt, Refund];
                vec![end(OrderState::Confirmed, &done, &[], all - half, half)]
            }
            // What it says may be taken in later than the goods arrive.
            Story::ReleasedByProvider => vec![end(OrderState::Confirmed, &[], &[Shipped, Delivered], all, 0)],
            Story::ReleasedByProviderInARace => {
                vec![end(OrderState::Confirmed, &[], &[Shipped, Delivered, ConfirmReceipt], all, 0)]
            }
            // A release that reaches the provider behind the freeze is refused there, for good.
            Story::DisputedInARace => {
                vec![paid(), end(OrderState::Failed, &[], &[Shipped, Delivered], 0, 0)]
            }
            Story::RefundedInARace => vec![paid(), back(&[Shipped, Delivered])],
        }
    }

    /// Who acts may be too late.
    pub fn is_a_race(self) -> bool {
        matches!(self, Story::ReleasedByProviderInARace | Story::DisputedInARace | Story::RefundedInARace)
    }

    /// What people did, each in the chain once: how often the fewest times, and how often the most.
    pub fn acts(self, held: Money) -> BTreeMap<&'static str, (usize, usize)> {
        let mut acts = BTreeMap::new();
        let fewest = usize::from(!self.is_a_race());
        for deed in self.on_the_way().into_iter().chain(self.at_the_door()) {
            let kinds: &[&str] = match deed {
                Deed::Freeze => &["frozen"],
                Deed::Thaw => &["thawed"],
                Deed::Dispute => &["dispute_opened"],
                Deed::Withdraw => &["dispute_withdrawn"],
                Deed::Reject => &["dispute_closed"],
                Deed::SettleBy(_) => &["dispute_closed", "refund_ordered"],
                Deed::OrderRefund(_) => &["refund_ordered"],
                Deed::Approve(part) if needs_second_person(part.of(held)) => &["refund_approved"],
                Deed::Approve(_) | Deed::AwaitDelivery | Deed::AwaitRelease => &[],
                Deed::Extend => &["buyer_extended"],
                Deed::Confirm => &["buyer_confirmed"],
                Deed::ProviderReleases => &["provider_released"],
            };
            // What is frozen may be frozen again: who was not answered asks twice.
            let most = if deed == Deed::Freeze { usize::MAX } else { 1 };
            acts.extend(kinds.iter().map(|kind| (*kind, (fewest, most))));
        }
        acts
    }

    /// By anybody else than by us.
    pub fn may_be_released_by_provider(self) -> bool {
        matches!(self, Story::ReleasedByProvider | Story::ReleasedByProviderInARace)
    }
}

/// What the daemons' settings say: more than so much takes a second person, and everything in another currency.
pub const SECOND_PERSON_ABOVE: &str = "1000.00 CNY";
const ABOVE_MINOR: i64 = 100_000;

pub fn needs_second_person(amount: Money) -> bool {
    amount.currency.to_string() != "CNY" || amount.minor > ABOVE_MINOR
}
