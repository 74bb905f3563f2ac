//! The lines of a simulator, with what is wrong in them said by line and field.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{DELIVERED, STAGES};
use crate::polling::policy::{Class, LocalMinute, Scan, Stage};

/// What is wrong with a line, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    line: Option<usize>,
    field: String,
    what: String,
}

impl Mistake {
    pub fn new(field: String, what: &str) -> Mistake {
        Mistake { line: None, field, what: what.to_owned() }
    }

    pub fn on(self, line: usize) -> Mistake {
        Mistake { line: Some(line), ..self }
    }

    fn within(self, outer: &str) -> Mistake {
        let field = if self.field.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.field) };
        Mistake { field, ..self }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "`{}` ", self.field)?;
        }
        write!(f, "{}", self.what)
    }
}

/// What a look at a parcel shows.
pub struct Answer {
    pub scans: Vec<Scan>,
    pub delivered: Option<LocalMinute>,
}

pub struct New {
    pub id: u64,
    pub class: Class,
    pub created: LocalMinute,
}

pub struct Finished {
    pub class: Class,
    pub answer: Answer,
}

pub struct Asked {
    pub id: u64,
    pub answer: Answer,
}

pub struct Slot {
    pub now: LocalMinute,
    pub budget: usize,
    pub new: Vec<New>,
    pub results: Vec<Asked>,
}

/// The names that the other side uses. Numbers stand for themselves; other names are given numbers from
/// the far end, where none of theirs are.
#[derive(Default)]
pub struct Known {
    classes: HashMap<String, Class>,
    ids: HashMap<String, u64>,
    names: HashMap<u64, String>,
    named: u64,
}

/// Local minutes are counted in 32 bits, and sums of them have to fit.
const HOURS_MOST: f64 = 10_000_000.0;
/// Of a number as a line writes it: a ten-thousandth of an hour, rounded.
const ROUNDING_MINUTES: f64 = 0.004;

impl Known {
    pub fn finished(&mut self, line: &str) -> Result<Finished, Mistake> {
        let line = object(line)?;
        Ok(Finished { class: self.class(field(&line, "class")?)?, answer: answer(&line)? })
    }

    /// `before` is the time of the line before.
    pub fn slot(&mut self, line: &str, before: Option<LocalMinute>) -> Result<Slot, Mistake> {
        let line = object(line)?;
        let now = LocalMinute((hours(field(&line, "t")?).map_err(|e| e.within("t"))? * 60.0).round() as i32);
        if before.is_some_and(|before| now < before) {
            return Err(Mistake::new("t".into(), "is before the line before"));
        }
        let budget = whole(field(&line, "budget")?).and_then(|budget| usize::try_from(budget).ok());
        let budget =
            budget.ok_or_else(|| Mistake::new("budget".into(), "has to be a whole number, 0 or more"))?;
        let new = each(&line, "new", |parcel| {
            Ok(New {
                id: self.id(field(parcel, "id")?)?,
                class: self.class(field(parcel, "class")?)?,
                created: minute(field(parcel, "created")?).map_err(|mistake| mistake.within("created"))?,
            })
        })?;
        let results = each(&line, "results", |parcel| {
            Ok(Asked { id: self.id(field(parcel, "id")?)?, answer: answer(parcel)? })
        })?;
        Ok(Slot { now, budget, new, results })
    }

    fn class(&mut self, value: &Value) -> Result<Class, Mistake> {
        let name = value.as_str().ok_or_else(|| Mistake::new("class".into(), "has to be a text"))?;
        if let Some(class) = self.classes.get(name) {
            return Ok(*class);
        }
        let number = u16::try_from(self.classes.len())
            .map_err(|_| Mistake::new("class".into(), "is one of more than 65536"))?;
        self.classes.insert(name.to_owned(), Class(number));
        Ok(Class(number))
    }

    fn id(&mut self, value: &Value) -> Result<u64, Mistake> {
        let wrong = || Mistake::new("id".into(), "has to be a text, or a whole number, 0 or more");
        if let Some(name) = value.as_str() {
            if let Some(id) = self.ids.get(name) {
                return Ok(*id);
            }
            let id = u64::MAX - self.named;
            self.named += 1;
            self.ids.insert(name.to_owned(), id);
            self.names.insert(id, name.to_owned());
            return Ok(id);
        }
        whole(value).filter(|id| *id <= u64::MAX / 2).ok_or_else(wrong)
    }

    pub fn name(&self, id: u64) -> Value {
        self.names.get(&id).map_or_else(|| Value::from(id), |name| Value::from(name.as_str()))
    }

    pub fn forget(&mut self, id: u64) {
        if let Some(name) = self.names.remove(&id) {
            self.ids.remove(&name);
        }
    }
}

fn object(line: &str) -> Result<Map<String, Value>, Mistake> {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Mistake::new(String::new(), "is no JSON object")),
        Err(error) => Err(Mistake::new(String::new(), &format!("is no JSON: {error}"))),
    }
}

fn field<'o>(object: &'o Map<String, Value>, name: &str) -> Result<&'o Value, Mistake> {
    object.get(name).ok_or_else(|| Mistake::new(name.to_owned(), "is missing"))
}

fn each<T>(
    object: &Map<String, Value>,
    name: &str,
    mut read: impl FnMut(&Map<String, Value>) -> Result<T, Mistake>,
) -> Result<Vec<T>, Mistake> {
    let list = field(object, name)?.as_array();
    let list = list.ok_or_else(|| Mistake::new(name.to_owned(), "has to be a list"))?;
    let read = |(at, value): (usize, &Value)| {
        let read = match value {
            Value::Object(object) => read(object),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Mistake::new(String::new(), "has to be an object"))
            }
        };
        read.map_err(|mistake| mistake.within(&format!("{name}[{at}]")))
    };
    list.iter().enumerate().map(read).collect()
}

/// Many write whole numbers as `1.0`.
fn whole(value: &Value) -> Option<u64> {
    let written = |float: f64| (float >= 0.0 && float.fract() == 0.0 && float < 9e15).then_some(float as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(written))
}

fn hours(value: &Value) -> Result<f64, Mistake> {
    let hours = value.as_f64().filter(|hours| hours.abs() <= HOURS_MOST);
    hours.ok_or_else(|| Mistake::new(String::new(), "has to be a number of hours, ten million at most"))
}

/// The first whole minute at which it was so: what a look shows happened no later than the look.
fn minute(value: &Value) -> Result<LocalMinute, Mistake> {
    Ok(LocalMinute((hours(value)? * 60.0 - ROUNDING_MINUTES).ceil() as i32))
}

fn answer(parcel: &Map<String, Value>) -> Result<Answer, Mistake> {
    let events = field(parcel, "events")?.as_array();
    let events = events.ok_or_else(|| Mistake::new("events".into(), "has to be a list"))?;
    let mut answer = Answer { scans: Vec::with_capacity(events.len()), delivered: None };
    for (at, event) in events.iter().enumerate() {
        let wrong = |what| Mistake::new(format!("events[{at}]"), what);
        let Some([code, time]) = event.as_array().map(Vec::as_slice) else {
            return Err(wrong("has to be a code and a time"));
        };
        let time = minute(time).map_err(|mistake| mistake.within(&format!("events[{at}]")))?;
        let code = code.as_str().ok_or_else(|| wrong("has a code that is no text"))?;
        if code == DELIVERED {
            answer.delivered.get_or_insert(time);
            continue;
        }
        // What nobody knows is no progress.
        let stage = STAGES.iter().position(|(known, ..)| *known == code).and_then(|at| u8::try_from(at).ok());
        answer.scans.extend(stage.map(|stage| Scan { stage: Stage(stage), at: time }));
    }
    answer.scans.sort_by_key(|scan| scan.at);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"t":1.0833,"budget":2,"new":[{"id":1,"class":"sea","created":0.5},{"id":"a","class":"air","created":1}],"results":[{"id":3,"events":[["INFO",0.10004],["CUSTOMS",0.51],["DELIVERED",1]]}]}"#;

    #[test]
    fn a_line_is_read() {
        let mut known = Known::default();
        let slot = known.slot(GOOD, None).expect("it is good");
        assert_eq!((slot.now, slot.budget), (LocalMinute(65), 2));
        assert_eq!((slot.new[0].id, slot.new[1].id), (1, u64::MAX));
        assert_eq!((slot.new[0].created, slot.new[1].class), (LocalMinute(30), Class(1)));
        assert_eq!(known.name(slot.new[1].id), Value::from("a"));
        let answer = &slot.results[0].answer;
        assert_eq!(answer.scans[0], Scan { stage: Stage(0), at: LocalMinute(6) });
        assert_eq!(answer.scans[1], Scan { stage: Stage(5), at: LocalMinute(31) });
        assert_eq!(answer.delivered, Some(LocalMinute(60)));
    }

    #[test]
    fn what_others_write_is_taken_too() {
        let line = GOOD.replacen("CUSTOMS", "MOON", 1).replacen("\"budget\":2", "\"budget\":2.0", 1);
        let slot = Known::default().slot(&line, None).expect("it is good");
        assert_eq!(slot.budget, 2);
        assert_eq!(slot.results[0].answer.scans, [Scan { stage: Stage(0), at: LocalMinute(6) }]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_field() {
        let said = |from: &str, to: &str| {
            let line = GOOD.replacen(from, to, 1);
            let mistake = Known::default().slot(&line, Some(LocalMinute(60))).err().expect("a mistake");
            mistake.on(4).to_string()
        };
        let table = [
            ("1.0833", "0.5", "line 4: `t` is before the line before"),
            ("1.0833", "1e9", "line 4: `t` has to be a number of hours, ten million at most"),
            ("\"budget\":2,", "", "line 4: `budget` is missing"),
            ("2", "-1", "line 4: `budget` has to be a whole number, 0 or more"),
            ("\"id\":1", "\"id\":1.5", "line 4: `new[0].id` has to be a text, or a whole number, 0 or more"),
            ("\"sea\"", "7", "line 4: `new[0].class` has to be a text"),
            ("0.5", "\"x\"", "line 4: `new[0].created` has to be a number of hours, ten million at most"),
            ("[\"INFO\",0.10004]", "3", "line 4: `results[0].events[0]` has to be a code and a time"),
            (GOOD, "[]", "line 4: is no JSON object"),
        ];
        for (from, to, expected) in table {
            assert_eq!(said(from, to), expected);
        }
        assert!(said("{", "").starts_with("line 4: is no JSON: "));
    }
}
