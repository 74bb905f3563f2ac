use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tracking_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub fingerprint: String,
    pub parcel_number: Option<i32>,
    pub source: String,
    pub source_name: String,
    pub status: String,
    pub delivered_to: Option<String>,
    pub occurred_at: i64,
    pub local_time: String,
    pub offset_source: String,
    pub code: String,
    pub description: String,
    pub country: Option<String>,
    pub place: Option<String>,
    pub postal_code: Option<String>,
    pub scan_kind: Option<String>,
    pub hub_code: Option<String>,
    pub facility: Option<String>,
    pub tracking_number: Option<String>,
    pub raw: String,
    pub recorded_at: i64,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub cancels: Option<String>,
    pub read_at: i64,
    pub read_delivered_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
