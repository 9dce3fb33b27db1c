//! `barman-cloud-wal-restore`: one WAL file out of the archive (spec/barman-cloud.md 2.2).

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use jiff::Timestamp;
use tracing::info;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::place;
use super::words::{Common, CustomerKey};
use crate::command::wal_restore::{self, Batch, Caller, Folder, Outcome, Partials};
use crate::error::Error;
use crate::model::WalName;

/// Bring one WAL file out of the archive
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-wal-restore", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// The file PostgreSQL asks for, its %f
    #[arg(value_name = "WAL_NAME")]
    wal_name: String,
    /// Where it is to appear, its %p
    #[arg(value_name = "WAL_DEST")]
    wal_dest: PathBuf,
    /// Never deliver a partial segment
    #[arg(long)]
    no_partial: bool,
    /// Fetch so many at once, this one included
    #[arg(short, long, value_name = "N", allow_negative_numbers = true)]
    parallel: Option<i64>,
    /// Where the others go
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    #[command(flatten)]
    key: CustomerKey,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }

    fn sound(&self) -> Result<(), Failure> {
        name(&self.wal_name).map(drop)
    }
}

/// Where segments that are fetched ahead go when nothing is said.
const SPOOL: &str = "/var/tmp/walrestore";

/// What a whole call may take that a failure of which ends recovery: nobody ends it from outside.
const RECOVERY: Duration = Duration::from_mins(30);

/// The same for a standby, which asks again by itself, and everybody else. Fetching ahead is in it.
const OTHERS: Duration = Duration::from_mins(6);

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let name = name(&words.wal_name)?;
    let wire = place::wire(&words.common, Some(&words.key), None)?;
    if is_never_served(&name, words.no_partial) {
        return Err(missing(words));
    }
    let request = words.request(name)?;
    let limit = match Caller::of(&request.destination) {
        Caller::Recovery => RECOVERY,
        Caller::Standby | Caller::Other => OTHERS,
    };
    match door.deadline(limit, wal_restore::run(&request, &wire))? {
        Outcome::Delivered { from, partial } => {
            info!("{name} is at its destination, from {from:?}, partial: {partial}");
            Ok(Code::Success)
        }
        Outcome::Missing => Err(missing(words)),
    }
}

impl Words {
    /// What the verb is asked to do: nothing is written but the destination, and the spool when that is
    /// asked for.
    fn request(&self, name: WalName) -> Result<wal_restore::Request, Failure> {
        Ok(wal_restore::Request {
            name,
            destination: self.wal_dest.clone(),
            partials: if self.no_partial { Partials::Never } else { Partials::Always },
            // A server that has archived nothing has no WAL, which is the answer that is expected.
            trust_empty: true,
            window: 0,
            spool: None,
            batch: if name.segment().is_some() { self.batch()? } else { None },
            retry_for: None,
            max_attempts: None,
            filler: Vec::new(),
            now: Timestamp::now(),
        })
    }

    /// What is fetched ahead. A spool that is only to be looked into is not made.
    fn batch(&self) -> Result<Option<Batch>, Failure> {
        let parallel = self.parallel.unwrap_or(0).max(1);
        let successors = u8::try_from(parallel - 1).unwrap_or(u8::MAX);
        let folder = match &self.spool_dir {
            Some(folder) if successors > 0 || folder.is_dir() => folder.as_path(),
            None if successors > 0 => Path::new(SPOOL),
            _ => return Ok(None),
        };
        let folder = Folder::open(folder).map_err(|e| Failure::new(Code::Network, e))?;
        Ok(Some(Batch { folder, successors }))
    }
}

fn name(text: &str) -> Result<WalName, Failure> {
    let refused = |_| Error::usage(format!("{text} is an invalid name for a WAL file"));
    text.parse().map_err(|e: Error| Failure::new(Code::Words, refused(e)))
}

/// Labels never are: PostgreSQL has no use for them (spec/barman-cloud.md 2.2).
const fn is_never_served(name: &WalName, no_partial: bool) -> bool {
    match name {
        WalName::Label { .. } => true,
        WalName::Partial(_) => no_partial,
        WalName::Segment(_) | WalName::History(_) => false,
    }
}

fn missing(words: Words) -> Failure {
    let Words { wal_name, common, .. } = words;
    let text = format!("WAL file {wal_name} for server {} does not exist", common.server);
    Failure::new(Code::Operation, Error::not_found(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "000000010000000000000001";

    fn words(more: &[&str]) -> Words {
        Words::try_parse_from([&["x", "s3://b", "s", NAME, "d"][..], more].concat()).unwrap()
    }

    #[test]
    fn nothing_is_kept_or_fetched_ahead_unless_it_is_asked_for() {
        for unasked in [&[][..], &["-p", "0"], &["-p1"], &["--parallel=-3"], &["--spool-dir", "/nonexistent"]]
        {
            let request = words(unasked).request(name(NAME).unwrap()).unwrap();
            assert_eq!((request.spool, request.batch, request.window), (None, None, 0), "{unasked:?}");
            assert!(request.filler.is_empty());
        }
    }

    #[test]
    fn so_many_at_once_include_the_one_that_is_asked_for_and_histories_come_alone() {
        let dir = tempfile::tempdir().unwrap();
        let spool = dir.path().join("spool");
        let asked = words(&["--parallel", "4", "--spool-dir", spool.to_str().unwrap()]);
        let history = asked.request(name("00000002.history").unwrap()).unwrap();
        assert!(history.batch.is_none() && !spool.exists());
        let segment = asked.request(name(NAME).unwrap()).unwrap();
        assert_eq!(segment.batch.unwrap().successors, 3);
        assert!(spool.is_dir());
    }

    #[test]
    fn a_spool_that_cannot_be_made_has_a_status_of_its_own() {
        let asked = words(&["-p2", "--spool-dir", "/dev/null/spool"]);
        assert_eq!(asked.request(name(NAME).unwrap()).unwrap_err().code, Code::Network);
    }

    #[test]
    fn labels_are_never_served_and_partials_unless_they_are_not_wanted() {
        let served = |text: &str, no_partial| !is_never_served(&name(text).unwrap(), no_partial);
        assert!(!served("000000010000000000000001.00000028.backup", false));
        assert!(served("000000010000000000000001.partial", false));
        assert!(!served("000000010000000000000001.partial", true));
        assert!(served(NAME, true) && served("00000002.history", true));
        assert_eq!(name("junk").unwrap_err().code, Code::Words);
    }
}
