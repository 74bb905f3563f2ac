//! The door of the binary: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;

/// Rows cross threads on their way out of a database, and the C library's allocator is slow at that. SQLite's memory is from
/// here, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = sampan::cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return sampan::cli::end(&anyhow::Error::from(error).context("no runtime")),
    };
    match runtime.block_on(cli.run()) {
        Ok(code) => code,
        Err(error) => sampan::cli::end(&error),
    }
}
