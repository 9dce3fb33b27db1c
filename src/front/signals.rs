//! SIGINT and SIGTERM for verbs that have something to put in order before they end.
//!
//! The first of them asks the verb to stop; the process then ends as if the signal had killed it, so that
//! a shell, `systemd` or `make` sees what it expects. A second one kills at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;
use crate::error::{Error, ErrorKind, Result};

/// The signal that was caught, or 0. Signals are the process's, and so is this.
static CAUGHT: AtomicI32 = AtomicI32::new(0);

/// Lets a write beyond the limit on file sizes fail as an error that is told, with its path, instead of
/// killing the process: to PostgreSQL's archiver a command that died of a signal is a reason to die itself.
pub(crate) fn outlive_file_size_limits() {
    // Where the handler cannot be had, everything is as it was.
    let _ = signal_hook::flag::register(rustix::process::Signal::XFSZ.as_raw(), Arc::default());
}

/// Turns true when the process is asked to end. Must be called within a runtime.
pub(crate) fn asked_to_stop() -> Result<watch::Receiver<bool>> {
    let (stop, asked) = watch::channel(false);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => SIGINT,
                _ = terminate.recv() => SIGTERM,
            }
        };
        CAUGHT.store(next().await, Ordering::SeqCst);
        stop.send_replace(true);
        let again = next().await;
        die(again);
    });
    Ok(asked)
}

/// Runs a verb that only reads to its end, or until the process is asked to end: nothing is left undone then.
pub(crate) async fn unless_asked_to_stop<T>(verb: impl Future<Output = Result<T>>) -> Result<T> {
    let mut stop = asked_to_stop()?;
    tokio::select! {
        biased;
        // It cannot fail while whoever waits for signals lives, who lives as long as the runtime.
        Ok(_) = stop.wait_for(|asked| *asked) => {
            Err(Error::new(ErrorKind::Interrupted, "interrupted by a signal before it was found"))
        }
        outcome = verb => outcome,
    }
}

/// The status of a run that a signal ended: which one it was is known here only.
pub(crate) fn which(exit: Exit) -> Exit {
    match CAUGHT.load(Ordering::SeqCst) {
        SIGTERM if exit == Exit::Interrupted => Exit::Terminated,
        _ => exit,
    }
}

/// Ends the process as the signal does that stands behind this status; for any other it does nothing.
pub(crate) fn die_of(exit: Exit) {
    match exit {
        Exit::Interrupted => die(SIGINT),
        Exit::Terminated => die(SIGTERM),
        _ => {}
    }
}

fn die(signal: i32) {
    // Only fails for a number that is no signal.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
