//! argv in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    barkeep::front::run(std::env::args_os())
}
