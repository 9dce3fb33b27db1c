//! Several waiting files in one call, for `wal-flush`: one lock, one sign-in, one budget, and for every file
//! what a call of its own would do.

use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use tracing::{debug, warn};

use super::guard::Own;
use super::send::{FILES_IN_FLIGHT, Sender};
use super::source::Source;
use super::{Archived, Request, TURN, compare, grow, guard, open, remember};
use crate::archive::{Archive, OpenArchive};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::model::{SegmentSize, SystemId, WalName};
use crate::pgdata::Queue;
use crate::spool::{ArchiveSpool, Lock, Spool};

/// After so many files that fail each for its own reason the rest is not tried.
const FAILURES: usize = 16;

/// Nothing tells when the lock is given up.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// One cluster's waiting files on their way into one archive.
pub(in crate::command) struct Several<'a> {
    how: &'a Request,
    archive: Archive,
    /// What stands for the archive in markers.
    fingerprint: String,
    system: SystemId,
    queue: Queue,
    spool: Option<ArchiveSpool>,
    /// Whether what is stored is marked in the spool, for a server that will ask for it.
    mark: bool,
    _lock: Option<Lock>,
}

/// What became of a waiting file.
#[derive(Debug)]
pub(in crate::command) enum Fate {
    /// It is in the archive.
    Archived(Archived),
    /// PostgreSQL's own archiver was faster, and the file waits no longer.
    Gone,
    /// It was not tried: what ails those before it ails it, too.
    Untried,
}

impl<'a> Several<'a> {
    /// Takes the lock, or waits for it a while, and signs in.
    pub(in crate::command) async fn open(
        how: &'a Request,
        archive: &dyn OpenArchive,
        system: SystemId,
        queue: Queue,
        mark: bool,
        deadline: Instant,
    ) -> Result<Self> {
        let fingerprint = archive.address().fingerprint();
        let spool = how.spool.as_deref().and_then(|root| {
            let opened = Spool::open(root).and_then(|spool| spool.archive(&fingerprint, system));
            opened.inspect_err(|e| warn!(hint = e.hint_text(), "archiving without the spool: {e}")).ok()
        });
        let lock = match &spool {
            Some(spool) => await_lock(spool, deadline).await,
            None => None,
        };
        let archive = open(how, archive, deadline).await?;
        Ok(Self { how, archive, fingerprint, system, queue, spool, mark, _lock: lock })
    }

    /// The archive.
    pub(in crate::command) const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Stores all of these, several at once and begun in this order; `told` hears of each as it ends. The
    /// first ones go alone, until it is known whose archive this is.
    pub(in crate::command) async fn store_all(
        &self,
        names: &[WalName],
        mut told: impl FnMut(WalName, Result<Fate>),
    ) {
        let Some(sender) = self.sender(names) else {
            for name in names {
                told(*name, Ok(Fate::Gone));
            }
            return;
        };
        let mut ill = Ill::default();
        let segments = names.iter().enumerate().filter(|(_, name)| name.segment().is_some());
        let alone = segments.map(|(at, _)| at + 1).nth(1).unwrap_or(names.len());
        let (first, rest) = names.split_at(alone);
        for name in first {
            let fate = if ill.stops() { Ok(Fate::Untried) } else { self.store(&sender, name).await };
            ill.note(&fate);
            told(*name, fate);
        }
        let ill = std::cell::RefCell::new(ill);
        let mut sending = stream::iter(rest)
            .map(|name| async {
                // Looked at when its turn comes.
                if ill.borrow().stops() {
                    return (*name, Ok(Fate::Untried));
                }
                (*name, self.store(&sender, name).await)
            })
            .buffer_unordered(FILES_IN_FLIGHT);
        while let Some((name, fate)) = sending.next().await {
            ill.borrow_mut().note(&fate);
            told(name, fate);
        }
    }

    /// Stores one file under a name that it may not have.
    pub(in crate::command) async fn store_as(&self, name: WalName, path: &Path) -> Result<Archived> {
        let source = Arc::new(self.look(name, path)?);
        let sender = Sender::new(&self.archive, self.how, &source, self.spool.as_ref());
        let admitted = guard::admit(&self.archive, &source, self.how, self.spool.as_ref()).await;
        admitted.context(|| format!("archive {name}"))?;
        grow(&self.archive, sender, &source, None).await.map(|outcome| outcome.archived)
    }

    /// The sender for files of these lengths, of which segments are the longest; `None` when all are gone.
    fn sender(&self, names: &[WalName]) -> Option<Sender<'_>> {
        let by_length = names.iter().filter(|name| name.segment().is_some()).chain(names);
        let mut sources = by_length.filter_map(|name| self.look(*name, &self.queue.path(name)).ok());
        let like = sources.next();
        // Where none can be looked at, each says so itself.
        match like {
            Some(like) => Some(Sender::new(&self.archive, self.how, &like, self.spool.as_ref())),
            None if names.iter().all(|name| !self.queue.waits(name)) => None,
            None => Some(Sender::of_length(
                &self.archive,
                self.how,
                SegmentSize::DEFAULT.bytes(),
                self.spool.as_ref(),
            )),
        }
    }

    fn look(&self, name: WalName, path: &Path) -> Result<Source> {
        let source = Source::open_as(name, path, &self.fingerprint)?;
        match source.system_id {
            Some(theirs) if theirs != self.system => Err(Error::conflict(format!(
                "{} was written by system {theirs}, the data directory is of system {}",
                path.display(),
                self.system
            ))
            .hint("it was copied there from another cluster; do not archive it")),
            _ => Ok(source),
        }
    }

    async fn store(&self, sender: &Sender<'_>, name: &WalName) -> Result<Fate> {
        self.store_it(sender, name, self.queue.path(name)).await.context(|| format!("archive {name}"))
    }

    async fn store_it(&self, sender: &Sender<'_>, name: &WalName, path: PathBuf) -> Result<Fate> {
        if !self.queue.waits(name) && path.metadata().is_err_and(|e| e.kind() == IoKind::NotFound) {
            return Ok(Fate::Gone);
        }
        let source = Arc::new(self.look(*name, &path)?);
        if let (Some(spool), Some((segment, file))) = (&self.spool, source.marker())
            && spool.is_marked(segment, file)
        {
            return Ok(Fate::Archived(Archived::Ahead));
        }
        let admitted = guard::admit(&self.archive, &source, self.how, self.spool.as_ref()).await?;
        if let WalName::Partial(_) = name
            && !self.how.overwrite
        {
            let sender = Sender::new(&self.archive, self.how, &source, self.spool.as_ref());
            return Ok(Fate::Archived(grow(&self.archive, sender, &source, None).await?.archived));
        }
        if admitted.own == Own::Taken && !self.how.overwrite {
            sender.compare(&source, None).await?;
            return Ok(Fate::Archived(Archived::Same));
        }
        if let Some(twin) = admitted.twin.as_ref().filter(|_| !self.how.overwrite) {
            compare::same_or_conflict(&self.archive, &source, twin).await?;
            return Ok(Fate::Archived(Archived::Same));
        }
        let sent = sender.send(&source, None).await?;
        if let Some(twin) = &admitted.twin {
            // Two suffixes of one name would leave it to the reader which one is served.
            self.archive.remove_wal(twin).await?;
        }
        remember(self.spool.as_ref(), admitted.learnt.as_ref());
        self.mark(&source);
        Ok(Fate::Archived(sent.told(source.len)))
    }

    fn mark(&self, source: &Source) {
        if let (true, Some(spool), Some((segment, file))) = (self.mark, &self.spool, source.marker())
            && let Err(e) = spool.mark(segment, file)
        {
            // Without its marker the file is sent again, which then finds it there.
            warn!("{segment} is archived, but not marked so: {e}");
        }
    }
}

/// How much has gone wrong.
#[derive(Debug, Default)]
struct Ill {
    files: usize,
    /// What failed will fail for every file.
    all: bool,
}

impl Ill {
    fn note(&mut self, fate: &Result<Fate>) {
        if let Err(e) = fate {
            self.files += 1;
            // The rest is about one file: what it holds, or whether it can be read.
            self.all |= !matches!(e.kind(), ErrorKind::Conflict | ErrorKind::Corrupt | ErrorKind::Local);
        }
    }

    const fn stops(&self) -> bool {
        self.all || self.files >= FAILURES
    }
}

/// Waits while another call archives, which may be PostgreSQL's own. Storing a file twice is safe, waiting for
/// ever is not.
async fn await_lock(spool: &ArchiveSpool, deadline: Instant) -> Option<Lock> {
    let until = deadline.min(Instant::now() + TURN);
    loop {
        match spool.try_lock() {
            Ok(Some(lock)) => return Some(lock),
            Ok(None) if Instant::now() < until => tokio::time::sleep(LOCK_POLL).await,
            Ok(None) => return None,
            Err(e) => {
                debug!("archiving without the lock: {e}");
                return None;
            }
        }
    }
}
