//! The directories a copy is made of: surveyed before anything is written, filled, and made startable at
//! the very end.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk;
use crate::error::{Context, Error, Result};
use crate::model::{Backup, Series};
use crate::pgdata::destination::{self, Destination, Ground, Held, Marker, Role};
use crate::pgdata::unpack::{CONTROL, CONTROL_HELD, Ledger, Tree, Unpacker};
use crate::points::{self, Step};

use super::plan::Plan;

/// The directories of one copy.
#[derive(Debug)]
pub(super) struct Site {
    data: PathBuf,
    /// The names in the data directory that lie elsewhere, and where: `pg_tblspc/OID`, `pg_wal`.
    elsewhere: Vec<(PathBuf, PathBuf)>,
    destinations: Vec<Destination>,
    /// The data directory that was copied, if that is another and there is one at its path.
    original: Option<PathBuf>,
}

/// A file system that part of the copy goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// One of the directories on it.
    pub path: PathBuf,
    /// What the copy takes there, in bytes.
    pub needed: u64,
    /// What is free there for this user, in bytes.
    pub free: u64,
}

/// Whose a copy's files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub uid: u32,
    /// The group's.
    pub gid: u32,
}

impl Site {
    /// The directories for this backup, all absolute. Kind `Usage` for a tablespace that it does not
    /// have, or for directories within each other.
    pub(super) fn new(
        directory: &Path,
        tablespaces: &BTreeMap<String, PathBuf>,
        waldir: Option<&Path>,
        backup: &Backup,
    ) -> Result<Self> {
        let known: BTreeSet<_> = backup.tablespaces.iter().map(|t| t.name.as_str()).collect();
        if let Some(unknown) = tablespaces.keys().find(|name| !known.contains(name.as_str())) {
            let why = format!("backup {} has no tablespace `{unknown}`", backup.id);
            let names: Vec<_> = known.into_iter().collect();
            return Err(Error::usage(why).hint(format!("it has: {}", names.join(", "))));
        }
        let data = absolute(directory)?;
        let mut destinations = vec![Destination { path: data.clone(), role: Role::Data }];
        let mut elsewhere = Vec::new();
        for tablespace in &backup.tablespaces {
            let place =
                tablespaces.get(&tablespace.name).map_or(Path::new(&tablespace.location), PathBuf::as_path);
            let place = absolute(place)?;
            elsewhere.push((Path::new("pg_tblspc").join(tablespace.oid.to_string()), place.clone()));
            destinations.push(Destination { path: place, role: Role::Tablespace });
        }
        if let Some(waldir) = waldir {
            let place = absolute(waldir)?;
            elsewhere.push((PathBuf::from("pg_wal"), place.clone()));
            destinations.push(Destination { path: place, role: Role::Wal });
        }
        destination::apart(&destinations)?;
        let original = backup.pgdata.as_ref().and_then(|path| fs_err::canonicalize(path).ok());
        let original = original.filter(|path| *path != data);
        Ok(Self { data, elsewhere, destinations, original })
    }

    /// The data directory.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Where what lies elsewhere lies.
    pub(super) fn elsewhere(&self) -> &[(PathBuf, PathBuf)] {
        &self.elsewhere
    }

    /// What each directory needs before it can be filled; touches nothing.
    pub(super) fn survey(&self, marker: &Marker, clean: bool) -> Result<Vec<Ground>> {
        let grounds: Vec<_> = self
            .destinations
            .iter()
            .map(|destination| destination.survey(marker, clean))
            .collect::<Result<_>>()?;
        // The first is the data directory's, the others stand as what lies elsewhere does.
        let each = self.elsewhere.iter().zip(&grounds[1..]);
        each.filter(|(_, ground)| **ground != Ground::Free)
            .try_for_each(|((name, place), _)| self.not_of_original(name, place))?;
        Ok(grounds)
    }

    /// Refuses to empty what the original uses: a clone beside it gets the original's tablespaces unless
    /// it is told others.
    fn not_of_original(&self, name: &Path, place: &Path) -> Result<()> {
        let Some(original) = &self.original else { return Ok(()) };
        if !fs_err::canonicalize(original.join(name)).is_ok_and(|used| used == place) {
            return Ok(());
        }
        let (place, original) = (place.display(), original.display());
        let why = format!("{place} is in use by the data directory {original}, which was copied");
        Err(Error::conflict(why).hint("name another with --tablespace NAME=DIR or --waldir"))
    }

    /// What the copy takes on each file system, and what is free there. What is not known apart is
    /// shared out as the packed bytes are.
    pub(super) fn volumes(&self, plan: &Plan) -> Result<Vec<Volume>> {
        let packed = |series| {
            let tars = plan.files.tars.iter().filter(|tar| tar.name.series == series);
            tars.map(|tar| tar.stored_bytes).sum::<u64>()
        };
        let all = plan.files.tars.iter().map(|tar| tar.stored_bytes).sum::<u64>().max(1);
        let share = |series| {
            let share = u128::from(plan.size.bytes()) * u128::from(packed(series)) / u128::from(all);
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        let mut places = vec![(self.data.as_path(), share(Series::Data))];
        let oids = plan.backup.tablespaces.iter().map(|t| share(Series::Tablespace(t.oid)));
        // Tablespaces stand in front of `pg_wal`, of which nothing is in the tars.
        places.extend(self.elsewhere.iter().map(|(_, place)| place.as_path()).zip(oids.chain([0])));
        let mut volumes: Vec<(u64, Volume)> = Vec::new();
        for (place, needed) in places {
            let there = existing(place);
            let device = fs_err::metadata(there)?.dev();
            if let Some((_, volume)) = volumes.iter_mut().find(|(known, _)| *known == device) {
                volume.needed = volume.needed.saturating_add(needed);
                continue;
            }
            let stat = rustix::fs::statvfs(there)
                .map_err(std::io::Error::from)
                .context(|| format!("look at {}", there.display()))?;
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            volumes.push((device, Volume { path: place.to_owned(), needed, free }));
        }
        Ok(volumes.into_iter().map(|(_, volume)| volume).collect())
    }

    /// Makes all directories ready: cleared as surveyed, marked, and linked to each other.
    pub(super) fn prepare(&self, grounds: &[Ground], marker: &Marker) -> Result<Vec<Held>> {
        let each = self.destinations.iter().zip(grounds);
        let held = each
            .map(|(destination, ground)| destination.prepare(*ground, marker))
            .collect::<Result<Vec<_>>>()?;
        for (name, place) in &self.elsewhere {
            let link = self.data.join(name);
            if let Some(above) = link.parent().filter(|above| *above != self.data && !above.exists()) {
                disk::make_directory(above).map_err(disk::explain)?;
                fs_err::set_permissions(above, std::fs::Permissions::from_mode(0o700))?;
            }
            points::step(Step::Create(&link), || fs_err::os::unix::fs::symlink(place, &link))
                .map_err(disk::explain)?;
        }
        Ok(held)
    }

    /// What unpacks into these directories.
    pub(super) fn unpacker(&self, ledger: &Arc<Ledger>) -> Result<Unpacker> {
        Ok(Unpacker::new(Tree::open(&self.data, &self.elsewhere)?, Arc::clone(ledger)))
    }

    /// Gives the copy what PostgreSQL demands of it besides its files: directories it makes no copy of,
    /// and rights. As root everything that is still root's goes to who owns `PG_VERSION`: that is given
    /// back when somebody should look whether PostgreSQL runs as that user here.
    pub(super) fn complete(&self, mode: Option<u32>) -> Result<Option<Owner>> {
        for name in ["pg_wal", "pg_wal/archive_status", "pg_tblspc"] {
            let path = self.data.join(name);
            if !path.is_dir() {
                disk::make_directory(&path).map_err(disk::explain)?;
                fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
            }
        }
        // PostgreSQL knows two modes, and starts with no other.
        let group_may_read = mode.is_some_and(|mode| mode & 0o050 == 0o050);
        let mode = if group_may_read { 0o750 } else { 0o700 };
        for destination in &self.destinations {
            fs_err::set_permissions(&destination.path, std::fs::Permissions::from_mode(mode))?;
        }
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let owner = self.give_away()?;
        let above = fs_err::metadata(self.data.parent().unwrap_or(Path::new("/")))?;
        Ok(Some(owner).filter(|owner| is_doubtful(owner.uid, above.uid())))
    }

    fn give_away(&self) -> Result<Owner> {
        let owner = fs_err::metadata(self.data.join("PG_VERSION"))?;
        let (uid, gid) = (owner.uid(), owner.gid());
        let tops = self.destinations.iter().map(|destination| destination.path.clone());
        let ours = [
            "backup_label",
            "backup_manifest",
            "pg_tblspc",
            "pg_wal",
            "pg_wal/archive_status",
            "postgresql.auto.conf",
            "recovery.signal",
            "standby.signal",
        ];
        let links = self.elsewhere.iter().map(|(name, _)| self.data.join(name));
        for path in tops.chain(ours.map(|name| self.data.join(name))).chain(links) {
            match std::os::unix::fs::lchown(&path, Some(uid), Some(gid)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(disk::explain(e)).context(|| format!("give {} to its owner", path.display()));
                }
                _ => {}
            }
        }
        Ok(Owner { uid, gid })
    }

    /// Flushes everything, then gives `pg_control` its name, which makes the copy startable, and flushes
    /// again. Only then are the marks taken away, the data directory's last.
    pub(super) fn publish(&self, held: Vec<Held>) -> Result<()> {
        self.flush()?;
        let (from, to) = (self.data.join(CONTROL_HELD), self.data.join(CONTROL));
        disk::rename(&from, &to).map_err(disk::explain)?;
        disk::sync_directory(&self.data.join("global")).map_err(disk::explain)?;
        self.flush()?;
        held.into_iter().rev().try_for_each(Held::release)
    }

    /// One wait per file system.
    fn flush(&self) -> Result<()> {
        let mut done = BTreeSet::new();
        for destination in &self.destinations {
            if done.insert(fs_err::metadata(&destination.path)?.dev()) {
                disk::sync_file_system(&destination.path).map_err(disk::explain)?;
            }
        }
        Ok(())
    }
}

/// Whether somebody should look whether PostgreSQL runs as `uid`: the same user has another number on
/// another machine, and only who owns the directory `above` speaks for one. It never runs as root.
const fn is_doubtful(uid: u32, above: u32) -> bool {
    uid == 0 || uid != above
}

/// The path from the root, with the links of what exists of it resolved, so that two names of one
/// directory are seen to be one.
fn absolute(path: &Path) -> Result<PathBuf> {
    let path =
        std::path::absolute(path).map_err(Error::from).context(|| format!("find {}", path.display()))?;
    let there = existing(&path);
    let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
    let real = fs_err::canonicalize(there)?;
    Ok(if rest == Path::new("") { real } else { real.join(rest) })
}

/// The nearest directory on the way that exists.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_of_the_directory_above_speaks_for_the_owner_of_the_files() {
        assert!(!is_doubtful(26, 26));
        assert!(is_doubtful(26, 0) && is_doubtful(26, 999) && is_doubtful(0, 0));
    }
}
