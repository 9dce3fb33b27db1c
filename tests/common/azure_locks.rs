//! Immutability as Azure documents it, for the service inside the test.
//!
//! Sources: "Version-level write once, read many (WORM) policies" and "Container-level WORM policies" for what
//! is refused, "Set Blob Immutability Policy" for dates and modes, "Get Blob Properties", "Get Container
//! Properties" and "List Blobs" for what is told, "Blob service error codes" for the codes.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Seen;
use super::blobs::Reply;

/// What a container knows of immutability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Immutability {
    /// Nothing.
    #[default]
    None,
    /// Versions can be locked one by one.
    Versions,
    /// A policy keeps everything in the container, and is told of no object.
    Container,
}

/// The same with who asks, and when.
#[derive(Default)]
pub(crate) struct Locks {
    pub(crate) immutability: Immutability,
    pub(crate) may_not_lock: bool,
    pub(crate) may_not_ask: bool,
    pub(crate) now: Option<Timestamp>,
}

/// What an object is locked with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    policy: Option<(Timestamp, String)>,
    pub(crate) is_held: bool,
}

impl Locks {
    fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// What a new object is to be locked with; else the status and the code of the refusal. A policy of its own
    /// takes version-level immutability, and the right to set one (role Storage Blob Data Owner, `i` of a
    /// signature). Past times are not valid; modes are written in either case, in the documentation as in SDKs.
    pub(crate) fn asked(&self, seen: &Seen) -> Result<Held, (u16, &'static str)> {
        let (until, mode) = ("x-ms-immutability-policy-until-date", "x-ms-immutability-policy-mode");
        let (until, mode, hold) = (seen.header(until), seen.header(mode), seen.header("x-ms-legal-hold"));
        if until.is_empty() && mode.is_empty() && hold.is_empty() {
            return Ok(Held::default());
        }
        if self.may_not_lock {
            return Err((403, "AuthorizationPermissionMismatch"));
        }
        if self.immutability != Immutability::Versions {
            // Which code it is nobody documents; this one says no more than that.
            return Err((400, "UnsupportedHeader"));
        }
        let mode = match mode.to_ascii_lowercase().as_str() {
            "" | "unlocked" => "unlocked",
            "locked" => "locked",
            _ => return Err((400, "InvalidHeaderValue")),
        };
        let policy = match rfc2822::parse(until).map(|until| until.timestamp()) {
            _ if until.is_empty() => None,
            Ok(until) if until > self.now() => Some((until, mode.to_owned())),
            _ => return Err((400, "InvalidHeaderValue")),
        };
        Ok(Held { policy, is_held: hold == "true" })
    }

    /// Why an object cannot be deleted now.
    pub(crate) fn keeps(&self, held: &Held) -> Option<&'static str> {
        let is_locked = held.policy.as_ref().is_some_and(|(until, _)| *until > self.now());
        match self.immutability {
            Immutability::Container => Some("BlobImmutableDueToPolicy"),
            Immutability::Versions if held.is_held => Some("BlobImmutableDueToLegalHold"),
            Immutability::Versions if is_locked => Some("BlobImmutableDueToPolicy"),
            _ => None,
        }
    }

    /// Why one that is there cannot be overwritten: where versions are kept, that makes a new one.
    pub(crate) fn keeps_overwriting(&self) -> Option<&'static str> {
        (self.immutability == Immutability::Container).then_some("BlobImmutableDueToPolicy")
    }

    /// What is told of the container, unless who asks may not know; signatures of a container may not.
    pub(crate) fn of_container(&self) -> Reply {
        if self.may_not_ask {
            return Reply::refusal(403, "AuthorizationFailure");
        }
        let told = |is: bool| is.to_string();
        Reply::new(200, "")
            .with("x-ms-has-immutability-policy", told(self.immutability == Immutability::Container))
            .with("x-ms-has-legal-hold", "false")
            .with(
                "x-ms-immutable-storage-with-versioning-enabled",
                told(self.immutability == Immutability::Versions),
            )
    }
}

impl Held {
    fn told(&self) -> Vec<(&'static str, &'static str, String)> {
        let mut told = Vec::new();
        if let Some((until, mode)) = &self.policy {
            let until = until.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            told.push(("x-ms-immutability-policy-until-date", "ImmutabilityPolicyUntilDate", until));
            told.push(("x-ms-immutability-policy-mode", "ImmutabilityPolicyMode", mode.clone()));
        }
        if self.is_held {
            told.push(("x-ms-legal-hold", "LegalHold", "true".to_owned()));
        }
        told
    }

    /// What is told with the object.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (String, String)> {
        self.told().into_iter().map(|(header, _, value)| (header.to_owned(), value))
    }

    /// What is told in a list, to whoever wants it included.
    pub(crate) fn elements(&self, include: &str) -> String {
        let wanted = |element: &str| {
            let word = if element == "LegalHold" { "legalhold" } else { "immutabilitypolicy" };
            include.split(',').any(|included| included == word)
        };
        let told = self.told().into_iter().filter(|(_, element, _)| wanted(element));
        told.map(|(_, element, value)| format!("<{element}>{value}</{element}>")).collect::<Vec<_>>().concat()
    }
}
