//! The documents of a manifest, field by field (spec/cloudnativepg.md 3).
//!
//! Blocks that are understood are strict: a field nobody knows is a problem, because a setting that is
//! silently ignored is found out on the day it was needed. What has nothing to do with the archive is not
//! ours to judge.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::reader::{Fields, Place, Problem, Problems, Said};
use super::yaml::{Node, Value};
use crate::front::tag::Tag;
use crate::model::{RetentionPolicy, Schedule, ServerName};

/// The group of the plugin's own resources.
const STORES: &str = "barmancloud.cnpg.io/v1";

/// The groups of the operator and of its commercial sister.
const CLUSTERS: [&str; 2] = ["postgresql.cnpg.io/v1", "postgresql.k8s.enterprisedb.io/v1"];

/// The plugin by its name.
pub(crate) const PLUGIN: &str = "barman-cloud.cloudnative-pg.io";

/// All that a file says.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) stores: Vec<Store>,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) secrets: Vec<SecretDocument>,
    pub(crate) schedules: Vec<Scheduled>,
    pub(crate) backups: Vec<BackupDocument>,
    /// What is not ours: kind and name.
    pub(crate) others: Vec<String>,
}

/// A resource's name and namespace; whoever gives no namespace means any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl Name {
    /// Whether `name` or `namespace/name` means this.
    pub(crate) fn is(&self, words: &str) -> bool {
        match words.split_once('/') {
            Some((namespace, name)) => self.is_named(Some(namespace), name),
            None => self.name == words,
        }
    }

    /// Whether somebody in `namespace` who says `name` means this.
    pub(crate) fn is_named(&self, namespace: Option<&str>, name: &str) -> bool {
        let namespaces = namespace.zip(self.namespace.as_deref());
        self.name == name && namespaces.is_none_or(|(one, other)| one == other)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.namespace.iter().try_for_each(|namespace| write!(f, "{namespace}/"))?;
        f.write_str(&self.name)
    }
}

/// An `ObjectStore`.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) name: Name,
    pub(crate) configuration: Configuration,
    pub(crate) retention: Option<Said<RetentionPolicy>>,
    /// The environment of the sidecar.
    pub(crate) environment: Vec<Variable>,
    /// What is accepted and means nothing here, and why.
    pub(crate) unused: Vec<(Place, &'static str)>,
}

/// Where an archive is and how it is written: the same in an `ObjectStore` and within a `Cluster`.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(crate) at: Place,
    pub(crate) destination: Option<Said<String>>,
    pub(crate) endpoint: Option<Said<String>>,
    pub(crate) authorities: Option<SecretRef>,
    pub(crate) server: Option<Said<ServerName>>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) wal: Wal,
    pub(crate) data: Data,
    pub(crate) tags: Vec<Said<Tag>>,
    pub(crate) history_tags: Vec<Said<Tag>>,
}

/// How to sign in.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    S3 {
        role: bool,
        access_key_id: Option<SecretRef>,
        secret_access_key: Option<SecretRef>,
        region: Option<SecretRef>,
        session_token: Option<SecretRef>,
    },
    Azure {
        connection_string: Option<SecretRef>,
        account: Option<SecretRef>,
        key: Option<SecretRef>,
        sas: Option<SecretRef>,
        identity: Option<Place>,
        default: Option<Place>,
    },
    Google {
        application: Option<SecretRef>,
    },
}

/// A key of a secret.
#[derive(Debug, Clone)]
pub(crate) struct SecretRef {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) at: Place,
}

/// How WAL is written and read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wal {
    pub(crate) compression: Option<Said<String>>,
    pub(crate) encryption: Option<Said<String>>,
    pub(crate) parallel: Option<Said<u32>>,
    pub(crate) archive: Vec<Said<String>>,
    pub(crate) restore: Vec<Said<String>>,
}

/// How base backups are written and read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    pub(crate) compression: Option<Said<String>>,
    pub(crate) encryption: Option<Said<String>>,
    pub(crate) jobs: Option<Said<u32>>,
    pub(crate) immediate_checkpoint: Option<Said<bool>>,
    pub(crate) backup: Vec<Said<String>>,
    pub(crate) restore: Vec<Said<String>>,
}

/// A variable of an environment.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: Said<String>,
    pub(crate) value: VariableValue,
}

/// Where its value is.
#[derive(Clone)]
pub(crate) enum VariableValue {
    Text(String),
    Secret(SecretRef),
    /// Only the cluster of machines knows it.
    Elsewhere,
}

impl fmt::Debug for VariableValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VariableValue(..)")
    }
}

/// A `Cluster`: only what says where its archive is and how it was made.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) name: Name,
    pub(crate) at: Place,
    /// Where it archives.
    pub(crate) archive: Option<Source>,
    pub(crate) retention: Option<Said<RetentionPolicy>>,
    pub(crate) externals: Vec<External>,
    pub(crate) recovery: Option<Recovery>,
    /// The external cluster that this one follows, while it is a replica.
    pub(crate) replica: Option<Said<String>>,
}

/// An archive, by reference or on the spot.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The parameters of the plugin; the server's name is the cluster's when it is not said, also for
    /// another cluster's archive (spec/cloudnativepg.md 5.5).
    Plugin { store: Said<String>, server: Option<Said<ServerName>> },
    /// A block within the cluster.
    Block(Box<Configuration>),
}

/// Another cluster that this one knows.
#[derive(Debug, Clone)]
pub(crate) struct External {
    pub(crate) name: Said<String>,
    pub(crate) source: Option<Source>,
}

/// How a cluster is made out of an archive.
#[derive(Debug, Clone)]
pub(crate) struct Recovery {
    pub(crate) source: Option<Said<String>>,
    /// The name of a `Backup`.
    pub(crate) backup: Option<Said<String>>,
    pub(crate) target: BTreeMap<&'static str, Said<String>>,
    pub(crate) immediate: bool,
    pub(crate) exclusive: Option<bool>,
}

/// A `Secret`; `Debug` shows the names of its keys only.
pub(crate) struct SecretDocument {
    pub(crate) name: Name,
    pub(crate) at: Place,
    pub(crate) values: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for SecretDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretDocument({}, {:?})", self.name, self.values.keys())
    }
}

/// A `ScheduledBackup`.
#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    pub(crate) name: Name,
    pub(crate) schedule: Schedule,
    /// The cluster.
    pub(crate) cluster: Said<String>,
    /// Whether one is wanted at once as well.
    pub(crate) immediate: bool,
    /// Whether it rests.
    pub(crate) suspend: bool,
}

/// A `Backup`: which one it became, once it has been taken.
#[derive(Debug, Clone)]
pub(crate) struct BackupDocument {
    pub(crate) name: Name,
    pub(crate) cluster: Said<String>,
    pub(crate) id: Option<Said<String>>,
}

impl Documents {
    /// Reads the documents of a file; lists are taken apart.
    pub(crate) fn read(nodes: &[Node], problems: &Problems) -> Self {
        let mut all = Self::default();
        for node in nodes {
            match (node.get("kind").and_then(Node::as_text), node.get("items").map(|node| &node.value)) {
                (Some("List"), Some(Value::List(items))) => {
                    for item in items {
                        all.take(item, problems);
                    }
                }
                _ => all.take(node, problems),
            }
        }
        all
    }

    fn take(&mut self, node: &Node, problems: &Problems) {
        let said = |name: &str| node.get(name).and_then(Node::as_text).unwrap_or_default();
        let (version, kind) = (said("apiVersion"), said("kind"));
        let bare = Place {
            document: Arc::from(if kind.is_empty() { "document" } else { kind }),
            path: String::new(),
            line: node.line,
        };
        let Some(mut fields) = Fields::of(node, bare.clone(), problems) else { return };
        if kind.is_empty() || version.is_empty() {
            let missing = if kind.is_empty() { "kind" } else { "apiVersion" };
            return fields.problem(
                format_args!("{missing} is missing"),
                "give a manifest of Kubernetes, or TOML in a file that ends in .toml",
            );
        }
        let ours = match kind {
            "ObjectStore" => version == STORES,
            "Cluster" | "ScheduledBackup" | "Backup" => CLUSTERS.contains(&version),
            "Secret" => version == "v1",
            _ => false,
        };
        if kind == "ObjectStore" && !ours {
            return fields.problem(
                format_args!("apiVersion is {version}, not {STORES}"),
                "correct it, or leave the document out",
            );
        }
        let name = name(&mut fields);
        let title = name.as_ref().map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"));
        if !ours {
            self.others.push(title);
            return;
        }
        let Some(name) = name else { return };
        fields.at.document = Arc::from(title);
        match kind {
            "ObjectStore" => self.stores.extend(store(name, fields)),
            "Cluster" => self.clusters.push(cluster(name, fields)),
            "Secret" => self.secrets.push(secret(name, fields)),
            "ScheduledBackup" => self.schedules.extend(scheduled(name, fields)),
            _ => self.backups.extend(backup(name, fields)),
        }
    }
}

fn name(fields: &mut Fields<'_>) -> Option<Name> {
    let Some(mut metadata) = fields.fields("metadata") else {
        fields.problem("metadata is missing", "give metadata.name");
        return None;
    };
    let namespace = metadata.text("namespace").map(|said| said.value);
    let name = metadata.demand("name", "give the resource a name")?.value;
    Some(Name { namespace, name })
}

fn spec(mut fields: Fields<'_>) -> Option<Fields<'_>> {
    fields.ignore(&["apiVersion", "kind", "metadata", "status"]);
    let spec = fields.fields("spec");
    if spec.is_none() {
        fields.problem("spec is missing", "give a spec");
    }
    fields.finish();
    spec
}

fn store(name: Name, fields: Fields<'_>) -> Option<Store> {
    let mut spec = spec(fields)?;
    let problems = spec.problems();
    let configuration = spec.fields("configuration").map(configuration);
    if configuration.is_none() {
        spec.problem("configuration is missing", "give configuration.destinationPath and credentials");
    }
    if let Some(server) = configuration.as_ref().and_then(|c| c.server.as_ref()) {
        problems.add(
            Problem::at(&server.at, "a serverName does not belong into an ObjectStore").hint(
                "leave it out: the name is the plugin's parameter serverName in the Cluster, or --server",
            ),
        );
    }
    let retention = retention(&mut spec);
    let mut unused = Vec::new();
    let mut environment = Vec::new();
    if let Some(mut sidecar) = spec.fields("instanceSidecarConfiguration") {
        for (field, why) in [
            (
                "retentionPolicyIntervalSeconds",
                "nothing runs by itself here: a timer calls `barkeep retention`",
            ),
            ("resources", "there is no sidecar: --memory limits what buffers take"),
            ("additionalContainerArgs", "there is no sidecar"),
            ("logLevel", "there is no sidecar: -v and -q say how much is logged"),
        ] {
            unused.extend(sidecar.node(field).map(|said| (said.at, why)));
        }
        sidecar.positive("retentionPolicyIntervalSeconds");
        sidecar.word("logLevel", &["error", "warning", "info", "debug", "trace"]);
        for arg in sidecar.texts("additionalContainerArgs") {
            if arg.value.starts_with("--log-level") {
                problems.add(Problem::at(&arg.at, "--log-level is not allowed here").hint("set logLevel"));
            }
        }
        environment = sidecar.maps("env").into_iter().filter_map(variable).collect();
        sidecar.finish();
    }
    spec.finish();
    Some(Store { name, configuration: configuration?, retention, environment, unused })
}

fn retention(spec: &mut Fields<'_>) -> Option<Said<RetentionPolicy>> {
    let said = spec.text("retentionPolicy")?;
    let (count, unit) = said.value.split_at(said.value.len().saturating_sub(1).min(said.value.len()));
    let digits = !count.is_empty() && !count.starts_with('0') && count.bytes().all(|b| b.is_ascii_digit());
    let policy = said.value.parse().ok().filter(|_| digits && matches!(unit, "d" | "w" | "m"));
    if policy.is_none() {
        let problem = Problem::at(&said.at, format_args!("`{}` is no retention policy", said.value));
        spec.problems().add(problem.hint("write days, weeks or months: 30d, 4w, 6m"));
    }
    policy.map(|value| Said { value, at: said.at })
}

fn variable(mut fields: Fields<'_>) -> Option<Variable> {
    let name = fields.demand("name", "name the variable");
    let text = fields.text("value");
    let mut value = VariableValue::Text(text.as_ref().map(|t| t.value.clone()).unwrap_or_default());
    if let Some(mut from) = fields.fields("valueFrom") {
        value = match from.fields("secretKeyRef") {
            Some(mut reference) => {
                reference.ignore(&["optional"]);
                VariableValue::Secret(secret_ref_of(reference)?)
            }
            None => VariableValue::Elsewhere,
        };
        from.ignore(&["configMapKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef"]);
        from.finish();
        if text.is_some() {
            fields.problem("value and valueFrom exclude each other", "leave out one of them");
        }
    }
    let name = name.filter(|name| {
        let is_sound = !name.value.contains(['=', '\0']);
        if !is_sound {
            fields.problem("the name has a character that no variable's name has", "leave out = and NUL");
        }
        is_sound
    });
    if matches!(&value, VariableValue::Text(text) if text.contains('\0')) {
        fields.problem("the value has a NUL in it", "leave it out");
        return None;
    }
    fields.finish();
    Some(Variable { name: name?, value })
}

/// The block of an `ObjectStore`, and the same block within a `Cluster`.
fn configuration(mut fields: Fields<'_>) -> Configuration {
    let destination = fields
        .demand("destinationPath", "say where: s3://bucket/path, gs://bucket/path or https://ACCOUNT.blob.core.windows.net/CONTAINER/path");
    let endpoint = fields.text("endpointURL").filter(|said| !said.value.is_empty());
    let authorities = fields.fields("endpointCA").and_then(secret_ref_of);
    let server = fields.read("serverName");
    let credentials = credentials(&mut fields);
    let tags = tags(&mut fields, "tags");
    let history_tags = self::tags(&mut fields, "historyTags");
    let wal = fields.fields("wal").map(wal).unwrap_or_default();
    let data = fields.fields("data").map(data).unwrap_or_default();
    let at = fields.at.clone();
    fields.finish();
    Configuration {
        at,
        destination,
        endpoint,
        authorities,
        server,
        credentials,
        wal,
        data,
        tags,
        history_tags,
    }
}

const WAL_CODECS: [&str; 6] = ["bzip2", "gzip", "lz4", "snappy", "xz", "zstd"];
const DATA_CODECS: [&str; 5] = ["bzip2", "gzip", "lz4", "snappy", "zstd"];
const METHODS: [&str; 2] = ["AES256", "aws:kms"];

fn wal(mut fields: Fields<'_>) -> Wal {
    let wal = Wal {
        compression: fields.word("compression", &WAL_CODECS),
        encryption: fields.word("encryption", &METHODS),
        parallel: fields.positive("maxParallel"),
        archive: fields.texts("archiveAdditionalCommandArgs"),
        restore: fields.texts("restoreAdditionalCommandArgs"),
    };
    fields.finish();
    wal
}

fn data(mut fields: Fields<'_>) -> Data {
    let data = Data {
        compression: fields.word("compression", &DATA_CODECS),
        encryption: fields.word("encryption", &METHODS),
        jobs: fields.positive("jobs"),
        immediate_checkpoint: fields.bool("immediateCheckpoint"),
        backup: fields.texts("additionalCommandArgs"),
        restore: fields.texts("restoreAdditionalCommandArgs"),
    };
    fields.finish();
    data
}

fn tags(fields: &mut Fields<'_>, name: &'static str) -> Vec<Said<Tag>> {
    let pairs = fields.texts_by_key(name);
    let mut tags = Vec::new();
    for (key, Said { value, at }) in pairs {
        if key.contains('=') {
            fields.problems().add(Problem::at(&at, "a tag's key has no equals sign in it"));
            continue;
        }
        match format!("{key}={value}").parse() {
            Ok(value) => tags.push(Said { value, at }),
            Err(e) => fields.problems().add_error(&at, &e),
        }
    }
    if let Some(tag) = tags.get(10) {
        fields.problems().add(Problem::at(&tag.at, "an object has at most 10 tags").hint("leave some out"));
    }
    tags
}

/// Exactly one of three (spec/cloudnativepg.md 3.1).
fn credentials(fields: &mut Fields<'_>) -> Option<Credentials> {
    let s3 = fields.fields("s3Credentials").map(s3_credentials);
    let azure = fields.fields("azureCredentials").map(azure_credentials);
    let google = fields.fields("googleCredentials").map(google_credentials);
    let mut given: Vec<Credentials> = [s3, azure, google].into_iter().flatten().collect();
    match given.len() {
        0 => fields.problem(
            "no credentials are given",
            "give one of s3Credentials, azureCredentials and googleCredentials",
        ),
        1 => {}
        _ => fields.problem(
            format_args!("{} kinds of credentials are given", given.len()),
            "leave only one of s3Credentials, azureCredentials and googleCredentials",
        ),
    }
    given.truncate(1);
    given.pop()
}

fn s3_credentials(mut fields: Fields<'_>) -> Credentials {
    let role = fields.bool("inheritFromIAMRole").is_some_and(|said| said.value);
    let access_key_id = secret_ref(&mut fields, "accessKeyId");
    let secret_access_key = secret_ref(&mut fields, "secretAccessKey");
    let region = secret_ref(&mut fields, "region");
    let session_token = secret_ref(&mut fields, "sessionToken");
    match (role, access_key_id.is_some(), secret_access_key.is_some()) {
        (true, false, false) | (false, true, true) => {}
        (true, ..) => fields.problem(
            "inheritFromIAMRole and keys exclude each other",
            "leave out the keys, or inheritFromIAMRole",
        ),
        (false, true, false) => fields.problem(
            "secretAccessKey is missing",
            "give both accessKeyId and secretAccessKey, or inheritFromIAMRole: true",
        ),
        (false, false, true) => fields.problem(
            "accessKeyId is missing",
            "give both accessKeyId and secretAccessKey, or inheritFromIAMRole: true",
        ),
        (false, false, false) => fields.problem(
            "neither keys nor a role are given",
            "give accessKeyId and secretAccessKey, or inheritFromIAMRole: true",
        ),
    }
    fields.finish();
    Credentials::S3 { role, access_key_id, secret_access_key, region, session_token }
}

fn azure_credentials(mut fields: Fields<'_>) -> Credentials {
    let connection_string = secret_ref(&mut fields, "connectionString");
    let account = secret_ref(&mut fields, "storageAccount");
    let key = secret_ref(&mut fields, "storageKey");
    let sas = secret_ref(&mut fields, "storageSasToken");
    let said = |said: Option<Said<bool>>| said.filter(|said| said.value).map(|said| said.at);
    let identity = said(fields.bool("inheritFromAzureAD"));
    let default = said(fields.bool("useDefaultAzureCredentials"));
    let others = [key.is_some(), sas.is_some(), identity.is_some(), default.is_some()];
    let count = others.iter().filter(|is| **is).count();
    let all = "storageKey, storageSasToken, inheritFromAzureAD and useDefaultAzureCredentials";
    if connection_string.is_some() {
        if count > 0 || account.is_some() {
            fields.problem(
                "connectionString excludes all other credentials",
                "leave out the others, or connectionString",
            );
        }
    } else if count == 0 {
        fields.problem("no way to sign in is given", &format!("give connectionString, or one of {all}"));
    } else if count > 1 {
        fields
            .problem(format_args!("{count} ways to sign in are given"), &format!("leave only one of {all}"));
    } else if (key.is_some() || sas.is_some()) && account.is_none() {
        fields.problem("storageAccount is missing", "give it with storageKey or storageSasToken");
    }
    fields.finish();
    Credentials::Azure { connection_string, account, key, sas, identity, default }
}

fn google_credentials(mut fields: Fields<'_>) -> Credentials {
    let application = secret_ref(&mut fields, "applicationCredentials");
    let gke = fields.bool("gkeEnvironment").is_some_and(|said| said.value);
    match (application.is_some(), gke) {
        (true, true) => fields
            .problem("gkeEnvironment and applicationCredentials exclude each other", "leave out one of them"),
        (false, false) => fields
            .problem("no way to sign in is given", "give applicationCredentials, or gkeEnvironment: true"),
        _ => {}
    }
    fields.finish();
    Credentials::Google { application }
}

fn secret_ref(fields: &mut Fields<'_>, name: &'static str) -> Option<SecretRef> {
    fields.fields(name).and_then(secret_ref_of)
}

fn secret_ref_of(mut fields: Fields<'_>) -> Option<SecretRef> {
    let name = fields.demand("name", "name the Secret");
    let key = fields.demand("key", "name the key within the Secret");
    let at = fields.at.clone();
    let problems = fields.problems();
    fields.finish();
    let (name, key) = (name?, key?);
    // They become part of a path below --secret-dir.
    for said in [&name, &key] {
        let is_plain = said.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_plain || said.value.starts_with("..") || said.value == "." || said.value.len() > 253 {
            problems.add(
                Problem::at(&said.at, "is no name of a Secret or a key")
                    .hint("letters, digits, - _ and . are allowed"),
            );
            return None;
        }
    }
    Some(SecretRef { name: name.value, key: key.value, at })
}

fn cluster(name: Name, fields: Fields<'_>) -> Cluster {
    let at = fields.at.clone();
    let none = Cluster {
        name,
        at,
        archive: None,
        retention: None,
        externals: Vec::new(),
        recovery: None,
        replica: None,
    };
    let Some(mut spec) = spec(fields) else { return none };
    let problems = spec.problems();
    let mut archive = None;
    for plugin in spec.maps("plugins") {
        archive = archive.or(plugin_source(plugin));
    }
    let mut policy = None;
    if let Some(mut backup) = spec.fields("backup") {
        policy = retention(&mut backup);
        if let Some(block) = backup.fields("barmanObjectStore").map(configuration) {
            if archive.is_some() {
                problems.add(
                    Problem::at(&block.at, "the plugin archives as well")
                        .hint("leave out this block, or the plugin"),
                );
            }
            archive = archive.or(Some(Source::Block(Box::new(block))));
        }
        backup.ignore(&["volumeSnapshot", "target"]);
        backup.finish();
    }
    let mut externals: Vec<External> = Vec::new();
    for mut external in spec.maps("externalClusters") {
        let Some(name) = external.demand("name", "name the external cluster") else { continue };
        if externals.iter().any(|other| other.name.value == name.value) {
            problems.add(Problem::at(&name.at, format_args!("`{}` is there a second time", name.value)));
        }
        let block = external.fields("barmanObjectStore").map(configuration);
        let plugin = external.fields("plugin").and_then(plugin_source);
        if block.is_some() && plugin.is_some() {
            external.problem("barmanObjectStore and plugin exclude each other", "leave out one of them");
        }
        externals
            .push(External { name, source: plugin.or(block.map(|block| Source::Block(Box::new(block)))) });
    }
    let recovery =
        spec.fields("bootstrap").and_then(|mut bootstrap| bootstrap.fields("recovery")).map(recovery);
    let (follows, is_replica) =
        spec.fields("replica").map(|block| replica(block, &none.name)).unwrap_or_default();
    let sources = recovery.iter().filter_map(|recovery| recovery.source.as_ref()).chain(&follows);
    for source in sources {
        if !externals.iter().any(|external| external.name.value == source.value) {
            let problem =
                Problem::at(&source.at, format_args!("`{}` is none of the externalClusters", source.value));
            let names = externals.iter().map(|external| external.name.value.as_str());
            problems.add(problem.hint(super::reader::nearest(&source.value, names)));
        }
    }
    Cluster {
        archive,
        retention: policy,
        externals,
        recovery,
        replica: follows.filter(|_| is_replica),
        ..none
    }
}

/// Whom a cluster follows, and whether it does so now: `enabled` says so, else that another is the primary
/// (spec/cloudnativepg.md 5.4).
fn replica(mut fields: Fields<'_>, cluster: &Name) -> (Option<Said<String>>, bool) {
    let source = fields.demand("source", "name one of the externalClusters");
    let enabled = fields.bool("enabled").map(|said| said.value);
    let (primary, me) = (fields.text("primary"), fields.text("self"));
    let me = me.map_or_else(|| cluster.name.clone(), |said| said.value);
    fields.ignore(&["promotionToken", "minApplyDelay"]);
    fields.finish();
    (source, enabled.unwrap_or_else(|| primary.is_some_and(|primary| primary.value != me)))
}

/// The archive that a plugin is told of; `None` for other plugins, and for this one when it is off.
fn plugin_source(mut plugin: Fields<'_>) -> Option<Source> {
    let name = plugin.demand("name", "name the plugin")?;
    if name.value != PLUGIN {
        return None;
    }
    let is_off = plugin.bool("enabled").is_some_and(|said| !said.value);
    plugin.bool("isWALArchiver");
    let parameters = plugin.fields("parameters");
    if parameters.is_none() {
        plugin.problem("parameters is missing", "give parameters.barmanObjectName");
    }
    plugin.finish();
    let mut parameters = parameters?;
    let store = parameters.demand("barmanObjectName", "name the ObjectStore");
    let server = parameters.read("serverName");
    parameters.finish();
    Some(Source::Plugin { store: store?, server }).filter(|_| !is_off)
}

/// The targets, of which at most one may be given.
const POINTS: [&str; 4] = ["targetTime", "targetLSN", "targetXID", "targetName"];

fn recovery(mut fields: Fields<'_>) -> Recovery {
    let source = fields.text("source");
    let backup = fields.fields("backup").and_then(|mut backup| backup.text("name"));
    fields.ignore(&["volumeSnapshots", "database", "owner", "secret"]);
    let mut recovery =
        Recovery { source, backup, target: BTreeMap::new(), immediate: false, exclusive: None };
    if let Some(mut target) = fields.fields("recoveryTarget") {
        for name in POINTS.into_iter().chain(["targetTLI", "backupID"]) {
            if let Some(said) = target.text(name).filter(|said| !said.value.is_empty()) {
                recovery.target.insert(name, said);
            }
        }
        recovery.immediate = target.bool("targetImmediate").is_some_and(|said| said.value);
        recovery.exclusive = target.bool("exclusive").map(|said| said.value);
        let points = POINTS.iter().filter(|name| recovery.target.contains_key(**name)).count();
        if points + usize::from(recovery.immediate) > 1 {
            target.problem(
                "more than one target is given",
                "leave only one of targetTime, targetLSN, targetXID, targetName and targetImmediate",
            );
        }
        target.finish();
    }
    fields.finish();
    recovery
}

fn secret(name: Name, mut fields: Fields<'_>) -> SecretDocument {
    fields.ignore(&["apiVersion", "kind", "metadata", "type", "immutable"]);
    let mut values = BTreeMap::new();
    for (key, said) in fields.secrets_by_key("data") {
        let packed: String = said.value.split_whitespace().collect();
        match STANDARD.decode(packed) {
            Ok(value) => drop(values.insert(key, value)),
            // The decoder's error would quote what it read.
            Err(_) => fields
                .problems()
                .add(Problem::at(&said.at, "is no base64").hint("encode it, or move it to stringData")),
        }
    }
    for (key, said) in fields.secrets_by_key("stringData") {
        values.insert(key, said.value.into_bytes());
    }
    let at = fields.at.clone();
    fields.finish();
    SecretDocument { name, at, values }
}

fn scheduled(name: Name, fields: Fields<'_>) -> Option<Scheduled> {
    let mut spec = spec(fields)?;
    let schedule =
        spec.demand("schedule", "give a schedule: `0 0 2 * * *`").and_then(|_| spec.read("schedule"));
    let immediate = spec.bool("immediate").is_some_and(|said| said.value);
    let suspend = spec.bool("suspend").is_some_and(|said| said.value);
    let cluster = backed_up(&mut spec);
    spec.ignore(&["backupOwnerReference"]);
    spec.finish();
    Some(Scheduled { name, schedule: schedule?.value, cluster: cluster?, immediate, suspend })
}

fn backup(name: Name, mut fields: Fields<'_>) -> Option<BackupDocument> {
    let id = fields.fields("status").and_then(|mut status| status.text("backupId"));
    let mut spec = spec(fields)?;
    let cluster = backed_up(&mut spec);
    spec.finish();
    Some(BackupDocument { name, cluster: cluster?, id })
}

/// What both kinds of backups say.
fn backed_up(spec: &mut Fields<'_>) -> Option<Said<String>> {
    spec.ignore(&["target", "online", "onlineConfiguration", "pluginConfiguration"]);
    spec.word("method", &["plugin", "barmanObjectStore", "volumeSnapshot"]);
    let Some(mut cluster) = spec.fields("cluster") else {
        spec.problem("cluster is missing", "give cluster.name");
        return None;
    };
    let name = cluster.demand("name", "name the cluster");
    cluster.finish();
    name
}
