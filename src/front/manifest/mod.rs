//! Manifests.
#![allow(dead_code)]
pub(crate) mod yaml;
