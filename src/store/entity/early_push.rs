use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "early_push")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_number: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub push_id: Uuid,
    pub received_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
