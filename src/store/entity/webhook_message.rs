use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub merchant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub shipment_id: Option<Uuid>,
    pub kind: String,
    pub body: String,
    pub state: String,
    pub attempts: i32,
    pub next_attempt_at: i64,
    pub last_problem: Option<String>,
    pub created_at: i64,
    pub settled_at: Option<i64>,
    pub replayed_at: Option<i64>,
    pub failed: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
