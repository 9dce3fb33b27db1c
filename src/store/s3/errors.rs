//! What a failed request means, and how to say it.
//!
//! The table is [`classify`]: status and code in, what can be done out. The text has the bucket, the
//! status, the service's code and message and the request's id, all of which the service may log as
//! well; headers never get in, since they carry credentials.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::credentials;
use crate::error::Error;
pub(super) use crate::store::http::reasons;
use crate::store::http::{chain, explain_transport, first_words};

/// What can be done about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The object is not there.
    Missing,
    /// The bucket is not there.
    NoBucket,
    /// The upload is not there: finished, aborted, or forgotten.
    NoUpload,
    /// The key is taken.
    Taken,
    /// These credentials may not do that.
    Denied,
    /// The clocks differ too much.
    Skewed,
    /// The bucket is in another region.
    Elsewhere,
    /// The service does not know how to do that.
    NotImplemented,
    /// The request is wrong, and will be the next time.
    Refused,
    /// It may work the next time.
    Passing,
}

/// What can be done about an answer with this status and this code of the service.
pub(super) fn classify(status: u16, code: Option<&str>) -> Class {
    by_code(code.unwrap_or_default()).unwrap_or_else(|| by_status(status))
}

fn by_code(code: &str) -> Option<Class> {
    Some(match code {
        "NoSuchKey" => Class::Missing,
        "NoSuchBucket" => Class::NoBucket,
        "NoSuchUpload" => Class::NoUpload,
        "PreconditionFailed" => Class::Taken,
        "RequestTimeTooSkewed" | "RequestExpired" => Class::Skewed,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Class::Elsewhere,
        "NotImplemented" => Class::NotImplemented,
        "AccessDenied"
        | "AccountProblem"
        | "AllAccessDisabled"
        | "ExpiredToken"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidObjectState"
        | "InvalidSecurity"
        | "InvalidToken"
        | "NotSignedUp"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired" => Class::Denied,
        "BadDigest"
        | "ConditionalRequestConflict"
        | "IncompleteBody"
        | "InternalError"
        | "OperationAborted"
        | "RequestLimitExceeded"
        | "RequestTimeout"
        | "ServiceUnavailable"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "XAmzContentChecksumMismatch"
        | "XAmzContentSHA256Mismatch" => Class::Passing,
        _ if code.starts_with("KMS.") => Class::Denied,
        _ => return None,
    })
}

fn by_status(status: u16) -> Class {
    match status {
        301 | 302 | 307 | 308 => Class::Elsewhere,
        401 | 403 => Class::Denied,
        404 => Class::Missing,
        412 => Class::Taken,
        501 => Class::NotImplemented,
        // A request that is already answered with success may still fail, and then says so in the
        // body: completing an upload does, which takes its time.
        200..=299 | 408 | 409 | 425 | 429 | 500.. => Class::Passing,
        _ => Class::Refused,
    }
}

/// The cause of an error of a request that went to another region than the bucket's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The region that the service names as the bucket's.
    pub region: String,
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bucket is in region {}", self.region)
    }
}

impl StdError for Elsewhere {}

/// A request, as far as messages and hints need to know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) bucket: &'a str,
    /// Where it went.
    pub(super) service: &'a str,
    /// What the credentials must be allowed to do.
    pub(super) permission: &'static str,
}

/// The class of a failed request, if there was an answer to it.
pub(super) fn class_of<E: ProvideErrorMetadata>(e: &SdkError<E, HttpResponse>) -> Option<Class> {
    let answer = e.raw_response()?;
    Some(classify(answer.status().as_u16(), e.code()))
}

impl Request<'_> {
    /// The error of the house for a failed request.
    pub(super) fn explain<E>(&self, e: &SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let Some(answer) = e.raw_response() else { return self.explain_silence(e) };
        let status = answer.status().as_u16();
        if answer.status().is_success() && e.code().is_none() {
            let unreadable = format!("the answer was cut off or cannot be read: {}", reasons(e));
            return Error::unavailable(format!("{}: {unreadable}", self.place()));
        }
        let class = classify(status, e.code());
        let region = answer.headers().get("x-amz-bucket-region").map(str::to_owned);
        let told = self.tell(status, e.code(), e.message(), answer);
        self.error(class, told, e.code().unwrap_or_default(), region.as_deref())
    }

    /// The bucket does not exist.
    pub(super) fn no_bucket(&self) -> Error {
        self.error(Class::NoBucket, "404".to_owned(), "", None)
    }

    fn error(&self, class: Class, told: String, code: &str, region: Option<&str>) -> Error {
        let Self { bucket, service, .. } = self;
        match class {
            Class::Missing => Error::not_found(told),
            Class::NoBucket => Error::usage(format!("bucket {bucket} does not exist at {service}: {told}"))
                .hint("check the bucket's name and the endpoint, or create the bucket"),
            Class::Taken => Error::conflict(told),
            Class::Denied => Error::denied(told).hint(self.way_in(code)),
            Class::Skewed => Error::denied(told).hint("set this machine's clock"),
            Class::Elsewhere => match region {
                Some(region) => Error::usage(told)
                    .hint(format!("the bucket is in region {region}; set that region"))
                    .caused_by(Elsewhere { region: region.to_owned() }),
                None => Error::usage(told).hint("set the bucket's region, or check the endpoint"),
            },
            Class::NotImplemented | Class::Refused => Error::usage(told),
            Class::NoUpload => Error::unavailable(told),
            Class::Passing => Error::unavailable(told).hint(
                "try again later, or for longer (--retry-for); if it stays so, ask whoever runs the service",
            ),
        }
    }

    /// What to do about credentials that were refused with this code.
    fn way_in(&self, code: &str) -> String {
        let Self { bucket, service, permission } = self;
        match code {
            "SignatureDoesNotMatch" => format!(
                "the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the profile, and that \
                 {service} is the right service"
            ),
            "InvalidAccessKeyId" | "InvalidClientTokenId" => format!(
                "the access key is not known there: check AWS_ACCESS_KEY_ID or the profile, and that {service} is the \
                 right service"
            ),
            "ExpiredToken" | "TokenRefreshRequired" => {
                "the session token has run out: sign in again (aws sso login), or set a new AWS_SESSION_TOKEN \
                 with its keys"
                    .to_owned()
            }
            "InvalidToken" => {
                "the session token belongs to other keys: set AWS_SESSION_TOKEN with its own, or unset it".to_owned()
            }
            _ => format!("check the credentials, and that they allow {permission} on {bucket}"),
        }
    }

    fn place(&self) -> String {
        format!("bucket {} at {}", self.bucket, self.service)
    }

    fn tell(&self, status: u16, code: Option<&str>, message: Option<&str>, answer: &HttpResponse) -> String {
        let mut text = format!("{}: {status}", self.place());
        for word in code.into_iter().chain(message.map(first_words)) {
            text = format!("{text} {word}");
        }
        let id = |header, name| answer.headers().get(header).map(|id| format!("{name} {}", first_words(id)));
        let ids = [id("x-amz-request-id", "request id"), id("x-amz-id-2", "host id")];
        let ids = ids.into_iter().flatten().collect::<Vec<_>>();
        if ids.is_empty() { text } else { format!("{text} ({})", ids.join(", ")) }
    }

    /// There was no answer: the way there, or what comes before it, failed.
    fn explain_silence<E>(&self, e: &SdkError<E, HttpResponse>) -> Error
    where
        E: StdError + 'static,
    {
        if let Some(refused) = chain(e).find_map(|e| e.downcast_ref::<CredentialsError>()) {
            return credentials::explain(refused, None);
        }
        let told = format!("{}: {}", self.place(), reasons(e));
        match e {
            SdkError::ConstructionFailure(_) => Error::usage(told),
            SdkError::DispatchFailure(failure) if failure.is_user() => Error::usage(told),
            _ => explain_transport(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const REQUEST: Request<'static> =
        Request { bucket: "walbkt", service: "http://s3.example", permission: "s3:PutObject" };

    /// Status, code, class, and the kind it becomes.
    const TABLE: &[(u16, Option<&str>, Class, ErrorKind)] = &[
        (404, Some("NoSuchKey"), Class::Missing, ErrorKind::NotFound),
        (404, Some("NotFound"), Class::Missing, ErrorKind::NotFound),
        (404, None, Class::Missing, ErrorKind::NotFound),
        (404, Some("NoSuchBucket"), Class::NoBucket, ErrorKind::Usage),
        (404, Some("NoSuchUpload"), Class::NoUpload, ErrorKind::Unavailable),
        (412, Some("PreconditionFailed"), Class::Taken, ErrorKind::Conflict),
        (412, None, Class::Taken, ErrorKind::Conflict),
        (409, Some("ConditionalRequestConflict"), Class::Passing, ErrorKind::Unavailable),
        (409, Some("OperationAborted"), Class::Passing, ErrorKind::Unavailable),
        (401, None, Class::Denied, ErrorKind::Denied),
        (403, None, Class::Denied, ErrorKind::Denied),
        (403, Some("AccessDenied"), Class::Denied, ErrorKind::Denied),
        (403, Some("InvalidAccessKeyId"), Class::Denied, ErrorKind::Denied),
        (403, Some("SignatureDoesNotMatch"), Class::Denied, ErrorKind::Denied),
        (400, Some("ExpiredToken"), Class::Denied, ErrorKind::Denied),
        (400, Some("InvalidToken"), Class::Denied, ErrorKind::Denied),
        (400, Some("KMS.DisabledException"), Class::Denied, ErrorKind::Denied),
        (403, Some("RequestTimeTooSkewed"), Class::Skewed, ErrorKind::Denied),
        (301, Some("PermanentRedirect"), Class::Elsewhere, ErrorKind::Usage),
        (307, Some("TemporaryRedirect"), Class::Elsewhere, ErrorKind::Usage),
        (301, None, Class::Elsewhere, ErrorKind::Usage),
        (400, Some("AuthorizationHeaderMalformed"), Class::Elsewhere, ErrorKind::Usage),
        (501, Some("NotImplemented"), Class::NotImplemented, ErrorKind::Usage),
        (501, None, Class::NotImplemented, ErrorKind::Usage),
        (400, Some("InvalidArgument"), Class::Refused, ErrorKind::Usage),
        (400, None, Class::Refused, ErrorKind::Usage),
        (416, Some("InvalidRange"), Class::Refused, ErrorKind::Usage),
        (400, Some("RequestTimeout"), Class::Passing, ErrorKind::Unavailable),
        (400, Some("BadDigest"), Class::Passing, ErrorKind::Unavailable),
        (400, Some("IncompleteBody"), Class::Passing, ErrorKind::Unavailable),
        (408, None, Class::Passing, ErrorKind::Unavailable),
        (429, None, Class::Passing, ErrorKind::Unavailable),
        (429, Some("TooManyRequests"), Class::Passing, ErrorKind::Unavailable),
        (503, Some("SlowDown"), Class::Passing, ErrorKind::Unavailable),
        (500, Some("InternalError"), Class::Passing, ErrorKind::Unavailable),
        (500, None, Class::Passing, ErrorKind::Unavailable),
        (502, None, Class::Passing, ErrorKind::Unavailable),
        (503, None, Class::Passing, ErrorKind::Unavailable),
        (504, None, Class::Passing, ErrorKind::Unavailable),
        (599, None, Class::Passing, ErrorKind::Unavailable),
        (200, Some("AccessDenied"), Class::Denied, ErrorKind::Denied),
        (200, Some("PreconditionFailed"), Class::Taken, ErrorKind::Conflict),
        (200, Some("InternalError"), Class::Passing, ErrorKind::Unavailable),
        (200, Some("Unheard"), Class::Passing, ErrorKind::Unavailable),
    ];

    #[test]
    fn every_answer_has_a_class_and_a_kind() {
        for &(status, code, class, kind) in TABLE {
            assert_eq!(classify(status, code), class, "{status} {code:?}");
            assert_eq!(REQUEST.error(class, String::new(), "", None).kind(), kind, "{status} {code:?}");
        }
    }

    #[test]
    fn hints_name_what_to_change() {
        let hint = |class, code, region| {
            REQUEST.error(class, String::new(), code, region).hint_text().unwrap_or_default().to_owned()
        };
        assert!(hint(Class::Denied, "AccessDenied", None).contains("s3:PutObject"));
        for (code, what) in [
            ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
            ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
            ("ExpiredToken", "sign in again"),
            ("InvalidToken", "AWS_SESSION_TOKEN"),
        ] {
            assert!(hint(Class::Denied, code, None).contains(what), "{code}");
        }
        assert!(hint(Class::Skewed, "", None).contains("clock"));
        assert!(hint(Class::Passing, "SlowDown", None).contains("--retry-for"));
        assert!(hint(Class::Elsewhere, "", Some("eu-west-3")).contains("eu-west-3"));
    }
}
