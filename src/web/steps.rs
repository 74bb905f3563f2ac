//! The milestones as a line of steps: behind, here, ahead.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};

use super::language::Language;
use super::moment::Moment;
use super::tone::Tone;
use super::words::name;
use crate::domain::shipment::Milestone;
use crate::flows::views::{MilestoneView, MomentView, TrackingView};

pub struct Step<'v> {
    pub name: Cow<'v, str>,
    pub place: Option<&'v str>,
    pub position: Position,
    pub when: When,
}

/// Its text is the name of a class in the stylesheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    Behind,
    Here,
    Ahead,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Behind => "behind",
            Self::Here => "here",
            Self::Ahead => "ahead",
        })
    }
}

pub enum When {
    Reached(Moment),
    Planned(Moment),
    /// The beginning of the estimated window.
    Estimated(Moment),
    Unsaid,
}

pub fn steps(view: &TrackingView, tone: Tone, language: Language) -> Vec<Step<'_>> {
    let here = view.milestones.iter().rposition(|milestone| milestone.reached);
    // The latest thing that is known to have happened: a plan for something earlier is history.
    let latest = view.milestones.iter().filter_map(|milestone| instant(milestone.reached_at.as_ref()?)).max();
    let mut last_place = None;
    let mut steps = Vec::with_capacity(view.milestones.len());
    for (index, milestone) in view.milestones.iter().enumerate() {
        let position = match here {
            Some(here) if index < here => Position::Behind,
            Some(here) if index == here => Position::Here,
            Some(_) | None => Position::Ahead,
        };
        let place = match language {
            Language::English => milestone.place_en.as_deref(),
            Language::Chinese => milestone.place_zh.as_deref(),
        };
        let when = match &milestone.reached_at {
            Some(at) => When::Reached(Moment::new(at, language)),
            None if milestone.reached || tone != Tone::Going => When::Unsaid,
            None => foreseen(view, milestone, latest, language),
        };
        steps.push(Step {
            name: name::<Milestone>(&milestone.milestone, language),
            place: place.filter(|place| last_place != Some(*place)),
            position,
            when,
        });
        last_place = place;
    }
    steps
}

/// A plan is made once; the estimate follows what happened, so the last step goes by it.
fn foreseen(
    view: &TrackingView,
    milestone: &MilestoneView,
    latest: Option<DateTime<Utc>>,
    language: Language,
) -> When {
    if milestone.milestone == Milestone::Delivered.as_str() {
        return When::Estimated(Moment::new(&view.estimated_delivery.earliest, language));
    }
    match &milestone.expected_at {
        Some(planned) if instant(planned) >= latest => When::Planned(Moment::new(planned, language)),
        Some(_) | None => When::Unsaid,
    }
}

fn instant(moment: &MomentView) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&moment.utc).ok().map(|at| at.to_utc())
}
