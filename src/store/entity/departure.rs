use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "departure")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub from_hub: String,
    pub to_hub: String,
    pub depart_at: i64,
    pub arrive_at: i64,
    pub cutoff_at: i64,
    pub capacity_grams: i64,
    pub capacity_cm3: i64,
    pub booked_grams: i64,
    pub booked_cm3: i64,
    pub state: String,
    pub changed_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
