//! The reference: Barman's cloud commands, on the same store as barkeep.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use super::azurite::{Azurite, Proof};
use super::barkeep::{BUCKET, PATH};
use super::moto::Moto;
use super::pg::Server;
use super::reach::Reach;
use super::{Scratch, as_postgres, installed, must, run};

/// How long one of its commands may take.
const PATIENCE: Duration = Duration::from_mins(3);

const SERVER: &str = "main";

/// Barman's commands, which are told of the archive by their words.
pub struct Reference {
    programs: PathBuf,
    home: PathBuf,
    /// What every command is told of the service.
    service: Vec<String>,
    variables: Vec<(&'static str, String)>,
    url: String,
}

impl Reference {
    /// On an S3 server without TLS.
    pub fn on_moto(scratch: &Scratch, moto: &Moto) -> Self {
        let endpoint = format!("{}://127.0.0.1:{}", moto.scheme(), moto.port());
        Self::on(scratch, &moto.reach(BUCKET), vec!["--endpoint-url".to_owned(), endpoint])
    }

    /// On Azure Blob Storage; of an emulator it knows by a connection string only.
    pub fn on_azurite(scratch: &Scratch, azurite: &Azurite) -> Self {
        let words = ["--cloud-provider", "azure-blob-storage"].map(str::to_owned);
        Self::on(scratch, &azurite.reach(BUCKET, Proof::ConnectionString), words.to_vec())
    }

    fn on(scratch: &Scratch, reach: &Reach, service: Vec<String>) -> Self {
        Self {
            programs: installed("barman").join("bin"),
            home: scratch.dir("reference"),
            service,
            variables: reach.variables.clone(),
            url: reach.url(PATH),
        }
    }

    /// The same, with the store's URL spelled otherwise.
    pub fn spelled(&self, url: &str) -> Self {
        Self {
            programs: self.programs.clone(),
            home: self.home.clone(),
            service: self.service.clone(),
            variables: self.variables.clone(),
            url: url.to_owned(),
        }
    }

    /// `barman-cloud-VERB OPTIONS URL SERVER WORDS`, as PostgreSQL's user.
    pub fn command(&self, verb: &str, options: &[&str], words: &[&str]) -> Command {
        let mut command = as_postgres(self.program(verb));
        command
            .args(&self.service)
            .args(options)
            .args([&self.url, SERVER])
            .args(words)
            .env("HOME", &self.home)
            .env("TMPDIR", &self.home)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command.
    pub fn run(&self, verb: &str, options: &[&str], words: &[&str]) -> Output {
        run(&mut self.command(verb, options, words), PATIENCE)
    }

    /// Runs a command that must succeed; what it says on standard output.
    pub fn must(&self, verb: &str, options: &[&str], words: &[&str]) -> String {
        must(&mut self.command(verb, options, words), PATIENCE)
    }

    /// Takes a base backup of a running server.
    pub fn backup(&self, server: &Server, name: &str, options: &[&str]) {
        let connection = server.connection();
        let mut all = connection.iter().map(String::as_str).collect::<Vec<_>>();
        all.extend(["--immediate-checkpoint", "--jobs", "1", "--name", name]);
        all.extend(options);
        self.must("backup", &all, &[]);
    }

    /// The catalogue as it tells it.
    pub fn backups(&self) -> Vec<serde_json::Value> {
        let told: serde_json::Value =
            serde_json::from_str(&self.must("backup-list", &["--format", "json"], &[])).unwrap();
        told["backups_list"].as_array().unwrap().clone()
    }

    /// The identifier of the backup with this name.
    pub fn id(&self, name: &str) -> String {
        let all = self.backups();
        let backup = all.iter().find(|backup| backup["backup_name"] == name);
        backup.unwrap_or_else(|| panic!("no backup {name} in {all:?}"))["backup_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// What a backup is kept for, in its words: `full`, `standalone` or `nokeep`.
    pub fn kept_for(&self, backup: &str) -> String {
        let told = self.must("backup-keep", &["--status"], &[backup]);
        told.trim().strip_prefix("Keep: ").unwrap_or_else(|| panic!("not understood: {told}")).to_owned()
    }

    /// PostgreSQL's `archive_command`; credentials are in PostgreSQL's environment.
    pub fn archive_command(&self, options: &[&str]) -> String {
        let words = format!("{} {SERVER} %p", self.url);
        format!("{} {} {words}", self.call("wal-archive"), options.join(" "))
    }

    /// PostgreSQL's `restore_command`; credentials are in PostgreSQL's environment.
    pub fn restore_command(&self) -> String {
        format!("{} {} {SERVER} %f %p", self.call("wal-restore"), self.url)
    }

    fn call(&self, verb: &str) -> String {
        format!("{} {}", self.program(verb).display(), self.service.join(" "))
    }

    fn program(&self, verb: &str) -> PathBuf {
        self.programs.join(format!("barman-cloud-{verb}"))
    }
}
