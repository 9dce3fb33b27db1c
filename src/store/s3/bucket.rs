//! The bucket itself: made where it is missing.

use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::errors::{Class, class_of};
use super::{S3Store, Shared};
use crate::error::Result;

/// The one region that a bucket is in when nothing is said, and that must not be said.
const UNSAID: &str = "us-east-1";

/// Makes the bucket unless a list says that it is there, in the region that requests are signed for
/// (AWS documents it under `CreateBucket`).
pub(super) async fn make(store: &S3Store) -> Result<bool> {
    match store.list_one().await {
        Ok(_) => return Ok(false),
        Err(e) => match class_of(&e) {
            Some(Class::Denied) => return Ok(false),
            Some(Class::NoBucket | Class::Missing) => {}
            _ => return Err(store.explain_list(&e)),
        },
    }
    let Shared { client, bucket, .. } = &*store.shared;
    let region = client.config().region().map(AsRef::as_ref).filter(|region| *region != UNSAID);
    let place = region.map(|region| {
        let constraint = BucketLocationConstraint::from(region);
        CreateBucketConfiguration::builder().location_constraint(constraint).build()
    });
    let made = client.create_bucket().bucket(bucket).set_create_bucket_configuration(place);
    match made.send().await {
        Ok(_) => Ok(true),
        Err(e) if is_ours_already(&e) => Ok(false),
        Err(e) => Err(store.request("s3:CreateBucket").explain(&e)),
    }
}

/// Somebody of the same account was faster. A name that is another account's is refused otherwise.
fn is_ours_already(e: &SdkError<CreateBucketError, HttpResponse>) -> bool {
    e.code() == Some("BucketAlreadyOwnedByYou")
}
