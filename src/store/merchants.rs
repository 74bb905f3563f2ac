//! Merchants, and the keys of merchants and hubs.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use secrecy::{ExposeSecret, SecretString};

use super::entity::{hub_key, merchant, merchant_key};
use super::row::{Column, Only, to_json};
use super::{StoreError, Tx};
use crate::domain::escrow::ReleasePolicy;
use crate::domain::id::MerchantId;
use crate::domain::instant::{Instant, from_micros};
use crate::domain::merchant::{BuyerProof, Verification};
use crate::domain::money::Currency;
use crate::domain::network::HubCode;
use crate::domain::place::Country;

#[derive(Debug, Clone)]
pub struct Merchant {
    pub id: MerchantId,
    pub name: String,
    pub country: Country,
    pub settlement_currency: Currency,
    pub verification: Verification,
    pub webhook_secret: SecretString,
    /// Still good while the merchant changes over.
    pub webhook_secret_previous: Option<SecretString>,
    pub created_at: Instant,
    /// Of orders that say nothing else.
    pub release_policy: ReleasePolicy,
    pub buyer_proof: BuyerProof,
}

pub async fn insert(tx: &Tx, merchant: &Merchant, key_hash: &str) -> Result<(), StoreError> {
    let row = merchant::ActiveModel {
        id: Set(merchant.id.uuid()),
        name: Set(merchant.name.clone()),
        country: Set(merchant.country.to_string()),
        settlement_currency: Set(merchant.settlement_currency.to_string()),
        verification: Set(merchant.verification.to_string()),
        webhook_secret: Set(merchant.webhook_secret.expose_secret().to_owned()),
        webhook_secret_previous: Set(None),
        created_at: Set(merchant.created_at.timestamp_micros()),
        release_policy: Set(Some(to_json(&merchant.release_policy))),
        buyer_proof: Set(merchant.buyer_proof.to_string()),
    };
    merchant::Entity::insert(row).exec_without_returning(tx).await?;
    insert_key(tx, merchant.id, key_hash, merchant.created_at).await
}

async fn insert_key(tx: &Tx, merchant: MerchantId, hash: &str, at: Instant) -> Result<(), StoreError> {
    let key = merchant_key::ActiveModel {
        hash: Set(hash.to_owned()),
        merchant_id: Set(merchant.uuid()),
        created_at: Set(at.timestamp_micros()),
        revoked_at: Set(None),
    };
    merchant_key::Entity::insert(key).exec_without_returning(tx).await?;
    Ok(())
}

/// Every API key that the merchant has is revoked, and one with `key_hash` is the only good one.
/// False: there is no such merchant.
pub async fn renew_key(tx: &Tx, id: MerchantId, key_hash: &str, at: Instant) -> Result<bool, StoreError> {
    if find(tx, id).await?.is_none() {
        return Ok(false);
    }
    merchant_key::Entity::update_many()
        .col_expr(merchant_key::Column::RevokedAt, Expr::value(at.timestamp_micros()))
        .filter(merchant_key::Column::MerchantId.eq(id.uuid()))
        .filter(merchant_key::Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    insert_key(tx, id, key_hash, at).await?;
    Ok(true)
}

/// False: there is no such merchant.
pub async fn set_verification(tx: &Tx, id: MerchantId, to: Verification) -> Result<bool, StoreError> {
    let done = merchant::Entity::update_many()
        .col_expr(merchant::Column::Verification, Expr::value(to.as_str()))
        .filter(merchant::Column::Id.eq(id.uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// How orders are released that say nothing of it, from now on. False: there is no such merchant.
pub async fn set_escrow(
    tx: &Tx,
    id: MerchantId,
    policy: &ReleasePolicy,
    proof: BuyerProof,
) -> Result<bool, StoreError> {
    let done = merchant::Entity::update_many()
        .col_expr(merchant::Column::ReleasePolicy, Expr::value(to_json(policy)))
        .col_expr(merchant::Column::BuyerProof, Expr::value(proof.as_str()))
        .filter(merchant::Column::Id.eq(id.uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

pub async fn find(db: &impl ConnectionTrait, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
    merchant::Entity::find_by_id(id.uuid()).only(db).await?.map(from_row).transpose()
}

/// Held until the end of the transaction: two who change what belongs to one merchant take turns.
pub async fn lock(tx: &Tx, id: MerchantId) -> Result<(), StoreError> {
    merchant::Entity::find_by_id(id.uuid()).lock_exclusive().only(tx).await?;
    Ok(())
}

pub async fn by_key_hash(db: &impl ConnectionTrait, hash: &str) -> Result<Option<Merchant>, StoreError> {
    let key = merchant_key::Entity::find_by_id(hash).only(db).await?.filter(|key| key.revoked_at.is_none());
    match key {
        Some(key) => find(db, MerchantId::from_uuid(key.merchant_id)).await,
        None => Ok(None),
    }
}

pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Merchant>, StoreError> {
    let rows = merchant::Entity::find().order_by_asc(merchant::Column::Id).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

/// `secret` becomes the current one, the current one the previous. False: there is no such merchant.
pub async fn rotate_secret(tx: &Tx, id: MerchantId, secret: &SecretString) -> Result<bool, StoreError> {
    let done = merchant::Entity::update_many()
        .col_expr(merchant::Column::WebhookSecretPrevious, Expr::col(merchant::Column::WebhookSecret))
        .col_expr(merchant::Column::WebhookSecret, Expr::value(secret.expose_secret()))
        .filter(merchant::Column::Id.eq(id.uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

pub async fn insert_hub_key(tx: &Tx, hub: &HubCode, key_hash: &str, at: Instant) -> Result<(), StoreError> {
    let row = hub_key::ActiveModel {
        hash: Set(key_hash.to_owned()),
        hub_code: Set(hub.to_string()),
        created_at: Set(at.timestamp_micros()),
        revoked_at: Set(None),
    };
    hub_key::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Says how many keys the hub had that were still good.
pub async fn revoke_hub_keys(tx: &Tx, hub: &HubCode, at: Instant) -> Result<u64, StoreError> {
    let done = hub_key::Entity::update_many()
        .col_expr(hub_key::Column::RevokedAt, Expr::value(at.timestamp_micros()))
        .filter(hub_key::Column::HubCode.eq(hub.as_str()))
        .filter(hub_key::Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

pub async fn hub_by_key_hash(db: &impl ConnectionTrait, hash: &str) -> Result<Option<HubCode>, StoreError> {
    let key = hub_key::Entity::find_by_id(hash).only(db).await?.filter(|key| key.revoked_at.is_none());
    key.map(|key| Column("hub_key", "hub_code").word(&key.hub_code)).transpose()
}

fn from_row(row: merchant::Model) -> Result<Merchant, StoreError> {
    let column = |name| Column("merchant", name);
    Ok(Merchant {
        id: MerchantId::from_uuid(row.id),
        name: row.name,
        country: column("country").word(&row.country)?,
        settlement_currency: column("settlement_currency").word(&row.settlement_currency)?,
        verification: column("verification").word(&row.verification)?,
        webhook_secret: row.webhook_secret.into(),
        webhook_secret_previous: row.webhook_secret_previous.map(Into::into),
        created_at: from_micros(row.created_at),
        release_policy: match row.release_policy.as_deref() {
            Some(policy) => column("release_policy").json(policy)?,
            None => ReleasePolicy::default(),
        },
        buyer_proof: column("buyer_proof").word(&row.buyer_proof)?,
    })
}
