use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "carrier_answer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_number: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub body_hash: String,
    pub parcel_number: i32,
    pub status: i32,
    pub body: Vec<u8>,
    pub asked_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
