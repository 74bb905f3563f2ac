use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "hub_holiday")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub hub_code: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub date: String,
    pub name: String,
}

impl ActiveModelBehavior for ActiveModel {}
