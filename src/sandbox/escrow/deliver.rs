//! Sends notices until they are acknowledged, and remembers what was answered.
//!
//! Eight times at most, as Alipay and Antom have it; the waits between them double from a first
//! one that is a setting, so that a demonstration does not take the fifteen hours of real ones.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::notice::Notice;
use super::server::EscrowState;
use crate::domain::instant::Instant;
use crate::outbound::Outbound;
use crate::sandbox::lock;

const TRIES_MAX: usize = 8;
const WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Notify {
    /// `{provider}` in it stands for the format.
    pub url: String,
    pub first_wait: Duration,
    pub outbound: Outbound,
}

#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    pub id: String,
    pub reference: String,
    pub acknowledged: bool,
    pub tries: Vec<Try>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Try {
    pub at: Instant,
    /// None: no whole answer came.
    pub status: Option<u16>,
    /// The answer's first letters, or why there was none.
    pub said: String,
}

pub async fn deliver(state: Arc<EscrowState>, notice: Notice, notify: Notify) {
    let url = notify.url.replace("{provider}", notice.trade.format.as_str());
    let mut wait = notify.first_wait;
    for _ in 0..TRIES_MAX {
        let at = state.clock.wall();
        let Some(request) = notice.request(&state.wires, &url, at) else { return };
        let answer = notify.outbound.send(request).await;
        let acknowledged = answer.as_ref().is_ok_and(|answer| notice.is_acknowledged(answer));
        let (status, said) = match &answer {
            Ok(answer) => (Some(answer.status), short(&answer.body)),
            Err(error) => (None, error.to_string()),
        };
        note(&state, &notice.id, acknowledged, Try { at, status, said });
        if acknowledged {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}

fn note(state: &EscrowState, id: &str, acknowledged: bool, one: Try) {
    let mut deliveries = lock(&state.deliveries);
    if let Some(delivery) = deliveries.iter_mut().find(|delivery| delivery.id == id) {
        delivery.acknowledged = acknowledged;
        delivery.tries.push(one);
    }
}

fn short(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}
