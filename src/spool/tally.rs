//! How the calls of PostgreSQL have ended: counts, bytes and durations, for monitors.
//!
//! Every call is a process of its own that lives for milliseconds, so its end is added to a small file of the
//! spool: one per verb, of fixed size, with a checksum. Adding is one write in place under a lock that is never
//! waited for. Who does not get the lock appends a line to a journal instead, and whoever has the lock next takes the
//! journal in. The guarantee: no call waits for another or fails because of this, the files are bounded, and a
//! torn one is never read as a whole one. A crash of the machine, a full disk, or a journal at its bound loses
//! counts, never anything else.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// Which calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// `wal-archive`, by either door.
    Archive,
    /// `wal-restore`, by either door.
    Restore,
}

impl Counted {
    const fn file(self) -> &'static str {
        match self {
            Self::Archive => "wal-archive",
            Self::Restore => "wal-restore",
        }
    }
}

/// How a call ended. What each means is the caller's to say; the names are stable and label the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// A file was stored, or delivered from the archive.
    Done,
    /// The archive had it already, with the same content.
    Same,
    /// An earlier call had stored or fetched it ahead of its turn.
    Ahead,
    /// It is proven not to be in the archive. For a restore this is an answer and no failure.
    NotFound,
    /// Words or configuration.
    Usage,
    /// Other content is there, or another cluster's.
    Conflict,
    /// The store did not answer: the same call may succeed later.
    Unavailable,
    /// Credentials or permissions.
    Denied,
    /// What was read is not what was written.
    Corrupt,
    /// The local file system.
    Local,
    /// Anything else.
    Other,
}

impl Ending {
    /// All of them, in the order of [`Counts::endings`].
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Same,
        Self::Ahead,
        Self::NotFound,
        Self::Usage,
        Self::Conflict,
        Self::Unavailable,
        Self::Denied,
        Self::Corrupt,
        Self::Local,
        Self::Other,
    ];

    /// The name in labels; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Same => "same",
            Self::Ahead => "ahead",
            Self::NotFound => "not-found",
            Self::Usage => "usage",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
            Self::Corrupt => "corrupt",
            Self::Local => "local",
            Self::Other => "other",
        }
    }

    /// Whether the call gave what was asked for.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::Same | Self::Ahead)
    }
}

/// Upper bounds of the histogram of durations, in seconds; one more bucket holds what is longer.
pub const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

/// One call, as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// How it ended.
    pub ending: Ending,
    /// The file it was about.
    pub name: String,
    /// Plain bytes that were stored or delivered.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// When it ended.
    pub at: Timestamp,
    /// Of a failure, the first line of what was said.
    pub error: Option<String>,
}

/// The last call of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// When it ended.
    pub at: Timestamp,
    /// The file it was about.
    pub name: String,
    /// How it ended.
    pub ending: Ending,
    /// Of a failure, the first line of what was said.
    pub error: Option<String>,
}

/// All calls of a verb since the spool began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Calls by how they ended, in the order of [`Ending::ALL`].
    pub endings: [u64; Ending::ALL.len()],
    /// Plain bytes that were stored or delivered.
    pub bytes: u64,
    /// The sum of all durations, in microseconds.
    pub micros: u64,
    /// Calls by how long they took: each counted in the first of [`BOUNDS`] that holds it, or the last.
    pub durations: [u64; BOUNDS.len() + 1],
    /// The latest call that gave what was asked for.
    pub last_success: Option<Last>,
    /// The latest that failed. That a file is not in the archive is no failure.
    pub last_failure: Option<Last>,
}

impl Counts {
    /// Adds a call.
    pub fn add(&mut self, call: &Call) {
        for (ending, count) in Ending::ALL.iter().zip(&mut self.endings) {
            *count = count.saturating_add(u64::from(*ending == call.ending));
        }
        self.bytes = self.bytes.saturating_add(call.bytes);
        self.micros = self.micros.saturating_add(call.micros);
        let seconds = Duration::from_micros(call.micros).as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.durations[bucket] = self.durations[bucket].saturating_add(1);
        let last = match call.ending {
            ending if ending.is_success() => &mut self.last_success,
            Ending::NotFound => return,
            _ => &mut self.last_failure,
        };
        // The journal is taken in later than what was added meanwhile.
        if last.as_ref().is_none_or(|last| last.at <= call.at) {
            let Call { at, name, ending, error, .. } = call.clone();
            *last = Some(Last { at, name, ending, error });
        }
    }

    /// How many calls ended so.
    pub fn of(&self, ending: Ending) -> u64 {
        Ending::ALL
            .iter()
            .zip(&self.endings)
            .find(|(each, _)| **each == ending)
            .map_or(0, |(_, count)| *count)
    }

    /// How many calls there were.
    pub fn total(&self) -> u64 {
        self.endings.iter().sum()
    }
}

/// The length of a record: digits of a CRC-32C, the counts as JSON, blanks, and a line's end.
const RECORD: usize = 2048;
/// A name and an error in it are cut to so many bytes each.
const NAME: usize = 64;
const ERROR: usize = 160;
/// The journal takes no more than this, in bytes; calls that find it longer are not counted.
const JOURNAL: u64 = 64 << 10;

/// The files of a verb's counts, below a spool's root.
#[derive(Debug, Clone)]
pub struct Tally {
    record: PathBuf,
    journal: PathBuf,
}

impl Tally {
    /// Those in the spool with this root. Nothing is made here.
    pub fn of(spool: &Path, verb: Counted) -> Self {
        let file = |end: &str| spool.join(format!("tally-{}{end}", verb.file()));
        Self { record: file(""), journal: file(".journal") }
    }

    /// Counts a call. Never waits, and what goes wrong is nobody's trouble: the call itself has ended.
    pub fn count(&self, call: &Call) {
        self.took(call);
    }

    /// Whether there was a place for it.
    fn took(&self, call: &Call) -> bool {
        let call = Call {
            name: cut(&call.name, NAME),
            error: call.error.as_deref().map(|text| cut(text.lines().next().unwrap_or_default(), ERROR)),
            ..call.clone()
        };
        self.add(&call).or_else(|| self.note(&call)).is_some()
    }

    /// What was counted so far; nothing where nothing was. Writes nothing.
    pub fn read(&self) -> Counts {
        let record = || std::fs::read(&self.record).ok().as_deref().and_then(parse);
        // A read that met a write may have seen half of each.
        let again = || {
            std::thread::sleep(Duration::from_millis(2));
            record()
        };
        let mut counts =
            record().or_else(|| if self.record.exists() { again() } else { None }).unwrap_or_default();
        for call in noted(&std::fs::read(&self.journal).unwrap_or_default()) {
            counts.add(&call);
        }
        counts
    }

    /// Adds to the record in its place, with what the journal holds; `None` when somebody else is at it, or it
    /// cannot be done. The record has one length and is written at once; were it torn all the same, its
    /// checksum would say so, and counting would begin anew.
    fn add(&self, call: &Call) -> Option<()> {
        let mut file = options().read(true).write(true).truncate(false).open(&self.record).ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        let mut text = Vec::with_capacity(RECORD);
        (&mut file).take(RECORD as u64 + 1).read_to_end(&mut text).ok()?;
        let mut counts = parse(&text).unwrap_or_default();
        self.take_in(&mut counts);
        counts.add(call);
        file.write_all_at(&spell(&counts)?, 0).ok()
    }

    /// Takes the journal in and empties it. Whoever appends to it holds its lock shared.
    fn take_in(&self, counts: &mut Counts) -> Option<()> {
        let mut journal = File::options().read(true).write(true).open(&self.journal).ok()?;
        if journal.metadata().ok()?.len() == 0 {
            return None;
        }
        flock(&journal, FlockOperation::NonBlockingLockExclusive).ok()?;
        let mut text = Vec::new();
        (&mut journal).take(2 * JOURNAL).read_to_end(&mut text).ok()?;
        journal.set_len(0).ok()?;
        noted(&text).for_each(|call| counts.add(&call));
        Some(())
    }

    /// Leaves a call to whoever counts next.
    fn note(&self, call: &Call) -> Option<()> {
        let mut journal = options().append(true).open(&self.journal).ok()?;
        flock(&journal, FlockOperation::NonBlockingLockShared).ok()?;
        if journal.metadata().ok()?.len() > JOURNAL {
            return None;
        }
        let mut line = serde_json::to_vec(call).ok()?;
        line.push(b'\n');
        // One write, so that lines of several processes do not mingle.
        journal.write_all(&line).ok()
    }
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.create(true).mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// The record of these counts.
fn spell(counts: &Counts) -> Option<Vec<u8>> {
    let mut body = serde_json::to_vec(counts).ok()?;
    // What is longer has no room; but texts are cut so that nothing is.
    let blanks = (RECORD - 10).checked_sub(body.len())?;
    body.extend(std::iter::repeat_n(b' ', blanks));
    body.push(b'\n');
    let mut record = format!("{:08x} ", sum(&body)).into_bytes();
    record.extend(body);
    Some(record)
}

/// The counts of a record that is whole.
fn parse(record: &[u8]) -> Option<Counts> {
    let (crc, body) = (record.get(..8)?, record.get(9..)?);
    let whole = record.len() == RECORD && crc == format!("{:08x}", sum(body)).as_bytes();
    if whole { serde_json::from_slice(body).ok() } else { None }
}

fn sum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) & 0xFFFF_FFFF
}

/// The calls of a journal; a line that cannot be read is dropped.
fn noted(text: &[u8]) -> impl Iterator<Item = Call> {
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// The beginning of a text, of at most so many bytes as it is spelled in JSON.
fn cut(text: &str, most: usize) -> String {
    let mut room = most;
    let fits = |c: &char| {
        // Control characters take six, quotes and backslashes two.
        let takes = if c.is_control() {
            6
        } else if matches!(c, '"' | '\\') {
            2
        } else {
            c.len_utf8()
        };
        let fits = takes <= room;
        room = room.saturating_sub(takes);
        fits
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(ending: Ending, second: i64) -> Call {
        let failed = !ending.is_success() && ending != Ending::NotFound;
        Call {
            ending,
            name: "000000010000000000000007".into(),
            bytes: 16,
            micros: 7000,
            at: Timestamp::from_second(second).unwrap(),
            error: failed.then(|| "no answer\nand more".into()),
        }
    }

    #[test]
    fn calls_are_counted_by_how_they_ended() {
        let dir = tempfile::tempdir().unwrap();
        let tally = Tally::of(dir.path(), Counted::Archive);
        assert_eq!(tally.read(), Counts::default());
        for (second, ending) in
            [Ending::Done, Ending::Unavailable, Ending::Done, Ending::Same].into_iter().enumerate()
        {
            tally.count(&call(ending, i64::try_from(second).unwrap()));
        }
        let counts = tally.read();
        assert_eq!((counts.total(), counts.of(Ending::Done), counts.of(Ending::Unavailable)), (4, 2, 1));
        assert_eq!((counts.bytes, counts.micros, counts.durations[1]), (64, 28_000, 4));
        assert_eq!(counts.last_success.unwrap().ending, Ending::Same);
        assert_eq!(counts.last_failure.unwrap().error.as_deref(), Some("no answer"));
        assert_eq!(Tally::of(dir.path(), Counted::Restore).read().total(), 0);
    }

    #[test]
    fn that_a_file_is_not_in_the_archive_is_counted_and_no_failure() {
        let mut counts = Counts::default();
        counts.add(&call(Ending::NotFound, 1));
        assert_eq!((counts.of(Ending::NotFound), counts.last_failure), (1, None));
    }

    #[test]
    fn whoever_finds_the_record_taken_does_not_wait_and_is_counted_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let tally = Tally::of(dir.path(), Counted::Archive);
        tally.count(&call(Ending::Done, 1));
        let held = File::open(&tally.record).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        tally.count(&call(Ending::Local, 2));
        assert_eq!(tally.read().total(), 2);
        drop(held);
        tally.count(&call(Ending::Done, 3));
        assert_eq!(tally.read().total(), 3);
        assert_eq!(std::fs::metadata(&tally.journal).unwrap().len(), 0);
    }

    #[test]
    fn of_several_calls_at_once_each_that_found_a_place_is_counted_once() {
        let dir = tempfile::tempdir().unwrap();
        let tally = Tally::of(dir.path(), Counted::Restore);
        let count = || (0..50).filter(|n| tally.took(&call(Ending::Ahead, *n))).count();
        let took: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(took > 0);
        assert_eq!(tally.read().total(), took as u64);
    }

    #[test]
    fn a_torn_record_is_not_read_and_counting_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let tally = Tally::of(dir.path(), Counted::Archive);
        tally.count(&call(Ending::Done, 1));
        let mut record = std::fs::read(&tally.record).unwrap();
        assert_eq!(record.len(), RECORD);
        record[40] ^= 1;
        for torn in [&record[..], &record[..100], b"", &[0; RECORD]] {
            std::fs::write(&tally.record, torn).unwrap();
            assert_eq!(tally.read(), Counts::default());
            tally.count(&call(Ending::Done, 2));
            assert_eq!(tally.read().total(), 1);
        }
    }

    #[test]
    fn the_record_has_one_length_and_the_journal_a_bound_whatever_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let tally = Tally::of(dir.path(), Counted::Archive);
        let odd = Call {
            name: "\u{1}\"é".repeat(500),
            error: Some("\"\\\u{7}".repeat(500)),
            bytes: u64::MAX,
            micros: u64::MAX,
            ..call(Ending::Other, 1)
        };
        tally.count(&odd);
        tally.count(&Call { ending: Ending::Done, ..odd.clone() });
        assert_eq!(std::fs::metadata(&tally.record).unwrap().len(), RECORD as u64);
        assert_eq!((tally.read().total(), tally.read().bytes), (2, u64::MAX));
        let held = File::open(&tally.record).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        (0..1000).for_each(|_| tally.count(&odd));
        assert!(std::fs::metadata(&tally.journal).unwrap().len() < JOURNAL + 1024);
    }

    #[test]
    fn counting_where_nothing_can_be_written_changes_nothing() {
        let tally = Tally::of(Path::new("/nonexistent/spool"), Counted::Archive);
        tally.count(&call(Ending::Done, 1));
        assert_eq!(tally.read(), Counts::default());
    }
}
