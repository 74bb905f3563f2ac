//! What came of a comparison with providers, for operators.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::instant::{Instant, rfc3339};
use crate::escrow::reconciliation::Difference;
use crate::escrow::reconciliation::report::Totals;

#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsView {
    /// Orders of which their providers said how they stand.
    pub orders: u64,
    /// Triggers about which providers said something.
    pub triggers: u64,
    /// Orders that changed while they were asked about, and were not compared.
    pub changing: u64,
    /// What could be compared and differs.
    pub differing: u64,
    /// What could not be compared.
    pub unasked: u64,
    /// Differences by their kind.
    pub by_kind: BTreeMap<String, u64>,
}

impl From<&Totals> for TotalsView {
    fn from(totals: &Totals) -> Self {
        let by_kind = totals.differences.iter().map(|(kind, count)| (kind.to_string(), *count)).collect();
        Self {
            orders: totals.orders,
            triggers: totals.triggers,
            changing: totals.changing,
            differing: totals.differing(),
            unasked: totals.unasked(),
            by_kind,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceView {
    /// critical, warning or notice
    pub severity: String,
    pub kind: String,
    pub provider: String,
    pub shipment: Option<String>,
    pub order: Option<String>,
    pub payment_reference: Option<String>,
    pub trigger: Option<String>,
    pub action: Option<String>,
    pub parcel: Option<u16>,
    /// What we hold.
    pub ours: String,
    /// What the provider says.
    pub theirs: String,
    /// reported, acknowledged, doubt_ended, written_down, deadline_learned or not_written
    pub done: String,
    pub because: Option<String>,
}

impl From<&Difference> for DifferenceView {
    fn from(difference: &Difference) -> Self {
        fn text(value: Option<impl ToString>) -> Option<String> {
            value.map(|value| value.to_string())
        }
        Self {
            severity: difference.severity.to_string(),
            kind: difference.kind.to_string(),
            provider: difference.provider.clone(),
            shipment: text(difference.shipment),
            order: text(difference.order),
            payment_reference: difference.payment_reference.clone(),
            trigger: text(difference.trigger),
            action: text(difference.action),
            parcel: difference.parcel,
            ours: difference.ours.clone(),
            theirs: difference.theirs.clone(),
            done: difference.done.to_string(),
            because: difference.because.clone(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReconciliationView {
    pub began_at: String,
    pub finished_at: Option<String>,
    /// Triggers since then were compared.
    pub since: String,
    pub totals: TotalsView,
    pub differences: Vec<DifferenceView>,
    /// There are more: `?after=` this number has them.
    pub next_after: Option<i64>,
}

impl ReconciliationView {
    pub fn new(
        (began_at, finished_at, since): (Instant, Option<Instant>, Instant),
        totals: &Totals,
        differences: &[Difference],
        next_after: Option<i64>,
    ) -> Self {
        Self {
            began_at: rfc3339(began_at),
            finished_at: finished_at.map(rfc3339),
            since: rfc3339(since),
            totals: totals.into(),
            differences: differences.iter().map(DifferenceView::from).collect(),
            next_after,
        }
    }
}
