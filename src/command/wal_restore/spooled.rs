//! What the spool has for a request, and what the next call and the filler must know.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fs_err as fs;
use jiff::{SignedDuration, Timestamp};
use tracing::{debug, warn};

use super::Request;
use super::deliver::Delivered;
use crate::archive::Address;
use crate::disk::{self, Draft, Durability, Publish};
use crate::error::{Error, Result};
use crate::model::{Compression, SegmentName, SystemId, WalHeader};
use crate::pgdata::DataDir;
use crate::points::{self, Step};
use crate::spool::{Demand, RestoreSpool, SegmentSpool, Spool, Sweep, boot};
use crate::stream::digest::Tally;

/// How long a standby's miss is remembered: it asks for the same file again and again.
const MISS_KEPT: SignedDuration = SignedDuration::from_secs(1);

/// How long a segment that the filler is fetching is waited for: longer than the fetch of one segment
/// takes, and short enough when it does not come.
const NEARLY_HERE: Duration = Duration::from_millis(300);

/// No more than this lies fetched ahead, but for a single larger segment.
const MOST_BYTES: u64 = 512 << 20;

/// The spool as one request for a segment sees it.
pub(super) struct Spooled {
    spool: RestoreSpool,
    segments: SegmentSpool,
    asked: SegmentName,
    cluster: SystemId,
    instance: String,
    last: Option<Demand>,
    sweep: Sweep,
    boot: String,
}

impl Spooled {
    /// Opens the spool and sweeps out what an earlier run left. `None` for files that are never fetched
    /// ahead, when nothing is to be, and when the spool cannot be used, which is told and costs only
    /// time.
    pub(super) fn open(request: &Request, address: &Address, cluster: SystemId) -> Option<Self> {
        let asked = request.name.segment().filter(|_| request.window > 0)?;
        Self::try_open(request, request.spool.as_deref()?, address, cluster, asked)
            .inspect_err(|e| warn!(hint = e.hint_text(), "restoring without look-ahead: {e}"))
            .ok()
    }

    fn try_open(
        request: &Request,
        spool: &Path,
        address: &Address,
        cluster: SystemId,
        asked: SegmentName,
    ) -> Result<Self> {
        let instance = instance(DataDir::around_wal(&request.destination).path());
        let spool = Spool::open(spool)?.restore(&address.fingerprint(), cluster, &instance)?;
        let (last, boot) = (spool.demand(), boot());
        if last.as_ref().is_none_or(|last| last.boot != boot) {
            // What an earlier boot left was never synced and must not be delivered.
            spool.sweep(Sweep::Everything)?;
        }
        let sweep = Demand::sweep(last.as_ref(), asked, &boot);
        let segments = spool.timeline(asked.timeline)?;
        Ok(Self { spool, segments, asked, cluster, instance, last, sweep, boot })
    }

    /// The codec the last segment was found in. Of no use for a segment that was missing when it was
    /// last asked for: then a listing tells more.
    pub(super) fn compression(&self) -> Option<Compression> {
        let missed = self.spool.missed().is_some_and(|(segment, _)| segment == self.asked);
        self.last.as_ref().filter(|_| !missed).map(Demand::compression)
    }

    /// Delivers the segment if the filler is fetching it at this very moment.
    pub(super) async fn await_filler(&self, destination: &Path) -> bool {
        let (segments, asked) = (self.segments.clone(), self.asked);
        let waiting = tokio::task::spawn_blocking(move || segments.await_claimed(asked, NEARLY_HERE));
        waiting.await.unwrap_or(false) && self.deliver(destination)
    }

    /// Moves the segment to its destination, if it was fetched ahead.
    pub(super) fn deliver(&self, destination: &Path) -> bool {
        let file = self.segments.file(self.asked);
        match self
            .check(&file)
            .and_then(|there| if there { hand_over(&file, destination) } else { Ok(false) })
        {
            Ok(delivered) => delivered,
            Err(e) => {
                // The archive has it too.
                warn!("the segment fetched ahead is of no use: {e}");
                let _ = disk::remove(&file);
                false
            }
        }
    }

    /// It was verified before it got its name; what could have happened to it since shows in its
    /// length and its header.
    fn check(&self, file: &Path) -> Result<bool> {
        let mut open = match File::open(file) {
            Ok(open) => open,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        let mut head = [0; WalHeader::LEN];
        open.read_exact(&mut head)?;
        let header = WalHeader::parse(&head)?;
        header
            .fits(self.asked, open.metadata()?.len())
            .map_err(|misfit| Error::corrupt(misfit.to_string()))?;
        Ok(header.system_id == self.cluster)
    }

    /// Takes note that the segment is at its destination, out of the spool (`None`) or fetched, and
    /// sees to it that the filler is at work.
    pub(super) fn delivered(&self, fetched: Option<&Delivered>, request: &Request) {
        let told = fetched
            .and_then(|d| Some((d.stored.compression.suffix().to_owned(), d.header?.segment_size.bytes())));
        let remembered = || self.last.as_ref().map(|d| (d.suffix.clone(), d.segment_size));
        let Some((suffix, segment_size)) = told.or_else(remembered) else { return };
        let most = request.window.min(u8::try_from((MOST_BYTES / segment_size).max(1)).unwrap_or(u8::MAX));
        let demand = Demand {
            segment: self.asked.to_string(),
            window: Demand::window_after(self.last.as_ref(), fetched.is_none(), self.sweep, most),
            suffix,
            segment_size,
            boot: self.boot.clone(),
        };
        if let Err(e) = self.hand_on(&demand, fetched.is_some(), request) {
            warn!("nothing is fetched ahead: {e}");
        }
    }

    fn hand_on(&self, demand: &Demand, fetched: bool, request: &Request) -> Result<()> {
        self.spool.set_demand(demand)?;
        // Swept only now that PostgreSQL has gone on: a probe for a timeline that does not exist yet
        // must not cost the segments of the one it is on.
        self.spool.sweep(self.sweep)?;
        if fetched {
            // The filler may have fetched it as well. It looks at the demand after that, we remove
            // after setting it: one of us sees the other.
            self.segments.remove(self.asked)?;
        }
        self.start_filler(demand, request)
    }

    /// Starts the filler unless it is at work. It gets none of our descriptors, so that nobody who
    /// waits for them to close waits for it; it leaves our session by itself.
    fn start_filler(&self, demand: &Demand, request: &Request) -> Result<()> {
        let Some((program, arguments)) = request.filler.split_first() else { return Ok(()) };
        if self.segments.try_lock()?.is_none() {
            return Ok(());
        }
        let filler = Command::new(program)
            .args(arguments)
            .arg(format!("--system-id={}", self.cluster))
            .arg(format!("--instance={}", self.instance))
            .arg(format!("--timeline={}", self.asked.timeline.number()))
            .arg(format!("--segment-size={}", demand.segment_size))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| Error::local(format!("start the filler {}: {e}", program.display())).caused_by(e))?;
        debug!("filler {} started", filler.id());
        Ok(())
    }

    /// Whether this very segment was missing a moment ago.
    pub(super) fn just_missed(&self, now: Timestamp) -> bool {
        self.spool.missed().is_some_and(|(segment, at)| {
            segment == self.asked && at <= now && now.duration_since(at) < MISS_KEPT
        })
    }

    /// Takes note that it is missing.
    pub(super) fn missed(&self, now: Timestamp) {
        if let Err(e) = self.spool.set_missed(self.asked, now) {
            debug!("the miss is not remembered: {e}");
        }
    }
}

/// Eight hexadecimal digits that stand for the data directory: several copies of a cluster may be in
/// recovery on one machine, and none may sweep the other's segments.
pub(in crate::command) fn instance(data: &Path) -> String {
    let path = fs::canonicalize(data).unwrap_or_else(|_| data.to_path_buf());
    let mut tally = Tally::default();
    tally.update(path.as_os_str().as_encoded_bytes());
    tally.finish().to_string()[..8].to_owned()
}

/// Renames the file to its destination; across file systems it is copied and then renamed.
pub(super) fn hand_over(file: &Path, destination: &Path) -> Result<bool> {
    match points::step(Step::Rename(file, destination), || std::fs::rename(file, destination)) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::CrossesDevices => {
            let mut draft = Draft::beside(destination, 0o600, Durability::Fleeting)?;
            std::io::copy(&mut fs::File::open(file)?, &mut draft)?;
            draft.publish(Publish::Replace)?;
            disk::remove(file)?;
            Ok(true)
        }
        Err(e) => {
            Err(Error::local(format!("move {} to {}: {e}", file.display(), destination.display()))
                .caused_by(e))
        }
    }
}
