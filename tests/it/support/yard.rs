//! A small network of our own, looked at any time: flows without doors, under a clock that is set.
//!
//! One hub in Hong Kong and two gateways. F1 leaves every evening at 20:00 (12:00 UTC) for CNONE, cheap and
//! small; F2 two hours later for CNTWO, dear and large. Handling takes two hours.

use std::sync::Arc;

use sampan::app;
use sampan::clock::Clock;
use sampan::config;
use sampan::domain::id::ShipmentId;
use sampan::domain::instant::Instant;
use sampan::flows::authenticate::Operator;
use sampan::flows::{Deps, accept_pickup, import_network, record_scans, show, views};
use sampan::routing::NetworkFiles;
use sampan::store::{Store, audit};
use serde_json::{Value, json};

use super::app::{Keys, prepare, settings};
use super::database::{Database, number};
use super::journey::pickup;
use super::world::{Troubles, World};

pub const HUBS: &str =
    "code,name_en,name_zh,kind,country,iata,lat,lon,tz,customs_modes,cutoff_local,handling_hours
HKONE,One,一号,origin_hub,HK,HKG,22.3,114.19,Asia/Hong_Kong,,23:59,2
CNONE,Gate one,口岸一,gateway,CN,PVG,31.1,121.8,Asia/Shanghai,9610,23:59,10
CNTWO,Gate two,口岸二,gateway,CN,CAN,23.4,113.3,Asia/Shanghai,9610;1210,23:59,10
";
const LANE_COLUMNS: &str = "lane_id,from,to,mode,carrier,service,days_iso,depart_local,depart_tz,transit_hours,capacity_kg,capacity_m3,fixed_cost_usd,cost_per_kg_usd,distance_km";
pub const F1: &str =
    "F1,HKONE,CNONE,air,Jade,direct flight,1;2;3;4;5;6;7,20:00,Asia/Hong_Kong,3,20,1,0,1,1200";
pub const F2: &str =
    "F2,HKONE,CNTWO,air,Jade,direct flight,1;2;3;4;5;6;7,22:00,Asia/Hong_Kong,3,9000,90,0,9,1200";

pub fn lanes(lanes: &[&str]) -> String {
    format!("{LANE_COLUMNS}\n{}\n", lanes.join("\n"))
}

pub struct Yard {
    pub deps: Deps,
    pub keys: Keys,
    pub world: Arc<World>,
}

pub fn at(text: &str) -> Instant {
    text.parse().expect("an instant of the test")
}

/// Monday morning in Hong Kong.
pub const MONDAY: &str = "2026-03-02T01:00:00Z";

impl Yard {
    pub async fn new(db: &Database, network: &[&str]) -> Self {
        let (keys, world) = (prepare(db).await, Arc::new(World::start(Troubles::default())));
        let store = db.store().await;
        import(&store, network, at(MONDAY)).await;
        store.close().await;
        let deps = build(db, &world).await;
        Self { deps, keys, world }
    }

    /// The same, at another time.
    pub fn at(&self, time: &str) -> Deps {
        Deps { clock: Clock::fast(at(time), 1.0), ..self.deps.clone() }
    }

    /// A shipment of so many parcels of so many grams each, to be collected until noon in Hong Kong (04:00 UTC).
    pub async fn accept(&self, date: &str, parcels: usize, grams: u32) -> ShipmentId {
        let body = order(date, parcels, grams).to_string();
        let merchant = self.keys.merchant;
        let deps = self.at(MONDAY);
        let answer = accept_pickup::accept(&deps, merchant, None, body.as_bytes()).await;
        let answer: Value = serde_json::from_str(&answer.expect("a good pickup").body).expect("JSON");
        answer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }

    /// A scan at its own time.
    pub async fn scan(
        &self,
        hub: &str,
        id: ShipmentId,
        parcel: u16,
        kind: &str,
        time: &str,
        departure: Option<&str>,
    ) {
        let parcel = sampan::domain::id::ParcelId { shipment: id, number: parcel };
        let mut body = json!({"parcel": parcel, "kind": kind, "occurred_at": time});
        if let Some(departure) = departure {
            body["departure"] = json!(departure);
        }
        let hub = hub.parse().expect("a hub");
        record_scans::record(&self.at(time), &hub, &body).await.expect("a good scan");
    }

    pub async fn detail(&self, id: ShipmentId) -> views::ShipmentDetailView {
        let shipment = show::shipment(&self.deps, self.keys.merchant, id).await.expect("an answer");
        shipment.expect("a shipment")
    }

    /// The departures of the plan in force.
    pub async fn departures(&self, id: ShipmentId) -> Vec<String> {
        let detail = self.detail(id).await;
        detail.plan.legs.into_iter().filter_map(|leg| leg.departure).collect()
    }

    /// What has to be true at any time.
    pub async fn is_sound(&self) {
        books_agree(&self.deps.store).await;
        let verdict = audit::verify(&self.deps.store).await.expect("the audit");
        assert_eq!(verdict.breaks, vec![]);
    }
}

pub async fn build(db: &Database, world: &World) -> Deps {
    let settings = settings(db, world, "database.connections_max = 16");
    let settings = config::defaults_with(&settings).expect("valid settings");
    app::build(Arc::new(settings), Clock::fast(at(MONDAY), 1.0)).await.expect("a daemon's parts")
}

pub async fn import(store: &Store, network: &[&str], now: Instant) {
    let lanes = lanes(network);
    let files = NetworkFiles { hubs: HUBS, lanes: &lanes, closures: "", holidays: "", departures: "" };
    let imported = import_network::import(store, files, now).await;
    imported.map(drop).unwrap_or_else(|error| panic!("{error:?}"));
}

pub fn order(date: &str, parcels: usize, grams: u32) -> Value {
    let mut body = pickup(0);
    body["service"] = json!("standard");
    body["pickup"]["from"] = json!(format!("{date}T02:00:00Z"));
    body["pickup"]["until"] = json!(format!("{date}T04:00:00Z"));
    let mut parcel = body["parcels"][0].clone();
    parcel["weight_grams"] = json!(grams);
    parcel["size_mm"] = json!([100, 100, 100]);
    let parcels = (1..=parcels).map(|number| {
        let mut parcel = parcel.clone();
        parcel["reference"] = json!(format!("parcel {number}"));
        parcel
    });
    body["parcels"] = parcels.collect();
    body
}

pub fn operator() -> Operator {
    Operator { name: "ana".to_owned() }
}

/// Of every departure: what is booked on it is the sum of its bookings, and no more than it carries.
pub async fn books_agree(store: &Store) {
    let wrong = "SELECT COUNT(*) AS n FROM departure d LEFT JOIN (SELECT departure_id, SUM(grams) AS grams, \
         SUM(cm3) AS cm3 FROM booking GROUP BY departure_id) b ON b.departure_id = d.id \
         WHERE d.booked_grams <> COALESCE(b.grams, 0) OR d.booked_cm3 <> COALESCE(b.cm3, 0) \
         OR d.booked_grams > d.capacity_grams OR d.booked_cm3 > d.capacity_cm3";
    assert_eq!(number(store, wrong).await, 0, "departures whose books do not agree");
    let homeless = "SELECT COUNT(*) AS n FROM booking WHERE departure_id NOT IN (SELECT id FROM departure)";
    assert_eq!(number(store, homeless).await, 0, "bookings on no departure");
}
