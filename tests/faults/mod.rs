//! The parts of the sweep.

pub(crate) mod cell;
pub(crate) mod door;
pub(crate) mod fault;
pub(crate) mod proxy;
pub(crate) mod scene;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod sweep;
pub(crate) mod table;
pub(crate) mod verbs;
