//! Which classes may not travel together.

use std::collections::{BTreeMap, BTreeSet};

/// A symmetric relation over classes. A class that is apart from itself travels alone.
#[derive(Debug, Clone, Default)]
pub struct Apart {
    others: BTreeMap<u32, BTreeSet<u32>>,
}

impl Apart {
    /// Nothing has to be kept apart.
    pub fn nothing() -> Self {
        Self::default()
    }

    pub fn keep(&mut self, one: u32, other: u32) {
        self.others.entry(one).or_default().insert(other);
        self.others.entry(other).or_default().insert(one);
    }

    pub fn holds(&self, one: u32, other: u32) -> bool {
        self.others.get(&one).is_some_and(|others| others.contains(&other))
    }

    /// The classes that `class` may not travel with, ascending.
    pub fn from(&self, class: u32) -> impl Iterator<Item = u32> {
        self.others.get(&class).into_iter().flatten().copied()
    }
}

impl FromIterator<(u32, u32)> for Apart {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(pairs: I) -> Self {
        let mut apart = Self::default();
        for (one, other) in pairs {
            apart.keep(one, other);
        }
        apart
    }
}
