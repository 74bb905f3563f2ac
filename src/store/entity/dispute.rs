use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dispute")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub reason: String,
    pub opened_at: i64,
    pub decide_by: i64,
    pub closed_at: Option<i64>,
    pub outcome: Option<String>,
    pub because: Option<String>,
    pub remind_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
