//! The ledger while a run is under way: loaded, noted in, stored now and then and at the end.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use tracing::warn;

use super::look::Sight;
use super::{Coverage, Request};
use crate::archive::Archive;
use crate::command::fetch::decoded;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Compression, Mark, Turn, VerifyLedger};
use crate::stream::codec;

/// A run that was cut short longer ago than this is not completed, but begun anew: what it has read has had
/// time to rot.
const RESUME_WITHIN: Duration = Duration::from_hours(7 * 24);

/// The ledger is no larger, in bytes of text.
const LONGEST: u64 = 32 * VerifyLedger::MOST as u64;

/// Storing it takes at most one part in so many of the time.
const SELDOM: u32 = 20;

/// The ledger is given up without a word from the store after so long; the run itself is done by then.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// The ledger of a run.
pub(super) struct Keeper {
    archive: Arc<Archive>,
    ledger: Mutex<VerifyLedger>,
    /// Whether storing it has not failed yet.
    writable: AtomicBool,
    now: Timestamp,
    begun: Instant,
    /// When the earlier run began that this one completes.
    pub(super) resumed: Option<Timestamp>,
}

impl Keeper {
    /// Loads the ledger. One that makes no sense, or may not be read, is a warning; a store that does not
    /// answer is a failure, since a new ledger would take the place of a good one.
    pub(super) async fn load(archive: &Arc<Archive>, request: &Request, sight: &Sight) -> Result<Self> {
        let (mut ledger, writable) = if request.quick {
            (VerifyLedger::default(), false)
        } else {
            match load(archive).await {
                Ok(ledger) => (ledger, true),
                Err(e) if e.kind() == ErrorKind::Corrupt => {
                    warn!("what was verified before is forgotten: {e}");
                    (VerifyLedger::default(), true)
                }
                Err(e) if e.kind() == ErrorKind::Denied => {
                    warn!("what is verified cannot be remembered: {e}");
                    (VerifyLedger::default(), false)
                }
                Err(e) => return Err(e.context("load the ledger of verify")),
            }
        };
        let mut marks: Vec<Mark> = sight.marks().collect();
        marks.sort_unstable();
        ledger.keep_only(&marks);
        let recent = |begun: &Timestamp| {
            let age = request.now.duration_since(*begun);
            !age.is_negative() && age.unsigned_abs() <= RESUME_WITHIN
        };
        let resumed = ledger.begun().filter(recent).filter(|_| request.since.is_none());
        ledger.set_begun(Some(resumed.unwrap_or(request.now)));
        Ok(Self {
            archive: Arc::clone(archive),
            ledger: Mutex::new(ledger),
            writable: AtomicBool::new(writable),
            now: request.now,
            begun: Instant::now(),
            resumed,
        })
    }

    fn ledger(&self) -> MutexGuard<'_, VerifyLedger> {
        // Nothing that panics holds it half changed.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this run reads.
    pub(super) fn turn(&self, request: &Request) -> Turn {
        let seed = request.now.as_nanosecond().unsigned_abs();
        #[expect(clippy::cast_possible_truncation, reason = "any 64 bits of it will do")]
        let seed = seed as u64;
        Turn { share: request.share, since: request.since, resumed: self.resumed, seed }
    }

    /// Decides upon the ledger as it stands.
    pub(super) fn decide<T>(&self, by: impl FnOnce(&VerifyLedger) -> T) -> T {
        by(&self.ledger())
    }

    /// Remembers that this was found sound, now.
    pub(super) fn note(&self, mark: Mark) {
        let now = self.now.checked_add(self.begun.elapsed()).unwrap_or(self.now);
        self.ledger().note(mark, now);
    }

    /// How much of what there is was verified at some time.
    pub(super) fn coverage(&self, request: &Request, sight: &Sight) -> Coverage {
        if request.quick {
            return Coverage::default();
        }
        let ledger = self.ledger();
        let verified: Vec<_> = sight.marks_of(request.scope).map(|mark| ledger.verified(mark)).collect();
        Coverage {
            never: verified.iter().filter(|at| at.is_none()).count() as u64,
            oldest: verified.into_iter().flatten().min(),
        }
    }

    /// Whether what was verified is remembered.
    pub(super) fn remembers(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Stores it again and again. Never ends.
    pub(super) async fn save_again_and_again(&self, every: Duration) {
        let mut took = Duration::ZERO;
        loop {
            tokio::time::sleep(every.max(took.saturating_mul(SELDOM))).await;
            let begun = Instant::now();
            self.save().await;
            took = begun.elapsed();
        }
    }

    /// Stores it for the last time; `whole` when the run has come to its end.
    pub(super) async fn end(&self, whole: bool) {
        if whole {
            self.ledger().set_begun(None);
        }
        if tokio::time::timeout(LAST_WORDS, self.save()).await.is_err() && self.remembers() {
            self.give_up("the store did not answer in time");
        }
    }

    async fn save(&self) {
        // Where nothing was ever verified there may be nothing to keep a ledger in.
        if !self.remembers() || self.ledger().is_empty() {
            return;
        }
        let text = self.ledger().to_string();
        let stored = match pack(text).await {
            Ok(packed) => self.archive.save_ledger(packed).await,
            Err(e) => Err(e),
        };
        if let Err(e) = stored {
            self.give_up(&e.to_string());
        }
    }

    fn give_up(&self, why: &str) {
        self.writable.store(false, Ordering::Relaxed);
        warn!("what is verified cannot be remembered: {why}");
    }
}

/// The ledger as it was stored; an empty one where there is none.
pub(in crate::command) async fn load(archive: &Archive) -> Result<VerifyLedger> {
    let Some(packed) = archive.load_ledger().await? else { return Ok(VerifyLedger::default()) };
    let body = futures_util::stream::once(async { Ok(Bytes::from(packed)) }).boxed();
    decoded(body, Compression::Zstd, |plain| {
        let mut text = String::new();
        plain.take(LONGEST).read_to_string(&mut text).map_err(|e| match Error::from(e) {
            e if e.kind() == ErrorKind::Local => Error::corrupt("the ledger of verify is no text"),
            e => e,
        })?;
        text.parse()
    })
    .await
}

async fn pack(text: String) -> Result<Bytes> {
    let packing = tokio::task::spawn_blocking(move || {
        let mut packed = Vec::new();
        let how = Compression::Zstd;
        let mut encoder = codec::encoder(how, how.level(None), Box::new(&mut packed))?;
        std::io::Write::write_all(&mut encoder, text.as_bytes())?;
        encoder.finish()?;
        Ok(Bytes::from(packed))
    });
    packing.await.unwrap_or_else(|e| Err(Error::bug(format!("the thread that packs the ledger ended: {e}"))))
}
