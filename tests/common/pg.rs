//! PostgreSQL: from `initdb` to an immediate stop.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::Signal;
use tokio_postgres::{Client, Config, NoTls};

use super::barkeep::Barkeep;
use super::pod::Pod;
use super::{Scratch, as_postgres, give_to_postgres, installed, must, stop, tail, tell, wait_for};

/// The newest major we support.
pub const NEWEST: u32 = 18;
/// The oldest major we support.
pub const OLDEST: u32 = 13;

/// How long PostgreSQL may take to start, stop, or archive what is waiting.
const PATIENCE: Duration = Duration::from_secs(90);

/// How PostgreSQL is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// In good order: the last segment is archived before it ends.
    Fast,
    /// Like a crash, but for the operating system's cache.
    Immediate,
}

/// A data directory, and the PostgreSQL that runs on it now and then.
pub struct Server {
    major: u32,
    /// Holds the data directory, the socket's directory, the spool and the log.
    home: PathBuf,
    environment: Vec<(&'static str, String)>,
    process: Option<Child>,
}

impl Server {
    /// A new cluster, not started, that archives with `barkeep`.
    pub fn init(scratch: &Scratch, major: u32, segment_mib: u32, barkeep: &Barkeep) -> Self {
        let server = Self::at_home(scratch, major, "primary", barkeep);
        server.initdb(segment_mib, &barkeep.archive_command());
        server
    }

    /// A new cluster, not started, whose archiver is that of a pod.
    pub fn init_in(scratch: &Scratch, major: u32, pod: &Pod) -> Self {
        let server = Self::in_pod(scratch, major, pod);
        server.initdb(16, &pod.archive_command());
        server
    }

    fn initdb(&self, segment_mib: u32, archive_command: &str) {
        must(
            self.own_program("initdb")
                .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"])
                .args(["--data-checksums", &format!("--wal-segsize={segment_mib}")])
                .arg("--pgdata")
                .arg(self.data()),
            PATIENCE,
        );
        self.set(&[
            ("listen_addresses", ""),
            ("unix_socket_directories", &self.sockets().display().to_string()),
            // A crash of PostgreSQL is rehearsed here, not one of the operating system.
            ("fsync", "off"),
            ("wal_level", "replica"),
            ("hot_standby", "on"),
            ("max_wal_senders", "4"),
            ("archive_mode", "on"),
            ("archive_command", archive_command),
            // Segments are removed soon, so that recovery has only the archive to take them from.
            ("min_wal_size", &format!("{}MB", 2 * segment_mib)),
            ("max_wal_size", &format!("{}MB", 4 * segment_mib)),
            ("wal_retrieve_retry_interval", "500ms"),
            ("log_checkpoints", "off"),
        ]);
    }

    /// A server, not started, on a copy of `base` that recovers with `restore_command`; `signal` is
    /// `recovery` or `standby`. It archives nothing until it is told to.
    pub fn recovering(
        scratch: &Scratch,
        name: &str,
        base: &Base,
        barkeep: &Barkeep,
        restore_command: &str,
        signal: &str,
    ) -> Self {
        let server = Self::at_home(scratch, base.major, name, barkeep);
        must(as_postgres("cp").arg("-a").arg(&base.dir).arg(server.data()), PATIENCE);
        server.set(&[
            ("unix_socket_directories", &server.sockets().display().to_string()),
            ("archive_mode", "off"),
            ("restore_command", restore_command),
        ]);
        server.signal(signal);
        server
    }

    /// A place for a server whose data directory somebody else is going to fill.
    pub fn at_home(scratch: &Scratch, major: u32, name: &str, barkeep: &Barkeep) -> Self {
        let home = home(scratch, name);
        let mut environment = barkeep.environment(&home.join("spool"));
        environment.push(("HOME", home.display().to_string()));
        Self { major, home, environment, process: None }
    }

    /// The same in a pod, for the instance of its cluster.
    pub fn in_pod(scratch: &Scratch, major: u32, pod: &Pod) -> Self {
        let home = home(scratch, &pod.server);
        Self { major, home, environment: pod.environment(), process: None }
    }

    /// Makes a data directory that was filled by a restore this server's: it gets its own socket.
    pub fn move_in(&self) {
        let sockets = self.sockets().display().to_string();
        self.set(&[("listen_addresses", ""), ("unix_socket_directories", &sockets), ("fsync", "off")]);
    }

    /// Lets it begin recovery, or be a standby.
    pub fn signal(&self, signal: &str) {
        std::fs::write(self.signal_file(signal), "").unwrap();
        give_to_postgres(&self.signal_file(signal));
    }

    /// Appends to `postgresql.auto.conf`, where the last word on a setting counts.
    pub fn set(&self, settings: &[(&str, &str)]) {
        let file = self.data().join("postgresql.auto.conf");
        let mut file = OpenOptions::new().append(true).open(file).unwrap();
        for (name, value) in settings {
            writeln!(file, "{name} = '{}'", value.replace('\'', "''")).unwrap();
        }
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Where `recovery.signal` or `standby.signal` is, while there is one.
    pub fn signal_file(&self, signal: &str) -> PathBuf {
        self.data().join(format!("{signal}.signal"))
    }

    /// The directory of its socket, which is the host's name to clients.
    pub fn sockets(&self) -> PathBuf {
        self.home.join("sockets")
    }

    fn log_file(&self) -> PathBuf {
        self.home.join("log")
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    /// Starts it and waits until it answers queries.
    pub async fn start(&mut self) -> Client {
        self.launch();
        self.ready().await
    }

    /// Starts it and does not wait.
    pub fn launch(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let log = OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        let child = self
            .own_program("postgres")
            .arg("-D")
            .arg(self.data())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
    }

    /// Waits until it answers queries.
    pub async fn ready(&mut self) -> Client {
        let address = self.address();
        wait_for("PostgreSQL answers", PATIENCE, async || {
            self.must_run();
            connect(&address).await.ok()
        })
        .await
    }

    /// Waits until recovery has ended and it accepts writes.
    pub async fn promoted(&mut self) -> Client {
        let client = self.ready().await;
        wait_for("recovery ends", PATIENCE, async || {
            self.must_run();
            (!in_recovery(&client).await).then_some(())
        })
        .await;
        client
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let process = self.process.as_mut().expect("it runs");
        let status =
            wait_for("PostgreSQL stops by itself", limit, async || process.try_wait().unwrap()).await;
        self.process = None;
        status
    }

    /// Stops it.
    pub fn stop(&mut self, how: Shutdown) {
        let signal = match how {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
        };
        let mut process = self.process.take().expect("it runs");
        stop(&mut process, signal, PATIENCE);
    }

    /// Stops it like a crash and deletes everything it had.
    pub fn destroy(mut self) {
        self.stop(Shutdown::Immediate);
        std::fs::remove_dir_all(self.data()).unwrap();
    }

    /// Sends the signal of an immediate stop after a while, and does not wait for the end.
    pub fn crash_later(&self, after: Duration) {
        let pid = rustix::process::Pid::from_child(self.process.as_ref().expect("it runs"));
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let _ = rustix::process::kill_process(pid, Signal::QUIT);
        });
    }

    /// Whether it has ended by itself; then it can be launched again.
    pub fn has_ended(&mut self) -> bool {
        let ended = self.process.as_mut().expect("it was started").try_wait().unwrap().is_some();
        if ended {
            self.process = None;
        }
        ended
    }

    /// # Panics
    /// When it has ended.
    pub fn must_run(&mut self) {
        let process = self.process.as_mut().expect("it was started");
        let ended = process.try_wait().unwrap();
        assert!(ended.is_none(), "PostgreSQL ended by itself: {}", ended.unwrap());
    }

    /// How to reach it.
    pub fn address(&self) -> Config {
        let mut config = Config::new();
        config.host_path(self.sockets()).port(5432).user("postgres").dbname("postgres");
        config.connect_timeout(Duration::from_secs(10));
        config
    }

    /// A base backup in plain format, without the WAL it needs: that is in the archive.
    pub fn base_backup(&self, scratch: &Scratch, name: &str) -> Base {
        let dir = scratch.path(name);
        // The oldest major's package has no clients; the newest's works with every server.
        must(
            as_postgres(program(NEWEST, "pg_basebackup"))
                .args(["--username=postgres", "--checkpoint=fast", "--wal-method=none", "--no-sync"])
                .arg("--host")
                .arg(self.sockets())
                .arg("--pgdata")
                .arg(&dir),
            PATIENCE,
        );
        Base { major: self.major, dir }
    }

    /// The words by which a program of others connects.
    pub fn connection(&self) -> Vec<String> {
        let words = ["--host", &self.sockets().display().to_string(), "--port", "5432", "--user", "postgres"];
        words.map(str::to_owned).to_vec()
    }

    /// Ends the current segment and waits until all that has ended is archived; the segment's name.
    pub async fn archive_all(&self, client: &Client) -> String {
        let name = client.query_one("select pg_walfile_name(pg_switch_wal())", &[]).await.unwrap().get(0);
        self.archived().await;
        name
    }

    /// Waits until PostgreSQL has nothing waiting to be archived.
    pub async fn archived(&self) {
        let status = self.data().join("pg_wal/archive_status");
        wait_for("all WAL is archived", PATIENCE, async || {
            let mut waiting = std::fs::read_dir(&status).unwrap().map(|entry| entry.unwrap().path());
            (!waiting.any(|path| path.extension().is_some_and(|e| e == "ready"))).then_some(())
        })
        .await;
    }

    /// A program of this major, with the environment that PostgreSQL's children inherit.
    fn own_program(&self, name: &str) -> Command {
        let mut command = as_postgres(program(self.major, name));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            stop(&mut process, Signal::QUIT, Duration::from_secs(20));
        }
        if std::thread::panicking() && self.log_file().exists() {
            tell(&format!("--- {}:\n{}", self.log_file().display(), tail(&self.log_file())));
        }
    }
}

/// A new directory for a server, with one for its socket.
fn home(scratch: &Scratch, name: &str) -> PathBuf {
    let home = scratch.dir(name);
    scratch.dir(&format!("{name}/sockets"));
    home
}

/// A base backup.
pub struct Base {
    major: u32,
    dir: PathBuf,
}

/// Whether it is still replaying.
pub async fn in_recovery(client: &Client) -> bool {
    client.query_one("select pg_is_in_recovery()", &[]).await.is_ok_and(|row| row.get(0))
}

/// Connects; the connection lives as long as the client.
pub async fn connect(address: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = address.connect(NoTls).await?;
    tokio::spawn(async move {
        // Why it ended is told by the query that was under way.
        let _ = connection.await;
    });
    Ok(client)
}

/// Reads the configuration anew.
pub async fn reload(client: &Client) {
    client.query_one("select pg_reload_conf()", &[]).await.unwrap();
}

/// A program of this major; the oldest majors' packages have servers only.
pub fn program(major: u32, name: &str) -> PathBuf {
    installed(&format!("postgres-{major}")).join("bin").join(name)
}
