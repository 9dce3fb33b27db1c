//! What the tests against real servers share: a scratch directory, waiting with a bound, and one
//! module for each thing that is started.
//!
//! Everything listens on the loopback device or a private Unix socket, is stopped by its process id
//! when its value is dropped, and keeps its files in the test's [`Scratch`] directory.

// Each test program is compiled with all of this and uses its own part; tests fail by panicking.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod azurite;
pub mod barkeep;
pub mod client;
pub mod contract;
pub mod gcs_emulator;
pub mod identity;
pub mod invariants;
pub mod load;
pub mod moto;
pub mod pg;
pub mod pod;
pub mod programs;
pub mod proxy;
pub mod reach;
pub mod record;
pub mod reference;
pub mod tls;

use std::io::{Read as _, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// Who runs PostgreSQL, which refuses to run as root: `None` is ourselves, else uid and gid of the
/// user `postgres`.
static POSTGRES_USER: LazyLock<Option<(u32, u32)>> = LazyLock::new(|| {
    let id = |flag: &str| {
        let out =
            Command::new("id").args([flag, "postgres"]).output().expect("id(1) is part of every system");
        let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        text.parse::<u32>()
            .unwrap_or_else(|_| panic!("there is no user postgres to run PostgreSQL as: run `make servers`"))
    };
    geteuid().is_root().then(|| (id("-u"), id("-g")))
});

/// Where the servers are installed.
///
/// # Panics
/// When this one is missing: a test never skips what it cannot find.
pub fn installed(server: &str) -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/target/servers");
    let dir = std::env::var_os("BARKEEP_SERVERS").map_or_else(|| default.into(), PathBuf::from).join(server);
    assert!(
        dir.join(".whole").exists(),
        "{server} is not installed in {}: run `make servers`",
        dir.display()
    );
    dir.canonicalize().expect("it was there a moment ago")
}

/// A test's own directory below `/tmp`: a Unix socket's path is short, and the user `postgres` can
/// reach it wherever the checkout is.
pub struct Scratch {
    dir: Option<tempfile::TempDir>,
}

impl Scratch {
    /// A new, empty directory that belongs to the user PostgreSQL runs as.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("barkeep-").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        give_to_postgres(dir.path());
        Self { dir: Some(dir) }
    }

    /// The path of `name` inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.as_ref().expect("it is taken in drop only").path().join(name)
    }

    /// A new directory inside that belongs to the user PostgreSQL runs as.
    pub fn dir(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).unwrap();
        give_to_postgres(&path);
        path
    }

    /// A file inside that everybody may read.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Leaves the directory where it is; its path.
    pub fn keep(mut self) -> PathBuf {
        self.dir.take().expect("it is taken in drop only").keep()
    }

    /// Removes a directory inside, which must be there.
    pub fn forget(&self, name: &str) {
        std::fs::remove_dir_all(self.path(name)).unwrap();
    }

    /// The processes in whose environment the directory is named: what servers left behind, such as
    /// a detached filler.
    fn left_behind(&self) -> Vec<Pid> {
        let mark = self.path("").into_os_string().into_encoded_bytes();
        let own = std::process::id().cast_signed();
        std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| *pid != own)
            .filter(|pid| {
                std::fs::read(format!("/proc/{pid}/environ"))
                    .is_ok_and(|environment| environment.windows(mark.len()).any(|w| w == mark))
            })
            .filter_map(Pid::from_raw)
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.dir.is_none() {
            return;
        }
        for pid in self.left_behind() {
            let _ = kill_process(pid, Signal::KILL);
        }
        let Some(dir) = self.dir.take() else { return };
        if std::env::var_os("BARKEEP_KEEP").is_some() {
            tell(&format!("kept: {}", dir.keep().display()));
            return;
        }
        // A process that was just killed may still be creating its last file.
        for _ in 0..50 {
            if std::fs::remove_dir_all(dir.path()).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Makes a file belong to the user PostgreSQL runs as.
pub fn give_to_postgres(path: &Path) {
    if let Some((uid, gid)) = *POSTGRES_USER {
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// A command with nothing of our environment but the search path, run by the user PostgreSQL runs as.
pub fn as_postgres(program: impl AsRef<Path>) -> Command {
    let mut command = bare(program);
    if let Some((uid, gid)) = *POSTGRES_USER {
        command.uid(uid).gid(gid);
    }
    command
}

/// A command with nothing of our environment but the search path: no proxy, no credentials, no
/// locale of the developer's.
pub fn bare(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .current_dir("/")
        .stdin(std::process::Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C").env("TZ", "UTC");
    command
}

/// Runs a command to its end, which it must reach in time.
///
/// # Panics
/// When it does not; its output then is in the message.
pub fn run(command: &mut Command, limit: Duration) -> Output {
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut child = command
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if begin.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = (all_of(&mut out), all_of(&mut err));
    let status = status.unwrap_or_else(|| {
        panic!("{command:?} has not ended within {limit:?}: {}", String::from_utf8_lossy(&stderr))
    });
    Output { status, stdout, stderr }
}

/// Runs a command that must succeed; what it says on standard output.
///
/// # Panics
/// When it fails, with what it says on standard error.
pub fn must(command: &mut Command, limit: Duration) -> String {
    let Output { status, stdout, stderr } = run(command, limit);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

fn all_of(file: &mut std::fs::File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none within `limit`; the message says what was waited for.
pub async fn wait_for<T>(what: &str, limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begin.elapsed() < limit, "waited {limit:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends a signal and waits for the end, which is brought about when it does not come by itself.
pub fn stop(child: &mut Child, signal: Signal, patience: Duration) -> ExitStatus {
    let _ = kill_process(Pid::from_child(child), signal);
    let begin = Instant::now();
    while begin.elapsed() < patience {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    child.wait().expect("it is our child")
}

/// The end of a log, for the message of a failure.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let lines = text.lines().collect::<Vec<_>>();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// A line for whoever reads the test's output.
#[expect(clippy::print_stderr, reason = "the test harness shows it with the test's result")]
pub fn tell(line: &str) {
    eprintln!("{line}");
}
