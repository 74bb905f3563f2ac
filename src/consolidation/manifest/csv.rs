//! The manifest as CSV (RFC 4180): a header, then one row a parcel with everything above it
//! repeated, so that a row can be filtered, sorted and understood by itself.
//!
//! In UTF-8 and without a byte order mark. Text that others wrote is made harmless to
//! spreadsheets, which take what begins with `=` for a formula and would run it.

use std::borrow::Cow;

use super::{Bag, Manifest, Parcel};

const HEADER: [&str; 26] = [
    "consolidation",
    "departure",
    "master",
    "unit",
    "bag",
    "gateway",
    "clearance",
    "last_mile_carrier",
    "parcel",
    "house",
    "reference",
    "weight_grams",
    "length_mm",
    "width_mm",
    "height_mm",
    "description",
    "hs_codes",
    "declared_amount",
    "declared_currency",
    "origins",
    "dangerous",
    "division",
    "city",
    "bag_weight_grams",
    "bag_volume_cm3",
    "single_piece",
];

pub fn to_csv(manifest: &Manifest) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let rows = manifest.bags.iter().flat_map(|bag| bag.parcels.iter().map(move |parcel| (bag, parcel)));
    // Into memory, and all rows are as long as the header.
    writer.write_record(HEADER).expect("a row of the header's length");
    for (bag, parcel) in rows {
        let row = row(manifest, bag, parcel);
        // As above.
        writer.write_record(row.iter().map(|field| field.as_bytes())).expect("a row of the header's length");
    }
    // As above.
    let bytes = writer.into_inner().expect("memory takes all that is written");
    // Made of nothing but text.
    String::from_utf8(bytes).expect("text stays text")
}

fn row<'a>(manifest: &'a Manifest, bag: &'a Bag, parcel: &'a Parcel) -> [Cow<'a, str>; HEADER.len()] {
    let [length, width, height] = parcel.size_mm.0;
    [
        harmless(&manifest.consolidation),
        manifest.departure.to_string().into(),
        harmless_text(manifest.master.to_string()),
        harmless(bag.unit.as_deref().unwrap_or_default()),
        bag.sscc.to_string().into(),
        bag.gateway.as_str().into(),
        bag.clearance.as_str().into(),
        harmless(bag.last_mile_carrier.as_deref().unwrap_or_default()),
        parcel.id.to_string().into(),
        parcel.house.as_str().into(),
        harmless(&parcel.reference),
        parcel.weight_grams.0.to_string().into(),
        length.to_string().into(),
        width.to_string().into(),
        height.to_string().into(),
        harmless(&parcel.description),
        harmless_text(parcel.hs_codes.join(";")),
        joined(parcel.declared.iter().map(|money| money.amount())).into(),
        joined(parcel.declared.iter().map(|money| money.currency.to_string())).into(),
        list(&parcel.origins).into(),
        list(&parcel.dangerous).into(),
        parcel.division.to_string().into(),
        harmless(&parcel.city),
        bag.weight_grams.to_string().into(),
        bag.volume_cm3.to_string().into(),
        bag.single_piece.to_string().into(),
    ]
}

fn list<T: ToString>(values: &[T]) -> String {
    joined(values.iter().map(ToString::to_string))
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(";")
}

/// With an apostrophe in front of what a spreadsheet would calculate (OWASP, CSV injection):
/// it shows the apostrophe and nothing happens. Full-width signs count, which Excel reads as
/// the others in Chinese and Japanese.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn harmless_text(text: String) -> Cow<'static, str> {
    match harmless(&text) {
        Cow::Owned(harmless) => Cow::Owned(harmless),
        Cow::Borrowed(_) => Cow::Owned(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_taken_for_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "1-1", "a=b", "蓝牙耳机", "'"] {
            assert_eq!(harmless(text), text);
        }
    }
}
