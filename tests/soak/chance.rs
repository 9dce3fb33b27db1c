//! Chance that a seed repeats.

use std::time::Duration;

use crate::common::load::Noise;

/// Where decisions come from.
pub struct Chance(Noise);

impl Chance {
    /// The same decisions for the same seed and the same purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut noise = Noise(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        noise.next();
        Self(noise)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next()
    }

    /// One of `0..limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit.max(1)
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// So many milliseconds, at least and at most.
    pub fn between(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least + 1))
    }

    /// A span of at most this.
    pub fn within(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(most.as_micros()).unwrap()))
    }

    /// One of them.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    /// In another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for i in (1..all.len()).rev() {
            all.swap(i, usize::try_from(self.below(i as u64 + 1)).unwrap());
        }
    }
}
