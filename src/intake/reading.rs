//! Reading JSON with all its mistakes at once.
//!
//! A derive stops at the first mistake; a merchant who has to fix a body wants them all.
//! Every getter notes what is wrong under the pointer (RFC 6901) of the field and goes on
//! with `None`; [`Errors::check`] is what makes a `None` harmless in the end.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    pub pointer: String,
    pub detail: String,
}

#[derive(Default)]
pub struct Errors(RefCell<Vec<FieldError>>);

impl Errors {
    pub fn add(&self, pointer: &str, detail: impl Display) {
        let detail = detail.to_string();
        self.0.borrow_mut().push(FieldError { pointer: pointer.to_owned(), detail });
    }

    /// `value`, if nothing at all was wrong.
    pub fn check<T>(self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        let errors = self.0.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => Err(errors),
        }
    }
}

/// An object under reading. When it goes away, fields that nobody asked for are errors.
pub struct Object<'a> {
    fields: &'a Map<String, Value>,
    pointer: String,
    errors: &'a Errors,
    asked: RefCell<Vec<&'static str>>,
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        for name in self.fields.keys().filter(|name| !asked.contains(&name.as_str())) {
            let known = asked.join(", ");
            self.errors.add(&self.at(name), format!("this field is not known here; known are {known}"));
        }
    }
}

impl<'a> Object<'a> {
    pub fn new(value: &'a Value, pointer: String, errors: &'a Errors) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self { fields, pointer, errors, asked: RefCell::default() }),
            _ => {
                errors.add(&pointer, "has to be an object");
                None
            }
        }
    }

    /// The pointer of a field, its name escaped as RFC 6901 has it.
    pub fn at(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }

    fn wrong<T>(&self, name: &str, detail: impl Display) -> Option<T> {
        self.errors.add(&self.at(name), detail);
        None
    }

    /// A field that may be absent or null.
    fn optional(&self, name: &'static str) -> Option<&'a Value> {
        self.asked.borrow_mut().push(name);
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn required(&self, name: &'static str) -> Option<&'a Value> {
        self.optional(name).or_else(|| self.wrong(name, "is missing"))
    }

    fn as_text(
        &self,
        name: &'static str,
        value: &'a Value,
        length: RangeInclusive<usize>,
    ) -> Option<&'a str> {
        let Value::String(text) = value else { return self.wrong(name, "has to be a string") };
        self.fits(name, text.trim(), length, char::is_control)
    }

    /// `text`, if it is long enough, not too long, and has nothing in it that is not for reading.
    fn fits<'t>(
        &self,
        name: &'static str,
        text: &'t str,
        length: RangeInclusive<usize>,
        is_refused: fn(char) -> bool,
    ) -> Option<&'t str> {
        let count = text.chars().count();
        if text.chars().any(is_refused) {
            return self.wrong(name, "has control characters in it");
        }
        if length.contains(&count) {
            return Some(text);
        }
        let (least, most) = length.into_inner();
        match count < least {
            true if least == 1 => self.wrong(name, "is empty"),
            _ => self.wrong(name, format!("has to be {least} to {most} characters long, is {count}")),
        }
    }

    pub fn text(&self, name: &'static str, length: RangeInclusive<usize>) -> Option<String> {
        self.required(name).and_then(|value| self.as_text(name, value, length)).map(str::to_owned)
    }

    /// `Some(None)` where the field is absent.
    pub fn text_or_none(&self, name: &'static str, length: RangeInclusive<usize>) -> Option<Option<String>> {
        match self.optional(name) {
            None => Some(None),
            Some(value) => self.as_text(name, value, length).map(|text| Some(text.to_owned())),
        }
    }

    /// What somebody wrote in lines. However a line was ended, it ends with a line feed.
    pub fn lines(&self, name: &'static str, length: RangeInclusive<usize>) -> Option<String> {
        self.required(name).and_then(|value| self.as_lines(name, value, length))
    }

    /// `Some(None)` where the field is absent.
    pub fn lines_or_none(&self, name: &'static str, length: RangeInclusive<usize>) -> Option<Option<String>> {
        match self.optional(name) {
            None => Some(None),
            Some(value) => self.as_lines(name, value, length).map(Some),
        }
    }

    fn as_lines(
        &self,
        name: &'static str,
        value: &'a Value,
        length: RangeInclusive<usize>,
    ) -> Option<String> {
        let Value::String(text) = value else { return self.wrong(name, "has to be a string") };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let is_refused = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        self.fits(name, text.trim(), length, is_refused).map(str::to_owned)
    }

    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &'static str) -> Option<T> {
        let text = self.required(name).and_then(|value| self.as_text(name, value, 1..=100))?;
        text.parse().map_err(|error| self.wrong::<T>(name, error)).ok()
    }

    pub fn parsed_or_none<T: FromStr<Err: Display>>(&self, name: &'static str) -> Option<Option<T>> {
        match self.fields.get(name).filter(|value| !value.is_null()) {
            None => self.optional(name).map_or(Some(None), |_| None),
            Some(_) => self.parsed(name).map(Some),
        }
    }

    pub fn whole(&self, name: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.required(name)?;
        self.as_whole(&self.at(name), value, range)
    }

    pub fn whole_or_none(&self, name: &'static str, range: RangeInclusive<u32>) -> Option<Option<u32>> {
        match self.optional(name) {
            None => Some(None),
            Some(value) => self.as_whole(&self.at(name), value, range).map(Some),
        }
    }

    pub fn flag_or_none(&self, name: &'static str) -> Option<Option<bool>> {
        match self.optional(name) {
            None => Some(None),
            Some(Value::Bool(flag)) => Some(Some(*flag)),
            Some(_) => self.wrong(name, "has to be true or false"),
        }
    }

    pub fn as_whole(&self, pointer: &str, value: &Value, range: RangeInclusive<u32>) -> Option<u32> {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let found = number.filter(|number| range.contains(number));
        if found.is_none() {
            let (least, most) = range.into_inner();
            self.errors.add(pointer, format!("has to be a whole number from {least} to {most}"));
        }
        found
    }

    pub fn whole_or(&self, name: &'static str, range: RangeInclusive<u32>, otherwise: u32) -> Option<u32> {
        Some(self.whole_or_none(name, range)?.unwrap_or(otherwise))
    }

    /// A list of words of one set; none where the field is absent.
    pub fn words_or_none<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
        count: RangeInclusive<usize>,
    ) -> Option<Vec<T>> {
        if self.optional(name).is_none() {
            return Some(Vec::new());
        }
        let values = self.array(name, count)?;
        let word = |(at, value): (String, &Value)| match value.as_str().map(str::parse) {
            Some(Ok(word)) => Some(word),
            Some(Err(error)) => {
                self.errors.add(&at, error);
                None
            }
            None => {
                self.errors.add(&at, "has to be a string");
                None
            }
        };
        let words: Vec<Option<T>> = values.into_iter().map(word).collect();
        words.into_iter().collect()
    }

    pub fn number(&self, name: &'static str) -> Option<f64> {
        self.required(name)?.as_f64().or_else(|| self.wrong(name, "has to be a number"))
    }

    pub fn object(&self, name: &'static str) -> Option<Object<'a>> {
        self.required(name).and_then(|value| Object::new(value, self.at(name), self.errors))
    }

    pub fn object_or_none(&self, name: &'static str) -> Option<Option<Object<'a>>> {
        match self.optional(name) {
            None => Some(None),
            Some(value) => Object::new(value, self.at(name), self.errors).map(Some),
        }
    }

    /// The elements of an array with the pointer of each.
    pub fn array(
        &self,
        name: &'static str,
        length: RangeInclusive<usize>,
    ) -> Option<Vec<(String, &'a Value)>> {
        let Value::Array(elements) = self.required(name)? else {
            return self.wrong(name, "has to be an array");
        };
        if !length.contains(&elements.len()) {
            let (least, most) = length.into_inner();
            return self
                .wrong(name, format!("has to have {least} to {most} elements, has {}", elements.len()));
        }
        let pointer = self.at(name);
        Some(elements.iter().enumerate().map(|(i, element)| (format!("{pointer}/{i}"), element)).collect())
    }

    /// Its elements are texts that can be read.
    pub fn parsed_array_or_none<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
        length: RangeInclusive<usize>,
    ) -> Option<Option<Vec<T>>> {
        if self.optional(name).is_none() {
            return Some(None);
        }
        let parse = |(pointer, value): (String, &Value)| {
            let Some(text) = value.as_str() else {
                self.errors.add(&pointer, "has to be a string");
                return None;
            };
            text.trim().parse().map_err(|error| self.errors.add(&pointer, error)).ok()
        };
        let read: Vec<Option<T>> = self.array(name, length)?.into_iter().map(parse).collect();
        read.into_iter().collect::<Option<Vec<T>>>().map(Some)
    }

    pub fn errors(&self) -> &'a Errors {
        self.errors
    }
}
