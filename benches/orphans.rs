//! Processes that commands leave behind: the fillers of `wal-restore`. They become children of the
//! benchmark, which measures them and waits until they are gone.

use std::path::PathBuf;
use std::process;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};

use crate::Result;

/// Fillers end by themselves after about ten seconds without demand.
const LONGEST_LINGER: Duration = Duration::from_secs(30);

/// What commands left behind.
#[derive(Debug)]
pub(crate) struct Orphans {
    /// Our own child, which is no orphan.
    own: Option<u32>,
    peak_bytes: u64,
}

impl Orphans {
    /// From now on they come to us; all but `own`, a child of ours.
    pub(crate) fn adopt(own: Option<u32>) -> Result<Self> {
        // Any process but none turns it on.
        set_child_subreaper(Some(Pid::from_raw(1).expect("one is not zero")))?;
        Ok(Self { own, peak_bytes: 0 })
    }

    /// The greatest memory seen since they were last waited for.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }

    /// Notes what they use and buries those that have ended; tells how many are left. Call it only
    /// while nothing else is being waited for.
    pub(crate) fn look(&mut self) -> usize {
        let mut left = 0;
        for pid in self.pids() {
            self.peak_bytes = self.peak_bytes.max(peak_bytes(pid).unwrap_or_default());
            if matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)) {
                left += 1;
            }
        }
        left
    }

    /// Waits until none is left. One that stays is ended, and that is an error.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let start = Instant::now();
        while self.look() > 0 {
            if start.elapsed() > LONGEST_LINGER {
                let pids = self.pids();
                for &pid in &pids {
                    // It may have ended meanwhile.
                    let _ = kill_process(pid, Signal::KILL);
                }
                return Err(format!("{} processes were left behind and had to be ended", pids.len()).into());
            }
            sleep(Duration::from_millis(100));
        }
        self.peak_bytes = 0;
        Ok(())
    }

    /// They are adopted by our first thread, the only one there is. A kernel that does not tell
    /// leaves the figure at zero.
    fn pids(&self) -> Vec<Pid> {
        let me = process::id();
        let children = fs_err::read_to_string(format!("/proc/self/task/{me}/children")).unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter(|&pid| Some(pid) != self.own.map(|own| own.to_string()).as_deref());
        children.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }
}

fn peak_bytes(pid: Pid) -> Option<u64> {
    let path = PathBuf::from(format!("/proc/{}/status", pid.as_raw_nonzero()));
    let status = fs_err::read_to_string(path).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
