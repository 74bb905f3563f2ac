//! Shipments that have to be planned anew.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::entity::replan;
use super::{StoreError, Tx};
use crate::domain::id::ShipmentId;
use crate::domain::instant::Instant;

/// Notes that these shipments want another plan. One that is noted already is due at once again, for this reason.
pub async fn request(
    tx: &Tx,
    shipments: &[ShipmentId],
    reason: &str,
    now: Instant,
    wall: Instant,
) -> Result<(), StoreError> {
    use replan::Column as C;
    for some in shipments.chunks(500) {
        let rows = some.iter().map(|shipment| replan::ActiveModel {
            shipment_id: Set(shipment.uuid()),
            reason: Set(reason.to_owned()),
            requested_at: Set(now.timestamp_micros()),
            next_attempt_at: Set(wall.timestamp_micros()),
            claimed_until: Set(wall.timestamp_micros()),
            attempts: Set(0),
            last_problem: Set(None),
        });
        let again = OnConflict::column(C::ShipmentId)
            .update_columns([C::Reason, C::RequestedAt, C::NextAttemptAt, C::Attempts, C::LastProblem])
            .to_owned();
        replan::Entity::insert_many(rows).on_conflict(again).exec_without_returning(tx).await?;
    }
    Ok(())
}
