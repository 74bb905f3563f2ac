use clap::Args;
use std::process::ExitCode;
#[derive(Args)]
pub struct Demo {}
impl Demo {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        Ok(ExitCode::SUCCESS)
    }
}
