use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoint")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub merchant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub url: String,
    pub events: Option<String>,
    pub secrets: Option<String>,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub disabled_because: Option<String>,
    pub deleted_at: Option<i64>,
    pub failures: i32,
    pub failing_since: Option<i64>,
    pub paused_until: i64,
    pub leased_until: i64,
}

impl ActiveModelBehavior for ActiveModel {}
