//! Where the archive of a run is, and what can be seen of it from outside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::stub::{Counts, Dialect, Stub, Transport};

/// The bucket, container and account; the stub has every one.
const BUCKET: &str = "bench";

/// A key that no account has, in base64.
const ACCOUNT_KEY: &str = "YmVuY2g=";

/// A service account that no project has, with a key made for this file. Whoever has it signs tokens without
/// asking anybody for them.
const SERVICE_ACCOUNT: &str = include_str!("stub/service_account.json");

/// A store to archive to.
pub(crate) enum Store {
    /// The stub.
    Stub(Stub),
    /// A directory.
    Directory(PathBuf),
}

impl Store {
    /// Its name in the tables. S3 is talked to in both ways, so these name it.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Stub(stub) => match (stub.endpoint().dialect, stub.endpoint().transport) {
                (Dialect::S3, transport) => transport.scheme(),
                (Dialect::Azure, Transport::Http) => "azure http",
                (Dialect::Azure, Transport::Https) => "azure https",
                (Dialect::Gcs, Transport::Http) => "gcs http",
                (Dialect::Gcs, Transport::Https) => "gcs https",
            },
            Self::Directory(_) => "directory",
        }
    }

    /// The URL of an archive in it. A directory is one archive, because it must be there already.
    pub(crate) fn url(&self, archive: &str) -> String {
        match self {
            Self::Stub(stub) => match stub.endpoint().dialect {
                Dialect::S3 => format!("s3://{BUCKET}/{archive}"),
                Dialect::Azure => format!("{}/{BUCKET}/{BUCKET}/{archive}", stub.endpoint().url()),
                Dialect::Gcs => format!("gs://{BUCKET}/{archive}"),
            },
            Self::Directory(directory) => format!("file://{}", directory.display()),
        }
    }

    /// What a command must be told to find the archive.
    pub(crate) fn environment(&self, archive: &str, spool: &Path) -> Result<Vec<(OsString, OsString)>> {
        let mut words: Vec<(&str, OsString)> = vec![
            ("BARKEEP_STORE", self.url(archive).into()),
            ("BARKEEP_SERVER", "bench".into()),
            ("BARKEEP_SPOOL", spool.into()),
        ];
        if let Self::Stub(stub) = self {
            words.extend(reach(stub)?);
        }
        Ok(words.into_iter().map(|(name, value)| (name.into(), value)).collect())
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

/// Where a stub is, whom to trust there, and who asks.
fn reach(stub: &Stub) -> Result<Vec<(&'static str, OsString)>> {
    let endpoint = stub.endpoint();
    let mut words = match endpoint.dialect {
        Dialect::S3 => vec![
            ("BARKEEP_S3_ENDPOINT_URL", endpoint.url().into()),
            // The stub does keep conditional puts, so nothing has to ask before each of them.
            ("BARKEEP_S3_EXCLUSIVE_PUT", "trusted".into()),
            ("AWS_ACCESS_KEY_ID", "bench".into()),
            ("AWS_SECRET_ACCESS_KEY", "bench".into()),
            ("AWS_DEFAULT_REGION", "us-east-1".into()),
        ],
        Dialect::Azure => vec![("AZURE_STORAGE_KEY", ACCOUNT_KEY.into())],
        Dialect::Gcs => {
            let file = endpoint.authority.with_file_name("service_account.json");
            fs_err::write(&file, SERVICE_ACCOUNT)?;
            vec![
                ("BARKEEP_GCS_ENDPOINT_URL", endpoint.url().into()),
                ("GOOGLE_APPLICATION_CREDENTIALS", file.into()),
            ]
        }
    };
    if endpoint.transport == Transport::Https {
        words.push(("REQUESTS_CA_BUNDLE", endpoint.authority.clone().into()));
    }
    Ok(words)
}

fn files_below(directory: &Path) -> Result<u64> {
    let mut files = 0;
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { files_below(&entry.path())? } else { 1 };
    }
    Ok(files)
}
