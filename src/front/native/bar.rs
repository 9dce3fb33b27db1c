//! How far a verb has come, shown on the terminal to somebody who watches.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::OutputArgs;
use crate::command::restore::Progress;

/// What is shown while bytes come whose number is known from the beginning.
pub(super) const READING: &str =
    "{bar:30} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";

/// How often it is drawn anew.
const REDRAW: Duration = Duration::from_millis(200);

/// Shows that something is going on, to somebody who watches.
pub(super) fn spinner(output: &OutputArgs, what: &'static str) -> Option<ProgressBar> {
    is_watched(output).then(|| {
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.set_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    })
}

/// Whether somebody watches a terminal who wants to see more than the result.
fn is_watched(output: &OutputArgs) -> bool {
    std::io::stderr().is_terminal() && !output.json.unwrap_or(false) && output.quiet == 0
}

/// A bar that a thread of its own draws until this is dropped.
pub(super) struct Watching {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watching {
    /// A bar that looks like `template` at first, and that `draw` brings up to date again and again;
    /// `None` when nobody watches.
    pub(super) fn begin(
        output: &OutputArgs,
        template: &'static str,
        mut draw: impl FnMut(&ProgressBar) + Send + 'static,
    ) -> Option<Self> {
        is_watched(output).then(|| {
            let (stop, stopped) = mpsc::channel();
            let thread = thread::spawn(move || {
                let bar = ProgressBar::new(0).with_style(style(template));
                while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                    draw(&bar);
                }
                bar.finish_and_clear();
            });
            Self { stop: Some(stop), thread: Some(thread) }
        })
    }
}

impl Watching {
    /// A bar of the bytes that come out of the store; it stays empty until it is known how many there are.
    pub(super) fn bytes(
        output: &OutputArgs,
        template: &'static str,
        progress: &Arc<Progress>,
    ) -> Option<Self> {
        let progress = Arc::clone(progress);
        Self::begin(output, template, move |bar| {
            let (done, total) = progress.bytes();
            if total > 0 {
                bar.set_length(total);
                bar.set_position(done.min(total));
            }
        })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say but to the terminal.
            let _ = thread.join();
        }
    }
}

/// What a bar looks like. The templates are ours; a wrong one would cost it its looks, not the verb.
pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
