//! Where the archive of a run is, and what can be seen of it from outside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::s3_stub::{Counts, Stub, Transport};

/// The bucket; the stub has every bucket.
const BUCKET: &str = "bench";

/// A store to archive to.
pub(crate) enum Store {
    /// The S3 stub.
    Stub(Stub),
    /// A directory.
    Directory(PathBuf),
}

impl Store {
    /// Its name in the tables.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Stub(stub) => stub.endpoint().transport.scheme(),
            Self::Directory(_) => "directory",
        }
    }

    /// The URL of an archive in it. A directory is one archive, because it must be there already.
    pub(crate) fn url(&self, archive: &str) -> String {
        match self {
            Self::Stub(_) => format!("s3://{BUCKET}/{archive}"),
            Self::Directory(directory) => format!("file://{}", directory.display()),
        }
    }

    /// What a command must be told to find the archive.
    pub(crate) fn environment(&self, archive: &str, spool: &Path) -> Vec<(OsString, OsString)> {
        let mut words: Vec<(&str, OsString)> = vec![
            ("BARKEEP_STORE", self.url(archive).into()),
            ("BARKEEP_SERVER", "bench".into()),
            ("BARKEEP_SPOOL", spool.into()),
        ];
        if let Self::Stub(stub) = self {
            words.extend([
                ("BARKEEP_S3_ENDPOINT_URL", stub.endpoint().url().into()),
                // The stub does keep conditional puts, so nothing has to ask before each of them.
                ("BARKEEP_S3_EXCLUSIVE_PUT", "trusted".into()),
                ("AWS_ACCESS_KEY_ID", "bench".into()),
                ("AWS_SECRET_ACCESS_KEY", "bench".into()),
                ("AWS_DEFAULT_REGION", "us-east-1".into()),
            ]);
            if stub.endpoint().transport == Transport::Https {
                words.push(("AWS_CA_BUNDLE", stub.endpoint().authority.clone().into()));
            }
        }
        words.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }

    /// A number for everything that happens to it: requests by kind, or the files it holds. A call
    /// that leaves it unchanged did without the store.
    pub(crate) fn activity(&mut self) -> Result<Counts> {
        match self {
            Self::Stub(stub) => stub.counts(),
            Self::Directory(directory) => Ok(Counts::from([("files".to_owned(), files_below(directory)?)])),
        }
    }

    /// The stub, if it is one.
    pub(crate) fn stub(&mut self) -> Option<&mut Stub> {
        match self {
            Self::Stub(stub) => Some(stub),
            Self::Directory(_) => None,
        }
    }
}

fn files_below(directory: &Path) -> Result<u64> {
    let mut files = 0;
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { files_below(&entry.path())? } else { 1 };
    }
    Ok(files)
}
