//! Somebody out there who answers by a script.
//!
//! By hand, because a script has to do what a careful server never does: fall silent, hang
//! up in the middle of an answer, or say nothing at all.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

pub enum Reply {
    Status(u16, Vec<u8>),
    /// With `Retry-After`, in seconds.
    RetryAfter(u16, u32),
    /// An answer that announces twice as much as comes.
    CutOff(Vec<u8>),
    HangUp,
    /// Never answers and never hangs up.
    Silence,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Reply::Status(status, body.to_string().into_bytes())
    }
}

pub struct Stub {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// `script` is given what is asked, and all that was asked before. Runs until the test's runtime ends.
    pub async fn start(script: impl Fn(&Asked, &[Asked]) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a port's address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, written) = (Arc::new(script), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, written) = (Arc::clone(&script), Arc::clone(&written));
                tokio::spawn(async move { converse(stream, &*script, &written).await });
            }
        });
        Self { address, asked }
    }

    /// All that was asked, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn converse(
    mut stream: TcpStream,
    script: &(impl Fn(&Asked, &[Asked]) -> Reply + Sync),
    written: &Mutex<Vec<Asked>>,
) -> io::Result<()> {
    let asked = read(&mut stream).await?;
    let reply = {
        let mut before = written.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = script(&asked, &before);
        before.push(asked);
        reply
    };
    let head = |status: u16, length: usize, more: &str| {
        format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n"
        )
    };
    let (head, body) = match reply {
        Reply::Status(status, body) => (head(status, body.len(), ""), body),
        Reply::RetryAfter(status, seconds) => {
            (head(status, 0, &format!("retry-after: {seconds}\r\n")), Vec::new())
        }
        Reply::CutOff(body) => (head(200, 2 * body.len(), ""), body),
        Reply::HangUp => return Ok(()),
        Reply::Silence => {
            std::future::pending::<()>().await;
            return Ok(());
        }
    };
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> io::Result<Asked> {
    let mut bytes = Vec::new();
    loop {
        if let Some(asked) = whole(&bytes) {
            return Ok(asked);
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn whole(bytes: &[u8]) -> Option<Asked> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked { path, headers, body: Vec::new() };
    let length: usize = asked.header("content-length").parse().unwrap_or(0);
    asked.body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    Some(asked)
}

/// The number that a carrier is asked about.
pub fn number_in(path: &str) -> &str {
    let (_, query) = path.split_once("trackingNumber=").unwrap_or_default();
    query.split('&').next().unwrap_or_default()
}

/// An event as DHL writes it.
/// A carrier's time in the last days: after the handover of every test's parcels.
pub fn days_back(days: i64, clock: &str) -> String {
    let day = chrono::Utc::now() - chrono::TimeDelta::days(days);
    format!("{}T{clock}:00+08:00", day.format("%Y-%m-%d"))
}

pub fn dhl_event(at: &str, code: &str, description: &str, place: &str) -> Value {
    json!({
        "timestamp": at, "statusCode": code, "status": description, "description": description,
        "location": {"address": {"countryCode": "CN", "addressLocality": place}},
    })
}

/// DHL's answer about one number, newest event first.
pub fn dhl_page(number: &str, events: &[Value]) -> Value {
    json!({"shipments": [{"id": number, "service": "express", "events": events}]})
}

/// A carrier whose every parcel is at the door already.
pub async fn delivering_carrier() -> Stub {
    Stub::start(|asked, _| {
        let at = |hours: i64| {
            let at = chrono::Utc::now() - chrono::TimeDelta::hours(hours);
            // The same instants in every answer.
            at.format("%Y-%m-%dT00:00:00+08:00").to_string()
        };
        let events = [
            dhl_event(&at(48), "delivered", "Delivered", "SHANGHAI"),
            dhl_event(&at(72), "transit", "Shipment picked up", "SHENZHEN"),
        ];
        Reply::json(200, &dhl_page(number_in(&asked.path), &events))
    })
    .await
}
