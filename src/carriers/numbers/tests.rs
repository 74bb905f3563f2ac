use std::collections::BTreeSet;

use proptest::prelude::*;

use super::checks::Check;
use super::table::{Checked, Row, rows};
use super::*;

const ATTRIBUTION: &str = include_str!("data/ATTRIBUTION.md");

fn carrier(code: &str) -> CarrierCode {
    code.parse().expect("a carrier code")
}

fn refused(code: &str, number: &str) -> Option<String> {
    check(&carrier(code), &number.parse().expect("a number")).err().map(|mistyped| mistyped.to_string())
}

/// `ups`, `dhl_unified express`; `!` behind it where the check digit holds.
fn said(text: &str) -> Vec<String> {
    let one = |Candidate { carrier, service, checksum }: &Candidate| {
        let service = service.map(|service| format!(" {service}")).unwrap_or_default();
        let valid = if *checksum == Checksum::Valid { "!" } else { "" };
        format!("{carrier}{service}{valid}")
    };
    detect(text).candidates.iter().map(one).collect()
}

fn fits_of(text: &str) -> Vec<Fit> {
    spelling::read(text).1.iter().flat_map(fits).collect()
}

fn with_symbol(text: &str, at: usize, symbol: u8) -> String {
    let letter = char::from_digit(u32::from(symbol), 36).expect("a symbol").to_ascii_uppercase();
    text.chars().enumerate().map(|(place, kept)| if place == at { letter } else { kept }).collect()
}

fn symbol_at(text: &str, at: usize) -> u8 {
    text.chars().nth(at).and_then(|letter| letter.to_digit(36)).expect("a symbol") as u8
}

/// With the next digit, or letter, in place of the one at `at`.
fn altered(text: &str, at: usize) -> String {
    let symbol = symbol_at(text, at);
    with_symbol(text, at, if symbol < 10 { (symbol + 1) % 10 } else { 10 + (symbol - 9) % 26 })
}

fn check_place(row: &Row, number: &str) -> Option<(Checked, usize)> {
    row.check().map(|check| (check, number.len() - 1 - check.tail))
}

fn is_of(row: &Row, number: &str) -> bool {
    let symbols = spelling::read(number).1.expect("a number");
    row.forms().iter().any(|form| form.fits(symbols.as_slice()))
}

#[test]
fn every_row_has_an_example_that_fits_it_and_says_where_it_comes_from() {
    for row in rows() {
        assert!(row.carrier.parse::<CarrierCode>().is_ok(), "{row:?}");
        assert!(row.service.as_ref().is_none_or(|service| service.parse::<CarrierCode>().is_ok()), "{row:?}");
        assert!(ATTRIBUTION.contains(&format!("| `{}` |", row.source)), "{row:?}");
        assert!(
            row.forms().iter().all(|form| (7..=spelling::LENGTH_MAX).contains(&form.length())),
            "{row:?}"
        );
        let symbols = spelling::read(&row.example).1.expect("a number");
        assert!(row.forms().iter().any(|form| form.fits(symbols.as_slice())), "{row:?}");
        if let Some(check) = row.check() {
            assert_eq!(check.verdict(symbols.as_slice()), Verdict::Holds, "{row:?}");
        }
    }
}

#[test]
fn a_wrong_check_digit_never_counts_as_right() {
    for row in rows() {
        let Some((check, at)) = check_place(&row, &row.example) else { continue };
        let wrong = altered(&row.example, at);
        let symbols = spelling::read(&wrong).1.expect("a number");
        let expected = if check.is_sure { Verdict::Fails } else { Verdict::Doubtful };
        assert_eq!(check.verdict(symbols.as_slice()), expected, "{row:?}");
    }
}

#[test]
fn every_operator_has_a_carrier_and_a_country_of_its_own() {
    let operators: Vec<_> = s10::operators().collect();
    assert!(operators.len() >= 190);
    assert!(operators.is_sorted_by(|a, b| a.country < b.country));
    for operator in &operators {
        assert!(operator.carrier.parse::<CarrierCode>().is_ok(), "{operator:?}");
        assert!(!operator.operator.is_empty(), "{operator:?}");
        let (right, wrong) =
            (format!("RB123456785{}", operator.country), format!("RB123456786{}", operator.country));
        assert_eq!(detect(&right).candidates[0].carrier, operator.carrier);
        assert_eq!(detect(&right).candidates[0].checksum, Checksum::Valid);
        assert!(detect(&wrong).mistyped && detect(&wrong).candidates.is_empty(), "{wrong}");
    }
    for (country, carrier) in [
        ("CN", "ems"),
        ("GB", "royal_mail"),
        ("US", "usps"),
        ("AU", "australia_post"),
        ("CA", "canada_post"),
        ("FR", "la_poste"),
        ("DE", "dhl_unified"),
        ("JP", "japan_post"),
        ("KR", "korea_post"),
        ("HK", "hongkong_post"),
        ("TW", "chunghwa_post"),
    ] {
        assert!(
            operators.iter().any(|found| found.country == country && found.carrier == carrier),
            "{country}"
        );
    }
}

#[test]
fn the_best_guess_comes_first() {
    for (number, best) in [
        ("1Z999AA10123456784", "ups!"),
        ("1z 5r8-9390 35756 7127", "ups!"),
        ("1Z12345E0205271688", "ups"),
        ("9400109104250532908587", "usps!"),
        ("420 22153 9101026837331000039521", "usps!"),
        ("4201002334249200190132607600833457", "usps!"),
        ("9261292700768711948021", "fedex smartpost!"),
        ("9274890314668400144507", "ups mail_innovations!"),
        ("420113859374869903508141282867", "dhl_unified ecommerce!"),
        ("986578788855", "fedex express!"),
        ("039813852990618", "fedex ground!"),
        ("9611020987654312345672", "fedex ground!"),
        ("1001921334250001000300779017972697", "fedex express!"),
        ("3318810025", "dhl_unified express!"),
        ("73891051146", "dhl_unified express!"),
        ("00340434161094042557", "dhl_unified parcel_de!"),
        ("JJD0099999999", "dhl_unified express"),
        ("JD014600006281230704", "dhl_unified parcel_de"),
        ("GM2951173225174494", "dhl_unified ecommerce"),
        ("CU707538487DE", "dhl_unified parcel_de!"),
        ("RC598233734DE", "dhl_unified deutsche_post!"),
        ("EV008712571CN", "ems ems!"),
        ("LP176445020CN", "ems tracked_letter!"),
        ("TQ071537693GB", "royal_mail!"),
        ("EJ287071520AU", "australia_post ems!"),
        ("33XFE000012301000605013", "australia_post"),
        ("0073938000549297", "canada_post!"),
        ("6A22770022266", "la_poste colissimo!"),
        ("SF1011603494291", "sf_express"),
        ("SF6043310798724", "sf_express"),
        ("YT1234567890123", "yto"),
        ("YT2229521272164446", "yunexpress"),
        ("773012345678901", "sto"),
        ("73123456789012", "zto"),
        ("432542035598773", "yunda"),
        ("1240921381750", "ems"),
        ("JDVA11408814483", "jd"),
        ("JDX000012345678", "jd"),
        ("JT5091156768308", "jt_express"),
        ("DPK364112047425", "deppon"),
        ("LP00724622449605", "cainiao"),
        ("LP123456789012345", "cainiao"),
        ("4PX3000123456789CN", "four_px"),
        ("UG336196744YP", "yanwen!"),
        ("276571216773", "yamato!"),
        ("405548424886", "yamato!"),
        ("XW435801688JB", "chronopost!"),
        ("09599003049519Y", "dpd!"),
        ("00 81827 0998 0000 0200 33 350 276 C", "dpd!"),
        ("TBA502887274000", "amazon"),
        ("C11031500001879", "ontrac!"),
        ("1LS7119013618127-1", "lasership"),
        ("3SOVAC7567398", "postnl"),
        ("H01HYA0005747846", "evri"),
        ("JJD0002257639032011", "yodel"),
    ] {
        assert_eq!(said(number).first().map(String::as_str), Some(best), "{number}: {:?}", said(number));
        assert!(!detect(number).mistyped, "{number}");
    }
}

#[test]
fn every_carrier_whose_form_fits_is_named_once() {
    let all = said("405548424886");
    for carrier in ["yamato!", "sagawa!", "japan_post!", "sf_express", "zto", "yto", "cj_logistics"] {
        assert_eq!(all.iter().filter(|one| *one == carrier).count(), 1, "{carrier} in {all:?}");
    }
    assert!(!all.iter().any(|one| one.starts_with("fedex")), "its check digit fails: {all:?}");
    assert!(all.is_sorted_by_key(|one| !one.ends_with('!')), "what holds comes first: {all:?}");
    assert_eq!(said("YT1234567890123"), ["yto"]);
    assert_eq!(said("304200631500")[0], "four_px");
    let failing = said("3318810026");
    let place = |one: &str| failing.iter().position(|other| other == one);
    assert!(place("dhl_unified freight") < place("dhl_unified express"), "{failing:?}");
}

#[test]
fn a_check_digit_that_fails_is_said_to_be_mistyped() {
    for number in [
        "1Z999AA10123456785",
        "1Z5R89390357567128",
        "1Z1111111111111111",
        "RB123456786US",
        "RR123456789CN",
        "00340434161094042558",
        "9261292700768711948020",
        "9400109104250532908588",
        "4201028200009261290113185417468511",
        "008182709980000020033350276A",
        "C11031500001889",
        "D10011345983012",
        "8L41392078261",
        "UG336196745YP",
        "EA123456786CS",
        "XW435801689JB",
    ] {
        let Detection { mistyped, candidates, .. } = detect(number);
        assert!(mistyped && candidates.is_empty(), "{number}: {candidates:?}");
    }
}

#[test]
fn what_may_be_somebodys_without_a_check_digit_is_not_mistyped() {
    for number in [
        // DHL Express' and FedEx' fail; YTO, ZTO, SF and others have none.
        "3318810026",
        "986578788856",
        "039813852990619",
        "0073938000549292",
        // Numbers for tests, as UPS publishes them.
        "1Z12345E0205271689",
        // A country that has no operator; a letter that S10 keeps in reserve.
        "RB123456786QQ",
        "TQ071537694GB",
    ] {
        assert!(!detect(number).mistyped, "{number}");
    }
}

#[test]
fn what_is_no_number_has_no_candidates() {
    let long = "9".repeat(200);
    for text in [
        "",
        " ",
        "-",
        "😀",
        "RB123456785GB😀",
        "1Z999AA1/123456784",
        "号码",
        &long,
        "\0\0",
        "1",
        "ABC",
        "RB12345GB",
        "RBGB",
    ] {
        let Detection { mistyped, candidates, .. } = detect(text);
        assert!(!mistyped && candidates.is_empty(), "{text:?}: {candidates:?}");
    }
    assert_eq!(detect(" 1z-９ ").number, "1Z9");
}

#[test]
fn a_carriers_own_forms_decide_where_it_is_known() {
    let any = "is mistyped: its check digit does not fit any carrier's format";
    assert_eq!(refused("ups", "1Z999AA10123456785"), Some(format!("1Z999AA10123456785 {any}")));
    assert_eq!(refused("dhl_unified", "1Z999AA10123456785"), Some(format!("1Z999AA10123456785 {any}")));
    let of_fedex = "986578788856 is mistyped: its check digit does not fit the format of fedex";
    assert_eq!(refused("fedex", "986578788856").as_deref(), Some(of_fedex));
    for (code, number) in [
        ("ups", "1Z999AA10123456784"),
        ("fedex", "986578788855"),
        // Not FedEx' number, and not said to be.
        ("sf_express", "986578788856"),
        // Another carrier's, and right: carriers hand parcels on under each other's numbers.
        ("dhl_unified", "9400109104250532908587"),
        ("dhl_unified", "3318810026"),
        ("dhl_unified", "JVGL0600000000001"),
        // Nobody's form.
        ("ups", "MIXEDUP001"),
        ("unheard_of", "SBX01KB2M3Z8TE2"),
    ] {
        assert_eq!(refused(code, number), None, "{code} {number}");
    }
}

#[test]
fn most_forms_with_a_sure_check_digit_are_nobody_elses() {
    let alone = |row: &Row| {
        check_place(row, &row.example)
            .is_some_and(|(check, at)| check.is_sure && detect(&altered(&row.example, at)).mistyped)
    };
    let carriers: BTreeSet<_> = rows().filter(alone).map(|row| row.carrier).collect();
    let expected =
        ["chronopost", "dhl_unified", "dpd", "ems", "fedex", "la_poste", "ontrac", "ups", "usps", "yanwen"];
    assert!(carriers.iter().eq(expected.iter()), "{carriers:?}");
}

/// A number of one of the rows with such a check, its check digit right.
fn number_of_a_row(is_meant: fn(Checked) -> bool) -> impl Strategy<Value = (usize, String)> {
    let is_meant = |(_, row): &(usize, Row)| row.check().is_some_and(is_meant);
    let checked: Vec<(usize, Row)> = rows().enumerate().filter(is_meant).collect();
    (0..checked.len(), proptest::collection::vec(any::<u8>(), spelling::LENGTH_MAX)).prop_map(
        move |(at, dice)| {
            let (place, row) = &checked[at];
            let mut number = row.example.clone();
            for (at, die) in dice.iter().enumerate().take(number.len()) {
                let other = with_symbol(&number, at, die % 36);
                if is_of(row, &other) {
                    number = other;
                }
            }
            let (check, at) = check_place(row, &number).expect("a check");
            let symbols: Vec<u8> = (0..number.len()).map(|at| symbol_at(&number, at)).collect();
            (*place, with_symbol(&number, at, check.check.of(&symbols[check.skip..at])))
        },
    )
}

/// UPS' weight of 2, the rests of 7 and 11 leave some out.
fn finds_any_one_digit(check: Checked) -> bool {
    check.is_sure && matches!(check.check, Check::Gs1 | Check::Mod37And36)
}

proptest! {
    #[test]
    fn a_number_with_the_right_check_digit_may_be_its_carriers((row, number) in number_of_a_row(|_| true)) {
        let row = rows().nth(row).expect("a row");
        // A check that is a letter where the form wants a digit makes another number of it.
        prop_assume!(is_of(&row, &number));
        let found = detect(&number);
        prop_assert!(!found.mistyped, "{}", number);
        let is_valid = |one: &Candidate| one.carrier == row.carrier && one.service == row.service.as_deref() && one.checksum == Checksum::Valid;
        prop_assert!(found.candidates.iter().any(is_valid), "{} {:?}", number, found);
        prop_assert_eq!(check(&carrier(&row.carrier), &number.parse().expect("a number")), Ok(()));
    }

    #[test]
    fn one_wrong_digit_makes_a_number_mistyped_where_nothing_else_fits(
        (row, number) in number_of_a_row(finds_any_one_digit), at in 0_usize..spelling::LENGTH_MAX, by in 1_u8..10
    ) {
        let row = rows().nth(row).expect("a row");
        let (check, last) = check_place(&row, &number).expect("a check");
        let at = check.skip + at % (last + 1 - check.skip);
        let symbol = symbol_at(&number, at);
        prop_assume!(symbol < 10);
        let wrong = with_symbol(&number, at, (symbol + by) % 10);
        // It may have become another form, or have been one of two.
        prop_assume!(fits_of(&wrong).len() == 1 && is_of(&row, &wrong));
        prop_assert!(detect(&wrong).mistyped, "{} from {}", wrong, number);
        prop_assert!(super::check(&carrier(&row.carrier), &wrong.parse().expect("a number")).is_err());
    }

    #[test]
    fn a_bare_number_of_9_to_16_digits_may_always_be_somebodys(number in "[0-9]{9,16}") {
        prop_assert!(!detect(&number).mistyped, "{}", number);
    }

    #[test]
    fn any_text_is_read_without_a_crash(text in ".{0,60}", number in "[0-9A-Z ]{0,45}") {
        for text in [text, number] {
            let Detection { number, mistyped, candidates } = detect(&text);
            prop_assert!(!mistyped || candidates.is_empty());
            prop_assert_eq!(detect(&number), Detection { number, mistyped, candidates });
        }
    }
}
