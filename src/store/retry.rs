//! Trying again, once for every store: deadlines, back-off, and when to stop.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::{self, Instant};

use crate::error::{Error, ErrorKind, Result};

/// The longest pause between two attempts: a service that is back is noticed this soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// So many times the usual grace is what putting an object together from its parts may take.
const ASSEMBLY_GRACES: u32 = 6;

/// How long to wait for a service, and how often to try again. One value bounds every request of a
/// command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// How long one operation is tried again for, counted from its first attempt.
    pub retry_for: Duration,
    /// At most so many attempts per operation, when set (`AWS_MAX_ATTEMPTS`).
    pub max_attempts: Option<u32>,
    /// What one attempt may take before transfer time is added: connecting, and the service's own time.
    pub grace: Duration,
    /// The slowest transfer that is not yet called stalled, in bytes per second, averaged over `grace`.
    pub min_speed: u64,
    /// The command's own end: nothing is waited for beyond it.
    pub deadline: Option<std::time::Instant>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retry_for: Duration::from_secs(30),
            max_attempts: None,
            grace: Duration::from_secs(20),
            min_speed: 64 << 10,
            deadline: None,
        }
    }
}

impl Patience {
    /// What one attempt that transfers so many bytes may take.
    pub fn allowance(&self, bytes: u64) -> Duration {
        self.grace.saturating_add(Duration::from_secs(bytes / self.min_speed.max(1)))
    }

    /// The same patience with a request that lets the service put a large object together from its
    /// parts: it may answer nothing for minutes, and then must be asked at least once more, since the
    /// answer that was not waited for may have been success.
    pub(super) fn with_assembly(&self) -> Self {
        let grace = self.grace.saturating_mul(ASSEMBLY_GRACES);
        Self { grace, retry_for: self.retry_for.saturating_add(grace), ..self.clone() }
    }

    /// The same patience with what has to be done, like signing in, before a request of an attempt can go:
    /// it ends within the attempt, so that its own trouble is told, and leaves time for the request.
    pub(super) fn within_an_attempt(&self) -> Self {
        let half = self.grace / 2;
        Self { grace: half, retry_for: self.retry_for.min(half / 2), ..self.clone() }
    }

    /// The least that must move in a period of grace for a transfer not to be called stalled.
    pub(super) fn least(&self) -> u64 {
        let bytes = self.grace.as_millis().saturating_mul(self.min_speed.into()) / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The command's end, if it has one, by the clock that is waited with.
    pub(super) fn end(&self) -> Option<Instant> {
        self.deadline.map(Instant::from_std)
    }

    /// Lets one attempt run for at most `allowance`, and not beyond the command's end. An attempt that
    /// is ended cannot tell what it was for, so `what` does.
    pub(super) async fn limit<T>(
        &self,
        allowance: Duration,
        what: impl Fn() -> String,
        attempt: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let end = Instant::now() + allowance;
        let (end, late) = match self.end().filter(|command_end| *command_end < end) {
            Some(command_end) => (command_end, "no answer before the command's deadline".to_owned()),
            None => (end, format!("no answer within {allowance:.1?}")),
        };
        let answer = time::timeout_at(end, attempt).await;
        answer.unwrap_or_else(|_| Err(Error::unavailable(late).context(what())))
    }

    /// Makes one attempt at what is only tidying up, after a failure that is told instead of its own: patience
    /// was had with that already.
    pub(super) async fn tidy_up(&self, what: impl Fn() -> String, attempt: impl Future<Output = Result<()>>) {
        if let Err(e) = self.limit(self.allowance(0), what, attempt).await {
            tracing::debug!("{e}");
        }
    }

    /// Makes attempts, each limited to what transferring `bytes` may take, until one does not fail
    /// with kind `Unavailable` or patience ends.
    pub(super) async fn persist<T, F>(
        &self,
        bytes: u64,
        what: impl Fn() -> String,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut attempts = Attempts::new(self);
        loop {
            match self.limit(self.allowance(bytes), &what, attempt()).await {
                Ok(answer) => return Ok(answer),
                Err(e) => attempts.wait_after(e).await?,
            }
        }
    }
}

/// The attempts at one operation so far.
pub(super) struct Attempts {
    patience: Patience,
    began: Instant,
    failed: u32,
}

impl Attempts {
    /// None so far.
    pub(super) fn new(patience: &Patience) -> Self {
        Self { patience: patience.clone(), began: Instant::now(), failed: 0 }
    }

    /// Counts a failed attempt and waits before the next; gives the error back when there is to be none.
    pub(super) async fn wait_after(&mut self, error: Error) -> Result<()> {
        self.failed += 1;
        let pause = match error.kind() {
            ErrorKind::Unavailable => self.pause(),
            _ => None,
        };
        let Some(pause) = pause else { return Err(self.tell(error)) };
        tracing::debug!(attempt = self.failed, pause_ms = pause.as_millis(), "trying again after: {error}");
        time::sleep(pause).await;
        Ok(())
    }

    /// How long to wait before the next attempt; `None` when there is to be none.
    fn pause(&self) -> Option<Duration> {
        if self.patience.max_attempts.is_some_and(|max| self.failed >= max) {
            return None;
        }
        let now = Instant::now();
        let retry_end = self.began + self.patience.retry_for;
        let end = self.patience.end().map_or(retry_end, |end| end.min(retry_end));
        // The last attempt is made right at the end, rather than given away.
        let left = end.checked_duration_since(now).filter(|left| !left.is_zero())?;
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failed.saturating_sub(1).min(16));
        Some(jitter(doubled.min(LONGEST_PAUSE)).min(left))
    }

    fn tell(&self, error: Error) -> Error {
        if self.failed < 2 {
            return error;
        }
        let tried = self.began.elapsed();
        error.context(format!("gave up after {} attempts in {tried:.1?}", self.failed))
    }
}

/// Between half of `pause` and all of it, so that clients that failed together do not come back
/// together. Any scatter will do for that; the seeds that the standard library's hash maps draw save
/// a random number generator.
fn jitter(pause: Duration) -> Duration {
    let half = pause / 2;
    let scatter = RandomState::new().hash_one(pause) % 1024;
    half + half.mul_f64(f64::from(u16::try_from(scatter).unwrap_or(0)) / 1024.0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const RETRY_FOR: Duration = Duration::from_millis(500);

    fn what() -> String {
        "put a".to_owned()
    }

    fn patience() -> Patience {
        Patience { retry_for: RETRY_FOR, ..Patience::default() }
    }

    async fn fail_always(patience: &Patience, kind: ErrorKind) -> (Error, u32, Duration) {
        let (made, began) = (Cell::new(0), Instant::now());
        let attempt = || async {
            made.set(made.get() + 1);
            Err::<(), _>(Error::new(kind, "no"))
        };
        let error = patience.persist(0, what, attempt).await.unwrap_err();
        (error, made.get(), began.elapsed())
    }

    #[tokio::test]
    async fn passing_trouble_is_tried_again_until_patience_ends() {
        let (error, made, took) = fail_always(&patience(), ErrorKind::Unavailable).await;
        assert!(made > 2, "{made}");
        assert!(took >= RETRY_FOR, "{took:?}");
        assert!(error.to_string().starts_with(&format!("gave up after {made} attempts in ")), "{error}");
    }

    #[tokio::test]
    async fn lasting_trouble_is_told_at_once() {
        for kind in [ErrorKind::Denied, ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Usage] {
            let (error, made, _) = fail_always(&patience(), kind).await;
            assert_eq!((made, error.to_string().as_str()), (1, "no"));
        }
    }

    #[tokio::test]
    async fn a_number_of_attempts_is_not_exceeded() {
        let limited = Patience { max_attempts: Some(2), ..patience() };
        assert_eq!(fail_always(&limited, ErrorKind::Unavailable).await.1, 2);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_beyond_the_commands_deadline() {
        let end = std::time::Instant::now() + Duration::from_millis(200);
        let limited =
            Patience { retry_for: Duration::from_mins(1), deadline: Some(end), ..Patience::default() };
        fail_always(&limited, ErrorKind::Unavailable).await;
        let never = limited.persist(0, what, std::future::pending::<Result<()>>).await.unwrap_err();
        assert_eq!(never.kind(), ErrorKind::Unavailable);
        assert!(end.elapsed() < Duration::from_secs(10), "{:?}", end.elapsed());
    }

    #[tokio::test]
    async fn an_attempt_that_takes_longer_than_allowed_is_ended() {
        let once = Patience { max_attempts: Some(1), grace: Duration::from_millis(50), ..patience() };
        let error = once.persist(0, what, std::future::pending::<Result<()>>).await.unwrap_err();
        assert_eq!(error.to_string(), "put a: no answer within 50.0ms");
    }

    #[test]
    fn an_attempt_may_take_the_grace_and_the_slowest_transfer() {
        let patience = Patience::default();
        let slowest = Duration::from_secs(10);
        assert_eq!(patience.allowance(10 * patience.min_speed), patience.grace + slowest);
    }

    #[test]
    fn an_assembly_may_take_six_periods_of_grace_and_be_asked_for_again() {
        let (usual, patience) = (Patience::default(), Patience::default().with_assembly());
        assert_eq!(patience.allowance(0), 6 * usual.grace);
        assert!(patience.retry_for > patience.allowance(0) && patience.end() == usual.end());
    }

    #[test]
    fn a_pause_is_scattered_but_never_longer() {
        for _ in 0..100 {
            let pause = jitter(LONGEST_PAUSE);
            assert!(pause >= LONGEST_PAUSE / 2 && pause <= LONGEST_PAUSE);
        }
    }
}
