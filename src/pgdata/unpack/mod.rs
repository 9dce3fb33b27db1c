//! From a tar to files: nothing outside the directory, nothing startable before the end.
//!
//! `global/pg_control` gets its name last of all, when everything else is there, verified and flushed:
//! PostgreSQL starts on no directory without it, so that no half of a copy is ever taken for a whole one.

mod below;
mod ledger;
mod members;
mod owners;
mod proof;
mod tree;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Mode;

use self::below::Below;
pub(crate) use self::ledger::Ledger;
use self::members::{Kind, Member, Members};
use self::owners::Owners;
pub(crate) use self::proof::{Proof, Proofreader};
pub(crate) use self::tree::Tree;
use super::destination::MARKER;
use crate::disk;
use crate::error::{Context, Error, Result};
use crate::points::{self, Step};

/// Without it PostgreSQL does not start.
pub(crate) const CONTROL: &str = "global/pg_control";

/// What it is called until everything else is there.
pub(crate) const CONTROL_HELD: &str = "global/.barkeep-pg_control";

/// What the manifest is called until then.
pub(crate) const MANIFEST_HELD: &str = ".barkeep-manifest";

/// Whether a name is one of those that are never unpacked.
fn is_left_out(name: &Path) -> bool {
    LEFT_OUT.iter().any(|out| name == Path::new(out)) || name.file_name().is_some_and(|file| file == MARKER)
}

/// How much is written at a time.
const PIECE: usize = 256 << 10;

/// Files of a running server, or of another way to make tablespaces, that must not be there when the
/// copy is started; and what a restore under way has of its own.
const LEFT_OUT: [&str; 6] =
    ["postmaster.pid", "postmaster.opts", "tablespace_map", MARKER, CONTROL_HELD, MANIFEST_HELD];

/// Unpacks the tars of one backup into one data directory. Clones work side by side.
#[derive(Clone)]
pub(crate) struct Unpacker {
    tree: Tree,
    ledger: Arc<Ledger>,
}

/// What one tar brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Unpacked {
    /// Files.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Symbolic links that lead out of the directory and were not made: `name -> target`. At most
    /// [`MOST_LINKS`].
    pub(crate) links_left_out: Vec<String>,
    /// The permissions of the data directory, when this tar speaks of it.
    pub(crate) directory_mode: Option<u32>,
}

/// As many links that were not made are named.
const MOST_LINKS: usize = 100;

impl Unpacker {
    /// Into this directory, with a ledger of what was written.
    pub(crate) const fn new(tree: Tree, ledger: Arc<Ledger>) -> Self {
        Self { tree, ledger }
    }

    /// Unpacks a tar. `within` is what its names are relative to: nothing for the data directory,
    /// `pg_tblspc/OID` for a tablespace. Where the same name is in several tars, the one whose `object`
    /// is greater wins; within one tar, the later member does.
    pub(crate) fn unpack(mut self, within: &Path, object: u32, from: &mut dyn Read) -> Result<Unpacked> {
        let mut members = Members::new(from);
        let mut done = Unpacked::default();
        let mut owners = Owners::can_give().then(Owners::default);
        let mut piece = vec![0; PIECE];
        while let Some(member) = members.next()? {
            let member = Member { name: member.name.within(within), ..member };
            if is_left_out(member.name.path()) {
                continue;
            }
            match member.kind {
                Kind::File(size) => {
                    let Some(file) = self.create(&member, object)? else { continue };
                    let file =
                        Written { file, name: &member.name, place: self.tree.place(member.name.path()) };
                    dress(&file.file, &member, &mut owners)
                        .context(|| format!("set the rights of {}", file.place.display()))?;
                    let sum = file.fill(&mut members, &self.ledger, &mut piece)?;
                    self.ledger.note(member.name.path(), object, size, sum);
                    (done.files, done.bytes) = (done.files + 1, done.bytes + size);
                }
                Kind::Directory => self.directory(&member, within, &mut owners, &mut done)?,
                Kind::HardLink(ref old) => {
                    let old = old.within(within);
                    if [&member.name, &old].iter().any(|name| name.path() == Path::new(CONTROL)) {
                        return Err(Error::corrupt(format!("`{CONTROL}` is a link")));
                    }
                    if is_left_out(old.path()) {
                        let name = &member.name;
                        return Err(Error::corrupt(format!(
                            "`{name}` is a link to `{old}`, which is left out"
                        )));
                    }
                    self.tree.link(&member.name, &old)?;
                    self.ledger.note_link(member.name.path(), old.path(), object);
                }
                Kind::SymbolicLink(ref to) => self.symbolic_link(&member.name, to, &mut done)?,
                Kind::Pipe => {}
            }
        }
        Ok(done)
    }

    fn create(&mut self, member: &Member, object: u32) -> Result<Option<File>> {
        let (tree, name) = (&mut self.tree, &member.name);
        let held = if name.path() == Path::new(CONTROL) {
            Below::read(CONTROL_HELD.as_bytes())?
        } else {
            name.clone()
        };
        self.ledger.claim(name.path(), object, || tree.create(&held, 0o600))
    }

    fn directory(
        &mut self,
        member: &Member,
        within: &Path,
        owners: &mut Option<Owners>,
        done: &mut Unpacked,
    ) -> Result<()> {
        let name = &member.name;
        let is_top = name.is_top() || name.path() == within || self.tree.is_elsewhere(name);
        let directory = if is_top { self.tree.directory(name)? } else { self.tree.create_directory(name)? };
        if name.is_top() {
            done.directory_mode = Some(member.mode);
        }
        let place = || format!("set the rights of {}", self.tree.place(name.path()).display());
        // The rights of the tops are those that PostgreSQL demands.
        if is_top {
            let given = owners.as_mut().map_or(Ok(()), |owners| owners.give(&directory, &member.owner));
            return given.map_err(std::io::Error::from).context(place);
        }
        dress(&directory, member, owners).context(place)
    }

    /// Makes a link to a file within the directory. One that leads out of it is left out: somebody's
    /// `server.crt` may well be such a link, and whether that leads to the right place, or to a trap, is
    /// nothing a tar can prove.
    fn symbolic_link(&mut self, name: &Below, to: &[u8], done: &mut Unpacked) -> Result<()> {
        if self.tree.is_elsewhere(name) {
            return Ok(());
        }
        if name.path() == Path::new(CONTROL) {
            return Err(Error::corrupt(format!("`{CONTROL}` is a link")));
        }
        // It must stay within its own directory, be that the tablespace's.
        if self.tree.within_top(name).follow(to).is_some() {
            self.ledger.forget(name.path());
            return self.tree.symbolic_link(name, Path::new(OsStr::from_bytes(to)));
        }
        if done.links_left_out.len() < MOST_LINKS {
            done.links_left_out.push(format!("{name} -> {}", to.escape_ascii()));
        }
        Ok(())
    }
}

/// A file that is being written.
struct Written<'a> {
    file: File,
    name: &'a Below,
    place: PathBuf,
}

impl Written<'_> {
    /// Copies the member's content into the file, and sums it.
    fn fill(
        mut self,
        members: &mut impl Read,
        ledger: &Ledger,
        piece: &mut [u8],
    ) -> Result<Option<super::manifest::Sum>> {
        let mut sum = ledger.how().summer();
        loop {
            let n = members.read(piece).map_err(Error::from).context(|| format!("unpack `{}`", self.name))?;
            if n == 0 {
                return Ok(sum.finish());
            }
            sum.update(&piece[..n]);
            let written = points::step(Step::Write(&self.place), || self.file.write_all(&piece[..n]));
            written.map_err(|e| {
                let text = format!("failed to write `{}`: {e}", self.place.display());
                disk::explain(std::io::Error::new(e.kind(), text))
            })?;
        }
    }
}

/// Gives an open file its owner and its permissions, whatever the umask is.
fn dress(file: impl AsFd, member: &Member, owners: &mut Option<Owners>) -> std::io::Result<()> {
    if let Some(owners) = owners {
        owners.give(&file, &member.owner)?;
    }
    Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(member.mode & 0o777))?)
}
