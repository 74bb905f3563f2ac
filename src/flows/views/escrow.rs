//! How an order's money stands, for its merchant and for operators.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::merchant::MoneyView;
use crate::domain::escrow::{Declared, ReleasePolicy, ShareOf, ShareState};
use crate::domain::instant::rfc3339;
use crate::domain::money::Money;
use crate::escrow::rules::acts::{RefundOrder, Standing};
use crate::store::orders::{Order, Trigger, WrittenAct};

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

/// Money that goes back, or is to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundView {
    /// Whose share of the money it is of; absent: of all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parcel: Option<u16>,
    #[serde(flatten)]
    pub money: MoneyView,
    pub reason: String,
    pub waits_for_approval: bool,
    /// Shown to operators alone, as who approved it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// What was ordered back of an order's money and not withdrawn.
fn refunds(order: &Order, acts: &[WrittenAct], to: Reader) -> Vec<RefundView> {
    let standing = Standing::of(acts.iter().map(|written| (&written.act, written.actor.as_str())));
    let who = |name: String| (to == Reader::Operator).then_some(name);
    let waiting: BTreeSet<ShareOf> = standing.waiting(&order.shares).map(|(share, _)| share).collect();
    let refund = |(parcel, refund): (ShareOf, RefundOrder)| RefundView {
        parcel,
        money: money(order, refund.amount_minor),
        waits_for_approval: waiting.contains(&parcel),
        reason: refund.reason,
        ordered_by: who(refund.by),
        approved_by: refund.approved_by.and_then(who),
    };
    standing.refunds.into_iter().map(refund).collect()
}

/// Whom money is shown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Merchant,
    Operator,
}

/// The order's money.
#[derive(Debug, Serialize, ToSchema)]
pub struct EscrowView {
    #[serde(flatten)]
    pub state: EscrowStateView,
    pub refunds: Vec<RefundView>,
    pub triggers: Vec<TriggerView>,
}

impl EscrowView {
    pub fn new(order: &Order, triggers: &[Trigger], acts: &[WrittenAct], to: Reader) -> Self {
        let triggers = triggers.iter().map(|trigger| TriggerView {
            id: trigger.id.to_string(),
            action: trigger.facts.action.to_string(),
            parcel: trigger.facts.parcel,
            amount: trigger.facts.amount.clone(),
            created_at: rfc3339(trigger.created_at),
            acknowledged_at: trigger.acknowledged_at.map(rfc3339),
            declaration: trigger.outcome.as_ref().map(DeclarationView::from),
        });
        Self {
            state: EscrowStateView::from(order),
            refunds: refunds(order, acts, to),
            triggers: triggers.collect(),
        }
    }
}

/// An order's money, for operators.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderView {
    pub shipment: String,
    pub merchant: String,
    /// Since when it is as it is.
    pub updated_at: String,
    #[serde(flatten)]
    pub state: EscrowStateView,
    pub refunds: Vec<RefundView>,
}

impl OrderView {
    pub fn new(order: &Order, acts: &[WrittenAct]) -> Self {
        Self {
            shipment: order.shipment.to_string(),
            merchant: order.merchant.to_string(),
            updated_at: rfc3339(order.updated_at),
            state: EscrowStateView::from(order),
            refunds: refunds(order, acts, Reader::Operator),
        }
    }
}

/// Those that wait longest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderPage {
    pub orders: Vec<OrderView>,
    /// For the next page, if there is one.
    pub next_cursor: Option<String>,
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

fn money(order: &Order, minor: i64) -> MoneyView {
    let currency = order.held.currency;
    MoneyView { amount: Money::new(minor, currency).amount(), currency: currency.to_string() }
}

impl From<&Order> for EscrowStateView {
    fn from(order: &Order) -> Self {
        let share = |share: &ShareState| {
            let (held, because) = (money(order, share.held_minor), share.because.clone());
            Some(ShareView { parcel: share.of?, held, state: share.state.to_string(), because })
        };
        Self {
            provider: order.provider.clone(),
            payment_reference: order.payment_reference.clone(),
            held: money(order, order.held.minor),
            state: order.state.to_string(),
            frozen_because: order.frozen_because.clone(),
            release_policy: order.policy.clone(),
            next_at: order.wake_at.map(rfc3339),
            release_deadline_at: order.release_deadline_at.map(rfc3339),
            shares: order.shares.iter().filter_map(share).collect(),
        }
    }
}
