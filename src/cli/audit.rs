use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Settings;
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
}

impl Audit {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let Verb::Verify = self.verb;
        let deps = super::build(settings).await?;
        let verdict = audit::verify(&deps.store).await?;
        for broken in &verdict.breaks {
            println!("broken  {}  entry {}  {}", broken.shipment, broken.seq, broken.reason);
        }
        println!(
            "{} entries of {} shipments, {} breaks",
            verdict.entries,
            verdict.shipments,
            verdict.breaks.len()
        );
        deps.store.close().await;
        Ok(if verdict.breaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
