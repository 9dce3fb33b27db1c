//! Real PostgreSQL on Azure Blob Storage and Google Cloud Storage: archived under load, backed up, lost,
//! and back as it was at a moment in between.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::time::Duration;

use common::azurite::{Azurite, Proof};
use common::barkeep::{BUCKET, Barkeep};
use common::gcs_emulator::GcsEmulator;
use common::invariants::Inspector;
use common::load::{Ledger, Load};
use common::pg::{NEWEST, Server};
use common::{Scratch, tell};
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_comes_back_from_azure_with_the_accounts_key() {
    let scratch = Scratch::new();
    let azurite = Azurite::http(&scratch).await;
    azurite.create_container(BUCKET).await;
    round_trip(&scratch, &Barkeep::on(&scratch, azurite.reach(BUCKET, Proof::Key))).await;
    are_an_archives(&azurite.blobs(BUCKET).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_comes_back_from_azure_with_a_signature_and_a_private_authority() {
    let scratch = Scratch::new();
    let azurite = Azurite::https(&scratch).await;
    azurite.create_container(BUCKET).await;
    round_trip(&scratch, &Barkeep::on(&scratch, azurite.reach(BUCKET, Proof::ContainerSas))).await;
    are_an_archives(&azurite.blobs(BUCKET).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_comes_back_from_google() {
    let scratch = Scratch::new();
    let emulator = GcsEmulator::start(&scratch).await;
    emulator.create_bucket(BUCKET).await;
    round_trip(&scratch, &Barkeep::on(&scratch, emulator.reach(BUCKET))).await;
    are_an_archives(&emulator.objects(BUCKET).await);
}

/// Everything an operator does, from the first check to a recovery that ends before the last row.
async fn round_trip(scratch: &Scratch, barkeep: &Barkeep) {
    let mut primary = Server::init(scratch, NEWEST, 16, barkeep);
    let data = primary.data().display().to_string();
    barkeep.must(&["check", "--pgdata", &data]);
    let client = primary.start().await;
    Load::prepare(&client).await;

    let mut ledger = Ledger::default();
    let load = Load::start(&primary.address(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    barkeep.must_back_up(&primary.sockets(), "under load", &[]);
    // A segment that is begun after the backup.
    client.query_one("select pg_switch_wal()", &[]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    load.finish(&mut ledger).await;
    let moment = now(&client).await;

    let later = Load::start(&primary.address(), 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut undone = Ledger::default();
    later.finish(&mut undone).await;
    assert!(undone.len() > 0, "nothing was written after {moment}");
    primary.archive_all(&client).await;
    barkeep.must(&["check", "--pgdata", &data]);
    Inspector::default().insist(&*barkeep.store().await, "after the load").await;
    primary.destroy();

    let mut server = Server::at_home(scratch, NEWEST, "recovered", barkeep);
    let data = server.data().display().to_string();
    barkeep.must(&["restore", &data, "--target-time", &moment, "--target-action", "promote"]);
    server.move_in();
    server.launch();
    let client = server.promoted().await;
    ledger.must_equal(&client).await;
    tell(&format!("{} transactions, and {} after the moment", ledger.len(), undone.len()));
}

/// The server's own word for what is in it.
fn are_an_archives(names: &[String]) {
    for folder in ["some/path/main/wals/", "some/path/main/base/"] {
        assert!(names.iter().any(|name| name.starts_with(folder)), "nothing in {folder}: {names:?}");
    }
}

/// A moment by PostgreSQL's clock, after everything that was written so far.
async fn now(client: &Client) -> String {
    let moment = r#"to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#;
    client.query_one(&format!("select {moment}"), &[]).await.unwrap().get(0)
}
