use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shipment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub merchant_id: Uuid,
    pub order_id: Uuid,
    pub plan_id: Uuid,
    pub reference: String,
    pub tracking_token: String,
    pub status: String,
    pub service: String,
    pub clearance: String,
    pub pickup: String,
    pub consignee: String,
    pub pickup_zone: String,
    pub estimated_earliest_at: i64,
    pub estimated_latest_at: i64,
    pub delivered_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub audit_seq: i64,
    pub audit_hash: String,
}

impl ActiveModelBehavior for ActiveModel {}
