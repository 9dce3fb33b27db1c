//! The parts this binary plays when it starts itself again: the S3 stub, and its examiner. Why they are
//! processes of their own, the other benchmark's `role.rs` says.

use std::env;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::stub::{self, Endpoint, Setup};

const VARIABLE: &str = "BARKEEP_BENCH_ROLE";

/// A part to play.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Be the S3 stub.
    Stub(Setup),
    /// Check with the SDK that the stub is S3 enough.
    Conformity(Endpoint),
}

impl Role {
    /// The part this process was started for; `None` for the benchmark itself.
    pub(crate) fn of_this_process() -> Result<Option<Self>> {
        env::var(VARIABLE).ok().map(|role| Ok(serde_json::from_str(&role)?)).transpose()
    }

    /// The command that plays the part.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.env(VARIABLE, serde_json::to_string(self)?);
        Ok(command)
    }

    /// Has the part played to its end.
    pub(crate) fn ask(&self) -> Result<()> {
        let status = self.command()?.stdin(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(format!("{self:?} ended with {status}").into()) }
    }

    /// Plays it.
    pub(crate) fn play(&self) -> Result<()> {
        match self {
            Self::Stub(setup) => stub::serve(setup),
            Self::Conformity(endpoint) => stub::prove(endpoint),
        }
    }
}
