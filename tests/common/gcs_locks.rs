//! Retention and holds as Google documents them, for the service inside the test.
//!
//! Sources: "Object Retention Lock", "Object holds" and "Bucket Lock" for what is refused and told, "Objects"
//! and "Buckets" of the JSON interface for the names of the fields, "Create multipart upload" and "Set object
//! retention" for the headers and modes of the XML interface, "HTTP status and error codes" for the reasons.
//! Answers have been seen, too, in which only the words tell: with the reason `forbidden`
//! ([`Retentions::says_forbidden`]).

use bytes::Bytes;
use hyper::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::bucket::{Asked, json as answer, refusal};

/// What an object is to be kept by, or the refusal of that.
type Wanted = Result<Kept, Box<Response<Bytes>>>;

/// What a bucket knows of retention, and who asks, and when.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a circumstance of its own")]
pub(crate) struct Retentions {
    /// It was made with object retention.
    pub(crate) is_enabled: bool,
    /// Its own policy keeps everything for so long.
    pub(crate) period: Option<SignedDuration>,
    /// Refusals have the reason `forbidden`.
    pub(crate) says_forbidden: bool,
    /// Who asks lacks `storage.objects.setRetention`.
    pub(crate) may_not_lock: bool,
    /// Who asks lacks `storage.buckets.get`.
    pub(crate) may_not_ask: bool,
    /// Its clock, by which locks end.
    pub(crate) now: Option<Timestamp>,
}

/// A hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Temporary,
    EventBased,
}

/// What keeps an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// `Locked` or `Unlocked`, and the end.
    retention: Option<(&'static str, Timestamp)>,
    pub(crate) hold: Option<Hold>,
}

impl Retentions {
    fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// What a description asks for.
    pub(crate) fn described(&self, retention: &Value) -> Wanted {
        let text = |name: &str| retention[name].as_str().unwrap_or_default();
        if retention.is_null() {
            return Ok(Kept::default());
        }
        self.asked(false, text("mode"), text("retainUntilTime"))
    }

    /// What the headers of the XML interface ask for.
    pub(crate) fn in_headers(&self, asked: &Asked) -> Wanted {
        let text = |name: &str| asked.header(name).unwrap_or_default();
        let until = text("x-goog-object-lock-retain-until-date");
        match text("x-goog-object-lock-mode") {
            "" if until.is_empty() => Ok(Kept::default()),
            "GOVERNANCE" => self.asked(true, "Unlocked", until),
            "COMPLIANCE" => self.asked(true, "Locked", until),
            _ => Err(Box::new(refusal(true, 400, "InvalidArgument", "Invalid argument."))),
        }
    }

    /// Both mode and time are required, and the time is to come.
    fn asked(&self, is_xml: bool, mode: &str, until: &str) -> Wanted {
        let invalid = |words: &str| {
            let reason = if is_xml { "InvalidArgument" } else { "invalid" };
            Err(Box::new(refusal(is_xml, 400, reason, words)))
        };
        if self.may_not_lock {
            let reason = if is_xml { "AccessDenied" } else { "forbidden" };
            let words = "barkeep@project does not have storage.objects.setRetention access to the object.";
            return Err(Box::new(refusal(is_xml, 403, reason, words)));
        }
        if !self.is_enabled {
            return invalid("Object retention is not enabled on the bucket.");
        }
        let mode = match mode {
            "Unlocked" => "Unlocked",
            "Locked" => "Locked",
            _ => return invalid("Invalid retention mode."),
        };
        match until.parse::<Timestamp>() {
            Ok(until) if until > self.now() => Ok(Kept { retention: Some((mode, until)), hold: None }),
            _ => invalid("Retain until time must be in the future."),
        }
    }

    /// The refusal to delete or to replace an object that was stored then, while it is kept. A condition is
    /// looked at before.
    pub(crate) fn refusal(
        &self,
        is_xml: bool,
        name: &str,
        kept: &Kept,
        stored: Timestamp,
    ) -> Option<Response<Bytes>> {
        let spell = |reason: &'static str| match (is_xml, reason) {
            (false, _) if self.says_forbidden => "forbidden",
            (true, "objectUnderActiveHold") => "ObjectUnderActiveHold",
            (true, _) => "RetentionPolicyNotMet",
            (false, reason) => reason,
        };
        let never = "cannot be deleted, overwritten or archived until";
        if let Some(hold) = kept.hold {
            let which = if hold == Hold::Temporary { "Temporary" } else { "Event-Based" };
            let words = format!("Object '{name}' is under active {which} hold and {never} hold is removed.");
            return Some(refusal(is_xml, 403, spell("objectUnderActiveHold"), &words));
        }
        let end = self.end(kept, stored).filter(|end| *end > self.now())?;
        let words = format!(
            "Object '{name}' is subject to bucket's retention policy or object retention and {never} {end}"
        );
        Some(refusal(is_xml, 403, spell("retentionPolicyNotMet"), &words))
    }

    /// The later of the object's own end and that of the bucket's policy.
    fn end(&self, kept: &Kept, stored: Timestamp) -> Option<Timestamp> {
        let own = kept.retention.map(|(_, until)| until);
        own.max(self.expiration(stored))
    }

    fn expiration(&self, stored: Timestamp) -> Option<Timestamp> {
        self.period.map(|period| stored.checked_add(period).unwrap())
    }

    /// What is told of an object, by field.
    pub(crate) fn told(&self, kept: &Kept, stored: Timestamp) -> Vec<(&'static str, Value)> {
        let mut told = Vec::new();
        if let Some((mode, until)) = kept.retention {
            told.push(("retention", json!({"mode": mode, "retainUntilTime": until.to_string()})));
        }
        if let Some(end) = self.expiration(stored) {
            told.push(("retentionExpirationTime", json!(end.to_string())));
        }
        told.extend(kept.hold.map(|hold| match hold {
            Hold::Temporary => ("temporaryHold", json!(true)),
            Hold::EventBased => ("eventBasedHold", json!(true)),
        }));
        told
    }

    /// What is told of the bucket.
    pub(crate) fn of_bucket(&self, name: &str) -> Response<Bytes> {
        if self.may_not_ask {
            let words = "barkeep@project does not have storage.buckets.get access to the bucket.";
            return refusal(false, 403, "forbidden", words);
        }
        let mut told = json!({"name": name});
        if self.is_enabled {
            told["objectRetention"] = json!({"mode": "Enabled"});
        }
        answer(200, &told)
    }
}
