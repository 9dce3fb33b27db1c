//! A tar read through to its end without a file being written: what of it a restore would find wrong.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use super::ledger::Ledger;
use super::members::{Kind, Members};
use super::{CONTROL, PIECE, is_left_out};
use crate::error::{Context, Error, Result};
use crate::model::{Lsn, SystemId};
use crate::pgdata::manifest::Sum;
use crate::pgdata::pages::PageCheck;
use crate::pgdata::rules::checksummed_segment;
use crate::pgdata::{ControlFile, LONGEST_CONTROL};

/// So many files with broken pages are named.
const NAMED: usize = 5;

/// The bytes of a relation after which it goes on in its next file, unless the server was built otherwise.
const RELATION_FILE: u32 = 1 << 30;

/// The block size of nearly every server.
const BLOCK: u32 = 8192;

/// Reads the tars of one backup. Clones work side by side.
#[derive(Clone)]
pub(crate) struct Proofreader {
    ledger: Arc<Ledger>,
    /// Where the backup began, when its pages carry checksums.
    pages: Option<Lsn>,
}

/// What was found in one tar that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Proof {
    /// Files.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Pages whose checksum was looked at.
    pub(crate) pages: u64,
    /// Pages whose checksum is wrong.
    pub(crate) broken: u64,
    /// The first files that have such pages.
    pub(crate) broken_files: Vec<String>,
    /// The cluster that the control file names, when this tar has it.
    pub(crate) system_id: Option<SystemId>,
}

impl Proof {
    /// Takes over what another tar had.
    pub(crate) fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.pages += other.pages;
        self.broken += other.broken;
        self.system_id = self.system_id.or(other.system_id);
        self.broken_files.extend(other.broken_files);
        self.broken_files.sort_unstable();
        self.broken_files.truncate(NAMED);
    }
}

impl Proofreader {
    /// Notes every file in the ledger; checks pages of a backup that began there.
    pub(crate) const fn new(ledger: Arc<Ledger>, pages: Option<Lsn>) -> Self {
        Self { ledger, pages }
    }

    /// Reads a tar to its end. `within` and `object` are as for
    /// [`Unpacker::unpack`](super::Unpacker::unpack). Kind `Corrupt` for what a restore would refuse.
    pub(crate) fn read(&self, within: &Path, object: u32, from: &mut dyn Read) -> Result<Proof> {
        let mut members = Members::new(from);
        let mut proof = Proof::default();
        let mut pages = self.pages.map(Pages::new);
        let mut piece = vec![0; PIECE];
        while let Some(member) = members.next()? {
            let name = member.name.within(within);
            if is_left_out(name.path()) {
                continue;
            }
            let is_control = name.path() == Path::new(CONTROL);
            match member.kind {
                Kind::File(size) => {
                    if !self.ledger.reserve(name.path(), object) {
                        continue;
                    }
                    let read = if is_control {
                        self.read_control(&mut members, &mut proof)
                    } else {
                        let relation = checksummed_segment(name.path(), false);
                        let mut checked = pages.as_mut().zip(relation).map(|(pages, segment)| {
                            pages.begin(segment);
                            pages
                        });
                        self.read_file(&mut members, checked.as_deref_mut(), &mut piece).inspect(|_| {
                            if let Some(pages) = checked {
                                pages.end(name.path(), &mut proof);
                            }
                        })
                    };
                    let sum = read.context(|| format!("read `{name}`"))?;
                    self.ledger.note(name.path(), object, size, sum);
                    (proof.files, proof.bytes) = (proof.files + 1, proof.bytes + size);
                }
                Kind::HardLink(ref old) => {
                    let old = old.within(within);
                    if is_control || old.path() == Path::new(CONTROL) {
                        return Err(Error::corrupt(format!("`{CONTROL}` is a link")));
                    }
                    self.ledger.note_link(name.path(), old.path(), object);
                }
                Kind::SymbolicLink(_) if is_control => {
                    return Err(Error::corrupt(format!("`{CONTROL}` is a link")));
                }
                Kind::SymbolicLink(_) | Kind::Directory | Kind::Pipe => {}
            }
        }
        Ok(proof)
    }

    fn read_file(
        &self,
        members: &mut impl Read,
        mut pages: Option<&mut Pages>,
        piece: &mut [u8],
    ) -> Result<Option<Sum>> {
        let mut sum = self.ledger.how().summer();
        loop {
            // Whole pieces, so that pages lie in them as they do in the file.
            let n = fill(members, piece)?;
            if n == 0 {
                return Ok(sum.finish());
            }
            sum.update(&piece[..n]);
            if let Some(pages) = pages.as_deref_mut() {
                pages.check(&piece[..n]);
            }
        }
    }

    fn read_control(&self, members: &mut impl Read, proof: &mut Proof) -> Result<Option<Sum>> {
        let mut bytes = Vec::new();
        members.take(LONGEST_CONTROL).read_to_end(&mut bytes)?;
        proof.system_id = Some(ControlFile::of_copy(&bytes)?.system_id);
        let mut sum = self.ledger.how().summer();
        sum.update(&bytes);
        Ok(sum.finish())
    }
}

/// Reads until the piece is full or the member ends.
fn fill(from: &mut impl Read, piece: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match from.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(filled)
}

/// The pages of one file after another.
struct Pages {
    start: Lsn,
    /// The cluster's block size, once a page has proved it: the record does not tell.
    proved: Option<u32>,
    how: PageCheck,
    segment: u32,
    /// The next block's number within its file.
    at: u32,
    looked: u64,
    broken: u64,
}

impl Pages {
    fn new(start: Lsn) -> Self {
        Self { start, proved: None, how: how(start, BLOCK), segment: 0, at: 0, looked: 0, broken: 0 }
    }

    fn begin(&mut self, segment: u32) {
        (self.segment, self.at, self.looked, self.broken) = (segment, 0, 0, 0);
    }

    fn check(&mut self, piece: &[u8]) {
        if self.proved.is_none() && self.at == 0 && self.segment == 0 {
            self.prove(piece);
        }
        for page in piece.chunks_exact(self.how.block_size as usize) {
            let block = self.how.first_block(self.segment).wrapping_add(self.at);
            if let Some(fits) = self.how.judge(page, block) {
                self.looked += 1;
                self.broken += u64::from(!fits);
            }
            self.at = self.at.wrapping_add(1);
        }
    }

    /// A page names its size, and its checksum vouches for that.
    fn prove(&mut self, piece: &[u8]) {
        let Some(size) = stated_size(piece) else { return };
        let how = how(self.start, size);
        if let Some(page) = piece.get(..size as usize)
            && how.judge(page, 0) == Some(true)
        {
            (self.proved, self.how) = (Some(size), how);
        }
    }

    /// A later file of a relation in which no page fits at all is one of a server whose relations go on
    /// after another length, and not judged: its sum in the manifest vouches for what was copied.
    fn end(&self, name: &Path, proof: &mut Proof) {
        if self.segment > 0 && self.broken == self.looked {
            return;
        }
        proof.pages += self.looked;
        if self.broken > 0 {
            proof.broken += self.broken;
            if proof.broken_files.len() < NAMED {
                proof.broken_files.push(name.display().to_string());
            }
        }
    }
}

const fn how(start: Lsn, block_size: u32) -> PageCheck {
    PageCheck { start, block_size, segment_blocks: RELATION_FILE / block_size }
}

/// What the first page says of its size: `pd_pagesize_version`, whose lower byte is the layout's version.
fn stated_size(page: &[u8]) -> Option<u32> {
    let size = u32::from(u16::from_le_bytes([*page.get(18)?, *page.get(19)?]) & 0xFF00);
    (size.is_power_of_two() && (1024..=32 << 10).contains(&size)).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgdata::manifest::ManifestChecksum;

    /// The third block of `pg_proc` of a new cluster with checksums, and two new pages before it.
    fn relation() -> Vec<u8> {
        let page = include_bytes!("../../../tests/fixtures/cluster/page_18.zst");
        [vec![0; 2 * 8192], zstd::decode_all(page.as_slice()).unwrap()].concat()
    }

    fn proof(name: &str, content: &[u8]) -> Result<Proof> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, name, content).unwrap();
        let bytes = tar.into_inner().unwrap();
        let ledger = Arc::new(Ledger::new(ManifestChecksum::Crc32c));
        Proofreader::new(ledger, Some(Lsn(u64::MAX))).read(Path::new(""), 0, &mut bytes.as_slice())
    }

    #[test]
    fn pages_are_checked_where_they_carry_checksums_and_nowhere_else() {
        let good = relation();
        let read = proof("base/5/1255", &good).unwrap();
        assert_eq!((read.files, read.pages, read.broken), (1, 1, 0));
        let mut bad = good;
        bad[2 * 8192 + 5000] ^= 1;
        let read = proof("base/5/1255", &bad).unwrap();
        assert_eq!((read.broken, read.broken_files), (1, vec!["base/5/1255".to_owned()]));
        assert_eq!(proof("pg_xact/0000", &bad).unwrap().pages, 0);
        // No page of it fits: relations of this server go on after another length.
        assert_eq!(proof("base/5/1255.1", &bad).unwrap().pages, 0);
    }

    #[test]
    fn a_control_file_that_is_not_whole_is_refused() {
        let e = proof("global/pg_control", &[1; 8192]).unwrap_err();
        assert!(e.to_string().contains("the checksum of the control file does not fit"), "{e}");
    }
}
