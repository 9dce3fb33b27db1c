//! Who we are to the service: every source of credentials that AWS's own tools know.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use aws_config::Region;
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
use super::profile::Profile;
use super::temporary::{Temporary, Who};
use crate::error::{Error, Result};
use crate::store::Patience;

/// How long an instance's metadata service may take to answer. Where there is none, this is what
/// "no credentials" costs.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

const WHERE: &str = "credentials were looked for in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the \
                     profile files, a web identity token, the container's and the instance's metadata";

/// What signs requests.
pub(super) enum SignedIn {
    /// Keys that stay what they are.
    Lasting(SharedCredentialsProvider),
    /// Keys that may run out.
    Temporary(Arc<Temporary>),
}

/// Signs in: finds credentials now, while there is somebody to tell that there are none. What is
/// temporary is kept in `directory` where there is one.
pub(super) async fn sign_in(
    config: &ProviderConfig,
    region: &Region,
    http: &Http,
    options: &S3Options,
    profile: &Profile,
    directory: Option<&Path>,
    patience: &Patience,
) -> Result<SignedIn> {
    if let Some(AccessKeys { id, secret, session_token }) = options.keys.clone() {
        let given = Credentials::new(id, secret, session_token, None, "given");
        return Ok(SignedIn::Lasting(SharedCredentialsProvider::new(given)));
    }
    let environment = EnvironmentVariableCredentialsProvider::new();
    if options.profile.is_none()
        && let Ok(found) = environment.provide_credentials().await
    {
        return Ok(SignedIn::Lasting(SharedCredentialsProvider::new(found)));
    }
    let asks_profile_only = options.profile.is_some();
    let chain = chain(config, http, profile, asks_profile_only);
    let who = Who { profile, asks_profile_only, region: region.as_ref() };
    let temporary = Temporary::new(chain, &who, directory, patience);
    temporary.sign_in(profile).await?;
    Ok(SignedIn::Temporary(temporary))
}

/// Where credentials are looked for, in order, once the environment has no keys or is passed over in
/// favour of a profile that was asked for by name. Such a profile is never silently replaced by what
/// the machine happens to be allowed to.
fn chain(
    config: &ProviderConfig,
    http: &Http,
    profile: &Profile,
    asks_profile_only: bool,
) -> CredentialsProviderChain {
    let (container, instance) = metadata(config, http);
    let profiles = ProfileFileCredentialsProvider::builder()
        .configure(config)
        .profile_name(profile.name())
        .with_custom_provider("EcsContainer", container.clone())
        .with_custom_provider("Ec2InstanceMetadata", instance.clone());
    let mut chain = CredentialsProviderChain::first_try("profile", profiles.build());
    if !asks_profile_only {
        let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(config).build();
        chain = chain.or_else("web identity", web_identity);
    }
    if !profile.is_named() {
        chain = chain.or_else("container", container).or_else("instance", instance);
    }
    chain
}

/// The container's and the instance's metadata services: without a proxy, and without much waiting.
fn metadata(config: &ProviderConfig, http: &Http) -> (SharedCredentialsProvider, SharedCredentialsProvider) {
    let direct = config.clone().with_http_client(http.direct.clone());
    let container = EcsCredentialsProvider::builder().configure(&direct).build();
    let metadata = imds::Client::builder()
        .configure(&direct)
        .max_attempts(2)
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .build();
    let instance = ImdsCredentialsProvider::builder().configure(&direct).imds_client(metadata).build();
    let status = &http.direct_status;
    let container = Metadata { service: SharedCredentialsProvider::new(container), status: status.clone() };
    let instance = Metadata { service: SharedCredentialsProvider::new(instance), status: status.clone() };
    (SharedCredentialsProvider::new(container), SharedCredentialsProvider::new(instance))
}

/// A metadata service. One that answers, but has nothing for us, will not have it a moment later.
#[derive(Debug)]
struct Metadata {
    service: SharedCredentialsProvider,
    status: Arc<AtomicU16>,
}

/// What is said of such a one; only its text comes through the SDK whole.
const REFUSED: &str = "the metadata service answers that it has no credentials for us";

impl Metadata {
    async fn credentials(&self) -> ProviderResult {
        self.status.store(0, Ordering::Relaxed);
        let answer = self.service.provide_credentials().await;
        match self.status.load(Ordering::Relaxed) {
            status @ (401 | 403 | 404) => answer.map_err(|e| {
                CredentialsError::provider_error(format!(
                    "{REFUSED} ({status}): {}",
                    super::errors::reasons(&e)
                ))
            }),
            _ => answer,
        }
    }
}

impl ProvideCredentials for Metadata {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.service.fallback_on_interrupt()
    }
}

/// What it means that there are no credentials to begin with.
pub(super) fn explain_first(e: &CredentialsError, profile: &Profile) -> Error {
    match e {
        CredentialsError::CredentialsNotLoaded(_) if profile.is_named() => {
            Error::usage(format!("{} has no credentials: {}", profile.title(), super::errors::reasons(e)))
                .hint(
                    "give it keys, a role, or credential_source = Ec2InstanceMetadata or EcsContainer; \
                 or name no profile",
                )
        }
        _ => explain(e, profile.is_named().then(|| profile.name())),
    }
}

/// What failed credentials mean. The sources' own texts name files, profiles and addresses, never
/// keys.
pub(super) fn explain(e: &CredentialsError, profile: Option<&str>) -> Error {
    // Renewing them has said already what it means.
    if let Some(explained) = e.source().and_then(|e| e.downcast_ref::<Error>()) {
        return explained.again();
    }
    let reason = super::errors::reasons(e);
    let from = profile.map_or(String::new(), |name| format!(" from profile {name:?}"));
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    match e {
        CredentialsError::CredentialsNotLoaded(_) => {
            Error::denied(format!("no credentials to sign requests with{from}: {reason}")).hint(WHERE)
        }
        CredentialsError::InvalidConfiguration(_) => {
            Error::usage(format!("credentials{from} are not configured properly: {reason}"))
        }
        _ if says(&[REFUSED]) => Error::denied(format!("no credentials{from}: {reason}")).hint(WHERE),
        _ if says(&HELPER_FAILURES) => Error::denied(format!("no credentials{from}: {reason}"))
            .hint("run the profile's credential_process by hand"),
        _ if says(&LASTING) => Error::denied(format!("credentials{from} were refused: {reason}")),
        _ => Error::unavailable(format!("credentials{from} could not be fetched: {reason}")),
    }
}

/// What a service that hands out credentials says when it will not, now or later.
const LASTING: [&str; 5] =
    ["AccessDenied", "InvalidIdentityToken", "ExpiredToken", "InvalidClientTokenId", "Unauthorized"];

/// How the SDK begins what went wrong with a `credential_process`.
const HELPER_FAILURES: [&str; 2] = ["from external process", "external process exited"];
