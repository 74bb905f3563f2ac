//! The real binary, to be started and killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::wait::wait_until;

pub struct Daemon {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Daemon {
    /// `sampan serve` with the settings in `config`, which has to say `log.format = "json"`
    /// and port 0. With `kill_at` it kills itself there.
    pub async fn start(config: &Path, kill_at: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sampan"));
        command.arg("--config").arg(config).arg("serve");
        // The settings are those of the file alone; PATH is for `kill`.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(kill_at.map(|point| ("SAMPAN_KILL_AT", point)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, written) = (child.stderr.take().expect("a pipe"), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut address = None;
        wait_until("the daemon listens", async || {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = child.try_wait().expect("our own child");
            assert!(ended.is_none(), "the daemon did not start: {ended:?}\n{log}");
            address = log.lines().find_map(listening);
            address.is_some()
        })
        .await;
        Self { child, address: address.expect("it listens"), log }
    }

    /// How it ended; None while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    pub async fn end(&mut self, what: &str) -> ExitStatus {
        let mut status = None;
        wait_until(what, async || {
            status = self.ended();
            status.is_some()
        })
        .await;
        status.expect("it has ended")
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGTERM could not be sent to {id}");
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("our own child");
    }
}

/// A daemon never outlives its test; of a test that fails, its log is shown.
impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the daemon's log\n{}---", self.log.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

fn listening(line: &str) -> Option<SocketAddr> {
    let entry: Value = serde_json::from_str(line).ok()?;
    (entry["message"] == "listening").then(|| entry["address"].as_str()?.parse().ok())?
}
