//! The verbs. Each takes a `Request`, in which everything is already parsed, and returns an
//! `Outcome` with everything there is to tell. None of them prints, reads flags or the environment,
//! or knows an exit status.

pub mod check;
pub mod wal_archive;
pub mod wal_prefetch;
pub mod wal_restore;
