use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tracked_number")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub parcel_number: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_number: String,
    pub next_poll_at: Option<i64>,
    pub claimed_until: i64,
    pub failures: i32,
    pub last_problem: Option<String>,
    pub answered_at: Option<i64>,
    pub created_at: i64,
    pub answer_hash: Option<String>,
    pub seen_status: Option<String>,
    pub seen_at: Option<i64>,
    pub delivered_at: Option<i64>,
    pub asked_at: Option<i64>,
    pub from_hub: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
