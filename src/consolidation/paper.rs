//! Sheets of paper, as PDF: text, lines and black bars, placed in points from the upper left.
//!
//! The same calls give the same bytes on every machine and every day: no clock, no random
//! identifier, no font of the system's. Nothing is embedded. Latin text is set in Helvetica,
//! which every reader of PDF has to have. Chinese is set in `STSong-Light` by its predefined
//! encoding, which readers map to a Chinese font of their own: an embedded one would be some
//! megabytes in each manifest, and a transliteration would not be what the merchant declared
//! and customs compares. The text of both can be searched and copied.
//!
//! What neither font has is never dropped: [`text`] says what becomes of it.

pub mod text;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

pub use text::Face;

const REGULAR: Name = Name(b"R");
const BOLD: Name = Name(b"B");
const CHINESE: Name = Name(b"C");

const CATALOG_ID: Ref = Ref::new(1);
const PAGES_ID: Ref = Ref::new(2);
const INFO_ID: Ref = Ref::new(3);
const REGULAR_ID: Ref = Ref::new(4);
const BOLD_ID: Ref = Ref::new(5);
const CHINESE_ID: Ref = Ref::new(6);
const CHINESE_CID_ID: Ref = Ref::new(7);
const CHINESE_DESCRIPTOR_ID: Ref = Ref::new(8);
const FIRST_PAGE_ID: i32 = 9;

/// One inch has 72 points and 25.4 millimetres.
pub const POINTS_PER_MM: f32 = 72.0 / 25.4;

/// Width and height of a sheet in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sheet {
    pub width: f32,
    pub height: f32,
}

impl Sheet {
    pub const A4_LANDSCAPE: Sheet = Sheet { width: 841.89, height: 595.28 };
    pub const A6: Sheet = Sheet { width: 105.0 * POINTS_PER_MM, height: 148.0 * POINTS_PER_MM };
}

/// A document that is being written. Pages are complete when they are added, so that no more
/// than one is held besides the bytes that are there already.
pub struct Document {
    pdf: Pdf,
    sheet: Sheet,
    pages: i32,
}

impl Document {
    pub fn new(title: &str, sheet: Sheet) -> Self {
        let mut pdf = Pdf::with_settings(pdf_writer::Settings { pretty: false });
        pdf.catalog(CATALOG_ID).pages(PAGES_ID).viewer_preferences().display_doc_title(true);
        pdf.document_info(INFO_ID).title(TextStr(title)).producer(TextStr("Sampan"));
        for (id, name) in [(REGULAR_ID, Name(b"Helvetica")), (BOLD_ID, Name(b"Helvetica-Bold"))] {
            pdf.type1_font(id).base_font(name).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        chinese_font(&mut pdf);
        Self { pdf, sheet, pages: 0 }
    }

    pub fn sheet(&self) -> Sheet {
        self.sheet
    }

    pub fn add(&mut self, page: Page) {
        let id = page_id(self.pages);
        let content_id = Ref::new(id.get() + 1);
        let mut written = self.pdf.page(id);
        written.parent(PAGES_ID).media_box(Rect::new(0.0, 0.0, self.sheet.width, self.sheet.height));
        written.contents(content_id);
        let mut resources = written.resources();
        let mut fonts = resources.fonts();
        fonts.pair(REGULAR, REGULAR_ID).pair(BOLD, BOLD_ID).pair(CHINESE, CHINESE_ID);
        fonts.finish();
        resources.finish();
        written.finish();
        self.pdf.stream(content_id, &page.content.finish());
        self.pages += 1;
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.pdf.pages(PAGES_ID).kids((0..self.pages).map(page_id)).count(self.pages);
        self.pdf.finish()
    }
}

/// Each page is followed by its content.
fn page_id(index: i32) -> Ref {
    Ref::new(FIRST_PAGE_ID + 2 * index)
}

/// Adobe's own Song typeface, by name alone, in UTF-16 (PDF 1.5, tables 118 and 119).
fn chinese_font(pdf: &mut Pdf) {
    let family = Name(b"STSong-Light");
    let system = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"GB1"), supplement: 4 };
    pdf.type0_font(CHINESE_ID)
        .base_font(Name(b"STSong-Light-UniGB-UTF16-H"))
        .encoding_predefined(Name(b"UniGB-UTF16-H"))
        .descendant_font(CHINESE_CID_ID);
    pdf.cid_font(CHINESE_CID_ID)
        .subtype(CidFontType::Type0)
        .base_font(family)
        .system_info(system)
        .font_descriptor(CHINESE_DESCRIPTOR_ID)
        .default_width(1000.0);
    pdf.font_descriptor(CHINESE_DESCRIPTOR_ID)
        .name(family)
        .flags(FontFlags::SYMBOLIC | FontFlags::SERIF)
        .bbox(Rect::new(-25.0, -254.0, 1000.0, 880.0))
        .italic_angle(0.0)
        .ascent(880.0)
        .descent(-120.0)
        .cap_height(880.0)
        .stem_v(93.0);
}

/// Which point of a text is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Left,
    Middle,
    Right,
}

/// One page that is being written.
pub struct Page {
    content: Content,
    height: f32,
}

impl Page {
    pub fn new(sheet: Sheet) -> Self {
        Self { content: Content::new(), height: sheet.height }
    }

    /// Writes `text` on the line `y` below the upper edge, in one line and however long it is.
    pub fn text(&mut self, x: f32, y: f32, anchor: Anchor, face: Face, text: &str) {
        let left = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - face.width(text) / 2.0,
            Anchor::Right => x - face.width(text),
        };
        self.content.begin_text().next_line(left, self.height - y);
        for run in text::runs(text) {
            let (font, bytes) = match &run {
                text::Run::Latin(bytes) => (if face.bold { BOLD } else { REGULAR }, bytes),
                text::Run::Chinese(bytes) => (CHINESE, bytes),
            };
            self.content.set_font(font, face.size).show(Str(bytes));
        }
        self.content.end_text();
    }

    /// A thin line.
    pub fn rule(&mut self, from: (f32, f32), to: (f32, f32)) {
        let height = self.height;
        self.content.set_line_width(0.5).move_to(from.0, height - from.1).line_to(to.0, height - to.1);
        self.content.stroke();
    }

    /// A filled box; `gray` is 0 for black and 1 for white.
    pub fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, gray: f32) {
        self.content.set_fill_gray(gray).rect(x, self.height - y - height, width, height);
        self.content.fill_nonzero().set_fill_gray(0.0);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What any reader does first: find the table of objects at the end and every object
    /// where it says. Gives the number of pages.
    pub(crate) fn pages_of(pdf: &[u8]) -> usize {
        assert!(pdf.starts_with(b"%PDF-1."));
        let text = String::from_utf8_lossy(&pdf[pdf.len() - 40..]).into_owned();
        let at: usize = text.lines().rev().nth(1).and_then(|at| at.parse().ok()).expect("a startxref");
        let table = std::str::from_utf8(&pdf[at..]).expect("a table of objects in ASCII");
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("xref"));
        let (_, count) = lines.next().and_then(|line| line.split_once(' ')).expect("a section");
        let mut pages = 0;
        for (id, line) in lines.take(count.parse().expect("a number")).enumerate().skip(1) {
            let at: usize = line[..10].parse().expect("an offset");
            let object = &pdf[at..];
            assert!(object.starts_with(format!("{id} 0 obj").as_bytes()), "object {id}");
            let end = object.windows(6).position(|six| six == b"endobj").expect("an end");
            pages += usize::from(String::from_utf8_lossy(&object[..end]).contains("/Type/Page/"));
        }
        pages
    }

    #[test]
    fn a_document_has_the_pages_that_were_added_and_the_same_bytes_each_time() {
        let write = || {
            let mut document = Document::new("A title: 舱单", Sheet::A6);
            for text in ["Grüße, 你好 (world)", "Ł한"] {
                let mut page = Page::new(document.sheet());
                page.text(20.0, 30.0, Anchor::Left, Face::bold(12.0), text);
                page.rule((20.0, 40.0), (200.0, 40.0));
                page.fill(20.0, 50.0, 10.0, 10.0, 0.0);
                document.add(page);
            }
            document.finish()
        };
        assert_eq!(pages_of(&write()), 2);
        assert_eq!(write(), write());
        assert_eq!(pages_of(&Document::new("Nothing", Sheet::A6).finish()), 0);
    }
}
