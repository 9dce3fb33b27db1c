//! `restore` over a store in memory: what is laid down, what never is, and what a crash leaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use barkeep::command::restore::{self, Aim, Gap, Outcome, Progress, Recovery};
use barkeep::command::wal_restore;
use barkeep::error::{ErrorKind, Result};
use barkeep::model::{
    Backup, Compression, Lsn, RecoveryTarget, SegmentSize, Tablespace, TargetAction, TargetPoint,
    TargetTimeline, Timeline,
};
use barkeep::pgdata::manifest::ManifestChecksum;
use bed::backup::{ID, moment, publish, record, segment};
use bed::{Bed, MIB, SYSTEM, packed, segment_bytes};

const DATA: &str = "main/base/20260102T030405/data";
const OID: u32 = 16_385;

/// A tar under construction.
struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn header(kind: tar::EntryType, size: usize, mode: u32) -> tar::Header {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size as u64);
        header.set_mode(mode);
        header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
        header.set_gid(u64::from(rustix::process::getegid().as_raw()));
        header
    }

    /// The name as it is, however bad: the crate's own way would refuse it.
    fn raw(mut self, name: &str, mut header: tar::Header, content: &[u8]) -> Self {
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.raw(name, Self::header(tar::EntryType::Regular, content.len(), 0o600), content)
    }

    fn directory(self, name: &str) -> Self {
        self.raw(name, Self::header(tar::EntryType::Directory, 0, 0o700), b"")
    }

    fn link(self, kind: tar::EntryType, name: &str, to: &str) -> Self {
        let mut header = Self::header(kind, 0, 0o777);
        header.set_link_name_literal(to).unwrap();
        self.raw(name, header, b"")
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// What every data directory has.
fn ordinary() -> Tar {
    Tar::new()
        .directory("./")
        .file("./PG_VERSION", b"18\n")
        .directory("base/")
        .directory("base/1/")
        .file("base/1/1259", &page())
        .file("global/pg_control", &[1; 512])
        .file("backup_label", b"START WAL LOCATION: 0/200028 (file 000000010000000000000002)\n")
        .file("postgresql.auto.conf", b"work_mem = '8MB'\n")
}

/// More than one write, and than one small range; it does not compress.
fn page() -> Vec<u8> {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    noise.take(375_000).flatten().collect()
}

async fn wal(bed: &Bed, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        let name = segment(n);
        let bytes = segment_bytes(&name, SYSTEM, SegmentSize::new(MIB).unwrap(), n);
        let key = format!("main/wals/0000000100000000/{name}.zst");
        bed.foreign(&key, packed(Compression::Zstd, &bytes)).await;
    }
}

/// A bed with an ordinary backup in it and the WAL of its time.
async fn stocked(tar: Tar) -> Bed {
    let bed = Bed::new();
    bed.foreign(&format!("{DATA}.tar"), tar.bytes()).await;
    publish(&bed, &record()).await;
    wal(&bed, 2..=4).await;
    bed
}

async fn remove(bed: &Bed, key: &str) {
    let key = barkeep::store::Key::new(key).unwrap();
    barkeep::store::ObjectStore::delete(&*bed.store, &[key]).await.unwrap();
}

fn target(point: TargetPoint) -> RecoveryTarget {
    RecoveryTarget { point, inclusive: true, timeline: TargetTimeline::Latest, action: TargetAction::Pause }
}

fn request(bed: &Bed) -> restore::Request {
    let target = target(TargetPoint::Latest);
    let restore_command = "barkeep wal-restore %f %p".to_owned();
    restore::Request {
        directory: bed.dir.path().join("copy"),
        backup: None,
        aim: Aim::Target(target.clone()),
        tablespaces: BTreeMap::new(),
        pass_unknown: false,
        waldir: None,
        recovery: Some(Recovery { restore_command, target, standby: false, primary_conninfo: None }),
        allow_gap: false,
        clean: false,
        plan_only: false,
        jobs: NonZeroUsize::new(4).unwrap(),
        max_rate: None,
        // Ranges of 1 MiB, so that an object has several.
        memory: 42 << 20,
        spool: Some(bed.spool()),
        retry_for: Duration::from_secs(1),
        max_attempts: None,
        warm: false,
        now: "2026-02-01T00:00:00Z".parse().unwrap(),
        progress: Arc::new(Progress::default()),
    }
}

async fn restore(bed: &Bed) -> Result<Outcome> {
    restore::run(&request(bed), bed).await
}

fn copy(bed: &Bed) -> PathBuf {
    bed.dir.path().join("copy")
}

/// Everything below a directory: names, and the content of files.
fn everything(top: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                found.insert(name + "/", Vec::new());
                folders.push(path);
            } else if meta.is_symlink() {
                let to = std::fs::read_link(&path).unwrap();
                found.insert(name, to.into_os_string().into_encoded_bytes());
            } else {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn is_startable(bed: &Bed) -> bool {
    copy(bed).join("global/pg_control").exists()
}

#[tokio::test]
async fn a_backup_of_every_codec_comes_back_as_it_was() {
    for how in Compression::ALL.into_iter().filter(|how| *how != Compression::Xz) {
        let bed = stocked(ordinary()).await;
        remove(&bed, &format!("{DATA}.tar")).await;
        bed.foreign(&format!("{DATA}.tar{}", how.suffix()), packed(how, &ordinary().bytes())).await;
        let outcome = restore(&bed).await.unwrap();
        let found = everything(&copy(&bed));
        assert!(found["base/1/1259"] == page(), "{how}");
        assert_eq!(found["global/pg_control"], [1; 512], "{how}");
        let done = outcome.restored.unwrap();
        assert_eq!((done.files, done.verified), (5, None));
        let mut names: Vec<_> = found.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "PG_VERSION",
                "backup_label",
                "base/",
                "base/1/",
                "base/1/1259",
                "global/",
                "global/pg_control",
                "pg_tblspc/",
                "pg_wal/",
                "pg_wal/archive_status/",
                "postgresql.auto.conf",
                "recovery.signal",
            ]
        );
        let mode = std::fs::metadata(copy(&bed)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        let settings = String::from_utf8(found["postgresql.auto.conf"].clone()).unwrap();
        assert!(settings.starts_with("work_mem = '8MB'\n") && settings.contains("archive_mode = 'off'"));
    }
}

#[tokio::test]
async fn an_object_of_several_ranges_and_streams_is_put_together_in_order() {
    let bed = stocked(ordinary()).await;
    let whole = ordinary().bytes();
    let (front, back) = whole.split_at(whole.len() / 2);
    let mut body = packed(Compression::Lz4, front);
    body.extend(packed(Compression::Lz4, back));
    assert!(body.len() > 2 << 20, "{}", body.len());
    remove(&bed, &format!("{DATA}.tar")).await;
    bed.foreign(&format!("{DATA}.tar.lz4"), body).await;
    bed.store.reset();
    restore(&bed).await.unwrap();
    assert!(everything(&copy(&bed))["base/1/1259"] == page());
    assert!(bed.store.counts()["get"] > 3, "{:?}", bed.store.counts());
}

#[tokio::test]
async fn the_later_object_wins_whatever_order_they_arrive_in() {
    for slow in ["data.tar", "data_0001.tar", "data_0002.tar"] {
        let bed = stocked(ordinary().file("postgresql.conf", b"old")).await;
        let second = Tar::new().file("base/1/1", b"one").file("postgresql.conf", b"newer");
        bed.foreign(&format!("{DATA}_0001.tar"), second.bytes()).await;
        let third = Tar::new().file("postgresql.conf", b"newest").file("./postgresql.conf", b"last word");
        bed.foreign(&format!("{DATA}_0002.tar"), third.bytes()).await;
        bed.store.slow("get", slow, Duration::from_millis(50));
        restore(&bed).await.unwrap();
        assert_eq!(everything(&copy(&bed))["postgresql.conf"], b"last word", "{slow}");
    }
}

fn with_tablespace(bed: &Bed) -> Backup {
    let mut backup = record();
    let location = bed.dir.path().join("was-here").to_str().unwrap().to_owned();
    backup.tablespaces.push(Tablespace { name: "fast".to_owned(), oid: OID, location });
    backup
}

#[tokio::test]
async fn tablespaces_go_where_they_were_or_are_sent_and_wal_too() {
    for mapped in [false, true] {
        let bed = stocked(ordinary().directory("pg_wal/").file("pg_wal/note", b"x")).await;
        publish(&bed, &with_tablespace(&bed)).await;
        let tar = Tar::new().directory("PG_18_202506291/").file("PG_18_202506291/5/16386", b"table");
        bed.foreign(&format!("main/base/{ID}/{OID}.tar.gz"), packed(Compression::Gzip, &tar.bytes())).await;
        let mut request = request(&bed);
        let mut place = bed.dir.path().join("was-here");
        if mapped {
            place = bed.dir.path().join("sent/there");
            request.tablespaces.insert("fast".to_owned(), place.clone());
        }
        let waldir = bed.dir.path().join("wal");
        request.waldir = Some(waldir.clone());
        restore::run(&request, &bed).await.unwrap();
        let link = std::fs::read_link(copy(&bed).join("pg_tblspc/16385")).unwrap();
        assert_eq!(std::fs::read(link.join("PG_18_202506291/5/16386")).unwrap(), b"table");
        assert_eq!(link, place.canonicalize().unwrap());
        assert_eq!(std::fs::read_link(copy(&bed).join("pg_wal")).unwrap(), waldir.canonicalize().unwrap());
        assert!(waldir.join("archive_status").is_dir() && waldir.join("note").is_file());
        assert!(!place.join(".barkeep-restore").exists() && !waldir.join(".barkeep-restore").exists());
    }
}

#[tokio::test]
async fn nothing_is_written_before_every_destination_has_been_looked_at() {
    let bed = stocked(ordinary()).await;
    publish(&bed, &with_tablespace(&bed)).await;
    bed.foreign(&format!("main/base/{ID}/{OID}.tar"), Tar::new().bytes()).await;
    std::fs::create_dir(bed.dir.path().join("was-here")).unwrap();
    std::fs::write(bed.dir.path().join("was-here/precious"), "x").unwrap();
    let e = restore(&bed).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert!(e.hint_text().unwrap().contains("--tablespace"), "{e:?}");
    assert!(!copy(&bed).exists());
    let mut unknown = request(&bed);
    unknown.tablespaces.insert("slow".to_owned(), "/nowhere".into());
    assert_eq!(restore::run(&unknown, &bed).await.unwrap_err().kind(), ErrorKind::Usage);
    let mut inside = request(&bed);
    inside.tablespaces.insert("fast".to_owned(), copy(&bed).join("fast"));
    assert_eq!(restore::run(&inside, &bed).await.unwrap_err().kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_clone_never_replaces_the_tablespaces_of_the_original() {
    let bed = stocked(ordinary()).await;
    let (original, table) = (bed.dir.path().join("original"), bed.dir.path().join("was-here/PG_18_2/16386"));
    publish(&bed, &Backup { pgdata: original.to_str().map(str::to_owned), ..with_tablespace(&bed) }).await;
    bed.foreign(&format!("main/base/{ID}/{OID}.tar"), Tar::new().bytes()).await;
    std::fs::create_dir_all(table.parent().unwrap()).unwrap();
    std::fs::write(&table, "live").unwrap();
    std::fs::create_dir_all(original.join("pg_tblspc")).unwrap();
    let link = original.join(format!("pg_tblspc/{OID}"));
    symlink(bed.dir.path().join("was-here"), &link).unwrap();
    let clean = restore::Request { clean: true, ..request(&bed) };
    let e = restore::run(&clean, &bed).await.unwrap_err();
    assert!(e.kind() == ErrorKind::Conflict && e.to_string().contains("original"), "{e}");
    assert!(e.hint_text().unwrap().contains("--tablespace"), "{e:?}");
    assert!(table.exists() && !copy(&bed).exists());
    // What no data directory has any more may be replaced.
    std::fs::remove_file(link).unwrap();
    restore::run(&clean, &bed).await.unwrap();
    assert!(!table.exists());
}

#[tokio::test]
async fn a_hostile_member_is_refused_and_nothing_outside_is_touched() {
    use tar::EntryType::{Block, Char, Link, Symlink};
    let outside = |tar: Tar| tar.file("escaped", b"x");
    let hostile: Vec<(&str, Tar)> = vec![
        ("absolute", ordinary().file("/tmp/barkeep-escaped", b"x")),
        ("upwards", ordinary().file("../escaped", b"x")),
        ("upwards within", ordinary().file("base/../../escaped", b"x")),
        ("control character", ordinary().file("base/a\nb", b"x")),
        ("device", ordinary().link(Char, "base/null", "")),
        ("block device", ordinary().link(Block, "base/sda", "")),
        ("hard link upwards", ordinary().link(Link, "base/passwd", "../outside/precious")),
        ("hard link to the root", ordinary().link(Link, "base/passwd", "/etc/passwd")),
        ("hard link to what is not there", ordinary().link(Link, "base/x", "base/never")),
        ("through a link", ordinary().link(Symlink, "base/up", "1").file("base/up/escaped", b"x")),
        ("control as a link", ordinary().link(Symlink, "global/pg_control", "../PG_VERSION")),
        ("a directory over a file", ordinary().directory("PG_VERSION/")),
        ("sparse", outside(ordinary().link(tar::EntryType::GNUSparse, "base/sparse", ""))),
    ];
    for (what, tar) in hostile {
        let bed = stocked(tar).await;
        let precious = bed.dir.path().join("outside");
        std::fs::create_dir(&precious).unwrap();
        std::fs::write(precious.join("precious"), "x").unwrap();
        let e = restore(&bed).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{what}: {e}");
        assert!(!is_startable(&bed), "{what}");
        assert!(!bed.dir.path().join("escaped").exists(), "{what}");
        assert!(!Path::new("/tmp/barkeep-escaped").exists(), "{what}");
        assert_eq!(everything(&precious).len(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_link_that_leads_out_is_left_out_and_told() {
    use tar::EntryType::{Fifo, Link, Symlink};
    let tar = ordinary()
        .link(Symlink, "server.crt", "/etc/ssl/cert.pem")
        .link(Symlink, "up", "../outside")
        .link(Symlink, "base/same", "../PG_VERSION")
        .link(Link, "base/again", "./PG_VERSION")
        .link(Fifo, "pipe", "");
    let bed = stocked(tar).await;
    let outcome = restore(&bed).await.unwrap();
    let found = everything(&copy(&bed));
    assert_eq!(
        outcome.restored.unwrap().links_left_out,
        ["server.crt -> /etc/ssl/cert.pem", "up -> ../outside"]
    );
    assert_eq!(
        (found["base/same"].as_slice(), found["base/again"].as_slice()),
        (&b"../PG_VERSION"[..], &b"18\n"[..])
    );
    assert!(!found.contains_key("pipe") && !found.contains_key("up"));
}

#[tokio::test]
async fn a_link_that_is_there_already_is_never_written_through() {
    // The data directory's own `pg_tblspc/OID` is such a link, when the tar has files below that name.
    let bed = stocked(ordinary().file("pg_tblspc/99/escaped", b"x")).await;
    let aside = bed.dir.path().join("aside");
    std::fs::create_dir(&aside).unwrap();
    std::fs::create_dir_all(copy(&bed)).unwrap();
    restore(&bed).await.unwrap();
    assert!(everything(&aside).is_empty());
    // As a member it is left out, and the name is a plain directory for those that come after it.
    let trap =
        ordinary().link(tar::EntryType::Symlink, "trap", aside.to_str().unwrap()).file("trap/escaped", b"x");
    let bed = stocked(trap).await;
    restore(&bed).await.unwrap();
    assert!(everything(&aside).is_empty() && copy(&bed).join("trap/escaped").is_file());
}

#[tokio::test]
async fn a_tar_that_breaks_off_or_lies_is_never_taken_for_a_whole_one() {
    let whole = ordinary().bytes();
    let mut flipped = whole.clone();
    flipped[0] ^= 1;
    let mut huge = Tar::header(tar::EntryType::XHeader, 0, 0o600);
    huge.set_size(1 << 40);
    huge.set_cksum();
    let bomb = [whole[..whole.len() - 1024].to_vec(), huge.as_bytes().to_vec()].concat();
    let cut = |at: usize| whole[..at].to_vec();
    for (what, bytes) in [
        ("in a member", cut(whole.len() / 2)),
        ("between members", cut(whole.len() - 1024)),
        ("a changed header", flipped),
        ("a header of a terabyte", bomb),
        ("nothing", vec![0; 1024]),
    ] {
        let bed = stocked(ordinary()).await;
        bed.foreign(&format!("{DATA}.tar"), bytes).await;
        let e = restore(&bed).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{what}: {e}");
        assert!(!is_startable(&bed), "{what}");
    }
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_what_starts_nowhere_and_the_next_run_begins_afresh() {
    let bed = stocked(ordinary()).await;
    bed.foreign(&format!("{DATA}_0001.tar"), Tar::new().file("base/1/2", b"two").bytes()).await;
    for at in 1..=8 {
        // Each request in turn fails for good; what was begun before it stays as a killed run leaves it.
        bed.store.fail("get", "/data", ErrorKind::Unavailable, at);
        for _ in 0..at {
            let failed = restore(&bed).await;
            let Err(e) = failed else { break };
            assert_eq!(e.kind(), ErrorKind::Unavailable, "{e}");
            assert!(!is_startable(&bed));
        }
        std::fs::create_dir_all(copy(&bed)).unwrap();
        if !is_startable(&bed) {
            std::fs::write(copy(&bed).join("base-left-over"), "x").unwrap();
            restore(&bed).await.unwrap();
        }
        assert!(is_startable(&bed));
        assert!(!copy(&bed).join("base-left-over").exists());
        assert!(!copy(&bed).join(".barkeep-restore").exists());
        std::fs::remove_dir_all(copy(&bed)).unwrap();
        bed.store.fail("get", "/data", ErrorKind::Unavailable, 0);
    }
}

#[tokio::test]
async fn a_whole_copy_is_only_replaced_when_asked_to_and_never_under_a_server() {
    let bed = stocked(ordinary()).await;
    restore(&bed).await.unwrap();
    let e = restore(&bed).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert!(e.hint_text().unwrap().contains("--clean"), "{e:?}");
    std::fs::write(copy(&bed).join("base/1/9999"), "newer").unwrap();
    let aside = bed.dir.path().join("aside");
    std::fs::create_dir(&aside).unwrap();
    std::fs::write(aside.join("precious"), "x").unwrap();
    symlink(&aside, copy(&bed).join("pg_tblspc/77")).unwrap();
    let clean = restore::Request { clean: true, ..request(&bed) };
    let pid = copy(&bed).join("postmaster.pid");
    std::fs::write(&pid, format!("{}\n", std::process::id())).unwrap();
    let e = restore::run(&clean, &bed).await.unwrap_err();
    assert!(e.to_string().contains("in use"), "{e}");
    assert!(copy(&bed).join("base/1/9999").exists());
    std::fs::remove_file(pid).unwrap();
    restore::run(&clean, &bed).await.unwrap();
    assert!(is_startable(&bed) && !copy(&bed).join("base/1/9999").exists());
    assert!(aside.join("precious").exists());
}

#[tokio::test]
async fn a_gap_on_the_way_is_named_and_stops_the_restore_before_it_begins() {
    let bed = stocked(ordinary()).await;
    wal(&bed, [6, 7, 9]).await;
    let e = restore(&bed).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert!(e.to_string().contains(&segment(5)), "{e}");
    assert!(!copy(&bed).exists());
    let plan_only = restore::Request { plan_only: true, ..request(&bed) };
    let outcome = restore::run(&plan_only, &bed).await.unwrap();
    let gap = |n| Gap::Segments(segment(n).parse().unwrap(), 1);
    assert_eq!(outcome.plan.wal.gaps, [gap(5), gap(8)]);
    assert_eq!(outcome.refusal.unwrap().kind(), ErrorKind::Conflict);
    assert!(!copy(&bed).exists());
    // Before the gap all is well, and somebody may want the files all the same.
    for point in [TargetPoint::Immediate, TargetPoint::Lsn(Lsn(4 * MIB + 5))] {
        let early = restore::Request { aim: Aim::Target(target(point)), plan_only: true, ..request(&bed) };
        assert!(restore::run(&early, &bed).await.unwrap().refusal.is_none());
    }
    let brave = restore::Request { allow_gap: true, ..request(&bed) };
    restore::run(&brave, &bed).await.unwrap();
    assert!(is_startable(&bed));
}

#[tokio::test]
async fn a_target_beyond_the_archive_is_told() {
    let bed = stocked(ordinary()).await;
    let beyond = target(TargetPoint::Lsn(Lsn(40 * MIB)));
    let request = restore::Request { aim: Aim::Target(beyond), plan_only: true, ..request(&bed) };
    let outcome = restore::run(&request, &bed).await.unwrap();
    assert!(outcome.refusal.is_none());
    let warning = outcome.plan.warnings.concat();
    assert!(warning.contains("ends with 000000010000000000000004, before the target 0/2800000"), "{warning}");
}

/// A manifest of these files in the store, summed in this way.
async fn manifest(bed: &Bed, how: ManifestChecksum, files: &[(&str, &[u8])]) {
    use std::fmt::Write as _;

    let mut text = String::from("{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n");
    for (i, (path, content)) in files.iter().enumerate() {
        let mut summer = how.summer();
        summer.update(content);
        let sum = summer.finish().map_or_else(String::new, |sum| {
            let word = how.to_string().to_uppercase();
            format!(", \"Checksum-Algorithm\": \"{word}\", \"Checksum\": \"{sum}\"")
        });
        let size = content.len();
        let comma = if i + 1 < files.len() { "," } else { "" };
        let _ = writeln!(
            text,
            "{{ \"Path\": \"{path}\", \"Size\": {size}, \"Last-Modified\": \"2026-01-02 03:04:05 GMT\"{sum} }}{comma}"
        );
    }
    text.push_str("],\n\"WAL-Ranges\": [\n{ \"Timeline\": 1, \"Start-LSN\": \"0/200028\", \"End-LSN\": \"0/300100\" }\n],\n");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
    let _ = writeln!(text, "\"Manifest-Checksum\": \"{}\"}}", hex::encode(digest));
    let key = format!("main/base/{ID}/backup_manifest.zst");
    bed.foreign(&key, packed(Compression::Zstd, text.as_bytes())).await;
}

#[tokio::test]
async fn every_file_is_compared_with_the_manifest_which_stays() {
    let table = page();
    let control = [1; 512];
    let good: [(&str, &[u8]); 3] =
        [("PG_VERSION", b"18\n"), ("base/1/1259", &table), ("global/pg_control", &control)];
    for how in ManifestChecksum::ALL {
        let bed = stocked(ordinary()).await;
        manifest(&bed, how, &good).await;
        let outcome = restore(&bed).await.unwrap();
        assert_eq!(outcome.restored.unwrap().verified, Some(3), "{how}");
        assert!(copy(&bed).join("backup_manifest").is_file());
    }
    let mut changed = table.clone();
    changed[1_234_567] ^= 1;
    let wrong: [(&str, &[u8], &str); 3] = [
        ("base/1/1259", &changed, "`base/1/1259` has another checksum"),
        ("base/1/1259", &table[1..], "has 3000000 bytes and not 2999999"),
        ("base/1/1260", b"", "`base/1/1260` is missing"),
    ];
    for how in [ManifestChecksum::Crc32c, ManifestChecksum::Sha256] {
        for (path, content, why) in wrong {
            let bed = stocked(ordinary()).await;
            manifest(&bed, how, &[good[0], (path, content)]).await;
            let e = restore(&bed).await.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Corrupt);
            assert!(e.to_string().contains(why), "{e}");
            assert!(!is_startable(&bed));
            // The next run begins afresh, and fails alike, instead of finding a directory in its way.
            assert_eq!(restore(&bed).await.unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}

#[tokio::test]
async fn a_backup_without_its_control_file_or_label_is_not_startable() {
    let without = |name: &str| {
        let tar = Tar::new().file("PG_VERSION", b"18\n");
        if name == "backup_label" {
            tar.file("global/pg_control", b"x")
        } else {
            tar.file("backup_label", b"x")
        }
    };
    for name in ["backup_label", "global/pg_control"] {
        let bed = stocked(without(name)).await;
        let e = restore(&bed).await.unwrap_err();
        assert!(e.kind() == ErrorKind::Corrupt && e.to_string().contains(name), "{e}");
        assert!(!is_startable(&bed));
    }
    // Its record has the label's text too.
    let bed = stocked(without("backup_label")).await;
    publish(&bed, &Backup { label: Some("START WAL LOCATION: x\n".to_owned()), ..record() }).await;
    restore(&bed).await.unwrap();
    assert_eq!(everything(&copy(&bed))["backup_label"], b"START WAL LOCATION: x\n");
}

#[tokio::test]
async fn without_recovery_settings_the_directory_is_as_it_was_copied() {
    let bed = stocked(ordinary().file("standby.signal", b"").file("tablespace_map", b"x")).await;
    let plain = restore::Request { recovery: None, ..request(&bed) };
    restore::run(&plain, &bed).await.unwrap();
    let found = everything(&copy(&bed));
    assert_eq!(found["postgresql.auto.conf"], b"work_mem = '8MB'\n");
    assert!(found.contains_key("standby.signal") && !found.contains_key("recovery.signal"));
    assert!(!found.contains_key("tablespace_map"));
    // With them, a signal file of the copied standby would win over ours.
    let bed = stocked(ordinary().file("standby.signal", b"")).await;
    restore(&bed).await.unwrap();
    assert!(!copy(&bed).join("standby.signal").exists() && copy(&bed).join("recovery.signal").exists());
}

#[tokio::test]
async fn trouble_of_the_store_comes_out_as_what_it_is() {
    for (kind, text) in [(ErrorKind::Denied, "data.tar"), (ErrorKind::Unavailable, "backup.info")] {
        let bed = stocked(ordinary()).await;
        bed.store.fail("get", text, kind, 100);
        let e = restore(&bed).await.unwrap_err();
        assert!(e.kind() == kind || text == "backup.info", "{e}");
        assert!(!is_startable(&bed));
    }
}

#[tokio::test]
async fn the_first_wal_lies_in_the_spool_when_recovery_asks_for_it() {
    let bed = stocked(ordinary()).await;
    bed.store.slow("get", "data.tar", Duration::from_millis(500));
    restore::run(&restore::Request { warm: true, ..request(&bed) }, &bed).await.unwrap();
    // A control file that tells who the cluster is, as a real backup's does.
    std::fs::copy(bed.data().join("global/pg_control"), copy(&bed).join("global/pg_control")).unwrap();
    for n in 2..=4 {
        let to = copy(&bed).join("pg_wal/RECOVERYXLOG");
        bed.store.reset();
        let outcome = wal_restore::run(&bed.restore_request(&segment(n), &to), &bed).await.unwrap();
        assert_eq!(
            outcome,
            wal_restore::Outcome::Delivered { from: wal_restore::Source::Spool, partial: false }
        );
        assert_eq!(bed.store.requests(), 0, "{:?}", bed.store.counts());
    }
}

#[tokio::test]
async fn a_spool_that_cannot_be_used_stops_no_restore() {
    let bed = stocked(ordinary()).await;
    std::fs::write(bed.spool(), "no directory").unwrap();
    restore::run(&restore::Request { warm: true, ..request(&bed) }, &bed).await.unwrap();
    assert!(is_startable(&bed));
}

async fn timeline(bed: &Bed, number: u32, forks: &str, segments: impl IntoIterator<Item = u64>) {
    bed.foreign(&format!("main/wals/{number:08X}.history"), forks.as_bytes().to_vec()).await;
    for n in segments {
        let name = format!("{number:08X}00000000{n:08X}");
        bed.foreign(&format!("main/wals/{}/{name}", &name[..16]), vec![0; 10]).await;
    }
}

async fn planned(bed: &Bed, target: RecoveryTarget) -> Result<restore::Plan> {
    let request = restore::Request { aim: Aim::Target(target), plan_only: true, ..request(bed) };
    restore::run(&request, bed).await.map(|outcome| outcome.plan)
}

fn numbers(plan: &restore::Plan) -> Vec<u32> {
    plan.wal.timelines.iter().map(|timeline| timeline.number()).collect()
}

#[tokio::test]
async fn recovery_goes_on_from_one_timeline_to_the_next_where_its_history_says() {
    let bed = stocked(ordinary()).await;
    // Timeline 2 left timeline 1 within segment 5, timeline 3 left 2 where segment 7 begins.
    wal(&bed, [5, 6, 7]).await;
    timeline(&bed, 2, "1\t0/500100\tx\n", [5, 6, 7]).await;
    timeline(&bed, 3, "1\t0/500100\tx\n2\t0/700000\ty\n", [7, 8]).await;
    let latest = planned(&bed, target(TargetPoint::Latest)).await.unwrap();
    assert_eq!(numbers(&latest), [1, 2, 3]);
    assert_eq!(latest.wal.last.to_string(), "000000030000000000000008");
    assert_eq!((latest.wal.gaps.as_slice(), latest.wal.segments), (&[][..], 7));
    let on = |timeline| RecoveryTarget { timeline, ..target(TargetPoint::Latest) };
    let second = planned(&bed, on(TargetTimeline::Number(Timeline::new(2).unwrap()))).await.unwrap();
    assert_eq!(
        (numbers(&second), second.wal.last.to_string()),
        (vec![1, 2], "000000020000000000000007".to_owned())
    );
    let own = planned(&bed, on(TargetTimeline::Current)).await.unwrap();
    assert_eq!((numbers(&own), own.wal.last.to_string()), (vec![1], segment(7)));
    let e = planned(&bed, on(TargetTimeline::Number(Timeline::new(9).unwrap()))).await.unwrap_err();
    assert!(e.kind() == ErrorKind::NotFound && e.to_string().contains("00000009.history"), "{e}");
}

#[tokio::test]
async fn the_way_past_a_fork_leads_through_the_new_timelines_segment() {
    let complete = segment(5);
    let partial = format!("{complete}.partial");
    // The segment of the fork on timeline 1, whether timeline 2 has it, and what it has after that.
    for (parent, child, after, missing) in [
        (Some(&complete), true, Some(6), false),
        (None, true, Some(6), false),
        (None, false, Some(6), true),
        // The old timeline's leads up to the fork only, under whatever name.
        (Some(&complete), false, Some(6), true),
        (Some(&partial), false, Some(6), true),
        // That is where the archive ends.
        (Some(&complete), false, None, false),
        (Some(&partial), false, None, false),
    ] {
        let bed = stocked(ordinary()).await;
        if let Some(name) = parent {
            bed.foreign(&format!("main/wals/0000000100000000/{name}"), vec![0; 10]).await;
        }
        timeline(&bed, 2, "1\t0/500100\tx\n", child.then_some(5).into_iter().chain(after)).await;
        let plan = planned(&bed, target(TargetPoint::Latest)).await.unwrap();
        let gap = Gap::Segments("000000020000000000000005".parse().unwrap(), 1);
        let gaps: Vec<_> = missing.then_some(gap).into_iter().collect();
        assert_eq!(plan.wal.gaps, gaps, "{parent:?}, {child}, {after:?}");
    }
}

#[tokio::test]
async fn a_history_that_is_missing_on_the_way_is_a_gap() {
    let bed = stocked(ordinary()).await;
    timeline(&bed, 3, "1\t0/400100\tx\n", [4, 5]).await;
    let plan = planned(&bed, target(TargetPoint::Latest)).await.unwrap();
    assert_eq!(plan.wal.gaps, [Gap::History(Timeline::new(2).unwrap())]);
    assert!(restore(&bed).await.unwrap_err().to_string().contains("00000002.history"));
    let named = TargetTimeline::Number(Timeline::new(3).unwrap());
    let plan =
        planned(&bed, RecoveryTarget { timeline: named, ..target(TargetPoint::Latest) }).await.unwrap();
    assert!(plan.wal.gaps.is_empty(), "{:?}", plan.wal.gaps);
}

#[tokio::test]
async fn a_history_that_makes_no_sense_stops_only_who_needs_it() {
    let bed = stocked(ordinary()).await;
    timeline(&bed, 2, "<html>504</html>", []).await;
    let plan = planned(&bed, target(TargetPoint::Latest)).await.unwrap();
    assert_eq!(plan.wal.gaps, [Gap::History(Timeline::new(2).unwrap())]);
    assert!(plan.warnings.concat().contains("00000002.history"), "{:?}", plan.warnings);
    let own = RecoveryTarget { timeline: TargetTimeline::Current, ..target(TargetPoint::Latest) };
    assert!(planned(&bed, own).await.unwrap().wal.gaps.is_empty());
}

/// A second, newer backup of the bed: what `change` makes of the first.
async fn newer(bed: &Bed, change: impl FnOnce(&mut Backup)) {
    let mut newer = Backup { id: "20260105T000000".parse().unwrap(), ..record() };
    newer.begin.time = Some(moment("2026-01-05T00:00:00Z"));
    newer.end.time = Some(moment("2026-01-05T00:10:00Z"));
    change(&mut newer);
    publish(bed, &newer).await;
    bed.foreign("main/base/20260105T000000/data.tar", ordinary().bytes()).await;
}

#[tokio::test]
async fn a_later_backup_tells_how_far_the_wal_for_a_moment_reaches() {
    let bed = stocked(ordinary()).await;
    newer(&bed, |backup| {
        (backup.begin.lsn, backup.end.lsn) = (Some(Lsn(6 * MIB)), Some(Lsn(6 * MIB + 5)));
        backup.label = Some("BACKUP FROM: primary\n".to_owned());
    })
    .await;
    wal(&bed, [5, 6, 9]).await;
    let at = |text: &str| target(TargetPoint::Time(text.parse().unwrap()));
    let between = planned(&bed, at("2026-01-03T00:00:00Z")).await.unwrap();
    assert_eq!((between.backup.id.as_str(), between.wal.last.to_string()), (ID, segment(6)));
    assert!(between.wal.gaps.is_empty());
    // What came after it may lie anywhere up to the end.
    let after = planned(&bed, at("2026-01-06T00:00:00Z")).await.unwrap();
    assert_eq!((after.backup.id.as_str(), after.wal.gaps.len()), ("20260105T000000", 1));
}

#[tokio::test]
async fn a_later_backup_of_a_standby_tells_nothing_of_how_far_the_wal_for_a_moment_reaches() {
    // A standby begins where its last restart point was, and replays as late as it likes.
    let bed = stocked(ordinary()).await;
    newer(&bed, |backup| {
        (backup.begin.lsn, backup.end.lsn) = (Some(Lsn(3 * MIB)), Some(Lsn(4 * MIB + 5)));
        backup.label = Some("BACKUP METHOD: streamed\nBACKUP FROM: standby\n".to_owned());
    })
    .await;
    wal(&bed, [6]).await;
    let moment = "2026-01-03T00:00:00Z".parse().unwrap();
    let plan = planned(&bed, target(TargetPoint::Time(moment))).await.unwrap();
    assert_eq!((plan.backup.id.as_str(), plan.wal.gaps.len()), (ID, 1), "{:?}", plan.wal);
}

#[tokio::test]
async fn a_standbys_backup_that_went_over_to_a_new_timeline_is_restored_along_it() {
    let bed = stocked(ordinary()).await;
    timeline(&bed, 2, "1\t0/300080\tx\n", [3, 4]).await;
    publish(
        &bed,
        &Backup {
            end: barkeep::model::Edge { wal: "000000020000000000000003".parse().ok(), ..record().end },
            ..record()
        },
    )
    .await;
    let plan = planned(&bed, target(TargetPoint::Latest)).await.unwrap();
    assert_eq!((numbers(&plan), plan.wal.gaps.len()), (vec![1, 2], 0));
    let current = RecoveryTarget { timeline: TargetTimeline::Current, ..target(TargetPoint::Latest) };
    assert!(planned(&bed, current).await.is_err(), "timeline 1 ends before the copy is consistent");
}

/// No disk has room for so much.
const EXBIBYTE: u64 = 1 << 60;

#[tokio::test]
async fn a_size_that_only_the_record_tells_is_an_upper_bound_and_refuses_nothing() {
    let large = || Backup { cluster_size: Some(EXBIBYTE), ..record() };
    let bed = stocked(ordinary()).await;
    publish(&bed, &large()).await;
    let outcome = restore(&bed).await.unwrap();
    assert_eq!(outcome.plan.size, restore::CopySize::AtMost(EXBIBYTE));
    assert!(outcome.plan.warnings.iter().any(|w| w.contains("may not fit")), "{:?}", outcome.plan.warnings);

    let bed = stocked(ordinary()).await;
    publish(&bed, &large()).await;
    manifest(&bed, ManifestChecksum::None, &[]).await;
    let e = restore(&bed).await.unwrap_err();
    assert!(e.kind() == ErrorKind::Local && e.to_string().contains("are free there"), "{e:?}");
    assert!(!copy(&bed).exists());
}

#[tokio::test]
async fn a_backup_with_one_tar_in_two_codecs_is_passed_over() {
    let bed = stocked(ordinary()).await;
    let other = format!("{DATA}.tar.gz");
    bed.foreign(&other, packed(Compression::Gzip, &ordinary().bytes())).await;
    let e = restore(&bed).await.unwrap_err();
    assert!(e.to_string().contains(&format!("it has both {DATA}.tar and {other}")), "{e}");
    assert!(!copy(&bed).exists());
}

#[tokio::test]
async fn a_backup_that_is_split_with_a_hole_or_lacks_a_tablespace_is_passed_over() {
    let bed = stocked(ordinary()).await;
    bed.foreign(&format!("{DATA}_0002.tar"), Tar::new().bytes()).await;
    let e = restore(&bed).await.unwrap_err();
    assert!(e.kind() == ErrorKind::NotFound && e.to_string().contains("data_0001.tar"), "{e}");
    let bed = stocked(ordinary()).await;
    publish(&bed, &with_tablespace(&bed)).await;
    assert!(restore(&bed).await.unwrap_err().to_string().contains("16385.tar"));
}
