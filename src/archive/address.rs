//! Where an archive is.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::model::ServerName;

/// Where an archive is: which store, and which server in it. Known from the configuration alone and
/// free of secrets, so it may be printed and remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The store, spelled so that two different stores never share it: URL and endpoint.
    pub store: String,
    /// The server.
    pub server: ServerName,
}

impl Address {
    /// Sixteen hexadecimal digits that stand for this store and server in file names of the spool.
    pub fn fingerprint(&self) -> String {
        short_hash(&format!("{}\n{}", self.store, self.server))
    }

    /// The same for the store alone.
    pub fn store_fingerprint(&self) -> String {
        short_hash(&self.store)
    }
}

fn short_hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (server {})", self.store, self.server)
    }
}
