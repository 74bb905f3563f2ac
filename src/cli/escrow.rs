//! What operators ask about money, apart from a daemon.
//!
//! Differences are printed as they are found, so that a comparison of any length needs no more memory than a page.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::config::Settings;
use crate::domain::instant::rfc3339;
use crate::escrow::reconciliation::report::{Totals, csv};
use crate::flows::Deps;
use crate::flows::reconcile::{Place, Scope, nightly, step};
use crate::flows::views::{DifferenceView, TotalsView};

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
        let Verb::Reconcile(reconcile) = self.verb;
        match reconcile.run(settings).await {
            Ok(totals) if totals.unasked() > 0 => Ok(ExitCode::from(NOT_ASKED)),
            Ok(totals) if totals.differing() > 0 => Ok(ExitCode::from(DIFFERS)),
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                eprintln!("sampan: {error:#}");
                Ok(ExitCode::from(NOT_ASKED))
            }
        }
    }
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
        let mut out = std::io::stdout().lock();
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
