//! The lists of additional arguments that a manifest has for four of the commands, as settings of our own
//! (spec/cloudnativepg.md 1.3): read by the real grammar, so that each spelling means what it means there.

use std::ffi::OsString;

use super::grammar::{self, Told};
use super::{backup, restore, typed, wal_archive, wal_restore};
use crate::error::{Error, Result};

/// Whose arguments they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    WalArchive,
    WalRestore,
    Backup,
    Restore,
}

/// An option, and what it means to us.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Additional {
    /// By its longest name, `--compression-level`.
    pub(crate) option: String,
    pub(crate) meaning: Meaning,
}

/// What an option means to us.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    /// A setting: section (none for the verb's own), key, value.
    Setting(Option<&'static str>, &'static str, toml::Value),
    /// Nothing, and why that does no harm.
    Nothing(&'static str),
    /// What we do not have, and what to do.
    Refused(&'static str),
}

/// Reads a list of additional arguments.
///
/// # Errors
/// Kind `Usage`, in the grammar's own words.
pub(crate) fn read(program: Program, words: &[String]) -> Result<Vec<Additional>> {
    let positionals: &[&str] = match program {
        Program::WalArchive => &["s3://b", "s", "000000010000000000000001"],
        Program::WalRestore => &["s3://b", "s", "000000010000000000000001", "to"],
        Program::Backup => &["s3://b", "s"],
        Program::Restore => &["s3://b", "s", "latest", "to"],
    };
    // The positional words come first: a list of tags would take them for its own.
    let all: Vec<OsString> =
        ["x"].iter().chain(positionals).map(OsString::from).chain(words.iter().map(OsString::from)).collect();
    let given = match program {
        Program::WalArchive => grammar::given::<wal_archive::Words>(&all),
        Program::WalRestore => grammar::given::<wal_restore::Words>(&all),
        Program::Backup => grammar::given::<backup::Words>(&all),
        Program::Restore => grammar::given::<restore::Words>(&all),
    };
    let given = given.map_err(|told| match told {
        Told::Help(_) => Error::usage("--help and --version do nothing but print").hint("leave them out"),
        Told::Refusal(what) => Error::usage(what),
    })?;
    given.into_iter().map(|(option, values)| additional(&option, &values)).collect()
}

fn additional(option: &str, values: &[String]) -> Result<Additional> {
    let last = || values.last().cloned().unwrap_or_default();
    let text = || toml::Value::from(last());
    let own = |key, value| Meaning::Setting(None, key, value);
    let of = |section, key| Meaning::Setting(Some(section), key, text());
    let meaning = match option {
        "gzip" | "bzip2" | "xz" | "snappy" | "zstd" | "lz4" => own("compression", option.into()),
        "compression-level" => own("compression-level", last().trim().to_lowercase().into()),
        "tag" | "tags" => own("tag", tags(option, values)?),
        "history-tag" | "history-tags" => own("history-tag", tags(option, values)?),
        "encryption" => of("s3", "sse"),
        "sse-kms-key-id" => of("s3", "sse-kms-key-id"),
        "sse-customer-key" => of("s3", "sse-customer-key"),
        "endpoint-url" => of("s3", "endpoint-url"),
        "aws-profile" => of("s3", "profile"),
        "addressing-style" => of("s3", "addressing-style"),
        "azure-credential" => of("azure", "credential"),
        "encryption-scope" => of("azure", "encryption-scope"),
        "kms-key-name" => of("gcs", "kms-key"),
        "no-partial" => own("no-partial", true.into()),
        "parallel" => {
            let parallel: i64 = last().trim().parse().unwrap_or(1);
            own("window", (parallel - 1).clamp(0, 32).into())
        }
        "jobs" => own("jobs", text()),
        "immediate-checkpoint" => own("checkpoint", "fast".into()),
        "max-bandwidth" => own("max-rate", typed::size(&last())?.to_string().into()),
        "host" | "port" | "user" | "dbname" => {
            let keys = ["host", "port", "user", "dbname"];
            own(keys.into_iter().find(|key| *key == option).unwrap_or("host"), text())
        }
        "name" => Meaning::Nothing("every backup has a name of its own: give --name to barkeep backup"),
        "cloud-provider" => Meaning::Nothing("destinationPath says whose store it is"),
        "read-timeout" => {
            Meaning::Nothing("a request may take 20 seconds and the time of its bytes, and is tried again")
        }
        "max-block-size"
        | "max-concurrency"
        | "max-single-put-size"
        | "min-chunk-size"
        | "max-archive-size" => {
            Meaning::Nothing("sizes and numbers of parts are chosen here, within --memory")
        }
        "keepalive-interval" => Meaning::Nothing("the connection is kept alive anyway"),
        "spool-dir" => Meaning::Nothing("what is fetched ahead is kept in --spool"),
        "verbose" | "quiet" => Meaning::Nothing("-v and -q of barkeep say how much is logged"),
        "test" => Meaning::Refused("leave it out: nothing would ever be stored; `barkeep check` tests"),
        "tablespace" => Meaning::Refused("leave it out, and give --tablespace NAME=DIR to barkeep restore"),
        "target-time" | "target-lsn" | "target-tli" => {
            Meaning::Refused("leave it out, and set bootstrap.recovery.recoveryTarget of the Cluster")
        }
        _ => Meaning::Refused("leave it out: snapshots of volumes are not supported"),
    };
    Ok(Additional { option: format!("--{option}"), meaning })
}

fn tags(option: &str, values: &[String]) -> Result<toml::Value> {
    let read = if option.ends_with('s') { typed::tags } else { typed::tag };
    let tags = values.iter().map(|value| read(value).map(|tag| toml::Value::from(tag.spelled())));
    tags.collect::<Result<Vec<_>>>().map(toml::Value::Array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(program: Program, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match read(program, &words) {
            Err(e) => e.to_string(),
            Ok(all) => {
                let each = all.into_iter().map(|Additional { option, meaning }| match meaning {
                    Meaning::Setting(section, key, value) => {
                        format!(
                            "{}.{key}={}",
                            section.unwrap_or("own"),
                            serde_json::to_string(&value).unwrap()
                        )
                    }
                    Meaning::Nothing(_) => format!("{option}: nothing"),
                    Meaning::Refused(_) => format!("{option}: refused"),
                });
                each.collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn each_spelling_means_what_it_means_to_the_other_door() {
        use Program::{Backup, Restore, WalArchive, WalRestore};
        for (program, words, means) in [
            (WalArchive, &["-e AES256"][..], r#"s3.sse="AES256""#),
            (
                WalArchive,
                &["-e", "aws:kms", "--sse-kms-key-id=k"],
                r#"s3.sse="aws:kms" s3.sse-kms-key-id="k""#,
            ),
            (WalArchive, &["--max-single-put-size 16777216"], "--max-single-put-size: nothing"),
            (WalArchive, &["--compression-level=HIGH"], r#"own.compression-level="high""#),
            (WalArchive, &["--tags", "a,1", "b,2"], r#"own.tag=["a=1","b=2"]"#),
            (WalArchive, &["--gz"], r#"own.compression="gzip""#),
            (
                WalArchive,
                &["--read-timeout=60", "--max-concurrency=1"],
                "--read-timeout: nothing --max-concurrency: nothing",
            ),
            (WalArchive, &["-t"], "--test: refused"),
            (WalArchive, &["--bogus"], "unrecognized arguments: --bogus"),
            (WalArchive, &["stray"], "unrecognized arguments: stray"),
            (WalArchive, &["--help"], "--help and --version do nothing but print"),
            (WalRestore, &["-p", "9", "--no-partial"], "own.no-partial=true own.window=8"),
            (WalRestore, &["--addressing-style=path"], r#"s3.addressing-style="path""#),
            (Backup, &["--max-bandwidth=1MB", "-J4"], r#"own.jobs="4" own.max-rate="1048576""#),
            (Backup, &["--snapshot-instance=x"], "--snapshot-instance: refused"),
            (Restore, &["--tablespace", "a:/b"], "--tablespace: refused"),
            (Restore, &["-P", "backup"], r#"s3.profile="backup""#),
        ] {
            assert_eq!(told(program, words), means, "{words:?}");
        }
    }
}
