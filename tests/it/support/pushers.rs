//! Carriers that send by themselves: what each says of a delivery, and how it signs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;
use sampan::clock::Clock;
use sampan::standard_webhooks;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sm4::Sm4;
use sm4::cipher::{Array, BlockCipherEncrypt, KeyInit};

/// A request as a carrier makes it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

pub struct Pusher {
    pub carrier: &'static str,
    /// One that it could have given out.
    pub number: &'static str,
    /// The keys of its table but the address, one a line.
    keys: &'static [&'static str],
    pub secret: &'static str,
    /// One of the same form.
    pub another_secret: &'static str,
    pub acknowledgement: &'static str,
    /// That a number was delivered on this day.
    pub delivered: fn(&str, &str) -> Value,
    /// With this secret.
    pub sign: fn(&str, &str) -> Sent,
    /// What carries the signature where no header does.
    pub field: Option<&'static str>,
}

impl Pusher {
    pub fn settings(&self, address: std::net::SocketAddr) -> String {
        let lines = self.keys.iter().map(|line| format!("carriers.{}.{line}\n", self.carrier));
        lines.chain([format!("carriers.{}.base_url = \"http://{address}\"\n", self.carrier)]).collect()
    }

    pub fn signed(&self, text: &str) -> Sent {
        (self.sign)(text, self.secret)
    }
}

pub const ALL: &[Pusher] = &[SEVENTEENTRACK, AFTERSHIP, KUAIDI100, EMS, DHL];

pub const SEVENTEENTRACK: Pusher = Pusher {
    carrier: "seventeentrack",
    number: "RN740215882GB",
    keys: &["api_key = \"17k3y\""],
    secret: "17k3y",
    another_secret: "17k3z",
    acknowledgement: "ok",
    delivered: seventeentrack,
    sign: |text, key| Sent {
        headers: vec![("sign", hexadecimal(&Sha256::digest(format!("{text}/{key}"))))],
        body: text.into(),
    },
    field: None,
};

fn seventeentrack(number: &str, day: &str) -> Value {
    let event = json!({
        "time_iso": format!("{day}T11:42:00+08:00"), "description": "Delivered", "location": "SHANGHAI",
        "stage": "Delivered", "sub_status": "Delivered_Other", "address": {"country": "CN", "city": "SHANGHAI"},
    });
    let provider =
        json!({"provider": {"key": 3011, "name": "China Post", "country": "CN"}, "events": [event]});
    let latest = json!({"status": "Delivered", "sub_status": "Delivered_Other"});
    let told = json!({"latest_status": latest, "tracking": {"providers": [provider]}});
    json!({"event": "TRACKING_UPDATED", "data": {"number": number, "carrier": 3011, "track_info": told}})
}

pub const AFTERSHIP: Pusher = Pusher {
    carrier: "aftership",
    number: "RN740215896GB",
    keys: &["api_key = \"k3y\"", "push_secret = \"h00k\""],
    secret: "h00k",
    another_secret: "h00l",
    acknowledgement: "ok",
    delivered: aftership,
    sign: |text, secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
        mac.update(text.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        Sent { headers: vec![("aftership-hmac-sha256", signature)], body: text.into() }
    },
    field: None,
};

fn aftership(number: &str, day: &str) -> Value {
    let checkpoint = json!({
        "slug": "china-post", "city": "Shanghai", "location": "Shanghai", "country_region": "CHN",
        "message": "Delivered", "tag": "Delivered", "subtag": "Delivered_001",
        "checkpoint_time": format!("{day}T11:42:00+08:00"),
    });
    let told = json!({"id": "v8kmw6qcz2yu2ma1e5vd0011", "tracking_number": number, "slug": "china-post",
        "tag": "Delivered", "subtag": "Delivered_001", "checkpoints": [checkpoint]});
    json!({"event": "tracking_update", "event_id": "b8ac8cd7", "msg": told, "ts": 1_772_595_800})
}

pub const KUAIDI100: Pusher = Pusher {
    carrier: "kuaidi100",
    number: "YT7123456789012",
    keys: &["customer = \"C0FFEE\"", "key = \"k3y\"", "push_secret = \"s4lt\""],
    secret: "s4lt",
    another_secret: "s4lz",
    acknowledgement: r#"{"result":true,"returnCode":"200","message":"成功"}"#,
    delivered: kuaidi100,
    sign: |text, salt| {
        let sign = hexadecimal(&Md5::digest(format!("{text}{salt}"))).to_ascii_uppercase();
        let body = format!("sign={sign}&param={}", escaped(text));
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Sent { headers, body: body.into() }
    },
    field: Some("sign"),
};

fn kuaidi100(number: &str, day: &str) -> Value {
    let event = json!({"ftime": format!("{day} 11:42:00"), "context": "快件已签收", "status": "签收",
        "statusCode": "3"});
    let told = json!({"message": "ok", "nu": number, "com": "yuantong", "status": "200", "state": "3",
        "data": [event]});
    json!({"status": "polling", "message": "", "lastResult": told})
}

pub const EMS: Pusher = Pusher {
    carrier: "ems",
    number: "1234567890123",
    keys: &[
        "sender_no = \"1100\"",
        "authorization = \"4uth\"",
        "sign_key = \"ASNFZ4mrze/+3LqYdlQyEA==\"",
        "push_secret = \"ASNFZ4mrze/+3LqYdlQyEA==\"",
    ],
    secret: "ASNFZ4mrze/+3LqYdlQyEA==",
    another_secret: "AAAAAAAAAAAAAAAAAAAAAA==",
    acknowledgement: r#"{"code":"00000","codeMessage":"成功"}"#,
    delivered: |number, day| {
        json!({"waybillNo": number, "opTime": format!("{day} 11:42:00"), "opCode": "704",
            "opName": "投递结果反馈-妥投", "opDesc": "已签收,本人签收", "deliverCode": "10"})
    },
    sign: |text, key| {
        let body = json!({"logitcsInterface": format!("|$4|{}", sealed(text, key))});
        Sent { headers: vec![("content-type", "application/json".to_owned())], body: body.to_string().into() }
    },
    field: Some("logitcsInterface"),
};

fn sealed(text: &str, key: &str) -> String {
    let bytes = STANDARD.decode(key).expect("base64").try_into().expect("16 bytes");
    let cipher = Sm4::new(&Array(bytes));
    let mut text = [text.as_bytes(), key.as_bytes()].concat();
    let padding = 16 - text.len() % 16;
    text.resize(text.len() + padding, padding as u8);
    for block in text.chunks_mut(16) {
        let mut array = Array(<[u8; 16]>::try_from(&*block).expect("a block"));
        cipher.encrypt_block(&mut array);
        block.copy_from_slice(&array.0);
    }
    STANDARD.encode(text)
}

/// In the neutral form.
pub const DHL: Pusher = Pusher {
    carrier: "dhl_unified",
    number: "00340434161094000014",
    keys: &["api_key = \"k3y\"", "push_secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\""],
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    another_secret: "whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    acknowledgement: "{}",
    delivered: |number, day| {
        let event = json!({"occurred_at": format!("{day}T11:42:00+08:00"), "status": "delivered",
            "description": "Delivered", "location": {"country": "CN", "place": "SHANGHAI"}});
        json!({"tracking_number": number, "events": [event]})
    },
    sign: |text, secret| signed_at(text, secret, Clock::real().wall().timestamp()),
    field: None,
};

/// As Standard Webhooks has it, in seconds since 1970.
pub fn signed_at(text: &str, secret: &str, at: i64) -> Sent {
    let secret = secret.parse().expect("a secret");
    let signature = standard_webhooks::sign(&secret, "msg_1", at, text.as_bytes());
    let headers = vec![
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature),
    ];
    Sent { headers, body: text.into() }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
