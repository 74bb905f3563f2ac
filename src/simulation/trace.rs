//! What happened, line by line, in one hash.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use crate::domain::instant::{Instant, rfc3339};

const KEPT: usize = 40;

#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    steps: u64,
    last: VecDeque<String>,
}

impl Trace {
    pub fn note(&mut self, at: Instant, line: &str) {
        let line = format!("{} {line}", rfc3339(at));
        self.hash.update(&line);
        self.hash.update("\n");
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    pub fn begin_step(&mut self) {
        self.steps += 1;
    }

    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The number of the last step, and the last lines.
    pub fn last(&self) -> (u64, Vec<String>) {
        (self.steps, self.last.iter().cloned().collect())
    }

    pub fn digest(&self) -> String {
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
