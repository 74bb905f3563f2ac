use super::*;

const HUBS: &str = "\
code,name_en,name_zh,kind,country,iata,lat,lon,tz,customs_modes,cutoff_local,handling_hours,illustrative
JPNRT,Tokyo,东京仓,origin_hub,JP,NRT,35.76,140.39,Asia/Tokyo,,16:00,10.01,1
CNPVG,Shanghai,上海,gateway,CN,PVG,31.14,121.81,Asia/Shanghai,9610;express,18:00,8,1
";

const LANES: &str = "\
lane_id,from,to,mode,carrier,service,direct,days_iso,depart_local,depart_tz,transit_hours,capacity_kg,capacity_m3,fixed_cost_usd,cost_per_kg_usd,distance_km,illustrative
L1,JPNRT,CNPVG,air,Silk Arc,direct flight,1,1;4,10:25,Asia/Seoul,12.501,4100.5,26.3,274.5,2.765432,1799,1
";

fn read_both(hubs: &str, lanes: &str) -> Result<(Vec<Hub>, Vec<Lane>), Vec<RowError>> {
    let files = NetworkFiles { hubs, lanes, ..NetworkFiles::default() };
    read(files).map(|(hubs, lanes, _)| (hubs, lanes))
}

/// The good files with `was` replaced in one of them.
fn errors(was: &str, becomes: &str) -> Vec<String> {
    assert!(HUBS.contains(was) || LANES.contains(was), "{was}");
    let hubs = HUBS.replacen(was, becomes, 1);
    let lanes = if HUBS.contains(was) { LANES.to_owned() } else { LANES.replacen(was, becomes, 1) };
    let errors = read_both(&hubs, &lanes).expect_err(becomes);
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn good_files_are_read_in_whole_units() {
    let (hubs, lanes) = read_both(HUBS, LANES).expect("good files");
    assert_eq!(hubs.len(), 2);
    // 10.01 h is 600.6 min, up to the minute.
    assert_eq!((hubs[0].code.as_str(), hubs[0].handling_minutes), ("JPNRT", 601));
    assert_eq!(hubs[1].clearances.iter().map(|c| c.as_str()).collect::<Vec<_>>(), ["9610", "express"]);
    let lane = &lanes[0];
    // 12.501 h is 750.06 min.
    assert_eq!((lane.transit_minutes, lane.distance_metres), (751, 1_799_000));
    assert_eq!((lane.capacity_grams, lane.capacity_cm3), (4_100_500, 26_300_000));
    assert_eq!((lane.fixed_cost_micros, lane.cost_per_kg_micros), (274_500_000, 2_765_432));
    assert_eq!((lane.weekdays.to_string().as_str(), lane.depart_zone), ("1;4", chrono_tz::Asia::Seoul));
}

#[test]
fn spreadsheets_may_add_a_mark_spaces_and_windows_line_ends() {
    let hubs = format!("\u{feff}{}", HUBS.replace('\n', "\r\n").replace("JPNRT,Tokyo", " JPNRT , Tokyo "));
    let (hubs, _) = read_both(&hubs, LANES).expect("good files");
    assert_eq!((hubs[0].code.as_str(), hubs[0].name_en.as_str()), ("JPNRT", "Tokyo"));
}

#[test]
fn each_bad_value_is_reported_with_its_place_and_reason() {
    for (was, becomes, report) in [
        ("\nJPNRT,", "\njpnrt,", "hubs.csv line 2, code: \"jpnrt\" is not a hub code"),
        ("\nCNPVG,", "\nJPNRT,", "hubs.csv line 3, code: JPNRT is already on line 2"),
        ("Tokyo,", ",", "hubs.csv line 2, name_en: is empty"),
        ("东京仓", "", "hubs.csv line 2, name_zh: is empty"),
        ("gateway", "gate", "hubs.csv line 3, kind: \"gate\" is not one of origin_hub, gateway"),
        ("hub,JP,", "hub,Japan,", "hubs.csv line 2, country: \"Japan\" is not a country code"),
        ("35.76", "135.76", "hubs.csv line 2, lat: 135.76 is not between -90 and 90"),
        ("35.76", "north", "hubs.csv line 2, lat: \"north\" is not a number"),
        ("140.39", "inf", "hubs.csv line 2, lon: inf is not between -180 and 180"),
        ("Asia/Tokyo", "Asia/Osaka", "hubs.csv line 2, tz: \"Asia/Osaka\" is not a time zone"),
        ("9610;express", "", "hubs.csv line 3, customs_modes: a gateway needs at least one"),
        ("9610;express", "9610;9611", "hubs.csv line 3, customs_modes: \"9611\" is not one of 9610,"),
        ("Tokyo,,16", "Tokyo,9610,16", "hubs.csv line 2, customs_modes: an origin hub has none"),
        ("16:00", "24:00", "hubs.csv line 2, cutoff_local: \"24:00\" is not a local time"),
        ("10.01", "-1", "hubs.csv line 2, handling_hours: -1 is negative"),
        ("10.01", "9000", "hubs.csv line 2, handling_hours: 9000 is more than 8784"),
        ("\nL1,", "\nL-1,", "lanes.csv line 2, lane_id: \"L-1\" is not a lane id"),
        (",JPNRT,CNPVG", ",JPHND,CNPVG", "lanes.csv line 2, from: JPHND is not in hubs.csv"),
        (",JPNRT,CNPVG", ",JPNRT,CNCAN", "lanes.csv line 2, to: CNCAN is not in hubs.csv"),
        (",JPNRT,CNPVG", ",JPNRT,cn", "lanes.csv line 2, to: \"cn\" is not a hub code"),
        (",JPNRT,CNPVG", ",JPNRT,JPNRT", "lanes.csv line 2, to: leads back"),
        (",air,", ",pipe,", "lanes.csv line 2, mode: \"pipe\" is not one of air, sea, road, rail"),
        ("Silk Arc", "", "lanes.csv line 2, carrier: is empty"),
        ("direct flight", "", "lanes.csv line 2, service: is empty"),
        ("1;4", "1;8", "lanes.csv line 2, days_iso: \"1;8\" is not a list of ISO weekdays"),
        ("10:25", "1025", "lanes.csv line 2, depart_local: \"1025\" is not a local time"),
        ("Asia/Seoul", "KST+9", "lanes.csv line 2, depart_tz: \"KST+9\" is not a time zone"),
        ("12.501", "0", "lanes.csv line 2, transit_hours: has to be more than 0"),
        ("12.501", "-3", "lanes.csv line 2, transit_hours: -3 is negative"),
        ("12.501", "soon", "lanes.csv line 2, transit_hours: \"soon\" is not a decimal number"),
        ("4100.5", "0", "lanes.csv line 2, capacity_kg: has to be more than 0"),
        ("4100.5", "0.0005", "lanes.csv line 2, capacity_kg: 0.0005 is not a multiple of 0.001"),
        ("26.3", "0.0", "lanes.csv line 2, capacity_m3: has to be more than 0"),
        ("274.5", "-274.5", "lanes.csv line 2, fixed_cost_usd: -274.5 is negative"),
        ("2.765432,", "2.7654321,", "lanes.csv line 2, cost_per_kg_usd: 2.7654321 is not a multiple"),
        ("2.765432,", "9999999999,", "lanes.csv line 2, cost_per_kg_usd: 9999999999 is more than 100000000"),
        ("1799,", "far,", "lanes.csv line 2, distance_km: \"far\" is not a decimal number"),
        ("1799,1", "1799", "lanes.csv line 2, row: has 16 fields, the header has 17"),
        ("8,1\n", "8,1,9\n", "hubs.csv line 3, row: has 14 fields, the header has 13"),
        ("depart_tz,", "zone,", "lanes.csv line 1, depart_tz: the header has no such column"),
        ("iata", "lat", "hubs.csv line 1, lat: the header has this column more than once"),
    ] {
        let found = errors(was, becomes);
        let own: Vec<_> = found.iter().filter(|error| error.starts_with(report)).collect();
        assert_eq!(own.len(), 1, "{report}\n{found:#?}");
    }
}

#[test]
fn all_that_is_wrong_in_both_files_is_reported_at_once_and_nothing_twice() {
    let hubs = HUBS.replace("Asia/Tokyo", "Asia/Osaka").replace("35.76", "x").replace("18:00", "x");
    let lanes = LANES.replace("12.501", "0").replace("Silk Arc", "").replace("2.765432,", "-2,");
    let errors = read_both(&hubs, &lanes).expect_err("bad files");
    let places: Vec<_> = errors.iter().map(|error| (error.file, error.line, error.column)).collect();
    assert_eq!(
        places,
        [
            ("hubs.csv", 2, "lat"),
            ("hubs.csv", 2, "tz"),
            ("hubs.csv", 3, "cutoff_local"),
            ("lanes.csv", 2, "carrier"),
            ("lanes.csv", 2, "transit_hours"),
            ("lanes.csv", 2, "cost_per_kg_usd"),
        ]
    );
}

#[test]
fn a_header_that_cannot_be_read_does_not_make_every_lane_s_hubs_unknown() {
    let errors = read_both(&HUBS.replace("cutoff_local", "cutoff"), LANES).expect_err("a bad header");
    assert_eq!(errors.len(), 1, "{errors:?}");
    let errors = read_both("", "").expect_err("empty files");
    assert_eq!(errors.len(), 11 + 15);
}

#[test]
fn a_duplicate_lane_is_reported_on_its_own_line() {
    let row = LANES.lines().nth(1).expect("a row");
    let errors = read_both(HUBS, &format!("{LANES}{row}\n")).expect_err("a duplicate");
    assert_eq!(errors[0].to_string(), "lanes.csv line 3, lane_id: L1 is already on line 2");
}

#[test]
fn what_a_lane_takes_is_read_where_it_is_said() {
    let lanes = |piece: &str, goods: &str| {
        let header = LANES.replacen("illustrative", "max_piece_kg,dangerous_goods", 1);
        header.replace(",1799,1", &format!(",1799.5,{piece},{goods}"))
    };
    let (_, read) = read_both(HUBS, &lanes("31.5", "UN3480;UN1266")).expect("good files");
    assert_eq!((read[0].piece_grams_max, read[0].distance_metres), (Some(31_500), 1_799_500));
    assert_eq!(read[0].dangerous_goods.to_string(), "UN3480;UN1266");
    let (_, read) = read_both(HUBS, &lanes("", "")).expect("good files");
    assert_eq!((read[0].piece_grams_max, read[0].dangerous_goods.to_string().as_str()), (None, ""));
    for (piece, goods, report) in [
        ("0", "", "lanes.csv line 2, max_piece_kg: has to be more than 0"),
        ("", "some", "lanes.csv line 2, dangerous_goods: \"some\" is not a UN number"),
    ] {
        let errors = read_both(HUBS, &lanes(piece, goods)).expect_err(report);
        assert!(errors[0].to_string().starts_with(report), "{errors:?}");
    }
}

#[test]
fn a_limit_in_a_column_that_nobody_reads_and_a_network_of_headers_are_mistakes() {
    for name in ["max_piece_kgs", "dangerous_good", "Dangerous_goods", "max_piece"] {
        let lanes = LANES.replacen("illustrative", name, 1);
        let errors = read_both(HUBS, &lanes).expect_err(name);
        assert!(
            errors[0].to_string().contains(&format!("the header has {name:?}, which nobody reads")),
            "{errors:?}"
        );
    }
    let headers = |text: &str| text.lines().next().unwrap_or_default().to_owned() + "\n";
    let errors = read_both(&headers(HUBS), &headers(LANES)).expect_err("nothing to plan over");
    assert_eq!(
        errors[0].to_string(),
        "hubs.csv line 1, row: there are no rows: without hubs and lanes nothing can be planned"
    );
    assert_eq!(read_both(HUBS, &headers(LANES)).expect_err("no lanes")[0].file, "lanes.csv");
}

#[test]
fn the_calendar_s_files_may_be_missing_and_are_read_where_they_are_not() {
    let files = NetworkFiles {
        hubs: HUBS,
        lanes: LANES,
        closures: "hub,from,until,reason\nCNPVG,2026-02-16T18:00:00+08:00,2026-02-18T00:00:00+08:00,typhoon\n",
        holidays: "hub,date,name\nJPNRT,2026-02-11,National Foundation Day\n",
        departures: "lane_id,date,change,depart_local,reason\nL1,2026-02-12,cancelled,,low demand\n\
                     L1,2026-02-13,extra,21:00,peak\n",
    };
    let (_, _, calendar) = read(files).expect("good files");
    assert_eq!(calendar.closures[0].from_at.to_rfc3339(), "2026-02-16T10:00:00+00:00");
    assert_eq!((calendar.holidays.len(), calendar.changes.len()), (1, 2));
    assert_eq!(calendar.changes[1].departure.to_string(), "L1-20260213");
    for (was, becomes, report) in [
        ("CNPVG,2026", "CNCAN,2026", "closures.csv line 2, hub: CNCAN is not in hubs.csv"),
        ("2026-02-18T", "2026-02-15T", "closures.csv line 2, until: has to be later than from"),
        ("+08:00,2026", ",2026", "closures.csv line 2, from: is not a time"),
        ("typhoon", "", "closures.csv line 2, reason: is empty"),
        ("2026-02-11", "2026-02-30", "holidays.csv line 2, date: is not a date"),
        ("L1,2026-02-12", "L9,2026-02-12", "departures.csv line 2, lane_id: L9 is not in lanes.csv"),
        (
            "cancelled,,",
            "gone,,",
            "departures.csv line 2, change: \"gone\" is not one of cancelled, moved, extra",
        ),
        (
            "cancelled,,",
            "cancelled,09:00,",
            "departures.csv line 2, depart_local: goes with extra and moved only",
        ),
        ("extra,21:00", "extra,", "departures.csv line 3, depart_local: \"\" is not a local time"),
        ("L1,2026-02-13", "L1,2026-02-12", "departures.csv line 3, date: L1-20260212 is in the file already"),
        ("L1,2026-02-13", "L1,2026-02-16", "departures.csv line 3, change: L1 leaves on that day anyway"),
        ("L1,2026-02-12", "L1,2026-02-11", "departures.csv line 2, date: L1 does not leave on that day"),
        ("2026-02-11,Nat", "-262143-01-01,Nat", "holidays.csv line 2, date: is not a date"),
        ("2026-02-18T00:00", "9999-02-18T00:00", "closures.csv line 2, until: is not a time"),
        ("depart_local,", "", "departures.csv line 1, depart_local: the header has no such column"),
    ] {
        let [closures, holidays, departures] =
            [files.closures, files.holidays, files.departures].map(|text| text.replacen(was, becomes, 1));
        let changed =
            NetworkFiles { closures: &closures, holidays: &holidays, departures: &departures, ..files };
        let errors = read(changed).expect_err(report);
        assert!(errors.iter().any(|error| error.to_string().starts_with(report)), "{report}: {errors:?}");
    }
}
