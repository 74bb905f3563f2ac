use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub shipment_id: Uuid,
    pub stream: Uuid,
    pub position: i32,
    pub destination: String,
    pub body: String,
    pub state: String,
    pub attempts: i32,
    pub next_attempt_at: i64,
    pub leased_until: i64,
    pub last_problem: Option<String>,
    pub created_at: i64,
    pub settled_at: Option<i64>,
    pub claims: i32,
    pub answered: i32,
    pub first_sent_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
