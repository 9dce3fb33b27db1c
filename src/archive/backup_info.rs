//! `backup.info`: a backup's record as text (spec/barman-cloud.md part 5).

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use jiff::{RoundMode, Unit, Zoned, ZonedRound};

use super::literal::Literal;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Backup, BackupId, BackupStatus, Edge, Lsn, SegmentSize, Tablespace, Timeline};

/// The keys that every reader since 3.4 knows and that are always there, set or not. A key that such a
/// reader does not know makes it give up, so newer ones are written only when they say something
/// (spec/barman-cloud.md 5.4).
const ALWAYS: [&str; 27] = [
    "backup_label",
    "begin_offset",
    "begin_time",
    "begin_wal",
    "begin_xlog",
    "compression",
    "config_file",
    "copy_stats",
    "deduplicated_size",
    "end_offset",
    "end_time",
    "end_wal",
    "end_xlog",
    "error",
    "hba_file",
    "ident_file",
    "included_files",
    "mode",
    "pgdata",
    "server_name",
    "size",
    "status",
    "systemid",
    "tablespaces",
    "timeline",
    "version",
    "xlog_segment_size",
];

/// Newer keys, and those that are left out when they are unset; `None` there means the same as no line.
const SOMETIMES: [&str; 9] = [
    "backup_name",
    "children_backup_ids",
    "cluster_size",
    "data_checksums",
    "encryption",
    "parent_backup_id",
    "snapshots_info",
    "summarize_wal",
    "backup_id",
];

/// The server's name in the record of every backup that is stored object by object.
const SERVER_NAME: &str = "cloud";

/// How a null is spelled.
const NULL: &str = "None";

/// The record as text: one `key=value` per line, in the order of the keys.
pub(super) fn print(backup: &Backup) -> String {
    let mut lines: BTreeMap<&str, String> = ALWAYS.iter().map(|key| (*key, NULL.to_owned())).collect();
    lines.extend(typed(backup).into_iter().filter_map(|(key, value)| Some((key, value?))));
    // What was not understood is kept as it stands, also where we would say something else.
    lines.extend(backup.other.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let flat = |value: &str| value.replace(['\n', '\r'], " ");
    let lines: Vec<_> =
        lines.into_iter().map(|(key, value)| [key, "=", &flat(&value), "\n"].concat()).collect();
    lines.concat()
}

/// The keys that [`Backup`] has a field for.
fn typed(backup: &Backup) -> Vec<(&'static str, Option<String>)> {
    fn text<T: ToString>(value: Option<&T>) -> Option<String> {
        value.map(ToString::to_string)
    }
    let Backup { begin, end, .. } = backup;
    let server_name = backup.server_name.as_deref().unwrap_or(SERVER_NAME);
    vec![
        ("backup_label", backup.label.as_ref().map(|label| Literal::text(label).to_string())),
        ("backup_name", backup.name.clone()),
        ("begin_offset", offset(begin, backup.segment_size)),
        ("begin_time", begin.time.as_ref().map(print_time)),
        ("begin_wal", text(begin.wal.as_ref())),
        ("begin_xlog", text(begin.lsn.as_ref())),
        ("cluster_size", text(backup.cluster_size.as_ref())),
        ("config_file", backup.config_file.clone()),
        ("data_checksums", backup.data_checksums.map(on_off)),
        ("end_offset", offset(end, backup.segment_size)),
        ("end_time", end.time.as_ref().map(print_time)),
        ("end_wal", text(end.wal.as_ref())),
        ("end_xlog", text(end.lsn.as_ref())),
        ("error", backup.error.clone()),
        ("hba_file", backup.hba_file.clone()),
        ("ident_file", backup.ident_file.clone()),
        ("included_files", list(&backup.included_files, |file| Literal::text(file))),
        ("parent_backup_id", backup.parent.clone()),
        ("pgdata", backup.pgdata.clone()),
        ("server_name", Some(server_name.to_owned())),
        ("status", Some(backup.status.to_string())),
        ("summarize_wal", backup.summarize_wal.map(on_off)),
        ("systemid", text(backup.system_id.as_ref())),
        ("tablespaces", list(&backup.tablespaces, print_tablespace)),
        ("timeline", backup.timeline.map(|timeline| timeline.number().to_string())),
        ("version", text(backup.version.as_ref())),
        ("xlog_segment_size", Some(backup.segment_size.bytes().to_string())),
    ]
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

/// The byte within its segment.
fn offset(edge: &Edge, size: SegmentSize) -> Option<String> {
    edge.lsn.map(|Lsn(at)| (at % size.bytes()).to_string())
}

fn list<T>(items: &[T], literal: impl Fn(&T) -> Literal) -> Option<String> {
    (!items.is_empty()).then(|| Literal::List(items.iter().map(literal).collect()).to_string())
}

fn print_tablespace(space: &Tablespace) -> Literal {
    Literal::Tuple(vec![
        Literal::text(&space.name),
        Literal::Number(space.oid.to_string()),
        Literal::text(&space.location),
    ])
}

/// As Python prints it: to the microsecond, which is what PostgreSQL has, and without a fraction of zero.
fn print_time(time: &Zoned) -> String {
    let whole = ZonedRound::new().smallest(Unit::Microsecond).mode(RoundMode::Trunc);
    let time = time.round(whole).unwrap_or_else(|_| time.clone());
    let fraction = if time.subsec_nanosecond() == 0 { "" } else { "%.6f" };
    time.strftime(&format!("%Y-%m-%d %H:%M:%S{fraction}%:z")).to_string()
}

/// Reads a record. Unknown keys are kept; a known key with a value that cannot be what it should is
/// kind `Corrupt`, because deciding upon half a record is worse than not deciding.
pub(super) fn parse(id: BackupId, text: &str) -> Result<Backup> {
    let mut record = Record(lines(text)?);
    let mut backup = Backup::new(id, record.read("status")?.unwrap_or(BackupStatus::Empty));
    backup.segment_size = record.take("xlog_segment_size", segment_size)?.unwrap_or(SegmentSize::DEFAULT);
    backup.name = record.text("backup_name");
    backup.server_name = record.text("server_name");
    backup.system_id = record.read("systemid")?;
    backup.version = record.read("version")?;
    backup.timeline = record.take("timeline", timeline)?;
    backup.begin = record.edge("begin", backup.segment_size)?;
    backup.end = record.edge("end", backup.segment_size)?;
    backup.label = record.take("backup_label", label)?;
    backup.tablespaces = record.take("tablespaces", tablespaces)?.unwrap_or_default();
    backup.pgdata = record.text("pgdata");
    backup.config_file = record.text("config_file");
    backup.hba_file = record.text("hba_file");
    backup.ident_file = record.text("ident_file");
    backup.included_files = record.take("included_files", texts)?.unwrap_or_default();
    backup.cluster_size = record.read("cluster_size")?;
    backup.data_checksums = record.switch("data_checksums");
    backup.summarize_wal = record.switch("summarize_wal");
    backup.error = record.text("error");
    backup.parent = record.text("parent_backup_id");
    backup.other = record.rest()?;
    Ok(backup)
}

/// The lines of a record; of a key that is there twice the last counts.
fn lines(text: &str) -> Result<BTreeMap<String, String>> {
    let told = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    told.map(|line| match line.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
        None => Err(Error::corrupt(format!("the line `{}` is not `key=value`", line.trim()))),
    })
    .collect()
}

/// What has not been read of a record yet.
struct Record(BTreeMap<String, String>);

impl Record {
    /// The value of a key, unless it is null.
    fn text(&mut self, key: &str) -> Option<String> {
        self.0.remove(key).filter(|value| value != NULL)
    }

    /// The same, understood by `read`.
    fn take<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        self.text(key).map(|value| understood(key, &value, read)).transpose()
    }

    fn read<T: FromStr>(&mut self, key: &str) -> Result<Option<T>> {
        self.take(key, |value| value.parse().map_err(|_| Error::corrupt("not such a value")))
    }

    /// `on` or `off`; anything else is left as it stands, since newer servers know more states.
    fn switch(&mut self, key: &str) -> Option<bool> {
        let known = match self.0.get(key).map(String::as_str) {
            Some("on") => Some(true),
            Some("off") => Some(false),
            _ => None,
        };
        if known.is_some() {
            self.0.remove(key);
        }
        known
    }

    fn edge(&mut self, which: &str, size: SegmentSize) -> Result<Edge> {
        let edge = Edge {
            time: self.take(&format!("{which}_time"), time)?,
            lsn: self.read(&format!("{which}_xlog"))?,
            wal: self.read(&format!("{which}_wal"))?,
        };
        // It follows from the position; one that does not is kept as it stands.
        let key = format!("{which}_offset");
        let stored = self.take(&key, integer)?;
        if let Some(stored) = stored.filter(|stored| offset(&edge, size).as_ref() != Some(stored)) {
            self.0.insert(key, stored);
        }
        Ok(edge)
    }

    /// What no field is there for, once it is seen to be well-formed where its form is known.
    fn rest(mut self) -> Result<BTreeMap<String, String>> {
        // The folder says it.
        self.0.remove("backup_id");
        let known = |key: &str| ALWAYS.contains(&key) || SOMETIMES.contains(&key);
        self.0.retain(|key, value| value != NULL || !known(key));
        for (key, value) in &self.0 {
            match key.as_str() {
                "size" | "deduplicated_size" => drop(understood(key, value, integer)?),
                "copy_stats" | "snapshots_info" => drop(understood(key, value, Literal::parse)?),
                _ => {}
            }
        }
        Ok(self.0)
    }
}

/// Names the line when its value is not understood.
fn understood<T>(key: &str, value: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<T> {
    let read = read(value).map_err(|e| Error::new(ErrorKind::Corrupt, e.to_string()));
    read.context(|| format!("`{key}={value}`"))
}

fn integer(text: &str) -> Result<String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { Ok(text.to_owned()) } else { Err(Error::corrupt("not an integer")) }
}

fn segment_size(text: &str) -> Result<SegmentSize> {
    let size = text.parse().ok().and_then(SegmentSize::new);
    size.ok_or_else(|| Error::corrupt("not a segment size"))
}

fn timeline(text: &str) -> Result<Timeline> {
    let timeline = text.parse().ok().and_then(Timeline::new);
    timeline.ok_or_else(|| Error::corrupt("not a timeline"))
}

fn label(text: &str) -> Result<String> {
    match Literal::parse(text)? {
        Literal::Text(text) => Ok(text),
        _ => Err(Error::corrupt("not a text in quotes")),
    }
}

fn texts(text: &str) -> Result<Vec<String>> {
    let Literal::List(items) = Literal::parse(text)? else { return Err(Error::corrupt("not a list")) };
    let read = |item| match item {
        Literal::Text(text) => Ok(text),
        other => Err(Error::corrupt(format!("{other} is not a text in quotes"))),
    };
    items.into_iter().map(read).collect()
}

fn tablespaces(text: &str) -> Result<Vec<Tablespace>> {
    let Literal::List(items) = Literal::parse(text)? else { return Err(Error::corrupt("not a list")) };
    items.iter().map(tablespace).collect()
}

fn tablespace(item: &Literal) -> Result<Tablespace> {
    let refused = || Error::corrupt(format!("{item} is not the name, number and path of a tablespace"));
    let (Literal::Tuple(parts) | Literal::List(parts)) = item else { return Err(refused()) };
    let [Literal::Text(name), Literal::Number(oid), Literal::Text(location)] = parts.as_slice() else {
        return Err(refused());
    };
    let oid = oid.parse().map_err(|_| refused())?;
    Ok(Tablespace { name: name.clone(), oid, location: location.clone() })
}

/// A time stamp: ISO 8601 with a blank or `T`, with `Z` or an offset, or C's `ctime` form. One
/// without a zone is taken for UTC, so that a record means the same on every machine; writers of
/// the layout have always named the offset.
fn time(text: &str) -> Result<Zoned> {
    // A blank may stand before the offset.
    let joined = text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z");
    let iso = Pieces::parse(&joined).ok().map(|pieces| {
        let civil = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        (civil, pieces.to_numeric_offset().map_or(TimeZone::UTC, TimeZone::fixed))
    });
    let ctime = || DateTime::strptime("%a %b %e %H:%M:%S %Y", text).ok().map(|civil| (civil, TimeZone::UTC));
    // The years before 0 have a spelling that no other reader of the layout knows.
    let read = iso.or_else(ctime).filter(|(civil, _)| civil.year() >= 0);
    let read = read.and_then(|(civil, zone)| civil.to_zoned(zone).ok());
    read.ok_or_else(|| Error::corrupt("not a time"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> BackupId {
        "20261121T000157".parse().unwrap()
    }

    /// As in spec/barman-cloud.md 5.2.
    const RECORD: &str = r"backup_label='START WAL LOCATION: 0/1D00028 (file 00000001000000000000001D)\nLABEL: x\n'
backup_name=my name
begin_offset=40
begin_time=2026-11-21 00:01:57.466059+00:00
begin_wal=00000001000000000000001D
begin_xlog=0/1D00028
cluster_size=38559433
compression=None
config_file=/pg/data/postgresql.conf
copy_stats={'total_time': 3.266771, 'number_of_workers': 2}
data_checksums=on
deduplicated_size=None
end_offset=312
end_time=2026-11-21 05:31:59+05:30
end_wal=00000001000000000000001D
end_xlog=0/1D00138
error=None
hba_file=/pg/data/pg_hba.conf
ident_file=/pg/data/pg_ident.conf
included_files=['/pg/extra.conf']
mode=None
pgdata=/pg/data
server_name=cloud
size=None
status=DONE
systemid=7710408187061091205
tablespaces=[('ts1', 16384, '/pg/ts1')]
timeline=1
version=150020
xlog_segment_size=1048576
";

    #[test]
    fn a_record_is_read_and_written_back_as_it_was() {
        let backup = parse(id(), RECORD).unwrap();
        assert_eq!(backup.name.as_deref(), Some("my name"));
        assert_eq!(backup.label.as_deref().map(|l| l.lines().count()), Some(2));
        assert_eq!(backup.begin.wal, Some("00000001000000000000001D".parse().unwrap()));
        assert_eq!(backup.end.time.as_ref().unwrap().to_string(), "2026-11-21T05:31:59+05:30[+05:30]");
        assert_eq!((backup.tablespaces[0].oid, backup.data_checksums), (16_384, Some(true)));
        assert_eq!(backup.other.keys().collect::<Vec<_>>(), ["copy_stats"]);
        assert_eq!(print(&backup), RECORD);
    }

    #[test]
    fn newer_keys_are_read_and_those_without_a_value_are_left_out() {
        let newer = "children_backup_ids=None\nencryption=None\nparent_backup_id=None\nsummarize_wal=None\n\
                     snapshots_info=None\nbackup_name=None\n";
        let backup = parse(id(), &format!("{RECORD}{newer}")).unwrap();
        assert!(!backup.is_snapshot() && backup.name.is_none());
        assert_eq!(print(&backup), RECORD.replace("backup_name=my name\n", ""));
    }

    #[test]
    fn a_fresh_record_has_the_keys_that_every_reader_since_3_4_knows() {
        let text = print(&Backup::new(id(), BackupStatus::Started));
        let keys: Vec<_> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        let mut always = ALWAYS.to_vec();
        always.sort_unstable();
        always.dedup();
        assert_eq!(keys, always);
        assert!(text.contains("\nserver_name=cloud\n") && text.contains("\nstatus=STARTED\n"), "{text}");
    }

    #[test]
    fn what_is_not_known_survives() {
        let text = "status=DONE\ngp_dbid=3\nnew_key=None\nbegin_offset=7\ndata_checksums=inprogress-on\n";
        let printed = print(&parse(id(), text).unwrap());
        for line in text.lines() {
            assert!(printed.lines().any(|l| l == line), "{line} in {printed}");
        }
    }

    /// An offset that contradicts its position was once replaced by the one that follows from it, a key
    /// behind a blank and a `#` became a comment, and a year before 0 was written as nobody reads it.
    #[test]
    fn what_is_written_of_what_was_read_is_read_as_the_same() {
        let text = "begin_xlog=0/1D00028\nbegin_offset=7\n #comment=1\n";
        let backup = parse(id(), text).unwrap();
        let printed = print(&backup);
        assert!(printed.contains("begin_offset=7\n") && !printed.contains("comment"), "{printed}");
        assert_eq!(print(&parse(id(), &printed).unwrap()), printed);
        assert!(parse(id(), "begin_time=-000044-03-15 00:00:00+00:00").is_err());
    }

    #[test]
    fn a_line_stays_a_line() {
        let mut backup = Backup::new(id(), BackupStatus::Failed);
        backup.error = Some("one\ntwo\r\nstatus=DONE".to_owned());
        let read = parse(id(), &print(&backup)).unwrap();
        assert_eq!(read.status, BackupStatus::Failed);
        assert_eq!(read.error.as_deref(), Some("one two  status=DONE"));
    }

    #[test]
    fn times_are_read_in_every_form_that_was_ever_written() {
        for (text, instant) in [
            ("2026-11-21 00:01:57.466059+00:00", "2026-11-21T00:01:57.466059Z"),
            ("2026-11-21T00:01:57Z", "2026-11-21T00:01:57Z"),
            ("2026-11-21 02:01:57+02", "2026-11-21T00:01:57Z"),
            ("2026-11-21 02:01:57 +0200", "2026-11-21T00:01:57Z"),
            ("2026-11-21 00:01:57", "2026-11-21T00:01:57Z"),
            ("Sat Nov 21 00:01:57 2026", "2026-11-21T00:01:57Z"),
            ("Wed Jul  1 00:01:57 2026", "2026-07-01T00:01:57Z"),
        ] {
            assert_eq!(time(text).unwrap().timestamp().to_string(), instant, "{text}");
        }
        for bad in ["", "yesterday", "2026-13-01 00:00:00+00:00", "25:00"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_what_it_should_makes_the_record_unreadable() {
        for bad in [
            "status=DUNE",
            "no equals sign",
            "size=",
            "xlog_segment_size=5",
            "timeline=0",
            "begin_wal=x",
            "end_xlog=1",
            "end_time=soon",
            "backup_label=text",
            "tablespaces=[('a', 'b', 'c')]",
            "included_files='a'",
            "snapshots_info={",
        ] {
            let error = parse(id(), bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{bad}");
            assert!(error.to_string().contains(bad), "{error}");
        }
    }

    proptest! {
        #[test]
        fn records_survive_the_trip(
            name in "[a-zA-Z0-9ü'=# ]{0,12}", label in any::<Option<String>>(), lsn: Option<u64>,
            seconds in 0..4_000_000_000_i64, micros in 0..1_000_000_i32, hours in -12..14_i8, file: String,
        ) {
            let mut backup = Backup::new(id(), BackupStatus::Done);
            let name = name.trim();
            backup.name = (!name.is_empty()).then(|| name.to_owned());
            backup.server_name = Some("cloud".to_owned());
            backup.label = label;
            backup.begin.lsn = lsn.map(Lsn);
            let instant = jiff::Timestamp::new(seconds, micros * 1000).unwrap();
            let zone = TimeZone::fixed(jiff::tz::Offset::from_hours(hours).unwrap());
            backup.end.time = Some(instant.to_zoned(zone));
            backup.included_files = vec![file];
            prop_assert_eq!(parse(id(), &print(&backup)).unwrap(), backup);
        }
    }
}
