//! The container itself: made where it is missing.

use super::AzureStore;
use super::errors::{CREATE, Class, LIST, class_of};
use crate::error::Result;

/// Makes the container unless a list says that it is there. Properties of a container may be asked for with
/// fewer kinds of signatures than its list.
pub(super) async fn make(store: &AzureStore) -> Result<bool> {
    let client = &store.shared.client;
    match client.list(&[("prefix", store.root.as_str()), ("maxresults", "1")]).await {
        Ok(_) => return Ok(false),
        Err(e) => match class_of(&e) {
            Some(Class::Denied | Class::KeptOut) => return Ok(false),
            Some(Class::NoContainer) => {}
            _ => return Err(store.request(LIST).explain(e)),
        },
    }
    match client.create_container().await {
        Ok(_) => Ok(true),
        // Somebody else was faster.
        Err(e) if class_of(&e) == Some(Class::Taken) => Ok(false),
        Err(e) => Err(store.request(CREATE).explain(e)),
    }
}
