//! What a failed request means, and how to say it.
//!
//! The table is [`classify`]: status and code in, what can be done out. Codes are those of Microsoft's
//! "Common REST API error codes" and "Azure Blob Storage error codes". The text has the account, the
//! container, the status, the service's code and message and the request's id; never a query or a header
//! of ours, and not the service's `AuthenticationErrorDetail`, which may repeat a signature.

use azure_core::error::ErrorKind;
use azure_core::http::RawResponse;
use quick_xml::de::from_str;
use serde::Deserialize;

use super::Container;
use super::transport::unpack;
use crate::error::Error;
use crate::store::http::{explain_transport, first_words, reasons};

/// What can be done about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The object is not there.
    Missing,
    /// The container is not there.
    NoContainer,
    /// Blocks that were sent are not there: another upload to the name was finished meanwhile.
    NoBlocks,
    /// The name is taken.
    Taken,
    /// Blocks of the name whose ids have another length are there.
    OtherBlocks,
    /// Who asks may not do that.
    Denied,
    /// The account's network rules keep this machine out, or who asks.
    KeptOut,
    /// The clocks differ too much.
    Skewed,
    /// The signature has run out.
    Expired,
    /// A policy, a lease or the archive tier holds the object.
    Held,
    /// Something is not there, and it is not said to be the object.
    Elsewhere,
    /// The request is wrong, and will be the next time.
    Refused,
    /// It may work the next time.
    Passing,
}

/// What can be done about an answer with this status and this code of the service. Azure always gives a code
/// ("Status and error codes"), so a 404 without the right one is somebody else's, and proves no absence.
pub(super) fn classify(status: u16, code: Option<&str>) -> Class {
    by_code(code.unwrap_or_default()).unwrap_or_else(|| by_status(status, code.is_some()))
}

fn by_code(code: &str) -> Option<Class> {
    Some(match code {
        "BlobNotFound" => Class::Missing,
        "ContainerNotFound" | "ContainerBeingDeleted" | "ResourceNotFound" => Class::NoContainer,
        "InvalidBlockList" => Class::NoBlocks,
        "BlobAlreadyExists" | "ConditionNotMet" | "UnauthorizedBlobOverwrite" => Class::Taken,
        "InvalidBlobOrBlock" => Class::OtherBlocks,
        "AuthorizationFailure" | "AuthorizationSourceIPMismatch" => Class::KeptOut,
        "BlobImmutableDueToPolicy"
        | "BlobImmutableDueToLegalHold"
        | "BlobArchived"
        | "BlobBeingRehydrated"
        | "LeaseIdMissing"
        | "LeaseIdMismatchWithBlobOperation" => Class::Held,
        "ContainerDisabled" | "InvalidAuthenticationInfo" | "PublicAccessNotPermitted" => Class::Denied,
        "SnapshotsPresent" | "BlobOperationNotSupported" | "FeatureNotSupported" => Class::Refused,
        "ServerBusy" | "OperationTimedOut" | "InternalError" | "Md5Mismatch" | "Crc64Mismatch"
        | "RequestTimeout" | "IncompleteBody" => Class::Passing,
        _ => return None,
    })
}

fn by_status(status: u16, has_code: bool) -> Class {
    match status {
        401 | 403 => Class::Denied,
        404 => Class::Elsewhere,
        // Many a 409 with a code has nothing to do with the name, like a feature that an account lacks.
        409 | 412 if !has_code => Class::Taken,
        408 | 425 | 429 | 500.. => Class::Passing,
        _ => Class::Refused,
    }
}

/// What a request needs: letters of a shared access signature, and the least role that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permission {
    sas: &'static str,
    role: &'static str,
}

/// To read an object.
pub(super) const READ: Permission = Permission { sas: "r (Read)", role: "Storage Blob Data Reader" };
/// To list a container.
pub(super) const LIST: Permission = Permission { sas: "l (List)", role: "Storage Blob Data Reader" };
/// To store an object.
pub(super) const WRITE: Permission = Permission { sas: "w (Write)", role: "Storage Blob Data Contributor" };
/// To store an object with tags, which only the owner's role may set.
pub(super) const WRITE_TAGS: Permission =
    Permission { sas: "w (Write) and t (Tags)", role: "Storage Blob Data Owner" };
/// To store an object with a lock, which takes the owner's role as well ("Set Blob Immutability Policy").
pub(super) const WRITE_LOCK: Permission =
    Permission { sas: "w (Write) and i (Set Immutability Policy)", role: "Storage Blob Data Owner" };
/// To store an object with both.
pub(super) const WRITE_TAGS_AND_LOCK: Permission = Permission {
    sas: "w (Write), t (Tags) and i (Set Immutability Policy)",
    role: "Storage Blob Data Owner",
};
/// To make a container.
pub(super) const CREATE: Permission =
    Permission { sas: "c (Create), for the account", role: "Storage Blob Data Contributor" };
/// To delete an object.
pub(super) const DELETE: Permission = Permission { sas: "d (Delete)", role: "Storage Blob Data Contributor" };

/// A request, as far as messages and hints need to know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) container: &'a Container,
    /// Who signs in: `account key`, `managed identity`.
    pub(super) who: &'a str,
    /// What who signs in must be allowed to do.
    pub(super) permission: Permission,
}

/// The service's own words in the body of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Words {
    code: Option<String>,
    message: Option<String>,
    authentication_error_detail: Option<String>,
}

/// A refusal: what the service says.
struct Refusal {
    status: u16,
    code: Option<String>,
    words: Words,
    id: Option<String>,
}

/// The class of a failed request, if there was an answer to it.
pub(super) fn class_of(e: &azure_core::Error) -> Option<Class> {
    refusal(e).map(|refusal| refusal.class())
}

fn refusal(e: &azure_core::Error) -> Option<Refusal> {
    let ErrorKind::HttpResponse { status, raw_response, .. } = e.kind() else { return None };
    let (code, words, id) = raw_response.as_deref().map(told).unwrap_or_default();
    Some(Refusal { status: (*status).into(), code, words, id })
}

/// Code, words and request id. A header tells the code when there is no body, as with HEAD.
fn told(answer: &RawResponse) -> (Option<String>, Words, Option<String>) {
    let header = |name: &'static str| answer.headers().get_optional_str(&name.into()).map(str::to_owned);
    let body = String::from_utf8_lossy(answer.body().as_ref());
    let words: Words = from_str(body.trim_start_matches('\u{feff}')).unwrap_or_default();
    (header("x-ms-error-code").or_else(|| words.code.clone()), words, header("x-ms-request-id"))
}

impl Refusal {
    fn class(&self) -> Class {
        let class = classify(self.status, self.code.as_deref());
        // `AuthenticationFailed` has many reasons, which only this text tells apart.
        let detail = self.words.authentication_error_detail.as_deref().unwrap_or_default();
        match class {
            Class::Denied if detail.starts_with("Request date header") => Class::Skewed,
            Class::Denied if detail.starts_with("Signature not valid in the specified time frame") => {
                Class::Expired
            }
            class => class,
        }
    }

    fn text(&self) -> String {
        let mut text = self.status.to_string();
        let message = self.words.message.as_deref().map(first_words);
        for word in self.code.as_deref().into_iter().chain(message).filter(|word| !word.is_empty()) {
            text = format!("{text} {word}");
        }
        match &self.id {
            Some(id) => format!("{text} (request id {})", first_words(id)),
            None => text,
        }
    }
}

impl Request<'_> {
    /// The error of the house for a failed request.
    pub(super) fn explain(&self, e: azure_core::Error) -> Error {
        if let Some(refusal) = refusal(&e) {
            return self.error(refusal.class(), &refusal.text());
        }
        match unpack(e) {
            Ok(ours) => ours,
            Err(theirs) => {
                let told = format!("{}: {}", self.place(), reasons(&theirs));
                match theirs.kind() {
                    ErrorKind::Credential => Error::denied(told),
                    ErrorKind::DataConversion => Error::corrupt(told),
                    _ => explain_transport(told),
                }
            }
        }
    }

    fn error(&self, class: Class, told: &str) -> Error {
        let Container { service, account, name } = self.container;
        let text = format!("{}: {told}", self.place());
        match class {
            Class::Missing => Error::not_found(text),
            Class::NoContainer => Error::usage(format!(
                "container {name} does not exist in account {account} at {service}: {told}"
            ))
            .hint("check the container's name and the account, or create the container"),
            Class::Taken => Error::conflict(text),
            Class::NoBlocks => {
                Error::conflict(text).hint("another upload to the same name has been finished meanwhile")
            }
            Class::OtherBlocks => Error::conflict(text).hint(
                "another program has begun to upload to the same name; Azure forgets what it sent after a week",
            ),
            Class::Denied => Error::denied(text).hint(self.what_is_missing()),
            Class::KeptOut => Error::denied(text).hint(format!(
                "check that the account's network rules let this machine in; else {}",
                self.what_is_missing()
            )),
            Class::Skewed => Error::denied(text).hint("set this machine's clock"),
            Class::Expired => Error::denied(text)
                .hint("the shared access signature has run out or is not valid yet: make a new one"),
            Class::Held => Error::denied(text)
                .hint("an immutability policy, a legal hold, a lease or the archive tier holds the object"),
            Class::Elsewhere => Error::usage(text)
                .hint("check the endpoint: Azure would say whether the container or the object is missing"),
            Class::Refused => Error::usage(text),
            Class::Passing => Error::unavailable(text),
        }
    }

    fn what_is_missing(&self) -> String {
        let Self { container, who, permission: Permission { sas, role } } = self;
        let name = &container.name;
        format!(
            "check the credentials and that they allow it, as {sas} of a shared access signature or as the role \
             {role} on container {name}; signed in by {who}"
        )
    }

    fn place(&self) -> String {
        format!("container {} of account {}", self.container.name, self.container.account)
    }
}

#[cfg(test)]
mod tests {
    use azure_core::http::headers::Headers;

    use super::*;
    use crate::error::ErrorKind as Kind;

    fn container() -> Container {
        Container { service: "https://acct.example".into(), account: "acct".into(), name: "wal".into() }
    }

    /// Status, code, class, and the kind it becomes.
    const TABLE: &[(u16, Option<&str>, Class, Kind)] = &[
        (404, Some("BlobNotFound"), Class::Missing, Kind::NotFound),
        (404, None, Class::Elsewhere, Kind::Usage),
        (404, Some("WebContentNotFound"), Class::Elsewhere, Kind::Usage),
        (404, Some("ContainerNotFound"), Class::NoContainer, Kind::Usage),
        (404, Some("ResourceNotFound"), Class::NoContainer, Kind::Usage),
        (409, Some("ContainerBeingDeleted"), Class::NoContainer, Kind::Usage),
        (409, Some("BlobAlreadyExists"), Class::Taken, Kind::Conflict),
        (412, Some("ConditionNotMet"), Class::Taken, Kind::Conflict),
        (403, Some("UnauthorizedBlobOverwrite"), Class::Taken, Kind::Conflict),
        (409, None, Class::Taken, Kind::Conflict),
        (409, Some("FeatureNotYetSupportedForHierarchicalNamespaceAccounts"), Class::Refused, Kind::Usage),
        (409, Some("InvalidBlobType"), Class::Refused, Kind::Usage),
        (409, Some("PublicAccessNotPermitted"), Class::Denied, Kind::Denied),
        (400, Some("InvalidAuthenticationInfo"), Class::Denied, Kind::Denied),
        (400, Some("InvalidBlockList"), Class::NoBlocks, Kind::Conflict),
        (400, Some("InvalidBlobOrBlock"), Class::OtherBlocks, Kind::Conflict),
        (401, Some("NoAuthenticationInformation"), Class::Denied, Kind::Denied),
        (403, Some("AuthenticationFailed"), Class::Denied, Kind::Denied),
        (403, Some("AuthorizationPermissionMismatch"), Class::Denied, Kind::Denied),
        (403, Some("InsufficientAccountPermissions"), Class::Denied, Kind::Denied),
        (403, Some("AuthorizationFailure"), Class::KeptOut, Kind::Denied),
        (403, None, Class::Denied, Kind::Denied),
        (409, Some("BlobImmutableDueToPolicy"), Class::Held, Kind::Denied),
        (409, Some("BlobArchived"), Class::Held, Kind::Denied),
        (412, Some("LeaseIdMissing"), Class::Held, Kind::Denied),
        (409, Some("SnapshotsPresent"), Class::Refused, Kind::Usage),
        (416, Some("InvalidRange"), Class::Refused, Kind::Usage),
        (400, Some("InvalidHeaderValue"), Class::Refused, Kind::Usage),
        (307, None, Class::Refused, Kind::Usage),
        (400, Some("Md5Mismatch"), Class::Passing, Kind::Unavailable),
        (429, None, Class::Passing, Kind::Unavailable),
        (500, Some("InternalError"), Class::Passing, Kind::Unavailable),
        (500, Some("OperationTimedOut"), Class::Passing, Kind::Unavailable),
        (503, Some("ServerBusy"), Class::Passing, Kind::Unavailable),
        (502, None, Class::Passing, Kind::Unavailable),
    ];

    #[test]
    fn every_answer_has_a_class_and_a_kind() {
        let container = container();
        let request = Request { container: &container, who: "account key", permission: WRITE };
        for &(status, code, class, kind) in TABLE {
            assert_eq!(classify(status, code), class, "{status} {code:?}");
            assert_eq!(request.error(class, "").kind(), kind, "{status} {code:?}");
        }
    }

    /// A refusal with this code and this body.
    fn refused(status: u16, code: Option<&'static str>, body: &str) -> azure_core::Error {
        let mut headers = Headers::new();
        headers.insert("x-ms-request-id", "ID1");
        if let Some(code) = code {
            headers.insert("x-ms-error-code", code);
        }
        let raw = RawResponse::from_bytes(status.into(), headers, body.to_owned());
        let kind = ErrorKind::HttpResponse {
            status: status.into(),
            error_code: None,
            raw_response: Some(Box::new(raw)),
        };
        azure_core::Error::with_message(kind, "sig=hunter2")
    }

    fn explain(e: azure_core::Error, permission: Permission) -> String {
        let container = container();
        format!("{:?}", Request { container: &container, who: "account key", permission }.explain(e))
    }

    #[test]
    fn refusals_are_told_with_what_is_missing_and_without_signatures() {
        let body = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthorizationPermissionMismatch\
            </Code><Message>This request is not authorized to perform this operation using this permission.\n\
            RequestId:ID1\nTime:2026-11-21T09:12:45Z</Message></Error>";
        insta::assert_snapshot!(explain(refused(403, None, body), WRITE_TAGS), @"denied: container wal of account acct: 403 AuthorizationPermissionMismatch This request is not authorized to perform this operation using this permission (request id ID1) (hint: check the credentials and that they allow it, as w (Write) and t (Tags) of a shared access signature or as the role Storage Blob Data Owner on container wal; signed in by account key)");
        let body = "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\
            </Message><AuthenticationErrorDetail>The MAC signature found in the HTTP request 'hunter2' is not the \
            same as any computed signature</AuthenticationErrorDetail></Error>";
        insta::assert_snapshot!(explain(refused(403, None, body), READ), @"denied: container wal of account acct: 403 AuthenticationFailed Server failed to authenticate the request (request id ID1) (hint: check the credentials and that they allow it, as r (Read) of a shared access signature or as the role Storage Blob Data Reader on container wal; signed in by account key)");
        insta::assert_snapshot!(explain(refused(404, Some("ContainerNotFound"), ""), READ), @"usage: container wal does not exist in account acct at https://acct.example: 404 ContainerNotFound (request id ID1) (hint: check the container's name and the account, or create the container)");
        insta::assert_snapshot!(explain(refused(503, Some("ServerBusy"), "<html>"), READ), @"unavailable: container wal of account acct: 503 ServerBusy (request id ID1)");
    }

    #[test]
    fn a_clock_that_is_wrong_is_told_from_a_signature_that_has_run_out() {
        for (detail, word) in [
            ("Request date header too old: 'Sat, 21 Nov 2026 09:12:45 GMT'", "set this machine's clock"),
            ("Signature not valid in the specified time frame: Start [x] - Expiry [y]", "has run out"),
        ] {
            let body = format!(
                "<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>{detail}\
                 </AuthenticationErrorDetail></Error>"
            );
            let told = explain(refused(403, None, &body), READ);
            assert!(told.contains(word) && told.starts_with("denied"), "{told}");
        }
    }
}
