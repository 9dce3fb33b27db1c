//! Disks as they are: full, read-only, forbidden, limited, in two pieces, and changing while they are read.
//! The verb says so, with the path and what to do, leaves nothing half done, and succeeds once it is mended.
//!
//! What cannot be brought about without rights over the machine, such as EIO, is injected by `points.rs`.
//! Needs the servers of `make servers`.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod bed;
mod common;

use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bed::{Bed, SYSTEM};
use common::barkeep::Barkeep;
use common::invariants::{Inspector, ids_done};
use common::pg::{NEWEST, Server};
use common::{Scratch, give_to_postgres, must, run};

const PATIENCE: Duration = Duration::from_mins(1);
const ONE: &str = "000000010000000000000001";
const TWO: &str = "000000010000000000000002";

/// A data directory with two segments of 1 MiB, a spool, and a directory as the store.
struct Machine {
    bed: Bed,
    spool: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let bed = Bed::new();
        std::fs::create_dir(bed.dir.path().join("store")).unwrap();
        for (n, name) in [ONE, TWO].iter().enumerate() {
            bed.segment_with(name, SYSTEM, n as u64 + 1);
        }
        Self { spool: bed.spool(), bed }
    }

    fn store(&self) -> PathBuf {
        self.bed.dir.path().join("store")
    }

    /// A command in the data directory, in the environment that PostgreSQL would give it.
    fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.bed.data())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("BARKEEP_STORE", format!("file://{}", self.store().display()))
            .env("BARKEEP_SERVER", "main")
            .env("BARKEEP_SPOOL", &self.spool)
            .stdin(Stdio::null());
        command
    }

    fn barkeep(&self, words: &[&str]) -> Command {
        self.command(env!("CARGO_BIN_EXE_barkeep"), words)
    }

    /// The binary, after this line of a shell.
    fn after(&self, line: &str, words: &[&str]) -> Output {
        let script = format!("{line} && exec \"$0\" \"$@\"");
        let words = [&["-c", &script, env!("CARGO_BIN_EXE_barkeep")], words].concat();
        run(&mut self.command("sh", &words), PATIENCE)
    }

    /// The binary, where this is mounted in the place of the store, which is listed at the end.
    fn with_store_on(&self, options: &str, words: &[&str]) -> Output {
        let store = self.store();
        let script = format!(
            "mount -t tmpfs -o {options} tmpfs '{0}' && \"$0\" \"$@\"; status=$?; find '{0}' -type f; exit $status",
            store.display()
        );
        let words = [&["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_barkeep")], words].concat();
        run(&mut self.command("unshare", &words), PATIENCE)
    }

    /// The binary without root's right to pass over the rights of files.
    fn without_privileges(&self, words: &[&str]) -> Output {
        if !rustix::process::geteuid().is_root() {
            return run(&mut self.barkeep(words), PATIENCE);
        }
        let drop = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"];
        let words = [&drop[..], &[env!("CARGO_BIN_EXE_barkeep")], words].concat();
        run(&mut self.command("setpriv", &words), PATIENCE)
    }

    fn archive(&self, name: &str) {
        must(&mut self.barkeep(&["wal-archive", &format!("pg_wal/{name}")]), PATIENCE);
    }

    /// Restores as PostgreSQL does during recovery, and compares.
    fn restore(&self, name: &str) {
        must(&mut self.barkeep(&["wal-restore", name, "pg_wal/RECOVERYXLOG"]), PATIENCE);
        assert!(
            self.bed.restored() == std::fs::read(self.bed.wal(name)).unwrap(),
            "{name} came back changed"
        );
    }

    fn begin_recovery(&self) {
        std::fs::write(self.bed.data().join("recovery.signal"), "").unwrap();
    }
}

/// A failure is told with this status and all of these words.
fn told(output: &Output, status: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{}: {text}", output.status);
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Whether a file system can be mounted without asking for a user namespace, which many systems refuse.
fn can_mount() -> bool {
    let mut attempt = Command::new("unshare");
    attempt.args(["--mount", "mount", "-t", "tmpfs", "tmpfs"]).arg(std::env::temp_dir());
    attempt.stdout(Stdio::null()).stderr(Stdio::null());
    rustix::process::geteuid().is_root() && attempt.status().is_ok_and(|status| status.success())
}

/// The limit on file sizes killed the process with SIGXFSZ, of which PostgreSQL's archiver dies too.
#[test]
fn a_limit_on_file_sizes_is_told_and_kills_nobody() {
    let machine = Machine::new();
    let limited = machine.after("ulimit -f 100", &["wal-archive", &format!("pg_wal/{ONE}")]);
    told(&limited, 8, &["store/main/wals", "File too large", "ulimit -f"]);
    assert_eq!(files(&machine.store()), [""; 0].map(PathBuf::from));
    machine.archive(ONE);
    machine.begin_recovery();
    let limited = machine.after("ulimit -f 100", &["wal-restore", ONE, "pg_wal/RECOVERYXLOG"]);
    told(&limited, 126, &["pg_wal/", "File too large", "ulimit -f"]);
    let left = files(&machine.bed.data().join("pg_wal"));
    assert!(left.iter().all(|path| !path.display().to_string().contains("barkeep-tmp")), "{left:?}");
    assert!(!machine.bed.wal("RECOVERYXLOG").exists());
    machine.restore(ONE);
}

#[test]
fn a_store_that_is_full_or_mounted_read_only_is_told_and_keeps_nothing() {
    // Who cannot mount has the injected errors of `points.rs`, and the directory below.
    if can_mount() {
        let machine = Machine::new();
        let words = ["wal-archive", "pg_wal/000000010000000000000001"];
        let full = machine.with_store_on("size=64k", &words);
        told(&full, 8, &["No space left", "free space", "store/main/wals"]);
        assert_eq!(String::from_utf8_lossy(&full.stdout), "", "what is left on the full disk");
        told(&machine.with_store_on("ro", &words), 8, &["Read-only file system", "mount that file system"]);
        machine.archive(ONE);
    }
    let machine = Machine::new();
    std::fs::set_permissions(machine.store(), Permissions::from_mode(0o555)).unwrap();
    let denied = machine.without_privileges(&["wal-archive", &format!("pg_wal/{ONE}")]);
    std::fs::set_permissions(machine.store(), Permissions::from_mode(0o755)).unwrap();
    told(&denied, 5, &["Permission denied", "store/main", "the right to read and write there"]);
    assert_eq!(files(&machine.store()), [""; 0].map(PathBuf::from));
    machine.archive(ONE);
}

/// A name that cannot be flushed, since its folder cannot be opened, must not count as archived.
#[test]
fn a_folder_of_the_store_that_may_be_written_but_not_read_is_told_and_keeps_nothing() {
    let machine = Machine::new();
    machine.archive(ONE);
    let folder = machine.store().join("main/wals/0000000100000000");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o300)).unwrap();
    let denied = machine.without_privileges(&["wal-archive", &format!("pg_wal/{TWO}")]);
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    told(&denied, 5, &["Permission denied", "0000000100000000", "the right to read and write there"]);
    assert_eq!(files(&folder).len(), 1, "{:?}", files(&folder));
    machine.archive(TWO);
}

#[test]
fn a_destination_that_may_not_be_written_stops_recovery() {
    let machine = Machine::new();
    machine.archive(ONE);
    machine.begin_recovery();
    let folder = machine.bed.data().join("pg_wal");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let denied = machine.without_privileges(&["wal-restore", ONE, "pg_wal/RECOVERYXLOG"]);
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    told(&denied, 126, &["pg_wal/", "Permission denied", "the right to read and write there"]);
    machine.restore(ONE);
}

#[test]
fn a_segment_is_handed_over_from_a_spool_on_another_file_system() {
    let elsewhere = tempfile::Builder::new().prefix("barkeep-").tempdir_in("/dev/shm").unwrap();
    let machine = Machine { spool: elsewhere.path().join("spool"), ..Machine::new() };
    let device = |path: &Path| std::fs::metadata(path).unwrap().dev();
    assert_ne!(device(elsewhere.path()), device(&machine.bed.data()), "/dev/shm is a file system of its own");
    machine.archive(ONE);
    machine.archive(TWO);
    machine.begin_recovery();
    machine.restore(ONE);
    let ahead = || files(&machine.spool).into_iter().any(|path| path.ends_with(TWO));
    for _ in 0..300 {
        if ahead() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(ahead(), "nothing was fetched ahead");
    std::fs::remove_dir_all(machine.store()).unwrap();
    machine.restore(TWO);
    assert!(!ahead(), "what was handed over stays in the spool");
    let left = files(&machine.bed.data().join("pg_wal"));
    assert!(left.iter().all(|path| !path.display().to_string().contains("barkeep-tmp")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_vanish_shrink_and_grow_during_a_backup_do_it_no_harm_and_a_forbidden_one_is_told() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    let mut primary = Server::init(&scratch, NEWEST, 1, &barkeep);
    let _client = primary.start().await;
    let (base, store) = (primary.data().join("base/5"), barkeep.store().await);
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let restless = scope.spawn(|| {
            let mut rounds = 0_u32;
            while !enough.load(Ordering::Relaxed) {
                change(&base, rounds);
                rounds += 1;
            }
            rounds
        });
        for name in ["one", "two", "three"] {
            barkeep.must_back_up(&primary.sockets(), name, &["--manifest-checksums", "sha256"]);
        }
        enough.store(true, Ordering::Relaxed);
        assert!(restless.join().unwrap() > 10, "the files were restless");
    });
    Inspector::default().insist(&*store, "files vanished, shrank and grew").await;
    assert_eq!(ids_done(&*store).await.len(), 3);

    let forbidden = base.join("777777");
    std::fs::write(&forbidden, "secret").unwrap();
    std::fs::set_permissions(&forbidden, Permissions::from_mode(0o000)).unwrap();
    let refused = run(&mut barkeep.backup_command(&primary.sockets(), "four", &[]), PATIENCE);
    told(&refused, 8, &["base/5/777777", "Permission denied", "the right to read"]);
    assert_eq!(ids_done(&*store).await.len(), 3, "a backup without a file is no backup");
    Inspector::default().insist(&*store, "a file could not be read").await;
    std::fs::remove_file(forbidden).unwrap();
    barkeep.must_back_up(&primary.sockets(), "five", &["--manifest-checksums", "sha256"]);
    Inspector::default().insist(&*store, "the file is gone").await;
}

/// Files such as relations are, of which one grows, one shrinks and one vanishes in every round.
fn change(base: &Path, round: u32) {
    let file = |n: u32| base.join(format!("{}", 888_000 + n % 20));
    let page = vec![0_u8; 8192];
    let mut grown = OpenOptions::new().create(true).append(true).open(file(round)).unwrap();
    for _ in 0..64 {
        grown.write_all(&page).unwrap();
    }
    give_to_postgres(&file(round));
    if let Ok(shrunk) = OpenOptions::new().write(true).open(file(round + 7)) {
        shrunk.set_len(8192).unwrap();
    }
    let _ = std::fs::remove_file(file(round + 13));
    std::thread::sleep(Duration::from_millis(2));
}
