//! What a failed request means, and how to say it.
//!
//! The table is [`classify`]: status and reason in, what can be done out. The JSON interface gives a reason
//! in camel case, the XML interface a code, and neither a body where a proxy or an emulator answers. The
//! text has the bucket, the status, the reason, the service's first words and the request's id; headers and
//! addresses never get in, since a token is in the one and a session may be in the other.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::error::Error;
use crate::store::http::first_words;

/// What can be done about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The object is not there, or the bucket is not.
    Missing,
    /// The object is not there, and the bucket is.
    NoObject,
    /// The bucket is not there.
    NoBucket,
    /// The upload is not there: finished, aborted, or forgotten.
    NoUpload,
    /// The key is taken.
    Taken,
    /// This account may not do that.
    Denied,
    /// The object may not be changed or deleted yet.
    Held,
    /// The project or its billing is switched off.
    Disabled,
    /// The encryption key cannot be used.
    Kms,
    /// The bucket wants to know who pays.
    Payer,
    /// The service does not know how to do that.
    NotImplemented,
    /// The request is wrong, and will be the next time.
    Refused,
    /// What came is not what was sent.
    Damaged,
    /// It may work the next time.
    Passing,
}

/// What a request is about, as far as that tells what can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// An object that may or may not be there.
    Object,
    /// The bucket: a list, or an object that is to be.
    Bucket,
    /// An upload that was begun.
    Upload,
    /// The project that a new bucket is to belong to.
    Project,
}

/// What the service says of a request that it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    /// The JSON interface's reason or the XML interface's code.
    pub(super) reason: Option<String>,
    /// Its words.
    pub(super) message: String,
}

/// What can be done about an answer with this status to a request about this.
pub(super) fn classify(status: u16, said: &Said, about: About) -> Class {
    by_words(&said.message)
        .or_else(|| by_reason(said.reason.as_deref().unwrap_or_default()))
        .unwrap_or_else(|| by_status(status, about))
}

/// Where the reason leaves open what the words tell.
fn by_words(message: &str) -> Option<Class> {
    let says = |words: &str| message.contains(words);
    Some(match () {
        () if says("bucket does not exist") => Class::NoBucket,
        () if says("No such object") => Class::NoObject,
        () if says("requester pays bucket but no user project") => Class::Payer,
        // The sum that went along is another than that of what came.
        () if says("doesn't match calculated") => Class::Damaged,
        // What is kept is often refused with the reason of who lacks a right, `forbidden`.
        () if says("cannot be deleted, overwritten or archived until") => Class::Held,
        () => return None,
    })
}

/// Reasons as listed under "HTTP status and error codes" of the JSON and of the XML interface.
fn by_reason(reason: &str) -> Option<Class> {
    Some(match reason {
        "NoSuchKey" => Class::NoObject,
        "NoSuchBucket" => Class::NoBucket,
        "NoSuchUpload" | "gone" => Class::NoUpload,
        // A list of parts that is not the one that was made up here was damaged on its way.
        "BadDigest" | "InvalidPart" | "InvalidPartOrder" => Class::Damaged,
        "conditionNotMet" | "PreconditionFailed" => Class::Taken,
        "retentionPolicyNotMet"
        | "objectUnderActiveHold"
        | "RetentionPolicyNotMet"
        | "ObjectUnderActiveHold" => Class::Held,
        "accountDisabled"
        | "accessNotConfigured"
        | "billingNotEnabled"
        | "AccountProblem"
        | "UserAccountDisabled" => Class::Disabled,
        "userProjectMissing" | "UserProjectMissing" => Class::Payer,
        "rateLimitExceeded"
        | "userRateLimitExceeded"
        | "quotaExceeded"
        | "dailyLimitExceeded"
        | "cloudKmsQuotaExceeded"
        | "backendError"
        | "internalError"
        | "IncompleteBody"
        | "InternalError"
        | "OperationAborted"
        | "RequestTimeout"
        | "ServiceUnavailable"
        | "SlowDown" => Class::Passing,
        "authError"
        | "required"
        | "expired"
        | "forbidden"
        | "insufficientPermissions"
        | "userProjectAccountProblem"
        | "AccessDenied"
        | "AuthenticationRequired"
        | "ExpiredToken"
        | "InvalidSecurity"
        | "MissingSecurityHeader"
        | "UserProjectAccountProblem" => Class::Denied,
        "notImplemented" | "NotImplemented" => Class::NotImplemented,
        _ if reason.to_ascii_lowercase().contains("kms") => Class::Kms,
        _ => return None,
    })
}

fn by_status(status: u16, about: About) -> Class {
    match (status, about) {
        (401 | 403, _) => Class::Denied,
        // 499 is what a session answers that was given up.
        (404 | 410 | 499, About::Upload) => Class::NoUpload,
        (404, About::Bucket) => Class::NoBucket,
        (404, About::Object) => Class::Missing,
        (409, About::Project) | (412, _) => Class::Taken,
        (501, _) => Class::NotImplemented,
        (408 | 409 | 425 | 429 | 500.., _) => Class::Passing,
        _ => Class::Refused,
    }
}

/// What a service says in the body of an answer: JSON, XML, or plain words.
pub(super) fn read(body: &[u8]) -> Said {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let read = match text.bytes().next() {
        Some(b'{') => serde_json::from_str(text).ok().map(|JsonError { error }| Said {
            reason: error.errors.into_iter().find_map(|one| one.reason),
            message: error.message,
        }),
        Some(b'<') => quick_xml::de::from_str(text).ok().map(|XmlError { code, message, details }| Said {
            reason: Some(code),
            message: details.unwrap_or(message),
        }),
        _ => None,
    };
    read.unwrap_or_else(|| Said { reason: None, message: text.to_owned() })
}

#[derive(Deserialize)]
struct JsonError {
    error: JsonErrorBody,
}

#[derive(Deserialize)]
struct JsonErrorBody {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<JsonErrorItem>,
}

#[derive(Deserialize)]
struct JsonErrorItem {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename = "Error")]
struct XmlError {
    #[serde(rename = "Code")]
    code: String,
    #[serde(rename = "Message", default)]
    message: String,
    /// What the message leaves out: who lacks which permission.
    #[serde(rename = "Details")]
    details: Option<String>,
}

/// Where requests go and who makes them, as far as messages and hints need to know it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The bucket.
    pub(super) bucket: String,
    /// The service.
    pub(super) service: String,
    /// Who signs in.
    pub(super) who: String,
    /// The key that is to encrypt.
    pub(super) kms_key: Option<String>,
}

/// Why a request did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What can be done about it; `None` when there was no answer.
    pub(super) class: Option<Class>,
    error: Error,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// There was no answer.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { class: None, error }
    }
}

impl Failure {
    /// A refusal. `permission` is what the account must be allowed to do. The id of an upload's request may
    /// be that of its session, which is all that is needed to write to it: then `headers` must be empty.
    pub(super) fn refused(
        place: &Place,
        permission: &str,
        about: About,
        (status, headers): (StatusCode, &HeaderMap),
        body: &[u8],
    ) -> Self {
        let said = read(body);
        let class = classify(status.as_u16(), &said, about);
        let told = place.tell(status, &said, headers);
        let permission = named_permission(&said.message).unwrap_or(permission);
        Self { class: Some(class), error: place.error(class, told, permission) }
    }
}

impl Place {
    fn error(&self, class: Class, told: String, permission: &str) -> Error {
        let Self { bucket, service, who, kms_key } = self;
        match class {
            Class::Missing | Class::NoObject => Error::not_found(told),
            Class::NoBucket => Error::usage(format!("bucket {bucket} does not exist at {service}: {told}"))
                .hint("check the bucket's name and the endpoint, or create the bucket"),
            Class::Taken => Error::conflict(told),
            Class::Denied => Error::denied(told)
                .hint(format!("check the credentials, and that {who} has {permission} on bucket {bucket}")),
            Class::Held => Error::denied(told)
                .hint(format!("a retention policy or a hold of bucket {bucket} keeps the object for now")),
            Class::Disabled => {
                Error::denied(told).hint(format!("check the project of bucket {bucket} and its billing"))
            }
            Class::Kms => {
                let key = kms_key.as_deref().unwrap_or("the bucket's default key");
                Error::denied(format!("{told}; encrypting with {key}")).hint(
                    "check that the key exists, is enabled, is in the bucket's location, and that the \
                     project's storage service account may use it",
                )
            }
            Class::Payer => Error::usage(told).hint(
                "the bucket lets the requester pay: give the credentials a quota project \
                 (quota_project_id, or GOOGLE_CLOUD_QUOTA_PROJECT)",
            ),
            Class::NotImplemented | Class::Refused => Error::usage(told),
            Class::NoUpload | Class::Damaged | Class::Passing => Error::unavailable(told),
        }
    }

    fn tell(&self, status: StatusCode, said: &Said, headers: &HeaderMap) -> String {
        let mut text = format!("bucket {} at {}: {}", self.bucket, self.service, status.as_u16());
        let words = [said.reason.as_deref().map(first_words), Some(first_words(&said.message))];
        for word in words.into_iter().flatten().filter(|word| !word.is_empty()) {
            text = format!("{text} {word}");
        }
        match headers.get("x-guploader-uploadid").and_then(|id| id.to_str().ok()) {
            Some(id) => format!("{text} (request id {})", first_words(id)),
            None => text,
        }
    }
}

/// The permission that the service itself says is missing: a word like `storage.objects.create`.
fn named_permission(message: &str) -> Option<&str> {
    let words = message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    let mut words = words.map(|word| word.trim_end_matches('.'));
    words.find(|word| {
        let mut names = word.split('.');
        let kind = (names.next(), names.next());
        let known = ["objects", "buckets", "multipartUploads"];
        kind.0 == Some("storage") && kind.1.is_some_and(|kind| known.contains(&kind)) && names.count() == 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn place() -> Place {
        Place {
            bucket: "walbkt".to_owned(),
            service: "https://storage.googleapis.com".to_owned(),
            who: "barkeep@project.iam.gserviceaccount.com".to_owned(),
            kms_key: Some("projects/p/locations/l/keyRings/r/cryptoKeys/k".to_owned()),
        }
    }

    fn said(reason: &str, message: &str) -> Said {
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        Said { reason, message: message.to_owned() }
    }

    /// Status, reason, words, what it was about, class, and the kind it becomes.
    const TABLE: &[(u16, &str, &str, About, Class, ErrorKind)] = &[
        (404, "notFound", "No such object: b/o", About::Object, Class::NoObject, ErrorKind::NotFound),
        (404, "notFound", "Not Found", About::Object, Class::Missing, ErrorKind::NotFound),
        (404, "", "", About::Object, Class::Missing, ErrorKind::NotFound),
        (404, "NoSuchKey", "", About::Object, Class::NoObject, ErrorKind::NotFound),
        (
            404,
            "notFound",
            "The specified bucket does not exist.",
            About::Object,
            Class::NoBucket,
            ErrorKind::Usage,
        ),
        (404, "NoSuchBucket", "", About::Upload, Class::NoBucket, ErrorKind::Usage),
        (404, "notFound", "Not Found", About::Bucket, Class::NoBucket, ErrorKind::Usage),
        (404, "", "", About::Bucket, Class::NoBucket, ErrorKind::Usage),
        (404, "NoSuchUpload", "", About::Upload, Class::NoUpload, ErrorKind::Unavailable),
        (404, "", "", About::Upload, Class::NoUpload, ErrorKind::Unavailable),
        (410, "gone", "", About::Upload, Class::NoUpload, ErrorKind::Unavailable),
        (499, "", "", About::Upload, Class::NoUpload, ErrorKind::Unavailable),
        (412, "conditionNotMet", "", About::Bucket, Class::Taken, ErrorKind::Conflict),
        (412, "PreconditionFailed", "", About::Bucket, Class::Taken, ErrorKind::Conflict),
        (412, "", "", About::Upload, Class::Taken, ErrorKind::Conflict),
        (409, "conflict", "You already own this bucket.", About::Project, Class::Taken, ErrorKind::Conflict),
        (401, "authError", "Invalid Credentials", About::Bucket, Class::Denied, ErrorKind::Denied),
        (401, "required", "Login Required", About::Bucket, Class::Denied, ErrorKind::Denied),
        (401, "", "", About::Object, Class::Denied, ErrorKind::Denied),
        (403, "forbidden", "", About::Object, Class::Denied, ErrorKind::Denied),
        (403, "insufficientPermissions", "", About::Object, Class::Denied, ErrorKind::Denied),
        (403, "AccessDenied", "Access denied.", About::Upload, Class::Denied, ErrorKind::Denied),
        (403, "", "", About::Object, Class::Denied, ErrorKind::Denied),
        (403, "retentionPolicyNotMet", "", About::Object, Class::Held, ErrorKind::Denied),
        (403, "objectUnderActiveHold", "", About::Object, Class::Held, ErrorKind::Denied),
        (
            403,
            "forbidden",
            "Object 'b/o' is under active Temporary hold and cannot be deleted, overwritten or archived until hold \
             is removed.",
            About::Object,
            Class::Held,
            ErrorKind::Denied,
        ),
        (403, "accountDisabled", "", About::Object, Class::Disabled, ErrorKind::Denied),
        (403, "AccountProblem", "", About::Object, Class::Disabled, ErrorKind::Denied),
        (400, "cloudKmsDisabledKey", "", About::Bucket, Class::Kms, ErrorKind::Denied),
        (403, "cloudKmsPermissionDenied", "", About::Bucket, Class::Kms, ErrorKind::Denied),
        (400, "CloudKmsKeyNotFound", "", About::Upload, Class::Kms, ErrorKind::Denied),
        (400, "UserProjectMissing", "", About::Bucket, Class::Payer, ErrorKind::Usage),
        (
            400,
            "required",
            "Bucket is a requester pays bucket but no user project provided.",
            About::Bucket,
            Class::Payer,
            ErrorKind::Usage,
        ),
        (403, "rateLimitExceeded", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (403, "userRateLimitExceeded", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (429, "rateLimitExceeded", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (429, "cloudKmsQuotaExceeded", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (400, "BadDigest", "", About::Upload, Class::Damaged, ErrorKind::Unavailable),
        (400, "InvalidPart", "", About::Upload, Class::Damaged, ErrorKind::Unavailable),
        (
            400,
            "invalid",
            "Provided CRC32C \"AAAAAA==\" doesn't match calculated CRC32C \"AAAAAB==\".",
            About::Bucket,
            Class::Damaged,
            ErrorKind::Unavailable,
        ),
        (408, "", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (409, "conflict", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (429, "", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (500, "backendError", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (502, "", "<html>", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (503, "SlowDown", "", About::Bucket, Class::Passing, ErrorKind::Unavailable),
        (504, "", "", About::Object, Class::Passing, ErrorKind::Unavailable),
        (501, "", "", About::Upload, Class::NotImplemented, ErrorKind::Usage),
        (400, "invalid", "Invalid argument.", About::Bucket, Class::Refused, ErrorKind::Usage),
        (416, "requestedRangeNotSatisfiable", "", About::Object, Class::Refused, ErrorKind::Usage),
        (301, "", "", About::Object, Class::Refused, ErrorKind::Usage),
    ];

    #[test]
    fn every_answer_has_a_class_and_a_kind() {
        for &(status, reason, message, about, class, kind) in TABLE {
            let told = format!("{status} {reason:?} {message:?} {about:?}");
            assert_eq!(classify(status, &said(reason, message), about), class, "{told}");
            assert_eq!(place().error(class, String::new(), "").kind(), kind, "{told}");
        }
    }

    #[test]
    fn a_refusal_is_read_from_json_xml_and_plain_words() {
        let json = r#"{"error": {"code": 403, "message": "no.", "errors": [{"reason": "forbidden"}]}}"#;
        assert_eq!(read(json.as_bytes()), said("forbidden", "no."));
        let xml = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert_eq!(read(xml.as_bytes()), said("AccessDenied", "no"));
        let detailed = "<Error><Code>A</Code><Message>no</Message><Details>x lacks y</Details></Error>";
        assert_eq!(read(detailed.as_bytes()), said("A", "x lacks y"));
        assert_eq!(read(b"Not Found\n"), said("", "Not Found"));
        assert_eq!(read(b"{\"error\": \"x"), said("", "{\"error\": \"x"));
        assert_eq!(read(b""), said("", ""));
    }

    fn refusal(status: u16, body: &str) -> Error {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-guploader-uploadid"),
            http::HeaderValue::from_static("UPID1"),
        )]);
        let status = StatusCode::from_u16(status).unwrap();
        let (place, about) = (place(), About::Object);
        Failure::refused(&place, "storage.objects.get", about, (status, &headers), body.as_bytes()).into()
    }

    #[test]
    fn a_refusal_is_told_with_its_place_reason_and_request() {
        let body = r#"{"error": {"message": "Forbidden.", "errors": [{"reason": "forbidden"}]}}"#;
        let place = "bucket walbkt at https://storage.googleapis.com";
        let told = format!("{place}: 403 forbidden Forbidden (request id UPID1)");
        assert_eq!(refusal(403, body).to_string(), told);
        assert_eq!(refusal(503, "").to_string(), format!("{place}: 503 (request id UPID1)"));
    }

    #[test]
    fn hints_name_what_to_change() {
        let hint = |status, body: &str| refusal(status, body).hint_text().unwrap_or_default().to_owned();
        let unnamed = hint(403, "");
        assert!(unnamed.contains("storage.objects.get") && unnamed.contains("barkeep@project"), "{unnamed}");
        let named = r#"{"error": {"message": "a@b.c does not have storage.objects.delete access to it."}}"#;
        assert!(hint(403, named).contains("storage.objects.delete"));
        let kms = r#"{"error": {"message": "no", "errors": [{"reason": "cloudKmsDisabledKey"}]}}"#;
        assert!(refusal(400, kms).to_string().contains("cryptoKeys/k") && hint(400, kms).contains("enabled"));
        assert!(hint(400, "<Error><Code>UserProjectMissing</Code></Error>").contains("quota project"));
        assert!(hint(403, "<Error><Code>RetentionPolicyNotMet</Code></Error>").contains("retention"));
    }

    #[test]
    fn only_a_permission_of_the_service_is_taken_for_one() {
        assert_eq!(named_permission("x lacks storage.objects.create."), Some("storage.objects.create"));
        assert_eq!(named_permission("lacks 'storage.objects.create' on y"), Some("storage.objects.create"));
        assert_eq!(named_permission("at storage.googleapis.com"), None);
    }
}
