//! Base backups: their tars read to the end and compared with their manifests, nothing of them written.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::Work;
use super::wal::without;
use crate::archive::{Entry, MANIFEST_COMPRESSION, StoredManifest, StoredTar};
use crate::command::fetch::decoded;
use crate::command::restore::{flaw, within};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Backup, BackupId, Finding, Lsn, Mark, SystemId, Turn, take_turn};
use crate::pgdata::manifest::{ManifestChecksum, ManifestReader};
use crate::pgdata::unpack::{CONTROL, Ledger, Proof, Proofreader};

/// Without these PostgreSQL does not start.
const VITAL: [&str; 2] = [CONTROL, "PG_VERSION"];

/// What a manifest says of the whole.
struct ManifestFacts {
    /// What its files are summed with.
    how: ManifestChecksum,
    /// How many there are.
    files: u64,
    system_id: Option<SystemId>,
    /// Where the WAL begins that the backup needs.
    begin: Option<Lsn>,
}

/// What was found in one backup.
#[derive(Default)]
struct Seen {
    findings: Vec<Finding>,
    /// Objects that could not be read for want of an answer, and why.
    unread: Vec<(String, Error)>,
    proof: Proof,
    tars: u64,
    compared: u64,
}

impl Seen {
    /// Takes note of a failure to read an object.
    fn fail(&mut self, id: BackupId, key: &str, e: Error) {
        if e.kind() == ErrorKind::Corrupt {
            let (key, why) = (key.to_owned(), without(key, &e));
            self.findings.push(Finding::BadObject { id, key, why });
        } else {
            self.unread.push((key.to_owned(), e));
        }
    }

    fn is_whole(&self) -> bool {
        self.findings.is_empty() && self.unread.is_empty()
    }
}

impl Work<'_> {
    /// Which backups are read.
    pub(super) fn choose_backups(&self, turn: Turn) -> Vec<&Entry> {
        let all: Vec<&Entry> = self.sight.readable().collect();
        let marks: Vec<Mark> = all.iter().map(|entry| entry.files.mark()).collect();
        let taken = self.keeper.decide(|ledger| take_turn(&marks, ledger, turn));
        all.into_iter().zip(taken).filter_map(|(entry, taken)| taken.then_some(entry)).collect()
    }

    /// Reads them one after another, of each several tars at a time.
    pub(super) async fn read_backups(&self, chosen: Vec<&Entry>) {
        for entry in chosen {
            if self.is_hopeless() {
                return;
            }
            let seen = self.read_backup(entry).await;
            self.conclude(entry, seen).await;
        }
    }

    async fn conclude(&self, entry: &Entry, seen: Seen) {
        if !seen.is_whole() && self.was_deleted(entry.backup.id).await {
            self.found().figures.gone += 1;
            return;
        }
        if seen.is_whole() && flaw(&entry.backup, &entry.files).is_none() {
            self.keeper.note(entry.files.mark());
        }
        for (key, e) in &seen.unread {
            self.note_unread(key, e);
        }
        let mut found = self.found();
        let figures = &mut found.figures;
        figures.backups.read += 1;
        figures.backups.bytes += entry.files.stored_bytes();
        figures.tars += seen.tars;
        figures.files += seen.proof.files;
        figures.compared += seen.compared;
        figures.pages += seen.proof.pages;
        for finding in seen.findings {
            found.add(finding);
        }
        let Proof { broken, broken_files, .. } = seen.proof;
        if broken > 0 {
            let certain = entry.files.manifest.is_some();
            found.add(Finding::BadPages { id: entry.backup.id, pages: broken, files: broken_files, certain });
        }
    }

    /// Whether somebody has begun to delete a backup since it was listed. When that cannot be told it was not.
    async fn was_deleted(&self, id: BackupId) -> bool {
        let usable = |entry: &Entry| entry.backup.id == id && entry.backup.is_usable();
        self.archive.catalog().await.is_ok_and(|catalog| !catalog.entries.iter().any(usable))
    }

    async fn read_backup(&self, entry: &Entry) -> Seen {
        let Entry { backup, files, .. } = entry;
        let mut seen = Seen::default();
        let mut manifest = None;
        if let Some(stored) = &files.manifest {
            match self.manifest_facts(stored).await {
                Ok(facts) => manifest = Some((stored, facts)),
                Err(e) => seen.fail(backup.id, stored.key(), e),
            }
        }
        let facts = manifest.as_ref().map(|(_, facts)| facts);
        let ledger = Arc::new(Ledger::new(facts.map_or(ManifestChecksum::None, |facts| facts.how)));
        let taken = facts.map_or(0, |facts| facts.files).saturating_mul(Ledger::PER_FILE);
        let pages = backup.begin.lsn.filter(|_| backup.data_checksums == Some(true));
        self.read_tars(entry, &Proofreader::new(Arc::clone(&ledger), pages), taken, &mut seen).await;
        if seen.is_whole() && flaw(backup, files).is_none() {
            seen.findings.extend(misfits(backup, facts, &ledger, &seen.proof));
            if let Some((stored, _)) = manifest {
                match self.compare(stored, &ledger).await {
                    Ok(compared) => seen.compared = compared,
                    Err(e) if e.kind() == ErrorKind::Corrupt => {
                        seen.findings.push(Finding::BadBackup { id: backup.id, why: e.to_string() });
                    }
                    Err(e) => seen.fail(backup.id, stored.key(), e),
                }
            }
        }
        seen
    }

    async fn read_tars(&self, entry: &Entry, proofreader: &Proofreader, taken: u64, seen: &mut Seen) {
        let mut numbered: Vec<(u32, &StoredTar)> = (0..).zip(&entry.files.tars).collect();
        numbered.sort_by_key(|(_, tar)| std::cmp::Reverse(tar.stored_bytes));
        let reads = stream::iter(numbered)
            .map(|(object, tar)| async move { (tar, self.read_tar(tar, object, proofreader.clone()).await) });
        let mut reads = reads.buffer_unordered(self.at_once(taken));
        while let Some((tar, read)) = reads.next().await {
            match read {
                Ok(proof) => {
                    seen.tars += 1;
                    seen.proof.merge(proof);
                }
                Err(e) => seen.fail(entry.backup.id, tar.key(), e),
            }
        }
    }

    async fn read_tar(&self, tar: &StoredTar, object: u32, proofreader: Proofreader) -> Result<Proof> {
        let opened = self.archive.open_tar(tar, None).await?;
        let within = within(tar.name.series);
        let body = self.flow.through(opened).body;
        decoded(body, tar.compression, move |plain| proofreader.read(&within, object, plain)).await
    }

    async fn manifest_facts(&self, manifest: &StoredManifest) -> Result<ManifestFacts> {
        let object = self.flow.through(self.archive.open_manifest(manifest).await?);
        decoded(object.body, MANIFEST_COMPRESSION, |plain| {
            let mut entries = ManifestReader::begin(plain)?;
            let system_id = entries.system_id();
            let (mut files, mut sum) = (0_u64, None);
            for entry in entries.by_ref() {
                files += 1;
                sum = sum.or(entry?.sum);
            }
            let end = entries.finish()?;
            let how = sum.map_or(ManifestChecksum::None, |sum| sum.algorithm());
            let begin = end.ranges.iter().map(|range| range.start).min();
            Ok(ManifestFacts { how, files, system_id, begin })
        })
        .await
    }

    /// Compares what was read with the manifest; gives the number of files.
    async fn compare(&self, manifest: &StoredManifest, ledger: &Arc<Ledger>) -> Result<u64> {
        let object = self.archive.open_manifest(manifest).await?;
        let ledger = Arc::clone(ledger);
        decoded(object.body, MANIFEST_COMPRESSION, move |plain| ledger.verify(ManifestReader::begin(plain)?))
            .await
    }
}

/// What does not fit together in a backup all of whose objects can be read.
fn misfits(
    backup: &Backup,
    manifest: Option<&ManifestFacts>,
    ledger: &Ledger,
    proof: &Proof,
) -> Option<Finding> {
    let mut misfits: Vec<String> = VITAL
        .iter()
        .filter(|name| !ledger.has(name.as_ref()))
        .map(|name| format!("there is no {name} in its tars"))
        .collect();
    if backup.label.is_none() && !ledger.has("backup_label".as_ref()) {
        misfits.push("there is no backup_label in its tars, nor in its record".to_owned());
    }
    if let Some((recorded, found)) = backup.system_id.zip(proof.system_id).filter(|(one, other)| one != other)
    {
        misfits.push(format!("its control file is of system {found}, and its record says {recorded}"));
    }
    let named = manifest.and_then(|manifest| manifest.system_id);
    if let Some((recorded, found)) = backup.system_id.zip(named).filter(|(one, other)| one != other) {
        misfits.push(format!("its manifest is of system {found}, and its record says {recorded}"));
    }
    let begin = manifest.and_then(|manifest| manifest.begin);
    if let Some((recorded, found)) = backup.begin.lsn.zip(begin).filter(|(one, other)| one != other) {
        misfits.push(format!("its manifest says that it begins at {found}, and its record at {recorded}"));
    }
    let why = misfits.join("; ");
    (!misfits.is_empty()).then_some(Finding::BadBackup { id: backup.id, why })
}
