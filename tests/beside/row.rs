//! A command line, and what is expected of the two that get it.

/// Whose service the row runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// S3: moto.
    S3,
    /// Azure Blob Storage: Azurite.
    Azure,
}

/// What is in the store before the row runs; see `fixtures`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// No bucket or container.
    Missing,
    /// A bucket with nothing in it.
    Empty,
    /// Backups of every status, and WAL of two timelines around them.
    Catalogue,
    /// Done backups only, with WAL in two log files.
    Plain,
    /// Records that are legal and seldom.
    Odd,
    /// Backups that are snapshots of disks.
    Snapshots,
    /// Incremental backups, which another program has put there.
    Incremental,
    /// A record with an unknown key beside a good one.
    Newer,
    /// Records that cannot be read beside a good one.
    Broken,
    /// WAL in all codecs, whole, partial, twice and damaged.
    Wal,
    /// A base backup that the reference took of a PostgreSQL.
    Real,
}

/// One command line.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Where it runs.
    pub on: On,
    /// On what.
    pub store: Store,
    /// The words, as a shell reads them: `NAME=value` in front goes to the environment, and single quotes
    /// hold words together. `@` is `SERVICE URL main`, where `SERVICE` are the words that lead to the
    /// service and `URL` is the archive's. `DIR` is an empty directory of the row's own, `IN` one with WAL
    /// files to archive. `=ACCOUNT` is followed by the account's URL, where the service is Azure.
    pub words: &'static str,
    /// What is expected.
    pub expect: Expect,
}

/// What is expected of a row.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// Equal status, equal output, an equal store and equal files.
    Same,
    /// We do something else than the reference, and this exactly.
    Better {
        /// Our exit status.
        code: u8,
        /// Our standard output.
        stdout: Said,
        /// The level of our first line on standard error; empty when there is none.
        level: &'static str,
        /// What is changed in the store and the directory, as `effect` tells it; with `…` in front, beside
        /// what the reference changes.
        changes: &'static [&'static str],
        /// Why.
        why: &'static str,
    },
}

/// What we say on standard output.
#[derive(Debug, Clone, Copy)]
pub enum Said {
    /// This; when it ends with `…`, what it begins with.
    Text(&'static str),
    /// What the reference says, each first text replaced by the second, wherever it stands. All first texts
    /// must be there.
    Theirs(&'static [(&'static str, &'static str)]),
}

impl Row {
    /// A row of which we do the same.
    pub const fn new(on: On, store: Store, words: &'static str) -> Self {
        Self { on, store, words, expect: Expect::Same }
    }

    /// We end with this status, for this reason; nothing is said and nothing changed unless the row
    /// tells it.
    pub const fn better(self, code: u8, why: &'static str) -> Self {
        let level = match code {
            0 => "",
            3 => "usage",
            _ => "ERROR",
        };
        Self { expect: Expect::Better { code, stdout: Said::Text(""), level, changes: &[], why }, ..self }
    }

    /// What we say, where we do better.
    pub const fn saying(self, said: &'static str) -> Self {
        let Expect::Better { code, level, changes, why, .. } = self.expect else { return self };
        Self { expect: Expect::Better { code, stdout: Said::Text(said), level, changes, why }, ..self }
    }

    /// How what we say differs from what the reference says, where we do better.
    pub const fn editing(self, edits: &'static [(&'static str, &'static str)]) -> Self {
        let Expect::Better { code, level, changes, why, .. } = self.expect else { return self };
        Self { expect: Expect::Better { code, stdout: Said::Theirs(edits), level, changes, why }, ..self }
    }

    /// The level of our first line on standard error, where we do better.
    pub const fn at_level(self, level: &'static str) -> Self {
        let Expect::Better { code, stdout, changes, why, .. } = self.expect else { return self };
        Self { expect: Expect::Better { code, stdout, level, changes, why }, ..self }
    }

    /// What we change, where we do better.
    pub const fn changing(self, changes: &'static [&'static str]) -> Self {
        let Expect::Better { code, stdout, level, why, .. } = self.expect else { return self };
        Self { expect: Expect::Better { code, stdout, level, changes, why }, ..self }
    }
}

impl Said {
    /// Whether it is this, beside what the reference says.
    pub fn is(self, ours: &str, theirs: &str) -> bool {
        match self {
            Self::Text(text) => match text.strip_suffix('…') {
                Some(begin) => ours.starts_with(begin),
                None => ours == text,
            },
            Self::Theirs(edits) => {
                let edited = edits.iter().fold(theirs.to_owned(), |text, (from, to)| text.replace(from, to));
                edits.iter().all(|(from, _)| theirs.contains(from)) && ours == edited
            }
        }
    }
}
