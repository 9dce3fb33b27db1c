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

use sweep_of_faults::cell;
use sweep_of_faults::service::Service;
use sweep_of_faults::sweep;
use sweep_of_faults::verbs::Verb;

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
    for (cell, verdict) in cells.iter().zip(&verdicts) {
        let label = &cleans.iter().find(|c| c.verb == cell.verb).unwrap().requests[cell.plan.at - 1];
        eprintln!("{:?} {} {label}: {:?} {}", cell.verb, cell.plan, verdict.mark, verdict.text);
        for wrong in &verdict.wrong {
            eprintln!("   WRONG {wrong}");
        }
    }
    eprintln!("took {:?}", begun.elapsed());
}
