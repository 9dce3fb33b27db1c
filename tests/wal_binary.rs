//! The real binary on a directory store: what processes do to each other, to a spool that fails, and
//! how much memory they take.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "a measuring child tells its parent so")]

mod bed;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use barkeep::model::SegmentSize;
use bed::{Bed, OTHER_SYSTEM, SYSTEM, segment_bytes};
use wait4::Wait4;

/// Peak memory that either command may hold besides the program's own pages, with segments of 16 MiB and with any
/// other size too: the 96 MiB of a call less what the optimised program takes up to print its version.
const MOST_MEMORY: u64 = (96 - 6) << 20;

fn name(n: u32) -> String {
    format!("0000000100000000{n:08X}")
}

/// A data directory, a spool, and a directory as the store.
struct Machine {
    bed: Bed,
    store: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let bed = Bed::new();
        let store = bed.dir.path().join("store");
        std::fs::create_dir(&store).unwrap();
        Self { bed, store }
    }

    /// Another machine with the same store.
    fn beside(&self) -> Self {
        Self { store: self.store.clone(), ..Self::new() }
    }

    /// The binary as PostgreSQL calls it: in the data directory, by relative paths.
    fn barkeep(&self, words: &[&str]) -> Command {
        self.through(Command::new(env!("CARGO_BIN_EXE_barkeep")), words)
    }

    fn through(&self, mut command: Command, words: &[&str]) -> Command {
        command
            .args(words)
            .current_dir(self.bed.data())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("BARKEEP_STORE", format!("file://{}", self.store.display()))
            .env("BARKEEP_SERVER", "main")
            .env("BARKEEP_SPOOL", self.bed.spool())
            .stdin(Stdio::null());
        command
    }

    fn archive(&self, name: &str) -> Output {
        self.barkeep(&["wal-archive", &format!("pg_wal/{name}")]).output().unwrap()
    }

    fn archived(&self, name: &str) {
        let output = self.archive(name);
        assert!(output.status.success(), "{}", told(&output));
    }

    fn restore(&self, name: &str) -> Output {
        self.barkeep(&["wal-restore", name, "pg_wal/RECOVERYXLOG"]).output().unwrap()
    }

    /// Restores a segment and compares it with the file it was archived from.
    fn comes_back(&self, name: &str) {
        let output = self.restore(name);
        assert!(output.status.success(), "{name}: {}", told(&output));
        assert!(
            self.bed.restored() == std::fs::read(self.bed.wal(name)).unwrap(),
            "{name} came back changed"
        );
    }

    /// The same command on a spool that fails in this way; what it says must show that it did.
    ///
    /// Root mounts a file system that is full or read-only, in a namespace that ends with the command:
    /// what happens is what happens on such a disk. Nobody else can, and in a container not even root;
    /// then the directories that would take new files are made unwritable. That proves that a spool
    /// to which nothing can be added stops nothing, and leaves open what is particular to a full disk:
    /// a file that can be made but not filled.
    fn with_spool(&self, fails: Fails, words: &[&str]) -> Output {
        let (output, sign) = match fails {
            Fails::Full if can_mount() => (self.with_mounted("size=4k,nr_inodes=3", words), "No space left"),
            Fails::ReadOnly if can_mount() => (self.with_mounted("ro", words), "Read-only"),
            _ => (self.with_unwritable(fails, words), "Permission denied"),
        };
        assert!(output.status.success(), "{}", told(&output));
        assert!(told(&output).contains(sign), "the spool did not fail: {}", told(&output));
        output
    }

    fn with_mounted(&self, options: &str, words: &[&str]) -> Output {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-c"]);
        unshare.arg(format!(
            "mount -t tmpfs -o mode=0700,{options} tmpfs '{}' && exec \"$0\" \"$@\"",
            self.bed.spool().display()
        ));
        unshare.arg(env!("CARGO_BIN_EXE_barkeep"));
        self.through(unshare, words).output().unwrap()
    }

    /// Read-only is an empty spool, full is one whose folders are there from better days; neither takes
    /// anything new.
    fn with_unwritable(&self, fails: Fails, words: &[&str]) -> Output {
        let spool = self.bed.spool();
        if fails == Fails::ReadOnly {
            std::fs::remove_dir_all(&spool).unwrap();
            std::fs::create_dir(&spool).unwrap();
        }
        for folder in folders(&spool) {
            clear_of_files(&folder);
            std::fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap();
        }
        // Root writes wherever it likes as long as it has these capabilities.
        let mut bound = Command::new("setpriv");
        bound.args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]);
        bound.arg(env!("CARGO_BIN_EXE_barkeep"));
        let command = if is_root() { self.through(bound, words) } else { self.barkeep(words) };
        let output = { command }.output().unwrap();
        for folder in folders(&spool) {
            std::fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
        }
        output
    }
}

/// How a spool fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fails {
    Full,
    ReadOnly,
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a file system can be mounted without asking for a user namespace, which many systems refuse.
fn can_mount() -> bool {
    let mut attempt = Command::new("unshare");
    attempt.args(["--mount", "mount", "-t", "tmpfs", "tmpfs"]).arg(std::env::temp_dir());
    attempt.stdout(Stdio::null()).stderr(Stdio::null());
    is_root() && attempt.status().is_ok_and(|status| status.success())
}

/// A folder and all folders below it, the outermost first.
fn folders(root: &Path) -> Vec<PathBuf> {
    let mut all = vec![root.to_path_buf()];
    let mut next = 0;
    while let Some(folder) = all.get(next).cloned() {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        all.extend(entries.filter(|path| path.is_dir()));
        next += 1;
    }
    all
}

fn clear_of_files(folder: &Path) {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in entries.filter(|path| !path.is_dir()) {
        std::fs::remove_file(file).unwrap();
    }
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}: {}{}", output.status, text(&output.stdout), text(&output.stderr))
}

#[test]
fn an_archiver_killed_at_any_instant_leaves_nothing_that_the_next_one_cannot_finish() {
    let machine = Machine::new();
    let names: Vec<_> = (1..=24).map(name).collect();
    for name in &names {
        machine.bed.segment(name);
    }
    // As PostgreSQL does: the oldest file that is not archived, again and again.
    let mut killed = 0;
    for (round, name) in names.iter().cycle().take(60).enumerate() {
        let mut child = machine.barkeep(&["wal-archive", &format!("pg_wal/{name}")]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round as u64 * 7 % 53));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().signal() == Some(9));
    }
    assert!(killed > 10, "only {killed} of 60 were killed before they had ended");
    for name in &names {
        machine.archived(name);
    }
    for name in &names {
        machine.comes_back(name);
    }
}

#[test]
fn two_archivers_racing_for_one_segment_both_succeed() {
    let (one, two) = {
        let one = Machine::new();
        let two = one.beside();
        (one, two)
    };
    for n in 1..=12 {
        for machine in [&one, &two] {
            machine.bed.segment(&name(n));
        }
        let spawn =
            |m: &Machine| m.barkeep(&["wal-archive", &format!("pg_wal/{}", name(n))]).spawn().unwrap();
        let children: [Child; 2] = [spawn(&one), spawn(&two)];
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        one.comes_back(&name(n));
    }
}

#[test]
fn of_two_archivers_racing_with_different_content_exactly_one_succeeds() {
    let one = Machine::new();
    let two = one.beside();
    for n in 1..=12 {
        one.bed.segment_with(&name(n), SYSTEM, 1);
        two.bed.segment_with(&name(n), SYSTEM, 2);
        let spawn =
            |m: &Machine| m.barkeep(&["wal-archive", &format!("pg_wal/{}", name(n))]).spawn().unwrap();
        let mut codes = [spawn(&one), spawn(&two)].map(|mut child| child.wait().unwrap().code().unwrap());
        codes.sort_unstable();
        assert_eq!(codes, [0, 3], "segment {n}");
    }
}

#[test]
fn a_conflict_and_a_foreign_archive_end_with_status_3_and_say_what_to_do() {
    let machine = Machine::new();
    machine.bed.segment(&name(1));
    machine.archived(&name(1));
    machine.bed.segment_with(&name(1), SYSTEM, 9);
    let conflict = machine.archive(&name(1));
    assert_eq!(conflict.status.code(), Some(3));
    assert!(
        told(&conflict).contains("first at LSN") && told(&conflict).contains("hint:"),
        "{}",
        told(&conflict)
    );

    let other = machine.beside();
    other.bed.segment_with(&name(2), OTHER_SYSTEM, 1);
    let foreign = other.archive(&name(2));
    assert_eq!(foreign.status.code(), Some(3));
    assert!(told(&foreign).contains("belongs to another cluster"), "{}", told(&foreign));
}

#[test]
fn a_full_spool_disk_stops_neither_archiving_nor_restoring() {
    a_failing_spool_stops_nothing(Fails::Full);
}

#[test]
fn a_read_only_spool_stops_neither_archiving_nor_restoring() {
    a_failing_spool_stops_nothing(Fails::ReadOnly);
}

fn a_failing_spool_stops_nothing(fails: Fails) {
    let machine = Machine::new();
    // The better days: they leave the spool's folders behind.
    machine.bed.segment(&name(99));
    machine.archived(&name(99));
    let restored = machine.barkeep(&["wal-restore", "--window=0", &name(99), "pg_wal/RECOVERYXLOG"]).output();
    assert!(restored.unwrap().status.success());
    for n in 1..=6 {
        machine.bed.segment(&name(n));
    }
    for n in 1..=6 {
        machine.with_spool(fails, &["wal-archive", &format!("pg_wal/{}", name(n))]);
    }
    for n in 1..=6 {
        machine.with_spool(fails, &["wal-restore", &name(n), "pg_wal/RECOVERYXLOG"]);
        assert!(machine.bed.restored() == std::fs::read(machine.bed.wal(&name(n))).unwrap());
    }
}

#[test]
fn segments_of_1_mib_16_mib_and_1_gib_come_back_within_the_memory_bound() {
    for mib in [1, 16, 1024] {
        let machine = Machine::new();
        let size = SegmentSize::new(mib << 20).unwrap();
        let plain = segment_bytes(&name(1), SYSTEM, size, 5);
        std::fs::write(machine.bed.wal(&name(1)), &plain).unwrap();
        machine.bed.ready(&name(1));
        drop(plain);
        let archived = held(&machine, &["wal-archive", &format!("pg_wal/{}", name(1))]);
        let restored = held(&machine, &["wal-restore", "--window=0", &name(1), "pg_wal/RECOVERYXLOG"]);
        assert!(archived <= MOST_MEMORY, "archiving {mib} MiB took {archived} bytes");
        assert!(restored <= MOST_MEMORY, "restoring {mib} MiB took {restored} bytes");
        assert!(same(&machine.bed.wal(&name(1)), &machine.bed.wal("RECOVERYXLOG")), "{mib} MiB");
    }
}

#[test]
fn a_backlog_of_16_mib_segments_is_archived_within_the_memory_bound() {
    let machine = Machine::new();
    for n in 1..=18 {
        let plain = incompressible(&name(n));
        std::fs::write(machine.bed.wal(&name(n)), plain).unwrap();
        machine.bed.ready(&name(n));
    }
    for n in [1, 2, 7, 16] {
        let taken = held(&machine, &["wal-archive", &format!("pg_wal/{}", name(n))]);
        assert!(taken <= MOST_MEMORY, "call {n} took {taken} bytes");
    }
}

#[test]
fn twenty_thousand_waiting_files_are_no_trouble() {
    let machine = Machine::new();
    for n in 1..=40 {
        machine.bed.segment(&name(n));
    }
    for n in 41..20_000_u32 {
        machine.bed.ready(&format!("00000001{:08X}{:08X}", n / 4096, n % 4096));
    }
    let begun = Instant::now();
    for n in 1..=32 {
        machine.archived(&name(n));
    }
    assert!(begun.elapsed() < Duration::from_mins(1), "32 calls took {:?}", begun.elapsed());
    let stored = std::fs::read_dir(machine.store.join("main/wals/0000000100000000")).unwrap().count();
    assert!(stored >= 32, "{stored} are stored");
}

#[test]
fn the_filler_leaves_its_caller_at_once_and_ends_by_itself() {
    let machine = Machine::new();
    for n in 1..=9 {
        machine.bed.segment(&name(n));
        machine.archived(&name(n));
    }
    // `output` waits until the last holder of the pipes has closed them.
    let begun = Instant::now();
    machine.comes_back(&name(1));
    assert!(begun.elapsed() < Duration::from_secs(5), "the caller waited {:?}", begun.elapsed());

    // What is open in it but its own files and /dev/null: nothing, once it has let go.
    let foreign = |fds: std::fs::ReadDir| {
        let open = fds.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok());
        open.filter(|path| path != Path::new("/dev/null") && !path.starts_with(machine.bed.dir.path()))
            .filter(|path| !path.to_string_lossy().starts_with("anon_inode:"))
            .filter(|path| !path.to_string_lossy().starts_with("socket:"))
            .count()
    };
    let free = || {
        let filler = fillers(&machine.bed.spool()).pop()?;
        (foreign(std::fs::read_dir(filler.join("fd")).ok()?) == 0).then_some(())
    };
    within("a filler is at work and holds nothing of its caller's", Duration::from_secs(10), free);

    let spooled = || {
        let folder = std::fs::read_dir(machine.bed.spool().join("restore")).ok()?.next()?.ok()?.path();
        folder.join("00000001").join(name(3)).exists().then_some(())
    };
    within("the window is filled", Duration::from_secs(20), spooled);
    machine.comes_back(&name(2));
    within("the filler ends", Duration::from_secs(40), || {
        fillers(&machine.bed.spool()).is_empty().then_some(())
    });
}

#[test]
fn a_search_ends_in_good_order_when_it_is_asked_to() {
    use rustix::process::{Pid, Signal, kill_process};

    let machine = Machine::new();
    for n in 1..=3 {
        machine.bed.segment(&name(n));
        machine.archived(&name(n));
    }
    for signal in [Signal::INT, Signal::TERM] {
        // So slow that it would take days.
        let mut search = machine.barkeep(&["wal-find", "--drops", "--max-rate=1"]);
        let mut search = search.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let status = format!("/proc/{}/status", search.id());
        within("it catches signals", Duration::from_secs(20), || {
            let status = std::fs::read_to_string(&status).ok()?;
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim();
            let caught = u64::from_str_radix(caught, 16).unwrap();
            (caught >> (Signal::TERM.as_raw() - 1) & 1 == 1).then_some(())
        });
        assert!(search.try_wait().unwrap().is_none(), "it is not slow");
        kill_process(Pid::from_child(&search), signal).unwrap();
        let end = within("it ends", Duration::from_secs(20), || search.try_wait().unwrap());
        let output = search.wait_with_output().unwrap();
        assert_eq!(end.signal(), Some(signal.as_raw()), "{}", told(&output));
        assert!(told(&output).contains("interrupted by a signal"), "{}", told(&output));
    }
}

#[test]
fn an_outage_stops_recovery_and_not_a_standby() {
    let machine = Machine::new();
    machine.bed.segment(&name(1));
    machine.archived(&name(1));
    std::fs::rename(&machine.store, machine.store.with_extension("away")).unwrap();
    assert_eq!(machine.restore(&name(1)).status.code(), Some(126), "no signal file");
    std::fs::write(machine.bed.data().join("recovery.signal"), "").unwrap();
    assert_eq!(machine.restore(&name(1)).status.code(), Some(126));
    assert_eq!(machine.restore("00000002.history").status.code(), Some(126));
    std::fs::write(machine.bed.data().join("standby.signal"), "").unwrap();
    let code = machine.restore(&name(1)).status.code().unwrap();
    assert!((1..=125).contains(&code), "{code}");
    std::fs::rename(machine.store.with_extension("away"), &machine.store).unwrap();
    assert_eq!(machine.restore(&name(2)).status.code(), Some(1), "a proven miss");
    machine.comes_back(&name(1));
}

#[test]
fn a_volume_that_is_not_mounted_any_more_is_not_archived_to() {
    let machine = Machine::new();
    for n in 1..=4 {
        machine.bed.segment(&name(n));
    }
    for n in 1..=2 {
        machine.archived(&name(n));
    }
    // The mount point is there, and nothing in it.
    std::fs::rename(&machine.store, machine.store.with_extension("volume")).unwrap();
    std::fs::create_dir(&machine.store).unwrap();
    let output = machine.archive(&name(4));
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("mounted"), "{}", told(&output));
    assert_eq!(std::fs::read_dir(&machine.store).unwrap().count(), 0);
    assert_eq!(machine.restore(&name(1)).status.code(), Some(126));
}

#[test]
fn a_broken_object_stops_recovery_and_not_a_standby() {
    let machine = Machine::new();
    machine.bed.segment(&name(1));
    machine.archived(&name(1));
    let object = machine.store.join(format!("main/wals/0000000100000000/{}.zst", name(1)));
    let whole = std::fs::read(&object).unwrap();
    std::fs::write(&object, &whole[..whole.len() / 2]).unwrap();
    std::fs::write(machine.bed.data().join("recovery.signal"), "").unwrap();
    assert_eq!(machine.restore(&name(1)).status.code(), Some(126));
    let on_error = |what: &str| {
        let words = ["wal-restore", what, &name(1), "pg_wal/RECOVERYXLOG"];
        machine.barkeep(&words).output().unwrap().status.code()
    };
    assert_eq!(on_error("--on-error=continue"), Some(6));
    std::fs::write(machine.bed.data().join("standby.signal"), "").unwrap();
    assert_eq!(machine.restore(&name(1)).status.code(), Some(6));
    assert_eq!(on_error("--on-error=stop"), Some(126));
    assert!(!machine.bed.wal("RECOVERYXLOG").exists());
}

/// Makes this test binary measure a command instead of testing.
const MEASURE: &str = "BARKEEP_TEST_MEASURE";

/// Not a test of its own: runs the command it is given and prints the most memory that it held. The
/// kernel counts the memory of whoever starts a process into that process's peak, so a small process
/// must start it, not the one that holds the segments of all tests.
#[test]
fn measure() {
    let Ok(words) = std::env::var(MEASURE) else { return };
    let mut words = words.split('\n');
    let mut child = Command::new(words.next().unwrap()).args(words).spawn().unwrap();
    let ended = child.wait4().unwrap();
    assert!(ended.status.success(), "{}", ended.status);
    println!("peak={}", ended.rusage.maxrss);
}

/// The most memory a command holds besides the program itself, in bytes. The code of a build that is not optimised
/// takes four times as much of it, and says nothing about what a call holds.
fn held(machine: &Machine, words: &[&str]) -> u64 {
    peak(machine, words).saturating_sub(peak(machine, &["--version"]))
}

/// Runs the binary to its successful end and gives the most memory it took, in bytes.
fn peak(machine: &Machine, words: &[&str]) -> u64 {
    let all = [&[env!("CARGO_BIN_EXE_barkeep")], words].concat().join("\n");
    let mut measuring = Command::new(std::env::current_exe().unwrap());
    measuring.args(["--exact", "measure", "--nocapture"]);
    let output = machine.through(measuring, &[]).env(MEASURE, all).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let peak = text.lines().find_map(|line| line.split("peak=").nth(1));
    peak.unwrap_or_else(|| panic!("{}", told(&output))).trim().parse().unwrap()
}

/// A segment that no codec makes smaller.
fn incompressible(name: &str) -> Vec<u8> {
    let mut plain = segment_bytes(name, SYSTEM, SegmentSize::DEFAULT, 7);
    let mut state = 88_172_645_463_325_252_u64;
    for chunk in plain[64..].chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    plain
}

/// Whether two files have the same bytes, without holding them.
fn same(a: &Path, b: &Path) -> bool {
    Command::new("cmp").args([a, b]).status().unwrap().success()
}

/// The fillers of a spool, as folders of `/proc`.
fn fillers(spool: &Path) -> Vec<PathBuf> {
    let spool = spool.to_string_lossy().into_owned();
    let is_filler = |process: &PathBuf| {
        let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains("wal-prefetch") && words.contains(&spool)
    };
    std::fs::read_dir("/proc").unwrap().flatten().map(|e| e.path()).filter(is_filler).collect()
}

fn within<T>(what: &str, time: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + time;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {time:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
