//! The words of `wal-restore`.

#![expect(clippy::doc_markdown, reason = "what documents a flag is its help text, printed as it stands")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::render::{Report, Restored};
use super::settings::Settings;
use super::tallied::Tallied;
use super::{Around, told};
use crate::command::wal_restore::{self, Partials};
use crate::error::Result;
use crate::front::exit::OnError;
use crate::front::quantity::{Depth, Span};
use crate::front::run::block_on;
use crate::model::WalName;

/// Bring one WAL file out of the archive: PostgreSQL's restore_command
///
/// Verifies every byte before PostgreSQL sees it, and fetches ahead what PostgreSQL will ask for next.
/// When the archive cannot be asked during recovery, PostgreSQL is stopped instead of being told that
/// there is no more WAL, so that an outage never ends in a truncated database.
#[derive(Debug, Args)]
pub(crate) struct WalRestore {
    /// The file PostgreSQL asks for, its %f
    #[arg(value_name = "NAME")]
    name: WalName,
    /// Where the file is to appear, PostgreSQL's %p
    #[arg(value_name = "DESTINATION")]
    pub(super) destination: PathBuf,
    #[command(flatten)]
    pub(super) own: WalRestoreArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[wal-restore]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct WalRestoreArgs {
    /// Never deliver a .partial segment when the complete one is missing
    #[arg(
        long, env = "BARKEEP_WAL_RESTORE_NO_PARTIAL", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_partial: Option<bool>,
    /// Fetch up to this many segments ahead, 0 to 32 [default: 32]
    #[arg(long, value_name = "N", env = "BARKEEP_WAL_RESTORE_WINDOW")]
    #[serde(with = "text")]
    window: Option<Depth>,
    /// Try a failing request again so long [default: 5min during recovery, else 30s]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_WAL_RESTORE_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
    /// Stop PostgreSQL on a failure, or not [default: auto]
    #[arg(long, value_name = "WHAT", env = "BARKEEP_WAL_RESTORE_ON_ERROR")]
    pub(super) on_error: Option<OnError>,
}

layer!(WalRestoreArgs: no_partial, window, retry_for, on_error);

impl WalRestore {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.wal_restore.clone());
        let request = own.request(self.name, self.destination, &settings)?;
        let tallied = Tallied::begin(&settings.spool);
        let end = block_on(wal_restore::run(&request, &settings.wire));
        tallied.restored(&request, &end);
        told(end.map(|outcome| Restored(request.name, outcome)))
    }
}

impl WalRestoreArgs {
    /// What the verb is asked to do.
    fn request(
        &self,
        name: WalName,
        destination: PathBuf,
        settings: &Settings,
    ) -> Result<wal_restore::Request> {
        Ok(wal_restore::Request {
            name,
            destination,
            partials: if self.no_partial.unwrap_or(false) { Partials::Never } else { Partials::ToPostgres },
            trust_empty: false,
            window: self.window.unwrap_or(Depth::MAX).0,
            spool: Some(settings.spool.clone()),
            batch: None,
            retry_for: self.retry_for.map(|span| span.0),
            max_attempts: settings.max_attempts,
            filler: filler(settings)?,
            now: settings.now,
        })
    }
}

/// How this very program is started as the filler; which window to fill is added by who starts it.
fn filler(settings: &Settings) -> Result<Vec<OsString>> {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut words = vec![program.into_os_string(), "wal-prefetch".into()];
    words.extend(settings.words()?);
    Ok(words)
}
