//! AWS's way of deciding whether a request is allowed, as far as the policies of `docs/permissions.md` need
//! it: statements that allow or deny actions on resources under conditions. What it does not know it
//! refuses to judge.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, unreachable_pub, reason = "every test target uses its own part of it")]

use std::collections::BTreeMap;

use hyper::{HeaderMap, Method, Uri};
use serde_json::Value;
use url::form_urlencoded;

/// A policy.
pub(crate) struct Policy(Vec<Value>);

/// One thing that a request does.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) action: &'static str,
    pub(crate) resource: String,
    context: BTreeMap<&'static str, String>,
}

impl Policy {
    /// The policy under a heading of `docs/permissions.md`, for this bucket and path.
    pub(crate) fn of_document(heading: &str, bucket: &str, path: &str) -> Self {
        let document = include_str!("../../docs/permissions.md");
        let section = document.split(&format!("\n### {heading}\n")).nth(1).unwrap();
        let text = section.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let text = text.replace("BUCKET", bucket).replace("PATH", path);
        let policy: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(policy["Version"], "2012-10-17");
        Self(policy["Statement"].as_array().unwrap().clone())
    }

    /// Whether everything that a request does is allowed and nothing denied; else the first that is not.
    pub(crate) fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Deed> {
        deeds(method, uri, headers).into_iter().try_for_each(|deed| {
            let speak = |effect: &str| {
                let of = |statement: &&Value| statement["Effect"] == effect;
                self.0.iter().filter(of).any(|statement| speaks_of(statement, &deed))
            };
            if speak("Allow") && !speak("Deny") { Ok(()) } else { Err(deed) }
        })
    }
}

fn speaks_of(statement: &Value, deed: &Deed) -> bool {
    let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
    assert!(statement.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{statement}");
    texts(&statement["Action"]).iter().any(|pattern| matches(pattern, deed.action))
        && texts(&statement["Resource"]).iter().any(|pattern| matches(pattern, &deed.resource))
        && statement["Condition"].as_object().into_iter().flatten().all(|(operator, keys)| {
            keys.as_object().unwrap().iter().all(|(key, wanted)| {
                let told = deed.context.get(key.as_str());
                texts(wanted).iter().any(|wanted| match operator.as_str() {
                    "Null" => told.is_none() == (*wanted == "true"),
                    "Bool" => told.is_some_and(|told| told == wanted),
                    "StringLike" => told.is_some_and(|told| matches(wanted, told)),
                    other => panic!("the operator {other} is not known here"),
                })
            })
        })
}

/// One text or several.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    }
}

/// Whether a pattern in which `*` stands for anything fits a text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((first, rest)) => {
            let ends =
                |tail: &str| (0..=tail.len()).any(|n| tail.is_char_boundary(n) && matches(rest, &tail[n..]));
            text.strip_prefix(first).is_some_and(ends)
        }
    }
}

/// What a request does, in AWS's words ("Actions, resources, and condition keys for Amazon S3").
fn deeds(method: &Method, uri: &Uri, headers: &HeaderMap) -> Vec<Deed> {
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let has = |name: &str| query.contains_key(name);
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8().unwrap();
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_matches('/'), ""));
    let (bucket, object) = (format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/{key}"));
    let of = |action, resource: &str, context: Vec<(&'static str, String)>| Deed {
        action,
        resource: resource.to_owned(),
        context: context.into_iter().collect(),
    };
    let creates = |whole: bool| {
        let mut context = vec![("s3:ObjectCreationOperation", whole.to_string())];
        let condition = headers.get("if-none-match").map(|value| value.to_str().unwrap().to_owned());
        context.extend(condition.map(|value| ("s3:if-none-match", value)));
        let mut deeds = vec![of("s3:PutObject", &object, context)];
        let also =
            [("x-amz-tagging", "s3:PutObjectTagging"), ("x-amz-object-lock-mode", "s3:PutObjectRetention")];
        deeds.extend(
            also.iter()
                .filter(|(name, _)| headers.contains_key(*name))
                .map(|(_, action)| of(action, &object, Vec::new())),
        );
        deeds
    };
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    match method.as_str() {
        "HEAD" if key.is_empty() => vec![of("s3:ListBucket", &bucket, Vec::new())],
        "GET" if has("object-lock") => vec![of("s3:GetBucketObjectLockConfiguration", &bucket, Vec::new())],
        "GET" if has("uploads") => {
            vec![of("s3:ListBucketMultipartUploads", &bucket, vec![("s3:prefix", prefix)])]
        }
        "GET" if has("list-type") => vec![of("s3:ListBucket", &bucket, vec![("s3:prefix", prefix)])],
        "GET" | "HEAD" => vec![of("s3:GetObject", &object, Vec::new())],
        "PUT" => creates(!has("partNumber")),
        "POST" if has("uploads") => creates(false),
        "POST" if has("uploadId") => creates(true),
        // The keys stand in the body, and all of ours lie below the path.
        "POST" if has("delete") => {
            vec![of("s3:DeleteObject", &format!("{bucket}/some/path/any"), Vec::new())]
        }
        "DELETE" if has("uploadId") => vec![of("s3:AbortMultipartUpload", &object, Vec::new())],
        "DELETE" => vec![of("s3:DeleteObject", &object, Vec::new())],
        other => panic!("nobody knows what {other} {uri} does"),
    }
}
