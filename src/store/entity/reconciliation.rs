use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reconciliation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub night: i64,
    pub since_at: i64,
    pub began_at: i64,
    pub leased_until: i64,
    pub finished_at: Option<i64>,
    pub place: String,
    pub totals: String,
}

impl ActiveModelBehavior for ActiveModel {}
