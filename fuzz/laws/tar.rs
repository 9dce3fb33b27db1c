//! The unpacker.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::pgdata::fuzz::unpack;

/// A tar, unpacked into a data directory whose `pg_wal` lies elsewhere, or with an odd first byte into a
/// tablespace. Nothing is written outside of them, and nothing that starts.
pub fn tar(input: &[u8]) {
    let Some((which, mut tar)) = input.split_first() else { return };
    let scratch = Scratch::new();
    let at = |name: &str| scratch.0.join(name);
    let make = |name: &str| fs::create_dir(at(name)).unwrap_or_else(|e| panic!("{e}"));
    for name in ["data", "space", "wal", "outside"] {
        make(name);
    }
    fs::write(at("outside/precious"), "x").unwrap_or_else(|e| panic!("{e}"));
    let elsewhere = [(PathBuf::from("pg_wal"), at("wal")), (PathBuf::from("pg_tblspc/16385"), at("space"))];
    let within = if which % 2 == 1 { Path::new("pg_tblspc/16385") } else { Path::new("") };
    let unpacked = unpack(&at("data"), &elsewhere, within, &mut tar);
    assert_eq!(names(&scratch.0), ["data", "outside", "space", "wal"].map(PathBuf::from).into());
    assert_eq!(names(&at("outside")), [PathBuf::from("precious")].into());
    assert_eq!(fs::read(at("outside/precious")).ok().as_deref(), Some(b"x".as_slice()));
    assert!(fs::symlink_metadata(at("data/global/pg_control")).is_err());
    for top in ["data", "space", "wal"] {
        links_stay_within(&at(top), &at(top));
    }
    if within != Path::new("") {
        assert!(names(&at("data")).is_empty() && names(&at("wal")).is_empty(), "{unpacked:?}");
    }
}

/// No link below `folder` leads out of `top`, not even with the help of others.
fn links_stay_within(top: &Path, folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
            links_stay_within(top, &path);
        } else if kind.is_ok_and(|kind| kind.is_symlink()) {
            let leads = path.canonicalize().unwrap_or_else(|_| top.to_owned());
            let top = top.canonicalize().unwrap_or_else(|e| panic!("{e}"));
            assert!(leads.starts_with(&top), "{} leads to {}", path.display(), leads.display());
        }
    }
}

fn names(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(PathBuf::from(entry.ok()?.file_name()))).collect()
}

/// A directory that goes with its value. Built without the crates that only tests have.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("barkeep-law-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A tar may have made directories that only root can look into; what stays is empty or small.
        let _ = fs::remove_dir_all(&self.0);
    }
}
