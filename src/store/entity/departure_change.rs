use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "departure_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub lane_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub date: String,
    pub kind: String,
    pub depart_local: Option<String>,
    pub reason: String,
    pub imported: bool,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
