//! Somebody wants the backup to end.

use std::future::{Future, pending};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::{LAST_WORDS, WIND_UP};
use crate::error::{Error, ErrorKind, Result};

/// Whether the backup is still wanted.
pub(super) struct Stop {
    asked: watch::Receiver<bool>,
    deadline: Option<Deadline>,
}

/// When it is no longer wanted because it takes too long.
#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Stop {
    pub(super) fn new(asked: watch::Receiver<bool>, allowed: Option<Duration>) -> Self {
        let deadline = allowed.and_then(|allowed| {
            let at = Instant::now().checked_add(allowed)?;
            Some(Deadline { at, allowed })
        });
        Self { asked, deadline }
    }

    /// Ends when the backup is no longer wanted, with what that is as an error.
    pub(super) async fn asked(&mut self) -> Error {
        let deadline = self.deadline;
        let asked = async {
            if self.asked.wait_for(|asked| *asked).await.is_err() {
                // Whoever could ask is gone.
                pending::<()>().await;
            }
        };
        let late = async {
            match deadline {
                Some(deadline) => {
                    sleep_until(deadline.at).await;
                    deadline.allowed
                }
                None => pending().await,
            }
        };
        tokio::select! {
            () = asked => Error::new(ErrorKind::Interrupted, "interrupted by a signal"),
            allowed = late => Error::new(ErrorKind::Interrupted, format!("not done within {allowed:?}")),
        }
    }

    /// The result of `work`, which may be dropped at any point, unless the backup is no longer wanted.
    pub(super) async fn unless<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            why = self.asked() => Err(why),
            done = work => done,
        }
    }

    /// As [`unless`](Self::unless), for a request that must not be given up on its way, or what it stores
    /// could overtake what is stored after it: it has some time to come to its end, and what is asked then
    /// is found out by the next work.
    pub(super) async fn unless_late<T>(&mut self, request: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::pin!(request);
        tokio::select! {
            biased;
            done = &mut request => done,
            why = self.asked() => timeout(LAST_WORDS, request).await.unwrap_or(Err(why)),
        }
    }

    /// As [`unless`](Self::unless), for work that has uploads to abort: it is told so by `cancel`, and has
    /// some time to come to its end.
    pub(super) async fn unless_wound_up<T>(
        &mut self,
        work: impl Future<Output = Result<T>>,
        cancel: &watch::Sender<bool>,
    ) -> Result<T> {
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => done,
            why = self.asked() => {
                cancel.send_replace(true);
                let _ = timeout(WIND_UP, work).await;
                Err(why)
            }
        }
    }
}
