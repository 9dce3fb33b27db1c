//! What can be said about how an Azure container is reached.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::store::Pem;

/// How a container is reached, beyond its URL. The default leaves everything to the environment that all
/// Azure tools share.
#[derive(Debug, Clone, Default)]
pub struct AzureOptions {
    /// The service's URL in place of what the store's URL or the connection string says: what stands before
    /// the container, the account included where it is part of the path.
    pub endpoint: Option<String>,
    /// How to sign in; the environment's secrets are then ignored. Without it, in this order:
    /// `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_SAS_TOKEN`, `AZURE_STORAGE_KEY`, the default
    /// chain (spec/barman-cloud.md 7.3).
    pub credential: Option<AzureCredential>,
    /// Which user-assigned identity; without it `AZURE_CLIENT_ID`, else the machine's own.
    pub client_id: Option<String>,
    /// A secret given directly instead of all that.
    pub secret: Option<AzureSecret>,
    /// The only certificate authorities to trust, a PEM file (an option, else `REQUESTS_CA_BUNDLE`);
    /// without it those in `SSL_CERT_FILE`, else the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The same as text, in place of all files.
    pub ca_pem: Option<Pem>,
    /// The encryption scope of what is stored; without it, as the container says.
    pub encryption_scope: Option<String>,
}

/// A way to sign in that needs no secret of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureCredential {
    /// Ask `az`, the command-line tool.
    Cli,
    /// The identity of the machine or pod.
    ManagedIdentity,
    /// One after the other: the environment's service principal, workload identity, managed identity, `az`.
    Default,
}

/// A secret to sign requests with. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub enum AzureSecret {
    /// Account, key or signature, and endpoint in one text.
    ConnectionString(String),
    /// A shared access signature of the account or the container, with or without its question mark.
    Sas(String),
    /// The account's key, in base64.
    Key(String),
}

impl fmt::Debug for AzureSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectionString(_) => "ConnectionString(..)",
            Self::Sas(_) => "Sas(..)",
            Self::Key(_) => "Key(..)",
        })
    }
}

impl FromStr for AzureCredential {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "azure-cli" => Ok(Self::Cli),
            "managed-identity" => Ok(Self::ManagedIdentity),
            "default" => Ok(Self::Default),
            _ => Err(Error::usage(format!("{word:?} is none of azure-cli, managed-identity, default"))),
        }
    }
}

impl fmt::Display for AzureCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cli => "azure-cli",
            Self::ManagedIdentity => "managed-identity",
            Self::Default => "default",
        })
    }
}
