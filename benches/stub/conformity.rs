//! Is the stub S3 enough? The SDK that the commands use asks it everything they rely on, before
//! every run: figures from a server that misunderstands its clients would be worth nothing.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::{Endpoint, Transport};
use crate::Result;

const BUCKET: &str = "conformity";

/// Puts the stub to the proof.
pub(crate) fn prove(endpoint: &Endpoint) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        // Checksums ahead of a body and behind it arrive differently coded.
        for checksums in [RequestChecksumCalculation::WhenRequired, RequestChecksumCalculation::WhenSupported]
        {
            let client = client(endpoint, checksums)?;
            objects(&client).await?;
            listings(&client).await?;
            uploads(&client).await?;
        }
        Ok(())
    })
}

fn client(endpoint: &Endpoint, checksums: RequestChecksumCalculation) -> Result<Client> {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint.url())
        .force_path_style(true)
        .request_checksum_calculation(checksums)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .http_client(http_client(endpoint)?);
    Ok(Client::from_conf(config.build()))
}

fn http_client(endpoint: &Endpoint) -> Result<SharedHttpClient> {
    if endpoint.transport == Transport::Http {
        return Ok(Builder::new().build_http());
    }
    let trusted = TrustStore::empty().with_pem_certificate(fs_err::read(&endpoint.authority)?);
    let context = TlsContext::builder().with_trust_store(trusted).build()?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build_https())
}

async fn objects(client: &Client) -> Result<()> {
    let key = "wal/one object+1";
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let put = || client.put_object().bucket(BUCKET).key(key).body(ByteStream::from(content.clone()));
    put().metadata("sha256", "abc").if_none_match("*").send().await?;
    let again = put().if_none_match("*").send().await;
    let status = again.err().and_then(|error| error.raw_response().map(|raw| raw.status().as_u16()));
    expect(status == Some(412), "a conditional put over an object is refused")?;
    let head = client.head_object().bucket(BUCKET).key(key).send().await?;
    let noted = head.metadata().and_then(|metadata| metadata.get("sha256")).map(String::as_str);
    expect(
        noted == Some("abc") && head.content_length() == Some(3_000_000),
        "head tells metadata and length",
    )?;
    let whole = client.get_object().bucket(BUCKET).key(key).send().await?.body.collect().await?;
    expect(whole.into_bytes() == content, "get gives what was put")?;
    let range = client.get_object().bucket(BUCKET).key(key).range("bytes=999-2000999").send().await?;
    expect(range.body.collect().await?.into_bytes() == content[999..2_001_000], "a range is exact")?;
    client.delete_object().bucket(BUCKET).key(key).send().await?;
    let gone = client.get_object().bucket(BUCKET).key(key).send().await;
    expect(
        gone.is_err_and(|error| error.into_service_error().is_no_such_key()),
        "what was deleted is not there",
    )
}

async fn listings(client: &Client) -> Result<()> {
    let keys = ["list/a/1", "list/a/2", "list/b", "list/c&d", "list/e/1"];
    for key in keys {
        client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"x")).send().await?;
    }
    let mut pages =
        client.list_objects_v2().bucket(BUCKET).prefix("list/").max_keys(2).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(page?.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
    }
    expect(found == keys, "pages add up to the whole listing")?;
    let folders = client.list_objects_v2().bucket(BUCKET).prefix("list/").delimiter("/").send().await?;
    let names: Vec<_> = folders.common_prefixes().iter().filter_map(|folder| folder.prefix()).collect();
    expect(names == ["list/a/", "list/e/"] && folders.contents().len() == 2, "a delimiter makes folders")?;
    let after = client.list_objects_v2().bucket(BUCKET).prefix("list/").start_after("list/b").send().await?;
    expect(after.contents().len() == 2, "a listing starts after the key, not at it")?;
    let doomed = keys.map(|key| ObjectIdentifier::builder().key(key).build().expect("it has a key"));
    let doomed = Delete::builder().set_objects(Some(doomed.to_vec())).build()?;
    client.delete_objects().bucket(BUCKET).delete(doomed).send().await?;
    let left = client.list_objects_v2().bucket(BUCKET).prefix("list/").send().await?;
    expect(left.contents().is_empty(), "many objects are deleted at once")
}

async fn uploads(client: &Client) -> Result<()> {
    let begun = client.create_multipart_upload().bucket(BUCKET).key("parts").send().await?;
    let id = begun.upload_id().ok_or("an upload has an id")?;
    let known = || client.list_multipart_uploads().bucket(BUCKET).prefix("par").send();
    let named = known().await?.uploads().first().is_some_and(|upload| upload.upload_id() == Some(id));
    expect(named, "an upload under way is listed")?;
    let mut parts = CompletedMultipartUpload::builder();
    for number in 1..=3 {
        let part = client.upload_part().bucket(BUCKET).key("parts").upload_id(id).part_number(number);
        let sent = part.body(ByteStream::from(vec![b'p'; 100_000])).send().await?;
        parts = parts.parts(
            CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag().map(str::to_owned)).build(),
        );
    }
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("parts").upload_id(id);
    complete.multipart_upload(parts.build()).if_none_match("*").send().await?;
    let head = client.head_object().bucket(BUCKET).key("parts").send().await?;
    expect(head.content_length() == Some(300_000), "parts become one object")?;
    expect(known().await?.uploads().is_empty(), "a finished upload is not listed")?;
    client.delete_object().bucket(BUCKET).key("parts").send().await?;
    Ok(())
}

fn expect(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(format!("the stub does not conform: {what}").into()) }
}
