//! The commands of the real binary, in a folder of their own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;

use crate::support::binary::{bad, err, good, out, sampan, sampan_unread, sampan_with};
use crate::support::database::memory;

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("sampan-test-").tempdir_in(memory()).expect("a folder for a test")
}

fn migrated() -> TempDir {
    let folder = folder();
    good(&sampan(folder.path(), &["migrate", "up"]));
    folder
}

/// What stands behind a word at the beginning of a line.
fn value(text: &str, word: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("no {word} in {text}")).trim().to_owned()
}

fn create_merchant(folder: &Path) -> String {
    good(&sampan(
        folder,
        &["merchant", "create", "--name", "Harbour Goods", "--country", "HK", "--currency", "HKD"],
    ))
}

#[test]
fn how_a_merchants_orders_are_released_is_shown_and_changed_where_it_is_named() {
    let folder = migrated();
    let id = value(&create_merchant(folder.path()), "merchant ");
    let escrow = |changes: &[&str]| sampan(folder.path(), &[&["merchant", "escrow", &id], changes].concat());
    let shown = good(&escrow(&[]));
    assert_eq!(
        (value(&shown, "release "), value(&shown, "buyer_proof")),
        ("on_delivery".into(), "code".into())
    );
    let changes = ["--release", "after_window", "--days", "15", "--wait-for-window", "locker,neighbour"];
    good(&escrow(&changes));
    let shown = good(&escrow(&["--buyer-proof", "phone", "--release-by", "parcel"]));
    let words = ["release ", "days", "dwell_minutes", "wait_for_window", "release_by", "buyer_proof"];
    let expected = ["after_window", "15", "0", "locker,neighbour", "parcel", "phone"];
    assert_eq!(words.map(|word| value(&shown, word)), expected);
    assert_eq!(value(&good(&escrow(&["--wait-for-window"])), "wait_for_window"), "");
    for wrong in [["--days", "61"], ["--buyer-proof", "passport"], ["--wait-for-window", "moon"]] {
        assert!(err(&escrow(&wrong)).contains(wrong[1]), "{wrong:?}");
    }
}

#[test]
fn the_defaults_are_a_configuration_that_can_be_used() {
    let folder = migrated();
    let defaults = good(&sampan(folder.path(), &["defaults"]));
    fs::write(folder.path().join("sampan.toml"), &defaults).expect("a file");
    good(&sampan(folder.path(), &["merchant", "list"]));
    let keys = defaults.lines().filter(|line| !line.starts_with(['#', '[']) && line.contains('='));
    assert!(keys.count() > 40, "{defaults}");
}

#[test]
fn a_key_that_is_not_there_is_refused_by_its_name() {
    let folder = migrated();
    let said = bad(&sampan_with(folder.path(), &["merchant", "list"], &[("SAMPAN__OUTBOX__JITER", "0.1")]));
    assert!(said.contains("jiter"), "{said}");
    let said = bad(&sampan_with(folder.path(), &["merchant", "list"], &[("SAMPAN__OUTBOX__JITTER", "2")]));
    assert!(said.contains("outbox.jitter"), "{said}");
    fs::write(folder.path().join("other.toml"), "[http]\nlisten_on = \"127.0.0.1:1\"\n").expect("a file");
    let said = bad(&sampan(folder.path(), &["--config", "other.toml", "merchant", "list"]));
    assert!(said.contains("listen_on"), "{said}");
    let said = bad(&sampan(folder.path(), &["--config", "nowhere.toml", "merchant", "list"]));
    assert!(said.contains("nowhere.toml"), "{said}");
    // The environment goes above the file, the file above the defaults.
    fs::write(folder.path().join("sampan.toml"), "database.url = \"sqlite://elsewhere.db\"\n")
        .expect("a file");
    assert!(bad(&sampan(folder.path(), &["merchant", "list"])).contains("elsewhere.db"));
    let variables = [("SAMPAN__DATABASE__URL", "sqlite://sampan.db")];
    good(&sampan_with(folder.path(), &["merchant", "list"], &variables));
}

#[test]
fn a_network_is_imported_whole_or_not_at_all() {
    let folder = migrated();
    let path = folder.path();
    good(&sampan(path, &["network", "sample", "network"]));
    let again = bad(&sampan(path, &["network", "sample", "network"]));
    assert!(again.contains("hubs.csv"), "what is there is not overwritten: {again}");
    let lanes_csv = path.join("network/lanes.csv");
    let lanes = fs::read_to_string(&lanes_csv).expect("lanes");
    let mut lines: Vec<_> = lanes.lines().map(str::to_owned).collect();
    lines[3] = lines[3].replacen("air", "balloon", 1);
    lines[7] = lines[7].replacen(",AU", ",XX", 1);
    fs::write(&lanes_csv, lines.join("\n")).expect("a file");
    let said = bad(&sampan(path, &["network", "import", "network"]));
    assert!(said.contains("lanes.csv") && said.contains('4') && said.contains('8'), "{said}");
    assert!(said.contains("2 mistakes; nothing was imported"), "{said}");
    assert!(bad(&sampan(path, &["hub-key", "create", "HKHKG"])).contains("HKHKG is not a hub"));
    fs::write(&lanes_csv, lanes).expect("a file");
    let said = good(&sampan(path, &["network", "import", "network"]));
    assert!(said.contains("imported 64 hubs and 456 lanes as edition 1"), "{said}");
    assert!(good(&sampan(path, &["network", "import", "network"])).contains("edition 2"));
    assert!(value(&good(&sampan(path, &["hub-key", "create", "HKHKG"])), "hub_key").starts_with("shk_"));
    assert!(bad(&sampan(path, &["hub-key", "create", "XXXXX"])).contains("XXXXX is not a hub"));
    assert!(bad(&sampan(path, &["network", "import", "nowhere"])).contains("nowhere/hubs.csv"));
}

#[test]
fn merchants_are_created_listed_and_given_new_secrets() {
    let folder = migrated();
    let created = create_merchant(folder.path());
    let (id, secret) = (value(&created, "merchant"), value(&created, "webhook_secret"));
    assert!(id.starts_with("mer_") && secret.starts_with("whsec_"), "{created}");
    assert!(value(&created, "api_key").starts_with("smk_"), "{created}");
    let listed = sampan(folder.path(), &["merchant", "list"]);
    assert!(
        good(&listed).contains(&format!("{id}  HK  HKD  verified"))
            && good(&listed).contains("Harbour Goods")
    );
    assert!(!out(&listed).contains(&secret) && !err(&listed).contains(&secret));
    let rotated = value(&good(&sampan(folder.path(), &["merchant", "rotate-secret", &id])), "webhook_secret");
    assert!(rotated.starts_with("whsec_") && rotated != secret);
    let nobody = "mer_01kb2m3z8te2gt8d1v6q8h4x5n";
    assert!(bad(&sampan(folder.path(), &["merchant", "rotate-secret", nobody])).contains(nobody));
    let create = ["merchant", "create", "--name", " ", "--country", "HK", "--currency", "HKD"];
    assert!(bad(&sampan(folder.path(), &create)).contains("--name"));
    for wrong in [["--country", "Hong Kong", "--currency", "HKD"], ["--country", "HK", "--currency", "XYZ1"]]
    {
        let arguments = [&["merchant", "create", "--name", "Shop"], &wrong[..]].concat();
        assert_eq!(sampan(folder.path(), &arguments).status.code(), Some(2));
    }
}

#[test]
fn an_empty_outbox_has_nothing_to_list_to_send_or_to_park() {
    let folder = migrated();
    assert_eq!(good(&sampan(folder.path(), &["outbox", "list"])), "");
    assert_eq!(good(&sampan(folder.path(), &["outbox", "list", "--state", "dead"])), "");
    for verb in ["retry", "park"] {
        let said = bad(&sampan(folder.path(), &["outbox", verb, "trg_01kb2m3z8te2gt8d1v6q8h4x5n"]));
        assert!(said.contains("there is no trigger"), "{said}");
        assert_eq!(
            sampan(folder.path(), &["outbox", verb, "shp_01kb2m3z8te2gt8d1v6q8h4x5n"]).status.code(),
            Some(2)
        );
    }
    assert_eq!(sampan(folder.path(), &["outbox", "list", "--state", "lost"]).status.code(), Some(2));
}

#[test]
fn a_schema_goes_up_and_down_and_says_where_it_stands() {
    let folder = folder();
    fs::File::create_new(folder.path().join("sampan.db")).expect("an empty database");
    let status = |word: &str| {
        let said = good(&sampan(folder.path(), &["migrate", "status"]));
        said.lines().filter(|line| line.starts_with(word)).count()
    };
    let steps = status("missing");
    assert_eq!((status("applied"), steps > 0), (0, true));
    for command in [&["merchant", "list"][..], &["audit", "verify"], &["outbox", "list"]] {
        assert!(bad(&sampan(folder.path(), command)).contains("sampan migrate up"));
    }
    assert_eq!(good(&sampan(folder.path(), &["migrate", "up"])).lines().count(), steps);
    assert_eq!((status("applied"), status("missing")), (steps, 0));
    assert_eq!(good(&sampan(folder.path(), &["migrate", "up"])), "nothing to do\n");
    assert_eq!(good(&sampan(folder.path(), &["audit", "verify"])), "0 entries of 0 shipments, 0 breaks\n");
    assert_eq!(good(&sampan(folder.path(), &["migrate", "down"])).lines().count(), steps);
    assert_eq!((status("applied"), status("missing")), (0, steps));
}

#[test]
fn a_command_in_the_wrong_folder_says_where_it_looked_and_leaves_nothing_there() {
    let folder = folder();
    let file = folder.path().join("sampan.db");
    let said_of_it = format!("there is no database at {}", file.display());
    let commands = [
        &["outbox", "list"][..],
        &["merchant", "create", "--name", "Harbour Goods", "--country", "HK", "--currency", "HKD"],
        &["audit", "verify"],
        &["migrate", "status"],
        &["migrate", "down"],
        &["serve", "--no-migrate"],
    ];
    for command in commands {
        let said = bad(&sampan_with(folder.path(), command, &[("SAMPAN__HTTP__LISTEN", "127.0.0.1:0")]));
        assert!(said.contains(&said_of_it), "{command:?}: {said}");
        assert!(!file.exists(), "{command:?}");
    }
    good(&sampan(folder.path(), &["migrate", "up"]));
    good(&sampan(folder.path(), &["outbox", "list"]));
}

#[test]
fn a_command_whose_reader_has_enough_ends_without_a_word() {
    let folder = migrated();
    create_merchant(folder.path());
    let detect = ["detect", "1Z999AA10123456784"];
    for command in [&["defaults"][..], &["merchant", "list"], &["migrate", "status"], &detect] {
        let ended = sampan_unread(folder.path(), command);
        assert_eq!((ended.status.code(), err(&ended)), (Some(141), String::new()), "{command:?}");
    }
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a port's address").to_string();
    let said = bad(&sampan_with(folder.path(), &["serve"], &[("SAMPAN__HTTP__LISTEN", &address)]));
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    let said = bad(&sampan_with(
        folder.path(),
        &["serve", "--no-migrate"],
        &[("SAMPAN__HTTP__LISTEN", "127.0.0.1:0")],
    ));
    assert!(said.contains("sampan migrate up"), "{said}");
    let nowhere = [("SAMPAN__HTTP__LISTEN", "127.0.0.1:0"), ("SAMPAN__DATABASE__URL", "mysql://somewhere")];
    assert!(bad(&sampan_with(folder.path(), &["serve"], &nowhere)).contains("database.url"));
    drop(taken);
    let said = bad(&sampan_with(folder.path(), &["healthcheck"], &[("SAMPAN__HTTP__LISTEN", &address)]));
    assert!(!said.is_empty(), "nobody is there");
}

#[test]
fn every_command_explains_itself() {
    let folder = folder();
    let said = good(&sampan(folder.path(), &["demo", "--help"]));
    for option in ["--exit", "--shipments", "--seed", "--port", "--speed"] {
        assert!(said.contains(option), "{said}");
    }
    let said = good(&sampan(folder.path(), &["--help"]));
    for command in [
        "serve",
        "demo",
        "migrate",
        "network",
        "merchant",
        "hub-key",
        "operator-key",
        "replan",
        "outbox",
        "audit",
        "healthcheck",
        "defaults",
    ] {
        assert!(said.contains(command), "{said}");
    }
    assert_eq!(sampan(folder.path(), &["sail"]).status.code(), Some(2));
}

#[test]
fn an_operator_s_key_is_shown_once_and_ends_with_his_name() {
    let folder = migrated();
    let path = folder.path();
    let said = good(&sampan(path, &["operator-key", "create", "ana"]));
    let key = value(&said, "operator_key");
    assert!(key.starts_with("sok_"), "{said}");
    let listed = good(&sampan(path, &["operator-key", "list"]));
    assert!(listed.contains("good  ana") && !listed.contains(&key), "{listed}");
    assert!(good(&sampan(path, &["operator-key", "revoke", "ana"])).contains("1 keys ended"));
    assert!(bad(&sampan(path, &["operator-key", "revoke", "ana"])).contains("no key that is good"));
    assert!(good(&sampan(path, &["operator-key", "list"])).contains("ended"));
    assert_eq!(good(&sampan(path, &["replan", "list"])), "");
}
