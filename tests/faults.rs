//! Every verb, every request of it, every fault: it succeeds, or fails in the way that docs/faults.md tells;
//! the archive stays sound; and the next run without a fault finishes the work.
//! `UPDATE=1 cargo test --test faults` rewrites the document.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(unreachable_pub, reason = "what tests share is written for several of them")]

#[path = "common/azure.rs"]
mod azure;
mod bed;
#[path = "common/gcs.rs"]
mod gcs;
#[path = "common/invariants.rs"]
#[allow(dead_code, reason = "every test uses its own part")]
mod invariants;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

#[path = "faults/mod.rs"]
mod sweep_of_faults;

use sweep_of_faults::fault::{Asked, Fault, Plan};
use sweep_of_faults::scene::Scene;
use sweep_of_faults::service::Service;
use sweep_of_faults::verbs::{OWN, Verb};
use sweep_of_faults::{cell, scene, sweep};

#[test]
fn every_verb_survives_every_fault_of_every_request() {
    let stock = sweep::block_on(cell::stock());
    let begun = std::time::Instant::now();
    let verbs: Vec<Verb> = Verb::ALL
        .into_iter()
        .filter(|v| std::env::var("VERBS").map_or(true, |only| only.split(',').any(|o| format!("{v:?}") == o)))
        .collect();
    let cleans = sweep::cleans(Service::S3, &verbs, &stock);
    for clean in &cleans {
        eprintln!("{:?} {} {:?}", clean.verb, clean.end.code, clean.requests);
    }
    let cells = sweep::cells(&cleans, false);
    eprintln!("{} cells after {:?}", cells.len(), begun.elapsed());
    let verdicts = sweep::run(Service::S3, &cleans, &cells);
    eprintln!("took {:?}", begun.elapsed());
}

/// A bit that flipped in the answer to a list, over plain HTTP, hid the segment: `wal-restore` took it for
/// missing, upon which PostgreSQL ends recovery and opens.
#[test]
fn no_bit_that_flips_in_a_list_makes_a_segment_look_missing() {
    // One bit of every byte, another one each time; the answer has fewer bytes than this.
    let bytes: Vec<usize> = (0..1024).collect();
    let list = Asked { what: "LIST wals/…05".to_owned(), before: 0 };
    let list = Plan { fault: Fault::Flip, at: list, lasting: false };
    let chunks: Vec<_> = bytes.chunks(64).collect();
    sweep::each(&chunks, async |bytes| {
        let content = [scene::foreign(4), scene::foreign(OWN), scene::foreign(OWN + 1)].into();
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
