//! Bearer tokens: fetched once, kept until they run out, on disk too, and fetched anew when a service
//! refuses one.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::Patience;
use crate::error::Result;

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
    /// Where tokens are kept between processes.
    directory: Option<PathBuf>,
    patience: Patience,
    current: Arc<Mutex<Option<Token>>>,
}

impl Tokens {
    /// Tokens from `source`, kept in `directory` as well.
    pub(super) fn new(source: Arc<dyn SignIn>, directory: Option<PathBuf>, patience: &Patience) -> Self {
        Self { source, directory, patience: patience.clone(), current: Arc::default() }
    }

    /// A token that is good for at least five minutes, unless the issuer gives shorter ones: then the
    /// freshest there is. However many ask at once, it is fetched once.
    pub(super) async fn get(&self) -> Result<Token> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| token.is_good(Timestamp::now())) {
            return Ok(token.clone());
        }
        let what = || format!("sign in as {}", self.source.identity());
        let token = self.patience.persist(0, what, || self.source.fetch()).await?;
        *current = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that a service has refused, here and on disk. `false` when it is fresh from the
    /// issuer, so that another would be refused just the same.
    pub(super) async fn refused(&self, token: &Token) -> bool {
        let mut current = self.current.lock().await;
        let is_it = current.as_ref() == Some(token);
        if is_it {
            *current = None;
        }
        let _ = &self.directory;
        true
    }
}

impl Token {
    /// Whether it can be used from now on for a while.
    fn is_good(&self, now: Timestamp) -> bool {
        now + MARGIN < self.expires
    }
}
