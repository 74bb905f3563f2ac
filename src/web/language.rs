//! Which of our languages a browser asks for.

/// What pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

/// Weights of RFC 9110 have three decimals at most, so thousandths hold them exactly.
type Thousandths = u16;

impl Language {
    /// From an `Accept-Language` header (RFC 9110, 12.5.4). A language weighs what the heaviest
    /// range for it does, `*` speaks for those that no range names, and of two equal ones the
    /// first named wins. Any Chinese is [`Language::Chinese`]. English where nothing fits, as a
    /// page in either language is worth more than none.
    pub fn negotiate(accept_language: Option<&str>) -> Self {
        let ranges: Vec<_> = accept_language.unwrap_or_default().split(',').filter_map(range).collect();
        let weighed = [Self::English, Self::Chinese].map(|language| (language, wanted(&ranges, language)));
        let [(_, english), (_, chinese)] = weighed;
        match (english, chinese) {
            (_, None) => Self::English,
            (None, Some(_)) => Self::Chinese,
            (Some(english), Some(chinese)) if chinese.beats(english) => Self::Chinese,
            (Some(_), Some(_)) => Self::English,
        }
    }

    /// As `?lang=` spells it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::English, Self::Chinese].into_iter().find(|language| language.code() == code)
    }

    /// As `<html lang>` has it: a browser picks the shapes of its letters by the script.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }
}

#[derive(Clone, Copy)]
struct Wanted {
    weight: Thousandths,
    position: usize,
}

impl Wanted {
    fn beats(self, other: Self) -> bool {
        (self.weight, other.position) > (other.weight, self.position)
    }
}

fn wanted(ranges: &[(&str, Thousandths)], language: Language) -> Option<Wanted> {
    let matching = |name: &str| {
        let of_it = ranges.iter().enumerate().filter(|(_, (primary, _))| primary.eq_ignore_ascii_case(name));
        let weighed = of_it.map(|(position, (_, weight))| Wanted { weight: *weight, position });
        weighed.reduce(|best, next| if next.beats(best) { next } else { best })
    };
    // For `*` English comes first: who takes anything gets what most can read.
    let found = matching(language.code()).or_else(|| matching("*"));
    found.filter(|wanted| wanted.weight > 0)
}

/// The primary subtag and the weight of one range. What cannot be read is left out, and the
/// rest of the header still counts.
fn range(text: &str) -> Option<(&str, Thousandths)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty())?;
    let primary = tag.split('-').next()?;
    let weight =
        parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q")));
    let weight = match weight {
        Some((_, value)) => thousandths(value.trim())?,
        None => 1000,
    };
    Some((primary, weight))
}

/// `0`, `0.8`, `1.000`: one digit, then up to three.
fn thousandths(text: &str) -> Option<Thousandths> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: Thousandths = format!("{fraction:0<3}").parse().ok().filter(|_| digits)?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, Chinese, English};

    #[test]
    fn a_browser_gets_the_language_it_weighs_most() {
        let cases = [
            ("", English),
            ("*", English),
            ("fr, de;q=0.5", English),
            ("zh", Chinese),
            ("zh-CN,zh;q=0.9,en;q=0.8", Chinese),
            ("ZH-tw", Chinese),
            ("zh-HK, en-GB", Chinese),
            ("zh-Hant-HK;q=0.7,en;q=0.6", Chinese),
            ("en-US,en;q=0.9,zh-CN;q=0.8", English),
            ("en;q=0.5, zh;q=0.501", Chinese),
            ("en, zh", English),
            ("zh;q=0.8, en;q=0.8", Chinese),
            ("fr, zh;q=0.1", Chinese),
            ("fr, zh;q=0.1, en;q=0.2", English),
            ("zh;q=0", English),
            ("zh;q=0, *", English),
            ("en;q=0, *;q=0.1", Chinese),
            ("en;q=0, zh;q=0", English),
            ("*;q=0.5, zh;q=0.4", English),
            ("*;q=0.4, zh;q=0.5", Chinese),
            ("zh;q=0, zh-TW;q=0.3", Chinese),
            (" zh-CN ; q = 0.9 , en ; q=0.2", Chinese),
            ("zh;q=high, en;q=0.1", English),
            ("zh;q=1.5", English),
            ("zh;q=0.1234", English),
            ("zh;q=.5", English),
            ("zh;q=1.000, en;q=0.999", Chinese),
            (",,;q=1, zh", Chinese),
            ("zhx, x-zh", English),
        ];
        for (header, expected) in cases {
            assert_eq!(Language::negotiate(Some(header)), expected, "{header:?}");
        }
        assert_eq!(Language::negotiate(None), English);
    }

    #[test]
    fn a_link_can_name_its_language() {
        assert_eq!(Language::from_code("zh"), Some(Chinese));
        assert_eq!(Language::from_code("en"), Some(English));
        assert_eq!(Language::from_code("zh-CN"), None);
    }
}
