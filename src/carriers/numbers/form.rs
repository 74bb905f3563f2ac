//! The forms of numbers, as the table writes them.
//!
//! `#` is a digit, `@` a letter, `*` either; `[13-5]` one of a set; anything else itself. `{9}`
//! repeats what is before it, `{9-11}` nine, ten or eleven times: a form for each length.

/// Which symbols may stand at one place: a bit for each of 36.
type Class = u64;

const DIGITS: Class = (1 << 10) - 1;
const LETTERS: Class = ((1 << 26) - 1) << 10;

/// A form of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form(Box<[Class]>);

impl Form {
    /// Every form of `text`, where spaces stand between several.
    pub fn all(text: &str) -> Result<Vec<Form>, String> {
        let mut forms = Vec::new();
        for one in text.split(' ') {
            forms.extend(expand(one).ok_or_else(|| format!("{one:?} is no form"))?);
        }
        Ok(forms)
    }

    pub fn length(&self) -> usize {
        self.0.len()
    }

    pub fn fits(&self, symbols: &[u8]) -> bool {
        symbols.len() == self.0.len()
            && self.0.iter().zip(symbols).all(|(class, symbol)| class >> symbol & 1 == 1)
    }

    /// How much it prescribes: two for each letter, one for each digit that has to be there.
    pub fn prescribed(&self) -> u8 {
        let single = self.0.iter().filter(|class| class.is_power_of_two());
        single.fold(0, |sum: u8, class| sum.saturating_add(if *class & DIGITS == 0 { 2 } else { 1 }))
    }

    /// Whether it has letters in fixed places, or four digits of its own: more than a length.
    pub fn is_marked(&self) -> bool {
        self.0.iter().any(|class| class & DIGITS == 0) || self.prescribed() >= 4
    }
}

fn expand(text: &str) -> Option<Vec<Form>> {
    if text.is_empty() {
        return None;
    }
    let mut forms = vec![Vec::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let class;
        (class, rest) = class_of(rest)?;
        let (least, most);
        (least, most, rest) = repeats(rest)?;
        forms = forms
            .iter()
            .flat_map(|form: &Vec<Class>| {
                (least..=most).map(move |times| [form.as_slice(), &vec![class; times]].concat())
            })
            .collect();
    }
    Some(forms.into_iter().map(|classes| Form(classes.into_boxed_slice())).collect())
}

fn class_of(text: &str) -> Option<(Class, &str)> {
    let (first, rest) = (text.chars().next()?, text.get(1..)?);
    match first {
        '#' => Some((DIGITS, rest)),
        '@' => Some((LETTERS, rest)),
        '*' => Some((DIGITS | LETTERS, rest)),
        '[' => {
            let (set, rest) = rest.split_once(']')?;
            Some((class_of_set(set)?, rest))
        }
        itself => Some((bit(itself)?, rest)),
    }
}

/// `13-5`: 1, 3, 4 and 5.
fn class_of_set(set: &str) -> Option<Class> {
    let mut class = 0;
    let mut letters = set.chars().peekable();
    while let Some(first) = letters.next() {
        let last = if letters.next_if_eq(&'-').is_some() { letters.next()? } else { first };
        let (first, last) = (bit(first)?, bit(last)?);
        class |= (last << 1).checked_sub(first)?;
    }
    (class != 0).then_some(class)
}

fn bit(letter: char) -> Option<Class> {
    (!letter.is_ascii_lowercase()).then(|| letter.to_digit(36)).flatten().map(|value| 1 << value)
}

fn repeats(text: &str) -> Option<(usize, usize, &str)> {
    let Some(counts) = text.strip_prefix('{') else { return Some((1, 1, text)) };
    let (counts, rest) = counts.split_once('}')?;
    let (least, most) = counts.split_once('-').unwrap_or((counts, counts));
    Some((least.parse().ok()?, most.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(form: &str, text: &str) -> bool {
        let values: Vec<u8> =
            text.chars().map(|letter| letter.to_digit(36).expect("a symbol") as u8).collect();
        Form::all(form).expect("forms").iter().any(|form| form.fits(&values))
    }

    #[test]
    fn every_sign_of_a_form_means_what_it_says() {
        for (form, good, bad) in [
            ("1Z#", "1Z0", "1ZA"),
            ("@#", "A0", "00"),
            ("*#", "00", "0A"),
            ("[13-5A-C]", "4", "2"),
            ("[13-5A-C]", "C", "D"),
            ("#{3}", "123", "12"),
            ("A#{1-2}Z", "A12Z", "A123Z"),
            ("#{2} @{2}", "AB", "A1"),
            ("9[1-5]#", "950", "960"),
        ] {
            assert!(fits(form, good), "{form} {good}");
            assert!(!fits(form, bad), "{form} {bad}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for text in ["", "#{", "#{x}", "[1", "[a]", "[]", "[5-1]", "a", "-", "[5-", "É#", "1  2"] {
            assert!(Form::all(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_form_is_marked_by_letters_or_a_long_beginning() {
        for (form, is_marked) in
            [("#{12}", false), ("77#{13}", false), ("0034043#{13}", true), ("@#{11}", true), ("*{8}", false)]
        {
            assert_eq!(Form::all(form).expect("a form")[0].is_marked(), is_marked, "{form}");
        }
    }
}
