//! What merchants are told of an order's money.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::domain::dispute::Party;
use crate::domain::escrow::{OrderState, TriggerAction};
use crate::domain::id::{DisputeId, ParcelId, TriggerId};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::webhook::WebhookKind;

/// Something that happened to an order's money, or to the part of it that is one parcel's.
#[derive(Debug, Clone)]
pub enum EscrowNews {
    StateChanged {
        from: OrderState,
        to: OrderState,
        because: Option<String>,
    },
    TriggerAcknowledged {
        trigger: TriggerId,
        action: TriggerAction,
    },
    /// No more tries: a person has to look.
    TriggerFailed {
        trigger: TriggerId,
        action: TriggerAction,
        because: String,
    },
    /// What happens by itself at `deadline_at`.
    DeadlineNear {
        what: String,
        deadline_at: Instant,
    },
    DisputeOpened {
        dispute: DisputeId,
        opened_at: Instant,
        reason: String,
        decide_by: Instant,
    },
    /// The how-manieth, and whose.
    DisputeMessage {
        dispute: DisputeId,
        number: u32,
        party: Party,
    },
    DisputeClosed {
        dispute: DisputeId,
        closed_at: Instant,
        outcome: String,
    },
    /// For the buyer, once. Nobody but the receiver sees it.
    Code {
        code: SecretString,
        expires_at: Instant,
    },
}

impl EscrowNews {
    pub fn kind(&self) -> WebhookKind {
        match self {
            EscrowNews::StateChanged { .. } => WebhookKind::EscrowStateChanged,
            EscrowNews::TriggerAcknowledged { .. } => WebhookKind::EscrowTriggerAcknowledged,
            EscrowNews::TriggerFailed { .. } => WebhookKind::EscrowTriggerFailed,
            EscrowNews::DeadlineNear { .. } => WebhookKind::EscrowDeadlineNear,
            EscrowNews::DisputeOpened { .. } => WebhookKind::EscrowDisputeOpened,
            EscrowNews::DisputeMessage { .. } => WebhookKind::EscrowDisputeMessage,
            EscrowNews::DisputeClosed { .. } => WebhookKind::EscrowDisputeClosed,
            EscrowNews::Code { .. } => WebhookKind::EscrowCode,
        }
    }

    /// `reference`: the merchant's own, of the order. `parcel`: where it concerns one of several.
    pub fn data(&self, reference: &str, parcel: Option<ParcelId>) -> Value {
        let mut data = match self {
            EscrowNews::StateChanged { from, to, because } => {
                json!({"from": from, "to": to, "because": because})
            }
            EscrowNews::TriggerAcknowledged { trigger, action } => {
                json!({"trigger": trigger, "action": action})
            }
            EscrowNews::TriggerFailed { trigger, action, because } => {
                json!({"trigger": trigger, "action": action, "because": because})
            }
            EscrowNews::DeadlineNear { what, deadline_at } => {
                json!({"what": what, "deadline_at": rfc3339(*deadline_at)})
            }
            EscrowNews::DisputeOpened { dispute, opened_at, reason, decide_by } => {
                let (opened_at, decide_by) = (rfc3339(*opened_at), rfc3339(*decide_by));
                json!({"dispute": dispute, "opened_at": opened_at, "reason": reason, "decide_by": decide_by})
            }
            EscrowNews::DisputeMessage { dispute, number, party } => {
                json!({"dispute": dispute, "number": number, "party": party})
            }
            EscrowNews::DisputeClosed { dispute, closed_at, outcome } => {
                json!({"dispute": dispute, "closed_at": rfc3339(*closed_at), "outcome": outcome})
            }
            EscrowNews::Code { code, expires_at } => {
                json!({"code": code.expose_secret(), "expires_at": rfc3339(*expires_at)})
            }
        };
        data["reference"] = json!(reference);
        if let Some(parcel) = parcel {
            data["parcel"] = json!(parcel);
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ShipmentId;
    use crate::domain::webhook::WebhookFamily;

    fn all() -> Vec<EscrowNews> {
        let at: Instant = "2026-03-05T00:00:00Z".parse().expect("an instant");
        let (trigger, action) = (TriggerId::from_uuid(uuid::Uuid::nil()), TriggerAction::ConfirmReceipt);
        let text = |text: &str| text.to_owned();
        let dispute = DisputeId::from_uuid(uuid::Uuid::nil());
        vec![
            EscrowNews::StateChanged { from: OrderState::Held, to: OrderState::Shipped, because: None },
            EscrowNews::TriggerAcknowledged { trigger, action },
            EscrowNews::TriggerFailed { trigger, action, because: text("answered 400") },
            EscrowNews::DeadlineNear { what: text("the provider pays the merchant"), deadline_at: at },
            EscrowNews::DisputeOpened {
                dispute,
                opened_at: at,
                reason: text("not as described"),
                decide_by: at,
            },
            EscrowNews::DisputeMessage { dispute, number: 2, party: Party::Buyer },
            EscrowNews::DisputeClosed { dispute, closed_at: at, outcome: text("withdrawn") },
            EscrowNews::Code { code: text("493021").into(), expires_at: at },
        ]
    }

    #[test]
    fn each_is_of_the_family_and_names_the_order_and_the_parcel() {
        let parcel = ParcelId { shipment: ShipmentId::from_uuid(uuid::Uuid::nil()), number: 2 };
        for news in all() {
            assert_eq!(news.kind().family(), Some(WebhookFamily::Escrow));
            let data = news.data("R-1", Some(parcel));
            assert_eq!((&data["reference"], &data["parcel"]), (&json!("R-1"), &json!(parcel)));
            assert_eq!(news.data("R-1", None).get("parcel"), None);
        }
        let mut kinds: Vec<_> = all().iter().map(EscrowNews::kind).collect();
        kinds.dedup();
        let family = |kind: &&WebhookKind| kind.family() == Some(WebhookFamily::Escrow);
        assert_eq!(kinds.len(), WebhookKind::ALL.iter().filter(family).count(), "one of each");
    }

    #[test]
    fn a_change_of_state_says_from_what_to_what_and_why() {
        let because = Some("parcel 1 was returned".to_owned());
        let news = EscrowNews::StateChanged { from: OrderState::Held, to: OrderState::Frozen, because };
        let expected = json!({
            "reference": "R-1", "from": "held", "to": "frozen", "because": "parcel 1 was returned",
        });
        assert_eq!(news.data("R-1", None), expected);
    }

    #[test]
    fn a_code_is_said_to_its_receiver_and_shown_to_nobody() {
        let code = all().pop().expect("a code");
        assert!(code.kind().is_withheld());
        assert_eq!(code.data("R-1", None)["code"], "493021");
        assert!(!format!("{code:?}").contains("493021"));
    }
}
