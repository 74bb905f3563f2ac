//! Places where a test can kill the daemon.
//!
//! A crash can fall between any two steps; a test names one of these points in
//! `SAMPAN_KILL_AT`, and the process sends itself SIGKILL when it gets there: no
//! destructor runs, nothing is flushed. Release builds have none of this.

/// The way through the code has come to `point`.
#[cfg(debug_assertions)]
pub fn reached(point: &str) {
    use std::sync::LazyLock;
    static KILL_AT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SAMPAN_KILL_AT").ok());
    if KILL_AT.as_deref() != Some(point) {
        return;
    }
    let own_id = std::process::id().to_string();
    let killed = std::process::Command::new("kill").args(["-KILL", &own_id]).status();
    // Only where there is no `kill` does anybody get here.
    eprintln!("could not kill myself at {point}: {killed:?}");
    std::process::abort();
}

#[cfg(not(debug_assertions))]
pub fn reached(_point: &str) {}
