//! PostgreSQL's refusals in our own form.

use tokio_postgres::error::SqlState;

use crate::error::{Error, ErrorKind};

/// What PostgreSQL said, with its SQLSTATE; kind `Server`, or `Denied` when a right is missing.
pub(super) fn refusal(e: &tokio_postgres::Error) -> Error {
    let Some(db) = e.as_db_error() else {
        // The outer text is a category, and what happened is in its sources.
        let mut text = e.to_string();
        let mut source = std::error::Error::source(e);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        return Error::new(ErrorKind::Server, text);
    };
    let kind =
        if *db.code() == SqlState::INSUFFICIENT_PRIVILEGE { ErrorKind::Denied } else { ErrorKind::Server };
    let detail = db.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let message = format!("PostgreSQL says: {}{detail} (SQLSTATE {})", db.message(), db.code().code());
    let error = Error::new(kind, message.replace('\n', " "));
    match db.hint() {
        Some(hint) => error.hint(hint.replace('\n', " ")),
        None => error,
    }
}

/// Whether a server that was asked in the clear might be content with TLS, or the other way round.
pub(super) fn may_want_the_other_way(e: &tokio_postgres::Error) -> bool {
    match e.code() {
        Some(code) => *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        None => e.to_string().starts_with("error performing TLS handshake"),
    }
}
