//! A provider with keys in a folder, and the hands of somebody who calls it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sampan::clock::Clock;
use sampan::sandbox::escrow::keyring::{self, Files};
use sampan::sandbox::escrow::{EscrowState, ProviderOptions, Rules, Shares, serve};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{self, Response};

pub struct Provider {
    pub address: SocketAddr,
    pub state: Arc<EscrowState>,
    pub files: Files,
}

/// Keys take a while to make: all tests have the same.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let made = || {
        let folder = tempfile::Builder::new().prefix("sampan-test-").tempdir().expect("a folder");
        keyring::open(folder.path()).expect("keys");
        folder
    };
    FOLDER.get_or_init(made).path()
}

pub fn options() -> ProviderOptions {
    ProviderOptions {
        seed: 5,
        shares: Shares::default(),
        rules: Rules::default(),
        clock: Clock::real(),
        notify: None,
    }
}

impl Provider {
    /// Runs until the test's runtime ends.
    pub fn start(options: ProviderOptions) -> Self {
        let (wires, files) = keyring::open(folder()).expect("keys");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a port's address");
        let (server, state) = serve(listener, wires, options).expect("a server");
        tokio::spawn(server);
        Self { address, state, files }
    }

    pub fn plain() -> Self {
        Self::start(options())
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        http::send(self.address, method, path, headers, body).await.expect("a whole answer")
    }

    pub async fn control(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &[], body.to_string().as_bytes()).await
    }

    pub async fn look(&self, path: &str) -> Value {
        self.send("GET", path, &[], b"").await.must_be(200)
    }

    pub async fn create(&self, format: &str, reference: &str, amount: &str, more: Value) -> Value {
        let mut body = json!({
            "format": format, "payment_reference": reference, "amount": amount, "currency": "CNY",
        });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().cloned().unwrap_or_default());
        self.control("/sandbox/trades", &body).await.must_be(201)
    }

    /// What was released and refunded of a trade, in fen.
    pub async fn moved(&self, reference: &str) -> (i64, i64) {
        let shown = self.look(&format!("/sandbox/trades/{reference}")).await;
        let minor = |name: &str| shown["trade"][name].as_i64().expect("an amount");
        (minor("released_minor"), minor("refunded_minor"))
    }

    pub async fn set_faults(&self, shares: Value) {
        self.control("/sandbox/faults", &shares).await.must_be(200);
    }
}

fn der(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).expect("a key's file");
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).expect("a key in PEM")
}

pub fn sign(private: &Path, message: &[u8]) -> String {
    let pair = RsaKeyPair::from_pkcs8(&der(private)).expect("a private key");
    let mut signature = vec![0; pair.public_modulus_len()];
    let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
    signed.expect("a signature");
    STANDARD.encode(signature)
}

#[track_caller]
pub fn assert_signed(public: &Path, message: &[u8], signature: &str) {
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der(public));
    let signature = STANDARD.decode(signature).expect("a signature in base64");
    key.verify(message, &signature).expect("a signature by the provider");
}

/// As browsers and payment SDKs write a form.
pub fn urlencoded(text: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte);
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if kept(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

pub fn form(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", urlencoded(value))).collect();
    fields.join("&")
}

pub fn urldecoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(&behind[..2]).expect("two digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
            rest = &behind[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = behind;
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
