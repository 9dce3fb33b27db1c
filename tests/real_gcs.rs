//! The store's contract on an emulator of Google Cloud Storage of other people's making.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

mod common;

use barkeep::error::ErrorKind;
use barkeep::store::{ExclusivePut, Prefix};
use common::barkeep::BUCKET;
use common::gcs_emulator::GcsEmulator;
use common::{Scratch, contract};
use futures_util::TryStreamExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn the_emulator_keeps_the_contract() {
    let scratch = Scratch::new();
    let emulator = GcsEmulator::start(&scratch).await;
    emulator.create_bucket(BUCKET).await;
    let reach = emulator.reach(BUCKET);
    contract::run_forgetful(reach.open(&reach.url("some/path"), ExclusivePut::AskFirst).await).await;
    assert!(emulator.objects(BUCKET).await.iter().all(|name| name.starts_with("some/path/contract/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_exist_is_a_matter_of_configuration() {
    let scratch = Scratch::new();
    let emulator = GcsEmulator::start(&scratch).await;
    let reach = emulator.reach("nowhere");
    let store = reach.open(&reach.top, ExclusivePut::AskFirst).await;
    let missing = store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Usage, "{missing:?}");
    assert!(missing.to_string().contains("nowhere"), "{missing}");
}
