//! Effort that is counted, and choices that look random but are not.

/// What may still be spent. A step is about one look at one parcel, a few nanoseconds.
#[derive(Debug)]
pub struct Effort {
    left: u64,
}

impl Effort {
    pub fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    pub fn spend(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(steps as u64);
    }

    pub fn is_spent(&self) -> bool {
        self.left == 0
    }

    pub fn left(&self) -> u64 {
        self.left
    }

    /// At most `steps` of what is left, to be given [back](Self::give_back) where not needed.
    pub fn take(&mut self, steps: u64) -> Self {
        let taken = steps.min(self.left);
        self.left -= taken;
        Self { left: taken }
    }

    pub fn give_back(&mut self, other: Self) {
        self.left += other.left;
    }
}

/// Marsaglia's xorshift64*, the same sequence everywhere.
#[derive(Debug)]
pub struct Shuffler {
    state: u64,
}

impl Shuffler {
    pub fn new(seed: u64) -> Self {
        // Any constant that is not zero will do; without one the sequence would be all zeros.
        Self { state: seed ^ 0x9e37_79b9_7f4a_7c15 }
    }

    pub fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        // The high half of a product spreads evenly enough for numbers this small.
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}
