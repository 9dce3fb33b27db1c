//! `pg_amcheck` over every database of a server of ours.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::{Programs, alone, log_file, server, tail};
use crate::error::{Error, Result};

/// How many of its lines are quoted.
const QUOTED: usize = 5;
const LOG: &str = "amcheck.log";

/// What it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amcheck {
    /// Nothing is amiss.
    Sound,
    /// This is.
    Amiss(String),
}

/// Checks every heap and B-tree of every database that takes sessions. Kind `Server` when it cannot be run or
/// takes longer than `limit`.
pub async fn amcheck(
    programs: &Programs,
    home: &Path,
    role: &str,
    database: &str,
    limit: Duration,
) -> Result<Amcheck> {
    let program = programs.program("pg_amcheck");
    let program = program.ok_or_else(|| Error::usage("there is no pg_amcheck"))?;
    let mut command = Command::new(program);
    command.arg("--host").arg(home).args(["--port=5432", "--no-password", "--all", "--install-missing"]);
    command.arg(format!("--username={role}")).arg(format!("--maintenance-db={database}"));
    command.process_group(0).kill_on_drop(true).current_dir(home).stdin(Stdio::null());
    command.env("PGAPPNAME", "barkeep drill");
    alone(&mut command);
    let log = log_file(&home.join(LOG))?;
    command.stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().map_err(|e| server(format!("pg_amcheck cannot be started: {e}")))?;
    let status = timeout(limit, child.wait()).await;
    let status = status.map_err(|_| server(format!("pg_amcheck has not ended within {limit:?}")))??;
    let said = tail(&home.join(LOG));
    Ok(if status.success() { Amcheck::Sound } else { Amcheck::Amiss(first_lines(&said)) })
}

fn first_lines(said: &str) -> String {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let quoted: Vec<&str> = lines.by_ref().take(QUOTED).collect();
    let more = lines.count();
    let text = quoted.join("; ");
    match (quoted.is_empty(), more) {
        (true, _) => "pg_amcheck failed and did not say why".to_owned(),
        (_, 0) => text,
        _ => format!("{text}; and {more} more lines"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_complaint_is_cut_and_says_so() {
        assert_eq!(first_lines("a\n\n  b\n"), "a; b");
        assert_eq!(first_lines(&"x\n".repeat(7)), "x; x; x; x; x; and 2 more lines");
        assert!(!first_lines("").is_empty());
    }
}
