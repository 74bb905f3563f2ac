//! What was changed, when, by whom: a chain of hashes per shipment.
//!
//! Each entry's hash covers the one before it, and the shipment's row holds the end of
//! the chain. A changed, removed, added or reordered entry breaks it, and so does a chain
//! that was cut short. Shipments don't share a chain: it would make every change in the
//! house wait for every other. Absent on purpose: a secret in the hash. Who can rewrite
//! the whole database can rewrite the chains; against that, keep copies elsewhere.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entity::{audit_entry, shipment};
use super::events::hex;
use super::shipments::AuditHead;
use super::{Store, StoreError, Tx};
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, from_micros};

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    pub at: Instant,
    pub actor: String,
    pub action: String,
    pub detail: String,
}

/// Where a chain begins.
pub fn beginning() -> AuditHead {
    AuditHead { seq: 0, hash: "0".repeat(64) }
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
        let entry = Entry {
            seq: head.seq + 1,
            at,
            actor: change.actor.clone(),
            action: change.action.clone(),
            detail: change.detail.to_string(),
        };
        let hash = link(&head.hash, shipment.uuid(), &entry);
        rows.push(audit_entry::ActiveModel {
            shipment_id: Set(shipment.uuid()),
            seq: Set(entry.seq),
            at: Set(at.timestamp_micros()),
            actor: Set(entry.actor),
            action: Set(entry.action),
            detail: Set(entry.detail),
            previous_hash: Set(std::mem::replace(&mut head.hash, hash.clone())),
            hash: Set(hash),
        });
        head.seq = entry.seq;
    }
    if !rows.is_empty() {
        audit_entry::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    pub shipment: ShipmentId,
    pub seq: i64,
    pub reason: String,
}

#[derive(Debug, Default)]
pub struct Verdict {
    pub shipments: u64,
    pub entries: u64,
    pub breaks: Vec<Break>,
}

const PAGE: u64 = 500;

/// Walks every chain from its beginning to the end that its shipment holds.
/// Reads a snapshot, so that it can be run beside a busy daemon.
pub async fn verify(store: &Store) -> Result<Verdict, StoreError> {
    let db = &store.snapshot().await?;
    let mut verdict = Verdict::default();
    let mut after = Uuid::nil();
    loop {
        let page: Vec<(Uuid, i64, String)> = shipment::Entity::find()
            .select_only()
            .columns([shipment::Column::Id, shipment::Column::AuditSeq, shipment::Column::AuditHash])
            .filter(shipment::Column::Id.gt(after))
            .order_by_asc(shipment::Column::Id)
            .limit(PAGE)
            .into_tuple()
            .all(db)
            .await?;
        let Some((last, ..)) = page.last() else { break };
        let entries = audit_entry::Entity::find()
            .filter(audit_entry::Column::ShipmentId.gt(after))
            .filter(audit_entry::Column::ShipmentId.lte(*last))
            .order_by_asc(audit_entry::Column::ShipmentId)
            .order_by_asc(audit_entry::Column::Seq)
            .all(db)
            .await?;
        after = *last;
        verify_page(&page, &entries, &mut verdict);
    }
    let orphans =
        audit_entry::Entity::find().filter(audit_entry::Column::ShipmentId.gt(after)).all(db).await?;
    verify_page(&[], &orphans, &mut verdict);
    Ok(verdict)
}

fn verify_page(heads: &[(Uuid, i64, String)], entries: &[audit_entry::Model], verdict: &mut Verdict) {
    let mut entries = entries.iter().peekable();
    let mut report = |shipment: Uuid, seq, reason: &str| {
        let shipment = ShipmentId::from_uuid(shipment);
        verdict.breaks.push(Break { shipment, seq, reason: reason.to_owned() });
    };
    for (id, seq, hash) in heads {
        verdict.shipments += 1;
        while let Some(orphan) = entries.next_if(|entry| entry.shipment_id < *id) {
            report(orphan.shipment_id, orphan.seq, "its shipment is missing");
        }
        let mut head = beginning();
        let mut broken = false;
        while let Some(row) = entries.next_if(|entry| entry.shipment_id == *id) {
            verdict.entries += 1;
            let entry = Entry {
                seq: row.seq,
                at: from_micros(row.at),
                actor: row.actor.clone(),
                action: row.action.clone(),
                detail: row.detail.clone(),
            };
            let follows = row.seq == head.seq + 1 && row.previous_hash == head.hash;
            let sound = follows && link(&head.hash, *id, &entry) == row.hash;
            if !broken && !sound {
                report(*id, row.seq, "the entry does not follow from the one before it");
                broken = true;
            }
            head = AuditHead { seq: row.seq, hash: row.hash.clone() };
        }
        if !broken && (head.seq, &head.hash) != (*seq, hash) {
            report(*id, head.seq, "the chain ends elsewhere than its shipment says");
        }
    }
    for orphan in entries {
        report(orphan.shipment_id, orphan.seq, "its shipment is missing");
    }
}

/// A shipment's entries, oldest first.
pub async fn entries(db: &impl ConnectionTrait, shipment: ShipmentId) -> Result<Vec<Entry>, StoreError> {
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::ShipmentId.eq(shipment.uuid()))
        .order_by_asc(audit_entry::Column::Seq)
        .all(db)
        .await?;
    let entry = |row: audit_entry::Model| Entry {
        seq: row.seq,
        at: from_micros(row.at),
        actor: row.actor,
        action: row.action,
        detail: row.detail,
    };
    Ok(rows.into_iter().map(entry).collect())
}
