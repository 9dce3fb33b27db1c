//! What the Azure store sends, and how it takes what comes back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/azure.rs"]
mod azure;
#[path = "common/listener.rs"]
mod listener;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use azure::{Azure, Fault, Seen, patience};
use barkeep::error::{ErrorKind, Result};
use barkeep::store::{
    AzureSecret, AzureStore, ExclusivePut, IfExists, Key, ObjectStore, Patience, Prefix, Put, Tags,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use hyper::Method;

const PIECE: usize = 5 << 20;

/// A page of a list after which it comes again.
const ROUND: &str = "<EnumerationResults><Blobs /><NextMarker>m</NextMarker></EnumerationResults>";

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn replace() -> Put {
    Put { if_exists: IfExists::Replace, ..Put::default() }
}

async fn put(store: &Arc<dyn ObjectStore>, how: &Put) -> Result<()> {
    store.put(&key("a"), Bytes::from_static(b"hello"), how).await
}

async fn read(store: &Arc<dyn ObjectStore>) -> Result<Vec<u8>> {
    let body = store.get(&key("a"), None).await?.body;
    Ok(body.try_collect::<Vec<_>>().await?.concat())
}

async fn upload(store: &Arc<dyn ObjectStore>, parts: u8, how: &Put) -> Result<()> {
    let mut upload = store.upload(&key("a"), how, NonZeroUsize::new(2).unwrap()).await?;
    for n in 0..parts {
        upload.part(Bytes::from(vec![n; PIECE])).await?;
    }
    upload.finish().await
}

async fn names(store: &Arc<dyn ObjectStore>, after: Option<&str>) -> Vec<String> {
    let after = after.map(key);
    let found: Vec<_> = store.list(&Prefix::everything(), after.as_ref()).try_collect().await.unwrap();
    found.iter().map(|meta| meta.key.to_string()).collect()
}

/// The requests of one kind, by `comp` in the query.
fn of<'a>(seen: &'a [Seen], method: &Method, comp: &str) -> Vec<&'a Seen> {
    seen.iter().filter(|seen| seen.method == *method && seen.word("comp") == comp).collect()
}

fn short() -> Patience {
    let (retry_for, grace) = (Duration::from_secs(5), Duration::from_millis(500));
    Patience { retry_for, grace, max_attempts: Some(2), ..Patience::default() }
}

#[tokio::test]
async fn an_exclusive_put_of_whatever_size_is_one_request_with_a_condition() {
    for length in [0, 5, 9 << 20] {
        let azure = Azure::start().await;
        let store = azure.open().await;
        store.put(&key("a"), Bytes::from(vec![1; length]), &Put::default()).await.unwrap();
        let seen = azure.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!(seen[0].uri.path(), "/acct/walcnt/some/path/a");
        assert_eq!(seen[0].header("if-none-match"), "*");
        assert_eq!(seen[0].header("x-ms-blob-type"), "BlockBlob");
        assert_eq!(seen[0].header("content-length"), length.to_string());
        assert!(seen[0].header("user-agent").starts_with("barkeep"), "{seen:?}");
    }
    let azure = Azure::start().await;
    put(&azure.open().await, &replace()).await.unwrap();
    assert_eq!(azure.seen()[0].header("if-none-match"), "");
}

#[tokio::test]
async fn a_service_that_is_not_trusted_is_asked_first_and_given_the_condition_all_the_same() {
    let azure = Azure::start().await;
    let store = azure.open_with(&azure.options(), ExclusivePut::AskFirst, &patience()).await;
    put(&store, &Put::default()).await.unwrap();
    let methods: Vec<_> = azure.seen().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, [Method::HEAD, Method::PUT]);
    assert_eq!(azure.seen()[1].header("if-none-match"), "*");
    assert_eq!(put(&store, &Put::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    azure.forget();
    let mut late = store.upload(&key("b"), &Put::default(), NonZeroUsize::MIN).await.unwrap();
    late.part(Bytes::from_static(b"late")).await.unwrap();
    azure.place("some/path/b", b"first");
    assert_eq!(late.finish().await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(of(&azure.seen(), &Method::PUT, "blocklist").len(), 0);
}

#[tokio::test]
async fn tags_metadata_and_scope_go_along_where_an_object_is_created() {
    let azure = Azure::start().await;
    let mut options = azure.options();
    options.azure.encryption_scope = Some("scope1".to_owned());
    let store = azure.open_with(&options, ExclusivePut::ByService, &patience()).await;
    let tags = Tags(vec![("team".into(), "a&b".into()), ("env".into(), "x y".into())]);
    let metadata = BTreeMap::from([("barkeep-sha256".to_owned(), "abc".to_owned())]);
    let how = Put { tags, metadata: metadata.clone(), ..replace() };
    put(&store, &how).await.unwrap();
    assert_eq!(store.head(&key("a")).await.unwrap().unwrap().metadata, metadata);
    upload(&store, 1, &how).await.unwrap();
    assert_eq!(store.get(&key("a"), None).await.unwrap().meta.metadata, metadata);
    let seen = azure.seen();
    let created = [of(&seen, &Method::PUT, ""), of(&seen, &Method::PUT, "blocklist")].concat();
    assert_eq!(created.len(), 2);
    for request in created {
        assert_eq!(request.header("x-ms-tags"), "team=a%26b&env=x%20y");
        assert_eq!(request.header("x-ms-meta-barkeep_sha256"), "abc");
    }
    for request in seen.iter().filter(|seen| seen.method == Method::PUT) {
        assert_eq!(request.header("x-ms-encryption-scope"), "scope1");
    }
}

#[tokio::test]
async fn every_request_says_who_asks_and_which_version_it_speaks() {
    let azure = Azure::start().await;
    let mut options = azure.options();
    options.azure.secret = Some(AzureSecret::Sas("?sv=2021-12-02&sig=a%2Bb".to_owned()));
    let store = azure.open_with(&options, ExclusivePut::ByService, &patience()).await;
    put(&store, &replace()).await.unwrap();
    upload(&store, 1, &replace()).await.unwrap();
    read(&store).await.unwrap();
    assert_eq!(names(&store, None).await, ["a"]);
    store.delete(&[key("a")]).await.unwrap();
    assert_eq!(store.head(&key("a")).await.unwrap(), None);
    for request in azure.seen() {
        assert_eq!(request.word("sig"), "a+b", "{request:?}");
        assert_eq!(request.header("x-ms-version"), "2021-12-02");
    }
}

#[tokio::test]
async fn blocks_have_ids_of_one_length_that_no_other_upload_has_and_are_committed_in_order() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    upload(&store, 3, &replace()).await.unwrap();
    upload(&store, 3, &replace()).await.unwrap();
    let seen = azure.seen();
    let sent = of(&seen, &Method::PUT, "block");
    let mut all: Vec<String> = sent.iter().map(|seen| seen.word("blockid")).collect();
    assert!(all.iter().all(|id| id.len() == all[0].len()), "{all:?}");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    for list in of(&seen, &Method::PUT, "blocklist") {
        let ids = list.ids();
        assert!(ids.len() == 3 && ids.is_sorted(), "{ids:?}");
    }
    assert_eq!(read(&store).await.unwrap(), [vec![0; PIECE], vec![1; PIECE], vec![2; PIECE]].concat());
    assert_eq!(azure.most_puts_at_once(), 2);
}

#[tokio::test]
async fn passing_trouble_is_tried_again() {
    for fault in [Fault::Answer(503, "ServerBusy"), Fault::Answer(500, "OperationTimedOut"), Fault::Reset] {
        let azure = Azure::start().await;
        let store = azure.open().await;
        for method in [Method::PUT, Method::HEAD, Method::GET, Method::DELETE] {
            azure.fault(method, 1, fault);
        }
        put(&store, &Put::default()).await.unwrap();
        assert_eq!(store.head(&key("a")).await.unwrap().unwrap().size, 5);
        assert_eq!(read(&store).await.unwrap(), b"hello");
        store.delete(&[key("a")]).await.unwrap();
        assert_eq!(azure.seen().len(), 8, "{fault:?}");
    }
}

#[tokio::test]
async fn what_is_damaged_on_the_way_is_refused_and_sent_again() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    azure.fault(Method::PUT, 1, Fault::Damage);
    put(&store, &Put::default()).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), b"hello");
    azure.forget();
    // A block, and then the list of them.
    azure.fault(Method::PUT, 1, Fault::Damage);
    azure.fault(Method::PUT, 3, Fault::Damage);
    upload(&store, 1, &replace()).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), vec![0; PIECE]);
    assert_eq!(azure.seen().iter().filter(|seen| seen.method == Method::PUT).count(), 4);
}

#[tokio::test]
async fn a_lost_answer_to_an_exclusive_put_may_come_out_as_conflict_but_the_object_is_there() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    azure.fault(Method::PUT, 1, Fault::LoseAnswer);
    assert_eq!(put(&store, &Put::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(read(&store).await.unwrap(), b"hello");
}

#[tokio::test]
async fn every_block_of_an_upload_is_tried_again_and_so_is_its_end() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    for nth in [1, 3, 5] {
        azure.fault(Method::PUT, nth, Fault::Answer(503, "ServerBusy"));
    }
    upload(&store, 2, &Put::default()).await.unwrap();
    assert_eq!(read(&store).await.unwrap().len(), 2 * PIECE);
}

#[tokio::test]
async fn an_upload_whose_last_answer_was_lost_is_finished_since_its_blocks_are_there() {
    for how in [Put::default(), replace()] {
        let azure = Azure::start().await;
        let store = azure.open().await;
        azure.fault(Method::PUT, 2, Fault::LoseAnswer);
        upload(&store, 1, &how).await.unwrap();
        assert_eq!(read(&store).await.unwrap().len(), PIECE);
        let asked = of(&azure.seen(), &Method::GET, "blocklist").len();
        assert_eq!(asked, usize::from(how.if_exists == IfExists::Fail));
    }
}

#[tokio::test]
async fn an_object_that_another_has_stored_meanwhile_is_not_taken_for_the_upload() {
    for how in [Put::default(), replace()] {
        let azure = Azure::start().await;
        let store = azure.open().await;
        let mut upload = store.upload(&key("a"), &how, NonZeroUsize::MIN).await.unwrap();
        upload.part(Bytes::from_static(b"mine!")).await.unwrap();
        // Asked only once, it would be clear; and with the other object, the blocks that were sent are gone.
        azure.fault(Method::PUT, 2, Fault::Answer(503, "ServerBusy"));
        let finish = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            upload.finish().await
        };
        let place = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            azure.place("some/path/a", b"other");
        };
        let (finished, ()) = tokio::join!(finish, place);
        assert_eq!(finished.unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(read(&store).await.unwrap(), b"other");
    }
}

#[tokio::test]
async fn a_service_may_take_six_times_as_long_to_put_an_object_together() {
    let azure = Azure::start().await;
    let patience = Patience { grace: Duration::from_secs(1), max_attempts: Some(1), ..patience() };
    let store = azure.open_with(&azure.options(), ExclusivePut::ByService, &patience).await;
    azure.fault(Method::PUT, 2, Fault::Late(2_000));
    upload(&store, 1, &Put::default()).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_is_given_up_sends_nothing_more() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    let mut upload = store.upload(&key("a"), &Put::default(), NonZeroUsize::MIN).await.unwrap();
    upload.part(Bytes::from_static(b"half")).await.unwrap();
    upload.abort().await.unwrap();
    assert!(azure.seen().iter().all(|seen| seen.word("comp") == "block"), "{:?}", azure.seen());
    assert_eq!(store.unfinished(&Prefix::everything()).await.unwrap(), []);
}

#[tokio::test]
async fn a_service_that_does_not_read_a_body_is_given_up_long_before_the_slowest_transfer_would_end() {
    let azure = Azure::start().await;
    let patience = Patience { max_attempts: Some(1), grace: Duration::from_secs(1), ..patience() };
    let store = azure.open_with(&azure.options(), ExclusivePut::ByService, &patience).await;
    azure.fault(Method::PUT, 1, Fault::Stall);
    let begin = Instant::now();
    let error = store.put(&key("a"), Bytes::from(vec![0; 64 << 20]), &Put::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("stalled"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_resumed_at_the_byte() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    put(&store, &Put::default()).await.unwrap();
    azure.fault(Method::GET, 1, Fault::Cut(2));
    assert_eq!(read(&store).await.unwrap(), b"hello");
    assert_eq!(azure.seen().last().unwrap().header("range"), "bytes=2-4");
}

#[tokio::test]
async fn what_somebody_else_says_is_not_found_is_no_absence() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    for (method, nth) in [(Method::GET, 1), (Method::HEAD, 1), (Method::DELETE, 1), (Method::GET, 2)] {
        azure.fault(method, nth, Fault::Say(404, "<html>no such page</html>"));
    }
    let errors = [
        read(&store).await.unwrap_err(),
        store.head(&key("a")).await.unwrap_err(),
        store.delete(&[key("a")]).await.unwrap_err(),
        store.list(&Prefix::everything(), None).try_next().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
    }
}

#[tokio::test]
async fn what_an_account_cannot_do_is_not_taken_for_a_name_that_is_taken() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    let code = "FeatureNotYetSupportedForHierarchicalNamespaceAccounts";
    azure.fault(Method::PUT, 1, Fault::Answer(409, code));
    let error = put(&store, &Put::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
    assert!(error.to_string().contains(code), "{error}");
}

#[tokio::test]
async fn a_refused_deletion_is_tried_again_without_the_others() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    let keys: Vec<Key> = (0..100).map(|n| key(&n.to_string())).collect();
    for nth in (10..100).step_by(10) {
        azure.fault(Method::DELETE, nth, Fault::Answer(503, "ServerBusy"));
    }
    store.delete(&keys).await.unwrap();
    assert_eq!(azure.seen().len(), 109);
}

#[tokio::test]
async fn a_list_that_is_refused_again_and_again_is_told_in_the_services_words() {
    let azure = Azure::start().await;
    let patience =
        Patience { grace: Duration::from_secs(2), retry_for: Duration::from_secs(3), ..patience() };
    let store = azure.open_with(&azure.options(), ExclusivePut::ByService, &patience).await;
    for nth in 1..100 {
        azure.fault(Method::GET, nth, Fault::Answer(503, "ServerBusy"));
    }
    let error = store.list(&Prefix::everything(), None).try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("ServerBusy"), "{error}");
}

#[tokio::test]
async fn a_list_that_goes_on_where_it_already_was_is_ended() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    for nth in 1..100 {
        azure.fault(Method::GET, nth, Fault::Say(200, ROUND));
    }
    let error = store.list(&Prefix::everything(), None).try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert_eq!(store.folders(None).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(azure.seen().len(), 4);
}

#[tokio::test]
async fn a_list_that_begins_behind_a_key_leaves_out_the_pages_of_other_folders_before_it() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    let mut all = Vec::new();
    for folder in 0..5 {
        for n in 0..9 {
            all.push(format!("wals/{folder:02}/{n}"));
            azure.place(Box::leak(format!("some/path/wals/{folder:02}/{n}").into_boxed_str()), b"x");
        }
    }
    assert_eq!(names(&store, None).await, all);
    for (n, after) in all.iter().enumerate() {
        assert_eq!(names(&store, Some(after)).await, &all[n + 1..]);
    }
    azure.forget();
    let after = key("wals/03/2");
    let below = key("wals").inside();
    let first = store.list(&below, Some(&after)).try_next().await.unwrap().unwrap();
    assert_eq!(first.key.as_str(), "wals/03/3");
    assert_eq!(azure.seen().len(), 1);
}

#[tokio::test]
async fn a_page_of_a_list_is_tried_again_where_it_broke_off() {
    let azure = Azure::start().await;
    let store = azure.open().await;
    let wanted: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    for name in &wanted {
        azure.place(Box::leak(format!("some/path/{name}/x").into_boxed_str()), b"x");
    }
    azure.fault(Method::GET, 2, Fault::Answer(503, "ServerBusy"));
    assert_eq!(names(&store, None).await.len(), 9);
    assert_eq!(azure.seen().len(), 4);
    azure.forget();
    azure.fault(Method::GET, 2, Fault::Cut(100));
    let folders = store.folders(None).await.unwrap();
    assert_eq!(folders.iter().map(ToString::to_string).collect::<Vec<_>>(), wanted);
    assert_eq!(azure.seen().len(), 4);
}

#[tokio::test]
async fn names_that_xml_cannot_hold_and_those_that_are_no_keys_do_not_disturb_a_list() {
    let azure = Azure::start().await;
    for name in ["some/path/a\u{1}%b", "some/path/folder/", "some/path//x", "other/y", "some/path/<&>"] {
        azure.place(name, b"x");
    }
    assert_eq!(names(&azure.open().await, None).await, ["<&>", "a\u{1}%b"]);
}

#[tokio::test]
async fn a_second_slash_behind_the_path_is_another_store() {
    let azure = Azure::start().await;
    let open = |path| {
        let (container, options) = (azure.container(), azure.options().azure);
        async move {
            AzureStore::open(&container, path, &options, None, ExclusivePut::Trusted, &patience())
                .await
                .unwrap()
        }
    };
    assert!(open("").await.slashed().is_none());
    let store: Arc<dyn ObjectStore> = Arc::new(open("some/path").await.slashed().unwrap());
    put(&store, &Put::default()).await.unwrap();
    assert_eq!(azure.seen()[0].uri.path(), "/acct/walcnt/some/path//a");
    assert_eq!(names(&store, None).await, ["a"]);
    assert!(store.to_string().ends_with("/acct/walcnt/some/path//"), "{store}");
}

#[tokio::test]
async fn refusals_are_told_with_what_to_do_and_without_secrets() {
    let azure = Azure::start().await;
    let mut options = azure.options();
    options.azure.secret = Some(AzureSecret::Sas("sv=2021-12-02&sig=hunter2".to_owned()));
    let store = azure.open_with(&options, ExclusivePut::ByService, &patience()).await;
    let port = azure.container().service.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let told = |e: barkeep::error::Error| format!("{e:?}").replace(&port, "PORT");
    let tagged = Put { tags: Tags(vec![("a".into(), "b".into())]), ..Put::default() };
    azure.fault(Method::PUT, 1, Fault::Answer(403, "AuthorizationPermissionMismatch"));
    azure.fault(Method::PUT, 2, Fault::Answer(403, "AuthorizationFailure"));
    azure.fault(Method::PUT, 3, Fault::Answer(409, "BlobImmutableDueToPolicy"));
    azure.fault(Method::GET, 1, Fault::Answer(403, "AuthenticationFailed"));
    azure.fault(Method::DELETE, 1, Fault::Answer(403, "AuthorizationPermissionMismatch"));
    let errors = [
        told(put(&store, &tagged).await.unwrap_err()),
        told(put(&store, &Put::default()).await.unwrap_err()),
        told(put(&store, &Put::default()).await.unwrap_err()),
        told(store.list(&Prefix::everything(), None).try_next().await.unwrap_err()),
        told(store.delete(&[key("a")]).await.unwrap_err()),
    ];
    assert!(!errors.concat().contains("hunter2"), "{errors:#?}");
    insta::assert_snapshot!(errors.join("\n"), @r"
    denied: put a into http://localhost:PORT/acct/walcnt/some/path/: container walcnt of account acct: 403 AuthorizationPermissionMismatch on purpose (request id REQ1) (hint: check the credentials and that they allow it, as w (Write) and t (Tags) of a shared access signature or as the role Storage Blob Data Owner on container walcnt; signed in by SAS (of unknown scope, without permissions))
    denied: put a into http://localhost:PORT/acct/walcnt/some/path/: container walcnt of account acct: 403 AuthorizationFailure on purpose (request id REQ1) (hint: check that the account's network rules let this machine in; else check the credentials and that they allow it, as w (Write) of a shared access signature or as the role Storage Blob Data Contributor on container walcnt; signed in by SAS (of unknown scope, without permissions))
    denied: put a into http://localhost:PORT/acct/walcnt/some/path/: container walcnt of account acct: 409 BlobImmutableDueToPolicy on purpose (request id REQ1) (hint: an immutability policy, a legal hold, a lease or the archive tier holds the object)
    denied: list  in http://localhost:PORT/acct/walcnt/some/path/: container walcnt of account acct: 403 AuthenticationFailed on purpose (request id REQ1) (hint: check the credentials and that they allow it, as l (List) of a shared access signature or as the role Storage Blob Data Reader on container walcnt; signed in by SAS (of unknown scope, without permissions))
    denied: delete from http://localhost:PORT/acct/walcnt/some/path/: delete a: container walcnt of account acct: 403 AuthorizationPermissionMismatch on purpose (request id REQ1) (hint: check the credentials and that they allow it, as d (Delete) of a shared access signature or as the role Storage Blob Data Contributor on container walcnt; signed in by SAS (of unknown scope, without permissions))
    ");
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up_in_time_and_told_without_secrets() {
    let azure = Azure::start().await;
    let mut options = azure.options();
    options.azure.secret = Some(AzureSecret::Sas("sv=2021-12-02&sig=hunter2".to_owned()));
    let store = azure.open_with(&options, ExclusivePut::ByService, &short()).await;
    azure.fault(Method::PUT, 1, Fault::Stall);
    azure.fault(Method::PUT, 2, Fault::Reset);
    let error = put(&store, &Put::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("gave up after 2 attempts"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
