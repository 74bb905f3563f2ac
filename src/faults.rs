//! Places where a test can kill the daemon.
//!
//! A crash can fall between any two steps; a test names one of these points in
//! `SAMPAN_KILL_AT`, and the process sends itself SIGKILL when it gets there: no
//! destructor runs, nothing is flushed. `outbox.sent` is the first time, `outbox.sent#3`
//! the third. Release builds have none of this.

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
