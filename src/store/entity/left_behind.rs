use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "left_behind")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub departure_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    pub reason: String,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
