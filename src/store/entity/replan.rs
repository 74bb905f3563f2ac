use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "replan")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    pub reason: String,
    pub requested_by: String,
    pub left_behind: bool,
    pub requested_at: i64,
    pub next_attempt_at: i64,
    pub claimed_until: i64,
    pub attempts: i32,
    pub last_problem: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
