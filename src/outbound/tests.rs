use super::*;

#[test]
fn a_strangers_address_is_looked_at_before_it_is_called() {
    for (text, at_home) in [
        ("https://shop.example/hooks?a=b", true),
        ("https://8.8.8.8:8443/", true),
        ("https://localhost/", true),
        ("http://shop.example/", false),
        ("https://10.0.0.1/", false),
        ("https://[::1]/", false),
        ("https://2130706433/", false),
        ("https://0x7f.1/", false),
    ] {
        assert_eq!(check_address(text, &Home::default()).is_ok(), at_home, "{text}");
        assert_eq!(check_address(text, &everything()), Ok(()), "{text}");
    }
    for text in [
        "",
        "shop.example",
        "/hooks",
        "https://",
        "ftp://a.example/",
        "file:///etc/passwd",
        "https://me@a.example/",
        "https://me:word@a.example/",
        "https://:word@a.example/",
    ] {
        assert!(check_address(text, &everything()).is_err(), "{text}");
    }
}

fn everything() -> Home {
    Home { everything: true, ..Home::default() }
}

#[test]
fn hosts_of_home_are_called_by_the_configuration_and_by_no_stranger() {
    let hosts = ["pay.internal", "10.0.0.5", "fd00::1"].map(str::to_owned);
    let home = Home { everything: false, hosts: Arc::new(BTreeSet::from(hosts)) };
    for (url, ours) in [
        ("https://10.0.0.5/in", true),
        ("https://PAY.internal/in", true),
        ("https://[fd00::1]:8443/in", true),
        ("https://10.0.0.6/in", false),
        ("https://[::1]/in", false),
    ] {
        let parsed = reqwest::Url::parse(url).expect("an address");
        assert_eq!(check_literal(&parsed, &home).is_ok(), ours, "{url}");
        assert!(check_stranger(&parsed, &home).is_err(), "{url}");
        assert!(check_address(url, &home).is_err(), "{url}");
    }
    assert_eq!(check_address("https://shop.example/hooks", &home), Ok(()));
}

#[tokio::test]
async fn a_name_that_stands_for_this_machine_is_called_where_it_is_named_as_home() {
    for (hosts, found) in [(&[][..], false), (&["other"], false), (&["localhost"], true)] {
        let hosts = hosts.iter().map(|host: &&str| (*host).to_owned()).collect();
        let resolver = GuardedResolver { home: Home { everything: false, hosts: Arc::new(hosts) } };
        let resolved = resolver.resolve("localhost".parse().expect("a name")).await;
        assert_eq!(resolved.is_ok(), found);
    }
}

#[test]
fn only_addresses_of_the_public_internet_are_public() {
    for text in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"] {
        assert!(is_public(text.parse().expect("an address")), "{text}");
    }
    for text in [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "198.18.0.1",
        "192.0.0.8",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
    ] {
        assert!(!is_public(text.parse().expect("an address")), "{text}");
    }
}
