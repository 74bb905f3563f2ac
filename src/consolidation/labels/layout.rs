//! What stands where on a label, in millimetres from the upper left corner.

use super::BagLabel;
use crate::consolidation::barcode::{Bars, QUIET_ZONE_MODULES, human_readable};
use crate::consolidation::paper::{Anchor, Face, POINTS_PER_MM};

pub enum Mark {
    /// `y` is the line that the letters stand on.
    Text {
        x: f32,
        y: f32,
        anchor: Anchor,
        face: Face,
        text: String,
    },
    Black {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
}

const WIDTH: f32 = 105.0;
const LEFT: f32 = 7.0;
const RIGHT: f32 = WIDTH - LEFT;
/// Where the second column begins.
const MIDDLE: f32 = 56.0;
const RULE: f32 = 0.25;

pub const MODULE_MM: f32 = 0.5;
const BARS_TOP: f32 = 95.0;
const BARS_HEIGHT: f32 = 34.0;

const NAME: Face = Face::regular(8.0);
/// What does not fit in this size is cut.
const SMALLEST_POINTS: f32 = 7.0;

pub fn marks(label: &BagLabel) -> Vec<Mark> {
    let mut marks = Vec::new();
    let what = if label.single_piece { "SINGLE PIECE" } else { "Bag" };
    let bag = format!("{what} {} of {}", label.number, label.of);
    marks.push(fitted(LEFT, 13.0, Anchor::Left, 18.0, 44.0, &bag));
    marks.push(fitted(RIGHT, 13.0, Anchor::Right, 12.0, 44.0, &label.departure.to_string()));
    marks.push(rule(17.0));
    marks.push(name(LEFT, 21.5, "Gateway"));
    let gateway = label.gateway.as_str();
    marks.push(fitted(WIDTH / 2.0, 41.0, Anchor::Middle, 60.0, RIGHT - LEFT, gateway));
    marks.push(rule(45.0));
    let carrier = label.last_mile_carrier.as_deref().unwrap_or("-");
    let clearance = label.clearance.as_str().to_uppercase();
    pair(&mut marks, 45.0, 22.0, [("Clearance", &clearance), ("Last mile", carrier)]);
    marks.push(rule(61.0));
    let unit = label.unit.as_deref().unwrap_or("loose");
    pair(&mut marks, 61.0, 15.0, [("Master", &label.master.to_string()), ("Unit", unit)]);
    marks.push(rule(75.5));
    let weight = format!("{}.{:03} kg", label.weight_grams / 1_000, label.weight_grams % 1_000);
    pair(&mut marks, 75.5, 15.0, [("Weight", &weight), ("Parcels", &label.parcels.to_string())]);
    marks.push(rule(90.0));
    bars(&mut marks, label);
    marks
}

/// Two values side by side below `top`, under their names and no larger than `points`.
fn pair(marks: &mut Vec<Mark>, top: f32, points: f32, values: [(&str, &str); 2]) {
    let gap = 3.0;
    let places = [(LEFT, MIDDLE - gap), (MIDDLE, RIGHT)];
    for ((left, right), (what, value)) in places.into_iter().zip(values) {
        marks.push(name(left, top + 4.5, what));
        let base = top + 5.5 + points * 0.8 / POINTS_PER_MM;
        marks.push(fitted(left, base, Anchor::Left, points, right - left, value));
    }
}

fn name(x: f32, y: f32, text: &str) -> Mark {
    Mark::Text { x, y, anchor: Anchor::Left, face: NAME, text: text.to_owned() }
}

/// Bold, and as large as `room` millimetres and `points` allow.
fn fitted(x: f32, y: f32, anchor: Anchor, points: f32, room: f32, text: &str) -> Mark {
    let room = room * POINTS_PER_MM;
    let whole = Face::bold(points).width(text);
    let size = if whole > room { points * room / whole } else { points };
    // Rounded down to a tenth, so that rounding never makes it too wide.
    let face = Face::bold((size * 10.0).floor().max(SMALLEST_POINTS * 10.0) / 10.0);
    Mark::Text { x, y, anchor, face, text: face.cut(text, room).into_owned() }
}

fn rule(y: f32) -> Mark {
    Mark::Black { x: LEFT, y, width: RIGHT - LEFT, height: RULE }
}

fn bars(marks: &mut Vec<Mark>, label: &BagLabel) {
    let bars = Bars::of(label.sscc);
    let width = bars.modules() as f32 * MODULE_MM;
    let left = (WIDTH - width) / 2.0;
    debug_assert!(left >= QUIET_ZONE_MODULES as f32 * MODULE_MM, "quiet zones");
    marks.extend(bars.black().map(|bar| Mark::Black {
        x: left + bar.at as f32 * MODULE_MM,
        y: BARS_TOP,
        width: bar.width as f32 * MODULE_MM,
        height: BARS_HEIGHT,
    }));
    marks.push(fitted(WIDTH / 2.0, 136.5, Anchor::Middle, 15.0, width, &human_readable(label.sscc)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(long: bool) -> BagLabel {
        BagLabel {
            sscc: "106141411234567897".parse().expect("a number"),
            single_piece: long,
            number: if long { 123_456 } else { 1 },
            of: if long { 999_999 } else { 1 },
            gateway: if long { "WWWWWWWWWWWWWWWW" } else { "CN" }.parse().expect("a hub"),
            clearance: crate::domain::service::Clearance::Express,
            last_mile_carrier: long.then(|| "顺丰速运 and a very long name of a carrier".repeat(9)),
            departure: if long { "WWWWWWWWWWWWWWWW-20260302" } else { "L1-20260302" }
                .parse()
                .expect("a departure"),
            master: if long { "M".repeat(35) } else { "x".into() }.parse().expect("a reference"),
            unit: long.then(|| "U".repeat(90)),
            weight_grams: if long { 99_999_999 } else { 1 },
            parcels: if long { 1_000_000 } else { 1 },
        }
    }

    #[test]
    fn everything_is_on_the_label_and_nothing_in_the_quiet_zones() {
        for long in [false, true] {
            let mut bars = 0;
            for mark in marks(&label(long)) {
                match mark {
                    Mark::Text { x, y, anchor, face, text } => {
                        let width = face.width(&text) / POINTS_PER_MM;
                        let left = match anchor {
                            Anchor::Left => x,
                            Anchor::Middle => x - width / 2.0,
                            Anchor::Right => x - width,
                        };
                        assert!(left >= LEFT - 0.1 && left + width <= RIGHT + 0.1, "{text}");
                        let height = face.size / POINTS_PER_MM;
                        assert!(y - height > BARS_TOP + BARS_HEIGHT || y < BARS_TOP - 3.0, "{text}");
                    }
                    Mark::Black { x, y, width, height } if height > 1.0 => {
                        bars += 1;
                        assert!(x >= 13.0 && x + width <= WIDTH - 13.0);
                        assert!(width >= 0.33 && y + height < 148.0);
                    }
                    Mark::Black { y, .. } => assert!(y < BARS_TOP - 3.0),
                }
            }
            // Three bars a symbol, and four in the stop.
            assert_eq!(bars, 13 * 3 + 4);
        }
    }
}
