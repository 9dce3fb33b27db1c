//! The members of a tar, one after another, none of them trusted.
//!
//! Reads ustar with pax extensions and GNU's long names, which is what every writer of the layout
//! produces (spec/barman-cloud.md 4.2). What a member says of itself is bounded before it is read.

use std::io::{self, Read};

use tar::{Header, PaxExtensions};

use super::below::Below;
use crate::error::{Error, Result};

const BLOCK: usize = 512;

/// No extended header is longer: it holds names of at most 4 KiB and a few numbers.
const LONGEST_EXTENSION: u64 = 1 << 20;

/// What may stand behind the end mark: tar(1) fills its last record, which people make as large as 1 MiB.
const MOST_BEHIND: u64 = 16 << 20;

/// A user's or group's name that is longer is none (Linux's `LOGIN_NAME_MAX`).
const LONGEST_NAME: usize = 256;

/// The members of a tar that is being read.
pub(super) struct Members<R> {
    from: R,
    /// What is left of the current member, and the zeros that fill its last block.
    rest: u64,
    padding: u64,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: Below,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) owner: Owner,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file of so many bytes, which follow.
    File(u64),
    Directory,
    /// The second name of a file that came before.
    HardLink(Below),
    /// A symbolic link and what it says.
    SymbolicLink(Vec<u8>),
    /// A named pipe, which means nothing to a copy.
    Pipe,
}

/// Whose a member is. Names win over numbers, as they do for tar(1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Owner {
    pub(super) user: String,
    pub(super) group: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What extended headers say about the member after them.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    user: Option<String>,
    group: Option<String>,
}

impl<R: Read> Members<R> {
    pub(super) const fn new(from: R) -> Self {
        Self { from, rest: 0, padding: 0 }
    }

    /// The next member, of which what has not been read is passed over; `None` at the end of the tar,
    /// after which the stream has been read to its own end, so that a codec has verified all of it.
    pub(super) fn next(&mut self) -> Result<Option<Member>> {
        let mut extended = Extended::default();
        loop {
            self.pass_over()?;
            let Some(header) = self.header()? else {
                let behind = io::copy(&mut (&mut self.from).take(MOST_BEHIND + 1), &mut io::sink())?;
                if behind > MOST_BEHIND {
                    let why = format!("more than {MOST_BEHIND} bytes stand behind the end of the tar");
                    return Err(Error::corrupt(why));
                }
                return Ok(None);
            };
            let size = header.entry_size().map_err(|_| Error::corrupt("a member's length is no number"))?;
            match header.entry_type().as_byte() {
                b'x' => extended.read_pax(&self.extension(size)?)?,
                // What holds for all members: times and comments, nothing that we need.
                b'g' => drop(self.extension(size)?),
                b'L' => extended.name = Some(until_zero(self.extension(size)?)),
                b'K' => extended.link = Some(until_zero(self.extension(size)?)),
                _ => return self.member(&header, extended).map(Some),
            }
        }
    }

    fn member(&mut self, header: &Header, extended: Extended) -> Result<Member> {
        let written = extended.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let name = Below::read(&written)?;
        let link = || extended.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
        let no_link = || Error::corrupt(format!("the link `{name}` leads nowhere"));
        let kind = match header.entry_type().as_byte() {
            b'0' | 0 | b'7' if written.ends_with(b"/") => Kind::Directory,
            b'0' | 0 | b'7' => {
                let size = extended.size.map_or_else(|| header.entry_size(), Ok);
                Kind::File(size.map_err(|_| Error::corrupt(format!("the length of `{name}` is no number")))?)
            }
            b'5' => Kind::Directory,
            b'1' => Kind::HardLink(Below::read(&link().ok_or_else(no_link)?)?),
            b'2' => Kind::SymbolicLink(link().ok_or_else(no_link)?),
            b'6' => Kind::Pipe,
            b'3' | b'4' => {
                return Err(Error::corrupt(format!("`{name}` is a device, which no backup holds")));
            }
            other => {
                let kind = char::from(other).escape_default();
                return Err(Error::corrupt(format!("`{name}` is a member of the unknown kind `{kind}`")));
            }
        };
        if let Kind::File(size) = kind {
            if i64::try_from(size).is_err() {
                return Err(Error::corrupt(format!("`{name}` claims to have {size} bytes")));
            }
            self.rest = size;
            self.padding = size.wrapping_neg() % BLOCK as u64;
        }
        let number = |n: io::Result<u64>| n.ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let short = |name: String| if name.len() > LONGEST_NAME { String::new() } else { name };
        let owner = Owner {
            user: short(extended.user.unwrap_or_else(|| text(header.username_bytes()))),
            group: short(extended.group.unwrap_or_else(|| text(header.groupname_bytes()))),
            uid: extended.uid.unwrap_or_else(|| number(header.uid())),
            gid: extended.gid.unwrap_or_else(|| number(header.gid())),
        };
        // To the system that number says "leave it as it is".
        if [owner.uid, owner.gid].contains(&u32::MAX) {
            return Err(Error::corrupt(format!(
                "`{name}` belongs to nobody: {} is no user's number",
                u32::MAX
            )));
        }
        Ok(Member { name, kind, mode: header.mode().unwrap_or(0o600), owner })
    }

    /// The next header; `None` at the tar's end mark.
    fn header(&mut self) -> Result<Option<Header>> {
        let mut header = Header::new_old();
        let mut filled = 0;
        let block = header.as_mut_bytes();
        while filled < BLOCK {
            match self.from.read(&mut block[filled..])? {
                0 => return Err(Error::corrupt("the tar breaks off: it has no end mark")),
                n => filled += n,
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) })
            .sum();
        match header.cksum() {
            Ok(recorded) if recorded == sum => Ok(Some(header)),
            _ => Err(Error::corrupt("what should be the header of a member is none")),
        }
    }

    /// The content of an extended header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > LONGEST_EXTENSION {
            return Err(Error::corrupt(format!("an extended header claims to have {size} bytes")));
        }
        self.rest = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn pass_over(&mut self) -> Result<()> {
        let left = self.rest + self.padding;
        let passed = io::copy(&mut (&mut self.from).take(left), &mut io::sink())?;
        (self.rest, self.padding) = (0, 0);
        if passed == left { Ok(()) } else { Err(broken_off().into()) }
    }
}

/// The current member's content: exactly as long as it claims, or an error.
impl<R: Read> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.rest).map_or(buf.len(), |rest| rest.min(buf.len()));
        if most == 0 {
            return Ok(0);
        }
        let n = self.from.read(&mut buf[..most])?;
        if n == 0 {
            return Err(broken_off());
        }
        self.rest -= n as u64;
        Ok(n)
    }
}

fn broken_off() -> io::Error {
    Error::corrupt("the tar breaks off in the middle of a member").into()
}

impl Extended {
    fn read_pax(&mut self, bytes: &[u8]) -> Result<()> {
        let refused = |what: &str| Error::corrupt(format!("an extended header's `{what}` makes no sense"));
        for record in PaxExtensions::new(bytes) {
            let record = record.map_err(|_| Error::corrupt("an extended header is none"))?;
            let (key, value) = (record.key_bytes(), record.value_bytes());
            let text = || String::from_utf8_lossy(value).into_owned();
            let number = |what| {
                std::str::from_utf8(value)
                    .ok()
                    .and_then(|v| v.parse::<u64>().ok())
                    .ok_or_else(|| refused(what))
            };
            let id = |what| number(what).and_then(|n| u32::try_from(n).map_err(|_| refused(what)));
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(number("size")?),
                b"uid" => self.uid = Some(id("uid")?),
                b"gid" => self.gid = Some(id("gid")?),
                b"uname" => self.user = Some(text()),
                b"gname" => self.group = Some(text()),
                // The content would not be the file's.
                key if key.starts_with(b"GNU.sparse.") => return Err(Error::corrupt("a member is sparse")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn until_zero(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_member_that_claims_to_be_longer_than_any_file_is_refused() {
        let mut header = Header::new_ustar();
        header.set_path("postmaster.pid").unwrap();
        header.set_mode(0o600);
        for size in [u64::MAX, u64::MAX - 511, i64::MAX.unsigned_abs() + 1] {
            header.set_size(size);
            header.set_cksum();
            let bytes = [header.as_bytes().as_slice(), &[0; 2 * BLOCK]].concat();
            let mut members = Members::new(bytes.as_slice());
            let e = members.next().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Corrupt, "{size}: {e}");
        }
    }
}
