//! Where a walk is taken: a directory, the programs it needs, and the services that its examples name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::door::policy::Policy;
use super::door::{Door, May};
use crate::common::azurite::{self, Azurite};
use crate::common::barkeep::copy_of_the_binary;
use crate::common::moto::Moto;
use crate::common::pg::{NEWEST, program};
use crate::common::{Scratch, give_to_postgres, installed};

/// Where the documents say that a walk is taken.
const THERE: &str = "/srv/lab";

/// Where the documents have the binary.
const BINARY: &str = "/usr/local/bin/barkeep";

/// The S3 service, the Azure container and the signature of the documents' examples.
const S3: &str = "https://s3.example.com";
const CONTAINER: &str = "https://example.blob.core.windows.net/backups";
const SIGNATURE: &str = "sv=2021-12-02&sr=c&sp=racwdl&se=2027-01-01&sig=EXAMPLE";

/// The store that is only read: its bucket, and the path in it.
const READ_ONLY: (&str, &str) = ("origin", "production");

/// See the module's documentation. Dropping it ends the services, and what a walk has left running.
pub(crate) struct Scene {
    /// In the documents, and here.
    names: Vec<(&'static str, String)>,
    place: PathBuf,
    path: OsString,
    _door: Option<Door>,
    _moto: Option<Moto>,
    _azurite: Option<Azurite>,
    _scratch: Scratch,
}

impl Scene {
    /// Starts what this walk needs.
    pub(crate) async fn new(walk: &str) -> Self {
        let scratch = Scratch::new();
        let place = scratch.dir("lab");
        let binary = copy_of_the_binary(&scratch);
        let programs = program(NEWEST, "psql").canonicalize().unwrap();
        let reference = (walk == "barman").then(|| installed("barman").join("bin"));
        let dirs =
            [binary.parent().unwrap(), programs.parent().unwrap(), Path::new("/usr/bin"), Path::new("/bin")];
        let path = std::env::join_paths(dirs.into_iter().chain(reference.as_deref())).unwrap();
        let mut names = vec![(THERE, place.display().to_string()), (BINARY, binary.display().to_string())];
        let (mut door, mut moto, mut azurite) = (None, None, None);
        match walk {
            "tour" => {}
            "azure" => {
                let service = Azurite::http(&scratch).await;
                service.create_container("backups").await;
                names.push((CONTAINER, service.reach_without_proof("backups").top));
                names.push((SIGNATURE, azurite::container_sas("backups")));
                azurite = Some(service);
            }
            _ => {
                let service = Moto::http(&scratch).await;
                service.create_bucket("backups").await;
                let mut port = service.port();
                if walk == "stores" {
                    let (bucket, path) = READ_ONLY;
                    service.create_bucket(bucket).await;
                    let reader = Policy::of_document("restore", bucket, path);
                    let keys = vec![("reader", May::Do(reader)), ("own", May::Enter("backups"))];
                    let opened = Door::open(port, keys).await;
                    port = opened.port();
                    door = Some(opened);
                }
                names.push((S3, format!("http://127.0.0.1:{port}")));
                moto = Some(service);
            }
        }
        Self { names, place, path, _door: door, _moto: moto, _azurite: azurite, _scratch: scratch }
    }

    /// The directory it begins in.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// What the shell's environment is, and nothing else.
    pub(crate) fn environment(&self) -> [(&'static str, OsString); 4] {
        let place = self.place.clone().into_os_string();
        // A directory named in the environment is how whatever is left running is found in the end.
        [
            ("PATH", self.path.clone()),
            ("HOME", place.clone()),
            ("BARKEEP_SPOOL", place),
            ("COLUMNS", "100".into()),
        ]
    }

    /// Words of a document as they are meant here.
    pub(crate) fn here(&self, words: &str) -> String {
        self.names.iter().fold(words.to_owned(), |words, (there, here)| words.replace(there, here))
    }

    /// What is said here in words of the document.
    pub(crate) fn there(&self, words: &str) -> String {
        self.names.iter().fold(words.to_owned(), |words, (there, here)| words.replace(here, there))
    }

    /// Writes a file that a document shows.
    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.place.join(name);
        std::fs::write(&path, self.here(content)).unwrap();
        give_to_postgres(&path);
    }
}
