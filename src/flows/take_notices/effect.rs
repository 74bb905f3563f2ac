//! What a notice does to the order whose payment it names, written down with the notice's own end.
//!
//! What cannot be believed or makes no sense changes nothing but the notice, which keeps the problem for a person.

use serde_json::json;

use super::{Untaken, believe_under};
use crate::domain::escrow::{Act, DisputeThere, OrderState, StandsThere, TriggerAction};
use crate::domain::id::{ShipmentId, TriggerId};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::money::Money;
use crate::domain::outbox::OutboxState;
use crate::escrow::provider::{Notice, Said, Trade, TradeState};
use crate::escrow::registry::payment_of;
use crate::escrow::rules::is_settled;
use crate::faults;
use crate::flows::act_on_order::{self, ActError, Wish};
use crate::flows::advance::{Changes, Occasion, advance, finish};
use crate::flows::send_triggers::{acknowledge, write_off};
use crate::flows::settle_order::WARN_DAYS;
use crate::store::escrow_notices::{self, KeptNotice};
use crate::store::orders::{self, Order, WrittenAct};
use crate::store::outbox::{self, Ended, Message};
use crate::store::shipments::{self, Shipment};
use crate::store::{StoreError, Tx};

pub struct Told {
    pub kept: KeptNotice,
    pub notice: Notice,
    /// What the provider says of the trade, where it was asked and said so.
    pub trade: Option<Trade>,
    /// It is not tried again.
    pub is_last: bool,
    pub second_person_above: Vec<Money>,
}

/// Why it changes nothing: for a person.
pub type Problem = Option<String>;

pub async fn write(tx: &Tx, told: &Told, occasion: &Occasion) -> Result<(), Untaken> {
    let problem = match (&told.notice.says, owner(tx, told).await?) {
        (Said::OfNoOrder(_), _) => None,
        (Said::Unreadable(reason), _) => Some(format!("it cannot be read: {reason}")),
        (_, None) => Some("no order of ours has this payment".to_owned()),
        (_, Some(id)) => match shipments::lock(tx, id).await? {
            Some(shipment) => {
                // Read before the lock: the payment may have gone over to another order meanwhile.
                if owner(tx, told).await? != Some(id) {
                    return Err(Untaken::Later("the payment has gone over to another order".to_owned()));
                }
                of_order(tx, told, shipment, occasion).await?
            }
            None => Some(format!("{id} is not there")),
        },
    };
    if let Some(problem) = &problem {
        let (provider, notice) = (&told.kept.provider, told.kept.id);
        tracing::error!(provider, %notice, problem, "a provider's notice came to nothing");
    }
    escrow_notices::settle(tx, told.kept.id, problem.as_deref(), occasion.wall).await?;
    faults::reached("notice.before_commit");
    Ok(())
}

/// Whose the payment is; where none is named, whose the command is.
async fn owner(tx: &Tx, told: &Told) -> Result<Option<ShipmentId>, StoreError> {
    let (provider, reference) = (&told.kept.provider, &told.notice.payment_reference);
    if !reference.is_empty() {
        return orders::owner_of_payment(tx, provider, payment_of(provider, reference)).await;
    }
    let trigger = match &told.notice.says {
        Said::TookEffect(trigger) | Said::Refused(trigger, _) => *trigger,
        Said::Changed(_)
        | Said::ReleasesAt(_)
        | Said::Disputed(_)
        | Said::OfNoOrder(_)
        | Said::Unreadable(_) => return Ok(None),
    };
    let message = outbox::find(tx, trigger).await?;
    let message = message.filter(|message| message.destination.provider() == Some(provider.as_str()));
    Ok(message.map(|message| message.shipment))
}

async fn of_order(tx: &Tx, told: &Told, shipment: Shipment, occasion: &Occasion) -> Result<Problem, Untaken> {
    let order = orders::of_shipment(tx, shipment.id).await?;
    if let Some(total) = told.notice.total.filter(|total| *total != order.held) {
        return Ok(Some(of_another_amount(total, order.held)));
    }
    match &told.notice.says {
        Said::TookEffect(trigger) => {
            let Some(message) = own_message(tx, &order, *trigger).await? else {
                return Ok(Some(format!("trigger {trigger} is none of this order's")));
            };
            acknowledge(tx, &message, occasion).await?;
            Ok(None)
        }
        Said::Refused(trigger, reason) => {
            let Some(message) = own_message(tx, &order, *trigger).await? else {
                return Ok(Some(format!("trigger {trigger} is none of this order's")));
            };
            if message.state == OutboxState::Acknowledged {
                return Ok(Some(format!("it refuses trigger {trigger}, which took effect before: {reason}")));
            }
            write_off(tx, &message, reason, Ended::WithoutEffect, occasion).await?;
            let Some(trade) = &told.trade else { return Ok(None) };
            let (provider, above) = (&told.kept.provider, &told.second_person_above);
            Ok(believe_under(tx, provider, order.shipment, trade, above, occasion).await?)
        }
        Said::Changed(word) => match &told.trade {
            Some(trade) => {
                let above = &told.second_person_above;
                let heard = Heard { trade, word, is_last: told.is_last, second_person_above: above };
                of_trade(tx, heard, shipment, order, occasion).await
            }
            None => Ok(Some(format!("the trade changed ({word}), and the provider cannot be asked how"))),
        },
        Said::ReleasesAt(at) => {
            releases_at(tx, shipment, order, *at, occasion).await?;
            Ok(None)
        }
        Said::Disputed(dispute) => disputed(tx, dispute, shipment, &order, occasion).await,
        Said::OfNoOrder(_) => Ok(None),
        Said::Unreadable(reason) => Ok(Some(reason.clone())),
    }
}

fn shown(money: Money) -> String {
    format!("{} {}", money.amount(), money.currency)
}

/// None: it is another order's, or nobody's.
async fn own_message(tx: &Tx, order: &Order, trigger: TriggerId) -> Result<Option<Message>, StoreError> {
    let message = outbox::find(tx, trigger).await?;
    // A shipment has one order; a declaration goes out in a stream of its own.
    Ok(message.filter(|message| message.shipment == order.shipment))
}

/// What a provider says of a trade when it is asked.
pub struct Heard<'h> {
    pub trade: &'h Trade,
    /// The provider's, of why; where it is empty, ours.
    pub word: &'h str,
    /// Whatever else may be on its way.
    pub is_last: bool,
    pub second_person_above: &'h [Money],
}

/// Writes down what the answer proves, under the shipment's lock.
pub async fn of_trade(
    tx: &Tx,
    heard: Heard<'_>,
    shipment: Shipment,
    order: Order,
    occasion: &Occasion,
) -> Result<Problem, Untaken> {
    let Heard { trade, word, is_last, second_person_above } = heard;
    if let Some(other) = trade.held.filter(|held| *held != order.held) {
        return Ok(Some(of_another_amount(other, order.held)));
    }
    if let Some(problem) = paid_too_little(tx, trade, &order).await? {
        return Ok(Some(problem));
    }
    let waits_for_us =
        occasion.providers.get(&order.provider).is_none_or(|it| it.can(TriggerAction::ConfirmReceipt));
    let waits = order.state != OrderState::Delivered || order.wake_at.is_some_and(|at| at > occasion.now);
    if trade.state == TradeState::Released && !waits_for_us && waits {
        // It pays before the goods are there, and refunds all the same: that settles nothing as long as the buyer can
        // object.
        return Ok(None);
    }
    let (act, own) = match trade.state {
        TradeState::Released if order.state != OrderState::Confirmed => {
            (Act::ProviderReleased { word: named(word, "released") }, TriggerAction::ConfirmReceipt)
        }
        TradeState::Refunded if order.state != OrderState::Refunded => {
            (Act::ProviderRefunded { word: named(word, "refunded") }, TriggerAction::Refund)
        }
        TradeState::Released | TradeState::Refunded => return Ok(None),
        TradeState::Open => {
            if let Some(at) = trade.release_deadline_at {
                releases_at(tx, shipment, order, at, occasion).await?;
            }
            return Ok(None);
        }
        TradeState::Closed if is_settled(order.state) => return Ok(None),
        TradeState::Closed => {
            return Ok(Some("the trade is closed, and nobody says where its money went".to_owned()));
        }
        TradeState::Absent => return Ok(Some("the provider does not know the trade".to_owned())),
    };
    if !is_last && is_on_its_way(tx, &order, own).await? {
        let reason = "a command of ours may have moved the money: what came of it is to be known first";
        return Err(Untaken::Later(reason.to_owned()));
    }
    let written = orders::acts(tx, &order).await?;
    let is_known = |known: &Act| std::mem::discriminant(known) == std::mem::discriminant(&act);
    if written.iter().any(|written| is_known(&written.act)) {
        return Ok(None);
    }
    Ok(act_on(tx, act, shipment, second_person_above, occasion).await?.map(|refused| refused.to_string()))
}

fn of_another_amount(said: Money, held: Money) -> String {
    format!("it speaks of {}, and {} is held", shown(said), shown(held))
}

/// Of what was released, as the provider says, and refunded, as we know, something is missing: it went elsewhere.
async fn paid_too_little(tx: &Tx, trade: &Trade, order: &Order) -> Result<Problem, StoreError> {
    let (TradeState::Released, Some(released)) = (trade.state, trade.released_minor) else { return Ok(None) };
    let triggers = orders::triggers(tx, order.shipment).await?;
    let back =
        triggers.iter().filter(|it| it.facts.action == TriggerAction::Refund && it.acknowledged_at.is_some());
    let amounts = back.filter_map(|refund| Money::parse(&refund.facts.amount, order.held.currency).ok());
    let refunded: i64 = amounts.map(|amount| amount.minor).sum();
    let missing = order.held.minor.saturating_sub(released).saturating_sub(refunded);
    Ok((missing > 0).then(|| {
        let (held, released) = (shown(order.held), shown(Money::new(released, order.held.currency)));
        format!("of {held} no more than {released} went to the merchant there: a person has to find out about the rest")
    }))
}

/// Why it is refused: then nothing was written.
async fn act_on(
    tx: &Tx,
    act: Act,
    shipment: Shipment,
    second_person_above: &[Money],
    occasion: &Occasion,
) -> Result<Option<ActError>, StoreError> {
    match act_on_order::write(tx, shipment, Wish::Do(act), second_person_above, occasion).await {
        Ok(_) => Ok(None),
        Err(ActError::Store(error)) => Err(error),
        Err(
            refused @ (ActError::NotFound
            | ActError::NotNow(_)
            | ActError::OtherCurrency { .. }
            | ActError::NotInSteps { .. }
            | ActError::NoSuchShare(_)),
        ) => Ok(Some(refused)),
    }
}

/// Freezes the order as long as its money is there. What ended otherwise than for the seller is a person's business;
/// what was decided for him counts no more, and whatever else holds the order does.
async fn disputed(
    tx: &Tx,
    said: &DisputeThere,
    shipment: Shipment,
    order: &Order,
    occasion: &Occasion,
) -> Result<Problem, Untaken> {
    let is_old = |written: &WrittenAct| {
        let of_same = |known: &DisputeThere| known.dispute == said.dispute;
        matches!(&written.act, Act::DisputedThere(known) if of_same(known) && (known.at > said.at || known == said))
    };
    if orders::acts(tx, order).await?.iter().any(is_old) {
        return Ok(None);
    }
    let (dispute, word, stands) = (&said.dispute, &said.word, said.stands);
    let id = shipment.id;
    match act_on(tx, Act::DisputedThere(said.clone()), shipment, &[], occasion).await? {
        Some(refused) => {
            Ok(Some(format!("the buyer's dispute {dispute} is {stands} there ({word}): {refused}")))
        }
        None => {
            if stands == StandsThere::Otherwise {
                tracing::error!(shipment = %id, dispute, word, "a buyer's dispute at a provider ended, and its order waits for a person");
            }
            Ok(None)
        }
    }
}

fn named(word: &str, otherwise: &str) -> String {
    if word.is_empty() { otherwise.to_owned() } else { word.to_owned() }
}

/// Whether such a command of ours is being sent, or what came of it is still to be found out.
async fn is_on_its_way(tx: &Tx, order: &Order, action: TriggerAction) -> Result<bool, StoreError> {
    let messages = outbox::hold_stream(tx, order.id).await?;
    let triggers = orders::triggers(tx, order.shipment).await?;
    let mut own = triggers.iter().filter(|trigger| trigger.facts.action == action);
    Ok(own.any(|trigger| {
        let message = messages.iter().find(|message| message.id == trigger.id);
        message.is_some_and(|message| message.state == OutboxState::Pending && message.is_in_doubt())
    }))
}

/// Judged again, so that people are warned in time.
async fn releases_at(
    tx: &Tx,
    mut shipment: Shipment,
    mut order: Order,
    at: Instant,
    occasion: &Occasion,
) -> Result<(), StoreError> {
    if order.release_deadline_at == Some(at) {
        return Ok(());
    }
    order.release_deadline_at = Some(at);
    if at - chrono::TimeDelta::days(WARN_DAYS) > occasion.now {
        // Whoever was warned was warned of another day.
        order.deadline_told_at = None;
    }
    orders::save(tx, &order).await?;
    let mut changes = Changes::new(occasion);
    changes.add("order.releases_at", json!({"deadline_at": rfc3339(at)}));
    finish(tx, &mut shipment, changes, occasion).await?;
    advance(tx, shipment.id, &[], occasion).await.map(drop)
}
