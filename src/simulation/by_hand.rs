//! What an operator does with triggers: takes one out, thinks it over, and lets it go again.
//!
//! Where nobody knows what came of one, she looks at the provider's console now and then, and says what it shows. What
//! she took out by mistake she comes back to until it is no longer out: so nothing is left behind by that. Only what the
//! goods themselves hold, on their way back or lost for good, she leaves in the end, as it is not to be sent.

use chrono::TimeDelta;

use super::diary::Task;
use super::money::operator;
use super::steps::Done;
use super::world::World;
use super::{Trouble, invariants};
use crate::domain::escrow::OrderState;
use crate::domain::id::{ShipmentId, TriggerId};
use crate::domain::outbox::OutboxState;
use crate::escrow::rules::is_settled;
use crate::flows::tend_outbox::{self, ByHand, HandError};
use crate::store::outbox::Message;
use crate::store::{orders, outbox};

/// Of how many shipments, of those about whom people do anything.
const PARKED_SHARE: f64 = 0.3;
/// How often she comes back to one, twice a day: longer than anybody's doubt about an order lasts.
const TRIES_MAX: u32 = 80;
/// Of those of which nobody knows what came of them.
const LOOKED_UP_SHARE: f64 = 0.5;

/// Some day of its way, or when it is there already.
pub fn await_mistake(world: &mut World, shipment: ShipmentId) {
    if world.faults.acts > 0.0 && world.dice.f64() < world.faults.acts * PARKED_SHARE {
        let at = world.now + TimeDelta::minutes(world.dice.i64(0..25 * 24 * 60));
        world.diary.note(at, Task::Park { shipment });
    }
}

/// Takes out whatever there is that can be taken out.
pub async fn park(world: &mut World, shipment: ShipmentId) -> Done {
    let order = orders::of_shipment(world.deps.store.reader(), shipment).await?;
    let messages = outbox::of_stream(world.deps.store.reader(), order.id).await?;
    let is_open =
        |message: &&Message| !matches!(message.state, OutboxState::Acknowledged | OutboxState::Parked);
    let open: Vec<TriggerId> = messages.iter().filter(is_open).map(|message| message.id).collect();
    let Some(trigger) = world.dice.choice(open) else { return Ok(Some(())) };
    let at = world.now + TimeDelta::minutes(world.dice.i64(10..3 * 24 * 60));
    world.diary.note(at, Task::Revive { shipment, trigger, tries: 0 });
    by_hand(world, trigger, ByHand::Park).await
}

pub async fn revive(world: &mut World, shipment: ShipmentId, trigger: TriggerId, tries: u32) -> Done {
    let message = outbox::find(world.deps.store.reader(), trigger).await?;
    let Some(message) = message.filter(|message| message.state == OutboxState::Parked) else {
        return Ok(Some(()));
    };
    let order = orders::of_shipment(world.deps.store.reader(), shipment).await?;
    let triggers = orders::triggers(world.deps.store.reader(), shipment).await?;
    let of = triggers.iter().find(|known| known.id == trigger).and_then(|known| known.facts.parcel);
    if order.shares.iter().any(|share| share.of == of && is_settled(share.state)) {
        // There is nothing left to say of it.
        return Ok(Some(()));
    }
    if tries == TRIES_MAX && order.state == OrderState::Frozen {
        return Ok(Some(()));
    }
    if tries == TRIES_MAX {
        return Err(invariants::broken(shipment, format!("{trigger} cannot be let go again")));
    }
    world.diary.note(world.now + TimeDelta::hours(12), Task::Revive { shipment, trigger, tries: tries + 1 });
    let looks_it_up = message.is_in_doubt() && world.dice.f64() < LOOKED_UP_SHARE;
    let did = world.outside.books().provider.did(trigger);
    let what = match (looks_it_up, did) {
        (false, _) => ByHand::Retry,
        (true, true) => ByHand::TookEffect,
        (true, false) => ByHand::NoEffect,
    };
    by_hand(world, trigger, what).await
}

pub async fn by_hand(world: &mut World, trigger: TriggerId, what: ByHand) -> Done {
    let deps = world.deps.clone();
    let flow = tend_outbox::by_hand(&deps, trigger, what, operator("ana").actor());
    let Some(done) = world.live(flow).await else { return Ok(None) };
    match done {
        Err(HandError::Store(error)) => Err(Trouble::Job { job: "outbox", error: error.to_string() }),
        Err(refused) => {
            world.note(&format!("ana about {trigger}: {what:?}: refused: {refused}"));
            Ok(Some(()))
        }
        Ok(_) => {
            world.note(&format!("ana about {trigger}: {what:?}"));
            Ok(Some(()))
        }
    }
}
