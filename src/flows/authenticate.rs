//! Who is calling: by key, or by the signature on the body.

use secrecy::{ExposeSecret, SecretString};

use crate::chance::{self, NoRandomness};
use crate::domain::escrow::ReleasePolicy;
use crate::domain::failure::Class;
use crate::domain::id::MerchantId;
use crate::domain::instant::Instant;
use crate::domain::merchant::{BuyerProof, Verification};
use crate::domain::money::Currency;
use crate::domain::network::HubCode;
use crate::domain::place::Country;
use crate::flows::Deps;
use crate::merchants::{KeyKind, hash_of, new_key};
use crate::standard_webhooks::{BadSecret, Refused, Secret, Signed, verify};
use crate::store::merchants::{self, Merchant};
use crate::store::{Store, StoreError, operators};

/// Says nothing about what exists: a caller learns only that it was refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("no key and no signature were sent")]
    Missing,
    #[error("the key is not valid here")]
    UnknownKey,
    #[error("the signature is refused: {0}")]
    BadSignature(#[from] Refused),
    #[error("this merchant is suspended")]
    Suspended,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a stored secret cannot be read")]
    StoredSecret(#[from] BadSecret),
    #[error("no random numbers: {0}")]
    Random(#[from] NoRandomness),
}

impl AuthError {
    pub fn class(&self) -> Class {
        match self {
            AuthError::Missing
            | AuthError::UnknownKey
            | AuthError::BadSignature(_)
            | AuthError::Suspended => Class::Caller,
            AuthError::Store(error) => error.class(),
            AuthError::StoredSecret(_) | AuthError::Random(_) => Class::Bug,
        }
    }
}

pub async fn merchant_by_key(deps: &Deps, key: &str) -> Result<Merchant, AuthError> {
    let found = merchants::by_key_hash(deps.store.reader(), &hash_of(key)).await?;
    standing(found.ok_or(AuthError::UnknownKey)?)
}

/// A merchant who may have signed a message. Nothing is proved until [`merchant_by_signature`].
pub struct Signer(Merchant);

/// The merchant who says to be `id`, if the headers could be those of a signed message: all that
/// can be refused before the body is read. An unknown merchant is refused in the words in which a
/// known one's bad signature is. That a body is waited for does tell them apart, but an id has too
/// many random bits to be tried out: whoever names one knew it before.
pub async fn signer(deps: &Deps, id: MerchantId, signed: &Signed<'_>) -> Result<Signer, AuthError> {
    let tolerance = deps.settings.intake.signature_tolerance_seconds;
    match verify(&[], signed, &[], deps.clock.wall(), tolerance) {
        // The headers are in order; without a secret and a body no more can be said.
        Ok(()) | Err(Refused::NoSignatureMatches) => {
            let found = merchants::find(deps.store.reader(), id).await?;
            found.map(Signer).ok_or(AuthError::BadSignature(Refused::NoSignatureMatches))
        }
        Err(refused) => Err(refused.into()),
    }
}

/// The merchant who proved by a signature over `body` (Standard Webhooks) who it is.
pub fn merchant_by_signature(
    deps: &Deps,
    Signer(merchant): Signer,
    signed: &Signed<'_>,
    body: &[u8],
) -> Result<Merchant, AuthError> {
    let mut secrets: Vec<Secret> = vec![merchant.webhook_secret.expose_secret().parse()?];
    if let Some(previous) = &merchant.webhook_secret_previous {
        secrets.push(previous.expose_secret().parse()?);
    }
    let tolerance = deps.settings.intake.signature_tolerance_seconds;
    verify(&secrets, signed, body, deps.clock.wall(), tolerance)?;
    standing(merchant)
}

fn standing(merchant: Merchant) -> Result<Merchant, AuthError> {
    match merchant.verification {
        Verification::Verified => Ok(merchant),
        Verification::Suspended => Err(AuthError::Suspended),
    }
}

/// The hub that a key belongs to.
pub async fn hub_by_key(deps: &Deps, key: &str) -> Result<HubCode, AuthError> {
    merchants::hub_by_key_hash(deps.store.reader(), &hash_of(key)).await?.ok_or(AuthError::UnknownKey)
}

/// Somebody who runs the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
}

impl Operator {
    /// As the audit names it.
    pub fn actor(&self) -> String {
        format!("operator {}", self.name)
    }
}

pub async fn operator_by_key(deps: &Deps, key: &str) -> Result<Operator, AuthError> {
    let name = operators::name_by_key_hash(deps.store.reader(), &hash_of(key)).await?;
    name.map(|name| Operator { name }).ok_or(AuthError::UnknownKey)
}

/// A new merchant with its secrets, which are shown this once.
pub struct NewMerchant {
    pub id: MerchantId,
    pub api_key: SecretString,
    pub webhook_secret: SecretString,
}

pub async fn create_merchant(
    store: &Store,
    name: String,
    country: Country,
    settlement_currency: Currency,
    now: Instant,
) -> Result<NewMerchant, AuthError> {
    let id = MerchantId::from_uuid(chance::id());
    let (api_key, hash) = new_key(KeyKind::Merchant)?;
    let webhook_secret = SecretString::from(Secret::generate()?.to_text());
    let merchant = Merchant {
        id,
        name,
        country,
        settlement_currency,
        verification: Verification::Verified,
        webhook_secret: webhook_secret.clone(),
        webhook_secret_previous: None,
        release_policy: ReleasePolicy::default(),
        buyer_proof: BuyerProof::Code,
        created_at: now,
    };
    let written: Result<(), StoreError> =
        store.write(move |tx| Box::pin(async move { merchants::insert(tx, &merchant, &hash).await })).await;
    written?;
    Ok(NewMerchant { id, api_key, webhook_secret })
}

/// A new webhook secret; the one before it stays good until the next rotation. None: no such merchant.
pub async fn rotate_secret(store: &Store, id: MerchantId) -> Result<Option<SecretString>, AuthError> {
    let secret = SecretString::from(Secret::generate()?.to_text());
    let new = secret.clone();
    let found: Result<bool, StoreError> =
        store.write(move |tx| Box::pin(async move { merchants::rotate_secret(tx, id, &new).await })).await;
    Ok(found?.then_some(secret))
}

/// A new API key, shown this once; all earlier ones of the merchant end with it. None: no such merchant.
pub async fn renew_key(
    store: &Store,
    id: MerchantId,
    now: Instant,
) -> Result<Option<SecretString>, AuthError> {
    let (key, hash) = new_key(KeyKind::Merchant)?;
    let found: Result<bool, StoreError> =
        store.write(move |tx| Box::pin(async move { merchants::renew_key(tx, id, &hash, now).await })).await;
    Ok(found?.then_some(key))
}

/// Suspends a merchant, or takes it back; what it sends is refused while it is suspended.
/// False: no such merchant.
pub async fn set_verification(store: &Store, id: MerchantId, to: Verification) -> Result<bool, StoreError> {
    store.write(move |tx| Box::pin(async move { merchants::set_verification(tx, id, to).await })).await
}

/// How orders are released that say nothing of it, from now on, and how buyers prove themselves.
/// False: no such merchant.
pub async fn set_escrow(
    store: &Store,
    id: MerchantId,
    policy: ReleasePolicy,
    proof: BuyerProof,
) -> Result<bool, StoreError> {
    store.write(move |tx| Box::pin(async move { merchants::set_escrow(tx, id, &policy, proof).await })).await
}

pub async fn create_hub_key(store: &Store, hub: HubCode, now: Instant) -> Result<SecretString, AuthError> {
    let (key, hash) = new_key(KeyKind::Hub)?;
    let written: Result<(), StoreError> = store
        .write(move |tx| Box::pin(async move { merchants::insert_hub_key(tx, &hub, &hash, now).await }))
        .await;
    written?;
    Ok(key)
}

/// Ends every key of a hub. Says how many that were.
pub async fn revoke_hub_keys(store: &Store, hub: HubCode, now: Instant) -> Result<u64, StoreError> {
    store.write(move |tx| Box::pin(async move { merchants::revoke_hub_keys(tx, &hub, now).await })).await
}

pub async fn create_operator_key(
    store: &Store,
    name: String,
    now: Instant,
) -> Result<SecretString, AuthError> {
    let (key, hash) = new_key(KeyKind::Operator)?;
    let written: Result<(), StoreError> = store
        .write(move |tx| Box::pin(async move { operators::insert_key(tx, &name, &hash, now).await }))
        .await;
    written?;
    Ok(key)
}

/// Ends every key of an operator. Says how many that were.
pub async fn revoke_operator_keys(store: &Store, name: String, now: Instant) -> Result<u64, StoreError> {
    store.write(move |tx| Box::pin(async move { operators::revoke_keys(tx, &name, now).await })).await
}
