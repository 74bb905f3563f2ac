//! Australia Post's format, as it really comes.

use serde_json::value::RawValue;

use crate::carriers::json::{self, Object, entries};

pub struct Page<'a> {
    /// One a number that was asked about. None: it does not speak of numbers at all.
    pub results: Option<Vec<&'a RawValue>>,
    /// What went wrong with the whole question.
    pub problems: Vec<Problem>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Problem {
    pub code: String,
    pub name: String,
    pub message: String,
}

pub struct Tracked<'a> {
    pub number: String,
    pub status: String,
    /// Of the consignment, where it has any of its own.
    pub events: Vec<&'a RawValue>,
    pub consignment_status: String,
    pub articles: Vec<Article<'a>>,
    /// More than there are articles: some are missing.
    pub items_count: usize,
    pub problems: Vec<Problem>,
}

pub struct Article<'a> {
    pub number: String,
    pub status: String,
    pub events: Vec<&'a RawValue>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub description: String,
    pub date: String,
    pub location: String,
}

pub fn page(body: &str) -> Option<Page<'_>> {
    let raw = json::raw(body)?;
    let Some(body) = Object::of(Some(raw)) else {
        let problems = entries(Some(raw)).into_iter().filter_map(bare_problem).collect();
        return Some(Page { results: None, problems });
    };
    let results = body.has("tracking_results").then(|| entries(body.get("tracking_results")));
    let listed = body.list("errors").into_iter().chain(body.list("error"));
    let mut problems = problems(listed.collect());
    if problems.is_empty() && results.is_none() {
        problems.extend(bare_problem(raw));
    }
    Some(Page { results, problems })
}

fn problems(list: Vec<&RawValue>) -> Vec<Problem> {
    list.into_iter().filter_map(problem).collect()
}

/// One that stands in no list of errors has to say more than a code, which anybody's answer has.
fn bare_problem(raw: &RawValue) -> Option<Problem> {
    problem(raw).filter(|one| !(one.code.is_empty() || one.name.is_empty() && one.message.is_empty()))
}

/// `None` where there is neither a code nor a name.
fn problem(raw: &RawValue) -> Option<Problem> {
    let fields = Object::of(Some(raw))?;
    let first = |names: &[&str]| {
        names.iter().map(|name| fields.text(name)).find(|text| !text.is_empty()).unwrap_or_default()
    };
    let problem = Problem {
        code: first(&["code", "error_code", "errorCode"]),
        name: first(&["name", "error_name"]),
        message: first(&["message", "error_description", "errorMessage", "description", "messages"]),
    };
    Some(problem).filter(|problem| !problem.code.is_empty() || !problem.name.is_empty())
}

/// `None` where `raw` is no object.
pub fn tracked(raw: &RawValue) -> Option<Tracked<'_>> {
    let fields = Object::of(Some(raw))?;
    let consignment = Object::of(fields.get("consignment"));
    let mut tracked = Tracked {
        number: fields.text("tracking_id"),
        status: fields.text("status"),
        events: consignment.as_ref().map(|consignment| consignment.list("events")).unwrap_or_default(),
        consignment_status: consignment.map(|consignment| consignment.text("status")).unwrap_or_default(),
        articles: Vec::new(),
        items_count: 0,
        problems: problems(fields.list("errors").into_iter().chain(fields.list("error")).collect()),
    };
    for item in fields.list("trackable_items").into_iter().filter_map(|raw| Object::of(Some(raw))) {
        let articles = item.list("items");
        if articles.is_empty() {
            tracked.articles.push(article(&item));
        }
        tracked
            .articles
            .extend(articles.into_iter().filter_map(|raw| Object::of(Some(raw))).map(|item| article(&item)));
        tracked.items_count += item.text("number_of_items").parse().unwrap_or(0);
    }
    Some(tracked)
}

fn article<'a>(fields: &Object<'a>) -> Article<'a> {
    let number = [fields.text("article_id"), fields.text("consignment_id")];
    Article {
        number: number.into_iter().find(|number| !number.is_empty()).unwrap_or_default(),
        status: fields.text("status"),
        events: fields.list("events"),
    }
}

pub fn event(raw: &RawValue) -> Option<Event> {
    let fields = Object::of(Some(raw))?;
    Some(Event {
        description: fields.text("description"),
        date: fields.text("date"),
        location: fields.text("location"),
    })
}
