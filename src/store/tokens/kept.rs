//! What an issuer gave, kept until it runs out or a service refuses it: in memory, and on a shelf for the
//! processes to come.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant};

use super::{MARGIN, Shelf};
use crate::error::{Error, ErrorKind, Result};

/// What does not tell when it runs out is got anew after so long.
const UNTOLD: SignedDuration = SignedDuration::from_mins(15);

/// What is refused this soon after the issuer gave it would be refused again.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

/// When the issuer cannot be reached, what there is goes on being used until this long before its end.
const LAST: SignedDuration = SignedDuration::from_mins(1);

/// So long after the issuer could not be reached, it is not asked again while what there is will do.
const PAUSE: Duration = Duration::from_secs(10);

/// What an issuer gave.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::store) struct Issued<T> {
    /// A secret, so `Debug` does not show it.
    pub(in crate::store) what: T,
    /// When it runs out, if that was told.
    pub(in crate::store) expires: Option<Timestamp>,
}

impl<T> fmt::Debug for Issued<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued(.., until {:?})", self.expires)
    }
}

/// What one issuer gives to one identity.
pub(in crate::store) struct Kept<T> {
    identity: String,
    shelf: Option<Shelf>,
    state: Mutex<State<T>>,
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}

struct State<T> {
    current: Option<Held<T>>,
    /// The last time that the issuer was asked in vain, until it answers again.
    failure: Option<Failure>,
    /// What a service has refused; it may still be on the shelf where nothing can be removed.
    refused: Option<T>,
}

struct Held<T> {
    issued: Issued<T>,
    /// When the issuer gave it; `None` when it comes from the shelf.
    fetched: Option<Timestamp>,
}

struct Failure {
    at: Instant,
    error: Error,
}

impl<T: Clone + PartialEq + Serialize + DeserializeOwned> Kept<T> {
    /// What this identity gets, kept on `shelf` as well when there is one. What tells no end is never put
    /// there, nor what ends within five minutes.
    pub(in crate::store) fn new(identity: String, shelf: Option<Shelf>) -> Self {
        let state = Mutex::new(State { current: None, failure: None, refused: None });
        Self { identity, shelf, state }
    }

    /// What is good for five minutes more, unless the issuer gives what is shorter: from memory, else from
    /// the shelf, else by `fetch`. However many ask at once, there is one fetch, and when it fails they
    /// fail together. While the issuer cannot be reached, what has a minute left will do.
    pub(in crate::store) async fn get(
        &self,
        fetch: impl Future<Output = Result<Issued<T>>>,
    ) -> Result<Issued<T>> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        let now = Timestamp::now();
        if let Some(held) = state.current.as_ref().filter(|held| held.is_good(now)) {
            return Ok(held.issued.clone());
        }
        if let Some(answer) = state.failed_since(asked, now) {
            return answer;
        }
        if let Some(issued) = self.shelved(&state, now) {
            state.current = Some(Held { issued: issued.clone(), fetched: None });
            return Ok(issued);
        }
        match fetch.await {
            Ok(issued) => {
                let now = Timestamp::now();
                if let (Some(shelf), Some(expires)) = (&self.shelf, issued.expires) {
                    shelf.keep(&self.identity, &issued.what, expires, now);
                }
                let current = Some(Held { issued: issued.clone(), fetched: Some(now) });
                *state = State { current, failure: None, refused: None };
                Ok(issued)
            }
            Err(e) => {
                let answer = state.make_do(&e, Timestamp::now());
                state.failure = Some(Failure { at: Instant::now(), error: e.again() });
                answer.ok_or(e)
            }
        }
    }

    /// Forgets what a service has refused, which `is_it` knows, here and on the shelf. `true` when asking
    /// again will give something else; `false` when the issuer gave it within the last minute, so that
    /// nobody goes round in circles.
    pub(in crate::store) async fn refused(&self, is_it: impl Fn(&T) -> bool) -> bool {
        let mut state = self.state.lock().await;
        if let Some(shelf) = &self.shelf {
            shelf.forget(&self.identity, &is_it);
        }
        let Some(held) = state.current.as_ref().filter(|held| is_it(&held.issued.what)) else { return true };
        if held.is_fresh(Timestamp::now()) {
            return false;
        }
        state.refused = Some(held.issued.what.clone());
        state.current = None;
        true
    }

    fn shelved(&self, state: &State<T>, now: Timestamp) -> Option<Issued<T>> {
        let (what, expires) = self.shelf.as_ref()?.find::<T>(&self.identity, now)?;
        (state.refused.as_ref() != Some(&what)).then_some(Issued { what, expires: Some(expires) })
    }
}

impl<T: Clone> State<T> {
    /// What became of the question to the issuer that somebody else asked since, or a moment ago.
    fn failed_since(&self, asked: Instant, now: Timestamp) -> Option<Result<Issued<T>>> {
        let Failure { at, error } = self.failure.as_ref()?;
        match self.make_do(error, now) {
            Some(issued) if at.elapsed() < PAUSE => Some(Ok(issued)),
            _ if *at >= asked => Some(Err(error.again())),
            _ => None,
        }
    }

    /// What there is, when the issuer cannot be reached.
    fn make_do(&self, e: &Error, now: Timestamp) -> Option<Issued<T>> {
        let Held { issued, .. } = self.current.as_ref()?;
        let lasts = issued.expires.is_some_and(|expires| now + LAST < expires);
        (e.kind() == ErrorKind::Unavailable && lasts).then(|| {
            tracing::debug!("what is left of the last sign-in is used, since a new one failed: {e}");
            issued.clone()
        })
    }
}

impl<T> Held<T> {
    /// Whether it can be used from now on for a while. What the issuer gives for no more than five
    /// minutes is used for half of its life.
    fn is_good(&self, now: Timestamp) -> bool {
        match (self.issued.expires, self.fetched) {
            (Some(expires), Some(fetched)) => {
                let life = expires.duration_since(fetched);
                now + if life > MARGIN { MARGIN } else { life / 2 } < expires
            }
            (Some(expires), None) => now + MARGIN < expires,
            (None, fetched) => fetched.is_some_and(|fetched| now < fetched + UNTOLD),
        }
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched.is_some_and(|fetched| now < fetched + FRESH)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    /// An issuer that counts, and gives what is numbered so.
    #[derive(Default)]
    struct Issuer {
        asked: AtomicUsize,
    }

    impl Issuer {
        async fn give(&self, life: SignedDuration) -> Result<Issued<String>> {
            let nth = self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(Issued { what: format!("secret {nth}"), expires: Some(Timestamp::now() + life) })
        }

        async fn fail(&self, error: Error) -> Result<Issued<String>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(error)
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    fn in_memory() -> Kept<String> {
        Kept::new("us".to_owned(), None)
    }

    fn shelf(dir: &tempfile::TempDir) -> Shelf {
        Shelf::new(&dir.path().join("tokens"))
    }

    fn on_shelf(dir: &tempfile::TempDir) -> Kept<String> {
        Kept::new("us".to_owned(), Some(shelf(dir)))
    }

    /// As if the issuer had given it so long ago.
    async fn age(kept: &Kept<String>, by: SignedDuration) {
        let mut state = kept.state.lock().await;
        let held = state.current.as_mut().unwrap();
        held.fetched = held.fetched.map(|at| at - by);
        held.issued.expires = held.issued.expires.map(|at| at - by);
    }

    fn is(what: &str) -> impl Fn(&String) -> bool {
        move |kept| kept == what
    }

    #[tokio::test]
    async fn what_is_good_is_not_asked_for_again_by_anybody() {
        let (kept, issuer) = (in_memory(), Issuer::default());
        let many = (0..8).map(|_| kept.get(issuer.give(HOUR)));
        for issued in futures_util::future::join_all(many).await {
            assert_eq!(issued.unwrap().what, "secret 0");
        }
        assert_eq!(issuer.asked(), 1);
        age(&kept, HOUR - MARGIN).await;
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
    }

    #[tokio::test]
    async fn another_process_finds_what_was_kept() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::default());
        on_shelf(&dir).get(issuer.give(HOUR)).await.unwrap();
        let found = on_shelf(&dir).get(issuer.give(HOUR)).await.unwrap();
        assert_eq!((found.what.as_str(), issuer.asked()), ("secret 0", 1));
        let other = Kept::new("them".to_owned(), Some(shelf(&dir)));
        assert_eq!(other.get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
    }

    #[tokio::test]
    async fn what_is_shorter_than_the_margin_is_used_for_half_its_life_and_not_stored() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::default());
        let kept = on_shelf(&dir);
        for _ in 0..3 {
            let short = kept.get(issuer.give(SignedDuration::from_mins(4))).await.unwrap();
            assert_eq!(short.what, "secret 0");
        }
        assert!(!dir.path().join("tokens").exists());
        age(&kept, SignedDuration::from_secs(121)).await;
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
    }

    #[tokio::test]
    async fn what_tells_no_end_is_not_stored_and_asked_for_anew_later() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::default());
        let kept = on_shelf(&dir);
        let endless = async || Ok(Issued { expires: None, ..issuer.give(HOUR).await? });
        for _ in 0..2 {
            assert_eq!(kept.get(endless()).await.unwrap().what, "secret 0");
        }
        assert!(!dir.path().join("tokens").exists());
        age(&kept, UNTOLD).await;
        assert_eq!(kept.get(endless()).await.unwrap().what, "secret 1");
    }

    #[tokio::test]
    async fn what_is_refused_is_forgotten_unless_it_is_fresh_from_the_issuer() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::default());
        let kept = on_shelf(&dir);
        kept.get(issuer.give(HOUR)).await.unwrap();
        assert!(!kept.refused(is("secret 0")).await, "the issuer has just given it");
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 0");
        age(&kept, FRESH).await;
        assert!(kept.refused(is("secret 0")).await);
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
        assert!(kept.refused(is("secret 0")).await, "somebody else has got another since");
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
    }

    #[tokio::test]
    async fn what_another_process_kept_may_be_refused_at_once() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::default());
        on_shelf(&dir).get(issuer.give(HOUR)).await.unwrap();
        let kept = on_shelf(&dir);
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 0");
        assert!(kept.refused(is("secret 0")).await);
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
        assert_eq!(on_shelf(&dir).get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
    }

    #[tokio::test]
    async fn what_was_refused_and_is_still_on_the_shelf_is_not_taken_from_there() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::default());
        let (kept, other) = (on_shelf(&dir), on_shelf(&dir));
        kept.get(issuer.give(HOUR)).await.unwrap();
        let found = other.get(issuer.give(HOUR)).await.unwrap();
        assert!(other.refused(is("secret 0")).await);
        shelf(&dir).keep("us", &found.what, found.expires.unwrap(), Timestamp::now());
        assert_eq!(other.get(issuer.give(HOUR)).await.unwrap().what, "secret 1");
    }

    #[tokio::test]
    async fn those_who_wait_for_the_same_answer_fail_together() {
        let (kept, issuer) = (in_memory(), Issuer::default());
        let many = (0..8).map(|_| kept.get(issuer.fail(Error::denied("no").hint("ask"))));
        for refused in futures_util::future::join_all(many).await {
            let error = refused.unwrap_err();
            assert_eq!((error.kind(), error.hint_text()), (ErrorKind::Denied, Some("ask")));
        }
        assert_eq!(issuer.asked(), 1);
        kept.get(issuer.fail(Error::denied("no"))).await.unwrap_err();
        assert_eq!(issuer.asked(), 2, "whoever comes later asks again");
    }

    #[tokio::test]
    async fn what_is_left_is_used_while_the_issuer_cannot_be_reached() {
        let (kept, issuer) = (in_memory(), Issuer::default());
        kept.get(issuer.give(HOUR)).await.unwrap();
        age(&kept, HOUR - MARGIN).await;
        for _ in 0..3 {
            let left = kept.get(issuer.fail(Error::unavailable("down"))).await.unwrap();
            assert_eq!(left.what, "secret 0");
        }
        assert_eq!(issuer.asked(), 2, "it is not asked with every request");
        age(&kept, MARGIN - LAST).await;
        assert_eq!(kept.get(issuer.fail(Error::unavailable("down"))).await.unwrap_err().to_string(), "down");
        assert_eq!(kept.get(issuer.give(HOUR)).await.unwrap().what, "secret 3");
    }

    #[tokio::test]
    async fn a_refusal_of_the_issuer_ends_the_use_of_what_is_left() {
        let (kept, issuer) = (in_memory(), Issuer::default());
        kept.get(issuer.give(HOUR)).await.unwrap();
        age(&kept, HOUR - MARGIN).await;
        assert_eq!(kept.get(issuer.fail(Error::denied("no"))).await.unwrap_err().kind(), ErrorKind::Denied);
    }

    #[test]
    fn nothing_shows_a_secret() {
        let issued = Issued { what: "secret".to_owned(), expires: None };
        assert!(!format!("{issued:?} {:?}", in_memory()).contains("secret"));
    }
}
