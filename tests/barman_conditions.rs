//! What a pod gives the nine programs to live on (spec/cloudnativepg.md 1.5): a root that cannot be written
//! to, a user whom nobody knows, no HOME, no TMPDIR, no PATH, and callers who do not wait or have gone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bed;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/programs.rs"]
mod programs;
#[path = "common/s3.rs"]
mod s3;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bed::Bed;
use hyper::Method;
use programs::PROGRAMS;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use s3::{ACCESS_KEY, BUCKET, Fault, S3, SECRET_KEY};

/// No system has an account with this number.
const NOBODY: u32 = 426_042;

/// How long one program may take here.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon a program that is told to end has ended.
const GRACE: Duration = Duration::from_secs(5);

/// The longest line that the plugin's logger can read, in bytes.
const LONGEST_LINE: usize = 1 << 20;

fn name(n: u32) -> String {
    format!("0000000100000000{n:08X}")
}

/// A container: the links, a data directory, one directory that may be written to, and a store.
struct Container {
    bed: Bed,
    s3: S3,
}

impl Container {
    async fn start() -> Self {
        let container = Self { bed: Bed::new(), s3: S3::start().await };
        let root = container.root();
        std::fs::create_dir(root.join("bin")).unwrap();
        std::fs::create_dir(root.join("controller")).unwrap();
        let binary = root.join("bin/barkeep");
        let built = env!("CARGO_BIN_EXE_barkeep");
        // A checkout may be where only we can go.
        std::fs::hard_link(built, &binary).or_else(|_| std::fs::copy(built, &binary).map(drop)).unwrap();
        for program in PROGRAMS {
            std::os::unix::fs::symlink("barkeep", container.link(program)).unwrap();
        }
        std::fs::set_permissions(root, Permissions::from_mode(0o755)).unwrap();
        if geteuid().is_root() {
            chown(container.controller(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        container
    }

    fn root(&self) -> &Path {
        self.bed.dir.path()
    }

    /// The only directory that may be written to.
    fn controller(&self) -> PathBuf {
        self.root().join("controller")
    }

    fn link(&self, program: &str) -> PathBuf {
        self.root().join(format!("bin/barman-cloud-{program}"))
    }

    /// A program as a container starts it: in a directory that is not its own, by somebody without a name.
    /// Root alone can be somebody else; anybody else is nobody special, but has a name.
    fn command(&self, program: &str, options: &[&str], words: &[&str]) -> Command {
        let mut command = Command::new(self.link(program));
        self.prepare(&mut command);
        command.arg0(format!("barman-cloud-{program}")).args(self.words(options, words));
        command
    }

    fn words(&self, options: &[&str], words: &[&str]) -> Vec<String> {
        let (endpoint, destination) = (self.s3.endpoint(), format!("s3://{BUCKET}/some/path"));
        let place = ["--endpoint-url", &endpoint, "--cloud-provider", "aws-s3", &destination, "main"];
        [options, &place, words].concat().into_iter().map(str::to_owned).collect()
    }

    fn prepare(&self, command: &mut Command) {
        command
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("TMPDIR", "/there/is/no/such/place")
            .env("MARK", self.root())
            .current_dir("/")
            .stdin(Stdio::null());
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
    }

    fn run(&self, program: &str, options: &[&str], words: &[&str]) -> Output {
        finish(spawn(&mut self.command(program, options, words)), PATIENCE)
    }

    fn archive(&self, name: &str) -> Output {
        self.run("wal-archive", &["--gzip"], &[self.bed.wal(name).to_str().unwrap()])
    }

    fn restore(&self, name: &str, options: &[&str]) -> Output {
        self.run("wal-restore", options, &[name, self.destination().to_str().unwrap()])
    }

    fn destination(&self) -> PathBuf {
        self.controller().join("RECOVERYXLOG")
    }

    /// Everything that can be told apart in the places where somebody without rights may write.
    fn places(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut folders = vec![self.root().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in entries(&folder) {
                let metadata = path.symlink_metadata().unwrap();
                seen.insert(format!("{} {} {}", path.display(), metadata.ino(), metadata.len()));
                if metadata.is_dir() {
                    folders.push(path);
                }
            }
        }
        for folder in ["/", "/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/var/lock"] {
            let strangers = entries(Path::new(folder))
                .into_iter()
                .filter(|path| path.symlink_metadata().is_ok_and(|metadata| metadata.uid() == NOBODY));
            seen.extend(strangers.map(|path| path.display().to_string()));
        }
        seen
    }

    /// The processes that programs of this container left behind.
    fn left_behind(&self) -> Vec<i32> {
        let mark = format!("MARK={}", self.root().display()).into_bytes();
        let pids = entries(Path::new("/proc")).into_iter();
        let pids = pids.filter_map(|path| path.file_name()?.to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|all| all.split(|byte| *byte == 0).any(|word| word == mark))
        })
        .collect()
    }

    /// Where the store keeps the WAL it has.
    fn wal_objects(&self) -> Vec<String> {
        let wal = self.s3.folder("some/path/main/wals");
        let folders = entries(&wal).into_iter();
        folders.flat_map(|folder| entries(&folder)).map(|path| path.display().to_string()).collect()
    }
}

/// What is in a directory; nothing when it is not there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a program has ended and nobody holds its output any more.
fn finish(child: Child, limit: Duration) -> Output {
    let pid = Pid::from_child(&child);
    let (send, receive) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || send.send(child.wait_with_output().unwrap()));
    let output = receive.recv_timeout(limit).unwrap_or_else(|_| {
        let _ = kill_process(pid, Signal::KILL);
        panic!("it has not ended within {limit:?}, or somebody holds its output")
    });
    waiting.join().unwrap().unwrap();
    must_be_a_log(&output);
    output
}

/// Every line can be read, says when, who and how bad, and keeps the secret.
fn must_be_a_log(output: &Output) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(!text.contains(SECRET_KEY), "the secret was told: {text}");
    let mut lines = text.lines().peekable();
    if let Some(first) = lines.peek()
        && !first.starts_with("usage:")
    {
        let mut words = first.split(' ');
        let date = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S,%f", &date)
            .unwrap_or_else(|e| panic!("{e}: {first}"));
        let pid = words.next().unwrap().strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        assert!(pid.is_some_and(|pid| pid.parse::<u32>().is_ok()), "no process: {first}");
        let level = words.next().unwrap();
        assert!(["DEBUG:", "INFO:", "WARNING:", "ERROR:", "CRITICAL:"].contains(&level), "no level: {first}");
    }
    let longest = lines.map(str::len).max().unwrap_or_default();
    assert!(longest < LONGEST_LINE, "a line of {longest} bytes");
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wal_goes_out_and_comes_back_and_nothing_else_is_written() {
    let container = Container::start().await;
    container.bed.segment(&name(1));
    let before = container.places();
    succeeds(&container.archive(&name(1)));
    assert_eq!(container.places(), before, "archiving wrote something");

    succeeds(&container.restore(&name(1), &[]));
    let restored = std::fs::read(container.destination()).unwrap();
    assert!(restored == std::fs::read(container.bed.wal(&name(1))).unwrap(), "it came back changed");
    std::fs::remove_file(container.destination()).unwrap();
    assert_eq!(container.places(), before, "restoring wrote more than the one file");

    let miss = container.restore(&name(2), &[]);
    assert_eq!(miss.status.code(), Some(1), "{miss:?}");
    assert_eq!(container.places(), before, "a miss wrote something");
    assert!(container.left_behind().is_empty(), "processes are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_twin_is_no_reason_to_write_elsewhere() {
    let container = Container::start().await;
    container.bed.segment(&name(1));
    let partial = container.bed.wal(&format!("{}.partial", name(1)));
    std::fs::copy(container.bed.wal(&name(1)), &partial).unwrap();
    succeeds(&container.archive(&name(1)));
    succeeds(&container.archive(&format!("{}.partial", name(1))));
    let before = container.places();
    succeeds(&container.restore(&name(1), &[]));
    std::fs::remove_file(container.destination()).unwrap();
    assert_eq!(container.places(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogues_programs_answer_and_write_nothing() {
    let container = Container::start().await;
    container.bed.segment(&name(1));
    succeeds(&container.archive(&name(1)));
    let before = container.places();
    let data = container.controller().join("pgdata").display().to_string();

    let listed = container.run("backup-list", &["--format", "json"], &[]);
    succeeds(&listed);
    let told: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(told, serde_json::json!({"backups_list": []}));
    succeeds(&container.run("backup-delete", &["--retention-policy", "RECOVERY WINDOW OF 7 DAYS"], &[]));
    for (program, options, words, wanted) in [
        ("check-wal-archive", &[][..], &[][..], 1),
        ("backup-show", &["--format", "json"], &["20260101T000000"], 1),
        ("backup-show", &["--format", "json"], &["no-such-name"], 4),
        ("restore", &[], &["no-such-name", &data], 4),
        ("wal-restore", &[], &["not-a-name", "/controller/x"], 3),
    ] {
        let output = container.run(program, options, words);
        assert_eq!(output.status.code(), Some(wanted), "{program} {words:?}: {output:?}");
        assert_eq!(output.stdout, b"", "{program} {words:?} says something to programs");
        assert!(!output.stderr.is_empty(), "{program} {words:?} does not say why");
    }
    assert_eq!(container.places(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_nobody_takes_changes_nothing() {
    let container = Container::start().await;
    container.bed.segment(&name(1));
    let path = container.bed.wal(&name(1)).display().to_string();
    let closed = |program: &str, options: &[&str], words: &[&str]| {
        let mut command = Command::new("/bin/sh");
        container.prepare(&mut command);
        command.args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]).arg(container.link(program));
        finish(spawn(command.args(container.words(options, words))), PATIENCE).status.code()
    };
    assert_eq!(closed("wal-archive", &[], &[&path]), Some(0));
    assert_eq!(closed("wal-restore", &[], &[&name(1), container.destination().to_str().unwrap()]), Some(0));
    assert!(std::fs::read(container.destination()).unwrap() == std::fs::read(&path).unwrap());
    assert_eq!(closed("wal-restore", &[], &[&name(2), container.destination().to_str().unwrap()]), Some(1));
    assert_eq!(closed("backup-list", &["--format", "json"], &[]), Some(0));
    assert_eq!(closed("backup-show", &[], &["no-such-name"]), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_may_be_below_the_data_directory_in_which_the_program_starts() {
    let container = Container::start().await;
    container.bed.segment(&name(1));
    if geteuid().is_root() {
        chown(container.bed.data().join("pg_wal"), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let inside = |program: &str, words: &[&str]| {
        let mut command = container.command(program, &[], words);
        finish(spawn(command.current_dir(container.bed.data())), PATIENCE)
    };
    succeeds(&inside("wal-archive", &[&format!("pg_wal/{}", name(1))]));
    succeeds(&inside("wal-restore", &[&name(1), "pg_wal/RECOVERYXLOG"]));
    assert!(container.bed.restored() == std::fs::read(container.bed.wal(&name(1))).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_archive_the_same_segment_at_once_all_succeed_and_it_is_there_once() {
    let container = Container::start().await;
    container.bed.segment(&name(1));
    let path = container.bed.wal(&name(1)).display().to_string();
    let children = (0..6).map(|_| spawn(&mut container.command("wal-archive", &["--gzip"], &[&path])));
    for child in children.collect::<Vec<_>>() {
        succeeds(&finish(child, PATIENCE));
    }
    assert_eq!(container.wal_objects().len(), 1);
    succeeds(&container.restore(&name(1), &[]));
    assert!(std::fs::read(container.destination()).unwrap() == std::fs::read(path).unwrap());
}

/// How a program is told to end: by Ctrl-C, and by whoever runs it.
const ENDINGS: [Signal; 2] = [Signal::INT, Signal::TERM];

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_told_to_end_ends_and_the_next_one_succeeds() {
    for ending in ENDINGS {
        let container = Container::start().await;
        container.bed.segment(&name(1));
        let path = container.bed.wal(&name(1)).display().to_string();
        container.s3.fault(Method::PUT, 1, Fault::Stall);
        let child = spawn(&mut container.command("wal-archive", &[], &[&path]));
        end_once(&container, &Method::PUT, child, ending);
        assert_eq!(container.wal_objects().len(), 0, "a part of it is there");
        container.s3.forget();
        succeeds(&container.archive(&name(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_told_to_end_ends_without_a_file_and_without_calling_it_a_miss() {
    // Where it is looked for, and where it is fetched.
    for (ending, nth) in [(Signal::INT, 1), (Signal::INT, 2), (Signal::TERM, 1), (Signal::TERM, 2)] {
        let container = Container::start().await;
        container.bed.segment(&name(1));
        succeeds(&container.archive(&name(1)));
        let before = container.places();
        container.s3.forget();
        container.s3.fault(Method::GET, nth, Fault::Stall);
        let words = [name(1), container.destination().display().to_string()];
        let words = words.each_ref().map(String::as_str);
        let child = spawn(&mut container.command("wal-restore", &[], &words));
        let output = end_when(&container, &Method::GET, nth, child, ending);
        assert_eq!(output.status.code(), None, "PostgreSQL would end recovery here: {output:?}");
        assert_eq!(container.places(), before, "something was left");
    }
}

/// Tells a program to end as soon as its request is under way.
fn end_once(container: &Container, method: &Method, child: Child, ending: Signal) -> Output {
    end_when(container, method, 1, child, ending)
}

/// The same for its `nth` request of that method. It must die of the signal: PostgreSQL takes every status up
/// to 125 for an answer.
fn end_when(container: &Container, method: &Method, nth: usize, child: Child, ending: Signal) -> Output {
    let begin = Instant::now();
    while container.s3.count(method) < nth {
        assert!(begin.elapsed() < PATIENCE, "no {method} came");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), ending).unwrap();
    let output = finish(child, GRACE);
    assert_eq!(output.status.signal(), Some(ending.as_raw()), "{output:?}");
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_says_no_at_length_is_no_miss_and_fills_no_line() {
    let container = Container::start().await;
    let at_length: &'static str = Box::leak("Denied".repeat(1 << 19).into_boxed_str());
    for method in [Method::GET, Method::HEAD] {
        for nth in 1..=4 {
            container.s3.fault(method.clone(), nth, Fault::Answer(403, at_length));
        }
    }
    let output = container.restore(&name(1), &[]);
    assert_ne!(output.status.code(), Some(1), "PostgreSQL would end recovery here");
    assert!(!output.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_that_can_be_logged_has_no_secret_in_it() {
    let container = Container::start().await;
    container.bed.segment(&name(1));
    let path = container.bed.wal(&name(1)).display().to_string();
    let output = container.run("wal-archive", &["-vv"], &[&path]);
    succeeds(&output);
    assert!(!output.stderr.is_empty(), "-vv says nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_is_filled_where_it_is_asked_for_and_holds_nobody_up() {
    let container = Container::start().await;
    for n in 1..=4 {
        container.bed.segment(&name(n));
        succeeds(&container.archive(&name(n)));
    }
    let spool = container.controller().join("spool").display().to_string();
    // `finish` sees to it that nobody holds the output once the caller has its segment.
    succeeds(&container.restore(&name(1), &["--parallel", "3", "--spool-dir", &spool]));
    let begin = Instant::now();
    while !container.left_behind().is_empty() {
        assert!(begin.elapsed() < PATIENCE, "a process stays behind");
        std::thread::sleep(Duration::from_millis(50));
    }
    let within = format!("{}/", container.controller().display());
    let asked_for = |place: &str| place.starts_with("spool") || place.starts_with("RECOVERYXLOG");
    let more =
        container.places().into_iter().filter_map(|place| Some(place.strip_prefix(&within)?.to_owned()));
    assert_eq!(more.filter(|place| !asked_for(place)).collect::<Vec<_>>(), Vec::<String>::new());
    for n in 2..=4 {
        succeeds(&container.restore(&name(n), &["--parallel", "3", "--spool-dir", &spool]));
        let restored = std::fs::read(container.destination()).unwrap();
        assert!(
            restored == std::fs::read(container.bed.wal(&name(n))).unwrap(),
            "segment {n} came back changed"
        );
    }
}
