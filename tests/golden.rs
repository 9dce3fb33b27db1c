//! What the reference does, case by case (spec/barman-cloud.md 17): barkeep does the same, or the case
//! is named in a table together with what barkeep does instead, and why.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod shelf;

use std::collections::{BTreeMap, BTreeSet};

use barkeep::archive::Entry;
use barkeep::error::ErrorKind;
use barkeep::model::{Backup, BackupId, BackupRef, Level};
use barkeep::store::{AccessKeys, Container, ExclusivePut, Location, Options, Patience, S3Options};
use cases::{cases, golden, text, texts, topic};
use serde_json::{Value, json};
use shelf::{Shelf, wal_key};

/// Topics that are gone through elsewhere: in other files like this one, and beside what they are about.
const ELSEWHERE: [(&str, &str); 9] = [
    ("xlog", "tests/golden_wal.rs"),
    ("wal_restore_selection", "tests/golden_wal.rs"),
    ("restore_auto", "tests/golden_restore.rs"),
    ("path_filter", "tests/copy/golden.rs"),
    ("chunk_sizes", "src/command/backup/copy/plan.rs"),
    ("sizes", "src/front/quantity.rs"),
    ("tag_option", "src/front/tag.rs"),
    ("pretty_size", "src/front/native/render_backups.rs"),
    ("human_timedelta", "src/front/native/render_backups.rs"),
];

/// Topics of which nothing is tested, and why.
const UNTESTED: [(&str, &str); 2] = [
    ("generated_with", "says which release the cases are of, and is none"),
    ("check_wal_archive", "a verb that only the other dialect has: our own guard asks whose WAL it is"),
];

#[test]
fn every_topic_is_tested_or_is_named_with_the_reason_why_not() {
    let here = include_str!("golden.rs");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for topic in golden().as_object().unwrap().keys() {
        let elsewhere = ELSEWHERE.iter().find(|(name, _)| name == topic);
        let tested = match elsewhere {
            Some((_, file)) => {
                let code = fs_err::read_to_string(root.join(file)).unwrap();
                code.contains(&format!("\"{topic}\"")) || code.contains(&format!("\"{topic}/"))
            }
            None => ["cases", "topic"].iter().any(|read| here.contains(&format!("{read}(\"{topic}\")"))),
        };
        let untested = UNTESTED.iter().any(|(name, _)| name == topic);
        assert!(tested != untested, "{topic}: {elsewhere:?}");
    }
}

/// Cases in which the reference leaves WAL that nobody needs, because it counts the timeline of the very
/// backup it deletes among those to protect, and what is deleted here besides.
const WAL_OF_THE_DELETED: [(&str, &[&str]); 2] = [
    (
        "next backup is on a newer timeline: the deleted backup's own timeline stays protected in this run, the newer one is trimmed",
        &["01", "02", "03", "04", "05", "06", "07", "08", "09", "0A"],
    ),
    (
        "two timelines, retention keeps only newest (TL2): TL1 WALs survive the run that removes the last TL1 backup",
        &["06", "07", "08", "09", "0A"],
    ),
];

#[tokio::test]
async fn deletion_removes_what_the_reference_removes() {
    let mut better = BTreeSet::new();
    for case in cases("delete") {
        let name = text(&case, "case");
        let shelf = shelve(&case).await;
        let before = shelf.keys().await;
        let (exit, dry) = perform(&shelf, &case).await;
        assert_eq!(exit == 0, case["exit"] == 0, "{name}: {exit}");
        let after = shelf.keys().await;
        let deleted: BTreeSet<String> = before.difference(&after).cloned().collect();
        assert!(after.is_subset(&before), "{name}");
        let mut expected: BTreeSet<String> = texts(&case["deleted"]).into_iter().map(str::to_owned).collect();
        if let Some((_, more)) = WAL_OF_THE_DELETED.iter().find(|(case, _)| *case == name) {
            better.insert(name.to_owned());
            expected.extend(more.iter().map(|n| wal_key(&format!("0000000100000000000000{n}.gz"))));
        }
        assert_eq!(deleted, expected, "{name}");
        assert_eq!(case["deleted_prefixes"].as_array().map_or(0, Vec::len), 0, "{name}");
        let told: BTreeSet<String> = texts(&case["stdout"])
            .iter()
            .flat_map(|line| line.split('\'').skip(1).step_by(2))
            .map(str::to_owned)
            .collect();
        assert_eq!(dry.unwrap_or_default(), told, "{name}");
    }
    assert_eq!(better.len(), WAL_OF_THE_DELETED.len());
}

/// The archive of a case.
async fn shelve(case: &Value) -> Shelf {
    let shelf = Shelf::new("2021-07-26T12:00:00Z");
    for backup in case["backups"].as_array().into_iter().flatten() {
        let id = text(backup, "id");
        let begin = backup["begin_wal"].as_str().or(backup["begin"].as_str()).unwrap();
        let end = backup["end_wal"].as_str().unwrap_or(begin);
        let mut record = shelf::record(id, begin, end);
        if let Some(status) = backup["status"].as_str() {
            record = record.replace("status=DONE", &format!("status={status}"));
        }
        if let Some(name) = backup["name"].as_str() {
            record = record + "backup_name=" + name + "\n";
        }
        shelf.backup(id, &record).await;
    }
    for (id, keep) in case["keeps"].as_object().into_iter().flatten() {
        shelf.put(&format!("base/{id}/annotations/keep"), keep.as_str().unwrap()).await;
    }
    shelf.wal(&texts(&case["wals"])).await;
    match text(case, "case") {
        "one unreadable backup.info blocks every deletion" => {
            shelf.done("20210723T095432", "000000010000000000000003", "000000010000000000000003").await;
            shelf.done("20210724T095432", "000000010000000000000006", "000000010000000000000006").await;
            shelf.backup("20210725T095432", "not a record").await;
        }
        "backup directory without backup.info is ignored (not in catalog, not deleted)" => {
            shelf.put("base/20210724T095432/data.tar", "tar").await;
        }
        _ => {}
    }
    shelf
}

/// Does what a case asks for: the exit status as 0 or other, and for a dry run what it spoke of.
async fn perform(shelf: &Shelf, case: &Value) -> (u8, Option<BTreeSet<String>>) {
    let args = texts(&case["args"]);
    let after = |flag| args.iter().position(|arg| *arg == flag).map(|i| args[i + 1]);
    let minimum = after("-m").map_or(0, |n| n.parse().unwrap());
    let dry_run = args.contains(&"--dry-run");
    let end = match (after("-b"), after("-r")) {
        (Some(id), None) => shelf.delete(id, minimum).await,
        (None, Some(policy)) => shelf.retention(policy, minimum, dry_run).await,
        other => panic!("{other:?}"),
    };
    let Ok(deletion) = end else { return (1, None) };
    let exit = u8::from(deletion.failure().is_some());
    if !dry_run {
        return (exit, None);
    }
    let backups = deletion
        .plan
        .going()
        .flat_map(|judged| ["data.tar", "backup.info"].map(|object| format!("base/{}/{object}", judged.id)));
    let wals = deletion.plan.wal.objects.iter();
    let wals = wals.map(|wal| wal_key(&format!("{}{}", wal.name, wal.compression.suffix())));
    (exit, Some(backups.chain(wals).collect()))
}

#[tokio::test]
async fn records_are_read_as_the_reference_reads_them() {
    for case in cases("backup_info_parse") {
        let input = text(&case, "input");
        let shelf = Shelf::new("2026-11-21T12:00:00Z");
        shelf.backup("20261121T000157", input).await;
        let catalog = shelf.catalog().await.unwrap();
        assert_eq!(catalog.entries.len() == 1, case["ok"] == true, "{input:?}");
        if let [Entry { backup, .. }] = catalog.entries.as_slice() {
            assert_eq!(values(backup), case["values"], "{input:?}");
        } else {
            assert_eq!(catalog.unreadable.len(), 1, "{input:?}");
        }
    }
}

/// What of the golden keys is not as in an empty record.
fn values(backup: &Backup) -> Value {
    let empty = Backup::new(backup.id, barkeep::model::BackupStatus::Empty);
    assert_eq!(backup.segment_size, empty.segment_size);
    let mut values = serde_json::Map::new();
    if backup.status != empty.status {
        values.insert("status".into(), json!(backup.status.name()));
    }
    if let Some(time) = &backup.end.time {
        values.insert("end_time".into(), json!(time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()));
    }
    if !backup.tablespaces.is_empty() {
        let spaces: Vec<_> = backup.tablespaces.iter().map(|s| json!([s.name, s.oid, s.location])).collect();
        values.insert("tablespaces".into(), json!(spaces));
    }
    if !backup.included_files.is_empty() {
        values.insert("included_files".into(), json!(backup.included_files));
    }
    let on = backup.data_checksums.map(|on| json!(if on { "on" } else { "off" }));
    values.extend(on.map(|on| ("data_checksums".to_owned(), on)));
    values.extend(backup.error.iter().map(|error| ("error".to_owned(), json!(error))));
    values.extend(backup.other.iter().map(|(key, value)| match key.as_str() {
        "children_backup_ids" => (key.clone(), json!(value.split(',').collect::<Vec<_>>())),
        _ => (key.clone(), json!(value)),
    }));
    Value::Object(values)
}

#[tokio::test]
async fn the_same_objects_are_taken_for_wal() {
    let golden = topic("wal_catalog");
    let shelf = Shelf::new("2026-11-21T12:00:00Z");
    for key in texts(&golden["objects"]) {
        shelf.put(key.strip_prefix("srv/").unwrap(), "w").await;
    }
    let inventory = shelf.archive().wal_inventory().await.unwrap();
    let found: BTreeMap<String, String> = inventory
        .objects()
        .iter()
        .map(|wal| {
            let file = format!("{}{}", wal.name, wal.compression.suffix());
            (wal.name.to_string(), format!("srv/{}", wal_key(&file)))
        })
        .collect();
    assert_eq!(json!(found), golden["recognised"]);
    assert_eq!(inventory.objects().len(), found.len());
}

/// Words that only the verb that takes a name refuses (`src/front/native/backup.rs`), since to look a
/// backup up by them does no harm.
const REFUSED_BY_BACKUP: [&str; 2] = ["latest-full", "auto"];

#[test]
fn names_and_identifiers_are_told_apart() {
    for case in cases("backup_names") {
        let input = text(&case, "input");
        assert_eq!(input.parse::<BackupId>().is_ok(), case["is_backup_id"] == true, "{input:?}");
        let is_name = matches!(input.parse::<BackupRef>(), Ok(BackupRef::Named(name)) if name == input);
        let allowed = case.get("value").is_some() || REFUSED_BY_BACKUP.contains(&input);
        assert_eq!(is_name, allowed, "{input:?}");
    }
}

#[tokio::test]
async fn objects_in_s3_have_the_keys_of_the_reference_for_every_spelling_of_a_url() {
    let keys = AccessKeys { id: "id".to_owned(), secret: "secret".to_owned(), session_token: None };
    let region = Some("eu-west-1".to_owned());
    let s3 = S3Options { keys: Some(keys), region, ..S3Options::default() };
    let options = Options { s3, ..Options::default() };
    for case in cases("s3_keys") {
        let location: Location = text(&case, "url").parse().unwrap();
        let patience = Patience::default();
        let opened = location.open_spellings(&options, ExclusivePut::Trusted, &patience).await;
        let (usual, slashed) = opened.unwrap();
        // A store prints what its keys begin with.
        let key = |root: String, below: &str| {
            root.strip_prefix(&format!("s3://{}/", text(&case, "bucket"))).unwrap().to_owned() + below
        };
        for (what, below) in [
            ("backup_info", "srv/base/ID/backup.info"),
            ("wal", "srv/wals/0000000100000000/000000010000000000000001"),
            ("history", "srv/wals/00000002.history"),
        ] {
            assert_eq!(key(usual.to_string(), below), text(&case, what));
        }
        let keeps = if location.ends_in_slash() { slashed.unwrap() } else { usual };
        assert_eq!(key(keeps.to_string(), "srv/base/ID/annotations/keep"), text(&case, "keep"));
    }
}

#[test]
fn levels_of_compression_are_read_the_same() {
    for case in cases("compression_level_option") {
        let read = text(&case, "input").parse::<Level>().ok().map(|level| match level {
            Level::Low => json!("low"),
            Level::Medium => json!("medium"),
            Level::High => json!("high"),
            Level::Number(n) => json!(n),
        });
        assert_eq!(read.as_ref(), case.get("value"), "{case}");
    }
}

/// Addresses of a bucket that the reference does not know; here they are what they look like.
const BUCKETS_BESIDES: [(&str, &str); 2] = [
    ("https://storage.cloud.google.com/b/p", "gs://b/p"),
    ("https://storage.googleapis.com/b/p", "gs://b/p"),
];

#[test]
fn addresses_of_buckets_are_read_as_the_reference_reads_them() {
    let mut better = 0;
    for case in cases("gcs_urls") {
        let url = text(&case, "url");
        let expected = match (case["result"].as_array(), BUCKETS_BESIDES.iter().find(|(u, _)| *u == url)) {
            (Some(result), None) => {
                let [bucket, path] = [0, 1].map(|i| result[i].as_str().unwrap().to_owned());
                Some(Location::Gcs { bucket, path })
            }
            (None, Some((_, same))) => {
                better += 1;
                Some(same.parse().unwrap())
            }
            (None, None) => None,
            (Some(_), Some(_)) => panic!("{url} is no difference"),
        };
        match expected {
            Some(expected) => assert_eq!(url.parse::<Location>().unwrap(), expected, "{url}"),
            None => assert_eq!(url.parse::<Location>().unwrap_err().kind(), ErrorKind::Usage, "{url}"),
        }
    }
    assert_eq!(better, BUCKETS_BESIDES.len());
}

/// Addresses of containers that the reference refuses or takes for something they are not: service, container
/// and path here, whether or not a connection string is set. A sovereign cloud is a cloud like the other, and
/// nobody needs a connection string for it or gets another container with one.
const CONTAINERS_BESIDES: [(&str, (&str, &str, &str)); 1] = [(
    "https://acc.blob.core.usgovcloudapi.net/cont/p",
    ("https://acc.blob.core.usgovcloudapi.net", "cont", "p"),
)];

/// Addresses that the reference takes although nothing can come of them, and that are refused here: they name
/// no container.
const CONTAINERS_REFUSED: [&str; 1] = ["https://acc.blob.core.windows.net/"];

#[test]
fn addresses_of_containers_are_read_as_the_reference_reads_them() {
    let mut better = BTreeSet::new();
    for case in cases("azure_urls") {
        let url = text(&case, "url");
        let read = url.parse::<Location>();
        let besides = CONTAINERS_BESIDES.iter().find(|(u, _)| *u == url).map(|(_, parts)| *parts);
        let (service, name, path) = match (besides, case["container"].as_str()) {
            (Some((service, name, path)), _) => {
                better.insert(url.to_owned());
                (service.to_owned(), name, path)
            }
            (None, Some(_)) if CONTAINERS_REFUSED.contains(&url) => {
                better.insert(url.to_owned());
                assert_eq!(read.unwrap_err().kind(), ErrorKind::Usage, "{url}");
                continue;
            }
            (None, Some(name)) => {
                (format!("https://{}", text(&case, "account_url")), name, text(&case, "path"))
            }
            (None, None) => {
                assert_eq!(read.unwrap_err().kind(), ErrorKind::Usage, "{url}");
                continue;
            }
        };
        let container = Container { service, account: "acc".to_owned(), name: name.to_owned() };
        assert_eq!(read.unwrap(), Location::Azure { container, path: path.to_owned() }, "{url}");
    }
    assert_eq!(better.len(), CONTAINERS_BESIDES.len() + CONTAINERS_REFUSED.len());
}
