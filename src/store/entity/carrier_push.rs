use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "carrier_push")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub carrier: String,
    pub body_hash: String,
    pub body: Vec<u8>,
    pub received_at: i64,
    pub next_attempt_at: Option<i64>,
    pub attempts: i32,
    pub problem: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
