//! Every verb, every request of it, every fault: it succeeds, or fails in the way that docs/faults.md tells;
//! the archive stays sound; and the next run without a fault finishes the work.
//!
//! `UPDATE=1 cargo test --test faults` rewrites the document. `BARKEEP_FAULTS=all` tries faults that last from
//! every request on, at every request, and compares nothing; then at some of them with Azure, Google and
//! moto, an S3 server of other people's making. `BARKEEP_FAULTS_VERBS`
//! names the verbs to be tried, for whoever looks for something.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

#[path = "common/azure.rs"]
mod azure;
mod bed;
mod common;
#[path = "common/gcs.rs"]
mod gcs;
#[path = "common/listener.rs"]
mod listener;
#[path = "faults/mod.rs"]
mod parts;
#[path = "common/s3.rs"]
mod s3;

use std::path::Path;

use parts::cell::{self, Cell, Clean, Verdict};
use parts::fault::{Asked, Fault, Plan};
use parts::scene::{self, Content, Scene};
use parts::service::Service;
use parts::verbs::{OWN, Verb};
use parts::{sweep, table};

#[test]
fn every_verb_survives_every_fault_of_every_request() {
    let stock = sweep::block_on(cell::stock());
    if std::env::var_os("BARKEEP_FAULTS").is_some_and(|what| what == "all") {
        let scratch = common::Scratch::new();
        let moto = sweep::block_on(common::moto::Moto::http(&scratch));
        let services = [Service::S3, Service::Azure, Service::Google, Service::Moto(moto.port())];
        let mut all = Vec::new();
        for service in services {
            let (cleans, cells, verdicts) = tried(service, &stock, service == Service::S3);
            common::tell(&format!("{service:?}: {} situations, {} cells", cleans.len(), cells.len()));
            all.extend(wrong(service, &cells, &verdicts));
        }
        assert!(all.is_empty(), "{}", all.join("\n"));
        return;
    }
    let (cleans, cells, mut verdicts) = tried(Service::S3, &stock, false);
    let mut fresh = table::document(&cleans, &cells, &verdicts);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    if std::env::var_os("UPDATE").is_some_and(|v| v == "1") {
        std::fs::write(&path, fresh).unwrap();
        insist(Service::S3, &cells, &verdicts);
        return;
    }
    insist(Service::S3, &cells, &verdicts);
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let outcomes = table::outcomes(&committed);
    // A machine that is busy can be slow enough to look like a fault of its own; then it is asked again, calmly.
    for _ in 0..2 {
        let differing = table::differing(&cells, &outcomes, &table::outcomes(&fresh));
        for cell in &differing {
            let again = sweep::run(Service::S3, &cleans, std::slice::from_ref(cell)).pop().unwrap();
            let place = cells.iter().position(|other| other == cell).unwrap();
            verdicts[place] = again;
        }
        fresh = table::document(&cleans, &cells, &verdicts);
    }
    let differing = table::differing(&cells, &outcomes, &table::outcomes(&fresh));
    let differing: Vec<_> = differing.iter().map(|cell| format!("{:?}, {}", cell.verb, cell.plan)).collect();
    if std::env::var_os("BARKEEP_FAULTS_VERBS").is_none() {
        assert!(
            differing.is_empty() && table::words(&committed) == table::words(&fresh),
            "docs/faults.md is stale: run `UPDATE=1 cargo test --test faults`, and read what it writes: {differing:#?}"
        );
    }
}

/// Tries everything with one service.
fn tried(service: Service, stock: &Content, all: bool) -> (Vec<Clean>, Vec<Cell>, Vec<Verdict>) {
    let only = std::env::var("BARKEEP_FAULTS_VERBS").ok();
    let is_wanted = |verb: &Verb| {
        let named = format!("{verb:?}");
        only.as_ref().is_none_or(|only| only.split(',').any(|name| name == named))
    };
    // The programs of the other door take S3's words here.
    let verbs: Vec<Verb> = Verb::ALL.into_iter().filter(is_wanted).collect();
    let verbs: Vec<Verb> = verbs.into_iter().filter(|v| service == Service::S3 || !v.is_door()).collect();
    let cleans = sweep::cleans(service, &verbs, stock);
    let mut cells = sweep::cells(&cleans, all);
    if matches!(service, Service::Moto(_)) {
        // It compares no digest of what it is sent, so a flipped bit is nobody's fault but its own.
        cells.retain(|cell| cell.plan.fault != Fault::Flip);
    }
    let verdicts = sweep::run(service, &cleans, &cells);
    (cleans, cells, verdicts)
}

/// Nothing may be wrong.
fn insist(service: Service, cells: &[Cell], verdicts: &[Verdict]) {
    let wrong = wrong(service, cells, verdicts);
    assert!(wrong.is_empty(), "{} cells:\n{}", cells.len(), wrong.join("\n"));
}

/// Everything that is wrong, a line each.
fn wrong(service: Service, cells: &[Cell], verdicts: &[Verdict]) -> Vec<String> {
    let each = cells.iter().zip(verdicts).flat_map(|(cell, verdict)| {
        verdict.wrong.iter().map(move |wrong| format!("{service:?}, {:?}, {}: {wrong}", cell.verb, cell.plan))
    });
    each.collect()
}

/// A bit that flipped in the answer to a list, over plain HTTP, hid the segment: `wal-restore` took it for
/// missing, upon which PostgreSQL ends recovery and opens.
#[test]
fn no_bit_that_flips_in_a_list_makes_a_segment_look_missing() {
    // One bit of every byte, another one each time; the answer has fewer bytes than this.
    let bytes: Vec<usize> = (0..512).collect();
    let list = Asked { what: "LIST wals/…05".to_owned(), before: 0 };
    let list = Plan { fault: Fault::Flip, at: list, lasting: false };
    let chunks: Vec<_> = bytes.chunks(32).collect();
    sweep::each(&chunks, async |bytes| {
        let content = [scene::own(4), scene::own(OWN), scene::own(OWN + 1)].into();
        let scene = Scene::new(Service::S3, &content).await;
        for byte in *bytes {
            scene.proxy.begin_with_bit(list.clone(), 8 * byte + byte % 8);
            let _ = std::fs::remove_file(scene.restored());
            let end = Verb::RestoreHit.run(&scene, false).await;
            assert!(matches!(end.code, 0 | 126), "byte {byte}: {end:?}");
            assert_eq!(end.code == 0, scene.restored().exists(), "byte {byte}");
        }
    });
}
