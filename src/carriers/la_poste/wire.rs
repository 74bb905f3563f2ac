//! La Poste's format, as it really comes.

use serde_json::value::RawValue;

use crate::carriers::json::{self, Object, entries};

/// What is said of one number, or of the whole question.
pub enum Entry<'a> {
    Shipment(Shipment<'a>),
    Problem(Problem),
    /// Of the format, and without either.
    Nothing {
        number: String,
    },
    /// Not of the format.
    Stranger,
}

pub struct Shipment<'a> {
    pub number: String,
    pub events: Vec<&'a RawValue>,
    /// La Poste says that there is more to come.
    pub is_open: bool,
    /// Where it comes from and goes to, two letters each.
    pub countries: [String; 2],
}

pub struct Problem {
    pub number: String,
    pub code: String,
    pub message: String,
    /// It comes from the gateway in front of La Poste, which knows no numbers.
    pub is_of_gateway: bool,
}

#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub code: String,
    pub label: String,
    pub date: String,
}

/// `None`: this is no JSON, or no object and no list.
pub fn page(body: &str) -> Option<Vec<Entry<'_>>> {
    let raw = json::raw(body)?;
    let is_one_or_many = raw.get().starts_with(['{', '[']);
    is_one_or_many.then(|| entries(Some(raw)).into_iter().map(entry).collect())
}

fn entry(raw: &RawValue) -> Entry<'_> {
    let Some(fields) = Object::of(Some(raw)) else { return Entry::Stranger };
    let shipment = Object::of(fields.get("shipment"));
    let own = shipment.as_ref().map(|shipment| shipment.text("idShip")).unwrap_or_default();
    let number = if own.is_empty() { fields.text("idShip") } else { own };
    let code = fields.text("returnCode");
    let is_good = code.is_empty() || code.starts_with('2') && code.len() == 3;
    match shipment {
        Some(shipment) if is_good => Entry::Shipment(self::shipment(number, &shipment)),
        // A code of that name, beside whether it went well, is another company's.
        _ if !is_good && fields.has("result") => Entry::Stranger,
        _ if !is_good => {
            let message = fields.text("returnMessage");
            Entry::Problem(Problem { number, code, message, is_of_gateway: false })
        }
        _ if !code.is_empty() && !fields.has("result") || fields.has("shipment") => Entry::Nothing { number },
        _ => {
            let (code, message) = (fields.text("code"), fields.text("message"));
            match code.is_empty() || message.is_empty() {
                true => Entry::Stranger,
                false => Entry::Problem(Problem { number, code, message, is_of_gateway: true }),
            }
        }
    }
}

fn shipment<'a>(number: String, fields: &Object<'a>) -> Shipment<'a> {
    let context = Object::of(fields.get("contextData"));
    let country = |name| context.as_ref().map(|context| context.text(name)).unwrap_or_default();
    Shipment {
        number,
        events: fields.list("event"),
        is_open: fields.get("isFinal").is_some_and(|raw| !is_true(raw)),
        countries: [country("originCountry"), country("arrivalCountry")],
    }
}

/// Whatever else stands there does not say that it is over.
fn is_true(raw: &RawValue) -> bool {
    matches!(raw.get().trim_matches('"').to_ascii_lowercase().as_str(), "true" | "1")
}

pub fn event(raw: &RawValue) -> Option<Event> {
    let fields = Object::of(Some(raw))?;
    Some(Event { code: fields.text("code"), label: fields.text("label"), date: fields.text("date") })
}
