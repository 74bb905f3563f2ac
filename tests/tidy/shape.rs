//! How large things may get, and what they have to say about themselves.

use super::layers::{CAPABILITIES, top_module};
use super::source::Source;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
/// A capability says what it promises, what always holds and what it leaves out.
const PROMISE_LINES_MIN: usize = 3;

pub const TEST_COMMAND: &str = "cargo test --workspace";

pub fn files_that_got_away(source: &Source) -> Vec<String> {
    let lines = source.lines_before_tests();
    if !source.path.starts_with("src/") || lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let line = FILE_LINES_MAX + 1;
    vec![format!(
        "{}:{line}: {lines} lines before its tests, and {FILE_LINES_MAX} are the limit: look for the wall inside it",
        source.path
    )]
}

pub fn functions_that_got_away(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let long = source.functions().into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
    long.map(|function| {
        let (path, line, name, lines) = (&source.path, function.line, function.name, function.lines);
        format!("{path}:{line}: `{name}` has {lines} lines, and {FUNCTION_LINES_MAX} are the limit: give its parts names")
    })
    .collect()
}

pub fn modules_without_a_promise(source: &Source) -> Vec<String> {
    let path = source.path.as_str();
    let said = source.text.lines().take_while(|line| line.starts_with("//!")).count();
    let is_top_folder =
        path.starts_with("src/") && path.ends_with("/mod.rs") && path.matches('/').count() == 2;
    let is_front = path.matches('/').count() == 1 || is_top_folder;
    let is_capability = is_front && top_module(path).is_some_and(|top| CAPABILITIES.contains(&top));
    if is_capability && said < PROMISE_LINES_MIN {
        vec![format!(
            "{path}:1: begin with at least {PROMISE_LINES_MIN} lines of `//!`: its promise, what always holds, what is absent"
        )]
    } else if (is_top_folder || path == "src/lib.rs") && said == 0 {
        vec![format!("{path}:1: begin with `//!` and say what this is for")]
    } else {
        Vec::new()
    }
}

/// A file that no `mod` names is not compiled: nothing else would notice it.
pub fn files_nobody_compiles(sources: &[Source]) -> Vec<String> {
    let mut declared = Vec::new();
    for source in sources {
        let tokens = source.all_tokens();
        let files = tokens.windows(3).filter(|three| three[0].text == "mod" && three[2].text == ";");
        let folder = source.folder_of_children();
        declared.extend(files.map(|three| format!("{folder}/{}", three[1].text)));
    }
    let is_compiled = |path: &str| {
        let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
        ["src/lib", "src/main"].contains(&stem) || declared.iter().any(|name| name == stem)
    };
    let sources = sources.iter().filter(|source| source.path.starts_with("src/"));
    sources
        .filter(|source| !is_compiled(&source.path))
        .map(|source| format!("{}:1: no `mod` names this file: name it or delete it", source.path))
        .collect()
}

/// What a newcomer is told to run is what is run for every change.
pub fn a_test_command_that_drifted(path: &str, text: &str) -> Vec<String> {
    let is_whole = |line: &str| {
        let parts = line.split(TEST_COMMAND).skip(1);
        parts.into_iter().any(|behind| {
            !behind.starts_with(|letter: char| letter.is_alphanumeric() || " -_".contains(letter))
        })
    };
    if text.lines().any(is_whole) {
        return Vec::new();
    }
    vec![format!("{path}:1: has to contain `{TEST_COMMAND}`, as it stands here")]
}

mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path, text)
    }

    #[test]
    fn files_are_measured_without_their_tests() {
        let lines = "\n".repeat(FILE_LINES_MAX);
        let tests = "#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(files_that_got_away(&source("src/a.rs", &(lines.clone() + tests))).len(), 0);
        assert_eq!(files_that_got_away(&source("src/a.rs", &(lines.clone() + "\n" + tests))).len(), 1);
        assert_eq!(files_that_got_away(&source("tests/a.rs", &(lines + "\n"))).len(), 0);
    }

    #[test]
    fn functions_are_measured_by_their_braces() {
        let body = |lines: usize| format!("fn f() {{{}}}\n", "\n".repeat(lines - 1));
        assert_eq!(functions_that_got_away(&source("src/a.rs", &body(FUNCTION_LINES_MAX))).len(), 0);
        let too_long = body(FUNCTION_LINES_MAX + 1);
        assert_eq!(functions_that_got_away(&source("src/a.rs", &too_long)).len(), 1);
        let in_tests = format!("#[cfg(test)]\nmod tests {{\n{too_long}}}");
        assert_eq!(functions_that_got_away(&source("src/a.rs", &in_tests)).len(), 0);
    }

    #[test]
    fn a_capability_promises_more_than_a_folder() {
        let complaints = |path, text| modules_without_a_promise(&source(path, text)).len();
        assert_eq!(complaints("src/flows/mod.rs", "//! A."), 0);
        assert_eq!(complaints("src/flows/mod.rs", "mod a;\n//! A."), 1);
        assert_eq!(complaints("src/lib.rs", "pub mod a;"), 1);
        assert_eq!(complaints("src/intake/mod.rs", "//! A.\n//!\n//! B."), 0);
        assert_eq!(complaints("src/intake/mod.rs", "//! A.\n//! B."), 1);
        assert_eq!(complaints("src/intake.rs", "//! A."), 1);
        assert_eq!(complaints("src/intake/rules.rs", ""), 0);
        assert_eq!(complaints("src/carriers/dhl/mod.rs", ""), 0);
    }

    #[test]
    fn every_file_is_named_by_a_module() {
        let sources = [
            source("src/lib.rs", "pub mod a;\nmod b;"),
            source("src/a/mod.rs", "mod c;"),
            source("src/a/c.rs", "mod d;\nmod e { }"),
            source("src/a/c/d.rs", ""),
            source("src/b.rs", ""),
        ];
        assert_eq!(files_nobody_compiles(&sources), [""; 0]);
        assert_eq!(
            files_nobody_compiles(&[source("src/lib.rs", "// mod a;"), source("src/a.rs", "")]).len(),
            1
        );
    }

    #[test]
    fn the_test_command_is_found_whole_only() {
        let complaints = |text: &str| a_test_command_that_drifted("README.md", text).len();
        assert_eq!(complaints(&format!("```\n{TEST_COMMAND}\n```")), 0);
        assert_eq!(complaints(&format!("Run `{TEST_COMMAND}` first.")), 0);
        assert_eq!(complaints(&format!("{TEST_COMMAND} --release")), 1);
        assert_eq!(complaints("cargo test"), 1);
    }
}
