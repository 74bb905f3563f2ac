//! Many phrases, looked for in one walk over the words of a text: a carrier's page has a dozen events with two texts
//! each, and its table hundreds of phrases.

use std::collections::HashMap;

use super::words;

/// Phrases in the order in which they count.
pub struct Lexicon {
    phrases: Vec<String>,
    /// Which of them begin with a word.
    beginning: HashMap<String, Vec<usize>>,
}

/// A phrase in whole words, and what stands before and behind it.
pub struct Occurrence<'t> {
    pub row: usize,
    pub before: &'t str,
    pub after: &'t str,
}

impl Lexicon {
    pub fn new(phrases: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let phrases: Vec<String> = phrases.into_iter().map(Into::into).collect();
        let mut beginning: HashMap<String, Vec<usize>> = HashMap::new();
        for (row, phrase) in phrases.iter().enumerate() {
            let first = phrase.split(' ').next().unwrap_or_default();
            beginning.entry(first.to_owned()).or_default().push(row);
        }
        Self { phrases, beginning }
    }

    /// In the order of the phrases. The texts are as [`words`] leaves them.
    pub(super) fn look_up<'t>(&self, texts: &'t [String]) -> Vec<Occurrence<'t>> {
        let mut found = Vec::new();
        for text in texts {
            let mut at = 0;
            for word in text.split(' ') {
                for row in self.beginning.get(word).into_iter().flatten() {
                    let after = text[at..].strip_prefix(self.phrases[*row].as_str());
                    if let Some(after) = after.filter(|after| after.starts_with(' ')) {
                        found.push(Occurrence { row: *row, before: &text[..at], after });
                    }
                }
                at += word.len() + 1;
            }
        }
        found.sort_by_key(|occurrence| occurrence.row);
        found
    }

    /// The first phrase that one of the texts has in it.
    pub fn first(&self, texts: &[&str]) -> Option<usize> {
        let texts: Vec<String> = texts.iter().map(|text| words(text)).collect();
        self.look_up(&texts).first().map(|occurrence| occurrence.row)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::occurrences;
    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_one_phrase_after_the_other_would(
            texts in prop::collection::vec("[a-c |]{0,12}", 0..3),
            phrases in prop::collection::vec("[a-c]( [a-c]){0,2}", 0..8),
        ) {
            let texts: Vec<String> = texts.iter().map(|text| words(text)).collect();
            let mut one_by_one = Vec::new();
            for (row, phrase) in phrases.iter().enumerate() {
                // Each place by itself: `a a` is in `a a a` twice.
                for text in &texts {
                    let places = (0..text.len()).filter(|at| text[*at..].starts_with(phrase.as_str()));
                    one_by_one.extend(places.filter_map(|at| {
                        let (before, _) = text.split_at(at);
                        let after = &text[at + phrase.len()..];
                        (before.ends_with(' ') && after.starts_with(' ')).then_some((row, before, after))
                    }));
                }
            }
            let lexicon = Lexicon::new(phrases.clone());
            let found = lexicon.look_up(&texts);
            let found: Vec<_> = found.iter().map(|it| (it.row, it.before, it.after)).collect();
            prop_assert_eq!(found, one_by_one);
        }

        #[test]
        fn a_phrase_is_there_where_it_is_said(text in "[a-d ,]{0,14}", phrase in "[a-d]( [a-d]){0,2}") {
            let is_there = occurrences(&words(&text), &phrase).next().is_some();
            prop_assert_eq!(Lexicon::new([phrase]).first(&[text.as_str()]).is_some(), is_there);
        }
    }
}
