//! A backup's tars out of the archive: several at a time, each by ranges side by side, put in order into
//! a thread that decodes and unpacks.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::memory::{Shares, plan_memory};
use crate::archive::{Archive, ByteStream, StoredTar};
use crate::command::fetch::decoded;
use crate::command::flow::Progress;
use crate::command::pace::Pace;
use crate::error::{Context, Error, Result};
use crate::model::Series;
use crate::pgdata::unpack::{Unpacked, Unpacker};

/// How the tars are fetched.
pub(super) struct Fetch<'a> {
    pub(super) archive: &'a Arc<Archive>,
    pub(super) jobs: NonZeroUsize,
    /// What all buffers together may hold, in bytes.
    pub(super) memory: u64,
    /// Bytes per second.
    pub(super) max_rate: Option<u64>,
    pub(super) progress: &'a Arc<Progress>,
}

impl Fetch<'_> {
    /// Fetches and unpacks all tars; the largest first, so that none is left alone at the end.
    pub(super) async fn all(&self, tars: &[StoredTar], unpacker: &Unpacker) -> Result<Unpacked> {
        let mut numbered: Vec<_> = (0_u32..).zip(tars).collect();
        numbered.sort_by_key(|(_, tar)| std::cmp::Reverse(tar.stored_bytes));
        self.progress.expect(tars.iter().map(|tar| tar.stored_bytes).sum());
        let shares = plan_memory(self.memory, self.jobs, tars.len());
        let pace = Arc::new(Mutex::new(Pace::new(self.max_rate)));
        let fetches = numbered.into_iter().map(|(object, tar)| {
            let body = self.body(tar, shares, Arc::clone(&pace));
            let (unpacker, within) = (unpacker.clone(), within(tar.name.series));
            let files = decoded(body, tar.compression, move |plain| unpacker.unpack(&within, object, plain));
            async move { files.await.context(|| format!("restore {}", tar.key())) }
        });
        let mut running = stream::iter(fetches).buffer_unordered(shares.objects);
        let mut all = Unpacked::default();
        while let Some(one) = running.try_next().await? {
            all.files += one.files;
            all.bytes += one.bytes;
            all.links_left_out.extend(one.links_left_out);
            all.directory_mode = all.directory_mode.or(one.directory_mode);
        }
        Ok(all)
    }

    /// An object's bytes, in order. Ranges are fetched side by side and given on whole; no more of them
    /// are in memory than the shares say.
    fn body(&self, tar: &StoredTar, shares: Shares, pace: Arc<Mutex<Pace>>) -> ByteStream {
        let whole = Arc::new(Whole {
            archive: Arc::clone(self.archive),
            tar: tar.clone(),
            etag: OnceLock::new(),
            pace,
            progress: Arc::clone(self.progress),
        });
        let ranges = stream::iter(ranges(tar.stored_bytes, shares.range));
        let fetched = ranges.map(move |range| Arc::clone(&whole).fetch(range)).buffered(shares.ranges);
        fetched.map_ok(|pieces| stream::iter(pieces.into_iter().map(Ok))).try_flatten().boxed()
    }
}

/// What a tar's names are relative to.
pub(in crate::command) fn within(series: Series) -> PathBuf {
    match series {
        Series::Data => PathBuf::new(),
        Series::Tablespace(oid) => Path::new("pg_tblspc").join(oid.to_string()),
    }
}

fn ranges(length: u64, range: u64) -> impl Iterator<Item = Range<u64>> {
    (0..length.div_ceil(range)).map(move |n| n * range..((n + 1) * range).min(length))
}

/// An object that is fetched in ranges.
struct Whole {
    archive: Arc<Archive>,
    tar: StoredTar,
    /// Of the first range that came: the others must be of the same object.
    etag: OnceLock<Option<String>>,
    pace: Arc<Mutex<Pace>>,
    progress: Arc<Progress>,
}

impl Whole {
    /// The bytes of one range. What breaks off is resumed at the byte by the store itself.
    async fn fetch(self: Arc<Self>, range: Range<u64>) -> Result<Vec<Bytes>> {
        let wanted = range.end - range.start;
        let mut object = self.archive.open_tar(&self.tar, Some(range)).await?;
        let same = *self.etag.get_or_init(|| object.meta.etag.clone()) == object.meta.etag;
        if !same || object.meta.size != self.tar.stored_bytes {
            return Err(Error::conflict("it was replaced while it was being read")
                .hint("run the command again; somebody changes this archive"));
        }
        let mut pieces = Vec::new();
        let mut came = 0;
        while let Some(piece) = object.body.try_next().await? {
            came += piece.len() as u64;
            self.progress.pass(piece.len() as u64);
            let wait = {
                let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
                pace.take(piece.len() as u64, Instant::now())
            };
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            pieces.push(piece);
        }
        if came == wanted {
            Ok(pieces)
        } else {
            Err(Error::corrupt(format!("{came} bytes came where {wanted} were asked for")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_an_object_once() {
        assert_eq!(ranges(10, 4).collect::<Vec<_>>(), [0..4, 4..8, 8..10]);
        assert_eq!((ranges(8, 8).next(), ranges(8, 8).count()), (Some(0..8), 1));
        assert_eq!(ranges(0, 8).count(), 0);
    }
}
