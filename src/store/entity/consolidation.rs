use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "consolidation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub departure_id: String,
    pub from_hub: String,
    pub to_hub: String,
    pub mode: String,
    pub carrier: String,
    pub master: String,
    pub state: String,
    pub depart_at: i64,
    pub arrive_at: i64,
    pub cutoff_at: i64,
    pub closed_at: i64,
    pub opened_at: Option<i64>,
    pub announced: bool,
    pub dissolved_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
