//! The copy between the start and the stop of a backup: from the data directory to stored tars.
//!
//! The survey tells what there is; the plan shares out memory and cores; then every stream packs one
//! file after the other into a tar of its own, which is compressed, cut into parts and sent as it
//! grows. One tar of the data directory stays open until the server has stopped the backup and given
//! its label. See spec/barman-cloud.md 4 for what the tars look like.

mod damage;
mod object;
mod plan;
mod queue;
mod shared;
mod stream;

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future;
use tokio::sync::watch;
use tokio::task::{self, JoinHandle};

pub use damage::{Damage, DamagedFile};
use object::{OpenManifest, OpenTar};
use plan::{Means, OBJECT, Plan, WORTH_A_STREAM, plan_memory};
use queue::Queue;
use shared::{FailOnPanic, Shared};
use stream::{Counts, Left, Stream};

use crate::archive::{Archive, Tags};
use crate::error::{Context, Error, Result};
use crate::model::{BackupId, Compression, SystemId, Tablespace};
use crate::pgdata::DataDir;
use crate::pgdata::manifest::{ManifestChecksum, ManifestEntry, WalRange};
use crate::pgdata::pack::{PackedFile, Packer};
use crate::pgdata::pages::PageCheck;
use crate::pgdata::rules::CONTROL_FILE;
use crate::pgdata::tar::Attributes;
use crate::pgdata::walk::{Found, Survey};

/// Entries that wait to be written into the manifest.
const ENTRIES: usize = 256;

/// What is copied, and how.
#[derive(Debug, Clone)]
pub(super) struct CopyRequest {
    pub(super) id: BackupId,
    pub(super) pgdata: PathBuf,
    /// As the server lists them after the backup was started.
    pub(super) tablespaces: Vec<Tablespace>,
    /// The directory where each tablespace lies under its number, when they are not where the data
    /// directory's links lead.
    pub(super) numbered: Option<PathBuf>,
    /// Configuration files, wherever they lie; those inside the data directory are packed there.
    pub(super) config_files: Vec<ConfigFile>,
    /// The server's `server_version_num`.
    pub(super) version: u32,
    pub(super) compression: Compression,
    /// The codec's own.
    pub(super) level: i32,
    pub(super) tags: Tags,
    /// Streams at most.
    pub(super) jobs: NonZeroUsize,
    /// Bytes for everything.
    pub(super) memory: u64,
    /// Bytes per second to the store, of all streams together.
    pub(super) max_rate: Option<u64>,
    /// Bytes per second from the disk, of all streams together.
    pub(super) max_read_rate: Option<u64>,
    pub(super) sizes: Sizes,
    /// How pages are checked, when the cluster has checksums.
    pub(super) pages: Option<PageCheck>,
    pub(super) manifest: ManifestChecksum,
    pub(super) system_id: SystemId,
}

/// How large the objects of a copy are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// A tar that has taken so many bytes is full, if that is less than the gibibyte at which it is full
    /// anyway. A single file is never divided.
    pub tar: Option<u64>,
    /// The parts that tars are sent in have at least so many bytes, where the program's own choice would
    /// be less. It takes memory: a few parts of each tar are held at once.
    pub part: Option<u64>,
}

/// A configuration file of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    /// Whether the copy fails when it is not there.
    pub(super) required: bool,
}

/// How far a copy is; for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files that the survey found.
    pub total_files: AtomicU64,
    /// Bytes of those files.
    pub total_bytes: AtomicU64,
    /// Files that were copied, or have vanished.
    pub done_files: AtomicU64,
    /// Bytes that were read.
    pub done_bytes: AtomicU64,
    /// Bytes that were given to the store, compressed.
    pub stored_bytes: AtomicU64,
    /// Whether all files were copied. Their bytes may be fewer than the survey found, or more.
    pub copied: AtomicBool,
}

/// A copy that has everything but what the server says at the stop. Dropping it forgets what is not
/// visible yet.
pub(super) struct OpenCopy {
    ending: EndOnDrop,
    stop: watch::Receiver<bool>,
    last: OpenTar,
    manifest: OpenManifest,
    packer: Packer,
    /// The owner of the data directory, for what has none of its own.
    like: Attributes,
    counts: Counts,
    tars: u32,
    damage: Damage,
    notes: Vec<String>,
    began: Instant,
}

/// What the server says at the stop.
#[derive(Debug, Clone)]
pub(super) struct Last {
    /// The text of `backup_label`.
    pub(super) label: String,
    /// The WAL from where recovery begins to where the copy is consistent.
    pub(super) wal: Vec<WalRange>,
}

/// A complete copy.
#[derive(Debug, Clone)]
pub(super) struct Copied {
    /// Files in the tars.
    pub(super) files: u64,
    /// Bytes of those files.
    pub(super) plain_bytes: u64,
    /// Bytes of all objects, the manifest included.
    pub(super) stored_bytes: u64,
    /// Tars.
    pub(super) objects: u32,
    pub(super) damage: Damage,
    pub(super) took: Duration,
}

/// Copies everything up to the stop of the backup. When `stop` turns true, it ends at once, and what is
/// not visible yet is forgotten, as with any error.
pub(super) async fn begin(
    archive: Arc<Archive>,
    request: CopyRequest,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Result<OpenCopy> {
    let began = Instant::now();
    let request = Arc::new(request);
    let (config_files, found) = blocking({
        let (request, stop) = (Arc::clone(&request), stop.clone());
        move || survey(&request, &|| if *stop.borrow() { Err(told_to_stop()) } else { Ok(()) })
    })
    .await?;
    let Found { series, notes } = found;
    let files = series.iter().map(|series| series.listing.files() as u64).sum();
    let total = series.iter().map(|series| series.listing.bytes()).sum();
    progress.total_files.store(files, Ordering::Relaxed);
    progress.total_bytes.store(total, Ordering::Relaxed);
    let plan = plan_memory(&Means {
        memory: request.memory,
        taken: series.iter().map(|series| series.listing.memory()).sum(),
        cores: thread::available_parallelism().map_or(1, NonZeroUsize::get),
        jobs: request.jobs,
        compression: request.compression,
        level: request.level,
        largest_file: series.iter().map(|series| series.listing.largest()).max().unwrap_or(0),
        total,
        least_part: request.sizes.part.unwrap_or(0),
    })?;
    let shared = Arc::new(Shared::new(archive, &request, &plan, progress));
    let ending = EndOnDrop(Arc::clone(&shared));
    let full = request.sizes.tar.map_or(OBJECT, |most| most.min(OBJECT));
    let queue = Arc::new(Queue::new(series, WORTH_A_STREAM, full));
    let mut stop = stop;
    let copied = async {
        let (manifest, lefts) = Running::start(&shared, &queue, &request, &plan).join().await?;
        let ended = blocking(move || end_of_files(&request, &config_files, manifest, lefts)).await?;
        Ok((ended, queue.tars()))
    };
    match unless_stopped(&shared, &mut stop, copied).await {
        Ok((ended, tars)) => {
            let Ended { last, manifest, packer, like, counts, damage } = ended;
            shared.progress.copied.store(true, Ordering::Relaxed);
            Ok(OpenCopy { ending, stop, last, manifest, packer, like, counts, tars, damage, notes, began })
        }
        Err(e) => {
            let e = shared.failure().unwrap_or(e);
            shared.end();
            shared.uploads_ended().await;
            Err(e)
        }
    }
}

impl OpenCopy {
    /// What was found broken.
    pub(super) fn damaged(&self) -> &Damage {
        &self.damage
    }

    /// What was left out, or was packed as something else than it is.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds what the server said at the stop, and makes all objects visible.
    pub(super) async fn finish(self, last: Last) -> Result<Copied> {
        let Self { ending, mut stop, last: mut tar, mut manifest, packer, like, mut counts, .. } = self;
        let shared = Arc::clone(&ending.0);
        let label = move || {
            let label = Path::new("backup_label");
            let packed = packer.bytes(&mut tar.tar, last.label.as_bytes(), label, like)?;
            counts.add(&packed);
            manifest.entry(&stream::entry(label.to_owned(), &packed))?;
            tar.finish()?;
            manifest.finish(&last.wal)?;
            Ok(counts)
        };
        let sent = async {
            let counts = blocking(label).await;
            if counts.is_err() {
                shared.end();
            }
            shared.uploads_ended().await;
            shared.failure().map_or(counts, Err)
        };
        let counts = unless_stopped(&shared, &mut stop, sent).await?;
        Ok(Copied {
            files: counts.files,
            plain_bytes: counts.plain_bytes,
            stored_bytes: shared.progress.stored_bytes.load(Ordering::Relaxed),
            objects: self.tars,
            damage: self.damage,
            took: self.began.elapsed(),
        })
    }

    /// Gives up: what is not visible yet is forgotten.
    pub(super) async fn abort(self) {
        let shared = Arc::clone(&self.ending.0);
        shared.end();
        drop(self);
        shared.uploads_ended().await;
    }
}

/// Ends everything that still runs when nobody wants it any more.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The threads that copy.
struct Running {
    manifest: JoinHandle<Option<OpenManifest>>,
    streams: Vec<JoinHandle<Option<Left>>>,
}

impl Running {
    fn start(shared: &Arc<Shared>, queue: &Arc<Queue>, request: &Arc<CopyRequest>, plan: &Plan) -> Self {
        let (entries, received) = mpsc::sync_channel(ENTRIES);
        let start = |_| {
            let stream = Stream::new(shared, queue, &entries, request);
            let guard = FailOnPanic(Arc::clone(shared));
            task::spawn_blocking(move || {
                let _guard = guard;
                stream.run()
            })
        };
        let streams = (0..plan.streams).map(start).collect();
        let (shared, request) = (Arc::clone(shared), Arc::clone(request));
        let guard = FailOnPanic(Arc::clone(&shared));
        let manifest = task::spawn_blocking(move || {
            let _guard = guard;
            list(&shared, &request, &received)
        });
        Self { manifest, streams }
    }

    /// Waits for all of them.
    async fn join(self) -> Result<(OpenManifest, Vec<Left>)> {
        let ended = |e| Error::bug(format!("a copying thread ended: {e}"));
        let streams = future::join_all(self.streams).await;
        let manifest = self.manifest.await.map_err(ended)?;
        let lefts: Vec<_> = streams.into_iter().collect::<Result<_, _>>().map_err(ended)?;
        // Whichever failed has told the others why.
        let lefts: Option<Vec<_>> = lefts.into_iter().collect();
        manifest.zip(lefts).ok_or_else(|| Error::unavailable("the copy was given up"))
    }
}

/// Writes the manifest while files are copied. Its failure ends all streams as well.
fn list(
    shared: &Arc<Shared>,
    request: &CopyRequest,
    received: &mpsc::Receiver<ManifestEntry>,
) -> Option<OpenManifest> {
    let write = || {
        let mut manifest = OpenManifest::begin(shared, request.version, request.system_id)?;
        for entry in received {
            manifest.entry(&entry)?;
        }
        Ok(manifest)
    };
    write().map_err(|e: Error| shared.fail(e)).ok()
}

/// The configuration files to pack besides, and everything else there is.
fn survey(request: &CopyRequest, go_on: &dyn Fn() -> Result<()>) -> Result<(Vec<ConfigFile>, Found)> {
    let config_files = config_outside(request)?;
    let superseded: Vec<&OsStr> = config_files.iter().filter_map(|file| file.path.file_name()).collect();
    let survey = Survey {
        pgdata: &request.pgdata,
        tablespaces: &request.tablespaces,
        numbered: request.numbered.as_deref(),
        version: request.version,
        superseded: &superseded,
    };
    let found = survey.run(go_on).context(|| format!("look through {}", request.pgdata.display()))?;
    Ok((config_files, found))
}

/// The configuration files that lie outside the data directory and are there. Of several with one name
/// the last counts, as it would when all of them were unpacked.
fn config_outside(request: &CopyRequest) -> Result<Vec<ConfigFile>> {
    let pgdata = fs_err::canonicalize(&request.pgdata)?;
    let mut outside: Vec<ConfigFile> = Vec::new();
    for file in &request.config_files {
        match fs_err::canonicalize(&file.path) {
            Ok(real) if real.starts_with(&pgdata) => {}
            Ok(_) => {
                outside.retain(|other| other.path.file_name() != file.path.file_name());
                outside.push(file.clone());
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !file.required => {}
            Err(e) => return Err(e).context(|| "find a configuration file of the server"),
        }
    }
    Ok(outside)
}

/// The state between the last file and the label.
struct Ended {
    last: OpenTar,
    manifest: OpenManifest,
    packer: Packer,
    like: Attributes,
    counts: Counts,
    damage: Damage,
}

/// Finishes all tars but one, which takes the configuration and then the control file.
fn end_of_files(
    request: &CopyRequest,
    config_files: &[ConfigFile],
    mut manifest: OpenManifest,
    lefts: Vec<Left>,
) -> Result<Ended> {
    let mut damage = Damage::default();
    let mut counts = Counts::default();
    let mut open = Vec::new();
    for left in lefts {
        counts.files += left.counts.files;
        counts.plain_bytes += left.counts.plain_bytes;
        damage.merge(left.damage);
        open.extend(left.open);
    }
    // The one with the most room.
    open.sort_by_key(|tar| std::cmp::Reverse(tar.opened().stored));
    let mut last = open.pop().ok_or_else(|| Error::bug("no tar of the data directory is left open"))?;
    for full in open {
        full.finish()?;
    }
    let mut packer = Packer::new(None, request.manifest);
    let mut take = |path: &Path, file: &PackedFile| {
        counts.add(file);
        manifest.entry(&stream::entry(path.to_owned(), file))
    };
    for ConfigFile { path, required } in config_files {
        let member = Path::new(path.file_name().unwrap_or_default());
        let file = packer.file(&mut last.tar, path, member, None, &mut |_| Ok(()));
        match file.context(|| format!("copy {}", path.display()))? {
            Some(file) => take(member, &file)?,
            // The one inside, if there is one, was left out for its sake.
            None if *required => {
                return Err(Error::local(format!("{} has vanished during the backup", path.display()))
                    .hint("see who removes files of a running server, and take the backup again"));
            }
            None => {}
        }
    }
    let data = DataDir::new(&request.pgdata);
    let bytes = data.control_bytes()?;
    let like = Attributes::from(&fs_err::metadata(request.pgdata.join(CONTROL_FILE))?);
    let file = packer.bytes(&mut last.tar, &bytes, Path::new(CONTROL_FILE), like)?;
    take(Path::new(CONTROL_FILE), &file)?;
    Ok(Ended { last, manifest, packer, like, counts, damage })
}

/// Waits until it is true; for ever when nobody can tell any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        future::pending::<()>().await;
    }
}

fn told_to_stop() -> Error {
    Error::unavailable("the copy was told to stop")
}

/// Waits for `work`, which ends soon once everything is ended: that is what `stop` does.
async fn unless_stopped<T>(
    shared: &Shared,
    stop: &mut watch::Receiver<bool>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::pin!(work);
    tokio::select! {
        biased;
        () = stopped(stop) => {
            shared.fail(told_to_stop());
            work.await
        }
        done = &mut work => done,
    }
}

/// Runs synchronous work on a thread of its own and waits for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Error::bug(format!("a working thread ended: {e}"))))
}

// They need a store, which a verb may not know, and what only this module may see.
#[cfg(test)]
#[path = "../../../../tests/copy/mod.rs"]
mod tests;
