//! What people do about money: buyers confirm, wait, object; operators decide, and order back what will not come.
//!
//! Buyers prove themselves in the way their merchant wants it. What somebody is refused stays refused; a dispute
//! is always decided by somebody in the end, and a refund that waits for a second person finds one.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use secrecy::SecretString;

use super::Trouble;
use super::by_hand::by_hand;
use super::diary::{Says, Task};
use super::steps::{AGAIN, Done};
use super::world::World;
use crate::domain::dispute::Statement;
use crate::domain::escrow::{Act, DisputeReason, OrderState, SettledThere, ShareState};
use crate::domain::failure::Class;
use crate::domain::id::{DisputeId, ShipmentId, TriggerId};
use crate::domain::instant::Instant;
use crate::domain::merchant::BuyerProof;
use crate::domain::money::Money;
use crate::domain::outbox::OutboxState;
use crate::escrow::rules::acts::Standing;
use crate::escrow::rules::is_settled;
use crate::flows::act_on_order::{self, Wish};
use crate::flows::authenticate::Operator;
use crate::flows::buyer_acts::{self, BuyerWish};
use crate::flows::disputes;
use crate::flows::tend_outbox::ByHand;
use crate::intake::{Decided, Decision, Objection, Proven};
use crate::store;
use crate::store::orders::Order;
use crate::store::outbox::Message;
use crate::store::{orders, outbox};

/// How often a buyer asks for a code before giving up.
const CODES_MAX: u32 = 3;

/// A buyer whose goods are there, or are said to be, does something about it in the days after.
pub fn await_buyer(world: &mut World, shipment: ShipmentId, from: Instant) {
    if world.dice.f64() >= world.faults.acts {
        return;
    }
    let says = match world.dice.u8(0..10) {
        0..3 => Says::Confirm,
        3..5 => Says::Extend,
        _ => Says::Object,
    };
    let at = from + TimeDelta::minutes(world.dice.i64(0..4 * 24 * 60));
    world.diary.note(at, Task::Buyer { shipment, says, codes: 0 });
}

pub async fn buyer(world: &mut World, shipment: ShipmentId, says: Says, codes: u32) -> Done {
    let Some(accepted) = world.shipments.get(&shipment) else { return Ok(Some(())) };
    let proof = match accepted.proof {
        BuyerProof::Phone => Some(accepted.phone_tail.clone()),
        BuyerProof::Code => world.outside.books().codes.remove(&shipment),
    };
    let Some(proof) = proof else { return ask_for_code(world, shipment, says, codes).await };
    let statement = Statement { message: "see the picture".to_owned(), attachments: Vec::new() };
    let said = match says {
        Says::Confirm => BuyerWish::Confirm,
        Says::Extend => BuyerWish::Extend { days: 3 },
        Says::Object => {
            BuyerWish::Dispute(Objection { reason: DisputeReason::NotAsDescribed, said: statement })
        }
        Says::Withdraw => BuyerWish::Withdraw,
    };
    let deps = world.deps.clone();
    let flow = buyer_acts::act(&deps, shipment, Proven { proof: SecretString::from(proof), said });
    let Some(done) = world.live(flow).await else { return Ok(None) };
    let outcome = done.map(drop).map_err(|error| (error.class(), error.to_string()));
    came_of_it(world, &format!("the buyer of {shipment}: {says:?}"), outcome).map(|_| Some(()))
}

async fn ask_for_code(world: &mut World, shipment: ShipmentId, says: Says, codes: u32) -> Done {
    if codes == CODES_MAX {
        world.note(&format!("the buyer of {shipment} gives up"));
        return Ok(Some(()));
    }
    let deps = world.deps.clone();
    let Some(sent) = world.live(buyer_acts::send_code(&deps, shipment)).await else { return Ok(None) };
    let outcome = sent.map_err(|error| (error.class(), error.to_string()));
    came_of_it(world, &format!("the buyer of {shipment} asks for a code"), outcome)?;
    world.diary.note(world.now + AGAIN, Task::Buyer { shipment, says, codes: codes + 1 });
    Ok(Some(()))
}

/// Says whether it was done. What is nobody's fault but the daemon's ends the simulation.
fn came_of_it(world: &mut World, what: &str, outcome: Result<(), (Class, String)>) -> Result<bool, Trouble> {
    match outcome {
        Ok(()) => {
            world.note(what);
            Ok(true)
        }
        Err((Class::Caller | Class::NotFound | Class::Conflict, why)) => {
            world.note(&format!("{what}: refused: {why}"));
            Ok(false)
        }
        Err((Class::Retry | Class::OutcomeUnknown | Class::Bug, error)) => {
            Err(Trouble::Job { job: "money", error: format!("{what}: {error}") })
        }
    }
}

pub fn operator(name: &str) -> Operator {
    Operator { name: name.to_owned() }
}

async fn open_dispute(world: &World, shipment: ShipmentId) -> Result<Option<DisputeId>, Trouble> {
    let all = store::disputes::of_shipment(world.deps.store.reader(), shipment).await?;
    Ok(all.into_iter().find(|dispute| dispute.closed.is_none()).map(|dispute| dispute.id))
}

/// What stands after a step about money, however it ended: what has to follow is put into the diary.
pub async fn look(world: &mut World, shipment: ShipmentId) -> Result<(), Trouble> {
    let is_open = open_dispute(world, shipment).await?.is_some();
    let was_open = {
        let disputed = &mut world.outside.books().disputed;
        if is_open { !disputed.insert(shipment) } else { disputed.remove(&shipment) }
    };
    if is_open && !was_open {
        let at = world.now + TimeDelta::minutes(world.dice.i64(60..5 * 24 * 60));
        let withdraws = world.dice.f64() < 0.3;
        world.diary.note(
            at,
            match withdraws {
                true => Task::Buyer { shipment, says: Says::Withdraw, codes: 0 },
                false => Task::Decide { shipment },
            },
        );
        if withdraws {
            // Who cannot be reached for a code does not withdraw.
            world.diary.note(at + TimeDelta::days(1), Task::Decide { shipment });
        }
    }
    let (order, standing) = standing(world, shipment).await?;
    let is_frozen = standing.frozen.is_some();
    let is_news = {
        let frozen = &mut world.outside.books().frozen;
        match is_frozen {
            true => frozen.insert(shipment),
            false => {
                frozen.remove(&shipment);
                false
            }
        }
    };
    if is_news {
        let at = world.now + TimeDelta::minutes(world.dice.i64(10..3 * 24 * 60));
        world.diary.note(at, Task::Thaw { shipment, tries: 0 });
    }
    if !waiting(&order, &standing).is_empty() {
        let at = world.now + TimeDelta::minutes(world.dice.i64(30..30 * 60));
        world.diary.note(at, Task::Approve { shipment });
    }
    if let Some(accepted) = world.shipments.get_mut(&shipment) {
        accepted.is_objected = true;
    }
    Ok(())
}

type Refunds = Vec<(Option<u16>, Money)>;

async fn standing(world: &World, shipment: ShipmentId) -> Result<(Order, Standing), Trouble> {
    let db = world.deps.store.reader();
    let order = orders::of_shipment(db, shipment).await?;
    let acts = orders::acts(db, &order).await?;
    let standing = Standing::of(acts.iter().map(|written| (&written.act, written.actor.as_str())));
    Ok((order, standing))
}

fn waiting(order: &Order, standing: &Standing) -> Refunds {
    let amount = |minor| Money::new(minor, order.held.currency);
    let waiting = standing.waiting(&order.shares);
    waiting.map(|(share, refund)| (share, amount(refund.amount_minor))).collect()
}

async fn waiting_refunds(world: &World, shipment: ShipmentId) -> Result<Refunds, Trouble> {
    let (order, standing) = standing(world, shipment).await?;
    Ok(waiting(&order, &standing))
}

pub async fn decide(world: &mut World, shipment: ShipmentId) -> Done {
    let Some(dispute) = open_dispute(world, shipment).await? else { return Ok(Some(())) };
    let order = orders::of_shipment(world.deps.store.reader(), shipment).await?;
    let outcome = match (world.dice.u8(0..10), order.shares.first()) {
        (0..3, Some(share)) => {
            let amount = Money::new((share.held_minor / 2).max(1), order.held.currency);
            Decided::RefundedInPart { amount, parcel: share.of }
        }
        (3..6, _) => Decided::RefundedInFull { parcel: None },
        (_, _) => Decided::Rejected,
    };
    let (deps, decision) = (world.deps.clone(), Decision { outcome, reason: "looked into".to_owned() });
    let what = format!("ana decides {dispute}: {}", decision.outcome.outcome());
    let flow = disputes::close(&deps, operator("ana"), dispute, decision);
    let Some(done) = world.live(flow).await else { return Ok(None) };
    let outcome = done.map(drop).map_err(|error| (error.class(), error.to_string()));
    if !came_of_it(world, &what, outcome)? {
        // Its money has moved meanwhile, or goes back already: she thinks again.
        world.diary.note(world.now + TimeDelta::hours(1), Task::Decide { shipment });
    }
    Ok(Some(()))
}

/// What did not come, or went back, is paid for by nobody.
pub async fn give_back(world: &mut World, shipment: ShipmentId) -> Done {
    let order = orders::of_shipment(world.deps.store.reader(), shipment).await?;
    for share in order.shares.iter().filter(|share| share.state == OrderState::Frozen) {
        let wish = Wish::Refund { share: share.of, amount: None, reason: "it will not come".to_owned() };
        if act(world, shipment, wish, "ana").await?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// Of how many shipments an operator holds the money once, of those about whom people do anything.
const DOUBTED_SHARE: f64 = 0.4;

/// Some day of its way, or when it is there already.
pub fn await_doubt(world: &mut World, shipment: ShipmentId) {
    if world.dice.f64() < world.faults.acts * DOUBTED_SHARE {
        let at = world.now + TimeDelta::minutes(world.dice.i64(0..30 * 24 * 60));
        world.diary.note(at, Task::Freeze { shipment });
    }
}

pub async fn freeze(world: &mut World, shipment: ShipmentId) -> Done {
    let wish = Wish::Do(Act::Frozen { reason: "the payer is looked into".to_owned() });
    act(world, shipment, wish, "ana").await
}

/// How often somebody comes back to an order that cannot be let go, once a day.
const THAWS_MAX: u32 = 20;

/// What else holds it she sets aside never: it goes back, or somebody decides.
pub async fn thaw(world: &mut World, shipment: ShipmentId, tries: u32) -> Done {
    let reason = "the payer is who he says".to_owned();
    let wish = Wish::Thaw { reason, set_aside: Some(BTreeSet::new()) };
    let done = act(world, shipment, wish, "ben").await?;
    let (_, standing) = standing(world, shipment).await?;
    if done.is_some() && standing.frozen.is_some() && tries < THAWS_MAX {
        world.diary.note(world.now + TimeDelta::days(1), Task::Thaw { shipment, tries: tries + 1 });
    }
    Ok(done)
}

pub async fn approve(world: &mut World, shipment: ShipmentId) -> Done {
    for (share, amount) in waiting_refunds(world, shipment).await? {
        let wish = Wish::Approve { share, amount: Some(amount) };
        if act(world, shipment, wish, "ben").await?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// How often an operator comes back to money that has failed: for two months.
const TRIES_MAX: u32 = 120;

async fn given_up(world: &World, order: &Order) -> Result<Vec<TriggerId>, Trouble> {
    let messages = outbox::of_stream(world.deps.store.reader(), order.id).await?;
    let dead = messages.into_iter().filter(|message| message.state == OutboxState::Dead);
    Ok(dead.map(|message| message.id).collect())
}

/// Whether some trigger of an order goes out no more by itself.
pub async fn has_given_up(world: &World, order: &Order) -> Result<bool, Trouble> {
    Ok(!given_up(world, order).await?.is_empty())
}

/// What was given up is sent again. Where no command can move what is left any more, nobody objects and nothing goes on by
/// itself, she moves it at the provider's console.
pub async fn settle(world: &mut World, shipment: ShipmentId, tries: u32) -> Done {
    let order = orders::of_shipment(world.deps.store.reader(), shipment).await?;
    let given_up = given_up(world, &order).await?;
    let has_failed = order.shares.iter().any(|share| share.state == OrderState::Failed);
    if given_up.is_empty() && !has_failed {
        return Ok(Some(()));
    }
    if tries == TRIES_MAX {
        return Err(Trouble::Broken(format!("{shipment}: nobody can settle its money")));
    }
    world.diary.note(world.now + TimeDelta::hours(12), Task::Settle { shipment, tries: tries + 1 });
    if let Some(again) = given_up.get(tries as usize % given_up.len().max(1)) {
        return by_hand(world, *again, ByHand::Retry).await;
    }
    if !waits_for_her(world, &order).await? {
        return Ok(Some(()));
    }
    {
        let mut books = world.outside.books();
        books.spoken_about.insert(shipment);
        books.provider.pay_out(&order.payment_reference, world.now);
        books.to_say.push((shipment, order.payment_reference));
    }
    if let Some(accepted) = world.shipments.get_mut(&shipment) {
        accepted.is_objected = true;
    }
    let (outcome, reason) = (SettledThere::Released, "paid out at the console".to_owned());
    let done = act(world, shipment, Wish::Settled { outcome, reason }, "ana").await?;
    let after = orders::of_shipment(world.deps.store.reader(), shipment).await?;
    match done.is_some() && after.state != OrderState::Confirmed {
        true => {
            Err(Trouble::Broken(format!("{shipment}: what was paid out at the console is {}", after.state)))
        }
        false => Ok(done),
    }
}

/// Whether nothing else can come of its money any more.
async fn waits_for_her(world: &World, order: &Order) -> Result<bool, Trouble> {
    let waits = |share: &ShareState| {
        is_settled(share.state) || matches!(share.state, OrderState::Failed | OrderState::Frozen)
    };
    let messages = outbox::of_stream(world.deps.store.reader(), order.id).await?;
    let in_doubt = |it: &Message| it.state != OutboxState::Acknowledged && it.is_in_doubt();
    Ok(order.shares.iter().all(waits)
        && !messages.iter().any(in_doubt)
        && open_dispute(world, order.shipment).await?.is_none()
        && waiting_refunds(world, order.shipment).await?.is_empty())
}

async fn act(world: &mut World, shipment: ShipmentId, wish: Wish, name: &str) -> Done {
    let (deps, what) = (world.deps.clone(), format!("{name} about {shipment}: {wish:?}"));
    let flow = act_on_order::act(&deps, shipment, None, wish, operator(name).actor());
    let Some(done) = world.live(flow).await else { return Ok(None) };
    let outcome = done.map(drop).map_err(|error| (error.class(), error.to_string()));
    came_of_it(world, &what, outcome).map(|_| Some(()))
}
