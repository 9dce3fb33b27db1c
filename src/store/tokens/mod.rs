//! Signing in once and for all: what an issuer gives is kept until it runs out, on disk too, and got anew
//! when a service refuses it.

mod kept;
mod shelf;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

pub(super) use kept::{Issued, Kept};
pub(super) use shelf::Shelf;

use super::Patience;
use crate::error::{Error, Result};

/// A token is not used any more this long before it runs out: clocks differ, and a request takes time.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// A token and when it runs out. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What goes behind `Bearer`.
    pub(super) text: String,
    /// When it runs out, by the issuer's word and this machine's clock.
    pub(super) expires: Timestamp,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(.., until {})", self.expires)
    }
}

/// Whether a text can go behind `Bearer`: whatever an issuer or a tool gave may be something else.
pub(super) fn is_bearer(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Somewhere tokens come from.
#[async_trait]
pub(super) trait SignIn: fmt::Debug + Send + Sync {
    /// Who signs in where and for what, without any secret in readable form: two ways to sign in that may
    /// get different tokens never have the same (a digest of the secret goes in where there is one).
    fn identity(&self) -> String;

    /// Gets a fresh token: one attempt, which the caller limits and repeats. Kind `Denied` when the
    /// issuer refuses, `Usage` when the configuration cannot work, `Unavailable` when it may work later.
    async fn fetch(&self) -> Result<Token>;
}

/// The tokens of one way to sign in. Cloning shares them.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    source: Arc<dyn SignIn>,
    patience: Patience,
    kept: Arc<Kept<String>>,
}

impl Tokens {
    /// Tokens from `source`, kept in `directory` as well.
    pub(super) fn new(source: Arc<dyn SignIn>, directory: Option<PathBuf>, patience: &Patience) -> Self {
        let shelf = directory.map(|directory| Shelf::new(&directory));
        let kept = Arc::new(Kept::new(source.identity(), shelf));
        Self { source, patience: patience.within_an_attempt(), kept }
    }

    /// A token that is good for at least five minutes, unless the issuer gives shorter ones or cannot be
    /// reached. However many ask at once, it is fetched once. It takes no longer than an attempt at a
    /// request may, of which it is a part: whoever is patient with the request is so with this.
    pub(super) async fn get(&self) -> Result<Token> {
        let what = || format!("sign in as {}", self.source.identity());
        let fetch = async {
            let Token { text, expires } = self.patience.persist(0, what, || self.source.fetch()).await?;
            Ok(Issued { what: text, expires: Some(expires) })
        };
        match self.kept.get(fetch).await? {
            Issued { what: text, expires: Some(expires) } => Ok(Token { text, expires }),
            Issued { expires: None, .. } => Err(Error::bug("a token has no end")),
        }
    }

    /// Forgets a token that a service has refused, here and on disk. `false` when it is fresh from the
    /// issuer, so that another would be refused just the same.
    pub(super) async fn refused(&self, token: &Token) -> bool {
        self.kept.refused(|text| *text == token.text).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;

    /// An issuer whose first answers are these errors.
    #[derive(Debug)]
    struct Issuer {
        asked: AtomicUsize,
        troubles: Vec<ErrorKind>,
    }

    #[async_trait]
    impl SignIn for Issuer {
        fn identity(&self) -> String {
            "account a at http://issuer".to_owned()
        }

        async fn fetch(&self) -> Result<Token> {
            let nth = self.asked.fetch_add(1, Ordering::SeqCst);
            match self.troubles.get(nth) {
                Some(kind) => Err(Error::new(*kind, "no")),
                None => Ok(Token { text: format!("secret {nth}"), expires: Timestamp::now() + 2 * MARGIN }),
            }
        }
    }

    fn tokens(troubles: &[ErrorKind], directory: Option<PathBuf>) -> Tokens {
        let source = Issuer { asked: AtomicUsize::new(0), troubles: troubles.to_vec() };
        Tokens::new(Arc::new(source), directory, &Patience::default())
    }

    #[tokio::test(start_paused = true)]
    async fn passing_trouble_with_the_issuer_is_waited_for_and_no_other() {
        let passing = [ErrorKind::Unavailable; 2];
        assert_eq!(tokens(&passing, None).get().await.unwrap().text, "secret 2");
        let error = tokens(&[ErrorKind::Denied], None).get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
    }

    #[tokio::test(start_paused = true)]
    async fn an_issuer_that_stays_away_is_told_of_before_the_attempt_that_waits_for_it_ends() {
        let began = tokio::time::Instant::now();
        let error = tokens(&[ErrorKind::Unavailable; 1000], None).get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn an_issuer_that_hangs_is_named() {
        #[derive(Debug)]
        struct Hangs;
        #[async_trait]
        impl SignIn for Hangs {
            fn identity(&self) -> String {
                "account a".to_owned()
            }
            async fn fetch(&self) -> Result<Token> {
                std::future::pending().await
            }
        }
        let patience = Patience { grace: Duration::from_millis(100), ..Patience::default() };
        let patience = Patience { max_attempts: Some(1), ..patience };
        let error = Tokens::new(Arc::new(Hangs), None, &patience).get().await.unwrap_err();
        assert_eq!(error.to_string(), "sign in as account a: no answer within 50.0ms");
    }

    #[tokio::test]
    async fn a_token_is_kept_for_another_process_until_it_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Some(dir.path().join("tokens"));
        let first = tokens(&[], directory.clone()).get().await.unwrap();
        let other = tokens(&[ErrorKind::Denied], directory.clone());
        assert_eq!(other.get().await.unwrap(), first);
        assert!(other.refused(&first).await);
        assert_eq!(other.get().await.unwrap_err().kind(), ErrorKind::Denied);
        let third = tokens(&[], directory).get().await.unwrap();
        assert!(!format!("{third:?}").contains("secret"));
    }
}
