use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage_time")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub milestone: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_name: String,
    pub weighed_on_day: i64,
    pub weights: String,
}

impl ActiveModelBehavior for ActiveModel {}
