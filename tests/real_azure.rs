//! The store's contract on Azurite, Microsoft's emulator of Azure Blob Storage, over HTTP and over
//! HTTPS, with everything that proves who one is.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

mod common;

use std::sync::Arc;

use barkeep::error::ErrorKind;
use barkeep::store::{AzureSecret, ExclusivePut, ObjectStore, Prefix};
use common::azurite::{ACCOUNT, Azurite, Proof, account_sas};
use common::barkeep::{BUCKET, Barkeep};
use common::identity::{Identity, SECRET};
use common::reach::Reach;
use common::{Scratch, contract};
use futures_util::TryStreamExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn azurite_over_http_keeps_the_contract_whatever_proves_who_one_is() {
    let scratch = Scratch::new();
    let azurite = azurite(Azurite::http(&scratch).await).await;
    for proof in [Proof::Key, Proof::ConnectionString, Proof::AccountSas, Proof::ContainerSas] {
        let store = open(&azurite.reach(BUCKET, proof), &format!("{proof:?}")).await;
        contract::run_forgetful(store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn azurite_over_https_with_a_private_authority_keeps_the_contract_whatever_proves_who_one_is() {
    let scratch = Scratch::new();
    let azurite = azurite(Azurite::https(&scratch).await).await;
    for proof in [Proof::Key, Proof::ContainerSas] {
        let store = open(&azurite.reach(BUCKET, proof), &format!("{proof:?}")).await;
        contract::run_forgetful(store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_an_unknown_authority_is_not_talked_to() {
    let scratch = Scratch::new();
    let azurite = azurite(Azurite::https(&scratch).await).await;
    let mut reach = azurite.reach(BUCKET, Proof::Key);
    reach.options.azure.ca_bundle = None;
    let refused = list(&open(&reach, "x").await).await.unwrap_err();
    assert!(refused.to_string().to_lowercase().contains("certificate"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_does_not_exist_is_a_matter_of_configuration() {
    let scratch = Scratch::new();
    let azurite = Azurite::http(&scratch).await;
    let missing = list(&open(&azurite.reach("nowhere", Proof::Key), "x").await).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Usage, "{missing:?}");
    assert!(missing.to_string().contains("nowhere"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_or_a_signature_that_is_not_the_accounts_is_refused_and_never_told() {
    let scratch = Scratch::new();
    let azurite = azurite(Azurite::http(&scratch).await).await;
    let forged = account_sas().replace("&sp=rwdlact", "&sp=rl");
    for secret in [AzureSecret::Key("bm90IGl0".to_owned()), AzureSecret::Sas(forged.clone())] {
        let mut reach = azurite.reach(BUCKET, Proof::Key);
        reach.options.azure.secret = Some(secret);
        let refused = list(&open(&reach, "x").await).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Denied, "{refused:?}");
        let (_, signature) = forged.split_once("&sig=").unwrap();
        for told in [format!("{refused:#}"), format!("{refused:?}")] {
            assert!(!told.contains(signature) && !told.contains("bm90IGl0"), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managed_identity_signs_in_once_for_many_calls() {
    let scratch = Scratch::new();
    let azurite = azurite(Azurite::https(&scratch).await).await;
    let identity = Identity::start().await;
    let mut reach = azurite.reach_without_proof(BUCKET);
    reach.variables.extend([
        ("BARKEEP_AZURE_CREDENTIAL", "managed-identity".to_owned()),
        ("IDENTITY_ENDPOINT", identity.url()),
        ("IDENTITY_HEADER", SECRET.to_owned()),
    ]);
    let barkeep = Barkeep::on(&scratch, reach);
    // The first call makes the spool, where the second keeps its token for all that follow.
    for _ in 0..5 {
        barkeep.must(&["check"]);
    }
    assert_eq!(identity.asked(), 2, "processes that follow each other do not share a token");

    // One for somebody else does not let us in, and no message tells it.
    scratch.forget("spool/tokens");
    identity.issue("https://storage.example.com/");
    let refused = barkeep.run(&["check"]);
    let told = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
    assert!(!refused.status.success(), "{told}");
    assert!(told.contains(BUCKET) && told.contains(ACCOUNT), "{told}");
    assert!(!told.contains("eyJ") && !told.contains(SECRET), "{told}");
}

/// With the container of every test.
async fn azurite(azurite: Azurite) -> Azurite {
    azurite.create_container(BUCKET).await;
    azurite
}

async fn open(reach: &Reach, path: &str) -> Arc<dyn ObjectStore> {
    reach.open(&reach.url(path), ExclusivePut::Trusted).await
}

async fn list(store: &Arc<dyn ObjectStore>) -> barkeep::error::Result<Vec<barkeep::store::ObjectMeta>> {
    store.list(&Prefix::everything(), None).try_collect().await
}
