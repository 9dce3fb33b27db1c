//! Who we are to the service: every source of credentials that AWS's own tools know.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as ProviderResult, SharedCredentialsProvider, future,
};

use super::http::Http;
use super::options::{AccessKeys, S3Options};
use crate::error::{Error, Result};
use crate::store::Patience;

/// How long an instance's metadata service may take to answer. Where there is none, this is what
/// "no credentials" costs.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

const WHERE: &str = "credentials were looked for in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the \
                     profile files, a web identity token, the container's and the instance's metadata";

/// Signs in: finds credentials now, while there is somebody to tell that there are none.
pub(super) async fn sign_in(
    config: &ProviderConfig,
    http: &Http,
    options: &S3Options,
    patience: &Patience,
) -> Result<SharedCredentialsProvider> {
    if let Some(AccessKeys { id, secret, session_token }) = options.keys.clone() {
        let given = Credentials::new(id, secret, session_token, None, "given");
        return Ok(SharedCredentialsProvider::new(given));
    }
    let profile = options.profile.as_deref();
    let environment = EnvironmentVariableCredentialsProvider::new();
    if profile.is_none()
        && let Ok(found) = environment.provide_credentials().await
    {
        return Ok(SharedCredentialsProvider::new(found));
    }
    let chain = chain(config, http, profile);
    let found = patience
        .persist(
            0,
            || "fetch credentials".to_owned(),
            || async { chain.provide_credentials().await.map_err(|e| explain(&e, profile)) },
        )
        .await?;
    Ok(SharedCredentialsProvider::new(SignedIn { first: Mutex::new(Some(found)), chain }))
}

/// Where credentials are looked for, in order, once the environment has none or is passed over in
/// favour of a profile that was asked for by name.
fn chain(config: &ProviderConfig, http: &Http, profile: Option<&str>) -> CredentialsProviderChain {
    let direct = config.clone().with_http_client(http.direct.clone());
    let mut profiles = ProfileFileCredentialsProvider::builder().configure(config);
    if let Some(name) = profile {
        profiles = profiles.profile_name(name);
    }
    let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(config).build();
    let container = EcsCredentialsProvider::builder().configure(&direct).build();
    let metadata = imds::Client::builder()
        .configure(&direct)
        .max_attempts(2)
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .build();
    let instance = ImdsCredentialsProvider::builder().configure(&direct).imds_client(metadata).build();
    CredentialsProviderChain::first_try("profile", profiles.build())
        .or_else("web identity", web_identity)
        .or_else("container", container)
        .or_else("instance", instance)
}

/// The credentials found when signing in, given out once, and then whatever the chain renews them to.
struct SignedIn {
    first: Mutex<Option<Credentials>>,
    chain: CredentialsProviderChain,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedIn(..)")
    }
}

impl SignedIn {
    async fn credentials(&self) -> ProviderResult {
        let first = self.first.lock().ok().and_then(|mut first| first.take());
        match first {
            Some(found) => Ok(found),
            None => self.chain.provide_credentials().await,
        }
    }
}

impl ProvideCredentials for SignedIn {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.chain.fallback_on_interrupt()
    }
}

/// What failed credentials mean. The sources' own texts name files, profiles and addresses, never
/// keys.
pub(super) fn explain(e: &CredentialsError, profile: Option<&str>) -> Error {
    let reason = super::errors::reasons(e);
    let from = profile.map_or(String::new(), |name| format!(" from profile {name:?}"));
    match e {
        CredentialsError::CredentialsNotLoaded(_) => {
            Error::denied(format!("no credentials to sign requests with{from}: {reason}")).hint(WHERE)
        }
        CredentialsError::InvalidConfiguration(_) => {
            Error::usage(format!("credentials{from} are not configured properly: {reason}"))
        }
        _ if is_lasting(&reason) => Error::denied(format!("credentials{from} were refused: {reason}")),
        _ => Error::unavailable(format!("credentials{from} could not be fetched: {reason}")),
    }
}

/// A service that hands out credentials and says that it will not is not asked again.
fn is_lasting(reason: &str) -> bool {
    let codes =
        ["AccessDenied", "InvalidIdentityToken", "ExpiredToken", "InvalidClientTokenId", "Unauthorized"];
    codes.iter().any(|code| reason.contains(code))
}
