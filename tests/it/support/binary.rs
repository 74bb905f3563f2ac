//! The real binary: its commands, and a daemon whose log can be read.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::wait::wait_until;

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sampan"));
    // What a developer has set must not change a test.
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// `sampan` in `folder`, where its `sampan.toml` and its `sampan.db` are.
pub fn sampan(folder: &Path, arguments: &[&str]) -> Output {
    sampan_with(folder, arguments, &[])
}

pub fn sampan_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let variables = variables.iter().copied();
    command(folder).args(arguments).envs(variables).output().expect("the binary starts")
}

/// `sampan` with `body` on its standard input.
pub fn sampan_fed(folder: &Path, arguments: &[&str], body: &str) -> Output {
    let mut input = tempfile::tempfile().expect("a file");
    input.write_all(body.as_bytes()).and_then(|()| input.rewind()).expect("a file with a body");
    command(folder).args(arguments).stdin(input).output().expect("the binary starts")
}

/// `sampan` for somebody who reads nothing of what it prints.
pub fn sampan_unread(folder: &Path, arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    command(folder).args(arguments).stdout(writer).output().expect("the binary starts")
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command that has to end well printed.
#[track_caller]
pub fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}\n{}{}", output.status, out(output), err(output));
    out(output)
}

/// What a command that has to fail said of it.
#[track_caller]
pub fn bad(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}{}", out(output), err(output));
    err(output)
}

pub struct Served {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
}

impl Served {
    /// `sampan serve` in `folder` with `settings`, logging all it can.
    pub async fn start(folder: &Path, settings: &str) -> Self {
        let settings = format!("{settings}\nlog.level = \"trace\"\nlog.format = \"json\"\n");
        fs::write(folder.join("sampan.toml"), settings).expect("a file");
        let log = folder.join("log");
        let file = File::create(&log).expect("a file");
        let child = command(folder).arg("serve").stdout(Stdio::null()).stderr(file).spawn();
        let mut served =
            Self { child: child.expect("the binary starts"), address: ([127, 0, 0, 1], 0).into(), log };
        wait_until("the daemon listens", async || {
            let ended = served.child.try_wait().expect("our own child");
            assert!(ended.is_none(), "the daemon did not start: {}", served.log());
            let address = served.log().lines().find_map(listening);
            served.address = address.unwrap_or(served.address);
            address.is_some()
        })
        .await;
        served
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listening(line: &str) -> Option<SocketAddr> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let fields = entry.get("fields").unwrap_or(&entry);
    (fields["message"] == "listening").then(|| fields["address"].as_str()?.parse().ok())?
}
