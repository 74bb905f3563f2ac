use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::printing::{output, say};
use crate::config::Settings;
use crate::domain::id::ShipmentId;
use crate::domain::instant::rfc3339;
use crate::flows::Deps;
use crate::store::audit;

#[derive(Args)]
pub struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Walk every chain; exits with 1 if one is broken.
    Verify,
    /// What was written down of a shipment, oldest first: when, on whose behalf, what.
    Show { shipment: ShipmentId },
}

impl Audit {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let deps = super::build(settings).await?;
        if let Verb::Show { shipment } = self.verb {
            return show(deps, shipment).await;
        }
        let verdict = audit::verify(&deps.store).await?;
        for broken in &verdict.breaks {
            say!("broken  {}  entry {}  {}", broken.shipment, broken.seq, broken.reason)?;
        }
        say!(
            "{} entries of {} shipments, {} breaks",
            verdict.entries,
            verdict.shipments,
            verdict.breaks.len()
        )?;
        deps.store.close().await;
        Ok(if verdict.breaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn show(deps: Deps, shipment: ShipmentId) -> anyhow::Result<ExitCode> {
    let entries = audit::of_shipment(deps.store.reader(), shipment).await?;
    deps.store.close().await;
    anyhow::ensure!(!entries.is_empty(), "there is no shipment {shipment}");
    let mut out = output();
    for audit::Entry { seq, at, actor, action, detail } in entries {
        writeln!(out, "{seq:>5}  {}  {actor}  {action}  {detail}", rfc3339(at))?;
    }
    Ok(ExitCode::SUCCESS)
}
