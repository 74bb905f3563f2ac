//! Places where a test can kill the daemon, and where a simulation can let it end.
//!
//! A crash can fall between any two steps; a test names one of these points in
//! `SAMPAN_KILL_AT`, and the process sends itself SIGKILL when it gets there: no
//! destructor runs, nothing is flushed. `outbox.sent` is the first time, `outbox.sent#3`
//! the third. Release builds have none of this.
//!
//! A simulated daemon ends at a [`Fuse`]: before or after a commit, before or after a call took effect. What lies
//! between two such places nobody can tell apart afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// The way through the code has come to `point`.
#[cfg(debug_assertions)]
pub fn reached(point: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static KILL_AT: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let named = std::env::var("SAMPAN_KILL_AT").ok()?;
        let counted = named.split_once('#').and_then(|(point, n)| Some((point.to_owned(), n.parse().ok()?)));
        Some(counted.unwrap_or((named, 1)))
    });
    static TIMES: AtomicU32 = AtomicU32::new(0);
    match &*KILL_AT {
        Some((kill_at, time)) if kill_at == point && TIMES.fetch_add(1, Ordering::Relaxed) + 1 == *time => {}
        _ => return,
    }
    let own_id = std::process::id().to_string();
    let killed = std::process::Command::new("kill").args(["-KILL", &own_id]).status();
    // Only where there is no `kill` does anybody get here.
    eprintln!("could not kill myself at {point}: {killed:?}");
    std::process::abort();
}

#[cfg(not(debug_assertions))]
pub fn reached(_point: &str) {}

/// Burns down as a simulated daemon goes on its way. Unlit, it never does.
#[derive(Clone, Default)]
pub struct Fuse(Arc<Wick>);

#[derive(Default)]
struct Wick {
    /// Places to come to until the end; 0: not lit.
    left: AtomicU32,
    end: Notify,
}

impl Fuse {
    /// The daemon ends at the place number `places` from here, counted from 1.
    pub fn light(&self, places: u32) {
        self.0.left.store(places, Ordering::Relaxed);
    }

    /// Says whether it was still burning.
    pub fn put_out(&self) -> bool {
        self.0.left.swap(0, Ordering::Relaxed) > 0
    }

    /// Whether the daemon ends at this place.
    pub fn burns_down(&self) -> bool {
        let left = self.0.left.load(Ordering::Relaxed);
        self.0.left.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 1 {
            self.0.end.notify_one();
        }
        left == 1
    }

    /// Goes on, or never does.
    pub async fn pass(&self) {
        if self.burns_down() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when it has burnt down.
    pub async fn end(&self) {
        self.0.end.notified().await;
    }
}
