//! Locks: what the service tells of them.
//!
//! Whoever lacks `s3:GetObjectRetention` and `s3:GetObjectLegalHold` is told of none (AWS, `HeadObject`).

use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object_lock_configuration::GetObjectLockConfigurationError;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ObjectLockEnabled, ObjectLockLegalHoldStatus};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::errors::{Class, class_of};
use super::{S3Store, timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Lock, Locks, Put};

/// A legal hold has no end, so it counts before what has one.
pub(super) fn of(found: &HeadObjectOutput) -> Option<Lock> {
    let held = found.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On);
    let until = || timestamp(found.object_lock_retain_until_date()).map(Lock::Until);
    if held { Some(Lock::Hold) } else { until() }
}

/// Whether the bucket has object lock.
pub(super) async fn locks(store: &S3Store) -> Result<Locks> {
    let shared = &*store.shared;
    match shared.client.get_object_lock_configuration().bucket(&shared.bucket).send().await {
        Ok(found) => {
            let enabled = found.object_lock_configuration().and_then(|all| all.object_lock_enabled());
            Ok(if enabled == Some(&ObjectLockEnabled::Enabled) { Locks::On } else { Locks::Off })
        }
        Err(e) => match class_of(&e) {
            _ if is_unset(&e) => Ok(Locks::Off),
            // Not every look-alike knows the question, and not everybody may ask it.
            Some(Class::NotImplemented) => Ok(Locks::Off),
            Some(Class::Denied | Class::Refused | Class::Missing) => Ok(Locks::Untold),
            _ => Err(store.request("s3:GetBucketObjectLockConfiguration").explain(&e)),
        },
    }
}

/// What a bucket without object lock answers.
fn is_unset(e: &SdkError<GetObjectLockConfigurationError, HttpResponse>) -> bool {
    e.code() == Some("ObjectLockConfigurationNotFoundError")
}

/// A bucket without object lock refuses what is to be locked, and those who may not lock are refused it.
pub(super) fn explain(e: Error, how: &Put) -> Error {
    match e.kind() {
        ErrorKind::Usage if how.retain.is_some() => e.hint(
            "the object was to be locked: see with `barkeep check` whether the bucket has object lock, or leave \
             out --lock-until",
        ),
        ErrorKind::Denied if how.retain.is_some() => e.with_hint(|hint| {
            Some(format!("{hint}; the object was to be locked, which takes s3:PutObjectRetention as well"))
        }),
        _ => e,
    }
}
