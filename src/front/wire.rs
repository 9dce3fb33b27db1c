//! Wiring: from settings to an archive.

use std::sync::Arc;

use async_trait::async_trait;

use super::native::args::S3Args;
use crate::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience};
use crate::error::{Error, Result};
use crate::model::ServerName;
use crate::store::ObjectStore;

/// Everything needed to get at one archive. Nothing is opened, resolved or signed in to before
/// [`OpenArchive::open`].
#[derive(Debug)]
pub(crate) struct Wire {
    address: Address,
    s3: S3Args,
    exclusive: Option<ExclusivePut>,
}

impl Wire {
    /// The archive of `server` in the store at `url`.
    pub(crate) fn new(
        url: &str,
        server: ServerName,
        s3: S3Args,
        exclusive: Option<ExclusivePut>,
    ) -> Result<Self> {
        let store = identity(url, &s3)?;
        Ok(Self { address: Address { store, server }, s3, exclusive })
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
        let store = connect(&self.address, &self.s3, exclusive, patience).await?;
        Ok(Archive::new(store, self.address.server.clone()))
    }
}

/// How the store is told from every other one.
fn identity(url: &str, s3: &S3Args) -> Result<String> {
    let known =
        ["file:///", "s3://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|r| !r.is_empty()));
    if !known {
        return Err(Error::usage(format!("`{url}` is not a store (file:///path or s3://bucket/path)")));
    }
    Ok(match &s3.endpoint_url {
        Some(endpoint) if url.starts_with("s3:") => format!("{url} at {endpoint}"),
        _ => url.to_owned(),
    })
}

/// Opens the store.
async fn connect(
    address: &Address,
    s3: &S3Args,
    exclusive: ExclusivePut,
    patience: &Patience,
) -> Result<Arc<dyn ObjectStore>> {
    let _ = (s3, exclusive, patience);
    Err(Error::bug(format!("no store can be opened yet, {} neither", address.store)))
}
