//! Credentials that run out: kept between processes, and got anew before they do.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_config::meta::credentials::CredentialsProviderChain;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as ProviderResult, SharedCredentialsProvider, future,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::credentials::{explain, explain_first};
use super::profile::{self, Profile};
use crate::error::Result;
use crate::store::Patience;
use crate::store::tokens::{Issued, Kept, Shelf};

/// What the chain of sources gives. What has no end is not put on disk: it already is somewhere, or was
/// meant to be asked for each time.
pub(super) struct Temporary {
    kept: Kept<Keys>,
    chain: CredentialsProviderChain,
    /// For messages, the profile that somebody named.
    profile: Option<String>,
    patience: Patience,
}

/// Whose credentials are asked for, beyond what the environment and the files say.
pub(super) struct Who<'a> {
    pub(super) profile: &'a Profile,
    /// Whether no other source may stand in for the profile.
    pub(super) asks_profile_only: bool,
    /// Where the services are that give credentials.
    pub(super) region: &'a str,
}

impl Who<'_> {
    fn words(&self) -> [&str; 4] {
        let named = if self.profile.is_named() { "named" } else { "default" };
        let only = if self.asks_profile_only { "only" } else { "first" };
        [self.profile.name(), named, only, self.region]
    }
}

/// Keys as they are kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Keys {
    id: String,
    secret: String,
    session_token: Option<String>,
    account: Option<String>,
}

impl fmt::Debug for Temporary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Temporary(..)")
    }
}

impl Temporary {
    /// What `chain` gives, kept in `directory` when there is one.
    pub(super) fn new(
        chain: CredentialsProviderChain,
        who: &Who<'_>,
        directory: Option<&Path>,
        patience: &Patience,
    ) -> Arc<Self> {
        let Who { profile, .. } = who;
        let files = directory.and_then(|_| profile::files());
        let identity = identity(&who.words(), std::env::vars_os(), files.as_deref().unwrap_or_default());
        // Without knowing what the files say, others' credentials might be taken for ours.
        let kept = Kept::new(identity, directory.filter(|_| files.is_some()).map(Shelf::new));
        // A helper is a program of somebody else's: it is not run again and again, and is not waited for
        // longer than any service.
        let max_attempts = if profile.runs_helper() { Some(1) } else { patience.max_attempts };
        let patience = Patience { max_attempts, ..patience.clone() };
        let profile = profile.is_named().then(|| profile.name().to_owned());
        Arc::new(Self { kept, chain, profile, patience })
    }

    /// These, as the SDK wants them.
    pub(super) fn provider(self: &Arc<Self>) -> SharedCredentialsProvider {
        let provider: Arc<dyn ProvideCredentials> = self.clone();
        provider.into()
    }

    /// Gets the first ones, while there is somebody to tell that there are none.
    pub(super) async fn sign_in(&self, profile: &Profile) -> Result<()> {
        let what = || "fetch credentials".to_owned();
        let ask = || async { self.ask().await.map_err(|e| explain_first(&e, profile)) };
        self.kept.get(self.patience.persist(0, what, ask)).await.map(drop)
    }

    /// Forgets the credentials with this id, which the service says have run out; `true` when there are
    /// others to try.
    pub(super) async fn refused(&self, id: &str) -> bool {
        self.kept.refused(|keys| keys.id == id).await
    }

    async fn current(&self) -> Result<Issued<Keys>> {
        let what = || "fetch new credentials".to_owned();
        let ask = || async { self.ask().await.map_err(|e| explain(&e, self.profile.as_deref())) };
        self.kept.get(self.patience.within_an_attempt().persist(0, what, ask)).await
    }

    async fn ask(&self) -> Result<Issued<Keys>, CredentialsError> {
        let given = self.chain.provide_credentials().await?;
        let expires = given.expiry().map(Timestamp::try_from).transpose();
        let expires = expires.map_err(CredentialsError::provider_error)?;
        let what = Keys {
            id: given.access_key_id().to_owned(),
            secret: given.secret_access_key().to_owned(),
            session_token: given.session_token().map(str::to_owned),
            account: given.account_id().map(|account| account.as_str().to_owned()),
        };
        Ok(Issued { what, expires })
    }

    async fn credentials(&self) -> ProviderResult {
        let Issued { what: Keys { id, secret, session_token, account }, expires } =
            self.current().await.map_err(CredentialsError::provider_error)?;
        let mut given = Credentials::builder()
            .access_key_id(id)
            .secret_access_key(secret)
            .provider_name("the chain of sources");
        given.set_session_token(session_token);
        given.set_account_id(account.map(Into::into));
        given.set_expiry(expires.map(Into::into));
        Ok(given.build())
    }
}

impl ProvideCredentials for Temporary {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// Everything that could lead to other credentials, as a digest, since some of it is secret: who was
/// asked for, what the profile files say, and every variable that AWS's own tools heed. Roles, token
/// files, metadata services and endpoints are all named in one of these. Too much of it costs a sign-in,
/// too little would hand out another's rights.
fn identity(who: &[&str], variables: impl Iterator<Item = (OsString, OsString)>, files: &str) -> String {
    let is_heeded = |name: &OsString| name == "HOME" || name.as_encoded_bytes().starts_with(b"AWS_");
    let mut heeded: Vec<_> = variables.filter(|(name, _)| is_heeded(name)).collect();
    heeded.sort();
    let heeded = heeded.iter().flat_map(|(name, value)| [name, value]).map(|word| word.as_encoded_bytes());
    let words = who.iter().map(|word| word.as_bytes()).chain([files.as_bytes()]).chain(heeded);
    let digest = words.fold(Sha256::new(), |digest, word| {
        // With its length, since two words must not be taken for one.
        digest.chain_update((word.len() as u64).to_le_bytes()).chain_update(word)
    });
    format!("S3 credentials {}", hex::encode(digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_lead_to_other_credentials_makes_another_identity() {
        let base = (["default", "", "eu-1"], vec![("AWS_ROLE_ARN", "a"), ("HOME", "/h")], "files");
        let of = |(who, variables, files): &([&str; 3], Vec<(&str, &str)>, &str)| {
            let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
            identity(who, variables, files)
        };
        let mut others = vec![
            (["other", "", "eu-1"], base.1.clone(), "files"),
            (["default", "named", "eu-1"], base.1.clone(), "files"),
            (["default", "", "eu-2"], base.1.clone(), "files"),
            (base.0, base.1.clone(), "other"),
            (base.0, vec![("AWS_ROLE_ARN", "b"), ("HOME", "/h")], "files"),
            (base.0, vec![("AWS_ROLE_ARN", "a"), ("HOME", "/g")], "files"),
            (base.0, vec![("AWS_ROLE_AR", "Na"), ("HOME", "/h")], "files"),
        ];
        for name in ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL_STS", "AWS_ROLE_SESSION_NAME"] {
            others.push((base.0, [base.1.clone(), vec![(name, "x")]].concat(), "files"));
        }
        for other in &others {
            assert_ne!(of(&base), of(other), "{other:?}");
        }
        let same = (base.0, vec![("HOME", "/h"), ("PWD", "/x"), ("AWS_ROLE_ARN", "a")], "files");
        assert_eq!(of(&base), of(&same));
    }

    #[test]
    fn an_identity_shows_no_secret() {
        let variables = [("AWS_CONTAINER_AUTHORIZATION_TOKEN".into(), "hunter2".into())];
        let shown = identity(&["default"], variables.into_iter(), "aws_secret_access_key=hunter2");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
