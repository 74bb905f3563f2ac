//! What is held, compared with the provider's word: every way of differing, and nothing changed but what is proven.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use sampan::clock::Clock;
use sampan::domain::escrow::TriggerAction;
use sampan::domain::instant::rfc3339;
use sampan::escrow::reconciliation::report::Totals;
use sampan::escrow::reconciliation::{Difference, DifferenceKind, Done};
use sampan::flows::authenticate;
use sampan::flows::reconcile::{Place, Scope, nightly, step};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, prepare, settings, spawn_app, spawn_beside};
use crate::support::binary::{Served, sampan};
use crate::support::database::{Database, number};
use crate::support::http::{Response, send};
use crate::support::journey::{long_ago, scans};
use crate::support::rows::{change, count, text as row_text};
use crate::support::steps::{accept, detail, look, one_parcel, scan_until, text};
use crate::support::stub::{Reply, Stub, delivering_carrier};
use crate::support::wait::wait_until;

/// A daemon beside the sandbox's provider, which can be asked.
async fn beside_sandbox(db: &Database, more: &str) -> App {
    let (world, keys) =
        (Arc::new(crate::support::world::World::start(Default::default())), prepare(db).await);
    let more = format!("escrow.webhook_inquire_url = \"http://{}/triggers\"\n{more}", world.escrow_address);
    spawn_beside(db, world, keys, &more).await
}

/// What a scripted provider says of every trade, and of triggers, and which action it refuses.
#[derive(Clone)]
struct Says(Arc<Mutex<(Value, Option<&'static str>, &'static str)>>);

impl Says {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((json!({"state": "open"}), Some("took_effect"), "nothing"))))
    }

    fn of_trades(&self, trade: Value) {
        self.0.lock().expect("a script").0 = trade;
    }

    /// None: it does not say.
    fn of_triggers(&self, state: Option<&'static str>) {
        self.0.lock().expect("a script").1 = state;
    }

    fn refuses(&self, action: &'static str) {
        self.0.lock().expect("a script").2 = action;
    }

    /// One that takes every trigger but those that it refuses, and is then asked.
    async fn start(&self) -> Stub {
        let says = self.clone();
        Stub::start(move |asked, _| {
            let (trade, trigger, refused) = says.0.lock().expect("a script").clone();
            let Some(question) = asked.path.strip_prefix("/ask") else {
                let is_refused = asked.json()["data"]["action"] == refused;
                return Reply::json(if is_refused { 422 } else { 200 }, &json!({}));
            };
            if let Some(reference) = question.strip_prefix("?payment_reference=") {
                let mut trade = trade;
                trade["payment_reference"] = json!(reference);
                return Reply::json(if trade["state"].is_null() { 503 } else { 200 }, &trade);
            }
            let id = question.trim_start_matches('/');
            match trigger {
                Some("not_there") => Reply::json(404, &json!({"id": id, "state": "not_there"})),
                Some(state) => {
                    Reply::json(200, &json!({"id": id, "state": state, "reason": "no such thing"}))
                }
                None => Reply::Status(500, Vec::new()),
            }
        })
        .await
    }
}

async fn beside(db: &Database, provider: &Stub, more: &str) -> App {
    let address = provider.address;
    let settings = format!(
        "escrow.webhook_url = \"http://{address}/in\"\nescrow.webhook_inquire_url = \"http://{address}/ask\"\n{more}"
    );
    spawn_app(db, &settings).await
}

async fn control(app: &App, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let answer = send(app.world.escrow_address, "POST", path, &[], body.as_bytes()).await.expect("an answer");
    assert!(answer.status < 300, "{path}: {}", answer.text());
    answer.json()
}

/// Accepted here, and a trade of the same money there.
async fn held_on_both_sides(app: &App, more: Value) -> (Value, String) {
    let body = one_parcel();
    let accepted = accept(app, &body).await;
    let payment = &body["payment"];
    let mut trade = json!({"format": "webhook", "payment_reference": payment["reference"],
        "amount": payment["amount"], "currency": payment["currency"]});
    trade.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    control(app, "/sandbox/trades", &trade).await;
    (accepted, text(&payment["reference"]).to_owned())
}

async fn picked_up(app: &App, accepted: &Value) {
    scan_until(app, accepted, "received").await;
    sent(app).await;
}

/// Nothing is on its way any more.
async fn sent(app: &App) {
    let open = "SELECT COUNT(*) AS n FROM outbox WHERE state IN ('pending', 'waiting')";
    wait_until("everything is sent", async || number(&app.deps.store, open).await == 0).await;
}

async fn compared(app: &App) -> (Vec<Difference>, Totals) {
    let scope = Scope { provider: None, days: nightly::days(&app.deps, 7) };
    let (mut place, mut found, mut totals) = (Place::beginning(), Vec::new(), Totals::default());
    while place != Place::Over {
        let page = step(&app.deps, &scope, place).await.expect("a page");
        found.extend(page.differences);
        totals.add(&page.totals);
        place = page.next;
    }
    let mut counted = Totals::default();
    counted.count(&found);
    assert_eq!(counted.differences, totals.differences);
    (found, totals)
}

async fn only(app: &App) -> Difference {
    let (mut found, _) = compared(app).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

async fn state(app: &App, accepted: &Value) -> String {
    text(&detail(app, accepted).await["escrow"]["state"]).to_owned()
}

/// Everything that a comparison could change.
async fn everything(app: &App) -> (i64, i64, Option<String>) {
    let store = &app.deps.store;
    let states =
        "SELECT CAST(COUNT(*) AS text) || state AS n FROM escrow_order GROUP BY state ORDER BY state";
    (count(store, "audit_entry").await, count(store, "outbox").await, row_text(store, states).await)
}

async fn as_operator(app: &App, method: &str, path: &str, body: &Value) -> Response {
    let key = authenticate::create_operator_key(&app.deps.store, "ana".to_owned(), Clock::real().now()).await;
    let bearer = format!("Bearer {}", key.expect("a key").expose_secret());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(app.client.address, method, path, &headers, body.as_bytes()).await.expect("an answer")
}

on_both_databases! {
    async fn sides_that_agree_are_compared_and_do_not_differ(db: Database) {
        let carrier = delivering_carrier().await;
        let delivers = format!("carriers.dhl_unified.base_url = \"http://{}\"", carrier.address);
        let app = beside_sandbox(&db, &delivers).await;
        let (accepted, _) = held_on_both_sides(&app, json!({})).await;
        let before = everything(&app).await;
        assert_eq!(compared(&app).await, (vec![], Totals { orders: 1, ..Totals::default() }));
        assert_eq!(everything(&app).await, before);
        picked_up(&app, &accepted).await;
        assert_eq!(compared(&app).await, (vec![], Totals { orders: 1, triggers: 1, ..Totals::default() }));
        for scan in scans(&accepted, long_ago()) {
            let answer = app.client.scan(&scan.hub, &scan.body).await.expect("an answer");
            assert!(answer.status < 300, "{}", answer.text());
        }
        wait_until("it is settled", async || state(&app, &accepted).await == "confirmed").await;
        sent(&app).await;
        let all = Totals { orders: 1, triggers: 3, ..Totals::default() };
        assert_eq!(compared(&app).await, (vec![], all.clone()), "what is settled is compared by its triggers");
        change(&db, "UPDATE escrow_trigger SET created_at = created_at - 8 * 86400000000").await;
        assert_eq!(compared(&app).await, (vec![], all), "it was settled lately, whenever they were made");
        change(&db, "UPDATE escrow_order SET updated_at = updated_at - 8 * 86400000000").await;
        assert_eq!(compared(&app).await, (vec![], Totals::default()), "those of long ago are not");
        app.stop().await;
    }

    async fn a_release_by_the_providers_own_deadline_is_found_and_written_down_once(db: Database) {
        let app = beside_sandbox(&db, "").await;
        let (accepted, reference) = held_on_both_sides(&app, json!({})).await;
        picked_up(&app, &accepted).await;
        control(&app, &format!("/sandbox/trades/{reference}/release"), &json!({})).await;
        let found = only(&app).await;
        assert_eq!((found.kind, found.done), (DifferenceKind::ReleasedThere, Done::WrittenDown), "{found:#?}");
        assert_eq!(found.payment_reference.as_deref(), Some(reference.as_str()));
        assert_eq!(found.shipment.map(|id| id.to_string()).as_deref(), accepted["id"].as_str());
        assert!(found.ours.starts_with("shipped: ") && found.theirs.starts_with("released: "), "{found:#?}");
        assert_eq!(state(&app, &accepted).await, "confirmed");
        assert_eq!(compared(&app).await.0, vec![]);
        assert_eq!(count(&app.deps.store, "escrow_act").await, 1);
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn another_amount_and_another_currency_are_reported_and_nothing_is_believed(db: Database) {
        let app = beside_sandbox(&db, "").await;
        for (more, kind) in [
            (json!({"amount": "0.01"}), DifferenceKind::AmountDiffers),
            (json!({"currency": "USD"}), DifferenceKind::CurrencyDiffers),
        ] {
            let (accepted, reference) = held_on_both_sides(&app, more).await;
            control(&app, &format!("/sandbox/trades/{reference}/release"), &json!({})).await;
            let before = everything(&app).await;
            let (found, _) = compared(&app).await;
            let mine: Vec<_> = found.iter().filter(|one| one.payment_reference == Some(reference.clone())).collect();
            assert_eq!(mine.iter().map(|one| (one.kind, one.done)).collect::<Vec<_>>(), [(kind, Done::Reported)]);
            assert_eq!(everything(&app).await, before);
            assert_eq!(state(&app, &accepted).await, "held");
        }
        app.stop().await;
    }

    async fn a_deadline_is_learned_and_then_known(db: Database) {
        let app = beside_sandbox(&db, "").await;
        let at = rfc3339(app.deps.clock.now() + TimeDelta::days(9));
        let (accepted, _) = held_on_both_sides(&app, json!({"release_deadline_at": at})).await;
        let found = only(&app).await;
        assert_eq!((found.kind, found.done), (DifferenceKind::DeadlineNearer, Done::DeadlineLearned));
        assert_eq!(detail(&app, &accepted).await["escrow"]["release_deadline_at"], json!(at));
        assert_eq!(compared(&app).await.0, vec![]);
        change(&db, "UPDATE escrow_order SET release_deadline_at = release_deadline_at - 1").await;
        assert_eq!(only(&app).await.kind, DifferenceKind::DeadlineLater);
        app.stop().await;
    }

    async fn a_freeze_on_one_side_alone_is_reported_and_left_to_a_person(db: Database) {
        let app = beside_sandbox(&db, "").await;
        let (accepted, reference) = held_on_both_sides(&app, json!({})).await;
        picked_up(&app, &accepted).await;
        control(&app, &format!("/sandbox/trades/{reference}/freeze"), &json!({})).await;
        let before = everything(&app).await;
        let found = only(&app).await;
        assert_eq!((found.kind, found.done), (DifferenceKind::FrozenThere, Done::Reported));
        assert_eq!(everything(&app).await, before);
        let path = format!("/v1/shipments/{}/escrow/freeze", text(&accepted["id"]));
        as_operator(&app, "POST", &path, &json!({"reason": "the buyer called"})).await.must_be(200);
        sent(&app).await;
        assert_eq!(compared(&app).await.0, vec![], "both froze it");
        control(&app, &format!("/sandbox/trades/{reference}/thaw"), &json!({})).await;
        let before = everything(&app).await;
        assert_eq!(only(&app).await.kind, DifferenceKind::FrozenHere);
        assert_eq!(everything(&app).await, before);
        app.stop().await;
    }

    async fn of_a_freeze_or_a_thaw_that_was_refused_the_word_before_it_counts(db: Database) {
        let says = Says::new();
        let provider = says.start().await;
        says.of_triggers(None);
        let app = beside(&db, &provider, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        let say = async |verb: &str, refused: &'static str| {
            says.refuses(refused);
            let path = format!("/v1/shipments/{}/escrow/{verb}", text(&accepted["id"]));
            as_operator(&app, "POST", &path, &json!({"reason": "the buyer called"})).await.must_be(200);
            sent(&app).await;
        };
        let differ = async |frozen: bool| {
            says.of_trades(json!({"state": "open", "frozen": frozen}));
            compared(&app).await.0.iter().map(|difference| difference.kind).collect::<Vec<_>>()
        };
        say("freeze", "nothing").await;
        assert_eq!((differ(true).await, differ(false).await), (vec![], vec![DifferenceKind::FrozenHere]));
        say("thaw", "thaw").await;
        assert_eq!((differ(true).await, differ(false).await), (vec![DifferenceKind::FrozenThere], vec![]));
        say("freeze", "freeze").await;
        assert_eq!((differ(true).await, differ(false).await), (vec![], vec![DifferenceKind::FrozenHere]));
        say("thaw", "nothing").await;
        assert_eq!((differ(true).await, differ(false).await), (vec![DifferenceKind::FrozenThere], vec![]));
        say("freeze", "freeze").await;
        assert_eq!((differ(true).await, differ(false).await), (vec![], vec![]), "it never took this one");
        app.stop().await;
    }

    async fn an_answer_that_was_lost_is_found_again_and_the_trigger_acknowledged(db: Database) {
        let app = beside_sandbox(&db, "outbox.retry_seconds = [86400]").await;
        let (accepted, _) = held_on_both_sides(&app, json!({})).await;
        control(&app, "/sandbox/faults", &json!({"lose_answers": 1.0})).await;
        scan_until(&app, &accepted, "received").await;
        let lost = "SELECT COUNT(*) AS n FROM outbox WHERE last_problem IS NOT NULL AND claims > answered";
        wait_until("its answer is lost", async || number(&app.deps.store, lost).await == 1).await;
        let found = only(&app).await;
        assert_eq!((found.kind, found.done), (DifferenceKind::TookEffectThere, Done::Acknowledged), "{found:#?}");
        assert_eq!(found.action, Some(TriggerAction::Shipped));
        let shown = detail(&app, &accepted).await;
        assert_eq!(text(&shown["escrow"]["triggers"][0]["id"]), found.trigger.expect("a trigger").to_string());
        assert_eq!(number(&app.deps.store, "SELECT COUNT(*) AS n FROM outbox WHERE state = 'acknowledged'").await, 1);
        assert_eq!(compared(&app).await.0, vec![]);
        app.stop().await;
    }

    async fn what_the_provider_does_not_know_or_closed_is_reported(db: Database) {
        let says = Says::new();
        let provider = says.start().await;
        let app = beside(&db, &provider, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        picked_up(&app, &accepted).await;
        let held = detail(&app, &accepted).await["escrow"]["held"].clone();
        for (trade, kind) in [
            (json!({"state": "absent"}), DifferenceKind::UnknownThere),
            (json!({"state": "closed"}), DifferenceKind::ClosedThere),
            (json!({"state": "open", "held": held, "released": "0.01"}), DifferenceKind::ReleasedThere),
            (json!({"state": "open", "held": held, "refunded": "0.01"}), DifferenceKind::RefundedThere),
        ] {
            says.of_trades(trade);
            let before = everything(&app).await;
            let found = only(&app).await;
            assert_eq!((found.kind, found.done), (kind, Done::Reported));
            assert_eq!(everything(&app).await, before, "{kind}");
        }
        says.of_trades(json!({"state": "open"}));
        for (word, kind) in [("not_there", true), ("refused", true), ("under_way", false)] {
            says.of_triggers(Some(word));
            let before = everything(&app).await;
            let found: Vec<_> = compared(&app).await.0.iter().map(|one| one.kind).collect();
            assert_eq!(found, if kind { vec![DifferenceKind::AcknowledgedHere] } else { vec![] }, "{word}");
            assert_eq!(everything(&app).await, before);
        }
        says.of_triggers(Some("took_effect"));
        says.of_trades(json!({"state": "refunded"}));
        let found = only(&app).await;
        assert_eq!((found.kind, found.done), (DifferenceKind::RefundedThere, Done::WrittenDown));
        assert_eq!(state(&app, &accepted).await, "refunded");
        app.stop().await;
    }

    async fn what_was_settled_the_other_way_is_reported_and_stays_settled(db: Database) {
        let says = Says::new();
        let (provider, carrier) = (says.start().await, delivering_carrier().await);
        let delivers = format!("carriers.dhl_unified.base_url = \"http://{}\"", carrier.address);
        let app = beside(&db, &provider, &delivers).await;
        let accepted = accept(&app, &one_parcel()).await;
        scan_until(&app, &accepted, "handed_over").await;
        wait_until("it is settled", async || state(&app, &accepted).await == "confirmed").await;
        sent(&app).await;
        let held = detail(&app, &accepted).await["escrow"]["held"].clone();
        for (trade, kind) in [
            (json!({"state": "refunded"}), DifferenceKind::RefundedThere),
            (json!({"state": "open", "held": held, "released": "0.00"}), DifferenceKind::ReleasedHere),
        ] {
            says.of_trades(trade);
            let before = everything(&app).await;
            let found = only(&app).await;
            assert_eq!((found.kind, found.done), (kind, Done::Reported));
            assert_eq!(everything(&app).await, before);
        }
        app.stop().await;
    }

    async fn a_trigger_that_was_given_up_in_doubt_is_settled_by_the_providers_word(db: Database) {
        let says = Says::new();
        let provider = says.start().await;
        let app = beside(&db, &provider, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        picked_up(&app, &accepted).await;
        // As if every try had ended without an answer.
        let doubt = "UPDATE outbox SET state = 'dead', claims = 9, answered = 0";
        change(&db, "UPDATE escrow_trigger SET acknowledged_at = NULL").await;
        change(&db, doubt).await;
        says.of_triggers(None);
        let before = everything(&app).await;
        assert_eq!(only(&app).await.kind, DifferenceKind::InDoubt);
        assert_eq!(everything(&app).await, before);
        says.of_triggers(Some("not_there"));
        let found = only(&app).await;
        assert_eq!((found.kind, found.done), (DifferenceKind::NoEffectThere, Done::DoubtEnded));
        assert_eq!(number(&app.deps.store, "SELECT COUNT(*) AS n FROM outbox WHERE claims > answered").await, 0);
        assert_eq!(compared(&app).await.0, vec![]);
        change(&db, doubt).await;
        says.of_triggers(Some("took_effect"));
        assert_eq!(only(&app).await.done, Done::Acknowledged);
        assert_eq!(compared(&app).await.0, vec![]);
        app.stop().await;
    }

    async fn a_provider_that_is_down_is_left_alone_and_that_is_said(db: Database) {
        let says = Says::new();
        let provider = says.start().await;
        let app = beside(&db, &provider, "escrow.reconciliation.concurrency_max = 2").await;
        for _ in 0..9 {
            accept(&app, &one_parcel()).await;
        }
        says.of_trades(json!({}));
        let before = everything(&app).await;
        let (found, totals) = compared(&app).await;
        let mut kinds: BTreeMap<DifferenceKind, usize> = BTreeMap::new();
        for one in &found {
            *kinds.entry(one.kind).or_default() += 1;
        }
        assert_eq!(kinds, [(DifferenceKind::NoWord, 6), (DifferenceKind::ProviderDown, 1)].into());
        assert_eq!((totals.unasked(), totals.differing(), totals.orders), (7, 0, 0));
        let asked = provider.asked().iter().filter(|asked| asked.path.starts_with("/ask")).count();
        assert_eq!(asked, 6, "five without an answer, and one beside the fifth");
        assert_eq!(everything(&app).await, before);
        app.stop().await;
    }

    async fn a_provider_that_cannot_be_asked_is_named_once(db: Database) {
        let app = spawn_app(&db, "").await;
        for _ in 0..2 {
            accept(&app, &one_parcel()).await;
        }
        let found = only(&app).await;
        assert_eq!((found.kind, found.provider.as_str()), (DifferenceKind::CannotBeAsked, "webhook"));
        assert_eq!(found.order, None);
        app.stop().await;
    }

    async fn a_night_is_compared_once_by_whichever_daemon_and_its_report_is_kept(db: Database) {
        let one = beside_sandbox(&db, "escrow.reconciliation.nightly = true\nescrow.reconciliation.hour_utc = 0").await;
        let other = spawn_beside(
            &db,
            Arc::clone(&one.world),
            one.client.keys.clone(),
            &format!(
                "escrow.webhook_inquire_url = \"http://{}/triggers\"\nescrow.reconciliation.nightly = true\n\
                 escrow.reconciliation.hour_utc = 0",
                one.world.escrow_address
            ),
        )
        .await;
        // Whatever their own jobs did before there was anything to compare.
        let finished = "SELECT COUNT(*) AS n FROM reconciliation WHERE finished_at IS NOT NULL";
        for app in [&one, &other] {
            nightly::run_due(&app.deps).await.expect("a night");
        }
        wait_until("the first is finished", async || number(&one.deps.store, finished).await == 1).await;
        let (_, reference) = held_on_both_sides(&one, json!({"amount": "0.01"})).await;
        nightly::run_due(&other.deps).await.expect("a night");
        assert_eq!(as_operator(&one, "GET", "/v1/escrow/reconciliation", &json!(null)).await.must_be(200)["differences"], json!([]));
        // Left half-way by a daemon that died, a night ago as its clock had it.
        change(&db, "UPDATE reconciliation SET finished_at = NULL, leased_until = 0, place = '{\"at\":\"behind\",\"provider\":\"\"}'").await;
        let (first, second) = futures_util::future::join(nightly::run_due(&one.deps), nightly::run_due(&other.deps)).await;
        first.and(second).expect("a night");
        wait_until("it is finished", async || number(&one.deps.store, finished).await == 1).await;
        assert_eq!(count(&one.deps.store, "escrow_difference").await, 1, "once, by one of them");
        let report = as_operator(&other, "GET", "/v1/escrow/reconciliation", &json!(null)).await.must_be(200);
        assert_eq!((&report["totals"]["orders"], &report["totals"]["differing"]), (&json!(1), &json!(1)), "{report}");
        assert_eq!(report["totals"]["by_kind"], json!({"amount_differs": 1}));
        assert_eq!(report["differences"][0]["payment_reference"], json!(reference));
        let sheet = as_operator(&one, "GET", "/v1/escrow/reconciliation?format=csv", &json!(null)).await;
        assert_eq!((sheet.status, sheet.header("content-type")), (200, Some("text/csv; charset=utf-8")));
        assert!(sheet.text().lines().nth(1).expect("a line").starts_with("critical,amount_differs,webhook,"));
        // Metrics belong to a process, so this takes one of its own.
        let served = Served::start(db.folder.path(), &settings(&db, &one.world, "")).await;
        let metrics = send(served.address, "GET", "/metrics", &[], b"").await.expect("an answer").text();
        assert!(metrics.contains("sampan_escrow_differences{kind=\"amount_differs\"} 1"), "{metrics}");
        assert_eq!(look(&one, "/v1/escrow/reconciliation", &[]).await.status, 401);
        // The night after next has its own, and those before are forgotten.
        change(&db, "UPDATE reconciliation SET night = night - 1").await;
        nightly::run_due(&one.deps).await.expect("a night");
        wait_until("the next is finished", async || {
            number(&one.deps.store, "SELECT COUNT(*) AS n FROM reconciliation").await == 1
                && number(&one.deps.store, finished).await == 1
        })
        .await;
        assert_eq!(count(&one.deps.store, "escrow_difference").await, 1);
        one.stop().await;
        other.stop().await;
    }

    async fn the_command_says_by_its_code_whether_anything_differs(db: Database) {
        let app = beside_sandbox(&db, "").await;
        let inquire = format!("escrow.webhook_inquire_url = \"http://{}/triggers\"\n", app.world.escrow_address);
        let folder = tempfile::tempdir().expect("a folder");
        let write = |more: &str| {
            let text = settings(&db, &app.world, more);
            std::fs::write(folder.path().join("sampan.toml"), text).expect("a file");
        };
        let run = |arguments: &[&str]| {
            let output = sampan(folder.path(), &[&["escrow", "reconcile"], arguments].concat());
            (output.status.code(), String::from_utf8(output.stdout).expect("text"))
        };
        write(&inquire);
        held_on_both_sides(&app, json!({})).await;
        let (code, printed) = run(&["--since", "3"]);
        let report: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        assert_eq!((code, &report["totals"]["orders"], &report["differences"]), (Some(0), &json!(1), &json!([])));
        let (_, reference) = held_on_both_sides(&app, json!({"amount": "0.01"})).await;
        let (code, printed) = run(&["--provider", "webhook"]);
        let report: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        assert_eq!((code, &report["totals"]["orders"], &report["totals"]["differing"]), (Some(1), &json!(2), &json!(1)));
        assert_eq!(report["differences"][0]["payment_reference"], json!(reference));
        let (code, printed) = run(&["--format", "csv"]);
        let lines: Vec<_> = printed.lines().collect();
        assert!(code == Some(1) && lines.len() == 2 && lines[0].starts_with("severity,kind,provider,"), "{printed}");
        assert_eq!(run(&["--provider", "nobody"]).0, Some(2));
        write("");
        let (code, printed) = run(&[]);
        let report: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        assert_eq!((code, &report["totals"]["by_kind"]), (Some(2), &json!({"cannot_be_asked": 1})));
        app.stop().await;
    }
}
