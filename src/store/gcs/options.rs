//! What can be said about how a bucket of Google Cloud Storage is reached.

use std::path::PathBuf;

/// How a bucket is reached, beyond its URL. The default leaves everything to the environment and the files
/// that all of Google's tools share.
#[derive(Debug, Clone, Default)]
pub struct GcsOptions {
    /// The service's URL (an option, else `STORAGE_EMULATOR_HOST`, to which nobody signs in); without it,
    /// `https://storage.UNIVERSE`.
    pub endpoint: Option<String>,
    /// A file of credentials (an option, else `GOOGLE_APPLICATION_CREDENTIALS`); without it, those of
    /// `gcloud auth application-default login`, else the metadata server.
    pub credentials_file: Option<PathBuf>,
    /// The universe (an option, else `GOOGLE_CLOUD_UNIVERSE_DOMAIN`, else what the credentials say);
    /// without it `googleapis.com`.
    pub universe_domain: Option<String>,
    /// The only certificate authorities to trust, a PEM file (an option, else `REQUESTS_CA_BUNDLE`);
    /// without it those in `SSL_CERT_FILE`, else the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The key of the key management service that encrypts what is stored,
    /// `projects/P/locations/L/keyRings/R/cryptoKeys/K`, of which the service takes the primary version,
    /// whatever version the name ends in; without it, as the bucket says.
    pub kms_key: Option<String>,
    /// Whether nobody signs in, although an endpoint is given by option.
    pub anonymous: bool,
}
