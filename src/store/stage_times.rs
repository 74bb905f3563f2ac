//! How late deliveries were: samples as they come in, and what they add up to.
//!
//! A delivery only inserts, so no two of them wait for each other. Who adds samples up draws a serial first, which
//! nobody else can until that is committed; samples go in the same transaction, so each counts once.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, FromQueryResult};

use super::entity::{stage_sample, stage_time};
use super::row::{Column, columns, statement, to_json};
use super::{StoreError, Tx, serials};
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, from_micros};
use crate::domain::shipment::{Milestone, StageSample};

/// What samples of one milestone and group add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTime {
    pub milestone: Milestone,
    pub group: String,
    /// Since 1970: the day on which the weights are these.
    pub weighed_on_day: i64,
    /// By bin.
    pub weights: Vec<(u16, f64)>,
}

/// Those of a shipment's second delivery, while the first one's still wait, are not added.
pub async fn insert_samples(
    tx: &Tx,
    shipment: ShipmentId,
    samples: &[StageSample],
    delivered_at: Instant,
    now: Instant,
) -> Result<(), StoreError> {
    if samples.is_empty() {
        return Ok(());
    }
    let rows = samples.iter().map(|sample| stage_sample::ActiveModel {
        shipment_id: Set(shipment.uuid()),
        milestone: Set(sample.milestone.to_string()),
        group_name: Set(sample.group.clone()),
        residual_seconds: Set(sample.residual_seconds),
        delivered_at: Set(delivered_at.timestamp_micros()),
        created_at: Set(now.timestamp_micros()),
    });
    stage_sample::Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The inner question of taking samples, on its own so that a test can look at its plan.
pub const WAITING: &str = "SELECT shipment_id, milestone FROM stage_sample WHERE created_at <= $1 \
     ORDER BY created_at LIMIT $2";

/// Whether samples wait to be added up.
pub async fn are_waiting(db: &impl ConnectionTrait, now: Instant) -> Result<bool, StoreError> {
    let values = [now.timestamp_micros().into(), 1_i64.into()];
    Ok(db.query_one_raw(statement(db, WAITING, values)).await?.is_some())
}

/// Waits until nobody else adds samples up, and keeps everybody else from it until the end of the transaction.
pub async fn hold(tx: &Tx) -> Result<(), StoreError> {
    serials::draw(tx, "stage_times", 1, i64::MAX as u64).await.map(drop)
}

/// Takes up to `most` samples away, each with the time of its delivery.
pub async fn take_samples(
    tx: &Tx,
    now: Instant,
    most: usize,
) -> Result<Vec<(StageSample, Instant)>, StoreError> {
    let sql = format!(
        "WITH waiting AS MATERIALIZED ({WAITING}) DELETE FROM stage_sample \
         WHERE (shipment_id, milestone) IN (SELECT shipment_id, milestone FROM waiting) RETURNING {}",
        columns!(stage_sample)
    );
    let values = [now.timestamp_micros().into(), (most as i64).into()];
    let rows = stage_sample::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    let sample = |row: stage_sample::Model| {
        let sample = StageSample {
            milestone: Column("stage_sample", "milestone").word(&row.milestone)?,
            group: row.group_name,
            residual_seconds: row.residual_seconds,
        };
        // What a carrier dates ahead is learned as of when it was told.
        Ok((sample, from_micros(row.delivered_at.min(row.created_at))))
    };
    rows.into_iter().map(sample).collect()
}

/// All that was added up. Some rows a milestone: one for each way into the country, or each carrier.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<StageTime>, StoreError> {
    let column = |name| Column("stage_time", name);
    let stage = |row: stage_time::Model| {
        Ok(StageTime {
            milestone: column("milestone").word(&row.milestone)?,
            group: row.group_name,
            weighed_on_day: row.weighed_on_day,
            weights: column("weights").json(&row.weights)?,
        })
    };
    stage_time::Entity::find().all(db).await?.into_iter().map(stage).collect()
}

/// Only by who [`hold`]s.
pub async fn save(tx: &Tx, stages: &[StageTime]) -> Result<(), StoreError> {
    use stage_time::Column as C;
    for some in stages.chunks(500) {
        let rows = some.iter().map(|stage| stage_time::ActiveModel {
            milestone: Set(stage.milestone.to_string()),
            group_name: Set(stage.group.clone()),
            weighed_on_day: Set(stage.weighed_on_day),
            weights: Set(to_json(&stage.weights)),
        });
        let again = OnConflict::columns([C::Milestone, C::GroupName])
            .update_columns([C::WeighedOnDay, C::Weights])
            .to_owned();
        stage_time::Entity::insert_many(rows).on_conflict(again).exec_without_returning(tx).await?;
    }
    Ok(())
}
