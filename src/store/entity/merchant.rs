use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "merchant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub country: String,
    pub settlement_currency: String,
    pub verification: String,
    pub webhook_secret: String,
    pub webhook_secret_previous: Option<String>,
    pub created_at: i64,
    pub release_policy: Option<String>,
    pub buyer_proof: String,
}

impl ActiveModelBehavior for ActiveModel {}
