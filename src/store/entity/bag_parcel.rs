use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bag_parcel")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub parcel_number: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub consolidation_id: Uuid,
    pub sscc: String,
    pub state: String,
    pub unpacked_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
