//! What `config` tells.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;

use serde::Serialize;

use super::file::File;
use super::grammar::SECTIONS;
use super::render::{Checked, Report};
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::front::borrowed::Environment;
use crate::front::exit::Exit;
use crate::front::manifest::Problem;

/// The end of `config check`.
pub(super) struct Judged {
    pub(super) path: String,
    pub(super) problems: Vec<Problem>,
    /// What is in the file.
    pub(super) lines: Vec<String>,
    /// What the store said.
    pub(super) checked: Option<Checked>,
}

impl Report for Judged {
    fn exit(&self) -> Exit {
        match &self.checked {
            _ if !self.problems.is_empty() => Exit::Usage,
            Some(checked) => checked.exit(),
            None => Exit::Done,
        }
    }

    fn text(&self) -> String {
        let mut text = match self.problems.len() {
            0 => format!("{} is sound\n", self.path),
            1 => format!("{} has 1 problem\n", self.path),
            several => format!("{} has {several} problems\n", self.path),
        };
        for Problem { what, hint } in &self.problems {
            let _ = writeln!(text, "  {what}");
            if let Some(hint) = hint {
                let _ = writeln!(text, "      {hint}");
            }
        }
        if self.problems.is_empty() {
            for line in &self.lines {
                let _ = writeln!(text, "  {line}");
            }
        }
        if let Some(checked) = &self.checked {
            text.push_str(&checked.text());
        }
        text
    }

    fn json(&self) -> String {
        let problems =
            self.problems.iter().map(|one| serde_json::json!({"problem": one.what, "hint": one.hint}));
        let mut object = serde_json::json!({
            "file": self.path, "problems": problems.collect::<Vec<_>>(), "documents": self.lines,
        });
        if let (Some(checked), Some(object)) = (&self.checked, object.as_object_mut()) {
            let checked = serde_json::from_str(&checked.json()).unwrap_or_default();
            object.insert("check".to_owned(), checked);
        }
        if let Some(object) = object.as_object_mut() {
            object.insert("exit".to_owned(), self.exit().code().into());
        }
        format!("{object}\n")
    }

    fn failure(&self) -> Option<Error> {
        self.checked.as_ref().and_then(Report::failure)
    }
}

/// The end of `config from-cluster`.
pub(super) struct Moved(pub(super) String);

impl Report for Moved {
    fn text(&self) -> String {
        self.0.clone()
    }

    fn json(&self) -> String {
        format!("{}\n", serde_json::json!({"manifest": self.0, "exit": self.exit().code()}))
    }
}

/// The end of `config explain`.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    /// Which archive.
    archive: Option<String>,
    settings: Vec<Row>,
    /// Secrets, and where they were found.
    secrets: Vec<Row>,
    /// What the manifest says that means nothing here.
    unused: Vec<Unused>,
    exit: u8,
}

/// A setting, its value and where it comes from.
#[derive(Debug, Serialize)]
struct Row {
    setting: String,
    value: String,
    from: String,
}

/// Something that means nothing here.
#[derive(Debug, Serialize)]
struct Unused {
    at: String,
    why: String,
}

/// What shows in place of a secret.
const MASK: &str = "***";

/// Settings that can carry a password.
const HIDDEN: [&str; 2] = ["dsn", "dbname"];

/// Every effective setting of a verb, or of all.
pub(super) fn explain(
    verb: Option<&str>,
    settings: &Settings,
    file: &File,
    environment: Environment<'_>,
    words: &[OsString],
) -> Result<Explained> {
    let tree = super::command();
    let resolved = settings.shown()?;
    let mut rows = Vec::new();
    for (section, keys) in SECTIONS {
        let is_shared = ["", "s3", "azure", "gcs"].contains(&section);
        if verb.is_some_and(|verb| !is_shared && verb != section) {
            continue;
        }
        let of = tree.find_subcommand(if is_shared { "check" } else { section });
        for key in keys() {
            let long =
                if matches!(section, "azure" | "gcs") { format!("{section}-{key}") } else { key.clone() };
            let arg = of.and_then(|verb| verb.get_arguments().find(|arg| arg.get_long() == Some(&long)));
            let variable = arg.and_then(|arg| arg.get_env()).and_then(OsStr::to_str).unwrap_or_default();
            let effective =
                resolved.iter().find(|(name, _)| *name == section).and_then(|(_, group)| group.get(&key));
            let one = Seek { section, key: &key, long: &long, variable, verb, file, environment, words };
            // What does not fit one line is told in the long help.
            let help = arg.and_then(|arg| arg.get_long_help().or_else(|| arg.get_help()));
            let help = help.map(ToString::to_string).unwrap_or_default();
            rows.extend(one.rows(is_shared, effective.map(spell), &help));
        }
    }
    let mut secrets = Vec::new();
    for origin in &file.told.origins {
        let from = format!("{} for {}", origin.found, origin.at);
        secrets.push(Row { setting: origin.variable.clone(), value: MASK.to_owned(), from });
    }
    for (name, _) in &file.environment {
        let from = if environment(name).is_some() {
            "the environment, before the manifest"
        } else {
            "the manifest's environment"
        };
        secrets.push(Row { setting: name.clone(), value: MASK.to_owned(), from: from.to_owned() });
    }
    let effective = file.told.effective.as_ref();
    let mut unused: Vec<Unused> = Vec::new();
    for (at, why) in effective.iter().flat_map(|effective| &effective.unused) {
        unused.push(Unused { at: at.to_string(), why: why.clone() });
    }
    if let Some(recovery) =
        effective.and_then(|e| e.recovery.as_ref()).filter(|_| verb.is_none_or(|v| v == "restore"))
    {
        for (name, said) in &recovery.target {
            rows.push(Row {
                setting: format!("restore {name}"),
                value: said.value.clone(),
                from: said.at.to_string(),
            });
        }
    }
    let archive = effective.map(|effective| effective.title.clone());
    Ok(Explained { archive, settings: rows, secrets, unused, exit: Exit::Done.code() })
}

/// One setting, looked for in all places.
struct Seek<'a> {
    section: &'static str,
    key: &'a str,
    long: &'a str,
    variable: &'a str,
    verb: Option<&'a str>,
    file: &'a File,
    environment: Environment<'a>,
    words: &'a [OsString],
}

impl Seek<'_> {
    /// Where it was said nearest; several rows when it differs between verbs.
    fn rows(&self, is_shared: bool, effective: Option<String>, help: &str) -> Vec<Row> {
        let flag = format!("--{}", self.long);
        let on_line = |word: &OsString| {
            let word = word.to_string_lossy();
            word == flag || word.strip_prefix(&flag).is_some_and(|rest| rest.starts_with('='))
        };
        let set = (self.environment)(self.variable).filter(|value| !value.is_empty());
        if is_shared && self.words.iter().any(on_line) {
            return vec![self.row(effective.unwrap_or_default(), format!("flag {flag}"))];
        }
        if let Some(value) = set {
            let value = effective.unwrap_or_else(|| value.to_string_lossy().into_owned());
            return vec![self.row(value, format!("variable {}", self.variable))];
        }
        let said = self.said();
        if !said.is_empty() {
            return said;
        }
        let Some(value) = effective else {
            let default = help.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
            let default = default.map(|(default, _)| self.row(default.to_owned(), "default".to_owned()));
            return default.into_iter().collect();
        };
        let told = &self.file.told.origins;
        let region = told.iter().find(|origin| origin.variable == "AWS_DEFAULT_REGION");
        let from = match region.filter(|_| self.section == "s3" && self.key == "region") {
            Some(origin) => format!("{} for {}", origin.found, origin.at),
            None => "what the service's own tools read, or a default".to_owned(),
        };
        vec![self.row(value, from)]
    }

    /// What the file says.
    fn said(&self) -> Vec<Row> {
        let told = &self.file.told;
        let path = told.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        if let Some(effective) = &told.effective {
            let here = effective.settings.iter().filter(|one| {
                let counts = one.verb.is_none() || self.verb.is_none() || one.verb == self.verb;
                one.section == self.section && one.key == self.key && counts
            });
            return here
                .map(|one| {
                    let scope = one.verb.map(|verb| format!(", for {verb}")).unwrap_or_default();
                    let default = if one.is_default { ", which says nothing" } else { "" };
                    self.row(plain(&one.value), format!("{path}, {}{default}{scope}", one.at))
                })
                .collect();
        }
        let section = match self.section {
            "" => Some(&told.table),
            name => told.table.get(name).and_then(toml::Value::as_table),
        };
        let value = section.and_then(|section| section.get(self.key));
        let place = if self.section.is_empty() { String::new() } else { format!(" [{}]", self.section) };
        value.map(|value| self.row(plain(value), format!("{path}{place}"))).into_iter().collect()
    }

    fn row(&self, value: String, from: String) -> Row {
        let setting = match self.section {
            "" => self.key.to_owned(),
            section => format!("{section} {}", self.key),
        };
        let value =
            if HIDDEN.contains(&self.key) && self.section == "backup" { MASK.to_owned() } else { value };
        Row { setting, value, from }
    }
}

fn spell(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        toml::Value::Boolean(is) => is.to_string(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Datetime(_) | toml::Value::Table(_) => String::new(),
    }
}

impl Report for Explained {
    fn text(&self) -> String {
        let mut text = match &self.archive {
            Some(archive) => format!("archive: {archive}\n"),
            None => String::new(),
        };
        let name = self
            .settings
            .iter()
            .chain(&self.secrets)
            .map(|row| row.setting.chars().count())
            .max()
            .unwrap_or(0);
        let value = self.settings.iter().map(|row| row.value.chars().count()).max().unwrap_or(0).min(40);
        for Row { setting, value: shown, from } in self.settings.iter().chain(&self.secrets) {
            let _ = writeln!(text, "{setting:name$}  {shown:value$}  {from}");
        }
        for Unused { at, why } in &self.unused {
            let _ = writeln!(text, "not used: {at}: {why}");
        }
        text
    }

    fn json(&self) -> String {
        let line = serde_json::to_string(self).unwrap_or_default();
        format!("{line}\n")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::front::manifest::Problems;
    use crate::front::native::args::{ArchiveArgs, Shared, WhichArgs};
    use crate::front::native::config;

    const S3: &str = include_str!("../manifest/examples/s3.yaml");
    const AZURE: &str = include_str!("../manifest/examples/azure.yaml");
    const GOOGLE: &str = include_str!("../manifest/examples/google.yaml");
    const IN_TREE: &str = include_str!("../manifest/examples/in_tree.yaml");
    const REPLICA: &str = include_str!("../manifest/examples/replica.yaml");

    /// What is explained, with a server's name where the manifest has none.
    fn explained(text: &str, which: &WhichArgs, verb: Option<&str>) -> Explained {
        let problems = Problems::default();
        let path = Path::new("f.yaml");
        let file =
            File::of_manifest(path, text, which, verb.unwrap_or("config"), &|_| None, &problems).unwrap();
        assert_eq!(problems.into_all(), []);
        let server = file.archive.server.is_none().then(|| "given".parse().unwrap());
        let archive = ArchiveArgs { spool: Some("/spool".into()), server, ..ArchiveArgs::default() };
        let shared = Shared { archive, which: which.clone(), ..Shared::default() };
        let settings = Settings::resolve(shared, &file, &|_| None).unwrap();
        let words = ["--server=given", "--spool=/spool"].map(OsString::from);
        let words = if file.archive.server.is_none() { &words[..] } else { &words[1..] };
        explain(verb, &settings, &file, &|_| None, words).unwrap()
    }

    fn text(text: &str, which: &WhichArgs, verb: Option<&str>) -> String {
        let explained = explained(text, which, verb);
        assert!(!format!("{}{explained:?}", explained.json()).contains("hunter2"));
        explained.text()
    }

    fn of(cluster: &str, from: Option<&str>) -> WhichArgs {
        WhichArgs { cluster: Some(cluster.into()), from: from.map(str::to_owned), ..WhichArgs::default() }
    }

    #[test]
    fn every_field_of_a_manifest_is_explained_with_its_place() {
        let any = WhichArgs::default();
        insta::assert_snapshot!("explain_s3", text(S3, &any, None));
        insta::assert_snapshot!("explain_s3_backup_json", explained(S3, &any, Some("backup")).json());
        insta::assert_snapshot!("explain_azure", text(AZURE, &any, Some("wal-archive")));
        insta::assert_snapshot!("explain_google", text(GOOGLE, &any, Some("backup")));
        insta::assert_snapshot!("explain_in_tree", text(IN_TREE, &any, Some("wal-archive")));
        insta::assert_snapshot!("explain_in_tree_restore", text(IN_TREE, &any, Some("restore")));
    }

    #[test]
    fn a_replica_reads_from_its_source_and_archives_as_itself() {
        let own = text(REPLICA, &of("replica", None), Some("wal-archive"));
        insta::assert_snapshot!("explain_replica", own);
        insta::assert_snapshot!(
            "explain_replica_from",
            text(REPLICA, &of("replica", Some("primary")), Some("wal-restore"))
        );
    }

    #[test]
    fn a_built_in_block_becomes_an_object_store_and_the_plugins_stanza() {
        let problems = Problems::default();
        let documents = crate::front::manifest::read(IN_TREE, None, &problems).unwrap();
        let moved = crate::front::manifest::move_out(IN_TREE, &documents).unwrap();
        insta::assert_snapshot!("from_cluster", moved);
        let (problems, _) = config::judge(Path::new("f.yaml"), &moved, &WhichArgs::default(), &|_| None);
        assert_eq!(problems, []);
    }

    /// A manifest that is right but for what is put in place of a part of it.
    fn wrong(replace: &str, with: &str) -> String {
        assert!(S3.contains(replace), "{replace}");
        S3.replacen(replace, with, 1)
    }

    /// What replaces what in the manifest with every field.
    const WRONG: [(&str, &str); 34] = [
        ("kind: ObjectStore", "kind: ObjectStore\nkind: Cluster"),
        ("cnpg.io/v1\nkind: ObjectStore", "cnpg.io/v2\nkind: ObjectStore"),
        ("metadata:\n  name: store\n  namespace: db\nspec", "spec"),
        ("  name: store\n", ""),
        ("    destinationPath: s3://backups/cnpg/\n", ""),
        ("s3://backups/cnpg/", "backups/cnpg"),
        ("s3://backups/cnpg/", "gs://backups/cnpg"),
        ("s3://backups/cnpg/", "s3://AKIA:hunter2@backups"),
        ("destinationPath", "destinationpath"),
        ("https://minio.example:9000", "https://user:hunter2@minio.example"),
        ("    wal:\n      compression: gzip", "    wal:\n      compresion: gzip"),
        ("      compression: gzip", "      compression: brotli"),
        ("      compression: lz4", "      compression: xz"),
        ("encryption: AES256", "encryption: aes256"),
        ("maxParallel: 8", "maxParallel: 0"),
        ("maxParallel: 8", "maxParallel: many"),
        ("jobs: 4", "jobs: \"4\""),
        ("immediateCheckpoint: true", "immediateCheckpoint: 1"),
        ("\"30d\"", "30"),
        ("\"30d\"", "30 days"),
        ("\"30d\"", "0d"),
        ("      secretAccessKey: {name: minio, key: ACCESS_SECRET_KEY}\n", ""),
        ("      accessKeyId: {name: minio, key: ACCESS_KEY_ID}\n", "      inheritFromIAMRole: true\n"),
        ("    s3Credentials:\n", "    googleCredentials: {gkeEnvironment: true}\n    s3Credentials:\n"),
        ("accessKeyId: {name: minio, key: ACCESS_KEY_ID}", "accessKeyId: {name: minio}"),
        ("accessKeyId: {name: minio, key: ACCESS_KEY_ID}", "accessKeyId: {name: ../etc, key: passwd}"),
        ("accessKeyId: {name: minio, key: ACCESS_KEY_ID}", "accessKeyId: {name: other, key: ACCESS_KEY_ID}"),
        ("REGION: eu-west-1", "REGION: hunter2/REGION"),
        ("ACCESS_KEY_ID: aHVudGVyMg==", "ACCESS_KEY_ID: hunter2!"),
        ("\"--max-concurrency=1\"", "\"--max-concurency=1\""),
        ("\"--min-chunk-size=5MB\"", "\"--snapshot-instance=vm\""),
        ("backupRetentionPolicy: expire", "build: 42"),
        ("logLevel: debug", "logLevel: verbose"),
        ("--pprof-server=:6060", "--log-level=debug"),
    ];

    /// The same for other parts.
    const WRONG_ELSEWHERE: [(&str, &str); 8] = [
        ("ObjectName: store", "ObjectName: stroe"),
        ("serverName: main-2026", "servername: main-2026"),
        ("serverName: main-2026", "serverName: a/b"),
        ("0 30 2 * * *", "30 2 * * *"),
        ("  cluster: {name: main}\n", ""),
        ("backupOwnerReference: self", "imediate: true"),
        ("spec:\n  instances: 3", "spec:\n  bootstrap: {recovery: {source: nobody}}\n  instances: 3"),
        ("    wal:\n", "    serverName: main\n    wal:\n"),
    ];

    #[test]
    fn what_is_wrong_is_told_with_place_and_remedy_and_all_of_it_at_once() {
        let mut told = String::new();
        let mut tell = |title: &str, manifest: &str| {
            let (problems, _) =
                config::judge(Path::new("f.yaml"), manifest, &WhichArgs::default(), &|_| None);
            assert!(!problems.is_empty(), "{title}");
            let _ = writeln!(told, "# {}", title.replace('\n', "⏎").replace("hunter2", "SECRET"));
            for problem in &problems {
                let _ = writeln!(told, "{problem}");
            }
        };
        for (replace, with) in WRONG.iter().chain(&WRONG_ELSEWHERE) {
            tell(with, &wrong(replace, with));
        }
        let several = wrong("jobs: 4", "job: 4").replacen("maxParallel: 8", "maxParallel: 0", 1);
        tell("two at once", &several);
        for (replace, with) in [
            ("      storageAccount: {name: azure, key: account}\n", ""),
            ("      storageSasToken: {name: azure, key: sas}\n", ""),
            ("    azureCredentials:\n", "    azureCredentials:\n      inheritFromAzureAD: true\n"),
            (
                "    azureCredentials:\n",
                "    azureCredentials:\n      connectionString: {name: azure, key: sas}\n",
            ),
        ] {
            tell(with, &AZURE.replacen(replace, with, 1));
        }
        tell(
            "both of Google's",
            &GOOGLE.replacen(
                "\"googleCredentials\": {",
                "\"googleCredentials\": {\"gkeEnvironment\": true, ",
                1,
            ),
        );
        tell(
            "neither of Google's",
            &GOOGLE.replacen("\"applicationCredentials\": {\"name\": \"gcs\", \"key\": \"key.json\"}", "", 1),
        );
        tell("two targets", &IN_TREE.replacen("exclusive: true", "targetLSN: 0/3000000", 1));
        tell("no time", &IN_TREE.replacen("2026-01-31 12:00:00", "yesterday", 1));
        // A colon without a space behind it makes a key of the secret: found by fuzzing.
        for with in ["sas:\"hunter2\"", "hunter2", "sas: [hunter2]", "hunter2=: 1"] {
            tell(with, &AZURE.replacen("sas: \"sv=2024&sig=hunter2\"", with, 1));
        }
        tell(
            "account:hunter2",
            &AZURE.replacen(
                "{name: azure}\nstringData",
                "{name: azure}\n? account:hunter2\n: 1\nstringData",
                1,
            ),
        );
        tell("no archive", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n");
        tell("no YAML", "a: [1\nb: }");
        assert!(!told.contains("hunter2"), "{told}");
        insta::assert_snapshot!("wrong_manifests", told);
    }

    #[test]
    fn of_several_one_must_be_named_and_the_error_lists_them() {
        let problems = Problems::default();
        let refused = |text: &str, which: &WhichArgs| {
            let e = File::of_manifest(Path::new("f.yaml"), text, which, "check", &|_| None, &problems)
                .unwrap_err();
            format!("{e}; {}", e.hint_text().unwrap_or_default())
        };
        let any = WhichArgs::default();
        assert_eq!(
            refused(REPLICA, &any),
            "there are several Clusters: primary, replica; say which with --cluster"
        );
        let two = format!("{AZURE}---\n{}", AZURE.replace("name: azure}\nspec", "name: other}\nspec"));
        assert_eq!(
            refused(&two, &any),
            "there are several ObjectStores: azure, other; say which with --object-store"
        );
        assert_eq!(
            refused(REPLICA, &of("replicas", None)),
            "there is no Cluster `replicas`; did you mean replica?"
        );
        let none = refused(REPLICA, &of("replica", Some("primry")));
        assert_eq!(none, "there is no external cluster `primry`; did you mean primary?");
    }
}
