//! Writing a manifest, entry by entry, byte for byte as PostgreSQL's server does.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{ManifestEntry, WalRange};
use crate::error::Result;
use crate::model::SystemId;

/// The first major version whose manifests name the cluster.
const WITH_SYSTEM_ID: u32 = 170_000;

/// A manifest under way.
pub struct ManifestWriter<W> {
    to: Summed<W>,
    is_first: bool,
}

impl<W: Write> ManifestWriter<W> {
    /// Begins the manifest of a backup of a server with this `server_version_num`.
    pub fn begin(to: W, version: u32, system_id: SystemId) -> Result<Self> {
        let mut to = Summed { to, sha256: Sha256::new() };
        if version >= WITH_SYSTEM_ID {
            write!(
                to,
                "{{ \"PostgreSQL-Backup-Manifest-Version\": 2,\n\"System-Identifier\": {system_id},\n"
            )?;
        } else {
            to.write_all(b"{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n")?;
        }
        to.write_all(b"\"Files\": [")?;
        Ok(Self { to, is_first: true })
    }

    /// Adds a file.
    pub fn entry(&mut self, entry: &ManifestEntry) -> Result<()> {
        let to = &mut self.to;
        to.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        match entry.path.to_str() {
            Some(path) => write!(to, "{{ \"Path\": {}, ", serde_json::Value::from(path))?,
            // What is not UTF-8 cannot stand in JSON.
            None => {
                write!(to, "{{ \"Encoded-Path\": \"{}\", ", hex::encode(entry.path.as_os_str().as_bytes()))?;
            }
        }
        let modified = entry.modified.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m-%d %H:%M:%S GMT");
        write!(to, "\"Size\": {}, \"Last-Modified\": \"{modified}\"", entry.size)?;
        if let Some(sum) = &entry.sum {
            write!(to, ", \"Checksum-Algorithm\": \"{}\", \"Checksum\": \"{sum}\"", sum.word())?;
        }
        to.write_all(b" }")?;
        Ok(())
    }

    /// Ends the manifest with the WAL the backup needs and its own checksum; gives back where it was
    /// written to.
    pub fn finish(mut self, ranges: &[WalRange]) -> Result<W> {
        self.to.write_all(b"\n],\n\"WAL-Ranges\": [\n")?;
        for (i, WalRange { timeline, start, end }) in ranges.iter().enumerate() {
            self.to.write_all(if i == 0 { b"" } else { b",\n" })?;
            let timeline = timeline.number();
            write!(
                self.to,
                "{{ \"Timeline\": {timeline}, \"Start-LSN\": \"{start}\", \"End-LSN\": \"{end}\" }}"
            )?;
        }
        self.to.write_all(b"\n],\n")?;
        let Summed { mut to, sha256 } = self.to;
        writeln!(to, "\"Manifest-Checksum\": \"{}\"}}", hex::encode(sha256.finalize()))?;
        to.flush()?;
        Ok(to)
    }
}

/// Digests what passes.
struct Summed<W> {
    to: W,
    sha256: Sha256,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.sha256.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::PathBuf;

    use super::*;
    use crate::model::{Lsn, Timeline};
    use crate::pgdata::manifest::Sum;

    fn manifest(version: u32) -> String {
        let mut writer =
            ManifestWriter::begin(Vec::new(), version, SystemId(7_300_000_000_000_000_001)).unwrap();
        let modified = Some("2026-01-02T03:04:05.6Z".parse().unwrap());
        let entry = |path: PathBuf, sum| ManifestEntry { path, size: 3, modified, sum };
        writer.entry(&entry("base/1/2".into(), Some(Sum::Crc32c(0xe306_9283)))).unwrap();
        writer.entry(&entry("a\"\\\n\u{e4}".into(), None)).unwrap();
        writer.entry(&entry(OsStr::from_bytes(b"a\xff").into(), Some(Sum::Sha256([0xab; 32])))).unwrap();
        let range = WalRange { timeline: Timeline::new(10).unwrap(), start: Lsn(0x28), end: Lsn(1 << 32) };
        String::from_utf8(writer.finish(&[range]).unwrap()).unwrap()
    }

    #[test]
    fn a_manifest_is_what_postgresql_writes() {
        insta::assert_snapshot!("version_2", manifest(180_000));
        insta::assert_snapshot!("version_1", manifest(160_000));
    }
}
