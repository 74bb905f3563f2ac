//! Countries as USPS writes them, in words and capitals: those that its own International Mail Manual lists.

use crate::domain::place::Country;

/// Those whose goods and posts are met most; of any other, the place stays without a country.
const NAMES: &[(&str, &str)] = &[
    ("AUSTRALIA", "AU"),
    ("AUSTRIA", "AT"),
    ("BELGIUM", "BE"),
    ("BRAZIL", "BR"),
    ("CANADA", "CA"),
    ("CHINA", "CN"),
    ("CZECH REPUBLIC", "CZ"),
    ("DENMARK", "DK"),
    ("FINLAND", "FI"),
    ("FRANCE", "FR"),
    ("GERMANY", "DE"),
    ("GREAT BRITAIN", "GB"),
    ("GREECE", "GR"),
    ("HONG KONG", "HK"),
    ("HUNGARY", "HU"),
    ("INDIA", "IN"),
    ("INDONESIA", "ID"),
    ("IRELAND", "IE"),
    ("ISRAEL", "IL"),
    ("ITALY", "IT"),
    ("JAPAN", "JP"),
    ("KOREA", "KR"),
    ("MACAO", "MO"),
    ("MALAYSIA", "MY"),
    ("MEXICO", "MX"),
    ("NETHERLANDS", "NL"),
    ("NEW ZEALAND", "NZ"),
    ("NORWAY", "NO"),
    ("PEOPLES REPUBLIC OF CHINA", "CN"),
    ("PHILIPPINES", "PH"),
    ("POLAND", "PL"),
    ("PORTUGAL", "PT"),
    ("RUSSIAN FEDERATION", "RU"),
    ("SINGAPORE", "SG"),
    ("SOUTH KOREA", "KR"),
    ("SPAIN", "ES"),
    ("SWEDEN", "SE"),
    ("SWITZERLAND", "CH"),
    ("TAIWAN", "TW"),
    ("THAILAND", "TH"),
    ("TURKEY", "TR"),
    ("UNITED ARAB EMIRATES", "AE"),
    ("UNITED KINGDOM", "GB"),
    ("UNITED STATES", "US"),
    ("VIETNAM", "VN"),
];

/// Two capitals; empty where the name is not known.
pub fn code(name: &str) -> String {
    let capitals = name.trim().to_ascii_uppercase();
    if capitals.len() == 2 && capitals.parse::<Country>().is_ok() {
        return capitals;
    }
    // `KOREA, REPUBLIC OF`, `GREAT BRITAIN AND NORTHERN IRELAND`.
    let bare = capitals.split([',', '(']).next().unwrap_or_default().trim_end();
    let is_of =
        |known: &str| bare == known || bare.strip_prefix(known).is_some_and(|rest| rest.starts_with(" AND "));
    let found = NAMES.iter().find(|(known, _)| is_of(known));
    found.map(|(_, code)| (*code).to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_become_codes() {
        assert!(NAMES.is_sorted());
        for (_, code) in NAMES {
            assert!(code.parse::<Country>().is_ok(), "{code}");
        }
        for (name, expected) in [
            ("CHINA", "CN"),
            ("china", "CN"),
            ("KOREA, REPUBLIC OF", "KR"),
            ("GREAT BRITAIN AND NORTHERN IRELAND", "GB"),
            ("US", "US"),
            ("ATLANTIS", ""),
            ("", ""),
        ] {
            assert_eq!(code(name), expected, "{name}");
        }
    }
}
