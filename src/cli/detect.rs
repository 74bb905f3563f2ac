//! Tracking numbers and the carriers they can belong to: no configuration, no database.

use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::printing::output;
use crate::carriers::numbers;

#[derive(Args)]
pub struct Detect {
    /// As they were typed; without any, they are read from standard input, one a line.
    #[arg(value_name = "NUMBER")]
    numbers: Vec<String>,
}

impl Detect {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut out = BufWriter::new(output());
        for number in &self.numbers {
            say(&mut out, number)?;
        }
        if self.numbers.is_empty() {
            for line in io::stdin().lock().split(b'\n') {
                let line = line.context("cannot read standard input")?;
                if !line.trim_ascii().is_empty() {
                    say(&mut out, &String::from_utf8_lossy(&line))?;
                }
            }
        }
        out.flush().context("cannot write to standard output")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn say(out: &mut impl Write, number: &str) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(&numbers::detect(number))?;
    line.push(b'\n');
    out.write_all(&line).context("cannot write to standard output")
}
