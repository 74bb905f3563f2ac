//! Words that belong to some files only, and words that belong nowhere.

use super::layers::top_module;
use super::source::{Source, Token, is_word};

pub fn sql_outside_the_store(source: &Source) -> Vec<String> {
    let known = ["sea_orm", "sea_query", "sea_orm_migration", "sqlx"];
    if !is_source(source) || top_module(&source.path) == Some("store") {
        return Vec::new();
    }
    mentions(source, |_, token| known.contains(&token.text), "only `store` speaks SQL: give it a verb there")
}

/// Tests too: they call through `outbound`, so that its limits hold there as well.
pub fn a_second_http_client(source: &Source) -> Vec<String> {
    if source.path == "src/outbound.rs" {
        return Vec::new();
    }
    mentions(
        source,
        |_, token| token.text == "reqwest",
        "build an `outbound::Request` and let `Outbound` send it",
    )
}

/// `Tick::now()` under another name counts as well; durations may be measured where requests and
/// logs are.
pub fn clocks_read_outside_clock(source: &Source) -> Vec<String> {
    if !is_source(source) || source.path == "src/clock.rs" {
        return Vec::new();
    }
    let measures = source.path == "src/telemetry.rs" || source.path.starts_with("src/http/");
    let reads = |before: &[Token<'_>], token: &Token<'_>| {
        let [.., owner, colons] = before else { return false };
        let is_type = owner.text.starts_with(char::is_uppercase) && owner.text != "Clock";
        let is_calendar = ["Utc", "Local", "SystemTime"].contains(&owner.text);
        token.text == "now" && colons.text == "::" && is_type && (is_calendar || !measures)
    };
    mentions(source, reads, "take `now` as an argument, or ask the `Clock`")
}

/// Dice that somebody seeded are a value like any other.
pub fn dice_thrown_elsewhere(source: &Source) -> Vec<String> {
    if !is_source(source) || source.path == "src/chance.rs" {
        return Vec::new();
    }
    let throws = |before: &[Token<'_>], token: &Token<'_>| {
        let of = match before {
            [.., owner, colons] if colons.text == "::" => owner.text,
            _ => "",
        };
        let is_unseeded = of == "fastrand" && token.text != "Rng" || of == "Rng" && token.text == "new";
        is_unseeded || ["getrandom", "now_v7", "new_v4"].contains(&token.text)
    };
    mentions(source, throws, "ask `chance`, so that a simulation can be repeated")
}

/// What is seeded is no secret.
pub fn dice_seeded_outside_the_simulation(source: &Source) -> Vec<String> {
    let may = ["src/chance.rs", "src/simulation/"].iter().any(|path| source.path.starts_with(path));
    if !is_source(source) || may {
        return Vec::new();
    }
    mentions(
        source,
        |_, token| token.text == "Seeded",
        "nobody but a simulation may know the dice beforehand",
    )
}

pub fn impurity_in_pure_files(source: &Source) -> Vec<String> {
    if !is_pure(&source.path) {
        return Vec::new();
    }
    let impure = ["async", "await", "tokio", "fastrand", "SystemTime"];
    let advice = "this file decides and nothing else: values in, decision out; let the caller wait, throw dice and read clocks";
    let of_chance = |before: &[Token<'_>]| matches!(before, [.., owner, colons] if owner.text == "chance" && colons.text == "::");
    mentions(source, |before, token| impure.contains(&token.text) || of_chance(before), advice)
}

fn is_pure(path: &str) -> bool {
    let folders = ["domain", "geography", "customs", "routing", "carriers"];
    path.starts_with("src/")
        && (path.ends_with("/rules.rs") || top_module(path).is_some_and(|top| folders.contains(&top)))
}

/// Of what is no error, a handler may choose itself.
pub fn error_statuses_outside_problem(source: &Source) -> Vec<String> {
    let fine = ["OK", "CREATED", "ACCEPTED", "NO_CONTENT", "SEE_OTHER", "NOT_MODIFIED", "PERMANENT_REDIRECT"];
    let fine_builders =
        ["Ok", "Created", "Accepted", "NoContent", "SeeOther", "NotModified", "PermanentRedirect"];
    if !is_source(source) || source.path == "src/http/problem.rs" {
        return Vec::new();
    }
    let in_http = source.path.starts_with("src/http/");
    let names_an_error = |before: &[Token<'_>], token: &Token<'_>| {
        let [.., owner, colons] = before else { return false };
        let constant = token.text.chars().all(|letter| letter.is_uppercase() || letter == '_');
        let builder = token.text.starts_with(char::is_uppercase) && !constant;
        colons.text == "::"
            && match owner.text {
                "StatusCode" => constant && !fine.contains(&token.text),
                "HttpResponse" => in_http && builder && !fine_builders.contains(&token.text),
                _ => false,
            }
    };
    mentions(source, names_an_error, "return the error; `http/problem.rs` turns its class into a status")
}

pub fn anyhow_below_the_commands(source: &Source) -> Vec<String> {
    let top = top_module(&source.path);
    if !is_source(source) || top == Some("cli") || source.path == "src/main.rs" {
        return Vec::new();
    }
    mentions(source, |_, token| token.text == "anyhow", "say what can fail in an enum with a `class()`")
}

/// A chain of calls may be explained above its first line.
pub fn crashes_without_a_reason(source: &Source) -> Vec<String> {
    if !is_source(source) {
        return Vec::new();
    }
    let tokens = source.tokens();
    let called = tokens.windows(3).filter(|three| {
        three[0].text == "." && matches!(three[1].text, "unwrap" | "expect") && three[2].text == "("
    });
    let panics = tokens.windows(2).filter(|two| two[0].text == "panic" && two[1].text == "!");
    let mut crashes: Vec<&Token<'_>> =
        called.map(|three| &three[1]).chain(panics.map(|two| &two[0])).collect();
    crashes.sort_by_key(|word| word.line);
    crashes
        .iter()
        .filter(|word| !is_explained(source, word.line))
        .map(|word| {
            let advice = "return an error, or say in a `//` comment above why this cannot happen";
            format!("{}:{}: `{}`: {advice}", source.path, word.line, word.text)
        })
        .collect()
}

fn is_explained(source: &Source, line: usize) -> bool {
    let mut line = line;
    loop {
        if source.is_explained_on(line) || source.is_explained_on(line - 1) {
            return true;
        }
        // A line that goes on with what an earlier one began.
        if line == 1 || !source.code_line(line).trim_start().starts_with(['.', ')', '}', ']']) {
            return false;
        }
        line -= 1;
    }
}

/// XXX is looked for in comments only: to ISO 4217 it is the currency of what has none.
pub fn things_left_for_later(source: &Source) -> Vec<String> {
    let tokens = source.all_tokens();
    let macros = tokens
        .windows(2)
        .filter(|pair| matches!(pair[0].text, "todo" | "unimplemented" | "dbg") && pair[1].text == "!");
    let ignored = tokens
        .windows(3)
        .filter(|three| three[0].text == "#" && three[1].text == "[" && three[2].text == "ignore");
    let mut found: Vec<(usize, &str)> = macros.map(|pair| (pair[0].line, pair[0].text)).collect();
    found.extend(ignored.map(|three| (three[0].line, "#[ignore")));
    for (word, places) in [
        ("TODO", lines_with(source.text.lines(), "TODO")),
        ("FIXME", lines_with(source.text.lines(), "FIXME")),
        ("XXX", lines_with(source.comment_lines(), "XXX")),
    ] {
        found.extend(places.into_iter().map(|line| (line, word)));
    }
    found.sort_unstable();
    found
        .iter()
        .map(|(line, what)| {
            format!("{}:{line}: `{what}`: finish it, or write it down elsewhere", source.path)
        })
        .collect()
}

fn lines_with<'a>(lines: impl Iterator<Item = &'a str>, word: &str) -> Vec<usize> {
    let has_word = |line: &str| {
        line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
    };
    lines.enumerate().filter(|(_, line)| has_word(line)).map(|(index, _)| index + 1).collect()
}

pub fn sleeping_tests(source: &Source) -> Vec<String> {
    if !source.path.starts_with("tests/") {
        return Vec::new();
    }
    let sleeps = |_: &[Token<'_>], token: &Token<'_>| {
        matches!(token.text, "sleep" | "sleep_ms" | "sleep_until" | "park_timeout")
    };
    mentions(source, sleeps, "wait for a condition, with an end to the waiting")
}

fn is_source(source: &Source) -> bool {
    source.path.starts_with("src/")
}

/// Says where a word stands that `is_meant`, which is shown the tokens before it. Tests at the
/// end of a file of `src/` may say what they like.
fn mentions(
    source: &Source,
    is_meant: impl Fn(&[Token<'_>], &Token<'_>) -> bool,
    advice: &str,
) -> Vec<String> {
    let tokens = source.tokens();
    let words = tokens.iter().enumerate().filter(|(_, token)| is_word(token.text));
    words
        .filter(|(at, token)| is_meant(&tokens[..*at], token))
        .map(|(_, token)| format!("{}:{}: `{}`: {advice}", source.path, token.line, token.text))
        .collect()
}

mod tests {
    use super::*;

    type Rule = fn(&Source) -> Vec<String>;

    fn lines(rule: Rule, path: &str, text: &str) -> usize {
        rule(&Source::new(path, text)).len()
    }

    #[test]
    fn sql_is_spoken_in_the_store_alone() {
        for (path, found) in [("src/intake/mod.rs", 1), ("src/app.rs", 1), ("src/main.rs", 1)] {
            assert_eq!(lines(sql_outside_the_store, path, "use sea_orm::Set; // sqlx\n\"sqlx\""), found);
        }
        for path in ["src/store/pickups.rs", "migration/src/lib.rs", "tests/it/main.rs"] {
            assert_eq!(lines(sql_outside_the_store, path, "use sea_orm::Set;"), 0);
        }
    }

    #[test]
    fn there_is_one_http_client() {
        for (path, found) in [("src/outbound.rs", 0), ("src/sandbox/mod.rs", 1), ("tests/it/main.rs", 1)] {
            assert_eq!(lines(a_second_http_client, path, "reqwest::get(\"reqwest\")"), found);
        }
    }

    #[test]
    fn a_clock_is_recognised_under_any_name() {
        let rule = clocks_read_outside_clock;
        for text in ["Utc::now()", "a::b::Utc::now", "Tick::now()", "SystemTime::now()"] {
            assert_eq!(lines(rule, "src/intake/mod.rs", text), 1, "{text}");
            assert_eq!(lines(rule, "src/clock.rs", text), 0, "{text}");
            assert_eq!(lines(rule, "tests/it/main.rs", text), 0, "{text}");
        }
        for text in ["clock.now()", "map(Clock::now)", "let now = 1;", "rules::now()"] {
            assert_eq!(lines(rule, "src/intake/mod.rs", text), 0, "{text}");
        }
        assert_eq!(lines(rule, "src/http/mod.rs", "Instant::now(); Utc::now()"), 1);
        assert_eq!(lines(rule, "src/intake/mod.rs", "#[cfg(test)]\nmod tests {\n Utc::now() }"), 0);
    }

    #[test]
    fn pure_files_neither_wait_nor_throw_dice() {
        let rule = impurity_in_pure_files;
        for path in ["src/domain/id.rs", "src/carriers/dhl/mod.rs", "src/escrow/rules.rs", "src/routing.rs"] {
            assert_eq!(lines(rule, path, "async fn f() { g().await; chance::id() }"), 3, "{path}");
            assert_eq!(lines(rule, path, "fn f() {}\n#[cfg(test)]\nmod tests {\n tokio::x }"), 0, "{path}");
        }
        assert_eq!(lines(rule, "src/escrow/mod.rs", "async fn f() {}"), 0);
    }

    #[test]
    fn dice_are_thrown_in_one_place_and_seeded_by_the_simulation_alone() {
        let rule = dice_thrown_elsewhere;
        for text in ["fastrand::f64()", "Rng::new()", "getrandom::fill(b)", "Uuid::now_v7()", "Uuid::new_v4"]
        {
            assert_eq!(lines(rule, "src/flows/a.rs", text), 1, "{text}");
            assert_eq!(lines(rule, "src/chance.rs", text), 0, "{text}");
            assert_eq!(lines(rule, "tests/it/main.rs", text), 0, "{text}");
        }
        assert_eq!(lines(rule, "src/sandbox/mod.rs", "fastrand::Rng::with_seed(1); dice.f64()"), 0);
        let rule = dice_seeded_outside_the_simulation;
        for (path, found) in [("src/cli/serve.rs", 1), ("src/app.rs", 1), ("src/simulation/world.rs", 0)] {
            assert_eq!(lines(rule, path, "chance::Seeded::new(1, clock)"), found, "{path}");
        }
    }

    #[test]
    fn one_file_chooses_the_status_of_an_error() {
        let rule = error_statuses_outside_problem;
        let text = "StatusCode::NOT_FOUND; StatusCode::OK; HttpResponse::NotFound(); HttpResponse::Ok()";
        assert_eq!(lines(rule, "src/http/pickups.rs", text), 2);
        assert_eq!(lines(rule, "src/sandbox/mod.rs", text), 1);
        assert_eq!(lines(rule, "src/http/problem.rs", text), 0);
        assert_eq!(lines(rule, "tests/it/main.rs", text), 0);
        assert_eq!(lines(rule, "src/http/mod.rs", "StatusCode::from_u16(1); HttpResponse::build(s)"), 0);
    }

    #[test]
    fn errors_without_a_name_stay_in_the_commands() {
        let paths = [("src/cli/demo.rs", 0), ("src/main.rs", 0), ("src/app.rs", 1), ("src/lib.rs", 1)];
        for (path, found) in paths {
            assert_eq!(lines(anyhow_below_the_commands, path, "anyhow::Result"), found, "{path}");
        }
    }

    #[test]
    fn a_crash_needs_a_reason_beside_it() {
        let rule = crashes_without_a_reason;
        for (text, found) in [
            ("a.unwrap();", 1),
            ("a.expect(\"// b\");", 1),
            ("panic!(\"a\");", 1),
            ("a.unwrap(); // Checked above.", 0),
            ("// Checked above.\na.expect(\"b\");", 0),
            ("// Checked above.\na\n    .b()\n    .unwrap();", 0),
            ("// Checked above.\na();\nb\n    .unwrap();", 1),
            ("/// Documentation is no reason.\na.unwrap();", 1),
            ("a.unwrap_or(b).expect_err(c); fn expect(d) {}", 0),
            ("a();\n#[cfg(test)]\nmod tests {\n b.unwrap();\n}", 0),
        ] {
            assert_eq!(lines(rule, "src/app.rs", text), found, "{text}");
        }
        assert_eq!(lines(rule, "tests/it/main.rs", "a.unwrap()"), 0);
    }

    #[test]
    fn nothing_is_left_for_later() {
        for (text, found) in [
            ("todo!(); dbg!(a); unimplemented!()", 3),
            ("#[ignore]\n#[ignore = \"slow\"]", 2),
            ("// TODO: a\n\"FIXME\"\n/* XXX */", 3),
            ("let currency = \"XXX\"; // MASTODON", 0),
            ("#[cfg(test)]\nmod tests {\n todo!()\n}", 1),
        ] {
            assert_eq!(lines(things_left_for_later, "src/a.rs", text), found, "{text}");
        }
    }

    #[test]
    fn tests_wait_for_conditions() {
        let text = "thread::sleep(a); tokio::time::sleep(b); use std::thread::sleep;";
        assert_eq!(lines(sleeping_tests, "tests/it/main.rs", text), 3);
        assert_eq!(lines(sleeping_tests, "src/app.rs", text), 0);
    }
}
