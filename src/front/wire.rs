//! Wiring: from settings to an archive.

use async_trait::async_trait;

use super::native::args::{AddressingStyle, ChecksumsWhen, S3Args, Sse};
use crate::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience};
use crate::error::Result;
use crate::model::ServerName;
use crate::store::{Addressing, Checksums, CustomerKey, Encryption, Location, Options, S3Options};

/// Everything needed to get at one archive. Nothing is opened, resolved or signed in to before
/// [`OpenArchive::open`], not even the file of the customer's key read: most calls of a busy
/// `wal-archive` are answered without.
#[derive(Debug)]
pub(crate) struct Wire {
    address: Address,
    location: Location,
    options: Options,
    /// Where the customer's key is.
    customer_key: Option<String>,
    exclusive: Option<ExclusivePut>,
}

impl Wire {
    /// The archive of `server` in the store at `url`; `exclusive` is what the configuration says about
    /// exclusive puts.
    pub(crate) fn new(
        url: &str,
        server: ServerName,
        s3: S3Args,
        exclusive: Option<ExclusivePut>,
    ) -> Result<Self> {
        let location: Location = url.parse()?;
        let customer_key = s3.sse_customer_key.clone();
        let options = Options { s3: options(s3), ..Options::default() };
        let address = Address { store: location.identity(&options), server };
        Ok(Self { address, location, options, customer_key, exclusive })
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
        let mut options = self.options.clone();
        if let Some(url) = &self.customer_key {
            options.s3.encryption = Some(Encryption::Customer(CustomerKey::read(url)?));
        }
        let (store, slashed) = self.location.open_spellings(&options, exclusive, patience).await?;
        let archive = Archive::new(store, self.address.server.clone());
        Ok(match slashed {
            Some(slashed) => archive.with_slashed(slashed, self.location.ends_in_slash()),
            None => archive,
        })
    }
}

/// The words of the section `[s3]` in the store's own terms, but for the customer's key.
fn options(s3: S3Args) -> S3Options {
    S3Options {
        endpoint: s3.endpoint_url,
        region: s3.region,
        profile: s3.profile,
        // Never ours: they stay where AWS's own tools look.
        keys: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(url: &str, endpoint: Option<&str>) -> Wire {
        let s3 = S3Args { endpoint_url: endpoint.map(str::to_owned), ..S3Args::default() };
        Wire::new(url, "main".parse().unwrap(), s3, None).unwrap()
    }

    #[test]
    fn the_address_tells_endpoints_apart() {
        let here = wire("s3://b", Some("http://one"));
        let there = wire("s3://b", Some("http://two"));
        assert_ne!(here.address().fingerprint(), there.address().fingerprint());
    }
}
