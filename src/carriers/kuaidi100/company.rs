//! Which company a number belongs to, where its form leaves no doubt.
//!
//! Bare digits are nobody's: most of China's carriers print twelve to fifteen of them.

/// A prefix, then as many digits.
const FORMS: &[(&str, usize, &str)] = &[
    ("DPK", 12, "debangkuaidi"),
    // DHL has eighteen digits after the same two letters.
    ("JD", 13, "jd"),
    ("JDVA", 11, "jd"),
    ("JDVB", 11, "jd"),
    ("JDVC", 11, "jd"),
    ("JT", 13, "jtexpress"),
    ("SF", 13, "shunfeng"),
    // YunExpress has sixteen digits after the same two letters.
    ("YT", 13, "yuantong"),
];

/// Kuaidi100's code of the company.
pub fn of(number: &str) -> Option<&'static str> {
    let is_digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let form = FORMS
        .iter()
        .find(|(prefix, count, _)| number.strip_prefix(prefix).is_some_and(|rest| is_digits(rest, *count)));
    form.map(|(_, _, company)| *company).or_else(|| is_ems(number).then_some("ems"))
}

/// Whether a number of that form can be that company's: companies have further codes for their other services.
pub fn is_of(number: &str, company: &str) -> bool {
    let is_any = |families: &[&str]| families.iter().any(|family| company.starts_with(family));
    match of(number) {
        _ if company.is_empty() => true,
        Some("ems") => is_any(&["ems", "youzheng"]),
        Some("debangkuaidi") => is_any(&["debang"]),
        Some(expected) => company.starts_with(expected),
        None => true,
    }
}

/// UPU S10: an express item that China's post gave its number.
fn is_ems(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.len() == 13
        && bytes[0] == b'E'
        && bytes[1].is_ascii_uppercase()
        && bytes[2..11].iter().all(u8::is_ascii_digit)
        && is_checked(&bytes[2..11])
        && number.ends_with("CN")
}

/// UPU S10, 2017: eight digits by their weights, and the ninth makes up for the rest.
fn is_checked(digits: &[u8]) -> bool {
    let weights = [8, 6, 4, 2, 3, 5, 9, 7];
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let expected = match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        check => check,
    };
    digits.last().is_some_and(|last| u32::from(last - b'0') == expected)
}

#[cfg(test)]
mod tests {
    use super::{is_of, of};

    #[test]
    fn a_company_fits_a_number_unless_its_form_is_anothers() {
        for (number, company, expected) in [
            ("YT7123456789012", "yuantong", true),
            ("YT7123456789012", "yuantongguoji", true),
            ("YT7123456789012", "zhongtong", false),
            ("EA473124829CN", "emsguoji", true),
            ("EA473124829CN", "youzhengguonei", true),
            ("EA473124829CN", "shunfeng", false),
            ("773027491214552", "zhongtong", true),
            ("YT7123456789012", "", true),
        ] {
            assert_eq!(is_of(number, company), expected, "{number} {company}");
        }
    }

    #[test]
    fn only_forms_that_leave_no_doubt_name_a_company() {
        for (number, expected) in [
            ("SF1234567890123", Some("shunfeng")),
            ("YT7123456789012", Some("yuantong")),
            ("JD0123456789012", Some("jd")),
            ("JDVA12345678901", Some("jd")),
            ("JT3012345678901", Some("jtexpress")),
            // The check digit of RR473124829FI is the one published by the UPU: the same digits are good here.
            ("EA473124829CN", Some("ems")),
            ("EA473124828CN", None),
            ("RR473124829CN", None),
            ("EA473124829GB", None),
            ("YT2312345678901234", None),
            ("JD014600006281230704", None),
            ("773027491214552", None),
            ("", None),
        ] {
            assert_eq!(of(number), expected, "{number}");
        }
    }
}
