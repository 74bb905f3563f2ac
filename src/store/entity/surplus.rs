use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "surplus")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub consolidation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub parcel_number: i32,
    pub hub_code: String,
    pub scanned_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
