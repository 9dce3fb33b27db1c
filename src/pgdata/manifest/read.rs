//! Reading a manifest, entry by entry: ours, and those of PostgreSQL's own tools.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{ManifestEntry, Sum, WalRange};
use crate::error::{Error, Result};
use crate::model::{Lsn, SystemId, Timeline};

/// No line of a manifest is longer: it holds one file, whose path the kernel limits to 4 KiB, and each
/// byte of it takes six at most.
const LONGEST_LINE: usize = 32 << 10;
/// A manifest with more WAL ranges than this, one per timeline, is not believed.
const MOST_RANGES: usize = 10_000;

/// A manifest that is being read; an iterator over its entries, which [`finish`](Self::finish) ends.
/// Every error but the source's own is kind `Corrupt`. Memory is bounded whatever the source holds.
///
/// Every writer of manifests puts each file on a line of its own, and the format's checksum relies on
/// the lines, so they are what is read here.
pub struct ManifestReader<R> {
    lines: Lines<R>,
    system_id: Option<SystemId>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Among the files; whether there was one that ended with a comma, or none yet.
    Files { more: bool },
    /// After the last file.
    Ended,
    /// An entry could not be read, so nothing after it can.
    Broken,
}

/// What stands after the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEnd {
    /// The WAL the backup needs.
    pub ranges: Vec<WalRange>,
}

impl<R: Read> ManifestReader<R> {
    /// Reads up to the first file.
    pub fn begin(from: R) -> Result<Self> {
        let mut lines = Lines { from: BufReader::new(from), line: Vec::new(), sha256: Sha256::new() };
        let first = lines.next()?;
        let version = between(first, "{ \"PostgreSQL-Backup-Manifest-Version\": ", ",")
            .ok_or_else(|| Error::corrupt("it does not begin as a backup manifest does"))?;
        let named = match version {
            "1" => false,
            "2" => true,
            _ => return Err(Error::corrupt(format!("manifests of version {version} are not known"))),
        };
        let mut system_id = None;
        if named {
            let id = between(lines.next()?, "\"System-Identifier\": ", ",").and_then(|id| id.parse().ok());
            system_id = Some(id.ok_or_else(|| Error::corrupt("the manifest does not name its cluster"))?);
        }
        lines.expect("\"Files\": [")?;
        Ok(Self { lines, system_id, state: State::Files { more: false } })
    }

    /// The cluster; only manifests of version 2 name it.
    pub const fn system_id(&self) -> Option<SystemId> {
        self.system_id
    }

    /// Reads to the end, files that were not asked for included, and verifies the manifest's checksum.
    pub fn finish(mut self) -> Result<ManifestEnd> {
        for entry in &mut self {
            entry?;
        }
        if self.state != State::Ended {
            return Err(Error::corrupt("an entry of the manifest could not be read"));
        }
        self.lines.expect("\"WAL-Ranges\": [")?;
        let mut ranges = Vec::new();
        loop {
            let line = self.lines.next()?;
            match line {
                "]," => break,
                "" if ranges.is_empty() => {}
                _ if ranges.len() == MOST_RANGES => {
                    return Err(Error::corrupt(format!(
                        "the manifest has more than {MOST_RANGES} WAL ranges"
                    )));
                }
                line => ranges.push(range(line.strip_suffix(',').unwrap_or(line))?),
            }
        }
        self.lines.verify()?;
        Ok(ManifestEnd { ranges })
    }

    fn next_entry(&mut self, more: bool) -> Result<Option<ManifestEntry>> {
        let line = self.lines.next()?;
        if line == "]," {
            // A comma without a file after it is what a manifest that lost lines looks like.
            if more {
                return Err(Error::corrupt("the manifest's list of files breaks off"));
            }
            self.state = State::Ended;
            return Ok(None);
        }
        let (line, more) = line.strip_suffix(',').map_or((line, false), |line| (line, true));
        let entry = entry(line)?;
        self.state = State::Files { more };
        Ok(Some(entry))
    }
}

impl<R: Read> Iterator for ManifestReader<R> {
    type Item = Result<ManifestEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        let State::Files { more } = self.state else { return None };
        self.state = State::Broken;
        self.next_entry(more).transpose()
    }
}

/// One file's line. Fields that are not known are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileLine {
    path: Option<String>,
    #[serde(rename = "Encoded-Path")]
    encoded_path: Option<String>,
    size: u64,
    #[serde(rename = "Checksum-Algorithm")]
    algorithm: Option<String>,
    checksum: Option<String>,
}

fn entry(line: &str) -> Result<ManifestEntry> {
    let file: FileLine = serde_json::from_str(line)
        .map_err(|e| Error::corrupt(format!("a line of the manifest is no file's: {e}")).caused_by(e))?;
    let path = match (file.path, file.encoded_path) {
        (Some(path), None) => PathBuf::from(path),
        (None, Some(encoded)) => hex::decode(&encoded)
            .map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
            .map_err(|_| Error::corrupt(format!("`{encoded}` is not an encoded path")))?,
        _ => return Err(Error::corrupt("a file of the manifest has no path, or two")),
    };
    if !is_below(&path) {
        return Err(Error::corrupt(format!("`{}` does not lie below the data directory", path.display())));
    }
    let sum = match (file.algorithm, file.checksum) {
        (None, None) => None,
        (Some(algorithm), Some(digits)) => Some(Sum::read(&algorithm, &digits)?),
        _ => return Err(Error::corrupt(format!("`{}` has half a checksum", path.display()))),
    };
    Ok(ManifestEntry { path, size: file.size, modified: None, sum })
}

/// Whether a path leads to something below the directory it is relative to, and nowhere else.
fn is_below(path: &Path) -> bool {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain && path != Path::new("") && !path.as_os_str().as_encoded_bytes().contains(&0)
}

fn range(line: &str) -> Result<WalRange> {
    let refused = || Error::corrupt("a line of the manifest is no range of WAL");
    let range: Value = serde_json::from_str(line).map_err(|_| refused())?;
    let lsn = |name: &str| range.get(name)?.as_str()?.parse::<Lsn>().ok();
    let timeline = range.get("Timeline").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Ok(WalRange {
        timeline: timeline.and_then(Timeline::new).ok_or_else(refused)?,
        start: lsn("Start-LSN").ok_or_else(refused)?,
        end: lsn("End-LSN").ok_or_else(refused)?,
    })
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.strip_prefix(before)?.strip_suffix(after)
}

/// The lines of a manifest, each digested and none of them long.
struct Lines<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    sha256: Sha256,
}

impl<R: Read> Lines<R> {
    /// The next line without its end.
    fn next(&mut self) -> Result<&str> {
        self.read()?;
        self.sha256.update(&self.line);
        self.text()
    }

    fn expect(&mut self, line: &str) -> Result<()> {
        let found = self.next()?;
        if found == line {
            return Ok(());
        }
        let found: String = found.chars().take(60).collect();
        Err(Error::corrupt(format!("the manifest has `{found}` where `{line}` stands")))
    }

    /// Compares the last line with everything before it.
    fn verify(mut self) -> Result<()> {
        self.read()?;
        let computed = hex::encode(self.sha256.finalize_reset());
        let recorded = between(self.text()?, "\"Manifest-Checksum\": \"", "\"}")
            .ok_or_else(|| Error::corrupt("the manifest does not end with its checksum"))?;
        if recorded != computed {
            return Err(Error::corrupt(format!(
                "the manifest says its SHA-256 is {recorded}, and it is {computed}"
            )));
        }
        // The checksum vouches for nothing behind it.
        if self.from.fill_buf()?.is_empty() {
            Ok(())
        } else {
            Err(Error::corrupt("something stands behind the manifest's checksum"))
        }
    }

    fn read(&mut self) -> Result<()> {
        self.line.clear();
        let mut bounded = (&mut self.from).take(LONGEST_LINE as u64);
        bounded.read_until(b'\n', &mut self.line)?;
        match self.line.last() {
            Some(b'\n') => Ok(()),
            _ if self.line.len() == LONGEST_LINE => {
                Err(Error::corrupt(format!("a line of the manifest is longer than {LONGEST_LINE} bytes")))
            }
            _ => Err(Error::corrupt("the manifest breaks off")),
        }
    }

    fn text(&self) -> Result<&str> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        std::str::from_utf8(line).map_err(|_| Error::corrupt("the manifest is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::pgdata::manifest::ManifestWriter;

    const RANGE: WalRange = WalRange {
        timeline: match Timeline::new(3) {
            Some(timeline) => timeline,
            None => panic!("3 is a timeline"),
        },
        start: Lsn(0x0200_0028),
        end: Lsn(0x0200_0100),
    };

    fn written(version: u32, entries: &[ManifestEntry]) -> Vec<u8> {
        let mut writer = ManifestWriter::begin(Vec::new(), version, SystemId(u64::MAX)).unwrap();
        for entry in entries {
            writer.entry(entry).unwrap();
        }
        writer.finish(&[RANGE]).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Vec<ManifestEntry>, ManifestEnd)> {
        let mut reader = ManifestReader::begin(bytes)?;
        let entries = reader.by_ref().collect::<Result<Vec<_>>>()?;
        Ok((entries, reader.finish()?))
    }

    fn some(path: &str) -> ManifestEntry {
        ManifestEntry { path: path.into(), size: 7, modified: None, sum: Some(Sum::Crc32c(1)) }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            names in proptest::collection::vec(proptest::collection::vec(1_u8.., 1..40), 0..5),
            size: u64, crc: u32, new: bool,
        ) {
            let entries: Vec<_> = names
                .into_iter()
                .map(|name| PathBuf::from(OsStr::from_bytes(&name)))
                .filter(|path| is_below(path))
                .map(|path| ManifestEntry { path, size, modified: None, sum: Some(Sum::Crc32c(crc)) })
                .collect();
            let bytes = written(if new { 170_000 } else { 130_000 }, &entries);
            let (found, end) = read(&bytes).unwrap();
            prop_assert_eq!(found, entries);
            prop_assert_eq!(end.ranges, vec![RANGE]);
        }

        #[test]
        fn no_bytes_whatever_make_it_panic(bytes: Vec<u8>) {
            prop_assert!(read(&bytes).is_err());
        }
    }

    #[test]
    fn a_manifest_that_was_changed_or_cut_anywhere_is_corrupt() {
        let good = written(170_000, &[some("a"), some("b/c")]);
        assert!(read(&good).is_ok());
        for at in 0..good.len() {
            assert_eq!(read(&good[..at]).unwrap_err().kind(), ErrorKind::Corrupt, "cut at {at}");
            let mut changed = good.clone();
            changed[at] ^= 1;
            assert_eq!(read(&changed).unwrap_err().kind(), ErrorKind::Corrupt, "changed at {at}");
        }
        assert!(read(&[good.as_slice(), b"x"].concat()).is_err());
    }

    #[test]
    fn a_path_that_leads_out_of_the_data_directory_is_refused() {
        for bad in ["/etc/passwd", "../x", "a/../../x", ".", "", "a\0b"] {
            let refused = read(&written(170_000, &[some(bad)])).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Corrupt, "{bad:?}");
        }
    }

    #[test]
    fn an_endless_line_is_not_held() {
        let endless = std::io::repeat(b'x');
        assert_eq!(ManifestReader::begin(endless).err().unwrap().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_failing_source_is_not_called_corrupt() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(Error::unavailable("connection reset").into())
            }
        }
        assert_eq!(ManifestReader::begin(Broken).err().unwrap().kind(), ErrorKind::Unavailable);
    }
}
