//! How an order's money stands, for its merchant and for operators.

use serde::Serialize;
use utoipa::ToSchema;

use super::merchant::MoneyView;
use crate::domain::escrow::{Declared, ReleasePolicy, ShareState};
use crate::domain::instant::rfc3339;
use crate::domain::money::Money;
use crate::store::orders::{Order, Trigger};

#[derive(Debug, Serialize, ToSchema)]
pub struct TriggerView {
    pub id: String,
    pub action: String,
    /// Whose share of the money it is about; absent: all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parcel: Option<u16>,
    pub amount: String,
    pub created_at: String,
    pub acknowledged_at: Option<String>,
    /// Of a declaration to customs, what the provider said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration: Option<DeclarationView>,
}

/// A payment as a customs office has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeclarationView {
    pub number: String,
    /// The payment company's code at the customs office.
    pub pay_code: Option<String>,
    pub pay_transaction_id: Option<String>,
    /// Whether the payer is the one named in the declaration, where the provider checks it.
    pub identity_matches: Option<bool>,
}

impl From<&Declared> for DeclarationView {
    fn from(declared: &Declared) -> Self {
        let Declared { declaration_number, pay_code, pay_transaction_id, identity_matches } =
            declared.clone();
        Self { number: declaration_number, pay_code, pay_transaction_id, identity_matches }
    }
}

/// The order's money.
#[derive(Debug, Serialize, ToSchema)]
pub struct EscrowView {
    #[serde(flatten)]
    pub state: EscrowStateView,
    pub triggers: Vec<TriggerView>,
}

impl EscrowView {
    pub fn new(order: &Order, triggers: &[Trigger]) -> Self {
        let triggers = triggers.iter().map(|trigger| TriggerView {
            id: trigger.id.to_string(),
            action: trigger.facts.action.to_string(),
            parcel: trigger.facts.parcel,
            amount: trigger.facts.amount.clone(),
            created_at: rfc3339(trigger.created_at),
            acknowledged_at: trigger.acknowledged_at.map(rfc3339),
            declaration: trigger.outcome.as_ref().map(DeclarationView::from),
        });
        Self { state: EscrowStateView::from(order), triggers: triggers.collect() }
    }
}

/// How an order's money stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct EscrowStateView {
    pub provider: String,
    pub payment_reference: String,
    pub held: MoneyView,
    pub state: String,
    /// Why it is as it is.
    pub frozen_because: Option<String>,
    #[schema(value_type = Object)]
    pub release_policy: ReleasePolicy,
    /// When time alone moves it on.
    pub next_at: Option<String>,
    /// When the provider releases by itself, as far as it is known.
    pub release_deadline_at: Option<String>,
    /// Where the money is released by parcel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<ShareView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ShareView {
    pub parcel: u16,
    pub held: MoneyView,
    pub state: String,
    pub because: Option<String>,
}

impl From<&Order> for EscrowStateView {
    fn from(order: &Order) -> Self {
        let currency = order.held.currency;
        let money = |minor| MoneyView {
            amount: Money::new(minor, currency).amount(),
            currency: currency.to_string(),
        };
        let share = |share: &ShareState| {
            let (held, because) = (money(share.held_minor), share.because.clone());
            Some(ShareView { parcel: share.of?, held, state: share.state.to_string(), because })
        };
        Self {
            provider: order.provider.clone(),
            payment_reference: order.payment_reference.clone(),
            held: money(order.held.minor),
            state: order.state.to_string(),
            frozen_because: order.frozen_because.clone(),
            release_policy: order.policy.clone(),
            next_at: order.wake_at.map(rfc3339),
            release_deadline_at: order.release_deadline_at.map(rfc3339),
            shares: order.shares.iter().filter_map(share).collect(),
        }
    }
}
