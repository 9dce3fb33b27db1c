//! One run: rounds in alternating order, each tool backing up and restoring at once what it made.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::cluster::Cluster;
use super::files::{below, read_all};
use super::many;
use super::programs::Programs;
use super::report::{Report, Row, Rows, Sample};
use super::role::Role;
use super::tools::{Place, Tool};
use crate::call::{Call, time};
use crate::stub::{Counts, Dialect, Stub, Transport};
use crate::{Plan, Result};

/// A backup or restore that takes longer is ended and counts as failed.
const LONGEST_CALL: Duration = Duration::from_mins(30);

/// The rows that show how fast the disk is.
pub(crate) const COPY: &str = "cp -r";
pub(crate) const COPY_AND_SYNC: &str = "cp -r, and sync";

/// A run under way.
pub(crate) struct Bench {
    plan: Plan,
    programs: Programs,
    cluster: Cluster,
    cluster_bytes: u64,
    scratch: TempDir,
    stubs: Vec<Stub>,
    backups: Rows,
    restores: Rows,
    notes: Vec<String>,
}

impl Bench {
    /// Makes the cluster, or finds it, and starts everything.
    pub(crate) fn new(plan: Plan) -> Result<Self> {
        let programs = Programs::new(&plan.target, plan.major);
        let home = plan.target.join(format!("bench-cluster/{}-{}g", plan.major, plan.gibibytes));
        tell(&format!("cluster {}", home.display()));
        let cluster = Cluster::open_or_make(&programs, home, plan.gibibytes)?;
        let scratch = tempfile::Builder::new().prefix("base_backup-").tempdir_in(&plan.target)?;
        let mut stubs = Vec::new();
        for transport in [Transport::Http, Transport::Https] {
            let stub = Stub::start(Dialect::S3, transport, scratch.path())?;
            Role::Conformity(stub.endpoint().clone()).ask()?;
            stubs.push(stub);
        }
        let cluster_bytes = below(&cluster.data())?.bytes;
        let (backups, restores, notes) = Default::default();
        Ok(Self { plan, programs, cluster, cluster_bytes, scratch, stubs, backups, restores, notes })
    }

    /// Runs everything. What fails is noted and not tried again, and the rest goes on.
    pub(crate) fn run(mut self) -> Result<Report> {
        let mut tools: Vec<(usize, Tool)> = Vec::new();
        for (n, stub) in self.stubs.iter().enumerate() {
            tools.extend(Tool::all(stub.endpoint().transport).into_iter().map(|tool| (n, tool)));
        }
        for round in 1..=self.plan.rounds {
            let mut failed = Vec::new();
            for &(stub, tool) in &tools {
                tell(&format!("round {round}: {tool}, {}", self.store(stub, tool)));
                if let Err(error) = self.measure(stub, tool) {
                    self.notes.push(format!("{tool} is left out: {error}"));
                    failed.push((stub, tool));
                }
                self.stubs[stub].forget()?;
            }
            tell(&format!("round {round}: {COPY}"));
            self.copy()?;
            tools.retain(|tool| !failed.contains(tool));
            tools.reverse();
        }
        let many_files = match self.plan.files {
            0 => None,
            files => {
                let found = self.many(files);
                found.map_err(|error| self.notes.push(format!("{files} files are left out: {error}"))).ok()
            }
        };
        self.report(many_files)
    }

    /// Backs up with a tool and restores what it made.
    fn measure(&mut self, stub: usize, tool: Tool) -> Result<()> {
        let own = tempfile::Builder::new().prefix("tool-").tempdir_in(self.scratch.path())?;
        let endpoint = self.stubs[stub].endpoint().clone();
        let place = Place {
            binary: &self.plan.binary,
            programs: &self.programs,
            data: self.cluster.data(),
            sockets: self.cluster.sockets(),
            endpoint: &endpoint,
            scratch: own.path(),
        };
        if let Some(mut command) = tool.prepare(&place) {
            call(&mut command, own.path())?;
        }
        let mut backup = tool.backup(&place).ok_or("it is not installed")?;
        let restored = self.scratch.path().join("restored");
        let restore = tool.restore(&place, &restored);
        let mut sample = self.sample(Some(stub), &mut backup, own.path())?;
        sample.stored_bytes =
            if tool.is_local() { below(own.path())?.bytes } else { self.stubs[stub].stored_bytes()? };
        let store = self.store(stub, tool);
        self.backups.add(&tool.to_string(), store, sample);
        let Some(mut restore) = restore else { return Ok(()) };
        fs_err::create_dir(&restored)?;
        let sample = self.sample(Some(stub), &mut restore, own.path());
        let complete = restored.join("PG_VERSION").exists();
        fs_err::remove_dir_all(&restored)?;
        let sample = sample?;
        if !complete {
            return Err("what it restored is no data directory".into());
        }
        self.restores.add(&tool.to_string(), store, sample);
        Ok(())
    }

    /// The data directory copied: as fast as the disk is.
    fn copy(&mut self) -> Result<()> {
        let copy = self.scratch.path().join("copy");
        for (what, line) in
            [(COPY, "cp -r \"$1\" \"$2\""), (COPY_AND_SYNC, "cp -r \"$1\" \"$2\" && sync -f \"$2\"")]
        {
            let mut command = Command::new("sh");
            command.args(["-c", line, "sh"]).arg(self.cluster.data()).arg(&copy);
            let errors = self.scratch.path().to_owned();
            let sample = self.sample(None, &mut command, &errors)?;
            fs_err::remove_dir_all(&copy)?;
            self.restores.add(what, "directory", sample);
        }
        Ok(())
    }

    /// Runs a command with the page cache as every other finds it: the cluster in it, nothing to write.
    fn sample(&mut self, stub: Option<usize>, command: &mut Command, errors: &Path) -> Result<Sample> {
        read_all(&self.cluster.data())?;
        rustix::fs::sync();
        let before = self.counts(stub)?;
        let took = call(command, errors)?;
        let after = self.counts(stub)?;
        let requests =
            after.iter().map(|(kind, n)| (kind.clone(), n - before.get(kind).copied().unwrap_or(0)));
        let requests = requests.filter(|(_, n)| *n > 0).collect();
        Ok(Sample { took: took.took, cpu: took.cpu, peak_bytes: took.peak_bytes, requests, stored_bytes: 0 })
    }

    fn counts(&mut self, stub: Option<usize>) -> Result<Counts> {
        stub.map_or_else(|| Ok(Counts::new()), |stub| self.stubs[stub].counts())
    }

    fn store(&self, stub: usize, tool: Tool) -> &'static str {
        if tool.is_local() { "directory" } else { self.stubs[stub].endpoint().transport.scheme() }
    }

    /// The memory that a backup of very many files takes.
    fn many(&mut self, files: usize) -> Result<Row> {
        tell(&format!("{files} files"));
        let home = self.plan.target.join(format!("bench-cluster/{}-many", self.plan.major));
        let cluster = Cluster::open_or_make(&self.programs, home, 0)?;
        let _files = many::Files::make(cluster.data().join("many"), files)?;
        let own = tempfile::Builder::new().prefix("tool-").tempdir_in(self.scratch.path())?;
        let endpoint = self.stubs[0].endpoint().clone();
        let place = Place {
            binary: &self.plan.binary,
            programs: &self.programs,
            data: cluster.data(),
            sockets: cluster.sockets(),
            endpoint: &endpoint,
            scratch: own.path(),
        };
        let tool = Tool::all(Transport::Http)[0];
        let mut command = tool.backup(&place).ok_or("it is not installed")?;
        let mut rows = Rows::default();
        let mut sample = self.sample(Some(0), &mut command, own.path())?;
        sample.stored_bytes = self.stubs[0].stored_bytes()?;
        rows.add(&format!("{tool}, {files} files"), "http", sample);
        rows.into_rows(below(&cluster.data())?.bytes).pop().ok_or_else(|| "it was not measured".into())
    }

    fn report(self, many_files: Option<Row>) -> Result<Report> {
        let version = Command::new(&self.plan.binary).arg("--version").stderr(Stdio::null()).output()?.stdout;
        Ok(Report::new(
            String::from_utf8_lossy(&version).trim().to_owned(),
            (self.plan.major, self.cluster_bytes, self.plan.rounds),
            self.backups.into_rows(self.cluster_bytes),
            self.restores.into_rows(self.cluster_bytes),
            many_files,
            self.notes,
        ))
    }
}

/// Runs a command, which must succeed.
fn call(command: &mut Command, scratch: &Path) -> Result<Call> {
    let errors: PathBuf = scratch.join("stderr");
    command.stdout(Stdio::null()).stderr(fs_err::File::create(&errors)?.into_file());
    let call = time(command, LONGEST_CALL)?;
    if call.status.success() {
        return Ok(call);
    }
    let said = fs_err::read_to_string(&errors).unwrap_or_default();
    let program = command.get_program().display().to_string();
    Err(format!("{program}: {}: {}", call.status, said.lines().take(6).collect::<Vec<_>>().join(" ")).into())
}

fn tell(stage: &str) {
    use std::io::Write;
    // Progress only; whoever closed the output does not want it.
    let _ = writeln!(std::io::stdout(), "measuring: {stage}");
}
