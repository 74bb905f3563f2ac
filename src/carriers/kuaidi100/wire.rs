//! Kuaidi100's format, as it really comes.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::GOOD;
use crate::carriers::json::{self, list, object, text, text_or_empty};

/// An answer; an error; or what is in a push.
#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow, rename = "returnCode")]
    return_code: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    nu: Option<&'a RawValue>,
    #[serde(borrow)]
    com: Option<&'a RawValue>,
    #[serde(borrow, rename = "comOld")]
    com_old: Option<&'a RawValue>,
    #[serde(borrow, rename = "comNew")]
    com_new: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "lastResult")]
    last_result: Option<&'a RawValue>,
    #[serde(borrow, rename = "destResult")]
    dest_result: Option<&'a RawValue>,
}

/// What is known of one number.
pub struct Result<'a> {
    pub number: String,
    /// Kuaidi100's code of the company that was asked.
    pub company: String,
    pub state: String,
    pub events: Vec<&'a RawValue>,
}

pub enum Page<'a> {
    Error {
        code: String,
        message: String,
        /// Where the error says which.
        number: String,
    },
    Result(Result<'a>),
    Push {
        /// Of the subscription: polling, shutdown, abort.
        status: String,
        message: String,
        /// Of the carrier that was asked, then of the one in the country of destination.
        results: Vec<Page<'a>>,
        /// Another company was asked than the one that was named.
        is_other_company: bool,
    },
}

/// `None`: the body is nothing of Kuaidi100's.
pub fn page(body: &str) -> Option<Page<'_>> {
    let whole: Whole = json::body(body)?;
    let pushed = |raw| object::<Whole>(raw).and_then(|whole| result(&whole));
    let status = text_or_empty(whole.status);
    if whole.last_result.is_none_or(|raw| !raw.get().starts_with('{')) {
        return result(&whole);
    }
    let results = pushed(whole.last_result).into_iter().chain(pushed(whole.dest_result)).collect();
    let [named, found] = [whole.com_old, whole.com_new].map(text_or_empty);
    let is_other_company = !named.is_empty() && !found.is_empty() && named != found;
    Some(Page::Push { status, message: text_or_empty(whole.message), results, is_other_company })
}

fn result<'a>(whole: &Whole<'a>) -> Option<Page<'a>> {
    let [message, number, state] = [whole.message, whole.nu, whole.state].map(text_or_empty);
    let is_told = whole.result.is_some_and(|raw| matches!(raw.get(), "true" | "false"));
    // Others have a field of that name, and none that says whether it went well.
    let code = text(whole.return_code).filter(|code| is_told && !code.is_empty());
    let status = text(whole.status).filter(|status| !status.is_empty());
    let is_refused = whole.result.is_some_and(|raw| raw.get() == "false");
    let has_data = whole.data.is_some_and(|raw| raw.get().starts_with('['));
    let is_result = match (has_data, number.is_empty(), state.is_empty()) {
        (true, number, state) => !(number && state),
        (false, number, state) => !(number || state),
    };
    // Told twice, and otherwise each time: it did not go well.
    let code = code.filter(|code| !(is_refused && code == GOOD));
    let refusal = code.or(status.filter(|_| is_result)).filter(|code| !(is_result && code == GOOD));
    match refusal {
        Some(code) => Some(Page::Error { code, message, number }),
        None if is_result => Some(Page::Result(Result {
            number,
            company: text_or_empty(whole.com),
            state,
            events: list(whole.data),
        })),
        None if is_refused => Some(Page::Error { code: String::new(), message, number }),
        None => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    ftime: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    area_code: Option<&'a RawValue>,
    #[serde(borrow)]
    area_name: Option<&'a RawValue>,
    #[serde(borrow)]
    area_center: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    status_code: Option<&'a RawValue>,
}

/// An event's fields as text; empty where there is none.
#[derive(Debug, Default)]
pub struct Fields {
    /// Beijing's, in one form; then as the carrier wrote it.
    pub times: [String; 2],
    pub context: String,
    pub location: String,
    /// `CN` and the digits of a division.
    pub area_code: String,
    /// Province, city, district.
    pub area_name: String,
    /// Longitude and latitude.
    pub area_center: String,
    /// A word.
    pub status: String,
    pub status_code: String,
}

/// `None` where `raw` is not even an object.
pub fn fields(raw: &RawValue) -> Option<Fields> {
    let event: Event = object(Some(raw))?;
    Some(Fields {
        times: [event.ftime, event.time].map(text_or_empty),
        context: text_or_empty(event.context),
        location: text_or_empty(event.location),
        area_code: text_or_empty(event.area_code),
        area_name: text_or_empty(event.area_name),
        area_center: text_or_empty(event.area_center),
        status: text_or_empty(event.status),
        status_code: text_or_empty(event.status_code),
    })
}
