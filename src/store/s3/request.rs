//! What goes along with requests: tags, metadata, and how the service is to encrypt.

use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::head_object::builders::HeadObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::operation::upload_part::builders::UploadPartFluentBuilder;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ObjectLockMode, ServerSideEncryption};
use jiff::Timestamp;
use url::form_urlencoded;

use super::options::{CustomerKey, Encryption};
use crate::store::{Put, RetainMode, Tags};

/// The only algorithm that S3 knows for a customer's key.
const AES256: &str = "AES256";

/// A customer's key as the three fields of a request. It is the same in six operations, whose
/// builders share no trait, hence a macro.
macro_rules! with_customer_key {
    ($builder:expr, $key:expr) => {{
        let key: Option<&CustomerKey> = $key;
        $builder
            .set_sse_customer_algorithm(key.map(|_| AES256.to_owned()))
            .set_sse_customer_key(key.map(CustomerKey::to_base64))
            .set_sse_customer_key_md5(key.map(CustomerKey::digest))
    }};
}

/// What only the request that creates an object says: tags, metadata, and the service's encryption.
macro_rules! with_everything {
    ($builder:expr, $how:expr, $encryption:expr) => {{
        let (how, encryption): (&Put, Option<&Encryption>) = ($how, $encryption);
        let metadata = how.metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let builder = $builder
            .set_tagging(tagging(&how.tags))
            .set_metadata((!how.metadata.is_empty()).then_some(metadata))
            .set_server_side_encryption(algorithm(encryption))
            .set_ssekms_key_id(kms_key(encryption))
            .set_object_lock_mode(how.retain.map(|retain| mode(retain.mode)))
            .set_object_lock_retain_until_date(how.retain.map(|retain| until(retain.until)));
        with_customer_key!(builder, customer_key(encryption))
    }};
}

pub(super) fn put(
    builder: PutObjectFluentBuilder,
    how: &Put,
    encryption: Option<&Encryption>,
) -> PutObjectFluentBuilder {
    with_everything!(builder, how, encryption)
}

pub(super) fn create(
    builder: CreateMultipartUploadFluentBuilder,
    how: &Put,
    encryption: Option<&Encryption>,
) -> CreateMultipartUploadFluentBuilder {
    with_everything!(builder, how, encryption)
}

pub(super) fn part(
    builder: UploadPartFluentBuilder,
    encryption: Option<&Encryption>,
) -> UploadPartFluentBuilder {
    with_customer_key!(builder, customer_key(encryption))
}

pub(super) fn complete(
    builder: CompleteMultipartUploadFluentBuilder,
    encryption: Option<&Encryption>,
) -> CompleteMultipartUploadFluentBuilder {
    with_customer_key!(builder, customer_key(encryption))
}

pub(super) fn get(
    builder: GetObjectFluentBuilder,
    encryption: Option<&Encryption>,
) -> GetObjectFluentBuilder {
    with_customer_key!(builder, customer_key(encryption))
}

pub(super) fn head(
    builder: HeadObjectFluentBuilder,
    encryption: Option<&Encryption>,
) -> HeadObjectFluentBuilder {
    with_customer_key!(builder, customer_key(encryption))
}

fn algorithm(encryption: Option<&Encryption>) -> Option<ServerSideEncryption> {
    match encryption? {
        Encryption::Aes256 => Some(ServerSideEncryption::Aes256),
        Encryption::Kms { .. } => Some(ServerSideEncryption::AwsKms),
        Encryption::Customer(_) => None,
    }
}

fn kms_key(encryption: Option<&Encryption>) -> Option<String> {
    match encryption? {
        Encryption::Kms { key_id } => key_id.clone(),
        Encryption::Aes256 | Encryption::Customer(_) => None,
    }
}

fn customer_key(encryption: Option<&Encryption>) -> Option<&CustomerKey> {
    match encryption? {
        Encryption::Customer(key) => Some(key),
        Encryption::Aes256 | Encryption::Kms { .. } => None,
    }
}

fn mode(mode: RetainMode) -> ObjectLockMode {
    match mode {
        RetainMode::Governance => ObjectLockMode::Governance,
        RetainMode::Compliance => ObjectLockMode::Compliance,
    }
}

fn until(until: Timestamp) -> DateTime {
    DateTime::from_secs(until.as_second())
}

fn tagging(tags: &Tags) -> Option<String> {
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&tags.0).finish();
    (!encoded.is_empty()).then_some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_encoded_like_a_form() {
        let tags = Tags(vec![("a b".into(), "c&d=e".into()), ("x".into(), String::new())]);
        assert_eq!(tagging(&tags).unwrap(), "a+b=c%26d%3De&x=");
        assert_eq!(tagging(&Tags::default()), None);
    }
}
