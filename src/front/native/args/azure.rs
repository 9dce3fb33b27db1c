//! The section `[azure]`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::layer;

/// How a container of Azure is talked to; the section `[azure]`. Credentials are never words: they come
/// from where Azure's own tools take them.
#[derive(Debug, Clone, Default, Args, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Azure")]
pub(crate) struct AzureArgs {
    /// Talk to this endpoint instead of the store's own host; what comes before the container
    #[arg(id = "azure_endpoint_url", long = "azure-endpoint-url", value_name = "URL")]
    #[arg(env = "BARKEEP_AZURE_ENDPOINT_URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint_url: Option<String>,
    /// Sign in like this, whatever secrets are in the environment
    #[arg(id = "azure_credential", long = "azure-credential", value_name = "HOW")]
    #[arg(env = "BARKEEP_AZURE_CREDENTIAL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<AzureSignIn>,
    /// Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]
    #[arg(id = "azure_client_id", long = "azure-client-id", value_name = "ID")]
    #[arg(env = "BARKEEP_AZURE_CLIENT_ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    /// Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]
    #[arg(id = "azure_ca_bundle", long = "azure-ca-bundle", value_name = "FILE")]
    #[arg(env = "BARKEEP_AZURE_CA_BUNDLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Encrypt what is stored in this encryption scope of the account
    #[arg(id = "azure_encryption_scope", long = "azure-encryption-scope", value_name = "NAME")]
    #[arg(env = "BARKEEP_AZURE_ENCRYPTION_SCOPE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encryption_scope: Option<String>,
}

layer!(AzureArgs: endpoint_url, credential, client_id, ca_bundle, encryption_scope);

/// How to sign in without a secret of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AzureSignIn {
    /// Ask az, the command-line tool
    AzureCli,
    /// As the identity of the machine or pod
    ManagedIdentity,
    /// One after the other: service principal, workload identity, managed identity, az
    Default,
}
