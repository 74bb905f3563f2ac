//! What is known of an order → what its money does.

use crate::domain::escrow::{Evidence, OrderState, ParcelEvidence, ReleasePolicy, TriggerAction};
use crate::domain::instant::Instant;

/// What is known of one parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelFacts {
    pub picked_up: Option<ParcelEvidence>,
    pub delivered: Option<ParcelEvidence>,
    /// Why no money should move by itself because of this parcel, in words.
    pub trouble: Option<String>,
    /// An open customs case.
    pub held: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    pub state: OrderState,
    pub policy: ReleasePolicy,
    /// Every parcel of the order, at least one.
    pub parcels: &'a [ParcelFacts],
    /// The triggers there are already, sent or not.
    pub issued: &'a [TriggerAction],
    /// Why it is as it is, as far as somebody wrote that down.
    pub because: Option<&'a str>,
    pub called_off: bool,
    /// Another merchant's order named the same payment before.
    pub contested: bool,
    /// What was taken out of the outbox says something else than what is proved now.
    pub evidence_changed: bool,
    /// Nothing asks for confirmation any more: in vain too often, or a person took it out.
    pub confirm_is_dead: bool,
}

/// What happens to triggers that were made and not acknowledged. Never to `shipped`: that it
/// was sent stays true, whatever becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unacknowledged {
    Leave,
    TakeOut,
    PutBack,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub state: OrderState,
    pub because: Option<String>,
    /// To be made now, in the order in which the provider has to see them.
    pub triggers: Vec<(TriggerAction, Evidence)>,
    pub unacknowledged: Unacknowledged,
}

pub fn decide(facts: &Facts, now: Instant) -> Decision {
    let settled =
        matches!(facts.state, OrderState::Confirmed | OrderState::RefundRequested | OrderState::Refunded);
    if settled {
        return unchanged(facts);
    }
    let shipped = evidence(facts, now, |parcel| parcel.picked_up.as_ref());
    let delivered = evidence(facts, now, |parcel| parcel.delivered.as_ref());
    if let Some(reason) = trouble(facts, delivered.is_some()) {
        return Decision {
            state: OrderState::Frozen,
            because: Some(reason),
            triggers: Vec::new(),
            unacknowledged: Unacknowledged::TakeOut,
        };
    }
    let release = match facts.policy {
        ReleasePolicy::OnDelivery => delivered.clone(),
    };
    let thawed = facts.state == OrderState::Frozen;
    let unacknowledged = if thawed { Unacknowledged::PutBack } else { Unacknowledged::Leave };
    if release.is_some() && facts.confirm_is_dead {
        let known = facts.because.filter(|_| facts.state == OrderState::Failed);
        let because = known.unwrap_or("the confirm-receipt trigger is dead or parked").to_owned();
        let (state, because) = (OrderState::Failed, Some(because));
        return Decision { state, because, triggers: Vec::new(), unacknowledged };
    }
    let state = match (&release, &delivered, &shipped) {
        (Some(_), _, _) => OrderState::ConfirmRequested,
        (None, Some(_), _) => OrderState::Delivered,
        (None, None, Some(_)) => OrderState::Shipped,
        (None, None, None) => OrderState::Held,
    };
    let due = [
        (TriggerAction::Shipped, shipped),
        (TriggerAction::Delivered, delivered),
        (TriggerAction::ConfirmReceipt, release),
    ];
    let triggers = due
        .into_iter()
        .filter(|(action, _)| !facts.issued.contains(action))
        .filter_map(|(action, evidence)| Some((action, evidence?)))
        .collect();
    Decision { state, because: None, triggers, unacknowledged }
}

fn unchanged(facts: &Facts) -> Decision {
    Decision {
        state: facts.state,
        because: facts.because.map(str::to_owned),
        triggers: Vec::new(),
        unacknowledged: Unacknowledged::Leave,
    }
}

fn trouble(facts: &Facts, delivered: bool) -> Option<String> {
    if facts.called_off {
        return Some("the shipment was called off".to_owned());
    }
    if facts.contested {
        return Some("another order named the same payment before".to_owned());
    }
    let of_parcel =
        facts.parcels.iter().enumerate().find_map(|(i, parcel)| match (&parcel.trouble, parcel.held) {
            (Some(trouble), _) => Some(format!("parcel {}: {trouble}", i + 1)),
            (None, true) => Some(format!("parcel {}: customs holds it", i + 1)),
            (None, false) => None,
        });
    let said_so = [TriggerAction::Delivered, TriggerAction::ConfirmReceipt];
    let taken_back = !delivered && facts.issued.iter().any(|action| said_so.contains(action));
    let of_evidence = facts
        .evidence_changed
        .then(|| "the delivery that is proved now is not the one that was to be reported".to_owned());
    of_parcel
        .or(of_evidence)
        .or_else(|| taken_back.then(|| "a delivery that was reported was taken back".to_owned()))
}

/// One piece of evidence for every parcel, or none at all.
fn evidence<'f>(
    facts: &Facts<'f>,
    now: Instant,
    of: impl Fn(&'f ParcelFacts) -> Option<&'f ParcelEvidence>,
) -> Option<Evidence> {
    let parcels: Option<Vec<_>> = facts.parcels.iter().map(|parcel| of(parcel).cloned()).collect();
    let parcels = parcels.filter(|parcels| !parcels.is_empty())?;
    Some(Evidence { policy: facts.policy, decided_at: now, parcels })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::event::EventSource;
    use crate::domain::id::{ParcelId, ShipmentId};
    use crate::domain::instant::from_micros;

    fn proof() -> ParcelEvidence {
        ParcelEvidence {
            parcel: ParcelId { shipment: ShipmentId::from_uuid(uuid::Uuid::nil()), number: 1 },
            status: "delivered".into(),
            delivered_to: None,
            occurred_at: from_micros(0),
            source: EventSource::Poll,
            reported_by: "dhl_unified".into(),
            tracking_number: None,
        }
    }

    fn parcel(picked_up: bool, delivered: bool) -> ParcelFacts {
        ParcelFacts {
            picked_up: picked_up.then(proof),
            delivered: delivered.then(proof),
            trouble: None,
            held: false,
        }
    }

    fn decide_for(state: OrderState, parcels: &[ParcelFacts], issued: &[TriggerAction]) -> Decision {
        let policy = ReleasePolicy::OnDelivery;
        let facts = Facts {
            state,
            policy,
            parcels,
            issued,
            because: None,
            called_off: false,
            contested: false,
            evidence_changed: false,
            confirm_is_dead: false,
        };
        decide(&facts, from_micros(1))
    }

    fn actions(decision: &Decision) -> Vec<TriggerAction> {
        decision.triggers.iter().map(|(action, _)| *action).collect()
    }

    #[test]
    fn the_last_parcels_delivery_asks_for_confirmation_with_every_parcels_evidence() {
        let one_short = [parcel(true, true), parcel(true, false)];
        let decision = decide_for(OrderState::Held, &one_short, &[]);
        assert_eq!((decision.state, actions(&decision)), (OrderState::Shipped, vec![TriggerAction::Shipped]));

        let all = [parcel(true, true), parcel(true, true)];
        let decision = decide_for(OrderState::Shipped, &all, &[TriggerAction::Shipped]);
        assert_eq!(decision.state, OrderState::ConfirmRequested);
        assert_eq!(actions(&decision), [TriggerAction::Delivered, TriggerAction::ConfirmReceipt]);
        assert!(decision.triggers.iter().all(|(_, evidence)| evidence.parcels.len() == 2));
    }

    #[test]
    fn trouble_freezes_and_takes_the_confirmation_out() {
        let mut parcels = [parcel(true, true)];
        parcels[0].trouble = Some("returning".into());
        let decision = decide_for(OrderState::ConfirmRequested, &parcels, TriggerAction::ALL);
        assert_eq!((decision.state, decision.unacknowledged), (OrderState::Frozen, Unacknowledged::TakeOut));
        assert!(decision.because.is_some_and(|reason| reason.contains("returning")));
    }

    #[test]
    fn a_customs_case_that_closes_thaws_the_order() {
        let mut parcels = [parcel(true, false)];
        parcels[0].held = true;
        assert_eq!(decide_for(OrderState::Shipped, &parcels, &[]).state, OrderState::Frozen);
        parcels[0].held = false;
        let decision = decide_for(OrderState::Frozen, &parcels, &[TriggerAction::Shipped]);
        assert_eq!((decision.state, decision.unacknowledged), (OrderState::Shipped, Unacknowledged::PutBack));
    }

    #[test]
    fn settled_money_stays_where_it_is() {
        let mut parcels = [parcel(true, true)];
        parcels[0].trouble = Some("returned".into());
        for state in [OrderState::Confirmed, OrderState::RefundRequested, OrderState::Refunded] {
            let decision = decide_for(state, &parcels, &[]);
            assert_eq!((decision.state, decision.triggers.len()), (state, 0));
            assert_eq!(decision.unacknowledged, Unacknowledged::Leave);
        }
    }

    #[test]
    fn an_order_whose_confirmation_is_dead_has_failed_and_can_still_freeze() {
        let mut parcels = [parcel(true, true)];
        fn facts(parcels: &[ParcelFacts]) -> Facts<'_> {
            Facts {
                state: OrderState::Failed,
                policy: ReleasePolicy::OnDelivery,
                parcels,
                issued: TriggerAction::ALL,
                because: Some("the address is gone"),
                called_off: false,
                contested: false,
                evidence_changed: false,
                confirm_is_dead: true,
            }
        }
        let decision = decide(&facts(&parcels), from_micros(1));
        assert_eq!(
            (decision.state, decision.because.as_deref()),
            (OrderState::Failed, Some("the address is gone"))
        );
        parcels[0].trouble = Some("returning".into());
        assert_eq!(decide(&facts(&parcels), from_micros(1)).state, OrderState::Frozen);
    }

    #[test]
    fn a_delivery_that_is_taken_back_freezes_what_was_said_of_it() {
        let decision = decide_for(OrderState::ConfirmRequested, &[parcel(true, false)], TriggerAction::ALL);
        assert_eq!((decision.state, decision.unacknowledged), (OrderState::Frozen, Unacknowledged::TakeOut));
    }

    fn any_parcel() -> impl Strategy<Value = ParcelFacts> {
        let trouble = prop::option::of(Just("lost".to_owned()));
        (any::<bool>(), any::<bool>(), trouble, any::<bool>()).prop_map(
            |(picked_up, delivered, trouble, held)| ParcelFacts {
                trouble,
                held,
                ..parcel(picked_up, delivered)
            },
        )
    }

    proptest! {
        #[test]
        fn confirmation_needs_every_parcel_delivered_no_trouble_and_happens_once(
            state in prop::sample::select(OrderState::ALL),
            parcels in prop::collection::vec(any_parcel(), 0..4),
            issued in prop::sample::subsequence(TriggerAction::ALL.to_vec(), 0..=4),
            called_off: bool,
            contested: bool,
            evidence_changed: bool,
            confirm_is_dead: bool,
        ) {
            let policy = ReleasePolicy::OnDelivery;
            let (parcels, issued) = (&parcels, &issued);
            let facts = Facts { state, policy, parcels, issued, because: None, called_off, contested, evidence_changed, confirm_is_dead };
            let decision = decide(&facts, from_micros(1));
            let made = actions(&decision);
            prop_assert!(made.iter().all(|action| !issued.contains(action)));
            if made.contains(&TriggerAction::ConfirmReceipt) {
                prop_assert!(!parcels.is_empty() && !called_off && !contested && !evidence_changed);
                prop_assert!(parcels.iter().all(|p| p.delivered.is_some() && p.trouble.is_none() && !p.held));
            }
            let again: Vec<_> = issued.iter().copied().chain(made).collect();
            let facts = Facts { state: decision.state, issued: &again, ..facts };
            prop_assert!(decide(&facts, from_micros(2)).triggers.is_empty());
        }
    }
}
