//! A pod of CloudNativePG with the Barman Cloud Plugin: its Go library's way of starting the nine programs,
//! by name, with these words in this order and this environment (spec/cloudnativepg.md 1.2 and 1.4), and of
//! reading what they print (1.7).

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::Duration;

use super::azurite::{Azurite, Proof};
use super::barkeep::BUCKET;
use super::moto::Moto;
use super::pg::Server;
use super::programs::PROGRAMS;
use super::reach::Reach;
use super::record::{Record, Told};
use super::{Scratch, as_postgres, give_to_postgres, must, run};

/// How long one program may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// How many WAL files are archived or restored at once: the plugin's `maxParallel`.
const AT_ONCE: u32 = 4;

/// The directory that is searched for the programs, with the links in it and nothing else.
pub fn links(scratch: &Scratch) -> PathBuf {
    let bin = scratch.path("bin");
    if !bin.exists() {
        scratch.dir("bin");
        let binary = super::barkeep::copy_of_the_binary(scratch);
        for program in PROGRAMS {
            std::os::unix::fs::symlink(&binary, bin.join(format!("barman-cloud-{program}"))).unwrap();
        }
    }
    bin
}

/// What an `ObjectStore` says.
#[derive(Clone)]
pub struct ObjectStore {
    destination: String,
    endpoint: Vec<String>,
    cloud: Vec<String>,
    /// `--gzip`, the codec of WAL and of base backups.
    compression: Vec<String>,
    wal_tags: Vec<String>,
    /// `wal.restoreAdditionalCommandArgs`.
    restore_words: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

impl ObjectStore {
    /// On S3, with keys, a private authority where there is one, and tags.
    pub fn on_moto(moto: &Moto, path: &str) -> Self {
        let endpoint = format!("{}://127.0.0.1:{}", moto.scheme(), moto.port());
        Self {
            destination: format!("s3://{BUCKET}/{path}"),
            endpoint: words(&["--endpoint-url", &endpoint]),
            cloud: words(&["--cloud-provider", "aws-s3"]),
            compression: words(&["--gzip"]),
            wal_tags: words(&["--tags", "env,prod", "app,db", "--history-tags", "env,keep"]),
            restore_words: words(&["--read-timeout=60"]),
            variables: variables(&moto.reach(BUCKET)),
        }
    }

    /// On Azure, with a shared access signature for the container; the account stands in the URL, too.
    pub fn on_azurite(azurite: &Azurite, path: &str) -> Self {
        let reach = azurite.reach(BUCKET, Proof::ContainerSas);
        let mut variables = variables(&reach);
        variables.push(("AZURE_STORAGE_ACCOUNT", super::azurite::ACCOUNT.to_owned()));
        Self {
            destination: reach.url(path),
            endpoint: Vec::new(),
            cloud: words(&["--cloud-provider", "azure-blob-storage"]),
            compression: words(&["--gzip"]),
            wal_tags: Vec::new(),
            restore_words: Vec::new(),
            variables,
        }
    }

    /// `DEST SERVER`, with what comes before them.
    fn place(&self, server: &str) -> Vec<String> {
        [&self.endpoint[..], &self.cloud, &[self.destination.clone(), server.to_owned()]].concat()
    }
}

/// The environment that an `ObjectStore` makes: nothing of the native door's.
fn variables(reach: &Reach) -> Vec<(&'static str, String)> {
    reach.variables.iter().filter(|(name, _)| !name.starts_with("BARKEEP_")).cloned().collect()
}

/// The pod of one cluster's instance, with the only directory that its programs may write to.
pub struct Pod {
    store: ObjectStore,
    /// The cluster's name, and so its server's within the store.
    pub server: String,
    bin: PathBuf,
    manager: PathBuf,
    controller: PathBuf,
}

impl Pod {
    /// A pod of the cluster with this name, which archives into this store.
    pub fn new(scratch: &Scratch, store: &ObjectStore, server: &str) -> Self {
        let controller = scratch.dir(&format!("pod-{server}"));
        for directory in ["wal-archive-spool", "wal-restore-spool", "tmp", "backup", "recovery"] {
            scratch.dir(&format!("pod-{server}/{directory}"));
        }
        let manager = controller.join("manager");
        std::fs::write(&manager, include_str!("../cnpg/manager.sh")).unwrap();
        std::fs::set_permissions(&manager, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        give_to_postgres(&manager);
        let (store, server) = (store.clone(), server.to_owned());
        Self { store, server, bin: links(scratch), manager, controller }
    }

    /// What PostgreSQL's children inherit. There is no HOME.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
        let tmp = self.controller.join("tmp").display().to_string();
        let mut all = self.store.variables.clone();
        all.extend([("PATH", path), ("TMPDIR", tmp), ("CLUSTER_NAME", self.server.clone())]);
        all
    }

    /// PostgreSQL's `archive_command`.
    pub fn archive_command(&self) -> String {
        let store = &self.store;
        let spool = self.controller.join("wal-archive-spool");
        let words = [&store.compression[..], &store.endpoint, &store.wal_tags, &store.cloud].concat();
        format!(
            "{} archive {} {AT_ONCE} %p {} {} {}",
            self.manager.display(),
            spool.display(),
            words.join(" "),
            store.destination,
            self.server
        )
    }

    /// PostgreSQL's `restore_command`: from the archive of this server, which may be another's.
    pub fn restore_command(&self, server: &str) -> String {
        let spool = self.controller.join("wal-restore-spool");
        let words = [self.store.place(server), self.store.restore_words.clone()].concat();
        format!("{} restore {} {AT_ONCE} %f %p {}", self.manager.display(), spool.display(), words.join(" "))
    }

    /// `check-wal-archive`, before the first WAL of a new data directory.
    pub fn check_wal_archive(&self) -> Output {
        self.run("check-wal-archive", &self.store.place(&self.server))
    }

    /// Several `wal-archive` at once, each of one file.
    pub fn archive_at_once(&self, files: &[PathBuf]) -> Vec<Output> {
        let start = |file: &PathBuf| {
            let store = &self.store;
            let mut words = [&store.compression[..], &store.endpoint, &store.wal_tags, &store.cloud].concat();
            words.extend([store.destination.clone(), self.server.clone(), file.display().to_string()]);
            self.spawn("wal-archive", &words)
        };
        let children = files.iter().map(start).collect::<Vec<_>>();
        children.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
    }

    /// `wal-restore` of one file out of the archive of this server.
    pub fn restore_wal(&self, server: &str, name: &str, destination: &Path) -> Output {
        let mut words = [self.store.place(server), self.store.restore_words.clone()].concat();
        words.extend([name.to_owned(), destination.display().to_string()]);
        self.run("wal-restore", &words)
    }

    /// Takes a base backup as the plugin does, with the record it reads back by name.
    pub fn back_up(&self, server: &Server, name: &str) -> Record {
        let mut all = words(&["--user", "postgres", "--name", name]);
        all.extend(self.store.compression.clone());
        all.extend(words(&["--immediate-checkpoint", "--jobs", "2"]));
        all.extend(self.store.place(&self.server));
        let mut command = self.command("backup", &all);
        command
            .env("PGHOST", server.sockets())
            .env("PGPORT", "5432")
            .env("TMPDIR", self.controller.join("backup"));
        must(&mut command, PATIENCE);
        self.show(name)
    }

    /// `backup-show` by name.
    pub fn show(&self, name: &str) -> Record {
        let mut all = words(&["--format", "json"]);
        all.extend(self.store.place(&self.server));
        all.push(name.to_owned());
        Told::shown(&self.must("backup-show", &all))
    }

    /// `backup-list` of this server.
    pub fn list(&self, server: &str) -> Vec<Record> {
        let mut all = words(&["--format", "json"]);
        all.extend(self.store.place(server));
        Told::listed(&self.must("backup-list", &all))
    }

    /// `backup-delete` of what a recovery window of so many days no longer wants.
    pub fn delete_older_than(&self, days: u32) {
        let store = &self.store;
        let mut all = [&store.endpoint[..], &store.cloud].concat();
        all.extend(words(&["--retention-policy", &format!("RECOVERY WINDOW OF {days} DAYS")]));
        all.extend([store.destination.clone(), self.server.clone()]);
        self.must("backup-delete", &all);
    }

    /// The recovery job: lays a backup of this server down, and proves that its first WAL can be had. The
    /// caller has found nothing in its own archive first.
    pub fn restore(&self, server: &str, backup: &Record, data: &Path) {
        let store = &self.store;
        let mut all = [&store.cloud[..], &store.endpoint].concat();
        all.extend(store.restore_words.clone());
        all.extend([store.destination.clone(), server.to_owned(), backup.backup_id.clone()]);
        all.push(data.display().to_string());
        self.must("restore", &all);

        let probe = self.controller.join("recovery/test.wal");
        let output = self.restore_wal(server, backup.begin_wal.as_deref().unwrap(), &probe);
        assert!(output.status.success(), "the backup's first WAL: {output:?}");
        assert_eq!(std::fs::metadata(&probe).unwrap().len(), 16 << 20);
        std::fs::remove_file(&probe).unwrap();
    }

    /// Makes a restored data directory one that recovers from the archive of `from`, and archives under this
    /// pod's own name.
    pub fn move_in(&self, instance: &Server, from: &str) {
        instance.move_in();
        instance.set(&[
            ("archive_command", &self.archive_command()),
            ("restore_command", &self.restore_command(from)),
        ]);
    }

    fn run(&self, program: &str, words: &[String]) -> Output {
        run(&mut self.command(program, words), PATIENCE)
    }

    fn must(&self, program: &str, words: &[String]) -> String {
        must(&mut self.command(program, words), PATIENCE)
    }

    fn spawn(&self, program: &str, words: &[String]) -> Child {
        let mut command = self.command(program, words);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    }

    /// A program by its bare name, where nothing else is on PATH.
    fn command(&self, program: &str, words: &[String]) -> Command {
        let mut command = as_postgres(format!("barman-cloud-{program}"));
        command.args(words).envs(self.environment()).env("PATH", &self.bin);
        command
    }
}
