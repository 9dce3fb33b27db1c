//! PostgreSQL's programs of one major, found on this machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::error::{Context as _, Error, Result};

/// How long a program may take to say what it is.
const ANSWER: Duration = Duration::from_secs(10);

/// PostgreSQL's programs of one major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    directory: PathBuf,
    major: u32,
}

impl Programs {
    /// Finds them in the directory that is `named`, else in one of `path`, else where packages put them.
    /// Kind `Usage` when there are none, or of another major.
    pub async fn find(major: u32, named: Option<&Path>, path: &[PathBuf]) -> Result<Self> {
        if let Some(named) = named {
            let found = major_in(named).await.context(|| format!("look into {}", named.display()))?;
            if found != major {
                let why = format!("the backup is of PostgreSQL {major}, and {} has {found}", named.display());
                return Err(Error::usage(why).hint("name the directory with --pg-bin"));
            }
            return Ok(Self { directory: named.to_owned(), major });
        }
        let usual = [
            format!("/usr/lib/postgresql/{major}/bin"),
            format!("/usr/pgsql-{major}/bin"),
            "/usr/lib/postgresql/bin".to_owned(),
            "/usr/local/pgsql/bin".to_owned(),
            "/usr/local/bin".to_owned(),
            "/usr/bin".to_owned(),
        ];
        for directory in path.iter().cloned().chain(usual.map(PathBuf::from)) {
            let there = directory.is_absolute() && directory.join("postgres").is_file();
            if there && major_in(&directory).await.is_ok_and(|found| found == major) {
                return Ok(Self { directory, major });
            }
        }
        let why = format!("the backup is of PostgreSQL {major}, of which no server is found on this machine");
        Err(Error::usage(why).hint("install it, or name the directory of its programs with --pg-bin"))
    }

    /// The major.
    pub const fn major(&self) -> u32 {
        self.major
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// One of them, if it is there: packages leave out some.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        Some(self.directory.join(name)).filter(|program| program.is_file())
    }
}

/// The major of the server in this directory, as it says itself.
async fn major_in(directory: &Path) -> Result<u32> {
    let mut command = Command::new(directory.join("postgres"));
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(ANSWER, command.output()).await;
    let output = output.map_err(|_| Error::usage(format!("postgres does not answer within {ANSWER:?}")))?;
    let output = output.map_err(|e| Error::usage(format!("postgres cannot be started: {e}")))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    major_of(&said).ok_or_else(|| Error::usage("postgres does not say which PostgreSQL it is"))
}

/// `postgres (PostgreSQL) 18.1 (Debian 18.1-1)` is 18, and so is `18beta1`.
fn major_of(said: &str) -> Option<u32> {
    let version = said.split_once(") ")?.1;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_its_major_in_many_ways() {
        for (said, major) in [
            ("postgres (PostgreSQL) 18.1 (Debian 18.1-1.pgdg13+2)\n", Some(18)),
            ("postgres (PostgreSQL) 13.16\n", Some(13)),
            ("postgres (PostgreSQL) 19devel\n", Some(19)),
            ("postgres (PostgreSQL) \n", None),
            ("something else", None),
        ] {
            assert_eq!(major_of(said), major, "{said}");
        }
    }
}
