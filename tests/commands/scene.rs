//! Where the documents' commands are typed: a PostgreSQL that archives, two base backups, and WAL behind them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_postgres::Client;

use crate::common::barkeep::Barkeep;
use crate::common::pg::{NEWEST, Server, program};
use crate::common::{Scratch, as_postgres, run};

/// How long one command may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The help of every verb.
pub(crate) const HELPS: [&str; 21] = [
    "barkeep wal-archive --help",
    "barkeep wal-restore --help",
    "barkeep wal-flush --help",
    "barkeep wal-find --help",
    "barkeep check --help",
    "barkeep backup --help",
    "barkeep backup-list --help",
    "barkeep backup-show --help",
    "barkeep backup-keep --help",
    "barkeep backup-delete --help",
    "barkeep restore --help",
    "barkeep retention --help",
    "barkeep status --help",
    "barkeep metrics --help",
    "barkeep report --help",
    "barkeep verify --help",
    "barkeep gc --help",
    "barkeep drill --help",
    "barkeep config --help",
    "barkeep schedule --help",
    "barkeep install-compat --help",
];

/// See the module's documentation.
pub(crate) struct Scene {
    /// In the documents, and here.
    names: Vec<(&'static str, String)>,
    lab: PathBuf,
    path: std::ffi::OsString,
    typed: AtomicUsize,
    server: Server,
    _client: Client,
    _scratch: Scratch,
}

/// How a command ended.
pub(crate) struct Answer {
    pub(crate) typed: String,
    pub(crate) text: String,
    pub(crate) status: Option<i32>,
}

impl Scene {
    /// Makes all of it.
    pub(crate) async fn new() -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        let mut server = Server::init(&scratch, NEWEST, 1, &barkeep);
        // A segment that is archived once more is still there.
        server.set(&[("wal_keep_size", "256MB")]);
        let client = server.start().await;
        client.execute("create database shop", &[]).await.unwrap();
        let shop = crate::common::pg::connect(server.address().dbname("shop")).await.unwrap();
        let orders = "create table orders (n bigint primary key, placed timestamptz default now())";
        shop.batch_execute(&format!("{orders}; insert into orders select generate_series(1, 100)"))
            .await
            .unwrap();
        barkeep.must_back_up(&server.sockets(), "nightly-1", &[]);
        let id = barkeep.must(&["backup-list", "--json"]);
        let id = id.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        // Moments have a second's grain in the documents.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let moment: String =
            client.query_one("select now()::timestamptz(0)::text", &[]).await.unwrap().get(0);
        tokio::time::sleep(Duration::from_millis(1100)).await;
        shop.batch_execute("create table gone (n int); drop table gone").await.unwrap();
        let segment = server.archive_all(&client).await;

        let lab = scratch.dir("lab");
        for name in ["bin", "units", "drills"] {
            scratch.dir(&format!("lab/{name}"));
        }
        let here = |name: &str| lab.join(name).display().to_string();
        let pg_bin = program(NEWEST, "postgres").canonicalize().unwrap();
        let write = |name: &str, text: &str| scratch.file(&format!("lab/{name}"), text);
        write("checks.sql", "select count(*) > 0 from pg_class;\n");
        write("CLUSTER.yaml", include_str!("cluster.yaml"));
        let settings = format!(
            "store = '{}'\nserver = 'main'\nspool = '{}'\n[retention]\npolicy = '30d'\n\
             [drill]\ndirectory = '{}'\npg-bin = '{}'\nno-amcheck = true\n",
            barkeep.url(),
            here("spool"),
            here("drills"),
            pg_bin.parent().unwrap().display(),
        );
        write("barkeep.toml", &settings);
        let names = vec![
            ("'2026-11-21 14:03:07+01'", format!("'{moment}'")),
            ("'2026-01-31 12:00:00+01:00'", format!("'{moment}'")),
            ("file:///mnt/archive", barkeep.url().to_owned()),
            ("/etc/barkeep/", format!("{}/", lab.display())),
            ("/etc/systemd/system", here("units")),
            ("/usr/local/bin", here("bin")),
            ("/var/lib/node_exporter/", format!("{}/", lab.display())),
            ("/var/lib/postgresql/data", server.data().display().to_string()),
            ("/var/run/postgresql", server.sockets().display().to_string()),
            (" /scratch", format!(" {}", here("drills"))),
            ("wal-restore %f %p", format!("wal-restore {segment} {}", here("RECOVERYXLOG"))),
            ("%p", format!("pg_wal/{segment}")),
            ("/tmp/NAME", here(&segment)),
            ("NAME", segment),
            (" DIR", format!(" {}", server.data().display())),
            (" POLICY", " 14d".to_owned()),
            (" ID", format!(" {id}")),
        ];
        let binary = scratch.path("");
        let dirs = [binary, "/usr/bin".into(), "/bin".into()];
        let path = std::env::join_paths(dirs).unwrap();
        let typed = AtomicUsize::new(0);
        Self { names, lab, path, typed, server, _client: client, _scratch: scratch }
    }

    /// Types words of a document as they are meant here.
    pub(crate) fn say(&self, words: &str) -> Answer {
        let mut typed =
            self.names.iter().fold(words.to_owned(), |words, (there, here)| words.replace(there, here));
        // A restore goes into a directory that is not there yet.
        let n = self.typed.fetch_add(1, Ordering::Relaxed);
        typed = typed.replace("/srv/restored", &self.lab.join(format!("restored-{n}")).display().to_string());
        // PostgreSQL calls from its data directory.
        let place = if typed.contains(" pg_wal/") { self.server.data() } else { self.lab.clone() };
        let mut command = as_postgres("bash");
        command
            .args(["-c", &typed])
            .current_dir(place)
            .env("PATH", &self.path)
            .env("HOME", &self.lab)
            .env("BARKEEP_CONFIG", self.lab.join("barkeep.toml"))
            .env("PGHOST", self.server.sockets())
            .env("PGUSER", "postgres");
        let output = run(&mut command, PATIENCE);
        let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat();
        Answer { typed, text, status: output.status.code() }
    }

    /// What PostgreSQL reads in `examples/postgresql.conf` that does not stand there.
    pub(crate) fn differences_of_the_example(&self) -> Vec<String> {
        let example = include_str!("../../examples/postgresql.conf");
        let copy = self.lab.join("postgresql.conf");
        std::fs::write(&copy, example).unwrap();
        let settings = example.lines().filter_map(|line| line.split("  #").next()?.split_once(" = "));
        let read = |name: &str| {
            let mut command = as_postgres(program(NEWEST, "postgres"));
            // No data directory, whose own settings would win.
            command.arg("-D").arg(self.lab.join("units")).args(["-C", name]);
            command.arg("-c").arg(format!("config_file={}", copy.display()));
            let output = run(&mut command, PATIENCE);
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        let differences = settings.filter_map(|(name, value)| {
            let (wanted, read) = (value.trim().trim_matches('\'').replace("5min", "300"), read(name));
            (read != wanted).then(|| format!("examples/postgresql.conf: {name} is {wanted}, read as {read}"))
        });
        differences.collect()
    }

    /// The lines of PostgreSQL's log with this in them.
    pub(crate) fn said_by_the_server(&self, words: &str) -> Vec<String> {
        self.server.log().lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    }
}
