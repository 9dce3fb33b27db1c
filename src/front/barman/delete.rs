//! `barman-cloud-backup-delete`: deletes backups (spec/barman-cloud.md 2.6 and 8).

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{ArgGroup, Parser};

use super::catalog::{self, DELETING, Which};
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::{Common, CustomerKey, Provider};
use super::{LEVEL, dry_run, place, python, typed};
use crate::archive::{Catalog, Entry};
use crate::command::{Care, Deletion, Heed, backup_delete, retention};
use crate::error::{Error, ErrorKind};
use crate::front::wire::Wire;
use crate::model::{BackupRef, RetentionPolicy, RetentionRule};

/// Delete backups
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup-delete", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true, group = ArgGroup::new("what").required(true))]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// This one
    #[arg(short, long, group = "what")]
    backup_id: Option<String>,
    /// What this policy no longer wants
    #[arg(short, long, group = "what")]
    retention_policy: Option<String>,
    /// Keep at least so many
    #[arg(short, long, value_name = "N", default_value = "0", value_parser = typed::non_negative, allow_negative_numbers = true)]
    minimum_redundancy: u32,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Delete at most so many objects in one request
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch_size: Option<i64>,
    /// S3: look for locks first
    #[arg(long)]
    check_object_lock: bool,
    #[command(flatten)]
    key: CustomerKey,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// How long a backup that failed, or an upload that was never finished, is left before a policy removes it:
/// longer than any backup takes.
const LEFTOVERS_AFTER: Duration = Duration::from_hours(7 * 24);

/// The most objects that any service takes in one request.
const MOST_IN_A_BATCH: i64 = 1000;

/// Runs it.
pub(super) fn run(mut words: Words, door: &Door) -> End {
    let policy = words.retention_policy.take().map(|text| policy(&text)).transpose()?;
    let wire = place::wire(&words.common, Some(&words.key), None)?;
    let deletion = match (&words.backup_id, policy) {
        (Some(id), _) => one(id, &words, door, &wire)?,
        (None, Some(policy)) => Some(by_policy(policy, &words, door, &wire)?),
        (None, None) => return Err(Error::bug("neither a backup nor a policy was asked for").into()),
    };
    let Some(deletion) = deletion else { return Ok(Code::Success) };
    if words.dry_run {
        let by_folder = words.common.cloud_provider == Provider::AwsS3;
        door.say(&dry_run::lines(&deletion, &catalog::root(&words.common)?, by_folder));
    }
    Ok(Code::Success)
}

/// A policy in the dialect's grammar, which has no short forms.
fn policy(text: &str) -> Result<RetentionPolicy, Failure> {
    let is_short = text.split_whitespace().count() == 1;
    text.parse().ok().filter(|_| !is_short).ok_or_else(|| {
        let why =
            format!("Could not create retention policy {text}: Cannot parse option retention_policy: {text}");
        Failure::new(Code::Words, Error::usage(why))
    })
}

/// Deletes the backup that is named; `None` when there is none with this identifier, which is no failure.
fn one(which: &str, words: &Words, door: &Door, wire: &Wire) -> Result<Option<Deletion>, Failure> {
    let server = &words.common.server;
    let catalog = catalog::read(door, wire)?;
    require_readable(&catalog)?;
    let Some(entry) = Which::from(which).find(&catalog, server)? else {
        tracing::warn!("Backup {which} does not exist");
        return Ok(None);
    };
    let request = backup_delete::Request {
        access: catalog::access(),
        which: BackupRef::Id(entry.backup.id),
        minimum: words.minimum_redundancy,
        dry_run: words.dry_run,
        care: words.care(),
    };
    let deletion = door.deadline(DELETING, backup_delete::run(&request, wire));
    let deletion = deletion.map_err(|e| refused(e, Some(entry), server))?;
    require_readable(&deletion.catalog)?;
    Ok(Some(deletion))
}

/// Deletes what the policy no longer wants, and what has long been left behind.
fn by_policy(policy: RetentionPolicy, words: &Words, door: &Door, wire: &Wire) -> Result<Deletion, Failure> {
    let minimum = words.minimum_redundancy;
    if let RetentionPolicy::Redundancy(wanted) = policy
        && wanted < minimum
    {
        tracing::warn!(
            "Retention policy redundancy ({wanted}) is lower than the required minimum redundancy ({minimum}). \
             Enforce {minimum}."
        );
    }
    let request = retention::Request {
        access: catalog::access(),
        rule: RetentionRule { policy, minimum, leftovers_after: LEFTOVERS_AFTER },
        dry_run: words.dry_run,
        care: words.care(),
    };
    let deletion = door.deadline(DELETING, retention::run(&request, wire));
    let deletion = deletion.map_err(|e| refused(e, None, &words.common.server))?;
    require_readable(&deletion.catalog)?;
    Ok(deletion)
}

/// Refuses, with status 1, a catalogue of which nobody knows everything: nothing of it has been deleted.
fn require_readable(catalog: &Catalog) -> Result<(), Failure> {
    catalog::warn_of_unreadable(catalog);
    let unreadable = catalog.unreadable.iter().map(|bad| bad.id.to_string());
    let unreadable: Vec<String> = unreadable.chain(catalog.strangers.iter().cloned()).collect();
    if unreadable.is_empty() {
        return Ok(());
    }
    let ids = python::list(unreadable);
    let why = format!(
        "Cannot read the following backups: {ids}: unsafe to proceed with deletion due to failure reading \
         backup catalog"
    );
    Err(Failure::new(Code::Operation, Error::corrupt(why)))
}

/// Status 1 for what stands against a deletion.
fn refused(error: Error, entry: Option<&Entry>, server: &str) -> Failure {
    match (error.kind(), entry) {
        (ErrorKind::Conflict, Some(Entry { backup, keep: Some(_), .. })) => {
            let why = format!(
                "Skipping delete of backup {} for server {server} as it has a current keep request. If you \
                 really want to delete this backup please remove the keep and try again.",
                backup.id
            );
            Failure::new(Code::Operation, Error::conflict(why))
        }
        (ErrorKind::Conflict, _) => Failure::of_verb(Code::Operation, error),
        _ => error.into(),
    }
}

impl Words {
    fn care(&self) -> Care {
        let is_s3 = self.common.cloud_provider == Provider::AwsS3;
        if self.check_object_lock && !is_s3 {
            tracing::warn!("--check-object-lock is for S3 only and counts for nothing here");
        }
        let size = self.batch_size.map(|size| size.clamp(1, MOST_IN_A_BATCH));
        let batch = size.and_then(|size| NonZeroUsize::new(usize::try_from(size).ok()?));
        let locks = match (is_s3, self.check_object_lock) {
            (true, true) => Heed::Refuse,
            (true, false) => Heed::Ignore,
            // The others refuse what is locked, and the reference fails into that.
            (false, _) => Heed::Around,
        };
        Care { batch, locks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_have_the_dialects_grammar() {
        for good in
            ["REDUNDANCY 1 ", " redundancy  0", "Recovery Window Of 3 MONTH", "RECOVERY WINDOW OF 7 DAYS"]
        {
            assert!(policy(good).is_ok(), "{good}");
        }
        for bad in ["", "14d", "MAIN", "REDUNDANCY -1", "RECOVERY WINDOW OF 7 HOURS"] {
            let failure = policy(bad).unwrap_err();
            let why = format!(
                "Could not create retention policy {bad}: Cannot parse option retention_policy: {bad}"
            );
            assert_eq!((failure.code, failure.error.to_string()), (Code::Words, why));
        }
    }

    #[test]
    fn batches_are_at_least_one_and_at_most_what_a_service_takes() {
        let care = |words: &[&str]| {
            let all = [&["x", "-b", "i", "s3://b", "s"][..], words].concat();
            Words::try_parse_from(all).unwrap().care()
        };
        for (words, batch) in [
            (&["--batch-size", "0"][..], Some(1)),
            (&["--batch-size=-7"], Some(1)),
            (&["--batch-size", "5000"], Some(1000)),
            (&[], None),
        ] {
            assert_eq!(care(words).batch.map(NonZeroUsize::get), batch);
        }
        assert_eq!(care(&[]).locks, Heed::Ignore);
        assert_eq!(care(&["--check-object-lock"]).locks, Heed::Refuse);
        let google = ["--check-object-lock", "--cloud-provider", "google-cloud-storage"];
        assert_eq!(care(&google).locks, Heed::Around);
    }

    #[test]
    fn one_backup_or_a_policy_is_asked_for_and_never_both() {
        let read =
            |words: &[&str]| Words::try_parse_from([&["x", "s3://b", "s"][..], words].concat()).is_ok();
        assert!(read(&["-b", "i"]) && read(&["-r", "p", "-m", "2"]));
        for bad in [&[][..], &["-b", "i", "-r", "p"], &["-r", "p", "-m", "-1"], &["-r", "p", "-m", "x"]] {
            assert!(!read(bad), "{bad:?}");
        }
    }
}
