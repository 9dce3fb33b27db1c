//! The rows. From their reasons, docs/barman-compat.md has its list of differences.

use super::row::On::{Azure, S3};
use super::row::Store::{
    Broken, Catalogue, Empty, Incremental, Missing, Newer, Odd, Plain, Real, Snapshots, Wal,
};
use super::row::{Row, Store};

/// What the words begin with of which our binary must do the same when the name is its first word.
pub const BY_WORD: [&str; 6] = [
    "backup-list --format json @",
    "backup-show @ 20260101T000000",
    "wal-restore @ 000000010000000000000002 DIR/out",
    "wal-archive @ IN/000000010000000000000001",
    "backup-keep --target full @ 20260101T000000",
    "backup-list --frobnicate",
];

const WHOLE_FIRST: &str = "a whole segment is always served before a partial one, and nothing is written to a spool that \
                           was not asked for by --parallel";
const NOTHING_BROKEN: &str = "WAL that is damaged in the archive is not delivered, not even in part";
const NO_WAL_INSIDE: &str = "a segment whose content is no WAL is not archived";
const NO_OVERWRITING: &str = "WAL that is in the archive with another content is never overwritten";

const NO_END: &str =
    "a backup that is not done has no end time: those who read the list take one with an end time for usable";

const KEPT_ANYWHERE: &str =
    "a keep is seen and released however the URL is spelled, with a slash at its end or without";

const OUR_LOG: &str = "what is logged beside the outcome, and the form of a complaint, are our own";

const UTC: &str = "a time without a zone is UTC: the record is not always read where it was written";

const NEWER_KEYS: &str = "a key of a later release locks nobody out of the catalogue";

const AWAITED: &str = "a backup whose WAL is still on its way can be kept, like one that is done";

const WHOLE_FOLDER: &str = "a deleted backup takes its whole folder along; among the WAL nothing is deleted that is no WAL, and all of a timeline that no backup needs";

const NO_POLICY: &str = "what is no policy is a usage error";

const MAY_RUN: &str = "a backup that may be running is not deleted";

const SNAPSHOTS: &str =
    "snapshots are not ours to delete or restore; their record is not deleted before them";

const CHAINS: &str =
    "what an incremental backup builds upon is not deleted under it, and a chain is deleted as a whole";

const PARTIAL_TOLD: &str = "a partial segment is told of";

const UPPER: &str = "names are spelled as PostgreSQL spells them";

const TRACEBACK: &str = "a command that lacks a word is a usage error, not a crash";

const ONE_ITEM: &str = "an option and its value in one item are read as two, with a warning";

const LENIENT: &str = "words are taken in any order";

const SAME_WAL: &str = "WAL that is in the archive already, in whatever codec, is not stored a second time";

const R320: &str = "the level we speak is 3.20, the reference here is 3.19: this is new in 3.20";

const WAL_FOLDERS: &str =
    "a restored data directory has the folders of pg_wal that PostgreSQL's own tools make";

const OUR_HELP: &str = "help is told in our own words";

const CONNECTIVITY: &str = "what does not answer is told apart from what fails, by 2, in every command";

const REFUSAL: &str = "a refusal is an answer: it is told apart from what does not answer on Azure, too";

/// All rows.
pub fn rows() -> Vec<Row> {
    [LIST, SHOW, KEEP, DELETE, WAL_RESTORE, WAL_ARCHIVE, CHECK, RESTORE, WORDS, HELP, REACH, DEAD, REFUSED]
        .concat()
}

const fn s3(store: Store, words: &'static str) -> Row {
    Row::new(S3, store, words)
}

const fn azure(store: Store, words: &'static str) -> Row {
    Row::new(Azure, store, words)
}

const LIST: &[Row] = &[
    s3(Catalogue, "backup-list @"),
    s3(Catalogue, "backup-list --format json @")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Mon Jan  5 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-01-05T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\"}, ")]),
    s3(Catalogue, "backup-list @ --format=json")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Mon Jan  5 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-01-05T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\"}, ")]),
    s3(Catalogue, "backup-list SERVICE URL --format console main"),
    s3(Catalogue, "backup-list --form json @")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Mon Jan  5 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-01-05T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\"}, ")]),
    s3(Catalogue, "backup-list --format yaml @")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Mon Jan  5 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-01-05T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\"}, ")]),
    s3(Catalogue, "backup-list SERVICE URL/ main")
        .better(0, KEPT_ANYWHERE)
        .editing(&[("20260102T000000     2026-01-02 00:10:00      000000010000000000000006                                           \n", "20260102T000000     2026-01-02 00:10:00      000000010000000000000006      KEEP:FULL                            \n"), ("20260104T000000     2026-01-04 00:10:00      00000001000000000000000A                                           \n", "20260104T000000     2026-01-04 00:10:00      00000001000000000000000A      KEEP:STANDALONE                      \n")]),
    s3(Catalogue, "backup-list SERVICE URL other"),
    s3(Catalogue, "backup-list --format json SERVICE URL other"),
    s3(Plain, "backup-list @"),
    s3(Plain, "backup-list -v @")
        .better(0, OUR_LOG)
        .editing(&[]),
    s3(Plain, "backup-list -q @"),
    s3(Odd, "backup-list @"),
    s3(Odd, "backup-list --format json @")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Sat Feb  7 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-02-07T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-02-07T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-02-07T00:00:01.250000+00:00\"}, "), ("\"end_time\": \"Mon Feb  9 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-02-09T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-02-09T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-02-09T00:00:01.250000+00:00\"}, "), ("\"encryption\": null, \"end_offset\": null, \"end_time\": \"Thu Feb 12 00:10:00 2026\", \"end_wal\": \"00000001000000000000000C\", \"end_xlog\": null, \"error\": \"no luck\", ", "\"encryption\": null, \"end_offset\": null, \"end_time\": null, \"end_wal\": \"00000001000000000000000C\", \"end_xlog\": null, \"error\": \"no luck\", "), ("\"begin_time_iso\": \"2026-02-12T00:00:01+00:00\", \"end_time_iso\": \"2026-02-12T00:10:00+00:00\"}]}\n", "\"begin_time_iso\": \"2026-02-12T00:00:01+00:00\"}]}\n")]),
    s3(Odd, "TZ=Asia/Kolkata backup-list --format json @")
        .better(0, UTC)
        .editing(&[("\"begin_time_iso\": \"2026-02-02T00:00:01.250000+05:30\", \"end_time_iso\": \"2026-02-02T00:10:00+05:30\"}, ", "\"begin_time_iso\": \"2026-02-02T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-02-02T00:10:00+00:00\"}, "), ("\"end_time\": \"Sat Feb  7 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-02-07T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-02-07T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-02-07T00:00:01.250000+00:00\"}, "), ("\"end_time\": \"Mon Feb  9 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-02-09T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-02-09T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-02-09T00:00:01.250000+00:00\"}, "), ("\"begin_time_iso\": \"2026-02-10T00:00:01+05:30\", \"end_time_iso\": \"2026-02-10T00:10:00+05:30\"}, ", "\"begin_time_iso\": \"2026-02-10T00:00:01+00:00\", \"end_time_iso\": \"2026-02-10T00:10:00+00:00\"}, "), ("\"encryption\": null, \"end_offset\": null, \"end_time\": \"Thu Feb 12 00:10:00 2026\", \"end_wal\": \"00000001000000000000000C\", \"end_xlog\": null, \"error\": \"no luck\", ", "\"encryption\": null, \"end_offset\": null, \"end_time\": null, \"end_wal\": \"00000001000000000000000C\", \"end_xlog\": null, \"error\": \"no luck\", "), ("\"begin_time_iso\": \"2026-02-12T00:00:01+00:00\", \"end_time_iso\": \"2026-02-12T00:10:00+00:00\"}]}\n", "\"begin_time_iso\": \"2026-02-12T00:00:01+00:00\"}]}\n")]),
    s3(Snapshots, "backup-list @"),
    s3(Snapshots, "backup-list --format json @"),
    s3(Incremental, "backup-list @"),
    s3(Incremental, "backup-list --format json @"),
    s3(Newer, "backup-list @")
        .better(0, NEWER_KEYS)
        .saying("Backup ID           End Time                 Begin Wal                     Archival Status  Name                \n20260601T000000     2026-06-01 00:10:00      000000010000000000000003                                           \n20260602T000000     2026-06-02 00:10:00      000000010000000000000005                                           \n"),
    s3(Newer, "backup-list --format json @")
        .better(0, NEWER_KEYS)
        .saying("{\"backups_list\": [{\"backup_label\": \"'START WAL LOCATION: 0/3000028 (file 000000010000000000000003)\\\\nLABEL: some\\\\n'\", \"begin_offset\": 40, \"begin_time\": \"Mon Jun  1 00:00:01 2026\", \"begin_wal\": \"000000010000000000000003\", \"begin_xlog\": \"0/3000028\", \"children_backup_ids\": null, \"cluster_size\": 38559433, \"compression\": null, \"config_file\": \"/data/postgresql.conf\", \"copy_stats\": {\"total_time\": 3.266771, \"number_of_workers\": 2, \"analysis_time\": 0, \"analysis_time_per_item\": {\"data\": 0}, \"copy_time_per_item\": {\"data\": 2.65583}, \"serialized_copy_time_per_item\": {\"data\": 1.31035}, \"copy_time\": 2.65583, \"serialized_copy_time\": 1.334696}, \"data_checksums\": \"on\", \"deduplicated_size\": null, \"encryption\": null, \"end_offset\": 256, \"end_time\": \"Mon Jun  1 00:10:00 2026\", \"end_wal\": \"000000010000000000000004\", \"end_xlog\": \"0/4000100\", \"error\": null, \"hba_file\": \"/data/pg_hba.conf\", \"ident_file\": \"/data/pg_ident.conf\", \"included_files\": [\"/data/postgresql.auto.conf\"], \"mode\": null, \"parent_backup_id\": null, \"pgdata\": \"/data\", \"server_name\": \"cloud\", \"size\": null, \"status\": \"DONE\", \"summarize_wal\": \"off\", \"systemid\": \"7300000000000000001\", \"tablespaces\": null, \"timeline\": 1, \"version\": 180001, \"xlog_segment_size\": 16777216, \"backup_id\": \"20260601T000000\", \"begin_time_iso\": \"2026-06-01T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-06-01T00:10:00.500000+00:00\"}, {\"backup_label\": \"'START WAL LOCATION: 0/3000028 (file 000000010000000000000003)\\\\nLABEL: some\\\\n'\", \"begin_offset\": 40, \"begin_time\": \"Tue Jun  2 00:00:01 2026\", \"begin_wal\": \"000000010000000000000005\", \"begin_xlog\": \"0/5000028\", \"children_backup_ids\": null, \"cluster_size\": 38559433, \"compression\": null, \"config_file\": \"/data/postgresql.conf\", \"copy_stats\": {\"total_time\": 3.266771, \"number_of_workers\": 2, \"analysis_time\": 0, \"analysis_time_per_item\": {\"data\": 0}, \"copy_time_per_item\": {\"data\": 2.65583}, \"serialized_copy_time_per_item\": {\"data\": 1.31035}, \"copy_time\": 2.65583, \"serialized_copy_time\": 1.334696}, \"data_checksums\": \"on\", \"deduplicated_size\": null, \"encryption\": null, \"end_offset\": 256, \"end_time\": \"Tue Jun  2 00:10:00 2026\", \"end_wal\": \"000000010000000000000006\", \"end_xlog\": \"0/6000100\", \"error\": null, \"hba_file\": \"/data/pg_hba.conf\", \"ident_file\": \"/data/pg_ident.conf\", \"included_files\": [\"/data/postgresql.auto.conf\"], \"mode\": null, \"parent_backup_id\": null, \"pgdata\": \"/data\", \"server_name\": \"cloud\", \"size\": null, \"status\": \"DONE\", \"summarize_wal\": \"off\", \"systemid\": \"7300000000000000001\", \"tablespaces\": null, \"timeline\": 1, \"version\": 180001, \"xlog_segment_size\": 16777216, \"backup_id\": \"20260602T000000\", \"begin_time_iso\": \"2026-06-02T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-06-02T00:10:00.500000+00:00\"}]}\n"),
    s3(Broken, "backup-list @"),
    s3(Broken, "backup-list --format json @"),
    s3(Real, "backup-list @"),
    s3(Real, "backup-list --format json @"),
    s3(Empty, "backup-list @"),
    s3(Empty, "backup-list --format json @"),
    s3(Missing, "backup-list @"),
    azure(Catalogue, "backup-list @"),
    azure(Catalogue, "backup-list --format json @")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Mon Jan  5 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-01-05T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\"}, ")]),
    azure(Odd, "backup-list --format json @")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Sat Feb  7 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-02-07T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-02-07T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-02-07T00:00:01.250000+00:00\"}, "), ("\"end_time\": \"Mon Feb  9 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-02-09T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-02-09T00:10:00.500000+00:00\"}, ", "\"begin_time_iso\": \"2026-02-09T00:00:01.250000+00:00\"}, "), ("\"encryption\": null, \"end_offset\": null, \"end_time\": \"Thu Feb 12 00:10:00 2026\", \"end_wal\": \"00000001000000000000000C\", \"end_xlog\": null, \"error\": \"no luck\", ", "\"encryption\": null, \"end_offset\": null, \"end_time\": null, \"end_wal\": \"00000001000000000000000C\", \"end_xlog\": null, \"error\": \"no luck\", "), ("\"begin_time_iso\": \"2026-02-12T00:00:01+00:00\", \"end_time_iso\": \"2026-02-12T00:10:00+00:00\"}]}\n", "\"begin_time_iso\": \"2026-02-12T00:00:01+00:00\"}]}\n")]),
    azure(Empty, "backup-list @"),
    azure(Missing, "backup-list @"),
];

const SHOW: &[Row] = &[
    s3(Catalogue, "backup-show @ 20260101T000000"),
    s3(Catalogue, "backup-show @ first"),
    s3(Catalogue, "backup-show @ 'weekly one'"),
    s3(Catalogue, "backup-show --format json @ 'weekly one'"),
    s3(Catalogue, "backup-show @ latest"),
    s3(Catalogue, "backup-show @ last"),
    s3(Catalogue, "backup-show @ oldest"),
    s3(Catalogue, "backup-show @ last-failed"),
    s3(Catalogue, "backup-show @ latest-full"),
    s3(Catalogue, "backup-show @ twin"),
    s3(Catalogue, "backup-show @ nobody"),
    s3(Catalogue, "backup-show @ 20260103T000000"),
    s3(Catalogue, "backup-show --format json @ 20260103T000000"),
    s3(Catalogue, "backup-show @ 20260105T000000"),
    s3(Catalogue, "backup-show --format json @ 20260105T000000")
        .better(0, NO_END)
        .editing(&[("\"end_time\": \"Mon Jan  5 00:10:00 2026\", ", "\"end_time\": null, "), ("\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\", \"end_time_iso\": \"2026-01-05T00:10:00.500000+00:00\"}}\n", "\"begin_time_iso\": \"2026-01-05T00:00:01.250000+00:00\"}}\n")]),
    s3(Catalogue, "backup-show @ 20260106T000000"),
    s3(Catalogue, "backup-show --format json @ 20260106T000000"),
    s3(Catalogue, "backup-show @ 20260111T000000"),
    s3(Catalogue, "backup-show @ 20261231T000000"),
    s3(Catalogue, "backup-show SERVICE URL --format json main first"),
    s3(Catalogue, "backup-show @"),
    s3(Odd, "backup-show @ 20260201T000000"),
    s3(Odd, "backup-show @ 20260202T000000"),
    s3(Odd, "backup-show @ 20260203T000000"),
    s3(Odd, "backup-show @ 20260204T000000"),
    s3(Odd, "backup-show @ 20260205T000000"),
    s3(Odd, "backup-show @ 20260206T000000"),
    s3(Odd, "backup-show @ 20260207T000000"),
    s3(Odd, "backup-show @ 20260208T000000"),
    s3(Odd, "backup-show @ 20260209T000000"),
    s3(Odd, "backup-show @ 20260211T000000"),
    s3(Odd, "backup-show @ 20260212T000000"),
    s3(Odd, "backup-show @ 20260213T000000"),
    s3(Odd, "backup-show --format json @ 20260212T000000"),
    s3(Snapshots, "backup-show @ aws-one"),
    s3(Snapshots, "backup-show @ gcp-one"),
    s3(Snapshots, "backup-show @ azure-one"),
    s3(Snapshots, "backup-show --format json @ azure-one"),
    s3(Incremental, "backup-show @ 20260501T000000"),
    s3(Incremental, "backup-show @ 20260502T000000"),
    s3(Incremental, "backup-show --format json @ 20260502T000000"),
    s3(Newer, "backup-show @ 20260601T000000"),
    s3(Newer, "backup-show @ 20260602T000000")
        .better(0, NEWER_KEYS)
        .saying("Backup 20260602T000000:\n  Server Name            : cloud\n  System Id              : 7300000000000000001\n  Status                 : DONE\n  PostgreSQL Version     : 180001\n  PGDATA directory       : /data\n  Estimated Cluster Size : 36.8 MiB\n\n  Server information:\n    Checksums            : on\n    WAL summarizer       : off\n\n  Base backup information:\n    Timeline             : 1\n    Begin WAL            : 000000010000000000000005\n    End WAL              : 000000010000000000000006\n    Begin time           : 2026-06-02 00:00:01.250000+00:00\n    End time             : 2026-06-02 00:10:00.500000+00:00\n    Copy time            : 2 seconds\n    Begin Offset         : 40\n    End Offset           : 256\n    Begin LSN            : 0/5000028\n    End LSN              : 0/6000100\n\n"),
    s3(Broken, "backup-show @ 20260702T000000"),
    s3(Broken, "backup-show @ good")
        .better(0, OUR_LOG)
        .editing(&[]),
    s3(Real, "backup-show @ real"),
    s3(Real, "backup-show --format json @ latest"),
    s3(Empty, "backup-show @ latest"),
    s3(Missing, "backup-show @ latest"),
    azure(Catalogue, "backup-show --format json @ first"),
    azure(Catalogue, "backup-show @ 20261231T000000"),
];

const KEEP: &[Row] = &[
    s3(Catalogue, "backup-keep --target full @ 20260101T000000"),
    s3(Catalogue, "backup-keep --target standalone @ first"),
    s3(Catalogue, "backup-keep --target full SERVICE URL/ main first"),
    s3(Catalogue, "backup-keep --target standalone @ 20260102T000000"),
    s3(Catalogue, "backup-keep --target full @ 20260103T000000"),
    s3(Catalogue, "backup-keep --target full @ 20260106T000000"),
    s3(Catalogue, "backup-keep --target full @ 20261231T000000"),
    s3(Catalogue, "backup-keep --target full @ nobody"),
    s3(Catalogue, "backup-keep --target full @ latest"),
    s3(Catalogue, "backup-keep --target forever @ first"),
    s3(Catalogue, "backup-keep --status @ 20260101T000000"),
    s3(Catalogue, "backup-keep -s @ 20260102T000000"),
    s3(Catalogue, "backup-keep -s @ 20260104T000000"),
    s3(Catalogue, "backup-keep -s SERVICE URL/ main 20260104T000000")
        .better(0, KEPT_ANYWHERE)
        .editing(&[("Keep: nokeep\n", "Keep: standalone\n")]),
    s3(Catalogue, "backup-keep -s @ 20261231T000000"),
    s3(Catalogue, "backup-keep -s @ nobody"),
    s3(Catalogue, "backup-keep --release @ 20260102T000000"),
    s3(Catalogue, "backup-keep -r @ 20260101T000000"),
    s3(Catalogue, "backup-keep -r @ 20261231T000000"),
    s3(Catalogue, "backup-keep -r SERVICE URL/ main 20260104T000000")
        .better(0, KEPT_ANYWHERE)
        .changing(&["- some/path/main/base/20260104T000000/annotations/keep"]),
    s3(Catalogue, "backup-keep -r -s @ first"),
    s3(Catalogue, "backup-keep @ first"),
    s3(Snapshots, "backup-keep --target full @ aws-one"),
    s3(Odd, "backup-keep --target full @ 20260207T000000")
        .better(0, AWAITED)
        .changing(&["+ some/path/main/base/20260207T000000/annotations/keep = \"full\""]),
    s3(Missing, "backup-keep -s @ 20260101T000000"),
    azure(Catalogue, "backup-keep --target standalone @ first"),
    azure(Catalogue, "backup-keep -s @ 20260102T000000"),
    azure(Catalogue, "backup-keep --release @ 20260102T000000"),
    azure(Catalogue, "backup-keep --release @ 20260101T000000").better(0, OUR_LOG),
];

const DELETE: &[Row] = &[
    s3(Plain, "backup-delete --dry-run -b 20260101T000000 @")
        .better(0, WHOLE_FOLDER)
        .saying("Skipping deletion of objects ['some/path/main/base/20260101T000000/data.tar', 'some/path/main/base/20260101T000000/foreign.txt', 'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/wals/0000000100000000/0000000100000000000000F6.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000F7.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000F7.partial', 'some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup', 'some/path/main/wals/0000000100000000/0000000100000000000000F8.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000F9.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FA.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FB.gz'] due to --dry-run option\n"),
    s3(Plain, "backup-delete -b 20260101T000000 @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz"]),
    s3(Plain, "backup-delete --dry-run -b second @"),
    s3(Plain, "backup-delete -b second @"),
    s3(Plain, "backup-delete --dry-run -b 20260103T000000 @"),
    s3(Plain, "backup-delete -b 20260103T000000 @"),
    s3(Plain, "backup-delete -b latest @"),
    s3(Plain, "backup-delete --backup-id=oldest @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz"]),
    s3(Plain, "backup-delete -b 20261231T000000 @"),
    s3(Plain, "backup-delete --dry-run -b 20261231T000000 @"),
    s3(Plain, "backup-delete -b nobody @"),
    s3(Plain, "backup-delete --dry-run -r 'REDUNDANCY 2' @")
        .better(0, WHOLE_FOLDER)
        .editing(&[("'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n", "'some/path/main/base/20260101T000000/foreign.txt', 'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n"), ("'some/path/main/base/20260103T000000/backup.info'] due to --dry-run option\n", "'some/path/main/base/20260103T000000/backup.info'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/wals/0000000100000001/000000010000000100000002.gz', 'some/path/main/wals/0000000100000001/000000010000000100000002.partial', 'some/path/main/wals/0000000100000001/000000010000000100000003.gz', 'some/path/main/wals/0000000100000001/000000010000000100000004.gz', 'some/path/main/wals/0000000100000001/000000010000000100000005.gz'] due to --dry-run option\n")]),
    s3(Plain, "backup-delete -r 'REDUNDANCY 2' @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/base/20260103T000000/backup.info", "- some/path/main/base/20260103T000000/data.tar", "- some/path/main/base/20260103T000000/data_0001.tar.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.partial", "- some/path/main/wals/0000000100000001/000000010000000100000003.gz", "- some/path/main/wals/0000000100000001/000000010000000100000004.gz", "- some/path/main/wals/0000000100000001/000000010000000100000005.gz"]),
    s3(Plain, "backup-delete --dry-run -r 'REDUNDANCY 1' @")
        .better(0, WHOLE_FOLDER)
        .editing(&[("'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n", "'some/path/main/base/20260101T000000/foreign.txt', 'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n"), ("Skipping deletion of objects ['some/path/main/base/20260104T000000/data.tar', 'some/path/main/base/20260104T000000/backup.info'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/wals/0000000100000000/0000000100000000000000FC.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FD.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FE.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FF.gz', 'some/path/main/wals/0000000100000001/000000010000000100000002.gz', ", "Skipping deletion of objects ['some/path/main/wals/0000000100000001/000000010000000100000002.gz', "), ("'some/path/main/wals/0000000100000001/000000010000000100000005.gz', 'some/path/main/wals/0000000200000001/000000020000000100000005.gz', ", "'some/path/main/wals/0000000100000001/000000010000000100000005.gz'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/base/20260104T000000/data.tar', 'some/path/main/base/20260104T000000/backup.info'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/wals/0000000200000001/000000020000000100000005.gz', ")]),
    s3(Plain, "backup-delete -r 'REDUNDANCY 1' @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/base/20260103T000000/backup.info", "- some/path/main/base/20260103T000000/data.tar", "- some/path/main/base/20260103T000000/data_0001.tar.gz", "- some/path/main/base/20260104T000000/backup.info", "- some/path/main/base/20260104T000000/data.tar", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.partial", "- some/path/main/wals/0000000100000001/000000010000000100000003.gz", "- some/path/main/wals/0000000100000001/000000010000000100000004.gz", "- some/path/main/wals/0000000100000001/000000010000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000006.gz"]),
    s3(Plain, "backup-delete -r 'REDUNDANCY 0' @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/base/20260103T000000/backup.info", "- some/path/main/base/20260103T000000/data.tar", "- some/path/main/base/20260103T000000/data_0001.tar.gz", "- some/path/main/base/20260104T000000/backup.info", "- some/path/main/base/20260104T000000/data.tar", "- some/path/main/base/20260105T000000/backup.info", "- some/path/main/base/20260105T000000/data.tar", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.partial", "- some/path/main/wals/0000000100000001/000000010000000100000003.gz", "- some/path/main/wals/0000000100000001/000000010000000100000004.gz", "- some/path/main/wals/0000000100000001/000000010000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000006.gz"]),
    s3(Plain, "backup-delete -r 'redundancy   4' @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz"]),
    s3(Plain, "backup-delete -r 'REDUNDANCY 9' @"),
    s3(Plain, "backup-delete --dry-run -r 'RECOVERY WINDOW OF 7 DAYS' @")
        .better(0, WHOLE_FOLDER)
        .editing(&[("'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n", "'some/path/main/base/20260101T000000/foreign.txt', 'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n"), ("Skipping deletion of objects ['some/path/main/base/20260104T000000/data.tar', 'some/path/main/base/20260104T000000/backup.info'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/wals/0000000100000000/0000000100000000000000FC.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FD.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FE.gz', 'some/path/main/wals/0000000100000000/0000000100000000000000FF.gz', 'some/path/main/wals/0000000100000001/000000010000000100000002.gz', ", "Skipping deletion of objects ['some/path/main/wals/0000000100000001/000000010000000100000002.gz', "), ("'some/path/main/wals/0000000100000001/000000010000000100000005.gz', 'some/path/main/wals/0000000200000001/000000020000000100000005.gz', ", "'some/path/main/wals/0000000100000001/000000010000000100000005.gz'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/base/20260104T000000/data.tar', 'some/path/main/base/20260104T000000/backup.info'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/wals/0000000200000001/000000020000000100000005.gz', ")]),
    s3(Plain, "backup-delete --retention-policy 'RECOVERY WINDOW OF 7 DAYS' @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/base/20260103T000000/backup.info", "- some/path/main/base/20260103T000000/data.tar", "- some/path/main/base/20260103T000000/data_0001.tar.gz", "- some/path/main/base/20260104T000000/backup.info", "- some/path/main/base/20260104T000000/data.tar", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.partial", "- some/path/main/wals/0000000100000001/000000010000000100000003.gz", "- some/path/main/wals/0000000100000001/000000010000000100000004.gz", "- some/path/main/wals/0000000100000001/000000010000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000006.gz"]),
    s3(Plain, "backup-delete -r 'recovery window of 1 week' @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/base/20260103T000000/backup.info", "- some/path/main/base/20260103T000000/data.tar", "- some/path/main/base/20260103T000000/data_0001.tar.gz", "- some/path/main/base/20260104T000000/backup.info", "- some/path/main/base/20260104T000000/data.tar", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.partial", "- some/path/main/wals/0000000100000001/000000010000000100000003.gz", "- some/path/main/wals/0000000100000001/000000010000000100000004.gz", "- some/path/main/wals/0000000100000001/000000010000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000006.gz"]),
    s3(Plain, "backup-delete -r 'RECOVERY WINDOW OF 900 MONTHS' @"),
    s3(Plain, "backup-delete -r 'RECOVERY WINDOW OF 7 DAYS' -m 3 @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz"]),
    s3(Plain, "backup-delete -r 'REDUNDANCY 1' --minimum-redundancy 3 @")
        .better(0, WHOLE_FOLDER)
        .at_level("WARNING")
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz"]),
    s3(Plain, "backup-delete -b 20260101T000000 -m 5 @"),
    s3(Plain, "backup-delete -b 20260101T000000 -m 4 @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz"]),
    s3(Plain, "backup-delete -b 20260101T000000 -m 6 @"),
    s3(Plain, "backup-delete -b 20260101T000000 -m -1 @"),
    s3(Plain, "backup-delete -b 20260101T000000 --batch-size 2 @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz"]),
    s3(Plain, "backup-delete -b 20260101T000000 --batch-size 0 @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz"]),
    s3(Plain, "backup-delete -b 20260101T000000 --check-object-lock @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz"]),
    s3(Plain, "backup-delete -r 'REDUNDANCY' @"),
    s3(Plain, "backup-delete -r 'RECOVERY WINDOW OF 7 YEARS' @"),
    s3(Plain, "backup-delete -r MAIN @")
        .better(3, NO_POLICY)
        .at_level("ERROR"),
    s3(Plain, "backup-delete -r '' @")
        .better(3, NO_POLICY)
        .at_level("ERROR"),
    s3(Plain, "backup-delete @"),
    s3(Plain, "backup-delete -b 20260101T000000 -r 'REDUNDANCY 1' @"),
    s3(Catalogue, "backup-delete --dry-run -b 20260101T000000 @"),
    s3(Catalogue, "backup-delete -b 20260101T000000 @"),
    s3(Catalogue, "backup-delete -b 20260102T000000 @"),
    s3(Catalogue, "backup-delete -b 20260103T000000 @"),
    s3(Catalogue, "backup-delete -b 20260104T000000 @"),
    s3(Catalogue, "backup-delete -b 20260105T000000 @"),
    s3(Catalogue, "backup-delete -b 20260106T000000 @")
        .better(1, MAY_RUN),
    s3(Catalogue, "backup-delete -b 'weekly one' @"),
    s3(Catalogue, "backup-delete -b twin @"),
    s3(Catalogue, "backup-delete --dry-run -r 'REDUNDANCY 1' @"),
    s3(Catalogue, "backup-delete -r 'REDUNDANCY 1' @"),
    s3(Catalogue, "backup-delete -r 'REDUNDANCY 3' @"),
    s3(Catalogue, "backup-delete -r 'RECOVERY WINDOW OF 7 DAYS' @"),
    s3(Snapshots, "backup-delete --dry-run -b aws-one @")
        .better(1, SNAPSHOTS),
    s3(Incremental, "backup-delete --dry-run -b 20260501T000000 @")
        .better(1, CHAINS),
    s3(Incremental, "backup-delete -r 'REDUNDANCY 1' @")
        .better(0, CHAINS)
        .changing(&["- some/path/main/base/20260501T000000/backup.info", "- some/path/main/base/20260501T000000/data.tar", "- some/path/main/base/20260502T000000/backup.info", "- some/path/main/base/20260502T000000/data.tar", "- some/path/main/wals/0000000100000000/000000010000000000000001.gz", "- some/path/main/wals/0000000100000000/000000010000000000000002.gz", "- some/path/main/wals/0000000100000000/000000010000000000000003.gz", "- some/path/main/wals/0000000100000000/000000010000000000000004.gz", "- some/path/main/wals/0000000100000000/000000010000000000000005.gz", "- some/path/main/wals/0000000100000000/000000010000000000000006.gz"]),
    s3(Newer, "backup-delete -r 'REDUNDANCY 1' @")
        .better(0, NEWER_KEYS)
        .changing(&["- some/path/main/base/20260601T000000/backup.info", "- some/path/main/base/20260601T000000/data.tar", "- some/path/main/wals/0000000100000000/000000010000000000000001.gz", "- some/path/main/wals/0000000100000000/000000010000000000000002.gz", "- some/path/main/wals/0000000100000000/000000010000000000000003.gz", "- some/path/main/wals/0000000100000000/000000010000000000000004.gz"]),
    s3(Broken, "backup-delete -r 'REDUNDANCY 1' @"),
    s3(Broken, "backup-delete -b 20260701T000000 @"),
    s3(Empty, "backup-delete -r 'REDUNDANCY 1' @"),
    s3(Missing, "backup-delete -r 'REDUNDANCY 1' @"),
    azure(Plain, "backup-delete --dry-run -r 'REDUNDANCY 1' @")
        .better(0, WHOLE_FOLDER)
        .editing(&[("'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n", "'some/path/main/base/20260101T000000/foreign.txt', 'some/path/main/base/20260101T000000/backup.info'] due to --dry-run option\n"), ("Skipping deletion of objects ['some/path/main/base/20260104T000000/data.tar', 'some/path/main/base/20260104T000000/backup.info'] due to --dry-run option\n", ""), ("'some/path/main/wals/0000000100000001/000000010000000100000005.gz', 'some/path/main/wals/0000000200000001/000000020000000100000005.gz', ", "'some/path/main/wals/0000000100000001/000000010000000100000005.gz'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/base/20260104T000000/data.tar', 'some/path/main/base/20260104T000000/backup.info'] due to --dry-run option\nSkipping deletion of objects ['some/path/main/wals/0000000200000001/000000020000000100000005.gz', ")]),
    azure(Plain, "backup-delete -r 'REDUNDANCY 1' @")
        .better(0, WHOLE_FOLDER)
        .changing(&["- some/path/main/base/20260101T000000/backup.info", "- some/path/main/base/20260101T000000/data.tar", "- some/path/main/base/20260101T000000/foreign.txt", "- some/path/main/base/20260102T000000/backup.info", "- some/path/main/base/20260102T000000/data.tar", "- some/path/main/base/20260103T000000/backup.info", "- some/path/main/base/20260103T000000/data.tar", "- some/path/main/base/20260103T000000/data_0001.tar.gz", "- some/path/main/base/20260104T000000/backup.info", "- some/path/main/base/20260104T000000/data.tar", "- some/path/main/wals/0000000100000000/0000000100000000000000F6.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F7.partial", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.00000028.backup", "- some/path/main/wals/0000000100000000/0000000100000000000000F8.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000F9.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FA.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FB.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FC.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FD.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FE.gz", "- some/path/main/wals/0000000100000000/0000000100000000000000FF.gz", "- some/path/main/wals/0000000100000001/000000010000000100000000.gz", "- some/path/main/wals/0000000100000001/000000010000000100000001.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.gz", "- some/path/main/wals/0000000100000001/000000010000000100000002.partial", "- some/path/main/wals/0000000100000001/000000010000000100000003.gz", "- some/path/main/wals/0000000100000001/000000010000000100000004.gz", "- some/path/main/wals/0000000100000001/000000010000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000005.gz", "- some/path/main/wals/0000000200000001/000000020000000100000006.gz"]),
    azure(Plain, "backup-delete --dry-run -b 20260103T000000 @"),
    azure(Plain, "backup-delete -b 20260103T000000 @"),
    azure(Catalogue, "backup-delete -b 20260102T000000 @"),
    azure(Missing, "backup-delete -r 'REDUNDANCY 1' @"),
];

const WAL_RESTORE: &[Row] = &[
    s3(Wal, "wal-restore @ 000000010000000000000001 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000002 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000003 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000004 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000005 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000006 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000007 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000011 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000012 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000013 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000014 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000015 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000016 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000017 out"),
    s3(Wal, "wal-restore SERVICE URL main --no-partial 000000010000000000000001 DIR/out"),
    s3(Wal, "wal-restore SERVICE URL/ main 000000010000000000000001 DIR/out"),
    s3(Wal, "wal-restore URL main SERVICE 000000010000000000000001 DIR/out"),
    s3(Wal, "wal-restore --spool-dir DIR/spool @ 000000010000000000000020 DIR/out")
        .better(0, WHOLE_FIRST)
        .changing(&["> out = segment 20"]),
    s3(Wal, "wal-restore --spool-dir DIR/spool @ 000000010000000000000021 DIR/out")
        .better(0, WHOLE_FIRST)
        .changing(&["> out = segment 21"]),
    s3(Wal, "wal-restore --spool-dir DIR/spool @ 000000010000000000000022 DIR/out")
        .better(0, PARTIAL_TOLD)
        .at_level("WARNING")
        .changing(&["> out = partial 22"]),
    s3(Wal, "wal-restore --spool-dir DIR/spool @ 000000010000000000000023 DIR/out")
        .better(0, PARTIAL_TOLD)
        .at_level("WARNING")
        .changing(&["> out = partial 23"]),
    s3(Wal, "wal-restore --spool-dir DIR/spool @ 000000010000000000000024 DIR/out")
        .better(0, WHOLE_FIRST)
        .changing(&["> out = segment 24"]),
    s3(Wal, "wal-restore --spool-dir DIR/spool @ 000000010000000000000025 DIR/out")
        .better(0, WHOLE_FIRST)
        .changing(&["> out = segment 25"]),
    s3(Wal, "wal-restore --spool-dir DIR/spool @ 000000010000000000000026 DIR/out")
        .better(0, WHOLE_FIRST)
        .changing(&["> out = segment 26"]),
    s3(Wal, "wal-restore --no-partial --spool-dir DIR/spool @ 000000010000000000000020 DIR/out"),
    s3(Wal, "wal-restore --no-partial @ 000000010000000000000022 DIR/out")
        .better(1, PARTIAL_TOLD)
        .at_level("WARNING"),
    s3(Wal, "wal-restore @ 000000010000000000000022.partial DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000031 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000031.00000028.backup DIR/out"),
    s3(Wal, "wal-restore @ 00000002.history DIR/out"),
    s3(Wal, "wal-restore @ 00000003.history DIR/out"),
    s3(Wal, "wal-restore @ 00000004.history DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000040 DIR/out"),
    s3(Wal, "wal-restore -q @ 000000010000000000000040 DIR/out"),
    s3(Wal, "wal-restore -qq @ 000000010000000000000040 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000041 DIR/out").better(4, NOTHING_BROKEN).at_level("WARNING"),
    s3(Wal, "wal-restore @ 000000010000000000000042 DIR/out").better(4, NOTHING_BROKEN).at_level("WARNING"),
    s3(Wal, "wal-restore @ 000000010000000000000043 DIR/out").better(4, NOTHING_BROKEN).at_level("WARNING"),
    s3(Wal, "wal-restore @ 000000010000000000000044 DIR/out"),
    s3(Wal, "wal-restore @ junk DIR/out"),
    s3(Wal, "wal-restore @ 00000001000000000000000 DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000001.gz DIR/out"),
    s3(Wal, "wal-restore @ 000000010000000000000001 DIR/none/out"),
    s3(Wal, "wal-restore @ 000000010000000000000001"),
    s3(Wal, "wal-restore -p 3 --spool-dir DIR/spool @ 000000010000000000000012 DIR/out"),
    s3(Wal, "wal-restore --parallel=1 --spool-dir DIR/spool @ 000000010000000000000012 DIR/out"),
    s3(Wal, "wal-restore --parallel many @ 000000010000000000000012 DIR/out"),
    s3(Wal, "wal-restore SERVICE URL other 000000010000000000000001 DIR/out"),
    s3(Empty, "wal-restore @ 000000010000000000000001 DIR/out"),
    s3(Missing, "wal-restore @ 000000010000000000000001 DIR/out"),
    azure(Wal, "wal-restore @ 000000010000000000000001 DIR/out"),
    azure(Wal, "wal-restore @ 000000010000000000000002 DIR/out"),
    azure(Wal, "wal-restore @ 000000010000000000000006 DIR/out"),
    azure(Wal, "wal-restore @ 00000002.history DIR/out"),
    azure(Wal, "wal-restore @ 000000010000000000000040 DIR/out"),
    azure(Wal, "wal-restore @ 000000010000000000000043 DIR/out")
        .better(4, NOTHING_BROKEN)
        .at_level("WARNING"),
    azure(Missing, "wal-restore @ 000000010000000000000001 DIR/out"),
];

const WAL_ARCHIVE: &[Row] = &[
    s3(Empty, "wal-archive @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --gzip @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive -j @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --xz @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --snappy @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --zstd @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --lz4 @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --gzip --compression-level low @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --zstd --compression-level=-3 @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --gzip --compression-level 99 @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --gzip --compression-level fast @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --gzip --zstd @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --gzip @ IN/000000010000000000000031.partial"),
    s3(Empty, "wal-archive --gzip @ IN/000000010000000000000031.00000028.backup"),
    s3(Empty, "wal-archive @ IN/00000002.history"),
    s3(Empty, "wal-archive --zstd @ IN/00000002.history"),
    s3(Empty, "wal-archive @ IN/00000001000000000000004a")
        .better(0, UPPER)
        .changing(&["+ some/path/main/wals/0000000100000000/00000001000000000000004A = segment 4A"]),
    s3(Empty, "wal-archive @ IN/junk"),
    s3(Empty, "wal-archive @ IN/000000010000000000000099"),
    s3(Empty, "wal-archive @ IN/junk-inside/000000010000000000000041").better(4, NO_WAL_INSIDE),
    s3(Empty, "wal-archive @").better(3, TRACEBACK).at_level("ERROR"),
    s3(Empty, "wal-archive --tags one,1 two,2 -- @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --tags one,1 two,2 --history-tags three,3 SERVICE URL main IN/00000002.history"),
    s3(Empty, "wal-archive --tags one,1 SERVICE URL main IN/00000002.history"),
    s3(Empty, "wal-archive --tags one SERVICE URL main IN/00000002.history").better(3, OUR_LOG),
    s3(Empty, "wal-archive --tag one,1 --tag two,2 @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --tag one @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --tag one,1 --tags two,2 SERVICE URL main IN/000000010000000000000001"),
    s3(Empty, "wal-archive -e AES256 @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive -e ROT13 @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive --sse-kms-key-id some @ IN/000000010000000000000001"),
    s3(
        Empty,
        "wal-archive --max-block-size 8MB --max-concurrency 2 --max-single-put-size 1MiB @ IN/00000002.history",
    ),
    s3(Empty, "wal-archive --max-block-size huge @ IN/00000002.history"),
    s3(Empty, "wal-archive '-e AES256' @ IN/00000002.history")
        .better(0, ONE_ITEM)
        .at_level("WARNING")
        .changing(&["+ some/path/main/wals/00000002.history = the history"]),
    s3(Empty, "wal-archive SERVICE URL main --gzip IN/00000002.history")
        .better(0, LENIENT)
        .changing(&["+ some/path/main/wals/00000002.history.gz = the history"]),
    s3(Empty, "BARMAN_HOOK=archive_script BARMAN_PHASE=pre BARMAN_FILE=IN/00000002.history wal-archive @"),
    s3(Empty, "BARMAN_HOOK=archive_script BARMAN_PHASE=post BARMAN_FILE=IN/00000002.history wal-archive @")
        .better(1, OUR_LOG),
    s3(Wal, "wal-archive @ IN/000000010000000000000001"),
    s3(Wal, "wal-archive --gzip @ IN/000000010000000000000001").better(0, SAME_WAL),
    s3(Wal, "wal-archive @ IN/changed/000000010000000000000001").better(4, NO_OVERWRITING),
    s3(Wal, "wal-archive @ IN/other/000000010000000000000001").better(4, NO_OVERWRITING),
    s3(Missing, "wal-archive @ IN/000000010000000000000001"),
    azure(Empty, "wal-archive @ IN/000000010000000000000001"),
    azure(Empty, "wal-archive --zstd @ IN/000000010000000000000001"),
    azure(Empty, "wal-archive --gzip --tags one,1 two,2 SERVICE URL main IN/000000010000000000000001"),
    azure(Wal, "wal-archive @ IN/changed/000000010000000000000001").better(4, NO_OVERWRITING),
    azure(Missing, "wal-archive @ IN/000000010000000000000001"),
];

const CHECK: &[Row] = &[
    s3(Empty, "check-wal-archive @"),
    s3(Wal, "check-wal-archive @"),
    s3(Wal, "check-wal-archive SERVICE URL other"),
    s3(Missing, "check-wal-archive @"),
    s3(Missing, "check-wal-archive @ --test"),
    s3(Wal, "check-wal-archive @ -t"),
    s3(Plain, "check-wal-archive --timeline 1 @"),
    s3(Plain, "check-wal-archive --timeline 2 @"),
    s3(Plain, "check-wal-archive --timeline 3 @"),
    s3(Plain, "check-wal-archive --timeline 0 @"),
    s3(Plain, "check-wal-archive --timeline one @"),
    azure(Empty, "check-wal-archive @"),
    azure(Wal, "check-wal-archive @"),
    azure(Missing, "check-wal-archive @"),
    azure(Plain, "check-wal-archive --timeline 3 @"),
];

const RESTORE: &[Row] = &[
    s3(Real, "restore --tablespace space:DIR/space @ real DIR/data")
        .better(0, WAL_FOLDERS)
        .changing(&["…", "> data/pg_wal/archive_status/"]),
    s3(Real, "restore @ 20260301T000000 DIR/data --tablespace space:DIR/space")
        .better(0, WAL_FOLDERS)
        .changing(&["…", "> data/pg_wal/archive_status/"]),
    s3(Real, "restore SERVICE URL main auto --tablespace space:DIR/space DIR/data")
        .better(0, WAL_FOLDERS)
        .changing(&["…", "> data/pg_wal/archive_status/"]),
    s3(Real, "restore --target-time '2026-01-01 00:00:00' @ auto DIR/data"),
    s3(Real, "restore --target-tli 7 @ auto DIR/data"),
    s3(Real, "restore --target-tli none @ auto DIR/data"),
    s3(Real, "restore --target-tli current @ auto DIR/data"),
    s3(Real, "restore --target-lsn 0/1 @ auto DIR/data"),
    s3(Real, "restore --target-time yesterday-ish @ auto DIR/data"),
    s3(Real, "restore --tablespace space @ real DIR/data"),
    s3(Real, "restore @ real IN/"),
    s3(Real, "restore @ nobody DIR/data"),
    s3(Real, "restore @ 20261231T000000 DIR/data"),
    s3(Real, "restore @ real"),
    s3(Snapshots, "restore @ aws-one DIR/data"),
    s3(Incremental, "restore @ 20260502T000000 DIR/data"),
    s3(Catalogue, "restore @ 20260103T000000 DIR/data"),
    s3(Empty, "restore @ latest DIR/data"),
    s3(Empty, "restore @ auto DIR/data"),
    s3(Missing, "restore @ latest DIR/data"),
    azure(Real, "restore --tablespace space:DIR/space @ real DIR/data")
        .better(0, WAL_FOLDERS)
        .changing(&["…", "> data/pg_wal/archive_status/"]),
    azure(Real, "restore @ nobody DIR/data"),
];

const WORDS: &[Row] = &[
    s3(Empty, "backup-list --version"),
    s3(Empty, "wal-archive -V"),
    s3(Empty, "backup --version"),
    s3(Empty, "backup-list --frobnicate @"),
    s3(Empty, "backup-list"),
    s3(Empty, "backup-list URL"),
    s3(Empty, "backup-list @ more"),
    s3(Empty, "backup-list -v -q @"),
    s3(Empty, "backup-list --cloud-provider mainframe URL main"),
    s3(Empty, "backup-list --cloud aws-s3 @"),
    s3(Empty, "backup-list --read-timeout soon @"),
    s3(Empty, "backup-list --read-timeout 30 @"),
    s3(Empty, "backup-list --addressing-style path @"),
    s3(Empty, "backup-list --addressing-style odd @"),
    s3(Empty, "backup-list --azure-credential default @"),
    s3(Empty, "backup-list --credential secret @"),
    s3(Empty, "backup-list @ -h"),
    s3(Empty, "backup-list -- @"),
    s3(Empty, "backup-list SERVICE http://URL main"),
    s3(Empty, "backup-list SERVICE some/path main"),
    s3(Empty, "backup --jobs 0 @"),
    s3(Empty, "backup -S small @"),
    s3(Empty, "backup -S '' @").better(3, TRACEBACK),
    s3(Empty, "backup -n latest @"),
    s3(Empty, "backup -n 20260101T000000 @"),
    s3(Empty, "backup --gzip --snappy @"),
    s3(Empty, "backup --xz @"),
    s3(Empty, "backup --keepalive-interval 5 @").better(1, R320),
    s3(Empty, "backup --host DIR --user nobody @"),
    s3(
        Empty,
        "BARMAN_HOOK=backup_script BARMAN_PHASE=post BARMAN_STATUS=FAILED BARMAN_BACKUP_DIR=DIR BARMAN_BACKUP_ID=20260101T000000 BARMAN_BACKUP_INFO_PATH=DIR/info backup @",
    ),
];

const REACH: &[Row] = &[
    s3(Empty, "backup-list -t @"),
    s3(Empty, "backup-show -t @ some"),
    s3(Empty, "backup-keep -t -s @ some"),
    s3(Empty, "backup-delete -t -r 'REDUNDANCY 1' @"),
    s3(Empty, "restore -t @ some DIR/data"),
    s3(Empty, "wal-restore -t @ 000000010000000000000001 DIR/out"),
    s3(Empty, "wal-archive -t @ IN/000000010000000000000001"),
    s3(Empty, "wal-archive -t @").better(3, TRACEBACK).at_level("ERROR"),
    s3(Empty, "backup -t @"),
    s3(Missing, "backup-list -t @"),
    s3(Missing, "backup -t @"),
    s3(Missing, "wal-archive -t @ IN/000000010000000000000001"),
    s3(Missing, "wal-restore -t @ 000000010000000000000001 DIR/out"),
    s3(Empty, "AWS_MAX_ATTEMPTS=1 backup-list -t --endpoint-url http://127.0.0.1:9 URL main"),
    s3(Empty, "AWS_MAX_ATTEMPTS=1 check-wal-archive -t --endpoint-url http://127.0.0.1:9 URL main"),
    azure(Empty, "backup-list -t @"),
    azure(Missing, "backup-list -t @"),
    azure(Missing, "check-wal-archive -t @"),
];

/// Ends with 0 on both sides; what else stands there counts for nothing.
const HELP: &[Row] = &[
    s3(Empty, "wal-archive --help").better(0, OUR_HELP).saying("Put one WAL file into the archive\n…"),
    s3(Empty, "wal-restore --help").better(0, OUR_HELP).saying("Bring one WAL file out of the archive\n…"),
    s3(Empty, "backup --help").better(0, OUR_HELP).saying("Take a base backup\n…"),
    s3(Empty, "backup-list --help").better(0, OUR_HELP).saying("List the backups\n…"),
    s3(Empty, "backup-show --help").better(0, OUR_HELP).saying("Show a backup\n…"),
    s3(Empty, "backup-delete --help").better(0, OUR_HELP).saying("Delete backups\n…"),
    s3(Empty, "backup-keep --help").better(0, OUR_HELP).saying("Keep a backup from being deleted\n…"),
    s3(Empty, "restore --help").better(0, OUR_HELP).saying("Lay a base backup down\n…"),
    s3(Empty, "check-wal-archive --help")
        .better(0, OUR_HELP)
        .saying("Check that the archive is still empty\n…"),
    s3(Empty, "wal-restore --he").better(0, OUR_HELP).saying("Bring one WAL file out of the archive\n…"),
    s3(Empty, "wal-restore @ --help junk")
        .better(0, OUR_HELP)
        .saying("Bring one WAL file out of the archive\n…"),
];

/// Nothing listens there.
const DEAD: &[Row] = &[
    s3(Empty, "AWS_MAX_ATTEMPTS=1 wal-archive --endpoint-url http://127.0.0.1:9 URL main IN/000000010000000000000001")
        .better(2, CONNECTIVITY),
    s3(Empty, "wal-archive --endpoint-url http://127.0.0.1:9 URL main IN/000000010000000000000001")
        .better(2, CONNECTIVITY),
    s3(Empty, "wal-archive --endpoint-url http://127.0.0.1:9 URL main IN/junk"),
    s3(Empty, "AWS_MAX_ATTEMPTS=1 wal-restore --endpoint-url http://127.0.0.1:9 URL main 000000010000000000000001 DIR/out")
        .better(2, R320),
    s3(Empty, "AWS_ENDPOINT_URL=http://127.0.0.1:9 AWS_MAX_ATTEMPTS=1 wal-restore URL main 00000002.history DIR/out")
        .better(2, R320),
    s3(Empty, "wal-restore --endpoint-url http://127.0.0.1:9 URL main junk DIR/out"),
    s3(Empty, "AWS_MAX_ATTEMPTS=1 wal-restore -t --endpoint-url http://127.0.0.1:9 URL main 000000010000000000000001 DIR/out"),
    s3(Empty, "AWS_MAX_ATTEMPTS=1 check-wal-archive --endpoint-url http://127.0.0.1:9 URL main"),
    s3(Empty, "AWS_MAX_ATTEMPTS=1 check-wal-archive --timeline 1 --endpoint-url http://127.0.0.1:9 URL main"),
];

/// Whoever asks is not known there, or does not say who asks.
const REFUSED: &[Row] = &[
    s3(Wal, "wal-restore -P nobody @ 000000010000000000000001 DIR/out"),
    s3(Wal, "wal-restore --profile=nobody -t @ 000000010000000000000001 DIR/out"),
    s3(Empty, "wal-archive --aws-profile nobody @ IN/000000010000000000000001"),
    s3(Empty, "check-wal-archive -P nobody @"),
    azure(
        Wal,
        "AZURE_STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9ib2R5;BlobEndpoint=ACCOUNT wal-restore @ 000000010000000000000001 DIR/out",
    ),
    azure(
        Empty,
        "AZURE_STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9ib2R5;BlobEndpoint=ACCOUNT wal-archive @ IN/000000010000000000000001",
    ),
    azure(
        Empty,
        "AZURE_STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9ib2R5;BlobEndpoint=ACCOUNT check-wal-archive @",
    )
    .better(4, REFUSAL),
    azure(
        Empty,
        "AZURE_STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9ib2R5;BlobEndpoint=ACCOUNT wal-restore -t @ 000000010000000000000001 DIR/out",
    )
    .better(4, REFUSAL),
];
