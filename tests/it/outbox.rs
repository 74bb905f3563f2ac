//! Triggers on their way to an escrow provider that is not always well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use sampan::domain::id::TriggerId;
use sampan::domain::instant::Instant;
use sampan::domain::outbox::{Destination, OutboxState};
use sampan::flows::send_triggers;
use sampan::flows::tend_outbox::{ByHand, HandError, by_hand};
use sampan::standard_webhooks::{Secret, Signed, verify};
use sampan::store::outbox::{self, Ended, Message};
use sampan::store::{Store, StoreError};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::rows::{change, make_due, text as text_of};
use crate::support::steps::{accept, accept_two_parcels, detail, scan_until, text};
use crate::support::stub::{
    Asked, Reply, Stub, days_back, delivering_carrier, dhl_event, dhl_page, number_in,
};
use crate::support::wait::wait_until;

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIHByb3ZpZGVyIGluIGEgdGVzdA";

fn settings(provider: &Stub, carrier: &Stub, more: &str) -> String {
    format!(
        "escrow.webhook_url = \"http://{}/escrow\"\nescrow.webhook_secret = \"{SECRET}\"\n\
         carriers.dhl_unified.base_url = \"http://{}\"\n{more}",
        provider.address, carrier.address
    )
}

fn kind(asked: &Asked) -> String {
    text(&asked.json()["type"]).trim_start_matches("escrow.").to_owned()
}

/// Answers the first tries of each trigger as `script` says, and every further one with 200.
async fn provider(script: fn(&str, usize) -> Option<Reply>) -> Stub {
    Stub::start(move |asked, before| {
        let kind = kind(asked);
        let tries = before.iter().filter(|earlier| self::kind(earlier) == kind).count();
        script(&kind, tries).unwrap_or_else(|| Reply::json(200, &json!({})))
    })
    .await
}

async fn order(app: &App, accepted: &Value) -> Value {
    detail(app, accepted).await["escrow"].clone()
}

async fn order_is(app: &App, accepted: &Value, state: &str) {
    wait_until(&format!("the order is {state}"), async || order(app, accepted).await["state"] == state).await;
}

/// State and tries of the message of a kind.
async fn message(app: &App, kind: &str) -> (String, i64) {
    let like = format!("FROM outbox WHERE body LIKE '%\"escrow.{kind}\"%'");
    let state = text_of(&app.deps.store, &format!("SELECT state AS n {like}")).await.unwrap_or_default();
    let tries = format!("SELECT CAST(COALESCE(MAX(attempts), 0) AS bigint) AS n {like}");
    (state, number(&app.deps.store, &tries).await)
}

async fn message_is(app: &App, kind: &str, state: &str) {
    wait_until(&format!("{kind} is {state}"), async || message(app, kind).await.0 == state).await;
}

fn trigger(order: &Value, kind: &str) -> TriggerId {
    let triggers = order["triggers"].as_array().expect("triggers");
    let found = triggers.iter().find(|trigger| trigger["action"] == kind).expect("such a trigger");
    text(&found["id"]).parse().expect("a trigger's id")
}

/// The only message, taken at `at` for a minute.
async fn claimed(store: &Store, at: Instant) -> Message {
    let destination = Destination::escrow("webhook");
    let until = at + TimeDelta::minutes(1);
    let claimed =
        store.write(move |tx| Box::pin(async move { outbox::claim(tx, &destination, at, until, 9).await }));
    claimed.await.expect("a database").remove(0)
}

async fn message_of(store: &Store, id: TriggerId) -> Message {
    outbox::find(store.reader(), id).await.expect("a database").expect("a message")
}

/// What each of the three verbs of its sender says: whether it still has it.
async fn said_of(store: &Store, message: &Message) -> [bool; 3] {
    let (message, later) = (message.clone(), message.leased_until + TimeDelta::hours(9));
    let said: Result<_, StoreError> = store
        .write(move |tx| {
            Box::pin(async move {
                Ok([
                    outbox::renew(tx, &message, later).await?,
                    outbox::postpone(tx, &message, later, Ended::InDoubt, "no answer").await?,
                    outbox::bury(tx, &message, later, Ended::InDoubt, "refused").await?,
                ])
            })
        })
        .await;
    said.expect("a database")
}

async fn try_by_hand(app: &App, id: TriggerId, what: ByHand) -> Result<Message, HandError> {
    by_hand(&app.deps, id, what, "operator ana".to_owned()).await
}

async fn by_an_operator(app: &App, id: TriggerId, what: ByHand) -> bool {
    try_by_hand(app, id, what).await.is_ok()
}

async fn done_by_an_operator(app: &App, action: &str) -> i64 {
    let done =
        format!("SELECT COUNT(*) AS n FROM audit_entry WHERE actor = 'operator ana' AND action = '{action}'");
    number(&app.deps.store, &done).await
}

/// Leaves a single message, which its provider wants an hour later, and nobody at work. Says when that was.
async fn postponed_once(db: &Database) -> Instant {
    let provider = provider(|_, _| Some(Reply::RetryAfter(429, 3_600))).await;
    let carrier = delivering_carrier().await;
    let app = spawn_app(db, &settings(&provider, &carrier, "")).await;
    let accepted = accept_two_parcels(&app).await;
    scan_until(&app, &accepted, "received").await;
    let postponed = "SELECT COUNT(*) AS n FROM outbox WHERE last_problem IS NOT NULL";
    wait_until("it was postponed", async || number(&app.deps.store, postponed).await == 1).await;
    let wall = app.deps.clock.wall();
    app.stop().await;
    wall
}

on_both_databases! {
    async fn a_trigger_goes_out_under_one_key_until_it_is_acknowledged_and_no_further(db: Database) {
        let provider = provider(|_, tries| match tries {
            0 => Some(Reply::Status(500, Vec::new())),
            1 => Some(Reply::RetryAfter(429, 1)),
            2 => Some(Reply::HangUp),
            3 => Some(Reply::CutOff(b"{\"accepted\": tr".to_vec())),
            _ => None,
        })
        .await;
        let carrier = delivering_carrier().await;
        let more = "outbox.retry_seconds = [0, 0, 0, 0, 0]\noutbox.jitter = 0.0";
        let app = spawn_app(&db, &settings(&provider, &carrier, more)).await;
        let body = pickup(TWO_PARCELS);
        let accepted = accept(&app, &body).await;
        scan_until(&app, &accepted, "handed_over").await;
        order_is(&app, &accepted, "confirmed").await;
        let mut tries: BTreeMap<String, Vec<Asked>> = BTreeMap::new();
        let order: Vec<_> = provider.asked().iter().map(kind).collect();
        for asked in provider.asked() {
            tries.entry(kind(&asked)).or_default().push(asked);
        }
        let expected: Vec<_> =
            ["shipped", "delivered", "confirm_receipt"].into_iter().flat_map(|kind| [kind; 5]).collect();
        assert_eq!(order, expected, "one after the other, each until it is acknowledged");
        let secret: Secret = SECRET.parse().expect("a secret");
        for (kind, tries) in &tries {
            for asked in tries {
                assert_eq!(
                    (asked.header("idempotency-key"), &asked.body),
                    (tries[0].header("idempotency-key"), &tries[0].body)
                );
                assert_eq!(asked.header("webhook-id"), asked.header("idempotency-key"));
                let header = |name| Some(asked.header(name)).filter(|value| !value.is_empty());
                let signed = Signed {
                    id: header("webhook-id"),
                    timestamp: header("webhook-timestamp"),
                    signature: header("webhook-signature"),
                };
                let now = app.deps.clock.wall();
                assert_eq!(verify(std::slice::from_ref(&secret), &signed, &asked.body, now, 60), Ok(()));
            }
            assert_eq!(message(&app, kind).await, ("acknowledged".to_owned(), 5));
        }
        let data = &tries["confirm_receipt"][0].json()["data"];
        for (field, expected) in [
            ("reference", &body["reference"]),
            ("payment_reference", &body["payment"]["reference"]),
            ("amount", &body["payment"]["amount"]),
            ("currency", &body["payment"]["currency"]),
            ("shipment", &accepted["id"]),
        ] {
            assert_eq!(&data[field], expected, "{field}");
        }
        let parcels = data["evidence"]["parcels"].as_array().expect("evidence");
        assert_eq!(parcels.len(), 2);
        for (proof, parcel) in parcels.iter().zip(accepted["parcels"].as_array().expect("parcels")) {
            assert_eq!((&proof["parcel"], &proof["status"]), (&parcel["id"], &json!("delivered")));
            assert_eq!((&proof["source"], &proof["reported_by"]), (&json!("poll"), &json!("dhl_unified")));
            assert!(proof["tracking_number"].is_string(), "{proof}");
        }
        // More news of the same delivery is no more triggers.
        make_due(&db).await;
        wait_until("both are asked about again", async || carrier.asked().len() >= 4).await;
        assert_eq!(number(&app.deps.store, "SELECT COUNT(*) AS n FROM outbox").await, 3);
        app.stop().await;
    }

    async fn a_provider_that_asks_for_time_gets_it(db: Database) {
        let provider = provider(|_, tries| (tries == 0).then_some(Reply::RetryAfter(429, 3_600))).await;
        let carrier = delivering_carrier().await;
        let app = spawn_app(&db, &settings(&provider, &carrier, "outbox.retry_seconds = [0, 0]")).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "received").await;
        let postponed = "SELECT COUNT(*) AS n FROM outbox WHERE last_problem IS NOT NULL";
        wait_until("it was postponed", async || number(&app.deps.store, postponed).await == 1).await;
        let at = number(&app.deps.store, "SELECT next_attempt_at AS n FROM outbox").await / 1_000_000;
        let wait = at - app.deps.clock.wall().timestamp();
        assert!((3_590..=3_600).contains(&wait), "{wait} s");
        change(&db, "UPDATE outbox SET next_attempt_at = 0").await;
        message_is(&app, "shipped", "acknowledged").await;
        app.stop().await;
    }

    async fn who_has_lost_a_message_changes_nothing_about_it(db: Database) {
        let wall = postponed_once(&db).await;
        let store = db.store().await;
        // One took it, and was so slow that its lease ended; another one has it now, and is still at it.
        let late = claimed(&store, wall + TimeDelta::hours(2)).await;
        let now = claimed(&store, wall + TimeDelta::hours(3)).await;
        assert_eq!(late.id, now.id);
        assert_eq!(said_of(&store, &late).await, [false; 3]);
        assert_eq!(message_of(&store, late.id).await, now, "as if it had said nothing");
        // And then it is taken out.
        let (id, because) = (now.id, "its order is frozen");
        let taken_out = store.write(move |tx| {
            let (from, to) = (&[OutboxState::Pending], OutboxState::Frozen);
            Box::pin(async move { outbox::shift(tx, id, from, to, wall, because).await })
        });
        assert!(taken_out.await.expect("a database"));
        assert_eq!(said_of(&store, &now).await, [false; 3]);
        assert_eq!(message_of(&store, id).await.state, OutboxState::Frozen, "nobody puts it back by failing");
        let parked = store.write(move |tx| {
            let (from, to) = (&[OutboxState::Frozen], OutboxState::Parked);
            Box::pin(async move { outbox::shift(tx, id, from, to, wall, "by an operator").await })
        });
        assert!(parked.await.expect("a database"));
        let lasts_until = message_of(&store, id).await.leased_until;
        assert_eq!(lasts_until, now.leased_until, "until then nobody asks what came of it");
        store.close().await;
    }

    async fn a_claim_that_is_given_back_is_as_if_it_had_not_been(db: Database) {
        let wall = postponed_once(&db).await;
        change(&db, "UPDATE outbox SET claims = 0, answered = 0, first_sent_at = NULL").await;
        let store = db.store().await;
        let give_back = async |message: &Message| {
            let message = message.clone();
            store.write(move |tx| Box::pin(async move { outbox::give_back(tx, &message).await })).await.expect("a database")
        };
        let first = claimed(&store, wall + TimeDelta::hours(2)).await;
        assert!(first.first_sent_at.is_some());
        assert!(give_back(&first).await && !give_back(&first).await);
        let untouched = message_of(&store, first.id).await;
        assert!(untouched.is_untouched() && untouched.first_sent_at.is_none());
        // Of a sender whose lease is over, and who may have sent it, nothing is taken back.
        let late = claimed(&store, wall + TimeDelta::hours(3)).await;
        let now = claimed(&store, wall + TimeDelta::hours(4)).await;
        assert!(!give_back(&late).await);
        assert_eq!(message_of(&store, now.id).await, now);
        assert!(give_back(&now).await);
        let left = message_of(&store, now.id).await;
        assert_eq!((left.claims, left.first_sent_at), (late.claims, late.first_sent_at));
        assert!(left.is_in_doubt());
        // Somebody said meanwhile that nothing came of it so far.
        let again = claimed(&store, wall + TimeDelta::hours(5)).await;
        change(&db, "UPDATE outbox SET answered = claims").await;
        assert!(give_back(&again).await);
        let left = message_of(&store, again.id).await;
        assert_eq!((left.claims, left.answered), (late.claims, late.claims), "the next claim is one more");
        store.close().await;
    }

    async fn an_address_that_is_gone_is_given_up_at_once_until_a_person_revives_it(db: Database) {
        let provider = provider(|kind, tries| {
            (kind == "confirm_receipt" && tries == 0).then(|| Reply::Status(410, Vec::new()))
        })
        .await;
        let carrier = delivering_carrier().await;
        let app = spawn_app(&db, &settings(&provider, &carrier, "")).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        order_is(&app, &accepted, "failed").await;
        assert_eq!(message(&app, "confirm_receipt").await, ("dead".to_owned(), 1));
        let failed = order(&app, &accepted).await;
        assert!(text(&failed["frozen_because"]).contains("410"), "{failed}");
        let id = trigger(&failed, "confirm_receipt");
        assert!(
            !by_an_operator(&app, trigger(&failed, "shipped"), ByHand::Retry).await,
            "it is acknowledged"
        );
        assert!(by_an_operator(&app, id, ByHand::Retry).await);
        order_is(&app, &accepted, "confirmed").await;
        let keys: Vec<_> = provider
            .asked()
            .iter()
            .filter(|asked| kind(asked) == "confirm_receipt")
            .map(|asked| asked.header("idempotency-key").to_owned())
            .collect();
        assert_eq!(keys, [id.to_string(), id.to_string()]);
        app.stop().await;
    }

    async fn the_last_try_makes_a_dead_letter_and_the_money_stays(db: Database) {
        let provider =
            provider(|kind, _| (kind == "confirm_receipt").then(|| Reply::Status(500, Vec::new()))).await;
        let carrier = delivering_carrier().await;
        let app = spawn_app(&db, &settings(&provider, &carrier, "outbox.retry_seconds = [0, 0]")).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        order_is(&app, &accepted, "failed").await;
        assert_eq!(message(&app, "confirm_receipt").await, ("dead".to_owned(), 3));
        let confirm = trigger(&order(&app, &accepted).await, "confirm_receipt");
        assert!(by_an_operator(&app, confirm, ByHand::Park).await);
        assert_eq!(message(&app, "confirm_receipt").await.0, "parked");
        assert_eq!(order(&app, &accepted).await["state"], "failed");
        assert_eq!(done_by_an_operator(&app, "trigger.parked").await, 1);
        app.stop().await;
    }

    async fn a_dead_letter_is_asked_about_until_the_provider_says_what_came_of_it(db: Database) {
        let says = Arc::new(AtomicBool::new(false));
        let provider = Stub::start({
            let says = says.clone();
            move |asked, _| match asked.path.strip_prefix("/ask/") {
                Some(id) if says.load(Ordering::SeqCst) => Reply::json(200, &json!({"id": id})),
                None if kind(asked) != "confirm_receipt" => Reply::json(200, &json!({})),
                Some(_) | None => Reply::Status(500, Vec::new()),
            }
        })
        .await;
        let carrier = delivering_carrier().await;
        let more = format!(
            "outbox.retry_seconds = [0]\nescrow.webhook_inquire_url = \"http://{}/ask\"\n",
            provider.address
        );
        let app = spawn_app(&db, &settings(&provider, &carrier, &more)).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        order_is(&app, &accepted, "failed").await;
        message_is(&app, "confirm_receipt", "dead").await;
        says.store(true, Ordering::SeqCst);
        send_triggers::ask_again(&app.deps).await.expect("a database");
        order_is(&app, &accepted, "confirmed").await;
        let tries = provider.asked().iter().filter(|asked| asked.path == "/escrow").count();
        assert_eq!(tries, 3, "shipped, delivered, and the confirmation once: it was asked about ever after");
        app.stop().await;
    }

    async fn a_persons_yes_ends_a_doubt_beside_a_running_daemon(db: Database) {
        let provider =
            provider(|kind, _| (kind == "confirm_receipt").then(|| Reply::Status(500, Vec::new()))).await;
        let carrier = delivering_carrier().await;
        let app = spawn_app(&db, &settings(&provider, &carrier, "outbox.retry_seconds = [0]")).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        order_is(&app, &accepted, "failed").await;
        message_is(&app, "confirm_receipt", "dead").await;
        let before = order(&app, &accepted).await;
        let (delivered, confirm) = (trigger(&before, "delivered"), trigger(&before, "confirm_receipt"));
        assert!(matches!(try_by_hand(&app, delivered, ByHand::NoEffect).await, Err(HandError::NotInDoubt(_))));
        assert!(by_an_operator(&app, confirm, ByHand::TookEffect).await);
        order_is(&app, &accepted, "confirmed").await;
        assert!(matches!(try_by_hand(&app, confirm, ByHand::NoEffect).await, Err(HandError::NotInDoubt(_))));
        assert_eq!(done_by_an_operator(&app, "trigger.acknowledged").await, 1);
        app.stop().await;
    }

    async fn a_persons_no_ends_a_doubt_and_the_trigger_can_go_out_again(db: Database) {
        let provider = provider(|kind, tries| {
            (kind == "confirm_receipt" && tries < 2).then(|| Reply::Status(500, Vec::new()))
        })
        .await;
        let carrier = delivering_carrier().await;
        let app = spawn_app(&db, &settings(&provider, &carrier, "outbox.retry_seconds = [0]")).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        order_is(&app, &accepted, "failed").await;
        message_is(&app, "confirm_receipt", "dead").await;
        let confirm = trigger(&order(&app, &accepted).await, "confirm_receipt");
        assert!(by_an_operator(&app, confirm, ByHand::NoEffect).await);
        assert_eq!(done_by_an_operator(&app, "trigger.no_effect").await, 1);
        assert!(matches!(try_by_hand(&app, confirm, ByHand::TookEffect).await, Err(HandError::NotInDoubt(_))));
        assert_eq!(order(&app, &accepted).await["state"], "failed", "the money has not moved");
        assert!(by_an_operator(&app, confirm, ByHand::Retry).await);
        order_is(&app, &accepted, "confirmed").await;
        let verified = sampan::store::audit::verify(&app.deps.store).await.expect("the audit");
        assert_eq!(verified.breaks, vec![]);
        app.stop().await;
    }

    async fn what_a_person_parks_waits_for_a_person(db: Database) {
        let provider = provider(|kind, tries| {
            (kind == "shipped" && tries == 0).then_some(Reply::RetryAfter(503, 3_600))
        })
        .await;
        let carrier = delivering_carrier().await;
        let app = spawn_app(&db, &settings(&provider, &carrier, "")).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "received").await;
        let postponed = "SELECT COUNT(*) AS n FROM outbox WHERE last_problem IS NOT NULL";
        wait_until("it was postponed", async || number(&app.deps.store, postponed).await == 1).await;
        let id = trigger(&order(&app, &accepted).await, "shipped");
        assert!(!by_an_operator(&app, id, ByHand::Retry).await, "it waits already");
        assert!(by_an_operator(&app, id, ByHand::Park).await);
        change(&db, "UPDATE outbox SET next_attempt_at = 0").await;
        assert_eq!(sampan::flows::send_triggers::run_due(&app.deps).await.expect("a database"), 0);
        assert!(by_an_operator(&app, id, ByHand::Retry).await);
        message_is(&app, "shipped", "acknowledged").await;
        assert!(!by_an_operator(&app, id, ByHand::Park).await, "it is acknowledged");
        app.stop().await;
    }

    async fn a_return_freezes_the_money_and_takes_an_unacknowledged_confirmation_out(db: Database) {
        let provider =
            provider(|kind, _| (kind == "confirm_receipt").then_some(Reply::RetryAfter(503, 3_600))).await;
        let carrier = Stub::start(|asked, before| {
            let number = number_in(&asked.path);
            let mut events =
                vec![dhl_event(&days_back(2, "10:00"), "delivered", "Delivered", "SHANGHAI")];
            if before.iter().any(|earlier| number_in(&earlier.path) == number) && number.ends_with("-1") {
                events.insert(
                    0,
                    dhl_event(
                        &days_back(1, "10:00"),
                        "transit",
                        "The shipment will be returned to the sender",
                        "SHANGHAI",
                    ),
                );
            }
            Reply::json(200, &dhl_page(number, &events))
        })
        .await;
        let app = spawn_app(&db, &settings(&provider, &carrier, "")).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "handed_over").await;
        let asked = "SELECT COUNT(*) AS n FROM outbox WHERE last_problem IS NOT NULL AND body LIKE '%confirm_receipt%'";
        wait_until("the confirmation was put off", async || number(&app.deps.store, asked).await == 1).await;
        assert_eq!(order(&app, &accepted).await["state"], "confirm_requested");
        make_due(&db).await;
        order_is(&app, &accepted, "frozen").await;
        let shown = detail(&app, &accepted).await;
        assert_eq!(
            (&shown["status"], &shown["escrow"]["frozen_because"]),
            (&json!("returning"), &json!("parcel 1: returning"))
        );
        assert_eq!(message(&app, "confirm_receipt").await.0, "frozen");
        change(&db, "UPDATE outbox SET next_attempt_at = 0").await;
        sampan::flows::send_triggers::run_due(&app.deps).await.expect("a database");
        assert_eq!(message(&app, "confirm_receipt").await.0, "frozen", "nobody sends what was taken out");
        message_is(&app, "freeze", "acknowledged").await;
        // A person may take it out for good, and may not send it against the evidence.
        let id = trigger(&order(&app, &accepted).await, "confirm_receipt");
        assert!(!by_an_operator(&app, id, ByHand::Retry).await, "it is frozen, not parked");
        assert!(by_an_operator(&app, id, ByHand::Park).await);
        let refused = try_by_hand(&app, id, ByHand::Retry).await;
        assert!(matches!(refused, Err(HandError::OrderFrozen(_))), "{refused:?}");
        app.stop().await;
    }
}
