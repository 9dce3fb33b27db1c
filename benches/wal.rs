//! Realistic WAL: keyed updates with random payloads, JSON inserts, and the full-page images that
//! follow a checkpoint. Stock pgbench rows are nearly all padding, their WAL compresses 35 times, and
//! that would hide everything.
//!
//! Made once by a throw-away PostgreSQL and kept for the next run.

use std::hash::Hasher;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::Result;
use crate::bare_cost::{BareCost, Errand};
use crate::cluster::{Cluster, segment_path};
use crate::figures::float;
use crate::role::Role;

/// The default length of a segment, which this corpus has.
pub(crate) const SEGMENT_BYTES: u64 = 16 << 20;

const TABLES: &str = "
create table account (id int primary key, balance bigint not null, token uuid not null,
                      note text not null, touched timestamptz not null) with (fillfactor = 90);
create table event (id bigserial primary key, at timestamptz not null default clock_timestamp(), body jsonb not null);
insert into account select id, id * 7, gen_random_uuid(), md5(random()::text) || md5(random()::text), now()
  from generate_series(1, 400000) id;
checkpoint";

const UPDATES: &str = "
update account set balance = balance + (random() * 1000)::int, token = gen_random_uuid(),
                   note = md5(random()::text) || md5(random()::text), touched = clock_timestamp()
 where id in (select 1 + (random() * 399999)::int from generate_series(1, 15000))";

const INSERTS: &str = "
insert into event (body) select jsonb_build_object('account', (random() * 399999)::int,
         'kind', (array['deposit', 'withdrawal', 'transfer', 'login'])[1 + (random() * 3)::int],
         'amount', round((random() * 10000)::numeric, 2), 'reference', gen_random_uuid(), 'note', md5(random()::text))
  from generate_series(1, 15000)";

/// A checkpoint after so many rounds of the above, about six segments: images stay the smaller part.
const ROUNDS_PER_CHECKPOINT: usize = 6;

/// More rounds than any corpus needs.
const MOST_ROUNDS: usize = 5000;

/// A segment and what tells whether it came back unchanged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// Its name.
    pub(crate) name: String,
    hash: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    made_by: String,
    ratio: f64,
    segments: Vec<Segment>,
}

/// Complete segments of one cluster, in order, and the files that tell which cluster.
#[derive(Debug)]
pub(crate) struct Corpus {
    directory: PathBuf,
    manifest: Manifest,
}

impl Corpus {
    /// Opens the corpus kept in `directory`; makes it if it is not there or too small.
    pub(crate) fn open_or_make(directory: &Path, segments: usize) -> Result<Self> {
        if let Ok(mut kept) = Self::open(directory)
            && kept.manifest.segments.len() >= segments
        {
            kept.manifest.segments.truncate(segments);
            return Ok(kept);
        }
        make(directory, segments)?;
        Self::open(directory)
    }

    fn open(directory: &Path) -> Result<Self> {
        let manifest = serde_json::from_slice(&fs_err::read(directory.join("manifest.json"))?)?;
        Ok(Self { directory: directory.to_owned(), manifest })
    }

    /// The segments, in order.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.manifest.segments
    }

    /// Where a segment is.
    pub(crate) fn path(&self, segment: &Segment) -> PathBuf {
        segment_path(&self.directory, &segment.name)
    }

    /// The cluster's control file.
    pub(crate) fn control_file(&self) -> PathBuf {
        self.directory.join("global/pg_control")
    }

    /// The file that says the major version.
    pub(crate) fn version_file(&self) -> PathBuf {
        self.directory.join("PG_VERSION")
    }

    /// The server that made it.
    pub(crate) fn made_by(&self) -> &str {
        &self.manifest.made_by
    }

    /// How many times smaller zstd at level 1 makes it.
    pub(crate) fn ratio(&self) -> f64 {
        self.manifest.ratio
    }
}

impl Segment {
    fn of(path: &Path, name: String) -> Result<Self> {
        Ok(Self { name, hash: hash(path)?.1 })
    }

    /// Errs unless the file is this segment, to the byte.
    pub(crate) fn verify(&self, path: &Path) -> Result<()> {
        let (length, found) = hash(path)?;
        if (length, found) == (SEGMENT_BYTES, self.hash) {
            return Ok(());
        }
        Err(format!("{} came back changed: {length} bytes, hash {found:x} for {:x}", self.name, self.hash)
            .into())
    }
}

fn make(directory: &Path, segments: usize) -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.sql(&TABLES.split(';').collect::<Vec<_>>())?;
    write_until(&cluster, segments)?;
    let made_by = cluster.version()?;
    cluster.stop()?;
    // Whole or not at all: an interrupted run must not leave a corpus that looks like one.
    let unfinished = directory.with_extension("unfinished");
    let _ = fs_err::remove_dir_all(&unfinished);
    let taken = take(&cluster.data(), &unfinished, segments)?;
    let manifest = Manifest { made_by, ratio: ratio(&unfinished, &taken)?, segments: taken };
    fs_err::write(unfinished.join("manifest.json"), serde_json::to_vec_pretty(&manifest)?)?;
    let _ = fs_err::remove_dir_all(directory);
    Ok(fs_err::rename(unfinished, directory)?)
}

/// Writes until so many segments are complete.
fn write_until(cluster: &Cluster, segments: usize) -> Result<()> {
    for round in 1..=MOST_ROUNDS {
        let begun = "select (pg_current_wal_lsn() - '0/0') / 16777216";
        let mut statements = vec![UPDATES, INSERTS, begun];
        if round.is_multiple_of(ROUNDS_PER_CHECKPOINT) {
            statements.insert(0, "checkpoint");
        }
        let begun: f64 = cluster.sql(&statements)?.parse()?;
        // There is no segment 0, so a position in segment N + 1 means that N are complete.
        if begun > float(segments) + 1.0 {
            return Ok(());
        }
    }
    Err(format!("no {segments} segments after {MOST_ROUNDS} rounds").into())
}

/// Copies the first segments and what identifies the cluster.
fn take(data: &Path, directory: &Path, segments: usize) -> Result<Vec<Segment>> {
    fs_err::create_dir_all(directory.join("pg_wal"))?;
    fs_err::create_dir_all(directory.join("global"))?;
    for file in ["global/pg_control", "PG_VERSION"] {
        fs_err::copy(data.join(file), directory.join(file))?;
    }
    (1..=segments)
        .map(|number| {
            let name = format!("00000001{:08X}{:08X}", number >> 8, number & 0xff);
            let copy = segment_path(directory, &name);
            fs_err::copy(segment_path(data, &name), &copy)?;
            Segment::of(&copy, name)
        })
        .collect()
}

fn ratio(directory: &Path, segments: &[Segment]) -> Result<f64> {
    let segments = segments.iter().map(|segment| segment_path(directory, &segment.name)).collect();
    let costs = Role::BareCost(Errand { segments, endpoint: None }).ask()?;
    let costs: Vec<BareCost> = serde_json::from_str(&costs)?;
    let sum = |bytes: fn(&BareCost) -> usize| float(costs.iter().map(bytes).sum());
    Ok(sum(|cost| cost.plain_bytes) / sum(|cost| cost.stored_bytes))
}

fn hash(path: &Path) -> Result<(u64, u64)> {
    let mut file = fs_err::File::open(path)?;
    // Small, because the memory of this process counts into that of the commands it starts.
    let mut buffer = vec![0; 256 << 10];
    let mut hasher = XxHash3_64::new();
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, hasher.finish()));
        }
        hasher.write(&buffer[..read]);
        length += read as u64;
    }
}
