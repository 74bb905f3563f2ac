//! `sampan sandbox escrow`, the real binary.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::binary::{good, sampan};
use crate::support::http;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &std::path::Path, arguments: &[&str]) -> (Running, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sampan"));
    command.current_dir(folder).env_clear().args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let out = child.stdout.take().expect("its output");
    let running = Running(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).expect("a line");
    (running, serde_json::from_str(&line).expect("a line of JSON"))
}

fn address(said: &Value) -> SocketAddr {
    let url = said["address"].as_str().expect("an address");
    url.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("a loopback address")
}

#[actix_web::test]
async fn it_says_where_it_is_and_what_a_daemon_needs_and_keeps_its_keys_to_itself() {
    let folder = tempfile::Builder::new().prefix("sampan-test-").tempdir().expect("a folder");
    let arguments = ["sandbox", "escrow", "--keys", "keys", "--open", "--release-after", "60"];
    let (running, said) = start(folder.path(), &arguments);
    let trades = http::send(address(&said), "GET", "/sandbox/trades", &[], b"").await.expect("an answer");
    assert_eq!(trades.must_be(200), serde_json::json!([]));
    assert!(said["config"].as_str().is_some_and(|config| config.contains("[escrow.alipay]")), "{said}");

    let mut kept = Vec::new();
    for entry in fs::read_dir(folder.path().join("keys")).expect("the keys' folder") {
        let path = entry.expect("a file").path();
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
        let text = fs::read_to_string(&path).expect("a key");
        let secret = text.lines().find(|line| !line.starts_with("-----")).expect("a key").to_owned();
        assert!(!said.to_string().contains(&secret), "{path:?} is printed");
        kept.push((path, text));
    }
    for (_, file) in said["keys"].as_object().expect("the keys' files") {
        let path = folder.path().join(file.as_str().expect("a path"));
        assert!(kept.iter().any(|(known, _)| *known == path), "{path:?}");
    }
    // A daemon in another folder can be started with it as it is.
    let daemon = tempfile::Builder::new().prefix("sampan-test-").tempdir().expect("a folder");
    let config = said["config"].as_str().expect("a configuration");
    fs::write(daemon.path().join("sampan.toml"), config).expect("a file");
    good(&sampan(daemon.path(), &["migrate", "up"]));
    good(&sampan(daemon.path(), &["outbox", "list"]));
    drop(running);
    let (_running, _) = start(folder.path(), &arguments);
    for (path, text) in kept {
        assert_eq!(fs::read_to_string(&path).expect("a key"), text, "{path:?} was made anew");
    }
}

#[actix_web::test]
async fn a_carrier_answers_too() {
    let folder = tempfile::Builder::new().prefix("sampan-test-").tempdir().expect("a folder");
    let (_running, said) = start(folder.path(), &["sandbox", "carrier", "--api-key", "k3y"]);
    let path = "/track/shipments?trackingNumber=SBX1";
    let answer = http::send(address(&said), "GET", path, &[("dhl-api-key", "k3y")], b"").await;
    assert_eq!(answer.expect("an answer").status, 404);
}
