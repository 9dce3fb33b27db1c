//! A backup as the hook of a server that has taken one itself (spec/barman-cloud.md 1.7): what is to be
//! done stands in the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use super::code::{Code, Failure};
use crate::error::Error;
use crate::front::borrowed::Environment;
use crate::model::BackupId;

/// A finished backup that is to be brought into the archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hook {
    /// Its identifier.
    pub(super) id: BackupId,
    /// Where it lies.
    pub(super) directory: PathBuf,
    /// The file of its record.
    pub(super) record: PathBuf,
}

/// The hooks that a finished backup is given to.
const HOOKS: [&str; 2] = ["backup_script", "backup_retry_script"];

impl Hook {
    /// What the environment says; `None` when nobody calls us as a hook.
    ///
    /// # Errors
    /// Status 63 for a backup that is not done, which is not to be tried again; 4 for every other hook and
    /// for what is missing.
    pub(super) fn read(environment: Environment<'_>) -> Result<Option<Self>, Failure> {
        let (Some(hook), Some(phase)) = (environment("BARMAN_HOOK"), environment("BARMAN_PHASE")) else {
            return Ok(None);
        };
        let refused = |why: String| Failure::new(Code::General, Error::usage(why));
        if phase != "post" || !HOOKS.iter().any(|known| hook == *known) {
            let (phase, hook) = (phase.display(), hook.display());
            return Err(refused(format!(
                "barman-cloud-backup called as unsupported hook script: {phase}_{hook}"
            )));
        }
        let get = |name: &str| -> Result<OsString, Failure> {
            let value = environment(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| refused(format!("{name} is not set, though this is called as a hook script")))
        };
        let status = get("BARMAN_STATUS")?;
        if status != "DONE" {
            let why = format!("the backup is {}, not DONE: it is not uploaded", status.display());
            return Err(Failure::new(Code::NotDone, Error::usage(why)));
        }
        let id = get("BARMAN_BACKUP_ID")?;
        let id = id.to_string_lossy().parse().map_err(|e| Failure::new(Code::General, e))?;
        let directory = get("BARMAN_BACKUP_DIR")?.into();
        Ok(Some(Self { id, directory, record: get("BARMAN_BACKUP_INFO_PATH")?.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [(&str, &str); 6] = [
        ("BARMAN_HOOK", "backup_script"),
        ("BARMAN_PHASE", "post"),
        ("BARMAN_STATUS", "DONE"),
        ("BARMAN_BACKUP_ID", "20260102T030405"),
        ("BARMAN_BACKUP_DIR", "/backups/main/base/20260102T030405"),
        ("BARMAN_BACKUP_INFO_PATH", "/backups/main/meta/20260102T030405-backup.info"),
    ];

    /// The environment with one variable set otherwise, or not at all.
    fn with(name: &str, value: Option<&str>) -> Result<Option<Hook>, Failure> {
        Hook::read(&|asked| {
            if asked == name {
                return value.map(OsString::from);
            }
            WHOLE.iter().find(|(known, _)| *known == asked).map(|(_, value)| OsString::from(value))
        })
    }

    fn code(name: &str, value: Option<&str>) -> Code {
        with(name, value).unwrap_err().code
    }

    #[test]
    fn a_finished_backup_is_told_by_six_variables() {
        let hook = with("BARMAN_HOOK", Some("backup_retry_script")).unwrap().unwrap();
        assert_eq!(hook.id.to_string(), "20260102T030405");
        assert_eq!(hook.directory, PathBuf::from(WHOLE[4].1));
        assert_eq!(hook.record, PathBuf::from(WHOLE[5].1));
    }

    #[test]
    fn it_is_a_hook_only_when_both_its_names_are_there() {
        assert_eq!(with("BARMAN_HOOK", None).unwrap(), None);
        assert_eq!(with("BARMAN_PHASE", None).unwrap(), None);
    }

    #[test]
    fn another_hook_and_what_is_missing_are_refused() {
        assert_eq!(code("BARMAN_PHASE", Some("pre")), Code::General);
        assert_eq!(code("BARMAN_HOOK", Some("archive_script")), Code::General);
        for name in ["BARMAN_STATUS", "BARMAN_BACKUP_ID", "BARMAN_BACKUP_DIR", "BARMAN_BACKUP_INFO_PATH"] {
            let failure = with(name, None).unwrap_err();
            assert_eq!(failure.code, Code::General);
            assert!(failure.error.to_string().contains(name), "{:?}", failure.error);
        }
        assert_eq!(code("BARMAN_BACKUP_ID", Some("latest")), Code::General);
    }

    #[test]
    fn a_backup_that_is_not_done_is_not_to_be_tried_again() {
        assert_eq!(code("BARMAN_STATUS", Some("FAILED")), Code::NotDone);
    }
}
