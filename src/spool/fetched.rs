//! Segments fetched ahead, and what was asked for last.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lock::{Lock, Watch};
use crate::disk;
use crate::error::{Error, Result};
use crate::model::{Compression, SegmentName, SegmentSize, Timeline};
use crate::points::{self, Step};

/// How often it is looked whether a claim still has a filler behind it.
const CLAIM_POLL: Duration = Duration::from_millis(50);

/// What PostgreSQL asked for last, and how far the filler may run ahead of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The segment delivered last.
    pub segment: String,
    /// How many after it may lie fetched.
    pub window: u8,
    /// The codec it was found in, which the next one will most likely have too.
    pub suffix: String,
    /// The cluster's segment size in bytes.
    pub segment_size: u64,
    /// Which boot of the machine this is. Files here are not synced, so those of an earlier boot
    /// cannot be trusted.
    pub boot: String,
}

/// How the spool must be cleaned before a segment is looked for in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// It goes on where it left off.
    Nothing,
    /// Segments were skipped: those before this one serve nobody.
    Before(SegmentName),
    /// A later timeline: the earlier one's folder serves nobody.
    Timeline(Timeline),
    /// A new run, or a new boot: all of it.
    Everything,
}

impl Demand {
    /// The segment delivered last; `None` if the file was tampered with.
    pub fn segment(&self) -> Option<SegmentName> {
        self.segment.parse().ok()
    }

    /// The cluster's segment size.
    pub fn segment_size(&self) -> Option<SegmentSize> {
        SegmentSize::new(self.segment_size)
    }

    /// The codec it was found in.
    pub fn compression(&self) -> Compression {
        Compression::split_suffix(&self.suffix).1
    }

    /// What a request for `asked` says about what lies in the spool.
    pub fn sweep(last: Option<&Self>, asked: SegmentName, boot: &str) -> Sweep {
        let usable = last.filter(|d| d.boot == boot).and_then(|d| Some((d.segment()?, d.segment_size()?)));
        let Some((last, size)) = usable else { return Sweep::Everything };
        match asked.timeline.cmp(&last.timeline) {
            Ordering::Greater => Sweep::Timeline(last.timeline),
            Ordering::Equal if asked == last || last.next(size) == Some(asked) => Sweep::Nothing,
            Ordering::Equal if asked > last => Sweep::Before(asked),
            _ => Sweep::Everything,
        }
    }

    /// How far the filler may run ahead after a request: twice as far after each hit, from 2 again
    /// after a jump, as it was after a miss that merely came too early.
    pub fn window_after(last: Option<&Self>, hit: bool, sweep: Sweep, most: u8) -> u8 {
        let before = last.map_or(0, |d| d.window);
        let wanted = match (sweep, hit) {
            (Sweep::Nothing, true) => before.saturating_mul(2),
            (Sweep::Nothing, false) => before,
            _ => 2,
        };
        wanted.max(2).min(most)
    }
}

/// The spool of one cluster's restoring from one archive.
#[derive(Debug, Clone)]
pub struct RestoreSpool {
    folder: PathBuf,
}

impl RestoreSpool {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was asked for last, if anything.
    pub fn demand(&self) -> Option<Demand> {
        let text = std::fs::read(self.folder.join("demand")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Remembers it, for the next call and for the filler.
    pub fn set_demand(&self, demand: &Demand) -> Result<()> {
        let text = serde_json::to_vec(demand).map_err(|e| Error::bug(e.to_string()))?;
        super::remember(&self.folder.join("demand"), &text)
    }

    /// The segment that was last found missing, and when.
    pub fn missed(&self) -> Option<(SegmentName, Timestamp)> {
        let text = std::fs::read_to_string(self.folder.join("missed")).ok()?;
        let (segment, at) = text.trim().split_once(' ')?;
        Some((segment.parse().ok()?, at.parse().ok()?))
    }

    /// Remembers it.
    pub fn set_missed(&self, segment: SegmentName, at: Timestamp) -> Result<()> {
        super::remember(&self.folder.join("missed"), format!("{segment} {at}").as_bytes())
    }

    /// Leaves the filler's last error where it can be found.
    pub fn note_trouble(&self, trouble: &Error) -> Result<()> {
        super::remember(&self.folder.join("trouble"), format!("{trouble}\n").as_bytes())
    }

    /// Cleans as `sweep` says. What cannot be removed is an error, since it might be delivered.
    pub fn sweep(&self, sweep: Sweep) -> Result<()> {
        match sweep {
            Sweep::Nothing => Ok(()),
            Sweep::Before(name) => {
                let folder = SegmentSpool::new(self.folder.join(name.timeline.to_string()));
                folder.remove_where(|found| found < name)
            }
            Sweep::Timeline(timeline) => remove_folder(&self.folder.join(timeline.to_string())),
            Sweep::Everything => {
                for entry in fs_err::read_dir(&self.folder)? {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        remove_folder(&entry.path())?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Fetched segments of one timeline.
#[derive(Debug, Clone)]
pub struct SegmentSpool {
    folder: PathBuf,
}

impl SegmentSpool {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where a fetched segment lies.
    pub fn file(&self, name: SegmentName) -> PathBuf {
        self.folder.join(name.to_string())
    }

    /// Whether it is there.
    pub fn has(&self, name: SegmentName) -> bool {
        self.file(name).exists()
    }

    /// The right to be this timeline's filler; `None` while another process is. The lock lies beside
    /// the folder, so that sweeping the folder does not make room for a second filler.
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        Lock::try_take(&self.folder.with_extension("filler"))
    }

    /// Says that the filler is fetching this segment right now.
    pub fn claim(&self, name: SegmentName) -> Result<Claim> {
        let file = self.folder.join(format!("{name}.fetching"));
        points::step(Step::Create(&file), || fs_err::write(&file, ""))?;
        Ok(Claim(file))
    }

    /// Waits for a segment that the filler is fetching right now, at most for `time`: it is nearly
    /// here, and fetching it twice would take as long and cost the store twice as much. Nothing else is
    /// waited for, least of all the filler's other work. Blocks its thread.
    pub fn await_claimed(&self, name: SegmentName, time: Duration) -> bool {
        let end = Instant::now() + time;
        let claim = self.folder.join(format!("{name}.fetching"));
        let Ok(mut watch) = Watch::on(&self.folder) else { return false };
        loop {
            if self.has(name) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            // A claim without a filler was left by one that was killed.
            if left.is_zero() || !claim.exists() || !matches!(self.try_lock(), Ok(None)) {
                return self.has(name);
            }
            if watch.wait(left.min(CLAIM_POLL)).is_err() {
                return false;
            }
        }
    }

    /// Removes what fillers that were killed left half written. Only for the filler itself.
    pub fn remove_drafts(&self) -> Result<()> {
        for entry in fs_err::read_dir(&self.folder)? {
            let entry = entry?;
            if disk::is_temporary(&entry.file_name()) {
                remove_file(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes a segment that has been delivered another way.
    pub fn remove(&self, name: SegmentName) -> Result<()> {
        remove_file(&self.file(name))
    }

    /// Removes the fetched segments of which `which` is true, and the claims on them.
    pub fn remove_where(&self, which: impl Fn(SegmentName) -> bool) -> Result<()> {
        if !self.folder.is_dir() {
            return Ok(());
        }
        for entry in fs_err::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_str().and_then(|n| n.get(..24)?.parse::<SegmentName>().ok());
            if name.is_some_and(&which) {
                remove_file(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// A segment on its way; the claim ends with it.
#[derive(Debug)]
pub struct Claim(PathBuf);

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = disk::remove(&self.0);
    }
}

fn remove_file(path: &Path) -> Result<()> {
    match disk::remove(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

fn remove_folder(path: &Path) -> Result<()> {
    match disk::remove_tree(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

/// Which boot of the machine this is; empty where the kernel does not tell, which makes nothing worse
/// than it is elsewhere.
pub fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(segment: &str, window: u8) -> Demand {
        Demand {
            segment: segment.to_owned(),
            window,
            suffix: ".zst".to_owned(),
            segment_size: 16 << 20,
            boot: "b1".to_owned(),
        }
    }

    fn sweep(last: Option<&Demand>, asked: &str) -> Sweep {
        Demand::sweep(last, asked.parse().unwrap(), "b1")
    }

    #[test]
    fn a_run_that_goes_on_keeps_its_spool_and_everything_else_is_swept() {
        let last = demand("000000020000000000000005", 8);
        assert_eq!(sweep(Some(&last), "000000020000000000000006"), Sweep::Nothing);
        assert_eq!(sweep(Some(&last), "000000020000000000000005"), Sweep::Nothing);
        let skipped = "000000020000000000000009";
        assert_eq!(sweep(Some(&last), skipped), Sweep::Before(skipped.parse().unwrap()));
        assert_eq!(
            sweep(Some(&last), "000000030000000000000006"),
            Sweep::Timeline(Timeline::new(2).unwrap())
        );
        assert_eq!(sweep(Some(&last), "000000010000000000000006"), Sweep::Everything);
        assert_eq!(sweep(Some(&last), "000000020000000000000004"), Sweep::Everything);
        assert_eq!(sweep(None, "000000020000000000000004"), Sweep::Everything);
        let rebooted = Demand::sweep(Some(&last), "000000020000000000000006".parse().unwrap(), "b2");
        assert_eq!(rebooted, Sweep::Everything);
    }

    #[test]
    fn the_window_starts_at_two_and_doubles_on_each_hit_up_to_the_most() {
        let mut last = None;
        let mut windows = Vec::new();
        for hit in [false, true, true, true, true, true, false] {
            let window = Demand::window_after(last.as_ref(), hit, Sweep::Nothing, 20);
            windows.push(window);
            last = Some(demand("000000020000000000000005", window));
        }
        assert_eq!(windows, [2, 4, 8, 16, 20, 20, 20]);
        assert_eq!(Demand::window_after(last.as_ref(), true, Sweep::Everything, 20), 2);
        assert_eq!(Demand::window_after(None, false, Sweep::Nothing, 0), 0);
    }

    #[test]
    fn sweeping_removes_what_it_says_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let spool = RestoreSpool::new(dir.path().to_path_buf());
        let two = spool.timeline(Timeline::new(2).unwrap()).unwrap();
        let names: Vec<SegmentName> = ["000000020000000000000005", "000000020000000000000006"]
            .iter()
            .map(|n| n.parse().unwrap())
            .collect();
        for name in &names {
            std::fs::write(two.file(*name), "x").unwrap();
        }
        spool.sweep(Sweep::Before(names[1])).unwrap();
        assert!(!two.has(names[0]) && two.has(names[1]));
        spool.sweep(Sweep::Timeline(Timeline::new(1).unwrap())).unwrap();
        assert!(two.has(names[1]));
        spool.sweep(Sweep::Everything).unwrap();
        assert!(!two.has(names[1]));
    }
}
