//! What the provider keeps: trades with their balances, and every command that was decided.
//!
//! Pure: `now` is an argument. Invariants, whatever is asked in whatever order: of a trade,
//! released + refunded ≤ held, in minor units; a key takes effect at most once, and what it did is
//! said the same way each time. The deadline by which the provider releases by itself is looked at
//! before anything else is decided; a frozen trade is passed over, as a dispute stops the clock.
//! Where trades may be opened by their first mention, what is mentioned is all that they hold.
//! Deliberately absent: fees, exchange rates, anything that forgets a key.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;

use super::ask::{Action, Ask, Format, Refusal, Trigger};
use super::trade::{Balances, Terms, Trade};
use crate::domain::instant::Instant;
use crate::domain::money::Money;

/// How trades come to be, and how long they are kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// Whether a command about an unknown trade opens it.
    pub open: bool,
    /// The provider's own deadline, from when a trade is made. None: it never releases by itself.
    pub release_after: Option<TimeDelta>,
}

type Name = (Format, String);

#[derive(Default)]
pub struct Books {
    rules: Rules,
    trades: BTreeMap<Name, Trade>,
    /// When which of them releases by itself: each command asks what is due by then.
    deadlines: BTreeSet<(Instant, Name)>,
    /// The merchant's own numbers, and whatever else a trade is known by.
    names: HashMap<Name, String>,
    /// In the order of their coming.
    triggers: Vec<Trigger>,
    by_key: HashMap<String, usize>,
    done: HashSet<(String, Option<u16>, Action)>,
    seen_again: u64,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub enum Verdict {
    Done { trigger: Trigger, again: bool },
    Refused { trigger: Trigger, why: Refusal },
    OtherBody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    #[error("there is such a trade")]
    Exists,
    #[error("an amount above nought is needed")]
    NoAmount,
}

impl Books {
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    pub fn create(
        &mut self,
        format: Format,
        reference: &str,
        held: Money,
        terms: Terms,
        now: Instant,
    ) -> Result<&Trade, NotMade> {
        if self.find(format, reference).is_some()
            || terms.also.as_ref().is_some_and(|also| self.find(format, also).is_some())
        {
            return Err(NotMade::Exists);
        }
        if held.minor <= 0 {
            return Err(NotMade::NoAmount);
        }
        let deadline = terms.release_deadline_at.or(self.rules.release_after.map(|after| now + after));
        let mut trade = Trade::new(format, reference, Some(held), now);
        trade.terms = Terms { release_deadline_at: deadline, ..terms };
        if let Some(also) = &trade.terms.also {
            self.names.insert((format, also.clone()), reference.to_owned());
        }
        Ok(self.put((format, reference.to_owned()), trade))
    }

    fn put(&mut self, name: Name, trade: Trade) -> &Trade {
        let (is, was) = (trade.terms.release_deadline_at, self.trades.get(&name));
        if let Some(was) = was.and_then(|trade| trade.terms.release_deadline_at) {
            self.deadlines.remove(&(was, name.clone()));
        }
        self.deadlines.extend(is.map(|at| (at, name.clone())));
        self.trades.entry(name).insert_entry(trade).into_mut()
    }

    /// By any name it has.
    pub fn find(&self, format: Format, name: &str) -> Option<&Trade> {
        self.trades.get(&(format, self.resolve(format, name)))
    }

    pub fn trades(&self) -> impl Iterator<Item = &Trade> {
        self.trades.values()
    }

    /// In whatever format.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Trade> {
        Format::ALL.iter().filter_map(move |format| self.find(*format, name))
    }

    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
    }

    pub fn by_key(&self, key: &str) -> Option<&Trigger> {
        self.by_key.get(key).and_then(|at| self.triggers.get(*at))
    }

    /// How often a key came that was decided before.
    pub fn seen_again(&self) -> u64 {
        self.seen_again
    }

    /// The provider pays out what is due by its own deadline. The references of what it paid.
    pub fn release_due(&mut self, now: Instant) -> Vec<Name> {
        let due: Vec<_> = self.deadlines.iter().take_while(|(at, _)| *at <= now).cloned().collect();
        let mut paid = Vec::new();
        for due in due {
            // A frozen one stays due.
            let Some(trade) = self.trades.get_mut(&due.1).filter(|trade| !trade.frozen) else { continue };
            self.deadlines.remove(&due);
            if trade.release_rest(now) {
                paid.push(due.1);
            }
        }
        paid
    }

    /// As if the deadline of one trade had come.
    pub fn release_now(&mut self, format: Format, name: &str, now: Instant) -> Option<bool> {
        let trade = self.trades.get_mut(&(format, self.resolve(format, name)))?;
        Some(!trade.frozen && trade.release_rest(now))
    }

    /// See [`Trade::set_frozen`].
    pub fn set_frozen(&mut self, format: Format, name: &str, frozen: bool, now: Instant) -> Option<()> {
        let trade = self.trades.get_mut(&(format, self.resolve(format, name)))?;
        trade.set_frozen(frozen, now);
        Some(())
    }

    /// Decides a command, once for its key. A refusal is final where the format has it so, and
    /// decided again otherwise.
    pub fn perform(&mut self, mut ask: Ask, now: Instant) -> Verdict {
        self.release_due(now);
        ask.reference = self.resolve(ask.format, &ask.reference);
        let Some(at) = self.by_key.get(&ask.key).copied() else {
            let outcome = self.decide(&ask, now);
            self.by_key.insert(ask.key.clone(), self.triggers.len());
            let trigger = Trigger::new(ask, outcome, now);
            self.triggers.push(trigger.clone());
            return verdict(trigger, false);
        };
        let is_open = self.triggers[at].refused.is_some_and(|why| !ask.format.keeps(why));
        if self.triggers[at].body != ask.body && !is_open {
            return Verdict::OtherBody;
        }
        self.seen_again += 1;
        let seen = self.triggers[at].seen + 1;
        if is_open {
            let outcome = self.decide(&ask, now);
            self.triggers[at] = Trigger::new(ask, outcome, now);
        }
        self.triggers[at].seen = seen;
        verdict(self.triggers[at].clone(), true)
    }

    fn resolve(&self, format: Format, name: &str) -> String {
        let key = (format, name.to_owned());
        self.names.get(&key).cloned().unwrap_or(key.1)
    }

    fn decide(&mut self, ask: &Ask, now: Instant) -> Result<Balances, Refusal> {
        let once = (ask.order.clone(), ask.share, ask.action);
        if ask.format.acts_once() && ask.action.happens_once() && self.done.contains(&once) {
            return Err(Refusal::DoneAlready);
        }
        let name = (ask.format, ask.reference.clone());
        let may_open = self.rules.open && !self.trades.contains_key(&name) && ask.can_open();
        let mut trade = match self.trades.get(&name) {
            Some(trade) => trade.clone(),
            None if may_open => self.opened(ask, now),
            None => return Err(Refusal::NoSuchTrade),
        };
        if let Some(amount) = ask.amount {
            trade.hear_of(ask.share, amount, ask.is_whole);
        }
        trade.act(ask, self.rules.release_after, now)?;
        let after = trade.balances();
        if let Some(also) = &trade.terms.also {
            self.names.insert((ask.format, also.clone()), name.1.clone());
        }
        self.put(name, trade);
        if ask.format.acts_once() {
            self.done.insert(once);
        }
        Ok(after)
    }

    fn opened(&self, ask: &Ask, now: Instant) -> Trade {
        let mut trade = Trade::new(ask.format, &ask.reference, ask.amount, now);
        trade.opened_by_mention = true;
        trade.terms.also = ask.also.clone().filter(|also| *also != ask.reference);
        trade.terms.release_deadline_at = self.rules.release_after.map(|after| now + after);
        trade
    }
}

fn verdict(trigger: Trigger, again: bool) -> Verdict {
    match trigger.refused {
        None => Verdict::Done { trigger, again },
        Some(why) => Verdict::Refused { trigger, why },
    }
}

#[cfg(test)]
mod tests;
