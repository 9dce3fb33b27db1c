//! The parts this binary plays when it starts itself again.
//!
//! The benchmark's own process stays small and does nothing but start commands and wait: the kernel
//! counts the peak memory of whoever started a command into the command's. Everything that needs
//! memory or a runtime is a process of its own.

use std::env;
use std::io::{Write, stdout};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bare_cost::{self, Errand};
use crate::stub::{self, Endpoint, Setup};

const VARIABLE: &str = "BARKEEP_BENCH_ROLE";

/// A part to play.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Be a stub.
    Stub(Setup),
    /// Check with the SDK that S3's stub is S3 enough.
    Conformity(Endpoint),
    /// Compress and transfer, and time nothing else.
    BareCost(Errand),
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

    /// Has the part played to its end and gives what it printed.
    pub(crate) fn ask(&self) -> Result<String> {
        let output = self.command()?.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{self:?} ended with {}", output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Plays it.
    pub(crate) fn play(&self) -> Result<()> {
        match self {
            Self::Stub(setup) => stub::serve(setup),
            Self::Conformity(endpoint) => stub::prove(endpoint),
            Self::BareCost(errand) => {
                Ok(writeln!(stdout(), "{}", serde_json::to_string(&bare_cost::measure(errand)?)?)?)
            }
        }
    }
}
