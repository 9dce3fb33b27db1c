//! What has been verified, and when.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use jiff::Timestamp;

use crate::error::{Error, Result};

/// What stands for one object, or one base backup, as it was listed: a digest of keys, lengths and the
/// store's own marks of content. Another content under the same key is another mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub u64);

/// When which object was last found sound.
///
/// As text: `barkeep-verify 1`, perhaps `begun SECONDS`, a line `MARK SECONDS` for each object with the mark
/// in sixteen hexadecimal digits and the seconds of Unix time, and `end COUNT`. About 28 bytes each before
/// compression, and never more than [`MOST`](Self::MOST) of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyLedger {
    verified: HashMap<Mark, i64>,
    /// When the run began that has not come to its end.
    begun: Option<i64>,
}

/// The first line.
const HEAD: &str = "barkeep-verify 1";

impl VerifyLedger {
    /// As many objects are remembered; beyond that those that were verified longest ago are forgotten.
    pub const MOST: usize = 4_000_000;

    /// When this was last found sound; to the second.
    pub fn verified(&self, mark: Mark) -> Option<Timestamp> {
        self.verified.get(&mark).and_then(|seconds| Timestamp::from_second(*seconds).ok())
    }

    /// Remembers that this was found sound.
    pub fn note(&mut self, mark: Mark, at: Timestamp) {
        self.verified.insert(mark, at.as_second());
    }

    /// How many objects are remembered.
    pub fn len(&self) -> usize {
        self.verified.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.verified.is_empty()
    }

    /// When the run began that did not come to its end, if the last one did not.
    pub fn begun(&self) -> Option<Timestamp> {
        self.begun.and_then(|seconds| Timestamp::from_second(seconds).ok())
    }

    /// A run begins or goes on, or (`None`) has come to its end.
    pub fn set_begun(&mut self, begun: Option<Timestamp>) {
        self.begun = begun.map(Timestamp::as_second);
    }

    /// Forgets what is not among these, which are in order: it is no longer there, or is something else.
    pub fn keep_only(&mut self, marks: &[Mark]) {
        self.verified.retain(|mark, _| marks.binary_search(mark).is_ok());
    }
}

/// Newest last, so that what is alike stands together.
impl fmt::Display for VerifyLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all: Vec<(i64, Mark)> = self.verified.iter().map(|(mark, at)| (*at, *mark)).collect();
        all.sort_unstable();
        let kept = &all[all.len().saturating_sub(Self::MOST)..];
        let mut text = format!("{HEAD}\n");
        if let Some(begun) = self.begun {
            writeln!(text, "begun {begun}")?;
        }
        f.write_str(&text)?;
        for (at, Mark(mark)) in kept {
            writeln!(f, "{mark:016x} {at}")?;
        }
        writeln!(f, "end {}", kept.len())
    }
}

impl FromStr for VerifyLedger {
    type Err = Error;

    /// Kind `Corrupt` for whatever was not printed by this.
    fn from_str(text: &str) -> Result<Self> {
        let damaged = |why: &str| Error::corrupt(format!("the ledger of verify {why}"));
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(damaged("does not begin as one does"));
        }
        let mut ledger = Self::default();
        for line in lines.by_ref() {
            let (word, number) = line.split_once(' ').ok_or_else(|| damaged("has a line that is none"))?;
            let number: i64 = number.parse().map_err(|_| damaged("has a line without a number"))?;
            match word {
                "begun" => ledger.begun = Some(number),
                "end" if usize::try_from(number) == Ok(ledger.verified.len()) => {
                    return match lines.next() {
                        None => Ok(ledger),
                        Some(_) => Err(damaged("goes on behind its end")),
                    };
                }
                "end" => return Err(damaged("has not as many lines as it says")),
                mark if mark.len() == 16 && ledger.verified.len() < Self::MOST => {
                    let mark =
                        u64::from_str_radix(mark, 16).map_err(|_| damaged("has a mark that is none"))?;
                    ledger.verified.insert(Mark(mark), number);
                }
                _ => return Err(damaged("has a line that is none")),
            }
        }
        Err(damaged("breaks off"))
    }
}
