//! Log lines as the dialect has them: `2026-01-02 03:04:05,678 [123] ERROR: text`, local time, to standard
//! error (spec/barman-cloud.md 1.4).

use std::fmt::{self, Write as _};
use std::io;

use jiff::Zoned;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::Error;
use crate::front::log::ours;

/// So much of a text stands in a line, in bytes. A store may answer at any length, and a line of a mebibyte
/// breaks those who collect them (spec/cloudnativepg.md 1.5).
const LONGEST_TEXT: usize = 16 << 10;

/// Sets up logging for the rest of the process, from the number of `-v` and `-q`.
pub(super) fn start(verbose: u8, quiet: u8) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .log_internal_errors(false)
        .event_format(Line);
    let _ = Registry::default().with(lines.with_filter(ours(level(verbose, quiet)))).try_init();
}

/// How much is logged: warnings when nothing is said, at most debugging, and nothing where only what is
/// critical was asked for.
fn level(verbose: u8, quiet: u8) -> LevelFilter {
    match i16::from(verbose) - i16::from(quiet) {
        ..=-2 => LevelFilter::OFF,
        -1 => LevelFilter::ERROR,
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2.. => LevelFilter::DEBUG,
    }
}

/// Says why a command failed, with what to do about it on the same line: each line becomes a record of its
/// own where they are collected.
pub(super) fn failure(error: &Error) {
    let hint = error.hint_text().map(|hint| format!(" ({hint})")).unwrap_or_default();
    tracing::error!("{error}{hint}");
}

/// The form of a line.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        writeln!(line, "{}", spelled(&Zoned::now(), std::process::id(), *event.metadata().level(), &text))
    }
}

fn spelled(now: &Zoned, process: u32, level: Level, text: &str) -> String {
    let name = match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    };
    let mut text = text.lines().collect::<Vec<_>>().join(" ");
    if let Some(rest) = text.len().checked_sub(LONGEST_TEXT).filter(|rest| *rest > 0) {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        let _ = write!(text, " ... and {rest} bytes more");
    }
    format!("{} [{process}] {name}: {text}", now.strftime("%Y-%m-%d %H:%M:%S,%3f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_local_time_with_a_comma_process_level_and_text_on_one_line() {
        let now: Zoned = "2026-01-02T03:04:05.0678+01:00[+01:00]".parse().unwrap();
        assert_eq!(
            spelled(&now, 123, Level::WARN, "one\ntwo"),
            "2026-01-02 03:04:05,067 [123] WARNING: one two"
        );
    }

    #[test]
    fn a_text_without_end_does_not_make_a_line_without_end() {
        let now: Zoned = "2026-01-02T03:04:05+00:00[+00:00]".parse().unwrap();
        let line = spelled(&now, 123, Level::ERROR, &"ä".repeat(LONGEST_TEXT));
        assert!(line.len() < LONGEST_TEXT + 100, "{} bytes", line.len());
        assert!(line.ends_with("ä ... and 16384 bytes more"), "{}", &line[line.len() - 60..]);
    }

    #[test]
    fn each_v_lowers_the_threshold_a_step_but_never_below_debugging() {
        let levels: Vec<_> = [(0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (9, 0), (0, 255)]
            .into_iter()
            .map(|(v, q)| level(v, q).to_string())
            .collect();
        assert_eq!(levels, ["off", "error", "warn", "info", "debug", "debug", "off"]);
    }
}
