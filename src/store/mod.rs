//! Bytes under keys: the port to every kind of storage.
//!
//! The documentation of [`ObjectStore`] is the contract; `tests/store_contract.rs` proves it for
//! every store. Stores move bytes and know nothing of WAL, backups or PostgreSQL.

mod azure;
mod file;
mod gcs;
mod http;
mod key;
mod location;
mod markers;
mod memory;
mod parts;
mod patient;
#[cfg(debug_assertions)]
mod pointed;
mod program;
mod retry;
mod s3;
mod tokens;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;

pub use azure::{
    AzureCredential, AzureOptions, AzureSecret, AzureStore, Container, connection_string_endpoint,
};
pub use file::FileStore;
pub use gcs::{GcsOptions, GcsStore, GoogleCredentials};
pub use http::Pem;
pub use key::{Key, Prefix};
pub use location::{Location, Options};
pub use memory::MemoryStore;
pub use patient::Patient;
pub use retry::Patience;
pub use s3::{
    AccessKeys, Addressing, Checksums, CustomerKey, Elsewhere, Encryption, ProfileSettings, S3Options,
    S3Store, profile_settings,
};

use crate::error::{Error, Result};

/// Storage that keeps whole objects under keys.
///
/// What every store guarantees:
///
/// - **Whole or not there.** A reader sees a complete object or none. An object becomes visible when
///   [`put`](Self::put) or [`Upload::finish`] succeeds, never before; whoever gives up midway, or is
///   killed, leaves nothing visible. What a failed `put` or `finish` leaves is *unknown*: the answer
///   may have been lost after the object was stored, so asking again may say `Conflict`.
/// - **Read after write.** Once stored, every later call sees it.
/// - **Exclusive means exclusive.** With [`IfExists::Fail`] an existing object is left untouched and
///   the answer is kind `Conflict`. Whether two racing writers can both succeed depends on the
///   service; see [`ExclusivePut`].
/// - **Absence.** `get` of a missing key is kind `NotFound`; `head` is `None`; deleting it succeeds;
///   a prefix without objects lists nothing. A missing *bucket or root directory* is never mistaken
///   for any of these: it is kind `Usage`. To know, S3 takes one more request the first time that an
///   answer could mean either, which only `head` has.
/// - **Order.** `list` and `folders` are in ascending byte order of the keys.
/// - **Patience.** Every request has a deadline of its own and a stalled transfer is cut off. Passing
///   trouble has already been retried when an error comes out, so nobody above retries.
/// - **Errors.** Kinds: `NotFound`, `Conflict`, `Denied`, `Unavailable`, `Usage`; `Local` for a
///   directory's own trouble; `Corrupt` when a body is not what was announced. Messages name the store,
///   the key, and the service's code and request id; never a secret.
/// - **Dropping** a future or a stream at any point is safe and leaves nothing visible.
#[async_trait]
pub trait ObjectStore: fmt::Display + Send + Sync {
    /// Stores one object from memory, in one request where the service can.
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()>;

    /// Begins an object that is stored in parts, at most `in_flight` of them under way at once. The
    /// memory it holds is bounded by `in_flight` parts.
    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>>;

    /// Opens an object, or the bytes of it that lie in `range`. A range that ends after the object's
    /// end is cut there; one that begins at or after it is kind `Usage`.
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object>;

    /// What is known of an object without reading it, its metadata included.
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>>;

    /// All objects whose keys begin with `prefix`, and come after `after` when it is given. Metadata
    /// is not included. Pages are fetched as the stream is read.
    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>>;

    /// The folders directly inside `under` (the whole store when `None`): every `under/NAME` that has
    /// at least one object below it.
    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>>;

    /// Deletes objects, in batches where the service can. Keys that do not exist are success. When it
    /// fails, some may be gone; doing it again is safe.
    async fn delete(&self, keys: &[Key]) -> Result<()>;

    /// The uploads to keys that begin with `prefix` which have been begun and neither finished nor
    /// aborted. Some may be under way right now, perhaps in another process: their age is the caller's
    /// to judge. A service that cannot list them (501) is taken to keep none; that is logged.
    ///
    /// A directory keeps no uploads, but drafts of objects, so the key is the draft's own and begins
    /// with what the folder's name does. What a living process of this machine is writing is left out,
    /// as far as the file system has locks.
    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>>;

    /// Frees what these hold. Those that are gone already are success. When it fails, some may be gone;
    /// doing it again is safe. Whoever still writes to one will fail to finish it.
    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()>;

    /// Makes the bucket (the container) where it is missing, and tells whether it did. Asks for it first, by
    /// a list of at most one object; one that may not be listed is there. One that somebody else makes in
    /// the same moment is success. A directory's root is never made: when it is missing that is kind `Usage`,
    /// as it is everywhere else.
    async fn make_bucket(&self) -> Result<bool>;

    /// Whether objects here can be locked; one request at most. A service that does not let us know is no
    /// failure.
    async fn locks(&self) -> Result<Locks> {
        Ok(Locks::Untold)
    }
}

/// An object under way. Dropping it without [`finish`](Self::finish) leaves nothing visible, but may
/// leave parts that the service keeps until it is told to forget them: [`abort`](Self::abort) tells it,
/// and so does [`ObjectStore::forget`] later.
#[async_trait]
pub trait Upload: Send {
    /// Adds the next part; waits while as many as allowed are in flight. All parts but the last must
    /// have the same size, between 5 MiB and 5 GiB (S3; some look-alikes insist on equal sizes).
    async fn part(&mut self, part: Bytes) -> Result<()>;

    /// Makes the object visible, whole, under the condition of its [`Put`].
    async fn finish(self: Box<Self>) -> Result<()>;

    /// Gives up and frees what was sent.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// An upload that nobody has finished or aborted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// What it is to become; in a directory, the draft itself.
    pub key: Key,
    /// When it was begun, by the service's clock; of a draft, when it was last written to.
    pub begun: Option<Timestamp>,
    /// The store's own name for it.
    pub id: String,
}

/// A body in pieces of whatever size the service sends.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// An object that is being read.
pub struct Object {
    /// What is known of it; `size` is the whole object's even when a range is read.
    pub meta: ObjectMeta,
    /// The bytes asked for.
    pub body: ByteStream,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its name.
    pub key: Key,
    /// Its length in bytes.
    pub size: u64,
    /// When it was stored, by the service's clock.
    pub modified: Option<Timestamp>,
    /// An opaque mark that changes whenever the object does.
    pub etag: Option<String>,
    /// What the writer said about it; empty from `list`, and from a store that keeps none.
    pub metadata: BTreeMap<String, String>,
    /// What keeps it from being deleted; only `head` tells, and only to whom the service lets know.
    pub lock: Option<Lock>,
}

/// What keeps an object from being deleted: S3's object lock, Azure's immutability of versions, Google's
/// retention and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Until this moment.
    Until(Timestamp),
    /// Until somebody lifts the legal hold.
    Hold,
}

impl Lock {
    /// Whether it does at this moment.
    pub fn holds(self, now: Timestamp) -> bool {
        match self {
            Self::Until(end) => end > now,
            Self::Hold => true,
        }
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Until(end) => write!(f, "is locked until {end}"),
            Self::Hold => f.write_str("is under a legal hold"),
        }
    }
}

/// A lock that an object is stored with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retain {
    /// Until when it may not be deleted; services count in whole seconds.
    pub until: Timestamp,
    /// Who may lift it before.
    pub mode: RetainMode,
}

/// Who may lift a lock before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetainMode {
    /// Whoever has a permission of its own: S3's governance, Azure's and Google's unlocked.
    Governance,
    /// Nobody: S3's compliance, Azure's and Google's locked.
    Compliance,
}

/// Whether objects of a store can be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// A store of this kind has no locks.
    Never,
    /// The service has them, and nothing in this bucket is locked or can be.
    Off,
    /// Nothing can be stored with a lock here, but something else may hold objects: a policy of the bucket,
    /// or a hold.
    HeldOnly,
    /// They can.
    On,
    /// The service does not tell, or not whoever asks.
    Untold,
}

/// How an object is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Put {
    /// What happens when the key is taken.
    pub if_exists: IfExists,
    /// Tags, for stores that have them; a directory ignores them.
    pub tags: Tags,
    /// Metadata, for stores that have it; keys in lower-case ASCII with `-`, values in ASCII.
    pub metadata: BTreeMap<String, String>,
    /// The caller has seen objects in the key's first folder before. A directory without that folder is
    /// then not begun anew, kind `Usage`: a volume that is not mounted looks just like it.
    pub not_first: bool,
    /// The caller has asked for the key a moment ago, and it was free: a service that is not trusted is not
    /// asked once more.
    pub asked: bool,
    /// The lock it gets; kind `Usage` from a store, or a bucket, that has none.
    pub retain: Option<Retain>,
}

/// What happens when the key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// The new object takes its place.
    Replace,
    /// The old one stays, and the answer is kind `Conflict`.
    #[default]
    Fail,
}

/// Whether a service can be trusted to refuse the second of two racing exclusive writers in the very
/// request that stores the object. Some accept the condition and overwrite all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExclusivePut {
    /// It refuses: one request per object. `barkeep check` has proved it, or the configuration says so.
    Trusted,
    /// Not known: the key is asked for first, then stored under the condition anyway. One writer at a
    /// time never overwrites; two in the same instant might, on a service that ignores the condition.
    AskFirst,
    /// As the service is known: AWS documents that it refuses and a directory refuses by construction,
    /// so they are trusted; everybody else is asked first. Only the store itself can tell, since a
    /// profile file may send it to another service than its URL suggests.
    #[default]
    ByService,
}

/// The tags of an object: key and value, at most ten, in the order given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags(pub Vec<(String, String)>);

/// The error for an object that is to be locked in a store of a kind that has no locks.
fn no_locks(store: &str) -> Error {
    Error::usage(format!("{store} is a directory, where nothing can be locked"))
        .hint("leave out --lock-until, or archive to a bucket that has object lock")
}

/// The part of an object that a range asks for: cut at the object's end, kind `Usage` when nothing
/// of it lies within the object.
fn clip(range: Option<Range<u64>>, meta: &ObjectMeta) -> Result<Option<Range<u64>>> {
    let Some(range) = range else { return Ok(None) };
    let clipped = range.start..range.end.min(meta.size);
    if clipped.is_empty() {
        let asked = format!("bytes {} to {}", range.start, range.end);
        return Err(Error::usage(format!("{asked} do not lie within {} of {} bytes", meta.key, meta.size)));
    }
    Ok(Some(clipped))
}
