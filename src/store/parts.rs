//! The parts of one object on their way.

use std::num::NonZeroUsize;

use tokio::task::JoinSet;

use super::{Key, Patience};
use crate::error::{Error, Result};

/// How many parts a service allows in one object, and how messages call them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// So many.
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
        let Self { most, name, service } = self;
        if begun < most {
            return Ok(begun + 1);
        }
        Err(Error::usage(format!(
            "{key} would have more than {most} {name}s, the most that {service} allows"
        ))
        .hint("store it in larger parts"))
    }
}

/// The parts of one object: those under way, at most `in_flight` of them, and what became of the others.
/// Dropping it ends the tasks that send them.
pub(super) struct Parts<T> {
    limit: Limit,
    in_flight: NonZeroUsize,
    under_way: JoinSet<Result<(u16, T)>>,
    done: Vec<(u16, T)>,
    /// The number of the last part that was begun.
    begun: u16,
}

impl<T: Send + 'static> Parts<T> {
    /// None so far.
    pub(super) fn new(limit: Limit, in_flight: NonZeroUsize) -> Self {
        Self { limit, in_flight, under_way: JoinSet::new(), done: Vec::new(), begun: 0 }
    }

    /// Whether no part was begun.
    pub(super) fn is_empty(&self) -> bool {
        self.begun == 0
    }

    /// Begins to send the next part of `key`; waits while as many as allowed are under way. An error may be
    /// that of an earlier part.
    pub(super) async fn begin<F>(&mut self, key: &Key, send: impl FnOnce(u16) -> F + Send) -> Result<()>
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
    pub(super) async fn all(&mut self) -> Result<Vec<T>> {
        while !self.under_way.is_empty() {
            self.join().await?;
        }
        let mut done = std::mem::take(&mut self.done);
        done.sort_by_key(|(number, _)| *number);
        Ok(done.into_iter().map(|(_, part)| part).collect())
    }

    /// Ends those that are under way: a part that arrives after its upload was aborted would stay.
    pub(super) async fn end(&mut self) {
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

/// Makes one attempt to abort an upload, after a failure that is told instead of its own: patience was had
/// with that already. When the object was finished after all, there is nothing left to abort and it stays.
pub(super) async fn abort_if_possible(
    patience: &Patience,
    what: impl Fn() -> String,
    abort: impl Future<Output = Result<()>>,
) {
    if let Err(e) = patience.limit(patience.allowance(0), what, abort).await {
        tracing::debug!("{e}");
    }
}
