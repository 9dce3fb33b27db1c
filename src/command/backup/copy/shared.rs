//! What the streams of a copy share: the way out to the store, the limits, and the first failure,
//! which ends them all.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::plan::Plan;
use super::{CopyRequest, Progress};
use crate::archive::{Archive, Tags, Upload};
use crate::command::pace::Pace;
use crate::error::{Error, Result};
use crate::model::{BackupId, Compression, TarName};
use crate::stream::pool::Pool;

/// A thread that waits for a limit looks up this often.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Shared by everything that copies.
pub(super) struct Shared {
    archive: Arc<Archive>,
    runtime: Handle,
    id: BackupId,
    tags: Tags,
    pub(super) compression: Compression,
    pub(super) level: i32,
    in_flight: NonZeroUsize,
    pub(super) workers: u32,
    pub(super) pool: Pool,
    pub(super) progress: Arc<Progress>,
    sending: Mutex<Pace>,
    reading: Mutex<Pace>,
    ended: AtomicBool,
    end: watch::Sender<bool>,
    failure: Mutex<Option<Error>>,
    uploads: Mutex<Vec<JoinHandle<()>>>,
}

/// An object of a backup.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Tar(TarName),
    Manifest,
}

/// What goes from a stream to the task that sends it.
pub(super) enum Piece {
    Part(Bytes),
    /// All parts were given: the object may become visible.
    Whole,
}

impl Shared {
    /// For a copy that is carried out as `plan` says, within a runtime.
    pub(super) fn new(
        archive: Arc<Archive>,
        request: &CopyRequest,
        plan: &Plan,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            archive,
            runtime: Handle::current(),
            id: request.id,
            tags: request.tags.clone(),
            compression: request.compression,
            level: request.level,
            in_flight: plan.in_flight,
            workers: plan.workers,
            pool: Pool::new(usize::try_from(plan.part).unwrap_or(usize::MAX), plan.parts),
            progress,
            sending: Mutex::new(Pace::new(request.max_rate)),
            reading: Mutex::new(Pace::new(request.max_read_rate)),
            ended: AtomicBool::new(false),
            end: watch::Sender::new(false),
            failure: Mutex::default(),
            uploads: Mutex::default(),
        }
    }

    /// Ends everything because of `e`, unless something else has ended it before.
    pub(super) fn fail(&self, e: Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
        self.end();
    }

    /// Ends everything: threads fail at their next step, and what was being sent is forgotten.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.end.send_replace(true);
        self.pool.close();
    }

    /// What ended everything, if anything did; once.
    pub(super) fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until so many bytes may be read; on a thread.
    pub(super) fn before_reading(&self, bytes: u64) -> Result<()> {
        self.wait(&self.reading, bytes)
    }

    /// Waits until so many bytes may be sent; on a thread.
    pub(super) fn before_sending(&self, bytes: u64) -> Result<()> {
        self.wait(&self.sending, bytes)
    }

    fn wait(&self, pace: &Mutex<Pace>, bytes: u64) -> Result<()> {
        let now = Instant::now();
        let until = now + pace.lock().unwrap_or_else(PoisonError::into_inner).take(bytes, now);
        loop {
            if self.ended.load(Ordering::Relaxed) {
                return Err(Error::unavailable("the copy was given up"));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK_UP));
        }
    }

    /// Starts a task that sends an object, and gives the way to it. How many parts wait there is bounded
    /// by the pool they come from.
    pub(super) fn start_upload(self: &Arc<Self>, what: What) -> mpsc::UnboundedSender<Piece> {
        let (to, pieces) = mpsc::unbounded_channel();
        let shared = Arc::clone(self);
        let task = self.runtime.spawn(async move {
            let _guard = FailOnPanic(Arc::clone(&shared));
            if let Err(e) = shared.upload(what, pieces).await {
                shared.fail(e);
            }
        });
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.retain(|upload| !upload.is_finished());
        uploads.push(task);
        to
    }

    /// Waits for everything that is being sent, to its end or until it is forgotten.
    pub(super) async fn uploads_ended(&self) {
        let uploads = std::mem::take(&mut *self.uploads.lock().unwrap_or_else(PoisonError::into_inner));
        for upload in uploads {
            // How it ended it has told itself, even when it panicked.
            let _ = upload.await;
        }
    }

    async fn upload(&self, what: What, mut pieces: mpsc::UnboundedReceiver<Piece>) -> Result<()> {
        let mut end = self.end.subscribe();
        let mut upload = self.open(what).await?;
        let sent = tokio::select! {
            biased;
            _ = end.wait_for(|end| *end) => Ok(false),
            sent = self.send_all(&mut upload, &mut pieces) => sent,
        };
        match sent {
            Ok(true) => upload.finish().await,
            // The first error is the one to tell; what cannot be freed now is found by its age later.
            Ok(false) => {
                let _ = upload.abort().await;
                Ok(())
            }
            Err(e) => {
                let _ = upload.abort().await;
                Err(e)
            }
        }
    }

    async fn open(&self, what: What) -> Result<Box<dyn Upload>> {
        match what {
            What::Tar(name) => {
                self.archive.new_tar(&self.id, &name, self.compression, &self.tags, self.in_flight).await
            }
            What::Manifest => self.archive.new_manifest(&self.id, &self.tags, NonZeroUsize::MIN).await,
        }
    }

    /// Sends parts as they come; whether all came, or whoever gives them has given up.
    async fn send_all(
        &self,
        upload: &mut Box<dyn Upload>,
        pieces: &mut mpsc::UnboundedReceiver<Piece>,
    ) -> Result<bool> {
        loop {
            match pieces.recv().await {
                Some(Piece::Part(part)) => {
                    let len = part.len() as u64;
                    upload.part(part).await?;
                    self.progress.stored_bytes.fetch_add(len, Ordering::Relaxed);
                }
                Some(Piece::Whole) => return Ok(true),
                None => return Ok(false),
            }
        }
    }
}

/// Fails the copy when a thread or a task of it panics: nobody may go on for hours, and an object that
/// was lost so must not be taken for one that was stored.
pub(super) struct FailOnPanic(pub(super) Arc<Shared>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(Error::bug("a part of the copy has panicked"));
        }
    }
}
