//! `s3://BUCKET[/PATH]`, where the bucket may be an access point.

use super::{Location, has_dots, shown};
use crate::error::{Error, Result};

/// Reads what stands behind `s3://`.
pub(super) fn parse(rest: &str) -> Result<Location> {
    let arn = access_point(rest);
    let (bucket, path) = rest.split_at(arn.unwrap_or_else(|| rest.find('/').unwrap_or(rest.len())));
    let refused = |why: &str| Error::usage(format!("s3://{} {why}", shown(rest)));
    if arn.is_none() && bucket.contains(':') {
        let wrong = refused("names neither a bucket nor an access point");
        return Err(wrong.hint("give the service's host and port as the endpoint"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    if bucket.is_empty() || !bucket.chars().all(allowed) {
        return Err(refused("does not name a bucket").hint("write s3://BUCKET[/PATH]"));
    }
    let path = path.trim_start_matches('/');
    if has_dots(path) {
        return Err(refused("has a segment . or .. in its path"));
    }
    Ok(Location::S3 { bucket: bucket.to_owned(), path: path.to_owned() })
}

/// The length of the access point ARN that `text` begins with: of a bucket, of an object lambda, or
/// of an outpost. Their own parts may be separated by `/` or `:`.
pub(super) fn access_point(text: &str) -> Option<usize> {
    let mut fields = text.splitn(6, ':');
    let (arn, partition, service) = (fields.next()?, fields.next()?, fields.next()?);
    let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let is_region = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if arn != "arn" || !partition.starts_with("aws") || !is_account || !is_region {
        return None;
    }
    let words: &[&str] = match service {
        "s3" | "s3-object-lambda" => &["accesspoint", ""],
        "s3-outposts" => &["outpost", "", "accesspoint", ""],
        _ => return None,
    };
    let mut rest = resource;
    for (i, word) in words.iter().enumerate() {
        let end = rest.find(['/', ':']).unwrap_or(rest.len());
        let is_last = i + 1 == words.len();
        if end == 0 || !(word.is_empty() || *word == &rest[..end]) || (!is_last && end == rest.len()) {
            return None;
        }
        rest = &rest[if is_last { end } else { end + 1 }..];
    }
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_points_are_buckets_of_every_form() {
        for arn in [
            "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap",
            "arn:aws:s3:us-west-2:123456789012:accesspoint:my-ap",
            "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/my.ap",
            "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/my-olap",
            "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/my-ap",
            "arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-1:accesspoint:my-ap",
        ] {
            let location = parse(&format!("{arn}/p/q")).unwrap();
            assert_eq!(location, Location::S3 { bucket: arn.into(), path: "p/q".into() });
            assert_eq!(parse(arn).unwrap(), Location::S3 { bucket: arn.into(), path: String::new() });
        }
    }
}
