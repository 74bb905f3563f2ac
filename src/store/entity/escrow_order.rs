use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "escrow_order")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub merchant_id: Uuid,
    pub provider: String,
    pub payment_reference: String,
    pub amount_minor: i64,
    pub currency: String,
    pub policy: String,
    pub state: String,
    pub frozen_because: Option<String>,
    pub contested: bool,
    pub updated_at: i64,
    pub shares: String,
    pub acts: i32,
    pub wake_at: Option<i64>,
    pub provider_frozen: bool,
    pub freezes: i32,
    pub release_deadline_at: Option<i64>,
    pub deadline_told_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
