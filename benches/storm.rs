//! A storm as long as you like: `cargo bench --bench storm -- --kills 5000 --seed 1 --database postgres --daemons 3`.
//!
//! What is killed, cut, filled and checked is said in `tests/storm`. Left out, it is
//! 5,000 kills of one daemon on SQLite, and a seed that nobody chose. Printed: what there was. A storm that
//! fails prints its seed and its plan. `--profile dev` takes the binary that the tests are run with.

// Of what the tests stand on a storm needs a part, and its own tests run elsewhere.
#![allow(dead_code, unused_imports, unused_macros)]

#[path = "../tests/storm/mod.rs"]
mod storm;
#[path = "../tests/it/support/mod.rs"]
mod support;

use storm::Options;
use support::database::Kind;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let options = options(std::env::args().skip(1));
    println!("{options:?}");
    match runtime.block_on(storm::rage(options)) {
        Some(figures) => print!("{figures}"),
        None => std::process::exit(1),
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Options {
    let mut options = Options { kind: Kind::Sqlite, daemons: 1, kills: 5_000, seed: fastrand::u64(..) };
    while let Some(name) = arguments.next() {
        // Cargo's own.
        if name == "--bench" {
            continue;
        }
        let value = arguments.next().unwrap_or_else(|| panic!("{name} has no value"));
        let number = || value.parse().unwrap_or_else(|_| panic!("{name} {value}: no number"));
        match name.as_str() {
            "--kills" => options.kills = number() as usize,
            "--seed" => options.seed = number(),
            "--daemons" => options.daemons = number() as usize,
            "--database" if value == "sqlite" => options.kind = Kind::Sqlite,
            "--database" if value == "postgres" => options.kind = Kind::Postgres,
            _ => panic!(
                "{name} {value}: unknown; there are --kills, --seed, --daemons and --database sqlite|postgres"
            ),
        }
    }
    assert!(options.daemons == 1 || options.kind == Kind::Postgres, "SQLite is for one daemon");
    options
}
