//! The words that all commands share (spec/barman-cloud.md 1.2).

use std::fmt;
use std::sync::OnceLock;

use clap::{ArgAction, Args, ValueEnum};

/// Where the archive is, how much is said, and how the store is talked to.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    /// The URL of the store
    #[arg(value_name = "DESTINATION_URL")]
    pub(super) url: String,
    /// The name of the server within it
    #[arg(value_name = "SERVER_NAME")]
    pub(super) server: String,
    /// Log more; may be repeated
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Log less; may be repeated
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) quiet: u8,
    /// Only test whether the store can be reached
    #[arg(short, long)]
    pub(super) test: bool,
    /// Whose store it is
    #[arg(long, value_name = "PROVIDER", default_value = "aws-s3")]
    pub(super) cloud_provider: Provider,
    /// S3: talk to this endpoint
    #[arg(long, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
    /// S3: the profile of AWS's files
    #[arg(short = 'P', long, visible_alias = "profile", value_name = "NAME")]
    pub(super) aws_profile: Option<String>,
    /// S3: wait this many seconds for an answer
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(super) read_timeout: Option<i64>,
    /// S3: where the bucket's name goes
    #[arg(long, value_name = "STYLE")]
    pub(super) addressing_style: Option<Addressing>,
    /// Azure: how to sign in
    #[arg(long, visible_aliases = ["credential", "default"], value_name = "HOW")]
    pub(super) azure_credential: Option<Credential>,
    /// S3: where the bucket is, once the service has said so; no word
    #[arg(skip)]
    pub(super) region: OnceLock<String>,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    pub(super) help: Option<bool>,
}

/// The key that some commands can be given (spec/barman-cloud.md 7.2).
#[derive(Debug, Clone, Args)]
pub(super) struct CustomerKey {
    /// S3: encrypt with the key in this file, a file URL
    #[arg(long = "sse-customer-key", value_name = "URI")]
    pub(super) customer_key: Option<String>,
}

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Provider {
    /// S3 and what speaks like it
    AwsS3,
    /// Azure
    AzureBlobStorage,
    /// Google
    GoogleCloudStorage,
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwsS3 => "aws-s3",
            Self::AzureBlobStorage => "azure-blob-storage",
            Self::GoogleCloudStorage => "google-cloud-storage",
        })
    }
}

/// Where the bucket's name goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Addressing {
    /// As is usual
    Auto,
    /// Into the host
    Virtual,
    /// Into the path
    Path,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Credential {
    /// Ask `az`
    AzureCli,
    /// The identity of the machine or pod
    ManagedIdentity,
    /// One after the other
    Default,
}

/// The codecs, of which at most one is given.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own in the dialect")]
pub(super) struct WalCodec {
    /// Compress with gzip
    #[arg(short = 'z', long)]
    pub(super) gzip: bool,
    /// Compress with bzip2
    #[arg(short = 'j', long)]
    pub(super) bzip2: bool,
    /// Compress with xz
    #[arg(long)]
    pub(super) xz: bool,
    /// Compress with snappy
    #[arg(long)]
    pub(super) snappy: bool,
    /// Compress with zstd
    #[arg(long)]
    pub(super) zstd: bool,
    /// Compress with lz4
    #[arg(long)]
    pub(super) lz4: bool,
}

/// How the store encrypts.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_field_names, reason = "the fields have the names of the dialect's options")]
pub(super) struct Encryption {
    /// S3: let the service encrypt
    #[arg(short, long, value_name = "HOW")]
    pub(super) encryption: Option<Method>,
    /// S3: with this key of its key management
    #[arg(long, value_name = "ID")]
    pub(super) sse_kms_key_id: Option<String>,
    /// Azure: in this scope
    #[arg(long, value_name = "NAME")]
    pub(super) encryption_scope: Option<String>,
    /// Google: with this key of its key management
    #[arg(long, value_name = "NAME")]
    pub(super) kms_key_name: Option<String>,
}

/// Who has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    /// The service
    #[value(name = "AES256")]
    Aes256,
    /// Its key management
    #[value(name = "aws:kms")]
    Kms,
}
