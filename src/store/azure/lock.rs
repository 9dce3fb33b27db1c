//! Locks: immutability policies and legal holds of versions ("Immutable storage for blob data").
//!
//! A policy of the whole container is told of no object; what it holds is refused when it is deleted.

use azure_core::http::headers::Headers;
use azure_core::time::{OffsetDateTime, parse_rfc3339};
use azure_storage_blob::models::ImmutabilityPolicyMode;
use jiff::Timestamp;

use super::errors::{Class, LIST, class_of};
use super::{AzureStore, names};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Lock, Locks, Put, RetainMode};

/// What the headers of an object tell. A legal hold has no end, so it counts before what has one.
pub(super) fn of(headers: &Headers) -> Option<Lock> {
    let text = |name: &'static str| headers.get_optional_str(&name.into());
    if text("x-ms-legal-hold").is_some_and(|held| held.eq_ignore_ascii_case("true")) {
        return Some(Lock::Hold);
    }
    text("x-ms-immutability-policy-until-date").and_then(names::time).map(Lock::Until)
}

/// Until when an object is to be locked.
pub(super) fn until(how: &Put) -> azure_core::Result<Option<OffsetDateTime>> {
    let until = how.retain.and_then(|retain| Timestamp::from_second(retain.until.as_second()).ok());
    until.map(|until| parse_rfc3339(&until.to_string())).transpose()
}

/// Who may lift its lock.
pub(super) fn mode(how: &Put) -> Option<ImmutabilityPolicyMode> {
    how.retain.map(|retain| match retain.mode {
        RetainMode::Governance => ImmutabilityPolicyMode::Unlocked,
        RetainMode::Compliance => ImmutabilityPolicyMode::Locked,
    })
}

/// Whether versions in the container can be locked.
pub(super) async fn locks(store: &AzureStore) -> Result<Locks> {
    match store.shared.client.container_properties().await {
        Ok(found) => {
            let told = |name: &'static str| {
                found.get_optional_str(&name.into()).map(|value| value.eq_ignore_ascii_case("true"))
            };
            Ok(match told("x-ms-immutable-storage-with-versioning-enabled") {
                Some(true) => Locks::On,
                // A policy of the container itself holds its objects too.
                Some(false) if told("x-ms-has-immutability-policy") == Some(true) => Locks::HeldOnly,
                Some(false) if told("x-ms-has-legal-hold") == Some(true) => Locks::HeldOnly,
                Some(false) => Locks::Off,
                None => Locks::Untold,
            })
        }
        // Signatures of a container do not reach its properties.
        Err(e) => match class_of(&e) {
            Some(Class::Denied | Class::KeptOut | Class::Refused) => Ok(Locks::Untold),
            _ => Err(store.request(LIST).explain(e)),
        },
    }
}

/// A container without immutability of versions refuses what is to be locked.
pub(super) fn explain(e: Error, how: &Put) -> Error {
    match e.kind() {
        ErrorKind::Usage | ErrorKind::Conflict if how.retain.is_some() => e.hint(
            "the object was to be locked, which takes version-level immutability of the container: see with \
             `barkeep check`, or leave out --lock-until",
        ),
        _ => e,
    }
}
