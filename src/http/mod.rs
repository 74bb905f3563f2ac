//! The front door: the API, the tracking pages, the operators' addresses.
//!
//! A handler authenticates, then reads the body, calls one flow and writes down what it
//! says; decisions are made elsewhere. Every answer has a request id, under which the log
//! has what went wrong; requests themselves are logged at debug.
//! Addresses are logged by their pattern, never as they came: a tracking token in a log
//! would be a key in a log.

mod buyer_page;
mod buyers;
mod carriers;
mod consolidations;
mod deliveries;
mod disputes;
mod escrow;
mod extract;
mod network;
mod notices;
mod operations;
mod orders;
mod pickups;
mod problem;
mod reconciliation;
mod scans;
mod schema;
mod shipments;
mod tracking;
mod webhooks;

use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::web::{self, Data, QueryConfig, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, ResponseError};
use metrics_exporter_prometheus::PrometheusHandle;
use tracing::Instrument;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use self::problem::Problem;
use crate::chance;
use crate::flows::Deps;
use crate::telemetry;

#[derive(OpenApi)]
#[openapi(
    info(title = "Sampan", description = "Cross-border logistics and order tracking."),
    tags(
        (name = "merchants", description = "Ask for pickups, follow them"),
        (name = "buyers", description = "See where it is"),
        (name = "hubs", description = "Report what happens"),
        (name = "providers", description = "Say what became of a payment"),
        (name = "operators", description = "Cancel departures, close hubs, see to money that waits for a person, see how the daemon is doing"),
    ),
    paths(
        pickups::create,
        shipments::read,
        shipments::list,
        shipments::cancel,
        shipments::clear_as,
        orders::waiting,
        escrow::freeze,
        escrow::thaw,
        escrow::own_payment,
        escrow::settled,
        escrow::refund,
        escrow::approve_refund,
        escrow::withdraw_refund,
        reconciliation::read,
        webhooks::create,
        webhooks::list,
        webhooks::read,
        webhooks::change,
        webhooks::remove,
        webhooks::rotate,
        webhooks::ping,
        deliveries::list,
        deliveries::replay,
        deliveries::replay_one,
        carriers::detect,
        scans::record,
        consolidations::list,
        consolidations::read,
        consolidations::read_manifest,
        consolidations::read_labels,
        consolidations::read_label,
        carriers::push,
        notices::notify,
        network::cancel,
        network::close,
        network::closures,
        network::open,
        tracking::read,
        buyers::code,
        buyers::confirm,
        buyers::extend,
        buyers::dispute,
        buyers::disputes,
        buyers::withdraw,
        buyers::say,
        disputes::list,
        disputes::say,
        disputes::close,
        operations::alive,
        operations::ready,
        operations::metrics,
    ),
    modifiers(&Schemes)
)]
struct Description;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = || SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let signature = ApiKeyValue::with_description(
            "webhook-signature",
            "Standard Webhooks over the body, with webhook-id, webhook-timestamp and sampan-merchant",
        );
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("merchant_key", bearer());
        components.add_security_scheme("hub_key", bearer());
        components.add_security_scheme("operator_key", bearer());
        components
            .add_security_scheme("webhook_signature", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    }
}

/// What the page of the API's description may load: itself. It sets styles by script.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

fn routes(config: &mut ServiceConfig) {
    let openapi = Description::openapi();
    config
        .service(pickups::create)
        .service(shipments::list)
        .service(shipments::read)
        .service(shipments::cancel)
        .service(shipments::clear_as)
        .service(webhooks::create)
        .service(webhooks::list)
        .service(webhooks::read)
        .service(webhooks::change)
        .service(webhooks::remove)
        .service(webhooks::rotate)
        .service(webhooks::ping)
        .service(deliveries::list)
        .service(deliveries::replay)
        .service(deliveries::replay_one)
        .service(carriers::detect)
        .service(scans::record)
        .service(consolidations::list)
        .service(consolidations::read)
        .service(consolidations::read_manifest)
        .service(consolidations::read_labels)
        .service(consolidations::read_label)
        .service(carriers::push)
        .service(notices::notify)
        .service(network::cancel)
        .service(network::close)
        .service(network::closures)
        .service(network::open)
        .service(orders::waiting)
        .service(escrow::freeze)
        .service(escrow::thaw)
        .service(escrow::own_payment)
        .service(escrow::settled)
        .service(escrow::refund)
        .service(escrow::approve_refund)
        .service(escrow::withdraw_refund)
        .service(reconciliation::read)
        .service(tracking::read)
        .service(buyers::code)
        .service(buyers::confirm)
        .service(buyers::extend)
        .service(buyers::dispute)
        .service(buyers::disputes)
        .service(buyers::withdraw)
        .service(buyers::say)
        .service(disputes::list)
        .service(disputes::say)
        .service(disputes::close)
        .service(tracking::page)
        .service(buyer_page::show)
        .service(buyer_page::take)
        .service(tracking::stylesheet)
        .service(operations::alive)
        .service(operations::ready)
        .service(operations::metrics)
        .service(
            web::scope("")
                .wrap(DefaultHeaders::new().add((CONTENT_SECURITY_POLICY, DOCS_POLICY)))
                .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", openapi))
                .service(web::redirect("/docs", "/docs/"))
                .default_service(web::to(nothing_here)),
        );
}

async fn nothing_here() -> HttpResponse {
    Problem::not_found().error_response()
}

/// Serves on `listener` until told to stop. Signals are the caller's business.
pub fn serve(
    listener: TcpListener,
    deps: Deps,
    metrics: PrometheusHandle,
    workers: usize,
) -> std::io::Result<Server> {
    let settings = deps.settings.http.clone();
    let deps = Data::new(deps);
    let metrics = Data::new(metrics);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(deps.clone())
            .app_data(metrics.clone())
            .app_data(
                QueryConfig::default().error_handler(|error, _| Problem::parameter("query", error).into()),
            )
            .wrap(from_fn(observe))
            .wrap(
                DefaultHeaders::new()
                    .add(("x-content-type-options", "nosniff"))
                    .add(("referrer-policy", "no-referrer"))
                    .add((CACHE_CONTROL, "no-store")),
            )
            .configure(routes)
    });
    let server = server
        .workers(workers)
        .max_connections(settings.connections_max.div_ceil(workers))
        .client_request_timeout(Duration::from_secs(10))
        .shutdown_timeout(settings.shutdown_seconds)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// Gives each request an id and a span, and counts it.
async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let began = std::time::Instant::now();
    let id = chance::id().simple().to_string();
    let method = request.method().to_string();
    let span = tracing::info_span!("request", id, method);
    async move {
        let mut response = next.call(request).await?;
        let route = response.request().match_pattern().unwrap_or_else(|| "unknown".to_owned());
        let status = response.status().as_u16();
        let seconds = began.elapsed().as_secs_f64();
        telemetry::request(&method, &route, status, seconds);
        tracing::debug!(route, status, milliseconds = seconds * 1e3, "answered");
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
        Ok(response)
    }
    .instrument(span)
    .await
}
