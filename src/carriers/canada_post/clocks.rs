//! The letters that Canada Post writes behind a time.
//!
//! From its own [Get Tracking Details] (EST and the like) and the clocks of Canada (National Research Council, official
//! times across Canada), in English and in French. What happens abroad bears the name of a
//! country, or nothing; CST is China's as well, and counts only where the place is known to be in North America.
//!
//! [Get Tracking Details]: https://www.canadapost-postescanada.ca/info/mc/business/productsservices/developers/services/tracking/trackingdetails.jsf

/// Letters, minutes from Greenwich, and whether they mean nothing else anywhere.
const CLOCKS: &[(&str, i32, bool)] = &[
    ("ADT", -180, true),
    ("AST", -240, true),
    ("CDT", -300, true),
    ("CST", -360, false),
    ("EDT", -240, true),
    ("EST", -300, true),
    ("GMT", 0, true),
    ("HAA", -180, true),
    ("HAC", -300, true),
    ("HAE", -240, true),
    ("HAP", -420, true),
    ("HAR", -360, true),
    ("HAT", -150, true),
    ("HNA", -240, true),
    ("HNC", -360, true),
    ("HNE", -300, true),
    ("HNP", -480, true),
    ("HNR", -420, true),
    ("HNT", -210, true),
    ("MDT", -360, true),
    ("MST", -420, true),
    ("NDT", -150, true),
    ("NST", -210, true),
    ("PDT", -420, true),
    ("PST", -480, true),
    ("UTC", 0, true),
    ("Z", 0, true),
];

/// `None`: nobody knows which clock is meant.
pub fn minutes_of(letters: &str, is_american: bool) -> Option<i32> {
    let clock = CLOCKS.iter().find(|(known, _, _)| letters.eq_ignore_ascii_case(known))?;
    (is_american || clock.2).then_some(clock.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_some_letters_need_a_place() {
        assert!(CLOCKS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!((minutes_of("est", false), minutes_of("HNE", true)), (Some(-300), Some(-300)));
        assert_eq!((minutes_of("CST", true), minutes_of("CST", false)), (Some(-360), None));
        assert_eq!((minutes_of("NDT", true), minutes_of("HAT", true)), (Some(-150), Some(-150)));
        assert_eq!((minutes_of("ISRAEL", true), minutes_of("", true)), (None, None));
    }
}
