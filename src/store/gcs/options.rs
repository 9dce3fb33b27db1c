//! What can be said about how a bucket of Google Cloud Storage is reached.

use std::fmt;
use std::path::PathBuf;

use crate::store::Pem;

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
    /// The content of such a file, in place of all files.
    pub credentials: Option<GoogleCredentials>,
    /// The universe (an option, else `GOOGLE_CLOUD_UNIVERSE_DOMAIN`, else what the credentials say);
    /// without it `googleapis.com`.
    pub universe_domain: Option<String>,
    /// The only certificate authorities to trust, a PEM file (an option, else `REQUESTS_CA_BUNDLE`);
    /// without it those in `SSL_CERT_FILE`, else the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The same as text, in place of all files.
    pub ca_pem: Option<Pem>,
    /// The key of the key management service that encrypts what is stored,
    /// `projects/P/locations/L/keyRings/R/cryptoKeys/K`, of which the service takes the primary version,
    /// whatever version the name ends in; without it, as the bucket says.
    pub kms_key: Option<String>,
    /// Whether nobody signs in, although an endpoint is given by option.
    pub anonymous: bool,
}

/// The content of a file of credentials. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct GoogleCredentials(String);

impl GoogleCredentials {
    /// The text, which is looked at when it is used.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GoogleCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GoogleCredentials(..)")
    }
}
