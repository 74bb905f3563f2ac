use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lane")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub from_hub: String,
    pub to_hub: String,
    pub mode: String,
    pub carrier: String,
    pub service: String,
    pub weekdays: String,
    pub depart_local: String,
    pub depart_zone: String,
    pub transit_minutes: i32,
    pub capacity_grams: i64,
    pub capacity_cm3: i64,
    pub fixed_cost_micros: i64,
    pub cost_per_kg_micros: i64,
    pub distance_metres: i64,
    pub piece_grams_max: Option<i64>,
    pub dangerous_goods: String,
}

impl ActiveModelBehavior for ActiveModel {}
