//! The bars of a bag's number: a GS1-128, which is a Code 128 that begins with FNC1.
//!
//! All in character set C, two digits a symbol: start, FNC1, `00` and the eighteen digits of
//! the SSCC, the check symbol modulo 103, stop. The table of widths is the `barcoders`
//! crate's; a test here reads the modules back without it.

use barcoders::sym::code128::Code128;

use super::sscc::{APPLICATION_IDENTIFIER, Sscc};

/// On either side of the bars nothing may be printed for as many modules.
pub const QUIET_ZONE_MODULES: usize = 10;

/// How `barcoders` writes character set C, and FNC1.
const SET_C: char = '\u{106}';
const FNC1: char = '\u{179}';

/// Black and white modules from left to right, all of one width, beginning and ending in
/// black. The quiet zones are not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars(Vec<bool>);

/// A black bar: where it begins and how wide it is, in modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    pub at: usize,
    pub width: usize,
}

impl Bars {
    pub fn of(sscc: Sscc) -> Self {
        let text = format!("{SET_C}{FNC1}{APPLICATION_IDENTIFIER}{sscc}");
        // Twenty digits, which set C has in ten pairs.
        let code = Code128::new(text).expect("an SSCC is digits, and an even number of them");
        Self(code.encode().iter().map(|module| *module == 1).collect())
    }

    /// Of the bars alone.
    pub fn modules(&self) -> usize {
        self.0.len()
    }

    pub fn black(&self) -> impl Iterator<Item = Bar> + '_ {
        let mut at = 0;
        self.0.chunk_by(|a, b| a == b).filter_map(move |run| {
            let bar = Bar { at, width: run.len() };
            at += run.len();
            run[0].then_some(bar)
        })
    }
}

/// What stands below the bars for whoever has no scanner: `(00)106141411234567897`.
pub fn human_readable(sscc: Sscc) -> String {
    format!("({APPLICATION_IDENTIFIER}){sscc}")
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::consolidation::sscc::SsccPrefix;

    /// ISO/IEC 15417, table 1: the widths of bars and spaces of the values 0 to 106, written
    /// down here a second time.
    const WIDTHS: &str = "
        212222 222122 222221 121223 121322 131222 122213 122312 132212 221213
        221312 231212 112232 122132 122231 113222 123122 123221 223211 221132
        221231 213212 223112 312131 311222 321122 321221 312212 322112 322211
        212123 212321 232121 111323 131123 131321 112313 132113 132311 211313
        231113 231311 112133 112331 132131 113123 113321 133121 313121 211331
        231131 213113 213311 213131 311123 311321 331121 312113 312311 332111
        314111 221411 431111 111224 111422 121124 121421 141122 141221 112214
        112412 122114 122411 142112 142211 241211 221114 413111 241112 134111
        111242 121142 121241 114212 124112 124211 411212 421112 421211 212141
        214121 412121 111143 111341 131141 114113 114311 411113 411311 113141
        114131 311141 411131 211412 211214 211232";
    const STOP: &str = "2331112";
    const FNC1: usize = 102;
    const START_C: usize = 105;

    /// The digits behind FNC1, if start, check symbol and stop are right.
    pub(crate) fn decode(modules: &[bool]) -> Option<String> {
        let widths: String = modules.chunk_by(|a, b| a == b).map(|run| run.len().to_string()).collect();
        let body = widths.strip_suffix(STOP).filter(|_| modules[0])?;
        let table: Vec<&str> = WIDTHS.split_whitespace().collect();
        let value = |symbol: &[u8]| table.iter().position(|widths| widths.as_bytes() == symbol);
        let values: Vec<usize> = body.as_bytes().chunks(6).map(value).collect::<Option<_>>()?;
        let [START_C, FNC1, pairs @ .., check] = values.as_slice() else { return None };
        let weighted = values[..values.len() - 1].iter().zip([1].into_iter().chain(1..));
        let sum: usize = weighted.map(|(value, weight)| value * weight).sum();
        let is_right = sum % 103 == *check && pairs.iter().all(|pair| *pair < 100);
        is_right.then(|| pairs.iter().map(|pair| format!("{pair:02}")).collect())
    }

    fn sscc() -> Sscc {
        "106141411234567897".parse().expect("a number")
    }

    #[test]
    fn the_bars_are_read_back_as_the_number() {
        let bars = Bars::of(sscc());
        // Start, FNC1, ten pairs and the check symbol of 11 modules, the stop of 13.
        assert_eq!(bars.modules(), 13 * 11 + 13);
        assert_eq!(decode(&bars.0).as_deref(), Some("00106141411234567897"));
        assert_eq!(human_readable(sscc()), "(00)106141411234567897");
    }

    #[test]
    fn a_damaged_symbol_is_not_read() {
        for at in 0..156 {
            let mut modules = Bars::of(sscc()).0;
            modules[at] = !modules[at];
            assert_ne!(decode(&modules).as_deref(), Some("00106141411234567897"), "{at}");
        }
    }

    #[test]
    fn the_second_table_is_as_long_and_as_wide_as_the_standard_says() {
        let table: Vec<&str> = WIDTHS.split_whitespace().collect();
        assert_eq!(table.len(), 106);
        let width = |symbol: &str| symbol.bytes().map(|digit| u32::from(digit - b'0')).sum::<u32>();
        assert!(table.iter().all(|symbol| width(symbol) == 11));
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(serial in 0..1_000_000_000_u64, extension in 0..10_u8) {
            let prefix = SsccPrefix::parse(&extension.to_string(), "4012345").expect("a prefix");
            let sscc = Sscc::new(prefix, serial).expect("a number");
            let bars = Bars::of(sscc);
            prop_assert_eq!(decode(&bars.0), Some(format!("00{sscc}")));
            // What is drawn is what was encoded.
            let mut drawn = vec![false; bars.modules()];
            for bar in bars.black() {
                drawn[bar.at..bar.at + bar.width].fill(true);
            }
            prop_assert_eq!(drawn, bars.0);
        }
    }
}
