//! Where seeds run: each on a processor of its own.
//!
//! A seed's thread and its database's take turns, many thousand times a second, and waking somebody on another
//! processor costs more than what is asked for. Threads that a thread starts stay where it is.

/// Of those that this process may use; at least one. The one that it is on comes first, so that several processes
/// with a seed each do not meet on the same.
pub fn all() -> Vec<Processor> {
    let all = allowed();
    if all.is_empty() { vec![Processor(None)] } else { all }
}

/// None: wherever the system likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor(Option<usize>);

#[cfg(target_os = "linux")]
fn allowed() -> Vec<Processor> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu};
    let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
    let mut numbers: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number)).collect();
    let here = numbers.iter().position(|number| *number == sched_getcpu());
    numbers.rotate_left(here.unwrap_or_default());
    numbers.into_iter().map(|number| Processor(Some(number))).collect()
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<Processor> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    vec![Processor(None); count]
}

impl Processor {
    /// Keeps this thread here, and those that it starts. Where it cannot, everything is slower and nothing else.
    pub fn stay(self) {
        #[cfg(target_os = "linux")]
        if let Some(number) = self.0 {
            use rustix::thread::{CpuSet, sched_setaffinity};
            let mut only = CpuSet::new();
            only.set(number);
            let _ = sched_setaffinity(None, &only);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_stays_is_seen_there_with_those_that_it_starts() {
        let last = *super::all().last().expect("a processor");
        let here = std::thread::spawn(move || {
            last.stay();
            let started = std::thread::spawn(super::all).join().expect("a thread");
            (super::all(), started)
        });
        assert_eq!(here.join().expect("a thread"), (vec![last], vec![last]));
    }
}
