//! A body that is watched while it is read: cut off when it stalls, and resumed where it broke off.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::{self, Instant};

use super::Patient;
use crate::error::{Error, Result};
use crate::store::retry::{Attempts, Patience};
use crate::store::watch::Watch;
use crate::store::{ByteStream, ObjectMeta};

/// The bytes of an object that lie in `range`, beginning with what `body` brings.
pub(super) fn watched(patient: Patient, meta: ObjectMeta, body: ByteStream, range: Range<u64>) -> ByteStream {
    let watch = Watch::new(&patient.patience);
    let state = Body { patient, meta, pieces: body, rest: range, watch, trouble: None };
    let next = |mut state: Body| async move { Ok(state.next().await?.map(|bytes| (bytes, state))) };
    stream::try_unfold(state, next).boxed()
}

struct Body {
    patient: Patient,
    meta: ObjectMeta,
    pieces: ByteStream,
    /// What has not come yet.
    rest: Range<u64>,
    watch: Watch,
    trouble: Option<Trouble>,
}

/// What has gone wrong with a body and is not yet forgotten.
struct Trouble {
    attempts: Attempts,
    /// How many bytes have come since it last went wrong.
    healed: u64,
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            match next_piece(&mut self.watch, &mut self.pieces).await {
                Ok(Some(bytes)) if bytes.is_empty() => {}
                Ok(Some(bytes)) => return self.take(bytes).map(Some),
                Ok(None) => self.resume(self.broken_off()).await?,
                Err(e) => self.resume(e).await?,
            }
        }
    }

    fn take(&mut self, bytes: Bytes) -> Result<Bytes> {
        let length = bytes.len() as u64;
        if length > self.rest.end - self.rest.start {
            let announced = format!("more came than the {} bytes announced", self.meta.size);
            return Err(Error::corrupt(announced).context(self.what()));
        }
        self.rest.start += length;
        if let Some(trouble) = &mut self.trouble {
            // A body that keeps breaking off but moves on in between is not given up; one that only
            // drips is, and what tells them apart is the least that may come in a period of grace.
            trouble.healed += length;
            if trouble.healed >= self.patient.patience.least() {
                self.trouble = None;
            }
        }
        Ok(bytes)
    }

    /// Asks for the rest, again and again while patience lasts.
    async fn resume(&mut self, error: Error) -> Result<()> {
        let patience = self.patient.patience.clone();
        let mut trouble = self.trouble.take().unwrap_or_else(|| Trouble::new(&patience));
        trouble.healed = 0;
        let (mut error, what) = (error, self.what());
        let object = loop {
            trouble.attempts.wait_after(error).await.map_err(|e| e.context(what.as_str()))?;
            let rest = Some(self.rest.clone());
            let again = self.patient.store.get(&self.meta.key, rest);
            match patience.limit(patience.allowance(0), || "ask for the rest".to_owned(), again).await {
                Ok(object) => break object,
                Err(e) => error = e,
            }
        };
        if (&object.meta.etag, object.meta.size) != (&self.meta.etag, self.meta.size) {
            return Err(Error::unavailable("it was changed while being read").context(self.what()));
        }
        self.pieces = object.body;
        self.watch = Watch::new(&patience);
        self.trouble = Some(trouble);
        Ok(())
    }

    fn broken_off(&self) -> Error {
        Error::unavailable(format!("body ended {} bytes early", self.rest.end - self.rest.start))
    }

    fn what(&self) -> String {
        format!("read {} of {}", self.meta.key, self.patient)
    }
}

impl Trouble {
    fn new(patience: &Patience) -> Self {
        Self { attempts: Attempts::new(patience), healed: 0 }
    }
}

/// The next piece of a body, unless too little comes in a period of grace.
async fn next_piece(watch: &mut Watch, body: &mut ByteStream) -> Result<Option<Bytes>> {
    loop {
        let began = Instant::now();
        let piece = time::timeout_at(watch.end(), body.try_next()).await;
        let came = match &piece {
            Ok(Ok(Some(bytes))) => bytes.len() as u64,
            _ => 0,
        };
        watch.count(began.elapsed(), came);
        match piece {
            Ok(piece) => return piece,
            Err(_) => watch.judge()?,
        }
    }
}
