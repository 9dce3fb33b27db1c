//! One verb, one request, one fault: run, judged, and run once more without.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::fault::{Asked, Fault, Plan};
use super::scene::{Content, Scene, Stored, own, plain, recorded, wal_key};
use super::server::heap;
use super::service::Service;
use super::verbs::{BACKUPS, End, HISTORY, NEW, OWN, Verb, archive, back_up};
use crate::common::invariants::Inspector;
use crate::s3::SECRET_KEY;

/// What no run may take, whatever it meets: its own deadline, and a margin for a machine that is slow itself.
const LONGEST: Duration = Duration::from_mins(2);

/// A run without a fault: what the others are measured by.
pub(crate) struct Clean {
    pub(crate) verb: Verb,
    pub(crate) end: End,
    /// What it asks, in order.
    pub(crate) requests: Vec<Asked>,
    before: Content,
    after: Content,
    /// The service's files with that content, where it has files.
    files: Option<TempDir>,
}

/// A run with a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) verb: Verb,
    pub(crate) plan: Plan,
}

/// What came of it, in a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nobody noticed.
    Unnoticed,
    /// It depends on the bit, and on lengths that are not the same in every run.
    Varies,
    /// There was nothing to damage.
    Nothing,
    /// It ended as without a fault, after it had asked again.
    Again,
    /// It failed with this status.
    Failed(u8),
}

/// A cell's result: its mark, and what is wrong with it.
pub(crate) struct Verdict {
    pub(crate) mark: Mark,
    pub(crate) wrong: Vec<String>,
}

/// Two base backups with the WAL around them.
pub(crate) async fn stock() -> Content {
    let wal: Content = (4..=11).map(own).collect();
    let scene = Scene::new(Service::S3, &wal).await;
    for (first, day) in [(5, 2), (7, 3)] {
        back_up(&scene, first, day, false).await.unwrap();
    }
    let content = scene.content().await;
    for id in BACKUPS {
        assert!(content.contains_key(&format!("main/base/{id}/backup.info")), "{id}");
    }
    content
}

/// What is in the archive before a run.
fn before(verb: Verb, stock: &Content) -> Content {
    let history = || {
        let stored = Stored { body: HISTORY.to_vec().into(), metadata: recorded(HISTORY) };
        ("main/wals/00000002.history".to_owned(), stored)
    };
    match verb {
        Verb::Gc => stock.clone().into_iter().chain(leftovers()).collect(),
        _ if verb.needs_backups() => stock.clone(),
        Verb::ArchiveNew | Verb::ArchiveAhead | Verb::DoorArchive | Verb::Check => [own(4)].into(),
        Verb::RestoreMiss | Verb::DoorMiss => [own(4), own(OWN + 1)].into(),
        Verb::RestoreHistory => [own(4), history()].into(),
        Verb::Prefetch => (OWN..OWN + 3).map(own).collect(),
        _ => [own(4), own(OWN), own(OWN + 1)].into(),
    }
}

/// What crashes have left: a backup that failed, tars without a record, a probe.
fn leftovers() -> Content {
    let left = [
        ("main/base/20251230T000000/backup.info", "status=FAILED\n"),
        ("main/base/20251230T000000/data.tar.zst", "half a tar"),
        ("main/base/20251231T000000/data.tar.zst", "a tar of nobody's"),
        ("main/barkeep-probes/17-1", "probe"),
    ];
    let stored = |text: &str| Stored { body: text.to_owned().into(), metadata: recorded(text.as_bytes()) };
    left.into_iter().map(|(key, text)| (key.to_owned(), stored(text))).collect()
}

impl Clean {
    /// Runs a verb without a fault.
    pub(crate) async fn run(service: Service, verb: Verb, stock: &Content) -> Self {
        let before = before(verb, stock);
        let mut scene = Scene::new(service, &before).await;
        let files = scene.kept_files();
        verb.prepare(&scene).await;
        scene.begin(None);
        let end = verb.run(&scene, false).await;
        let requests = Asked::all(&scene.proxy.seen());
        let clean = Self { verb, end, requests, before, after: scene.content().await, files };
        let expected = match verb {
            Verb::ArchiveConflict => 3,
            Verb::RestoreMiss | Verb::DoorMiss => 1,
            _ => 0,
        };
        assert_eq!(clean.end.code, expected, "{verb:?}: {:?}", clean.end);
        clean
    }

    /// Runs it with one.
    pub(crate) async fn meet(&self, service: Service, plan: &Plan) -> Verdict {
        let mut scene = match &self.files {
            Some(files) => Scene::with_files(files.path()).await,
            None => Scene::new(service, &self.before).await,
        };
        self.verb.prepare(&scene).await;
        scene.begin(Some(plan.clone()));
        let begun = Instant::now();
        let end = self.verb.run(&scene, false).await;
        let took = begun.elapsed();
        let (asked, spared) = (scene.proxy.seen().len(), scene.proxy.spared());
        scene.begin(None);
        let mut wrong = self.faults_of_end(plan, &end, took);
        wrong.extend(self.faults_of_place(&scene, &end));
        let after = scene.content().await;
        let is_done = end.code == self.end.code && !self.may_mislead(plan);
        wrong.extend(self.faults_of_store(&scene, &after, is_done).await);
        let is_as_without = end.code == self.end.code;
        if !is_as_without {
            wrong.extend(self.faults_of_second_run(&scene).await);
        }
        let mark = match end.code {
            _ if self.may_mislead(plan) => Mark::Varies,
            code if !is_as_without => Mark::Failed(code),
            _ if spared && !plan.lasting => Mark::Nothing,
            _ if asked > self.requests.len() && self.has_a_number_of_requests() => Mark::Again,
            _ => Mark::Unnoticed,
        };
        Verdict { mark, wrong }
    }

    /// What is wrong with how a run ended.
    fn faults_of_end(&self, plan: &Plan, end: &End, took: Duration) -> Vec<String> {
        let mut wrong = Vec::new();
        let allowed = self.allowed(plan);
        if !allowed.contains(&end.code) {
            wrong.push(format!("it ended with {}, not one of {allowed:?}: {}", end.code, end.text));
        }
        if took > LONGEST {
            wrong.push(format!("it took {took:.1?}"));
        }
        if end.code == self.end.code {
            if end.answer != self.end.answer && !self.may_mislead(plan) {
                wrong.push(format!("it answered {}, not {}", end.answer, self.end.answer));
            }
            return wrong;
        }
        let text = &end.text;
        if text.contains(SECRET_KEY) || text.contains("Signature=") || text.contains("aHVudGVyMg") {
            wrong.push(format!("it tells a secret: {text}"));
        }
        if text.trim().is_empty() {
            wrong.push("it says nothing".to_owned());
        }
        let subjects = self.verb.subjects();
        if !self.may_mislead(plan) && !subjects.iter().any(|subject| text.contains(subject)) {
            wrong.push(format!("it names none of {subjects:?}: {text}"));
        }
        wrong
    }

    /// Whether it asks as much in every run: races and files that are a courtesy may end early.
    fn has_a_number_of_requests(&self) -> bool {
        !matches!(self.verb, Verb::Check | Verb::ArchiveAhead)
    }

    /// Whether a bit flips in what a verb knows of base backups and their WAL by name only: lists and records
    /// have no checksum of their own, so the verb may answer wrong things, or refuse. Nothing may be lost by it.
    fn may_mislead(&self, plan: &Plan) -> bool {
        let is_told = ["LIST", "GET"].iter().any(|told| plan.at.what.starts_with(told));
        plan.fault == Fault::Flip && self.verb.needs_backups() && (is_told || plan.lasting)
    }

    /// The statuses that a run may end with.
    fn allowed(&self, plan: &Plan) -> Vec<u8> {
        let own = self.end.code;
        // During recovery every failure is the one status that stops PostgreSQL.
        let stops = matches!(self.verb, Verb::RestoreHit | Verb::RestoreMiss | Verb::RestoreHistory);
        let (unavailable, denied, corrupt) = match self.verb {
            _ if stops => (126, 126, 126),
            _ if self.verb.is_door() => (2, 4, 4),
            _ => (4, 5, 6),
        };
        match (plan.fault, plan.lasting) {
            _ if self.may_mislead(plan) => vec![own, 1, 3, unavailable, denied, corrupt],
            // An identifier whose record is there already counts as taken by somebody else.
            (Fault::Twice, true) if self.verb == Verb::Backup => vec![own, 3],
            (Fault::Twice, _) => vec![own],
            (Fault::Expired, _) => vec![own, denied],
            (Fault::Flip, _) => vec![own, unavailable, denied, corrupt],
            (_, true) => vec![own, unavailable],
            (_, false) => vec![own],
        }
    }

    /// What is wrong with what a run has left on the disk.
    fn faults_of_place(&self, scene: &Scene, end: &End) -> Option<String> {
        let done = end.code == 0;
        match self.verb {
            _ if self.verb.is_wal_restore() => {
                let expected =
                    if self.verb == Verb::RestoreHistory { HISTORY.to_vec() } else { plain(OWN, 0) };
                match std::fs::read(scene.restored()) {
                    Ok(found) if done && found == expected => None,
                    Ok(_) if done => Some("the restored file is wrong".to_owned()),
                    Ok(_) => Some("a file was restored by a run that failed".to_owned()),
                    Err(e) if done => Some(format!("nothing was restored: {e}")),
                    Err(_) => None,
                }
            }
            Verb::Prefetch => {
                let fetched = scene.fetched_ahead();
                let wrong = fetched.iter().find(|(n, bytes)| **bytes != plain(**n, 0));
                if let Some((n, _)) = wrong {
                    return Some(format!("segment {n} in the spool is wrong"));
                }
                (done && fetched.len() != 2).then(|| format!("{} segments were fetched", fetched.len()))
            }
            Verb::Restore => {
                let copy = scene.bed.dir.path().join("copy");
                let whole = std::fs::read(copy.join("base/heap")).is_ok_and(|found| found == heap());
                let startable = copy.join("global/pg_control").exists();
                match (done, startable) {
                    (true, true) if whole => None,
                    (false, false) => None,
                    _ => Some(format!("ended with {}; whole: {whole}, startable: {startable}", end.code)),
                }
            }
            _ => None,
        }
    }

    /// What is wrong with the archive.
    async fn faults_of_store(&self, scene: &Scene, after: &Content, done: bool) -> Vec<String> {
        let mut wrong = Inspector::default().faults(&*scene.direct).await;
        for (key, stored) in &self.before {
            let stays = self.after.contains_key(key);
            match after.get(key) {
                None if stays => wrong.push(format!("{key} is gone")),
                Some(found) if stays && found.body != stored.body => wrong.push(format!("{key} was changed")),
                _ => {}
            }
        }
        for (key, found) in after {
            if self.before.contains_key(key) || self.may_leave(key) {
                continue;
            }
            match self.after.get(key) {
                None => wrong.push(format!("{key} should not be there")),
                Some(expected) if found.body != expected.body => wrong.push(format!("{key} is wrong")),
                Some(_) => {}
            }
        }
        if done {
            wrong.extend(self.lacking(after));
        }
        wrong
    }

    /// What a run that ended well has not done.
    fn lacking(&self, after: &Content) -> Vec<String> {
        let mut wrong = Vec::new();
        for key in self.after.keys().filter(|key| !after.contains_key(*key)) {
            // Files that wait behind the own one are a courtesy.
            let is_courtesy = self.verb == Verb::ArchiveAhead && *key != wal_key(OWN);
            if !is_courtesy && !self.may_leave(key) {
                wrong.push(format!("{key} is missing"));
            }
        }
        if self.verb != Verb::Check {
            let late =
                after.keys().filter(|key| self.before.contains_key(*key) && !self.after.contains_key(*key));
            wrong.extend(late.map(|key| format!("{key} is still there")));
        }
        wrong
    }

    /// Whether the key is of what the verb itself makes, which is looked at otherwise or has no use.
    fn may_leave(&self, key: &str) -> bool {
        match self.verb {
            Verb::Backup => key.starts_with(&format!("main/base/{}", &NEW[..8])),
            Verb::Check => key.starts_with("main/barkeep-probes/"),
            Verb::Verify => key.starts_with("main/barkeep-verify/"),
            _ => false,
        }
    }

    /// What is wrong after a run without a fault has followed.
    async fn faults_of_second_run(&self, scene: &Scene) -> Vec<String> {
        let mut wrong = Vec::new();
        let end = self.verb.run(scene, true).await;
        // What the first run finished without hearing of it is not there to be deleted once more.
        let was_done = matches!(self.verb, Verb::Delete | Verb::DoorDelete) && end.text.contains(BACKUPS[0]);
        if end.code != self.end.code && !was_done {
            wrong.push(format!("the second run ended with {}: {}", end.code, end.text));
            return wrong;
        }
        wrong.extend(self.faults_of_place(scene, &end).filter(|_| end.code == self.end.code));
        let after = scene.content().await;
        wrong.extend(self.faults_of_store(scene, &after, true).await);
        if self.verb == Verb::ArchiveAhead {
            // The next calls are for the files behind it.
            for n in OWN + 1..OWN + 4 {
                wrong.extend(archive(scene, n, 0).await.err().map(|e| format!("the file behind it: {e}")));
            }
            let after = scene.content().await;
            wrong.extend(
                self.after.keys().filter(|k| !after.contains_key(*k)).map(|k| format!("{k} is missing")),
            );
        }
        wrong.into_iter().map(|fault| format!("after the second run: {fault}")).collect()
    }
}
