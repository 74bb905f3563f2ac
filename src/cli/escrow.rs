//! What operators ask about money, apart from a daemon.
//!
//! Differences are printed as they are found, so that a comparison of any length needs no more memory than a page.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::printing::{is_reader_gone, output, remark};
use crate::config::Settings;
use crate::domain::escrow::OrderState;
use crate::domain::instant::rfc3339;
use crate::escrow::reconciliation::report::{Totals, csv};
use crate::flows::Deps;
use crate::flows::reconcile::{Place, Scope, nightly, step};
use crate::flows::show_orders;
use crate::flows::views::{DifferenceView, OrderView, TotalsView};

#[derive(Args)]
pub struct Escrow {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Compare what is held with what providers say of it. Exits with 1 if something differs, with 2 if not all of it
    /// could be asked about. What a provider's answer proves is written down; nothing else is changed.
    Reconcile(Reconcile),
    /// Orders whose money waits for a person, those that wait longest first: what holds them, and what is to go back.
    Orders(Orders),
}

#[derive(Args)]
struct Orders {
    /// frozen or failed; both where it is left out.
    #[arg(long, value_parser = show_orders::read_state)]
    state: Option<OrderState>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Reconcile {
    /// Only this one, as pickup requests name it; every one where it is left out.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Compare the triggers of so many days; as escrow.reconciliation.days says where it is left out.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    since: Option<u32>,
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One object: the differences, and how much was compared.
    Json,
    /// A line for each difference.
    Csv,
}

const DIFFERS: u8 = 1;
const NOT_ASKED: u8 = 2;

impl Escrow {
    /// Whatever goes wrong on the way: then not all of it was asked about.
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let reconcile = match self.verb {
            Verb::Orders(orders) => return orders.run(settings).await,
            Verb::Reconcile(reconcile) => reconcile,
        };
        match reconcile.run(settings).await {
            Ok(totals) if totals.unasked() > 0 => Ok(ExitCode::from(NOT_ASKED)),
            Ok(totals) if totals.differing() > 0 => Ok(ExitCode::from(DIFFERS)),
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(error) if is_reader_gone(&error) => Err(error),
            Err(error) => {
                remark!("sampan: {error:#}");
                Ok(ExitCode::from(NOT_ASKED))
            }
        }
    }
}

/// Orders of one question.
const PAGE: usize = 200;

impl Orders {
    async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let deps = super::build(settings).await?;
        let (mut out, mut after) = (output(), None);
        loop {
            let page = show_orders::waiting_page(&deps, self.state, after, PAGE).await?;
            for order in &page.orders {
                match self.json {
                    true => writeln!(out, "{}", serde_json::to_string(order)?)?,
                    false => write!(out, "{}", told(order))?,
                }
            }
            match page.next_cursor {
                Some(cursor) => after = Some(cursor.parse()?),
                None => break,
            }
        }
        deps.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// An order in a line, and what is to go back of it in a line each.
fn told(order: &OrderView) -> String {
    let OrderView { shipment, merchant, updated_at, state, refunds } = order;
    let held = format!("{} {}", state.held.amount, state.held.currency);
    let because = state.frozen_because.as_deref().unwrap_or_default();
    let (is, by) = (&state.state, &state.provider);
    let mut text =
        format!("{is}  {shipment}  {held} at {by}  since {updated_at}  of {merchant}  {because}\n");
    for refund in refunds {
        let of = refund.parcel.map_or(String::new(), |parcel| format!(" of parcel {parcel}"));
        let waits = if refund.waits_for_approval { ", waits for another person" } else { "" };
        let by = refund.ordered_by.as_deref().unwrap_or_default();
        let (amount, currency) = (&refund.money.amount, &refund.money.currency);
        text += &format!("        refund{of}: {amount} {currency}, {by}: {}{waits}\n", refund.reason);
    }
    text
}

impl Reconcile {
    async fn run(self, settings: Settings) -> anyhow::Result<Totals> {
        let deps = super::build(settings).await?;
        if let Some(name) = &self.provider {
            anyhow::ensure!(deps.providers.get(name).is_some(), "the provider {name:?} is not configured");
        }
        let days = self.since.unwrap_or(deps.settings.escrow.reconciliation.days);
        let scope = Scope { provider: self.provider.clone(), days: nightly::days(&deps, days) };
        let totals = self.compare(&deps, &scope).await?;
        deps.store.close().await;
        Ok(totals)
    }

    async fn compare(&self, deps: &Deps, scope: &Scope) -> anyhow::Result<Totals> {
        let mut out = output();
        match self.format {
            Format::Json => write!(out, "{{\"differences\":[")?,
            Format::Csv => write!(out, "{}", csv(&[], true))?,
        }
        let (mut place, mut totals, mut is_first) = (Place::beginning(), Totals::default(), true);
        while place != Place::Over {
            let page = step(deps, scope, place).await?;
            match self.format {
                Format::Json => {
                    for difference in &page.differences {
                        let comma = if std::mem::take(&mut is_first) { "" } else { "," };
                        let text = serde_json::to_string(&DifferenceView::from(difference))?;
                        write!(out, "{comma}\n{text}")?;
                    }
                }
                Format::Csv => write!(out, "{}", csv(&page.differences, false))?,
            }
            out.flush()?;
            totals.add(&page.totals);
            place = page.next;
        }
        if self.format == Format::Json {
            let rest = json!({
                "began_at": rfc3339(scope.days.began_at),
                "since": rfc3339(scope.days.since),
                "provider": scope.provider,
                "totals": TotalsView::from(&totals),
            });
            // The rest of the object that was begun.
            writeln!(out, "\n],{}", rest.to_string().trim_start_matches('{'))?;
        }
        Ok(totals)
    }
}
