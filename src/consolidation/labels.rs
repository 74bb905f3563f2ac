//! The label of a bag: where it goes, by whom and how, and a bar code for those who ask further.
//!
//! One design of A6 (105 × 148 mm), drawn twice: as PDF with a page a label, for a printer, and
//! as SVG, for a screen. Bars are half a millimetre a module, four dots of a common label
//! printer (203 dpi) and within what GS1 asks of labels on logistic units (0.495 to 0.94 mm,
//! at least 31.75 mm high), with quiet zones of ten modules.
//!
//! It names nobody: what is inside, and for whom, is behind the number.

mod layout;

use super::barcode;
use super::paper::{Anchor, Document, POINTS_PER_MM, Page, Sheet};
use super::sscc::Sscc;
use super::waybill::MasterReference;
use crate::domain::network::{DepartureId, HubCode};
use crate::domain::service::Clearance;
use layout::Mark;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BagLabel {
    pub sscc: Sscc,
    /// No bag at all, but a parcel that none takes.
    pub single_piece: bool,
    /// Which bag of the consolidation it is, from 1.
    pub number: u64,
    pub of: u64,
    pub gateway: HubCode,
    pub clearance: Clearance,
    pub last_mile_carrier: Option<String>,
    pub departure: DepartureId,
    pub master: MasterReference,
    /// Of the unit that the bag goes into.
    pub unit: Option<String>,
    pub weight_grams: u64,
    pub parcels: u64,
}

/// A page a label, in their order.
pub fn to_pdf(labels: &[BagLabel]) -> Vec<u8> {
    let mut document = Document::new("Bag labels", Sheet::A6);
    for label in labels {
        let mut page = Page::new(Sheet::A6);
        for mark in layout::marks(label) {
            let points = |mm: f32| mm * POINTS_PER_MM;
            match mark {
                Mark::Text { x, y, anchor, face, text } => {
                    page.text(points(x), points(y), anchor, face, &text);
                }
                Mark::Black { x, y, width, height } => {
                    page.fill(points(x), points(y), points(width), points(height), 0.0);
                }
            }
        }
        document.add(page);
    }
    document.finish()
}

/// By itself a file; inside a page, an element.
pub fn to_svg(label: &BagLabel) -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"105mm\" height=\"148mm\" viewBox=\"0 0 105 148\" \
         font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\">\n",
    );
    svg.push_str(&format!("<title>Bag {}</title>\n", barcode::human_readable(label.sscc)));
    svg.push_str("<rect width=\"105\" height=\"148\" fill=\"#fff\"/>\n");
    let mut bars = String::new();
    for mark in layout::marks(label) {
        match mark {
            Mark::Text { x, y, anchor, face, text } => {
                let anchor = match anchor {
                    Anchor::Left => "start",
                    Anchor::Middle => "middle",
                    Anchor::Right => "end",
                };
                let weight = if face.bold { " font-weight=\"bold\"" } else { "" };
                svg.push_str(&format!(
                    "<text x=\"{x}\" y=\"{y}\" font-size=\"{:.3}\" text-anchor=\"{anchor}\"{weight}>{}</text>\n",
                    face.size / POINTS_PER_MM,
                    escaped(&text)
                ));
            }
            Mark::Black { x, y, width, height } => {
                bars.push_str(&format!("M{x} {y}h{width}v{height}h-{width}z"));
            }
        }
    }
    svg.push_str(&format!("<path shape-rendering=\"crispEdges\" d=\"{bars}\"/>\n</svg>\n"));
    svg
}

/// As text of an XML document. What XML has no form for at all is shown as missing.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidation::barcode::tests::decode;
    use crate::consolidation::paper::tests::pages_of;

    fn label() -> BagLabel {
        BagLabel {
            sscc: "106141411234567897".parse().expect("a number"),
            single_piece: false,
            number: 3,
            of: 12,
            gateway: "CNCAN".parse().expect("a hub"),
            clearance: Clearance::B2cDirect,
            last_mile_carrier: Some("SF Express".into()),
            departure: "L0004-20260302".parse().expect("a departure"),
            master: "160-12345675".parse().expect("a reference"),
            unit: Some("AKE12345CX".into()),
            weight_grams: 18_420,
            parcels: 37,
        }
    }

    /// The bars out of the drawing, module by module, as a scanner would cross them.
    fn scan(svg: &str) -> Option<String> {
        let path = svg.split("d=\"").nth(1)?.split('"').next()?;
        let bars = path.split('z').filter_map(|bar| {
            let numbers: Vec<f32> =
                bar.split(['M', ' ', 'h', 'v']).filter_map(|number| number.parse().ok()).collect();
            let [x, _, width, height, _] = numbers[..] else { return None };
            (height > 31.75).then_some((x, width))
        });
        let bars: Vec<(f32, f32)> = bars.collect();
        let (first, last) = (bars.first()?.0, bars.last().map(|(x, width)| x + width)?);
        let module = |mm: f32| (mm / layout::MODULE_MM).round() as usize;
        let mut modules = vec![false; module(last - first)];
        for (x, width) in bars {
            modules[module(x - first)..module(x + width - first)].fill(true);
        }
        decode(&modules)
    }

    #[test]
    fn the_drawn_bars_are_read_back_as_the_number() {
        assert_eq!(scan(&to_svg(&label())).as_deref(), Some("00106141411234567897"));
    }

    #[test]
    fn a_label_says_what_people_need() {
        let svg = to_svg(&label());
        for text in [
            ">Bag 3 of 12<",
            ">CNCAN<",
            ">9610<",
            ">SF Express<",
            ">L0004-20260302<",
            ">160-12345675<",
            ">AKE12345CX<",
            ">18.420 kg<",
            ">37<",
            ">(00)106141411234567897<",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        insta::assert_snapshot!("svg", svg);
    }

    #[test]
    fn a_single_piece_is_no_bag() {
        let svg = to_svg(&BagLabel { single_piece: true, ..label() });
        assert!(svg.contains(">SINGLE PIECE 3 of 12<") && !svg.contains(">Bag 3"), "{svg}");
    }

    #[test]
    fn foreign_text_stays_text() {
        let odd = Some("<script>alert('1 & 2')</script>\u{1}顺丰\"".to_owned());
        let svg = to_svg(&BagLabel { last_mile_carrier: odd, ..label() });
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"));
        assert_eq!(
            escaped("<a b='1' c=\"2\">&\u{1}\n"),
            "&lt;a b=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\u{fffd} "
        );
    }

    #[test]
    fn a_pdf_has_a_page_for_each_label() {
        let labels = [label(), BagLabel { number: 4, ..label() }];
        assert_eq!(pages_of(&to_pdf(&labels)), 2);
        assert_eq!(to_pdf(&labels), to_pdf(&labels));
    }
}
