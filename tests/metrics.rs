//! `metrics`: what is told of constructed archives, the text as Prometheus reads it, the real binary as a
//! server, and that the dashboard and the rules speak of nothing else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(clippy::float_cmp, reason = "whole numbers, read from text")]

mod bed;
mod exposition;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use barkeep::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience};
use barkeep::command::metrics::{self, Elders, Gathered, Gatherer, MOST_CONNECTIONS, Request, Sources};
use barkeep::command::status;
use barkeep::command::tally::{self, Call, Counted, Ending};
use barkeep::command::verify;
use barkeep::error::{ErrorKind, Result};
use barkeep::model::{
    Archiver, Backup, BackupStatus, Lsn, RetentionRule, SegmentSize, ServerName, StatusLimits, SystemId,
    Timeline, Waiting, Wrote,
};
use barkeep::postgres::{Archiving, ArchivingFacts, AskArchiving};
use barkeep::spool::Spool;
use barkeep::store::ObjectStore;
use bed::backup::{moment, publish, record, segment};
use bed::{Bed, MIB, SYSTEM, segment_bytes};
use exposition::{Parsed, parse};
use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

const ELDERS: Elders =
    Elders { first_point: "first_point", last_available: "last_available", last_failed: "last_failed" };

/// A server that has written 9 MiB and fails to archive the seventh segment.
struct Server;

#[async_trait]
impl AskArchiving for Server {
    async fn ask(&self) -> Result<ArchivingFacts> {
        let wrote = |wal: String, at: &str| Some(Wrote { wal, at: at.parse().unwrap() });
        Ok(ArchivingFacts {
            system_id: SystemId(SYSTEM),
            timeline: Timeline::new(1).unwrap(),
            in_recovery: false,
            written: Some(Lsn(9 * MIB)),
            archiving: Archiving { mode: "on".into(), command: true, library: false },
            archiver: Archiver {
                archived_count: 6,
                failed_count: 2,
                last_archived: wrote(segment(6), "2026-01-03T00:00:00Z"),
                last_failed: wrote(segment(7), "2026-01-03T00:01:00Z"),
            },
            waiting: Some(Waiting { count: 2, first: Some(segment(7)) }),
        })
    }
}

fn request(bed: &Bed) -> Request {
    Request {
        status: status::Request {
            retry_for: Duration::from_secs(1),
            max_attempts: None,
            pgdata: None,
            read_ends: false,
            limits: StatusLimits::default(),
            now: "2026-01-03T03:10:00Z".parse().unwrap(),
        },
        spool: bed.spool(),
        retention: Some(RetentionRule {
            policy: "REDUNDANCY 1".parse().unwrap(),
            minimum: 0,
            leftovers_after: Duration::from_hours(24),
        }),
        elders: ELDERS,
    }
}

fn sources<'a>(bed: &'a Bed, connect: Option<&'a dyn AskArchiving>) -> Sources<'a> {
    Sources { archive: bed, all: None, connect }
}

async fn wal(bed: &Bed, server: &str, numbers: &[u64]) {
    for number in numbers {
        let name = segment(*number);
        let head = segment_bytes(&name, SYSTEM, SegmentSize::new(MIB).unwrap(), 7)[..8192].to_vec();
        bed.foreign(&format!("{server}/wals/{}/{name}", &name[..16]), head).await;
    }
}

async fn backup(bed: &Bed, day: u32, first: u64, change: impl FnOnce(&mut Backup)) {
    let mut backup = Backup { id: format!("202601{day:02}T030405").parse().unwrap(), ..record() };
    let at = |time: &str| Some(moment(&format!("2026-01-{day:02}T{time}Z")));
    (backup.begin.time, backup.end.time) = (at("03:04:05"), at("03:10:00"));
    (backup.begin.lsn, backup.end.lsn) =
        (Some(Lsn(first * MIB + 0x28)), Some(Lsn((first + 1) * MIB + 0x100)));
    (backup.begin.wal, backup.end.wal) = (segment(first).parse().ok(), segment(first + 1).parse().ok());
    change(&mut backup);
    bed.foreign(&format!("main/base/{}/data.tar", backup.id), b"tar".to_vec()).await;
    publish(bed, &backup).await;
}

/// Two backups with a gap between them, and one that failed; calls in the spool.
async fn archive() -> Bed {
    let bed = Bed::new();
    backup(&bed, 1, 2, |_| {}).await;
    wal(&bed, "main", &[1, 2, 3, 5, 6]).await;
    backup(&bed, 2, 5, |_| {}).await;
    backup(&bed, 3, 6, |backup| {
        backup.status = BackupStatus::Failed;
        backup.error = Some("the store has gone".to_owned());
    })
    .await;
    Spool::open(&bed.spool()).unwrap();
    let call = |ending, millis: u64, second| Call {
        ending,
        name: segment(7),
        bytes: if ending == Ending::Done { MIB } else { 0 },
        micros: millis * 1000,
        at: Timestamp::from_second(second).unwrap(),
        error: None,
    };
    for (ending, millis) in
        [(Ending::Done, 20), (Ending::Done, 300), (Ending::Conflict, 7), (Ending::Ahead, 1)]
    {
        tally::count(&bed.spool(), Counted::Archive, &call(ending, millis, 1_767_400_000));
    }
    tally::count(&bed.spool(), Counted::Restore, &call(Ending::NotFound, 200_000, 1_767_400_001));
    bed
}

async fn gather(bed: &Bed) -> Gathered {
    metrics::run(&request(bed), sources(bed, Some(&Server))).await
}

/// The text without what another run tells otherwise.
fn steady(text: &str) -> String {
    // When the store in memory has taken something, and how long that is ago.
    let stored = Regex::new(
        r"(?m)^(barkeep_(?:window_end|newest_recoverable_point|newest_wal_stored)_timestamp_seconds\S*|barkeep_scrape_duration_seconds) \S+$",
    )
    .unwrap();
    let version = Regex::new(r#"version="[^"]*""#).unwrap();
    version.replace_all(&stored.replace_all(text, "$1 NOW"), "version=\"VERSION\"").into_owned()
}

#[tokio::test]
async fn an_archive_is_told_in_numbers() {
    let gathered = gather(&archive().await).await;
    assert!(gathered.failure.is_none(), "{:?}", gathered.failure);
    let text = gathered.exposition.to_string();
    parse(&text).unwrap();
    promtool(&["check", "metrics"], &text);
    insta::assert_snapshot!(steady(&text));
}

#[tokio::test]
async fn the_elder_names_are_0_where_nothing_is_known_and_ours_are_left_out() {
    let bed = Bed::new();
    let gathered = metrics::run(&request(&bed), sources(&bed, None)).await;
    let parsed = parse(&gathered.exposition.to_string()).unwrap();
    for name in [ELDERS.first_point, ELDERS.last_available, ELDERS.last_failed] {
        assert_eq!(parsed.only(name), 0.0, "{name}");
        assert!(parsed.samples.keys().any(|(of, labels)| of == name && labels.is_empty()), "{name}");
    }
    assert_eq!((parsed.only("barkeep_up"), parsed.only("barkeep_recoverable")), (1.0, 0.0));
    assert_eq!(parsed.only("barkeep_health"), 2.0);
    assert!(!parsed.has("barkeep_first_recoverable_point_timestamp_seconds"));
    assert!(!parsed.has("barkeep_archiving_lag_bytes"));
}

#[tokio::test]
async fn the_first_elder_name_is_the_oldest_backups_end_and_ours_heeds_what_is_missing() {
    let bed = Bed::new();
    backup(&bed, 1, 2, |_| {}).await;
    backup(&bed, 2, 5, |_| {}).await;
    wal(&bed, "main", &[5, 6]).await;
    let gathered = metrics::run(&request(&bed), sources(&bed, None)).await;
    let parsed = parse(&gathered.exposition.to_string()).unwrap();
    let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    let told = |name: &str| parsed.only(name).to_string();
    assert_eq!(told(ELDERS.first_point), second("2026-01-01T03:10:00Z").to_string());
    let ours = "barkeep_first_recoverable_point_timestamp_seconds";
    assert_eq!(told(ours), second("2026-01-02T03:10:00Z").to_string());
}

#[tokio::test]
async fn every_server_of_a_store_is_told_and_one_that_cannot_be_read_hides_no_other() {
    let bed = archive().await;
    wal(&bed, "other", &[1]).await;
    let of = |server: ServerName| -> Box<dyn OpenArchive> {
        let address = Address { store: "memory".to_owned(), server };
        Box::new(Other { store: Arc::clone(&bed.store), address })
    };
    bed.store.fail("list", "other/wals", ErrorKind::Denied, 9);
    let gathered =
        metrics::run(&request(&bed), Sources { archive: &bed, all: Some(&of), connect: None }).await;
    let parsed = parse(&gathered.exposition.to_string()).unwrap();
    assert_eq!(gathered.failure.unwrap().kind(), ErrorKind::Denied);
    let up = |server: &str| parsed.samples[&("barkeep_up".to_owned(), labels(&[("server", server)]))];
    assert_eq!((up("main"), up("other")), (1.0, 0.0));
    let elder =
        |server: &str| parsed.samples[&(ELDERS.first_point.to_owned(), labels(&[("server", server)]))];
    assert!(elder("main") > 0.0 && elder("other") == 0.0);
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Another server's archive in a bed's store.
struct Other {
    store: Arc<bed::Watched>,
    address: Address,
}

#[async_trait]
impl OpenArchive for Other {
    fn address(&self) -> &Address {
        &self.address
    }

    fn configured_exclusive(&self) -> Option<ExclusivePut> {
        None
    }

    async fn open(&self, _: ExclusivePut, _: &Patience) -> Result<Archive> {
        let store = Arc::clone(&self.store) as Arc<dyn ObjectStore>;
        Ok(Archive::new(store, self.address.server.clone()))
    }
}

#[tokio::test]
async fn what_is_verified_is_remembered_by_who_goes_on() {
    let bed = archive().await;
    let request = request(&bed);
    let mut gatherer = Gatherer::new(&request, sources(&bed, None));
    let mut requests = Vec::new();
    for _ in 0..2 {
        bed.store.reset();
        let told = gatherer.gather(request.status.now).await;
        let parsed = parse(&told.exposition.to_string()).unwrap();
        let never = ("barkeep_verify_objects".to_owned(), labels(&[("server", "main"), ("state", "never")]));
        assert_eq!(parsed.samples[&never], 7.0, "five segments and two backups");
        assert_eq!(parsed.only("barkeep_retention_deletable_backups"), 1.0);
        requests.push(bed.store.requests());
    }
    assert!(requests[1] < requests[0], "the ledger is not asked for again: {requests:?}");
}

#[tokio::test]
async fn what_verify_has_found_sound_is_told_with_its_age() {
    let bed = Bed::new();
    for number in [1, 2] {
        bed.archive_new(&bed.segment(&segment(number))).await;
    }
    let at: Timestamp = "2026-01-03T01:00:00Z".parse().unwrap();
    let run = verify::Request {
        scope: verify::Scope::All,
        quick: false,
        share: None,
        since: None,
        jobs: std::num::NonZeroUsize::MIN,
        max_rate: None,
        memory: 256 << 20,
        save_every: Duration::from_mins(1),
        retry_for: Duration::from_secs(1),
        max_attempts: None,
        now: at,
        progress: Arc::default(),
    };
    let (_keep, stop) = tokio::sync::watch::channel(false);
    verify::run(&run, &bed, stop).await.unwrap();
    let gathered = metrics::run(&request(&bed), sources(&bed, None)).await;
    let parsed = parse(&gathered.exposition.to_string()).unwrap();
    let objects = |state: &str| {
        parsed.samples
            [&("barkeep_verify_objects".to_owned(), labels(&[("server", "main"), ("state", state)]))]
    };
    assert_eq!((objects("verified"), objects("never")), (2.0, 0.0));
    let oldest = parsed.only("barkeep_verify_oldest_timestamp_seconds");
    let newest = parsed.only("barkeep_verify_newest_timestamp_seconds");
    let from = Timestamp::as_second(at).to_string().parse::<f64>().unwrap();
    assert!(from <= oldest && oldest <= newest && newest < from + 60.0, "{oldest} {newest}");
}

/// The text of an archive with nearly all there can be.
async fn everything() -> Parsed {
    parse(&gather(&archive().await).await.exposition.to_string()).unwrap()
}

fn dashboards(file: &str) -> String {
    fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards").join(file)).unwrap()
}

/// Every name of ours in an expression.
fn names(expression: &str) -> Vec<String> {
    let name = Regex::new(r"\bbar(?:keep|man)_[a-z0-9_]+").unwrap();
    name.find_iter(expression).map(|found| found.as_str().to_owned()).collect()
}

/// Names that an archive without a verified object does not have.
const VERIFIED: [&str; 2] =
    ["barkeep_verify_oldest_timestamp_seconds", "barkeep_verify_newest_timestamp_seconds"];

#[tokio::test]
async fn the_dashboard_and_the_rules_speak_of_what_there_is() {
    let parsed = everything().await;
    let there: BTreeSet<&str> =
        parsed.samples.keys().map(|(name, _)| name.as_str()).chain(VERIFIED).collect();
    let dashboard: Value = serde_json::from_str(&dashboards("barkeep.json")).unwrap();
    let mut expressions = Vec::new();
    collect(&dashboard, &["expr", "query"], &mut expressions);
    assert!(expressions.len() > 30, "{}", expressions.len());
    let rules = yaml(&dashboards("alerts.yml"));
    collect(&rules, &["expr"], &mut expressions);
    let used: BTreeSet<String> = expressions.iter().flat_map(|one| names(one)).collect();
    let missing: Vec<_> = used.iter().filter(|name| !there.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "nobody tells of {missing:?}, only of {there:#?}");
    assert!(used.len() > 30, "{used:?}");
}

#[test]
fn every_rule_says_what_is_so_and_what_to_type() {
    let rules = yaml(&dashboards("alerts.yml"));
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    let of =
        |rule: &Value, path: &str| rule.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let verb = Regex::new(r"barkeep ([a-z-]+)").unwrap();
    let mut seen = BTreeSet::new();
    for rule in rules {
        let name = of(rule, "/alert");
        assert!(name.starts_with("Barkeep") && seen.insert(name.clone()), "{name}");
        assert!(["warning", "critical"].contains(&of(rule, "/labels/severity").as_str()), "{name}");
        assert!(
            !of(rule, "/annotations/summary").is_empty() && !names(&of(rule, "/expr")).is_empty(),
            "{name}"
        );
        let description = of(rule, "/annotations/description");
        let verbs: Vec<_> = verb.captures_iter(&description).map(|found| found[1].to_owned()).collect();
        assert!(description.contains("Type: ") && !verbs.is_empty(), "{name}: {description}");
        let tree = barkeep::front::native::command();
        for verb in verbs {
            assert!(tree.find_subcommand(&verb).is_some(), "{name}: there is no verb {verb}");
        }
    }
    assert!(rules.len() >= 8);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/alerts.yml");
    promtool(&["check", "rules", path.to_str().unwrap()], "");
}

/// Lets Prometheus' own tool judge as well, where it is there: of `make servers-all`, or the system's. What it
/// would say of a text is checked without it, too.
fn promtool(words: &[&str], input: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let servers =
        std::env::var_os("BARKEEP_SERVERS").map_or_else(|| root.join("target/servers"), PathBuf::from);
    let ours = servers.join("promtool/bin/promtool");
    let program = if ours.exists() { ours } else { "promtool".into() };
    let tool = Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut tool) = tool else { return };
    // One that has no use for it has ended perhaps.
    let _ = tool.stdin.take().unwrap().write_all(input.as_bytes());
    let output = tool.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
}

/// The rules played through by promtool: they are silent while all is well, and the alerts for which somebody is
/// woken come in time. Beside it, what anybody can check: every critical alert is among the cases.
#[test]
fn the_alerts_that_wake_somebody_are_played_through() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/alerts.yml");
    let text = fs_err::read_to_string(&cases).unwrap();
    let rules = yaml(&dashboards("alerts.yml"));
    let critical = rules["groups"][0]["rules"].as_array().unwrap().iter();
    let critical = critical.filter(|rule| rule["labels"]["severity"] == "critical");
    let unplayed: Vec<_> = critical
        .map(|rule| rule["alert"].as_str().unwrap())
        .filter(|name| !text.contains(&format!("alertname=\"{name}\"")))
        .collect();
    assert!(unplayed.is_empty(), "{unplayed:?}");
    promtool(&["test", "rules", cases.to_str().unwrap()], "");
}

/// The texts of these keys, however deep.
fn collect(value: &Value, keys: &[&str], into: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| collect(one, keys, into)),
        Value::Object(all) => {
            for (key, one) in all {
                match one {
                    Value::String(text) if keys.contains(&key.as_str()) => into.push(text.clone()),
                    one => collect(one, keys, into),
                }
            }
        }
        _ => {}
    }
}

/// A text of YAML, as far as rules need it: maps, lists and scalars, all of them as texts.
fn yaml(text: &str) -> Value {
    use saphyr_parser::{Event, Parser};
    fn node<'a>(events: &mut impl Iterator<Item = Event<'a>>, first: Event<'a>) -> Value {
        match first {
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut all = Vec::new();
                loop {
                    match events.next().unwrap() {
                        Event::SequenceEnd => return Value::Array(all),
                        event => all.push(node(events, event)),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut all = serde_json::Map::new();
                loop {
                    match events.next().unwrap() {
                        Event::MappingEnd => return Value::Object(all),
                        event => {
                            let Value::String(key) = node(events, event) else { panic!("a key is no text") };
                            let next = events.next().unwrap();
                            let value = node(events, next);
                            assert!(all.insert(key.clone(), value).is_none(), "{key} stands there twice");
                        }
                    }
                }
            }
            event => panic!("{event:?} in rules"),
        }
    }
    let mut events = Parser::new_from_str(text).map(|event| event.unwrap().0);
    let first = events.find(|event| !matches!(event, Event::StreamStart | Event::DocumentStart(..))).unwrap();
    node(&mut events, first)
}

/// A directory with a store in it, in which `main` has some WAL.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for number in [1, 2] {
            home.add(number);
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Another segment.
    fn add(&self, number: u64) {
        let name = segment(number);
        let folder = self.path("store/main/wals").join(&name[..16]);
        fs_err::create_dir_all(&folder).unwrap();
        let bytes = segment_bytes(&name, SYSTEM, SegmentSize::new(MIB).unwrap(), 7);
        fs_err::write(folder.join(&name), bytes).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barkeep"));
        let coverage = std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE");
        command
            .arg("metrics")
            .args(words)
            .env_clear()
            .envs(coverage)
            .env("BARKEEP_CONFIG", "/dev/null")
            .env("BARKEEP_STORE", format!("file://{}", self.path("store").display()))
            .env("BARKEEP_SERVER", "main")
            .env("BARKEEP_SPOOL", self.path("spool"));
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }
}

#[test]
fn the_binary_tells_on_standard_output_and_by_the_names_that_dashboards_know() {
    let home = Home::new();
    let output = home.run(&[]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    promtool(&["check", "metrics"], &text);
    let parsed = parse(&text).unwrap();
    assert_eq!((parsed.only("barkeep_up"), parsed.only("barkeep_wal_files")), (1.0, 2.0));
    let elder = parsed.samples.keys().filter(|(name, _)| !name.starts_with("barkeep_"));
    let elder: Vec<_> = elder.map(|(name, labels)| format!("{name} {}", labels.len())).collect();
    assert_eq!(
        elder,
        [
            "barman_cloud_cloudnative_pg_io_first_recoverability_point 0",
            "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp 0",
            "barman_cloud_cloudnative_pg_io_last_failed_backup_timestamp 0",
        ]
    );
    let all = String::from_utf8(home.run(&["--all-servers"]).stdout).unwrap();
    let named = "barman_cloud_cloudnative_pg_io_first_recoverability_point{server=\"main\"} 0\n";
    assert!(all.contains(named), "{all}");
    let json: Value = serde_json::from_slice(&home.run(&["--json"]).stdout).unwrap();
    let up =
        json["metrics"].as_array().unwrap().iter().find(|family| family["name"] == "barkeep_up").unwrap();
    assert_eq!((&up["type"], &up["samples"][0]["value"]), (&Value::from("gauge"), &Value::from(1)));
}

#[test]
fn a_textfile_is_replaced_as_a_whole_and_everybody_may_read_it() {
    let home = Home::new();
    let file = home.path("text/barkeep.prom");
    fs_err::create_dir(home.path("text")).unwrap();
    fs_err::write(&file, "old").unwrap();
    let output = home.run(&["--textfile", file.to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let parsed = parse(&fs_err::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(parsed.only("barkeep_up"), 1.0);
    assert_eq!(fs_err::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs_err::read_dir(home.path("text")).unwrap().count(), 1);
    let nowhere = home.run(&["--textfile", "/nonexistent/barkeep.prom"]);
    assert_eq!(nowhere.status.code(), Some(8), "{nowhere:?}");
}

#[test]
fn an_archive_that_cannot_be_read_is_told_as_such_and_ends_with_its_status() {
    let home = Home::new();
    let file = home.path("barkeep.prom");
    // What is no folder cannot be listed, whoever asks.
    fs_err::remove_dir_all(home.path("store")).unwrap();
    fs_err::write(home.path("store"), "no folder").unwrap();
    let told = home.run(&["--retry-for", "100ms"]);
    let written = home.run(&["--retry-for", "100ms", "--textfile", file.to_str().unwrap()]);
    assert!(!told.status.success() && told.status == written.status, "{told:?} {written:?}");
    assert!(String::from_utf8_lossy(&told.stderr).starts_with("error: "), "{told:?}");
    for text in [String::from_utf8(told.stdout).unwrap(), fs_err::read_to_string(&file).unwrap()] {
        promtool(&["check", "metrics"], &text);
        let parsed = parse(&text).unwrap();
        assert_eq!(parsed.only("barkeep_up"), 0.0);
        assert!(parsed.has("barkeep_wal_archive_calls_total"), "the calls are told all the same");
    }
}

#[test]
fn two_places_to_tell_at_and_half_an_address_are_refused() {
    let home = Home::new();
    let both = home.run(&["--textfile", "a.prom", "--listen"]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
    let half = home.run(&["--listen", ":9713"]);
    let said = String::from_utf8_lossy(&half.stderr).into_owned();
    assert!(half.status.code() == Some(2) && said.contains("0.0.0.0:9713 for all interfaces"), "{half:?}");
}

/// The binary while it listens; killed when a test fails.
struct Listener {
    child: Child,
    address: SocketAddr,
    said: String,
}

impl Listener {
    fn new(home: &Home, words: &[&str]) -> Self {
        let child = home.command(words).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut listener =
            Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), said: String::new() };
        let mut lines = BufReader::new(listener.child.stderr.take().unwrap()).lines();
        while listener.address.port() == 0 {
            let line = lines.next().expect("it ended before it listened").unwrap();
            if let Some((_, rest)) = line.split_once("listening on http://") {
                let address: SocketAddr = rest.split('/').next().unwrap().parse().unwrap();
                listener.address.set_port(address.port());
            }
            listener.said.push_str(&line);
            listener.said.push('\n');
        }
        // It must not come to wait for somebody who reads.
        std::thread::spawn(move || lines.for_each(drop));
        listener
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        write!(stream, "{request} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }

    fn wal_files(&self) -> String {
        let (status, _, body) = self.ask("GET /metrics");
        assert_eq!(status, 200, "{body}");
        parse(&body).unwrap().only("barkeep_wal_files").to_string()
    }

    fn end(mut self, signal: rustix::process::Signal) -> ExitStatus {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn who_scrapes_twice_within_the_interval_costs_one_look() {
    let home = Home::new();
    let listener = Listener::new(&home, &["--listen", "127.0.0.1:0", "--interval", "1h"]);
    let (status, head, body) = listener.ask("GET /metrics");
    assert_eq!(status, 200);
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert_eq!(parse(&body).unwrap().only("barkeep_wal_files"), 2.0);
    home.add(3);
    assert_eq!(listener.ask("GET /metrics").2, body, "the very same text");
    assert_eq!(listener.end(rustix::process::Signal::TERM).signal(), Some(15));
}

#[test]
fn who_scrapes_after_the_interval_is_told_what_is_so_now() {
    let home = Home::new();
    let listener = Listener::new(&home, &["--listen=127.0.0.1:0", "--interval", "0s"]);
    assert_eq!(listener.wal_files(), "2");
    home.add(3);
    assert_eq!(listener.wal_files(), "3");
    // A store that goes away ends nothing.
    fs_err::rename(home.path("store"), home.path("gone")).unwrap();
    fs_err::write(home.path("store"), "no folder").unwrap();
    let (status, _, body) = listener.ask("GET /metrics");
    assert_eq!((status, parse(&body).unwrap().only("barkeep_up")), (200, 0.0));
    fs_err::remove_file(home.path("store")).unwrap();
    fs_err::rename(home.path("gone"), home.path("store")).unwrap();
    assert_eq!(listener.wal_files(), "3");
    assert_eq!(listener.end(rustix::process::Signal::INT).signal(), Some(2));
}

#[test]
fn other_paths_and_methods_are_refused_and_its_health_asks_no_store() {
    let home = Home::new();
    let listener = Listener::new(&home, &["--listen", "127.0.0.1:0"]);
    for (request, expected) in [
        ("GET /healthz", 200),
        ("HEAD /healthz", 200),
        ("GET /", 404),
        ("GET /metrics/", 404),
        ("GET /../etc/passwd", 404),
        ("POST /metrics", 405),
        ("DELETE /healthz", 405),
    ] {
        let (status, head, _) = listener.ask(request);
        assert_eq!(status, expected, "{request}");
        assert_eq!(head.contains("allow: get, head"), expected == 405, "{request}: {head}");
    }
    assert!(!listener.said.contains("open to others"), "{}", listener.said);
}

#[test]
fn only_so_many_are_answered_at_once_and_who_says_nothing_does_not_stay() {
    let home = Home::new();
    let listener = Listener::new(&home, &["--listen", "127.0.0.1:0"]);
    let silent: Vec<_> = (0..MOST_CONNECTIONS).map(|_| listener.connect()).collect();
    let mut waiting = listener.connect();
    waiting.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    write!(waiting, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = [0_u8; 12];
    assert!(waiting.read_exact(&mut answer).is_err(), "all places are taken");
    waiting.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    waiting.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200", "the silent ones were sent away");
    drop(silent);
    // Somebody in the middle of a request holds nothing up.
    let mut half = listener.connect();
    write!(half, "GET /metr").unwrap();
    assert_eq!(listener.end(rustix::process::Signal::TERM).signal(), Some(15));
}

#[test]
fn who_listens_for_everybody_is_warned_once() {
    let home = Home::new();
    let listener = Listener::new(&home, &["--listen", "0.0.0.0:0"]);
    assert_eq!(listener.said.matches("is open to others").count(), 1, "{}", listener.said);
    assert_eq!(listener.ask("GET /healthz").0, 200);
}
