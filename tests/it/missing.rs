//! What should be at the other end and is not, what only waits there, and what nobody ever opened.

use std::sync::Arc;

use sampan::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use sampan::domain::instant::from_micros;
use sampan::flows::views::ConsolidationDetailView;
use sampan::flows::{Deps, close_departures, import_network, record_bag_scans, show_consolidations};
use sampan::routing::NetworkFiles;
use sampan::store::{bag_parcels, consolidations};
use sea_orm::TransactionTrait;
use serde_json::json;

use crate::on_both_databases;
use crate::support::app::prepare;
use crate::support::database::{Database, Kind, number};
use crate::support::rows::text;
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};
use crate::support::yard::{self, F1, Yard};

/// Two hubs one behind the other: R1 takes to Singapore overnight what goes on with R2 the next evening.
const HUBS: &str =
    "code,name_en,name_zh,kind,country,iata,lat,lon,tz,customs_modes,cutoff_local,handling_hours
HKONE,One,一号,origin_hub,HK,HKG,22.3,114.19,Asia/Hong_Kong,,23:59,2
SGTWO,Two,二号,origin_hub,SG,SIN,1.36,103.99,Asia/Singapore,,23:59,2
CNONE,Gate one,口岸一,gateway,CN,PVG,31.1,121.8,Asia/Shanghai,9610,23:59,10
";
const R1: &str =
    "R1,HKONE,SGTWO,air,Jade,direct flight,1;2;3;4;5;6;7,20:00,Asia/Hong_Kong,3,9000,90,0,1,2600";
const R2: &str = "R2,SGTWO,CNONE,air,Jade,direct flight,1;2;3;4;5;6;7,20:00,Asia/Singapore,5,20,1,0,1,3800";

async fn relay(db: &Database) -> Yard {
    let (keys, world) = (prepare(db).await, Arc::new(World::start(Troubles::default())));
    let (store, lanes) = (db.store().await, yard::lanes(&[R1, R2]));
    let files = NetworkFiles { hubs: HUBS, lanes: &lanes, closures: "", holidays: "", departures: "" };
    import_network::import(&store, files, yard::at(yard::MONDAY)).await.expect("a network");
    store.close().await;
    let deps = yard::build(db, &world).await;
    Yard { deps, keys, world }
}

const F1_MONDAY: &str = "F1-20260302";
const F1_TUESDAY: &str = "F1-20260303";

async fn close(deps: &Deps, departure: &str) -> ConsolidationId {
    let departure = departure.parse().expect("a departure");
    let closed = close_departures::close_one(deps, &departure).await.expect("a closing");
    closed.expect("something to go")
}

async fn detail(deps: &Deps, id: ConsolidationId) -> ConsolidationDetailView {
    let found = show_consolidations::find(deps, id).await.expect("an answer").expect("a consolidation");
    show_consolidations::detail(deps, &found).await.expect("all about it")
}

/// Who is missing, and whether for long.
async fn missing(deps: &Deps, id: ConsolidationId) -> Vec<(String, bool)> {
    detail(deps, id).await.missing.into_iter().map(|one| (one.parcel, one.overdue)).collect()
}

async fn counted(deps: &Deps) -> u64 {
    show_consolidations::astray(deps).await.expect("counts").0
}

fn parcel(shipment: ShipmentId, number: u16) -> ParcelId {
    ParcelId { shipment, number }
}

/// Two parcels on Monday's F1: it leaves at 12:00 UTC and arrives at 15:00.
async fn packed(yard: &Yard) -> (ShipmentId, ConsolidationId) {
    let id = yard.accept("2026-03-02", 2, 1_000).await;
    for number in [1, 2] {
        yard.scan("HKONE", id, number, "received", "2026-03-02T05:00:00Z", None).await;
    }
    (id, close(&yard.at("2026-03-02T10:01:00Z"), F1_MONDAY).await)
}

async fn unpack(yard: &Yard, hub: &str, parcel: ParcelId, time: &str, departure: Option<&str>) {
    yard.scan(hub, parcel.shipment, parcel.number, "unpacked", time, departure).await;
}

/// One more parcel, on Tuesday's F1.
async fn packed_on_tuesday(yard: &Yard) -> (ShipmentId, ConsolidationId) {
    let id = yard.accept("2026-03-03", 1, 1_000).await;
    yard.scan("HKONE", id, 1, "received", "2026-03-03T05:00:00Z", None).await;
    (id, close(&yard.at("2026-03-03T10:01:00Z"), F1_TUESDAY).await)
}

on_both_databases! {
    async fn of_what_never_arrived_all_is_missing_once_it_should_long_be_there(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let (id, consolidation) = packed(&yard).await;
        // It was to be there at 15:00, and a day is given.
        let (in_time, late) = (yard.at("2026-03-03T14:50:00Z"), yard.at("2026-03-03T15:00:00Z"));
        assert_eq!((missing(&in_time, consolidation).await, counted(&in_time).await), (vec![], 0));
        let both = [1, 2].map(|number| (parcel(id, number).to_string(), true));
        assert_eq!((missing(&late, consolidation).await, counted(&late).await), (both.to_vec(), 2));

        // What was taken out before it left is not expected.
        yard.scan("HKONE", id, 2, "offloaded", "2026-03-02T11:00:00Z", Some(F1_MONDAY)).await;
        assert_eq!((missing(&late, consolidation).await, counted(&late).await), (both[..1].to_vec(), 1));
        // It comes after all.
        yard.scan("CNONE", id, 1, "arrived", "2026-03-03T15:10:00Z", None).await;
        let much_later = yard.at("2026-03-09T00:00:00Z");
        assert_eq!((missing(&much_later, consolidation).await, counted(&much_later).await), (vec![], 0));
        assert_eq!(detail(&much_later, consolidation).await.consolidation.state, "settled");
        yard.is_sound().await;
    }

    async fn of_what_was_opened_the_rest_is_missing_at_once_and_overdue_a_day_later(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let (id, consolidation) = packed(&yard).await;
        unpack(&yard, "CNONE", parcel(id, 1), "2026-03-03T10:00:00Z", None).await;
        for (time, overdue) in [("2026-03-03T10:00:00Z", false), ("2026-03-04T09:50:00Z", false), ("2026-03-04T10:00:00Z", true)] {
            let deps = yard.at(time);
            assert_eq!(missing(&deps, consolidation).await, [(parcel(id, 2).to_string(), overdue)], "{time}");
            assert_eq!(counted(&deps).await, u64::from(overdue), "{time}");
        }
        yard.is_sound().await;
    }

    async fn what_does_not_leave_or_is_not_in_its_bag_leaves_nobody_to_wait_for(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let (_, consolidation) = packed(&yard).await;
        let bag = text(&yard.deps.store, "SELECT sscc AS n FROM bag").await.expect("a bag");
        let offloaded = json!({"bag": bag, "kind": "offloaded", "departure": F1_MONDAY, "occurred_at": "2026-03-02T11:00:00Z"});
        let deps = yard.at("2026-03-02T11:00:00Z");
        let hub = "HKONE".parse().expect("a hub");
        for _ in 0..2 {
            assert!(record_bag_scans::record(&deps, &hub, &offloaded).await.is_ok());
            assert_eq!(detail(&deps, consolidation).await.consolidation.state, "settled");
        }
        assert_eq!(counted(&yard.at("2026-03-09T00:00:00Z")).await, 0);
        yard.is_sound().await;
    }

    async fn what_only_waits_at_a_hub_for_a_later_departure_is_not_missing(db: Database) {
        let yard = relay(&db).await;
        // R2 takes twenty kilograms: the second one goes on a day later.
        let (first, second) = (yard.accept("2026-03-02", 2, 8_000).await, yard.accept("2026-03-02", 1, 8_000).await);
        assert_eq!(yard.departures(first).await, ["R1-20260302", "R2-20260303"]);
        assert_eq!(yard.departures(second).await, ["R1-20260302", "R2-20260304"]);
        for (id, number) in [(first, 1), (first, 2), (second, 1)] {
            yard.scan("HKONE", id, number, "received", "2026-03-02T05:00:00Z", None).await;
        }
        let came_in = close(&yard.at("2026-03-02T10:01:00Z"), "R1-20260302").await;
        let bag = text(&yard.deps.store, "SELECT sscc AS n FROM bag").await.expect("a bag");
        let arrived = json!({"bag": bag, "kind": "arrived", "occurred_at": "2026-03-02T16:00:00Z"});
        let (overnight, hub) = (yard.at("2026-03-02T16:00:00Z"), "SGTWO".parse().expect("a hub"));
        assert!(record_bag_scans::record(&overnight, &hub, &arrived).await.is_ok());

        let tuesday = yard.at("2026-03-03T10:01:00Z");
        close(&tuesday, "R2-20260303").await;
        let packed = "SELECT COUNT(*) AS n FROM bag_parcel WHERE state = 'packed' AND parcel_number = 2";
        assert_eq!(number(&yard.deps.store, packed).await, 1, "in the bag that it goes on in, and in no other");
        let waiting = detail(&tuesday, came_in).await;
        assert_eq!((waiting.missing.len(), waiting.bags[0].unpacked), (0, 2));
        assert_eq!((waiting.consolidation.state.as_str(), waiting.consolidation.opened_at), ("packed", None));

        let wednesday = yard.at("2026-03-04T10:01:00Z");
        close(&wednesday, "R2-20260304").await;
        let over = detail(&wednesday, came_in).await.consolidation;
        assert_eq!((over.state.as_str(), over.opened_at), ("settled", None));
        assert_eq!(counted(&wednesday).await, 0);
        yard.is_sound().await;
    }

    async fn open_is_what_a_scan_says_a_parcel_came_out_of_and_not_where_the_books_have_it(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let ((id, monday), (other, tuesday)) = (packed(&yard).await, packed_on_tuesday(&yard).await);
        let time = "2026-03-03T14:30:00Z";
        let deps = yard.at(time);
        for number in [1, 2] {
            unpack(&yard, "CNONE", parcel(id, number), time, Some(F1_TUESDAY)).await;
            let seen = detail(&deps, monday).await;
            assert_eq!((seen.consolidation.opened_at, seen.missing.len()), (None, 0));
            let state = if number == 2 { "settled" } else { "packed" };
            assert_eq!(seen.consolidation.state, state);
            let opened = detail(&deps, tuesday).await;
            assert_eq!((opened.consolidation.state.as_str(), opened.surplus.len()), ("opened", usize::from(number)));
            assert_eq!(missing(&deps, tuesday).await, [(parcel(other, 1).to_string(), false)]);
        }
        // The last one of it, by a scan that names nothing.
        unpack(&yard, "CNONE", parcel(other, 1), time, None).await;
        let seen = detail(&deps, tuesday).await;
        assert_eq!((seen.consolidation.state.as_str(), seen.missing.len()), ("settled", 0));
        assert!(seen.consolidation.opened_at.is_some_and(|at| at.starts_with("2026-03-03T14:30:00")));
        yard.is_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_take_out_the_last_two_parcels_one_settles() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let yard = Yard::new(&db, &[F1]).await;
    let ((id, monday), _) = (packed(&yard).await, packed_on_tuesday(&yard).await);
    // Somebody who has taken out the first and has not said so yet.
    let tx = yard.deps.store.reader().pool().expect("a pool").begin().await.expect("a transaction");
    consolidations::hold(&tx, [monday]).await.expect("a lock");
    bag_parcels::unpack(&tx, &[(parcel(id, 1), monday)], from_micros(1))
        .await
        .expect("a parcel out of its bag");
    consolidations::settle(&tx, monday).await.expect("a look");
    let second = unpack(&yard, "CNONE", parcel(id, 2), "2026-03-03T16:00:00Z", Some(F1_TUESDAY));
    let first = async {
        let waiting = "SELECT COUNT(*) AS n FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until("the other one waits", async || number(&yard.deps.store, waiting).await == 1).await;
        tx.commit().await.expect("a commit");
    };
    tokio::join!(first, second);
    assert_eq!(detail(&yard.deps, monday).await.consolidation.state, "settled");
}
