use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "escrow_notice")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider: String,
    pub notice_id: String,
    pub body: Vec<u8>,
    pub said: String,
    pub received_at: i64,
    pub next_attempt_at: Option<i64>,
    pub settled_at: Option<i64>,
    pub attempts: i32,
    pub problem: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
