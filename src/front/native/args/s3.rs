//! The section `[s3]`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::layer;

/// How an S3 store is talked to; the section `[s3]`. Credentials are never words: they come from
/// where AWS's own tools take them.
#[derive(Debug, Clone, Default, Args, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "S3")]
pub(crate) struct S3Args {
    /// Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]
    #[arg(long, value_name = "URL", env = "BARKEEP_S3_ENDPOINT_URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint_url: Option<String>,
    /// Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]
    #[arg(long, value_name = "REGION", env = "BARKEEP_S3_REGION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// Take credentials and region from this profile of AWS's files [also: AWS_PROFILE]
    #[arg(long, value_name = "NAME", env = "BARKEEP_S3_PROFILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    /// Put the bucket into the host name or into the path [default: auto]
    #[arg(long, value_name = "STYLE", env = "BARKEEP_S3_ADDRESSING_STYLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) addressing_style: Option<AddressingStyle>,
    /// Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]
    #[arg(long, value_name = "FILE", env = "BARKEEP_S3_CA_BUNDLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Ask the service to encrypt what it stores
    #[arg(long, value_name = "METHOD", env = "BARKEEP_S3_SSE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sse: Option<Sse>,
    /// Encrypt with this key of the service's key management; needs --sse aws:kms
    #[arg(long, value_name = "KEY", env = "BARKEEP_S3_SSE_KMS_KEY_ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sse_kms_key_id: Option<String>,
    /// Encrypt with the key in this file: file:///path, 32 bytes in base64
    #[arg(long, value_name = "FILE-URL", env = "BARKEEP_S3_SSE_CUSTOMER_KEY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sse_customer_key: Option<String>,
    /// Send checksums when the service requires or supports them [default: when-required unless AWS]
    #[arg(long, value_name = "WHEN", env = "BARKEEP_S3_CHECKSUMS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checksums: Option<ChecksumsWhen>,
    /// Trust the service to refuse the second of two racing writers [default: auto]
    #[arg(long, value_name = "TRUST", env = "BARKEEP_S3_EXCLUSIVE_PUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exclusive_put: Option<ExclusivePutTrust>,
}

layer!(
    S3Args: endpoint_url, region, profile, addressing_style, ca_bundle, checksums, exclusive_put;
    together sse, sse_kms_key_id, sse_customer_key
);

/// Where the bucket's name goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AddressingStyle {
    /// Into the host for AWS, into the path for every other endpoint
    Auto,
    /// Into the host: https://bucket.host/key
    Virtual,
    /// Into the path: https://host/bucket/key
    Path,
}

/// How the service encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
pub(crate) enum Sse {
    /// With keys of the service's own
    #[value(name = "AES256")]
    #[serde(rename = "AES256")]
    Aes256,
    /// With a key of its key management
    #[value(name = "aws:kms")]
    #[serde(rename = "aws:kms")]
    Kms,
}

/// When checksums are sent and verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChecksumsWhen {
    /// Only for requests that cannot do without
    WhenRequired,
    /// For every request that can carry one
    WhenSupported,
}

/// Whether the service's exclusive put is relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExclusivePutTrust {
    /// When it is AWS, or when `barkeep check` has proved it
    Auto,
    /// Yes: one request per file
    Trusted,
    /// No: ask for the key before storing it
    AskFirst,
}
