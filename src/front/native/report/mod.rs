//! The words of `report`; [`page`] is what comes of it.

mod archive;
mod html;
mod outlook;
mod page;
mod sizes;
mod svg;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::args::{Layer as _, Shared, layer, text};
use super::render::{Report as Told, line};
use super::render_backups::size;
use super::retention::LEFTOVERS_AFTER;
use super::{Around, told};
use crate::command::{report, status};
use crate::error::{Error, Result};
use crate::front::run::block_on;
use crate::model::{Health, RetentionPolicy, RetentionRule};
use crate::postgres::AskArchiving;

/// Write a page: what can be recovered, what is at risk, what will go when
///
/// One HTML file that needs nothing else: the verdict and what to type, the map, windows, backups, WAL, sizes
/// by day, what the retention policy will let go, and what was verified and drilled. Thresholds, and the
/// server that is asked, are those of the section [status]. What is found does not decide the exit status.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Write it here, over what is there; - is standard output
    file: PathBuf,
    #[command(flatten)]
    pub(super) own: ReportArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[report]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct ReportArgs {
    /// Foretell what this policy lets go: REDUNDANCY 3, or 14d, 4w, 6m
    ///
    /// As `barkeep retention` reads it: also RECOVERY WINDOW OF 14 DAYS.
    #[arg(long, value_name = "POLICY", env = "BARKEEP_REPORT_RETENTION")]
    #[serde(with = "text")]
    retention: Option<RetentionPolicy>,
    /// Show what `barkeep drill --json` has written to this file
    #[arg(long, value_name = "FILE", env = "BARKEEP_REPORT_DRILL_REPORT")]
    drill_report: Option<PathBuf>,
}

layer!(ReportArgs: retention, drill_report);

/// No report of a drill is longer, in bytes.
const LONGEST: u64 = 4 << 20;

impl Report {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Told>> {
        let to_stdout = self.file == Path::new("-");
        if to_stdout && around.output.json.unwrap_or(false) {
            return Err(Error::usage("--json and a page on standard output exclude each other")
                .hint("name a FILE for the page"));
        }
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.report.clone());
        // Before anything is asked of the store.
        let drill = own.drill_report.as_deref().map(read_drill).transpose()?;
        let status = around.file.sections.status.clone();
        let server = status.connection(around)?;
        let retention = &around.file.sections.retention;
        let request = report::Request {
            status: status::Request { read_ends: true, ..status.request(&settings) },
            rule: own.retention.map(|policy| RetentionRule {
                policy,
                minimum: retention.minimum_redundancy.unwrap_or(0),
                leftovers_after: retention.leftovers_after.map_or(LEFTOVERS_AFTER, |span| span.0),
            }),
        };
        let connect = server.as_ref().map(|server| server as &dyn AskArchiving);
        let outcome = block_on(report::run(&request, &settings.wire, connect))?;
        let page = page::page(&outcome, drill.as_ref());
        if !to_stdout {
            report::store(&self.file, &page)?;
        }
        let health = outcome.status.health();
        told(Ok(Written { file: (!to_stdout).then_some(self.file), page, health }))
    }
}

/// What `drill --json` has told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct DrillReport {
    archive: String,
    passed: bool,
    backup: Option<String>,
    reached_lsn: Option<String>,
    reached_time: Option<String>,
    timeline: Option<u32>,
    #[serde(default)]
    checks: Vec<DrillCheck>,
    seconds: f64,
    finished: String,
    error: Option<DrillError>,
}

/// One of its checks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct DrillCheck {
    name: String,
    result: String,
    text: String,
}

/// Why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct DrillError {
    message: String,
}

fn read_drill(path: &Path) -> Result<DrillReport> {
    let refused = |why: String| Error::usage(format!("the report of a drill in {}: {why}", path.display()));
    let mut text = String::new();
    let file = fs_err::File::open(path).map_err(|e| Error::usage(e.to_string()))?;
    file.take(LONGEST).read_to_string(&mut text).map_err(|e| refused(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| {
        refused(format!("it makes no sense: {e}")).hint("it is what `barkeep drill --json` has written")
    })
}

/// The end of `report`.
struct Written {
    /// Where the page is; on standard output without one.
    file: Option<PathBuf>,
    page: String,
    health: Health,
}

impl Told for Written {
    fn text(&self) -> String {
        match &self.file {
            Some(file) => {
                let (bytes, health) = (size(self.page.len() as u64), self.health.name());
                format!("wrote {} ({bytes}); the archive is: {health}\n", file.display())
            }
            None => self.page.clone(),
        }
    }

    fn json(&self) -> String {
        line(&WrittenJson {
            file: self.file.as_ref().map(|file| file.display().to_string()),
            bytes: self.page.len() as u64,
            health: self.health.name(),
            exit: self.exit().code(),
        })
    }

    fn log(&self) {
        tracing::info!(bytes = self.page.len(), health = self.health.name(), "reported");
    }
}

/// Field names are stable.
#[derive(Serialize)]
struct WrittenJson {
    file: Option<String>,
    bytes: u64,
    health: &'static str,
    exit: u8,
}
