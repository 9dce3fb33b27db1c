//! Tokens from `az`, the command-line tool, for whoever has signed in with it.
//!
//! `azure_identity` has this and is not used: it runs `az` in a shell and waits for it without end.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::Environment;
use super::chain::{Link, Ready};
use super::issuer::RESOURCE;
use crate::error::{Error, Result};
use crate::store::http::first_words;
use crate::store::program::{self, Kill};
use crate::store::tokens::{SignIn, Token, is_bearer};

/// What the tool may take: it starts slowly, and may ask Entra ID itself. It is less than half of the usual
/// grace, which is what signing in gets of an attempt, so that it is told what was waited for.
const LIMIT: Duration = Duration::from_secs(9);

/// The tool.
#[derive(Debug)]
pub(super) struct Cli {
    program: PathBuf,
    /// A digest of what tells who has signed in with it.
    profile: String,
    limit: Duration,
}

impl Cli {
    /// The tool as `PATH` has it.
    pub(super) fn find(environment: Environment<'_>) -> Ready<Self> {
        let path = environment("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).filter(|place| place.is_absolute());
        let program = places.map(|place| place.join("az")).find(|program| is_program(program));
        let program = program.ok_or_else(|| "az is not in PATH".to_owned())?;
        Ok(Self { program, profile: profile(environment), limit: LIMIT })
    }

    /// Runs it, to its end or the limit's. It is often a script that starts another program, and both must go.
    async fn run(&self) -> Result<Output> {
        let program = self.program.display();
        let mut tool = Command::new(&self.program);
        tool.args(["account", "get-access-token", "--output", "json", "--resource", RESOURCE]);
        tool.stderr(Stdio::piped());
        let ended = program::run(tool, self.limit, Kill::Group).await;
        let ended = ended.map_err(|e| Error::usage(format!("{program} cannot be run: {e}")))?;
        let late = || format!("{program} has not answered within {:.0?}", self.limit);
        ended.ok_or_else(|| Error::unavailable(late()))
    }
}

#[async_trait]
impl SignIn for Cli {
    fn identity(&self) -> String {
        format!("whoever has signed in with {} (profile {})", self.program.display(), self.profile)
    }

    async fn fetch(&self) -> Result<Token> {
        let Output { status, stdout, stderr } = self.run().await?;
        let program = self.program.display();
        if !status.success() {
            let stderr = String::from_utf8_lossy(&stderr);
            let told = first_words(&stderr);
            return Err(Error::denied(format!("{program} failed ({status}): {told}"))
                .hint("run `az account get-access-token` by hand; `az login` signs in"));
        }
        let old =
            || Error::usage(format!("{program} gives no token with its end")).hint("use az 2.54 or newer");
        read_token(&String::from_utf8_lossy(&stdout)).ok_or_else(old)
    }
}

impl Link for Cli {
    fn name(&self) -> String {
        "az".to_owned()
    }
}

/// What the tool prints has two ends: `expiresOn` in local time without its zone, and since version 2.54
/// `expires_on` in seconds since 1970, which alone says when.
fn read_token(stdout: &str) -> Option<Token> {
    let told: Value = serde_json::from_str(stdout).ok()?;
    let text = told.get("accessToken")?.as_str()?.to_owned();
    let expires = Timestamp::from_second(told.get("expires_on")?.as_i64()?).ok()?;
    is_bearer(&text).then_some(Token { text, expires })
}

/// Which accounts the tool has, and which of them it uses: `azureProfile.json` in its folder, written
/// anew by `az login`, `az logout` and `az account set`. Tokens that it gave before belong to somebody else.
fn profile(environment: Environment<'_>) -> String {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("AZURE_CONFIG_DIR").or_else(|| Some(set("HOME")?.join(".azure"))).unwrap_or_default();
    let said = fs_err::read(folder.join("azureProfile.json")).unwrap_or_default();
    let digest = Sha256::new().chain_update(folder.as_os_str().as_encoded_bytes()).chain_update(said);
    hex::encode(&digest.finalize()[..8])
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Instant;

    use tokio::time;

    use super::*;
    use crate::error::ErrorKind;

    /// A tool that is this script, in a directory of its own.
    fn tool(script: &str, limit: Duration) -> (tempfile::TempDir, Cli) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("az");
        fs_err::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        (dir, Cli { program, profile: String::new(), limit })
    }

    #[tokio::test]
    async fn a_tool_that_hangs_is_killed_with_all_that_it_has_started() {
        let script = r#"sleep 60 & echo $! > "${0%/*}/child"; wait"#;
        let (dir, cli) = tool(script, Duration::from_secs(2));
        let began = Instant::now();
        let error = cli.fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("within 2s"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        let child: i32 = fs_err::read_to_string(dir.path().join("child")).unwrap().trim().parse().unwrap();
        // Whoever adopted it may take a moment to bury it.
        let is_alive = || {
            let stat = fs_err::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim().starts_with('Z'))
        };
        for _ in 0..100 {
            if !is_alive() {
                return;
            }
            time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{child} lives on");
    }

    #[tokio::test]
    async fn a_tool_is_found_in_the_path_only_where_it_can_be_run() {
        let (dir, cli) = tool("exit 3", LIMIT);
        let path = format!("relative:/nonexistent:{}", dir.path().display());
        let found = || Cli::find(&|name| (name == "PATH").then(|| path.clone().into()));
        assert_eq!(found().unwrap().program, cli.program);
        assert!(cli.fetch().await.unwrap_err().to_string().contains("exit status: 3"));
        fs_err::set_permissions(&cli.program, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(found().unwrap_err(), "az is not in PATH");
    }
}
