//! Plans that do not hold any more are made anew, those that hold are left alone.

use sampan::domain::id::ShipmentId;
use sampan::flows::{
    Deps, cancel_shipment, change_clearance, change_network, import_network, manage_webhooks, replan,
};
use sampan::store::departures::Dated;
use sampan::store::{StoreError, departures, replans};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::database::{Database, Kind, number};
use crate::support::rows::{change, text};
use crate::support::yard::{self, F1, F2, MONDAY, Yard, at, build, operator};

async fn cancel(deps: &Deps, id: &str) -> u64 {
    let id = id.parse().expect("a departure");
    let body = json!({"reason": "fog"});
    let cancelled = change_network::cancel_departure(deps, &operator(), &id, &body).await;
    cancelled.expect("a cancellation").shipments_to_replan
}

async fn close(deps: &Deps, hub: &str, from: &str, until: &str) -> sampan::flows::views::ClosureView {
    let body = json!({"from": from, "until": until, "reason": "a strike"});
    let hub = hub.parse().expect("a hub");
    change_network::close_hub(deps, &operator(), &hub, &body).await.expect("a closure").0
}

async fn run(deps: &Deps) -> u64 {
    replan::run_due(deps).await.expect("plans")
}

/// Every plan of a shipment, byte for byte.
async fn plans(deps: &Deps, id: ShipmentId) -> Vec<String> {
    let all = sampan::store::shipments::plans(deps.store.reader(), id).await.expect("plans");
    all.iter().map(|planned| format!("{planned:?}")).collect()
}

/// Bodies of messages to the merchant, of one kind.
async fn told(deps: &Deps, kind: &str) -> Vec<Value> {
    let count =
        number(&deps.store, &format!("SELECT COUNT(*) AS n FROM webhook_message WHERE kind = '{kind}'"))
            .await;
    let mut bodies = Vec::new();
    for offset in 0..count {
        let sql = format!(
            "SELECT body AS n FROM webhook_message WHERE kind = '{kind}' ORDER BY id LIMIT 1 OFFSET {offset}"
        );
        let body = text(&deps.store, &sql).await.expect("a body");
        bodies.push(serde_json::from_str(&body).expect("JSON"));
    }
    bodies
}

async fn listen(yard: &Yard) {
    let endpoint = json!({"url": "https://shop.example/"});
    manage_webhooks::register(&yard.deps, yard.keys.merchant, &endpoint).await.expect("an endpoint");
}

async fn waiting(deps: &Deps) -> Vec<replans::Waiting> {
    replans::list(deps.store.reader(), 1_000).await.expect("a list")
}

on_both_databases! {
    async fn a_cancelled_departure_concerns_those_on_it_and_nobody_else(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        listen(&yard).await;
        let deps = yard.at(MONDAY);
        let on_it = [yard.accept("2026-03-02", 1, 1_000).await, yard.accept("2026-03-02", 2, 500).await];
        let other = yard.accept("2026-03-03", 1, 1_000).await;
        for id in on_it {
            assert_eq!(yard.departures(id).await, ["F1-20260302"]);
        }
        let (before, others_before) = (yard.detail(on_it[0]).await, plans(&deps, other).await);

        assert_eq!(cancel(&deps, "F1-20260302").await, 2);
        assert_eq!(run(&deps).await, 2);
        assert_eq!(cancel(&deps, "F1-20260302").await, 2, "again: the same answer");
        assert_eq!((run(&deps).await, waiting(&deps).await), (0, vec![]));

        for id in on_it {
            assert_eq!(yard.departures(id).await, ["F1-20260303"]);
        }
        assert_eq!(plans(&deps, other).await, others_before, "the others keep theirs");
        let after = yard.detail(on_it[0]).await;
        assert_eq!(after.plan_history.len(), 2);
        assert_eq!(after.plan_history[1].reason, before.plan.reason, "the old one stays");
        let reason = &after.plan_history[0].reason;
        assert!(reason.starts_with("departure F1-20260302 was cancelled (fog): the "), "{reason}");
        let day = chrono::TimeDelta::days(1);
        let moved = at(&after.shipment.estimated_delivery.earliest) - at(&before.shipment.estimated_delivery.earliest);
        assert_eq!(moved, day);
        assert_eq!(after.plan.promised_by, before.plan.promised_by);

        let told = told(&deps, "shipment.replanned").await;
        assert_eq!(told.len(), 2);
        let about = told.iter().find(|body| body["data"]["shipment"] == json!(on_it[0])).expect("a message");
        assert_eq!(about["data"]["reason"], json!(reason));
        assert_eq!(about["data"]["estimated_delivery_before"]["earliest"], json!(before.shipment.estimated_delivery.earliest));
        assert_eq!(about["data"]["estimated_delivery"]["earliest"], json!(after.shipment.estimated_delivery.earliest));
        let actor = "SELECT actor AS n FROM audit_entry WHERE action = 'shipment.replanned' LIMIT 1";
        assert_eq!(text(&deps.store, actor).await.as_deref(), Some("operator ana"));
        assert_eq!(number(&deps.store, "SELECT COUNT(*) AS n FROM booking WHERE departure_id = 'F1-20260303'").await, 3);
        yard.is_sound().await;
    }

    async fn a_closed_hub_is_avoided_until_it_opens_or_for_good(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let deps = yard.at(MONDAY);
        let id = yard.accept("2026-03-02", 1, 1_000).await;
        // Monday's and Tuesday's departures are within it, Wednesday's is not.
        let closure = close(&deps, "HKONE", "2026-03-02T10:00:00Z", "2026-03-04T00:00:00Z").await;
        assert_eq!(closure.shipments_to_check, Some(1));
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(id).await, ["F1-20260304"]);
        // A gateway that is closed for long: the other one.
        close(&deps, "CNONE", "2026-03-02T00:00:00Z", "2026-06-02T00:00:00Z").await;
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(id).await, ["F2-20260304"]);
        // A closure that makes no difference to it.
        close(&deps, "HKONE", "2026-03-20T00:00:00Z", "2026-03-21T00:00:00Z").await;
        assert_eq!((run(&deps).await, waiting(&deps).await), (0, vec![]));

        let hub = "HKONE".parse().expect("a hub");
        let id_of = |text: &str| text.parse().expect("an id");
        change_network::open_hub(&deps, &hub, id_of(&closure.id)).await.expect("taken back");
        assert!(change_network::open_hub(&deps, &hub, id_of(&closure.id)).await.is_err());
        let listed = change_network::closures(&deps, &hub).await.expect("closures").closures;
        assert_eq!(listed.len(), 1);
        assert_eq!(run(&deps).await, 0);
        let next = yard.accept("2026-03-02", 1, 1_000).await;
        assert_eq!(yard.departures(next).await, ["F2-20260302"], "the hub is open, the gateway is not");
        yard.is_sound().await;
    }

    async fn what_is_received_too_late_goes_with_the_next_departure(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let (late, in_time) = (yard.accept("2026-03-02", 1, 1_000).await, yard.accept("2026-03-02", 1, 1_000).await);
        yard.scan("HKONE", in_time, 1, "received", "2026-03-02T09:59:00Z", None).await;
        yard.scan("HKONE", late, 1, "received", "2026-03-02T10:01:00Z", None).await;
        let queued: Vec<_> = waiting(&yard.deps).await.iter().map(|waiting| waiting.shipment).collect();
        assert_eq!(queued, [late]);
        let deps = yard.at("2026-03-02T10:02:00Z");
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(late).await, ["F1-20260303"]);
        assert_eq!(yard.departures(in_time).await, ["F1-20260302"]);
        let detail = yard.detail(late).await;
        assert_eq!(detail.plan.legs[0].kind, "first_mile", "what is behind it stays in the plan");
        assert_eq!(detail.plan.legs[0].arrive_at, "2026-03-02T10:01:00Z");
        assert_eq!(detail.shipment.estimated_delivery.earliest, detail.plan.arrive_at, "late once, not twice");
        assert!(detail.plan.reason.starts_with("departure F1-20260302 is missed: "), "{}", detail.plan.reason);
        yard.is_sound().await;
    }

    async fn what_was_offloaded_does_not_wait_for_the_same_departure(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 1, 1_000).await;
        yard.scan("HKONE", id, 1, "received", "2026-03-02T05:00:00Z", None).await;
        yard.scan("HKONE", id, 1, "offloaded", "2026-03-02T11:00:00Z", Some("F1-20260302")).await;
        assert_eq!(run(&yard.at("2026-03-02T11:01:00Z")).await, 1);
        assert_eq!(yard.departures(id).await, ["F1-20260303"]);
        assert_eq!(yard.detail(id).await.events[0].status, "delayed");
        yard.is_sound().await;
    }

    async fn what_left_with_another_departure_goes_on_from_where_that_arrives(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 1, 1_000).await;
        yard.scan("HKONE", id, 1, "received", "2026-03-02T05:00:00Z", None).await;
        yard.scan("HKONE", id, 1, "departed", "2026-03-02T14:00:00Z", Some("F2-20260302")).await;
        assert_eq!(run(&yard.at("2026-03-02T14:01:00Z")).await, 1);
        assert_eq!(yard.departures(id).await, ["F2-20260302"]);
        let detail = yard.detail(id).await;
        let ends: Vec<_> = detail.plan.legs.iter().map(|leg| (leg.from.as_str(), leg.to.as_str())).collect();
        assert_eq!(ends, [("pickup", "HKONE"), ("HKONE", "CNTWO"), ("CNTWO", "consignee")]);
        // There is nothing more to book: it goes on by road.
        assert_eq!(number(&yard.deps.store, "SELECT COUNT(*) AS n FROM booking").await, 0);
        yard.is_sound().await;
    }

    async fn another_clearance_may_need_another_gateway(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let deps = yard.at(MONDAY);
        let id = yard.accept("2026-03-02", 1, 1_000).await;
        let merchant = yard.keys.merchant;
        let to = |clearance: &str| json!({"clearance": clearance});
        change_clearance::change(&deps, merchant, id, &to("1210")).await.expect("a change");
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(id).await, ["F2-20260302"]);
        change_clearance::change(&deps, merchant, id, &to("1210")).await.expect("the same again");
        assert_eq!(waiting(&deps).await, vec![]);
        let changed = "SELECT COUNT(*) AS n FROM audit_entry WHERE action = 'shipment.clearance_changed'";
        assert_eq!(number(&deps.store, changed).await, 1);
        let nobodys = sampan::domain::id::MerchantId::from_uuid(uuid::Uuid::nil());
        assert!(change_clearance::change(&deps, nobodys, id, &to("9610")).await.is_err());
        // The plan over the gateway that clears both still holds.
        change_clearance::change(&deps, merchant, id, &to("9610")).await.expect("a change");
        assert_eq!(run(&deps).await, 0);
        for (kind, time) in [("received", "2026-03-02T05:00:00Z"), ("departed", "2026-03-02T14:00:00Z")] {
            yard.scan("HKONE", id, 1, kind, time, None).await;
        }
        yard.scan("CNTWO", id, 1, "customs_presented", "2026-03-02T18:00:00Z", None).await;
        assert!(change_clearance::change(&deps, merchant, id, &to("1210")).await.is_err(), "customs has seen it");
        yard.is_sound().await;
    }

    async fn who_does_not_come_by_the_cut_off_is_looked_for_once(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let (absent, there) = (yard.accept("2026-03-02", 1, 1_000).await, yard.accept("2026-03-02", 1, 1_000).await);
        yard.scan("HKONE", there, 1, "received", "2026-03-02T05:00:00Z", None).await;
        let find = async |time: &str| replan::find_missed(&yard.at(time)).await.expect("a look");
        assert_eq!(find("2026-03-02T09:59:00Z").await, 0, "the cut-off is at 10:00");
        assert_eq!(find("2026-03-02T10:01:00Z").await, 1);
        assert_eq!(run(&yard.at("2026-03-02T10:01:00Z")).await, 1);
        assert_eq!(yard.departures(absent).await, ["F1-20260303"]);
        assert_eq!(yard.departures(there).await, ["F1-20260302"]);
        assert_eq!(find("2026-03-02T20:00:00Z").await, 0);
        // Nobody ever collects it: in the end its room is given back, and that is noted once.
        assert_eq!(find("2026-04-20T00:00:00Z").await, 0, "the daemon slept for long and looks a week back");
        change(&db, "UPDATE departure SET cutoff_at = cutoff_at + 48 * 86400000000 WHERE id = 'F1-20260303'").await;
        yard.deps.cutoffs.look_on_from(at("2026-04-20T00:00:00Z"));
        assert_eq!(find("2026-04-21T00:00:00Z").await, 1);
        assert_eq!((run(&yard.at("2026-04-21T00:00:00Z")).await, waiting(&yard.deps).await), (0, vec![]));
        let noted = "SELECT COUNT(*) AS n FROM audit_entry WHERE action = 'shipment.not_collected'";
        assert_eq!(number(&yard.deps.store, noted).await, 1);
        assert_eq!(number(&yard.deps.store, "SELECT COUNT(*) AS n FROM booking").await, 1);
        yard.is_sound().await;
    }

    async fn what_there_is_no_way_for_is_told_once_and_tried_when_there_is_a_new_lane(db: Database) {
        let yard = Yard::new(&db, &[F1]).await;
        listen(&yard).await;
        let deps = yard.at(MONDAY);
        let id = yard.accept("2026-03-02", 1, 1_000).await;
        let before = plans(&deps, id).await;
        close(&deps, "CNONE", "2026-03-01T00:00:00Z", "2026-12-01T00:00:00Z").await;
        yard::import(&deps.store, &["F1,HKONE,CNONE,air,Jade,charter,1,20:00,Asia/Hong_Kong,3,0.1,1,0,1,1200"], at(MONDAY)).await;
        assert_eq!(run(&deps).await, 0);
        let waits = waiting(&deps).await;
        assert_eq!((waits.len(), waits[0].attempts), (1, 1));
        assert!(waits[0].last_problem.as_ref().is_some_and(|problem| problem.contains("no departure can carry")), "{waits:?}");
        assert!(waits[0].next_attempt_at > deps.clock.wall() + chrono::TimeDelta::minutes(14));
        change(&db, "UPDATE replan SET next_attempt_at = 0").await;
        assert_eq!(run(&deps).await, 0);
        assert_eq!(waiting(&deps).await[0].attempts, 2);
        assert_eq!(told(&deps, "shipment.unroutable").await.len(), 1, "said once");
        assert_eq!(plans(&deps, id).await, before, "it keeps its plan");
        assert_eq!(number(&deps.store, "SELECT COUNT(*) AS n FROM booking").await, 1, "and its room");
        assert_eq!(replans::unroutable(deps.store.reader()).await.expect("a count"), 1);

        yard::import(&deps.store, &[F1, F2], at(MONDAY)).await;
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(id).await, ["F2-20260302"]);
        assert_eq!(waiting(&deps).await, vec![]);
        yard.is_sound().await;
    }

    async fn parcels_that_are_further_on_keep_their_place(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let id = yard.accept("2026-03-02", 2, 1_000).await;
        for parcel in [1, 2] {
            yard.scan("HKONE", id, parcel, "received", "2026-03-02T05:00:00Z", None).await;
        }
        yard.scan("HKONE", id, 1, "departed", "2026-03-02T12:00:00Z", Some("F1-20260302")).await;
        yard.scan("HKONE", id, 2, "offloaded", "2026-03-02T12:00:00Z", Some("F1-20260302")).await;
        assert_eq!(run(&yard.at("2026-03-02T12:01:00Z")).await, 1);
        assert_eq!(yard.departures(id).await, ["F1-20260303"]);
        for departure in ["F1-20260302", "F1-20260303"] {
            let grams = format!("SELECT grams AS n FROM booking WHERE departure_id = '{departure}'");
            assert_eq!(number(&yard.deps.store, &grams).await, 1_000, "{departure}: each parcel where it goes");
        }
        yard.is_sound().await;
    }

    async fn what_goes_nowhere_gives_its_room_back(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let deps = yard.at(MONDAY);
        let (gone, stays) = (yard.accept("2026-03-02", 1, 1_000).await, yard.accept("2026-03-02", 1, 700).await);
        cancel_shipment::cancel(&deps, yard.keys.merchant, gone).await.expect("a cancellation");
        let booked = "SELECT booked_grams AS n FROM departure WHERE id = 'F1-20260302'";
        assert_eq!(number(&deps.store, booked).await, 700);
        assert_eq!(cancel(&deps, "F1-20260302").await, 1, "nobody plans anew what was called off");
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(stays).await, ["F1-20260303"]);
        yard.is_sound().await;
    }

    async fn what_a_closed_departure_was_packed_without_is_planned_anew(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let (behind, packed) = (yard.accept("2026-03-02", 1, 1_000).await, yard.accept("2026-03-02", 1, 1_000).await);
        for id in [behind, packed] {
            yard.scan("HKONE", id, 1, "received", "2026-03-02T05:00:00Z", None).await;
        }
        change(&db, "UPDATE departure SET state = 'closed' WHERE id = 'F1-20260302'").await;
        let deps = yard.at("2026-03-02T10:01:00Z");
        let (now, wall) = (deps.clock.now(), deps.clock.wall());
        let asked: Result<(), StoreError> = deps.store.write(move |tx| Box::pin(async move {
            replans::request(tx, &[behind], "departure F1-20260302 was full when it was packed", now, wall).await?;
            // Somebody who asks to look at what is packed moves nothing.
            replans::request_check(tx, &[packed], &replans::Cause::of_our_own(""), now, wall).await
        })).await;
        asked.expect("requests");
        assert_eq!(run(&deps).await, 1);
        assert_eq!(yard.departures(behind).await, ["F1-20260303"]);
        assert_eq!(yard.departures(packed).await, ["F1-20260302"]);
        yard.is_sound().await;
    }

    /// Others take the room between planning and saving: the batch is planned again, and nothing is overbooked.
    async fn room_that_others_take_meanwhile_is_looked_for_elsewhere(db: Database) {
        let yard = Yard::new(&db, &[F1, F2]).await;
        let deps = yard.at(MONDAY);
        let mut all = Vec::new();
        for _ in 0..15 {
            all.push(yard.accept("2026-03-02", 1, 1_000).await);
        }
        assert_eq!(cancel(&deps, "F1-20260302").await, 15);
        // Behind the planner's back: 18 of 20 kg of Tuesday's departure are gone.
        let departure = deps.network.current();
        let id = "F1-20260303".parse().expect("a departure");
        let scheduled = departure.scheduled(&id).expect("it leaves");
        let dated: Dated = sampan::flows::book_departures::dated(&departure, &id, scheduled).expect("a lane");
        let stranger = yard.accept("2026-03-03", 1, 1).await;
        let wall = deps.clock.wall();
        let taken: Result<(), StoreError> = deps.store.write(move |tx| Box::pin(async move {
            assert!(departures::take(tx, &dated, (18_000, 1), wall).await?.is_some());
            let booking = departures::Booking { shipment: sampan::domain::id::ShipmentId::from_uuid(uuid::Uuid::nil()), departure: dated.id.clone(), grams: 18_000, cm3: 1 };
            departures::insert_bookings(tx, &[booking], wall).await
        })).await;
        taken.expect("room");
        assert_eq!(run(&deps).await, 15);
        let mut on_tuesday = 0;
        for id in all {
            on_tuesday += usize::from(yard.departures(id).await == ["F1-20260303"]);
        }
        assert_eq!(on_tuesday, 1, "19 kg and 1 g of 20 kg are taken, and one more kilogram does not fit");
        assert_eq!(yard.departures(stranger).await, ["F1-20260303"]);
        yard.is_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_plan_each_shipment_anew_once() {
    const SHIPMENTS: usize = 200;
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let yard = Yard::new(&db, &[F1, F2]).await;
    listen(&yard).await;
    for _ in 0..SHIPMENTS {
        yard.accept("2026-03-02", 1, 50).await;
    }
    let (one, other) = (yard.at(MONDAY), build(&db, &yard.world).await);
    assert_eq!(cancel(&one, "F1-20260302").await, SHIPMENTS as u64);
    // Small batches, so that both have something to do.
    let (by_one, by_other) = tokio::join!(run(&one), run(&other));
    assert_eq!(by_one + by_other, SHIPMENTS as u64, "{by_one} by one, {by_other} by the other");
    assert_eq!(number(&one.store, "SELECT COUNT(*) AS n FROM plan").await, 2 * SHIPMENTS as i64);
    assert_eq!(told(&one, "shipment.replanned").await.len(), SHIPMENTS);
    assert_eq!(other.network.edition(), one.network.edition(), "who plans anew plans on what is in force");
    yard.is_sound().await;
    other.store.close().await;
}

/// Whoever planned on a network that was replaced meanwhile does not save that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_does_not_know_of_a_closure_yet_does_not_plan_over_the_hub() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let yard = Yard::new(&db, &[F1, F2]).await;
    let other = build(&db, &yard.world).await;
    close(&other, "CNONE", "2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z").await;
    assert_ne!(other.network.edition(), yard.deps.network.edition());
    let id = yard.accept("2026-03-02", 1, 1_000).await;
    assert_eq!(yard.departures(id).await, ["F2-20260302"]);
    yard.is_sound().await;
    other.store.close().await;
}

#[tokio::test]
async fn a_new_network_is_held_against_every_plan() {
    let db = Database::new(Kind::Sqlite).await.expect("SQLite is built in");
    let yard = Yard::new(&db, &[F1, F2]).await;
    let deps = yard.at(MONDAY);
    let (on_f1, also) =
        (yard.accept("2026-03-02", 1, 1_000).await, yard.accept("2026-03-03", 1, 1_000).await);
    yard::import(&deps.store, &[F1, F2], at(MONDAY)).await;
    assert_eq!(run(&deps).await, 0, "the same network breaks nothing");
    yard::import(&deps.store, &[F2], at(MONDAY)).await;
    import_network::refresh(&deps).await.expect("a network");
    assert_eq!(run(&deps).await, 2);
    assert_eq!(yard.departures(on_f1).await, ["F2-20260302"]);
    assert_eq!(yard.departures(also).await, ["F2-20260303"]);
    let reason = yard.detail(on_f1).await.plan.reason;
    assert!(reason.starts_with("departure F1-20260302 does not leave: "), "{reason}");
    yard.is_sound().await;
}

mod doors {
    use super::*;
    use crate::support::app::{App, spawn_app};
    use crate::support::http::{Response, send};
    use crate::support::steps::{accept_two_parcels, detail, pointers, problem, text};
    use crate::support::wait::wait_until;
    use sampan::flows::authenticate;
    use secrecy::ExposeSecret;

    async fn ask(app: &App, key: &str, method: &str, path: &str, body: &Value) -> Response {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(app.client.address, method, path, &headers, body.as_bytes()).await.expect("an answer")
    }

    async fn key(app: &App) -> String {
        let (store, now) = (&app.deps.store, app.deps.clock.now());
        let key = authenticate::create_operator_key(store, "ana".to_owned(), now).await.expect("a key");
        key.expose_secret().to_owned()
    }

    fn first_departure(accepted: &Value) -> String {
        let legs = accepted["plan"]["legs"].as_array().expect("legs");
        let leg = legs.iter().find(|leg| leg["departure"].is_string()).expect("a departure");
        text(&leg["departure"]).to_owned()
    }

    on_both_databases! {
        async fn an_operator_cancels_a_departure_and_its_shipments_move(db: Database) {
            let app = spawn_app(&db, "").await;
            let key = key(&app).await;
            let accepted = accept_two_parcels(&app).await;
            let departure = first_departure(&accepted);
            let path = format!("/v1/departures/{departure}/cancel");
            let fog = json!({"reason": "fog"});

            let strangers = [app.client.keys.api_key.clone(), app.client.keys.hubs["HKHKG"].clone(), "sok_x".to_owned()];
            for stranger in &strangers {
                assert_eq!(problem(&ask(&app, stranger, "POST", &path, &fog).await, 401), "unknown-key");
            }
            for nowhere in ["/v1/departures/X-1/cancel", "/v1/departures/XX-20260302/cancel"] {
                assert_eq!(problem(&ask(&app, &key, "POST", nowhere, &fog).await, 404), "not-found");
            }
            assert_eq!(pointers(&ask(&app, &key, "POST", &path, &json!({"why": "fog"})).await), ["/reason", "/why"]);
            let (lane, _) = departure.split_once('-').expect("a lane and a date");
            let week_ago = sampan::clock::Clock::real().now().date_naive();
            let past = (1..=8).map(|days| week_ago - chrono::TimeDelta::days(days)).map(|date| {
                format!("/v1/departures/{lane}-{}/cancel", date.format("%Y%m%d"))
            });
            let mut left = 0;
            for path in past {
                let answer = ask(&app, &key, "POST", &path, &fog).await;
                left += usize::from(answer.status == 409 && problem(&answer, 409) == "departure-has-left");
                assert!([404, 409].contains(&answer.status), "{}", answer.text());
            }
            assert!(left > 0, "a weekly lane left within eight days");

            let answer = ask(&app, &key, "POST", &path, &fog).await.must_be(200);
            assert_eq!(answer, json!({"departure": departure, "state": "cancelled", "shipments_to_replan": 1}));
            wait_until("the shipment has another plan", async || {
                let detail = detail(&app, &accepted).await;
                detail["plan_history"].as_array().is_some_and(|plans| plans.len() == 2) && first_departure(&detail) != departure
            }).await;
            assert_eq!(ask(&app, &key, "POST", &path, &fog).await.must_be(200), answer);
            yard::books_agree(&app.deps.store).await;
            app.stop().await;
        }

        async fn an_operator_closes_a_hub_and_opens_it_again(db: Database) {
            let app = spawn_app(&db, "").await;
            let key = key(&app).await;
            let accepted = accept_two_parcels(&app).await;
            let hub = text(&accepted["plan"]["legs"][0]["to"]).to_owned();
            let path = format!("/v1/hubs/{hub}/closures");
            let now = sampan::clock::Clock::real().now();
            let body = json!({
                "from": now.to_rfc3339(), "until": (now + chrono::TimeDelta::days(12)).to_rfc3339(), "reason": "flood",
            });
            assert_eq!(problem(&ask(&app, &key, "POST", "/v1/hubs/XXXXX/closures", &body).await, 404), "not-found");
            assert_eq!(pointers(&ask(&app, &key, "POST", &path, &json!({})).await), ["/from", "/reason", "/until"]);
            let closed = ask(&app, &key, "POST", &path, &body).await.must_be(201);
            assert_eq!((&closed["hub"], &closed["shipments_to_check"]), (&json!(hub), &json!(1)));
            wait_until("the shipment has another plan", async || {
                detail(&app, &accepted).await["plan_history"].as_array().is_some_and(|plans| plans.len() == 2)
            }).await;
            assert_eq!(ask(&app, &key, "POST", &path, &body).await.must_be(200)["id"], closed["id"]);
            let listed = ask(&app, &key, "GET", &path, &Value::Null).await.must_be(200);
            assert_eq!(listed["closures"].as_array().map(Vec::len), Some(1));
            let one = format!("{path}/{}", text(&closed["id"]));
            assert_eq!(ask(&app, &key, "DELETE", &one, &Value::Null).await.status, 204);
            assert_eq!(problem(&ask(&app, &key, "DELETE", &one, &Value::Null).await, 404), "not-found");
            authenticate::revoke_operator_keys(&app.deps.store, "ana".to_owned(), now).await.expect("an end");
            assert_eq!(problem(&ask(&app, &key, "GET", &path, &Value::Null).await, 401), "unknown-key");
            app.stop().await;
        }

        async fn a_merchant_changes_the_clearance_of_its_own(db: Database) {
            let app = spawn_app(&db, "").await;
            let accepted = accept_two_parcels(&app).await;
            let path = format!("/v1/shipments/{}/clearance", text(&accepted["id"]));
            let own = app.client.keys.api_key.clone();
            assert_eq!(pointers(&ask(&app, &own, "POST", &path, &json!({"clearance": "none"})).await), ["/clearance"]);
            let stranger = crate::support::steps::stranger(&app).await.keys.api_key;
            let to = json!({"clearance": "postal"});
            assert_eq!(problem(&ask(&app, &stranger, "POST", &path, &to).await, 404), "not-found");
            assert_eq!(ask(&app, &own, "POST", &path, &to).await.must_be(200)["clearance"], "postal");
            app.stop().await;
        }
    }
}
