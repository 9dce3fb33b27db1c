//! The SDK's client, from our options and from what all AWS tools read.

use std::path::Path;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_types::service_config::ServiceConfigKey;

use super::credentials::{self, SignedIn};
use super::endpoint::{check_customer_key, check_endpoint, is_aws, spell_endpoint};
use super::http::Http;
use super::options::{Addressing, Checksums, S3Options};
use super::profile::Profile;
use super::renewal;
use crate::error::{Context, Result};
use crate::store::Patience;

/// What establishing a connection may take at most; a dead address must not use up the whole grace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where there is no region to be found, S3 has always meant this one.
const FALLBACK_REGION: &str = "us-east-1";

/// A client, and what else was decided on the way to it.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Where it goes, for messages.
    pub(super) service: String,
    /// Whether that is AWS itself.
    pub(super) aws: bool,
    /// Whether TLS protects bodies on the way, so that they need not be signed as well.
    pub(super) encrypted: bool,
    /// Which checksums go with a request.
    pub(super) checksums: Checksums,
}

/// Builds the client and signs in; what is temporary about that is kept in `tokens`.
pub(super) async fn connect(
    bucket: &str,
    options: &S3Options,
    tokens: Option<&Path>,
    patience: &Patience,
) -> Result<Connection> {
    if let Some(endpoint) = &options.endpoint {
        check_endpoint(endpoint)?;
    }
    let profile = Profile::load(options.profile.as_deref())?;
    let settings = profile.settings()?;
    let http = Http::new(
        options.ca_pem.as_ref(),
        options.ca_bundle.as_deref().or(settings.ca_bundle.as_deref()),
        patience,
    )?;
    let shared = load(options, &profile, &http, tokens, patience).await?;
    let configured = configured(&shared, "AWS_ENDPOINT_URL", "endpoint_url");
    let endpoint = options.endpoint.clone().or(configured).or(settings.endpoint);
    if let Some(endpoint) = &endpoint {
        check_endpoint(endpoint)?;
    }
    check_customer_key(endpoint.as_deref(), options.encryption.as_ref())?;
    let checksums = checksums(options, &shared, endpoint.as_deref())?;
    let region = shared.region().map_or(FALLBACK_REGION, Region::as_ref);
    let service = endpoint.as_deref().map_or_else(|| format!("AWS in {region}"), spell_endpoint);
    let encrypted = endpoint.as_deref().is_none_or(|endpoint| endpoint.starts_with("https:"));

    let mut config = Builder::from(&shared)
        .force_path_style(force_path_style(options.addressing, endpoint.as_deref(), bucket))
        .use_arn_region(true)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT.min(patience.grace)).build())
        .request_checksum_calculation(match checksums {
            Checksums::WhenRequired => RequestChecksumCalculation::WhenRequired,
            Checksums::WhenSupported => RequestChecksumCalculation::WhenSupported,
        })
        .response_checksum_validation(response_checksums(options, &shared, checksums)?);
    config.set_endpoint_url(endpoint.clone());
    let client = Client::from_conf(config.build());
    let aws = is_aws(endpoint.as_deref());
    Ok(Connection { client, service, aws, encrypted, checksums })
}

/// What the environment and the profile files say, with credentials.
async fn load(
    options: &S3Options,
    profile: &Profile,
    http: &Http,
    tokens: Option<&Path>,
    patience: &Patience,
) -> Result<SdkConfig> {
    let base = ProviderConfig::without_region()
        .with_http_client(http.proxied.clone())
        .with_behavior_version(Some(BehaviorVersion::latest()));
    let region = region(options, profile, &base).await;
    let config = base.with_region(Some(region.clone()));
    let (credentials, client) =
        match credentials::sign_in(&config, &region, http, options, profile, tokens, patience).await? {
            SignedIn::Lasting(credentials) => (credentials, http.proxied.clone()),
            SignedIn::Temporary(temporary) => {
                (temporary.provider(), renewal::watched(&http.proxied, temporary))
            }
        };
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .region(region)
        .profile_name(profile.name())
        .credentials_provider(credentials)
        // Credentials are kept where they are got, and can be forgotten there.
        .identity_cache(IdentityCache::no_cache());
    if let Ok(name) = AppName::new("barkeep") {
        loader = loader.app_name(name);
    }
    Ok(loader.load().await)
}

/// The region, without asking an instance's metadata service: outside of an instance that takes
/// seconds, and nobody who does not set a region expects it to matter.
async fn region(options: &S3Options, profile: &Profile, config: &ProviderConfig) -> Region {
    if let Some(region) = &options.region {
        return Region::new(region.clone());
    }
    let profiles = ProfileFileRegionProvider::builder().configure(config).profile_name(profile.name());
    let chain =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profiles.build());
    chain.region().await.unwrap_or(Region::from_static(FALLBACK_REGION))
}

/// A setting of the environment or the profile, the service's own (`…_S3`) first.
fn configured(shared: &SdkConfig, env: &str, profile: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("S3").env(env).profile(profile).build().ok()?;
    shared.service_config()?.load_config(key)
}

/// AWS wants checksums wherever possible; many look-alikes refuse the form the SDK sends them in.
fn checksums(options: &S3Options, shared: &SdkConfig, endpoint: Option<&str>) -> Result<Checksums> {
    let default = if is_aws(endpoint) { Checksums::WhenSupported } else { Checksums::WhenRequired };
    let said = said(shared, "AWS_REQUEST_CHECKSUM_CALCULATION", "request_checksum_calculation")?;
    Ok(options.checksums.or(said).unwrap_or(default))
}

fn response_checksums(
    options: &S3Options,
    shared: &SdkConfig,
    default: Checksums,
) -> Result<ResponseChecksumValidation> {
    let said = said(shared, "AWS_RESPONSE_CHECKSUM_VALIDATION", "response_checksum_validation")?;
    Ok(match options.checksums.or(said).unwrap_or(default) {
        Checksums::WhenRequired => ResponseChecksumValidation::WhenRequired,
        Checksums::WhenSupported => ResponseChecksumValidation::WhenSupported,
    })
}

/// What the environment or the profile says about checksums.
fn said(shared: &SdkConfig, env: &str, profile: &str) -> Result<Option<Checksums>> {
    let word = configured(shared, env, profile).filter(|word| !word.is_empty());
    word.map(|word| word.parse()).transpose().context(|| format!("read {env} or {profile}"))
}

/// Whether the bucket's name goes into the path. An access point has a host of its own, always.
fn force_path_style(addressing: Addressing, endpoint: Option<&str>, bucket: &str) -> bool {
    match addressing {
        _ if bucket.starts_with("arn:") => false,
        Addressing::Auto => !is_aws(endpoint),
        Addressing::Virtual => false,
        Addressing::Path => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_in_the_path_where_hosts_cannot_be_relied_on() {
        let own = Some("http://minio:9000");
        let aws = Some("https://s3.eu-west-1.amazonaws.com");
        assert!(force_path_style(Addressing::Auto, own, "bucket"));
        assert!(!force_path_style(Addressing::Auto, aws, "bucket"));
        assert!(!force_path_style(Addressing::Auto, None, "bucket"));
        assert!(!force_path_style(Addressing::Virtual, own, "bucket"));
        assert!(force_path_style(Addressing::Path, None, "bucket"));
        assert!(!force_path_style(Addressing::Path, own, "arn:aws:s3:r:123456789012:accesspoint/a"));
    }
}
