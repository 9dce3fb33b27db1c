//! The laws of everything that reads what others wrote. Each takes any bytes whatever, and panics when
//! one is broken.
//!
//! Part of the library, compiled for tests and fuzzing only: `fuzz/fuzz_targets` calls each with the
//! fuzzer's inputs, and the test below with those of `fuzz/corpus`, on every compiler.

#![allow(clippy::missing_panics_doc, reason = "panicking is what a law is for")]

mod archive;
mod bytes;
mod names;
mod tar;
mod wal;
mod words;

pub use archive::{backup_info, literal, manifest, server_files};
pub use bytes::decoders;
pub use names::{retention, store_url, timeline_history, wal_header, wal_name};
pub use tar::tar;
pub use wal::wal_record;
pub use words::{cluster_manifest, configuration, other_words, own_words, quantities};

/// A law.
pub type Law = fn(&[u8]);

/// All laws, by the names of their targets.
pub const LAWS: [(&str, Law); 17] = [
    ("backup_info", backup_info),
    ("cluster_manifest", cluster_manifest),
    ("configuration", configuration),
    ("decoders", decoders),
    ("literal", literal),
    ("manifest", manifest),
    ("other_words", other_words),
    ("own_words", own_words),
    ("quantities", quantities),
    ("retention", retention),
    ("server_files", server_files),
    ("store_url", store_url),
    ("tar", tar),
    ("timeline_history", timeline_history),
    ("wal_header", wal_header),
    ("wal_name", wal_name),
    ("wal_record", wal_record),
];

/// The input as text, if it is one.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// What is read, printed, and read again is the same.
fn survives<T: std::str::FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str) -> Option<T> {
    let value = text.parse::<T>().ok()?;
    let printed = value.to_string();
    let again = printed.parse::<T>().ok();
    assert!(again.as_ref() == Some(&value), "{text:?} is {value:?}, printed {printed:?}, which is {again:?}");
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::LAWS;

    fn names(folder: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder);
        let entries = fs_err::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn every_file_of_the_corpus_obeys_its_law() {
        let laws: BTreeSet<_> = LAWS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names("corpus"), laws, "each law has inputs, and they have a law");
        let targets = names("fuzz_targets").into_iter();
        let targets: BTreeSet<_> = targets.map(|name| name.trim_end_matches(".rs").to_owned()).collect();
        assert_eq!(targets, laws, "each law has a target");
        for (name, law) in LAWS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
            for entry in fs_err::read_dir(folder).unwrap() {
                law(&fs_err::read(entry.unwrap().path()).unwrap());
            }
        }
    }
}
