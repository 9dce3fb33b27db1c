//! A survey of what a backup copies: the data directory and its tablespaces, as they are found now.
//! Files that vanish meanwhile are no error, since a running server removes them all the time.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::listing::{DirectoryId, Listing};
use super::rules::{self, Fork, Verdict};
use crate::error::{Context, Error, Result};
use crate::model::{Series, Tablespace};

/// How deep directories may lie in each other; links can make a tree endless.
const DEEPEST: usize = 32;
/// How many notes a survey takes.
const MOST_NOTES: usize = 100;

/// What is surveyed.
#[derive(Debug, Clone, Copy)]
pub struct Survey<'a> {
    /// The data directory.
    pub pgdata: &'a Path,
    /// The tablespaces that the server knows. Those in place are part of the data directory.
    pub tablespaces: &'a [Tablespace],
    /// The directory where each tablespace lies under its number, when they are not where the data
    /// directory's links lead: as in a backup that another tool keeps in directories.
    pub numbered: Option<&'a Path>,
    /// The server's `server_version_num`.
    pub version: u32,
    /// Names of files directly in the data directory that something else takes the place of.
    pub superseded: &'a [&'a OsStr],
}

/// The files of one series of tars.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// Whose files.
    pub series: Series,
    /// The directory they lie in, without links.
    pub root: PathBuf,
    /// Directories and files, the largest first.
    pub listing: Listing,
}

/// All that is to be copied, and what somebody should know about it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The tablespaces, then the data directory.
    pub series: Vec<Surveyed>,
    /// What was left out, or is packed as something else than it is.
    pub notes: Vec<String>,
}

impl Survey<'_> {
    /// Looks through everything. `go_on` is asked before each entry, and may end it with an error.
    pub fn run(self, go_on: &dyn Fn() -> Result<()>) -> Result<Found> {
        let pgdata = fs_err::canonicalize(self.pgdata)?;
        let mut notes = Notes::default();
        let mut series = Vec::new();
        let mut elsewhere = HashSet::new();
        for tablespace in self.tablespaces {
            let root = match self.numbered {
                Some(above) => beside(&pgdata, above, tablespace)?,
                None => outside(&pgdata, tablespace)?,
            };
            let Some(root) = root else { continue };
            elsewhere.extend(identity(&root)?);
            let listing = Walk::new(&root, true, self, &HashSet::new(), go_on).run(&mut notes)?;
            if listing.directories().next().is_none() {
                notes.take(&root, "holds nothing of this server: its tablespace was dropped meanwhile, or its volume is not mounted");
            }
            series.push(Surveyed { series: Series::Tablespace(tablespace.oid), root, listing });
        }
        let listing = Walk::new(&pgdata, false, self, &elsewhere, go_on).run(&mut notes)?;
        series.push(Surveyed { series: Series::Data, root: pgdata, listing });
        Ok(Found { series, notes: notes.0 })
    }
}

/// Where a tablespace lies; `None` when it is a directory of the data directory's own. What the link
/// says counts, since that is where the server writes.
fn outside(pgdata: &Path, tablespace: &Tablespace) -> Result<Option<PathBuf>> {
    let link = pgdata.join("pg_tblspc").join(tablespace.oid.to_string());
    let is_link = match fs_err::symlink_metadata(&link) {
        Ok(meta) => meta.is_symlink(),
        Err(e) if e.kind() == ErrorKind::NotFound => true,
        Err(e) => return Err(e.into()),
    };
    if !is_link {
        return Ok(None);
    }
    match fs_err::canonicalize(&link) {
        Ok(root) => Ok(Some(root)),
        // Dropped since the server was asked: its tar is empty. A link that stays and leads nowhere is
        // another matter: the server removes the link, and never what it leads to.
        Err(e) if e.kind() == ErrorKind::NotFound && !link.is_symlink() => Ok(Some(link)),
        Err(e) => Err(e).context(|| format!("find tablespace {}", tablespace.name)),
    }
}

/// Where a tablespace lies that is in a directory with its number; `None` when it is one of the data
/// directory's own.
fn beside(pgdata: &Path, above: &Path, tablespace: &Tablespace) -> Result<Option<PathBuf>> {
    let oid = tablespace.oid.to_string();
    match fs_err::canonicalize(above.join(&oid)) {
        Ok(root) => Ok(Some(root)),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let inside = pgdata.join("pg_tblspc").join(&oid);
            let is_inside = vanished(fs_err::symlink_metadata(inside))?.is_some_and(|meta| meta.is_dir());
            if is_inside {
                Ok(None)
            } else {
                Err(e).context(|| format!("find tablespace {}", tablespace.name))
            }
        }
        Err(e) => Err(e).context(|| format!("find tablespace {}", tablespace.name)),
    }
}

/// What makes a directory the same one whatever path leads to it.
fn identity(directory: &Path) -> Result<Option<(u64, u64)>> {
    Ok(vanished(fs_err::metadata(directory))?.map(|meta| (meta.dev(), meta.ino())))
}

/// What is no longer there is `None`.
fn vanished<T>(answer: std::io::Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// What a link leads to; `None` when that is nothing. (`fs_err` would hide the number of the error.)
fn followed(link: &Path) -> Result<Option<Metadata>> {
    match std::fs::metadata(link) {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) if e.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Ok(None),
        Err(e) => Err(Error::local(format!("cannot follow the link {}: {e}", link.display())).caused_by(e)),
    }
}

#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn take(&mut self, path: &Path, what: &str) {
        if self.0.len() < MOST_NOTES {
            self.0.push(format!("{} {what}", path.display()));
        }
    }
}

/// The walk through one series.
struct Walk<'a> {
    root: &'a Path,
    in_tablespace: bool,
    survey: Survey<'a>,
    /// Directories that are other series.
    elsewhere: &'a HashSet<(u64, u64)>,
    go_on: &'a dyn Fn() -> Result<()>,
    listing: Listing,
    /// Directories still to be read, each with its path below the root.
    waiting: Vec<(DirectoryId, PathBuf)>,
}

impl<'a> Walk<'a> {
    fn new(
        root: &'a Path,
        in_tablespace: bool,
        survey: Survey<'a>,
        elsewhere: &'a HashSet<(u64, u64)>,
        go_on: &'a dyn Fn() -> Result<()>,
    ) -> Self {
        let waiting = vec![(Listing::ROOT, PathBuf::new())];
        Self { root, in_tablespace, survey, elsewhere, go_on, listing: Listing::new(), waiting }
    }

    fn run(mut self, notes: &mut Notes) -> Result<Listing> {
        while let Some((id, below)) = self.waiting.pop() {
            if below.components().count() > DEEPEST {
                let deep = self.root.join(&below);
                return Err(Error::local(format!(
                    "{} lies too deep, or links make a circle",
                    deep.display()
                )));
            }
            self.directory(id, &below, notes)?;
        }
        self.listing.sort();
        Ok(self.listing)
    }

    fn directory(&mut self, id: DirectoryId, below: &Path, notes: &mut Notes) -> Result<()> {
        let directory = self.root.join(below);
        let unlogged = if rules::is_database(Some(below), self.in_tablespace) {
            self.unlogged_relations(&directory)?
        } else {
            HashSet::new()
        };
        let Some(entries) = vanished(fs_err::read_dir(&directory))? else { return Ok(()) };
        for entry in entries {
            (self.go_on)()?;
            let Some(entry) = vanished(entry)? else { continue };
            let name = entry.file_name();
            let is_reset = Fork::read(name.as_bytes())
                .is_some_and(|fork| !fork.is_copied(unlogged.contains(&fork.relation)));
            let is_superseded = !self.in_tablespace
                && below == Path::new("")
                && self.survey.superseded.contains(&name.as_os_str());
            if !is_reset && !is_superseded {
                self.entry(id, &below.join(&name), notes)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, above: DirectoryId, below: &Path, notes: &mut Notes) -> Result<()> {
        let path = self.root.join(below);
        let name = below.file_name().unwrap_or_default();
        let Some(found) = vanished(fs_err::symlink_metadata(&path))? else { return Ok(()) };
        if found.is_symlink() && self.is_tablespace_link(below) {
            self.note_if_unknown(below, notes);
            return Ok(());
        }
        // Links are packed as what they lead to: a tar with links to outside is refused by careful
        // readers, and the other host would not have what they lead to.
        let meta = if found.is_symlink() {
            let Some(meta) = followed(&path)? else {
                notes.take(&path, "is a link that leads nowhere, and is left out");
                return Ok(());
            };
            if meta.is_dir() && self.lies_within(&path)? {
                notes.take(&path, "is a link to a directory that holds this one, and is left out");
                return Ok(());
            }
            meta
        } else {
            found.clone()
        };
        if meta.is_dir() {
            let verdict = rules::judge(below, self.in_tablespace, self.survey.version, true);
            if matches!(verdict, Verdict::Leave(_)) || self.elsewhere.contains(&(meta.dev(), meta.ino())) {
                return Ok(());
            }
            let id = self.listing.add_directory(above, name)?;
            match verdict {
                Verdict::Pack => {
                    if found.is_symlink() {
                        notes.take(&path, "is a link to a directory, and is packed as a directory");
                    }
                    self.waiting.push((id, below.to_owned()));
                }
                Verdict::Empty(_) if below == Path::new("pg_wal") => self.skeleton_of_wal(id)?,
                Verdict::Empty(_) | Verdict::Leave(_) => {}
            }
        } else if rules::judge(below, self.in_tablespace, self.survey.version, false) == Verdict::Pack {
            if !meta.is_file() {
                notes.take(&path, "is neither a file nor a directory, and is left out");
                return Ok(());
            }
            if found.is_symlink() {
                notes.take(&path, "is a link to a file, and is packed as a file");
            }
            self.listing.add_file(above, name, meta.len())?;
        }
        Ok(())
    }

    /// The relations of a database that have an init fork. The directory is read twice rather than held,
    /// since it may have a million files.
    fn unlogged_relations(&self, directory: &Path) -> Result<HashSet<u32>> {
        let mut unlogged = HashSet::new();
        let Some(entries) = vanished(fs_err::read_dir(directory))? else { return Ok(unlogged) };
        for entry in entries {
            (self.go_on)()?;
            let Some(entry) = vanished(entry)? else { continue };
            let fork = Fork::read(entry.file_name().as_bytes()).filter(|fork| fork.is_init);
            unlogged.extend(fork.map(|fork| fork.relation));
        }
        Ok(unlogged)
    }

    /// Whether what a link leads to holds the root of this very walk.
    fn lies_within(&self, link: &Path) -> Result<bool> {
        Ok(vanished(fs_err::canonicalize(link))?.is_some_and(|above| self.root.starts_with(above)))
    }

    fn is_tablespace_link(&self, below: &Path) -> bool {
        !self.in_tablespace && below.parent() == Some(Path::new("pg_tblspc"))
    }

    fn note_if_unknown(&self, below: &Path, notes: &mut Notes) {
        let oid = below.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
        let is_known = self.survey.tablespaces.iter().any(|tablespace| Some(tablespace.oid) == oid);
        if !is_known {
            notes
                .take(&self.root.join(below), "leads to no tablespace of the server's list, and is left out");
        }
    }

    /// What the server expects in `pg_wal` besides WAL.
    fn skeleton_of_wal(&mut self, pg_wal: DirectoryId) -> Result<()> {
        self.listing.add_directory(pg_wal, OsStr::new("archive_status"))?;
        if self.survey.version >= 170_000 {
            self.listing.add_directory(pg_wal, OsStr::new("summaries"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    struct Cluster {
        dir: tempfile::TempDir,
        tablespaces: Vec<Tablespace>,
    }

    impl Cluster {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let cluster = Self { dir, tablespaces: Vec::new() };
            for directory in
                ["global", "base/5", "pg_wal/archive_status", "pg_tblspc", "pg_replslot/s/snap", "log/sub"]
            {
                fs_err::create_dir_all(cluster.pgdata().join(directory)).unwrap();
            }
            for file in [
                "PG_VERSION",
                "global/pg_control",
                "base/5/1",
                "pg_wal/000000010000000000000001",
                "log/sub/x",
            ] {
                cluster.write(file);
            }
            cluster
        }

        fn pgdata(&self) -> PathBuf {
            self.dir.path().join("data")
        }

        fn write(&self, below: &str) {
            let path = self.pgdata().join(below);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "x").unwrap();
        }

        fn tablespace(&mut self, oid: u32, location: &Path) {
            fs_err::create_dir_all(location.join("PG_18_202506291/5")).unwrap();
            fs_err::write(location.join("PG_18_202506291/5/7"), "x").unwrap();
            symlink(location, self.pgdata().join("pg_tblspc").join(oid.to_string())).unwrap();
            let location = location.to_str().unwrap().to_owned();
            self.tablespaces.push(Tablespace { name: format!("t{oid}"), oid, location });
        }

        fn found(&self) -> Found {
            let tablespaces = &self.tablespaces;
            let survey = Survey {
                pgdata: &self.pgdata(),
                tablespaces,
                numbered: None,
                version: 180_000,
                superseded: &[],
            };
            survey.run(&|| Ok(())).unwrap()
        }

        /// The names of everything, directories with a slash, as `SERIES:PATH`.
        fn names(&self) -> Vec<String> {
            let mut names = Vec::new();
            for Surveyed { series, listing, .. } in self.found().series {
                names.extend(listing.directories().map(|path| format!("{series}:{}/", path.display())));
                let files = (0..listing.files()).map(|at| listing.file(at).unwrap());
                names.extend(files.map(|path| format!("{series}:{}", path.display())));
            }
            names.sort();
            names
        }
    }

    const PLAIN: [&str; 11] = [
        "data:PG_VERSION",
        "data:base/",
        "data:base/5/",
        "data:base/5/1",
        "data:global/",
        "data:log/",
        "data:pg_replslot/",
        "data:pg_tblspc/",
        "data:pg_wal/",
        "data:pg_wal/archive_status/",
        "data:pg_wal/summaries/",
    ];

    #[test]
    fn emptied_directories_are_there_and_empty() {
        assert_eq!(Cluster::new().names(), PLAIN);
    }

    #[test]
    fn a_symlinked_pg_wal_and_a_symlinked_data_directory_are_packed_like_plain_ones() {
        let cluster = Cluster::new();
        let (wal, real) = (cluster.dir.path().join("wal"), cluster.dir.path().join("real"));
        fs_err::rename(cluster.pgdata().join("pg_wal"), &wal).unwrap();
        symlink(&wal, cluster.pgdata().join("pg_wal")).unwrap();
        fs_err::rename(cluster.pgdata(), &real).unwrap();
        symlink(&real, cluster.pgdata()).unwrap();
        assert_eq!(cluster.names(), PLAIN);
    }

    #[test]
    fn a_tablespace_inside_the_data_directory_is_packed_once() {
        let mut cluster = Cluster::new();
        let inside = cluster.pgdata().join("ts/in");
        cluster.tablespace(16_385, &inside);
        let names = cluster.names();
        let of_it: Vec<_> = names.iter().filter(|name| !PLAIN.contains(&name.as_str())).collect();
        assert_eq!(
            of_it,
            ["16385:PG_18_202506291/", "16385:PG_18_202506291/5/", "16385:PG_18_202506291/5/7", "data:ts/"]
        );
    }

    #[test]
    fn only_the_servers_version_of_a_tablespace_is_packed() {
        let mut cluster = Cluster::new();
        let outside = cluster.dir.path().join("ts");
        cluster.tablespace(16_385, &outside);
        fs_err::create_dir_all(outside.join("PG_17_1/5")).unwrap();
        fs_err::write(outside.join("rootfile"), "x").unwrap();
        assert_eq!(cluster.names().iter().filter(|name| name.starts_with("16385:")).count(), 3);
    }

    #[test]
    fn a_tablespace_in_place_is_part_of_the_data_directory() {
        let mut cluster = Cluster::new();
        cluster.write("pg_tblspc/16390/PG_18_202506291/5/9");
        let location = "pg_tblspc/16390".to_owned();
        cluster.tablespaces.push(Tablespace { name: "in_place".into(), oid: 16_390, location });
        assert!(cluster.names().contains(&"data:pg_tblspc/16390/PG_18_202506291/5/9".to_owned()));
        assert_eq!(cluster.found().series.len(), 1);
    }

    #[test]
    fn a_tablespace_that_was_dropped_meanwhile_is_empty() {
        let mut cluster = Cluster::new();
        cluster.tablespaces.push(Tablespace {
            name: "gone".into(),
            oid: 16_391,
            location: "/nowhere".into(),
        });
        let found = cluster.found();
        assert_eq!((found.series.len(), found.series[0].listing.files()), (2, 0));
    }

    #[test]
    fn a_tablespace_whose_volume_is_not_there_is_no_empty_one() {
        let mut cluster = Cluster::new();
        let place = cluster.dir.path().join("volume/ts");
        cluster.tablespace(16_385, &place);
        fs_err::remove_dir_all(place.join("PG_18_202506291")).unwrap();
        let note = &cluster.found().notes[0];
        assert!(note.contains("volume/ts") && note.contains("not mounted"), "{note}");

        fs_err::remove_dir_all(&place).unwrap();
        let tablespaces = &cluster.tablespaces;
        let survey = Survey {
            pgdata: &cluster.pgdata(),
            tablespaces,
            numbered: None,
            version: 180_000,
            superseded: &[],
        };
        assert!(survey.run(&|| Ok(())).unwrap_err().to_string().contains("find tablespace t16385"));
    }

    #[test]
    fn unlogged_and_temporary_relations_are_left_out_but_for_the_init_fork() {
        let cluster = Cluster::new();
        for file in ["9", "9.1", "9_fsm", "9_vm", "9_init", "8", "8_fsm", "t3_7", "pgsql_tmp1.0"] {
            cluster.write(&format!("base/5/{file}"));
        }
        let names = cluster.names();
        let added: Vec<_> = names.iter().filter(|name| !PLAIN.contains(&name.as_str())).collect();
        assert_eq!(added, ["data:base/5/8", "data:base/5/8_fsm", "data:base/5/9_init"]);
    }

    #[test]
    fn links_are_packed_as_what_they_lead_to_and_named() {
        let cluster = Cluster::new();
        let outside = cluster.dir.path().join("outside");
        fs_err::create_dir_all(&outside).unwrap();
        fs_err::write(outside.join("a"), "x").unwrap();
        symlink(&outside, cluster.pgdata().join("dir")).unwrap();
        symlink(outside.join("a"), cluster.pgdata().join("file")).unwrap();
        symlink("/nowhere", cluster.pgdata().join("broken")).unwrap();
        symlink("loop", cluster.pgdata().join("loop")).unwrap();
        let _socket = UnixListener::bind(cluster.pgdata().join("socket")).unwrap();
        let names = cluster.names();
        let added: Vec<_> = names.iter().filter(|name| !PLAIN.contains(&name.as_str())).collect();
        assert_eq!(added, ["data:dir/", "data:dir/a", "data:file"]);
        assert_eq!(cluster.found().notes.len(), 5);
    }

    #[test]
    fn links_that_lead_back_are_left_out_and_other_circles_are_an_error() {
        let cluster = Cluster::new();
        symlink(cluster.dir.path(), cluster.pgdata().join("above")).unwrap();
        symlink(cluster.pgdata(), cluster.pgdata().join("base/me")).unwrap();
        assert_eq!(cluster.names(), PLAIN);
        assert_eq!(cluster.found().notes.len(), 2);

        let outside = cluster.dir.path().join("outside");
        fs_err::create_dir_all(&outside).unwrap();
        symlink(&outside, outside.join("again")).unwrap();
        symlink(&outside, cluster.pgdata().join("dir")).unwrap();
        let survey = Survey {
            pgdata: &cluster.pgdata(),
            tablespaces: &[],
            numbered: None,
            version: 180_000,
            superseded: &[],
        };
        assert!(survey.run(&|| Ok(())).unwrap_err().to_string().contains("circle"));
    }

    #[test]
    fn names_need_not_be_utf_8() {
        let cluster = Cluster::new();
        fs_err::write(cluster.pgdata().join(OsStr::from_bytes(b"a\xff")), "x").unwrap();
        let found = cluster.found();
        let listing = &found.series[0].listing;
        let names: Vec<_> = (0..listing.files()).filter_map(|at| listing.file(at)).collect();
        assert!(names.contains(&PathBuf::from(OsStr::from_bytes(b"a\xff"))));
    }
}
