//! An object in parts that travel side by side: what is the same for every service that takes them.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Key, Patience, Upload};
use crate::error::{Context as _, Error, Result};

/// What a service does with the parts of one object. Each is one request, or a few; patience with them is had
/// here.
#[async_trait]
pub(super) trait Whole: Send + Sync + 'static {
    /// What the service wants to be told again of a part that it has.
    type Part: Send + Sync + 'static;

    /// How many there may be.
    const LIMIT: Limit;

    /// The object that they become.
    fn key(&self) -> &Key;

    /// Where it is stored, for messages.
    fn store(&self) -> &dyn fmt::Display;

    /// Patience with the service.
    fn patience(&self) -> &Patience;

    /// Sends one part.
    async fn send_once(&self, number: u16, part: &Bytes) -> Result<Self::Part>;

    /// Makes the object visible. The answer to an attempt may get lost, and when it is asked again the parts
    /// are no more, although everything went well.
    async fn complete_once(&self, parts: &[Self::Part], is_first: bool) -> Result<()>;

    /// Gives the upload up and frees its parts; one that is gone already is success.
    async fn abort_once(&self) -> Result<()>;
}

/// How many parts a service allows in one object, and how messages call them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// Whether an object without any is none, not even an empty one.
    pub(super) at_least_one: bool,
    /// At most so many.
    pub(super) most: u16,
    /// One of them: `part`.
    pub(super) name: &'static str,
    /// Who says so.
    pub(super) service: &'static str,
}

impl Limit {
    /// The number of the part after `begun` parts; they are counted from 1. Kind `Usage` when the service
    /// allows no more.
    pub(super) fn next_number(self, begun: u16, key: &Key) -> Result<u16> {
        let Self { most, name, service, .. } = self;
        if begun < most {
            return Ok(begun + 1);
        }
        Err(Error::usage(format!(
            "{key} would have more than {most} {name}s, the most that {service} allows"
        ))
        .hint("store it in larger parts"))
    }
}

/// An object in parts, some of them under way.
pub(super) struct InParts<W: Whole> {
    whole: Arc<W>,
    parts: Parts<W::Part>,
}

impl<W: Whole> InParts<W> {
    /// None was sent so far, and at most `in_flight` are under way at once.
    pub(super) fn new(whole: W, in_flight: NonZeroUsize) -> Self {
        Self { whole: Arc::new(whole), parts: Parts::new(W::LIMIT, in_flight) }
    }

    async fn finish_all(&mut self) -> Result<()> {
        if self.parts.is_empty() && W::LIMIT.at_least_one {
            self.part(Bytes::new()).await?;
        }
        let parts = self.parts.all().await?;
        let whole = &*self.whole;
        complete(whole, &parts).await.context(|| format!("finish {} in {}", whole.key(), whole.store()))
    }
}

#[async_trait]
impl<W: Whole> Upload for InParts<W> {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        let whole = Arc::clone(&self.whole);
        let send = |number| async move { send(&*whole, number, part).await };
        self.parts.begin(self.whole.key(), send).await
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let finished = self.finish_all().await;
        if finished.is_err() {
            self.parts.end().await;
            let whole = &*self.whole;
            let what = || format!("abort {} in {}", whole.key(), whole.store());
            // When the object was finished after all, there is nothing left to abort and it stays.
            whole.patience().tidy_up(what, whole.abort_once()).await;
        }
        finished
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.parts.end().await;
        let whole = &*self.whole;
        let what = || "abort the upload".to_owned();
        let aborted = whole.patience().persist(0, what, || whole.abort_once()).await;
        aborted.context(|| format!("abort {} in {}", whole.key(), whole.store()))
    }
}

/// Sends one part, and again while patience lasts: only here is it at hand.
async fn send<W: Whole>(whole: &W, number: u16, part: Bytes) -> Result<W::Part> {
    let name = W::LIMIT.name;
    let what = || format!("send the {name}");
    let attempt = || whole.send_once(number, &part);
    let sent = whole.patience().persist(part.len() as u64, what, attempt).await;
    sent.context(|| format!("put {name} {number} of {} into {}", whole.key(), whole.store()))
}

async fn complete<W: Whole>(whole: &W, parts: &[W::Part]) -> Result<()> {
    let attempts = AtomicU32::new(0);
    let attempt = || whole.complete_once(parts, attempts.fetch_add(1, Ordering::Relaxed) == 0);
    whole.patience().with_assembly().persist(0, || "complete the upload".to_owned(), attempt).await
}

/// The parts of one object: those under way, at most `in_flight` of them, and what became of the others.
/// Dropping it ends the tasks that send them.
struct Parts<T> {
    limit: Limit,
    in_flight: NonZeroUsize,
    under_way: JoinSet<Result<(u16, T)>>,
    done: Vec<(u16, T)>,
    /// The number of the last part that was begun.
    begun: u16,
}

impl<T: Send + 'static> Parts<T> {
    /// None so far.
    fn new(limit: Limit, in_flight: NonZeroUsize) -> Self {
        Self { limit, in_flight, under_way: JoinSet::new(), done: Vec::new(), begun: 0 }
    }

    /// Whether no part was begun.
    fn is_empty(&self) -> bool {
        self.begun == 0
    }

    /// Begins to send the next part of `key`; waits while as many as allowed are under way. An error may be
    /// that of an earlier part.
    async fn begin<F>(&mut self, key: &Key, send: impl FnOnce(u16) -> F + Send) -> Result<()>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        while self.under_way.len() >= self.in_flight.get() {
            self.join().await?;
        }
        let number = self.limit.next_number(self.begun, key)?;
        self.begun = number;
        let part = send(number);
        self.under_way.spawn(async move { Ok((number, part.await?)) });
        Ok(())
    }

    /// Waits for all that are under way. What became of every part, in the order of their numbers.
    async fn all(&mut self) -> Result<Vec<T>> {
        while !self.under_way.is_empty() {
            self.join().await?;
        }
        let mut done = std::mem::take(&mut self.done);
        done.sort_by_key(|(number, _)| *number);
        Ok(done.into_iter().map(|(_, part)| part).collect())
    }

    /// Ends those that are under way: a part that arrives after its upload was aborted would stay.
    async fn end(&mut self) {
        self.under_way.shutdown().await;
    }

    /// Waits for one part.
    async fn join(&mut self) -> Result<()> {
        match self.under_way.join_next().await {
            Some(Ok(part)) => self.done.push(part?),
            Some(Err(e)) => {
                return Err(Error::bug(format!("a {} was not sent to its end: {e}", self.limit.name)));
            }
            None => {}
        }
        Ok(())
    }
}
