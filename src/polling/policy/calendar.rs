//! Which days of the week see fewer deliveries, and how much a promised day is worth.

use serde::{Deserialize, Serialize};

use super::local_time::LocalMinute;

/// Weeks that count as even before any was seen.
const EVEN_WEEKS: f32 = 2.0;
/// Deliveries a weekday that count as even before any was seen.
const EVEN_DELIVERIES: f32 = 20.0;
/// A week counts half as much after so many further ones.
const WEEKS_HALVED: f32 = 8.0;
const OPEN_WEEKS: usize = 26;

/// How deliveries fall on weekdays. Only whole weeks count, and neither the first nor the last one seen:
/// a beginning or an end in mid-week says nothing about weekdays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Weekdays {
    /// Deliveries by weekday over the weeks that are closed, and how many weeks these are.
    closed: [f32; 7],
    weeks: f32,
    open: Vec<(i32, [u32; 7])>,
    factors: Option<[f32; 7]>,
}

impl Weekdays {
    pub fn learn(&mut self, delivered: LocalMinute) {
        let week = delivered.day().div_euclid(7);
        match self.open.iter_mut().find(|(other, _)| *other == week) {
            Some((_, days)) => days[delivered.weekday()] += 1,
            None => {
                let mut days = [0; 7];
                days[delivered.weekday()] = 1;
                self.open.push((week, days));
                self.open.sort_unstable_by_key(|(week, _)| *week);
                if self.open.len() > OPEN_WEEKS {
                    let (_, days) = self.open.remove(0);
                    self.close(days);
                }
                self.weigh();
            }
        }
    }

    /// All that was seen is past; what comes next has another calendar.
    pub fn settle(&mut self) {
        let open = std::mem::take(&mut self.open);
        let whole = open.len().saturating_sub(2);
        open.into_iter().skip(1).take(whole).for_each(|(_, days)| self.close(days));
        self.weigh();
    }

    fn close(&mut self, days: [u32; 7]) {
        let fade = libm::powf(0.5, 1.0 / WEEKS_HALVED);
        self.weeks = self.weeks * fade + 1.0;
        for (sum, count) in self.closed.iter_mut().zip(days) {
            *sum = *sum * fade + count as f32;
        }
    }

    fn weigh(&mut self) {
        let mut sums = self.closed;
        let mut weeks = self.weeks;
        let whole = self.open.len().saturating_sub(2);
        for (_, days) in self.open.iter().skip(1).take(whole) {
            weeks += 1.0;
            sums.iter_mut().zip(days).for_each(|(sum, count)| *sum += *count as f32);
        }
        let mean = sums.iter().sum::<f32>() / 7.0;
        if weeks == 0.0 || mean <= 0.0 {
            self.factors = None;
            return;
        }
        let even = mean * EVEN_WEEKS / weeks + EVEN_DELIVERIES;
        self.factors = Some(sums.map(|sum| (sum + even) / (mean + even)));
    }

    /// By how much more than evenly deliveries fall on each weekday.
    pub fn factors(&self) -> [f32; 7] {
        self.factors.unwrap_or([1.0; 7])
    }
}

const DAYS_OFF: i32 = 7;
/// Deliveries by days off the promise that count as seen before any was.
const EVEN: f32 = 2.0;

/// How many days deliveries come after the promised day, up to a week either way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Promises {
    days_late: [f32; (2 * DAYS_OFF + 1) as usize],
}

impl Promises {
    pub fn learn(&mut self, promised: LocalMinute, delivered: LocalMinute) {
        self.days_late[Self::slot(promised, delivered)] += 1.0;
        // What is new outweighs what is old in the end.
        if self.days_late.iter().sum::<f32>() > 4_000.0 {
            self.days_late.iter_mut().for_each(|count| *count /= 2.0);
        }
    }

    fn slot(promised: LocalMinute, delivered: LocalMinute) -> usize {
        let late = delivered.day().saturating_sub(promised.day());
        (late.clamp(-DAYS_OFF, DAYS_OFF) + DAYS_OFF) as usize
    }

    /// How likely so promised a parcel is to come then, up to a factor that is the same for all days.
    pub fn factor(&self, promised: LocalMinute, delivered: LocalMinute) -> f32 {
        self.days_late[Self::slot(promised, delivered)] + EVEN
    }
}
