use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::consolidation::paper::tests::pages_of;
use crate::consolidation::sscc::SsccPrefix;
use crate::domain::id::ShipmentId;

fn parcel(n: u64, description: &str) -> Parcel {
    let shipment =
        ShipmentId::from_uuid(Uuid::from_u128(0x0198_a5e3_7c51_7aaa_8bbb_0000_0000_0000 | u128::from(n)));
    Parcel {
        id: ParcelId { shipment, number: 1 },
        house: HouseNumber::of(shipment),
        reference: format!("ORDER-{n}"),
        weight_grams: Grams(850),
        size_mm: SizeMm([300, 205, 100]),
        description: description.into(),
        hs_codes: vec!["8518300000".into()],
        declared: vec![Money::new(12_999, "CNY".parse().expect("a currency"))],
        origins: vec!["DE".parse().expect("a country")],
        dangerous: Vec::new(),
        division: "440304".parse().expect("a division"),
        city: "Shenzhen".into(),
    }
}

fn bag(serial: u64, unit: Option<&str>, parcels: Vec<Parcel>) -> Bag {
    let prefix = SsccPrefix::parse("0", "0614141").expect("a prefix");
    Bag {
        sscc: Sscc::new(prefix, serial).expect("a number"),
        unit: unit.map(Into::into),
        gateway: "CNCAN".parse().expect("a hub"),
        clearance: Clearance::B2cDirect,
        last_mile_carrier: Some("SF Express".into()),
        weight_grams: parcels.iter().map(|parcel| u64::from(parcel.weight_grams.0)).sum(),
        volume_cm3: parcels.iter().map(|parcel| parcel.size_mm.cubic_mm() / 1_000).sum(),
        single_piece: false,
        parcels,
    }
}

fn manifest_of(units: Vec<Unit>, bags: Vec<Bag>) -> Manifest {
    let station = |code: &str, name: &str, zone| Station {
        code: code.parse().expect("a hub"),
        name: name.into(),
        zone,
    };
    Manifest {
        version: VERSION,
        consolidation: "con_01kb2m3z8te2gt8d1v6q8h4x5n".into(),
        departure: "L0004-20260302".parse().expect("a departure"),
        mode: TransportMode::Air,
        carrier: "Cathay Pacific Cargo".into(),
        master: "160-12345675".parse().expect("a reference"),
        from: station("DEFRA", "Frankfurt hub", chrono_tz::Europe::Berlin),
        to: station("CNCAN", "Guangzhou Baiyun gateway", chrono_tz::Asia::Shanghai),
        depart_at: "2026-03-02T20:15:00Z".parse().expect("an instant"),
        arrive_at: "2026-03-03T08:40:00Z".parse().expect("an instant"),
        closed_at: "2026-03-02T14:00:00Z".parse().expect("an instant"),
        totals: Totals::of(&units, &bags),
        units,
        bags,
    }
}

fn ake(bags: &[Bag]) -> Unit {
    Unit {
        number: "AKE12345CX".into(),
        unit_type: "AKE".into(),
        tare_grams: 82_000,
        gross_grams: 82_000 + bags.iter().map(|bag| bag.weight_grams).sum::<u64>(),
        volume_cm3: 4_300_000,
        bags: bags.iter().map(|bag| bag.sscc).collect(),
    }
}

/// Two bags, three parcels, and what is awkward about real ones.
pub(crate) fn small() -> Manifest {
    let mut battery =
        parcel(2, "蓝牙耳机 BT 5.3，黑色，带充电盒和替换耳塞，适用于手机、平板电脑和笔记本电脑");
    battery.dangerous = vec!["UN3481".parse().expect("a number")];
    battery.house = parcel(1, "").house;
    battery.declared = vec![Money::new(2_500, "EUR".parse().expect("a currency"))];
    let mut odd = parcel(3, "=HYPERLINK(\"http://x\"), \"Łódź\" jar\r\nof honey");
    odd.hs_codes = vec!["0409000000".into(), "7010902000".into(), "4819100000".into()];
    odd.origins = vec!["PL".parse().expect("a country"), "DE".parse().expect("a country")];
    odd.reference = "+49 69/77".into();
    odd.city = "@上海".into();
    let in_unit = bag(0, Some("AKE12345CX"), vec![parcel(1, "Wireless headphones"), battery]);
    let mut loose = bag(1, None, vec![odd]);
    loose.last_mile_carrier = None;
    loose.single_piece = true;
    manifest_of(vec![ake(std::slice::from_ref(&in_unit))], vec![in_unit, loose])
}

fn large(parcels: u64) -> Manifest {
    let bags: Vec<Bag> = (0..parcels.div_ceil(40))
        .map(|bag_number| {
            let parcels = (bag_number * 40..parcels.min((bag_number + 1) * 40)).map(|n| {
                parcel(
                    n,
                    if n % 3 == 0 {
                        "不锈钢保温杯 500 毫升"
                    } else {
                        "Running shoes, size 42, with a spare pair of laces"
                    },
                )
            });
            bag(bag_number, Some("AKE12345CX"), parcels.collect())
        })
        .collect();
    manifest_of(vec![ake(&bags)], bags)
}

#[test]
fn totals_are_what_it_adds_up_to() {
    let totals = small().totals;
    assert_eq!((totals.units, totals.bags, totals.shipments, totals.parcels), (1, 2, 2, 3));
    assert_eq!((totals.weight_grams, totals.gross_grams), (2_550, 84_550));
    assert_eq!((totals.volume_cm3, totals.dangerous_parcels), (18_450, 1));
    let declared: Vec<_> = totals.declared.iter().map(|sum| (sum.amount(), sum.currency.code())).collect();
    assert_eq!(declared, [("259.98".into(), "CNY"), ("25.00".into(), "EUR")]);
}

#[test]
fn json_is_read_back_as_the_same_value() {
    let manifest = small();
    let json = to_json(&manifest);
    assert_eq!(serde_json::from_str::<Manifest>(&json).expect("a manifest"), manifest);
    insta::assert_snapshot!("json", json);
}

#[test]
fn csv_has_a_row_a_parcel() {
    let csv = to_csv(&small());
    insta::assert_snapshot!("csv", csv);
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows of one length");
    assert_eq!(rows.len(), 3);
    assert_eq!(&rows[2][15], "'=HYPERLINK(\"http://x\"), \"Łódź\" jar\r\nof honey");
    assert!(csv.starts_with("consolidation,departure,") && csv.ends_with("\r\n"));
}

#[test]
fn a_single_piece_is_called_so_in_every_form() {
    let manifest = small();
    let pdf = to_pdf(&manifest);
    let says = |text: &str| pdf.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    let [bag, piece] = &manifest.bags[..] else { panic!("two of them") };
    assert!(says(&format!("(Bag {})", bag.sscc)) && says(&format!("(Single piece {})", piece.sscc)));
    let csv = to_csv(&manifest);
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    let column = reader.headers().expect("a header").iter().position(|name| name == "single_piece");
    let marks: Vec<_> =
        reader.records().map(|row| row.expect("a row")[column.expect("a column")].to_owned()).collect();
    assert_eq!(marks, ["false", "false", "true"]);
    // As it was written before there was such a mark.
    let old = to_json(&manifest).replace("      \"single_piece\": false,\n", "");
    assert_eq!(serde_json::from_str::<Manifest>(&old).expect("a manifest"), manifest);
}

#[test]
fn no_form_of_it_names_a_person() {
    let json = to_json(&small());
    // The two hubs have names, and nobody else.
    assert_eq!(json.matches("\"name").count(), 2);
    for word in ["consignee", "recipient", "buyer", "phone", "street", "address"] {
        assert!(!json.contains(&format!("\"{word}")), "{word}");
    }
}

#[test]
fn a_small_manifest_is_one_page() {
    let manifest = small();
    let pdf = to_pdf(&manifest);
    assert_eq!(pages_of(&pdf), 1);
    assert_eq!(pdf, to_pdf(&manifest));
    assert_eq!(pages_of(&to_pdf(&manifest_of(Vec::new(), Vec::new()))), 1);
}

#[test]
fn two_thousand_parcels_take_many_pages_and_little_time() {
    let manifest = large(2_000);
    let begun = std::time::Instant::now();
    let pdf = to_pdf(&manifest);
    // A second where it is built for speed and alone; here it shares a machine.
    assert!(begun.elapsed() < Duration::from_secs(10));
    let pages = pages_of(&pdf);
    assert!((40..120).contains(&pages), "{pages}");
    assert!(pdf.len() < 4_000_000, "{}", pdf.len());
    for number in [1, pages] {
        let text = format!("(Page {number} of {pages})");
        assert_eq!(pdf.windows(text.len()).filter(|bytes| *bytes == text.as_bytes()).count(), 1);
    }
}

#[test]
fn no_length_of_text_leaves_the_page() {
    let mut wild = parcel(1, &"漢字 and words ".repeat(200));
    wild.hs_codes = vec!["8518300000".into(); 60];
    wild.dangerous = vec!["UN3481".parse().expect("a number"); 60];
    wild.reference = "X".repeat(500);
    wild.city = "Ürümqi".repeat(30);
    wild.weight_grams = Grams(u32::MAX);
    wild.declared[0].minor = i64::MAX;
    let mut bag = bag(0, Some(&"U".repeat(200)), vec![wild; 5]);
    for parcel in &mut bag.parcels {
        parcel.size_mm = SizeMm([u32::MAX; 3]);
    }
    let mut manifest = manifest_of(vec![ake(std::slice::from_ref(&bag))], vec![bag]);
    manifest.carrier = "C".repeat(300);
    manifest.from.name = "N".repeat(300);
    assert!(pages_of(&to_pdf(&manifest)) >= 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_merchant_writes_stays_in_its_field(description in "\\PC*|[=+@\t\r\n\"',;-]{0,9}", reference in ".*") {
        let mut odd = parcel(1, &description);
        odd.reference = reference;
        let manifest = manifest_of(Vec::new(), vec![bag(0, None, vec![odd, parcel(2, "")])]);
        let csv = to_csv(&manifest);
        let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
        let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows of one length");
        prop_assert_eq!(rows.len(), 2);
        prop_assert!(rows[0].iter().all(|field| !field.starts_with(['=', '+', '-', '@', '\t', '\r'])));
        prop_assert_eq!(rows[0][15].strip_prefix('\'').unwrap_or(&rows[0][15]), description.strip_prefix('\'').unwrap_or(&description));
        prop_assert_eq!(serde_json::from_str::<Manifest>(&to_json(&manifest)).expect("a manifest"), manifest.clone());
        prop_assert!(pages_of(&to_pdf(&manifest)) >= 1);
    }
}
