//! Barkeep keeps PostgreSQL's WAL and base backups safe in object storage and brings a database
//! back to any second.
//!
//! The library exists so that the tests can drive the verbs in-process; it is no public interface.
//! Imports go down only (`tests/layers.rs` checks it against `docs/architecture.md`):
//!
//! ```text
//!           main
//!            │
//!    6     front ─────────── words in, wiring, words and exit codes out
//!            │
//!    5    command ────────── one verb, one file: a Request in, an Outcome out
//!            │
//!    4    archive ────┐      the archive's own nouns; the only place that spells keys
//!            │        │
//!    3     store  stream  pgdata  postgres  spool   machines that do not know each other
//!            │               │               │
//!    2       └────── disk ───┴───────────────┘     durable local writes
//!                      │                             points: where tests let them die
//!    1               model                        names, numbers, decisions: pure
//!    0               error
//! ```

pub mod archive;
pub mod command;
pub mod disk;
pub mod error;
pub mod front;
pub mod model;
pub mod pgdata;
pub mod points;
pub mod postgres;
pub mod spool;
pub mod store;
pub mod stream;

/// What must hold of everything that reads what others wrote: run by `fuzz/` with its own inputs, and by
/// `cargo test` with those of `fuzz/corpus`.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[path = "../fuzz/laws/mod.rs"]
pub mod fuzz;

/// What the tests beside the code share with those in `tests`.
#[cfg(test)]
#[path = "../tests/cases/mod.rs"]
mod golden;
