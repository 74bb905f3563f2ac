//! Text on paper: which font a letter is set in, how wide it is, where a line ends.
//!
//! Helvetica has the letters of western Europe. Those of its north and east lose their marks
//! (`Łódź` becomes `Lódz`). Chinese, kana, Greek and Cyrillic are in the Chinese font. Whatever
//! is in neither is written as `[U+D55C]`: ugly, and seen. Only what nobody sees anyway is left
//! out: joiners, direction marks, marks over the letter before.

use std::borrow::Cow;

/// A size in points, and whether it is bold. Chinese is never bold: its font has one weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    pub size: f32,
    pub bold: bool,
}

impl Face {
    pub const fn regular(size: f32) -> Self {
        Self { size, bold: false }
    }

    pub const fn bold(size: f32) -> Self {
        Self { size, bold: true }
    }

    /// In points.
    pub fn width(self, text: &str) -> f32 {
        let thousandths: u32 = text.chars().map(|letter| self.thousandths(letter)).sum();
        thousandths as f32 * self.size / 1_000.0
    }

    /// Of the size: whole numbers, whose sums are exact.
    fn thousandths(self, letter: char) -> u32 {
        let latin = |byte| u32::from(latin_width(byte, self.bold));
        match glyph(letter) {
            Glyph::Latin(byte) => latin(byte),
            Glyph::Chinese(_) => 1_000,
            Glyph::Nothing => 0,
            Glyph::Code(letter) => code(letter).bytes().map(latin).sum(),
        }
    }

    /// How many thousandths of the size `room` points are.
    fn thousandths_in(self, room: f32) -> u32 {
        (room * 1_000.0 / self.size).round() as u32
    }

    /// `text` if it fits into `room` points, else as much of it as fits with `…` behind.
    pub fn cut(self, text: &str, room: f32) -> Cow<'_, str> {
        let room = self.thousandths_in(room);
        let mut used = 0;
        let mut kept = 0;
        let ellipsis = self.thousandths('…');
        for (at, letter) in text.char_indices() {
            if used + ellipsis <= room {
                kept = at;
            }
            used += self.thousandths(letter);
            if used > room {
                return Cow::Owned(format!("{}…", text[..kept].trim_end()));
            }
        }
        Cow::Borrowed(text)
    }

    /// `text` in lines of `room` points, broken at blanks and between Chinese characters, or
    /// anywhere in a word that is longer than a line. What does not fit into `most` lines ends
    /// in `…`.
    pub fn lines(self, text: &str, room: f32, most: usize) -> Vec<Cow<'_, str>> {
        let mut lines = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if lines.len() + 1 >= most {
                lines.push(self.cut(rest, room));
                break;
            }
            let (line, behind) = self.split(rest, room);
            lines.push(Cow::Borrowed(line));
            rest = behind;
        }
        lines
    }

    fn split(self, text: &str, room: f32) -> (&str, &str) {
        let room = self.thousandths_in(room);
        let mut used = 0;
        let mut break_at = 0;
        let mut before_is_wide = false;
        for (at, letter) in text.char_indices() {
            let is_wide = matches!(glyph(letter), Glyph::Chinese(_));
            if letter == ' ' || is_wide || before_is_wide {
                break_at = at;
            }
            before_is_wide = is_wide;
            used += self.thousandths(letter);
            if used > room && at > 0 {
                let (line, rest) = text.split_at(if break_at > 0 { break_at } else { at });
                return (line.trim_end(), rest.trim_start());
            }
        }
        (text, "")
    }
}

/// A stretch of text in one font, as that font is encoded.
#[derive(Debug, PartialEq, Eq)]
pub enum Run {
    /// Windows code page 1252.
    Latin(Vec<u8>),
    /// UTF-16, the higher byte first.
    Chinese(Vec<u8>),
}

pub fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for letter in text.chars() {
        match glyph(letter) {
            Glyph::Latin(byte) => latin(&mut runs).push(byte),
            Glyph::Code(letter) => latin(&mut runs).extend(code(letter).bytes()),
            Glyph::Nothing => {}
            Glyph::Chinese(unit) => {
                if !matches!(runs.last(), Some(Run::Chinese(_))) {
                    runs.push(Run::Chinese(Vec::new()));
                }
                if let Some(Run::Chinese(bytes)) = runs.last_mut() {
                    bytes.extend(unit.to_be_bytes());
                }
            }
        }
    }
    runs
}

fn latin(runs: &mut Vec<Run>) -> &mut Vec<u8> {
    if !matches!(runs.last(), Some(Run::Latin(_))) {
        runs.push(Run::Latin(Vec::new()));
    }
    match runs.last_mut() {
        Some(Run::Latin(bytes)) => bytes,
        // Pushed just above.
        Some(Run::Chinese(_)) | None => panic!("the last run is Latin"),
    }
}

fn code(letter: char) -> String {
    format!("[U+{:04X}]", u32::from(letter))
}

enum Glyph {
    Latin(u8),
    Chinese(u16),
    Nothing,
    Code(char),
}

/// U+0100 to U+017F without their marks.
const PLAIN: &[u8; 128] = b"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL\
lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/// Of 0x80 to 0x9F in code page 1252, those that have a letter.
const CODE_PAGE: [(char, u8); 27] = [
    ('Œ', 0x8C),
    ('œ', 0x9C),
    ('Š', 0x8A),
    ('š', 0x9A),
    ('Ÿ', 0x9F),
    ('Ž', 0x8E),
    ('ž', 0x9E),
    ('ƒ', 0x83),
    ('ˆ', 0x88),
    ('˜', 0x98),
    ('–', 0x96),
    ('—', 0x97),
    ('‘', 0x91),
    ('’', 0x92),
    ('‚', 0x82),
    ('“', 0x93),
    ('”', 0x94),
    ('„', 0x84),
    ('†', 0x86),
    ('‡', 0x87),
    ('•', 0x95),
    ('…', 0x85),
    ('‰', 0x89),
    ('‹', 0x8B),
    ('›', 0x9B),
    ('€', 0x80),
    ('™', 0x99),
];

fn glyph(letter: char) -> Glyph {
    match letter {
        ' '..='~' => Glyph::Latin(letter as u8),
        // A soft hyphen has no place in a line that is not broken there.
        '\u{ad}' => Glyph::Nothing,
        // The first 256 characters of Unicode are those of Latin-1.
        '\u{a1}'..='ÿ' => Glyph::Latin(u32::from(letter) as u8),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => Glyph::Nothing,
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => Glyph::Nothing,
        _ if letter.is_whitespace() || letter.is_control() => Glyph::Latin(b' '),
        _ => match CODE_PAGE.binary_search_by_key(&letter, |pair| pair.0) {
            Ok(at) => Glyph::Latin(CODE_PAGE[at].1),
            Err(_) => beyond_latin(letter),
        },
    }
}

/// The ranges of Adobe's GB1 collection that people write in.
fn beyond_latin(letter: char) -> Glyph {
    match letter {
        'Ā'..='ſ' => Glyph::Latin(PLAIN[u32::from(letter) as usize - 0x100]),
        '一'..='龥'
        | '、'..='〃'
        | '々'..='〗'
        | 'ぁ'..='ん'
        | 'ァ'..='ヶ'
        | 'ー'..='ヾ'
        | '！'..='～'
        | '￥'
        | 'Α'..='Ρ'
        | 'Σ'..='Ω'
        | 'α'..='ρ'
        | 'σ'..='ω'
        | 'Ё'
        | 'А'..='я'
        | 'ё'
        | '℃'
        | '№'
        | '①'..='⑩' => Glyph::Chinese(u32::from(letter) as u16),
        _ => Glyph::Code(letter),
    }
}

/// From Adobe's font metrics (Core 14, 1999), for 0x20 to 0x7E.
const REGULAR_WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const BOLD_WIDTHS: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278,
    556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584,
    556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556,
    333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

/// In thousandths of the size. Beyond ASCII a letter is as wide as what it looks like; for signs
/// it is an estimate from above.
fn latin_width(byte: u8, bold: bool) -> u16 {
    let widths = if bold { &BOLD_WIDTHS } else { &REGULAR_WIDTHS };
    let like = match byte {
        b' '..=b'~' => byte,
        0xC0..=0xC5 => b'A',
        0xC7 => b'C',
        0xC8..=0xCB => b'E',
        0xCC..=0xCF => b'I',
        0xD2..=0xD6 | 0xD8 => b'O',
        0xD9..=0xDC => b'U',
        0xE0..=0xE5 => b'a',
        0xE7 => b'c',
        0xE8..=0xEB => b'e',
        0xEC..=0xEF => b'i',
        0xF1..=0xF6 => b'n',
        0xF8 | 0xDF => b'G',
        0xF9..=0xFC => b'u',
        0x82 | 0x91 | 0x92 | 0xB7 => b'.',
        0x80 | 0x96 | 0xB0..=0xB3 | 0xD7 => b'+',
        0x85 | 0x89 | 0x8C | 0x97 | 0x99 | 0x9C | 0xC6 | 0xE6 => b'@',
        _ => b'G',
    };
    widths[usize::from(like - b' ')]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FACE: Face = Face::regular(10.0);

    /// What a reader would see.
    fn seen(text: &str) -> String {
        let runs = runs(text).into_iter();
        runs.map(|run| match run {
            Run::Latin(bytes) => bytes.into_iter().map(unpage).collect::<String>(),
            Run::Chinese(bytes) => {
                let units: Vec<u16> =
                    bytes.chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
                String::from_utf16(&units).expect("UTF-16")
            }
        })
        .collect()
    }

    fn unpage(byte: u8) -> char {
        CODE_PAGE.iter().find(|pair| pair.1 == byte).map_or(char::from(byte), |pair| pair.0)
    }

    #[test]
    fn every_letter_is_set_or_named() {
        for (text, expected) in [
            ("Grüße für 20 € – „Œuvre“ Žižka", "Grüße für 20 € – „Œuvre“ Žižka"),
            ("Łódź, Győr, Şişli", "Lódz, Gyor, Sisli"),
            ("蓝牙耳机 (BT 5.3)，黑色", "蓝牙耳机 (BT 5.3)，黑色"),
            ("かばん、バッグ Ёлка Ωμέγα", "かばん、バッグ Ёлка Ωμ[U+03AD]γα"),
            ("한국", "[U+D55C][U+AD6D]"),
            ("🎧", "[U+1F3A7]"),
            ("a\u{200d}b\tc\nd\u{a0}e\u{301}", "ab c d e"),
        ] {
            assert_eq!(seen(text), expected);
        }
    }

    #[test]
    fn the_code_page_is_in_the_order_it_is_searched_in() {
        assert!(CODE_PAGE.is_sorted());
        assert!(
            CODE_PAGE.iter().all(|(letter, byte)| matches!(glyph(*letter), Glyph::Latin(b) if b == *byte))
        );
    }

    #[test]
    fn widths_are_those_of_the_fonts() {
        assert_eq!(FACE.width("1234567890"), 55.6);
        assert_eq!(FACE.width("Wi"), 11.66);
        assert_eq!(Face::bold(10.0).width("Wi"), 12.22);
        assert_eq!(FACE.width("中文"), 20.0);
    }

    #[test]
    fn lines_break_where_people_would_break_them() {
        assert_eq!(FACE.lines("one two three", 40.0, 3), ["one two", "three"]);
        assert_eq!(FACE.lines("蓝牙耳机黑色", 30.0, 3), ["蓝牙耳", "机黑色"]);
        assert_eq!(FACE.lines("USB充电器 white", 36.0, 3), ["USB充", "电器", "white"]);
        assert_eq!(FACE.lines("1234567890", 28.0, 9), ["12345", "67890"]);
        assert_eq!(FACE.lines("one two three four", 40.0, 2), ["one two", "three f…"]);
        assert_eq!(FACE.lines("  ", 40.0, 2), [""; 0]);
        assert_eq!(FACE.cut("12345", 27.8), "12345");
        assert_eq!(FACE.cut("123456", 27.8), "123…");
    }

    proptest! {
        #[test]
        fn nothing_but_blanks_and_ends_gets_lost(text in "[a-z中文 ]{0,60}", room in 20.0..200.0_f32) {
            let lines = FACE.lines(&text, room, usize::MAX);
            let packed = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(packed(&lines.concat()), packed(&text));
            prop_assert!(lines.iter().all(|line| FACE.width(line) <= room + 0.01));
        }

        #[test]
        fn whatever_is_written_fits_and_nothing_crashes(text in ".*", room in 20.0..200.0_f32) {
            for line in FACE.lines(&text, room, 3) {
                prop_assert!(FACE.width(&line) <= room.max(80.0) + 0.01);
            }
            let _ = seen(&text);
        }
    }
}
