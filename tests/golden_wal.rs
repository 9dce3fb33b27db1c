//! Names, positions and the choice of what a request for WAL is answered with, against the recorded
//! answers of the reference (spec/barman-cloud.md 3.2, 11.2 and 17).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;
mod cases;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use barkeep::archive::{Archive, Recorded, Tags, WalPut};
use barkeep::command::wal_prefetch;
use barkeep::command::wal_restore::{self, Outcome, Partials, Source};
use barkeep::model::{Compression, Lsn, SegmentName, SegmentSize, SystemId, Timeline, WalName};
use barkeep::store::MemoryStore;
use bed::{Bed, MIB, SYSTEM, packed, segment_bytes};
use bytes::Bytes;
use cases::{cases, number, text, texts};
use serde_json::{Value, json};

fn timeline(value: &Value) -> Timeline {
    Timeline::new(u32::try_from(value.as_u64().unwrap()).unwrap()).unwrap()
}

fn size(case: &Value) -> SegmentSize {
    SegmentSize::new(number(case, "size")).unwrap()
}

/// What the reference takes for a name and we do not.
const NO_NAMES: [(&str, &str); 2] = [
    ("/a/b/000000010000000000000001", "a path: the verbs take a path's file name themselves"),
    ("000000010000000000000001\n", "nothing that PostgreSQL names ends in a line feed"),
];

/// The folder of a WAL file, told from the key that it is stored under.
async fn folder(name: WalName) -> String {
    let archive = Archive::new(Arc::new(MemoryStore::new()), "srv".parse().unwrap());
    let how = WalPut {
        name,
        compression: Compression::None,
        recorded: Recorded::default(),
        tags: Tags::default(),
        overwrite: false,
        not_first: false,
        asked: false,
    };
    archive.put_wal(&how, Bytes::from_static(b"w")).await.unwrap();
    let found = archive.find_wal(&name).await.unwrap();
    let below = found[0].key().strip_prefix("srv/wals/").unwrap();
    below.split_once('/').unwrap().0.to_owned()
}

/// The same words as in a case; everything is `false` for what is no name.
async fn classified(name: &str) -> Value {
    let read = name.parse::<WalName>().ok();
    let folder = match read {
        Some(name) => folder(name).await,
        None => "error:BadXlogSegmentName".to_owned(),
    };
    json!({
        "any": read.is_some(),
        "history": matches!(read, Some(WalName::History(_))),
        "backup": matches!(read, Some(WalName::Label { .. })),
        "partial": matches!(read, Some(WalName::Partial(_))),
        "wal": matches!(read, Some(WalName::Segment(_))),
        "hash_dir": folder,
    })
}

#[tokio::test]
async fn names_are_told_apart_and_lie_where_the_reference_puts_them() {
    let mut stricter = 0;
    for mut case in cases("xlog/classify") {
        let name = case["name"].take().as_str().unwrap().to_owned();
        case.as_object_mut().unwrap().remove("name");
        if NO_NAMES.iter().any(|(no_name, _)| *no_name == name) {
            stricter += 1;
            assert_eq!(classified(&name).await["any"], false, "{name:?}");
            // What it would have been.
            let file = Path::new(name.trim_end()).file_name().unwrap().to_str().unwrap();
            assert_eq!(classified(file).await, case, "{name:?}");
        } else {
            assert_eq!(classified(&name).await, case, "{name:?}");
        }
    }
    assert_eq!(stricter, NO_NAMES.len());
}

#[test]
fn segments_follow_each_other_as_in_the_reference() {
    for case in cases("xlog/next_prev") {
        let (size, segment): (_, SegmentName) = (size(&case), text(&case, "segment").parse().unwrap());
        assert_eq!(u64::from(size.per_log()), number(&case, "segments_per_log"), "{case}");
        assert_eq!(segment.next(size).unwrap().to_string(), text(&case, "next"));
        match text(&case, "prev").parse::<SegmentName>() {
            Ok(before) => assert_eq!(before.next(size), Some(segment), "{case}"),
            // Before the first there is none; the reference makes up a name with a sign in it.
            Err(_) => assert_eq!(segment.start(size), Some(Lsn(0)), "{case}"),
        }
    }
}

#[test]
fn positions_lie_in_the_segments_of_the_reference() {
    for case in cases("xlog/lsn_to_file") {
        let (size, at): (_, Lsn) = (size(&case), text(&case, "lsn").parse().unwrap());
        let segment = SegmentName::holding(timeline(&case["timeline"]), at, size);
        assert_eq!(segment.to_string(), text(&case, "file_name"));
        assert_eq!(at.0 - segment.start(size).unwrap().0, number(&case, "file_offset"), "{case}");
    }
}

#[test]
fn positions_are_read_and_written_as_in_the_reference() {
    for case in cases("xlog/parse_lsn") {
        assert_eq!(text(&case, "lsn").parse::<Lsn>().unwrap(), Lsn(number(&case, "value")));
    }
    for case in cases("xlog/format_lsn") {
        assert_eq!(Lsn(number(&case, "value")).to_string(), text(&case, "lsn"));
    }
}

/// We read no folder's name: its two numbers stand in the names of its files, and are read there.
#[test]
fn a_folder_has_the_numbers_that_the_names_in_it_begin_with() {
    for case in cases("xlog/hash_dir_decode") {
        let first = format!("{}00000000", text(&case, "dir")).parse::<SegmentName>().ok();
        let numbers = first.map(|name| json!([name.timeline.number(), name.log]));
        assert_eq!(numbers.unwrap_or_else(|| json!("error:BadXlogPrefix")), case["value"], "{case}");
    }
}

/// What the reference lays into its spool under the name of the WAL that will be asked for, and we do not.
const NOT_SPOOLED: [(&str, &str); 4] = [
    ("000000010000000000000001.gz", "a duplicate of what was just delivered serves nobody"),
    ("000000010000000000000001.partial", "it would answer the next request for the complete segment"),
    ("000000010000000000000002.partial.gz", "it would be delivered although the complete one may come"),
    ("000000010000000000000004", "02 is asked for next, and is not there: recovery does not get this far"),
];

#[tokio::test]
async fn a_request_for_wal_is_answered_with_the_object_of_the_reference() {
    let mut not_spooled = Vec::new();
    for case in cases("wal_restore_selection") {
        let bed = Bed::new();
        // A standby is told that something is missing, whatever else the archive holds.
        std::fs::write(bed.data().join("standby.signal"), "").unwrap();
        let plain = store(&bed, &texts(&case["objects"])).await;
        let delivered = restore(&bed, &case).await;
        let expected = case["to_destination"].as_str().map(|key| plain_of(&plain, key));
        assert!(delivered.as_deref() == expected, "{case}");
        if delivered.is_some() && text(&case, "request").parse::<SegmentName>().is_ok() {
            let filled = wal_prefetch::run(&filler(&bed), &bed).await.unwrap();
            assert_eq!(filled.fetched, 0, "{case}");
        }
        assert_eq!(spooled(&bed.spool()), Vec::<String>::new(), "{case}");
        not_spooled.extend(texts(&case["to_spool"]).into_iter().map(|key| file_name(key).to_owned()));
    }
    assert_eq!(not_spooled, NOT_SPOOLED.map(|(object, _)| object));
}

/// The reference chooses by the order of the suffixes, and delivers the partial one with status 0.
#[tokio::test]
async fn a_complete_segment_is_chosen_before_a_partial_one_whatever_their_suffixes() {
    let request = "000000010000000000000001";
    for complete in Compression::ALL {
        for partial in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let bed = Bed::new();
            let folder = "srv/wals/0000000100000000";
            let complete = format!("{folder}/{request}{}", complete.suffix());
            let partial = format!("{folder}/{request}.partial{}", partial.suffix());
            let plain = store(&bed, &[&complete, &partial]).await;
            let delivered = restore(&bed, &json!({"request": request, "no_partial": false})).await;
            assert!(delivered.unwrap() == plain_of(&plain, &complete), "{complete} before {partial}");
        }
    }
}

fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap()
}

fn plain_of<'a>(plain: &'a [(String, Vec<u8>)], key: &str) -> &'a [u8] {
    &plain.iter().find(|(stored, _)| stored == key).unwrap().1
}

/// Stores each object with a content of its own, which it gives back.
async fn store(bed: &Bed, keys: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut plain = Vec::new();
    for (n, key) in keys.iter().enumerate() {
        let (name, how) = Compression::split_suffix(file_name(key));
        let content = if name.ends_with(".history") {
            format!("1\t0/{}000000\tno recovery target specified\n", n + 3).into_bytes()
        } else {
            segment_bytes(name, SYSTEM, SegmentSize::new(MIB).unwrap(), 2 * n as u64 + 1)
        };
        bed.foreign(&key.replacen("srv", "main", 1), packed(how, &content)).await;
        plain.push(((*key).to_owned(), content));
    }
    plain
}

/// What a request delivers; `None` when it says that there is nothing.
async fn restore(bed: &Bed, case: &Value) -> Option<Vec<u8>> {
    let never = case["no_partial"].as_bool().unwrap();
    let partials = if never { Partials::Never } else { Partials::ToPostgres };
    let destination = bed.wal("RECOVERYXLOG");
    let usual = bed.restore_request(text(case, "request"), &destination);
    match wal_restore::run(&wal_restore::Request { partials, ..usual }, bed).await.unwrap() {
        Outcome::Delivered { from: Source::Archive, partial: false } => {
            Some(std::fs::read(&destination).unwrap())
        }
        Outcome::Missing => {
            assert!(!destination.exists());
            None
        }
        other @ Outcome::Delivered { .. } => panic!("{case}: {other:?}"),
    }
}

/// The program that fetches ahead, after the request that would start it.
fn filler(bed: &Bed) -> wal_prefetch::Request {
    wal_prefetch::Request {
        system_id: SystemId(SYSTEM),
        instance: bed.instance(),
        timeline: Timeline::FIRST,
        segment_size: SegmentSize::new(MIB).unwrap(),
        spool: bed.spool(),
        memory: 96 << 20,
        max_attempts: None,
        linger: Duration::from_millis(20),
    }
}

/// The WAL in the spool, by file name.
fn spooled(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(spooled(&path));
        } else if name.get(..24).is_some_and(|start| start.parse::<SegmentName>().is_ok()) {
            found.push(name);
        }
    }
    found
}
