//! The bucket itself: made where it is missing, and asked for what it can.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::{Call, bucket, buckets};
use super::errors::{About, Class};
use super::{Error, GcsStore, Locks, Result, list};

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

/// What a bucket tells of its locks.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    object_retention: Option<ObjectRetention>,
}

#[derive(Deserialize)]
struct ObjectRetention {
    mode: Option<String>,
}

/// Whether objects of the bucket can be locked one by one. Holds and a retention policy of the bucket need
/// nothing to be switched on.
pub(super) async fn locks(store: &GcsStore) -> Result<Locks> {
    let call = Call::new(Method::GET, bucket(&store.shared.bucket), About::Bucket, "storage.buckets.get");
    match store.shared.client.send(&call.query("fields", "objectRetention")).await {
        Ok(answer) => {
            let told: Told = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
            let mode = told.object_retention.and_then(|retention| retention.mode);
            Ok(if mode.as_deref() == Some("Enabled") { Locks::On } else { Locks::HeldOnly })
        }
        Err(e) if matches!(e.class, Some(Class::Denied | Class::NotImplemented)) => Ok(Locks::Untold),
        Err(e) => Err(e.into()),
    }
}
