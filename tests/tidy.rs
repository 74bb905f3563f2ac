//! What this code base holds itself to beyond what the compiler checks.
//!
//! Each test here is one rule, held against every file. The rules themselves are pure
//! functions in `tidy/`, each with a test of its own on made-up sources.

use std::fs;
use std::path::Path;

mod tidy {
    pub mod layers;
    pub mod shape;
    pub mod source;
    pub mod words;
}

use tidy::source::Source;
use tidy::{layers, shape, words};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of ours, in the order of their paths.
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in ["src", "migration/src", "tests"] {
        collect(&root().join(folder), &mut paths);
    }
    paths.sort();
    let mut sources: Vec<Source> = paths.iter().map(|path| Source::new(path, &read(path))).collect();
    let for_tests: Vec<String> = sources.iter().flat_map(Source::test_files).collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs");
        let is_inside = |file: &String| stem == file || stem.starts_with(&format!("{file}/"));
        if for_tests.iter().any(is_inside) {
            source.all_of_it_is_tests();
        }
    }
    sources
}

fn collect(folder: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of ours") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path.strip_prefix(root()).expect("a path below the root");
            paths.push(inside.to_string_lossy().replace('\\', "/"));
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn hold(rule: fn(&Source) -> Vec<String>) {
    assert_none(sources().iter().flat_map(rule).collect());
}

#[track_caller]
fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn imports_go_down_only() {
    hold(layers::imports_upwards);
}

#[test]
fn every_module_has_a_place_in_the_layers() {
    assert_none(layers::modules_without_a_place(&sources()));
}

#[test]
fn only_the_store_speaks_sql() {
    hold(words::sql_outside_the_store);
}

#[test]
fn only_outbound_holds_an_http_client() {
    hold(words::a_second_http_client);
}

#[test]
fn only_the_clock_reads_the_time() {
    hold(words::clocks_read_outside_clock);
}

#[test]
fn only_chance_throws_dice() {
    hold(words::dice_thrown_elsewhere);
}

#[test]
fn only_the_simulation_knows_what_the_dice_will_say() {
    hold(words::dice_seeded_outside_the_simulation);
}

#[test]
fn pure_files_neither_wait_nor_throw_dice() {
    hold(words::impurity_in_pure_files);
}

#[test]
fn only_problem_knows_the_status_of_an_error() {
    hold(words::error_statuses_outside_problem);
}

#[test]
fn only_commands_and_tests_use_anyhow() {
    hold(words::anyhow_below_the_commands);
}

#[test]
fn nothing_crashes_without_a_written_reason() {
    hold(words::crashes_without_a_reason);
}

#[test]
fn nothing_is_left_for_later() {
    let mut sources = sources();
    // The rules name what they look for.
    sources.retain(|source| !source.path.starts_with("tests/tidy"));
    assert_none(sources.iter().flat_map(words::things_left_for_later).collect());
}

#[test]
fn no_test_sleeps() {
    hold(words::sleeping_tests);
}

#[test]
fn no_file_gets_away() {
    hold(shape::files_that_got_away);
}

#[test]
fn no_function_gets_away() {
    hold(shape::functions_that_got_away);
}

#[test]
fn every_folder_says_what_it_promises() {
    hold(shape::modules_without_a_promise);
}

#[test]
fn every_file_is_compiled() {
    assert_none(shape::files_nobody_compiles(&sources()));
}

#[test]
fn the_readme_and_the_pipeline_run_the_same_tests() {
    let places = [".ci/run", "README.md"].into_iter().filter(|path| root().join(path).exists());
    assert_none(places.flat_map(|path| shape::a_test_command_that_drifted(path, &read(path))).collect());
}
