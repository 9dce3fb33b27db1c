//! The binary under test, and the environment in which PostgreSQL calls it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use barkeep::store::{ExclusivePut, ObjectStore, Options};

use super::moto::Moto;
use super::proxy::CutProxy;
use super::reach::Reach;
use super::{Scratch, as_postgres, give_to_postgres, must, run};

/// The bucket of every test; it is empty at the start, because every test has its own server.
pub const BUCKET: &str = "walbucket";
/// Where in it the archive is.
pub const PATH: &str = "some/path";

/// How long a verb called by hand may take; also one that waits for WAL to be archived.
const PATIENCE: Duration = Duration::from_mins(3);

/// The binary and the archive it is told to use.
#[derive(Clone)]
pub struct Barkeep {
    binary: PathBuf,
    reach: Reach,
    /// Where in it the archive is.
    url: String,
    /// The spool of verbs called by hand.
    spool: PathBuf,
}

impl Barkeep {
    /// Archives to a directory.
    pub fn on_directory(scratch: &Scratch) -> Self {
        let top = format!("file://{}", scratch.dir("store").display());
        let reach = Reach { top: top.clone(), variables: Vec::new(), options: Options::default() };
        Self::new(scratch, reach, top)
    }

    /// Archives to a path in a bucket or container.
    pub fn on(scratch: &Scratch, reach: Reach) -> Self {
        let url = reach.url(PATH);
        Self::new(scratch, reach, url)
    }

    /// Archives to an S3 server.
    pub fn on_moto(scratch: &Scratch, moto: &Moto) -> Self {
        Self::on(scratch, moto.reach(BUCKET))
    }

    /// Archives to an S3 server that can be cut off.
    pub fn through(scratch: &Scratch, proxy: &CutProxy, moto: &Moto) -> Self {
        let mut cut_off = Self::on(scratch, moto.reach_at(proxy.port(), BUCKET));
        // An outage is told soon, so that the test need not wait for it; everywhere else patience is
        // what it is by default, because these machines are slow at times.
        cut_off.reach.variables.push(("BARKEEP_WAL_ARCHIVE_RETRY_FOR", "5s".to_owned()));
        cut_off.reach.variables.push(("BARKEEP_WAL_RESTORE_RETRY_FOR", "5s".to_owned()));
        cut_off
    }

    fn new(scratch: &Scratch, reach: Reach, url: String) -> Self {
        Self { binary: copy_of_the_binary(scratch), reach, url, spool: scratch.path("spool") }
    }

    /// The same, with the store's URL spelled otherwise.
    pub fn spelled(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The archive's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The whole bucket, container or directory.
    pub fn at_the_top(&self) -> Self {
        self.spelled(&self.reach.top)
    }

    /// A verb called by hand, by the user PostgreSQL runs as.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = as_postgres(&self.binary);
        command.args(words).envs(self.environment(&self.spool));
        command
    }

    /// A base backup, called by hand, of the server with its sockets here.
    pub fn backup_command(&self, sockets: &Path, name: &str, more: &[&str]) -> Command {
        let mut command = self.command(&["backup", "-U", "postgres", "--name", name]);
        command.arg("-h").arg(sockets).args(more);
        command
    }

    /// Takes a base backup by hand, which must succeed; what it says on standard output.
    pub fn must_back_up(&self, sockets: &Path, name: &str, more: &[&str]) -> String {
        must(&mut self.backup_command(sockets, name, more), PATIENCE)
    }

    /// Calls a verb by hand.
    pub fn run(&self, words: &[&str]) -> Output {
        run(&mut self.command(words), PATIENCE)
    }

    /// Calls a verb by hand, which must succeed; what it says on standard output.
    pub fn must(&self, words: &[&str]) -> String {
        must(&mut self.command(words), PATIENCE)
    }

    /// The store, seen from here.
    pub async fn store(&self) -> Arc<dyn ObjectStore> {
        self.reach.open(&self.url, ExclusivePut::AskFirst).await
    }

    /// What goes into PostgreSQL's environment, whose children inherit it. The spool is the
    /// machine's, so it is another one for every server.
    pub fn environment(&self, spool: &Path) -> Vec<(&'static str, String)> {
        let mut all = self.reach.variables.clone();
        all.push(("BARKEEP_STORE", self.url.clone()));
        all.push(("BARKEEP_SERVER", "main".to_owned()));
        all.push(("BARKEEP_SPOOL", spool.display().to_string()));
        all
    }

    /// Makes everything in a directory store belong to the user PostgreSQL runs as, also what we put there.
    pub fn give_store_to_postgres(&self) {
        if let Some(root) = self.url.strip_prefix("file://") {
            give_all_to_postgres(Path::new(root));
        }
    }

    /// PostgreSQL's `archive_command`.
    pub fn archive_command(&self) -> String {
        format!("{} wal-archive %p", self.binary.display())
    }

    /// PostgreSQL's `restore_command`.
    pub fn restore_command(&self) -> String {
        format!("{} wal-restore %f %p", self.binary.display())
    }

    /// A `restore_command` that, asked for `segment`, creates the file `at` and goes on once the file
    /// `go` is there, or after half a minute.
    pub fn restore_command_with_gate(&self, segment: &str, at: &Path, go: &Path) -> String {
        format!(
            "case %f in {segment}) touch {at}; for i in $(seq 300); do test -e {go} && break; sleep 0.1; done;; esac; \
             exec {command}",
            at = at.display(),
            go = go.display(),
            command = self.restore_command(),
        )
    }
}

/// The binary, where the user `postgres` can execute it: a checkout may be below a directory that
/// only root can enter. `BARKEEP_BINARY` names another build, such as the static one.
pub fn copy_of_the_binary(scratch: &Scratch) -> PathBuf {
    let built = std::env::var_os("BARKEEP_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_barkeep").into(), PathBuf::from);
    let copy = scratch.path("barkeep");
    std::fs::copy(&built, &copy).unwrap_or_else(|e| panic!("copy {}: {e}", built.display()));
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

fn give_all_to_postgres(path: &Path) {
    give_to_postgres(path);
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_all_to_postgres(&entry.unwrap().path());
        }
    }
}
