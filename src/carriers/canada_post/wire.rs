//! Canada Post's format, as it really comes.

use super::tree::Element;

/// What happened to one item, wherever in the body it stands.
pub struct Detail<'e, 'a> {
    pub pin: String,
    /// It bears the number of the item that it brings back.
    pub is_return: bool,
    pub occurrences: Vec<&'e Element<'a>>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Occurrence {
    pub identifier: String,
    pub date: String,
    pub time: String,
    /// EST, PDT; empty, or the name of a country, where it happened abroad.
    pub time_zone: String,
    pub description: String,
    pub site: String,
    pub province: String,
}

pub struct Message {
    pub code: String,
    pub description: String,
}

pub fn details<'e, 'a>(root: &'e Element<'a>) -> Vec<Detail<'e, 'a>> {
    let details = root.all("tracking-detail").into_iter();
    details
        .map(|detail| Detail {
            pin: detail.text("pin"),
            is_return: !detail.text("original-pin").is_empty(),
            occurrences: detail
                .children("significant-events")
                .flat_map(|events| events.children("occurrence"))
                .collect(),
        })
        .collect()
}

pub fn occurrence(element: &Element) -> Occurrence {
    Occurrence {
        identifier: element.text("event-identifier"),
        date: element.text("event-date"),
        time: element.text("event-time"),
        time_zone: element.text("event-time-zone"),
        description: element.text("event-description"),
        site: element.text("event-site"),
        province: element.text("event-province"),
    }
}

pub fn messages(root: &Element) -> Vec<Message> {
    let messages = root.all("messages").into_iter().flat_map(|messages| messages.children("message"));
    messages
        .map(|message| Message { code: message.text("code"), description: message.text("description") })
        .collect()
}
