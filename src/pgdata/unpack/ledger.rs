//! What was written, so that it can be compared with the manifest at the end.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::pgdata::manifest::{ManifestChecksum, ManifestEntry, ManifestReader, Sum};

/// So that threads seldom wait for each other.
const SHARDS: usize = 64;

/// As many files are named in an error.
const NAMED: usize = 5;

/// Every file that was written, its length and its sum: [`PER_FILE`](Self::PER_FILE) bytes each at most,
/// so that a million files take less than 100 MB whatever their names are. Names are kept as hashes of 64 bits; two
/// of a million files share one with a probability of less than one in ten million, and that would fail
/// the restore, not pass it.
pub(crate) struct Ledger {
    how: ManifestChecksum,
    shards: Vec<Mutex<HashMap<u64, Written>>>,
}

#[derive(Debug, Clone, Copy)]
struct Written {
    /// The number of the object it came from: the same name in a later one wins.
    object: u32,
    size: u64,
    /// The first 16 bytes of its sum. Not as a number, which would be aligned and take twice the room.
    sum: Option<[u8; 16]>,
}

impl Ledger {
    /// What a file takes in it, in bytes, at most.
    pub(crate) const PER_FILE: u64 = 96;

    /// An empty ledger of files that are summed in this way.
    pub(crate) fn new(how: ManifestChecksum) -> Self {
        Self { how, shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// What files are summed with.
    pub(super) const fn how(&self) -> ManifestChecksum {
        self.how
    }

    /// Creates a file by `create`, unless one with this name came from a later object. Nobody else
    /// creates one with this name meanwhile.
    pub(super) fn claim(
        &self,
        name: &Path,
        object: u32,
        create: impl FnOnce() -> Result<File>,
    ) -> Result<Option<File>> {
        let key = key(name);
        let mut shard = self.shard(key);
        if shard.get(&key).is_some_and(|written| written.object > object) {
            return Ok(None);
        }
        let file = create()?;
        shard.insert(key, Written { object, size: 0, sum: None });
        Ok(Some(file))
    }

    /// Takes note that a file with this name is read, unless one came from a later object.
    pub(super) fn reserve(&self, name: &Path, object: u32) -> bool {
        let key = key(name);
        let mut shard = self.shard(key);
        let later = shard.get(&key).is_some_and(|written| written.object > object);
        if !later {
            shard.insert(key, Written { object, size: 0, sum: None });
        }
        !later
    }

    /// Takes note of a file that is whole, unless a later object's has taken its place meanwhile.
    pub(super) fn note(&self, name: &Path, object: u32, size: u64, sum: Option<Sum>) {
        let key = key(name);
        if let Some(written) = self.shard(key).get_mut(&key).filter(|w| w.object == object) {
            (written.size, written.sum) = (size, sum.map(short));
        }
    }

    /// Takes note of a second name of a file.
    pub(super) fn note_link(&self, name: &Path, old: &Path, object: u32) {
        let old = key(old);
        let written = self.shard(old).get(&old).copied();
        if let Some(written) = written {
            self.shard(key(name)).insert(key(name), Written { object, ..written });
        }
    }

    /// Takes note that there is no file of this name any more.
    pub(super) fn forget(&self, name: &Path) {
        let key = key(name);
        self.shard(key).remove(&key);
    }

    /// Whether a file with this name was written.
    pub(crate) fn has(&self, name: &Path) -> bool {
        let key = key(name);
        self.shard(key).contains_key(&key)
    }

    /// Compares everything with a manifest, whose own checksum is verified as well. Kind `Corrupt` names
    /// the first files that are missing or differ, and says how many do. Gives the number of files.
    pub(crate) fn verify<R: Read>(&self, manifest: ManifestReader<R>) -> Result<u64> {
        let mut manifest = manifest;
        let (mut files, mut wrong, mut named) = (0_u64, 0_u64, Vec::new());
        for entry in manifest.by_ref() {
            let entry = entry?;
            // PostgreSQL's own tools put some of these into their manifests.
            if super::is_left_out(&entry.path) {
                continue;
            }
            files += 1;
            if let Err(why) = self.compare(&entry) {
                wrong += 1;
                if named.len() < NAMED {
                    named.push(format!("`{}` {why}", entry.path.display()));
                }
            }
        }
        manifest.finish()?;
        if wrong == 0 {
            return Ok(files);
        }
        let more =
            if wrong > NAMED as u64 { format!(" and {} more", wrong - NAMED as u64) } else { String::new() };
        let message =
            format!("{wrong} of {files} files are not what the manifest says: {}{more}", named.join(", "));
        Err(Error::corrupt(message).hint("restore from another backup; this one is damaged in the store"))
    }

    fn compare(&self, entry: &ManifestEntry) -> Result<(), String> {
        let key = key(&entry.path);
        let Some(written) = self.shard(key).get(&key).copied() else { return Err("is missing".to_owned()) };
        if written.size != entry.size {
            return Err(format!("has {} bytes and not {}", written.size, entry.size));
        }
        match entry.sum {
            // Files of one manifest that are summed in several ways exist in no writer we know.
            Some(sum) if sum.algorithm() != self.how => Err(format!("was summed with {}", sum.algorithm())),
            Some(sum) if written.sum != Some(short(sum)) => Err("has another checksum".to_owned()),
            _ => Ok(()),
        }
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, Written>> {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are wanted")]
        let shard = &self.shards[key as usize % SHARDS];
        // Nothing that panics holds one half changed.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(name: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_os_str().as_bytes());
    hasher.finish()
}

/// As much of a sum as is kept: all of a CRC, half of a SHA-256, which no accident can match.
fn short(sum: Sum) -> [u8; 16] {
    match sum {
        Sum::Crc32c(crc) => u128::from(crc).to_be_bytes(),
        Sum::Sha256(bytes) => std::array::from_fn(|i| bytes[i]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_no_more_than_is_said() {
        // A table is full at seven eighths, and then twice as large; each place has a byte of its own.
        let most = (size_of::<(u64, Written)>() + 1) * 2 * 8 / 7;
        assert!(most as u64 <= Ledger::PER_FILE, "{most}");
    }
}
