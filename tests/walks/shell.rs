//! One shell that a walk is typed into.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::scene::Scene;
use crate::common;

/// What no command may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// What is said behind each command's answer, with its status.
const END: &str = "--- end of the answer:";

/// A running shell. Dropping it ends it.
pub(crate) struct Shell {
    process: Child,
    words: ChildStdin,
    lines: Receiver<String>,
}

/// What a command says, and its exit status.
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) status: i32,
}

impl Shell {
    /// Starts one where the walk begins, as the user that PostgreSQL runs as.
    pub(crate) fn start(scene: &Scene) -> Self {
        let mut command = common::as_postgres("bash");
        command.args(["--noprofile", "--norc"]).current_dir(scene.place()).envs(scene.environment());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (words, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(answers).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let mut shell = Self { process, words, lines };
        writeln!(shell.words, "exec 2>&1").unwrap();
        shell
    }

    /// Types a command and waits for its answer.
    pub(crate) fn say(&mut self, command: &str) -> Answer {
        writeln!(self.words, "{command}\nprintf '\\n%s%d\\n' '{END}' $?").unwrap();
        let begun = Instant::now();
        let mut text = String::new();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("$ {command}\nis without an answer:\n{text}")
            };
            if let Some(status) = line.strip_prefix(END) {
                // The line's end before the mark is ours, unless the answer had none.
                text.pop();
                return Answer { text, status: status.parse().unwrap() };
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
