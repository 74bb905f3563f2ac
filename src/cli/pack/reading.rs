//! Reads what is to be packed, with all its mistakes at once, each under the pointer (RFC 6901) of its
//! field.
//!
//! Values are kept as text until they are wanted, and no tree is built of them, so that a hundred
//! thousand parcels take a fraction of a second.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::consolidation::Apart;
use crate::consolidation::packing::{Item, LARGEST, Limits};

pub struct Request {
    pub ids: Vec<String>,
    pub items: Vec<Item>,
    pub limits: Limits,
    pub apart: Apart,
}

pub fn read(body: &[u8]) -> Result<Request, Vec<String>> {
    let raw: &RawValue = serde_json::from_slice(body).map_err(|error| vec![format!("not JSON: {error}")])?;
    let mut reader = Reader::default();
    let request = reader.request(raw);
    match request {
        Some(request) if reader.mistakes.is_empty() => Ok(request),
        _ => Err(reader.mistakes),
    }
}

/// The fields of an object, in their order, their values unread.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl<'a> Fields<'a> {
    /// A field that may be absent or null.
    fn optional(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(field, _)| field == name).map(|(_, value)| *value);
        found.filter(|value| value.get() != "null")
    }
}

/// Where a field is; written out only when something is wrong with it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Field(&'a str),
    Element(&'a str, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(name) => write!(f, "/{name}"),
            Self::Element(name, index) => write!(f, "/{name}/{index}"),
        }
    }
}

/// Groups, or classes, by the numbers they were given in the order of their appearance.
#[derive(Default)]
struct Names(HashMap<String, u32>);

impl Names {
    fn number(&mut self, name: String) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(name).or_insert(next)
    }
}

#[derive(Default)]
struct Reader {
    mistakes: Vec<String>,
    groups: Names,
    classes: Names,
}

impl Reader {
    fn request(&mut self, raw: &RawValue) -> Option<Request> {
        let fields = self.object(raw, Place::Root, &["bins", "parcels", "apart"])?;
        let limits = self.required(&fields, Place::Root, "bins").and_then(|bins| self.limits(bins));
        let parcels = self.required(&fields, Place::Root, "parcels");
        let parcels = parcels.and_then(|parcels| self.list(parcels, Place::Field("parcels")));
        let (mut ids, mut items) = (Vec::new(), Vec::new());
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (index, parcel) in parcels.into_iter().flatten().enumerate() {
            let place = Place::Element("parcels", index);
            let Some((id, item)) = self.parcel(parcel, place, limits.as_ref()) else { continue };
            if let Some(first) = seen.get(&id) {
                self.wrong(place, "id", format_args!("is that of /parcels/{first} already"));
            } else {
                seen.insert(id.clone(), index);
            }
            ids.push(id);
            items.extend(item);
        }
        let mut apart = Apart::nothing();
        if let Some(pairs) =
            fields.optional("apart").and_then(|pairs| self.list(pairs, Place::Field("apart")))
        {
            for (index, pair) in pairs.into_iter().enumerate() {
                if let Some((one, other)) = self.pair(pair, Place::Element("apart", index)) {
                    apart.keep(one, other);
                }
            }
        }
        Some(Request { ids, items, limits: limits?, apart })
    }

    fn limits(&mut self, raw: &RawValue) -> Option<Limits> {
        let place = Place::Field("bins");
        let fields = self.object(raw, place, &["max_weight_grams", "max_volume_cm3", "max_parcels"])?;
        let weight = self
            .required(&fields, place, "max_weight_grams")
            .and_then(|raw| self.number(raw, place, "max_weight_grams", 1, LARGEST));
        let mut optional = |name, most| match fields.optional(name) {
            None => Some(None),
            Some(raw) => self.number(raw, place, name, 1, most).map(Some),
        };
        let volume_cm3 = optional("max_volume_cm3", LARGEST);
        let parcels = optional("max_parcels", u64::from(u32::MAX));
        Some(Limits {
            weight_grams: weight?,
            volume_cm3: volume_cm3?,
            parcels: parcels?.map(|parcels| u32::try_from(parcels).unwrap_or(u32::MAX)),
        })
    }

    /// A parcel whose id can be read, and the rest of it if that can be read too.
    fn parcel(
        &mut self,
        raw: &RawValue,
        place: Place,
        limits: Option<&Limits>,
    ) -> Option<(String, Option<Item>)> {
        let fields = self.object(raw, place, &["id", "weight_grams", "volume_cm3", "group", "class"])?;
        let id = self.required(&fields, place, "id").and_then(|raw| self.text(raw, place, "id"));
        let weight = self
            .required(&fields, place, "weight_grams")
            .and_then(|raw| self.number(raw, place, "weight_grams", 0, LARGEST));
        let volume = match fields.optional("volume_cm3") {
            None => Some(0),
            Some(raw) => self.number(raw, place, "volume_cm3", 0, LARGEST),
        };
        let mut name = |name| match fields.optional(name) {
            None => Some(String::new()),
            Some(raw) => self.text(raw, place, name),
        };
        let (group, class) = (name("group"), name("class"));
        let most_weight = limits.map(|limits| limits.weight_grams);
        self.fits(place, "weight_grams", weight, most_weight);
        self.fits(place, "volume_cm3", volume, limits.and_then(|limits| limits.volume_cm3));
        let numbered =
            group.zip(class).map(|(group, class)| (self.groups.number(group), self.classes.number(class)));
        let item = weight.zip(volume).zip(numbered);
        let item = item.map(|((weight_grams, volume_cm3), (group, class))| Item {
            weight_grams,
            volume_cm3,
            group,
            class,
        });
        let id = id?;
        if id.is_empty() {
            self.wrong(place, "id", "is empty");
        }
        Some((id, item))
    }

    fn fits(&mut self, place: Place, name: &str, value: Option<u64>, limit: Option<u64>) {
        if let (Some(value), Some(limit)) = (value, limit)
            && value > limit
        {
            self.wrong(place, name, format_args!("{value} is more than a bag takes, which is {limit}"));
        }
    }

    fn pair(&mut self, raw: &RawValue, place: Place) -> Option<(u32, u32)> {
        let Ok([one, other]) = <[&RawValue; 2]>::try_from(self.list(raw, place)?) else {
            self.mistakes.push(format!("{place}: has to be a pair of classes"));
            return None;
        };
        let (one, other) = (self.text(one, place, "0"), self.text(other, place, "1"));
        one.zip(other).map(|(one, other)| (self.classes.number(one), self.classes.number(other)))
    }

    fn wrong(&mut self, place: Place, name: &str, detail: impl fmt::Display) {
        let name = name.replace('~', "~0").replace('/', "~1");
        self.mistakes.push(format!("{place}/{name}: {detail}"));
    }

    fn object<'a>(&mut self, raw: &'a RawValue, place: Place, known: &[&str]) -> Option<Fields<'a>> {
        let Ok(fields) = serde_json::from_str::<Fields>(raw.get()) else {
            let place = if matches!(place, Place::Root) { "the whole".to_owned() } else { place.to_string() };
            self.mistakes.push(format!("{place}: has to be an object"));
            return None;
        };
        for (at, (name, _)) in fields.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                self.wrong(place, name, format_args!("is not known here; known are {}", known.join(", ")));
            } else if fields.0[..at].iter().any(|(other, _)| other == name) {
                self.wrong(place, name, "is given twice");
            }
        }
        Some(fields)
    }

    fn list<'a>(&mut self, raw: &'a RawValue, place: Place) -> Option<Vec<&'a RawValue>> {
        let list = serde_json::from_str(raw.get()).ok();
        if list.is_none() {
            self.mistakes.push(format!("{place}: has to be a list"));
        }
        list
    }

    fn required<'a>(&mut self, fields: &Fields<'a>, place: Place, name: &str) -> Option<&'a RawValue> {
        let found = fields.optional(name);
        if found.is_none() {
            self.wrong(place, name, "is missing");
        }
        found
    }

    fn number(&mut self, raw: &RawValue, place: Place, name: &str, least: u64, most: u64) -> Option<u64> {
        let number = serde_json::from_str(raw.get()).ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(place, name, format_args!("has to be a whole number from {least} to {most}"));
        }
        number
    }

    fn text(&mut self, raw: &RawValue, place: Place, name: &str) -> Option<String> {
        let text = serde_json::from_str(raw.get()).ok();
        if text.is_none() {
            self.wrong(place, name, "has to be a string");
        }
        text
    }
}
