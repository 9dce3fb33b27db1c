//! Where the archive is and how it is reached: from words and environment to a wire
//! (spec/barman-cloud.md 7, spec/cloudnativepg.md 1.4).
//!
//! No configuration file and no variable of our own counts here, and nothing is kept on disk between two
//! calls: not even a token.

use std::time::Duration;

use super::code::{Code, Failure};
use super::words::{Addressing, Common, Credential, CustomerKey, Encryption, Method, Provider};
use crate::error::{Error, Result};
use crate::front::borrowed::{Environment, borrow, refuse_secrets};
use crate::front::native::args::{AddressingStyle, AzureArgs, AzureSignIn, GcsArgs, S3Args, Sse};
use crate::front::wire::{Kinds, Limits, Wire};
use crate::store::Location;

/// The longest that a single request is waited for, whatever the words say.
const LONGEST_READ: Duration = Duration::from_hours(24);

/// How to get at the archive that the words name. Nothing is opened or signed in to yet; each command's own
/// deadline holds for every request.
///
/// # Errors
/// Status 4 for an address that is not the provider's and for options that contradict each other, 3 for a
/// server's name that cannot be a folder's.
pub(super) fn wire(
    common: &Common,
    key: Option<&CustomerKey>,
    encryption: Option<&Encryption>,
) -> Result<Wire, Failure> {
    wire_in(common, key, encryption, &|name| std::env::var_os(name))
}

fn wire_in(
    common: &Common,
    key: Option<&CustomerKey>,
    encryption: Option<&Encryption>,
    environment: Environment<'_>,
) -> Result<Wire, Failure> {
    let server = common.server.parse().map_err(|e| Failure::new(Code::Words, e))?;
    let general = |e| Failure::new(Code::General, e);
    let location = location(common.cloud_provider, &common.url).map_err(general)?;
    let (kinds, limits) = settle(common, key, encryption, &location, environment).map_err(general)?;
    Ok(Wire::new(location, server, kinds, None, None).with_limits(limits))
}

/// The address, which must be one of the provider's: the provider is never derived from it. A directory is
/// nobody's, so it goes with all of them.
fn location(provider: Provider, url: &str) -> Result<Location> {
    let refused = match provider {
        Provider::AwsS3 => "Invalid s3 URL address",
        Provider::AzureBlobStorage => "azure blob storage URL is malformed",
        Provider::GoogleCloudStorage => "Google cloud storage URL is malformed",
    };
    let location: Location = url.parse().map_err(|e: Error| e.context(refused))?;
    let means = match &location {
        Location::File { .. } => return Ok(location),
        Location::S3 { .. } => Provider::AwsS3,
        Location::Azure { .. } => Provider::AzureBlobStorage,
        Location::Gcs { .. } => Provider::GoogleCloudStorage,
    };
    if means == provider {
        return Ok(location);
    }
    // Understood, so there is no secret in it.
    Err(Error::usage(format!("{refused}: {url}")).hint(format!("give --cloud-provider {means}")))
}

/// Words and environment in terms of the store. Options of another provider are accepted and count for
/// nothing.
fn settle(
    common: &Common,
    key: Option<&CustomerKey>,
    encryption: Option<&Encryption>,
    location: &Location,
    environment: Environment<'_>,
) -> Result<(Kinds, Limits)> {
    let mut kinds = Kinds::default();
    let mut limits = Limits::default();
    match location {
        Location::File { .. } => {}
        Location::S3 { .. } => {
            kinds.s3 = s3(common, key, encryption)?;
            kinds.s3.region = common.region.get().cloned().or_else(|| region(environment));
            limits.grace = common.read_timeout.map(grace).transpose()?;
        }
        Location::Azure { .. } => {
            kinds.azure = AzureArgs {
                credential: common.azure_credential.map(sign_in),
                encryption_scope: encryption.and_then(|e| e.encryption_scope.clone()),
                ..AzureArgs::default()
            }
        }
        Location::Gcs { .. } => {
            kinds.gcs =
                GcsArgs { kms_key: encryption.and_then(|e| e.kms_key_name.clone()), ..GcsArgs::default() }
        }
    }
    limits.max_attempts = borrow(&mut kinds, location, environment)?;
    Ok((kinds, limits))
}

fn s3(common: &Common, key: Option<&CustomerKey>, encryption: Option<&Encryption>) -> Result<S3Args> {
    refuse_secrets("--endpoint-url", common.endpoint_url.as_deref())?;
    let method = encryption.and_then(|e| e.encryption);
    let kms_key = encryption.and_then(|e| e.sse_kms_key_id.clone());
    if kms_key.is_some() && method != Some(Method::Kms) {
        let text = "Encryption type must be \"aws:kms\" if SSE KMS Key ID is specified";
        return Err(Error::usage(text).hint("give -e aws:kms with --sse-kms-key-id"));
    }
    let customer_key = key.and_then(|key| key.customer_key.clone());
    if customer_key.is_some() && method.is_some() {
        return Err(Error::usage("--sse-customer-key and --encryption exclude each other"));
    }
    // What stands there may be the key itself, so it is not repeated.
    if customer_key.as_deref().is_some_and(|url| !url.starts_with("file:///")) {
        return Err(Error::usage("--sse-customer-key is not a file:///ABSOLUTE/PATH")
            .hint("write the key's 32 bytes in base64 into a file that only the user can read"));
    }
    Ok(S3Args {
        endpoint_url: common.endpoint_url.clone(),
        profile: common.aws_profile.clone(),
        addressing_style: common.addressing_style.map(|style| match style {
            Addressing::Auto => AddressingStyle::Auto,
            Addressing::Virtual => AddressingStyle::Virtual,
            Addressing::Path => AddressingStyle::Path,
        }),
        sse: method.map(|method| match method {
            Method::Aes256 => Sse::Aes256,
            Method::Kms => Sse::Kms,
        }),
        sse_kms_key_id: kms_key,
        sse_customer_key: customer_key,
        ..S3Args::default()
    })
}

/// The region that the reference's library knows. It counts before `AWS_REGION`, which that library does not
/// read: in a pod that is the region of the pod, while a bucket's own is given this way
/// (spec/cloudnativepg.md 1.4).
fn region(environment: Environment<'_>) -> Option<String> {
    let region = environment("AWS_DEFAULT_REGION").filter(|region| !region.is_empty())?;
    Some(region.to_string_lossy().into_owned())
}

fn sign_in(how: Credential) -> AzureSignIn {
    match how {
        Credential::AzureCli => AzureSignIn::AzureCli,
        Credential::ManagedIdentity => AzureSignIn::ManagedIdentity,
        Credential::Default => AzureSignIn::Default,
    }
}

/// What a request may take: as long as one read may.
fn grace(seconds: i64) -> Result<Duration> {
    match u64::try_from(seconds) {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds).min(LONGEST_READ)),
        _ => Err(Error::usage(format!("--read-timeout is {seconds}, not a number of seconds from 1 up"))),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser as _;

    use super::*;
    use crate::archive::OpenArchive as _;
    use crate::golden::{cases, text};

    /// Where the words, those of the longest command, lead, and with how much patience.
    fn settled(words: &[&str], environment: &[(&str, &str)]) -> Result<(Wire, Kinds, Limits), Failure> {
        let all = ["x"].iter().chain(words);
        let Words { common, key, encryption } = Words::try_parse_from(all).unwrap();
        let look =
            |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        let wire = wire_in(&common, Some(&key), Some(&encryption), &look)?;
        let location = location(common.cloud_provider, &common.url)?;
        let (kinds, limits) = settle(&common, Some(&key), Some(&encryption), &location, &look)?;
        Ok((wire, kinds, limits))
    }

    #[derive(Debug, clap::Parser)]
    #[command(disable_help_flag = true)]
    struct Words {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        key: CustomerKey,
        #[command(flatten)]
        encryption: Encryption,
    }

    fn address(words: &[&str]) -> String {
        settled(words, &[]).unwrap().0.address().store.clone()
    }

    fn refusal(words: &[&str]) -> (Code, String) {
        let failure = settled(words, &[]).unwrap_err();
        (failure.code, failure.error.to_string())
    }

    const AZURE: &str = "--cloud-provider=azure-blob-storage";
    const GOOGLE: &str = "--cloud-provider=google-cloud-storage";

    #[test]
    fn the_address_must_be_the_providers_and_never_says_which_it_is() {
        for (words, message) in [
            (vec!["gs://b/p", "s"], "Invalid s3 URL address: gs://b/p"),
            (
                vec!["https://a.blob.core.windows.net/c", "s"],
                "Invalid s3 URL address: https://a.blob.core.windows.net/c",
            ),
            (vec![AZURE, "s3://b", "s"], "azure blob storage URL is malformed: s3://b"),
            (vec![GOOGLE, "s3://b", "s"], "Google cloud storage URL is malformed: s3://b"),
        ] {
            assert_eq!(refusal(&words), (Code::General, message.to_owned()));
        }
        for provider in [AZURE, GOOGLE, "--cloud-provider=aws-s3"] {
            assert_eq!(address(&[provider, "file:///var/archive/", "s"]), "file:///var/archive");
        }
    }

    #[test]
    fn what_no_url_is_is_refused_with_the_providers_name_and_without_secrets() {
        for (provider, url) in [
            (AZURE, "https://acc.blob.core.windows.net/c?sig=hunter2"),
            (GOOGLE, "gs://user:hunter2@b"),
            (GOOGLE, "gs:///p"),
            (AZURE, "AccountName=a;AccountKey=hunter2;BlobEndpoint=https://h"),
            ("--cloud-provider=aws-s3", "https://acc.blob.core.windows.net/c?sig=hunter2"),
            ("--cloud-provider=aws-s3", "s3://AKIA:a/hunter2@b"),
        ] {
            let failure = settled(&[provider, url, "s"], &[]).unwrap_err();
            assert_eq!(failure.code, Code::General, "{url}");
            assert!(!format!("{:?}", failure.error).contains("hunter2"), "{:?}", failure.error);
        }
    }

    #[test]
    fn a_name_that_is_no_folders_is_a_wrong_word() {
        for name in ["", "..", "a/b"] {
            assert_eq!(refusal(&["s3://b", name]).0, Code::Words);
        }
    }

    #[test]
    fn urls_of_buckets_are_those_of_the_reference() {
        for case in cases("s3_keys") {
            let url = text(&case, "url");
            let path = text(&case, "path");
            let expected = match (text(&case, "bucket"), path) {
                (bucket, "") => format!("s3://{bucket}"),
                (bucket, path) => format!("s3://{bucket}/{path}"),
            };
            assert_eq!(address(&["--endpoint-url=http://h", url, "s"]), format!("{expected} at http://h"));
        }
    }

    /// Google's other hosts name a bucket just as well, so they are accepted.
    #[test]
    fn urls_of_googles_buckets_are_those_of_the_reference_and_more() {
        for case in cases("gcs_urls") {
            let url = text(&case, "url");
            let expected = match case.get("result") {
                Some(result) => {
                    Some(format!("gs://{}/{}", result[0].as_str().unwrap(), result[1].as_str().unwrap()))
                }
                None if url.starts_with("https://storage.") => Some("gs://b/p".to_owned()),
                None => None,
            };
            let ours = settled(&[GOOGLE, url, "s"], &[]).ok().map(|found| found.0.address().store.clone());
            assert_eq!(ours, expected, "{url}");
        }
    }

    /// The account is part of ours. A connection string is not asked for, and a national cloud's container
    /// is where every container is.
    #[test]
    fn urls_of_containers_are_those_of_the_reference_and_more() {
        for case in cases("azure_urls") {
            let url = text(&case, "url");
            let ours = settled(&[AZURE, url, "s"], &[]).ok().map(|found| found.0.address().store.clone());
            let is_national = url.contains("usgovcloudapi");
            let container = case.get("container").and_then(|name| name.as_str()).unwrap_or_default();
            assert_eq!(ours.is_some(), is_national || !container.is_empty(), "{url}");
            if let Some(ours) = ours {
                assert_eq!(ours, url, "{url}");
            }
        }
    }

    #[test]
    fn options_of_another_provider_count_for_nothing() {
        let others = [
            "--endpoint-url=http://h",
            "--aws-profile=p",
            "--read-timeout=0",
            "--addressing-style=path",
            "--sse-kms-key-id=k",
            "-e",
            "AES256",
            "--sse-customer-key=k",
            "--encryption-scope=scope",
        ];
        let words = [&[GOOGLE, "--kms-key-name=name", "--credential=default"][..], &others, &["gs://b", "s"]];
        let (_, kinds, limits) = settled(&words.concat(), &[]).unwrap();
        assert_eq!(kinds.gcs.kms_key.as_deref(), Some("name"));
        assert_eq!((kinds.gcs.endpoint_url, kinds.azure.encryption_scope, limits.grace), (None, None, None));
        let words = [
            &[AZURE, "--default=managed-identity"][..],
            &others,
            &["https://a.blob.core.windows.net/c", "s"],
        ];
        let (_, kinds, _) = settled(&words.concat(), &[]).unwrap();
        assert_eq!(kinds.azure.encryption_scope.as_deref(), Some("scope"));
        assert_eq!(kinds.azure.credential, Some(AzureSignIn::ManagedIdentity));
        assert_eq!((kinds.azure.endpoint_url, kinds.s3.sse), (None, None));
    }

    #[test]
    fn encryption_that_contradicts_itself_is_refused() {
        let kms = "Encryption type must be \"aws:kms\" if SSE KMS Key ID is specified";
        for (words, message) in [
            (&["--sse-kms-key-id=k"][..], kms),
            (&["--sse-kms-key-id=k", "-eAES256"], kms),
            (&["--sse-customer-key=file:///k", "-eAES256"], "exclude each other"),
            (&["--sse-customer-key=aHVudGVyMg==", "-v"], "is not a file:///ABSOLUTE/PATH"),
        ] {
            let (code, text) = refusal(&[words, &["s3://b", "s"]].concat());
            assert_eq!(code, Code::General);
            assert!(text.contains(message) && !text.contains("aHVud"), "{text}");
        }
        let (_, kinds, _) = settled(&["-e", "aws:kms", "--sse-kms-key-id=k", "s3://b", "s"], &[]).unwrap();
        assert_eq!((kinds.s3.sse, kinds.s3.sse_kms_key_id.as_deref()), (Some(Sse::Kms), Some("k")));
    }

    #[test]
    fn the_environment_that_the_services_tools_share_counts() {
        let environment = [
            ("AWS_DEFAULT_REGION", "eu-1"),
            ("AWS_CA_BUNDLE", "/ca.crt"),
            ("AWS_MAX_ATTEMPTS", "7"),
            ("AWS_ENDPOINT_URL", "http://minio:9000"),
            ("BARKEEP_S3_REGION", "ours"),
            ("BARKEEP_STORE", "s3://ours"),
        ];
        let (wire, kinds, limits) = settled(&["s3://b", "s"], &environment).unwrap();
        assert_eq!(wire.address().store, "s3://b at http://minio:9000");
        assert_eq!(kinds.s3.region.as_deref(), Some("eu-1"));
        assert_eq!(kinds.s3.ca_bundle.unwrap().to_str(), Some("/ca.crt"));
        assert_eq!(limits.max_attempts, Some(7));
        let bundle = [("REQUESTS_CA_BUNDLE", "/ca.crt"), ("STORAGE_EMULATOR_HOST", "fake:4443")];
        let (_, kinds, _) = settled(&[GOOGLE, "gs://b", "s"], &bundle).unwrap();
        assert_eq!(kinds.emulator.as_deref(), Some("http://fake:4443"));
        let (_, kinds, _) = settled(&[AZURE, "https://a.blob.core.windows.net/c", "s"], &bundle).unwrap();
        assert_eq!(kinds.azure.ca_bundle.unwrap().to_str(), Some("/ca.crt"));
    }

    #[test]
    fn a_buckets_region_counts_before_that_of_the_pod() {
        let (buckets, pods) = (("AWS_DEFAULT_REGION", "eu-1"), ("AWS_REGION", "us-2"));
        for (environment, region) in [
            (&[pods, buckets][..], Some("eu-1")),
            (&[pods, ("AWS_DEFAULT_REGION", "")], Some("us-2")),
            (&[pods], Some("us-2")),
        ] {
            let (_, kinds, _) = settled(&["s3://b", "s"], environment).unwrap();
            assert_eq!(kinds.s3.region.as_deref(), region, "{environment:?}");
        }
    }

    #[test]
    fn a_read_is_waited_for_as_long_as_it_is_said() {
        let (_, _, limits) = settled(&["--read-timeout=900", "s3://b", "s"], &[]).unwrap();
        assert_eq!(limits.grace, Some(Duration::from_mins(15)));
        for bad in ["--read-timeout=0", "--read-timeout=-1"] {
            assert_eq!(refusal(&[bad, "s3://b", "s"]).0, Code::General);
        }
    }
}
