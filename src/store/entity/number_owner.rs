use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "number_owner")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_number: String,
    pub shipment_id: Uuid,
    pub claimed_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
