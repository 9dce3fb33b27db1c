//! Takes a base backup of a running server.

mod copy;

pub use copy::{Damage, DamagedFile, Progress};
