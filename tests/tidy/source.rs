//! A Rust file, read roughly: what is code, what is comment, where its tests begin.
//!
//! No parser: comments and literals are blanked, what is left is split into words and
//! signs. That is enough to see an import or a call, and it cannot be fooled by
//! a forbidden word inside a string.

pub struct Source {
    /// From the root of the repository, with `/`.
    pub path: String,
    pub text: String,
    /// `text` without comments and without what strings and characters hold; same lines.
    code: String,
    /// `text` without everything else; same lines.
    comments: String,
    /// The first line that belongs to tests; `usize::MAX` where there are none.
    tests_begin_at: usize,
}

#[derive(Clone, Copy)]
pub struct Token<'a> {
    pub text: &'a str,
    /// Counted from 1.
    pub line: usize,
}

pub struct Function<'a> {
    pub name: &'a str,
    pub line: usize,
    pub lines: usize,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let tests_begin_at = test_modules(&code).inside.unwrap_or(usize::MAX);
        Self { path: path.to_owned(), text: text.to_owned(), code, comments, tests_begin_at }
    }

    /// For a file that a `#[cfg(test)] mod name;` elsewhere brings in.
    pub fn all_of_it_is_tests(&mut self) {
        self.tests_begin_at = 1;
    }

    /// Files that exist for tests alone, without `.rs`: `src/intake/cases` for `#[cfg(test)] mod cases;`.
    pub fn test_files(&self) -> Vec<String> {
        let folder = self.folder_of_children();
        test_modules(&self.code).files.into_iter().map(|name| format!("{folder}/{name}")).collect()
    }

    /// Where `mod name;` of this file is looked for.
    pub fn folder_of_children(&self) -> &str {
        let stem = self.path.trim_end_matches(".rs");
        match stem.rsplit_once('/') {
            Some((folder, "mod" | "lib" | "main")) => folder,
            _ => stem,
        }
    }

    pub fn all_tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.code)
    }

    /// Without those of the tests at the end.
    pub fn tokens(&self) -> Vec<Token<'_>> {
        let mut tokens = tokens(&self.code);
        tokens.retain(|token| token.line < self.tests_begin_at);
        tokens
    }

    pub fn lines_before_tests(&self) -> usize {
        self.text.lines().count().min(self.tests_begin_at - 1)
    }

    pub fn code_line(&self, line: usize) -> &str {
        nth(&self.code, line)
    }

    pub fn comment_lines(&self) -> impl Iterator<Item = &str> {
        self.comments.lines()
    }

    /// Whether a `//` comment on this line says something; documentation is not meant.
    pub fn is_explained_on(&self, line: usize) -> bool {
        let comment = nth(&self.comments, line).trim();
        let documentation = comment.starts_with("///") || comment.starts_with("//!");
        !documentation && comment.strip_prefix("//").is_some_and(|said| !said.trim().is_empty())
    }

    /// With the lines from `fn` to the closing brace, both counted.
    pub fn functions(&self) -> Vec<Function<'_>> {
        let tokens = self.tokens();
        let starts = tokens.windows(2).enumerate();
        starts
            .filter(|(_, pair)| pair[0].text == "fn" && is_word(pair[1].text))
            .filter_map(|(at, pair)| {
                let last = end_of_body(&tokens[at..])?;
                let lines = last.line - pair[0].line + 1;
                Some(Function { name: pair[1].text, line: pair[0].line, lines })
            })
            .collect()
    }
}

fn nth(text: &str, line: usize) -> &str {
    line.checked_sub(1).and_then(|index| text.lines().nth(index)).unwrap_or_default()
}

pub fn is_word(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// The closing brace of the first body after a `fn`; none where a `;` ends the declaration.
fn end_of_body<'a>(tokens: &[Token<'a>]) -> Option<Token<'a>> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for token in tokens {
        match token.text {
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets -= 1,
            "{" => braces += 1,
            "}" if braces == 1 => return Some(*token),
            "}" => braces -= 1,
            ";" if brackets == 0 && braces == 0 => return None,
            _ => {}
        }
    }
    None
}

struct TestModules {
    /// The line of the first `#[cfg(test)]` above a `mod … {`.
    inside: Option<usize>,
    /// The names of `#[cfg(test)] mod name;`.
    files: Vec<String>,
}

fn test_modules(code: &str) -> TestModules {
    let mut found = TestModules { inside: None, files: Vec::new() };
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    for (index, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix("#[cfg(test)]") else { continue };
        let following = std::iter::once(rest.trim()).chain(lines[index + 1..].iter().copied());
        let Some(item) = following.into_iter().find(|line| !line.is_empty() && !line.starts_with('#')) else {
            continue;
        };
        let mut words = item.split_whitespace().skip_while(|word| word.starts_with("pub"));
        if words.next() != Some("mod") {
            continue;
        }
        match words.next().and_then(|name| name.strip_suffix(';')) {
            Some(name) => found.files.push(name.to_owned()),
            None => {
                found.inside = Some(index + 1);
                break;
            }
        }
    }
    found
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    for (index, line_text) in code.lines().enumerate() {
        let mut rest = line_text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if in_word(first) {
                rest.find(|letter| !in_word(letter)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            found.push(Token { text: &rest[..length], line: index + 1 });
            rest = rest[length..].trim_start();
        }
    }
    found
}

fn in_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[derive(PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// The code and the comments of `text`, each with blanks in place of the rest.
fn split(text: &str) -> (String, String) {
    let letters: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (String::new(), String::new());
    let mut rest = letters.as_slice();
    while !rest.is_empty() {
        let (kind, length) = piece(rest);
        let (piece, behind) = rest.split_at(length.clamp(1, rest.len()));
        for &letter in piece {
            let blank = if letter == '\n' { '\n' } else { ' ' };
            code.push(if kind == Kind::Code { letter } else { blank });
            comments.push(if kind == Kind::Comment { letter } else { blank });
        }
        rest = behind;
    }
    (code, comments)
}

fn piece(rest: &[char]) -> (Kind, usize) {
    match rest {
        ['/', '/', ..] => (Kind::Comment, until(rest, |letter| letter == '\n')),
        ['/', '*', ..] => (Kind::Comment, block_comment(rest)),
        ['"', ..] => (Kind::Literal, quoted(rest)),
        ['\'', '\\', ..] => (Kind::Literal, quoted(rest)),
        // Anything else with one quote is a lifetime.
        ['\'', _, '\'', ..] => (Kind::Literal, 3),
        [first, ..] if in_word(*first) => {
            let length = until(rest, |letter| !in_word(letter));
            match (&rest[..length], raw_string(&rest[length..])) {
                (['r'] | ['b' | 'c', 'r'], Some(string)) => (Kind::Literal, length + string),
                _ => (Kind::Code, length),
            }
        }
        _ => (Kind::Code, 1),
    }
}

fn until(letters: &[char], end: impl Fn(char) -> bool) -> usize {
    letters.iter().position(|&letter| end(letter)).unwrap_or(letters.len())
}

/// Block comments nest.
fn block_comment(letters: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < letters.len() {
        match letters[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// A literal that ends at the quote it began with, unless a backslash is before it.
fn quoted(letters: &[char]) -> usize {
    let mut at = 1;
    while at < letters.len() && letters[at] != letters[0] {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of `#"…"#`, with as many `#` as there are.
fn raw_string(letters: &[char]) -> Option<usize> {
    let hashes = until(letters, |letter| letter != '#');
    if letters.get(hashes) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let inside = &letters[hashes + 1..];
    let end = inside.windows(closing.len()).position(|window| window == closing).unwrap_or(inside.len());
    Some(hashes + 1 + end + closing.len())
}

mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let source = Source::new("src/x.rs", text);
        source.all_tokens().iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f"), "a f");
        assert_eq!(words(r#"a("b \" c", 'd', '\'', '"', e)"#), "a ( , , , , e )");
        assert_eq!(words("a(r#\"b \" c\"#, br\"d\\\", b\"e\", r#fn)"), "a ( , , b , r # fn )");
        assert_eq!(words("f::<'a, 'b>(x)"), "f :: < ' a , ' b > ( x )");
    }

    #[test]
    fn a_comment_explains_and_documentation_does_not() {
        let source = Source::new("src/x.rs", "/// Doc.\n// Why.\nf(); // Why.\n//\nlet a = \"// no\";");
        let explained: Vec<bool> = (1..=5).map(|line| source.is_explained_on(line)).collect();
        assert_eq!(explained, [false, true, true, false, false]);
    }

    #[test]
    fn tests_begin_at_the_first_module_for_tests() {
        let begins = |text| Source::new("src/x.rs", text).tests_begin_at;
        assert_eq!(begins("fn f() {}\n#[cfg(test)]\nmod tests {\n}"), 2);
        assert_eq!(begins("#[cfg(test)]\n#[allow(unused)]\npub(crate) mod tests {\n}"), 1);
        assert_eq!(begins("#[cfg(test)]\nuse a::b;\nfn f() {}"), usize::MAX);
        assert_eq!(begins("// #[cfg(test)]\nmod tests {\n}"), usize::MAX);
        assert_eq!(begins("#[cfg(test)]\nmod cases;\nfn f() {}"), usize::MAX);
    }

    #[test]
    fn files_for_tests_alone_are_found_where_the_compiler_looks() {
        let text = "#[cfg(test)]\nmod cases;\nmod rules;";
        assert_eq!(Source::new("src/intake/mod.rs", text).test_files(), ["src/intake/cases"]);
        assert_eq!(Source::new("src/intake/rules.rs", text).test_files(), ["src/intake/rules/cases"]);
    }

    #[test]
    fn functions_are_measured_from_their_name_to_their_last_brace() {
        let text = "fn a() {\n if b { c } }\ntrait T { fn d(&self) -> [u8; 2]; }\nfn e<T>(f: fn(u8))\nwhere T: U\n{\n}";
        let source = Source::new("src/x.rs", text);
        let found: Vec<_> = source.functions().iter().map(|f| (f.name, f.line, f.lines)).collect();
        assert_eq!(found, [("a", 1, 2), ("e", 4, 4)]);
    }
}
