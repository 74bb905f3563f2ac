//! Who waits for something to do is rung by the commit that made it, here and in the other daemons.
//!
//! On SQLite there are no others. On PostgreSQL a ring is passed on to all who listen, at once, and then no more often
//! than every few milliseconds, however often it rings: a daemon that writes a thousand triggers a second says so two
//! hundred times. A ring is a hint and nothing is lost with it: who waits looks by itself every `outbox.tick_seconds`.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Notify, mpsc, watch};

use crate::chance;
use crate::store::wakes::{self, Wake};
use crate::store::{Backend, Store};

#[derive(Clone)]
pub struct Bell {
    here: Arc<Notify>,
    /// One ring that is not passed on yet stands for all.
    elsewhere: Option<mpsc::Sender<()>>,
}

impl Bell {
    pub fn notify_one(&self) {
        self.notify_here();
        if let Some(elsewhere) = &self.elsewhere {
            // Full: it is going to be passed on anyway.
            let _ = elsewhere.try_send(());
        }
    }

    /// Of what this daemon does itself in any case.
    pub fn notify_here(&self) {
        self.here.notify_one();
    }

    pub async fn notified(&self) {
        self.here.notified().await;
    }
}

/// The bells that ring in every daemon.
#[derive(Clone)]
pub struct Bells {
    pub triggers: Bell,
    pub messages: Bell,
    /// Who of them this is.
    own: u64,
}

const PASSED_ON_EVERY: Duration = Duration::from_millis(5);
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

impl Bells {
    pub fn new(store: &Store) -> Self {
        let own = chance::id().as_u64_pair().1;
        let bell = |what: Wake| {
            let elsewhere = match store.backend() {
                Backend::Sqlite => None,
                Backend::Postgres => {
                    let (rung, passed_on) = mpsc::channel(1);
                    tokio::spawn(pass_on(store.clone(), what, own, passed_on));
                    Some(rung)
                }
            };
            Bell { here: Arc::default(), elsewhere }
        };
        Self { triggers: bell(Wake::Triggers), messages: bell(Wake::Messages), own }
    }

    fn rung(&self, what: Wake) {
        match what {
            Wake::Triggers => self.triggers.notify_here(),
            Wake::Messages => self.messages.notify_here(),
        }
    }
}

/// Until nobody is left who could ring.
async fn pass_on(store: Store, what: Wake, own: u64, mut rung: mpsc::Receiver<()>) {
    while rung.recv().await.is_some() {
        if let Err(error) = wakes::tell(&store, what, own).await {
            tracing::debug!(%error, %what, "other daemons were not woken; they look by themselves");
        }
        tokio::time::sleep(PASSED_ON_EVERY).await;
    }
}

/// Hears what other daemons ring, until `stop` says so.
pub async fn listen(bells: Bells, url: SecretString, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            error = wakes::listen(&url, bells.own, |what| bells.rung(what)) => {
                tracing::warn!(%error, "what other daemons write is not heard of; it is looked for now and then");
            }
            _ = stop.changed() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(LISTEN_AGAIN) => {}
            _ = stop.changed() => return,
        }
    }
}
