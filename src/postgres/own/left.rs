//! Processes that are still at work in a private directory: detached fetchers of WAL, and what a server
//! that was killed has left.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long they have to end when they are asked, and again when they are killed.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often they are looked for.
const POLL: Duration = Duration::from_millis(20);

/// Ends them, and waits until they are gone.
pub(super) async fn end_all(home: &Path) {
    end_by(Signal::TERM, home, |_| true).await;
}

/// Ends what whoever was killed has left at work in its private directory: the server on `data`, which ends
/// what it has started, and fetchers of WAL. Nobody else is touched: a shell may be there, or a reader of the log.
pub async fn end_orphans(home: &Path, data: &Path) {
    let is_server = |words: &[u8]| {
        let mut words = words.split(|byte| *byte == 0);
        words.any(|word| word == b"-D") && words.next() == Some(data.as_os_str().as_bytes())
    };
    let is_fetcher = |words: &[u8]| words.split(|byte| *byte == 0).nth(1) == Some(b"wal-prefetch");
    let is_orphan = |pid| words(pid).is_some_and(|words| is_server(&words) || is_fetcher(&words));
    end_by(Signal::QUIT, home, is_orphan).await;
}

/// Ends those at work in the directory that are meant, first by this signal, and waits until they are gone.
async fn end_by(first: Signal, home: &Path, is_meant: impl Fn(Pid) -> bool) {
    for signal in [first, Signal::KILL] {
        let begun = Instant::now();
        let mut asked: Vec<Pid> = Vec::new();
        while begun.elapsed() < PATIENCE {
            let mut found = at_work(home);
            found.retain(|pid| is_meant(*pid));
            if found.is_empty() {
                return;
            }
            for pid in found.into_iter().filter(|pid| !asked.contains(pid)).collect::<Vec<_>>() {
                // It may have ended by itself meanwhile.
                let _ = kill_process(pid, signal);
                asked.push(pid);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// What a process was started with, a zero behind each word.
fn words(pid: Pid) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()
}

/// Processes of ours, ourselves excepted, that are in the directory or name it among their words. Nobody
/// else does: its name is new.
fn at_work(home: &Path) -> Vec<Pid> {
    let own = std::process::id().cast_signed();
    let names = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let at_work = |pid: &i32| {
        let proc = Path::new("/proc").join(pid.to_string());
        let inside = std::fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd.starts_with(home));
        inside || std::fs::read(proc.join("cmdline")).is_ok_and(|words| names_it(&words, home))
    };
    pids.filter(|pid| *pid != own).filter(at_work).filter_map(Pid::from_raw).collect()
}

/// Whether these words, with a zero behind each, name the directory or something in it.
fn names_it(words: &[u8], home: &Path) -> bool {
    let home = home.as_os_str().as_bytes();
    let ends = |next: Option<&u8>| matches!(next, None | Some(0 | b'/'));
    (0..words.len()).any(|at| words[at..].starts_with(home) && ends(words.get(at + home.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_very_directory_counts() {
        let home = Path::new("/srv/barkeep-drill-7");
        assert!(names_it(b"barkeep\0wal-prefetch\0--spool=/srv/barkeep-drill-7/spool\0", home));
        assert!(names_it(b"x\0/srv/barkeep-drill-7\0", home));
        assert!(!names_it(b"x\0/srv/barkeep-drill-70/spool\0", home));
        assert!(!names_it(b"x\0/srv\0", home));
    }

    #[tokio::test]
    async fn whoever_is_at_work_there_is_ended() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").current_dir(&home).spawn().unwrap();
        let ended = std::thread::spawn(move || child.wait().unwrap());
        end_all(&home).await;
        assert!(!ended.join().unwrap().success());
        assert!(at_work(&home).is_empty());
    }
}
