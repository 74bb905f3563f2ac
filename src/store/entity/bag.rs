use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bag")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sscc: String,
    pub consolidation_id: Uuid,
    pub number: i32,
    pub unit_number: Option<String>,
    pub gateway: String,
    pub clearance: String,
    pub last_mile_carrier: Option<String>,
    pub grams: i64,
    pub cm3: i64,
    pub parcels: i32,
    pub single_piece: bool,
}

impl ActiveModelBehavior for ActiveModel {}
