//! `verify` of what a real PostgreSQL archived and was backed up to: sound at first, and then one byte
//! of each kind of object after another turned over.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod common;

use std::path::{Path, PathBuf};

use common::barkeep::Barkeep;
use common::pg::{NEWEST, Server};
use common::{Scratch, give_to_postgres};
use serde_json::Value;

/// `barkeep verify --json`: its status and what it says.
fn verify(barkeep: &Barkeep, more: &[&str]) -> (Option<i32>, Value) {
    let output = barkeep.run(&[&["verify", "--json"], more].concat());
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    (output.status.code(), said)
}

/// Every file below a directory.
fn files(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(top).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_sound_archive_is_told_sound_and_a_byte_turned_over_in_any_object_is_found() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    give_to_postgres(&scratch.path("store"));
    let mut server = Server::init(&scratch, NEWEST, 1, &barkeep);
    let client = server.start().await;
    client
        .batch_execute("CREATE TABLE t AS SELECT generate_series(1, 20000) AS i; CHECKPOINT")
        .await
        .unwrap();
    barkeep.must_back_up(&server.sockets(), "nightly", &[]);
    client.batch_execute("INSERT INTO t SELECT generate_series(1, 20000)").await.unwrap();
    server.archive_all(&client).await;
    drop(client);
    drop(server);

    let (status, said) = verify(&barkeep, &[]);
    assert_eq!((status, &said["sound"]), (Some(0), &Value::Bool(true)), "{said}");
    assert_eq!((&said["backups"]["read"], &said["remembered"]), (&1.into(), &true.into()), "{said}");
    assert_eq!(said["wal"]["read"], said["wal"]["there"], "{said}");
    assert_eq!(said["files_read"], said["files_compared"], "{said}");
    assert!(said["pages_checked"].as_u64().unwrap() > 100, "{said}");
    let (_, again) = verify(&barkeep, &["--since", "1h"]);
    assert_eq!((&again["wal"]["read"], &again["never_verified"]), (&0.into(), &0.into()), "{again}");

    let store = scratch.path("store/main");
    let all: Vec<PathBuf> =
        files(&store).into_iter().filter(|path| !path.starts_with(store.join("barkeep-verify"))).collect();
    let one = |text: &str| all.iter().find(|path| path.to_str().unwrap().contains(text)).unwrap().clone();
    for (text, kind) in [
        ("/wals/", "bad-wal"),
        (".backup", "bad-wal"),
        ("data.tar", "bad-object"),
        ("backup_manifest", "bad-object"),
    ] {
        let path = one(text);
        let good = std::fs::read(&path).unwrap();
        flip(&path);
        let (status, said) = verify(&barkeep, &[]);
        let key = path.strip_prefix(scratch.path("store")).unwrap().to_str().unwrap();
        let found = &said["findings"][0];
        assert_eq!((status, found["kind"].as_str()), (Some(6), Some(kind)), "{key}: {said}");
        assert!(found["message"].as_str().unwrap().contains(key), "{key}: {said}");
        std::fs::write(&path, good).unwrap();
    }

    let info = one("backup.info");
    let good = std::fs::read(&info).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    std::fs::write(&info, text.replace("begin_wal=", "begin_wal=x")).unwrap();
    let (status, said) = verify(&barkeep, &["--quick"]);
    assert_eq!((status, &said["findings"][0]["kind"]), (Some(6), &"bad-record".into()), "{said}");
    std::fs::write(&info, good).unwrap();

    let is_segment = |path: &&PathBuf| {
        let path = path.to_str().unwrap();
        path.contains("/wals/") && !path.contains(".backup")
    };
    let segments: Vec<&PathBuf> = all.iter().filter(is_segment).collect();
    // The last but one: the backup began before it.
    let lost = segments[segments.len() - 2];
    std::fs::remove_file(lost).unwrap();
    let (status, said) = verify(&barkeep, &["--quick"]);
    let (found, name) = (&said["findings"][0], lost.file_name().unwrap().to_str().unwrap());
    assert_eq!((status, &found["kind"]), (Some(1), &"wal-gap".into()), "{said}");
    assert!(found["message"].as_str().unwrap().contains(&name[..24]), "{said}");
}
