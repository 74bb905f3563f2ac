//! One direction of imports: a module may use what is below it, and nothing else.

use super::source::{Source, Token, is_word};

/// From the bottom up. Whoever adds a folder to `src/` gives it a place here.
const LAYERS: [&[&str]; 9] = [
    &["domain"],
    &["clock", "chance", "config", "telemetry", "outbound", "standard_webhooks", "faults"],
    &["store"],
    // Capabilities: what two of them need goes through a flow, or down into the domain.
    &[
        "intake",
        "geography",
        "customs",
        "routing",
        "consolidation",
        "carriers",
        "polling",
        "tracking",
        "escrow",
        "outbox",
        "notifications",
        "merchants",
        "audit",
        "network",
    ],
    &["flows"],
    // Doors.
    &["http", "web", "scheduler", "sandbox"],
    &["app"],
    &["simulation"],
    &["cli"],
];

const TOOLS: usize = 1;
pub const CAPABILITIES: &[&str] = LAYERS[3];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn may_import(from: &str, to: &str) -> bool {
    let (Some(above), Some(below)) = (layer_of(from), layer_of(to)) else { return false };
    from == to || below < above || (above == TOOLS && below == TOOLS) || (from, to) == ("http", "web")
}

/// The folder or file of `src/` that a path belongs to; none for `lib.rs` and `main.rs`.
pub fn top_module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let top = inside.split('/').next()?.trim_end_matches(".rs");
    (top != "lib" && top != "main").then_some(top)
}

pub fn modules_without_a_place(sources: &[Source]) -> Vec<String> {
    let mut tops: Vec<&str> = sources.iter().filter_map(|source| top_module(&source.path)).collect();
    tops.dedup();
    tops.retain(|top| layer_of(top).is_none());
    tops.iter()
        .map(|top| {
            format!("src/{top}: nobody knows its layer: give it a place in LAYERS of tests/tidy/layers.rs")
        })
        .collect()
}

pub fn imports_upwards(source: &Source) -> Vec<String> {
    let Some(from) = top_module(&source.path).filter(|top| layer_of(top).is_some()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for import in imports(source) {
        let to = import.text;
        let reason = match layer_of(to) {
            Some(_) if may_import(from, to) => continue,
            Some(_) if CAPABILITIES.contains(&from) && CAPABILITIES.contains(&to) => {
                "capabilities do not know each other: tell the story in flows/, or move the shared word to domain/"
            }
            Some(_) => "imports go down only: hand the value in, or move what both need to a lower layer",
            None => "import things by the module they live in, and give that module a place in LAYERS",
        };
        found.push(format!("{}:{}: `{from}` uses `crate::{to}`: {reason}", source.path, import.line));
    }
    found
}

/// The first name behind every `crate::`, and behind every `super::` that climbs to the root.
fn imports(source: &Source) -> Vec<Token<'_>> {
    let tokens = source.all_tokens();
    let mut found = Vec::new();
    let mut braces = 0_usize;
    // How deep the modules written inside this file are nested, by the braces they began at.
    let mut inline = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = tokens[at].text;
        match text {
            "mod" if tokens.get(at + 2).is_some_and(|token| token.text == "{") => inline.push(braces),
            "{" => braces += 1,
            "}" => {
                braces = braces.saturating_sub(1);
                inline.pop_if(|begun| *begun == braces);
            }
            "crate" | "super" => {
                let supers = tokens[at..].chunks(2).take_while(|pair| is_step(pair, "super")).count();
                let behind = at + 2 * supers.max(1);
                let is_path = tokens.get(behind - 1).is_some_and(|token| token.text == "::");
                let at_root = text == "crate" || supers == depth(&source.path) + inline.len();
                if is_path && at_root {
                    found.extend(first_names(&tokens[behind..]));
                }
                at = behind;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_step(pair: &[Token<'_>], name: &str) -> bool {
    matches!(pair, [word, colons] if word.text == name && colons.text == "::")
}

/// How many modules deep a file is: 1 for `src/intake/mod.rs`, 2 for `src/intake/rules.rs`.
fn depth(path: &str) -> usize {
    let names = path.trim_start_matches("src/").trim_end_matches("/mod.rs").trim_end_matches(".rs");
    names.split('/').count()
}

/// `a` of `a::b`; `a` and `c` of `{a::{b, d}, c}`; `*` counts as a name that no layer has.
fn first_names<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let Some(first) = tokens.first() else { return Vec::new() };
    if first.text != "{" {
        return vec![*first];
    }
    let mut names = Vec::new();
    let mut depth = 0;
    let mut before = "";
    for token in tokens {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            name if depth == 1 && matches!(before, "{" | ",") && (is_word(name) || name == "*") => {
                names.extend((name != "self").then_some(*token));
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        before = token.text;
    }
    names
}

mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text);
        imports(&source).iter().map(|import| import.text.to_owned()).collect()
    }

    fn complaints(path: &str, text: &str) -> usize {
        imports_upwards(&Source::new(path, text)).len()
    }

    #[test]
    fn imports_are_seen_however_they_are_written() {
        assert_eq!(names("src/a.rs", "use crate::store::x;\nfn f() { crate::web::g() }"), ["store", "web"]);
        let nested = "use crate::{self, config, store::{self, web}, domain::{id::{A, B}, c}};";
        assert_eq!(names("src/a.rs", nested), ["config", "store", "domain"]);
        assert_eq!(names("src/a.rs", "pub(crate) use words;\n// crate::web\n\"crate::web\";"), [""; 0]);
        assert_eq!(names("src/a.rs", "pub(in crate::store) fn f() {}"), ["store"]);
        assert_eq!(names("src/a.rs", "use crate::*;"), ["*"]);
    }

    #[test]
    fn climbing_to_the_root_is_an_import_too() {
        assert_eq!(names("src/intake/mod.rs", "use super::web::a;"), ["web"]);
        assert_eq!(names("src/intake/rules.rs", "use super::error;\nuse super::super::web;"), ["web"]);
        assert_eq!(names("src/clock.rs", "mod tests {\n use super::Clock;\n}\nuse super::web;"), ["web"]);
    }

    #[test]
    fn imports_go_down_only() {
        assert_eq!(
            complaints("src/intake/mod.rs", "use crate::{domain::id, config, store, intake::rules};"),
            0
        );
        assert_eq!(complaints("src/store/mod.rs", "use crate::intake::x;"), 1);
        assert_eq!(complaints("src/domain/id.rs", "use crate::{config, clock};"), 2);
        assert_eq!(complaints("src/outbound.rs", "use crate::config;"), 0);
        assert_eq!(complaints("src/intake/mod.rs", "use crate::flows::accept_pickup;"), 1);
        assert_eq!(complaints("src/flows/a.rs", "use crate::{intake, routing, store};"), 0);
        assert_eq!(complaints("src/cli/serve.rs", "use crate::{app, http, config};"), 0);
        assert_eq!(complaints("src/main.rs", "use crate::{cli, x};"), 0);
    }

    #[test]
    fn neighbours_do_not_know_each_other_but_http_may_show_web() {
        assert_eq!(complaints("src/intake/mod.rs", "use crate::routing::plan;"), 1);
        assert_eq!(complaints("src/scheduler/mod.rs", "use crate::http;"), 1);
        assert_eq!(complaints("src/web/mod.rs", "use crate::http::problem;"), 1);
        assert_eq!(complaints("src/http/mod.rs", "use crate::web;"), 0);
    }

    #[test]
    fn a_name_that_is_no_layer_is_not_imported_from_the_root() {
        assert_eq!(complaints("src/flows/a.rs", "use crate::Shortcut;"), 1);
    }

    #[test]
    fn a_new_folder_has_to_be_given_a_place() {
        let sources = ["src/lib.rs", "src/domain/id.rs", "src/misc/mod.rs", "src/misc/a.rs"];
        let sources = sources.map(|path| Source::new(path, ""));
        assert_eq!(modules_without_a_place(&sources).len(), 1);
    }
}
