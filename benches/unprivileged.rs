//! PostgreSQL refuses to run as root: whom it runs as then.

use std::path::Path;
use std::process::Command;

/// The user that Debian's packages make, and the tests take.
pub(crate) const UNPRIVILEGED_USER: &str = "postgres";

/// A program as that user when we are root, else as ourselves.
pub(crate) fn unprivileged(program: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", UNPRIVILEGED_USER, "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}
