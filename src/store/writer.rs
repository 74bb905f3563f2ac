//! Transactions, many to a commit where there is one writer.
//!
//! On SQLite a durable commit costs an fsync, and only one connection may write. So one
//! task owns that connection: it takes what is waiting, runs each piece in a savepoint of
//! its own, commits once and answers all. A piece that fails takes back its own savepoint
//! and nobody else's; if the commit fails, everybody is told, and nothing is there. The
//! queue is bounded: who comes when it is full waits.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};

use super::held::Held;
use super::{Store, StoreError, Tx};
use crate::faults::Fuse;

/// What a piece of work looks like: `|tx| Box::pin(async move { … })`.
pub type Work<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// Tells one caller how it went, once the commit is known.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// `Err`: nobody knows in what state the transaction is; its whole commit has to be taken back.
type Done = Result<Reply, Reply>;
type Job = Box<dyn for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Done> + Send>;

#[derive(Clone)]
pub(super) enum Writer {
    Grouped(mpsc::Sender<Job>),
    Direct(DatabaseConnection),
    /// One after the other, until the fuse burns down.
    Simulated(Held, Fuse),
}

/// Pieces that may wait, and pieces that go into one commit.
const QUEUE: usize = 1_024;
const GROUP: usize = 128;

impl Store {
    /// Runs `work` in a transaction and commits it. An `Err` of the work takes back all it did.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t Tx) -> Work<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.writer {
            Writer::Direct(pool) => {
                let tx = pool.begin().await.map_err(StoreError::from)?;
                // Dropping a transaction rolls it back.
                let done = work(&tx).await?;
                tx.commit().await.map_err(unknown)?;
                Ok(done)
            }
            Writer::Simulated(held, fuse) => {
                let turn = held.begin().await.map_err(StoreError::from)?;
                let done = work(&turn).await?;
                fuse.pass().await;
                held.commit(turn).await.map_err(StoreError::from)?;
                fuse.pass().await;
                Ok(done)
            }
            Writer::Grouped(queue) => {
                let (answer, answered) = oneshot::channel();
                let job: Job = Box::new(move |tx| Box::pin(in_savepoint(tx, work, answer)));
                let closed = || E::from(StoreError::Unavailable("the writer has stopped".into()));
                queue.send(job).await.map_err(|_| closed())?;
                answered.await.map_err(|_| closed())?
            }
        }
    }
}

async fn in_savepoint<T, E, F>(
    tx: &DatabaseTransaction,
    work: F,
    answer: oneshot::Sender<Result<T, E>>,
) -> Done
where
    F: for<'t> FnOnce(&'t Tx) -> Work<'t, T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let savepoint = match tx.begin().await {
        Ok(savepoint) => savepoint,
        Err(error) => return Err(reply(answer, Err(E::from(error.into())))),
    };
    match work(&savepoint).await {
        Ok(done) => match savepoint.commit().await {
            Ok(()) => Ok(reply(answer, Ok(done))),
            Err(error) => Err(reply(answer, Err(E::from(error.into())))),
        },
        Err(refused) => match savepoint.rollback().await {
            Ok(()) => Ok(reply(answer, Err(refused))),
            Err(error) => {
                tracing::error!(%error, "a savepoint could not be taken back");
                Err(reply(answer, Err(refused)))
            }
        },
    }
}

/// A caller that has gone away is not told; what it asked for is done all the same.
fn reply<T, E>(answer: oneshot::Sender<Result<T, E>>, outcome: Result<T, E>) -> Reply
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    Box::new(move |committed| {
        let _ = answer.send(outcome.and_then(|done| committed.map(|()| done).map_err(E::from)));
    })
}

fn unknown(error: sea_orm::DbErr) -> StoreError {
    match StoreError::from(error) {
        // The connection went away between COMMIT and its answer, or the log could not be made safe.
        StoreError::Unavailable(text) => StoreError::CommitUnknown(text),
        known => known,
    }
}

impl Writer {
    /// `options` are those of one connection.
    pub async fn grouped(options: ConnectOptions) -> Result<Self, StoreError> {
        let connection = Database::connect(options.clone()).await?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(options, connection, waiting));
        Ok(Writer::Grouped(queue))
    }

    /// Returns when everything that was queued before has been answered.
    pub async fn close(self) {
        match self {
            Writer::Direct(_) | Writer::Simulated(..) => {}
            Writer::Grouped(queue) => {
                let (done, all_done) = oneshot::channel();
                let last: Job = Box::new(move |_| {
                    Box::pin(async move {
                        let reply: Reply = Box::new(move |_| {
                            let _ = done.send(());
                        });
                        Ok(reply)
                    })
                });
                if queue.send(last).await.is_ok() {
                    let _ = all_done.await;
                }
            }
        }
    }
}

async fn run(options: ConnectOptions, connection: DatabaseConnection, mut waiting: mpsc::Receiver<Job>) {
    let mut connection = Some(connection);
    let mut jobs = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut jobs, GROUP).await > 0 {
        let current = match connection.take() {
            Some(current) => current,
            None => match Database::connect(options.clone()).await {
                Ok(fresh) => fresh,
                Err(error) => {
                    // Dropping a job tells its caller that the writer is away.
                    tracing::error!(%error, "the SQLite writer cannot open its database");
                    jobs.clear();
                    continue;
                }
            },
        };
        let (committed, replies) = commit_together(&current, jobs.drain(..)).await;
        if committed.is_ok() {
            connection = Some(current);
        } else if let Err(error) = current.close().await {
            tracing::error!(%error, "a connection that failed did not close cleanly");
        }
        for reply in replies {
            reply(committed.clone());
        }
    }
}

async fn commit_together(
    connection: &DatabaseConnection,
    jobs: impl Iterator<Item = Job>,
) -> (Result<(), StoreError>, Vec<Reply>) {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let mut replies = Vec::with_capacity(GROUP);
    match connection.begin_with_options(options).await {
        Ok(tx) => {
            for job in jobs {
                match AssertUnwindSafe(job(&tx)).catch_unwind().await {
                    Ok(Ok(reply)) => replies.push(reply),
                    failed => {
                        tracing::error!("a write broke off; its whole commit is taken back");
                        replies.extend(failed.ok().and_then(Result::err));
                        drop(tx);
                        let error = StoreError::Contended("another write of the same commit failed".into());
                        return (Err(error), replies);
                    }
                }
            }
            (tx.commit().await.map_err(unknown), replies)
        }
        Err(error) => {
            // Without a transaction no job runs; dropping a job tells its caller that the writer is away.
            tracing::error!(%error, "the SQLite writer cannot begin a transaction");
            drop(jobs);
            (Err(error.into()), replies)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Barrier;

    use super::*;
    use crate::domain::id::MerchantId;
    use crate::domain::instant::from_micros;
    use crate::store::idempotency::{self, StoredAnswer};
    use crate::store::schema;

    async fn store(folder: &tempfile::TempDir) -> Store {
        let url = format!("sqlite://{}/test.db", folder.path().display()).into();
        schema::up(&url).await.expect("migrations");
        Store::connect(&url, 2).await.expect("a database")
    }

    async fn insert(store: &Store, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        store.write(move |tx| Box::pin(async move { row(tx, &key).await })).await
    }

    async fn row(tx: &Tx, key: &str) -> Result<(), StoreError> {
        let answer = StoredAnswer { request_hash: String::new(), status: 201, body: String::new() };
        idempotency::insert(tx, merchant(), key, answer, from_micros(0)).await
    }

    fn merchant() -> MerchantId {
        MerchantId::from_uuid(uuid::Uuid::nil())
    }

    /// Two writes of a simulated daemon whose fuse is so long; whether each of them is there afterwards.
    async fn written_by_one_that_ends(places: u32) -> [bool; 2] {
        let fuse = Fuse::default();
        let store = Store::in_memory(fuse.clone()).await.expect("a database");
        fuse.light(places);
        let writing = async {
            insert(&store, "one").await.expect("a write");
            insert(&store, "two").await.expect("a write");
        };
        let ended = tokio::select! {
            () = writing => false,
            () = fuse.end() => true,
        };
        assert_eq!(ended, (1..=4).contains(&places));
        [is_there(&store, "one").await, is_there(&store, "two").await]
    }

    #[tokio::test]
    async fn a_simulated_daemon_ends_before_a_commit_or_after_it() {
        let mut there = Vec::new();
        for places in 0..=5 {
            there.push(written_by_one_that_ends(places).await);
        }
        let [none, one, both] = [[false, false], [true, false], [true, true]];
        assert_eq!(there, [both, none, one, one, both, both]);
    }

    async fn is_there(store: &Store, key: &str) -> bool {
        idempotency::find(store.reader(), merchant(), key).await.expect("an answer").is_some()
    }

    #[tokio::test]
    async fn of_writes_that_share_a_commit_only_the_failed_one_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        // The writer is kept busy until everybody stands in the queue, so they share a commit.
        let (busy, queued) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (inside, outside) = (Arc::clone(&busy), Arc::clone(&queued));
        let first = tokio::spawn({
            let store = store.clone();
            async move {
                store
                    .write::<(), StoreError, _>(move |_| {
                        Box::pin(async move {
                            inside.wait().await;
                            outside.wait().await;
                            Ok(())
                        })
                    })
                    .await
            }
        });
        busy.wait().await;
        let refused = store.write::<(), StoreError, _>(|tx| {
            Box::pin(async move {
                row(tx, "refused").await?;
                Err(StoreError::Duplicate("on purpose".into()))
            })
        });
        let together =
            futures_util::future::join4(insert(&store, "one"), refused, insert(&store, "two"), async {
                queued.wait().await
            });
        let (one, refused, two, _) = together.await;
        first.await.expect("the first").expect("a commit");
        assert!(one.is_ok() && two.is_ok());
        assert!(matches!(refused, Err(StoreError::Duplicate(_))));
        assert!(is_there(&store, "one").await && is_there(&store, "two").await);
        assert!(!is_there(&store, "refused").await);
    }

    #[tokio::test]
    async fn a_write_that_panics_leaves_nothing_and_the_writer_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        let panicked = store.write::<(), StoreError, _>(|tx| {
            Box::pin(async move {
                row(tx, "half done").await?;
                panic!("on purpose")
            })
        });
        assert!(panicked.await.is_err());
        assert!(insert(&store, "after").await.is_ok());
        assert!(is_there(&store, "after").await && !is_there(&store, "half done").await);
    }
}
