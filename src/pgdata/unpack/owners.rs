//! Whose the restored files are.

use std::collections::HashMap;
use std::os::fd::AsFd;

use nix::unistd::{Group, User};
use rustix::fs::{Gid, Uid};

use super::members::Owner;

/// As many are remembered: a cluster has a handful.
const MOST: usize = 1024;

/// Gives files to those who owned them, as tar(1) does: by name where there is such a name here, else
/// by number. Only root can; for everybody else the files are the caller's.
#[derive(Default)]
pub(super) struct Owners {
    known: HashMap<Owner, (Uid, Gid)>,
}

impl Owners {
    /// Whether this process may give files away.
    pub(super) fn can_give() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Gives an open file to its owner. Root keeps what is root's: which files those are is decided
    /// when the owner of the directory is known.
    pub(super) fn give(&mut self, file: impl AsFd, owner: &Owner) -> rustix::io::Result<()> {
        let (uid, gid) = self.ids(owner);
        rustix::fs::fchown(file, Some(uid), Some(gid))
    }

    fn ids(&mut self, owner: &Owner) -> (Uid, Gid) {
        if let Some(ids) = self.known.get(owner) {
            return *ids;
        }
        let named = |name: &str| !name.is_empty();
        let user =
            Some(owner.user.as_str()).filter(|n| named(n)).and_then(|n| User::from_name(n).ok().flatten());
        let group =
            Some(owner.group.as_str()).filter(|n| named(n)).and_then(|n| Group::from_name(n).ok().flatten());
        let uid = user.map_or(owner.uid, |user| user.uid.as_raw());
        let gid = group.map_or(owner.gid, |group| group.gid.as_raw());
        let ids = (Uid::from_raw(uid), Gid::from_raw(gid));
        if self.known.len() == MOST {
            self.known.clear();
        }
        self.known.insert(owner.clone(), ids);
        ids
    }
}
