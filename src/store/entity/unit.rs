use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "unit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub consolidation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: String,
    pub unit_type: String,
    pub tare_grams: i64,
    pub volume_cm3: i64,
}

impl ActiveModelBehavior for ActiveModel {}
