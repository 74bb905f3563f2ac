use super::*;

fn country(code: &str) -> Country {
    code.parse().expect("a country of the test")
}

fn address(code: &str, region: &str, city: &str, postal_code: &str) -> Address {
    Address {
        country: country(code),
        region: region.into(),
        city: city.into(),
        postal_code: postal_code.into(),
        lines: Vec::new(),
        location: None,
    }
}

fn given(code: &str, lat: f64, lon: f64) -> Address {
    Address { location: Some(Point { lat, lon }), ..address(code, "", "", "") }
}

#[test]
fn known_postal_codes_are_near_where_they_are_and_in_their_zone() {
    for (code, postal_code, lat, lon, zone) in [
        ("US", "10001", 40.75, -74.0, "America/New_York"),
        ("US", "90001-1234", 33.97, -118.25, "America/Los_Angeles"),
        ("GB", "SW1A 1AA", 51.5, -0.14, "Europe/London"),
        ("GB", "m1 1ae", 53.48, -2.24, "Europe/London"),
        ("DE", "D-10115", 52.53, 13.38, "Europe/Berlin"),
        ("FR", "75001", 48.86, 2.34, "Europe/Paris"),
        ("JP", "100-0001", 35.68, 139.75, "Asia/Tokyo"),
        ("KR", "04524", 37.57, 126.98, "Asia/Seoul"),
        ("AU", "2000", -33.87, 151.21, "Australia/Sydney"),
        ("TW", "110", 25.03, 121.57, "Asia/Taipei"),
        ("HK", "yt", 22.31, 114.17, "Asia/Hong_Kong"),
    ] {
        let located = Atlas::embedded().locate(&address(code, "", "", postal_code)).expect(postal_code);
        let off_km = distance_km(located.point, Point { lat, lon });
        assert!(off_km < 30.0, "{code} {postal_code} is {off_km} km off");
        assert_eq!(
            (located.zone.name(), located.by),
            (zone, LocatedBy::PostalPrefix),
            "{code} {postal_code}"
        );
    }
}

#[test]
fn known_cities_are_found_however_they_are_spelt() {
    for (code, region, city, lat, lon, zone) in [
        ("US", "", "los angeles", 34.05, -118.24, "America/Los_Angeles"),
        ("US", "NY", "New York", 40.71, -74.01, "America/New_York"),
        ("US", "US-MA", "Springfield", 42.10, -72.59, "America/New_York"),
        ("US", "Illinois", "SPRINGFIELD", 39.80, -89.64, "America/Chicago"),
        // Nobody says which: the most populous.
        ("US", "", "Springfield", 37.22, -93.30, "America/Chicago"),
        ("AU", "NSW", "Epping", -33.77, 151.08, "Australia/Sydney"),
        ("GB", "England", "London", 51.51, -0.13, "Europe/London"),
        ("DE", "Bayern", "München", 48.14, 11.58, "Europe/Berlin"),
        ("DE", "", "Duesseldorf", 51.22, 6.78, "Europe/Berlin"),
        ("FR", "", "saint etienne", 45.43, 4.39, "Europe/Paris"),
        ("JP", "", "東京", 35.69, 139.69, "Asia/Tokyo"),
        ("KR", "", "서울", 37.57, 126.98, "Asia/Seoul"),
        ("HK", "", "Tuen Mun", 22.39, 113.97, "Asia/Hong_Kong"),
        ("TW", "", "台北市", 25.05, 121.53, "Asia/Taipei"),
    ] {
        let located = Atlas::embedded().locate(&address(code, region, city, "")).expect(city);
        let off_km = distance_km(located.point, Point { lat, lon });
        assert!(off_km < 10.0, "{city} is {off_km} km off");
        assert_eq!((located.zone.name(), located.by), (zone, LocatedBy::City), "{city}");
    }
}

#[test]
fn a_postal_code_goes_before_the_city_and_a_point_before_both() {
    let mut address = address("US", "CA", "Los Angeles", "10001");
    let by = |address: &Address| Atlas::embedded().locate(address).map(|located| located.by);
    assert_eq!(by(&address), Ok(LocatedBy::PostalPrefix));
    address.postal_code = "1000".into();
    assert_eq!(by(&address), Ok(LocatedBy::City));
    let point = Point { lat: 41.9, lon: -87.6 };
    address.location = Some(point);
    let located = Atlas::embedded().locate(&address).expect("a point that was given");
    assert_eq!((located.point, located.by), (point, LocatedBy::Given));
    assert_eq!(located.zone.name(), "America/Chicago");
}

#[test]
fn what_is_not_located_names_the_field_that_would_help() {
    let error = |address: &Address| Atlas::embedded().locate(address).expect_err("not located");
    let country = country("US");
    for (address, expected, field) in [
        (address("US", "CA", "", " "), NotLocated::NothingGiven, "postal_code"),
        (address("US", "", "", "1"), NotLocated::PostalCodeUnknown { country }, "postal_code"),
        (address("US", "", "Nowhere", ""), NotLocated::CityUnknown { country }, "city"),
        (address("US", "ME", "Portland", ""), NotLocated::CityNotInRegion { country }, "city"),
        (address("US", "", "Nowhere", "1"), NotLocated::NeitherKnown { country }, "location"),
    ] {
        let found = error(&address);
        assert_eq!(found, expected);
        assert_eq!(found.field(), field);
        assert!(found.to_string().contains(field) && !found.to_string().contains("Nowhere"), "{found}");
    }
}

#[test]
fn swapped_and_faraway_points_are_refused() {
    let locate = |code, lat, lon| Atlas::embedded().locate(&given(code, lat, lon)).map(|_| ());
    for (code, lat, lon) in
        [("DE", 52.5, 13.4), ("CY", 34.7, 33.0), ("GR", 35.3, 25.1), ("RO", 44.4, 26.1), ("US", 40.7, -74.0)]
    {
        assert_eq!(locate(code, lat, lon), Ok(()));
        assert_eq!(locate(code, lon, lat), Err(NotLocated::Swapped { country: country(code) }));
    }
    let country = country("GB");
    assert!(matches!(
        locate("GB", 40.7, -74.0),
        Err(NotLocated::NotInCountry { country: c, km: 4_000.. }) if c == country
    ));
}

#[test]
fn remote_places_are_believed_to_be_in_their_country() {
    for (code, lat, lon) in [
        ("US", 51.88, -176.65),
        ("US", 52.9, 173.1),
        ("US", 71.29, -156.79),
        ("US", 19.7, -155.08),
        ("AU", -22.8, 127.76),
        ("AU", -24.3, 126.1),
        ("AU", -10.45, 105.69),
        ("JP", 27.09, 142.19),
        ("ES", 27.8, -17.9),
        ("PT", 39.45, -31.13),
        ("CN", 32.5, 80.1),
    ] {
        let located = Atlas::embedded().locate(&given(code, lat, lon));
        assert!(located.is_ok(), "{code} {lat} {lon}: {located:?}");
    }
}

#[test]
fn a_country_that_no_table_knows_is_believed_and_gets_the_zone_of_the_nearest_city() {
    let located = Atlas::embedded().locate(&given("CA", 43.65, -79.38)).expect("Toronto");
    assert_eq!(located.zone.name(), "America/New_York");
    assert!(Atlas::embedded().locate(&address("CA", "", "Toronto", "")).is_err());
}

#[test]
fn every_division_has_names_and_a_point_in_china() {
    let divisions = &Atlas::embedded().tables.divisions;
    assert_eq!(divisions.len(), 3_212);
    for (code, place) in divisions {
        assert!((3.0..54.0).contains(&place.point.lat), "{code}");
        assert!((73.0..136.0).contains(&place.point.lon), "{code}");
        assert!(!place.name_zh.is_empty() && !place.name_en.is_empty(), "{code}");
        assert!(divisions.contains_key(&code.province()), "{code}");
    }
    let futian = Atlas::embedded().division("440304".parse().expect("a code")).expect("Futian");
    assert_eq!((futian.name_zh.as_str(), futian.level), ("福田区", DivisionLevel::District));
    assert_eq!(Atlas::embedded().division("999999".parse().expect("a code")), None);
}

#[test]
fn every_city_is_found_by_its_own_name_and_point() {
    let atlas = Atlas::embedded();
    for city in &atlas.tables.cities {
        let found = atlas.locate(&address(city.country.as_str(), "", &city.name, "")).expect(&city.name);
        assert_eq!(found.by, LocatedBy::City, "{}", city.name);
        assert_eq!(atlas.check_given(city.country, city.point), Ok(city.point), "{}", city.name);
    }
}

#[test]
fn a_town_is_known_in_its_country_and_a_street_is_not() {
    let knows = |code: &str, name: &str| Atlas::embedded().knows_town(country(code), name);
    for (code, name) in [
        ("NL", "Amsterdam"),
        ("AT", "WIEN"),
        ("CN", "Shenzhen"),
        ("CN", "深圳"),
        ("CN", "深圳市"),
        ("CN", "广东省"),
        ("CN", "广东省深圳市"),
        ("CN", "广东省深圳市福田区"),
        ("CN", "Futian"),
        ("CN", "Pudong New Area"),
    ] {
        assert!(knows(code, name), "{code} {name}");
    }
    for (code, name) in [
        ("CN", "Amsterdam"),
        ("NL", "深圳"),
        ("CN", ""),
        ("CN", "市"),
        ("CN", "城"),
        ("CN", "幸福路"),
        ("CN", "深圳市幸福路"),
        ("CN", "浙江省福田区"),
        ("NL", "Oderweg"),
    ] {
        assert!(!knows(code, name), "{code} {name}");
    }
}
