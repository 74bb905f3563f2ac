use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "hub_closure")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub hub_code: String,
    pub from_at: i64,
    pub until_at: i64,
    pub reason: String,
    pub imported: bool,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
