//! Whose turn it is to be read.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::{Mark, VerifyLedger};
use crate::error::{Error, Result};

/// A share of the whole in per cent: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u8);

impl Share {
    /// So many of `all`, rounded up: never none of some.
    pub fn of(self, all: usize) -> usize {
        let part = (all as u128 * u128::from(self.0)).div_ceil(100);
        usize::try_from(part).unwrap_or(all)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Share {
    type Err = Error;

    /// `10%` or `10`.
    fn from_str(text: &str) -> Result<Self> {
        let digits = text.strip_suffix('%').unwrap_or(text);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let share = if plain { digits.parse().ok() } else { None };
        share
            .filter(|share| (1..=100).contains(share))
            .map(Self)
            .ok_or_else(|| Error::usage(format!("`{text}` is not a share (1% to 100%)")))
    }
}

/// What is read in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Only so many, those that were verified longest ago, or never, first.
    pub share: Option<Share>,
    /// Only what was not verified since.
    pub since: Option<Timestamp>,
    /// When an earlier run began that this one completes: what that has verified is not read again, and
    /// counts as this one's.
    pub resumed: Option<Timestamp>,
    /// Chooses among those that were verified equally long ago, so that a store where nothing can be
    /// remembered is read in other parts every time.
    pub seed: u64,
}

/// Which of these are read, in their order.
pub fn take_turn(all: &[Mark], ledger: &VerifyLedger, turn: Turn) -> Vec<bool> {
    let verified: Vec<Option<Timestamp>> = all.iter().map(|mark| ledger.verified(*mark)).collect();
    let since = |bound: Option<Timestamp>, at: Option<Timestamp>| {
        // The ledger's times are in whole seconds.
        bound.zip(at).is_some_and(|(bound, at)| at.as_second() >= bound.as_second())
    };
    let due = |at: Option<Timestamp>| !since(turn.since, at) && !since(turn.resumed, at);
    let Some(share) = turn.share else { return verified.into_iter().map(due).collect() };
    let done = verified.iter().filter(|at| since(turn.resumed, **at)).count();
    let quota = share.of(all.len()).saturating_sub(done);
    let mut waiting: Vec<usize> = (0..all.len()).filter(|i| due(verified[*i])).collect();
    waiting.sort_by_key(|i| (verified[*i], scatter(all[*i].0 ^ turn.seed)));
    let mut taken = vec![false; all.len()];
    for i in waiting.into_iter().take(quota) {
        taken[i] = true;
    }
    taken
}

/// Spreads numbers evenly (the finalizer of `SplitMix64`).
const fn scatter(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
