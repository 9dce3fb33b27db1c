//! The section `[gcs]`.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::layer;

/// How a bucket of Google Cloud Storage is talked to; the section `[gcs]`. Credentials are never words:
/// they come from where Google's own tools take them, or from a file that is named.
#[derive(Debug, Clone, Default, Args, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Google Cloud Storage")]
pub(crate) struct GcsArgs {
    /// Talk to this endpoint instead of Google's [also: STORAGE_EMULATOR_HOST, without signing in]
    #[arg(id = "gcs_endpoint_url", long = "gcs-endpoint-url", value_name = "URL")]
    #[arg(env = "BARKEEP_GCS_ENDPOINT_URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint_url: Option<String>,
    /// Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]
    #[arg(id = "gcs_credentials_file", long = "gcs-credentials-file", value_name = "FILE")]
    #[arg(env = "BARKEEP_GCS_CREDENTIALS_FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credentials_file: Option<PathBuf>,
    /// Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]
    #[arg(id = "gcs_universe_domain", long = "gcs-universe-domain", value_name = "NAME")]
    #[arg(env = "BARKEEP_GCS_UNIVERSE_DOMAIN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) universe_domain: Option<String>,
    /// Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]
    #[arg(id = "gcs_ca_bundle", long = "gcs-ca-bundle", value_name = "FILE")]
    #[arg(env = "BARKEEP_GCS_CA_BUNDLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Encrypt what is stored with this key of the key management service
    #[arg(id = "gcs_kms_key", long = "gcs-kms-key", value_name = "NAME")]
    #[arg(env = "BARKEEP_GCS_KMS_KEY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kms_key: Option<String>,
}

layer!(GcsArgs: endpoint_url, credentials_file, universe_domain, ca_bundle, kms_key);
