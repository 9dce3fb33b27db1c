//! The probe object: put, raced for, read, listed, deleted.

use std::sync::Mutex;
use std::time::Instant;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::Exclusive;
use crate::archive::{Archive, Probe};
use crate::error::{Context, Error, ErrorKind, Result};

/// How many races are run, and how many writers run in each. A service that looks first and stores
/// later loses most of them; one that ignores the condition loses all.
const RACES: usize = 5;
const WRITERS: usize = 4;

/// What the probe object holds.
const CONTENT: &[u8] = b"barkeep check: put, read and deleted again; safe to remove\n";

/// What a step found, and what to say about it.
type Finding<T = ()> = Result<(String, T)>;

/// The objects of one check, all of which are removed again.
pub(super) struct Probes<'a> {
    archive: &'a Archive,
    main: Probe,
    stamp: String,
    now: Timestamp,
    /// When it was `now`.
    begun: Instant,
    put: Mutex<Vec<Probe>>,
}

impl<'a> Probes<'a> {
    /// Names for this check's objects; two checks at once do not meet.
    pub(super) fn new(archive: &'a Archive, now: Timestamp) -> Result<Self> {
        let stamp = format!("{}-{}", now.as_nanosecond(), std::process::id());
        let main = archive.probe(&stamp)?;
        Ok(Self { archive, main, stamp, now, begun: Instant::now(), put: Mutex::default() })
    }

    /// Lists, which shows that the name resolves, the service answers, the bucket or container exists and
    /// the credentials are good for reading.
    pub(super) async fn reach(&self) -> Finding {
        self.archive.any_wal().await?;
        Ok(("the store answers".to_owned(), ()))
    }

    /// Puts the probe. How far the service's clock is ahead comes with it, in seconds.
    pub(super) async fn put(&self) -> Finding<Option<i64>> {
        self.note(&self.main);
        let put = self.archive.put_probe(&self.main, Bytes::from_static(CONTENT)).await;
        match put {
            // How a service says that it does not know the condition; the race tells more.
            Err(e) if e.kind() == ErrorKind::Usage => {
                self.archive.replace_probe(&self.main, Bytes::from_static(CONTENT)).await?;
            }
            // The name is new, so it is ours: an answer was lost, and it was put once more.
            Err(e) if e.kind() == ErrorKind::Conflict => {}
            put => put?,
        }
        let ours = self.now.checked_add(self.begun.elapsed()).unwrap_or(self.now);
        let stored = self.archive.probed_at(&self.main).await?.flatten();
        let skew = stored.map(|at| at.duration_since(ours).as_secs());
        Ok((format!("{} bytes stored", CONTENT.len()), skew))
    }

    /// Several writers of one new object at the same time, several times: exactly one may win each, and
    /// the object must be the winner's.
    pub(super) async fn race(&self) -> Finding<Exclusive> {
        match self.archive.put_probe(&self.main, Bytes::from_static(b"second")).await {
            Ok(()) => return Ok(("a second put replaced the first".to_owned(), Exclusive::Ignored)),
            Err(e) if is_refused(&e) => {}
            // How a service says that it does not know the condition.
            Err(e) if e.kind() == ErrorKind::Usage => {
                return Ok((format!("the condition is not known: {e}"), Exclusive::Ignored));
            }
            Err(e) => return Err(e),
        }
        for race in 0..RACES {
            let track = self.archive.probe(&format!("{}-race{race}", self.stamp))?;
            self.note(&track);
            let winners = self.run_race(&track).await?;
            match winners[..] {
                [winner] if self.body(&track, None).await? == writer(winner) => {}
                // An answer that was lost, and asked for again, shows a race without a winner.
                [] => return Ok(("a race ended without a winner".to_owned(), Exclusive::Unclear)),
                _ => {
                    let text = format!("writers {winners:?} of {WRITERS} won the same race");
                    return Ok((text, Exclusive::Ignored));
                }
            }
        }
        Ok((format!("{RACES} races of {WRITERS} writers, one winner each"), Exclusive::Proved))
    }

    /// Who won.
    async fn run_race(&self, track: &Probe) -> Result<Vec<usize>> {
        let writers = (0..WRITERS).map(|w| self.archive.put_probe(track, Bytes::from(writer(w))));
        let mut winners = Vec::new();
        for (w, result) in join_all(writers).await.into_iter().enumerate() {
            match result {
                Ok(()) => winners.push(w),
                Err(e) if is_refused(&e) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(winners)
    }

    /// Reads it back.
    pub(super) async fn read(&self) -> Finding {
        let body = self.body(&self.main, None).await?;
        // A store that let the second put through above has that one.
        if body != CONTENT && body != b"second" {
            return Err(Error::corrupt(format!("{} bytes came back that were never put", body.len())));
        }
        Ok((format!("{} bytes came back as they were put", body.len()), ()))
    }

    /// Reads a piece of it.
    pub(super) async fn range(&self) -> Finding {
        let whole = self.body(&self.main, None).await?;
        let piece = self.body(&self.main, Some(2..5)).await?;
        if piece != whole[2..5] {
            return Err(Error::corrupt("bytes 2 to 4 are not those of the whole object")
                .hint("restores cannot resume after a cut with this store"));
        }
        Ok(("3 bytes out of the middle".to_owned(), ()))
    }

    /// Finds it in a listing.
    pub(super) async fn list(&self) -> Finding {
        if !self.archive.list_probes().await?.contains(&self.main) {
            return Err(Error::corrupt("the object that was just stored is not listed")
                .hint("a store whose listings lag behind cannot prove that WAL is missing"));
        }
        Ok(("it is listed".to_owned(), ()))
    }

    /// Deletes it, and makes sure; or tells that these credentials may not, which is as it should be where WAL
    /// is archived.
    pub(super) async fn delete(&self) -> Finding<bool> {
        match self.archive.delete_probes(std::slice::from_ref(&self.main)).await {
            Err(e) if e.kind() == ErrorKind::Denied => {
                let left = self.noted().len();
                return Ok((format!("these credentials may not delete; {left} probe objects stay"), true));
            }
            deleted => deleted?,
        }
        if self.archive.probed_at(&self.main).await?.is_some() {
            return Err(Error::corrupt("it is still there after it was deleted"));
        }
        Ok(("it is gone".to_owned(), false))
    }

    /// Removes everything that was put.
    pub(super) async fn remove_all(&self) -> Result<()> {
        let put = std::mem::take(&mut *self.noted());
        self.archive.delete_probes(&put).await.context(|| "remove the probe objects")
    }

    async fn body(&self, probe: &Probe, range: Option<std::ops::Range<u64>>) -> Result<Vec<u8>> {
        let body = self.archive.read_probe(probe, range).await?;
        body.try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
    }

    /// Noted before it is put: a put that seems to fail may have stored it all the same.
    fn note(&self, probe: &Probe) {
        self.noted().push(probe.clone());
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Vec<Probe>> {
        self.put.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether a second put was refused: because the key is taken, or because whoever may only create may not
/// replace. The first put has shown that creating is allowed.
fn is_refused(e: &Error) -> bool {
    matches!(e.kind(), ErrorKind::Conflict | ErrorKind::Denied)
}

/// What a writer of a race puts.
fn writer(number: usize) -> Vec<u8> {
    format!("writer {number}").into_bytes()
}
