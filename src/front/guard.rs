//! Panics become errors, so that a bug of ours, too, ends with a message and a status that PostgreSQL
//! reads the right way.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Where and why the last panic was, told by the hook and picked up by [`catch`].
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`; a panic in it is an error of kind `Bug`.
pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let why = info.payload_as_str().unwrap_or("no reason given");
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("panic at {place}: {why}"));
    }));
    // What `work` leaves behind is only read to print and to exit.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let _ = panic::take_hook();
    result.unwrap_or_else(|_| {
        let text = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(Error::bug(text.unwrap_or_else(|| "panic".to_owned()))
            .hint("this is a bug of barkeep's; please report it with this message"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_panic_is_an_error_that_says_where_and_why() {
        let e = catch::<()>(|| panic!("the shelf is empty")).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Bug);
        let text = e.to_string();
        assert!(text.contains("guard.rs") && text.contains("the shelf is empty"), "{text}");
        assert_eq!(catch(|| Ok(7)).unwrap(), 7);
    }
}
