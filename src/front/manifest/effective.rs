//! Which archive a manifest means, and the settings it gives.

use super::reader::{Place, Problem, Problems, Said, nearest};
use super::resource::{
    Cluster, Configuration, Credentials, Documents, Recovery, SecretRef, Source, Store, Variable,
};
use crate::error::{Error, Result};
use crate::front::barman::{AdditionalOf, Meaning, read_additional};
use crate::model::ServerName;
use crate::store::Location;

/// Which of several is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    pub(crate) store: Option<String>,
    pub(crate) cluster: Option<String>,
    /// The external cluster to read from.
    pub(crate) from: Option<String>,
    /// What is read when nothing is said.
    pub(crate) reads: Reads,
}

/// What a verb reads of a cluster that others have an archive for as well (spec/cloudnativepg.md 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reads {
    /// The cluster's own archive.
    #[default]
    Own,
    /// A base backup: from where the cluster recovers, else from the one that it follows as a replica.
    Backup,
    /// WAL for a server: from the one that the cluster follows as a replica.
    Wal,
}

impl Reads {
    /// What a verb reads.
    pub(crate) fn of(verb: &str) -> Self {
        match verb {
            "restore" => Self::Backup,
            "wal-restore" => Self::Wal,
            _ => Self::Own,
        }
    }

    /// The external cluster that is read. One that is followed without an archive streams, and is none.
    fn from(self, cluster: &Cluster) -> Option<&str> {
        let has_archive = |name: &&Said<String>| {
            cluster.externals.iter().any(|one| one.name.value == name.value && one.source.is_some())
        };
        let recovered = cluster.recovery.as_ref().and_then(|recovery| recovery.source.as_ref());
        let followed = cluster.replica.as_ref().filter(has_archive);
        let source = match self {
            Self::Own => None,
            Self::Backup => recovered.or(followed),
            Self::Wal => followed,
        };
        source.map(|said| said.value.as_str())
    }
}

/// A setting, and where it was said.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// The verb it is for, when it is not for all.
    pub(crate) verb: Option<&'static str>,
    /// The section, empty for the top.
    pub(crate) section: &'static str,
    pub(crate) key: &'static str,
    pub(crate) value: toml::Value,
    pub(crate) at: Place,
    /// Whether it is what holds when the place says nothing.
    pub(crate) is_default: bool,
}

/// An archive as a manifest describes it.
#[derive(Debug, Clone)]
pub(crate) struct Effective {
    /// `ObjectStore store, for Cluster main`.
    pub(crate) title: String,
    pub(crate) namespace: Option<String>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) authorities: Option<SecretRef>,
    pub(crate) environment: Vec<Variable>,
    pub(crate) recovery: Option<Recovery>,
    /// The external cluster whose archive it is, if it is another's.
    pub(crate) from: Option<String>,
    /// Whether a copy of it is to follow on, because the cluster is a replica.
    pub(crate) stands_by: bool,
    /// What means nothing here, and why.
    pub(crate) unused: Vec<(Place, String)>,
}

/// The archive that is meant.
///
/// # Errors
/// Kind `Usage` when several could be meant, with their names.
pub(crate) fn choose(documents: &Documents, choice: &Choice, problems: &Problems) -> Result<Effective> {
    let cluster = choose_cluster(documents, choice)?;
    let named = choice.store.as_ref().map(|name| named_store(documents, name)).transpose()?;
    let recovery = cluster.and_then(|cluster| cluster.recovery.as_ref());
    let implied = cluster.filter(|_| named.is_none()).and_then(|cluster| choice.reads.from(cluster));
    let from = choice.from.as_deref().or(implied);
    let mut effective = match (from, cluster, named) {
        (Some(_), None, _) => {
            return Err(Error::usage(
                "--from names an external cluster, and there is no Cluster in the file",
            ));
        }
        (Some(from), Some(cluster), _) => external(documents, cluster, from, problems)?,
        (None, cluster, Some(store)) => of_store(store, cluster, problems),
        (None, Some(cluster), None) if cluster.archive.is_some() => own(documents, cluster, problems)?,
        (None, cluster, None) => of_store(only_store(documents)?, cluster, problems),
    };
    if let Some(cluster) = cluster {
        // A store that the cluster does not refer to is nothing of its sidecar's.
        let stores = referred_to(documents, cluster);
        let is_referred = named.is_none_or(|named| stores.iter().any(|store| store.name == named.name));
        if is_referred || from.is_some() {
            effective.environment = merged(&stores, std::mem::take(&mut effective.environment));
        }
    }
    effective.stands_by = from.is_some() && cluster.is_some_and(|cluster| cluster.replica.is_some());
    effective.from = from.map(str::to_owned);
    effective.recovery = recovery.cloned();
    if let Some(Recovery { backup: Some(backup), target, .. }) = &mut effective.recovery {
        let document = documents.backups.iter().find(|one| one.name.name == backup.value);
        if let Some(id) = document.and_then(|one| one.id.clone()) {
            target.entry("backupID").or_insert(id);
        }
    }
    Ok(effective)
}

fn several(what: &str, flag: &str, names: &[String]) -> Error {
    let names = names.join(", ");
    Error::usage(format!("there are several {what}: {names}")).hint(format!("say which with {flag}"))
}

fn none(what: &str, name: &str, names: &[String]) -> Error {
    let error = Error::usage(format!("there is no {what} `{name}`"));
    if names.is_empty() {
        return error.hint("there is none at all in the file");
    }
    error.hint(nearest(name, names.iter().map(String::as_str)))
}

fn choose_cluster<'d>(documents: &'d Documents, choice: &Choice) -> Result<Option<&'d Cluster>> {
    let all = &documents.clusters;
    let names = |clusters: &[&Cluster]| clusters.iter().map(|c| c.name.to_string()).collect::<Vec<_>>();
    let candidates: Vec<&Cluster> = match &choice.cluster {
        Some(name) => {
            let found: Vec<_> = all.iter().filter(|cluster| cluster.name.is(name)).collect();
            if found.is_empty() {
                return Err(none("Cluster", name, &names(&all.iter().collect::<Vec<_>>())));
            }
            found
        }
        None => all.iter().collect(),
    };
    match (candidates.as_slice(), &choice.store) {
        ([], _) => Ok(None),
        ([one], _) => Ok(Some(one)),
        // Whoever names a store means the cluster that uses it, when it is only one.
        (_, Some(store)) if choice.cluster.is_none() => {
            let mut users = candidates.iter().filter(|cluster| uses(cluster, store).is_some());
            let user = users.next();
            Ok(user.filter(|_| users.next().is_none()).copied())
        }
        (several_of_them, _) => Err(several("Clusters", "--cluster", &names(several_of_them))),
    }
}

/// A cluster's use of a store.
struct Uses {
    /// The parameter, else the cluster's name.
    server: Option<Said<ServerName>>,
}

/// How the cluster archives to the store, if it does.
fn uses(cluster: &Cluster, store: &str) -> Option<Uses> {
    match &cluster.archive {
        Some(Source::Plugin { store: used, server }) => {
            let name = store.rsplit('/').next().unwrap_or(store);
            (used.value == name).then(|| Uses { server: server.clone().or_else(|| name_of(cluster)) })
        }
        _ => None,
    }
}

fn named_store<'d>(documents: &'d Documents, name: &str) -> Result<&'d Store> {
    let names = || documents.stores.iter().map(|store| store.name.to_string()).collect::<Vec<_>>();
    let found: Vec<_> = documents.stores.iter().filter(|store| store.name.is(name)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(none("ObjectStore", name, &names())),
        _ => Err(several("ObjectStores", "--object-store NAMESPACE/NAME", &names())),
    }
}

fn only_store(documents: &Documents) -> Result<&Store> {
    match documents.stores.as_slice() {
        [one] => Ok(one),
        [] => Err(Error::usage("the file has no archive in it")
            .hint("give it an ObjectStore, or a Cluster with one in its backup block")),
        all => {
            let names: Vec<_> = all.iter().map(|store| store.name.to_string()).collect();
            Err(several("ObjectStores", "--object-store", &names))
        }
    }
}

/// The store that a cluster's parameter names.
fn referred<'d>(documents: &'d Documents, cluster: &Cluster, name: &Said<String>) -> Result<&'d Store> {
    let namespace = cluster.name.namespace.as_deref();
    let found: Vec<_> = documents.stores.iter().filter(|s| s.name.is_named(namespace, &name.value)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let names: Vec<_> = documents.stores.iter().map(|store| store.name.to_string()).collect();
            Err(none("ObjectStore", &name.value, &names).context(format!("{}", name.at)))
        }
        _ => Err(Error::usage(format!("{}: several ObjectStores are called `{}`", name.at, name.value))
            .hint("give them namespaces, and the Cluster as well")),
    }
}

/// The stores that a cluster refers to, in the order in which their environments count
/// (spec/cloudnativepg.md 3.2): its own, the one it recovers from, the one it follows.
fn referred_to<'d>(documents: &'d Documents, cluster: &Cluster) -> Vec<&'d Store> {
    let external = |name: Option<&Said<String>>| {
        let external = cluster.externals.iter().find(|one| name.is_some_and(|n| n.value == one.name.value));
        external.and_then(|one| one.source.as_ref())
    };
    let recovered = external(cluster.recovery.as_ref().and_then(|recovery| recovery.source.as_ref()));
    let sources = [cluster.archive.as_ref(), recovered, external(cluster.replica.as_ref())];
    let mut stores: Vec<&Store> = Vec::new();
    for source in sources.into_iter().flatten() {
        let Source::Plugin { store, .. } = source else { continue };
        // One that is not in the file is told of when it is meant.
        let Ok(store) = referred(documents, cluster, store) else { continue };
        if !stores.iter().any(|other| other.name == store.name) {
            stores.push(store);
        }
    }
    stores
}

/// The environment of a sidecar with these stores, the chosen one's behind them: what is there already stays.
fn merged(stores: &[&Store], chosen: Vec<Variable>) -> Vec<Variable> {
    let mut all: Vec<Variable> = Vec::new();
    for environment in stores.iter().map(|store| store.environment.clone()).chain([chosen]) {
        let nearer = all.len();
        for variable in environment {
            if !all[..nearer].iter().any(|other| other.name.value == variable.name.value) {
                all.push(variable);
            }
        }
    }
    all
}

/// A store that was named, with the server of the cluster that uses it.
fn of_store(store: &Store, cluster: Option<&Cluster>, problems: &Problems) -> Effective {
    let user = cluster.and_then(|cluster| Some((cluster, uses(cluster, &store.name.name)?)));
    let server = user.as_ref().and_then(|(_, uses)| uses.server.clone());
    let title = match user {
        Some((cluster, _)) => format!("ObjectStore {}, for Cluster {}", store.name, cluster.name),
        None => format!("ObjectStore {}", store.name),
    };
    from_store(title, store, server, problems)
}

/// A cluster's name as its server's.
fn name_of(cluster: &Cluster) -> Option<Said<ServerName>> {
    let value = cluster.name.name.parse().ok()?;
    Some(Said { value, at: cluster.at.field("metadata.name", cluster.at.line) })
}

fn own(documents: &Documents, cluster: &Cluster, problems: &Problems) -> Result<Effective> {
    let title = |what: &str| format!("{what}, for Cluster {}", cluster.name);
    match &cluster.archive {
        Some(Source::Plugin { store, server }) => {
            let store = referred(documents, cluster, store)?;
            let server = server.clone().or_else(|| name_of(cluster));
            Ok(from_store(title(&format!("ObjectStore {}", store.name)), store, server, problems))
        }
        Some(Source::Block(block)) => {
            let server = block.server.clone().or_else(|| name_of(cluster));
            let mut effective = from_block(title("the backup block"), cluster, block, server, problems);
            effective.push_retention(cluster.retention.as_ref());
            Ok(effective)
        }
        None => only_store(documents).map(|store| of_store(store, Some(cluster), problems)),
    }
}

/// The archive of a cluster that this one knows. With the plugin the name of the server is this cluster's
/// own when nothing is said, within a block the external one's (spec/cloudnativepg.md 5.5).
fn external(documents: &Documents, cluster: &Cluster, from: &str, problems: &Problems) -> Result<Effective> {
    let names: Vec<_> = cluster.externals.iter().map(|external| external.name.value.clone()).collect();
    let found = cluster.externals.iter().find(|external| external.name.value == from);
    let external = found.ok_or_else(|| none("external cluster", from, &names))?;
    let title = |what: &str| format!("{what}, as external cluster {from} of Cluster {}", cluster.name);
    match &external.source {
        Some(Source::Plugin { store, server }) => {
            let store = referred(documents, cluster, store)?;
            let server = server.clone().or_else(|| name_of(cluster));
            Ok(from_store(title(&format!("ObjectStore {}", store.name)), store, server, problems))
        }
        Some(Source::Block(block)) => {
            let name = &external.name;
            let default = || Some(Said { value: name.value.parse().ok()?, at: name.at.clone() });
            let server = block.server.clone().or_else(default);
            Ok(from_block(title("the block"), cluster, block, server, problems))
        }
        None => {
            Err(Error::usage(format!("{}: the external cluster `{from}` has no archive", external.name.at))
                .hint("give it the plugin's parameters, or name another with --from"))
        }
    }
}

fn from_store(
    title: String,
    store: &Store,
    server: Option<Said<ServerName>>,
    problems: &Problems,
) -> Effective {
    let mut effective = Effective::new(title, store.name.namespace.clone(), &store.configuration);
    effective.fill(&store.configuration, server, problems);
    effective.push_retention(store.retention.as_ref());
    effective.environment.clone_from(&store.environment);
    effective.unused.extend(store.unused.iter().map(|(at, why)| (at.clone(), (*why).to_owned())));
    effective
}

fn from_block(
    title: String,
    cluster: &Cluster,
    block: &Configuration,
    server: Option<Said<ServerName>>,
    problems: &Problems,
) -> Effective {
    let mut effective = Effective::new(title, cluster.name.namespace.clone(), block);
    effective.fill(block, server, problems);
    effective
}

impl Effective {
    fn new(title: String, namespace: Option<String>, configuration: &Configuration) -> Self {
        Self {
            title,
            namespace,
            settings: Vec::new(),
            credentials: configuration.credentials.clone(),
            authorities: configuration.authorities.clone(),
            environment: Vec::new(),
            recovery: None,
            from: None,
            stands_by: false,
            unused: Vec::new(),
        }
    }

    fn push(&mut self, section: &'static str, key: &'static str, value: impl Into<toml::Value>, at: &Place) {
        self.push_for(None, section, key, value, at);
    }

    fn push_for(
        &mut self,
        verb: Option<&'static str>,
        section: &'static str,
        key: &'static str,
        value: impl Into<toml::Value>,
        at: &Place,
    ) {
        let (value, at) = (value.into(), at.clone());
        self.settings.push(Setting { verb, section, key, value, at, is_default: false });
    }

    /// What holds in Kubernetes when nothing is said, where ours would be something else.
    fn push_default(&mut self, section: &'static str, key: &'static str, value: &str, at: Place) {
        let is_said = self.settings.iter().any(|one| one.section == section && one.key == key);
        if !is_said {
            let (value, verb) = (value.into(), None);
            self.settings.push(Setting { verb, section, key, value, at, is_default: true });
        }
    }

    fn push_retention(&mut self, policy: Option<&Said<crate::model::RetentionPolicy>>) {
        if let Some(Said { value, at }) = policy {
            self.push("retention", "policy", value.to_string(), at);
        }
    }

    /// All settings of a configuration.
    fn fill(&mut self, from: &Configuration, server: Option<Said<ServerName>>, problems: &Problems) {
        let service = self.fill_place(from, problems);
        if let Some(server) = server {
            self.push("", "server", server.value.to_string(), &server.at);
        }
        self.fill_sign_in(from);
        let tags = |tags: &[Said<crate::front::tag::Tag>]| {
            toml::Value::Array(tags.iter().map(|tag| tag.value.to_string().into()).collect())
        };
        if let Some(first) = from.tags.first() {
            self.push("wal-archive", "tag", tags(&from.tags), &first.at);
            self.push("backup", "tag", tags(&from.tags), &first.at);
        }
        if let Some(first) = from.history_tags.first() {
            self.push("wal-archive", "history-tag", tags(&from.history_tags), &first.at);
        }
        if let Some(Said { value, at }) = &from.wal.compression {
            self.push("wal-archive", "compression", value.as_str(), at);
        }
        if let Some(Said { value, at }) = &from.wal.encryption {
            self.encryption("wal-archive", value, at, service);
        }
        if let Some(Said { value, at }) = &from.wal.parallel {
            // One is asked for, the others are done ahead.
            let ahead = i64::from(value - 1).min(32);
            self.push("wal-archive", "look-ahead", ahead, at);
            self.push("wal-restore", "window", ahead, at);
        }
        if let Some(Said { value, at }) = &from.data.compression {
            self.push("backup", "compression", value.as_str(), at);
        }
        if let Some(Said { value, at }) = &from.data.encryption {
            self.encryption("backup", value, at, service);
        }
        if let Some(Said { value, at }) = &from.data.jobs {
            self.push("backup", "jobs", i64::from(*value), at);
        }
        if let Some(Said { value, at }) = &from.data.immediate_checkpoint {
            self.push("backup", "checkpoint", if *value { "fast" } else { "spread" }, at);
        }
        for (program, verb, words) in [
            (AdditionalOf::WalArchive, "wal-archive", &from.wal.archive),
            (AdditionalOf::WalRestore, "wal-restore", &from.wal.restore),
            (AdditionalOf::Backup, "backup", &from.data.backup),
            (AdditionalOf::Restore, "restore", &from.data.restore),
        ] {
            self.additional(program, verb, words, problems);
        }
        let below = |path: &str| from.at.field(path, from.at.line);
        self.push_default("wal-archive", "compression", "none", below("wal.compression"));
        self.push_default("backup", "compression", "none", below("data.compression"));
        self.push_default("backup", "checkpoint", "spread", below("data.immediateCheckpoint"));
    }

    /// Where the archive is; whether in S3.
    fn fill_place(&mut self, from: &Configuration, problems: &Problems) -> bool {
        let mut is_s3 = true;
        if let Some(Said { value, at }) = &from.destination {
            match value.parse::<Location>() {
                Err(e) => problems.add_error(at, &e),
                Ok(location) => {
                    is_s3 = matches!(location, Location::S3 { .. });
                    let fits = match (&location, &from.credentials) {
                        (Location::S3 { .. }, Some(Credentials::S3 { .. }))
                        | (Location::Azure { .. }, Some(Credentials::Azure { .. }))
                        | (Location::Gcs { .. }, Some(Credentials::Google { .. }))
                        | (Location::File { .. }, _)
                        | (_, None) => None,
                        (Location::S3 { .. }, _) => Some("s3Credentials"),
                        (Location::Azure { .. }, _) => Some("azureCredentials"),
                        (Location::Gcs { .. }, _) => Some("googleCredentials"),
                    };
                    if let Some(needed) = fits {
                        let what = format!("{location} needs {needed}, and others are given");
                        problems.add(
                            Problem::at(at, what).hint(format!("correct destinationPath, or give {needed}")),
                        );
                    }
                    self.push("", "store", value.as_str(), at);
                }
            }
        }
        if let Some(Said { value, at }) = &from.endpoint {
            if is_s3 {
                if let Err(e) = crate::front::borrowed::refuse_secrets("the endpoint", Some(value)) {
                    problems.add_error(at, &e);
                }
                self.push("s3", "endpoint-url", value.as_str(), at);
            } else {
                let why = "endpointURL counts for S3 only: destinationPath says where the service is";
                self.unused.push((at.clone(), why.to_owned()));
            }
        }
        is_s3
    }

    fn fill_sign_in(&mut self, from: &Configuration) {
        match &from.credentials {
            Some(Credentials::Azure { identity, default, account, .. }) => {
                if let Some(at) = default {
                    self.push("azure", "credential", "default", at);
                } else if let Some(at) = identity {
                    self.push("azure", "credential", "managed-identity", at);
                }
                if let Some(account) = account {
                    self.unused.push((account.at.clone(), "destinationPath names the account".to_owned()));
                }
            }
            Some(Credentials::S3 { role: true, region: Some(region), .. }) => {
                self.unused
                    .push((region.at.clone(), "with inheritFromIAMRole the region is the role's".to_owned()));
            }
            _ => {}
        }
    }

    /// Encryption counts for the verb that writes.
    fn encryption(&mut self, verb: &'static str, method: &str, at: &Place, is_s3: bool) {
        if is_s3 {
            self.push_for(Some(verb), "s3", "sse", method, at);
        } else {
            self.unused.push((at.clone(), "only S3 is asked to encrypt this way".to_owned()));
        }
    }

    /// Additional arguments; they never win over a field (spec/cloudnativepg.md 1.3).
    fn additional(
        &mut self,
        program: AdditionalOf,
        verb: &'static str,
        words: &[Said<String>],
        problems: &Problems,
    ) {
        let Some(first) = words.first() else { return };
        let list = Place {
            path: first.at.path.split('[').next().unwrap_or_default().to_owned(),
            ..first.at.clone()
        };
        let texts: Vec<String> = words.iter().map(|word| word.value.clone()).collect();
        let given = match read_additional(program, &texts) {
            Ok(given) => given,
            Err(e) => return problems.add_error(&list, &e),
        };
        for one in given {
            match one.meaning {
                Meaning::Setting(section, key, value) => {
                    let (scope, section) = section.map_or((None, verb), |section| (Some(verb), section));
                    let is_said = self.settings.iter().any(|other| {
                        other.section == section
                            && other.key == key
                            && (other.verb.is_none() || other.verb == scope)
                    });
                    if is_said {
                        let why = format!("{}: a field says it already, and wins", one.option);
                        self.unused.push((list.clone(), why));
                    } else {
                        self.push_for(scope, section, key, value, &list);
                    }
                }
                Meaning::Nothing(why) => self.unused.push((list.clone(), format!("{}: {why}", one.option))),
                Meaning::Refused(hint) => {
                    problems
                        .add(Problem::at(&list, format_args!("{} is not supported", one.option)).hint(hint));
                }
            }
        }
    }

    /// The settings of a verb, as the configuration file would have them.
    pub(crate) fn table(&self, verb: &str) -> toml::Table {
        table_of(self.settings.iter().filter(|one| one.verb.is_none_or(|of| of == verb)))
    }
}

/// Settings as the configuration file would have them.
pub(crate) fn table_of<'s>(settings: impl Iterator<Item = &'s Setting>) -> toml::Table {
    let mut table = toml::Table::new();
    for Setting { section, key, value, .. } in settings {
        if section.is_empty() {
            table.insert((*key).to_owned(), value.clone());
            continue;
        }
        let inner = table.entry((*section).to_owned()).or_insert_with(|| toml::Table::new().into());
        if let toml::Value::Table(inner) = inner {
            inner.insert((*key).to_owned(), value.clone());
        }
    }
    table
}
