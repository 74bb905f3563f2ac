//! Questions about the whole database that have to be answered with nothing.

use sea_orm::ConnectionTrait;

use super::StoreError;
use super::row::statement;

/// What is wrong if there is such a row, and how many there are.
const LAWS: [(&str, &str); 7] = [
    (
        "departures whose books do not agree, or that carry too much",
        "SELECT COUNT(*) AS n FROM departure d LEFT JOIN (SELECT departure_id, SUM(grams) AS grams, \
         SUM(cm3) AS cm3 FROM booking GROUP BY departure_id) b ON b.departure_id = d.id \
         WHERE d.booked_grams <> COALESCE(b.grams, 0) OR d.booked_cm3 <> COALESCE(b.cm3, 0) \
         OR d.booked_grams > d.capacity_grams OR d.booked_cm3 > d.capacity_cm3",
    ),
    (
        "bookings on no departure",
        "SELECT COUNT(*) AS n FROM booking WHERE departure_id NOT IN (SELECT id FROM departure)",
    ),
    (
        "parcels in two bags at once",
        "SELECT COUNT(*) AS n FROM (SELECT shipment_id, parcel_number FROM bag_parcel WHERE state = 'packed' \
         GROUP BY shipment_id, parcel_number HAVING COUNT(*) > 1) AS twice",
    ),
    (
        "parcels packed in what does not leave",
        "SELECT COUNT(*) AS n FROM bag_parcel m JOIN consolidation c ON c.id = m.consolidation_id \
         WHERE m.state = 'packed' AND c.dissolved_at IS NOT NULL",
    ),
    (
        "parcels on a departure that their hub did not have at its cut-off",
        "SELECT COUNT(*) AS n FROM bag_parcel m JOIN consolidation c ON c.id = m.consolidation_id \
         WHERE m.state <> 'removed' AND NOT EXISTS (SELECT 1 FROM tracking_event e \
         WHERE e.shipment_id = m.shipment_id AND e.parcel_number = m.parcel_number AND e.hub_code = c.from_hub \
         AND e.scan_kind IN ('received', 'arrived', 'unpacked') AND e.occurred_at <= c.cutoff_at)",
    ),
    (
        "triggers without a message, or with several",
        "SELECT COUNT(*) AS n FROM escrow_trigger t \
         WHERE (SELECT COUNT(*) FROM outbox o WHERE o.id = t.id) <> 1",
    ),
    (
        "confirmed orders whose confirmation nobody acknowledged",
        "SELECT COUNT(*) AS n FROM escrow_order o WHERE o.state = 'confirmed' AND NOT EXISTS (SELECT 1 \
         FROM escrow_trigger t WHERE t.shipment_id = o.shipment_id AND t.action = 'confirm_receipt' \
         AND t.acknowledged_at IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM escrow_act a \
         WHERE a.shipment_id = o.shipment_id AND a.act LIKE '%\"provider_released\"%')",
    ),
];

/// What is wrong with the rows, in words, and how many of them it is.
pub async fn complaints(db: &impl ConnectionTrait) -> Result<Vec<(&'static str, i64)>, StoreError> {
    let mut found = Vec::new();
    for (what, sql) in LAWS {
        let row = db.query_one_raw(statement(db, sql, [])).await?;
        let rows: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or(0);
        if rows > 0 {
            found.push((what, rows));
        }
    }
    Ok(found)
}
