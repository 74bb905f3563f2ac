//! Logs and metrics. The names of all metrics stand here and nowhere else.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Log, LogFormat};
use crate::domain::escrow::OrderState;
use crate::domain::outbox::OutboxState;

const REQUESTS: &str = "sampan_http_requests_total";
const REQUEST_SECONDS: &str = "sampan_http_request_seconds";
const CARRIER_QUESTIONS: &str = "sampan_carrier_questions_total";
const NOTICES_GIVEN_UP: &str = "sampan_escrow_notices_given_up_total";
const RELEASED_AGAINST_US: &str = "sampan_escrow_released_against_hold_total";
const REFUNDED_AFTER_RELEASE: &str = "sampan_escrow_refunded_after_release_total";
const PUSHES_GIVEN_UP: &str = "sampan_carrier_pushes_given_up_total";
const UNKNOWN_STATUSES: &str = "sampan_carrier_unknown_statuses_total";
const TRIGGERS: &str = "sampan_triggers_sent_total";
const PROVIDER_RESTS: &str = "sampan_escrow_provider_rests";
const WEBHOOKS: &str = "sampan_webhooks_sent_total";
const WEBHOOKS_DISABLED: &str = "sampan_webhooks_disabled_total";
const OUTBOX: &str = "sampan_outbox_messages";
const WAITING_ORDERS: &str = "sampan_escrow_orders_waiting";
const UNROUTABLE: &str = "sampan_unroutable_shipments";
const MISSING: &str = "sampan_consolidation_missing_parcels";
const SURPLUS: &str = "sampan_consolidation_surplus_parcels";
const ESCROW_DIFFERENCES: &str = "sampan_escrow_differences";
const ESCROW_RECONCILED: &str = "sampan_escrow_reconciled_timestamp_seconds";
const JOB_FAILURES: &str = "sampan_job_failures_total";

/// The recorder that everything in this process is recorded with.
static RECORDING: OnceLock<PrometheusHandle> = OnceLock::new();

#[derive(Debug, thiserror::Error)]
#[error("log.level: {0}")]
pub struct BadLevel(#[from] tracing_subscriber::filter::ParseError);

/// Writes logs to standard error, so that what a command prints stays clean. A second call changes nothing.
pub fn log(settings: &Log) -> Result<(), BadLevel> {
    // A bare level is about us; of what we are built on, warnings are enough.
    let filter = match settings.level.parse::<LevelFilter>() {
        Ok(level) => EnvFilter::try_new(format!("warn,sampan={level}"))?,
        Err(_) => EnvFilter::try_new(&settings.level)?,
    };
    let colours = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let _ = match settings.format {
        LogFormat::Pretty => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// The metrics of this process. What is counted before this is called is lost.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let recorder = PrometheusBuilder::new().set_buckets(&seconds)?.build_recorder();
    let handle = recorder.handle();
    // In tests several daemons live in one process; the first one's recorder takes it all.
    if metrics::set_global_recorder(recorder).is_ok() {
        let _ = RECORDING.set(handle.clone());
        describe_counter!(REQUESTS, "HTTP requests by method, route and status");
        describe_histogram!(REQUEST_SECONDS, "Seconds from request to answer, by route");
        describe_counter!(CARRIER_QUESTIONS, "Questions to carriers by carrier and what came of them");
        describe_counter!(
            PUSHES_GIVEN_UP,
            "Pushes of carriers that could not be taken in, however often tried"
        );
        describe_counter!(
            NOTICES_GIVEN_UP,
            "Notices of escrow providers that could not be read, or not be taken in however often tried"
        );
        describe_counter!(
            RELEASED_AGAINST_US,
            "Orders that were held, and whose money a provider released all the same"
        );
        describe_counter!(
            REFUNDED_AFTER_RELEASE,
            "Orders whose merchant was paid, and whose money a provider gave back to the buyer"
        );
        describe_counter!(UNKNOWN_STATUSES, "Events of carriers with a status that no table knows");
        describe_counter!(TRIGGERS, "Attempts to send a trigger, by what came of them");
        describe_gauge!(
            PROVIDER_RESTS,
            "1 while an escrow provider fails and its triggers wait, by provider"
        );
        describe_counter!(WEBHOOKS, "Attempts to tell a merchant, by what came of them");
        describe_counter!(
            WEBHOOKS_DISABLED,
            "Merchants' endpoints that were disabled since nothing got through"
        );
        describe_gauge!(OUTBOX, "Messages in the outbox by state");
        describe_gauge!(WAITING_ORDERS, "Orders whose money waits for a person, by state");
        describe_gauge!(UNROUTABLE, "Shipments that there is no way for any more");
        describe_gauge!(MISSING, "Parcels that nobody found in consolidations that were unpacked");
        describe_gauge!(
            SURPLUS,
            "Parcels of the last seven days that came out of consolidations they were not in"
        );
        describe_gauge!(
            ESCROW_DIFFERENCES,
            "What differed from escrow providers' word in the last nightly comparison, by kind"
        );
        describe_gauge!(ESCROW_RECONCILED, "When the last nightly comparison ended, in seconds since 1970");
        describe_counter!(JOB_FAILURES, "Runs of scheduled jobs that failed, by job");
    }
    Ok(handle)
}

/// A series stays for ever, so a method that somebody made up doesn't get one of its own.
fn known_method(method: &str) -> &'static str {
    const METHODS: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

/// Folds what was recorded into the histograms. Until that is done every value is kept by itself,
/// so it is done now and then whether anybody reads the metrics or not.
pub fn upkeep() {
    if let Some(handle) = RECORDING.get() {
        handle.run_upkeep();
    }
}

pub fn request(method: &str, route: &str, status: u16, seconds: f64) {
    counter!(REQUESTS, "method" => known_method(method), "route" => route.to_owned(), "status" => status.to_string())
        .increment(1);
    histogram!(REQUEST_SECONDS, "route" => route.to_owned()).record(seconds);
}

pub fn carrier_asked(carrier: &str, outcome: &'static str) {
    counter!(CARRIER_QUESTIONS, "carrier" => carrier.to_owned(), "outcome" => outcome).increment(1);
}

pub fn push_given_up(carrier: &str) {
    counter!(PUSHES_GIVEN_UP, "carrier" => carrier.to_owned()).increment(1);
}

pub fn notice_given_up(provider: &str) {
    counter!(NOTICES_GIVEN_UP, "provider" => provider.to_owned()).increment(1);
}

pub fn released_against_us(provider: &str) {
    counter!(RELEASED_AGAINST_US, "provider" => provider.to_owned()).increment(1);
}

pub fn refunded_after_release(provider: &str) {
    counter!(REFUNDED_AFTER_RELEASE, "provider" => provider.to_owned()).increment(1);
}

pub fn unknown_statuses(carrier: &str, events: u64) {
    if events > 0 {
        counter!(UNKNOWN_STATUSES, "carrier" => carrier.to_owned()).increment(events);
    }
}

pub fn trigger_sent(outcome: &'static str) {
    counter!(TRIGGERS, "outcome" => outcome).increment(1);
}

pub fn provider_rests(provider: &'static str, rests: bool) {
    gauge!(PROVIDER_RESTS, "provider" => provider).set(if rests { 1.0 } else { 0.0 });
}

pub fn webhook_sent(outcome: &'static str) {
    counter!(WEBHOOKS, "outcome" => outcome).increment(1);
}

pub fn webhook_disabled() {
    counter!(WEBHOOKS_DISABLED).increment(1);
}

pub fn outbox(state: OutboxState, messages: u64) {
    gauge!(OUTBOX, "state" => state.as_str()).set(messages as f64);
}

pub fn waiting_orders(state: OrderState, orders: u64) {
    gauge!(WAITING_ORDERS, "state" => state.as_str()).set(orders as f64);
}

pub fn unroutable(shipments: u64) {
    gauge!(UNROUTABLE).set(shipments as f64);
}

pub fn astray(missing: u64, surplus: u64) {
    gauge!(MISSING).set(missing as f64);
    gauge!(SURPLUS).set(surplus as f64);
}

pub fn escrow_differences(kind: &'static str, differences: u64) {
    gauge!(ESCROW_DIFFERENCES, "kind" => kind).set(differences as f64);
}

pub fn escrow_reconciled(seconds: i64) {
    gauge!(ESCROW_RECONCILED).set(seconds as f64);
}

pub fn job_failed(job: &'static str) {
    counter!(JOB_FAILURES, "job" => job).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_somebody_made_up_gets_no_series_of_its_own() {
        let handle = metrics().expect("metrics");
        request("GET", "/x", 200, 0.1);
        request("BREW-1", "/x", 405, 0.1);
        upkeep();
        let rendered = RECORDING.get().unwrap_or(&handle).render();
        assert!(rendered.contains("method=\"GET\""), "{rendered}");
        assert!(rendered.contains("method=\"other\""), "{rendered}");
        assert!(!rendered.contains("BREW"), "{rendered}");
    }
}
