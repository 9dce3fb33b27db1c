//! One run: every errand at every latency, both in turns.

use std::path::Path;

use crate::call::Call;
use crate::door::{Door, WAL_ARCHIVE, WAL_RESTORE};
use crate::report::{Measured, Report, Row};
use crate::stub::{Dialect, Endpoint, Stub, Transport};
use crate::wal::{Corpus, Segment};
use crate::{Plan, Result};

const LATENCIES_MS: [u64; 2] = [0, 30];

/// How WAL is compressed: not at all, and as most clusters do it.
const CODECS: [(&str, &[&str]); 2] = [("", &[]), (", gzip", &["--gzip"])];

/// A segment that no archive here has.
const MISSING: &str = "0000000100000000000000FF";

/// What `wal-restore` says of it.
const NOT_THERE: i32 = 1;

/// Measures everything.
pub(crate) fn run(plan: &Plan) -> Result<Report> {
    let corpus = Corpus::open_or_make(&plan.target.join("bench-wal"), 1)?;
    let scratch = tempfile::Builder::new().prefix("door-").tempdir_in(&plan.target)?;
    let doors = Pair { ours: Door::ours(plan, scratch.path())?, reference: Door::reference(plan, scratch.path())? };
    let mut stub = Stub::start(Dialect::S3, Transport::Http, scratch.path())?;
    let mut rows = Vec::new();
    for latency_ms in LATENCIES_MS {
        stub.forget()?;
        stub.set_latency(latency_ms)?;
        for codec in CODECS {
            let errand =
                Errand { corpus: &corpus, endpoint: stub.endpoint(), out: &scratch.path().join("out"), codec };
            rows.extend(errand.run(&doors, plan.rounds, latency_ms)?);
        }
    }
    Ok(Report::new(doors.reference.version()?, plan.rounds, rows))
}

/// Both sides of a comparison.
struct Pair<T> {
    ours: T,
    reference: T,
}

/// A segment to be stored and fetched.
struct Errand<'a> {
    corpus: &'a Corpus,
    endpoint: &'a Endpoint,
    out: &'a Path,
    codec: (&'static str, &'static [&'static str]),
}

/// The calls of one side.
#[derive(Default)]
struct Calls {
    archive: Vec<Call>,
    restore: Vec<Call>,
    miss: Vec<Call>,
}

impl Errand<'_> {
    fn run(&self, doors: &Pair<Door>, rounds: usize, latency_ms: u64) -> Result<Vec<Row>> {
        let (name, _) = self.codec;
        let mut calls = Pair { ours: Calls::default(), reference: Calls::default() };
        for round in 0..=rounds {
            let mut once = Pair { ours: Calls::default(), reference: Calls::default() };
            self.once(&doors.ours, &format!("ours{name}-{latency_ms}-{round}"), &mut once.ours)?;
            self.once(&doors.reference, &format!("theirs{name}-{latency_ms}-{round}"), &mut once.reference)?;
            // The first one only warms up.
            if round > 0 {
                calls.ours.append(once.ours);
                calls.reference.append(once.reference);
            }
        }
        let row = |what: &str, of: fn(&Calls) -> &[Call]| Row {
            what: format!("{what}{name}"),
            latency_ms,
            ours: Measured::of(of(&calls.ours)),
            reference: Measured::of(of(&calls.reference)),
        };
        let mut rows = vec![row("wal-archive", |calls| &calls.archive), row("wal-restore", |calls| &calls.restore)];
        // What is not there has no codec.
        if name.is_empty() {
            rows.push(row("wal-restore, a miss", |calls| &calls.miss));
        }
        Ok(rows)
    }

    /// One segment out, back to the byte, and one that is not there.
    fn once(&self, door: &Door, archive: &str, calls: &mut Calls) -> Result<()> {
        let archive = archive.replace(", ", "-");
        let segment: &Segment = self.corpus.segments().first().ok_or("there is no WAL")?;
        let path = self.corpus.path(segment).display().to_string();
        let out = self.out.display().to_string();
        let (_, options) = self.codec;
        calls.archive.push(door.call(WAL_ARCHIVE, self.endpoint, options, &archive, &[&path], 0)?);
        calls.restore.push(door.call(WAL_RESTORE, self.endpoint, &[], &archive, &[&segment.name, &out], 0)?);
        segment.verify(self.out)?;
        fs_err::remove_file(self.out)?;
        calls.miss.push(door.call(WAL_RESTORE, self.endpoint, &[], &archive, &[MISSING, &out], NOT_THERE)?);
        Ok(())
    }
}

impl Calls {
    fn append(&mut self, mut other: Self) {
        self.archive.append(&mut other.archive);
        self.restore.append(&mut other.restore);
        self.miss.append(&mut other.miss);
    }
}
