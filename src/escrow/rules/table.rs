//! What is seen of an order's money × where it stands → where it goes.
//!
//! The whole machine is [`TABLE`]: a row for each state, a column for each [`Sight`], no
//! pair left out. What was once released or refunded stays so, whatever is seen. The
//! README's diagram is made from it.

use crate::domain::escrow::OrderState::{
    self, ConfirmRequested, Confirmed, Delivered, Failed, Frozen, Held, RefundRequested, Refunded, Shipped,
};
use crate::domain::text::words;

words! {
    /// What the facts come to, the strongest of them.
    Sight {
        /// Not everything was picked up.
        Nothing = "nothing yet",
        PickedUp = "picked up",
        /// Delivered, and the policy makes the release wait.
        Delivered = "delivered",
        /// Delivered, and the policy lets the money go.
        ReleaseDue = "release due",
        /// The provider took no confirmation, or a person took it out.
        ReleaseRefused = "release refused",
        /// A reason for no money to move.
        Trouble = "trouble",
        /// A refund was ordered, and approved where it has to be.
        RefundDue = "refund due",
        RefundRefused = "refund refused",
        /// The provider has paid the merchant.
        Released = "released",
        /// The provider has paid everything back.
        Refunded = "refunded",
    }
}

type Row = [OrderState; 10];

/// In the order of [`Sight::ALL`]. A row's name stands before it.
pub const TABLE: [(OrderState, Row); 9] = [
    (Held, moving(Held, Shipped)),
    // That it was shipped was said, and stays said.
    (Shipped, moving(Shipped, Shipped)),
    // That a delivery was taken back is trouble, whoever set it aside before.
    (Delivered, moving(Frozen, Frozen)),
    // What has to wait again, by another proof or by a clock that went back, is taken out again.
    (ConfirmRequested, moving(Frozen, Frozen)),
    (Confirmed, [Confirmed; 10]),
    (Frozen, moving(Held, Shipped)),
    // Of a refund in part, the rest goes on.
    (RefundRequested, moving(Held, Shipped)),
    (Refunded, [Refunded; 10]),
    (Failed, moving(Held, Shipped)),
];

/// A row of a state from which everything is still possible.
const fn moving(nothing: OrderState, picked_up: OrderState) -> Row {
    [
        nothing,
        picked_up,
        Delivered,
        ConfirmRequested,
        Failed,
        Frozen,
        RefundRequested,
        Failed,
        Confirmed,
        Refunded,
    ]
}

pub fn next(state: OrderState, sight: Sight) -> OrderState {
    TABLE[state as usize].1[sight as usize]
}

/// The table as a Mermaid state diagram: an arrow for each pair of states, with what leads along it.
pub fn diagram() -> String {
    let mut lines = vec!["stateDiagram-v2".to_owned(), "    [*] --> held".to_owned()];
    for (from, row) in &TABLE {
        for to in OrderState::ALL.iter().filter(|to| *to != from) {
            let leads = |(_, leads): &(&Sight, &OrderState)| *leads == to;
            let sights: Vec<_> =
                Sight::ALL.iter().zip(row).filter(leads).map(|(sight, _)| sight.as_str()).collect();
            if !sights.is_empty() {
                lines.push(format!("    {from} --> {to}: {}", sights.join(", ")));
            }
        }
    }
    lines.extend(["    confirmed --> [*]".to_owned(), "    refunded --> [*]".to_owned()]);
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_row_and_each_sight_its_column() {
        let rows: Vec<_> = TABLE.iter().map(|(state, _)| *state).collect();
        assert_eq!(rows, OrderState::ALL);
        assert_eq!(Sight::ALL.len(), TABLE[0].1.len());
    }

    #[test]
    fn trouble_freezes_whatever_can_still_move() {
        for state in OrderState::ALL {
            let settled = matches!(state, Confirmed | Refunded);
            assert_eq!(next(*state, Sight::Trouble), if settled { *state } else { Frozen });
        }
    }

    #[test]
    fn the_readme_shows_the_table() {
        let readme = include_str!("../../../README.md");
        let block = format!("```mermaid\n{}```\n", diagram());
        assert!(readme.contains(&block), "README.md should have:\n{block}");
        assert_eq!(
            readme.matches("```mermaid\nstateDiagram-v2").count(),
            1,
            "and nothing that it was before"
        );
    }
}
