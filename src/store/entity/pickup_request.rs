use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pickup_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    pub merchant_id: Uuid,
    pub reference: String,
    pub body: String,
    pub received_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
