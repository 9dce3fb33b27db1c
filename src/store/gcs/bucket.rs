//! The bucket itself: made where it is missing.

use http::Method;
use serde_json::json;

use super::client::{Call, buckets};
use super::errors::{About, Class};
use super::{Error, GcsStore, Result, list};

/// Makes the bucket unless a list says that it is there. It becomes part of the project that the credentials
/// name; an emulator takes any.
pub(super) async fn make(store: &GcsStore) -> Result<bool> {
    match list::probe(store).await {
        Ok(()) => return Ok(false),
        Err(e) => match e.class {
            Some(Class::Denied) => return Ok(false),
            Some(Class::NoBucket) => {}
            _ => return Err(e.into()),
        },
    }
    let shared = &store.shared;
    let project = shared.client.project().ok_or_else(|| no_project(&shared.bucket))?;
    let call = Call::new(Method::POST, buckets(), About::Project, "storage.buckets.create")
        .query("project", project)
        .query("fields", "name")
        .body("application/json", vec![json!({"name": shared.bucket}).to_string().into()])?;
    match shared.client.send(&call).await {
        Ok(_) => Ok(true),
        // Somebody was faster. Whether the bucket is of any use to us, the next request tells.
        Err(e) if e.class == Some(Class::Taken) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

fn no_project(bucket: &str) -> Error {
    let told =
        format!("bucket {bucket} does not exist, and the credentials do not say which project is to have it");
    Error::usage(told).hint("create the bucket, or name the project with GOOGLE_CLOUD_QUOTA_PROJECT")
}
