//! Archives that somebody made to do harm: whatever they hold, nothing is written outside the copy, and
//! memory, disk and time stay bounded. The plain cases are in `tests/restore.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use barkeep::archive::{ExclusivePut, OpenArchive, Patience};
use barkeep::command::restore::{self, Aim, Outcome, Progress};
use barkeep::error::{ErrorKind, Result};
use barkeep::model::{
    Backup, Compression, Keep, RecoveryTarget, SegmentSize, SystemId, Tablespace, TargetAction, TargetPoint,
    TargetTimeline,
};
use barkeep::pgdata::manifest::{ManifestEntry, ManifestWriter};
use bed::backup::{ID, publish, record, segment};
use bed::{Bed, MIB, SYSTEM, packed, segment_bytes};

const DATA: &str = "main/base/20260102T030405/data";
const MANIFEST: &str = "main/base/20260102T030405/backup_manifest.zst";
const OID: u32 = 16_385;

/// A tar under construction, every byte of whose headers can be a lie.
#[derive(Clone, Default)]
struct Tar(Vec<u8>);

/// The kinds of members that are used here.
const FILE: u8 = b'0';
const HARD: u8 = b'1';
const SYMBOLIC: u8 = b'2';
const DIRECTORY: u8 = b'5';
const PAX: u8 = b'x';

impl Tar {
    /// A member with this header, but for its checksum, and this content.
    fn raw(mut self, mut header: tar::Header, content: &[u8]) -> Self {
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn header(kind: u8, name: &[u8], length: u64) -> tar::Header {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(length);
        header.set_mode(if kind == DIRECTORY { 0o700 } else { 0o600 });
        header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
        header.set_gid(u64::from(rustix::process::getegid().as_raw()));
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header
    }

    fn member(self, kind: u8, name: &[u8], content: &[u8]) -> Self {
        self.raw(Self::header(kind, name, content.len() as u64), content)
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.member(FILE, name.as_bytes(), content)
    }

    fn link(self, kind: u8, name: &str, to: &str) -> Self {
        let mut header = Self::header(kind, name.as_bytes(), 0);
        header.set_link_name_literal(to).unwrap();
        self.raw(header, b"")
    }

    /// An extended header in front of the next member.
    fn pax(self, key: &str, value: &[u8]) -> Self {
        let body = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
        // The length counts its own digits.
        let digits = (1..9).find(|d| (body.len() + d).to_string().len() == *d).unwrap();
        let record = [(body.len() + digits).to_string().as_bytes(), &body].concat();
        self.member(PAX, b"pax", &record)
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

/// What every data directory has.
fn ordinary() -> Tar {
    Tar::default()
        .file("PG_VERSION", b"18\n")
        .file("base/1/1259", b"table")
        .file("global/pg_control", &[1; 512])
        .file("backup_label", b"START WAL LOCATION: 0/200028 (file 000000010000000000000002)\n")
}

/// A bed whose archive has this backup, and beside the copy's place something precious.
async fn stocked(tar: Tar) -> Bed {
    let bed = Bed::new();
    bed.foreign(&format!("{DATA}.tar"), tar.bytes()).await;
    publish(&bed, &record()).await;
    for n in 2..=4 {
        let name = segment(n);
        let bytes = segment_bytes(&name, SYSTEM, SegmentSize::new(MIB).unwrap(), n);
        bed.foreign(&format!("main/wals/0000000100000000/{name}"), bytes).await;
    }
    std::fs::create_dir(bed.dir.path().join("outside")).unwrap();
    std::fs::write(bed.dir.path().join("outside/precious"), "x").unwrap();
    bed
}

fn request(bed: &Bed) -> restore::Request {
    let target = RecoveryTarget {
        point: TargetPoint::Latest,
        inclusive: true,
        timeline: TargetTimeline::Latest,
        action: TargetAction::Pause,
    };
    restore::Request {
        directory: copy(bed),
        backup: None,
        aim: Aim::Target(target),
        tablespaces: BTreeMap::new(),
        pass_unknown: false,
        waldir: None,
        recovery: None,
        allow_gap: false,
        clean: false,
        plan_only: false,
        jobs: NonZeroUsize::new(2).unwrap(),
        max_rate: None,
        memory: 42 << 20,
        spool: None,
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

fn is_startable(bed: &Bed) -> bool {
    std::fs::symlink_metadata(copy(bed).join("global/pg_control")).is_ok()
}

fn names(folder: &Path) -> BTreeSet<OsString> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// What is beside the copy is as it was, and no link in the copy leads there.
fn nothing_outside(bed: &Bed, what: &str) {
    let top = bed.dir.path().canonicalize().unwrap();
    let known: BTreeSet<_> = ["copy", "data", "outside", "space"].map(OsString::from).into();
    let strange: Vec<_> = names(&top).difference(&known).cloned().collect();
    assert!(strange.is_empty(), "{what}: {strange:?}");
    assert_eq!(names(&top.join("outside")), [OsString::from("precious")].into(), "{what}");
    assert_eq!(std::fs::read(top.join("outside/precious")).unwrap(), b"x", "{what}");
    for (inside, folder) in ["copy", "space"].map(|name| (top.join(name), top.join(name))) {
        let mut folders = if folder.exists() { vec![folder] } else { Vec::new() };
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_symlink() && !path.parent().unwrap().ends_with("pg_tblspc") {
                    let leads = path.canonicalize().unwrap_or_else(|_| inside.clone());
                    assert!(leads.starts_with(&inside), "{what}: {} -> {}", path.display(), leads.display());
                }
            }
        }
    }
}

/// Restores, which must fail as `Corrupt` within a moment.
async fn refused(what: &str, tar: Tar) {
    let bed = stocked(tar).await;
    let begin = Instant::now();
    let e = restore(&bed).await.expect_err(what);
    assert_eq!(e.kind(), ErrorKind::Corrupt, "{what}: {e}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{what}: {:?}", begin.elapsed());
    assert!(!is_startable(&bed), "{what}");
    nothing_outside(&bed, what);
}

/// `a/s -> ..` is the copy itself, so that `a/s/..` is what holds it, though it looks like `a`.
#[tokio::test]
async fn links_that_lead_out_only_together_are_left_out() {
    let up = ordinary().link(SYMBOLIC, "a/s", "..");
    for (name, to) in [("pg_wal", "a/s/.."), ("pg_tblspc", "a/s/../outside"), ("x", "./a//s/./../outside")] {
        let bed = stocked(up.clone().link(SYMBOLIC, name, to)).await;
        let outcome = restore(&bed).await.unwrap();
        assert_eq!(outcome.restored.unwrap().links_left_out, [format!("{name} -> {to}")]);
        nothing_outside(&bed, name);
    }
    // Through a link of ours, which leads to another volume.
    let bed = stocked(ordinary().link(SYMBOLIC, "x", &format!("pg_tblspc/{OID}/../outside"))).await;
    restore_with_tablespace(&bed, Tar::default()).await.unwrap();
    nothing_outside(&bed, "through a tablespace");
}

async fn restore_with_tablespace(bed: &Bed, tar: Tar) -> Result<Outcome> {
    let location = bed.dir.path().join("space").to_str().unwrap().to_owned();
    let tablespaces = vec![Tablespace { name: "fast".to_owned(), oid: OID, location }];
    publish(bed, &Backup { tablespaces, ..record() }).await;
    bed.foreign(&format!("main/base/{ID}/{OID}.tar"), tar.bytes()).await;
    restore(bed).await
}

/// `pg_tblspc/16385/x -> ../../outside` seems to stay in the copy, but a tablespace lies elsewhere.
#[tokio::test]
async fn a_link_in_a_tablespace_is_held_to_the_tablespaces_own_directory() {
    let tar = Tar::default().link(SYMBOLIC, "x", "../outside").link(SYMBOLIC, "y", "../../outside");
    let tar = tar.file("PG_18/1", b"1").link(SYMBOLIC, "PG_18/z", "../PG_18/1");
    let bed = stocked(ordinary()).await;
    let outcome = restore_with_tablespace(&bed, tar).await.unwrap();
    let left_out = outcome.restored.unwrap().links_left_out;
    assert_eq!(left_out.len(), 2, "{left_out:?}");
    assert_eq!(std::fs::read(bed.dir.path().join("space/PG_18/z")).unwrap(), b"1");
    nothing_outside(&bed, "tablespace");
}

#[tokio::test]
async fn a_hard_link_never_carries_a_symbolic_one_to_where_it_leads_out() {
    let tar = ordinary().link(SYMBOLIC, "base/1/top", "../..").link(HARD, "up", "base/1/top");
    refused("hard link to a symbolic one", tar.file("up/outside/precious", b"gone")).await;
    refused("hard link to a directory", ordinary().link(HARD, "up", "base/1")).await;
    refused("hard link to ours", ordinary().link(HARD, "up", "global/.barkeep-pg_control")).await;
    refused("hard link to our mark", ordinary().link(HARD, "up", ".barkeep-restore")).await;
}

#[tokio::test]
async fn names_that_the_restore_uses_itself_are_never_unpacked() {
    let tar = ordinary()
        .link(SYMBOLIC, "global/.barkeep-pg_control", "../PG_VERSION")
        .link(SYMBOLIC, ".barkeep-manifest", "PG_VERSION")
        .link(SYMBOLIC, ".barkeep-restore", "PG_VERSION")
        .file("base/.barkeep-restore", b"x");
    let bed = stocked(tar).await;
    bed.foreign(MANIFEST, packed(Compression::Zstd, &manifest(&["PG_VERSION"], 3))).await;
    restore(&bed).await.unwrap();
    assert!(std::fs::symlink_metadata(copy(&bed).join("global/pg_control")).unwrap().is_file());
    assert_eq!(std::fs::read(copy(&bed).join("global/pg_control")).unwrap(), [1; 512]);
    assert!(std::fs::read(copy(&bed).join("backup_manifest")).unwrap().starts_with(b"{ \"PostgreSQL"));
    assert_eq!(std::fs::read(copy(&bed).join("PG_VERSION")).unwrap(), b"18\n");
    assert!(!copy(&bed).join("base/.barkeep-restore").exists());
}

/// A manifest of these files, each of this length and without a sum.
fn manifest(paths: &[&str], size: u64) -> Vec<u8> {
    let mut writer = ManifestWriter::begin(Vec::new(), 180_000, SystemId(SYSTEM)).unwrap();
    for path in paths {
        writer.entry(&ManifestEntry { path: path.into(), size, modified: None, sum: None }).unwrap();
    }
    writer.finish(&[]).unwrap()
}

#[tokio::test]
async fn a_file_that_a_later_member_replaces_by_a_link_is_missing_to_the_manifest() {
    let bed = stocked(ordinary().link(SYMBOLIC, "base/1/1259", "../../PG_VERSION")).await;
    bed.foreign(MANIFEST, packed(Compression::Zstd, &manifest(&["base/1/1259"], 5))).await;
    let e = restore(&bed).await.unwrap_err();
    assert!(e.kind() == ErrorKind::Corrupt && e.to_string().contains("`base/1/1259` is missing"), "{e}");
    assert!(!is_startable(&bed));
}

#[tokio::test]
async fn of_members_with_one_name_the_last_wins_and_none_is_written_through() {
    let tar = ordinary()
        .link(HARD, "base/again", "base/1/1259")
        .file("base/again", b"another")
        .file("base/1/1259", b"newer")
        .link(SYMBOLIC, "base/link", "1/1259")
        .file("base/link", b"plain");
    let bed = stocked(tar).await;
    restore(&bed).await.unwrap();
    let read = |name: &str| std::fs::read(copy(&bed).join(name)).unwrap();
    assert_eq!(read("base/1/1259"), b"newer");
    assert_eq!(read("base/again"), b"another");
    assert_eq!(read("base/link"), b"plain");
}

#[tokio::test]
async fn names_of_any_bytes_are_kept_and_impossible_ones_refused() {
    let deep = "d/".repeat(1000) + "file";
    let tar =
        ordinary().member(FILE, b"base/\xff\xfe", b"odd").pax("path", deep.as_bytes()).file("x", b"deep");
    let bed = stocked(tar).await;
    restore(&bed).await.unwrap();
    assert_eq!(std::fs::read(copy(&bed).join("base").join(OsStr::from_bytes(b"\xff\xfe"))).unwrap(), b"odd");
    assert_eq!(std::fs::read(copy(&bed).join(&deep)).unwrap(), b"deep");
    for (what, name) in [
        ("4096 bytes", "n/".repeat(2048)),
        ("a mebibyte", "n".repeat(1 << 20)),
        ("nothing", String::new()),
        ("escape sequence", "base/\x1b[2J".to_owned()),
        ("carriage return", "base/a\rb".to_owned()),
        ("delete", "base/a\x7f".to_owned()),
        ("zero byte", "base/a\0b".to_owned()),
        ("upwards", "base/../../escaped".to_owned()),
        ("absolute", "/tmp/barkeep-escaped".to_owned()),
    ] {
        refused(what, ordinary().pax("path", name.as_bytes()).file("x", b"x")).await;
    }
    // No file system has such a name; what it says of it is not the archive's fault to tell.
    let bed = stocked(ordinary().pax("path", "n".repeat(300).as_bytes()).file("x", b"x")).await;
    assert!(restore(&bed).await.is_err() && !is_startable(&bed));
    nothing_outside(&bed, "300 bytes");
}

#[tokio::test]
async fn headers_that_claim_gigabytes_are_refused_before_they_are_read() {
    for kind in *b"xgLK" {
        for length in [(1 << 20) + 1, 8 << 30, u64::MAX] {
            let giant = ordinary().raw(Tar::header(kind, b"giant", length), b"x");
            refused(&format!("{} of {length} bytes", char::from(kind)), giant).await;
        }
    }
}

#[tokio::test]
async fn sparse_members_and_lengths_that_contradict_each_other_are_refused() {
    let hole = |key: &str| ordinary().pax(key, b"1099511627776").file("hole", b"x");
    for (what, tar) in [
        ("GNU sparse 1.0", hole("GNU.sparse.realsize")),
        ("GNU sparse map", ordinary().pax("GNU.sparse.map", b"0,1,99,1").file("hole", b"x")),
        ("old GNU sparse", ordinary().member(b'S', b"hole", b"x")),
        ("longer than the tar", hole("size")),
        ("no number", ordinary().pax("size", b"-1").file("hole", b"x")),
        ("too large a number", ordinary().pax("size", b"18446744073709551616").file("hole", b"x")),
        ("several volumes", ordinary().member(b'M', b"more", b"x")),
        ("a record that lies about its length", ordinary().member(PAX, b"pax", b"999 path=x\n")),
        ("a record without a length", ordinary().member(PAX, b"pax", b"path=x\n").file("x", b"x")),
    ] {
        refused(what, tar).await;
    }
}

/// Found by the fuzzer's law: the system takes that number for "leave it as it is".
#[tokio::test]
async fn a_member_of_the_user_that_is_no_user_is_refused() {
    for key in ["uid", "gid"] {
        refused(key, ordinary().pax(key, b"4294967295").file("x", b"x")).await;
    }
}

#[tokio::test]
async fn devices_and_pipes_are_never_made() {
    for (what, kind) in [("character device", b'3'), ("block device", b'4')] {
        refused(what, ordinary().member(kind, b"base/null", b"")).await;
    }
    let bed = stocked(ordinary().member(b'6', b"pipe", b"")).await;
    restore(&bed).await.unwrap();
    assert!(!names(&copy(&bed)).contains(OsStr::new("pipe")));
}

/// Every owner once had a place in memory for good, with a name of up to a mebibyte: a few stored kilobytes
/// took gigabytes.
#[tokio::test]
async fn a_thousand_owners_with_endless_names_take_no_memory() {
    let mut tar = ordinary();
    for n in 0..600 {
        tar = tar.pax("uname", format!("{n}{}", "x".repeat(1_000_000)).as_bytes()).file("same", b"");
    }
    let bed = stocked(ordinary()).await;
    let key = format!("{DATA}.tar");
    let plain = barkeep::store::Key::new(key).unwrap();
    barkeep::store::ObjectStore::delete(&*bed.store, &[plain]).await.unwrap();
    bed.foreign(&format!("{DATA}.tar.zst"), packed(Compression::Zstd, &tar.bytes())).await;
    let most = most_memory(&bed).await;
    assert!((1 << 20..300 << 20).contains(&most), "{} MiB", most >> 20);
}

/// What the program itself takes to restore, in bytes, as the kernel tells while it runs. What it tells
/// afterwards counts what we had when we started it.
async fn most_memory(bed: &Bed) -> u64 {
    let store = bed.dir.path().join("store");
    for key in bed.keys().await {
        let file = store.join(&key);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bed.object(&key).await).unwrap();
    }
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_barkeep"))
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .args(["restore", "--server", "main", "--no-recovery-config", "--memory", "64MiB"])
        .args(["--store", &format!("file://{}", store.display())])
        .arg(copy(bed))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let told = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    loop {
        let status = std::fs::read_to_string(&told).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        most = most.max(line.map_or(0, |kib| kib.trim().parse::<u64>().unwrap() << 10));
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success());
            return most;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn a_bomb_of_a_tar_takes_no_memory() {
    let zeros = vec![0; 200 << 20];
    let bed = stocked(ordinary()).await;
    let key = barkeep::store::Key::new(format!("{DATA}.tar")).unwrap();
    barkeep::store::ObjectStore::delete(&*bed.store, &[key]).await.unwrap();
    let tar = ordinary().file("bomb", &zeros).bytes();
    bed.foreign(&format!("{DATA}.tar.zst"), packed(Compression::Zstd, &tar)).await;
    let most = most_memory(&bed).await;
    assert!((1 << 20..150 << 20).contains(&most), "{} MiB", most >> 20);
}

#[tokio::test]
async fn a_bomb_behind_the_end_of_a_tar_is_refused_in_every_codec() {
    for how in Compression::ALL.into_iter().filter(|how| *how != Compression::Xz) {
        let mut tar = ordinary().bytes();
        // What tar(1) fills its last record with is no bomb.
        tar.resize(tar.len() + (1 << 20), 0);
        for (bomb, behind) in [(false, 0), (true, 17 << 20)] {
            tar.resize(tar.len() + behind, 0);
            let bed = stocked(ordinary()).await;
            let plain = barkeep::store::Key::new(format!("{DATA}.tar")).unwrap();
            barkeep::store::ObjectStore::delete(&*bed.store, &[plain]).await.unwrap();
            bed.foreign(&format!("{DATA}.tar{}", how.suffix()), packed(how, &tar)).await;
            let restored = restore(&bed).await;
            assert_eq!(restored.is_err(), bomb, "{how}");
            assert!(restored.is_ok() || !is_startable(&bed), "{how}");
        }
    }
}

#[tokio::test]
async fn a_bomb_of_a_wal_file_is_refused_in_every_codec_and_leaves_nothing() {
    let name = segment(2);
    let mut bomb = segment_bytes(&name, SYSTEM, SegmentSize::new(MIB).unwrap(), 2);
    bomb.resize(17 << 20, 0);
    let endless = vec![b' '; 17 << 20];
    for how in Compression::ALL {
        let bed = Bed::new();
        let suffix = how.suffix();
        bed.foreign(&format!("main/wals/0000000100000000/{name}{suffix}"), packed(how, &bomb)).await;
        bed.foreign(&format!("main/wals/00000002.history{suffix}"), packed(how, &endless)).await;
        for name in [name.as_str(), "00000002.history"] {
            let e = bed.restore(name).await.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Corrupt, "{how} {name}: {e}");
        }
        assert_eq!(names(&bed.data().join("pg_wal")), [OsString::from("archive_status")].into(), "{how}");
    }
}

/// The header of a few bytes of xz may ask for a dictionary of four gibibytes, which the library takes at
/// once unless it is told how much it may.
#[tokio::test]
async fn a_codec_that_asks_for_gigabytes_is_refused() {
    let mut xz =
        packed(Compression::Xz, &segment_bytes(&segment(2), SYSTEM, SegmentSize::new(MIB).unwrap(), 2));
    // Behind the stream header of 12 bytes: the block header's length, its flags, the filter and its one
    // property, which is the dictionary's size.
    assert_eq!(xz[14..16], [0x21, 1]);
    xz[16] = 40;
    let end = 12 + usize::from(xz[12]) * 4;
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &xz[12..end]);
    xz[end..end + 4].copy_from_slice(&u32::try_from(sum).unwrap().to_le_bytes());
    // A frame that asks for a window of two gibibytes.
    let zstd = [&[0x28, 0xB5, 0x2F, 0xFD, 0x00, 21 << 3][..], &[0x01, 0, 0]].concat();
    for (suffix, body) in [(".xz", xz), (".zst", zstd)] {
        let bed = Bed::new();
        bed.foreign(&format!("main/wals/0000000100000000/{}{suffix}", segment(2)), body).await;
        let e = bed.restore(&segment(2)).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{suffix}: {e}");
        assert!(e.to_string().to_lowercase().contains("memory"), "{suffix}: {e}");
    }
}

#[tokio::test]
async fn records_and_annotations_of_a_hundred_megabytes_are_not_read() {
    let bed = stocked(ordinary()).await;
    let huge = vec![b'#'; 100_000_000];
    bed.foreign(&format!("main/base/{ID}/annotations/keep"), huge.clone()).await;
    let archive = bed.open(ExclusivePut::Trusted, &Patience::default()).await.unwrap();
    let begin = Instant::now();
    let catalog = archive.catalog().await.unwrap();
    // Somebody wanted to keep it, whatever the annotation says.
    assert_eq!(catalog.entries[0].keep, Some(Keep::Full));
    bed.foreign(&format!("main/base/{ID}/backup.info"), huge).await;
    let catalog = archive.catalog().await.unwrap();
    assert!(catalog.entries.is_empty() && catalog.orphans.is_empty());
    assert!(catalog.unreadable[0].error.to_string().contains("100000000 bytes"), "{catalog:?}");
    let e = restore(&bed).await.unwrap_err();
    assert!(!copy(&bed).exists(), "{e}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_manifest_that_names_what_lies_outside_is_refused() {
    for path in ["../outside/precious", "/etc/passwd", "base/../../outside/precious", "", ".", "a\0b"] {
        let bed = stocked(ordinary()).await;
        bed.foreign(MANIFEST, packed(Compression::Zstd, &manifest(&[path], 1))).await;
        let e = restore(&bed).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{path}: {e}");
        assert!(!is_startable(&bed), "{path}");
        nothing_outside(&bed, path);
    }
}

/// It was once written down whole before anybody looked at it.
#[tokio::test]
async fn a_bomb_of_a_manifest_does_not_fill_the_disk() {
    let mut endless = b"{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n".to_vec();
    endless.resize(60_000_000, b' ');
    for bomb in [endless, vec![0; 60_000_000]] {
        let bed = stocked(ordinary()).await;
        bed.foreign(MANIFEST, packed(Compression::Zstd, &bomb)).await;
        // Without a size in the record it is read for the plan.
        let e = restore(&bed).await.unwrap_err();
        assert!(e.kind() == ErrorKind::Corrupt && !copy(&bed).exists(), "{e}");
        publish(&bed, &Backup { cluster_size: Some(1000), ..record() }).await;
        let e = restore(&bed).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}");
        let left = std::fs::metadata(copy(&bed).join(".barkeep-manifest")).unwrap().len();
        assert!(left < 1 << 20, "{left}");
        assert!(!is_startable(&bed) && !copy(&bed).join("PG_VERSION").exists());
    }
}
