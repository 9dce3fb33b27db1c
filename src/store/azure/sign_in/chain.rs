//! One way to sign in after the other, until one is there.
//!
//! As in Microsoft's own default chain, a way that is there and fails ends it: the next one would sign in
//! as somebody else, and what that one may not do would be told instead of what is wrong.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use crate::error::{Error, Result};
use crate::store::tokens::{SignIn, Token};

/// Something that is there, or why it is not.
pub(super) type Ready<T> = std::result::Result<T, String>;

/// A way to get tokens that may stand in a chain.
#[async_trait]
pub(super) trait Link: SignIn {
    /// Who signs in, for messages: `managed identity`.
    fn name(&self) -> String;

    /// Whether it is there at all, where that is known by looking only.
    async fn look(&self) -> Ready<()> {
        Ok(())
    }

    /// Whether this failure means that it is not there.
    fn is_passed_over(&self, _error: &Error) -> bool {
        false
    }
}

/// Ways to get tokens, in the order in which they are tried.
pub(super) struct Chain {
    links: Vec<Ready<Arc<dyn Link>>>,
    /// The first that gave one; it is asked from then on.
    found: OnceLock<Arc<dyn Link>>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({})", self.identity())
    }
}

impl Chain {
    /// A chain of these; of one that is not there, its name and the reason.
    pub(super) fn new(links: Vec<Ready<Arc<dyn Link>>>) -> Self {
        Self { links, found: OnceLock::new() }
    }
}

#[async_trait]
impl SignIn for Chain {
    fn identity(&self) -> String {
        let links: Vec<_> = self.links.iter().flatten().map(|link| link.identity()).collect();
        format!("the first of: {}", links.join("; "))
    }

    async fn fetch(&self) -> Result<Token> {
        if let Some(link) = self.found.get() {
            return link.fetch().await.map_err(|e| e.context(link.name()));
        }
        let mut passed = Vec::new();
        for link in &self.links {
            let link = match link {
                Ok(link) => link,
                Err(why) => {
                    passed.push(why.clone());
                    continue;
                }
            };
            let fetched = match link.look().await {
                Ok(()) => link.fetch().await,
                Err(why) => {
                    passed.push(format!("{}: {why}", link.name()));
                    continue;
                }
            };
            match fetched {
                Ok(token) => {
                    let _ = self.found.set(link.clone());
                    return Ok(token);
                }
                Err(e) if link.is_passed_over(&e) => passed.push(format!("{}: {e}", link.name())),
                Err(e) => return Err(e.context(tell(&link.name(), &passed))),
            }
        }
        Err(Error::denied(format!("there is no way to sign in: {}", passed.join("; "))).hint(WAYS))
    }
}

impl Link for Chain {
    /// Before one was found, and with a token that was kept, it may be any of those that are there.
    fn name(&self) -> String {
        let links = || self.links.iter().flatten().map(|link| link.name()).collect::<Vec<_>>().join(" or ");
        self.found.get().map_or_else(links, |link| link.name())
    }
}

/// Who fails, and why nobody before does it instead.
fn tell(name: &str, passed: &[String]) -> String {
    if passed.is_empty() { name.to_owned() } else { format!("{name} (passed over: {})", passed.join("; ")) }
}

const WAYS: &str = "set AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_KEY, or give \
                    this machine an identity";
