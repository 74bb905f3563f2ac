//! The manifest on paper, as a forwarder hands it to an airline: what it is and where it goes
//! on the first page, then units, bags and parcels in one table over as many pages as it takes.
//!
//! Layout comes first (which rows are on which page), then writing, so that every page can
//! say of how many it is one. A row is never broken. A bag's line repeats on the next page.

use std::fmt::Display;

use chrono_tz::Tz;

use super::{Bag, Manifest, Parcel, Station, Totals, Unit};
use crate::consolidation::paper::{Anchor, Document, Face, Page, Sheet};
use crate::domain::instant::Instant;
use crate::domain::network::TransportMode;

const MARGIN: f32 = 36.0;
const BOTTOM: f32 = Sheet::A4_LANDSCAPE.height - 44.0;
const RIGHT: f32 = Sheet::A4_LANDSCAPE.width - MARGIN;

const SMALL: Face = Face::regular(7.0);
const SMALL_BOLD: Face = Face::bold(7.0);
const LABEL: Face = Face::regular(6.5);
const NORMAL: Face = Face::regular(9.0);
const NORMAL_BOLD: Face = Face::bold(9.0);
const TITLE: Face = Face::bold(16.0);

const LINE: f32 = 9.0;
const TOTALS_LINE: f32 = 12.0;
const PADDING: f32 = 4.0;
/// So that no row is higher than a page, whatever a merchant declared.
const LINES_MAX: usize = 12;

/// Where the table begins: below the block of the first page, below the line of the others.
const FIRST_TOP: f32 = 190.0;
const NEXT_TOP: f32 = 56.0;

struct Column {
    title: &'static str,
    left: f32,
    width: f32,
    anchor: Anchor,
}

const fn column(title: &'static str, left: f32, width: f32, anchor: Anchor) -> Column {
    Column { title, left, width, anchor }
}

/// The last [`GAP`] points of each are white.
const COLUMNS: [Column; 11] = [
    column("House", 36.0, 74.0, Anchor::Left),
    column("Parcel", 110.0, 136.0, Anchor::Left),
    column("Reference", 246.0, 74.0, Anchor::Left),
    column("Description", 320.0, 138.0, Anchor::Left),
    column("HS codes", 458.0, 52.0, Anchor::Left),
    column("Origin", 510.0, 30.0, Anchor::Left),
    column("UN", 540.0, 38.0, Anchor::Left),
    column("kg", 578.0, 40.0, Anchor::Right),
    column("cm", 618.0, 62.0, Anchor::Right),
    column("Declared", 680.0, 62.0, Anchor::Right),
    column("To", 742.0, 72.0, Anchor::Left),
];
const GAP: f32 = 8.0;

impl Column {
    fn room(&self) -> f32 {
        self.width - GAP
    }

    fn write(&self, page: &mut Page, y: f32, face: Face, text: &str) {
        let x = if self.anchor == Anchor::Right { self.left + self.room() } else { self.left };
        page.text(x, y, self.anchor, face, text);
    }
}

enum Row<'a> {
    UnitTitles,
    Unit(&'a Unit),
    ParcelTitles,
    Bag(&'a Bag, Continued),
    Parcel(&'a Parcel),
    Totals(&'a Totals),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Continued {
    No,
    Yes,
}

pub fn to_pdf(manifest: &Manifest) -> Vec<u8> {
    let pages = paginate(manifest);
    let title = format!("Cargo manifest {}", manifest.master);
    let mut document = Document::new(&title, Sheet::A4_LANDSCAPE);
    for (index, rows) in pages.iter().enumerate() {
        let mut page = Page::new(Sheet::A4_LANDSCAPE);
        let mut y = if index == 0 {
            front(&mut page, manifest);
            FIRST_TOP
        } else {
            head(&mut page, manifest);
            NEXT_TOP
        };
        for row in rows {
            row.write(&mut page, y);
            y += row.height();
        }
        foot(&mut page, manifest, index + 1, pages.len());
        document.add(page);
    }
    document.finish()
}

/// Rows page by page. A bag's line stays with the first of its parcels.
fn paginate(manifest: &Manifest) -> Vec<Vec<Row<'_>>> {
    let mut pages = Pages { pages: vec![Vec::new()], y: FIRST_TOP };
    if !manifest.units.is_empty() {
        pages.push(Row::UnitTitles, None);
        for unit in &manifest.units {
            pages.push(Row::Unit(unit), Some(Row::UnitTitles));
        }
    }
    if !manifest.bags.is_empty() {
        pages.keep_together(4.0 * LINE + 4.0 * PADDING);
        pages.push(Row::ParcelTitles, None);
    }
    for bag in &manifest.bags {
        let first = bag.parcels.first().map_or(0.0, |parcel| Row::Parcel(parcel).height());
        if pages.keep_together(Row::Bag(bag, Continued::No).height() + first) {
            pages.push(Row::ParcelTitles, None);
        }
        pages.push(Row::Bag(bag, Continued::No), None);
        for parcel in &bag.parcels {
            let row = Row::Parcel(parcel);
            if pages.keep_together(row.height()) {
                pages.push(Row::ParcelTitles, None);
                pages.push(Row::Bag(bag, Continued::Yes), None);
            }
            pages.push(row, None);
        }
    }
    pages.push(Row::Totals(&manifest.totals), None);
    pages.pages
}

struct Pages<'a> {
    pages: Vec<Vec<Row<'a>>>,
    /// Where the next row goes.
    y: f32,
}

impl<'a> Pages<'a> {
    /// Puts a row on the page, or on the next one below `titles`.
    fn push(&mut self, row: Row<'a>, titles: Option<Row<'a>>) {
        if self.keep_together(row.height())
            && let Some(titles) = titles
        {
            self.push(titles, None);
        }
        self.y += row.height();
        if let Some(page) = self.pages.last_mut() {
            page.push(row);
        }
    }

    /// Turns the page if fewer than `height` points are left on it, and says whether it did.
    fn keep_together(&mut self, height: f32) -> bool {
        let turns = self.y + height > BOTTOM;
        if turns {
            self.pages.push(Vec::new());
            self.y = NEXT_TOP;
        }
        turns
    }
}

impl Row<'_> {
    fn height(&self) -> f32 {
        let lines = match self {
            Row::Parcel(parcel) => cells(parcel).iter().map(|cell| cell.len().max(1)).max().unwrap_or(1),
            Row::UnitTitles | Row::Unit(_) => 1,
            Row::ParcelTitles | Row::Bag(..) => return 2.0 * LINE + PADDING,
            Row::Totals(totals) => return totals_lines(totals).len() as f32 * TOTALS_LINE + LINE,
        };
        lines as f32 * LINE + PADDING
    }

    fn write(&self, page: &mut Page, y: f32) {
        match self {
            Row::UnitTitles => unit_line(page, y, SMALL_BOLD, UNIT_TITLES.map(String::from)),
            Row::Unit(unit) => unit_line(page, y, SMALL, unit_cells(unit)),
            Row::ParcelTitles => {
                let base = y + 2.0 * LINE - 2.0;
                for column in &COLUMNS {
                    column.write(page, base, SMALL_BOLD, column.title);
                }
                page.rule((MARGIN, base + PADDING), (RIGHT, base + PADDING));
            }
            Row::Bag(bag, continued) => bag_line(page, y, bag, *continued),
            Row::Parcel(parcel) => {
                for (column, lines) in COLUMNS.iter().zip(cells(parcel)) {
                    for (index, line) in lines.iter().enumerate() {
                        column.write(page, y + LINE * (index + 1) as f32, SMALL, line);
                    }
                }
            }
            Row::Totals(totals) => {
                page.rule((MARGIN, y + PADDING), (RIGHT, y + PADDING));
                for (line, number) in totals_lines(totals).iter().zip(1_u8..) {
                    let base = y + PADDING + TOTALS_LINE * f32::from(number);
                    page.text(MARGIN, base, Anchor::Left, NORMAL_BOLD, line);
                }
            }
        }
    }
}

/// In the order of [`COLUMNS`], each in lines.
fn cells(parcel: &Parcel) -> [Vec<String>; COLUMNS.len()] {
    let texts: [(String, usize); COLUMNS.len()] = [
        (parcel.house.to_string(), 2),
        (parcel.id.to_string(), 2),
        (parcel.reference.clone(), 2),
        (parcel.description.clone(), 2),
        (parcel.hs_codes.join(" "), LINES_MAX),
        (list(&parcel.origins), LINES_MAX),
        // Whoever loads has to see them: a line for each.
        (list(&parcel.dangerous), LINES_MAX),
        (kilograms(u64::from(parcel.weight_grams.0)), 2),
        (parcel.size_mm.0.map(centimetres).join(" × "), 3),
        (list(&parcel.declared), LINES_MAX),
        (format!("{} {}", parcel.division, parcel.city), 2),
    ];
    let mut columns = COLUMNS.iter();
    texts.map(|(text, lines_max)| {
        let room = columns.next().map_or(0.0, Column::room);
        SMALL.lines(&text, room, lines_max).into_iter().map(Into::into).collect()
    })
}

fn list<T: Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

const UNIT_TITLES: [&str; 6] = ["Unit", "Type", "Bags", "Tare kg", "Gross kg", "m³"];

fn unit_cells(unit: &Unit) -> [String; 6] {
    [
        unit.number.clone(),
        unit.unit_type.clone(),
        unit.bags.len().to_string(),
        kilograms(unit.tare_grams),
        kilograms(unit.gross_grams),
        cubic_metres(unit.volume_cm3),
    ]
}

fn unit_line(page: &mut Page, y: f32, face: Face, cells: [String; 6]) {
    let places = [
        (MARGIN, Anchor::Left),
        (130.0, Anchor::Left),
        (220.0, Anchor::Right),
        (290.0, Anchor::Right),
        (360.0, Anchor::Right),
        (420.0, Anchor::Right),
    ];
    for ((x, anchor), cell) in places.into_iter().zip(cells) {
        page.text(x, y + LINE, anchor, face, &face.cut(&cell, 84.0));
    }
}

fn bag_line(page: &mut Page, y: f32, bag: &Bag, continued: Continued) {
    page.fill(MARGIN, y + PADDING, RIGHT - MARGIN, LINE + PADDING, 0.9);
    let base = y + PADDING + LINE;
    let what = if bag.single_piece { "Single piece" } else { "Bag" };
    let number = match continued {
        Continued::No => format!("{what} {}", bag.sscc),
        Continued::Yes => format!("{what} {} (continued)", bag.sscc),
    };
    page.text(MARGIN + 3.0, base, Anchor::Left, SMALL_BOLD, &number);
    let place = bag.unit.as_ref().map_or("loose".to_owned(), |unit| format!("in {unit}"));
    let carrier = bag.last_mile_carrier.as_deref().unwrap_or("open");
    let way = format!("{place} · to {} · clearance {} · last mile {carrier}", bag.gateway, bag.clearance);
    page.text(COLUMNS[2].left, base, Anchor::Left, SMALL, &SMALL.cut(&way, 330.0));
    let sum = format!(
        "{} · {} kg · {} m³",
        counted(bag.parcels.len() as u64, "parcel"),
        kilograms(bag.weight_grams),
        cubic_metres(bag.volume_cm3)
    );
    page.text(RIGHT - 3.0, base, Anchor::Right, SMALL_BOLD, &sum);
}

fn totals_lines(totals: &Totals) -> Vec<String> {
    let mut parts = vec![
        counted(totals.units, "unit"),
        counted(totals.bags, "bag"),
        counted(totals.shipments, "shipment"),
        counted(totals.parcels, "parcel"),
        format!("{} kg, gross {} kg", kilograms(totals.weight_grams), kilograms(totals.gross_grams)),
        format!("{} m³", cubic_metres(totals.volume_cm3)),
    ];
    parts.extend(totals.declared.iter().map(|sum| format!("{} {}", sum.amount(), sum.currency)));
    let text = format!("Total: {}", parts.join(" · "));
    NORMAL_BOLD.lines(&text, RIGHT - MARGIN, LINES_MAX).into_iter().map(Into::into).collect()
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Everything above the table of the first page.
fn front(page: &mut Page, manifest: &Manifest) {
    let title = match manifest.mode {
        TransportMode::Air => "AIR CARGO MANIFEST",
        TransportMode::Sea => "SEA CARGO MANIFEST",
        TransportMode::Road => "ROAD CARGO MANIFEST",
        TransportMode::Rail => "RAIL CARGO MANIFEST",
    };
    page.text(MARGIN, 52.0, Anchor::Left, TITLE, title);
    page.text(RIGHT, 52.0, Anchor::Right, TITLE, &manifest.master.to_string());
    page.rule((MARGIN, 62.0), (RIGHT, 62.0));
    let left = [MARGIN, 420.0];
    field(page, left[0], 76.0, 370.0, "From", &station(&manifest.from));
    field(page, left[1], 76.0, 370.0, "To", &station(&manifest.to));
    field(page, left[0], 102.0, 370.0, "Departs", &times(manifest.depart_at, manifest.from.zone));
    field(page, left[1], 102.0, 370.0, "Arrives", &times(manifest.arrive_at, manifest.to.zone));
    let quarter = 180.0;
    field(page, left[0], 128.0, quarter, "Carrier", &manifest.carrier);
    field(page, left[0] + 192.0, 128.0, quarter, "Departure", &manifest.departure.to_string());
    field(page, left[1], 128.0, quarter, "Consolidation", &manifest.consolidation);
    let closed = manifest.closed_at.format("%Y-%m-%d %H:%M UTC").to_string();
    field(page, left[1] + 192.0, 128.0, quarter, "Closed", &closed);
    let totals = &manifest.totals;
    let dangerous = match totals.dangerous_parcels {
        0 => "none".to_owned(),
        count => counted(count, "parcel"),
    };
    let declared: Vec<String> =
        totals.declared.iter().map(|sum| format!("{} {}", sum.amount(), sum.currency)).collect();
    let sums = [
        ("Units", totals.units.to_string(), 60.0),
        ("Bags", totals.bags.to_string(), 60.0),
        ("Shipments", totals.shipments.to_string(), 72.0),
        ("Parcels", totals.parcels.to_string(), 72.0),
        ("Weight kg", kilograms(totals.weight_grams), 84.0),
        ("Gross kg with units", kilograms(totals.gross_grams), 96.0),
        ("Volume m³", cubic_metres(totals.volume_cm3), 66.0),
        ("Dangerous goods", dangerous, 84.0),
        ("Declared", declared.join(", "), 176.0),
    ];
    let mut x = MARGIN;
    for (name, value, width) in sums {
        field(page, x, 158.0, width - 8.0, name, &value);
        x += width;
    }
    page.rule((MARGIN, 184.0), (RIGHT, 184.0));
}

/// A small name with its value below.
fn field(page: &mut Page, x: f32, y: f32, room: f32, name: &str, value: &str) {
    page.text(x, y, Anchor::Left, LABEL, name);
    page.text(x, y + 12.0, Anchor::Left, NORMAL, &NORMAL.cut(value, room));
}

/// The line above the table of the other pages.
fn head(page: &mut Page, manifest: &Manifest) {
    let text = format!("Cargo manifest {}", manifest.master);
    page.text(MARGIN, 44.0, Anchor::Left, NORMAL_BOLD, &text);
    let way = format!("{} · {} – {}", manifest.departure, manifest.from.code, manifest.to.code);
    page.text(RIGHT, 44.0, Anchor::Right, NORMAL, &way);
    page.rule((MARGIN, 50.0), (RIGHT, 50.0));
}

fn foot(page: &mut Page, manifest: &Manifest, number: usize, of: usize) {
    let y = Sheet::A4_LANDSCAPE.height - 26.0;
    page.text(MARGIN, y, Anchor::Left, SMALL, &SMALL.cut(&manifest.consolidation, 500.0));
    page.text(RIGHT, y, Anchor::Right, SMALL, &format!("Page {number} of {of}"));
}

fn station(station: &Station) -> String {
    format!("{}  {}", station.code, station.name)
}

/// `2026-03-02 22:15 UTC · 14:15 local (UTC-08:00)`, with the local day where it is another one.
fn times(at: Instant, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    let form = if local.date_naive() == at.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    format!("{} UTC · {} local (UTC{})", at.format("%Y-%m-%d %H:%M"), local.format(form), local.format("%:z"))
}

/// Exactly, as scales say it.
fn kilograms(grams: u64) -> String {
    format!("{}.{:03}", grams / 1_000, grams % 1_000)
}

fn cubic_metres(cm3: u64) -> String {
    let litres = cm3.div_ceil(1_000);
    format!("{}.{:03}", litres / 1_000, litres % 1_000)
}

/// Exactly: `30`, `12.5`.
fn centimetres(mm: u32) -> String {
    if mm.is_multiple_of(10) { (mm / 10).to_string() } else { format!("{}.{}", mm / 10, mm % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact() {
        assert_eq!((kilograms(12_345).as_str(), kilograms(7).as_str()), ("12.345", "0.007"));
        assert_eq!((cubic_metres(4_300_000).as_str(), cubic_metres(1).as_str()), ("4.300", "0.001"));
        assert_eq!((centimetres(300).as_str(), centimetres(125).as_str()), ("30", "12.5"));
    }

    #[test]
    fn times_are_in_utc_and_at_the_place() {
        let at: Instant = "2026-03-02T22:15:00Z".parse().expect("an instant");
        assert_eq!(
            times(at, chrono_tz::America::Los_Angeles),
            "2026-03-02 22:15 UTC · 14:15 local (UTC-08:00)"
        );
        assert_eq!(
            times(at, chrono_tz::Asia::Shanghai),
            "2026-03-02 22:15 UTC · 2026-03-03 06:15 local (UTC+08:00)"
        );
    }

    #[test]
    fn columns_do_not_overlap() {
        for pair in COLUMNS.windows(2) {
            assert_eq!(pair[0].left + pair[0].width, pair[1].left);
        }
        let last = &COLUMNS[COLUMNS.len() - 1];
        assert!(last.left + last.room() <= RIGHT + GAP);
    }
}
