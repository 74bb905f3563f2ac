//! Writes that go wrong cost nobody else anything.

use sampan::store::{StoreError, Tx, merchants};
use sea_orm::ConnectionTrait;

use crate::on_both_databases;
use crate::support::database::{Database, number};

const ROW: &str = "INSERT INTO network_edition (id, edition, imported_at) VALUES";

async fn insert(tx: &Tx, id: i32) -> Result<(), StoreError> {
    tx.execute_unprepared(&format!("{ROW} ({id}, 1, 1)")).await?;
    Ok(())
}

on_both_databases! {
    /// A bug in one story must not take the daemon's only writer with it.
    async fn a_write_that_panics_is_taken_back_and_the_next_one_works(db: Database) {
        let store = db.store().await;
        let own = store.clone();
        let panicking = tokio::spawn(async move {
            let done: Result<(), StoreError> = own
                .write(move |tx| {
                    Box::pin(async move {
                        insert(tx, 1).await?;
                        panic!("on purpose");
                    })
                })
                .await;
            done
        });
        assert!(!matches!(panicking.await, Ok(Ok(()))), "a write that panicked is no success");
        let next: Result<(), StoreError> =
            store.write(move |tx| Box::pin(async move { insert(tx, 2).await })).await;
        assert!(next.is_ok(), "the next write works: {next:?}");
        assert_eq!(number(&store, "SELECT CAST(sum(id) AS bigint) AS n FROM network_edition").await, 2);
        assert!(merchants::list(store.reader()).await.is_ok());
        store.close().await;
    }
}
