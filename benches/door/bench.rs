//! One run: every errand at every latency, both in turns.

use std::path::PathBuf;

use crate::door::{Door, WAL_ARCHIVE, WAL_RESTORE};
use crate::report::{Asked, Measured, Report, Row};
use crate::stub::{Dialect, Stub, Transport};
use crate::wal::Corpus;
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
    let doors =
        Pair { ours: Door::ours(plan, scratch.path())?, reference: Door::reference(plan, scratch.path())? };
    let stub = Stub::start(Dialect::S3, Transport::Http, scratch.path())?;
    let mut errand = Errand { corpus, stub, out: scratch.path().join("out"), codec: CODECS[0] };
    let mut rows = Vec::new();
    for latency_ms in LATENCIES_MS {
        errand.stub.forget()?;
        errand.stub.set_latency(latency_ms)?;
        for codec in CODECS {
            errand.codec = codec;
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
struct Errand {
    corpus: Corpus,
    stub: Stub,
    /// Where it comes back to.
    out: PathBuf,
    codec: (&'static str, &'static [&'static str]),
}

/// The calls of one side.
#[derive(Default)]
struct Calls {
    archive: Vec<Asked>,
    restore: Vec<Asked>,
    miss: Vec<Asked>,
}

impl Errand {
    fn run(&mut self, doors: &Pair<Door>, rounds: usize, latency_ms: u64) -> Result<Vec<Row>> {
        let (name, _) = self.codec;
        let mut calls = Pair { ours: Calls::default(), reference: Calls::default() };
        for round in 0..=rounds {
            // The first one only warms up.
            if round == 1 {
                calls = Pair { ours: Calls::default(), reference: Calls::default() };
            }
            let place = format!("{}-{latency_ms}-{round}", name.trim_start_matches(", "));
            self.once(&doors.ours, &format!("ours-{place}"), &mut calls.ours)?;
            self.once(&doors.reference, &format!("reference-{place}"), &mut calls.reference)?;
        }
        let row = |what: &str, of: fn(&Calls) -> &[Asked]| Row {
            what: format!("{what}{name}"),
            latency_ms,
            ours: Measured::of(of(&calls.ours)),
            reference: Measured::of(of(&calls.reference)),
        };
        let mut rows =
            vec![row("wal-archive", |calls| &calls.archive), row("wal-restore", |calls| &calls.restore)];
        // What is not there has no codec.
        if name.is_empty() {
            rows.push(row("wal-restore, a miss", |calls| &calls.miss));
        }
        Ok(rows)
    }

    /// One segment out, back to the byte, and one that is not there.
    fn once(&mut self, door: &Door, archive: &str, calls: &mut Calls) -> Result<()> {
        let segment = self.corpus.segments().first().ok_or("there is no WAL")?.clone();
        let path = self.corpus.path(&segment).display().to_string();
        let out = self.out.display().to_string();
        let (_, options) = self.codec;
        calls.archive.push(self.ask(door, WAL_ARCHIVE, options, archive, &[&path], 0)?);
        calls.restore.push(self.ask(door, WAL_RESTORE, &[], archive, &[&segment.name, &out], 0)?);
        segment.verify(&self.out)?;
        fs_err::remove_file(&self.out)?;
        calls.miss.push(self.ask(door, WAL_RESTORE, &[], archive, &[MISSING, &out], NOT_THERE)?);
        Ok(())
    }

    /// One call, and what it asked the store for.
    fn ask(
        &mut self,
        door: &Door,
        program: &str,
        options: &[&str],
        archive: &str,
        words: &[&str],
        status: i32,
    ) -> Result<Asked> {
        let before: u64 = self.stub.counts()?.values().sum();
        let call = door.call(program, self.stub.endpoint(), options, archive, words, status)?;
        let after: u64 = self.stub.counts()?.values().sum();
        Ok(Asked { call, requests: after - before })
    }
}
