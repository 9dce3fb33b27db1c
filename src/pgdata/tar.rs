//! Tars that every reader of the layout can read as a stream: ustar headers, and pax records before
//! those members whose name, length or owner does not fit (spec/barman-cloud.md 4.2).

use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Everything in a tar begins and ends at a multiple of this.
const BLOCK: usize = 512;
/// The whole tar is padded to a multiple of this.
const RECORD: usize = 10_240;
/// How long a name without pax records may be.
const NAME: usize = 100;

/// What a member's header says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u32,
    /// Its owner's number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
    /// When it was changed, in seconds since 1970.
    pub modified: u64,
}

impl From<&Metadata> for Attributes {
    fn from(meta: &Metadata) -> Self {
        let modified = u64::try_from(meta.mtime()).unwrap_or(0);
        Self { mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid(), modified }
    }
}

/// A tar under way.
pub struct TarWriter<W> {
    to: W,
    written: u64,
    /// What the member under way still lacks.
    owed: u64,
}

impl<W: Write> TarWriter<W> {
    /// Begins a tar.
    pub fn new(to: W) -> Self {
        Self { to, written: 0, owed: 0 }
    }

    /// Adds a directory; an empty path is the one that everything lies in.
    pub fn directory(&mut self, path: &Path, of: Attributes) -> io::Result<()> {
        let mut name =
            if path == Path::new("") { b".".to_vec() } else { path.as_os_str().as_bytes().to_vec() };
        name.push(b'/');
        self.header(&name, b'5', of, 0)
    }

    /// Begins a file of exactly `size` bytes, which [`data`](Self::data) adds.
    pub fn file(&mut self, path: &Path, of: Attributes, size: u64) -> io::Result<()> {
        self.header(path.as_os_str().as_bytes(), b'0', of, size)?;
        self.owed = size;
        Ok(())
    }

    /// Adds the next bytes of the file under way, which must not become longer than its header says.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len() as u64;
        self.owed = self.owed.checked_sub(len).ok_or(io::ErrorKind::InvalidInput)?;
        self.write(bytes)?;
        if self.owed == 0 { self.pad(BLOCK) } else { Ok(()) }
    }

    /// How much of the file under way is still to be added, in bytes.
    pub const fn owed(&self) -> u64 {
        self.owed
    }

    /// Ends the tar.
    pub fn finish(mut self) -> io::Result<W> {
        if self.owed > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.write(&[0; 2 * BLOCK])?;
        self.pad(RECORD)?;
        Ok(self.to)
    }

    fn header(&mut self, name: &[u8], kind: u8, of: Attributes, size: u64) -> io::Result<()> {
        if self.owed > 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let pax = pax_records(name, of, size);
        if !pax.is_empty() {
            let of_records = Attributes { mode: 0o644, uid: 0, gid: 0, modified: 0 };
            self.write(&ustar(b"././@PaxHeader", b'x', of_records, pax.len() as u64))?;
            self.write(&pax)?;
            self.pad(BLOCK)?;
        }
        self.write(&ustar(name, kind, of, size))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn pad(&mut self, to: usize) -> io::Result<()> {
        const ZEROS: [u8; RECORD] = [0; RECORD];
        let missing = self.written.next_multiple_of(to as u64) - self.written;
        // Less than a record.
        self.write(&ZEROS[..usize::try_from(missing).unwrap_or(0)])
    }
}

/// What does not fit into a ustar header; empty when everything does.
fn pax_records(name: &[u8], of: Attributes, size: u64) -> Vec<u8> {
    let mut records = Vec::new();
    let is_utf8 = std::str::from_utf8(name).is_ok();
    // A short name that is not UTF-8 goes into the header as it is, which every reader takes.
    if name.len() > NAME || (is_utf8 && !name.is_ascii()) {
        if !is_utf8 {
            record(&mut records, "hdrcharset", b"BINARY");
        }
        record(&mut records, "path", name);
    }
    for (key, value, fits) in [
        ("size", size, size < 1 << 33),
        ("uid", u64::from(of.uid), of.uid < 1 << 21),
        ("gid", u64::from(of.gid), of.gid < 1 << 21),
    ] {
        if !fits {
            record(&mut records, key, value.to_string().as_bytes());
        }
    }
    records
}

/// `LENGTH key=value\n`, where the length counts its own digits.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while rest + len.to_string().len() != len {
        len += 1;
    }
    records.extend_from_slice(format!("{len} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// A header block. What does not fit is cut, or 0: its pax record counts.
fn ustar(name: &[u8], kind: u8, of: Attributes, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let name = &name[..name.len().min(NAME)];
    block[..name.len()].copy_from_slice(name);
    octal(&mut block[100..108], u64::from(of.mode));
    octal(&mut block[108..116], u64::from(of.uid));
    octal(&mut block[116..124], u64::from(of.gid));
    octal(&mut block[124..136], size);
    octal(&mut block[136..148], of.modified);
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    octal(&mut block[329..337], 0);
    octal(&mut block[337..345], 0);
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block[148..155], sum);
    block[154] = 0;
    block
}

/// A number in octal digits with leading zeros and a NUL; 0 when it has too many.
fn octal(field: &mut [u8], number: u64) {
    let width = field.len() - 1;
    let digits = format!("{number:0width$o}");
    let digits = if digits.len() > width { "0".repeat(width) } else { digits };
    field[..width].copy_from_slice(digits.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io::Read;
    use std::path::PathBuf;

    use super::*;

    const OF: Attributes = Attributes { mode: 0o600, uid: 26, gid: 3_000_000, modified: 1_700_000_000 };

    fn names() -> Vec<PathBuf> {
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
        let mut names: Vec<PathBuf> = ["a", &"n".repeat(100), &"n".repeat(101), &long, "\u{e4}/\u{1f418}"]
            .iter()
            .map(PathBuf::from)
            .collect();
        names.push(OsStr::from_bytes(b"bad\xff").into());
        names.push(OsStr::from_bytes(&[[b'b'; 150].as_slice(), b"\xff"].concat()).into());
        names
    }

    fn written() -> Vec<u8> {
        let mut tar = TarWriter::new(Vec::new());
        tar.directory(Path::new(""), OF).unwrap();
        tar.directory(Path::new("d"), OF).unwrap();
        for name in names() {
            tar.file(&name, OF, 700).unwrap();
            tar.data(&[1; 600]).unwrap();
            tar.data(&[2; 100]).unwrap();
        }
        tar.file(Path::new("empty"), OF, 0).unwrap();
        tar.finish().unwrap()
    }

    #[test]
    fn every_name_comes_back_from_another_reader() {
        let bytes = written();
        assert_eq!(bytes.len() % 10_240, 0);
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut body = Vec::new();
            entry.read_to_end(&mut body).unwrap();
            if entry.header().entry_type().is_file() && !body.is_empty() {
                assert_eq!(body, [[1; 600].as_slice(), &[2; 100]].concat());
                found.push(entry.path().unwrap().into_owned());
            }
            assert_eq!(
                (entry.header().mode().unwrap(), entry.header().mtime().unwrap()),
                (0o600, 1_700_000_000)
            );
        }
        assert_eq!(found, names());
    }

    #[test]
    fn what_does_not_fit_has_a_pax_record_and_nothing_else_has() {
        assert!(pax_records(b"a", Attributes { gid: 26, ..OF }, (1 << 33) - 1).is_empty());
        assert_eq!(pax_records(b"a", OF, 1 << 33), b"19 size=8589934592\n15 gid=3000000\n");
        let long = pax_records(&[b'n'; 101], Attributes { gid: 26, ..OF }, 0);
        assert!(long.starts_with(b"111 path=nnn"));
        assert_eq!(long.len(), 111);
    }

    #[test]
    fn a_file_that_is_not_as_long_as_its_header_says_never_ends_a_tar() {
        let mut tar = TarWriter::new(Vec::new());
        tar.file(Path::new("a"), OF, 5).unwrap();
        assert!(tar.data(&[0; 6]).is_err());
        assert!(tar.file(Path::new("b"), OF, 5).is_err());
        assert!(tar.finish().is_err());
    }
}
