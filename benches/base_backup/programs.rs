//! Where the programs of others are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// PostgreSQL's programs. Only the newest major's package has the clients, which work with all.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    servers: PathBuf,
    major: u32,
}

impl Programs {
    /// Those that `make servers` installs, for a server of this major.
    pub(crate) fn new(target: &Path, major: u32) -> Self {
        let servers =
            std::env::var_os("BARKEEP_SERVERS").map_or_else(|| target.join("servers"), PathBuf::from);
        // The user `postgres` may not be able to go through a link.
        Self { servers: servers.canonicalize().unwrap_or(servers), major }
    }

    /// A program of the server's own major.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.servers.join(format!("postgres-{}/bin", self.major)).join(name)
    }

    /// A client.
    pub(crate) fn newest(&self, name: &str) -> PathBuf {
        self.servers.join("postgres-18/bin").join(name)
    }

    /// `pg_basebackup`: Debian's, which can compress with zstd, if it is new enough for the server.
    pub(crate) fn pg_basebackup(&self) -> PathBuf {
        let mut debian = (self.major..=self.major + 10)
            .map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/pg_basebackup")));
        debian.find(|program| program.is_file()).unwrap_or_else(|| self.newest("pg_basebackup"))
    }

    /// A program of barman-cloud or of the system; `None` when it is not there.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let path: OsString = std::env::var_os("PATH").unwrap_or_default();
        let barman = std::iter::once(self.servers.join("barman/bin"));
        let mut places = barman.chain(std::env::split_paths(&path)).map(|place| place.join(name));
        places.find(|program| program.is_file())
    }
}
