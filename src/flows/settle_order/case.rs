//! An order, read with everything that decides about it.

use serde_json::json;

use super::facts::stands;
use super::streams_beside;
use crate::domain::escrow::{Act, Consignment, ShareState, TriggerAction};
use crate::domain::id::{ShipmentId, TriggerId};
use crate::domain::money::Money;
use crate::domain::outbox::OutboxState;
use crate::escrow::registry::Providers;
use crate::escrow::rules::acts::{Standing, has_confirmed};
use crate::escrow::rules::{Can, Facts, Issued, ParcelFacts, Share};
use crate::flows::advance::{Changes, Occasion};
use crate::store::orders::{self, Order, Trigger, WrittenAct};
use crate::store::outbox::{self, Message};
use crate::store::{StoreError, Tx, events, shipments};
use crate::tracking::{self, Timeline};

/// An order with everything that the rules want to know of it.
pub struct Case {
    pub order: Order,
    /// As it was read.
    pub(super) before: Order,
    pub triggers: Vec<Trigger>,
    pub messages: Vec<Message>,
    pub acts: Vec<WrittenAct>,
    pub can: Can,
    pub(super) parcels: Vec<ParcelFacts>,
    pub(super) consignments: Vec<Consignment>,
    pub(super) called_off: bool,
}

impl Case {
    /// As everything stands that is written down of a shipment, under the lock that the caller holds.
    pub async fn load(tx: &Tx, shipment: ShipmentId, providers: &Providers) -> Result<Self, StoreError> {
        let parcels = shipments::parcels(tx, shipment).await?;
        let numbers: Vec<u16> = parcels.iter().map(|parcel| parcel.id.number).collect();
        let events = events::of_shipment(tx, shipment).await?;
        Self::load_with(tx, shipment, &tracking::fold(&numbers, &events), providers).await
    }

    /// The same for who has folded the timeline.
    pub async fn load_with(
        db: &Tx,
        shipment: ShipmentId,
        timeline: &Timeline<'_>,
        providers: &Providers,
    ) -> Result<Self, StoreError> {
        let order = orders::of_shipment(db, shipment).await?;
        let triggers = orders::triggers(db, shipment).await?;
        let mut messages =
            if triggers.is_empty() { Vec::new() } else { outbox::hold_stream(db, order.id).await? };
        for stream in streams_beside(&triggers) {
            messages.extend(outbox::hold_stream(db, stream).await?);
        }
        let acts = orders::acts(db, &order).await?;
        Ok(Self::of(shipment, timeline, providers, order, triggers, messages, acts))
    }

    pub fn standing(&self) -> Standing {
        Standing::of(self.acts.iter().map(|written| (&written.act, written.actor.as_str())))
    }

    pub fn shares(&self) -> Vec<Share> {
        self.order.shares.iter().map(|share| self.share(share)).collect()
    }

    fn share(&self, share: &ShareState) -> Share {
        let of_it =
            self.triggers.iter().filter(|trigger| trigger.facts.parcel == share.of && trigger.round == 0);
        Share {
            of: share.of,
            held_minor: share.held_minor,
            state: share.state,
            because: share.because.clone(),
            delivered_at: share.delivered_at,
            taken_back: share.taken_back,
            buyer_confirmed: share.buyer_confirmed,
            issued: of_it.map(|trigger| self.issued(trigger)).collect(),
        }
    }

    fn issued(&self, trigger: &Trigger) -> Issued {
        let currency = self.order.held.currency;
        let amount = Money::parse(&trigger.facts.amount, currency);
        Issued {
            action: trigger.facts.action,
            stands: stands(trigger, self.message(trigger.id)),
            // Written by us, in the order's own currency.
            amount_minor: amount.map_or(self.order.held.minor, |money| money.minor),
            is_fresh: self.message(trigger.id).is_some_and(|message| message.claims == 0),
            parcels: trigger.facts.evidence.parcels.clone(),
        }
    }

    pub fn is_called_off(&self) -> bool {
        self.called_off
    }

    pub fn message(&self, id: TriggerId) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == id)
    }

    /// Whether its provider holds the payment, as it was told. One that refused the freeze does not; one that refused
    /// the thaw does.
    pub fn provider_holds(&self) -> bool {
        let heard = |freeze: &Message| {
            freeze.state == OutboxState::Acknowledged || freeze.is_on_its_way() || freeze.is_in_doubt()
        };
        self.can.freeze && self.is_held_by(heard)
    }

    /// Whether somebody began to tell the provider to hold it, and nobody that it may go.
    pub(super) fn provider_may_hold(&self) -> bool {
        self.is_held_by(|freeze| freeze.claims > 0)
    }

    /// By a freeze that counts, and was not taken back since.
    fn is_held_by(&self, counts: impl Fn(&Message) -> bool) -> bool {
        let said = |action| {
            let of_it = self.triggers.iter().filter(move |trigger| trigger.facts.action == action);
            of_it.filter_map(|trigger| Some((trigger.round, self.message(trigger.id)?)))
        };
        let lets_go = |round, thaw: &Message| match thaw.state {
            OutboxState::Acknowledged | OutboxState::Pending | OutboxState::Waiting => true,
            // By a person, who has seen to it; those before were overtaken by a freeze.
            OutboxState::Parked => round == self.order.freezes,
            OutboxState::Dead | OutboxState::Frozen => false,
        };
        let thaws = said(TriggerAction::Thaw).filter(|(round, thaw)| lets_go(*round, thaw));
        let last = thaws.map(|(round, _)| round).max();
        let mut freezes = said(TriggerAction::Freeze).filter(|(_, freeze)| counts(freeze));
        freezes.any(|(round, _)| last.is_none_or(|last| round > last))
    }

    /// Asks `question` with everything that is known.
    pub fn ask<T>(&self, question: impl FnOnce(&Facts) -> T) -> T {
        let (standing, shares) = (self.standing(), self.shares());
        question(&Facts {
            policy: &self.order.policy,
            can: self.can,
            parcels: &self.parcels,
            shares: &shares,
            standing: &standing,
            called_off: self.called_off,
            contested: self.order.contested,
            provider_knows_frozen: self.order.provider_frozen,
            provider_holds: self.provider_holds(),
        })
    }

    /// Writes down that somebody did something, to be judged with everything else.
    pub async fn act(
        &mut self,
        tx: &Tx,
        act: Act,
        occasion: &Occasion,
        changes: &mut Changes<'_>,
    ) -> Result<(), StoreError> {
        orders::write_act(tx, &mut self.order, &occasion.actor, &act, occasion.now).await?;
        for share in &mut self.order.shares {
            share.buyer_confirmed = has_confirmed(&act, share.buyer_confirmed, share.state);
        }
        // An act that changes nothing else is counted too: the next one takes the next number.
        orders::save(tx, &self.order).await?;
        changes.add("order.act", json!(act));
        let (number, actor, at) = (self.order.acts, occasion.actor.clone(), occasion.now);
        self.acts.push(WrittenAct { number, actor, act, at });
        Ok(())
    }
}
