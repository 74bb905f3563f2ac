//! A trigger's way to the provider, and what can go wrong on it.

use crate::escrow::rules::Stands;

/// A trigger that moves money, from its making to its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sent {
    pub stands: Stands,
    pub amount: i64,
    pub is_fresh: bool,
    pub is_on_the_wire: bool,
    pub took_effect: bool,
}

/// What can become of a trigger next.
pub fn ways_of(sent: Sent, may_go: bool, nothing_left: bool) -> Vec<Sent> {
    let mut ways = Vec::new();
    let settled = matches!(sent.stands, Stands::Acknowledged);
    if sent.is_on_the_wire {
        let landed = Sent { is_on_the_wire: false, took_effect: sent.took_effect || !nothing_left, ..sent };
        if landed.took_effect {
            ways.push(Sent { stands: Stands::Acknowledged, ..landed });
        }
        // The answer is lost, or whoever waited for it died.
        ways.push(Sent { stands: Stands::MaybeSeen, ..landed });
        ways.push(Sent { stands: Stands::GivenUp, ..landed });
        let lost = Sent { is_on_the_wire: false, ..sent };
        ways.push(Sent { stands: Stands::MaybeSeen, ..lost });
        if !sent.took_effect {
            ways.push(Sent { stands: Stands::Unseen, ..lost });
            ways.push(Sent { stands: Stands::Refused, ..lost });
        }
    } else if !settled {
        let revived = matches!(sent.stands, Stands::Refused | Stands::GivenUp);
        if may_go && !revived {
            ways.push(Sent { stands: Stands::MaybeSeen, is_fresh: false, is_on_the_wire: true, ..sent });
        }
        match sent.stands {
            Stands::MaybeSeen | Stands::GivenUp if sent.took_effect => {
                ways.push(Sent { stands: Stands::Acknowledged, ..sent });
            }
            Stands::MaybeSeen | Stands::GivenUp | Stands::Refused => {
                ways.push(Sent { stands: Stands::Unseen, ..sent });
            }
            Stands::Unseen | Stands::Acknowledged => {}
        }
    }
    ways
}
