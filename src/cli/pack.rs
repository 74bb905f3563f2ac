//! Parcels into bags, for whoever has them in a file: no configuration, no database.

mod reading;

use std::io::{self, Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use super::printing::{output, remark};
use crate::consolidation::packing::{self, Packed};
use reading::{Request, read};

#[derive(Serialize)]
struct Answer<'a> {
    bags: Vec<Bag<'a>>,
    lower_bound: usize,
}

#[derive(Serialize)]
struct Bag<'a> {
    parcels: Vec<&'a str>,
    weight_grams: u128,
    volume_cm3: u128,
}

/// Writes all bags, or nothing and what is wrong.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body).context("cannot read standard input")?;
    let request = match read(&body) {
        Ok(request) => request,
        Err(mistakes) => {
            remark!("{}", mistakes.join("\n"));
            remark!("{} mistakes; nothing was packed", mistakes.len());
            return Ok(ExitCode::FAILURE);
        }
    };
    let packed = packing::pack(&request.items, &request.limits, &request.apart)?;
    let mut out = serde_json::to_vec(&answer(&request, &packed))?;
    out.push(b'\n');
    output().write_all(&out).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn answer<'a>(request: &'a Request, packed: &Packed) -> Answer<'a> {
    let bags = packed.bags.iter().map(|bag| Bag {
        parcels: bag.iter().map(|index| request.ids[*index].as_str()).collect(),
        weight_grams: bag.iter().map(|index| u128::from(request.items[*index].weight_grams)).sum(),
        volume_cm3: bag.iter().map(|index| u128::from(request.items[*index].volume_cm3)).sum(),
    });
    Answer { bags: bags.collect(), lower_bound: packed.lower_bound }
}
