//! The copy of a base backup over a store in memory; a module of `command::backup::copy`.

mod golden;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::*;
use crate::archive::Upload;
use crate::error::ErrorKind;
use crate::model::{Lsn, Timeline};
use crate::pgdata::manifest::ManifestReader;
use crate::store::{Key, MemoryStore, Object, ObjectMeta, ObjectStore, Prefix, Put, Unfinished};
use crate::stream::codec;

const MIB: usize = 1 << 20;

/// A store in memory that counts, and fails or stalls when it is told to.
#[derive(Clone, Default)]
struct Counting {
    inner: MemoryStore,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    begun: AtomicU32,
    finished: AtomicU32,
    aborted: AtomicU32,
    /// The sizes of the parts of each object.
    parts: Mutex<BTreeMap<String, Vec<usize>>>,
    /// Bytes in the store's hands, now and at most.
    held: AtomicUsize,
    most_held: AtomicUsize,
    fails: AtomicBool,
    stalls: AtomicBool,
    /// The end of an object whose key holds this panics.
    panics: Mutex<Option<&'static str>>,
}

struct CountingUpload {
    inner: Box<dyn Upload>,
    key: String,
    seen: Arc<Seen>,
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.inner.put(key, body, how).await
    }

    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        self.seen.begun.fetch_add(1, Ordering::Relaxed);
        let inner = self.inner.upload(key, how, in_flight).await?;
        Ok(Box::new(CountingUpload { inner, key: key.to_string(), seen: Arc::clone(&self.seen) }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.inner.head(key).await
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        self.inner.list(prefix, after)
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        self.inner.folders(under).await
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        self.inner.delete(keys).await
    }

    async fn unfinished(&self, under: &Prefix) -> Result<Vec<Unfinished>> {
        self.inner.unfinished(under).await
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        self.inner.forget(unfinished).await
    }

    async fn make_bucket(&self) -> Result<bool> {
        self.inner.make_bucket().await
    }
}

#[async_trait]
impl Upload for CountingUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        let seen = &self.seen;
        seen.parts.lock().unwrap().entry(self.key.clone()).or_default().push(part.len());
        if seen.fails.load(Ordering::Relaxed) {
            return Err(Error::denied("no more parts, says the store"));
        }
        if seen.stalls.load(Ordering::Relaxed) {
            future::pending::<()>().await;
        }
        let held = seen.held.fetch_add(part.len(), Ordering::Relaxed) + part.len();
        seen.most_held.fetch_max(held, Ordering::Relaxed);
        task::yield_now().await;
        let len = part.len();
        self.inner.part(part).await?;
        seen.held.fetch_sub(len, Ordering::Relaxed);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let panics = *self.seen.panics.lock().unwrap();
        assert!(panics.is_none_or(|key| !self.key.contains(key)), "as the test wants it");
        self.seen.finished.fetch_add(1, Ordering::Relaxed);
        self.inner.finish().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.seen.aborted.fetch_add(1, Ordering::Relaxed);
        self.inner.abort().await
    }
}

impl Counting {
    fn archive(&self) -> Arc<Archive> {
        Arc::new(Archive::new(Arc::new(self.clone()), "main".parse().unwrap()))
    }

    /// Everything in it, by file name.
    async fn objects(&self) -> BTreeMap<String, Bytes> {
        let mut objects = BTreeMap::new();
        let mut list = self.inner.list(&Prefix::everything(), None);
        while let Some(meta) = list.next().await {
            let key = meta.unwrap().key;
            let mut body = self.inner.get(&key, None).await.unwrap().body;
            let bytes = body.next().await.unwrap().unwrap();
            objects.insert(key.file_name().to_owned(), bytes);
        }
        objects
    }

    fn count(&self, of: impl Fn(&Seen) -> &AtomicU32) -> u32 {
        of(&self.seen).load(Ordering::Relaxed)
    }
}

/// A data directory made by hand, with a tablespace outside it.
struct Cluster {
    dir: tempfile::TempDir,
}

impl Cluster {
    fn new() -> Self {
        let cluster = Self { dir: tempfile::tempdir().unwrap() };
        for (path, bytes) in [
            ("PG_VERSION", b"18\n".to_vec()),
            ("postgresql.conf", b"inside".to_vec()),
            ("postmaster.pid", b"1".to_vec()),
            ("global/1262", noise(16_384, 1)),
            ("global/pg_control", control()),
            ("base/5/1259", noise(300_000, 2)),
            ("base/5/empty", Vec::new()),
            ("base/5/t3_1", b"x".to_vec()),
            ("base/5/9_init", b"x".to_vec()),
            ("base/5/9", b"x".to_vec()),
            ("pg_wal/000000010000000000000001", b"x".to_vec()),
            ("pg_tblspc/.keep", Vec::new()),
            (&format!("{}/\u{e4}{}", "d".repeat(90), "n".repeat(100)), b"long".to_vec()),
        ] {
            cluster.write(path, &bytes);
        }
        let elsewhere = cluster.dir.path().join("ts");
        fs_err::create_dir_all(elsewhere.join("PG_18_202506291/5")).unwrap();
        fs_err::write(elsewhere.join("PG_18_202506291/5/77"), noise(50_000, 3)).unwrap();
        symlink(&elsewhere, cluster.pgdata().join("pg_tblspc/16385")).unwrap();
        cluster
    }

    fn pgdata(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn write(&self, below: &str, bytes: &[u8]) {
        let path = self.pgdata().join(below);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    fn request(&self, compression: Compression) -> CopyRequest {
        let location = self.dir.path().join("ts").to_str().unwrap().to_owned();
        CopyRequest {
            id: "20260102T030405".parse().unwrap(),
            pgdata: self.pgdata(),
            tablespaces: vec![
                Tablespace { name: "ts".into(), oid: 16_385, location },
                Tablespace { name: "gone".into(), oid: 16_386, location: "/nowhere".into() },
            ],
            numbered: None,
            config_files: Vec::new(),
            version: 180_000,
            compression,
            level: compression.level(None),
            tags: Tags::default(),
            jobs: NonZeroUsize::new(2).unwrap(),
            memory: 128 << 20,
            max_rate: None,
            max_read_rate: None,
            sizes: Sizes::default(),
            pages: None,
            manifest: ManifestChecksum::Sha256,
            system_id: SystemId(7),
        }
    }
}

/// A control file whose checksum fits.
fn control() -> Vec<u8> {
    let mut bytes = noise(288, 9);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes);
    bytes.extend_from_slice(&crc.to_le_bytes()[..4]);
    bytes.resize(8192, 0);
    bytes
}

/// Bytes that no codec makes smaller.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn last() -> Last {
    Last {
        label: "START WAL LOCATION: 0/2000028\n".to_owned(),
        wal: vec![WalRange {
            timeline: Timeline::new(1).unwrap(),
            start: Lsn(0x0200_0028),
            end: Lsn(0x0200_0100),
        }],
    }
}

/// Never told to stop.
fn going_on() -> watch::Receiver<bool> {
    watch::channel(false).1
}

async fn copy(store: &Counting, request: CopyRequest) -> Result<Copied> {
    begin(store.archive(), request, Arc::default(), going_on()).await?.finish(last()).await
}

/// What restoring makes of the objects: file contents by path, directories with a slash.
fn restored(objects: &BTreeMap<String, Bytes>, how: Compression) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (name, bytes) in objects.iter().filter(|(name, _)| name.contains(".tar")) {
        let prefix = name.split(['.', '_']).next().filter(|series| *series != "data");
        let prefix = prefix.map(|oid| format!("pg_tblspc/{oid}/")).unwrap_or_default();
        let plain = codec::decoder(how, Box::new(&bytes[..])).unwrap();
        for entry in tar::Archive::new(plain).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = format!("{prefix}{}", String::from_utf8(entry.path_bytes().into_owned()).unwrap());
            let mut body = Vec::new();
            entry.read_to_end(&mut body).unwrap();
            files.insert(path, body);
        }
    }
    files
}

/// Path, length and sum of everything the manifest lists.
fn listed(objects: &BTreeMap<String, Bytes>) -> BTreeMap<String, (u64, String)> {
    let packed = &objects["backup_manifest.zst"];
    let plain = codec::decoder(Compression::Zstd, Box::new(&packed[..])).unwrap();
    let mut reader = ManifestReader::begin(plain).unwrap();
    assert_eq!(reader.system_id(), Some(SystemId(7)));
    let mut listed = BTreeMap::new();
    for entry in reader.by_ref() {
        let entry = entry.unwrap();
        let sum = entry.sum.unwrap().to_string();
        let twice = listed.insert(entry.path.to_str().unwrap().to_owned(), (entry.size, sum));
        assert_eq!(twice, None, "{} is listed twice", entry.path.display());
    }
    let end = reader.finish().unwrap();
    assert_eq!((end.ranges.len(), end.ranges[0].end), (1, Lsn(0x0200_0100)));
    listed
}

fn require_manifest_to_fit(files: &BTreeMap<String, Vec<u8>>, objects: &BTreeMap<String, Bytes>) {
    let mut expected = BTreeMap::new();
    for (path, body) in files.iter().filter(|(path, _)| !path.ends_with('/')) {
        let mut summer = ManifestChecksum::Sha256.summer();
        summer.update(body);
        expected.insert(path.clone(), (body.len() as u64, summer.finish().unwrap().to_string()));
    }
    assert_eq!(listed(objects), expected);
}

#[tokio::test]
async fn a_copy_in_every_codec_holds_what_the_data_directory_held_and_its_manifest_says_so() {
    let cluster = Cluster::new();
    for how in Compression::ALL.into_iter().filter(|how| *how != Compression::Xz) {
        let store = Counting::default();
        let copied = copy(&store, cluster.request(how)).await.unwrap();
        let objects = store.objects().await;
        let names: Vec<_> = objects.keys().cloned().collect();
        let tar = |stem: &str| format!("{stem}.tar{}", how.suffix());
        assert_eq!(names, [tar("16385"), tar("16386"), "backup_manifest.zst".into(), tar("data")]);
        let files = restored(&objects, how);
        assert!(files["base/5/1259"] == noise(300_000, 2));
        assert!(files["pg_tblspc/16385/PG_18_202506291/5/77"] == noise(50_000, 3));
        assert_eq!(files["backup_label"], last().label.as_bytes());
        assert_eq!(files["global/pg_control"], control());
        for directory in ["./", "pg_wal/", "pg_wal/archive_status/", "pg_tblspc/", "base/5/"] {
            assert!(files.contains_key(directory), "{directory}");
        }
        for left in ["postmaster.pid", "base/5/9", "base/5/t3_1", "pg_wal/000000010000000000000001"] {
            assert!(!files.contains_key(left), "{left}");
        }
        require_manifest_to_fit(&files, &objects);
        let stored: u64 = objects.values().map(|bytes| bytes.len() as u64).sum();
        assert_eq!((copied.stored_bytes, copied.objects), (stored, 3));
        let count = files.keys().filter(|path| !path.ends_with('/')).count() as u64;
        assert_eq!(copied.files, count);
        assert_eq!(store.count(|seen| &seen.begun), 4, "one upload for each object");
    }
}

#[tokio::test]
async fn the_control_file_and_then_the_label_are_the_last_of_the_data_tars() {
    let store = Counting::default();
    copy(&store, Cluster::new().request(Compression::None)).await.unwrap();
    let objects = store.objects().await;
    let mut data = tar::Archive::new(&objects["data.tar"][..]);
    let names: Vec<_> = data
        .entries()
        .unwrap()
        .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap())
        .collect();
    assert_eq!(names[0], "./");
    assert_eq!(names[names.len() - 2..], ["global/pg_control", "backup_label"]);
    let first_file = names.iter().position(|name| !name.ends_with('/')).unwrap();
    assert!(names[first_file..].iter().all(|name| !name.ends_with('/')), "directories come first");
}

#[tokio::test]
async fn the_tars_are_read_by_the_systems_tar_and_by_python_as_streams() {
    let cluster = Cluster::new();
    let store = Counting::default();
    copy(&store, cluster.request(Compression::Gzip)).await.unwrap();
    let objects = store.objects().await;
    let tar = &objects["data.tar.gz"];
    let (by_tar, by_python) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = "import sys, tarfile\n\
        tarfile.open(fileobj=sys.stdin.buffer, mode='r|gz').extractall(sys.argv[1])";
    for (mut reader, to) in [
        (command("tar", &["--extract", "--gzip", "--file", "-", "--directory"]), &by_tar),
        (command("python3", &["-c", script]), &by_python),
    ] {
        let mut reader = reader.arg(to.path()).stdin(Stdio::piped()).spawn().unwrap();
        reader.stdin.take().unwrap().write_all(tar).unwrap();
        assert!(reader.wait().unwrap().success());
        assert!(fs_err::read(to.path().join("base/5/1259")).unwrap() == noise(300_000, 2));
        let long = format!("{}/\u{e4}{}", "d".repeat(90), "n".repeat(100));
        assert_eq!(fs_err::read(to.path().join(&long)).unwrap(), b"long");
        let restored = fs_err::metadata(to.path().join(&long)).unwrap();
        let original = fs_err::metadata(cluster.pgdata().join(&long)).unwrap();
        assert_eq!((restored.mode(), restored.mtime()), (original.mode(), original.mtime()));
    }
}

fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

#[tokio::test]
async fn a_configuration_file_outside_takes_the_place_of_the_one_inside() {
    let cluster = Cluster::new();
    let outside = cluster.dir.path().join("etc");
    fs_err::create_dir(&outside).unwrap();
    fs_err::write(outside.join("postgresql.conf"), "outside").unwrap();
    let mut request = cluster.request(Compression::None);
    let config = |path, required| ConfigFile { path, required };
    request.config_files = vec![
        config(outside.join("postgresql.conf"), true),
        config(cluster.pgdata().join("PG_VERSION"), true),
        config(outside.join("pg_ident.conf"), false),
    ];
    let store = Counting::default();
    copy(&store, request.clone()).await.unwrap();
    let objects = store.objects().await;
    let files = restored(&objects, Compression::None);
    assert_eq!(files["postgresql.conf"], b"outside");
    require_manifest_to_fit(&files, &objects);

    request.config_files = vec![config(outside.join("pg_hba.conf"), true)];
    let missing = copy(&Counting::default(), request).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Local);
}

#[tokio::test]
async fn a_required_configuration_file_that_vanishes_under_the_copy_ends_it() {
    let cluster = Cluster::new();
    let outside = cluster.dir.path().join("postgresql.conf");
    for required in [false, true] {
        fs_err::write(&outside, "outside").unwrap();
        let mut request =
            CopyRequest { max_read_rate: Some(400 << 10), ..cluster.request(Compression::None) };
        request.config_files = vec![ConfigFile { path: outside.clone(), required }];
        let store = Counting::default();
        let vanishing = async {
            while store.count(|seen| &seen.begun) < 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            fs_err::remove_file(&outside).unwrap();
        };
        let (copied, ()) = future::join(copy(&store, request), vanishing).await;
        let vanished = copied.err().map(|e| (e.kind(), e.to_string().contains("has vanished")));
        assert_eq!(vanished, required.then_some((ErrorKind::Local, true)));
    }
}

#[tokio::test]
async fn files_that_change_and_vanish_under_the_copy_leave_tars_that_are_whole() {
    let cluster = Cluster::new();
    for i in 0..40 {
        cluster.write(&format!("base/5/{}", 20_000 + i), &noise(200_000, i));
    }
    let churning = AtomicBool::new(true);
    let database = cluster.pgdata().join("base/5");
    let store = Counting::default();
    let objects = thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0_u64;
            while churning.load(Ordering::Relaxed) {
                let file = database.join((20_000 + round % 40).to_string());
                match round % 3 {
                    0 => drop(fs_err::remove_file(file)),
                    1 => fs_err::write(file, noise(400_000, round)).unwrap(),
                    _ => drop(fs_err::OpenOptions::new().write(true).open(file).map(|f| f.set_len(10))),
                }
                round += 1;
            }
        });
        let runtime = thread::spawn({
            let (store, request) = (store.clone(), cluster.request(Compression::Zstd));
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    for _ in 0..5 {
                        copy(&store, request.clone()).await.unwrap();
                    }
                    store.objects().await
                })
            }
        });
        let objects = runtime.join();
        churning.store(false, Ordering::Relaxed);
        objects.unwrap()
    });
    require_manifest_to_fit(&restored(&objects, Compression::Zstd), &objects);
}

#[tokio::test]
async fn parts_are_equal_and_no_more_is_held_than_the_plan_allows() {
    let cluster = Cluster::new();
    for i in 0..12 {
        cluster.write(&format!("base/5/{}", 20_000 + i), &noise(14 * MIB, i));
    }
    let store = Counting::default();
    let copied =
        copy(&store, CopyRequest { memory: 64 << 20, ..cluster.request(Compression::None) }).await.unwrap();
    let parts = store.seen.parts.lock().unwrap();
    for (key, sizes) in parts.iter() {
        let (last, others) = sizes.split_last().unwrap();
        assert!(others.iter().all(|size| *size == others[0] && *size >= *last), "{key}: {sizes:?}");
        assert!(others.iter().all(|size| *size >= 5 * MIB), "{key}: {sizes:?}");
    }
    let most_held = store.seen.most_held.load(Ordering::Relaxed);
    assert!(most_held <= (64 - 24) * MIB, "{most_held}");
    let requests = parts.values().map(Vec::len).sum::<usize>() as u64;
    assert!(requests <= copied.stored_bytes / (5 * MIB as u64) + 5, "{requests} parts");
}

/// A copy that takes long: 10 KiB a second are read.
fn slow(cluster: &Cluster) -> CopyRequest {
    CopyRequest { max_read_rate: Some(10 << 10), ..cluster.request(Compression::Zstd) }
}

#[tokio::test]
async fn a_copy_that_is_told_to_stop_ends_at_once_and_leaves_nothing() {
    let cluster = Cluster::new();
    let store = Counting::default();
    let (stop, stopped) = watch::channel(false);
    let began = Instant::now();
    let telling = async {
        while store.count(|seen| &seen.begun) < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send_replace(true);
    };
    let copying = begin(store.archive(), slow(&cluster), Arc::default(), stopped);
    let (copied, ()) = future::join(copying, telling).await;
    let e = copied.err().unwrap();
    assert!(e.to_string().contains("told to stop"), "{e}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    require_no_leftovers(&store);
    assert!(!store.objects().await.contains_key("data.tar.zst"));
}

#[tokio::test]
async fn a_copy_that_is_told_to_stop_while_it_looks_through_the_directory_begins_nothing() {
    let cluster = Cluster::new();
    let store = Counting::default();
    let (stop, stopped) = watch::channel(false);
    stop.send_replace(true);
    let copied = begin(store.archive(), cluster.request(Compression::Zstd), Arc::default(), stopped).await;
    let e = copied.err().unwrap();
    assert!(e.to_string().contains("told to stop"), "{e}");
    assert_eq!(store.count(|seen| &seen.begun), 0);
}

/// Every upload was finished or aborted.
fn require_no_leftovers(store: &Counting) {
    let (begun, finished) = (store.count(|seen| &seen.begun), store.count(|seen| &seen.finished));
    assert_eq!(begun, finished + store.count(|seen| &seen.aborted));
}

#[tokio::test]
async fn a_store_that_fails_ends_the_copy_with_its_own_words() {
    let cluster = Cluster::new();
    cluster.write("base/5/20000", &noise(30 * MIB, 1));
    let store = Counting::default();
    store.seen.fails.store(true, Ordering::Relaxed);
    let e = copy(&store, cluster.request(Compression::Zstd)).await.unwrap_err();
    assert_eq!((e.kind(), e.to_string().as_str()), (ErrorKind::Denied, "no more parts, says the store"));
    require_no_leftovers(&store);
    assert!(store.objects().await.is_empty());
}

/// Many objects are begun after it, so that nobody thinks of it any more at the end.
#[tokio::test]
async fn a_task_that_panics_ends_the_copy_however_early_its_object_was() {
    let cluster = Cluster::new();
    let store = Counting::default();
    *store.seen.panics.lock().unwrap() = Some("16385");
    let mut request = cluster.request(Compression::None);
    let gone = |oid| Tablespace { name: format!("t{oid}"), oid, location: "/nowhere".into() };
    request.tablespaces.extend((17_000..17_100).map(gone));
    let e = copy(&store, request).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Bug, "{e}");
}

#[tokio::test]
async fn a_copy_before_a_stalled_store_can_be_stopped() {
    // While files are copied, and when only what comes after them is left.
    for large in ["data/base/5/20000", "etc/postgresql.conf"] {
        let cluster = Cluster::new();
        cluster.write(&format!("../{large}"), &noise(60 * MIB, 1));
        let store = Counting::default();
        store.seen.stalls.store(true, Ordering::Relaxed);
        let (stop, stopped) = watch::channel(false);
        let config = ConfigFile { path: cluster.dir.path().join("etc/postgresql.conf"), required: false };
        let request = CopyRequest {
            tablespaces: Vec::new(),
            config_files: vec![config],
            memory: 64 << 20,
            ..cluster.request(Compression::None)
        };
        let copying = begin(store.archive(), request, Arc::default(), stopped);
        let telling = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stop.send_replace(true);
        };
        let both = tokio::time::timeout(Duration::from_secs(10), future::join(copying, telling));
        let (copied, ()) = both.await.unwrap_or_else(|_| panic!("{large} does not end"));
        assert!(copied.is_err(), "{large}");
        require_no_leftovers(&store);
    }
}

#[tokio::test]
async fn an_unfinished_copy_that_is_given_up_or_dropped_leaves_nothing() {
    let cluster = Cluster::new();
    let request = || CopyRequest { tablespaces: Vec::new(), ..cluster.request(Compression::Zstd) };
    let aborted = Counting::default();
    begin(aborted.archive(), request(), Arc::default(), going_on()).await.unwrap().abort().await;
    let dropped = Counting::default();
    drop(begin(dropped.archive(), request(), Arc::default(), going_on()).await.unwrap());
    for store in [aborted, dropped] {
        let until = Instant::now() + Duration::from_secs(5);
        while store.count(|seen| &seen.aborted) < 2 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        require_no_leftovers(&store);
        assert!(store.objects().await.is_empty());
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_ends_the_copy_and_names_it() {
    let cluster = Cluster::new();
    fs_err::write(cluster.pgdata().join("global/pg_control"), noise(8192, 3)).unwrap();
    let store = Counting::default();
    let e = copy(&store, cluster.request(Compression::Zstd)).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Corrupt);
    assert!(e.to_string().contains("pg_control"), "{e}");
    require_no_leftovers(&store);
}

#[tokio::test]
async fn a_broken_page_is_reported_and_the_copy_goes_on() {
    let cluster = Cluster::new();
    let mut request = cluster.request(Compression::Zstd);
    request.pages = Some(PageCheck { start: Lsn(u64::MAX), block_size: 8192, segment_blocks: 131_072 });
    let copy = begin(Counting::default().archive(), request, Arc::default(), going_on()).await.unwrap();
    let damaged: Vec<_> = copy.damaged().files.iter().map(|file| file.path.to_str().unwrap()).collect();
    // Noise is no page, whatever it is in.
    assert_eq!(damaged, ["base/5/1259", "global/1262", "pg_tblspc/16385/PG_18_202506291/5/77"]);
    assert_eq!(copy.notes().len(), 1, "of the tablespace that is gone");
    let copied = copy.finish(last()).await.unwrap();
    assert_eq!(copied.damage.pages, 300_000 / 8192 + 2 + 50_000 / 8192);
}

#[tokio::test]
async fn the_rate_to_the_store_is_kept() {
    let cluster = Cluster::new();
    let request = CopyRequest { max_rate: Some(400_000), ..cluster.request(Compression::None) };
    let copied = copy(&Counting::default(), request).await.unwrap();
    // What is sent last passes at once.
    assert!(copied.took > Duration::from_millis(100), "{:?}", copied.took);
}
