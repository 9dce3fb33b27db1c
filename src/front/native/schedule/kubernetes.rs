//! CronJobs of Kubernetes.

use std::fmt::Write as _;
use std::path::Path;

use super::plan::{Duty, Job, Plan};
use super::{Printed, quote};
use crate::error::{Context as _, Error, Result};
use crate::front::manifest::yaml::{self, Node, Value};
use crate::model::{Cron, five_fields};

/// The longest name of a CronJob: what its jobs are called needs 11 characters more of 63.
const LONGEST_NAME: usize = 52;

/// The user `postgres` of the common images.
const USER: i64 = 26;

/// What only pods need.
#[derive(Debug, Clone, Default)]
pub(super) struct Pods {
    pub(super) image: String,
    /// An image with PostgreSQL's programs besides.
    pub(super) drill_image: Option<String>,
    /// The room for a drill: `100Gi`.
    pub(super) scratch_size: Option<String>,
    pub(super) scratch_class: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) service_account: Option<String>,
    /// A ConfigMap with the configuration.
    pub(super) config_map: Option<String>,
    /// A Secret whose keys are variables.
    pub(super) secret: Option<String>,
    /// The claim of the data directory, and the directory within it.
    pub(super) pgdata: Option<(String, Option<String>)>,
    /// Variables that are keys of secrets: name, secret, key.
    pub(super) secrets: Vec<(String, String, String)>,
    /// Secrets that are files: the variable that names the file, secret, key.
    pub(super) files: Vec<(String, String, String)>,
}

/// A name that Kubernetes takes.
pub(super) fn name(what: &str, text: &str) -> Result<()> {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = text.len() <= 253
        && text.starts_with(ends)
        && text.ends_with(ends)
        && text.chars().all(|c| ends(c) || c == '-' || c == '.');
    if fits {
        return Ok(());
    }
    Err(Error::usage(format!("{what} is `{text}`, which is no name in Kubernetes"))
        .hint("small letters, digits, - and . are allowed, the first and the last a letter or a digit"))
}

/// A quantity of bytes: `100Gi`.
pub(super) fn quantity(text: &str) -> Result<()> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let fits = digits.parse::<u64>().is_ok_and(|count| count > 0)
        && ["", "Mi", "Gi", "Ti", "Pi", "M", "G", "T", "P"].contains(&unit);
    if fits {
        Ok(())
    } else {
        Err(Error::usage(format!("`{text}` is no size of a volume")).hint("write 100Gi"))
    }
}

/// A CronJob for each job; `settings` are the variables of a verb that say what is no secret.
pub(super) fn print(
    plan: &Plan,
    pods: &Pods,
    settings: &dyn Fn(Duty) -> Vec<(String, String)>,
) -> Result<Vec<Printed>> {
    let print = |job: &Job| {
        let node = cron_job(job, pods, &settings(job.duty)).context(|| format!("schedule {}", job.name))?;
        let mut text = format!(
            "---\n# {}.yaml: barkeep {} of {}\n# {}.\n",
            job.name,
            job.duty.name(),
            plan.archive,
            job.when()
        );
        if job.immediate {
            let name = &job.name;
            let _ = writeln!(
                text,
                "# One is wanted at once as well: kubectl create job --from=cronjob/{name} {name}-first"
            );
        }
        if job.duty == Duty::Backup {
            text.push_str("# The pod must run where the claim can be attached: for ReadWriteOnce on the server's own node.\n");
        }
        text.push_str(&yaml::write(&node));
        Ok(Printed { name: format!("{}.yaml", job.name), text })
    };
    plan.jobs.iter().map(print).collect()
}

fn cron_job(job: &Job, pods: &Pods, settings: &[(String, String)]) -> Result<Node> {
    name("the CronJob", &job.name)?;
    if job.name.len() > LONGEST_NAME {
        return Err(Error::usage(format!("the name {} has more than {LONGEST_NAME} characters", job.name))
            .hint("give a shorter --name"));
    }
    let labels = || {
        map(vec![
            ("app.kubernetes.io/name", text("barkeep")),
            ("app.kubernetes.io/component", text(job.duty.name())),
        ])
    };
    let mut metadata = vec![("name", text(&job.name))];
    metadata.extend(pods.namespace.as_deref().map(|namespace| ("namespace", text(namespace))));
    metadata.push(("labels", labels()));
    let template =
        map(vec![("metadata", map(vec![("labels", labels())])), ("spec", pod(job, pods, settings))]);
    let job_spec = map(vec![("backoffLimit", int(0)), ("template", template)]);
    Ok(map(vec![
        ("apiVersion", text("batch/v1")),
        ("kind", text("CronJob")),
        ("metadata", map(metadata)),
        (
            "spec",
            map(vec![
                ("schedule", text(&five_fields(&job.due, Cron::Kubernetes)?)),
                ("timeZone", text("Etc/UTC")),
                ("suspend", bool(job.suspended)),
                ("concurrencyPolicy", text("Forbid")),
                ("startingDeadlineSeconds", int(3600)),
                ("jobTemplate", map(vec![("spec", job_spec)])),
            ]),
        ),
    ]))
}

/// Where everything is in a pod.
const WORK: &str = "/tmp";
const SPOOL: &str = "/tmp/spool";
const CONFIGURATION: &str = "/etc/barkeep";
const SECRETS: &str = "/etc/barkeep-secrets";
pub(super) const SCRATCH: &str = "/scratch";
pub(super) const PGDATA: &str = "/pgdata";

/// Where a pod finds the configuration that has this name here.
pub(super) fn configuration(path: &Path) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{CONFIGURATION}/{file}")
}

fn pod(job: &Job, pods: &Pods, settings: &[(String, String)]) -> Node {
    let is_drill = job.duty == Duty::Drill;
    let mut user = vec![("runAsNonRoot", bool(true)), ("runAsUser", int(USER)), ("runAsGroup", int(USER))];
    if is_drill {
        // The scratch volume belongs to root at first. Never for a backup, whose claim is the server's own.
        user.push(("fsGroup", int(USER)));
    }
    user.push(("seccompProfile", map(vec![("type", text("RuntimeDefault"))])));
    let mut spec = vec![("restartPolicy", text("Never"))];
    match pods.service_account.as_deref() {
        Some(account) => spec.push(("serviceAccountName", text(account))),
        None => spec.push(("automountServiceAccountToken", bool(false))),
    }
    spec.push(("securityContext", map(user)));
    spec.push(("containers", list(vec![container(job, pods, settings)])));
    spec.push(("volumes", list(volumes(job.duty, pods))));
    map(spec)
}

fn container(job: &Job, pods: &Pods, settings: &[(String, String)]) -> Node {
    let is_drill = job.duty == Duty::Drill;
    let image = pods.drill_image.as_ref().filter(|_| is_drill).unwrap_or(&pods.image);
    let mut spec = vec![
        ("name", text("barkeep")),
        ("image", text(image)),
        ("command", list(vec![text("barkeep")])),
        ("args", list(job.words.iter().map(|word| text(&dollars(word))).collect())),
        ("env", list(environment(pods, settings))),
    ];
    if let Some(secret) = &pods.secret {
        let from = map(vec![("secretRef", map(vec![("name", text(secret))]))]);
        spec.push(("envFrom", list(vec![from])));
    }
    spec.push((
        "securityContext",
        map(vec![
            ("allowPrivilegeEscalation", bool(false)),
            ("readOnlyRootFilesystem", bool(true)),
            ("capabilities", map(vec![("drop", list(vec![text("ALL")]))])),
        ]),
    ));
    spec.push(("volumeMounts", list(mounts(job.duty, pods))));
    map(spec)
}

/// `$(NAME)` would stand for a variable, and two dollars stand for one.
fn dollars(word: &str) -> String {
    word.replace('$', "$$")
}

fn environment(pods: &Pods, settings: &[(String, String)]) -> Vec<Node> {
    let plain = |name: &str, value: &str| map(vec![("name", text(name)), ("value", text(&dollars(value)))]);
    let mut all: Vec<Node> = settings.iter().map(|(name, value)| plain(name, value)).collect();
    all.push(plain("BARKEEP_SPOOL", SPOOL));
    for (variable, secret, key) in &pods.secrets {
        let reference = map(vec![("name", text(secret)), ("key", text(key))]);
        let from = map(vec![("secretKeyRef", reference)]);
        all.push(map(vec![("name", text(variable)), ("valueFrom", from)]));
    }
    for (i, (variable, _, key)) in pods.files.iter().enumerate() {
        all.push(plain(variable, &format!("{SECRETS}/{i}/{key}")));
    }
    all
}

fn mounts(duty: Duty, pods: &Pods) -> Vec<Node> {
    let read_only = |name: &str, path: &str| {
        vec![("name", text(name)), ("mountPath", text(path)), ("readOnly", bool(true))]
    };
    let mut all = vec![map(vec![("name", text("work")), ("mountPath", text(WORK))])];
    if pods.config_map.is_some() {
        all.push(map(read_only("configuration", CONFIGURATION)));
    }
    // Two keys of one secret are two volumes: no path may be mounted twice.
    for i in 0..pods.files.len() {
        all.push(map(read_only(&format!("secret-{i}"), &format!("{SECRETS}/{i}"))));
    }
    match (duty, &pods.pgdata) {
        (Duty::Backup, Some((_, below))) => {
            let mut mount = read_only("pgdata", PGDATA);
            mount.extend(below.as_deref().map(|below| ("subPath", text(below))));
            all.push(map(mount));
        }
        (Duty::Drill, _) => all.push(map(vec![("name", text("scratch")), ("mountPath", text(SCRATCH))])),
        _ => {}
    }
    all
}

fn volumes(duty: Duty, pods: &Pods) -> Vec<Node> {
    let nothing = || Node { line: 0, value: Value::Map(Vec::new()) };
    let mut all = vec![map(vec![("name", text("work")), ("emptyDir", nothing())])];
    if let Some(config_map) = &pods.config_map {
        let source = map(vec![("name", text(config_map))]);
        all.push(map(vec![("name", text("configuration")), ("configMap", source)]));
    }
    for (i, (_, secret, key)) in pods.files.iter().enumerate() {
        let item = map(vec![("key", text(key)), ("path", text(key))]);
        let source = map(vec![("secretName", text(secret)), ("items", list(vec![item]))]);
        all.push(map(vec![("name", text(&format!("secret-{i}"))), ("secret", source)]));
    }
    match (duty, &pods.pgdata, &pods.scratch_size) {
        (Duty::Backup, Some((claim, _)), _) => {
            let source = map(vec![("claimName", text(claim)), ("readOnly", bool(true))]);
            all.push(map(vec![("name", text("pgdata")), ("persistentVolumeClaim", source)]));
        }
        (Duty::Drill, _, Some(size)) => {
            let mut claim = vec![
                ("accessModes", list(vec![text("ReadWriteOnce")])),
                ("resources", map(vec![("requests", map(vec![("storage", text(size))]))])),
            ];
            claim.extend(pods.scratch_class.as_deref().map(|class| ("storageClassName", text(class))));
            let template = map(vec![("volumeClaimTemplate", map(vec![("spec", map(claim))]))]);
            all.push(map(vec![("name", text("scratch")), ("ephemeral", template)]));
        }
        _ => {}
    }
    all
}

fn text(text: &str) -> Node {
    Node::text(text)
}

const fn int(number: i64) -> Node {
    Node::of(Value::Int(number))
}

const fn bool(is: bool) -> Node {
    Node::of(Value::Bool(is))
}

fn map(pairs: Vec<(&str, Node)>) -> Node {
    Node::map(pairs)
}

const fn list(items: Vec<Node>) -> Node {
    Node::of(Value::List(items))
}

/// Refuses what a pod cannot be given.
pub(super) fn check(pods: &Pods) -> Result<()> {
    for image in std::iter::once(&pods.image).chain(&pods.drill_image) {
        quote::plain(image)?;
        if image.is_empty() || image.contains(char::is_whitespace) {
            return Err(Error::usage(format!("`{image}` is no image")).hint("write REGISTRY/NAME:TAG"));
        }
    }
    let named = [
        ("--namespace", &pods.namespace),
        ("--service-account", &pods.service_account),
        ("--config-map", &pods.config_map),
        ("--secret", &pods.secret),
        ("--scratch-class", &pods.scratch_class),
    ];
    for (what, value) in named {
        value.iter().try_for_each(|value| name(what, value))?;
    }
    pods.pgdata.iter().try_for_each(|(claim, _)| name("--pgdata-claim", claim))?;
    pods.scratch_size.iter().try_for_each(|size| quantity(size))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pod_gets_the_words_that_were_meant(words in prop::collection::vec("[ -~äß]{0,12}", 1..4)) {
            let args = list(words.iter().map(|word| text(&dollars(word))).collect());
            let printed = yaml::write(&map(vec![("args", args)]));
            let read = yaml::read(&printed, None).unwrap();
            let Some(Value::List(items)) = read[0].get("args").map(|args| args.value.clone()) else {
                panic!("{printed}")
            };
            // Whoever expands variables makes one of two.
            let read: Vec<_> = items.iter().map(|item| item.as_text().unwrap().replace("$$", "$")).collect();
            prop_assert_eq!(read, words);
        }
    }

    #[test]
    fn two_keys_of_one_secret_are_two_volumes() {
        let file = |key: &str| ("VARIABLE".to_owned(), "one".to_owned(), key.to_owned());
        let pods = Pods { files: vec![file("a"), file("b")], ..Pods::default() };
        let paths: Vec<_> = mounts(Duty::Verify, &pods)
            .iter()
            .filter_map(|mount| mount.get("mountPath").and_then(Node::as_text).map(str::to_owned))
            .collect();
        assert_eq!(paths, ["/tmp", "/etc/barkeep-secrets/0", "/etc/barkeep-secrets/1"]);
    }
}
