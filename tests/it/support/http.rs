//! A caller: HTTP/1.1 over one connection a request, no more than the tests need.
//!
//! By hand, because a test wants what a careful client hides: every header as it came, and
//! whether an answer was whole when its daemon died.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("an answer {} that is not JSON ({error}): {}", self.status, self.text())
        })
    }

    /// The body of an answer that has to have this status.
    #[track_caller]
    pub fn must_be(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "another status than expected; the body: {}", self.text());
        self.json()
    }
}

/// An error means that no whole answer came.
pub async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(address).await?;
    let mut message = head.into_bytes();
    message.extend_from_slice(body);
    stream.write_all(&message).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    read(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is not whole"))
}

/// None: something is missing.
fn read(answer: &[u8]) -> Option<Response> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .map(|line| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned())))
        .collect::<Option<Vec<_>>>()?;
    let mut response = Response { status, headers, body: answer[end + 4..].to_vec() };
    if response.header("transfer-encoding") == Some("chunked") {
        response.body = unchunk(&response.body)?;
    } else if let Some(length) = response.header("content-length") {
        let length: usize = length.parse().ok()?;
        if response.body.len() != length {
            return None;
        }
    }
    Some(response)
}

fn unchunk(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = body.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&body[..line]).ok()?, 16).ok()?;
        let chunk = body.get(line + 2..line + 2 + length)?;
        if length == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(chunk);
        body = body.get(line + 2 + length + 2..)?;
    }
}

/// Somebody with keys who knows where the daemon is.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub keys: super::app::Keys,
}

impl Client {
    /// As the merchant.
    pub async fn get(&self, path: &str) -> io::Result<Response> {
        let bearer = format!("Bearer {}", self.keys.api_key);
        send(self.address, "GET", path, &[("authorization", &bearer)], b"").await
    }

    /// As the merchant, with an `Idempotency-Key` if there is one.
    pub async fn post_pickup(&self, body: &Value, key: Option<&str>) -> io::Result<Response> {
        let bearer = format!("Bearer {}", self.keys.api_key);
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        send(self.address, "POST", "/v1/pickups", &headers, body.to_string().as_bytes()).await
    }

    /// As the hub's scanner.
    pub async fn scan(&self, hub: &str, body: &Value) -> io::Result<Response> {
        let key = self.keys.hubs.get(hub).unwrap_or_else(|| panic!("{hub} is no hub of the sample network"));
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let path = format!("/v1/hubs/{hub}/scans");
        send(self.address, "POST", &path, &headers, body.to_string().as_bytes()).await
    }
}
