//! The walk over all chains and the rows beside them.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::rows::disagreements;
use super::{Entry, beginning, link};
use crate::domain::id::ShipmentId;
use crate::store::entity::{audit_entry, escrow_act, escrow_order, escrow_trigger, parcel, shipment};
use crate::store::shipments::AuditHead;
use crate::store::{Store, StoreError, Tx};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    pub shipment: ShipmentId,
    /// The entry it was found at; where a row is at fault, the last one.
    pub seq: i64,
    pub reason: String,
}

#[derive(Debug, Default)]
pub struct Verdict {
    pub shipments: u64,
    pub entries: u64,
    pub breaks: Vec<Break>,
}

impl Verdict {
    fn report(&mut self, shipment: Uuid, seq: i64, reason: impl Into<String>) {
        let shipment = ShipmentId::from_uuid(shipment);
        self.breaks.push(Break { shipment, seq, reason: reason.into() });
    }
}

const PAGE: u64 = 500;

/// Walks every chain from its beginning to the end that its shipment holds, and holds the rows
/// against it. Reads a snapshot, so that it can be run beside a busy daemon, and a page at a time.
pub async fn verify(store: &Store) -> Result<Verdict, StoreError> {
    let snapshot = store.snapshot().await?;
    let db: &Tx = &snapshot;
    let mut verdict = Verdict::default();
    let mut after = Uuid::nil();
    while let Some(page) = Page::behind(db, after, PAGE).await? {
        after = page.last;
        page.check(&mut verdict);
    }
    let orphans: Vec<(Uuid, i64)> = audit_entry::Entity::find()
        .select_only()
        .columns([audit_entry::Column::ShipmentId, audit_entry::Column::Seq])
        .filter(audit_entry::Column::ShipmentId.gt(after))
        .into_tuple()
        .all(db)
        .await?;
    for (shipment, seq) in orphans {
        verdict.report(shipment, seq, ORPHAN);
    }
    Ok(verdict)
}

/// Whether what was written behind `known`, an entry of a shipment's chain, follows from it up to the chain's `end`.
/// Looks at no other rows.
pub async fn verify_behind(
    db: &impl ConnectionTrait,
    shipment: ShipmentId,
    known: AuditHead,
    end: &AuditHead,
) -> Result<Option<Break>, StoreError> {
    use audit_entry::Column as C;
    let of_it = audit_entry::Entity::find().filter(C::ShipmentId.eq(shipment.uuid()));
    let entries = of_it.filter(C::Seq.gt(known.seq)).order_by_asc(C::Seq).all(db).await?;
    let broken = broken_link(shipment.uuid(), known, end, &entries);
    Ok(broken.map(|(seq, reason)| Break { shipment, seq, reason: reason.to_owned() }))
}

const ORPHAN: &str = "its shipment is missing";

/// What of a shipment's row the audit vouches for.
struct Head {
    id: Uuid,
    end: AuditHead,
    status: String,
}

/// Some shipments and all that the audit says of them, each list sorted by shipment.
struct Page {
    last: Uuid,
    heads: Vec<Head>,
    entries: Vec<audit_entry::Model>,
    orders: Vec<escrow_order::Model>,
    triggers: Vec<escrow_trigger::Model>,
    acts: Vec<escrow_act::Model>,
    /// Shipment and number.
    parcels: Vec<(Uuid, i32)>,
}

impl Page {
    /// The next `size` shipments; none: that was the last page.
    async fn behind(db: &impl ConnectionTrait, after: Uuid, size: u64) -> Result<Option<Self>, StoreError> {
        use shipment::Column as C;
        let heads: Vec<(Uuid, i64, String, String)> = shipment::Entity::find()
            .select_only()
            .columns([C::Id, C::AuditSeq, C::AuditHash, C::Status])
            .filter(C::Id.gt(after))
            .order_by_asc(C::Id)
            .limit(size)
            .into_tuple()
            .all(db)
            .await?;
        let Some(last) = heads.last().map(|(id, ..)| *id) else { return Ok(None) };
        let head = |(id, seq, hash, status)| Head { id, end: AuditHead { seq, hash }, status };
        let parcels = parcel::Entity::find()
            .select_only()
            .columns([parcel::Column::ShipmentId, parcel::Column::Number])
            .filter(parcel::Column::ShipmentId.gt(after))
            .filter(parcel::Column::ShipmentId.lte(last))
            .order_by_asc(parcel::Column::ShipmentId);
        let mut page = Self {
            last,
            heads: heads.into_iter().map(head).collect(),
            entries: between::<audit_entry::Entity>(db, audit_entry::Column::ShipmentId, after, last).await?,
            orders: between::<escrow_order::Entity>(db, escrow_order::Column::ShipmentId, after, last)
                .await?,
            triggers: between::<escrow_trigger::Entity>(db, escrow_trigger::Column::ShipmentId, after, last)
                .await?,
            acts: between::<escrow_act::Entity>(db, escrow_act::Column::ShipmentId, after, last).await?,
            parcels: parcels.into_tuple().all(db).await?,
        };
        page.entries.sort_by_key(|entry| (entry.shipment_id, entry.seq));
        Ok(Some(page))
    }

    fn check(&self, verdict: &mut Verdict) {
        for entry in &self.entries {
            if self.heads.binary_search_by_key(&entry.shipment_id, |head| head.id).is_err() {
                verdict.report(entry.shipment_id, entry.seq, ORPHAN);
            }
        }
        for head in &self.heads {
            let entries = of(&self.entries, head.id, |entry| entry.shipment_id);
            verdict.shipments += 1;
            verdict.entries += entries.len() as u64;
            if let Some((seq, reason)) = broken_link(head.id, beginning(), &head.end, entries) {
                verdict.report(head.id, seq, reason);
            }
            let orders = of(&self.orders, head.id, |order| order.shipment_id);
            let triggers = of(&self.triggers, head.id, |trigger| trigger.shipment_id);
            let acts = of(&self.acts, head.id, |act| act.shipment_id);
            let parcels = of(&self.parcels, head.id, |(shipment, _)| *shipment);
            let seq = entries.last().map_or(0, |entry| entry.seq);
            for reason in disagreements(&head.status, entries, orders, triggers, acts, parcels) {
                verdict.report(head.id, seq, reason);
            }
        }
    }
}

/// The rows of the shipments behind `after`, up to `last`.
async fn between<E: EntityTrait>(
    db: &impl ConnectionTrait,
    column: E::Column,
    after: Uuid,
    last: Uuid,
) -> Result<Vec<E::Model>, StoreError> {
    Ok(E::find().filter(column.gt(after)).filter(column.lte(last)).order_by_asc(column).all(db).await?)
}

/// Of rows that are sorted by shipment, those of one.
fn of<T>(rows: &[T], shipment: Uuid, shipment_of: impl Fn(&T) -> Uuid) -> &[T] {
    let first = rows.partition_point(|row| shipment_of(row) < shipment);
    let behind = rows.partition_point(|row| shipment_of(row) <= shipment);
    &rows[first..behind]
}

/// The first place where a chain doesn't hold; what follows a break can't be judged.
/// The first of `entries` that does not follow from `known` and those before it.
fn broken_link(
    shipment: Uuid,
    known: AuditHead,
    end: &AuditHead,
    entries: &[audit_entry::Model],
) -> Option<(i64, &'static str)> {
    let mut last = known;
    for row in entries {
        let entry = Entry::from(row);
        let follows = row.seq == last.seq + 1 && row.previous_hash == last.hash;
        if !follows || link(&last.hash, shipment, &entry) != row.hash {
            return Some((row.seq, "the entry does not follow from the one before it"));
        }
        last = AuditHead { seq: row.seq, hash: row.hash.clone() };
    }
    (last != *end).then_some((last.seq, "the chain ends elsewhere than its shipment says"))
}

#[cfg(test)]
mod tests {
    use sea_orm::{ActiveModelBehavior, ActiveModelTrait, IntoActiveModel};
    use secrecy::SecretString;
    use serde_json::json;

    use super::*;
    use crate::domain::id::TriggerId;
    use crate::domain::instant::from_micros;
    use crate::store::audit::{Change, append};
    use crate::store::schema;

    async fn store(folder: &tempfile::TempDir) -> Store {
        let url: SecretString = format!("sqlite://{}/test.db", folder.path().display()).into();
        schema::up(&url).await.expect("migrations");
        Store::connect(&url, 2).await.expect("a database")
    }

    async fn insert<M, A>(tx: &impl ConnectionTrait, row: M)
    where
        M: IntoActiveModel<A>,
        A: ActiveModelTrait + ActiveModelBehavior + Send,
    {
        let row = row.into_active_model().reset_all();
        A::Entity::insert(row).exec_without_returning(tx).await.expect("a row");
    }

    fn change(action: &str, detail: serde_json::Value) -> Change {
        Change { actor: "operator".to_owned(), action: action.to_owned(), detail }
    }

    fn a_shipment(id: Uuid, end: &AuditHead) -> shipment::Model {
        let text = String::new;
        shipment::Model {
            id,
            merchant_id: Uuid::nil(),
            order_id: id,
            plan_id: id,
            reference: id.to_string(),
            tracking_token: id.to_string(),
            status: "delivered".to_owned(),
            service: text(),
            clearance: text(),
            pickup: text(),
            consignee: text(),
            pickup_zone: text(),
            estimated_earliest_at: 0,
            estimated_latest_at: 0,
            delivered_at: None,
            created_at: 0,
            updated_at: 0,
            audit_seq: end.seq,
            audit_hash: end.hash.clone(),
        }
    }

    fn an_order(id: Uuid) -> escrow_order::Model {
        escrow_order::Model {
            shipment_id: id,
            id,
            merchant_id: Uuid::nil(),
            provider: "webhook".to_owned(),
            payment_reference: id.to_string(),
            amount_minor: 1_999,
            currency: "CNY".to_owned(),
            policy: "on_delivery".to_owned(),
            state: "confirm_requested".to_owned(),
            frozen_because: None,
            contested: false,
            updated_at: 0,
            shares: r#"[{"of":null,"held_minor":1999,"state":"confirm_requested"}]"#.to_owned(),
            acts: 1,
            wake_at: None,
            provider_frozen: false,
            freezes: 0,
            release_deadline_at: None,
            deadline_told_at: None,
        }
    }

    fn an_act(id: Uuid) -> escrow_act::Model {
        let act = r#"{"act":"buyer_confirmed"}"#.to_owned();
        escrow_act::Model {
            shipment_id: id,
            order_id: id,
            number: 1,
            actor: "operator".to_owned(),
            act,
            at: 0,
        }
    }

    fn a_confirmation(id: Uuid) -> escrow_trigger::Model {
        let proof = |number: u16| {
            json!({
                "parcel": crate::domain::id::ParcelId { shipment: ShipmentId::from_uuid(id), number },
                "status": "delivered", "occurred_at": "2026-03-02T00:00:00Z", "source": "poll",
                "reported_by": "dhl_unified",
            })
        };
        let facts = json!({
            "action": "confirm_receipt",
            "merchant": crate::domain::id::MerchantId::from_uuid(id),
            "order": crate::domain::id::OrderId::from_uuid(id),
            "shipment": ShipmentId::from_uuid(id),
            "reference": "R", "payment_reference": "P", "amount": "19.99", "currency": "CNY",
            "evidence": {
                "policy": "on_delivery", "decided_at": "2026-03-02T00:00:00Z", "parcels": [proof(1), proof(2)],
            },
        });
        escrow_trigger::Model {
            shipment_id: id,
            order_id: id,
            share: 0,
            round: 0,
            action: "confirm_receipt".to_owned(),
            id,
            facts: facts.to_string(),
            created_at: 0,
            acknowledged_at: None,
            outcome: None,
        }
    }

    /// Accepted, delivered and about to be paid, as the flows write it.
    async fn insert_shipment(store: &Store, id: Uuid) {
        let trigger = TriggerId::from_uuid(id);
        let changes = [
            change(
                "shipment.accepted",
                json!({
                    "held": {"amount": "19.99", "currency": "CNY"},
                    "shares": [{"of": null, "held_minor": 1999, "state": "held"}],
                }),
            ),
            change("order.act", json!({"act": "buyer_confirmed"})),
            change("shipment.advanced", json!({"from": "accepted", "to": "delivered"})),
            change("order.state", json!({"from": "held", "to": "confirm_requested"})),
            change(
                "trigger.issued",
                json!({"trigger": trigger, "action": "confirm_receipt", "amount": "19.99"}),
            ),
        ];
        let written: Result<(), StoreError> = store
            .write(move |tx| {
                Box::pin(async move {
                    let mut end = beginning();
                    append(tx, ShipmentId::from_uuid(id), &mut end, &changes, from_micros(7)).await?;
                    insert(tx, a_shipment(id, &end)).await;
                    insert(tx, an_order(id)).await;
                    insert(tx, an_act(id)).await;
                    insert(tx, a_confirmation(id)).await;
                    for number in [1, 2] {
                        insert(tx, a_parcel(id, number)).await;
                    }
                    Ok(())
                })
            })
            .await;
        written.expect("a shipment");
    }

    fn a_parcel(shipment_id: Uuid, number: i32) -> parcel::Model {
        parcel::Model {
            shipment_id,
            number,
            reference: number.to_string(),
            weight_grams: 1,
            length_mm: 1,
            width_mm: 1,
            height_mm: 1,
            items: "[]".to_owned(),
            status: "delivered".to_owned(),
            hub_code: None,
            delivered_to: None,
        }
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Two shipments, the second one with what `tamper` does to it; what is found of it.
    async fn found_after(tamper: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        for number in [1, 2] {
            insert_shipment(&store, id(number)).await;
        }
        let tamper = tamper.to_owned();
        let written: Result<(), StoreError> = store
            .write(move |tx| {
                Box::pin(async move {
                    tx.execute_unprepared(&tamper).await?;
                    Ok(())
                })
            })
            .await;
        written.expect("SQL");
        let verdict = verify(&store).await.expect("a verdict");
        assert!(verdict.breaks.iter().all(|found| found.shipment == ShipmentId::from_uuid(id(2))));
        verdict.breaks.into_iter().map(|found| found.reason).collect()
    }

    #[tokio::test]
    async fn sound_chains_and_rows_are_all_walked_page_by_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        for number in 1..=5 {
            insert_shipment(&store, id(number)).await;
        }
        let verdict = verify(&store).await.expect("a verdict");
        assert_eq!((verdict.shipments, verdict.entries, verdict.breaks), (5, 25, vec![]));

        let (mut after, mut seen) = (Uuid::nil(), Verdict::default());
        let mut pages = 0;
        while let Some(page) = Page::behind(store.reader(), after, 2).await.expect("a page") {
            after = page.last;
            page.check(&mut seen);
            pages += 1;
        }
        assert_eq!((pages, seen.shipments, seen.entries, seen.breaks), (3, 5, 25, vec![]));
    }

    #[tokio::test]
    async fn whatever_is_changed_behind_the_chains_back_is_found() {
        let second = "hex(shipment_id) LIKE '%02'";
        let trigger = TriggerId::from_uuid(id(2));
        let no_proof =
            format!("the trigger {trigger} confirms without evidence that every parcel was delivered");
        for (tamper, expected) in [
            (
                "UPDATE shipment SET status = 'lost' WHERE hex(id) LIKE '%02'".to_owned(),
                "the shipment is lost, audited last was delivered".to_owned(),
            ),
            (
                format!("UPDATE escrow_order SET state = 'confirmed' WHERE {second}"),
                "the order is confirmed, audited last was confirm_requested".to_owned(),
            ),
            (
                format!("UPDATE escrow_order SET amount_minor = 99999 WHERE {second}"),
                "the order holds 99999 CNY (minor units), audited was 1999 CNY".to_owned(),
            ),
            (
                format!("UPDATE escrow_order SET currency = 'USD' WHERE {second}"),
                "the order holds 1999 USD (minor units), audited was 1999 CNY".to_owned(),
            ),
            (format!("DELETE FROM escrow_order WHERE {second}"), "the shipment has 0 orders".to_owned()),
            (
                format!("UPDATE escrow_trigger SET action = 'refund' WHERE {second}"),
                format!("the trigger {trigger} (refund) was issued without an entry"),
            ),
            (
                format!("UPDATE escrow_order SET shares = replace(shares, '1999', '2999') WHERE {second}"),
                "the share of all of it is 2999 (minor units), confirm_requested, audited last was 1999 (minor units), \
                 confirm_requested"
                    .to_owned(),
            ),
            (
                format!("UPDATE escrow_trigger SET facts = replace(facts, '19.99', '9.99') WHERE {second}"),
                format!("the trigger {trigger} is of 9.99, audited last was 19.99"),
            ),
            (
                format!("UPDATE escrow_trigger SET acknowledged_at = 1 WHERE {second}"),
                format!("the trigger {trigger} has an acknowledgement, the chain says otherwise"),
            ),
            (
                format!("UPDATE escrow_act SET actor = 'buyer' WHERE {second}"),
                "what people did is not what was audited, from the act 1 on".to_owned(),
            ),
            (
                format!("DELETE FROM escrow_act WHERE {second}"),
                "what people did is not what was audited, from the act 1 on".to_owned(),
            ),
            (format!("DELETE FROM parcel WHERE number = 2 AND {second}"), no_proof.clone()),
            (
                format!(
                    "UPDATE escrow_trigger SET facts = replace(facts, '\"delivered\"', '\"departed\"') WHERE {second}"
                ),
                no_proof.clone(),
            ),
            (
                // The first parcel's evidence twice, the second's not at all.
                format!("UPDATE escrow_trigger SET facts = replace(facts, '-2\"', '-1\"') WHERE {second}"),
                no_proof.clone(),
            ),
            (format!("UPDATE escrow_trigger SET facts = '{{}}' WHERE {second}"), no_proof),
            (
                format!("UPDATE audit_entry SET actor = 'nobody' WHERE seq = 1 AND {second}"),
                "the entry does not follow from the one before it".to_owned(),
            ),
        ] {
            let found = found_after(&tamper).await;
            assert_eq!(found, [expected], "{tamper}");
        }
    }

    #[tokio::test]
    async fn a_chain_that_was_cut_short_and_one_without_a_shipment_are_found() {
        let cut = found_after("DELETE FROM audit_entry WHERE seq = 5 AND hex(shipment_id) LIKE '%02'").await;
        assert_eq!(cut.len(), 2, "{cut:?}");
        assert_eq!(cut[0], "the chain ends elsewhere than its shipment says");
        let alone = found_after("DELETE FROM shipment WHERE hex(id) LIKE '%02'").await;
        assert_eq!(alone, [ORPHAN; 5]);
    }
}
