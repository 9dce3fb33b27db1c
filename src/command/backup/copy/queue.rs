//! Which stream packs what: the largest file of a series first, by whichever stream is free.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::model::{Series, TarName};
use crate::pgdata::rules;
use crate::pgdata::walk::Surveyed;

/// What there is to pack, and what of it has been taken.
pub(super) struct Queue {
    series: Vec<Surveyed>,
    taken: Mutex<Vec<Taken>>,
    /// More streams do not join a series for less than this many bytes each.
    worth_joining: u64,
    /// A tar that has taken so many compressed bytes is full.
    full: u64,
}

/// How far one series is.
#[derive(Clone, Copy, Default)]
struct Taken {
    files: usize,
    /// Tars that were begun; the next one's number.
    tars: u32,
    /// Streams that have joined.
    streams: u64,
}

/// What a stream has open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    pub(super) series: Series,
    pub(super) stored: u64,
}

/// What a stream does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// The tar to begin before, when it does not go on with the one it has open.
    pub(super) begins: Option<TarName>,
    pub(super) work: Work,
}

/// What goes into the tar.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// All directories of a series, which its main tar begins with.
    Directories { at: usize },
    /// One file.
    File(FileWork),
}

/// A file and where it goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileWork {
    pub(super) source: PathBuf,
    /// Its path in the tar.
    pub(super) member: PathBuf,
    /// Its path in the manifest.
    pub(super) listed: PathBuf,
    /// Its segment, if its pages carry checksums.
    pub(super) segment: Option<u32>,
}

impl Queue {
    /// A queue of all these.
    pub(super) fn new(series: Vec<Surveyed>, worth_joining: u64, full: u64) -> Self {
        let taken = Mutex::new(vec![Taken::default(); series.len()]);
        Self { series, taken, worth_joining, full }
    }

    /// A series, by the place that [`Work::Directories`] names.
    pub(super) fn series(&self, at: usize) -> Option<&Surveyed> {
        self.series.get(at)
    }

    /// What a stream that has `open` does next; `None` when there is nothing left for it.
    pub(super) fn next(&self, open: Option<Opened>) -> Option<Task> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.and_then(|open| self.series.iter().position(|series| series.series == open.series));
        if let Some(at) = own
            && taken[at].files < self.series[at].listing.files()
        {
            let is_full = open.is_some_and(|open| open.stored >= self.full);
            let begins = is_full.then(|| self.begin(at, &mut taken[at]));
            return self.file(at, &mut taken[at], begins);
        }
        let at = (0..self.series.len()).find(|at| self.is_worth_joining(*at, taken[*at]))?;
        taken[at].streams += 1;
        let begins = Some(self.begin(at, &mut taken[at]));
        if taken[at].tars == 1 {
            return Some(Task { begins, work: Work::Directories { at } });
        }
        self.file(at, &mut taken[at], begins)
    }

    /// How many tars were begun.
    pub(super) fn tars(&self) -> u32 {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|taken| taken.tars).sum()
    }

    fn is_worth_joining(&self, at: usize, taken: Taken) -> bool {
        let listing = &self.series[at].listing;
        // Somebody must write the main tar, even of nothing.
        let most = (listing.bytes() / self.worth_joining.max(1)).max(1);
        taken.tars == 0 || (taken.files < listing.files() && taken.streams < most)
    }

    fn begin(&self, at: usize, taken: &mut Taken) -> TarName {
        let name = TarName { series: self.series[at].series, number: taken.tars };
        taken.tars += 1;
        name
    }

    fn file(&self, at: usize, taken: &mut Taken, begins: Option<TarName>) -> Option<Task> {
        let Surveyed { series, root, listing } = &self.series[at];
        let member = listing.file(taken.files)?;
        taken.files += 1;
        let in_tablespace = *series != Series::Data;
        let listed = match series {
            Series::Data => member.clone(),
            Series::Tablespace(oid) => PathBuf::from(format!("pg_tblspc/{oid}")).join(&member),
        };
        let segment = rules::checksummed_segment(&member, in_tablespace);
        let source = root.join(&member);
        Some(Task { begins, work: Work::File(FileWork { source, member, listed, segment }) })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::command::backup::copy::plan::OBJECT;
    use crate::pgdata::listing::Listing;

    fn series(series: Series, sizes: &[u64]) -> Surveyed {
        let mut listing = Listing::new();
        for (i, size) in sizes.iter().enumerate() {
            listing.add_file(Listing::ROOT, OsStr::new(&format!("{i}")), *size).unwrap();
        }
        listing.sort();
        Surveyed { series, root: "/x".into(), listing }
    }

    /// What a stream does, in words; it remembers what it has open.
    fn step(queue: &Queue, open: &mut Option<Opened>, grows: u64) -> String {
        let Some(Task { begins, work }) = queue.next(*open) else { return "-".to_owned() };
        if let Some(name) = begins {
            *open = Some(Opened { series: name.series, stored: 0 });
        }
        open.as_mut().unwrap().stored += grows;
        let begins = begins.map(|name| format!("{name}: ")).unwrap_or_default();
        match work {
            Work::Directories { .. } => format!("{begins}directories"),
            Work::File(file) => format!("{begins}{}", file.listed.display()),
        }
    }

    #[test]
    fn the_largest_goes_first_and_every_main_tar_begins_with_the_directories() {
        let queue = Queue::new(
            vec![series(Series::Tablespace(7), &[]), series(Series::Data, &[1, 30, 20])],
            10,
            OBJECT,
        );
        let (mut a, mut b) = (None, None);
        assert_eq!(step(&queue, &mut a, 1), "7: directories");
        assert_eq!(step(&queue, &mut a, 1), "data: directories");
        assert_eq!(step(&queue, &mut b, 1), "data_0001: 1");
        assert_eq!(step(&queue, &mut a, 1), "2");
        assert_eq!(step(&queue, &mut b, 1), "0");
        assert_eq!((step(&queue, &mut a, 1), step(&queue, &mut b, 1)), ("-".to_owned(), "-".to_owned()));
        assert_eq!(queue.tars(), 3);
    }

    #[test]
    fn a_full_tar_is_followed_by_the_next_number_without_gaps() {
        let queue = Queue::new(vec![series(Series::Data, &[5, 4, 3])], 1000, OBJECT);
        let mut a = None;
        assert_eq!(step(&queue, &mut a, OBJECT), "data: directories");
        assert_eq!(step(&queue, &mut a, OBJECT - 1), "data_0001: 0");
        assert_eq!(step(&queue, &mut a, 1), "1");
        assert_eq!(step(&queue, &mut a, 1), "data_0002: 2");
    }

    #[test]
    fn a_small_series_is_left_to_one_stream() {
        let queue = Queue::new(
            vec![series(Series::Tablespace(7), &[5, 5]), series(Series::Data, &[5])],
            1000,
            OBJECT,
        );
        let (mut a, mut b, mut c) = (None, None, None);
        assert_eq!(step(&queue, &mut a, 1), "7: directories");
        assert_eq!(step(&queue, &mut b, 1), "data: directories");
        assert_eq!(step(&queue, &mut c, 1), "-");
        assert_eq!(step(&queue, &mut a, 1), "pg_tblspc/7/0");
    }
}
