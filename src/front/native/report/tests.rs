//! What the page is, whatever is in the archive.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

use super::page::page;
use super::*;
use crate::command::report::{Outcome, Verified};
use crate::command::status;
use crate::front::native::map::tests::{Sample, at, eventful};
use crate::model::{
    BackupStatus, Facts, Forecast, StatusFacts, StatusLimits, VerifyAges, WalTally, status_findings,
    stored_by_day,
};

/// What there is to tell of an archive.
fn outcome(sample: &mut Sample, policy: Option<&str>) -> Outcome {
    let coverage = sample.coverage();
    let wal = sample.inventory();
    let limits = StatusLimits::default();
    let findings = status_findings(&StatusFacts {
        coverage: &coverage,
        wal: &wal,
        unreadable: &[],
        bad_histories: &[],
        system_id: None,
        newest_system_id: None,
        server: None,
        limits: &limits,
        now: sample.now,
    });
    let rule = policy.map(|policy| RetentionRule {
        policy: policy.parse().unwrap(),
        minimum: 1,
        leftovers_after: LEFTOVERS_AFTER,
    });
    let facts = Facts { backups: sample.backups.clone(), ..Facts::default() };
    let ages = VerifyAges {
        within: [200, 40, 0],
        before: 0,
        never: 7,
        oldest: Some(at("01-20T00:00")),
        newest: Some(at("01-31T00:00")),
    };
    let verified = sample.backups.iter().filter(|fact| fact.backup.is_usable());
    Outcome {
        days: stored_by_day(&wal, &sample.backups),
        forecast: rule.map(|rule| Forecast::of(&rule, sample.now, &facts, &wal)),
        verified: Verified {
            ages: Some((ages, VerifyAges { within: [1, 0, 0], never: 6, ..ages })),
            backups: verified.take(1).map(|fact| (fact.backup.id, at("01-31T00:00"))).collect(),
            unreadable: None,
        },
        status: status::Outcome {
            address: "s3://wal/prod (server main)".to_owned(),
            name: "main".parse().unwrap(),
            now: sample.now,
            coverage,
            unreadable: Vec::new(),
            system_id: None,
            server: None,
            archiving: None,
            lag: None,
            findings,
        },
    }
}

fn drill() -> DrillReport {
    serde_json::from_str(
        r#"{"archive":"s3://wal/prod (server main)","passed":true,"backup":"20260128T160000","major":18,
        "reached_lsn":"2/BC000000","reached_time":"2026-01-31T22:12:13Z","timeline":3,
        "checks":[{"name":"pg_amcheck","result":"passed","text":"3 databases","seconds":9.5},
        {"name":"probe 1","result":"passed","text":"true","seconds":0.1}],
        "seconds":371.5,"finished":"2026-01-31T23:00:00Z","error":null,"exit":0}"#,
    )
    .unwrap()
}

/// Its name and its attributes.
type Element = (String, BTreeMap<String, String>);

/// The elements of a page and its texts; it is well-formed.
fn read(page: &str) -> (Vec<Element>, String) {
    let (mut elements, mut all) = (Vec::new(), String::new());
    let mut reader = Reader::from_str(page);
    reader.config_mut().check_end_names = true;
    let mut depth = 0_u32;
    loop {
        let event = reader.read_event().unwrap_or_else(|e| panic!("{e}:\n{page}"));
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                depth += u32::from(matches!(event, Event::Start(_)));
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let value = std::str::from_utf8(&attribute.value).unwrap();
                    let name = std::str::from_utf8(attribute.key.as_ref()).unwrap().to_owned();
                    (name, unescape(value).unwrap().into_owned())
                });
                let name = std::str::from_utf8(element.name().as_ref()).unwrap().to_owned();
                elements.push((name, attributes.collect()));
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) => all.push_str(std::str::from_utf8(text).unwrap()),
            Event::GeneralRef(name) => {
                all.push_str(&unescape(&format!("&{};", std::str::from_utf8(name).unwrap())).unwrap());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    (elements, all)
}

/// Nothing runs, nothing is fetched, and every name that one element has for another leads somewhere.
fn is_self_contained(page: &str) {
    let (elements, _) = read(page);
    let mut ids = BTreeSet::new();
    for (name, attributes) in &elements {
        assert!(
            !["script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "use", "image"]
                .contains(&name.as_str()),
            "{name}"
        );
        for (attribute, value) in attributes {
            assert!(
                !["src", "href", "xlink:href", "style", "action", "srcset"].contains(&attribute.as_str()),
                "{attribute}"
            );
            assert!(!attribute.starts_with("on"), "{attribute}");
            if attribute == "id" {
                assert!(ids.insert(value.clone()), "{value} is there twice");
            }
        }
    }
    for (_, attributes) in &elements {
        for id in attributes.get("aria-labelledby").into_iter().flat_map(|ids| ids.split(' ')) {
            assert!(ids.contains(id), "{id}");
        }
    }
    for svg in elements.iter().filter(|(name, _)| name == "svg") {
        assert!(svg.1.contains_key("aria-labelledby") || svg.1.contains_key("aria-hidden"));
    }
    let sheet = include_str!("style.css");
    assert!(!sheet.contains("url(") && !sheet.contains("@import") && !sheet.contains(['<', '&']));
}

#[test]
fn a_page_tells_the_verdict_first_and_then_what_it_is_made_from() {
    let mut sample = Sample::new();
    sample.wal(1, (1, 40), "01-30T00:00", 60);
    sample.wal(1, (43, 45), "01-31T18:00", 60);
    sample.backup(1, (2, 3), "01-30T02:30").backup.name = Some("nightly <1>".to_owned());
    sample.backup(1, (20, 21), "01-30T21:30");
    sample.failed(1, "01-31T03:00", "the store has gone");
    let page = page(&outcome(&mut sample, Some("1d")), Some(&drill()));
    is_self_contained(&page);
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let page = format!("{before}<style>{after}").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!("report", page);
}

#[test]
fn every_kind_of_archive_is_a_page() {
    let mut wal_only = Sample::new();
    wal_only.wal(1, (1, 3), "01-31T12:00", 1);
    let mut no_times = Sample::new();
    no_times.wal_without_times(1, (1, 30));
    no_times.backup(1, (3, 4), "01-20T00:00");
    for (mut sample, says) in [
        (Sample::new(), "Nothing can be recovered."),
        (wal_only, "Nothing can be recovered."),
        (no_times, "Any instant from 2026-01-20 00:00:00+00 to position 0/1F000000 can be recovered."),
        (eventful(), "with one interruption"),
    ] {
        for policy in [None, Some("7d"), Some("REDUNDANCY 2")] {
            let page = page(&outcome(&mut sample, policy), None);
            is_self_contained(&page);
            assert!(read(&page).1.contains(says), "{says}");
        }
    }
}

#[test]
fn a_million_files_and_thousands_of_backups_are_less_than_a_megabyte() {
    let mut sample = Sample::new();
    for piece in 0..500_u64 {
        let first = 1 + piece * 2010;
        let begin = format!("{:02}-{:02}T00:00", 1 + piece / 28 % 12, 1 + piece % 28);
        sample.wal(1, (first, first + 1999), &begin, 0);
    }
    for i in 0..3000_u64 {
        let day = format!("{:02}-{:02}T{:02}:{:02}", 1 + i / 28 % 12, 1 + i % 28, i / 336 % 24, i % 60);
        let name = "n".repeat(200);
        sample.backup(1, (1 + i * 300, 2 + i * 300), &day).backup.name = Some(name);
    }
    sample.now = "2027-01-01T00:00:00Z".parse().unwrap();
    let outcome = outcome(&mut sample, None);
    assert_eq!(outcome.status.coverage.sizes.wal.files, 1_000_000);
    let begun = std::time::Instant::now();
    let page = page(&outcome, Some(&drill()));
    let took = begun.elapsed();
    is_self_contained(&page);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    // Some tens of milliseconds where nobody else is at work.
    assert!(took.as_secs() < 20, "{took:?}");
    assert!(WalTally::default() != outcome.status.coverage.sizes.backups);
}

#[test]
fn wal_with_a_hundred_thousand_holes_is_a_page_as_well() {
    let mut sample = Sample::new();
    for number in 0..100_000_u64 {
        let day = format!("{:02}-{:02}T00:00", 1 + number / 20_000, 1 + number / 1000 % 20);
        sample.wal(1, (1 + number * 2, 1 + number * 2), &day, 0);
    }
    sample.now = at("06-01T00:00");
    sample.backup(1, (1, 1), "01-01T00:30");
    let page = page(&outcome(&mut sample, None), None);
    is_self_contained(&page);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

#[test]
fn what_a_drill_did_not_say_is_refused_with_the_file() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("drill.json");
    fs_err::write(&file, "{\"passed\":true}").unwrap();
    let refused = read_drill(&file).unwrap_err();
    assert!(refused.to_string().contains("drill.json"), "{refused}");
    assert!(refused.hint_text().unwrap().contains("drill --json"));
    assert!(read_drill(&scratch.path().join("none.json")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_a_record_says_is_text_on_the_page(
        texts in proptest::array::uniform4("[<>&\"'/a-z\u{202e}\u{0}-\u{1f}=;!-]{1,20}"),
    ) {
        let [name, why, address, check] = texts;
        let mut sample = Sample::new();
        sample.wal(1, (1, 4), "01-31T12:00", 1);
        sample.backup(1, (2, 3), "01-31T13:00").backup.name = Some(name.clone());
        let fact = sample.backup(1, (2, 3), "01-31T14:00");
        fact.backup.status = BackupStatus::Failed;
        fact.backup.error = Some(why.clone());
        let mut outcome = outcome(&mut sample, None);
        outcome.status.address.clone_from(&address);
        let mut drill = drill();
        drill.checks[0].text.clone_from(&check);
        let page = page(&outcome, Some(&drill));
        is_self_contained(&page);
        let (_, text) = read(&page);
        for said in [name, why, address, check] {
            let shown: String = said.chars().map(|c| match c {
                '\t' | '\n' => c,
                '\u{202e}' => '\u{fffd}',
                c if c.is_control() => '\u{fffd}',
                c => c,
            }).collect();
            prop_assert!(text.contains(&shown), "{:?} is not in the page", shown);
        }
    }
}
