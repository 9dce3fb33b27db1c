//! Log lines: to standard error, as text for people or as JSON for collectors.

use std::fmt;
use std::io;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// Time, level, message
    #[default]
    Text,
    /// One object a line
    Json,
}

/// How much is logged, from the number of `-v` and `-q`: warnings when nothing is said.
pub(crate) fn level(verbose: u8, quiet: u8) -> LevelFilter {
    match i16::from(verbose) - i16::from(quiet) {
        ..=-2 => LevelFilter::OFF,
        -1 => LevelFilter::ERROR,
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        3.. => LevelFilter::TRACE,
    }
}

/// Sets up logging for the rest of the process. A second call changes nothing.
pub(crate) fn start(level: LevelFilter, format: Format) {
    if level == LevelFilter::OFF {
        return;
    }
    // Whoever closed standard error does not want to know, and trouble with it is no reason to panic.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_timer(Utc)
        .with_ansi(false)
        .log_internal_errors(false);
    let lines = match format {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let _ = Registry::default().with(lines.with_filter(ours(level))).try_init();
}

/// Only what we say ourselves. The libraries that sign in and talk to the service print whole answers,
/// even in warnings, and an answer may be a credential; what fails there comes back as an error anyway.
pub(crate) fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_default(LevelFilter::OFF).with_target(env!("CARGO_CRATE_NAME"), level)
}

/// Time in UTC, to the millisecond.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn no_library_gets_a_word_in() {
        let targets = ours(LevelFilter::TRACE);
        assert!(targets.would_enable("barkeep::command::check", &Level::TRACE));
        assert!(!targets.would_enable("aws_config::meta::credentials::chain", &Level::ERROR));
        assert!(!targets.would_enable("hyper_util::client", &Level::ERROR));
    }

    #[test]
    fn each_v_says_more_and_each_q_less() {
        let levels: Vec<_> = [(0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (3, 0), (1, 1), (255, 0), (0, 255)]
            .into_iter()
            .map(|(v, q)| level(v, q).to_string())
            .collect();
        assert_eq!(levels, ["off", "error", "warn", "info", "debug", "trace", "warn", "trace", "off"]);
    }
}
