//! What operators are shown of the network.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::calendar::Closure;
use crate::domain::id::ClosureId;
use crate::domain::instant::rfc3339;

#[derive(Debug, Serialize, ToSchema)]
pub struct CancelledView {
    #[schema(example = "L0002-20260303")]
    pub departure: String,
    pub state: &'static str,
    /// That were planned on it.
    pub shipments_to_replan: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ClosureView {
    pub id: String,
    pub hub: String,
    pub from: String,
    pub until: String,
    pub reason: String,
    /// It came with the network's files, and goes with them.
    pub imported: bool,
    /// Shipments that are planned over the hub about that time, and are looked at one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipments_to_check: Option<u64>,
}

impl ClosureView {
    pub fn new(id: ClosureId, closure: &Closure, imported: bool, to_check: Option<u64>) -> Self {
        Self {
            id: id.to_string(),
            hub: closure.hub.to_string(),
            from: rfc3339(closure.from_at),
            until: rfc3339(closure.until_at),
            reason: closure.reason.clone(),
            imported,
            shipments_to_check: to_check,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ClosureList {
    /// Oldest first.
    pub closures: Vec<ClosureView>,
}
