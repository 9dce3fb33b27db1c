//! `barman-cloud-wal-archive`: one WAL file into the archive (spec/barman-cloud.md 2.1).

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Parser};
use jiff::Timestamp;
use tracing::info;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::place;
use super::typed::{self, Effort, Tag};
use super::words::{Common, CustomerKey, Encryption, WalCodec};
use crate::command::wal_archive;
use crate::error::Error;
use crate::front::borrowed::Environment;
use crate::model::{Compression, Level, WalName};

/// Put one WAL file into the archive
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-wal-archive", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// The file, as %p names it
    #[arg(value_name = "WAL_PATH")]
    wal_path: Option<PathBuf>,
    #[command(flatten)]
    codec: WalCodec,
    /// Compress this hard: low, medium, high or a number
    #[arg(long, value_name = "LEVEL", value_parser = typed::effort)]
    compression_level: Option<Effort>,
    /// Tag the object: KEY,VALUE; may be repeated
    #[arg(long, value_name = "KEY,VALUE", conflicts_with = "tags", value_parser = typed::tag)]
    tag: Vec<Tag>,
    /// The older spelling: several at once
    #[arg(long, value_name = "KEY,VALUE", num_args = 0.., action = ArgAction::Set, value_parser = typed::tags)]
    tags: Option<Vec<Tag>>,
    /// Tag histories with this instead: KEY,VALUE; may be repeated
    #[arg(long, value_name = "KEY,VALUE", conflicts_with = "history_tags", value_parser = typed::tag)]
    history_tag: Vec<Tag>,
    /// The older spelling: several at once
    #[arg(long, value_name = "KEY,VALUE", num_args = 0.., action = ArgAction::Set, value_parser = typed::tags)]
    history_tags: Option<Vec<Tag>>,
    #[command(flatten)]
    encryption: Encryption,
    #[command(flatten)]
    key: CustomerKey,
    /// Azure: the size of a block
    #[arg(long, value_name = "SIZE", default_value = "4MB", value_parser = typed::size)]
    max_block_size: u64,
    /// Azure: so many blocks at once
    #[arg(long, value_name = "N", default_value = "1", value_parser = typed::positive)]
    max_concurrency: NonZeroU32,
    /// Azure: above this in blocks
    #[arg(long, value_name = "SIZE", default_value = "64MB", value_parser = typed::size)]
    max_single_put_size: u64,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }

    fn sound(&self) -> Result<(), Failure> {
        require_name(&self.file()?)
    }
}

/// What all buffers together may hold: several calls run at once under a limit of a few hundred megabytes.
const MEMORY: u64 = 40 << 20;

/// How long a failing request is tried again. PostgreSQL asks again by itself.
const RETRY: Duration = Duration::from_secs(10);

/// What the whole call may take: nobody ends it from outside.
const DEADLINE: Duration = Duration::from_mins(5);

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let file = words.file()?;
    let wire = place::wire(&words.common, Some(&words.key), Some(&words.encryption))?;
    let outcome = door.deadline(DEADLINE, wal_archive::run(&words.request(file), &wire))?;
    info!("{} is archived: {:?}", outcome.name, outcome.archived);
    Ok(Code::Success)
}

impl Words {
    fn file(&self) -> Result<PathBuf, Failure> {
        file(self.wal_path.clone(), &|name| std::env::var_os(name))
    }

    /// What the verb is asked to do: one file, nothing ahead of its turn, nothing on disk. The sizes of
    /// Azure's blocks are ours, so that the words about them have been read and count for nothing.
    fn request(self, file: PathBuf) -> wal_archive::Request {
        wal_archive::Request {
            file,
            compression: compression(&self.codec),
            level: Some(self.compression_level.and_then(|effort| effort.0).unwrap_or(Level::Medium)),
            tags: typed::together(self.tag, self.tags).unwrap_or_default(),
            history_tags: typed::together(self.history_tag, self.history_tags),
            overwrite: false,
            look_ahead: 0,
            soft_limit: Duration::ZERO,
            spool: None,
            memory: MEMORY,
            retry_for: RETRY,
            max_attempts: None,
            deadline: DEADLINE,
            now: Timestamp::now(),
        }
    }
}

/// The file: the one that the server's hook names, else the one that the words name
/// (spec/barman-cloud.md 1.7).
fn file(words: Option<PathBuf>, environment: Environment<'_>) -> Result<PathBuf, Failure> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let (Some(hook), Some(phase)) = (set("BARMAN_HOOK"), set("BARMAN_PHASE")) else {
        let missing = || Error::usage("the following arguments are required: wal_path");
        let missing = || missing().hint("give the WAL file, as %p names it");
        return words.ok_or_else(|| Failure::new(Code::Words, missing()));
    };
    let refused = |text: String| Failure::new(Code::Operation, Error::usage(text));
    if phase != "pre" || (hook != "archive_script" && hook != "archive_retry_script") {
        let (hook, phase) = (hook.display(), phase.display());
        return Err(refused(format!(
            "barman-cloud-wal-archive called as unsupported hook script: {phase}_{hook}"
        )));
    }
    let file = set("BARMAN_FILE").map(PathBuf::from);
    file.ok_or_else(|| refused("the hook does not say which file: BARMAN_FILE is not set".to_owned()))
}

/// Looks at the name before anything else is looked at.
fn require_name(file: &Path) -> Result<(), Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    match name.parse::<WalName>() {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(Failure::new(Code::Words, Error::usage(format!("{name} is an invalid name for a WAL file"))))
        }
    }
}

/// The codec that the words name: none of them is none.
fn compression(codec: &WalCodec) -> Compression {
    let WalCodec { gzip, bzip2, xz, snappy, zstd, lz4 } = *codec;
    let named = [
        (gzip, Compression::Gzip),
        (bzip2, Compression::Bzip2),
        (xz, Compression::Xz),
        (snappy, Compression::Snappy),
        (zstd, Compression::Zstd),
        (lz4, Compression::Lz4),
    ];
    named.into_iter().find(|(named, _)| *named).map_or(Compression::None, |(_, codec)| codec)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::archive::Tags;
    use crate::front::barman::grammar;

    fn request(more: &[&str]) -> wal_archive::Request {
        let words = [&["x"][..], more, &["-v", "s3://b", "s", "f"]].concat();
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        grammar::read::<Words>(&words).unwrap().0.request("f".into())
    }

    #[test]
    fn nothing_is_compressed_and_nothing_kept_unless_it_is_said() {
        let plain = request(&[]);
        assert_eq!((plain.compression, plain.spool, plain.look_ahead), (Compression::None, None, 0));
        assert!(!plain.overwrite);
        assert_eq!((plain.tags, plain.history_tags), (Tags::default(), None));
    }

    #[test]
    fn codecs_and_levels_are_those_of_the_table_with_medium_for_nothing_said() {
        for (words, codec, level) in [
            (&["-z"][..], Compression::Gzip, 6),
            (&["-j"], Compression::Bzip2, 5),
            (&["--xz"], Compression::Xz, 3),
            (&["--zstd"], Compression::Zstd, 4),
            (&["--lz4"], Compression::Lz4, 6),
            (&["--snappy"], Compression::Snappy, 0),
            (&["--gzip", "--compression-level=0"], Compression::Gzip, 1),
            (&["--zstd", "--compression-level", "-99"], Compression::Zstd, -22),
            (&["--lz4", "--compression-level=HIGH"], Compression::Lz4, 10),
            (&["--zstd", "--compression-level="], Compression::Zstd, 4),
        ] {
            let request = request(words);
            assert_eq!((request.compression, codec.level(request.level)), (codec, level), "{words:?}");
        }
    }

    #[test]
    fn a_history_has_the_tags_of_the_others_unless_it_has_its_own() {
        let tags = |key: &str, value: &str| Tags(vec![(key.to_owned(), value.to_owned())]);
        let same = request(&["--tags", "a,1"]);
        assert_eq!((same.tags, same.history_tags), (tags("a", "1"), None));
        let own = request(&["--tag=a,1", "--history-tag", "b,2"]);
        assert_eq!((own.tags, own.history_tags), (tags("a", "1"), Some(tags("b", "2"))));
    }

    fn hooked(variables: &[(&str, &str)], words: Option<&str>) -> Result<PathBuf, (Code, String)> {
        let look =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        file(words.map(PathBuf::from), &look).map_err(|failure| (failure.code, failure.error.to_string()))
    }

    #[test]
    fn a_hook_before_archiving_names_the_file_and_no_other_hook_is_meant() {
        let pre = ("BARMAN_PHASE", "pre");
        let named = ("BARMAN_FILE", "/wal/000000010000000000000001");
        for hook in ["archive_script", "archive_retry_script"] {
            let file = hooked(&[("BARMAN_HOOK", hook), pre, named], Some("other")).unwrap();
            assert_eq!(file, Path::new(named.1));
        }
        for (hook, phase) in [("archive_script", "post"), ("backup_script", "pre")] {
            let (code, text) =
                hooked(&[("BARMAN_HOOK", hook), ("BARMAN_PHASE", phase), named], Some("f")).unwrap_err();
            assert_eq!(code, Code::Operation);
            assert!(text.ends_with(&format!("called as unsupported hook script: {phase}_{hook}")), "{text}");
        }
        assert_eq!(hooked(&[("BARMAN_HOOK", "archive_script"), pre], None).unwrap_err().0, Code::Operation);
        assert_eq!(hooked(&[("BARMAN_HOOK", "archive_script")], Some("f")).unwrap(), Path::new("f"));
        assert_eq!(hooked(&[pre], None).unwrap_err().0, Code::Words);
    }

    #[test]
    fn only_the_last_part_of_the_path_must_be_a_wal_files_name() {
        for good in
            ["pg_wal/000000010000000000000001", "/a/00000002.history", "000000010000000000000001.partial"]
        {
            assert!(require_name(Path::new(good)).is_ok(), "{good}");
        }
        for bad in ["", "/", "a/junk", "000000010000000000000001/x", "000000010000000000000001.gz"] {
            assert_eq!(require_name(Path::new(bad)).unwrap_err().code, Code::Words, "{bad}");
        }
    }
}
