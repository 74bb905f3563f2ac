//! What was changed, when, by whom: a chain of hashes per shipment.
//!
//! Each entry's hash covers the one before it, and the shipment's row holds the end of
//! the chain. A changed, removed, added or reordered entry breaks it, and so does a chain
//! that was cut short. [`verify()`] walks the chains, and then holds the rows against what
//! was audited of them last: a state, an amount or a trigger that was changed beside the
//! chain is found as well.
//!
//! Shipments don't share a chain: it would make every change in the house wait for every
//! other. So a shipment that is removed together with its chain leaves no trace here.
//! Absent on purpose: a secret in the hash. Who can rewrite the whole database can rewrite
//! the chains. Against both, keep copies elsewhere.

mod rows;
mod verify;

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entity::audit_entry;
use super::events::hex;
use super::shipments::AuditHead;
use super::{StoreError, Tx};
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, from_micros};
pub use verify::{Break, Verdict, verify, verify_behind};

/// One change, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Who it was done for: `merchant mer_…`, `hub USLAX`, `carrier dhl_unified`, `operator`.
    pub actor: String,
    /// `shipment.accepted`, `order.frozen`, …
    pub action: String,
    /// JSON, without personal data.
    pub detail: serde_json::Value,
}

pub struct Entry {
    pub seq: i64,
    pub at: Instant,
    pub actor: String,
    pub action: String,
    /// JSON.
    pub detail: String,
}

/// Where a chain begins.
pub fn beginning() -> AuditHead {
    AuditHead { seq: 0, hash: "0".repeat(64) }
}

impl From<&audit_entry::Model> for Entry {
    fn from(row: &audit_entry::Model) -> Self {
        Self {
            seq: row.seq,
            at: from_micros(row.at),
            actor: row.actor.clone(),
            action: row.action.clone(),
            detail: row.detail.clone(),
        }
    }
}

/// What was written down of a shipment, oldest first.
pub async fn of_shipment(db: &impl ConnectionTrait, shipment: ShipmentId) -> Result<Vec<Entry>, StoreError> {
    let query = audit_entry::Entity::find().filter(audit_entry::Column::ShipmentId.eq(shipment.uuid()));
    let rows = query.order_by_asc(audit_entry::Column::Seq).all(db).await?;
    Ok(rows.iter().map(Entry::from).collect())
}

fn link(previous: &str, shipment: Uuid, entry: &Entry) -> String {
    let mut hash = Sha256::new();
    let (seq, at) = (entry.seq.to_be_bytes(), entry.at.timestamp_micros().to_be_bytes());
    let texts = [entry.actor.as_bytes(), entry.action.as_bytes(), entry.detail.as_bytes()];
    let parts: [&[u8]; 4] = [previous.as_bytes(), shipment.as_bytes(), &seq, &at];
    for part in parts.into_iter().chain(texts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Adds `changes` behind `head` and moves it. The caller saves the head with the shipment.
pub async fn append(
    tx: &Tx,
    shipment: ShipmentId,
    head: &mut AuditHead,
    changes: &[Change],
    at: Instant,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(changes.len());
    for change in changes {
        rows.push(row(shipment, head, change, at));
    }
    insert(tx, rows).await
}

/// Adds one change to each of many shipments, and moves their heads.
pub async fn append_to_many<'c>(
    tx: &Tx,
    changed: impl IntoIterator<Item = (ShipmentId, &'c mut AuditHead, &'c Change)>,
    at: Instant,
) -> Result<(), StoreError> {
    let rows = changed.into_iter().map(|(shipment, head, change)| row(shipment, head, change, at));
    insert(tx, rows.collect()).await
}

/// Adds changes to each of many shipments, and moves their heads.
pub async fn append_to_each<'c>(
    tx: &Tx,
    changed: impl IntoIterator<Item = (ShipmentId, &'c mut AuditHead, &'c [Change])>,
    at: Instant,
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for (shipment, head, changes) in changed {
        rows.extend(changes.iter().map(|change| row(shipment, head, change, at)));
    }
    insert(tx, rows).await
}

fn row(shipment: ShipmentId, head: &mut AuditHead, change: &Change, at: Instant) -> audit_entry::ActiveModel {
    let entry = Entry {
        seq: head.seq + 1,
        at,
        actor: change.actor.clone(),
        action: change.action.clone(),
        detail: change.detail.to_string(),
    };
    let hash = link(&head.hash, shipment.uuid(), &entry);
    head.seq = entry.seq;
    audit_entry::ActiveModel {
        shipment_id: Set(shipment.uuid()),
        seq: Set(entry.seq),
        at: Set(at.timestamp_micros()),
        actor: Set(entry.actor),
        action: Set(entry.action),
        detail: Set(entry.detail),
        previous_hash: Set(std::mem::replace(&mut head.hash, hash.clone())),
        hash: Set(hash),
    }
}

async fn insert(tx: &Tx, rows: Vec<audit_entry::ActiveModel>) -> Result<(), StoreError> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(1_000);
        audit_entry::Entity::insert_many(some).exec_without_returning(tx).await?;
    }
    Ok(())
}
