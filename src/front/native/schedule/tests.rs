//! What is printed, for each kind and each source.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{CommandFactory as _, FromArgMatches as _};

use super::*;
use crate::front::manifest::yaml::{self, Node, Value};
use crate::front::native::{Cli, Verb, file::File};

const S3: &str = include_str!("../../manifest/examples/s3.yaml");
const AZURE: &str = include_str!("../../manifest/examples/azure.yaml");
const GOOGLE: &str = include_str!("../../manifest/examples/google.yaml");

const TOML: &str = "store = 's3://wal/prod'\nserver = 'main'\n[retention]\npolicy = '30d'\n\
    [drill]\ndirectory = '/scratch space'\ntextfile = '/var/lib/node_exporter/barkeep.prom'\n";

/// The words after `schedule`.
fn words(line: &str) -> Schedule {
    let line = ["barkeep", "schedule"].into_iter().chain(line.split(' '));
    let matches = Cli::command().try_get_matches_from(line).unwrap();
    match Cli::from_arg_matches(&matches).unwrap().verb {
        Verb::Schedule(words) => *words,
        other => panic!("{other:?}"),
    }
}

fn of_toml(text: &str) -> Source {
    let file = File::parse(text).unwrap();
    Source { file, path: Some("/etc/barkeep/barkeep.toml".into()), documents: None }
}

fn of_manifest(text: &str, words: &Schedule) -> Source {
    Source::of_manifest("/etc/barkeep/store.yaml".into(), text, &words.shared.which, None).unwrap()
}

fn printed(line: &str, source: &Source) -> Scheduled {
    words(&format!("{line} --program=/usr/bin/barkeep")).print(source).unwrap()
}

fn refused(line: &str, source: &Source) -> (String, String) {
    let e = words(line).print(source).unwrap_err();
    (e.to_string(), e.hint_text().unwrap_or_default().to_owned())
}

#[test]
fn units_and_timers_are_printed_for_systemd() {
    let source = of_toml(&format!("{TOML}[schedule]\nbackup = '0 30 1 1,15 * SUN'\nverify = '@every 6h'\n"));
    insta::assert_snapshot!("systemd", printed("systemd", &source).text());
}

#[test]
fn lines_are_printed_for_cron() {
    let line = "crontab --environment-file /etc/barkeep/environment --retention @weekly";
    insta::assert_snapshot!("crontab", printed(line, &of_toml(TOML)).text());
}

#[test]
fn cron_jobs_are_printed_for_an_object_store_without_its_secrets() {
    let line = "kubernetes --image registry.example/barkeep:1 --drill-image registry.example/pg:18 \
                --scratch-size 100Gi --scratch-class fast --pgdata-claim main-1:pgdata --secret superuser";
    let scheduled = printed(line, &of_manifest(S3, &words(line)));
    let text = scheduled.text();
    assert!(!format!("{text}{}", scheduled.json()).contains("hunter2"), "{text}");
    insta::assert_snapshot!("kubernetes", text);
    for (example, name) in [(AZURE, "azure"), (GOOGLE, "google")] {
        let line =
            "kubernetes --image registry.example/barkeep:1 --verb verify --server main --service-account s";
        let text = printed(line, &of_manifest(example, &words(line))).text();
        assert!(!text.contains("hunter2"), "{name}");
        let env = yaml::read(&text, None).unwrap();
        assert_eq!(env.len(), 1, "{name}");
        insta::assert_snapshot!(format!("kubernetes_{name}"), text);
    }
}

#[test]
fn a_config_map_takes_the_place_of_variables() {
    let line = "kubernetes --image i --config-map settings --verb retention,verify";
    let toml = printed(line, &of_toml(TOML)).text();
    insta::assert_snapshot!("kubernetes_config_map", toml);
    let manifest = printed(line, &of_manifest(S3, &words(line)));
    assert!(manifest.plan.notes.is_empty() && manifest.text().contains("--config=/etc/barkeep/store.yaml"));
    let (text, hint) = refused("kubernetes --image i --verb verify", &of_toml(TOML));
    assert!(text.contains("no ConfigMap") && hint.contains("kubectl create configmap"), "{text}");
}

fn at<'n>(node: &'n Node, path: &str) -> &'n Value {
    let found = path.split('.').fold(node, |node, key| match (&node.value, key.parse::<usize>()) {
        (Value::List(items), Ok(i)) => &items[i],
        _ => node.get(key).unwrap_or_else(|| panic!("there is no {key} of {path}")),
    });
    &found.value
}

#[test]
fn every_cron_job_has_the_fields_of_batch_v1_and_they_are_sound() {
    let line = "kubernetes --image registry.example/barkeep:1 --drill-image registry.example/pg:18 \
                --scratch-size 100Gi --pgdata-claim main-1";
    let text = printed(line, &of_manifest(S3, &words(line))).text();
    let jobs = yaml::read(&text, None).unwrap();
    assert_eq!(jobs.len(), 4);
    for job in &jobs {
        let pod = "spec.jobTemplate.spec.template.spec";
        for (path, wanted) in [
            ("apiVersion".to_owned(), Value::Text("batch/v1".into())),
            ("kind".to_owned(), Value::Text("CronJob".into())),
            ("metadata.namespace".to_owned(), Value::Text("db".into())),
            ("spec.timeZone".to_owned(), Value::Text("Etc/UTC".into())),
            ("spec.suspend".to_owned(), Value::Bool(false)),
            ("spec.concurrencyPolicy".to_owned(), Value::Text("Forbid".into())),
            (format!("{pod}.restartPolicy"), Value::Text("Never".into())),
            (format!("{pod}.securityContext.runAsUser"), Value::Int(26)),
            (format!("{pod}.securityContext.runAsNonRoot"), Value::Bool(true)),
            (format!("{pod}.containers.0.securityContext.readOnlyRootFilesystem"), Value::Bool(true)),
            (format!("{pod}.containers.0.command.0"), Value::Text("barkeep".into())),
        ] {
            assert!(*at(job, &path) == wanted, "{path}");
        }
        let Value::Text(schedule) = at(job, "spec.schedule") else { panic!("a schedule is a text") };
        assert_eq!(schedule.split(' ').count(), 5, "{schedule}");
        // What is mounted is a volume, and every volume is mounted.
        let names = |path: &str| match at(job, path) {
            Value::List(items) => {
                items.iter().map(|one| one.get("name").and_then(Node::as_text).unwrap().to_owned()).collect()
            }
            _ => BTreeSet::new(),
        };
        assert_eq!(names(&format!("{pod}.containers.0.volumeMounts")), names(&format!("{pod}.volumes")));
        let Value::List(env) = at(job, &format!("{pod}.containers.0.env")) else { panic!("a list") };
        for variable in env {
            let is_value = variable.get("value").is_some_and(|value| value.as_text().is_some());
            let is_reference =
                variable.get("valueFrom").is_some_and(|from| from.get("secretKeyRef").is_some());
            assert!(is_value != is_reference);
        }
    }
}

#[test]
fn scheduled_backups_of_the_cluster_are_jobs_and_suspended_ones_rest() {
    let more = format!(
        "{S3}---\napiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata: {{name: weekly, namespace: db}}\n\
         spec: {{schedule: '0 0 4 * * 0', suspend: true, immediate: true, cluster: {{name: main}}}}\n\
         ---\napiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata: {{name: other}}\n\
         spec: {{schedule: '0 0 4 * * 0', cluster: {{name: elsewhere}}}}\n"
    );
    for line in ["systemd", "crontab", "kubernetes --image i --pgdata-claim c"] {
        let line = format!("{line} --verb backup");
        let scheduled = printed(&line, &of_manifest(&more, &words(&line)));
        let jobs: Vec<_> = scheduled.plan.jobs.iter().map(|job| (job.name.as_str(), job.suspended)).collect();
        assert_eq!(jobs, [("barkeep-backup-nightly", false), ("barkeep-backup-weekly", true)]);
        let text = scheduled.text();
        let (rest, marks) = match scheduled.kind {
            Kind::Systemd => ("Suspended", text.matches("[Install]\nWantedBy").count() == 1),
            Kind::Crontab => ("# Suspended.\n#0 4 * * 0", true),
            Kind::Kubernetes => ("suspend: true", text.contains("suspend: false")),
        };
        assert!(text.contains(rest) && marks && text.contains("at once"), "{text}");
    }
    // What stands in the manifest by value may be a secret: it is not repeated.
    let by_value = S3.replace("valueFrom: {secretKeyRef: {name: minio, key: TOKEN}}", "value: hunter2");
    let line = "kubernetes --image i --verb verify";
    let scheduled = printed(line, &of_manifest(&by_value, &words(line)));
    assert!(
        !scheduled.text().contains("hunter2") && scheduled.plan.notes.len() == 2,
        "{:?}",
        scheduled.plan.notes
    );
    // One alone has the plain name, and a flag wins over all of them.
    let line = "systemd --verb backup";
    assert_eq!(printed(line, &of_manifest(S3, &words(line))).plan.jobs[0].name, "barkeep-backup");
    let line = "systemd --verb backup --backup @hourly";
    let jobs = printed(line, &of_manifest(&more, &words(line))).plan.jobs;
    assert_eq!((jobs.len(), jobs[0].when()), (1, "due 0 0 * * * * (UTC), as --backup says".to_owned()));
}

#[test]
fn a_verb_that_lacks_a_setting_is_left_out_with_a_note_or_refused_when_it_was_asked_for() {
    let bare = of_toml("store = 's3://wal/prod'\nserver = 'main'\n");
    let scheduled = printed("systemd", &bare);
    let names: Vec<_> = scheduled.plan.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["barkeep-backup", "barkeep-verify"]);
    assert_eq!(scheduled.plan.notes.len(), 2, "{:?}", scheduled.plan.notes);
    assert!(scheduled.text().starts_with("# No retention: nothing says what is to be kept"));
    for (line, message) in [
        ("systemd --verb retention", "retention cannot be scheduled"),
        ("crontab --drill @weekly", "drill cannot be scheduled"),
        ("kubernetes --image i --config-map c --verb backup", "backup cannot be scheduled"),
        ("kubernetes --image i --config-map c --verb drill", "drill cannot be scheduled"),
        ("systemd --backup never --verify never", "there is nothing to schedule"),
    ] {
        let (text, hint) = refused(line, &bare);
        assert!(text.contains(message) && !hint.is_empty(), "{line}: {text}");
    }
}

#[test]
fn what_cannot_work_is_refused() {
    let source = of_toml(TOML);
    for (line, message) in [
        ("kubernetes", "no image is given"),
        ("kubernetes --image i --config-map C", "no name in Kubernetes"),
        ("kubernetes --image i --config-map c --verb verify --name Upper", "no name in Kubernetes"),
        ("kubernetes --image i --config-map c --drill-image p --scratch-size 1G1", "no size of a volume"),
        ("systemd --image i", "--image is for Kubernetes"),
        ("systemd --user a:b", "no name of a user"),
        ("systemd --name a/b", "cannot begin the name"),
        ("systemd --program barkeep", "no whole path"),
        ("crontab --verify @every=7h", "is no schedule"),
        ("crontab --spool /it's --program /b", "backslash or an apostrophe"),
    ] {
        if message == "is no schedule" {
            let tokens = ["barkeep", "schedule"].into_iter().chain(line.split(' '));
            assert!(Cli::command().try_get_matches_from(tokens).is_err());
            continue;
        }
        let (text, hint) = refused(line, &source);
        assert!(text.contains(message) && !hint.is_empty(), "{line}: {text}");
    }
    let seconds = of_toml(&format!("{TOML}[schedule]\nbackup = '30 0 2 * * *'\n"));
    assert!(refused("crontab --program /b", &seconds).0.contains("has seconds other than 0"));
    assert!(printed("systemd", &seconds).text().contains("OnCalendar=*-*-* 02:00:30 UTC"));
    let hourly = printed("systemd --verb verify --verify @hourly", &source).text();
    assert!(hourly.contains("OnCalendar=*-*-* *:00:00 UTC") && !hourly.contains("RandomizedDelaySec"));
}

#[test]
fn programs_get_jobs_and_files() {
    let json: serde_json::Value =
        serde_json::from_str(&printed("systemd --verb verify", &of_toml(TOML)).json()).unwrap();
    assert_eq!(json["jobs"][0]["due"], "0 0 6 * * *");
    assert_eq!(json["jobs"][0]["words"][2], "--sample=15%");
    assert_eq!(json["files"][1]["name"], "barkeep-verify.timer");
    assert_eq!(json["exit"], 0);
    assert!(Path::new(json["files"][0]["name"].as_str().unwrap()).extension().is_some());
}
