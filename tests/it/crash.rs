//! Crashes.

use crate::on_both_databases;
use crate::support::app::spawn_app;
use crate::support::database::Database;
use crate::support::journey::{self, pickup};

on_both_databases! {
    async fn a_pickup_is_accepted(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(journey::TWO_PARCELS);
        let answer = app.client.post_pickup(&body, None).await.expect("an answer");
        assert_eq!(answer.must_be(201)["reference"], body["reference"]);
        app.stop().await;
    }
}
