//! The groups of words that verbs share.
//!
//! Each group is one struct for both the command line (with the environment behind it) and the
//! configuration file: a flag `--key`, a variable `BARKEEP_[SECTION_]KEY` and a key `key` in the
//! file's section are one setting (a flag that begins with its section's name has a key without it). What was said nearer wins ([`Layer::over`]); nothing is looked up,
//! checked against the world or defaulted here, that is `settings`' part.

#![expect(clippy::doc_markdown, reason = "what documents a flag is its help text, printed as it stands")]

mod azure;
mod gcs;
mod s3;

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args};
use serde::{Deserialize, Serialize};

pub(crate) use self::azure::{AzureArgs, AzureSignIn};
pub(crate) use self::gcs::GcsArgs;
pub(crate) use self::s3::{AddressingStyle, ChecksumsWhen, ExclusivePutTrust, S3Args, Sse};
use crate::front::log::Format;
use crate::front::quantity::Size;
use crate::model::ServerName;

/// A group whose unset settings can be filled from a group further away.
pub(crate) trait Layer {
    /// This, and where this says nothing, `below`.
    fn over(self, below: Self) -> Self;
}

/// Implements [`Layer`] for a struct of options. Naming every field makes a forgotten one an error.
/// The fields after `together` are one setting: who sets any of them sets them all.
macro_rules! layer {
    ($group:ty: $($field:ident),+ $(; together $($part:ident),+)?) => {
        impl $crate::front::native::args::Layer for $group {
            fn over(self, below: Self) -> Self {
                $(let below = if $(self.$part.is_some())||+ { Self { $($part: None,)+ ..below } } else { below };)?
                Self { $($field: self.$field.or(below.$field),)+ $($($part: self.$part.or(below.$part),)+)? }
            }
        }
    };
}
pub(crate) use layer;

/// What every verb takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Shared {
    #[command(flatten)]
    pub(crate) archive: ArchiveArgs,
    #[command(flatten)]
    pub(crate) s3: S3Args,
    #[command(flatten)]
    pub(crate) azure: AzureArgs,
    #[command(flatten)]
    pub(crate) gcs: GcsArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Read settings from this file
    ///
    /// The file is TOML, with the names of the flags as keys, or a manifest of CloudNativePG (YAML or
    /// JSON). Without this option /etc/barkeep/barkeep.toml is read when it exists.
    #[arg(long, value_name = "FILE", env = "BARKEEP_CONFIG", help_heading = "Configuration")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
}

/// Which of several archives in the file is meant, and where its secrets are.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Configuration")]
pub(crate) struct WhichArgs {
    /// Use this of several stores in the file: NAME or NAMESPACE/NAME
    #[arg(long, value_name = "NAME", env = "BARKEEP_OBJECT_STORE", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object_store: Option<String>,
    /// Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME
    #[arg(long, value_name = "NAME", env = "BARKEEP_CLUSTER", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// Read from the archive of this external cluster of the Cluster
    #[arg(long, value_name = "NAME", env = "BARKEEP_FROM", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// Find secrets of the manifest in files below: DIR/NAME/KEY
    #[arg(long, value_name = "DIR", env = "BARKEEP_SECRET_DIR", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_dir: Option<PathBuf>,
    /// Put variables of the environment in where the manifest has ${NAME}
    #[arg(
        long, env = "BARKEEP_ENVSUBST", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_parser = BoolishValueParser::new(),
        hide_possible_values = true, hide_short_help = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) envsubst: Option<bool>,
}

impl Shared {
    /// The parser fills every flag that was not given from its own variable. Of flags that are one
    /// setting between them, those on the line silence the others' variables.
    pub(crate) fn settle(&mut self, matches: &ArgMatches) {
        let is = |id: &str, source| matches.value_source(id) == Some(source);
        let silenced = |id: &str, group: &[&str]| {
            is(id, ValueSource::EnvVariable) && group.iter().any(|id| is(id, ValueSource::CommandLine))
        };
        let OutputArgs { verbose, quiet, .. } = &mut self.output;
        for (id, count) in [("verbose", verbose), ("quiet", quiet)] {
            if silenced(id, &["verbose", "quiet"]) {
                *count = 0;
            }
        }
        let encryption = ["sse", "sse_kms_key_id", "sse_customer_key"];
        let S3Args { sse, sse_kms_key_id, sse_customer_key, .. } = &mut self.s3;
        if silenced("sse", &encryption) {
            *sse = None;
        }
        for (id, text) in [("sse_kms_key_id", sse_kms_key_id), ("sse_customer_key", sse_customer_key)] {
            if silenced(id, &encryption) {
                *text = None;
            }
        }
    }
}

/// Which archive; the top level of the configuration file.
#[derive(Debug, Clone, Default, Args, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Archive")]
pub(crate) struct ArchiveArgs {
    /// Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path
    ///
    /// A container of Azure is https://account.blob.core.windows.net/container/path.
    #[arg(long, value_name = "URL", env = "BARKEEP_STORE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<String>,
    /// Use this name for the server within the store
    #[arg(long, value_name = "NAME", env = "BARKEEP_SERVER")]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<ServerName>,
    /// Keep local notes and fetched segments in this private directory
    ///
    /// The default is /var/spool/barkeep where that exists and belongs to the user, else
    /// barkeep-UID in the directory for temporary files.
    #[arg(long, value_name = "DIR", env = "BARKEEP_SPOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spool: Option<PathBuf>,
    /// Take at most this much memory for buffers [default: 96MiB]
    ///
    /// Unless it is given, backup, restore, verify, drill and wal-find may take 256MiB.
    #[arg(long, value_name = "SIZE", env = "BARKEEP_MEMORY")]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Size>,
}

layer!(ArchiveArgs: store, server, spool, memory);

/// What is said and how; the top level of the configuration file.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print one JSON object instead of text
    #[arg(
        long, env = "BARKEEP_JSON", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    pub(crate) json: Option<bool>,
    /// Log more: -v what was done, -vv every step and request
    #[arg(short, long, action = ArgAction::Count, env = "BARKEEP_VERBOSE")]
    pub(crate) verbose: u8,
    /// Log less: -q errors only, -qq nothing
    #[arg(short, long, action = ArgAction::Count, env = "BARKEEP_QUIET")]
    pub(crate) quiet: u8,
    /// Write log lines as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", env = "BARKEEP_LOG_FORMAT")]
    pub(crate) log_format: Option<Format>,
}

impl Layer for OutputArgs {
    fn over(self, below: Self) -> Self {
        // -v against a quiet file, or the reverse, is a decision about one thing: how much is said.
        let silent = self.verbose == 0 && self.quiet == 0;
        let (verbose, quiet) = if silent { (below.verbose, below.quiet) } else { (self.verbose, self.quiet) };
        Self {
            json: self.json.or(below.json),
            verbose,
            quiet,
            log_format: self.log_format.or(below.log_format),
        }
    }
}

/// An argument that one verb takes as another does, but from a variable of its own: the variables of a section begin
/// with its name, as in `BARKEEP_RESTORE_`.
pub(super) fn with_own_variable(arg: Arg, theirs: &str, own: &str) -> Arg {
    let rest = |name: &OsStr| name.to_str()?.strip_prefix(theirs).map(str::to_owned);
    match arg.get_env().and_then(rest) {
        Some(rest) => arg.env(format!("{own}{rest}")),
        None => arg,
    }
}

/// Settings whose type is read and printed as text, in the configuration file: a number will do where
/// it spells the same (`compression-level = 3`).
pub(crate) mod text {
    use std::fmt::{self, Display};
    use std::marker::PhantomData;
    use std::str::FromStr;

    use serde::de::{Deserialize as _, Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    /// Writes what is set; what is not is skipped by its field's attribute.
    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    /// Reads what is set.
    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        deserializer.deserialize_any(Scalar(PhantomData)).map(Some)
    }

    /// Reads a list of what is set.
    pub(crate) fn list<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(Error::custom)).collect::<Result<_, _>>().map(Some)
    }

    struct Scalar<T>(PhantomData<T>);

    impl<T: FromStr<Err: Display>> Visitor<'_> for Scalar<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a whole number")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }
    }
}
