//! A schema change is there whole or not at all, wherever a daemon dies in it.

use sampan::store::{Store, schema};
use sea_orm::ConnectionTrait;

use crate::on_both_databases;
use crate::support::database::Database;

/// The name of the third table of the first migration.
const IN_THE_WAY: &str = "CREATE TABLE hub_key (hash text)";

on_both_databases! {
    /// What stops it here is a table in its way; a `kill -9` leaves the same half behind.
    async fn a_migration_that_is_cut_short_leaves_nothing(db: Database) {
        schema::down(&db.url).await.expect("back to nothing");
        let store = Store::connect(&db.url, 1).await.expect("a connection");
        store.reader().execute_unprepared(IN_THE_WAY).await.expect("a table that does not belong there");
        let cut_short = schema::up(&db.url).await;
        assert!(cut_short.is_err(), "the first migration cannot make its third table: {cut_short:?}");
        store.reader().execute_unprepared("DROP TABLE hub_key").await.expect("out of the way");

        let again = schema::up(&db.url).await;
        assert!(again.is_ok(), "nothing of the first try is in the way of the second: {again:?}");
        assert!(schema::is_current(&store).await.expect("an answer"));
        store.close().await;
    }

    async fn the_schema_goes_up_and_down_and_up(db: Database) {
        assert_eq!(schema::up(&db.url).await.expect("nothing to do"), [""; 0]);
        let down = schema::down(&db.url).await.expect("every step back");
        let mut up = schema::up(&db.url).await.expect("every step again");
        up.reverse();
        assert_eq!(up, down);
    }
}
