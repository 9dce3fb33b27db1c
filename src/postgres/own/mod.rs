//! A server of our own on a restored copy: started, asked, stopped. It keeps to a private directory, speaks
//! to nobody outside and archives nothing.

mod amcheck;
mod ask;
mod left;
mod programs;
mod settings;

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

pub use amcheck::{Amcheck, amcheck};
pub use ask::{OwnSession, Reached};
pub use left::end_orphans;
pub use programs::Programs;

use crate::error::{Context as _, Error, ErrorKind, Result};

/// The longest path of a Unix socket, and what PostgreSQL calls it within its directory.
const LONGEST_SOCKET: usize = 107;
const SOCKET: &str = ".s.PGSQL.5432";

/// How often a starting server is looked at.
const POLL: Duration = Duration::from_millis(100);
/// How long a server may take to stop in good order, to stop at once, and to be gone when it is killed.
const FAST: Duration = Duration::from_mins(1);
const IMMEDIATE: Duration = Duration::from_secs(20);
const KILLED: Duration = Duration::from_secs(5);

/// What of the log is quoted, and how much of its end is read for that.
const QUOTED: usize = 4;
const TAIL: u64 = 64 << 10;

/// Variables that would send PostgreSQL's programs elsewhere.
const FOREIGN: [&str; 17] = [
    "PGDATA",
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGOPTIONS",
    "PGSSLMODE",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGCLIENTENCODING",
];

/// How a server of ours is started.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its programs.
    pub programs: Programs,
    /// The private directory: socket, log, and what else it needs.
    pub home: PathBuf,
    /// The data directory, in the private one.
    pub data: PathBuf,
    /// Load the libraries that its configuration asks for.
    pub preload: bool,
    /// Start with the `postgresql.conf` of the copy, where there is one.
    pub config: bool,
}

/// A server of ours. Dropping it kills it; [`stop`](Self::stop) is better.
#[derive(Debug)]
pub struct OwnServer {
    child: Child,
    home: PathBuf,
}

/// Kind `Usage` when a server in this directory could not have a socket.
pub fn require_socket(home: &Path) -> Result<()> {
    let length = home.join(SOCKET).as_os_str().as_bytes().len();
    if length <= LONGEST_SOCKET {
        return Ok(());
    }
    let why = format!(
        "a socket in {} would have a path of {length} bytes, and {LONGEST_SOCKET} are the most",
        home.display()
    );
    Err(Error::usage(why).hint("name a directory with a shorter path"))
}

impl OwnServer {
    /// Starts it and does not wait.
    pub fn start(setup: &Setup) -> Result<Self> {
        let Setup { programs, home, data, preload, config } = setup;
        let write = |name: &str, text: &str| {
            fs_err::write(home.join(name), text).context(|| "prepare the directory of the server")
        };
        write(settings::HBA, settings::HBA_TEXT)?;
        write(settings::IDENT, "")?;
        let postgres = programs.program("postgres");
        let postgres = postgres.ok_or_else(|| Error::usage("the program postgres has gone"))?;
        let mut command = Command::new(postgres);
        command.arg("-D").arg(data);
        if !*config || !data.join("postgresql.conf").exists() {
            write("postgresql.conf", settings::MINIMAL)?;
            command.arg("-c").arg(format!("config_file={}", home.join("postgresql.conf").display()));
        }
        for (name, value) in settings::settings(programs.major(), home, data, *preload) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        // A group of its own: what is typed at a terminal is for us, who stop it in good order.
        command.process_group(0).kill_on_drop(true).current_dir(home).stdin(Stdio::null());
        alone(&mut command);
        let log = log_file(&home.join(LOG))?;
        command.stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|e| server(format!("postgres cannot be started: {e}")))?;
        Ok(Self { child, home: home.clone() })
    }

    /// Waits until it has recovered and takes sessions, and opens one. Kind `Server` when it ends instead,
    /// with what it says last, or when it takes longer than `deadline`.
    pub async fn opened(&mut self, role: &str, database: &str, deadline: Duration) -> Result<OwnSession> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.ended(status));
            }
            if let Some(session) = OwnSession::open(&self.home, role, database).await? {
                return Ok(session);
            }
            if begun.elapsed() > deadline {
                let why =
                    format!("it has not recovered within {deadline:?}; last it said: {}", self.last_words());
                return Err(server(why).hint("give it more time with --deadline"));
            }
            sleep(POLL).await;
        }
    }

    /// What it says of why it has ended.
    fn ended(&self, status: ExitStatus) -> Error {
        server(format!("it ended before it had recovered ({status}): {}", self.last_words()))
    }

    /// The last of its log that tells of trouble, else its last line.
    fn last_words(&self) -> String {
        last_words(&tail(&self.home.join(LOG)))
    }

    /// Stops it: in good order when there is time for that, else at once. When this returns neither it nor
    /// anything that it has started is there.
    pub async fn stop(mut self, in_good_order: bool) {
        let fast = in_good_order.then_some((Signal::INT, FAST));
        for (signal, patience) in fast.into_iter().chain([(Signal::QUIT, IMMEDIATE), (Signal::KILL, KILLED)])
        {
            let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
            let Some(pid) = pid else { break };
            // It may have ended by itself meanwhile.
            let _ = kill_process(pid, signal);
            if timeout(patience, self.child.wait()).await.is_ok() {
                break;
            }
        }
        left::end_all(&self.home).await;
    }
}

/// The server's log.
const LOG: &str = "log";

fn log_file(path: &Path) -> Result<std::fs::File> {
    let mut options = fs_err::OpenOptions::new();
    options.create(true).append(true).options_mut().mode(0o600);
    Ok(options.open(path)?.into_parts().0)
}

/// Takes away what would send the program elsewhere.
fn alone(command: &mut Command) {
    for name in FOREIGN {
        command.env_remove(name);
    }
}

fn server(message: String) -> Error {
    Error::new(ErrorKind::Server, message)
}

/// The end of a file as text.
fn tail(path: &Path) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut bytes = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        // What cannot be read is not quoted.
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(TAIL)));
        let _ = file.take(TAIL).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last lines that tell of trouble, or the very last.
fn last_words(log: &str) -> String {
    let troubles = ["FATAL:", "PANIC:", "ERROR:", "error:", "hint:"];
    let mut lines: Vec<&str> =
        log.lines().rev().filter(|line| troubles.iter().any(|t| line.contains(t))).take(QUOTED).collect();
    if lines.is_empty() {
        lines.extend(log.lines().rev().find(|line| !line.trim().is_empty()));
    }
    lines.reverse();
    let text = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let text: Vec<String> = text.collect();
    if text.is_empty() { "nothing".to_owned() } else { text.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_those_that_tell_of_trouble() {
        let log = "LOG:  starting\nerror: the store is gone\nFATAL:  could not  restore\nLOG:  shut down\n";
        assert_eq!(last_words(log), "error: the store is gone; FATAL: could not restore");
        assert_eq!(last_words("LOG:  redo starts\n\n"), "LOG: redo starts");
        assert_eq!(last_words(""), "nothing");
    }

    #[test]
    fn a_directory_that_is_too_deep_for_a_socket_is_refused() {
        assert!(require_socket(Path::new("/srv/scratch")).is_ok());
        let deep = format!("/{}", "x".repeat(100));
        assert_eq!(require_socket(Path::new(&deep)).unwrap_err().kind(), ErrorKind::Usage);
    }
}
