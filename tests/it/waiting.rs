//! What operators see of money that waits for them.

use sampan::domain::escrow::Act;
use sampan::flows::act_on_order::{self, Wish};
use sampan::flows::cancel_shipment;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::Database;
use crate::support::http::Response;
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::operator::Operator;
use crate::support::steps::{accept, detail, get, pointers, problem, text};
use crate::support::stub::{Reply, Stub};
use crate::support::wait::wait_until;

async fn spawn(db: &Database, provider: &Stub) -> App {
    let settings = format!("escrow.webhook_url = \"http://{}/escrow\"\n", provider.address);
    spawn_app(db, &settings).await
}

async fn willing() -> Stub {
    Stub::start(|_, _| Reply::json(200, &json!({}))).await
}

async fn order(app: &App, reference: &str) -> Value {
    let mut body = pickup(TWO_PARCELS);
    (body["reference"], body["payment"]["reference"]) = (json!(reference), json!(format!("T-{reference}")));
    accept(app, &body).await
}

async fn waiting(app: &App, by: &Operator, query: &str) -> Response {
    by.gets(app, &format!("/v1/escrow/orders{query}")).await
}

on_both_databases! {
    async fn operators_see_which_orders_wait_for_them_and_what_for(db: Database) {
        let provider = willing().await;
        let app = spawn(&db, &provider).await;
        let (ana, ben) = (Operator::new(&app, "ana").await, Operator::new(&app, "ben").await);
        let (first, second) = (order(&app, "A").await, order(&app, "B").await);
        assert_eq!(waiting(&app, &ana, "").await.must_be(200), json!({"orders": [], "next_cursor": null}));
        ana.says(&app, &first, "freeze", json!({"reason": "police"})).await.must_be(200);
        let refund = json!({"reason": "agreed", "amount": "1008.00", "currency": "CNY"});
        let ordered = ana.says(&app, &second, "refund", refund.clone()).await.must_be(200);
        let waits = json!([{
            "amount": "1008.00", "currency": "CNY", "reason": "agreed", "waits_for_approval": true,
            "ordered_by": "operator ana",
        }]);
        assert_eq!(ordered["refunds"], waits);
        let thawed = ana.says(&app, &second, "thaw", json!({"reason": "x"})).await.must_be(409);
        assert!(text(&thawed["detail"]).ends_with("a refund waits for another person's approval"), "{thawed}");
        let page = waiting(&app, &ben, "?limit=1").await.must_be(200);
        assert_eq!(page["orders"][0]["shipment"], first["id"], "{page}");
        assert_eq!(page["orders"][0]["frozen_because"], "frozen by an operator: police");
        let cursor = text(&page["next_cursor"]).to_owned();
        let next = waiting(&app, &ben, &format!("?limit=1&state=frozen&cursor={cursor}")).await.must_be(200);
        assert_eq!((&next["orders"][0]["shipment"], &next["orders"][0]["refunds"]), (&second["id"], &waits));
        assert_eq!(next["next_cursor"], Value::Null);
        assert_eq!(waiting(&app, &ben, "?state=failed").await.must_be(200)["orders"], json!([]));
        for wrong in ["?state=held", "?cursor=5", "?limit=0", "?limit=201"] {
            assert_eq!(waiting(&app, &ben, wrong).await.status, 400, "{wrong}");
        }
        assert_eq!(get(&app, "/v1/escrow/orders").await.status, 401, "it is no merchant's business");
        let path = format!("/v1/shipments/{}", text(&second["id"]));
        assert_eq!(ben.gets(&app, &path).await.must_be(200)["escrow"]["refunds"], waits);
        let mut theirs = waits[0].clone();
        theirs.as_object_mut().expect("an object").remove("ordered_by");
        assert_eq!(detail(&app, &second).await["escrow"]["refunds"], json!([theirs]), "who it was is ours");
        app.stop().await;
    }

    async fn nobody_is_asked_to_approve_a_refund_of_money_that_has_moved(db: Database) {
        let provider = willing().await;
        let app = spawn(&db, &provider).await;
        let ana = Operator::new(&app, "ana").await;
        let accepted = order(&app, "A").await;
        let refund = json!({"reason": "agreed", "amount": "1008.00", "currency": "CNY"});
        let ordered = ana.says(&app, &accepted, "refund", refund).await.must_be(200);
        assert_eq!(ordered["refunds"][0]["waits_for_approval"], true, "{ordered}");
        let shipment = text(&accepted["id"]).parse().expect("a shipment's id");
        let paid = Wish::Do(Act::ProviderReleased { word: "by its own deadline".to_owned() });
        act_on_order::act(&app.deps, shipment, None, paid, "provider webhook".to_owned()).await.expect("an act");
        let path = format!("/v1/shipments/{shipment}");
        let escrow = &ana.gets(&app, &path).await.must_be(200)["escrow"];
        assert_eq!((&escrow["state"], &escrow["refunds"][0]["waits_for_approval"]), (&json!("confirmed"), &json!(false)));
        app.stop().await;
    }

    async fn a_refund_says_that_it_waits_for_the_thaw_and_one_withdrawn_by_mistake_is_ordered_again(db: Database) {
        let provider = willing().await;
        let app = spawn(&db, &provider).await;
        let (ana, ben) = (Operator::new(&app, "ana").await, Operator::new(&app, "ben").await);
        let accepted = order(&app, "A").await;
        let reason = json!({"reason": "police"});
        let amount = |amount: &str| json!({"reason": "agreed", "amount": amount, "currency": "CNY"});
        let refunds = async || {
            let asked = provider.asked();
            asked.iter().filter(|asked| asked.json()["data"]["action"] == "refund").count()
        };
        ana.says(&app, &accepted, "freeze", reason.clone()).await.must_be(200);
        ana.says(&app, &accepted, "refund", amount("1008.00")).await.must_be(200);
        let held = ben.says(&app, &accepted, "refund/approve", amount("1008.00")).await.must_be(200);
        assert_eq!(
            held["frozen_because"],
            "a refund waits until the order is thawed: frozen by an operator: police"
        );
        assert_eq!(refunds().await, 0);
        ana.says(&app, &accepted, "thaw", reason.clone()).await.must_be(200);
        wait_until("the refund is told", async || refunds().await == 1).await;

        let other = order(&app, "B").await;
        ana.says(&app, &other, "refund", amount("1009.00")).await.must_be(200);
        let withdrawn = ana.says(&app, &other, "refund/withdraw", reason).await.must_be(200);
        assert_eq!(withdrawn["frozen_because"], "frozen by an operator: a refund was withdrawn: police");
        ana.says(&app, &other, "refund", amount("1007.00")).await.must_be(200);
        let goes = ben.says(&app, &other, "refund/approve", amount("1007.00")).await.must_be(200);
        assert_eq!(goes["state"], "refund_requested", "{goes}");
        wait_until("the other refund is told", async || refunds().await == 2).await;
        app.stop().await;
    }

    async fn what_a_thaw_cannot_lift_it_does_not_say_it_has_lifted(db: Database) {
        let provider = willing().await;
        let app = spawn(&db, &provider).await;
        let ana = Operator::new(&app, "ana").await;
        let accepted = order(&app, "A").await;
        let id = text(&accepted["id"]).parse().expect("an id");
        cancel_shipment::cancel(&app.deps, app.client.keys.merchant, id).await.expect("called off");
        let thaw = async |body: Value| {
            let refused = ana.says(&app, &accepted, "thaw", body).await;
            assert_eq!(problem(&refused, 409), "not-as-things-stand");
            text(&refused.json()["detail"]).to_owned()
        };
        assert!(thaw(json!({"reason": "x"})).await.contains("called off"));
        assert!(thaw(json!({"reason": "x", "set_aside": ["no such thing"]})).await.contains("no such thing"));
        let by_parcel = ana.says(&app, &accepted, "refund", json!({"reason": "x", "parcel": 7})).await;
        assert_eq!(pointers(&by_parcel), ["/parcel"]);
        let said = json!({"outcome": "refunded", "reason": "case 4711"});
        ana.says(&app, &accepted, "settled", said.clone()).await.must_be(200);
        let again = ana.says(&app, &accepted, "settled", said).await;
        assert_eq!(problem(&again, 409), "not-as-things-stand");
        assert!(text(&again.json()["detail"]).contains("is refunded already"), "{}", again.json());
        app.stop().await;
    }
}
