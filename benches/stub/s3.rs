//! What S3 answers.

use hyper::StatusCode;
use hyper::header::HeaderMap;

use super::answer::{Answer, ascii, empty, error, get, head, xml};
use super::bucket::{Kept, Taken};
use super::control::Shared;
use super::listing::{self, Query};
use super::operation::{Operation, only_if_absent};
use super::pieces::Pieces;

/// Does what a request asks for.
pub(crate) fn carry_out(shared: &Shared, operation: Operation, headers: &HeaderMap, body: Pieces) -> Answer {
    let mut bucket = shared.bucket();
    match operation {
        Operation::Put(key) => {
            let kept = Kept::from_request(headers);
            bucket.put(key, body, kept, only_if_absent(headers)).map_or_else(taken, |etag| stored(&etag))
        }
        Operation::PutPart(id, number) => {
            bucket.put_part(&id, number, body).map_or_else(no_upload, |etag| stored(&etag))
        }
        Operation::Head(key) => bucket.get(&key).map_or_else(no_key, |object| head(&object)),
        Operation::Get(key) => bucket.get(&key).map_or_else(no_key, |object| get(&object, headers)),
        Operation::List(name, words) => xml(listing::list(&bucket, &Query::new(name, &words))),
        Operation::ListUploads(name, words) => xml(listing::uploads(&bucket, &name, &words)),
        Operation::Delete(key) => {
            bucket.delete(&key);
            empty(StatusCode::NO_CONTENT)
        }
        Operation::DeleteMany(name) => {
            listing::keys_in(&body.to_text()).for_each(|key| bucket.delete(&format!("{name}/{key}")));
            xml("<DeleteResult/>".to_owned())
        }
        Operation::BeginUpload(key) => {
            let id = bucket.begin_upload(key, Kept::from_request(headers));
            xml(format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        Operation::CompleteUpload(id) => match bucket.complete_upload(&id, only_if_absent(headers)) {
            None => no_upload(),
            Some(result) => result.map_or_else(taken, |etag| {
                xml(format!(
                    "<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
                ))
            }),
        },
        Operation::AbortUpload(id) => {
            bucket.abort_upload(&id);
            empty(StatusCode::NO_CONTENT)
        }
        Operation::Bucket => empty(StatusCode::OK),
        Operation::Unknown => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
    }
}

fn stored(etag: &str) -> Answer {
    let mut answer = empty(StatusCode::OK);
    answer.headers_mut().insert("etag", ascii(etag));
    answer
}

fn taken(_: Taken) -> Answer {
    error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed")
}

fn no_key() -> Answer {
    error(StatusCode::NOT_FOUND, "NoSuchKey")
}

fn no_upload() -> Answer {
    error(StatusCode::NOT_FOUND, "NoSuchUpload")
}
