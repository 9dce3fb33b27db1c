//! Somebody wants the backup to end.

use std::future::{Future, pending};

use tokio::sync::watch;
use tokio::time::timeout;

use super::{LAST_WORDS, WIND_UP};
use crate::error::{Error, ErrorKind, Result};

/// Whether the backup is still wanted.
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new(asked: watch::Receiver<bool>) -> Self {
        Self(asked)
    }

    /// Ends when the backup is no longer wanted, with what that is as an error.
    pub(super) async fn asked(&mut self) -> Error {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            // Whoever could ask is gone.
            return pending().await;
        }
        Error::new(ErrorKind::Interrupted, "interrupted by a signal")
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
