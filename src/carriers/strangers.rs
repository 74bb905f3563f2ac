//! Answers of one carrier under another's name: whoever mixes two up has to be told so.
//!
//! The others stand behind gateways whose errors are lists of codes and messages, the same from each of them.

use std::path::Path;

use super::contract::read;
use super::registry::ADAPTERS;

const READERS: &[&str] =
    &["sf_express", "ems", "cainiao", "seventeentrack", "kuaidi100", "aftership", "la_poste"];

#[test]
fn no_answer_is_read_as_another_carriers() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut strange = Vec::new();
    for adapter in ADAPTERS.iter().filter(|adapter| READERS.contains(&adapter.code)) {
        for other in ADAPTERS.iter().filter(|other| other.code != adapter.code) {
            for entry in std::fs::read_dir(recorded.join(other.code)).expect("recorded answers") {
                let path = entry.expect("an answer").path();
                let body = std::fs::read(&path).expect("an answer");
                if read(adapter, 200, &body).is_ok() {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    strange.push(format!("{} reads {}/{name}", adapter.code, other.code));
                }
            }
        }
    }
    assert_eq!(strange, [""; 0]);
}
