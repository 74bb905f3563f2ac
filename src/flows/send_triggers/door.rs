//! The way to one provider: what may go there now, what stands ready, and how much is claimed for it.
//!
//! Claiming takes its turn with storing answers, and a provider that answers fast has dealt with all that it may have
//! at once before the next claim is committed. So as much as it answered since the last claim is claimed ahead: none
//! of one that is slow, or rests. What stands ready is claimed, and counts as begun; so it stands there for a moment
//! only, since nobody could take it out any more. What did not get its turn by then is given back as it was.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::instant::Instant;
use crate::domain::outbox::{Destination, OutboxState};
use crate::escrow::provider::Provider;
use crate::outbox::gate::Gate;
use crate::store::outbox::{self, Message};
use crate::store::{StoreError, Tx};

#[derive(Default)]
pub struct Door {
    pub gate: Gate,
    due: Due,
    ready: VecDeque<Ready>,
    /// Since the last claim.
    answered: usize,
}

struct Ready {
    message: Message,
    claimed_at: Instant,
}

/// What is known of what there is to send.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    /// As much as could be claimed, and perhaps more.
    More,
    /// Somebody said so.
    #[default]
    New,
}

/// What is to be claimed for one provider.
pub struct Places {
    pub provider: Provider,
    pub destination: Destination,
    /// To go at once.
    pub through: usize,
    /// Of these, for questions about what was taken out.
    pub to_ask: usize,
    /// To stand ready, beside.
    pub ahead: usize,
}

pub struct Claimed {
    pub places: Places,
    pub to_ask: Vec<Message>,
    pub to_send: Vec<Message>,
}

/// What stands ready was claimed no longer ago.
pub const MOMENT: Duration = Duration::from_millis(250);

impl Door {
    /// There may be something new.
    pub fn look_again(&mut self) {
        self.due = Due::New;
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub fn has_answered(&mut self) {
        self.answered += 1;
    }

    /// How many may go at once and how many may be claimed ahead, where that is worth a commit: with at most `most`
    /// under way, and no more than `room` in all, of which what is claimed ahead leaves so many `to_others`.
    pub fn places(
        &mut self,
        most: usize,
        room: usize,
        to_others: usize,
        wall: Instant,
    ) -> Option<(usize, usize)> {
        let under_way = self.gate.under_way();
        let free = most.saturating_sub(under_way).min(room);
        let ahead = match self.gate.rests() {
            true => 0,
            false => {
                self.answered.saturating_sub(self.ready.len()).min(room.saturating_sub(free + to_others))
            }
        };
        let is_worth_it = match self.due {
            Due::Nothing => false,
            // Not one by one while many are on their way.
            Due::More => under_way == 0 || free + ahead >= most.div_ceil(4),
            Due::New => true,
        };
        if !is_worth_it {
            return None;
        }
        let through = self.gate.let_through(under_way + free, wall);
        if through + ahead == 0 {
            return None;
        }
        self.answered = 0;
        Some((through, ahead))
    }

    /// Takes note of a claim, and gives back the places that nothing was found for. What is to be sent at once is
    /// left in it.
    pub fn claimed(&mut self, claimed: &mut Claimed, wall: Instant) {
        let Places { through, ahead, .. } = claimed.places;
        let found = claimed.to_ask.len() + claimed.to_send.len();
        self.due = if found == through + ahead { Due::More } else { Due::Nothing };
        let at_once = (through - claimed.to_ask.len()).min(claimed.to_send.len());
        let later = claimed.to_send.split_off(at_once);
        self.gate.give_back(through - claimed.to_ask.len() - at_once, wall);
        self.ready.extend(later.into_iter().map(|message| Ready { message, claimed_at: wall }));
    }

    /// The next one that stands ready, if there is a place for it: it is under way then.
    pub fn next(&mut self, most: usize, wall: Instant) -> Option<Message> {
        if self.ready.is_empty() || self.gate.let_through(most.min(self.gate.under_way() + 1), wall) == 0 {
            return None;
        }
        self.ready.pop_front().map(|ready| ready.message)
    }

    /// What shall not stand ready any longer, for it was claimed too long ago, or nothing may go.
    pub fn turn_away(&mut self, is_closing: bool, wall: Instant) -> impl Iterator<Item = Message> {
        let all = is_closing || self.gate.rests();
        // Before it was claimed: the clock was set back.
        let is_late = |ready: &Ready| (wall - ready.claimed_at).to_std().map_or(true, |age| age > MOMENT);
        // Claimed one after the other: the first ones are the oldest.
        let late = self.ready.iter().take_while(|ready| all || is_late(ready)).count();
        self.ready.drain(..late).map(|ready| ready.message)
    }
}

/// In one transaction for all of them.
pub async fn claim(
    tx: &Tx,
    all: Vec<Places>,
    wall: Instant,
    leased_until: Instant,
) -> Result<Vec<Claimed>, StoreError> {
    let mut claimed = Vec::with_capacity(all.len());
    for places in all {
        let Places { destination, through, to_ask, ahead, .. } = &places;
        let to_ask = match *to_ask {
            0 => Vec::new(),
            most => {
                outbox::claim_in_doubt(tx, OutboxState::Frozen, destination, wall, leased_until, most).await?
            }
        };
        let left = through + ahead - to_ask.len();
        let to_send = match left {
            0 => Vec::new(),
            most => outbox::claim(tx, destination, wall, leased_until, most).await?,
        };
        claimed.push(Claimed { places, to_ask, to_send });
    }
    Ok(claimed)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::chance;
    use crate::config;
    use crate::domain::id::{OrderId, ShipmentId, TriggerId};
    use crate::domain::instant::from_micros;
    use crate::escrow::registry::Providers;
    use crate::outbox::gate::Went;

    const MOST: usize = 4;

    fn at(millis: i64) -> Instant {
        from_micros(millis * 1_000)
    }

    fn message() -> Message {
        Message {
            id: TriggerId::from_uuid(chance::id()),
            shipment: ShipmentId::from_uuid(chance::id()),
            stream: OrderId::from_uuid(chance::id()),
            position: 1_000,
            destination: Destination::escrow("sandbox"),
            body: String::new(),
            state: OutboxState::Pending,
            attempts: 0,
            next_attempt_at: at(0),
            leased_until: at(60_000),
            last_problem: None,
            created_at: at(0),
            claims: 1,
            answered: 0,
            first_sent_at: Some(at(0)),
        }
    }

    /// A claim of all that is asked for, but for what is not there. Says how many go at once.
    fn claim(door: &mut Door, (through, ahead): (usize, usize), there: usize, wall: Instant) -> usize {
        let known = "escrow.webhook_url = \"https://escrow.example/in\"\nescrow.webhook_secret = \"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"";
        let settings = config::defaults_with(known).expect("valid settings");
        let providers = Providers::open(&settings.escrow).expect("a provider");
        let provider = providers.get("webhook").expect("the provider").clone();
        let destination = Destination::escrow(provider.name);
        let places = Places { provider, destination, through, to_ask: 0, ahead };
        let to_send = (0..there.min(through + ahead)).map(|_| message()).collect();
        let mut claimed = Claimed { places, to_ask: Vec::new(), to_send };
        door.claimed(&mut claimed, wall);
        claimed.to_send.len()
    }

    fn answer(door: &mut Door, times: usize, wall: Instant) {
        for _ in 0..times {
            door.gate.ended(wall, wall, Went::Well, |_| TimeDelta::zero());
            door.has_answered();
        }
    }

    fn fail(door: &mut Door, times: usize, wall: Instant) {
        for _ in 0..times {
            door.gate.ended(wall, wall, Went::Failed { asked: None }, |_| TimeDelta::hours(1));
        }
    }

    #[test]
    fn as_much_is_claimed_ahead_as_was_answered_since_the_last_claim() {
        let mut door = Door::default();
        assert_eq!(door.places(MOST, 100, 0, at(0)), Some((MOST, 0)));
        assert_eq!(claim(&mut door, (MOST, 0), 100, at(0)), MOST);
        assert_eq!(door.places(MOST, 100, 0, at(0)), None, "all places are taken");
        answer(&mut door, 3, at(1));
        assert_eq!(door.places(MOST, 100, 0, at(1)), Some((3, 3)));
        assert_eq!(claim(&mut door, (3, 3), 100, at(1)), 3);
        // What stands ready goes first, and counts.
        answer(&mut door, 4, at(2));
        assert!(door.next(MOST, at(2)).is_some() && door.next(MOST, at(2)).is_some());
        assert_eq!(door.places(MOST, 100, 0, at(2)), Some((2, 3)));
    }

    #[test]
    fn there_is_never_more_than_room() {
        let mut door = Door::default();
        assert_eq!(door.places(MOST, MOST, 0, at(0)), Some((MOST, 0)));
        claim(&mut door, (MOST, 0), 100, at(0));
        answer(&mut door, MOST, at(1));
        assert_eq!(door.places(MOST, 6, 1, at(1)), Some((MOST, 1)));
        door.gate.give_back(MOST, at(1));
        assert_eq!(door.places(MOST, 0, 0, at(1)), None);
    }

    #[test]
    fn what_is_not_there_gives_its_place_back_and_is_not_looked_for_again() {
        let mut door = Door::default();
        let places = door.places(MOST, 100, 0, at(0)).expect("places");
        assert_eq!(claim(&mut door, places, 1, at(0)), 1);
        assert_eq!((door.gate.under_way(), door.places(MOST, 100, 0, at(0))), (1, None));
        door.look_again();
        assert_eq!(door.places(MOST, 100, 0, at(0)), Some((MOST - 1, 0)));
    }

    /// With three that stand ready since the first millisecond, and a place for one of them.
    fn three_ready() -> Door {
        let mut door = Door::default();
        let places = door.places(MOST, 100, 0, at(0)).expect("places");
        claim(&mut door, places, 100, at(0));
        answer(&mut door, 3, at(1));
        let places = door.places(MOST, 100, 0, at(1)).expect("places");
        claim(&mut door, places, 100, at(1));
        answer(&mut door, 1, at(1));
        door
    }

    #[test]
    fn nothing_stands_ready_for_longer_than_a_moment() {
        let mut door = three_ready();
        assert_eq!(door.turn_away(false, at(251)).count(), 0);
        assert!(door.next(MOST, at(251)).is_some());
        assert!(door.next(MOST, at(251)).is_none(), "there is no other place");
        assert_eq!(door.turn_away(false, at(252)).count(), 2);
        assert_eq!(three_ready().turn_away(false, at(0)).count(), 3, "the clock was set back");
    }

    #[test]
    fn nothing_stands_ready_where_nothing_goes() {
        assert_eq!(three_ready().turn_away(true, at(1)).count(), 3);
        let mut door = three_ready();
        fail(&mut door, 3, at(1));
        assert_eq!(door.turn_away(false, at(1)).count(), 0);
        assert!(door.next(MOST, at(1)).is_some());
        fail(&mut door, 2, at(1));
        assert!(door.gate.rests());
        assert_eq!(door.turn_away(false, at(1)).count(), 2);
        door.look_again();
        assert_eq!(door.places(MOST, 100, 0, at(1)), None);
    }
}
