//! Wiring: from settings to an archive.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use super::manifest::Secrets;
use super::native::args::{AddressingStyle, AzureArgs, AzureSignIn, ChecksumsWhen, GcsArgs, S3Args, Sse};
use crate::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience, Retain};
use crate::error::{Error, ErrorKind, Result};
use crate::model::ServerName;
use crate::store::{
    Addressing, AzureCredential, AzureOptions, Checksums, CustomerKey, Encryption, GcsOptions, Location,
    Options, S3Options,
};

/// The folder of the spool where tokens are kept.
const TOKENS: &str = "tokens";

/// How each kind of store is talked to; the location tells which of them counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kinds {
    /// For `s3://`.
    pub(crate) s3: S3Args,
    /// For containers of Azure.
    pub(crate) azure: AzureArgs,
    /// For `gs://`.
    pub(crate) gcs: GcsArgs,
    /// The service in place of Google's where no word names one: nobody signs in to it.
    pub(crate) emulator: Option<String>,
    /// What a manifest has to sign in with; else it stays where each service's own tools look.
    pub(crate) secrets: Secrets,
}

/// Everything needed to get at one archive. Nothing is opened, resolved or signed in to before
/// [`OpenArchive::open`], not even the file of the customer's key read: most calls of a busy
/// `wal-archive` are answered without.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    address: Address,
    location: Location,
    options: Options,
    /// Where the customer's key is.
    customer_key: Option<String>,
    exclusive: Option<ExclusivePut>,
    limits: Limits,
    /// The lock of what is stored for good.
    retain: Option<Retain>,
}

/// What is said about single requests and holds for whichever verb sends them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// What one may take before transfer time is added; the verb's own grace when not set.
    pub(crate) grace: Option<Duration>,
    /// At most so many attempts, where the verb has not been told.
    pub(crate) max_attempts: Option<u32>,
}

impl Wire {
    /// The archive of `server` in the store at `location`; `exclusive` is what the configuration says about
    /// exclusive puts. Temporary tokens are kept in the directory `spool`, or nowhere.
    pub(crate) fn new(
        location: Location,
        server: ServerName,
        kinds: Kinds,
        spool: Option<&Path>,
        exclusive: Option<ExclusivePut>,
    ) -> Self {
        let Kinds { s3, azure, gcs, emulator, secrets } = kinds;
        let customer_key = s3.sse_customer_key.clone();
        let options = Options {
            s3: S3Options { keys: secrets.s3, ca_pem: secrets.authorities.clone(), ..s3_options(s3) },
            azure: AzureOptions {
                secret: secrets.azure,
                ca_pem: secrets.authorities.clone(),
                ..azure_options(azure)
            },
            gcs: GcsOptions {
                credentials: secrets.google,
                ca_pem: secrets.authorities,
                ..gcs_options(gcs, emulator)
            },
            tokens: spool.map(|spool| spool.join(TOKENS)),
        };
        let address = Address { store: location.identity(&options), server };
        Self { address, location, options, customer_key, exclusive, limits: Limits::default(), retain: None }
    }

    /// The same with limits of its own for every request.
    #[must_use]
    pub(crate) fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same store, another server's archive.
    #[must_use]
    pub(crate) fn for_server(&self, server: ServerName) -> Self {
        let address = Address { store: self.address.store.clone(), server };
        Self { address, ..self.clone() }
    }

    /// The same with a lock for what is stored for good.
    #[must_use]
    pub(crate) fn with_retain(self, retain: Option<Retain>) -> Self {
        Self { retain, ..self }
    }
}

impl Wire {
    /// The error with the archive that does not have what was asked for: its name may be the mistake.
    pub(crate) fn lacks(&self, e: Error) -> Error {
        if e.kind() == ErrorKind::NotFound { e.context(self.address.to_string()) } else { e }
    }
}

#[async_trait]
impl OpenArchive for Wire {
    fn address(&self) -> &Address {
        &self.address
    }

    fn configured_exclusive(&self) -> Option<ExclusivePut> {
        self.exclusive
    }

    async fn open(&self, exclusive: ExclusivePut, patience: &Patience) -> Result<Archive> {
        if self.retain.is_some() {
            self.location.require_locks()?;
        }
        let mut options = self.options.clone();
        if let Some(url) = &self.customer_key {
            options.s3.encryption = Some(Encryption::Customer(CustomerKey::read(url)?));
        }
        let patience = Patience {
            grace: self.limits.grace.unwrap_or(patience.grace),
            max_attempts: patience.max_attempts.or(self.limits.max_attempts),
            ..patience.clone()
        };
        let (store, slashed) = self.location.open_spellings(&options, exclusive, &patience).await?;
        let archive = Archive::new(store, self.address.server.clone()).with_retain(self.retain);
        Ok(match slashed {
            Some(slashed) => archive.with_slashed(slashed, self.location.ends_in_slash()),
            None => archive,
        })
    }
}

/// The words of the section `[s3]` in the store's own terms, but for the customer's key.
fn s3_options(s3: S3Args) -> S3Options {
    S3Options {
        endpoint: s3.endpoint_url,
        region: s3.region,
        profile: s3.profile,
        // Never words of ours.
        keys: None,
        ca_pem: None,
        addressing: match s3.addressing_style.unwrap_or(AddressingStyle::Auto) {
            AddressingStyle::Auto => Addressing::Auto,
            AddressingStyle::Virtual => Addressing::Virtual,
            AddressingStyle::Path => Addressing::Path,
        },
        ca_bundle: s3.ca_bundle,
        encryption: s3.sse.map(|method| match method {
            Sse::Aes256 => Encryption::Aes256,
            Sse::Kms => Encryption::Kms { key_id: s3.sse_kms_key_id },
        }),
        checksums: s3.checksums.map(|when| match when {
            ChecksumsWhen::WhenRequired => Checksums::WhenRequired,
            ChecksumsWhen::WhenSupported => Checksums::WhenSupported,
        }),
    }
}

/// The words of the section `[azure]` in the store's own terms.
fn azure_options(azure: AzureArgs) -> AzureOptions {
    AzureOptions {
        endpoint: azure.endpoint_url,
        credential: azure.credential.map(|how| match how {
            AzureSignIn::AzureCli => AzureCredential::Cli,
            AzureSignIn::ManagedIdentity => AzureCredential::ManagedIdentity,
            AzureSignIn::Default => AzureCredential::Default,
        }),
        client_id: azure.client_id,
        // Never a word of ours.
        secret: None,
        ca_bundle: azure.ca_bundle,
        ca_pem: None,
        encryption_scope: azure.encryption_scope,
    }
}

/// The words of the section `[gcs]` in the store's own terms.
fn gcs_options(gcs: GcsArgs, emulator: Option<String>) -> GcsOptions {
    GcsOptions {
        // Somebody who names an endpoint means a service that knows who asks.
        anonymous: gcs.endpoint_url.is_none() && emulator.is_some(),
        endpoint: gcs.endpoint_url.or(emulator),
        credentials_file: gcs.credentials_file,
        credentials: None,
        ca_pem: None,
        universe_domain: gcs.universe_domain,
        ca_bundle: gcs.ca_bundle,
        kms_key: gcs.kms_key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(url: &str, kinds: Kinds) -> Wire {
        Wire::new(url.parse().unwrap(), "main".parse().unwrap(), kinds, Some(Path::new("/spool")), None)
    }

    #[test]
    fn the_address_tells_endpoints_apart() {
        for url in ["s3://b", "https://acc.blob.core.windows.net/c", "gs://b"] {
            let at = |endpoint: &str| {
                let endpoint_url = Some(endpoint.to_owned());
                let kinds = Kinds {
                    s3: S3Args { endpoint_url: endpoint_url.clone(), ..S3Args::default() },
                    azure: AzureArgs { endpoint_url: endpoint_url.clone(), ..AzureArgs::default() },
                    gcs: GcsArgs { endpoint_url, ..GcsArgs::default() },
                    ..Kinds::default()
                };
                wire(url, kinds).address().fingerprint()
            };
            assert_ne!(at("http://one"), at("http://two"), "{url}");
        }
    }

    #[test]
    fn nobody_signs_in_to_an_emulator_but_to_an_endpoint_that_a_word_names() {
        let gcs = |endpoint: Option<&str>| {
            let gcs = GcsArgs { endpoint_url: endpoint.map(str::to_owned), ..GcsArgs::default() };
            let emulator = Some("http://localhost:4443".to_owned());
            let options = wire("gs://b", Kinds { gcs, emulator, ..Kinds::default() }).options.gcs;
            (options.endpoint.unwrap(), options.anonymous)
        };
        assert_eq!(gcs(None), ("http://localhost:4443".to_owned(), true));
        assert_eq!(gcs(Some("https://there")), ("https://there".to_owned(), false));
    }

    #[test]
    fn tokens_are_kept_in_the_spool_or_nowhere() {
        let options = wire("gs://b", Kinds::default()).options;
        assert_eq!(options.tokens.as_deref(), Some(Path::new("/spool/tokens")));
        let nowhere =
            Wire::new("gs://b".parse().unwrap(), "main".parse().unwrap(), Kinds::default(), None, None);
        assert_eq!(nowhere.options.tokens, None);
    }
}
