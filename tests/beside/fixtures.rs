//! What is in the stores before a row runs. Everything lies under `some/path/main`.

use std::collections::BTreeMap;
use std::path::Path;

use barkeep::model::{Compression, SegmentSize};

use super::effect::Names;
use super::row::Store;
use crate::bed::{MIB, OTHER_SYSTEM, SYSTEM, packed, segment_bytes};

/// Objects by their keys.
pub type Objects = BTreeMap<String, Vec<u8>>;

/// Below which all of an archive lies.
const SERVER: &str = "some/path/main";
/// The identifier that the real backup is given.
const REAL: &str = "20260301T000000";

/// The codecs, and what the names of their objects end with.
pub const CODECS: [(Compression, &str); 7] = [
    (Compression::None, ""),
    (Compression::Gzip, ".gz"),
    (Compression::Bzip2, ".bz2"),
    (Compression::Xz, ".xz"),
    (Compression::Snappy, ".snappy"),
    (Compression::Zstd, ".zst"),
    (Compression::Lz4, ".lz4"),
];

/// What the reference has made: one base backup, and the segments 1 to 7 in the seven codecs.
pub struct Made {
    /// The keys below `base/ID/`, and the objects.
    pub backup: Objects,
    /// The keys below `wals/`, and the objects.
    pub wal: Objects,
}

impl Made {
    /// What lies under the store's path, told by the whole keys.
    pub fn of(objects: &Objects) -> Self {
        let below = |folder: &str| {
            let within = format!("{SERVER}/{folder}/");
            objects
                .iter()
                .filter_map(move |(key, body)| Some((key.strip_prefix(&within)?.to_owned(), body.clone())))
        };
        let backup =
            below("base").map(|(key, body)| (key.split_once('/').unwrap().1.to_owned(), body)).collect();
        Self { backup, wal: below("wals").collect() }
    }

    /// The objects of a store that exists.
    pub fn objects(&self, store: Store) -> Objects {
        let mut archive = Shelf { record: Record::of(&self.backup["backup.info"]), objects: Objects::new() };
        match store {
            Store::Missing | Store::Empty => {}
            Store::Catalogue => archive.catalogue(),
            Store::Plain => archive.plain(),
            Store::Odd => archive.odd(),
            Store::Snapshots => archive.snapshots(),
            Store::Incremental => archive.incremental(),
            Store::Newer => archive.newer(),
            Store::Broken => archive.broken(),
            Store::Wal => archive.wal(&self.wal),
            Store::Real => {
                for (key, body) in &self.backup {
                    archive.put(&format!("base/{REAL}/{key}"), body);
                }
                // The WAL it needs; the server that it is of archived nothing.
                let record = Record::of_that_moment(&self.backup["backup.info"]);
                for name in [&record.0["begin_wal"], &record.0["end_wal"]] {
                    archive.put(&format!("wals/{}/{name}", &name[..16]), &segment(name));
                }
            }
        }
        archive.objects
    }
}

/// A segment of the cluster; equal names have equal contents.
pub fn segment(name: &str) -> Vec<u8> {
    let number = u64::from_str_radix(&name[8..24], 16).unwrap();
    segment_bytes(name, SYSTEM, SegmentSize::new(MIB).unwrap(), number * 16 + 3)
}

/// A segment as a server leaves it that was demoted in the middle of it.
pub fn partial(name: &str) -> Vec<u8> {
    let mut bytes = segment(name);
    let half = bytes.len() / 2;
    bytes[half..].fill(0);
    bytes
}

/// The files that rows archive.
pub fn files_to_archive(dir: &Path) {
    let write = |name: &str, content: &[u8]| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    for n in 1..=7 {
        let name = format!("{:024X}", (1_u128 << 64) + n);
        write(&name, &segment(&name));
    }
    let name = "000000010000000000000031";
    write(name, &segment(name));
    write(&format!("{name}.partial"), &partial(name));
    write(&format!("{name}.00000028.backup"), LABEL.as_bytes());
    write("00000002.history", HISTORY.as_bytes());
    // The name of one, the content of another.
    write("changed/000000010000000000000001", &partial("000000010000000000000001"));
    let other = segment_bytes("000000010000000000000001", OTHER_SYSTEM, SegmentSize::new(MIB).unwrap(), 7);
    write("other/000000010000000000000001", &other);
    write("junk", b"no WAL");
    write("junk-inside/000000010000000000000041", b"no WAL");
    write("00000001000000000000004a", &segment("00000001000000000000004A"));
}

/// Names of the contents above.
pub fn names() -> Names {
    let mut names = Names::default();
    for number in (1..=7).chain(0x11..=0x4a) {
        let name = format!("{:024X}", (1_u128 << 64) + number);
        names.give(&segment(&name), &format!("segment {number:X}"));
        names.give(&partial(&name), &format!("partial {number:X}"));
    }
    names.give(LABEL.as_bytes(), "the label");
    names.give(HISTORY.as_bytes(), "the history");
    names
}

const HISTORY: &str = "1\t0/3000000\tno recovery target specified\n";
const LABEL: &str = "START WAL LOCATION: 0/3100028 (file 000000010000000000000031)\n";

/// An archive being filled.
struct Shelf {
    record: Record,
    objects: Objects,
}

impl Shelf {
    fn put(&mut self, key: &str, body: &[u8]) {
        self.objects.insert(format!("{SERVER}/{key}"), body.to_vec());
    }

    /// A record, and one tar.
    fn backup(&mut self, id: &str, changes: &[(&str, &str)]) {
        let record = self.record.with(changes);
        self.put(&format!("base/{id}/backup.info"), record.text().as_bytes());
        self.put(&format!("base/{id}/data.tar"), b"a tar");
    }

    /// One that begins in this segment and ends in the next.
    fn done(&mut self, id: &str, begin: &str, changes: &[(&str, &str)]) {
        let timeline = begin[..8].parse::<u32>().unwrap().to_string();
        let number = u64::from_str_radix(&begin[16..], 16).unwrap();
        let log = u64::from_str_radix(&begin[8..16], 16).unwrap();
        let end = format!("{}{:02X}", &begin[..22], number + 1);
        let (from, to) = (format!("{log:X}/{number:X}000028"), format!("{log:X}/{:X}000100", number + 1));
        let day = format!("{}-{}-{}", &id[..4], &id[4..6], &id[6..8]);
        let (from_time, to_time) =
            (format!("{day} 00:00:01.250000+00:00"), format!("{day} 00:10:00.500000+00:00"));
        let usual: [(&str, &str); 9] = [
            ("begin_time", &from_time),
            ("begin_wal", begin),
            ("begin_xlog", &from),
            ("end_time", &to_time),
            ("end_wal", &end),
            ("end_xlog", &to),
            ("status", "DONE"),
            ("timeline", &timeline),
            ("error", "None"),
        ];
        self.backup(id, &[&usual, changes].concat());
    }

    fn keep(&mut self, id: &str, word: &str) {
        self.put(&format!("base/{id}/annotations/keep"), word.as_bytes());
    }

    /// WAL that nobody reads: of this timeline and log file, these segments.
    fn wals(&mut self, folder: &str, segments: impl IntoIterator<Item = u32>) {
        for segment in segments {
            self.put(&format!("wals/{folder}/{folder}{segment:08X}.gz"), b"WAL");
        }
    }

    fn catalogue(&mut self) {
        self.done("20260101T000000", "000000010000000000000003", &[("backup_name", "first")]);
        self.done("20260102T000000", "000000010000000000000006", &[]);
        self.keep("20260102T000000", "full");
        let failed =
            [("end_time", "None"), ("end_wal", "None"), ("end_xlog", "None"), ("end_offset", "None")];
        let error = ("error", "failure uploading data (no space left)");
        let status = ("status", "FAILED");
        self.done("20260103T000000", "000000010000000000000008", &[&failed[..], &[status, error]].concat());
        self.done("20260104T000000", "00000001000000000000000A", &[]);
        self.keep("20260104T000000", "standalone");
        self.done("20260105T000000", "00000001000000000000000D", &[status, error]);
        let started = [("status", "STARTED"), ("backup_label", "None"), ("copy_stats", "None")];
        self.done("20260106T000000", "00000001000000000000000E", &[&failed[..], &started].concat());
        let spaces = "[('ts1', 16384, '/spaces/one'), ('far off', 16385, '/spaces/far off')]";
        let weekly = [("backup_name", "weekly one"), ("tablespaces", spaces)];
        self.done("20260107T000000", "000000010000000000000010", &weekly);
        self.put("base/20260107T000000/16384.tar.gz", b"a tar");
        self.put("base/20260107T000000/16385.tar.lz4", b"a tar");
        self.done("20260108T000000", "000000020000000000000014", &[("backup_name", "twin")]);
        self.done("20260109T000000", "000000020000000000000018", &[("backup_name", "twin")]);
        self.put("base/20260111T000000/data.tar", b"a tar without a record");
        self.wals("0000000100000000", 1..=0x13);
        self.wals("0000000200000000", 0x13..=0x1a);
        self.put("wals/00000002.history", HISTORY.as_bytes());
        self.put("wals/0000000100000000/000000010000000000000003.00000028.backup.gz", b"a label");
    }

    fn plain(&mut self) {
        self.done("20260101T000000", "0000000100000000000000F8", &[("backup_name", "first")]);
        self.put("base/20260101T000000/foreign.txt", b"of somebody else");
        self.done("20260102T000000", "0000000100000000000000FC", &[("backup_name", "second")]);
        self.done("20260103T000000", "000000010000000100000002", &[]);
        self.put("base/20260103T000000/data_0001.tar.gz", b"a tar");
        self.done("20260104T000000", "000000020000000100000005", &[]);
        self.done("20260105T000000", "000000020000000100000007", &[("backup_name", "last one")]);
        self.wals("0000000100000000", 0xf6..=0xff);
        self.wals("0000000100000001", 0..=5);
        self.wals("0000000200000001", 5..=9);
        self.put("wals/00000002.history.gz", &packed(Compression::Gzip, HISTORY.as_bytes()));
        self.put("wals/0000000100000000/0000000100000000000000F8.00000028.backup", b"a label");
        self.put("wals/0000000100000000/0000000100000000000000F7.partial", b"WAL");
        self.put("wals/0000000100000001/000000010000000100000002.partial", b"WAL");
        self.put("wals/0000000100000000/foreign.txt", b"of somebody else");
    }

    fn odd(&mut self) {
        self.done("20260201T000000", "000000010000000000000001", &[]);
        let key = format!("{SERVER}/base/20260201T000000/backup.info");
        let text = String::from_utf8(self.objects[&key].clone()).unwrap();
        self.objects.insert(key, format!("# a comment\r\n\r\n{}", text.replace('\n', "\r\n")).into_bytes());
        let no_zone = [("begin_time", "2026-02-02 00:00:01.250000"), ("end_time", "2026-02-02 00:10:00")];
        self.done("20260202T000000", "000000010000000000000002", &no_zone);
        let east =
            [("begin_time", "2026-02-03 05:30:01+05:30"), ("end_time", "2026-02-03 05:40:00.000001+05:30")];
        self.done("20260203T000000", "000000010000000000000003", &east);
        self.done(
            "20260204T000000",
            "000000010000000000000004",
            &[("backup_name", "naïve 'one' \"two\" \\ three")],
        );
        let quotes = [("backup_label", "\"it's a label\\n\""), ("pgdata", "/data dir/with blanks")];
        self.done("20260205T000000", "000000010000000000000005", &quotes);
        let all = [
            ("included_files", "['/etc/pg/one.conf', '/etc/pg/two.conf']"),
            ("data_checksums", "off"),
            ("summarize_wal", "on"),
            ("mode", "rsync-concurrent"),
            ("compression", "gzip"),
            ("encryption", "gpg"),
            ("size", "123456789"),
            ("deduplicated_size", "23456789"),
        ];
        self.done("20260206T000000", "000000010000000000000006", &all);
        self.done("20260207T000000", "000000010000000000000007", &[("status", "WAITING_FOR_WALS")]);
        let slow = "{'total_time': 4000.5, 'number_of_workers': 2, 'analysis_time': 61.2, \
                    'analysis_time_per_item': {'data': 61.2}, 'copy_time_per_item': {'data': 3700.0}, \
                    'serialized_copy_time_per_item': {'data': 3600.0}, 'copy_time': 3700.0, \
                    'serialized_copy_time': 3600.0}";
        self.done("20260208T000000", "000000010000000000000008", &[("copy_stats", slow)]);
        self.done("20260209T000000", "000000010000000000000009", &[("status", "EMPTY")]);
        let ctime = [("begin_time", "Tue Feb 10 00:00:01 2026"), ("end_time", "Tue Feb 10 00:10:00 2026")];
        self.done("20260210T000000", "00000001000000000000000A", &ctime);
        self.done(
            "20260211T000000",
            "00000001000000000000000B",
            &[("cluster_size", "None"), ("systemid", "None")],
        );
        let short = "status=DONE\nbegin_time=2026-02-12 00:00:01+00:00\nend_time=2026-02-12 00:10:00+00:00\n\
                     begin_wal=00000001000000000000000C\nend_wal=00000001000000000000000C\ntimeline=1\n\
                     server_name=cloud\n";
        self.put("base/20260212T000000/backup.info", short.as_bytes());
        self.put(
            "base/20260213T000000/backup.info",
            format!("{short}status=FAILED\nerror=no luck\n").as_bytes(),
        );
    }

    fn snapshots(&mut self) {
        let mount = "'mount': {'mount_options': 'rw,noatime', 'mount_point': '/pg'}";
        let all = [
            (
                "20260401T000000",
                "aws-one",
                "'aws'",
                "{'account_id': '0123', 'region': 'eu-west-1'}",
                "{'device_name': '/dev/sdf', 'snapshot_id': 'snap-0123', 'snapshot_name': 'disk-20260401t000000', \
                 'snapshot_lock_mode': None}",
            ),
            (
                "20260402T000000",
                "gcp-one",
                "'gcp'",
                "{'project': 'some-project'}",
                "{'device_name': 'disk-one', 'snapshot_name': 'disk-20260402t000000', \
                 'snapshot_project': 'some-project'}",
            ),
            (
                "20260403T000000",
                "azure-one",
                "'azure'",
                "{'subscription_id': 'some-subscription', 'resource_group': 'some-group'}",
                "{'location': 'westeurope', 'lun': 0, 'snapshot_name': 'disk-20260403t000000'}",
            ),
        ];
        for (n, (id, name, provider, info, disk)) in all.into_iter().enumerate() {
            let snapshots = format!(
                "{{'provider': {provider}, 'provider_info': {info}, 'snapshots': [{{{mount}, 'provider': {disk}}}]}}"
            );
            let changes = [
                ("backup_name", name),
                ("server_name", "main"),
                ("snapshots_info", &snapshots),
                ("copy_stats", "{'copy_time': 2.5, 'total_time': 3.5}"),
                ("mode", "None"),
            ];
            self.done(id, &format!("0000000100000000000000{:02X}", 3 * n + 1), &changes);
            self.objects.remove(&format!("{SERVER}/base/{id}/data.tar"));
            self.put(&format!("base/{id}/backup_label"), LABEL.as_bytes());
        }
        self.wals("0000000100000000", 1..=9);
    }

    fn incremental(&mut self) {
        let server = [("server_name", "main"), ("mode", "postgres")];
        let root = [("children_backup_ids", "20260502T000000")];
        self.done("20260501T000000", "000000010000000000000003", &[&server[..], &root].concat());
        let child = [("parent_backup_id", "20260501T000000"), ("summarize_wal", "on")];
        self.done("20260502T000000", "000000010000000000000005", &[&server[..], &child].concat());
        self.done("20260503T000000", "000000010000000000000007", &server);
        self.wals("0000000100000000", 1..=9);
    }

    fn newer(&mut self) {
        self.done("20260601T000000", "000000010000000000000003", &[]);
        self.done("20260602T000000", "000000010000000000000005", &[("gp_dbid", "1")]);
        self.wals("0000000100000000", 1..=6);
    }

    fn broken(&mut self) {
        self.done("20260701T000000", "000000010000000000000003", &[("backup_name", "good")]);
        self.done("20260702T000000", "000000010000000000000005", &[]);
        self.put("base/20260702T000000/backup.info", b"status=DONE\nthis is no record\n");
        self.done("20260703T000000", "000000010000000000000007", &[("backup_name", "good too")]);
        self.wals("0000000100000000", 1..=8);
    }

    fn wal(&mut self, made: &Objects) {
        for (key, body) in made {
            self.put(&format!("wals/{key}"), body);
        }
        let mut put = |number: u32, partial_too: &str, how: Option<Compression>| {
            let name = format!("0000000100000000{number:08X}");
            if let Some(how) = how {
                let (_, suffix) = CODECS.iter().find(|(codec, _)| *codec == how).unwrap();
                self.put(&format!("wals/0000000100000000/{name}{suffix}"), &packed(how, &segment(&name)));
            }
            for suffix in partial_too.split(' ').filter(|suffix| !suffix.is_empty()) {
                let how = Compression::split_suffix(&format!("x{}", suffix.trim_start_matches("plain"))).1;
                let suffix = suffix.trim_start_matches("plain");
                let body = packed(how, &partial(&name));
                self.put(&format!("wals/0000000100000000/{name}.partial{suffix}"), &body);
            }
        };
        // As we write them.
        for (n, (how, _)) in (0x11..).zip(CODECS) {
            put(n, "", Some(how));
        }
        // Beside a partial one: whichever sorts first is not always the whole one.
        put(0x20, ".gz", Some(Compression::Zstd));
        put(0x21, "plain", Some(Compression::None));
        put(0x22, ".gz", None);
        put(0x23, "plain", None);
        put(0x24, ".gz", Some(Compression::Gzip));
        put(0x25, "plain", Some(Compression::Zstd));
        // Twice.
        put(0x26, "", Some(Compression::Gzip));
        put(0x26, "", Some(Compression::None));
        // With a label beside it.
        put(0x31, "", Some(Compression::Gzip));
        self.put(
            "wals/0000000100000000/000000010000000000000031.00000028.backup.gz",
            &gzip(LABEL.as_bytes()),
        );
        self.put("wals/00000002.history.gz", &gzip(HISTORY.as_bytes()));
        self.put("wals/00000003.history", HISTORY.as_bytes());
        // Damaged.
        let whole = gzip(&segment("000000010000000000000041"));
        self.put("wals/0000000100000000/000000010000000000000041.gz", &whole[..whole.len() / 2]);
        self.put("wals/0000000100000000/000000010000000000000042", b"");
        self.put("wals/0000000100000000/000000010000000000000043.gz", b"this is no gzip");
        // In several members.
        let halves = segment("000000010000000000000044");
        let (one, two) = halves.split_at(halves.len() / 2);
        self.put("wals/0000000100000000/000000010000000000000044.gz", &[gzip(one), gzip(two)].concat());
        self.put("wals/0000000100000000/junk", b"of somebody else");
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    packed(Compression::Gzip, plain)
}

/// A record of the reference's, line by line.
#[derive(Clone)]
struct Record(BTreeMap<String, String>);

impl Record {
    /// The one of a real backup, with what is of that moment and that machine made the same every time.
    fn of(real: &[u8]) -> Self {
        let mut same = Self::of_that_moment(real).with(&[
            (
                "backup_label",
                "'START WAL LOCATION: 0/3000028 (file 000000010000000000000003)\\nLABEL: some\\n'",
            ),
            ("begin_offset", "40"),
            ("end_offset", "256"),
            ("cluster_size", "38559433"),
            ("config_file", "/data/postgresql.conf"),
            ("hba_file", "/data/pg_hba.conf"),
            ("ident_file", "/data/pg_ident.conf"),
            ("included_files", "['/data/postgresql.auto.conf']"),
            ("pgdata", "/data"),
            ("systemid", "7300000000000000001"),
            ("version", "180001"),
            ("xlog_segment_size", "16777216"),
            (
                "copy_stats",
                "{'total_time': 3.266771, 'number_of_workers': 2, 'analysis_time': 0, \
                 'analysis_time_per_item': {'data': 0}, 'copy_time_per_item': {'data': 2.65583}, \
                 'serialized_copy_time_per_item': {'data': 1.31035}, 'copy_time': 2.65583, \
                 'serialized_copy_time': 1.334696}",
            ),
        ]);
        same.0.remove("backup_name");
        same.0.remove("tablespaces");
        same.with(&[("tablespaces", "None")])
    }

    /// As it is.
    fn of_that_moment(real: &[u8]) -> Self {
        let lines = std::str::from_utf8(real).unwrap().lines().map(|line| line.split_once('=').unwrap());
        Self(lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn with(&self, changes: &[(&str, &str)]) -> Self {
        let mut all = self.0.clone();
        all.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        Self(all)
    }

    fn text(&self) -> String {
        self.0.iter().flat_map(|(key, value)| [key, "=", value, "\n"]).collect()
    }
}
