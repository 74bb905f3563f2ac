use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage_sample")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub milestone: String,
    pub group_name: String,
    pub residual_seconds: i64,
    pub delivered_at: i64,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
