//! The soak: a real PostgreSQL archives to a store that comes and goes, crashes, is backed up, promoted and
//! restored, for as long as it is told to; and every restore is compared, row by row, with a ledger that is
//! kept outside PostgreSQL.
//!
//! `make soak MINUTES=60 SEED=7`. The seed gives the same decisions again; when they fall is up to the
//! machine. It is a program of its own because it prints while it runs, and because PostgreSQL's calls go
//! through it (`soak/calls.rs`). Ends with 1 when anything was lost or a restore failed, and leaves its
//! directory behind then.

// Tests fail by panicking, and this one is a program that prints.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub)]

#[path = "soak/archive.rs"]
mod archive;
#[path = "soak/calls.rs"]
mod calls;
#[path = "soak/chance.rs"]
mod chance;
mod common;
#[path = "soak/figures.rs"]
mod figures;
#[path = "soak/ledger.rs"]
mod ledger;
#[path = "soak/load.rs"]
mod load;
#[path = "soak/marks.rs"]
mod marks;
#[path = "soak/proof.rs"]
mod proof;
#[path = "soak/scene.rs"]
mod scene;
#[path = "soak/steps.rs"]
mod steps;
#[path = "soak/weather.rs"]
mod weather;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::Scratch;
use figures::Figures;
use futures_util::FutureExt as _;

/// How long it runs when nothing is said.
const MINUTES: u64 = 10;

fn main() -> ExitCode {
    let words = std::env::args().skip(1).collect::<Vec<_>>();
    if words.first().is_some_and(|word| word == "call") {
        let status = calls::pass_on(&words[1..]);
        return ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX));
    }
    let seed = number("SEED").unwrap_or_else(|| now().unsigned_abs() % 1_000_000);
    let minutes = number("MINUTES").unwrap_or(MINUTES);
    println!("SEED={seed} MINUTES={minutes}");
    // What blocks is called from few places, but at once.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(4).enable_all().build().unwrap().block_on(soak(seed, minutes))
}

async fn soak(seed: u64, minutes: u64) -> ExitCode {
    let figures = Arc::new(Mutex::new(Figures::default()));
    let ticker = tokio::spawn(tick(Arc::clone(&figures)));
    // A panic is an end like any other, with figures.
    let scratch = Arc::new(Scratch::new());
    let (stage, counted) = (Arc::clone(&scratch), Arc::clone(&figures));
    let ran = AssertUnwindSafe(async move {
        let scene = scene::Scene::new(&stage, seed, counted).await;
        steps::run(scene, &stage, Duration::from_secs(60 * minutes)).await;
    })
    .catch_unwind()
    .await;
    ticker.abort();
    println!("{}", figures.lock().unwrap().table());
    if ran.is_ok() {
        println!("nothing was lost");
        return ExitCode::SUCCESS;
    }
    if let Some(scratch) = Arc::into_inner(scratch) {
        println!("failed; SEED={seed}, and everything is left in {}", scratch.keep().display());
    }
    ExitCode::FAILURE
}

/// A line every minute.
async fn tick(figures: Arc<Mutex<Figures>>) {
    loop {
        tokio::time::sleep(Duration::from_mins(1)).await;
        println!("{}", figures.lock().unwrap().line());
    }
}

/// Microseconds since 1970: what PostgreSQL counts in.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_micros()).unwrap()
}

/// A number from the environment; an empty word is none.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}
