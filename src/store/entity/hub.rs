use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "hub")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub name_en: String,
    pub name_zh: String,
    pub kind: String,
    pub country: String,
    pub lat: f64,
    pub lon: f64,
    pub zone: String,
    pub clearances: String,
    pub cutoff_local: String,
    pub handling_minutes: i32,
}

impl ActiveModelBehavior for ActiveModel {}
