//! What must be true of an archive at every moment, whoever was killed while doing what.
//!
//! Told apart from how barkeep sees it: the record is read line by line, tars are read to their end,
//! and every file is compared with the manifest. Only compression is left to barkeep's own decoder.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read as _};
use std::path::Path;

use barkeep::model::Compression;
use barkeep::store::{Key, ObjectMeta, ObjectStore, Prefix};
use barkeep::stream::codec::decoder;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

/// Below which everything of the server under test lies.
const SERVER: &str = "main";
/// What a data directory needs before PostgreSQL can begin.
const VITAL: [&str; 3] = ["PG_VERSION", "backup_label", "global/pg_control"];

/// Who looks at an archive again and again. What it found sound it does not read again as long as
/// nothing of it has changed.
#[derive(Default)]
pub struct Inspector {
    sound: BTreeSet<String>,
}

impl Inspector {
    /// Everything that is wrong with the archive, a sentence each:
    ///
    /// - a backup whose record says DONE has every tar of every series, each whole, and a manifest whose
    ///   files are all in them with their size and checksum;
    /// - every segment from its begin to its end is in the archive, whole.
    pub async fn faults(&mut self, store: &dyn ObjectStore) -> Vec<String> {
        let objects = everything(store).await;
        let mut faults = Vec::new();
        for (id, record) in done(store, &objects).await {
            let found = self.faults_of(store, &objects, &id, &record).await;
            faults.extend(found.into_iter().map(|fault| format!("backup {id}: {fault}")));
        }
        faults
    }

    /// # Panics
    /// When something is wrong, with all of it.
    pub async fn insist(&mut self, store: &dyn ObjectStore, when: &str) {
        let faults = self.faults(store).await;
        assert!(faults.is_empty(), "{when}:\n{}", faults.join("\n"));
    }

    async fn faults_of(
        &mut self,
        store: &dyn ObjectStore,
        objects: &Objects,
        id: &str,
        record: &Record,
    ) -> Vec<String> {
        let folder = format!("{SERVER}/base/{id}/");
        let mut faults = Vec::new();
        let needed = record.segments();
        if needed.is_empty() {
            faults.push("its record does not tell where its WAL begins and ends".to_owned());
        }
        for name in needed {
            if let Some(fault) = self.segment_fault(store, objects, &name, record.segment_size()).await {
                faults.push(fault);
            }
        }
        let seal = objects.range(folder.clone()..).take_while(|(key, _)| key.starts_with(&folder));
        let seal = seal.map(|(_, meta)| format!("{meta:?}")).collect::<Vec<_>>().concat();
        if !self.sound.contains(&seal) {
            let found = tar_faults(store, objects, &folder, record).await;
            if found.is_empty() {
                self.sound.insert(seal);
            }
            faults.extend(found);
        }
        faults
    }

    async fn segment_fault(
        &mut self,
        store: &dyn ObjectStore,
        objects: &Objects,
        name: &str,
        size: usize,
    ) -> Option<String> {
        let stem = format!("{SERVER}/wals/{}/{name}", &name[..16]);
        let found = objects
            .range(stem.clone()..)
            .take_while(|(key, _)| key.starts_with(&stem))
            .find(|(key, _)| Compression::split_suffix(key).0 == stem);
        let Some((key, meta)) = found else { return Some(format!("segment {name} is missing")) };
        let seal = format!("{meta:?}");
        if self.sound.contains(&seal) {
            return None;
        }
        match plain(store, key).await {
            Ok(bytes) if bytes.len() == size => {
                self.sound.insert(seal);
                None
            }
            Ok(bytes) => Some(format!("segment {name} has {} bytes, not {size}", bytes.len())),
            Err(e) => Some(format!("segment {name}: {e}")),
        }
    }
}

/// How many backups there are whose record says DONE.
pub async fn count_done(store: &dyn ObjectStore) -> usize {
    done(store, &everything(store).await).await.len()
}

/// The identifiers of the backups whose record says DONE, oldest first.
pub async fn ids_done(store: &dyn ObjectStore) -> Vec<String> {
    done(store, &everything(store).await).await.into_iter().map(|(id, _)| id).collect()
}

/// All keys of the store.
pub async fn keys(store: &dyn ObjectStore) -> Vec<String> {
    everything(store).await.into_keys().collect()
}

/// PostgreSQL's manifest of a backup.
pub struct Manifest {
    /// As it was written.
    pub text: Vec<u8>,
    files: Vec<File>,
}

struct File {
    path: String,
    size: u64,
    /// Empty when another algorithm than SHA-256 was used.
    sha256: String,
}

impl Manifest {
    /// Of this backup.
    pub async fn of(store: &dyn ObjectStore, id: &str) -> Self {
        let key = format!("{SERVER}/base/{id}/backup_manifest.zst");
        Self::read(plain(store, &key).await.unwrap()).unwrap()
    }

    fn read(text: Vec<u8>) -> Result<Self, String> {
        let json: serde_json::Value = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
        let files = json["Files"].as_array().ok_or("it lists no files")?;
        let files = files.iter().map(File::read).collect::<Option<Vec<_>>>().ok_or("an entry is odd")?;
        Ok(Self { text, files })
    }

    /// What a directory lacks of it; `postgresql.auto.conf` is a restore's to change.
    pub fn lacking_in(&self, directory: &Path) -> Vec<String> {
        let rest = self.files.iter().filter(|file| file.path != "postgresql.auto.conf");
        rest.filter_map(|file| match std::fs::read(directory.join(&file.path)) {
            Ok(content) => file.differs(&Found::of(&content)),
            Err(e) => Some(format!("{}: {e}", file.path)),
        })
        .collect()
    }
}

impl File {
    fn read(entry: &serde_json::Value) -> Option<Self> {
        let path = match (entry["Path"].as_str(), entry["Encoded-Path"].as_str()) {
            (Some(path), _) => path.to_owned(),
            (None, Some(encoded)) => String::from_utf8(hex::decode(encoded).ok()?).ok()?,
            (None, None) => return None,
        };
        let sha256 = match entry["Checksum-Algorithm"].as_str() {
            Some("SHA256") => entry["Checksum"].as_str()?.to_owned(),
            _ => String::new(),
        };
        Some(Self { path, size: entry["Size"].as_u64()?, sha256 })
    }

    fn differs(&self, found: &Found) -> Option<String> {
        let Self { path, size, sha256 } = self;
        if found.size != *size {
            return Some(format!("{path} has {} bytes, its manifest says {size}", found.size));
        }
        (!sha256.is_empty() && found.sha256 != *sha256)
            .then(|| format!("{path} is not what its manifest says"))
    }
}

/// A file as it is.
struct Found {
    size: u64,
    sha256: String,
}

impl Found {
    fn of(content: &[u8]) -> Self {
        Self { size: content.len() as u64, sha256: hex::encode(Sha256::digest(content)) }
    }
}

type Objects = BTreeMap<String, ObjectMeta>;

async fn everything(store: &dyn ObjectStore) -> Objects {
    let all = store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap();
    all.into_iter().map(|meta| (meta.key.to_string(), meta)).collect()
}

async fn done(store: &dyn ObjectStore, objects: &Objects) -> Vec<(String, Record)> {
    let mut all = Vec::new();
    for key in objects.keys() {
        let id =
            key.strip_prefix(&format!("{SERVER}/base/")).and_then(|rest| rest.strip_suffix("/backup.info"));
        let Some(id) = id else { continue };
        let text = fetch(store, key).await;
        let record = Record::read(std::str::from_utf8(&text).unwrap());
        if record.value("status") == Some("DONE") {
            all.push((id.to_owned(), record));
        }
    }
    all
}

/// The lines of a `backup.info`.
struct Record(BTreeMap<String, String>);

impl Record {
    fn read(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        Self(lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn segment_size(&self) -> usize {
        self.value("xlog_segment_size").and_then(|size| size.parse().ok()).unwrap_or(16 << 20)
    }

    /// `data` and the number of every tablespace: `[('space', 16385, '/its/place')]`.
    fn series(&self) -> Vec<String> {
        let spaces = self.value("tablespaces").unwrap_or("").split("('").skip(1);
        let numbers = spaces.filter_map(|space| space.split(", ").nth(1).map(str::to_owned));
        std::iter::once("data".to_owned()).chain(numbers).collect()
    }

    /// The names of all segments from the first to the last.
    fn segments(&self) -> Vec<String> {
        let number = |name: &str| {
            let (log, segment) =
                (u64::from_str_radix(&name[8..16], 16), u64::from_str_radix(&name[16..], 16));
            Some(log.ok()? * self.per_log() + segment.ok()?)
        };
        let (Some(begin), Some(end)) = (self.value("begin_wal"), self.value("end_wal")) else {
            return Vec::new();
        };
        if begin.len() != 24 || end.len() != 24 {
            return Vec::new();
        }
        let (Some(first), Some(last)) = (number(begin), number(end)) else { return Vec::new() };
        let name = |n| format!("{}{:08X}{:08X}", &begin[..8], n / self.per_log(), n % self.per_log());
        (first..=last).map(name).collect()
    }

    fn per_log(&self) -> u64 {
        (1 << 32) / self.segment_size() as u64
    }
}

/// What is wrong with a backup's tars and manifest.
async fn tar_faults(
    store: &dyn ObjectStore,
    objects: &Objects,
    folder: &str,
    record: &Record,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut found = BTreeMap::new();
    for series in record.series() {
        let parts = parts_of(objects, folder, &series);
        if parts.is_empty() {
            faults.push(format!("the tar {series} is missing"));
        }
        for (n, part) in parts.iter().enumerate() {
            let expected = if n == 0 { series.clone() } else { format!("{series}_{n:04}") };
            if part.0 != expected {
                faults.push(format!("the tar {expected} is missing before {}", part.0));
            }
            let read = plain(store, &part.1).await.and_then(|tar| files_in(&series, &tar));
            match read {
                Ok(files) => found.extend(files),
                Err(e) => faults.push(format!("the tar {}: {e}", part.0)),
            }
        }
    }
    let vital = VITAL.iter().filter(|path| !found.contains_key(**path));
    faults.extend(vital.map(|path| format!("{path} is in none of its tars")));
    let manifest = format!("{folder}backup_manifest.zst");
    if !objects.contains_key(&manifest) {
        faults.push("its manifest is missing".to_owned());
        return faults;
    }
    match plain(store, &manifest).await.and_then(Manifest::read) {
        Ok(manifest) => faults.extend(manifest.files.iter().filter_map(|file| match found.get(&file.path) {
            Some(found) => file.differs(found),
            None => Some(format!("{} is in none of its tars", file.path)),
        })),
        Err(e) => faults.push(format!("its manifest: {e}")),
    }
    faults
}

/// The parts of one series in their order: name without suffixes, and key.
fn parts_of(objects: &Objects, folder: &str, series: &str) -> Vec<(String, String)> {
    let inside = objects.keys().filter_map(|key| Some((key, key.strip_prefix(folder)?)));
    let mut parts = inside
        .filter_map(|(key, name)| {
            let stem = Compression::split_suffix(name).0.strip_suffix(".tar")?;
            let rest = stem.strip_prefix(series)?;
            (rest.is_empty() || rest.starts_with('_')).then(|| (stem.to_owned(), key.clone()))
        })
        .collect::<Vec<_>>();
    parts.sort();
    parts
}

/// The regular files in a tar, by their paths in the data directory.
fn files_in(series: &str, tar: &[u8]) -> Result<Vec<(String, Found)>, String> {
    let end = tar.len().checked_sub(1024).ok_or("it is shorter than its end mark")?;
    if tar[end..].iter().any(|byte| *byte != 0) {
        return Err("it does not end with its end mark".to_owned());
    }
    let below = if series == "data" { String::new() } else { format!("pg_tblspc/{series}/") };
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(Cursor::new(tar));
    for entry in archive.entries().map_err(|e| e.to_string())? {
        let mut entry = entry.map_err(|e| e.to_string())?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|e| format!("{path}: {e}"))?;
        let path = path.strip_prefix("./").unwrap_or(&path);
        files.push((format!("{below}{path}"), Found::of(&content)));
    }
    Ok(files)
}

/// An object's bytes as they were before they were compressed.
async fn plain(store: &dyn ObjectStore, key: &str) -> Result<Vec<u8>, String> {
    let packed = fetch(store, key).await;
    let how = Compression::split_suffix(key).1;
    let mut plain = Vec::new();
    let mut reader = decoder(how, Box::new(Cursor::new(packed))).map_err(|e| e.to_string())?;
    reader.read_to_end(&mut plain).map_err(|e| format!("it does not decompress: {e}"))?;
    Ok(plain)
}

async fn fetch(store: &dyn ObjectStore, key: &str) -> Bytes {
    let object = store.get(&Key::new(key).unwrap(), None).await.unwrap();
    object.body.try_collect::<BytesMut>().await.unwrap().freeze()
}
