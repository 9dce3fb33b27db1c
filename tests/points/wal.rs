//! The WAL verbs in their situations, with segments of 1 MiB.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use barkeep::model::Compression;
use barkeep::store::{ExclusivePut, Key, Location, ObjectStore, Options, Patience, Prefix};
use barkeep::stream::codec::decoder;
use bytes::BytesMut;
use futures_util::TryStreamExt as _;

use crate::bed::{Bed, SYSTEM};
use crate::common::must;
use crate::lost;
use crate::s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY};
use crate::scene::Scene;

/// How long one call, or a filler that was left at work, may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A segment is archived, the first of its archive.
    Archive,
    /// A segment is archived while others wait behind it.
    ArchiveAhead,
    /// A segment is fetched from the archive.
    Restore,
    /// A segment is delivered that was fetched ahead.
    Deliver,
    /// Segments are fetched ahead.
    Fill,
}

/// A data directory, a spool and a store, and what is done there.
pub(crate) struct Wal {
    what: What,
    bed: Bed,
    /// Absent when the store is a directory.
    s3: Option<S3>,
}

impl Wal {
    /// On a directory.
    pub(crate) fn on_directory(what: What) -> Self {
        Self::new(what, None)
    }

    /// On a service in this process.
    pub(crate) async fn on_s3(what: What) -> Self {
        Self::new(what, Some(S3::start().await))
    }

    fn new(what: What, s3: Option<S3>) -> Self {
        let wal = Self { what, bed: Bed::new(), s3 };
        std::fs::create_dir_all(wal.store_folder()).unwrap();
        for n in 1..=wal.segments() {
            wal.bed.segment_with(&name(n), SYSTEM, n.into());
        }
        match what {
            What::Archive => {}
            What::ArchiveAhead => {
                // After the second call the archive is known to be this cluster's.
                wal.call(&["wal-archive", &file(1)]);
                wal.call(&["wal-archive", &file(1)]);
            }
            What::Restore | What::Deliver | What::Fill => {
                for n in 1..=wal.segments() {
                    wal.call(&["wal-archive", &file(n)]);
                }
                std::fs::write(wal.bed.data().join("recovery.signal"), "").unwrap();
            }
        }
        match what {
            What::Archive | What::ArchiveAhead => {}
            What::Restore => std::fs::remove_dir_all(wal.bed.spool()).unwrap(),
            What::Deliver => wal.restore(1),
            What::Fill => {
                wal.restore(1);
                wal.want(8);
            }
        }
        wal.without_fillers();
        if what == What::Fill {
            for fetched in wal.fetched() {
                std::fs::remove_file(fetched).unwrap();
            }
        }
        let template = wal.bed.dir.path().join("template");
        std::fs::create_dir(&template).unwrap();
        lost::copy(&wal.store_folder(), &template.join("store"));
        if wal.bed.spool().exists() {
            lost::copy(&wal.bed.spool(), &template.join("spool"));
        }
        wal
    }

    /// How many segments there are. A filler ends as soon as it sees the archive's end, so that end is
    /// within its window.
    fn segments(&self) -> u32 {
        match self.what {
            What::Archive => 1,
            What::Restore | What::Deliver => 2,
            What::ArchiveAhead | What::Fill => 6,
        }
    }

    /// The segment that is asked for.
    fn asked(&self) -> u32 {
        match self.what {
            What::Archive | What::Restore | What::Fill => 1,
            What::ArchiveAhead | What::Deliver => 2,
        }
    }

    fn restore(&self, n: u32) {
        self.call(&["wal-restore", &name(n), "pg_wal/RECOVERYXLOG"]);
    }

    /// Writes the demand anew, with another window.
    fn want(&self, window: u8) {
        let demand = only_folder(&self.bed.spool().join("restore")).join("demand");
        let text = std::fs::read_to_string(&demand).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["window"] = window.into();
        std::fs::write(&demand, json.to_string()).unwrap();
    }

    fn words(&self) -> Vec<String> {
        match self.what {
            What::Archive | What::ArchiveAhead => vec!["wal-archive".to_owned(), file(self.asked())],
            What::Restore | What::Deliver => {
                vec!["wal-restore".to_owned(), name(self.asked()), "pg_wal/RECOVERYXLOG".to_owned()]
            }
            What::Fill => vec![
                "wal-prefetch".to_owned(),
                format!("--system-id={SYSTEM}"),
                format!("--instance={}", self.bed.instance()),
                "--timeline=1".to_owned(),
                "--segment-size=1048576".to_owned(),
            ],
        }
    }

    fn binary(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barkeep"));
        command
            .args(words)
            .current_dir(self.bed.data())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("BARKEEP_STORE", self.url())
            .env("BARKEEP_SERVER", "main")
            .env("BARKEEP_SPOOL", self.bed.spool());
        if let Some(s3) = &self.s3 {
            command
                .env("BARKEEP_S3_ENDPOINT_URL", s3.endpoint())
                .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
                .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
                .env("AWS_DEFAULT_REGION", "us-east-1");
        }
        command.stdin(std::process::Stdio::null());
        command
    }

    fn call(&self, words: &[&str]) {
        must(&mut self.binary(words), PATIENCE);
    }

    fn url(&self) -> String {
        match &self.s3 {
            Some(_) => format!("s3://{BUCKET}/some/path"),
            None => format!("file://{}", self.store_folder().display()),
        }
    }

    /// Where the store keeps everything it has.
    fn store_folder(&self) -> PathBuf {
        match &self.s3 {
            // Beside the bucket's folder the service keeps metadata.
            Some(s3) => s3.folder("x").ancestors().nth(2).unwrap().to_owned(),
            None => self.bed.dir.path().join("store"),
        }
    }

    async fn store(&self) -> Arc<dyn ObjectStore> {
        let options = self.s3.as_ref().map_or_else(Options::default, S3::options);
        let location: Location = self.url().parse().unwrap();
        location.open(&options, ExclusivePut::Trusted, &Patience::default()).await.unwrap()
    }

    /// The names of the segments that are archived, each of which is what it should be.
    async fn archived(&self, when: &str) -> BTreeSet<String> {
        let store = self.store().await;
        let all = store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap();
        let mut archived = BTreeSet::new();
        for meta in all {
            let key = meta.key.as_str();
            let object = store.get(&Key::new(key).unwrap(), None).await.unwrap();
            let packed = object.body.try_collect::<BytesMut>().await.unwrap();
            let (stem, how) = Compression::split_suffix(key);
            let segment = stem.rsplit('/').next().unwrap().to_owned();
            let mut plain = Vec::new();
            let read = decoder(how, Box::new(Cursor::new(packed))).unwrap().read_to_end(&mut plain);
            read.unwrap_or_else(|e| panic!("{when}: {key} cannot be decoded: {e}"));
            assert!(plain == self.bytes(&segment), "{when}: {key} is not the segment");
            assert!(archived.insert(segment), "{when}: {key} is there under two suffixes");
        }
        archived
    }

    fn bytes(&self, segment: &str) -> Vec<u8> {
        std::fs::read(self.bed.wal(segment)).unwrap()
    }

    /// The segments that are fetched ahead.
    fn fetched(&self) -> Vec<PathBuf> {
        files_below(&self.bed.spool().join("restore")).into_iter().filter(|path| is_segment(path)).collect()
    }

    /// Fillers end by themselves; who lays out a stage waits for that.
    fn without_fillers(&self) {
        let mark = self.bed.dir.path().as_os_str().as_encoded_bytes().to_vec();
        let own = std::process::id().to_string();
        let begin = Instant::now();
        loop {
            let is_ours = |process: &Path| {
                process.file_name().is_some_and(|pid| pid != own.as_str())
                    && std::fs::read(process.join("environ"))
                        .is_ok_and(|text| text.windows(mark.len()).any(|window| window == mark))
            };
            let mut processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
            if !processes.any(|process| is_ours(&process)) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "a filler does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Scene for Wal {
    fn name(&self) -> String {
        format!("{:?} on {}", self.what, if self.s3.is_some() { "S3" } else { "a directory" })
    }

    fn verb(&self) -> &'static str {
        match self.what {
            What::Archive | What::ArchiveAhead => "wal-archive",
            What::Restore | What::Deliver => "wal-restore",
            What::Fill => "wal-prefetch",
        }
    }

    fn command(&self) -> Command {
        let words = self.words();
        self.binary(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    async fn lay(&self) {
        self.without_fillers();
        let template = self.bed.dir.path().join("template");
        for (directory, name) in [(self.store_folder(), "store"), (self.bed.spool(), "spool")] {
            lost::clear(&directory);
            let from = template.join(name);
            if !from.exists() {
                let _ = std::fs::remove_dir(&directory);
                continue;
            }
            std::fs::create_dir_all(&directory).unwrap();
            for entry in std::fs::read_dir(&from).unwrap() {
                let entry = entry.unwrap();
                lost::copy(&entry.path(), &directory.join(entry.file_name()));
            }
        }
        if self.bed.spool().exists() {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(self.bed.spool(), std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        for file in files_below(&self.bed.data().join("pg_wal")) {
            if !is_segment(&file) && file.extension().is_none() {
                std::fs::remove_file(file).unwrap();
            }
        }
    }

    async fn settle(&self) {
        self.without_fillers();
    }

    async fn sound(&self, when: &str) {
        let archived = self.archived(when).await;
        for marker in files_below(&self.bed.spool().join("archive")).iter().filter(|path| is_segment(path)) {
            let segment = marker.file_name().unwrap().to_str().unwrap();
            assert!(archived.contains(segment), "{when}: the spool says that {segment} is archived");
        }
        for fetched in self.fetched() {
            let segment = fetched.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(
                std::fs::read(&fetched).unwrap() == self.bytes(&segment),
                "{when}: the spool's {segment} is not the segment"
            );
        }
        if let Ok(delivered) = std::fs::read(self.bed.wal("RECOVERYXLOG")) {
            assert!(delivered == self.bytes(&name(self.asked())), "{when}: half a segment is delivered");
        }
    }

    async fn again(&self, _when: &str) {
        match self.what {
            What::ArchiveAhead => {
                // As PostgreSQL does, one after the other.
                (self.asked()..=self.segments()).for_each(|n| self.call(&["wal-archive", &file(n)]));
            }
            _ => drop(must(&mut self.command(), PATIENCE)),
        }
    }

    async fn done(&self, when: &str) {
        let expected: BTreeSet<_> = match self.what {
            // What lies behind the file that was asked for is sent ahead at leisure.
            What::ArchiveAhead => (1..=self.asked()).map(name).collect(),
            _ => (1..=self.segments()).map(name).collect(),
        };
        let archived = self.archived(when).await;
        assert!(archived.is_superset(&expected), "{when}: {archived:?} and not {expected:?}");
        match self.what {
            What::Archive | What::ArchiveAhead => {}
            What::Restore | What::Deliver => {
                let delivered = self.bed.wal("RECOVERYXLOG");
                assert!(delivered.exists(), "{when}: nothing is delivered");
                let drafts = files_below(&self.bed.data().join("pg_wal"));
                let drafts: Vec<_> = drafts.iter().filter(|path| is_draft(path)).collect();
                assert!(drafts.is_empty(), "{when}: {drafts:?} lie beside what is delivered");
            }
            What::Fill => {
                assert_eq!(self.fetched().len(), 5, "{when}: {:?}", self.fetched());
                let drafts = files_below(&self.bed.spool().join("restore"));
                let drafts: Vec<_> = drafts.iter().filter(|path| is_draft(path)).collect();
                assert!(drafts.is_empty(), "{when}: {drafts:?} stay in the spool");
            }
        }
    }

    fn root(&self) -> Option<PathBuf> {
        self.s3.is_none().then(|| self.store_folder())
    }

    fn beside(&self) -> Vec<PathBuf> {
        vec![self.bed.spool(), self.bed.data().join("pg_wal")]
    }

    fn workplace(&self) -> PathBuf {
        let place = self.bed.dir.path().join("work");
        if place.exists() {
            std::fs::remove_dir_all(&place).unwrap();
        }
        std::fs::create_dir(&place).unwrap();
        place
    }
}

fn name(n: u32) -> String {
    format!("0000000100000000{n:08X}")
}

fn file(n: u32) -> String {
    format!("pg_wal/{}", name(n))
}

fn is_segment(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_str().unwrap_or_default();
    name.len() == 24 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_draft(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".barkeep-tmp-"))
}

fn only_folder(above: &Path) -> PathBuf {
    std::fs::read_dir(above).unwrap().next().unwrap().unwrap().path()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(files_below(&entry.path())),
            _ => files.push(entry.path()),
        }
    }
    files
}
