//! Where merchants want to be told, and how it stands with each of these places.
//!
//! The endpoint is what a sender leases, not the message: so much and no more is under way
//! to one of them, whoever sends it, and one that is paused is passed over with all that
//! waits for it. Who writes messages never touches these rows, so that shipments of one
//! merchant do not wait for each other.

use sea_orm::sea_query::{Expr, Value};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, Select, UpdateMany,
};

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::entity::webhook_endpoint::{self, Column as C};
use super::row::{Column, Only, columns, placeholders, skip_locked, statement, to_json};
use super::{StoreError, Tx};
use crate::domain::id::{MerchantId, WebhookId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::webhook::{Pattern, SigningSecret, Subscription};

#[derive(Debug, Clone)]
pub struct Endpoint {
    pub id: WebhookId,
    pub merchant: MerchantId,
    pub url: String,
    pub events: Subscription,
    /// The current one first. None: its merchant's own sign for it.
    pub secrets: Vec<SigningSecret>,
    pub created_at: Instant,
    /// Nothing more is sent to it since then, and why.
    pub disabled_at: Option<Instant>,
    pub disabled_because: Option<String>,
    /// Its merchant took it back.
    pub deleted_at: Option<Instant>,
    pub standing: Standing,
    /// Of the one who claimed it: who gives it back has to show the same.
    pub leased_until: Instant,
}

/// How it went lately, by the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Rounds of calls in a row of which none got through.
    pub failures: u32,
    pub failing_since: Option<Instant>,
    pub paused_until: Instant,
}

impl Endpoint {
    pub fn is_open(&self) -> bool {
        self.disabled_at.is_none() && self.deleted_at.is_none()
    }
}

pub async fn insert(tx: &Tx, endpoint: &Endpoint) -> Result<(), StoreError> {
    let row = webhook_endpoint::ActiveModel {
        merchant_id: Set(endpoint.merchant.uuid()),
        id: Set(endpoint.id.uuid()),
        url: Set(endpoint.url.clone()),
        events: Set(Some(events_to_text(&endpoint.events))),
        secrets: Set(secrets_to_text(&endpoint.secrets)),
        created_at: Set(endpoint.created_at.timestamp_micros()),
        disabled_at: Set(None),
        disabled_because: Set(None),
        deleted_at: Set(None),
        failures: Set(0),
        failing_since: Set(None),
        paused_until: Set(0),
        leased_until: Set(0),
    };
    webhook_endpoint::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

fn kept() -> Select<webhook_endpoint::Entity> {
    webhook_endpoint::Entity::find().filter(C::DeletedAt.is_null())
}

/// None: this merchant has no such endpoint, or has none any more.
pub async fn find(
    db: &impl ConnectionTrait,
    merchant: MerchantId,
    id: WebhookId,
) -> Result<Option<Endpoint>, StoreError> {
    let found = kept().filter(C::MerchantId.eq(merchant.uuid())).filter(C::Id.eq(id.uuid()));
    found.only(db).await?.map(from_row).transpose()
}

/// A merchant's endpoints, oldest first.
pub async fn of_merchant(
    db: &impl ConnectionTrait,
    merchant: MerchantId,
) -> Result<Vec<Endpoint>, StoreError> {
    let query = kept().filter(C::MerchantId.eq(merchant.uuid())).order_by_asc(C::Id);
    query.all(db).await?.into_iter().map(from_row).collect()
}

/// Where something can be sent, or could be once it is enabled again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub merchant: MerchantId,
    pub id: WebhookId,
    pub events: Subscription,
    /// Why nothing is sent to it.
    pub disabled_because: Option<String>,
}

/// The endpoints of many merchants that nobody took back, but for those that were disabled before `disabled_since`, in
/// one question.
pub async fn listeners(
    db: &impl ConnectionTrait,
    merchants: impl IntoIterator<Item = MerchantId>,
    disabled_since: Instant,
) -> Result<Vec<Listener>, StoreError> {
    let since = disabled_since.timestamp_micros().into();
    let merchants = merchants.into_iter().map(|merchant| merchant.uuid().into());
    let values: Vec<Value> = std::iter::once(since).chain(merchants).collect();
    let merchants = placeholders(db, 2, 1, values.len() - 1);
    let sql = format!("{LISTENERS} AND merchant_id IN {merchants}");
    let listener = |row: &QueryResult| {
        let (merchant, id) = (row.try_get("", "merchant_id")?, row.try_get("", "id")?);
        let events: Option<String> = row.try_get("", "events")?;
        let is_disabled = row.try_get::<Option<i64>>("", "disabled_at")?.is_some();
        let because: Option<String> = row.try_get("", "disabled_because")?;
        Ok(Listener {
            merchant: MerchantId::from_uuid(merchant),
            id: WebhookId::from_uuid(id),
            events: events_from_text(events.as_deref())?,
            disabled_because: is_disabled.then(|| because.unwrap_or_default()),
        })
    };
    db.query_all_raw(statement(db, &sql, values)).await?.iter().map(listener).collect()
}

/// Of whom [`listeners`] asks, on its own so that a test can look at its plan.
pub const LISTENERS: &str = "SELECT merchant_id, id, events, disabled_at, disabled_because FROM webhook_endpoint \
     WHERE deleted_at IS NULL AND (disabled_at IS NULL OR disabled_at > $1)";

/// The claim's inner question, on its own so that a test can look at its plan. It steps from
/// one endpoint with something to send to the next: how much each has makes no difference.
/// Who was served longest ago comes first.
pub const DUE: &str = "WITH RECURSIVE busy(endpoint_id) AS (\
     SELECT (SELECT m.endpoint_id FROM webhook_message m WHERE m.state = 'pending' \
     ORDER BY m.endpoint_id LIMIT 1) \
     UNION ALL SELECT (SELECT m.endpoint_id FROM webhook_message m WHERE m.state = 'pending' \
     AND m.endpoint_id > busy.endpoint_id ORDER BY m.endpoint_id LIMIT 1) \
     FROM busy WHERE busy.endpoint_id IS NOT NULL) \
     SELECT e.id FROM busy JOIN webhook_endpoint e ON e.id = busy.endpoint_id \
     WHERE e.paused_until <= $1 AND e.leased_until <= $1 AND (e.failures > 0) = $2 \
     AND (SELECT MIN(m.next_attempt_at) FROM webhook_message m \
     WHERE m.state = 'pending' AND m.endpoint_id = e.id) <= $1 \
     ORDER BY e.leased_until LIMIT $3";

/// Whether there is anything to claim, without holding anybody up.
pub async fn is_any_due(db: &impl ConnectionTrait, wall: Instant) -> Result<bool, StoreError> {
    for failing in [false, true] {
        let values = [wall.timestamp_micros().into(), failing.into(), 1_i64.into()];
        if db.query_one_raw(statement(db, DUE, values)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Leases up to `most` endpoints that have something due at `wall`: of those that failed
/// last, or of the others.
pub async fn claim(
    tx: &Tx,
    failing: bool,
    wall: Instant,
    leased_until: Instant,
    most: usize,
) -> Result<Vec<Endpoint>, StoreError> {
    if most == 0 {
        return Ok(Vec::new());
    }
    // Materialized: run again for each row, the inner question would lock more than it returns.
    let sql = format!(
        "WITH due AS MATERIALIZED ({DUE}{}) \
         UPDATE webhook_endpoint SET leased_until = $4 WHERE id IN (SELECT id FROM due) RETURNING {}",
        skip_locked(tx),
        columns!(webhook_endpoint)
    );
    let values = [
        wall.timestamp_micros().into(),
        failing.into(),
        (most as i64).into(),
        leased_until.timestamp_micros().into(),
    ];
    let rows = webhook_endpoint::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    rows.into_iter().map(from_row).collect()
}

/// Gives a claimed endpoint back at `wall`, with how it stands. False: the lease ended before.
pub async fn release(
    tx: &Tx,
    endpoint: &Endpoint,
    standing: Standing,
    wall: Instant,
) -> Result<bool, StoreError> {
    let failing_since = standing.failing_since.map(|at| at.timestamp_micros());
    let update = of(endpoint.merchant, endpoint.id)
        .col_expr(C::LeasedUntil, Expr::value(wall.timestamp_micros()))
        .col_expr(C::Failures, Expr::value(i32::try_from(standing.failures).unwrap_or(i32::MAX)))
        .col_expr(C::FailingSince, Expr::value(failing_since))
        .col_expr(C::PausedUntil, Expr::value(standing.paused_until.timestamp_micros()))
        .filter(C::LeasedUntil.eq(endpoint.leased_until.timestamp_micros()));
    Ok(update.exec(tx).await?.rows_affected == 1)
}

pub async fn subscribe(
    tx: &Tx,
    merchant: MerchantId,
    id: WebhookId,
    events: &Subscription,
) -> Result<(), StoreError> {
    of(merchant, id).col_expr(C::Events, Expr::value(events_to_text(events))).exec(tx).await?;
    Ok(())
}

pub async fn keep_secrets(
    tx: &Tx,
    merchant: MerchantId,
    id: WebhookId,
    secrets: &[SigningSecret],
) -> Result<(), StoreError> {
    of(merchant, id).col_expr(C::Secrets, Expr::value(secrets_to_text(secrets))).exec(tx).await?;
    Ok(())
}

/// It is called again, as if it had never failed. Whoever is calling it at this moment loses the lease, and
/// with it the last word on how it stands.
pub async fn enable(tx: &Tx, merchant: MerchantId, id: WebhookId, wall: Instant) -> Result<(), StoreError> {
    let update = of(merchant, id)
        .col_expr(C::DisabledAt, Expr::value(None::<i64>))
        .col_expr(C::DisabledBecause, Expr::value(None::<String>))
        .col_expr(C::Failures, Expr::value(0))
        .col_expr(C::FailingSince, Expr::value(None::<i64>))
        .col_expr(C::PausedUntil, Expr::value(0_i64))
        .col_expr(C::LeasedUntil, Expr::value(wall.timestamp_micros()));
    update.exec(tx).await?;
    Ok(())
}

/// Nothing more is sent to it. What waits for it is the caller's to settle. False: it was disabled before.
pub async fn disable(
    tx: &Tx,
    merchant: MerchantId,
    id: WebhookId,
    wall: Instant,
    because: &str,
) -> Result<bool, StoreError> {
    let update = of(merchant, id)
        .col_expr(C::DisabledAt, Expr::value(wall.timestamp_micros()))
        .col_expr(C::DisabledBecause, Expr::value(because))
        .filter(C::DisabledAt.is_null())
        .filter(C::DeletedAt.is_null());
    Ok(update.exec(tx).await?.rows_affected == 1)
}

/// Takes an endpoint back. False: this merchant has no such endpoint.
pub async fn remove(tx: &Tx, merchant: MerchantId, id: WebhookId, wall: Instant) -> Result<bool, StoreError> {
    let update = of(merchant, id)
        .col_expr(C::DeletedAt, Expr::value(wall.timestamp_micros()))
        .filter(C::DeletedAt.is_null());
    Ok(update.exec(tx).await?.rows_affected == 1)
}

/// Lets an endpoint be called at once.
pub async fn end_pause(tx: &Tx, merchant: MerchantId, id: WebhookId) -> Result<(), StoreError> {
    of(merchant, id).col_expr(C::PausedUntil, Expr::value(0_i64)).exec(tx).await?;
    Ok(())
}

/// Forgets what merchants took back before `before`.
pub async fn forget(tx: &Tx, before: Instant) -> Result<u64, StoreError> {
    let old = C::DeletedAt.lt(before.timestamp_micros());
    Ok(webhook_endpoint::Entity::delete_many().filter(old).exec(tx).await?.rows_affected)
}

fn of(merchant: MerchantId, id: WebhookId) -> UpdateMany<webhook_endpoint::Entity> {
    webhook_endpoint::Entity::update_many()
        .filter(C::MerchantId.eq(merchant.uuid()))
        .filter(C::Id.eq(id.uuid()))
}

fn from_row(row: webhook_endpoint::Model) -> Result<Endpoint, StoreError> {
    Ok(Endpoint {
        id: WebhookId::from_uuid(row.id),
        merchant: MerchantId::from_uuid(row.merchant_id),
        url: row.url,
        events: events_from_text(row.events.as_deref())?,
        secrets: secrets_from_text(row.secrets.as_deref())?,
        created_at: from_micros(row.created_at),
        disabled_at: row.disabled_at.map(from_micros),
        disabled_because: row.disabled_because,
        deleted_at: row.deleted_at.map(from_micros),
        standing: Standing {
            failures: Column("webhook_endpoint", "failures").number(row.failures)?,
            failing_since: row.failing_since.map(from_micros),
            paused_until: from_micros(row.paused_until),
        },
        leased_until: from_micros(row.leased_until),
    })
}

fn events_to_text(events: &Subscription) -> String {
    to_json(&events.patterns().collect::<Vec<_>>())
}

/// Endpoints from before there were subscriptions want everything.
fn events_from_text(text: Option<&str>) -> Result<Subscription, StoreError> {
    let Some(text) = text else { return Ok(Subscription::everything()) };
    let column = Column("webhook_endpoint", "events");
    let patterns: Vec<Pattern> = column.json(text)?;
    Subscription::new(patterns).ok_or_else(|| column.corrupt("it wants nothing"))
}

#[derive(Serialize, Deserialize)]
struct KeptSecret {
    secret: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    until_at: Option<i64>,
}

fn secrets_to_text(secrets: &[SigningSecret]) -> Option<String> {
    let keep = |secret: &SigningSecret| KeptSecret {
        secret: secret.secret.expose_secret().to_owned(),
        until_at: secret.until.map(|until| until.timestamp_micros()),
    };
    (!secrets.is_empty()).then(|| to_json(&secrets.iter().map(keep).collect::<Vec<_>>()))
}

fn secrets_from_text(text: Option<&str>) -> Result<Vec<SigningSecret>, StoreError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    // What serde says of a mistake can quote what it read.
    let kept: Vec<KeptSecret> = serde_json::from_str(text)
        .map_err(|_| Column("webhook_endpoint", "secrets").corrupt("it is no list of secrets"))?;
    let read = |kept: KeptSecret| SigningSecret {
        secret: kept.secret.into(),
        until: kept.until_at.map(from_micros),
    };
    Ok(kept.into_iter().map(read).collect())
}
