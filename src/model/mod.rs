//! Names, numbers and decisions: pure, without I/O, clock, environment or async.
//!
//! What a string names becomes here, once, a type that cannot be wrong; `Display` and `FromStr`
//! are inverses. Decisions are functions from values to values.

mod compression;
mod history;
mod lsn;
mod segment;
mod server_name;
mod system_id;
mod timeline;
mod wal_header;
mod wal_name;

pub use compression::{Compression, Level};
pub use history::check_history;
pub use lsn::Lsn;
pub use segment::{SegmentName, SegmentSize};
pub use server_name::ServerName;
pub use system_id::SystemId;
pub use timeline::Timeline;
pub use wal_header::{Misfit, WalHeader};
pub use wal_name::WalName;
