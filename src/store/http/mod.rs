//! HTTP as every store of an object service needs it: who is trusted, which proxy, how long to wait, and
//! what it means that no answer came.
//!
//! The stores that bring no client of their own send with [`Http`]; S3's SDK shares the rest.

mod client;
mod outgoing;
#[cfg(test)]
mod tests;
mod trouble;
mod trust;

pub(super) use client::{Answer, Http, Route};
pub(super) use outgoing::watched;
pub(super) use trouble::{chain, explain as explain_transport, first_words, reasons};
pub use trust::Pem;
pub(super) use trust::Trust;
