//! How the service gets to know who asks.

use std::path::Path;
use std::sync::Arc;

use azure_core::http::Url;
use azure_core::http::policies::Policy;

use super::{AzureOptions, Container};
use crate::error::{Error, Result};
use crate::store::Patience;
use crate::store::http::Http;

/// Where requests go, and what makes them ours.
#[derive(Debug)]
pub(super) struct Access {
    /// The service, with the account's name in its path where it is not in its host; the container comes next.
    pub(super) service: Url,
    /// Put into every attempt, since a signature has a date and a token runs out. Adds the authorization; an
    /// attempt that is refused for a token from memory or disk is made once more with a fresh one.
    pub(super) policy: Arc<dyn Policy>,
    /// Who signs in, for messages: `account key`, `managed identity`, never a secret.
    pub(super) who: String,
}

/// Signs in as the options and the environment say (spec/barman-cloud.md 7.3).
pub(super) async fn sign_in(
    container: &Container,
    options: &AzureOptions,
    http: &Http,
    tokens: Option<&Path>,
    patience: &Patience,
) -> Result<Access> {
    let _ = (container, options, http, tokens, patience);
    Err(Error::bug("not built yet"))
}
