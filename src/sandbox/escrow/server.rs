//! The shell: one address for all formats, faults between reading and acting, the control API.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::stream;
use serde::Serialize;
use serde_json::json;

use super::alipay::Alipay;
use super::alipay::legacy::Legacy;
use super::antom::Antom;
use super::ask::{Format, Refusal};
use super::books::{Books, Rules};
use super::control;
use super::deliver::{Delivery, Notify};
use super::faults::{Fate, Faults, Shares};
use super::notice::Notice;
use super::paypal::Paypal;
use super::webhook::Webhook;
use super::wire::{Asked, Reply, Turned, Wire, pairs};
use crate::clock::Clock;
use crate::outbound::{Answer, Request};
use crate::sandbox::lock;
use crate::standard_webhooks::Secret;

/// The formats that are spoken, each with its keys.
pub struct Wires {
    pub webhook: Webhook,
    pub alipay: Option<Alipay>,
    pub legacy: Option<Legacy>,
    pub antom: Option<Antom>,
    pub paypal: Option<Paypal>,
}

#[derive(Clone)]
pub struct ProviderOptions {
    pub seed: u64,
    pub shares: Shares,
    pub rules: Rules,
    pub clock: Clock,
    /// Where notices go; none: they cannot be sent.
    pub notify: Option<Notify>,
}

/// What happened so far. `double_effects` is what an honest sender leaves at nought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EscrowCounts {
    /// Different triggers that were decided: by key, whether or not they took effect.
    pub triggers: u64,
    /// By action.
    pub effects: BTreeMap<String, u64>,
    pub seen_again: u64,
    /// Triggers that would have done for an order, under a new key, what was done already. Refused.
    pub double_effects: u64,
    pub bad_signatures: u64,
}

pub struct EscrowState {
    pub(super) wires: Wires,
    pub(super) clock: Clock,
    pub(super) notify: Option<Notify>,
    pub(super) deliveries: Mutex<Vec<Delivery>>,
    books: Mutex<Books>,
    faults: Mutex<Faults>,
    bad_signatures: AtomicU64,
}

struct Served {
    reply: Reply,
    cut_off: bool,
}

/// Serves on `listener` until the server is stopped.
pub fn serve(
    listener: TcpListener,
    wires: Wires,
    options: ProviderOptions,
) -> std::io::Result<(actix_web::dev::Server, Arc<EscrowState>)> {
    let state = Arc::new(EscrowState::new(wires, options));
    let shared = web::Data::from(Arc::clone(&state));
    let server = HttpServer::new(move || {
        App::new().app_data(shared.clone()).configure(control::routes).default_service(web::to(take))
    });
    let server = server.workers(1).disable_signals().listen(listener)?.run();
    Ok((server, state))
}

/// Releases what is due by the provider's own deadline although nobody asks for anything.
pub async fn keep_time(state: Arc<EscrowState>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let now = state.clock.now();
        state.books().release_due(now);
    }
}

impl Wires {
    /// The generic format and no other, by a secret that both sides know.
    pub fn webhook(secret: Secret) -> Self {
        let webhook = Webhook { secret, merchant: None, provider: None };
        Self { webhook, alipay: None, legacy: None, antom: None, paypal: None }
    }
}

impl EscrowState {
    pub fn new(wires: Wires, options: ProviderOptions) -> Self {
        Self {
            wires,
            clock: options.clock,
            notify: options.notify,
            deliveries: Mutex::default(),
            books: Mutex::new(Books::new(options.rules)),
            faults: Mutex::new(Faults::new(options.seed, options.shares)),
            bad_signatures: AtomicU64::new(0),
        }
    }

    /// What is answered over HTTP, for whoever is in the same process: at once, and whole.
    pub fn hear(&self, request: &Request) -> Answer {
        let behind = request.url.split_once("://").map_or(request.url.as_str(), |(_, behind)| behind);
        let path = behind.find('/').map_or("/", |at| &behind[at..]);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let header = |name: &str| {
            let found = request.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let body = request.body.as_deref().unwrap_or_default();
        let asked = Asked { method: request.method.as_str(), path, query, header: &header, body };
        let Reply { status, headers, body, .. } = self.route(&asked).reply;
        Answer { status, headers, body, ..Answer::default() }
    }

    /// What it has to say of a trade by itself, for whoever is in the same process. None: there is no such trade.
    pub fn notice(&self, format: Format, reference: &str, id: &str, url: &str) -> Option<Request> {
        let notice = {
            let books = self.books();
            let trade = books.find(format, reference)?.clone();
            Notice::of(&books, trade, id.to_owned())
        };
        notice.request(&self.wires, url, self.clock.wall())
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub fn snapshot(&self) -> EscrowCounts {
        let books = self.books();
        let mut counts = EscrowCounts {
            triggers: books.triggers().len() as u64,
            seen_again: books.seen_again(),
            bad_signatures: self.bad_signatures.load(Ordering::Relaxed),
            ..EscrowCounts::default()
        };
        for trigger in books.triggers() {
            if trigger.took_effect {
                *counts.effects.entry(trigger.action.to_string()).or_default() += 1;
            } else if trigger.refused == Some(Refusal::DoneAlready) {
                counts.double_effects += 1;
            }
        }
        counts
    }

    fn route(&self, asked: &Asked) -> Served {
        let wires = &self.wires;
        let served = match asked.path {
            "/triggers" => Some(self.answer(&wires.webhook, asked)),
            path if path.starts_with("/triggers/") => Some(self.answer(&wires.webhook, asked)),
            "/gateway.do" if is_legacy(asked) => wires.legacy.as_ref().map(|wire| self.answer(wire, asked)),
            "/gateway.do" => wires.alipay.as_ref().map(|wire| self.answer(wire, asked)),
            path if path.starts_with("/ams/") => wires.antom.as_ref().map(|wire| self.answer(wire, asked)),
            path if path.starts_with("/v1/") || path.starts_with("/v2/") => {
                wires.paypal.as_ref().map(|wire| self.answer(wire, asked))
            }
            _ => None,
        };
        let nowhere = || Reply::json(404, &json!({ "error": "nothing is taken at this address" }));
        served.unwrap_or_else(|| Served { reply: nowhere(), cut_off: false })
    }

    fn answer<W: Wire>(&self, wire: &W, asked: &Asked) -> Served {
        let whole = |reply| Served { reply, cut_off: false };
        let call = match wire.read(asked, self.clock.wall()) {
            Ok(call) => call,
            Err(turned) => {
                if matches!(turned, Turned::Unbelieved(_)) {
                    self.bad_signatures.fetch_add(1, Ordering::Relaxed);
                }
                return whole(turned.reply());
            }
        };
        if self.faults().shares.down {
            return whole(Reply::text(503, "text/plain", ""));
        }
        let fate = W::key(&call).map_or(Fate::Fine, |key| self.faults().fate(key));
        let now = self.clock.now();
        let perform = |call| wire.perform(call, &mut self.books(), now);
        match fate {
            Fate::Fine => whole(perform(call)),
            Fate::ErrorBefore => whole(Reply::text(503, "text/plain", "")),
            Fate::Refused => whole(wire.refused(&call, now)),
            Fate::AnswerLost { cut_off } => {
                perform(call);
                Served { reply: Reply::text(500, "text/plain", ""), cut_off }
            }
            Fate::Unknown { takes_effect } => {
                let reply = wire.unknown(&call, now);
                if takes_effect {
                    perform(call);
                }
                whole(reply)
            }
        }
    }
}

/// Both of Alipay's gateways live at the same path.
fn is_legacy(asked: &Asked) -> bool {
    let body = std::str::from_utf8(asked.body).unwrap_or_default();
    let mut fields = [asked.query, body].into_iter().filter_map(pairs).flatten();
    fields.any(|(name, _)| name == "service")
}

async fn take(state: web::Data<EscrowState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name: &str| {
        let value = request.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let asked = Asked {
        method: request.method().as_str(),
        path: request.path(),
        query: request.query_string(),
        header: &header,
        body: &body,
    };
    let served = state.route(&asked);
    let slow = Duration::from_millis(state.faults().shares.slow_ms);
    if !slow.is_zero() {
        tokio::time::sleep(slow).await;
    }
    if served.cut_off {
        return HttpResponse::Ok().streaming(stream::once(async {
            Err::<web::Bytes, _>(std::io::Error::other("the answer is lost on purpose"))
        }));
    }
    // All formats name a status that HTTP has.
    let mut answer = HttpResponse::build(StatusCode::from_u16(served.reply.status).unwrap_or_default());
    answer.content_type(served.reply.content_type);
    for header in served.reply.headers {
        answer.insert_header(header);
    }
    answer.body(served.reply.body)
}
