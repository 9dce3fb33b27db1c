//! Calls of the binary: how each ended, how long it took and how much memory it needed; with a wrong clock
//! when it is told so, and killed when its hour has come.
//!
//! PostgreSQL's own calls go through this program too (`soak call DIR …`), which passes them on and takes
//! note in a file that the soak reads.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use wait4::Wait4 as _;

use crate::common::barkeep::Barkeep;
use crate::common::{Scratch, bare, must, tail};

/// What the shell says of a process that was killed.
const KILLED: i32 = 128 + 9;
/// No call may take longer, whatever the weather: it has hung then.
const HUNG: Duration = Duration::from_mins(6);

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// As the shell tells it: 128 and the signal when one ended it.
    pub status: i32,
    pub took: Duration,
    pub peak_kib: u64,
    /// By us, as it was meant to be.
    pub killed: bool,
}

/// Where the calls of PostgreSQL find their orders and leave their notes, and what has been noted so far.
pub struct Calls {
    dir: PathBuf,
    clock: PathBuf,
    read: u64,
    pub verbs: BTreeMap<String, Tally>,
}

/// All calls of a verb.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub calls: u64,
    pub failed: u64,
    pub killed: u64,
    pub astray: u64,
    pub slowest: Duration,
    pub peak_kib: u64,
}

impl Calls {
    /// Makes the directory, and compiles what makes a clock wrong.
    pub fn new(scratch: &Scratch) -> Self {
        let dir = scratch.dir("calls");
        let clock = dir.join("clock.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/soak/clock.c");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let limit = Duration::from_mins(1);
        must(bare(compiler.as_os_str()).args(["-shared", "-fPIC", "-O1", source, "-o"]).arg(&clock), limit);
        std::fs::copy(std::env::current_exe().unwrap(), dir.join("soak")).unwrap();
        Self { dir, clock, read: 0, verbs: BTreeMap::new() }
    }

    /// A command of PostgreSQL's, passed on by this program.
    pub fn around(&self, command: &str) -> String {
        format!("{} call {} {command}", self.dir.join("soak").display(), self.dir.display())
    }

    /// From now on the clock of PostgreSQL's calls is wrong by so many seconds.
    pub fn set_clock(&self, seconds: i64) {
        put(&self.dir.join("offset"), &seconds.to_string());
    }

    /// The next of PostgreSQL's calls of this verb is killed so long after its start.
    pub fn kill_next(&self, verb: &str, after: Duration) {
        put(&self.dir.join(format!("kill-{verb}")), &after.as_micros().to_string());
    }

    /// No call of this verb is to be killed.
    pub fn spare(&self, verb: &str) {
        let _ = std::fs::remove_file(self.dir.join(format!("kill-{verb}")));
    }

    /// Reads what PostgreSQL's calls have noted since the last time.
    ///
    /// # Panics
    /// When one of them reported a bug, or did not end.
    pub fn collect(&mut self) {
        let Ok(mut file) = std::fs::File::open(self.dir.join("notes")) else { return };
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            self.read += line.len() as u64;
            let words = line.split_whitespace().collect::<Vec<_>>();
            let number = |n: usize| words[n].parse::<u64>().unwrap();
            let ended = Ended {
                status: words[1].parse().unwrap(),
                took: Duration::from_micros(number(2)),
                peak_kib: number(3),
                killed: words[4] == "true",
            };
            self.note(words[0], &ended, words[5] != "0");
        }
    }

    /// Calls a verb by hand; how it ended, and what it said.
    ///
    /// # Panics
    /// When it reported a bug, or did not end.
    pub fn by_hand(&mut self, barkeep: &Barkeep, words: &[&str], how: &How) -> (Ended, String, String) {
        let mut command = barkeep.command(words);
        let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command.stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap());
        if how.clock != 0 {
            set_wrong(&mut command, &self.clock, how.clock);
        }
        let child = command.spawn().unwrap();
        let ended = tokio::task::block_in_place(|| see_off(child, how.kill_after));
        let (out, err) = (all_of(&mut out), all_of(&mut err));
        assert!(ended.status != 70, "a bug: {words:?}: {err}");
        self.note(words[0], &ended, how.clock != 0);
        (ended, out, err)
    }

    fn note(&mut self, verb: &str, ended: &Ended, astray: bool) {
        assert!(ended.took < HUNG, "{verb} has hung");
        assert!(ended.status != 70, "{verb} reported a bug; {}", tail(&self.dir.join("notes")));
        let tally = self.verbs.entry(verb.to_owned()).or_default();
        tally.calls += 1;
        tally.killed += u64::from(ended.killed);
        tally.failed += u64::from(!ended.killed && ended.status != 0);
        tally.astray += u64::from(astray);
        tally.slowest = tally.slowest.max(ended.took);
        tally.peak_kib = tally.peak_kib.max(ended.peak_kib);
    }
}

/// What is special about a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// So many seconds its clock is wrong by.
    pub clock: i64,
    /// When it is killed.
    pub kill_after: Option<Duration>,
}

/// `soak call DIR PROGRAM VERB …`: passes the call on, takes note, and ends as it ended.
pub fn pass_on(words: &[String]) -> i32 {
    let [dir, program, verb, ..] = words else { panic!("call DIR PROGRAM VERB …, not {words:?}") };
    let dir = Path::new(dir);
    let offset = std::fs::read_to_string(dir.join("offset")).unwrap_or_default();
    let offset = offset.parse::<i64>().unwrap_or(0);
    let mut command = Command::new(program);
    command.args(&words[2..]);
    if offset != 0 {
        set_wrong(&mut command, &dir.join("clock.so"), offset);
    }
    let ended = see_off(command.spawn().unwrap(), my_order(dir, verb));
    let Ended { status, took, peak_kib, killed } = ended;
    let note = format!("{verb} {status} {} {peak_kib} {killed} {offset}\n", took.as_micros());
    let mut notes = OpenOptions::new().create(true).append(true).open(dir.join("notes")).unwrap();
    notes.write_all(note.as_bytes()).unwrap();
    status
}

/// When this call is to be killed, if it is the one.
fn my_order(dir: &Path, verb: &str) -> Option<Duration> {
    let (order, mine) = (dir.join(format!("kill-{verb}")), dir.join(format!("mine-{}", std::process::id())));
    std::fs::rename(order, &mine).ok()?;
    let micros = std::fs::read_to_string(&mine).ok()?.parse().ok()?;
    std::fs::remove_file(mine).unwrap();
    Some(Duration::from_micros(micros))
}

fn set_wrong(command: &mut Command, library: &Path, seconds: i64) {
    command.env("LD_PRELOAD", library).env("BARKEEP_SOAK_CLOCK", seconds.to_string());
}

/// Waits for the end, and brings it about when it is time.
fn see_off(mut child: Child, kill_after: Option<Duration>) -> Ended {
    let (begin, over) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let (pid, alive) = (Pid::from_child(&child), Arc::clone(&over));
    let hangman = std::thread::spawn(move || {
        let end = begin + kill_after.unwrap_or(HUNG);
        while !alive.load(Ordering::Acquire) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let _ = kill_process(pid, Signal::KILL);
                return;
            }
            std::thread::park_timeout(left);
        }
    });
    let used = child.wait4().unwrap();
    let took = begin.elapsed();
    over.store(true, Ordering::Release);
    hangman.thread().unpark();
    hangman.join().unwrap();
    let status = used.status.code().unwrap_or_else(|| 128 + used.status.signal().unwrap_or(0));
    let killed = kill_after.is_some() && status == KILLED;
    Ended { status, took, peak_kib: used.rusage.maxrss / 1024, killed }
}

/// Written whole or not at all: whoever reads it does so at any time.
fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

fn all_of(file: &mut std::fs::File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
