//! How a store is reached: in the words that the binary is given, and from here.

use std::sync::Arc;
use std::time::Duration;

use barkeep::store::{ExclusivePut, Location, ObjectStore, Options, Patience};

/// A bucket, container or directory, and the way to sign in there.
#[derive(Clone)]
pub struct Reach {
    /// Its URL, without a path in it.
    pub top: String,
    /// What the binary is told by its environment, apart from the URL.
    pub variables: Vec<(&'static str, String)>,
    /// The same for the library.
    pub options: Options,
}

impl Reach {
    /// The URL of a path in it.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.top)
    }

    /// The store at one of its URLs, seen from here.
    pub async fn open(&self, url: &str, exclusive: ExclusivePut) -> Arc<dyn ObjectStore> {
        // What is wrong here stays wrong: everything runs on this machine.
        let patience = Patience { retry_for: Duration::from_secs(10), ..Patience::default() };
        let location: Location = url.parse().unwrap();
        location.open(&self.options, exclusive, &patience).await.unwrap()
    }
}
