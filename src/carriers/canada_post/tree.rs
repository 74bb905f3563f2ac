//! A body of XML as a tree of elements, or nothing.
//!
//! Well-formed from its first byte to its last, or it is not read: half a document could miss the half that
//! counts. Entities are the five of XML and numbers; a document type is refused, so nothing can be fetched, and
//! nothing can grow. Names are without their prefixes, in small letters.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

/// Canada Post nests five deep.
const DEPTH_MAX: usize = 32;

#[derive(Debug)]
pub struct Element<'a> {
    name: String,
    text: String,
    children: Vec<Element<'a>>,
    /// As it was written, tags included.
    pub raw: &'a str,
}

impl<'a> Element<'a> {
    /// The text of the first child of that name; empty where there is none.
    pub fn text(&self, name: &str) -> String {
        self.child(name).map(|child| crate::carriers::json::clean(&child.text)).unwrap_or_default()
    }

    pub fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn children<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// All of that name, the element itself included, however deep; none within one that was found.
    pub fn all<'e>(&'e self, name: &str) -> Vec<&'e Element<'a>> {
        if self.name == name {
            return vec![self];
        }
        self.children.iter().flat_map(|child| child.all(name)).collect()
    }
}

/// The root, or `None`.
pub fn parse(text: &str) -> Option<Element<'_>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut reader = Reader::from_str(text);
    let mut open: Vec<(Element, usize)> = Vec::new();
    let mut root = None;
    loop {
        let start = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let end = usize::try_from(reader.buffer_position()).ok()?;
        match event {
            Event::Start(tag) if open.len() < DEPTH_MAX && root.is_none() => {
                open.push((element(&tag)?, start));
            }
            Event::Empty(tag) => {
                let one = Element { raw: text.get(start..end)?, ..element(&tag)? };
                close(one, &mut open, &mut root)?;
            }
            Event::End(_) => {
                let (mut one, start) = open.pop()?;
                one.raw = text.get(start..end)?;
                close(one, &mut open, &mut root)?;
            }
            Event::Text(part) => write(&mut open, &part)?,
            Event::CData(part) => write(&mut open, &part)?,
            Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                Some(letter) => write(&mut open, letter.encode_utf8(&mut [0; 4]))?,
                None => write(&mut open, resolve_xml_entity(&name)?)?,
            },
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof if open.is_empty() => return root,
            Event::Start(_) | Event::DocType(_) | Event::Eof => return None,
        }
    }
}

fn element<'a>(tag: &BytesStart) -> Option<Element<'a>> {
    if tag.attributes().any(|attribute| attribute.is_err()) {
        return None;
    }
    let name = tag.local_name().as_ref().to_ascii_lowercase();
    Some(Element { name, text: String::new(), children: Vec::new(), raw: "" })
}

/// There is one root.
fn close<'a>(
    one: Element<'a>,
    open: &mut [(Element<'a>, usize)],
    root: &mut Option<Element<'a>>,
) -> Option<()> {
    match open.last_mut() {
        Some((parent, _)) => parent.children.push(one),
        None if root.is_some() => return None,
        None => *root = Some(one),
    }
    Some(())
}

/// Outside of the root there is only space.
fn write(open: &mut [(Element, usize)], part: &str) -> Option<()> {
    match open.last_mut() {
        Some((parent, _)) => parent.text.push_str(part),
        None if part.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_through_entities_and_quoted_parts() {
        let body = "<?xml version=\"1.0\"?><p:A x='1'><!-- no --><b>M&amp;M &#233;t&#xE9; <![CDATA[<5>]]></b><C/></p:A>\n";
        let root = parse(body).expect("XML");
        assert_eq!(
            (root.text("b"), root.text("c"), root.text("d")),
            ("M&M été <5>".into(), "".into(), "".into())
        );
        assert_eq!(root.child("c").map(|c| c.raw), Some("<C/>"));
        assert_eq!(root.all("a").len(), 1);
        assert!(root.child("b").is_some_and(|b| b.raw.starts_with("<b>") && b.raw.ends_with("</b>")));
    }

    #[test]
    fn what_is_not_well_formed_is_nothing() {
        for body in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a><b></a></b>",
            "<a/><b/>",
            "<a></a><b></b>",
            "<a/>text",
            "<a>&nbsp;</a>",
            "<a>&xxe;</a>",
            "<a>& </a>",
            "<a b=></a>",
            "<a>&#0;</a>",
            "<!DOCTYPE a [<!ENTITY xxe SYSTEM \"file:///etc/passwd\">]><a>&xxe;</a>",
            "<!DOCTYPE html><html></html>",
            &"<a>".repeat(100),
            &format!("{}{}", "<a>".repeat(33), "</a>".repeat(33)),
        ] {
            assert!(parse(body).is_none(), "{body}");
        }
    }
}
