use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "carrier_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub next_call_at: i64,
    pub day_began_at: i64,
    pub calls: i64,
}

impl ActiveModelBehavior for ActiveModel {}
