//! Carriers as they are: late, busy, down, garbled, slow, and then all right.

use sampan::flows::poll_carriers;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::journey::tracking_number;
use crate::support::rows::{change, count, make_due, text as text_of};
use crate::support::steps::{accept, accept_two_parcels, detail, one_parcel, scan_until};
use crate::support::stub::{Reply, Stub, days_back, delivering_carrier, dhl_event, dhl_page, number_in};
use crate::support::wait::wait_until;

/// The first wait after a failure is a minute; an answer may take a second.
fn settings(carrier: &Stub) -> String {
    format!(
        "carriers.dhl_unified.base_url = \"http://{}\"\npolling.retry_minutes_first = 1\n\
         outbound.timeout_seconds = 1",
        carrier.address
    )
}

fn good_page(number: &str) -> Value {
    dhl_page(
        number,
        &[
            dhl_event(&days_back(2, "09:00"), "transit", "With delivery courier", "SHANGHAI"),
            dhl_event(&days_back(3, "21:00"), "transit", "Arrived at Sort Facility", "SHANGHAI"),
            dhl_event(&days_back(3, "09:00"), "transit", "Shipment picked up", "SHENZHEN"),
        ],
    )
}

fn good(path: &str) -> Reply {
    Reply::json(200, &good_page(number_in(path)))
}

/// What goes wrong, one after the other, before all is well.
fn trouble(time: usize, path: &str) -> Reply {
    match time {
        0 => Reply::json(404, &json!({"title": "No result found", "status": 404, "detail": "No shipment"})),
        // Longer, and nobody would ask this carrier anything meanwhile.
        1 => Reply::RetryAfter(429, 1),
        2 => Reply::Status(503, b"<html>down</html>".to_vec()),
        3 => Reply::Status(200, b"\x00\xff not JSON".to_vec()),
        4 => Reply::Status(200, good_page(number_in(path)).to_string().as_bytes()[..80].to_vec()),
        5 => Reply::CutOff(good_page(number_in(path)).to_string().into_bytes()),
        // An answer: five failures in a row, and nobody would ask this carrier anything for a while.
        6 => Reply::json(404, &json!({"title": "No result found", "status": 404, "detail": "No shipment"})),
        7 => Reply::Silence,
        8 => Reply::HangUp,
        9 => Reply::RetryAfter(503, 1),
        10 => Reply::json(401, &json!({"title": "Unauthorized", "status": 401})),
        _ => good(path),
    }
}

const TROUBLES: usize = 11;

/// Waits until the question number `times` has been asked and its outcome written.
async fn settled(app: &App, carrier: &Stub, times: usize) {
    let free = "SELECT COUNT(*) AS n FROM tracked_number WHERE claimed_until > 0 OR next_poll_at = 0";
    wait_until(&format!("question {times} is settled"), async || {
        carrier.asked().len() >= times && number(&app.deps.store, free).await == 0
    })
    .await;
}

/// As [`settled`], with so many numbers that are due and not asked about.
async fn settled_but_for(app: &App, carrier: &Stub, times: usize, waiting: i64) {
    let claimed = "SELECT COUNT(*) AS n FROM tracked_number WHERE claimed_until > 0";
    let unasked = "SELECT COUNT(*) AS n FROM tracked_number WHERE asked_at IS NULL";
    wait_until(&format!("question {times} is settled"), async || {
        carrier.asked().len() >= times
            && number(&app.deps.store, claimed).await == 0
            && number(&app.deps.store, unasked).await == waiting
    })
    .await;
}

/// Seconds until the next question.
async fn next_in(app: &App) -> i64 {
    let at = number(&app.deps.store, "SELECT next_poll_at AS n FROM tracked_number").await;
    at / 1_000_000 - app.deps.clock.now().timestamp()
}

on_both_databases! {
    async fn a_number_whose_carrier_another_daemon_may_have_is_left_to_it_for_a_while(db: Database) {
        let carrier = Stub::start(|asked, _| good(&asked.path)).await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        for table in ["number_owner", "tracked_number"] {
            change(&db, &format!("UPDATE {table} SET carrier = 'ups'")).await;
        }
        for (minutes_ago, is_put_off) in [(1, false), (11, true)] {
            let due_at = app.deps.clock.now() - chrono::TimeDelta::minutes(minutes_ago);
            let due_at = due_at.timestamp_micros();
            change(&db, &format!("UPDATE tracked_number SET next_poll_at = {due_at}")).await;
            poll_carriers::put_off_unconfigured(&app.deps).await.expect("a database");
            let next_at = async || number(&app.deps.store, "SELECT next_poll_at AS n FROM tracked_number").await;
            // The daemon looks by itself, too, and may be at it.
            if is_put_off {
                wait_until("it is put off", async || next_at().await > due_at).await;
            }
            assert_eq!(next_at().await > due_at, is_put_off, "due {minutes_ago} minutes ago");
            let problem = text_of(&app.deps.store, "SELECT last_problem AS n FROM tracked_number").await;
            assert_eq!(problem.as_deref(), is_put_off.then_some("the carrier is not configured"));
        }
        app.stop().await;
    }

    async fn whatever_a_carrier_does_it_is_asked_again_until_it_answers(db: Database) {
        let carrier = Stub::start(|asked, before| trouble(before.len(), &asked.path)).await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        let events = count(&app.deps.store, "tracking_event").await;
        for time in 0..TROUBLES {
            settled(&app, &carrier, time + 1).await;
            let failures =
                number(&app.deps.store, "SELECT CAST(failures AS bigint) AS n FROM tracked_number").await;
            // That the carrier wants fewer questions does not count against the parcel.
            let counted = if time < 1 { time + 1 } else { time };
            assert_eq!(failures, counted as i64, "trouble {time}");
            let problem = text_of(&app.deps.store, "SELECT last_problem AS n FROM tracked_number").await;
            assert!(problem.is_some_and(|problem| !problem.is_empty()), "trouble {time}");
            let planned = (60 << (counted - 1)).min(720 * 60);
            let expected = match time {
                1 => 1,
                _ => planned,
            };
            let next = next_in(&app).await;
            assert!((expected - 30..=expected).contains(&next), "trouble {time}: asked again in {next} s");
            assert_eq!(
                count(&app.deps.store, "tracking_event").await,
                events,
                "trouble {time} is no progress"
            );
            assert_eq!(detail(&app, &accepted).await["status"], "last_mile");
            make_due(&db).await;
        }
        wait_until("the good answer is in", async || {
            detail(&app, &accepted).await["status"] == "out_for_delivery"
        })
        .await;
        settled(&app, &carrier, TROUBLES + 1).await;
        let row = "SELECT CAST(failures AS bigint) AS n FROM tracked_number WHERE last_problem IS NULL AND answered_at IS NOT NULL";
        assert_eq!(number(&app.deps.store, row).await, 0);
        let next = next_in(&app).await;
        assert!((570..=86_400).contains(&next), "it is asked about within a day, not in {next} s");
        app.stop().await;
    }

    async fn a_good_answer_is_kept_once_however_often_it_comes(db: Database) {
        let carrier = Stub::start(|asked, _| good(&asked.path)).await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        let (events, entries) =
            (count(&app.deps.store, "tracking_event").await, count(&app.deps.store, "audit_entry").await);
        let shown = detail(&app, &accepted).await;
        for times in 2..=4 {
            make_due(&db).await;
            settled(&app, &carrier, times).await;
        }
        let store = &app.deps.store;
        assert_eq!(count(store, "carrier_answer").await, 1);
        assert_eq!(
            (count(store, "tracking_event").await, count(store, "audit_entry").await),
            (events, entries)
        );
        let by_carrier = "SELECT COUNT(*) AS n FROM tracking_event WHERE source = 'poll'";
        assert_eq!(number(store, by_carrier).await, 3);
        assert_eq!(detail(&app, &accepted).await, shown);
        let number = tracking_number(&accepted["parcels"][0]);
        let page = good_page(&number).to_string();
        let kept = "SELECT tracking_number AS n FROM carrier_answer";
        assert_eq!(text_of(store, kept).await.as_deref(), Some(number.as_str()));
        let length = "SELECT CAST(LENGTH(body) AS bigint) AS n FROM carrier_answer";
        let length = crate::support::database::number(store, length).await;
        assert_eq!(length, page.len() as i64, "byte for byte");
        app.stop().await;
    }

    async fn an_answer_that_only_numbers_itself_anew_is_kept_once(db: Database) {
        let carrier = Stub::start(|asked, before| {
            let mut page = good_page(number_in(&asked.path));
            page["transactionId"] = json!(before.len());
            Reply::json(200, &page)
        })
        .await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        for times in 2..=3 {
            make_due(&db).await;
            settled(&app, &carrier, times).await;
        }
        assert_eq!(count(&app.deps.store, "carrier_answer").await, 1);
        app.stop().await;
    }

    async fn an_answer_that_makes_no_sense_today_is_kept_for_tomorrow(db: Database) {
        let carrier = Stub::start(|_, before| match before.len() {
            0 => Reply::Status(200, b"\x00\xff not JSON".to_vec()),
            _ => Reply::Status(503, b"down".to_vec()),
        })
        .await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        make_due(&db).await;
        settled(&app, &carrier, 2).await;
        make_due(&db).await;
        settled(&app, &carrier, 3).await;
        assert_eq!(count(&app.deps.store, "carrier_answer").await, 2, "each answer once");
        app.stop().await;
    }

    async fn an_event_that_an_answer_repeats_is_one_event(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let once = dhl_event(&days_back(3, "09:00"), "transit", "Shipment picked up", "SHENZHEN");
            Reply::json(200, &dhl_page(number_in(&asked.path), &[once.clone(), once]))
        })
        .await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        let polled = "SELECT COUNT(*) AS n FROM tracking_event WHERE source = 'poll'";
        assert_eq!(number(&app.deps.store, polled).await, 1);
        app.stop().await;
    }

    async fn a_number_that_is_in_trouble_keeps_no_other_waiting(db: Database) {
        let carrier = Stub::start(|asked, _| match number_in(&asked.path) {
            number if number.ends_with("-1") => Reply::Silence,
            _ => good(&asked.path),
        })
        .await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        wait_until("both are settled", async || {
            let second = &detail(&app, &accepted).await["parcels"][1]["status"];
            let failed =
                number(&app.deps.store, "SELECT COUNT(*) AS n FROM tracked_number WHERE failures > 0").await;
            *second == "out_for_delivery" && failed == 1
        })
        .await;
        let shown = detail(&app, &accepted).await;
        assert_eq!(
            (&shown["status"], &shown["parcels"][0]["status"]),
            (&json!("last_mile"), &json!("last_mile"))
        );
        app.stop().await;
    }

    async fn one_bad_event_costs_an_answer_nothing_else(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let mut page = good_page(number_in(&asked.path));
            let events = page["shipments"][0]["events"].as_array_mut().expect("events");
            events.push(json!({"statusCode": "transit", "description": "no time"}));
            events.push(json!("not even an object"));
            events.push(dhl_event(&days_back(3, "22:00"), "teleported", "Beamed up", "SHANGHAI"));
            Reply::json(200, &page)
        })
        .await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        let shown = detail(&app, &accepted).await;
        assert_eq!(shown["status"], "out_for_delivery");
        let unknown: Vec<_> =
            shown["events"].as_array().expect("events").iter().filter(|e| e["status"] == "unknown").collect();
        assert_eq!(unknown.len(), 1, "kept raw, and no progress");
        assert_eq!(unknown[0]["code"], "teleported");
        app.stop().await;
    }

    async fn a_carrier_that_is_down_is_left_alone_and_its_parcels_stay_due(db: Database) {
        let carrier = Stub::start(|_, _| Reply::Status(503, b"down".to_vec())).await;
        let one_at_a_time = format!("{}\ncarriers.dhl_unified.concurrency_max = 1", settings(&carrier));
        let app = spawn_app(&db, &one_at_a_time).await;
        for _ in 0..4 {
            let accepted = accept_two_parcels(&app).await;
            scan_until(&app, &accepted, "handed_over").await;
        }
        wait_until("five questions failed", async || {
            let failed = "SELECT COUNT(*) AS n FROM tracked_number WHERE failures = 1 AND claimed_until = 0";
            number(&app.deps.store, failed).await == 5
        })
        .await;
        assert_eq!(poll_carriers::run_due(&app.deps).await.expect("a database that answers"), 0);
        assert_eq!(carrier.asked().len(), 5);
        let blameless = "SELECT COUNT(*) AS n FROM tracked_number WHERE failures = 0 AND claimed_until = 0";
        assert_eq!(number(&app.deps.store, blameless).await, 3);
        app.stop().await;
    }

    async fn an_accounts_calls_are_counted_and_no_more_are_made(db: Database) {
        let carrier = Stub::start(|asked, _| good(&asked.path)).await;
        let few = format!("{}\ncarriers.dhl_unified.calls_per_day = 1", settings(&carrier));
        let app = spawn_app(&db, &few).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled_but_for(&app, &carrier, 1, 1).await;
        assert_eq!(poll_carriers::run_due(&app.deps).await.expect("a database that answers"), 0);
        assert_eq!(carrier.asked().len(), 1);
        assert_eq!(number(&app.deps.store, "SELECT calls AS n FROM carrier_account").await, 1);
        app.stop().await;
    }

    async fn what_a_delivered_parcel_did_is_written_down_once(db: Database) {
        let carrier = delivering_carrier().await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        let store = &app.deps.store;
        wait_until("it is delivered", async || detail(&app, &accepted).await["status"] == "delivered").await;
        make_due(&db).await;
        wait_until("it was asked about again", async || {
            number(store, "SELECT COUNT(*) AS n FROM tracked_number WHERE next_poll_at > 0").await == 1
        })
        .await;
        let journey = text_of(store, "SELECT body AS n FROM poll_history").await.expect("one journey");
        let journey: Value = serde_json::from_str(&journey).expect("JSON");
        assert!(journey["scans"].as_array().is_some_and(|scans| !scans.is_empty()), "{journey}");
        assert_eq!(count(store, "poll_history").await, 1);
        app.stop().await;
    }

    async fn a_delivery_that_is_heard_of_late_is_watched_from_then_on(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let delivered = dhl_event(&days_back(4, "21:00"), "delivered", "Delivered", "SHANGHAI");
            Reply::json(200, &dhl_page(number_in(&asked.path), &[delivered]))
        })
        .await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        assert_eq!(detail(&app, &accepted).await["status"], "delivered");
        let watched = "SELECT COUNT(*) AS n FROM tracked_number WHERE next_poll_at IS NOT NULL";
        assert_eq!(number(&app.deps.store, watched).await, 1);
        change(&db, "UPDATE tracked_number SET delivered_at = delivered_at - 300000000000, next_poll_at = 0").await;
        wait_until("it is let go", async || number(&app.deps.store, watched).await == 0).await;
        app.stop().await;
    }

    async fn what_is_not_due_is_not_asked(db: Database) {
        let carrier = Stub::start(|asked, _| good(&asked.path)).await;
        let app = spawn_app(&db, &settings(&carrier)).await;
        let accepted = accept(&app, &one_parcel()).await;
        assert_eq!(poll_carriers::run_due(&app.deps).await.expect("a database that answers"), 0);
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, &carrier, 1).await;
        for _ in 0..3 {
            assert_eq!(poll_carriers::run_due(&app.deps).await.expect("a database that answers"), 0);
        }
        assert_eq!(carrier.asked().len(), 1);
        let asked = carrier.asked().remove(0);
        assert_eq!(asked.header("dhl-api-key"), "a key for tests");
        assert_eq!(number_in(&asked.path), tracking_number(&accepted["parcels"][0]));
        app.stop().await;
    }
}
