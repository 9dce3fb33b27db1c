//! Names, numbers and addresses.

use super::{survives, text};
use crate::archive::fuzz::{backup_key, wal_key};
use crate::model::{
    BackupId, BackupRef, Compression, Lsn, RetentionPolicy, SegmentName, SegmentSize, ServerName, SystemId,
    TarName, Timeline, TimelineHistory, WalHeader, WalName,
};
use crate::store::{AzureOptions, GcsOptions, Key, Location, Options, S3Options};

/// Names of WAL files, backups and tars, and the keys they are stored under.
pub fn wal_name(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let server: ServerName = "main".parse().unwrap_or_else(|e| panic!("{e}"));
    if let Some(name) = survives::<WalName>(text) {
        for how in Compression::ALL {
            let (key, read) = wal_key(&server, &name, how).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(read, Some((name, how)), "{key}");
        }
    }
    survives::<SegmentName>(text);
    survives::<Timeline>(text);
    survives::<Lsn>(text);
    survives::<SystemId>(text);
    survives::<BackupId>(text);
    survives::<ServerName>(text);
    survives::<Compression>(text);
    let _ = text.parse::<BackupRef>();
    if let Some(name) = TarName::read(text) {
        assert_eq!(TarName::read(&name.to_string()), Some(name));
    }
    let Ok(key) = Key::new(text) else { return };
    if let Some(spelled) = backup_key(&server, &key) {
        let spelled = spelled.unwrap_or_else(|e| panic!("{e}"));
        let again = backup_key(&server, &spelled).and_then(Result::ok);
        assert_eq!(again.as_ref(), Some(&spelled), "{key}");
    }
}

/// The header of a segment: one that fits a name says nothing else.
pub fn wal_header(input: &[u8]) {
    let Ok(header) = WalHeader::parse(input) else { return };
    let name = SegmentName::holding(header.timeline, header.start, header.segment_size);
    let length = header.segment_size.bytes();
    assert_eq!(header.fits(name, length).is_ok(), header.start.0 % length == 0, "{header:?}");
    for other in [name.next(header.segment_size), Some(SegmentName { seg: u32::MAX, ..name })] {
        assert!(other.is_none_or(|other| header.fits(other, length).is_err()), "{header:?}");
    }
    assert!(header.fits(name, length + 1).is_err() && header.major().is_none_or(|major| major >= 13));
}

/// A timeline's history; the first four bytes are the timeline.
pub fn timeline_history(input: &[u8]) {
    let Some((number, input)) = input.split_first_chunk() else { return };
    let (Some(timeline), Some(text)) = (Timeline::new(u32::from_be_bytes(*number)), text(input)) else {
        return;
    };
    let Ok(history) = TimelineHistory::parse(timeline, text) else { return };
    let lines: Vec<_> =
        history.forks().iter().map(|fork| format!("{}\t{}\tx\n", fork.from.number(), fork.at)).collect();
    assert_eq!(TimelineHistory::parse(timeline, &lines.concat()).ok().as_ref(), Some(&history));
    assert_eq!(history.path().count(), history.forks().len() + 1);
    assert!(history.forks().is_sorted_by(|a, b| a.from < b.from));
    // The cost of a question grows with the forks.
    for fork in history.forks().iter().take(16) {
        assert!(fork.from < timeline && history.reaches(fork.from, fork.at));
        for bits in 20..=30 {
            let Some(size) = SegmentSize::new(1 << bits) else { continue };
            let segment = history.segment(fork.at, size);
            assert!(segment.start(size).is_some_and(|start| start <= fork.at), "{segment}");
        }
        assert!(history.timeline_at(fork.at) <= timeline);
    }
}

/// What somebody wants to keep.
pub fn retention(input: &[u8]) {
    let Some(policy) = text(input).and_then(survives::<RetentionPolicy>) else { return };
    for now in [jiff::Timestamp::MIN, jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX] {
        assert!(policy.window_begins(now).is_none_or(|begins| begins <= now), "{policy}");
    }
}

/// The URL of a store, and on a second line an endpoint.
pub fn store_url(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let (url, endpoint) = text.split_once('\n').map_or((text, None), |(url, endpoint)| (url, Some(endpoint)));
    let Some(location) = survives::<Location>(url) else { return };
    let endpoint = endpoint.map(str::to_owned);
    let options = Options {
        s3: S3Options { endpoint: endpoint.clone(), ..S3Options::default() },
        azure: AzureOptions { endpoint: endpoint.clone(), ..AzureOptions::default() },
        gcs: GcsOptions { endpoint, ..GcsOptions::default() },
        tokens: None,
    };
    assert!(!location.identity(&options).is_empty());
    assert!(!location.identity(&Options::default()).is_empty());
}
