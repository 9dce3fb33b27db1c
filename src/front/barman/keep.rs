//! `barman-cloud-backup-keep`: keeps a backup (spec/barman-cloud.md 2.7).

use clap::{ArgGroup, Parser, ValueEnum};

use super::catalog::{self, LOOKING, Which};
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::{Common, CustomerKey};
use super::{LEVEL, place};
use crate::command::backups::{self, KeepAction};
use crate::error::ErrorKind;
use crate::model::{BackupRef, Keep};

/// Keep a backup from being deleted
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup-keep", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true, group = ArgGroup::new("what").required(true))]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Its identifier, its name, or a word like latest
    #[arg(value_name = "BACKUP_ID")]
    backup_id: String,
    /// Let it go
    #[arg(short, long, group = "what")]
    release: bool,
    /// Only tell
    #[arg(short, long, group = "what")]
    status: bool,
    /// Keep it for this
    #[arg(long, value_name = "TARGET", group = "what")]
    target: Option<Target>,
    #[command(flatten)]
    key: CustomerKey,
}

/// What a backup is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// With all WAL from its beginning on
    Full,
    /// With the WAL it needs itself
    Standalone,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let action = words.action();
    let Words { common, backup_id, key, .. } = words;
    let wire = place::wire(&common, Some(&key), None)?;
    let id = Which::from(backup_id.as_str()).id(door, &wire, &common.server)?;
    let (which, access) = (BackupRef::Id(id), catalog::access());
    let kept = door.deadline(LOOKING, backups::keep(&which, action, &access, &wire));
    let keep = match kept {
        Ok(kept) => kept.keep,
        // What is not there is not kept.
        Err(e) if e.kind() == ErrorKind::NotFound && !matches!(action, KeepAction::Keep(_)) => None,
        Err(e) if e.kind() == ErrorKind::Conflict => return Err(Failure::of_verb(Code::Operation, e)),
        Err(e) => return Err(e.into()),
    };
    if action == KeepAction::Status {
        door.say(&format!("Keep: {}\n", keep.map_or("nokeep", Keep::name)));
    }
    Ok(Code::Success)
}

impl Words {
    /// The parser has seen that exactly one of them is given.
    fn action(&self) -> KeepAction {
        match self.target {
            Some(Target::Full) => KeepAction::Keep(Keep::Full),
            Some(Target::Standalone) => KeepAction::Keep(Keep::Standalone),
            None if self.release => KeepAction::Release,
            None => KeepAction::Status,
        }
    }
}
