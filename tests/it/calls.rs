//! What carriers' accounts are asked, and how much: each request is counted, a carrier that wants to be left alone
//! is, by every daemon, and a number that several parcels share is asked about once.

use std::sync::Arc;

use sampan::clock::Clock;
use sampan::flows::{Deps, poll_carriers};
use sampan::{app, config};
use serde_json::json;

use crate::carriers::{Protocol, seventeentrack, ups};
use crate::on_both_databases;
use crate::support::app::{App, settings, spawn_app};
use crate::support::database::{Database, number};
use crate::support::rows::{change, make_due};
use crate::support::steps::{accept, accept_two_parcels, detail, hand_over, one_parcel, scan_until};
use crate::support::stub::{Reply, Stub, days_back, dhl_event, dhl_page, number_in};
use crate::support::wait::wait_until;

/// One that 17TRACK was not told of.
const NUMBER: &str = "RN740215882GB";

/// An account with that carrier and no other, of a stub that speaks its protocol.
fn account(protocol: &Protocol, carrier: &Stub, more: &str) -> String {
    let lines = protocol
        .config
        .lines()
        .chain(more.lines())
        .map(|line| format!("carriers.{}.{line}\n", protocol.carrier));
    let address = format!("carriers.{}.base_url = \"http://{}\"\n", protocol.carrier, carrier.address);
    lines.chain([address, "outbound.timeout_seconds = 1\n".to_owned()]).collect()
}

/// Waits until so many numbers are asked about, and not now.
async fn settled(app: &App, numbers: i64) {
    let free = "SELECT COUNT(*) AS n FROM tracked_number WHERE claimed_until = 0 AND next_poll_at > 0 AND asked_at IS NOT NULL";
    wait_until("all answers are taken in", async || number(&app.deps.store, free).await == numbers).await;
}

async fn calls(app: &App) -> i64 {
    number(&app.deps.store, "SELECT calls AS n FROM carrier_account").await
}

/// The parts of one more daemon on the same database, which knows nothing of what the first one learnt.
async fn another(db: &Database, app: &App, changes: &str) -> Deps {
    let settings = config::defaults_with(&settings(db, &app.world, changes)).expect("valid settings");
    app::build(Arc::new(settings), Clock::real()).await.expect("a daemon's parts")
}

on_both_databases! {
    async fn each_request_of_a_question_is_counted(db: Database) {
        const ASKED: Protocol = seventeentrack::PROTOCOL;
        let carrier = Stub::start(ASKED.answer).await;
        let app = spawn_app(&db, &account(&ASKED, &carrier, "calls_per_day = 1000")).await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, ASKED.carrier, &[NUMBER]).await;
        settled(&app, 1).await;
        let paths: Vec<_> = carrier.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(paths, ["/track/v2.2/gettrackinfo", "/track/v2.2/register"]);
        assert_eq!(calls(&app).await, 2);
        app.stop().await;
    }

    async fn a_question_that_has_no_call_left_for_all_of_it_blames_nobody(db: Database) {
        const ASKED: Protocol = seventeentrack::PROTOCOL;
        let carrier = Stub::start(ASKED.answer).await;
        let app = spawn_app(&db, &account(&ASKED, &carrier, "calls_per_day = 1")).await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, ASKED.carrier, &[NUMBER]).await;
        settled(&app, 1).await;
        assert_eq!((carrier.asked().len(), calls(&app).await), (1, 1));
        let blameless = "SELECT COUNT(*) AS n FROM tracked_number WHERE failures = 0";
        assert_eq!(number(&app.deps.store, blameless).await, 1);
        app.stop().await;
    }

    async fn a_pass_that_cannot_be_had_is_asked_for_once_by_all_who_wait_for_it(db: Database) {
        const ASKED: Protocol = ups::PROTOCOL;
        let carrier = Stub::start(|asked, before| match (ASKED.is_question)(asked) {
            true => (ASKED.answer)(asked, before),
            false => Reply::Silence,
        })
        .await;
        let app = spawn_app(&db, &account(&ASKED, &carrier, "concurrency_max = 8")).await;
        let accepted = accept_two_parcels(&app).await;
        hand_over(&app, &accepted, ASKED.carrier, &[ASKED.delivered, ASKED.unknown]).await;
        settled(&app, 2).await;
        let before = carrier.asked().len();
        make_due(&db).await;
        settled(&app, 2).await;
        assert_eq!(carrier.asked().len(), before + 1, "both wait for one");
        app.stop().await;
    }

    async fn a_carrier_that_says_when_to_come_back_is_left_alone_by_every_daemon(db: Database) {
        let carrier = Stub::start(|_, _| Reply::RetryAfter(503, 3_600)).await;
        let changes = format!(
            "carriers.dhl_unified.base_url = \"http://{}\"\ncarriers.dhl_unified.concurrency_max = 1",
            carrier.address
        );
        let app = spawn_app(&db, &changes).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, 1).await;
        make_due(&db).await;
        let resting = "SELECT next_call_at AS n FROM carrier_account";
        wait_until("it is written down", async || {
            let rests = "SELECT COUNT(*) AS n FROM carrier_account WHERE next_call_at > 0";
            number(&app.deps.store, rests).await == 1
        })
        .await;
        let until = number(&app.deps.store, resting).await / 1_000_000;
        let left = until - app.deps.clock.wall().timestamp();
        assert!((3_500..=3_600).contains(&left), "{left} s");
        let other = another(&db, &app, &changes).await;
        for deps in [&app.deps, &other] {
            assert_eq!(poll_carriers::run_due(deps).await.expect("a database that answers"), 0);
        }
        assert_eq!(carrier.asked().len(), 1);
        other.store.close().await;
        app.stop().await;
    }

    async fn a_number_that_two_parcels_share_is_asked_about_once(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let moved = dhl_event(&days_back(3, "09:00"), "transit", "With delivery courier", "SHANGHAI");
            Reply::json(200, &dhl_page(number_in(&asked.path), &[moved]))
        })
        .await;
        let app = spawn_app(&db, &format!("carriers.dhl_unified.base_url = \"http://{}\"", carrier.address)).await;
        let accepted = accept_two_parcels(&app).await;
        hand_over(&app, &accepted, "dhl_unified", &["JD001122334455", "JD001122334455"]).await;
        settled(&app, 2).await;
        let before = carrier.asked().len();
        change(&db, "UPDATE tracked_number SET next_poll_at = 0 WHERE parcel_number = 1").await;
        settled(&app, 2).await;
        make_due(&db).await;
        settled(&app, 2).await;
        assert_eq!(carrier.asked().len(), before + 2);
        let shown = detail(&app, &accepted).await;
        let statuses: Vec<_> = (0..2).map(|at| &shown["parcels"][at]["status"]).collect();
        assert_eq!(statuses, [&json!("out_for_delivery"), &json!("out_for_delivery")]);
        let hour = "SELECT MAX(next_poll_at) - MIN(next_poll_at) AS n FROM tracked_number";
        assert!(number(&app.deps.store, hour).await < 3_600_000_000, "they are asked about together");
        app.stop().await;
    }

    async fn a_shipment_is_asked_about_so_often_a_day_and_no_more(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let moved = dhl_event(&days_back(3, "09:00"), "transit", "With delivery courier", "SHANGHAI");
            Reply::json(200, &dhl_page(number_in(&asked.path), &[moved]))
        })
        .await;
        let twice = format!(
            "carriers.dhl_unified.base_url = \"http://{}\"\ncarriers.dhl_unified.calls_per_shipment_and_day = 2\n\
             polling.hours_between_most = 1",
            carrier.address
        );
        let app = spawn_app(&db, &twice).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        settled(&app, 1).await;
        let at = number(&app.deps.store, "SELECT next_poll_at AS n FROM tracked_number").await;
        let next = at / 1_000_000 - app.deps.clock.now().timestamp();
        assert!((43_100..=43_200).contains(&next), "{next} s");
        app.stop().await;
    }

    async fn a_row_that_cannot_be_read_keeps_no_other_waiting(db: Database) {
        let carrier = Stub::start(|asked, _| {
            let moved = dhl_event(&days_back(3, "09:00"), "transit", "With delivery courier", "SHANGHAI");
            Reply::json(200, &dhl_page(number_in(&asked.path), &[moved]))
        })
        .await;
        let app = spawn_app(&db, &format!("carriers.dhl_unified.base_url = \"http://{}\"", carrier.address)).await;
        let accepted = accept_two_parcels(&app).await;
        hand_over(&app, &accepted, "dhl_unified", &["JD001122334455", "JD001122334466"]).await;
        settled(&app, 2).await;
        let before = carrier.asked().len();
        let odd = "UPDATE tracked_number SET failures = -1, next_poll_at = 0 WHERE parcel_number = 1";
        assert_eq!(change(&db, odd).await, 1);
        change(&db, "UPDATE tracked_number SET next_poll_at = 1 WHERE parcel_number = 2").await;
        let waiting = "SELECT COUNT(*) AS n FROM tracked_number WHERE next_poll_at <= 1 OR claimed_until > 0";
        wait_until("nothing waits", async || number(&app.deps.store, waiting).await == 0).await;
        assert_eq!(carrier.asked().len(), before + 1);
        app.stop().await;
    }
}
