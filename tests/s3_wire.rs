//! What the S3 store sends, and how it takes what comes back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use barkeep::error::ErrorKind;
use barkeep::store::{
    AccessKeys, Checksums, CustomerKey, Encryption, ExclusivePut, IfExists, Key, Location, ObjectStore,
    Options, Patience, Prefix, Put, Retain, RetainMode, Tags, Unfinished,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::TryStreamExt;
use hyper::Method;
use jiff::Timestamp;
use s3::{Condition, Fault, S3, Seen, open, patience};

const PIECE: usize = 5 << 20;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn replace() -> Put {
    Put { if_exists: IfExists::Replace, ..Put::default() }
}

async fn put(store: &Arc<dyn ObjectStore>, how: &Put) -> barkeep::error::Result<()> {
    store.put(&key("a"), Bytes::from_static(b"hello"), how).await
}

async fn read(store: &Arc<dyn ObjectStore>) -> barkeep::error::Result<Vec<u8>> {
    let body = store.get(&key("a"), None).await?.body;
    Ok(body.try_collect::<Vec<_>>().await?.concat())
}

async fn upload(store: &Arc<dyn ObjectStore>, parts: usize, how: &Put) -> barkeep::error::Result<()> {
    let mut upload = store.upload(&key("a"), how, NonZeroUsize::new(2).unwrap()).await?;
    for n in 0..parts {
        upload.part(Bytes::from(vec![u8::try_from(n).unwrap(); PIECE])).await?;
    }
    upload.finish().await
}

/// A recording service after every request that stores or reads an object.
async fn record(change: impl FnOnce(&mut Options), how: &Put) -> Vec<Seen> {
    let s3 = S3::start_recording().await;
    let mut options = s3.options();
    change(&mut options);
    let store = open(&options, ExclusivePut::Trusted, &patience()).await;
    put(&store, how).await.unwrap();
    upload(&store, 1, how).await.unwrap();
    store.head(&key("a")).await.unwrap();
    let _ = store.get(&key("a"), None).await;
    s3.seen()
}

/// The requests that create an object: PUT from memory, and the beginning of an upload.
fn creations(seen: &[Seen]) -> Vec<&Seen> {
    let creates = |seen: &&Seen| match seen.method {
        Method::PUT => !seen.uri.to_string().contains("partNumber"),
        Method::POST => seen.uri.to_string().contains("uploads"),
        _ => false,
    };
    seen.iter().filter(creates).collect()
}

#[tokio::test]
async fn the_service_is_told_how_to_encrypt_where_an_object_is_created() {
    let encryption = |to: Encryption| move |options: &mut Options| options.s3.encryption = Some(to);
    let seen = record(encryption(Encryption::Aes256), &replace()).await;
    assert_eq!(creations(&seen).len(), 2);
    for request in creations(&seen) {
        assert_eq!(request.header("x-amz-server-side-encryption"), "AES256");
    }
    for key_id in [None, Some("alias/wal".to_owned())] {
        let seen = record(encryption(Encryption::Kms { key_id: key_id.clone() }), &replace()).await;
        for request in creations(&seen) {
            assert_eq!(request.header("x-amz-server-side-encryption"), "aws:kms");
            let told = request.header("x-amz-server-side-encryption-aws-kms-key-id");
            assert_eq!(told, key_id.as_deref().unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn a_customers_key_goes_along_with_every_request_about_the_object() {
    let dir = tempfile::tempdir().unwrap();
    let text = STANDARD.encode([7; 32]);
    std::fs::write(dir.path().join("key"), &text).unwrap();
    let customer_key = CustomerKey::read(&format!("file://{}/key", dir.path().display())).unwrap();
    let encryption = Encryption::Customer(customer_key);
    let seen = record(|options| options.s3.encryption = Some(encryption), &replace()).await;
    assert_eq!(seen.len(), 6, "{seen:?}");
    for request in seen {
        assert_eq!(
            request.header("x-amz-server-side-encryption-customer-algorithm"),
            "AES256",
            "{request:?}"
        );
        assert_eq!(request.header("x-amz-server-side-encryption-customer-key"), text);
        assert!(!request.header("x-amz-server-side-encryption-customer-key-md5").is_empty());
    }
}

#[tokio::test]
async fn tags_and_metadata_go_along_with_the_object() {
    let tags = Tags(vec![("team".into(), "a&b".into()), ("env".into(), "x y".into())]);
    let metadata = BTreeMap::from([("sha256".to_owned(), "abc".to_owned())]);
    let seen = record(|_| {}, &Put { tags, metadata, ..replace() }).await;
    for request in creations(&seen) {
        assert_eq!(request.header("x-amz-tagging"), "team=a%26b&env=x+y");
        assert_eq!(request.header("x-amz-meta-sha256"), "abc");
    }
}

#[tokio::test]
async fn a_lock_goes_along_where_an_object_is_created_with_a_sum_of_every_body() {
    let until = "2027-01-01T00:00:00Z".parse().unwrap();
    let retain = Some(Retain { until, mode: RetainMode::Compliance });
    let seen = record(|_| {}, &Put { retain, ..replace() }).await;
    for request in creations(&seen) {
        assert_eq!(request.header("x-amz-object-lock-mode"), "COMPLIANCE");
        assert_eq!(request.header("x-amz-object-lock-retain-until-date"), "2027-01-01T00:00:00Z");
    }
    let puts: Vec<_> = seen.iter().filter(|seen| seen.method == Method::PUT).collect();
    assert!(puts.len() == 2 && puts.iter().all(|put| !put.header("content-md5").is_empty()), "{puts:?}");
    let seen = record(|_| {}, &replace()).await;
    assert!(seen.iter().all(|seen| seen.header("x-amz-object-lock-mode").is_empty()));
}

#[tokio::test]
async fn metadata_comes_back_from_head() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    let metadata = BTreeMap::from([("sha256".to_owned(), "abc".to_owned())]);
    put(&store, &Put { metadata: metadata.clone(), ..Put::default() }).await.unwrap();
    assert_eq!(store.head(&key("a")).await.unwrap().unwrap().metadata, metadata);
}

#[tokio::test]
async fn the_bucket_is_in_the_path_of_an_endpoint_that_is_given() {
    let seen = record(|_| {}, &replace()).await;
    assert_eq!(seen[0].uri.path(), "/walbkt/some/path/a");
    assert!(seen[0].header("host").starts_with("localhost:"));
}

#[tokio::test]
async fn checksums_are_sent_to_look_alikes_only_when_asked_for() {
    let newer = |seen: &[Seen]| {
        let names = seen.iter().flat_map(|seen| seen.headers.keys());
        names.filter(|name| name.as_str().contains("checksum") || *name == "x-amz-trailer").count()
    };
    let sent = |seen: &[Seen]| seen.iter().filter(|s| s.method == Method::PUT).cloned().collect::<Vec<_>>();
    assert_eq!(newer(&sent(&record(|_| {}, &replace()).await)), 0);
    let supported = |options: &mut Options| options.s3.checksums = Some(Checksums::WhenSupported);
    assert!(newer(&sent(&record(supported, &replace()).await)) >= 2);
}

#[tokio::test]
async fn a_batch_of_deletes_carries_its_md5() {
    let s3 = S3::start_recording().await;
    let store = s3.open().await;
    let keys: Vec<Key> = (0..1500).map(|n| key(&n.to_string())).collect();
    store.delete(&keys).await.unwrap();
    let seen = s3.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    for request in seen {
        assert_eq!(STANDARD.decode(request.header("content-md5")).unwrap().len(), 16);
        assert_eq!(request.header("x-amz-checksum-crc32"), "");
    }
}

#[tokio::test]
async fn where_batches_are_not_understood_objects_are_deleted_one_by_one() {
    for (status, code) in [(400, "MissingContentMD5"), (501, "NotImplemented"), (405, "MethodNotAllowed")] {
        let s3 = S3::start().await;
        let store = s3.open().await;
        for name in ["a", "b"] {
            store.put(&key(name), Bytes::new(), &Put::default()).await.unwrap();
        }
        s3.fault(Method::POST, 1, Fault::Answer(status, code));
        store.delete(&[key("a"), key("b")]).await.unwrap();
        assert_eq!(s3.count(&Method::DELETE), 2);
        assert_eq!(store.list(&Prefix::everything(), None).try_next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_exclusive_put_is_one_request_with_a_condition_where_the_service_is_trusted() {
    let s3 = S3::start().await;
    put(&s3.open().await, &Put::default()).await.unwrap();
    let seen = s3.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].header("if-none-match"), "*");
}

#[tokio::test]
async fn a_service_that_is_not_trusted_is_asked_first_and_given_the_condition_all_the_same() {
    let s3 = S3::start_conditional(Condition::Ignored).await;
    let store = open(&s3.options(), ExclusivePut::AskFirst, &patience()).await;
    put(&store, &Put::default()).await.unwrap();
    let methods: Vec<_> = s3.seen().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, [Method::HEAD, Method::PUT]);
    assert_eq!(s3.seen()[1].header("if-none-match"), "*");
    assert_eq!(put(&store, &Put::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    s3.forget();
    put(&store, &replace()).await.unwrap();
    assert_eq!((s3.seen().len(), s3.seen()[0].header("if-none-match")), (1, ""));
}

#[tokio::test]
async fn a_missing_object_costs_one_more_request_once_to_know_that_the_bucket_is_there() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    for _ in 0..3 {
        assert_eq!(store.head(&key("a")).await.unwrap(), None);
    }
    assert_eq!((s3.count(&Method::HEAD), s3.count(&Method::GET)), (3, 1));
    assert!(s3.seen()[1].uri.query().unwrap().contains("max-keys=1"));

    let forbidden = s3.open().await;
    s3.forget();
    s3.fault(Method::GET, 1, Fault::Answer(403, "AccessDenied"));
    assert_eq!(forbidden.head(&key("a")).await.unwrap(), None);
}

#[tokio::test]
async fn a_trusted_service_that_does_not_know_the_condition_is_not_written_to() {
    let s3 = S3::start_conditional(Condition::Unknown).await;
    let refused = put(&s3.open().await, &Put::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Usage, "{refused:?}");
    assert_eq!(s3.count(&Method::PUT), 1);
}

#[tokio::test]
async fn passing_trouble_is_tried_again() {
    let faults = [
        Fault::Answer(503, "SlowDown"),
        Fault::Answer(500, "InternalError"),
        Fault::Answer(409, "ConditionalRequestConflict"),
        Fault::Reset,
    ];
    for fault in faults {
        let s3 = S3::start().await;
        s3.fault(Method::PUT, 1, fault);
        put(&s3.open().await, &Put::default()).await.unwrap_or_else(|e| panic!("{fault:?}: {e:?}"));
        assert_eq!(s3.count(&Method::PUT), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_to_an_exclusive_put_may_come_out_as_conflict_but_the_object_is_there() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    s3.fault(Method::PUT, 1, Fault::LoseAnswer);
    assert_eq!(put(&store, &Put::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(read(&store).await.unwrap(), b"hello");
}

#[tokio::test]
async fn every_part_of_an_upload_is_tried_again_and_so_is_its_end() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    s3.fault(Method::PUT, 2, Fault::Answer(503, "SlowDown"));
    s3.fault(Method::PUT, 3, Fault::Reset);
    s3.fault(Method::POST, 2, Fault::Answer(500, "InternalError"));
    upload(&store, 3, &Put::default()).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), [vec![0; PIECE], vec![1; PIECE], vec![2; PIECE]].concat());
}

#[tokio::test]
async fn an_upload_whose_last_answer_was_lost_is_finished() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    s3.fault(Method::POST, 2, Fault::LoseAnswer);
    s3.fault(Method::POST, 3, Fault::Answer(404, "NoSuchUpload"));
    upload(&store, 1, &replace()).await.unwrap();
    assert_eq!(read(&store).await.unwrap().len(), PIECE);
}

#[tokio::test]
async fn an_upload_that_is_gone_without_its_object_is_not_finished() {
    let s3 = S3::start().await;
    let once = Patience { max_attempts: Some(2), ..patience() };
    let store = open(&s3.options(), ExclusivePut::Trusted, &once).await;
    store.put(&key("a"), Bytes::from_static(b"of another size"), &replace()).await.unwrap();
    s3.fault(Method::POST, 2, Fault::Answer(500, "InternalError"));
    s3.fault(Method::POST, 3, Fault::Answer(404, "NoSuchUpload"));
    let error = upload(&store, 1, &replace()).await.unwrap_err();
    assert!(error.to_string().contains("NoSuchUpload"), "{error}");
}

#[tokio::test]
async fn an_upload_that_cannot_be_finished_leaves_no_parts_behind() {
    let once = Patience { max_attempts: Some(1), ..patience() };
    let (last_part, the_end) = ((Method::PUT, 3), (Method::POST, 2));
    for (method, nth) in [last_part, the_end] {
        let s3 = S3::start().await;
        let store = open(&s3.options(), ExclusivePut::Trusted, &once).await;
        s3.fault(method, nth, Fault::Answer(403, "AccessDenied"));
        upload(&store, 3, &replace()).await.unwrap_err();
        assert_eq!(store.unfinished(&Prefix::everything()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_object_that_is_put_together_from_other_parts_is_not_taken_for_this_one() {
    let s3 = S3::start().await;
    let once = Patience { max_attempts: Some(2), ..patience() };
    let store = open(&s3.options(), ExclusivePut::Trusted, &once).await;
    upload(&store, 2, &replace()).await.unwrap();
    s3.forget();
    s3.fault(Method::POST, 2, Fault::Answer(500, "InternalError"));
    s3.fault(Method::POST, 3, Fault::Answer(404, "NoSuchUpload"));
    let mut whole = store.upload(&key("a"), &replace(), NonZeroUsize::new(2).unwrap()).await.unwrap();
    whole.part(Bytes::from(vec![1; 2 * PIECE])).await.unwrap();
    assert!(whole.finish().await.unwrap_err().to_string().contains("NoSuchUpload"));
}

#[tokio::test]
async fn a_service_may_take_six_times_as_long_to_put_an_object_together() {
    let hasty = Patience { grace: Duration::from_millis(500), max_attempts: Some(1), ..patience() };
    let s3 = S3::start().await;
    let store = open(&s3.options(), ExclusivePut::Trusted, &hasty).await;
    s3.fault(Method::POST, 2, Fault::Late(1500));
    upload(&store, 1, &replace()).await.unwrap();
    s3.forget();
    s3.fault(Method::POST, 2, Fault::Stall);
    let began = Instant::now();
    let error = upload(&store, 1, &replace()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(began.elapsed() > Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_upload_whose_end_was_not_waited_for_is_asked_about_once_more() {
    let retry_for = Duration::from_millis(500);
    let hasty = Patience { grace: Duration::from_millis(300), retry_for, ..patience() };
    let s3 = S3::start().await;
    let store = open(&s3.options(), ExclusivePut::Trusted, &hasty).await;
    // So long does nobody wait, but what was asked for has been done.
    s3.fault(Method::POST, 2, Fault::Late(60_000));
    upload(&store, 1, &replace()).await.unwrap();
    assert_eq!(s3.count(&Method::POST), 3);
    assert_eq!(read(&store).await.unwrap().len(), PIECE);
}

#[tokio::test]
async fn an_upload_that_may_replace_asks_for_nothing_first_and_sends_so_many_parts_at_once() {
    let s3 = S3::start().await;
    let store = open(&s3.options(), ExclusivePut::AskFirst, &patience()).await;
    upload(&store, 6, &replace()).await.unwrap();
    assert_eq!((s3.count(&Method::HEAD), s3.count(&Method::GET)), (0, 0));
    assert_eq!((s3.count(&Method::PUT), s3.count(&Method::POST)), (6, 2));
    assert!(s3.most_puts_at_once() <= 2, "{}", s3.most_puts_at_once());
}

#[tokio::test]
async fn a_part_waits_while_as_many_as_allowed_are_under_way() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    s3.fault(Method::PUT, 1, Fault::Late(2000));
    s3.fault(Method::PUT, 2, Fault::Late(2000));
    let mut upload = store.upload(&key("a"), &replace(), NonZeroUsize::new(2).unwrap()).await.unwrap();
    let began = Instant::now();
    for _ in 0..2 {
        upload.part(Bytes::from(vec![7; PIECE])).await.unwrap();
    }
    let two = began.elapsed();
    upload.part(Bytes::from(vec![7; PIECE])).await.unwrap();
    let three = began.elapsed();
    assert!(two < Duration::from_secs(2) && three >= Duration::from_secs(2), "{two:?} {three:?}");
    upload.finish().await.unwrap();
}

#[tokio::test]
async fn every_range_of_an_object_is_one_request() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    store.put(&key("a"), Bytes::from((0..=255).collect::<Vec<u8>>()), &replace()).await.unwrap();
    s3.forget();
    let ranges = (0..16_u64).map(|n| {
        let store = store.clone();
        async move {
            let body = store.get(&key("a"), Some(n * 16..(n + 1) * 16)).await.unwrap().body;
            body.try_collect::<Vec<_>>().await.unwrap().concat()
        }
    });
    let read = futures_util::future::join_all(ranges).await.concat();
    assert_eq!(read, (0..=255).collect::<Vec<u8>>());
    assert_eq!(s3.seen().len(), 16);
    assert!(s3.seen().iter().all(|seen| seen.method == Method::GET && !seen.header("range").is_empty()));
}

#[tokio::test]
async fn a_service_that_cannot_list_uploads_is_taken_to_keep_none() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    drop(store.upload(&key("a"), &replace(), NonZeroUsize::MIN).await.unwrap());
    s3.fault(Method::GET, 1, Fault::Answer(501, "NotImplemented"));
    assert_eq!(store.unfinished(&Prefix::everything()).await.unwrap(), []);
    assert_eq!(store.unfinished(&Prefix::everything()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn unfinished_uploads_are_listed_page_by_page_and_each_page_is_tried_again() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    for n in 0..5 {
        drop(store.upload(&key(&format!("a/{}", n / 3)), &replace(), NonZeroUsize::MIN).await.unwrap());
    }
    s3.fault(Method::GET, 2, Fault::Answer(503, "SlowDown"));
    let found = store.unfinished(&key("a").inside()).await.unwrap();
    let keys: Vec<_> = found.iter().map(|upload| upload.key.as_str()).collect();
    assert_eq!(keys, ["a/0", "a/0", "a/0", "a/1", "a/1"]);
    let age = |upload: &Unfinished| Timestamp::now().duration_since(upload.begun.unwrap()).as_secs();
    assert!(found.iter().all(|upload| (0..60).contains(&age(upload))), "{found:?}");
    assert_eq!(s3.count(&Method::GET), 4);
    s3.fault(Method::DELETE, 3, Fault::Answer(503, "SlowDown"));
    store.forget(&found).await.unwrap();
    assert_eq!(store.unfinished(&Prefix::everything()).await.unwrap(), []);
    store.forget(&found).await.unwrap();
}

#[tokio::test]
async fn unfinished_uploads_of_a_missing_bucket_are_a_matter_of_configuration() {
    let s3 = S3::start().await;
    s3.fault(Method::GET, 1, Fault::Answer(404, "NoSuchBucket"));
    let error = s3.open().await.unfinished(&Prefix::everything()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
}

#[tokio::test]
async fn every_page_of_folders_has_a_deadline_of_its_own() {
    let hasty = Patience { grace: Duration::from_secs(2), max_attempts: Some(1), ..patience() };
    let s3 = S3::start().await;
    for n in 0..1100 {
        std::fs::create_dir_all(s3.folder(&format!("some/path/{n:04}"))).unwrap();
        std::fs::write(s3.folder(&format!("some/path/{n:04}/x")), "x").unwrap();
    }
    s3.fault(Method::GET, 1, Fault::Late(1200));
    s3.fault(Method::GET, 2, Fault::Late(1200));
    let store = open(&s3.options(), ExclusivePut::Trusted, &hasty).await;
    assert_eq!(store.folders(None).await.unwrap().len(), 1100);
    assert_eq!(s3.count(&Method::GET), 2);
}

#[tokio::test]
async fn a_failure_that_comes_after_success_was_answered_is_what_it_says() {
    for (code, kind) in [("AccessDenied", ErrorKind::Denied), ("PreconditionFailed", ErrorKind::Conflict)] {
        let s3 = S3::start().await;
        s3.fault(Method::POST, 2, Fault::Answer(200, code));
        let error = upload(&s3.open().await, 1, &Put::default()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(code), "{error}");
    }
    let s3 = S3::start().await;
    s3.fault(Method::POST, 2, Fault::Answer(200, "InternalError"));
    upload(&s3.open().await, 1, &Put::default()).await.unwrap();
    assert_eq!(s3.count(&Method::POST), 3);
}

#[tokio::test]
async fn a_number_of_attempts_is_respected_and_told() {
    let s3 = S3::start().await;
    for n in 1..=9 {
        s3.fault(Method::PUT, n, Fault::Answer(503, "SlowDown"));
    }
    let limited = Patience { max_attempts: Some(3), ..patience() };
    let store = open(&s3.options(), ExclusivePut::Trusted, &limited).await;
    let error = put(&store, &Put::default()).await.unwrap_err();
    assert_eq!((error.kind(), s3.count(&Method::PUT)), (ErrorKind::Unavailable, 3));
    let text = error.to_string();
    for word in ["3 attempts", "put a into s3://walbkt/some/path/", "503 SlowDown", "request id REQ1"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up_in_time() {
    let s3 = S3::start().await;
    s3.fault(Method::PUT, 1, Fault::Stall);
    let hasty = Patience { grace: Duration::from_secs(2), retry_for: Duration::from_secs(30), ..patience() };
    put(&open(&s3.options(), ExclusivePut::Trusted, &hasty).await, &Put::default()).await.unwrap();
    assert!(s3.count(&Method::PUT) >= 2);
}

#[tokio::test]
async fn a_service_that_stops_reading_is_given_up_long_before_the_slowest_transfer_would_end() {
    const SEGMENT: usize = 16 << 20;
    let s3 = S3::start().await;
    s3.fault(Method::PUT, 1, Fault::Stall);
    let hasty = Patience { grace: Duration::from_secs(2), retry_for: Duration::from_secs(30), ..patience() };
    let store = open(&s3.options(), ExclusivePut::Trusted, &hasty).await;
    let began = Instant::now();
    store.put(&key("a"), Bytes::from(vec![7; SEGMENT]), &replace()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(s3.count(&Method::PUT) >= 2);
    for put in s3.seen() {
        assert_eq!(put.header("content-length"), SEGMENT.to_string());
        assert_eq!(put.header("transfer-encoding"), "");
        assert_eq!(put.header("x-amz-content-sha256").len(), 64);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_resumed_at_the_byte() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    put(&store, &Put::default()).await.unwrap();
    s3.fault(Method::GET, 1, Fault::Cut(2));
    assert_eq!(read(&store).await.unwrap(), b"hello");
    assert_eq!(s3.seen().last().unwrap().header("range"), "bytes=2-4");
}

#[tokio::test]
async fn a_body_that_only_drips_is_cut_off_and_resumed() {
    let s3 = S3::start().await;
    let hasty = Patience { grace: Duration::from_secs(2), retry_for: Duration::from_secs(30), ..patience() };
    let store = open(&s3.options(), ExclusivePut::Trusted, &hasty).await;
    let slow = Bytes::from_static(b"a byte a second takes half a minute");
    store.put(&key("a"), slow.clone(), &Put::default()).await.unwrap();
    s3.fault(Method::GET, 1, Fault::Drip);
    let began = Instant::now();
    assert_eq!(read(&store).await.unwrap(), slow);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(s3.count(&Method::GET) >= 2);
}

#[tokio::test]
async fn a_body_that_changes_between_two_pieces_is_not_patched_together() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    put(&store, &Put::default()).await.unwrap();
    s3.fault(Method::GET, 1, Fault::Cut(2));
    let object = store.get(&key("a"), None).await.unwrap();
    store.put(&key("a"), Bytes::from_static(b"HELLO"), &replace()).await.unwrap();
    let error = object.body.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("changed while being read"), "{error}");
}

#[tokio::test]
async fn a_list_goes_on_where_it_broke_off() {
    let s3 = S3::start().await;
    let store = s3.open().await;
    put(&store, &Put::default()).await.unwrap();
    s3.fault(Method::GET, 1, Fault::Answer(503, "SlowDown"));
    let listed: Vec<_> = store.list(&Prefix::everything(), None).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn refusals_are_told_with_what_to_do_and_without_secrets() {
    let s3 = S3::start().await;
    let mut options = s3.options();
    let wrong =
        AccessKeys { id: s3::ACCESS_KEY.into(), secret: "hunter2hunter2".into(), session_token: None };
    options.s3.keys = Some(wrong);
    assert!(!format!("{options:?}").contains("hunter2"));
    let error = put(&open(&options, ExclusivePut::Trusted, &patience()).await, &replace()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("SignatureDoesNotMatch"), "{error}");
    assert!(error.hint_text().unwrap().contains("AWS_SECRET_ACCESS_KEY"), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"));

    s3.fault(Method::PUT, 2, Fault::Answer(301, "PermanentRedirect"));
    let error = put(&s3.open().await, &replace()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hint_text().unwrap().contains("eu-test-1"), "{error:?}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_given_and_an_unknown_one_refused_clearly() {
    let s3 = S3::start_tls().await;
    put(&s3.open().await, &replace()).await.unwrap();
    assert_eq!(s3.seen()[0].header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    let mut options = s3.options();
    options.s3.ca_bundle = None;
    let error = put(&open(&options, ExclusivePut::Trusted, &patience()).await, &replace()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert!(error.hint_text().unwrap().contains("CA"), "{error:?}");
}

#[tokio::test]
async fn a_certificate_outside_of_its_dates_is_told_as_such() {
    for (from, to, word) in [(1990, 2000, "has expired"), (4000, 4096, "not valid yet")] {
        let s3 = S3::start_tls_between(from, to).await;
        let error = put(&s3.open().await, &replace()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        assert!(error.hint_text().unwrap().contains(word), "{error:?}");
    }
}

#[tokio::test]
async fn a_bundle_that_is_none_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for content in ["", "not a certificate", junk] {
        std::fs::write(&path, content).unwrap();
        let s3 = S3::start_recording().await;
        let mut options = s3.options();
        options.s3.ca_bundle = Some(path.clone());
        let location: Location = "s3://walbkt".parse().unwrap();
        let refused = location.open(&options, ExclusivePut::Trusted, &patience()).await.err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Usage, "{refused:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_as_such() {
    let mut options = S3::start().await.options();
    // A port that a test has just closed may be another one's by now.
    options.s3.endpoint = Some("http://127.0.0.1:9".to_owned());
    let once = Patience { max_attempts: Some(1), ..patience() };
    let error = put(&open(&options, ExclusivePut::Trusted, &once).await, &replace()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().to_lowercase().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn urls_name_the_buckets_and_keys_that_barman_cloud_gives_them() {
    let cases: Vec<BTreeMap<String, String>> =
        serde_json::from_str(include_str!("fixtures/s3_keys.json")).unwrap();
    for case in cases {
        let location: Location = case["url"].parse().unwrap();
        let expected = Location::S3 { bucket: case["bucket"].clone(), path: case["path"].clone() };
        assert_eq!(location, expected, "{}", case["url"]);
        if case["bucket"].starts_with("arn:") {
            continue;
        }
        let s3 = S3::start_recording().await;
        let store = location.open(&s3.options(), ExclusivePut::Trusted, &patience()).await.unwrap();
        let wal = key("srv/wals/0000000100000000/000000010000000000000001");
        store.put(&wal, Bytes::new(), &replace()).await.unwrap();
        assert_eq!(s3.seen()[0].uri.path(), format!("/{}/{}", case["bucket"], case["wal"]));
    }
}
