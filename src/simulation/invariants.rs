//! What must always be true, and what has to be true in the end.
//!
//! After each step of the shipments that it touched, if they changed: rows follow from events in whatever order they
//! are read, the audit chain is whole and vouches for the rows, each action has one trigger, and the provider's
//! books say the same as ours. Once a day of everything: room, bags, counts; once a week the whole audit. What must never be sent is noticed
//! where it arrives (see [`super::outside`]).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, TimeDelta, Weekday};

use super::Trouble;
use super::carrier::Fate;
use super::diary::Task;
use super::money;
use super::world::{Accepted, Ending, World};
use crate::domain::escrow::{OrderState, ReleaseBy, TriggerAction};
use crate::domain::id::ShipmentId;
use crate::domain::money::Money;
use crate::domain::network::DepartureState;
use crate::domain::outbox::OutboxState;
use crate::domain::shipment::ShipmentStatus;
use crate::escrow::reconciliation::{Difference, Severity};
use crate::flows::reconcile::{self, Place, Scope, nightly};
use crate::flows::show;
use crate::store::orders::{Order, Trigger};
use crate::store::outbox::Message;
use crate::store::shipments::{AuditHead, Parcel, Shipment};
use crate::store::{audit, departures, events, orders, outbox, shipments, shipments_at_once, soundness};
use crate::tracking::{self, Timeline};

/// What was seen of a shipment when it was checked last.
#[derive(Debug, Clone)]
pub struct Remembered {
    audit: AuditHead,
    events: usize,
    status: ShipmentStatus,
    has_failed: bool,
}

pub fn broken(shipment: ShipmentId, what: impl std::fmt::Display) -> Trouble {
    Trouble::Broken(format!("{shipment}: {what}"))
}

/// Whatever arrived where it must not, and what of these shipments changed.
pub async fn touched(world: &mut World, shipments: &BTreeSet<ShipmentId>) -> Result<(), Trouble> {
    if let Some(reason) = world.outside.books().broken.first() {
        return Err(Trouble::Broken(reason.clone()));
    }
    for id in changed(world, shipments).await? {
        one(world, id).await?;
    }
    Ok(())
}

/// Those that are not as they were when they were checked last, or not there: nothing about a shipment changes
/// without its audit chain.
async fn changed(world: &World, shipments: &BTreeSet<ShipmentId>) -> Result<Vec<ShipmentId>, Trouble> {
    let ids: Vec<ShipmentId> = shipments.iter().copied().collect();
    if ids.len() < 2 {
        // Who is read whole is as soon compared.
        return Ok(ids);
    }
    let ends: BTreeMap<_, _> =
        shipments_at_once::chain_ends(world.deps.store.reader(), &ids).await?.into_iter().collect();
    let is_as_before = |id: &ShipmentId| {
        let before = world.remembered.get(id).map(|before| &before.audit);
        before.is_some() && before == ends.get(id)
    };
    Ok(ids.into_iter().filter(|id| !is_as_before(id)).collect())
}

async fn one(world: &mut World, id: ShipmentId) -> Result<(), Trouble> {
    let db = world.deps.store.reader();
    let found = shipments::find(db, id).await?;
    let shipment = found.ok_or_else(|| broken(id, "it was accepted, and is not there"))?;
    let before = world.remembered.get(&id).cloned();
    if before.as_ref().is_some_and(|before| before.audit == shipment.audit) {
        return Ok(());
    }
    let parcels = shipments::parcels(db, id).await?;
    let mut events = events::of_shipment(db, id).await?;
    world.dice.shuffle(&mut events);
    let numbers: Vec<u16> = parcels.iter().map(|parcel| parcel.id.number).collect();
    let timeline = tracking::fold(&numbers, &events);
    follows_from_events(&shipment, &parcels, &timeline)?;
    if before.as_ref().is_some_and(|before| before.events > events.len()) {
        return Err(broken(id, "it lost events"));
    }
    let db = world.deps.store.reader();
    let known = before.as_ref().map_or_else(audit::beginning, |before| before.audit.clone());
    if let Some(found) = audit::verify_behind(db, id, known, &shipment.audit).await? {
        return Err(broken(id, format!("entry {}: {}", found.seq, found.reason)));
    }
    let (order, triggers) = (orders::of_shipment(db, id).await?, orders::triggers(db, id).await?);
    money_agrees(world, &order, &triggers)?;
    let has_failed = order.shares.iter().any(|share| share.state == OrderState::Failed);
    if has_failed && !is_a_persons(world, &order, &triggers).await? {
        return Err(broken(id, format!("its money has failed: {:?}", order.frozen_because)));
    }
    if before.as_ref().is_none_or(|before| before.status != shipment.status) {
        is_not_told_who(world, &shipment, &timeline).await?;
    }
    let has_failed = has_failed || order.freezes > 0 && money::has_given_up(world, &order).await?;
    if has_failed && before.is_none_or(|before| !before.has_failed) {
        let at = world.now + TimeDelta::minutes(world.dice.i64(60..30 * 60));
        world.diary.note(at, Task::Settle { shipment: id, tries: 0 });
    }
    let audit = shipment.audit.clone();
    let remembered = Remembered { audit, events: events.len(), status: shipment.status, has_failed };
    world.remembered.insert(id, remembered);
    Ok(())
}

/// 7: in whatever order the events are read.
fn follows_from_events(shipment: &Shipment, parcels: &[Parcel], timeline: &Timeline) -> Result<(), Trouble> {
    if (shipment.status, shipment.delivered_at) != (timeline.status, timeline.delivered_at) {
        let what = format!("it is {}, and its events say {}", shipment.status, timeline.status);
        return Err(broken(shipment.id, what));
    }
    for (parcel, folded) in parcels.iter().zip(&timeline.parcels) {
        if (parcel.status, parcel.hub.as_ref()) != (folded.status, folded.hub) {
            let what = format!("{} is {}, and its events say {}", parcel.id, parcel.status, folded.status);
            return Err(broken(shipment.id, what));
        }
    }
    Ok(())
}

/// 2 and 4: each action of a share once, and the provider knows what we know.
fn money_agrees(world: &World, order: &Order, triggers: &[Trigger]) -> Result<(), Trouble> {
    let id = order.shipment;
    let name = |trigger: &Trigger| (trigger.facts.parcel, trigger.facts.action, trigger.round);
    let names: BTreeSet<_> = triggers.iter().map(name).collect();
    if names.len() != triggers.len() {
        return Err(broken(id, "an action has two triggers"));
    }
    let books = world.outside.books();
    for trigger in triggers {
        if trigger.acknowledged_at.is_some() && !books.provider.did(trigger.id) {
            let action = trigger.facts.action;
            return Err(broken(id, format!("{action} was acknowledged, and the provider did nothing")));
        }
    }
    let is_over = order.contested
        || books.provider.trade(&order.payment_reference).is_some_and(|trade| trade.is_over());
    match order.state {
        OrderState::Confirmed | OrderState::Refunded if !is_over => {
            Err(broken(id, format!("it is {} here, and money is left at the provider", order.state)))
        }
        OrderState::Held
        | OrderState::Shipped
        | OrderState::Delivered
        | OrderState::ConfirmRequested
        | OrderState::Confirmed
        | OrderState::Frozen
        | OrderState::RefundRequested
        | OrderState::Refunded
        | OrderState::Failed => Ok(()),
    }
}

/// Whether it is right that this one's money waits for somebody: it was tried for days in vain, or part of it went back
/// after the release of the whole was on its way, and under its key nothing else can be asked for. Or the provider
/// refuses what it has paid by itself, and was not heard when it was asked.
async fn is_a_persons(world: &World, order: &Order, triggers: &[Trigger]) -> Result<bool, Trouble> {
    if world.outside.books().provider.has_paid_by_itself(&order.payment_reference) {
        return Ok(true);
    }
    let messages = outbox::of_stream(world.deps.store.reader(), order.id).await?;
    let with =
        |share, action| triggers.iter().find(|it| (it.facts.parcel, it.facts.action) == (share, action));
    let tries = world.deps.settings.outbox.retry_seconds.len();
    let message = |trigger: &Trigger| messages.iter().find(|message| message.id == trigger.id);
    let is_given_up = |it: &Message| match it.state {
        OutboxState::Dead => usize::try_from(it.attempts).is_ok_and(|n| n > tries),
        // She took it out herself.
        OutboxState::Parked => true,
        OutboxState::Pending | OutboxState::Waiting | OutboxState::Frozen | OutboxState::Acknowledged => {
            false
        }
    };
    let mut failed = order.shares.iter().filter(|share| share.state == OrderState::Failed);
    Ok(failed.all(|share| {
        let refund = with(share.of, TriggerAction::Refund);
        let release = with(share.of, TriggerAction::ConfirmReceipt);
        let amount = |trigger: &Trigger| Money::parse(&trigger.facts.amount, order.held.currency).ok();
        let back = refund.filter(|refund| refund.acknowledged_at.is_some()).and_then(amount);
        let left = share.held_minor - back.map_or(0, |back| back.minor);
        let was_begun = release.and_then(message).is_some_and(|message| message.claims > 0);
        let was_for_more = was_begun && release.and_then(amount).is_some_and(|release| release.minor > left);
        was_for_more || release.into_iter().chain(refund).filter_map(message).any(is_given_up)
    }))
}

/// 9: whoever has the token sees nobody's name.
async fn is_not_told_who(world: &World, shipment: &Shipment, timeline: &Timeline<'_>) -> Result<(), Trouble> {
    let plan = shipments::plan(world.deps.store.reader(), shipment.id, shipment.plan).await?;
    let view = show::tracking_of(&world.deps, shipment.clone(), &plan, timeline);
    let page = serde_json::to_string(&view).unwrap_or_default();
    let books = world.outside.books();
    let Some(private) = books.secrets_of.get(&shipment.id) else { return Ok(()) };
    match private.words.iter().find(|word| page.contains(word.as_str())) {
        Some(word) => Err(broken(shipment.id, format!("its tracking page says {word:?}"))),
        None => Ok(()),
    }
}

/// 5 and 6: what departures and bags carry.
async fn books(world: &World) -> Result<(), Trouble> {
    match soundness::complaints(world.deps.store.reader()).await?.first() {
        Some((what, rows)) => Err(Trouble::Broken(format!("{rows} {what}"))),
        None => Ok(()),
    }
}

/// All of it, once a day.
pub async fn all(world: &mut World) -> Result<(), Trouble> {
    books(world).await?;
    if world.now.weekday() == Weekday::Mon {
        the_audit(world).await?;
    }
    let chains: BTreeMap<ShipmentId, i64> =
        shipments_at_once::chain_lengths(world.deps.store.reader()).await?.into_iter().collect();
    let is_known = |id: &&ShipmentId| {
        world.remembered.get(id).is_some_and(|before| chains.get(id) == Some(&before.audit.seq))
    };
    let ids: BTreeSet<ShipmentId> = world.shipments.keys().filter(|id| !is_known(id)).copied().collect();
    touched(world, &ids).await?;
    let (accepted, there) = (world.shipments.len() as u64, chains.len() as u64);
    // One whose answer was lost with the daemon is asked for again before long.
    let asked_again = world.diary.posts_until(world.now + TimeDelta::minutes(5));
    if there < accepted || there > accepted + asked_again {
        return Err(Trouble::Broken(format!("{accepted} were accepted, and {there} are there")));
    }
    let counts = shipments::counts(world.deps.store.reader()).await?;
    let statuses: Vec<_> = counts.iter().map(|(status, count)| format!("{status} {count}")).collect();
    world.note(&format!("midnight: {}", statuses.join(", ")));
    Ok(())
}

/// 8: every chain from its beginning, and the rows that it vouches for.
async fn the_audit(world: &World) -> Result<(), Trouble> {
    match audit::verify(&world.deps.store).await?.breaks.first() {
        Some(found) => Err(broken(found.shipment, format!("entry {}: {}", found.seq, found.reason))),
        None => Ok(()),
    }
}

/// When the faults are over and everybody is done: who is delivered without trouble is paid for, and nobody else.
pub async fn at_rest(world: &mut World) -> Result<(), Trouble> {
    all(world).await?;
    the_audit(world).await?;
    let ids: Vec<ShipmentId> = world.shipments.keys().copied().collect();
    for id in ids {
        let db = world.deps.store.reader();
        let found = shipments::find(db, id).await?.ok_or_else(|| broken(id, "it is not there"))?;
        let (order, plan) = (orders::of_shipment(db, id).await?, shipments::plan(db, id, found.plan).await?);
        is_settled(world, &found, &order)?;
        world.tally.ended(&found, plan.promised_by);
    }
    the_provider_agrees(world).await
}

/// Nobody has anything to say any more, so what the daemon compares by itself each night is the same on both sides. What
/// became of a message that was given up and moves no money is proven by the first comparison, and by the next one known.
async fn the_provider_agrees(world: &World) -> Result<(), Trouble> {
    let mut found = differences(world).await?;
    let is_proven = |difference: &Difference| difference.kind.severity() == Severity::Notice;
    if !found.is_empty() && found.iter().all(is_proven) {
        found = differences(world).await?;
    }
    match found.first() {
        Some(found) => {
            Err(Trouble::Broken(format!("everything is at rest, and the provider says otherwise: {found:?}")))
        }
        None => Ok(()),
    }
}

async fn differences(world: &World) -> Result<Vec<Difference>, Trouble> {
    let deps = &world.deps;
    let days = (world.now - world.started_at).num_days() + 1;
    let days = nightly::days(deps, u32::try_from(days).unwrap_or(u32::MAX));
    let (scope, mut place, mut all) = (Scope { provider: None, days }, Place::beginning(), Vec::new());
    while place != Place::Over {
        let page = reconcile::step(deps, &scope, place).await?;
        all.extend(page.differences);
        place = page.next;
    }
    Ok(all)
}

/// Whether something changes when nothing but time passes: an order, or goods at a hub whose departure is to come.
pub async fn is_time_awaited(world: &World) -> Result<bool, Trouble> {
    let db = world.deps.store.reader();
    let in_a_year = world.now + TimeDelta::days(365);
    if !orders::waking(db, in_a_year, 1).await?.is_empty() {
        return Ok(true);
    }
    let is_on_its_way = |accepted: &Accepted| accepted.fates.values().all(|ending| *ending == Ending::Open);
    let on_their_way = world.shipments.iter().filter(|(_, accepted)| is_on_its_way(accepted));
    let ids: Vec<ShipmentId> = on_their_way.map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(false);
    }
    let held = departures::held_by(db, &ids).await?;
    Ok(held.iter().any(|held| held.state == DepartureState::Open && held.depart_at > world.now))
}

fn is_settled(world: &World, shipment: &Shipment, order: &Order) -> Result<(), Trouble> {
    let Some(accepted) = world.shipments.get(&shipment.id) else { return Ok(()) };
    let endings: BTreeSet<_> = accepted.fates.values().copied().collect();
    let held = order.held.minor;
    let (paid, by_itself) = {
        let trade = world.outside.books().provider.trade(&order.payment_reference);
        trade.map_or((0, false), |trade| (trade.released_minor, trade.released_by_itself_at.is_some()))
    };
    let is_delivered = endings.iter().all(|one| *one == Ending::WithCarrier(Fate::Delivered));
    let may_be_paid = |one: &Ending| matches!(one, Ending::WithCarrier(Fate::Delivered | Fate::TakenBack));
    let may_be_paid = match accepted.release_by {
        ReleaseBy::Order => endings.iter().all(may_be_paid),
        ReleaseBy::Parcel => endings.iter().any(may_be_paid),
    };
    let what = if endings.contains(&Ending::Open) && endings.len() == 1 && shipment.status.is_under_way() {
        "nobody does anything with it any more, and nothing happened to it".to_owned()
    } else if matches!(order.state, OrderState::ConfirmRequested | OrderState::RefundRequested) {
        format!("everything is at rest, and its money is {}", order.state)
    } else if order.shares.iter().any(|share| share.state == OrderState::Failed) {
        "everything is at rest, and nobody has settled its money".to_owned()
    } else if order.shares.iter().any(|share| share.state == OrderState::Delivered) && order.wake_at.is_none()
    {
        "everything is at rest, and its money waits for nothing".to_owned()
    } else if paid > 0 && !may_be_paid && !by_itself {
        format!("{paid} of {held} were paid, and its parcels ended so: {endings:?}")
    } else if is_delivered && shipment.status != ShipmentStatus::Delivered {
        format!("it was delivered, and is {}", shipment.status)
    } else if is_delivered && !accepted.is_objected && (paid, order.state) != (held, OrderState::Confirmed) {
        format!("it was delivered, and its money is {}, {paid} of {held} paid", order.state)
    } else {
        return Ok(());
    };
    Err(broken(shipment.id, what))
}
