//! Callers of a whole daemon: who is let in, and how far a stranger gets.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Running, start};
use crate::clock::Clock;
use crate::config::defaults_with;
use crate::domain::id::MerchantId;
use crate::domain::merchant::Verification;
use crate::domain::network::HubCode;
use crate::flows::authenticate::{self, NewMerchant};
use crate::standard_webhooks::{Secret, sign};
use crate::telemetry;

struct House {
    running: Running,
    merchant: NewMerchant,
    _folder: tempfile::TempDir,
}

/// A daemon without a network and without a scheduler's work, and one merchant.
async fn house() -> House {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = defaults_with(&format!(
        "http.listen = \"127.0.0.1:0\"\nhttp.shutdown_seconds = 1\n\
         database.url = \"sqlite://{}/test.db\"",
        folder.path().display()
    ));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (clock, metrics) = (Clock::real(), telemetry::metrics().expect("metrics"));
    let settings = Arc::new(settings.expect("valid settings"));
    let running = start(listener, settings, clock, metrics, true).await.expect("a daemon");
    let (country, currency) = ("HK".parse().expect("a country"), "HKD".parse().expect("a currency"));
    let (store, now) = (&running.deps.store, running.deps.clock.now());
    let merchant = authenticate::create_merchant(store, "Shop".to_owned(), country, currency, now).await;
    House { merchant: merchant.expect("a merchant"), running, _folder: folder }
}

/// Sends a head that announces a body of `length` bytes, and of the body only `body`. The answer
/// without what differs each time.
async fn ask(address: SocketAddr, head: &str, length: usize, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    stream.write_all(body).await.expect("the body is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let answer = String::from_utf8(answer).expect("text");
    let same = |line: &&str| !line.starts_with("date:") && !line.starts_with("x-request-id:");
    let mut lines: Vec<&str> = answer.lines().filter(same).collect();
    // Headers come in any order.
    lines[1..].sort_unstable();
    lines.join("\n")
}

const PICKUPS: &str = "POST /v1/pickups HTTP/1.1";
const BODY: &[u8] = b"{}";

/// The headers of a message of `merchant`, signed with `secret` `age_seconds` ago.
fn signed(merchant: MerchantId, secret: &Secret, now: i64, age_seconds: i64) -> String {
    let at = now - age_seconds;
    let signature = sign(secret, "msg_1", at, BODY);
    format!(
        "sampan-merchant: {merchant}\r\nwebhook-id: msg_1\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}"
    )
}

#[actix_web::test]
async fn an_unknown_merchant_is_answered_like_one_whose_signature_does_not_match() {
    let house = house().await;
    let (address, now) = (house.running.address, house.running.deps.clock.wall().timestamp());
    let stranger = MerchantId::from_uuid(uuid::Uuid::now_v7());
    let other_secret = Secret::generate().expect("randomness");
    let headers = |merchant, age| signed(merchant, &other_secret, now, age);
    for (age, without, said) in [
        (0, "", "no signature matches"),
        (0, "webhook-id", "the header webhook-id is missing"),
        (0, "webhook-timestamp", "the header webhook-timestamp is missing"),
        (9_999, "", "the message was signed too long ago"),
        (-9_999, "", "the message was signed in the future"),
    ] {
        let answer = async |merchant| {
            let headers = headers(merchant, age);
            let left = headers.split("\r\n").filter(|line| without.is_empty() || !line.starts_with(without));
            let head = format!("{PICKUPS}\r\n{}", left.collect::<Vec<_>>().join("\r\n"));
            ask(address, &head, BODY.len(), BODY).await
        };
        let (known, unknown) = (answer(house.merchant.id).await, answer(stranger).await);
        assert_eq!(known, unknown);
        assert!(known.starts_with("HTTP/1.1 401 ") && known.contains(said), "{known}");
    }
    let secret: Secret = house.merchant.webhook_secret.expose_secret().parse().expect("a secret");
    let head = format!("{PICKUPS}\r\n{}", signed(house.merchant.id, &secret, now, 0));
    let answer = ask(address, &head, BODY.len(), BODY).await;
    assert!(answer.starts_with("HTTP/1.1 422 "), "let in, and told what is missing: {answer}");
    house.running.stop().await;
}

#[actix_web::test]
async fn a_stranger_is_answered_before_the_body_is_read() {
    let house = house().await;
    let now = house.running.deps.clock.wall().timestamp();
    let stranger = MerchantId::from_uuid(uuid::Uuid::now_v7());
    let secret = Secret::generate().expect("randomness");
    for head in [
        format!("{PICKUPS}\r\nauthorization: Bearer smk_x"),
        PICKUPS.to_owned(),
        format!("{PICKUPS}\r\n{}", signed(stranger, &secret, now, 0)),
        format!("{PICKUPS}\r\n{}", signed(house.merchant.id, &secret, now, 9_999)),
        "POST /v1/hubs/HKHKG/scans HTTP/1.1\r\nauthorization: Bearer shk_x".to_owned(),
    ] {
        // Of the body that is announced nothing is sent.
        let answer = ask(house.running.address, &head, 1_000, b"").await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{head}\n{answer}");
    }
    house.running.stop().await;
}

#[actix_web::test]
async fn what_was_let_out_by_mistake_can_be_taken_back() {
    let house = house().await;
    let (address, deps) = (house.running.address, &house.running.deps);
    let (store, now, id) = (&deps.store, deps.clock.now(), house.merchant.id);
    let list = async |key: &str| {
        let head = format!("GET /v1/shipments HTTP/1.1\r\nauthorization: Bearer {key}");
        ask(address, &head, 0, b"").await[9..12].to_owned()
    };
    let old = house.merchant.api_key.expose_secret();
    assert_eq!(list(old).await, "200");
    let new = authenticate::renew_key(store, id, now).await.expect("a key").expect("the merchant");
    assert_eq!((list(old).await.as_str(), list(new.expose_secret()).await.as_str()), ("401", "200"));
    for (to, status) in [(Verification::Suspended, "403"), (Verification::Verified, "200")] {
        assert!(authenticate::set_verification(store, id, to).await.expect("a change"));
        assert_eq!(list(new.expose_secret()).await, status);
    }

    let hub: HubCode = "HKHKG".parse().expect("a hub");
    let scan = async |key: &str| {
        let head = format!("POST /v1/hubs/{hub}/scans HTTP/1.1\r\nauthorization: Bearer {key}");
        ask(address, &head, 2, b"[]").await[9..12].to_owned()
    };
    let key = authenticate::create_hub_key(store, hub.clone(), now).await.expect("a key");
    assert_eq!(scan(key.expose_secret()).await, "422", "let in, and told that the list is empty");
    assert_eq!(authenticate::revoke_hub_keys(store, hub.clone(), now).await.expect("an end"), 1);
    assert_eq!(authenticate::revoke_hub_keys(store, hub.clone(), now).await.expect("an end"), 0);
    assert_eq!(scan(key.expose_secret()).await, "401");

    let nobody = MerchantId::from_uuid(uuid::Uuid::now_v7());
    assert!(authenticate::renew_key(store, nobody, now).await.expect("an answer").is_none());
    assert!(!authenticate::set_verification(store, nobody, Verification::Verified).await.expect("an answer"));
    house.running.stop().await;
}
