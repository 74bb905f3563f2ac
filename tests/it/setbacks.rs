//! Departures that cannot be closed.

use sampan::flows::close_departures;
use sampan::store::departures;

use crate::on_both_databases;
use crate::support::database::{Database, number};
use crate::support::rows::change;
use crate::support::yard::{F1, Yard};

const AFTER_CUT_OFF: &str = "2026-03-02T10:01:00Z";

on_both_databases! {
    async fn a_departure_is_closed_however_many_others_cannot_be(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        let id = yard.accept("2026-03-02", 1, 1_000).await;
        yard.scan("HKONE", id, 1, "received", "2026-03-02T05:00:00Z", None).await;
        // Older ones, as many as are looked at in one run, of which nobody can say where they leave from.
        let columns = "to_hub, depart_at, arrive_at, capacity_grams, capacity_cm3, booked_grams, booked_cm3, state, changed_at";
        let broken = format!(
            "INSERT INTO departure (id, from_hub, cutoff_at, {columns}) \
             WITH RECURSIVE n (n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM n WHERE n < 299) \
             SELECT 'X' || n || '-20260301', '', 1, {columns} FROM departure, n"
        );
        assert_eq!(change(&db, &broken).await, 200);
        let deps = yard.at(AFTER_CUT_OFF);
        let due = departures::due(deps.store.reader(), deps.clock.now(), 500).await.expect("departures");
        assert_eq!((due.len(), due[200].to_string().as_str()), (201, "F1-20260302"));

        assert!(close_departures::run_due(&deps).await.is_err(), "they cannot be closed");
        let closed = "SELECT COUNT(*) AS n FROM departure WHERE state = 'closed'";
        assert_eq!(number(&deps.store, closed).await, 0);
        close_departures::run_due(&deps).await.ok();
        assert_eq!(number(&deps.store, closed).await, 1);
        assert_eq!(number(&deps.store, "SELECT COUNT(*) AS n FROM departure WHERE state = 'open'").await, 200);
        assert_eq!(number(&deps.store, "SELECT COUNT(*) AS n FROM bag_parcel").await, 1);
        // What was mended is closed when it is tried again.
        change(&db, "UPDATE departure SET from_hub = 'HKONE' WHERE from_hub = ''").await;
        crate::support::wait::wait_until("all are closed", async || {
            close_departures::run_due(&deps).await.expect("nothing is broken any more");
            number(&deps.store, closed).await == 201
        })
        .await;
    }
}
