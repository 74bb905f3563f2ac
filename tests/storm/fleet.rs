//! The daemons, each started again as soon as it has ended, as an init system does.
//!
//! A daemon may end by itself only while it starts, and only while its database is in trouble or does not answer:
//! anything else that was not a kill is a problem, and so is a panic, whatever came of it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::watch;

use super::clock::Weather;
use super::record::{Record, count, held, person};

/// What a daemon may fail to start for.
#[derive(Default)]
pub struct Excuses {
    begun: AtomicU64,
    lasting: AtomicU64,
}

impl Excuses {
    pub fn begin(&self) {
        self.lasting.fetch_add(1, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    pub fn end(&self) {
        self.lasting.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many are over.
    fn over(&self) -> u64 {
        self.begun.load(Ordering::SeqCst).saturating_sub(self.lasting.load(Ordering::SeqCst))
    }

    /// Whether there was any at some time since `over` were over.
    fn since(&self, over: u64) -> bool {
        self.begun.load(Ordering::SeqCst) > over
    }
}

/// What all daemons have in common.
#[derive(Clone)]
pub struct Common {
    pub config: PathBuf,
    pub preloaded: PathBuf,
    pub excuses: Arc<Excuses>,
    pub record: Arc<Record>,
}

pub struct Keeper {
    name: usize,
    common: Common,
    weather: Arc<Weather>,
    child: Mutex<Option<Child>>,
    /// Whether this child was.
    was_killed: AtomicBool,
    /// Since when none listens, if one was killed.
    killed_at: Mutex<Option<Instant>>,
    stopping: AtomicBool,
    address: watch::Sender<Option<SocketAddr>>,
    last_lines: Mutex<VecDeque<String>>,
}

pub struct Fleet {
    pub keepers: Vec<Arc<Keeper>>,
    threads: Vec<(Sender<()>, JoinHandle<()>)>,
}

const BACK_OFF: Duration = Duration::from_millis(50);
const LINES_KEPT: usize = 60;
const SIGKILL: i32 = 9;

impl Fleet {
    pub fn start(common: &Common, weathers: &[Arc<Weather>]) -> Self {
        let (mut keepers, mut threads) = (Vec::new(), Vec::new());
        for (name, weather) in weathers.iter().enumerate() {
            let keeper = Arc::new(Keeper {
                name,
                common: common.clone(),
                weather: Arc::clone(weather),
                child: Mutex::default(),
                was_killed: AtomicBool::new(false),
                killed_at: Mutex::default(),
                stopping: AtomicBool::new(false),
                address: watch::Sender::new(None),
                last_lines: Mutex::default(),
            });
            let (stop, stopped) = channel();
            let own = Arc::clone(&keeper);
            threads.push((stop, std::thread::spawn(move || own.keep(&stopped))));
            keepers.push(keeper);
        }
        Self { keepers, threads }
    }

    /// One that listens, as far as anybody knows.
    pub fn any(&self, dice: &mut fastrand::Rng) -> Option<SocketAddr> {
        let listening: Vec<_> = self.keepers.iter().filter_map(|keeper| keeper.address()).collect();
        dice.choice(listening)
    }

    pub fn all_listen(&self) -> bool {
        self.keepers.iter().all(|keeper| keeper.address().is_some())
    }

    /// Each is told to stop and has to obey; a log is shown of one that does not.
    pub fn stop(mut self) {
        for keeper in &self.keepers {
            keeper.terminate();
        }
        for (stop, thread) in self.threads.drain(..) {
            drop(stop);
            thread.join().expect("a keeper that does not panic");
        }
    }

    pub fn last_lines(&self) -> String {
        let of_one = |keeper: &Arc<Keeper>| {
            let lines: Vec<_> = held(&keeper.last_lines).iter().cloned().collect();
            format!("--- daemon {}\n{}\n", keeper.name, lines.join("\n"))
        };
        self.keepers.iter().map(of_one).collect()
    }
}

/// A daemon never outlives its storm.
impl Drop for Fleet {
    fn drop(&mut self) {
        for keeper in &self.keepers {
            keeper.stopping.store(true, Ordering::SeqCst);
            keeper.kill();
        }
    }
}

impl Keeper {
    pub fn address(&self) -> Option<SocketAddr> {
        *self.address.borrow()
    }

    /// SIGKILL. False: there is none at this moment.
    pub fn kill(&self) -> bool {
        let mut child = held(&self.child);
        let Some(child) = child.as_mut() else { return false };
        self.was_killed.store(true, Ordering::SeqCst);
        held(&self.killed_at).get_or_insert_with(Instant::now);
        child.kill().is_ok()
    }

    fn terminate(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        if let Some(child) = held(&self.child).as_ref() {
            let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            assert!(sent.is_ok_and(|status| status.success()), "SIGTERM could not be sent");
        }
    }

    fn keep(&self, stopped: &Receiver<()>) {
        while !self.stopping.load(Ordering::SeqCst) {
            let excuses = self.common.excuses.over();
            let mut child = self.spawn();
            count(&self.common.record.starts);
            let log = child.stderr.take().expect("a pipe");
            self.was_killed.store(false, Ordering::SeqCst);
            *held(&self.child) = Some(child);
            // Whoever stops it may have looked for a child a moment too early.
            if self.stopping.load(Ordering::SeqCst) {
                self.kill();
            }
            let mut has_listened = false;
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                has_listened |= self.read(&line);
            }
            // Its end of the pipe is closed: it is dead or dying.
            let status = held(&self.child).take().expect("the child").wait().expect("our own child");
            self.address.send_replace(None);
            self.judge(status, has_listened, excuses);
            let _ = stopped.recv_timeout(BACK_OFF);
        }
    }

    fn spawn(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sampan"));
        command.arg("--config").arg(&self.common.config).arg("serve").env_clear();
        command.env("LD_PRELOAD", &self.common.preloaded).env("STORM_WEATHER", &self.weather.path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    }

    /// Says whether it listens from now on.
    fn read(&self, line: &str) -> bool {
        let record = &self.common.record;
        let mut lines = held(&self.last_lines);
        lines.push_back(line.to_owned());
        while lines.len() > LINES_KEPT {
            lines.pop_front();
        }
        drop(lines);
        if let Some(found) = person::found_in(line) {
            record.problem(format!("{found:?} is in a log: {line}"));
        }
        let Ok(entry) = serde_json::from_str::<Value>(line) else {
            if line.contains("panicked") {
                record.problem(format!("daemon {} panicked: {line}", self.name));
            }
            return false;
        };
        if entry["level"] == "ERROR" {
            let text = |field: &str| entry[field].as_str().unwrap_or_default();
            record.error(&format!("{} ({})", text("message"), text("error")));
        }
        let at = entry["timestamp"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok());
        record.clock_seen(at.map_or(TimeDelta::zero(), |at| (at - Utc::now()).abs()));
        let address = (entry["message"] == "listening").then(|| entry["address"].as_str()?.parse().ok());
        let Some(Some(address)) = address else { return false };
        // What it wrote before it was killed may be read after that.
        if !self.was_killed.load(Ordering::SeqCst)
            && let Some(killed_at) = held(&self.killed_at).take()
        {
            record.ready_after(killed_at.elapsed());
        }
        self.address.send_replace(Some(address));
        true
    }

    fn judge(&self, status: ExitStatus, has_listened: bool, excuses: u64) {
        let record = &self.common.record;
        let was_killed = self.was_killed.load(Ordering::SeqCst);
        let is_stopped = self.stopping.load(Ordering::SeqCst);
        if was_killed && status.signal() == Some(SIGKILL) || is_stopped && status.success() {
            return;
        }
        let last = held(&self.last_lines).iter().rev().take(8).rev().cloned().collect::<Vec<_>>().join("\n");
        // A machine that stood still is a database that did not answer.
        let is_excused = self.common.excuses.since(excuses) || last.contains("timed out");
        if !has_listened && status.code() == Some(1) && is_excused {
            count(&record.failed_starts);
            return;
        }
        let when = if has_listened { "while it ran" } else { "while it started" };
        record.problem(format!("daemon {} ended by itself {when} with {status}:\n{last}", self.name));
    }
}
