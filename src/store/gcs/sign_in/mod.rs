//! How the service gets to know who asks.

mod endpoint;

use std::ffi::OsString;
use std::path::Path;

use endpoint::{Endpoint, GOOGLE, Said};

use super::GcsOptions;
use crate::error::{Error, Result};
use crate::store::Patience;
use crate::store::http::Http;
use crate::store::tokens::Tokens;

/// Where requests go, and what makes them ours.
#[derive(Debug)]
pub(super) struct Access {
    /// The service, without a slash at its end: `https://storage.googleapis.com`.
    pub(super) service: String,
    /// Whether it is an emulator, which knows the JSON interface only.
    pub(super) is_emulator: bool,
    /// Where `Authorization: Bearer` comes from; `None` when nobody signs in.
    pub(super) tokens: Option<Tokens>,
    /// Who pays for the requests, sent as `x-goog-user-project`, when the credentials say so.
    pub(super) quota_project: Option<String>,
    /// Who signs in, for messages: an account's address, never a secret.
    pub(super) who: String,
}

/// Signs in as the options, the environment and Google's own files say (spec/barman-cloud.md 7.4).
pub(super) async fn sign_in(
    options: &GcsOptions,
    http: &Http,
    tokens: Option<&Path>,
    patience: &Patience,
) -> Result<Access> {
    let _ = (http, tokens, patience);
    let variable = |name: &str| std::env::var_os(name);
    decide(options, &variable)
}

fn decide(options: &GcsOptions, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Access> {
    let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
    let endpoint = Endpoint::choose(Said {
        option: options.endpoint.as_deref(),
        emulator: text("STORAGE_EMULATOR_HOST").as_deref(),
        anonymous: options.anonymous,
        universe: options.universe_domain.as_deref().unwrap_or(GOOGLE),
    })?;
    if !options.anonymous && !endpoint.is_emulator {
        endpoint.check_secrecy()?;
        return Err(Error::bug("not built yet"));
    }
    Ok(Access {
        service: endpoint.service,
        is_emulator: endpoint.is_emulator,
        tokens: None,
        quota_project: text("GOOGLE_CLOUD_QUOTA_PROJECT").filter(|project| !project.is_empty()),
        who: "nobody".to_owned(),
    })
}
