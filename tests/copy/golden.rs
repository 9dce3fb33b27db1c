//! What of a data directory and of a tablespace is in the tars, against the recorded answers of the
//! reference (spec/barman-cloud.md 6.3 and 17).

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::golden::{cases, text};

/// What of the data directory is packed by the reference and not by us, or the reverse.
const DATA: [(&str, &str); 10] = [
    ("backup_manifest", "a stray manifest would be taken for this backup's"),
    ("log/sub/deep", "what lies below an emptied directory goes with it"),
    ("log/sub/deep/x", "what lies below an emptied directory goes with it"),
    ("global/pg_control", "packed last: the reference too leaves it out of its walk, and adds it then"),
    ("global/pg_internal.init.123", "half of a cache"),
    ("base/5/t3_12345", "a temporary relation"),
    ("base/5/t3_12345.1", "a temporary relation"),
    ("pg_tblspc/16385/PG_16_1", "what the link leads to is in the tablespace's own tar"),
    ("ts_in/PG_16_1", "packed once, in the tablespace's own tar"),
    ("ts_in/PG_16_1/5/1", "packed once, in the tablespace's own tar"),
];

/// The same for a tablespace.
const TABLESPACE: [(&str, &str); 2] = [
    ("rootfile", "not PostgreSQL's"),
    ("PG_15_202209061/5", "of another version, like the directory around it"),
];

/// A path as the cases spell it, without a `./` in front.
fn path(case: &Value) -> &str {
    let path = text(case, "path");
    path.strip_prefix("./").unwrap_or(path)
}

/// Makes everything that cases name below `root`.
fn make<'a>(root: &Path, cases: impl Iterator<Item = &'a Value>) {
    fs_err::create_dir_all(root).unwrap();
    for case in cases {
        let path = root.join(path(case));
        if case["dir"] == true {
            fs_err::create_dir_all(path).unwrap();
        } else {
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "x").unwrap();
        }
    }
}

/// The members of all tars as `SERIES:PATH`, directories with a slash; none stands there twice.
fn members(objects: &BTreeMap<String, Bytes>) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    for (name, bytes) in objects.iter().filter(|(name, _)| name.contains(".tar")) {
        let series = name.split(['.', '_']).next().unwrap();
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let path = String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap();
            assert!(members.insert(format!("{series}:{path}")), "{series}:{path} is packed twice");
        }
    }
    members
}

/// Compares every case with the tars of a series.
fn require_same(series: &str, cases: &[Value], members: &BTreeSet<String>, different: &[(&str, &str)]) {
    let mut differ = Vec::new();
    for case in cases {
        let slash = if case["dir"] == true { "/" } else { "" };
        let is_packed = members.contains(&format!("{series}:{}{slash}", path(case)));
        if is_packed != case["kept"].as_bool().unwrap() {
            differ.push(path(case));
        }
    }
    let named: Vec<_> = different.iter().map(|(path, _)| *path).collect();
    assert_eq!(differ, named, "{series}");
}

#[tokio::test]
async fn what_the_reference_packs_is_packed_but_for_its_defects() {
    let cluster = Cluster { dir: tempfile::tempdir().unwrap() };
    let (data, tablespace) = (cases("path_filter/pgdata"), cases("path_filter/tablespace_pg16"));
    let (inside, outside) = (cluster.pgdata().join("ts_in"), cluster.dir.path().join("ts"));
    // The tablespace inside is made by the cases for `ts_in`, and the link leads there.
    make(&cluster.pgdata(), data.iter().filter(|case| !path(case).starts_with("pg_tblspc/")));
    make(&outside, tablespace.iter());
    cluster.write("global/pg_control", &control());
    let mut tablespaces = Vec::new();
    for (oid, location) in [(16_385, &inside), (16_386, &outside)] {
        symlink(location, cluster.pgdata().join(format!("pg_tblspc/{oid}"))).unwrap();
        let location = location.to_str().unwrap().to_owned();
        tablespaces.push(Tablespace { name: format!("t{oid}"), oid, location });
    }

    let request = cluster.request(Compression::None);
    let store = Counting::default();
    copy(&store, CopyRequest { tablespaces, version: 160_003, ..request }).await.unwrap();
    let members = members(&store.objects().await);
    require_same("data", &data, &members, &DATA);
    require_same("16386", &tablespace, &members, &TABLESPACE);
    for packed in ["data:global/pg_control", "16385:PG_16_1/", "16385:PG_16_1/5/1"] {
        assert!(members.contains(packed), "{packed}");
    }
}
