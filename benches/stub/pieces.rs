//! The content of an object: the pieces it arrived in, never copied together.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// Bytes in pieces; also the body of every answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces {
    pieces: VecDeque<Bytes>,
    length: u64,
}

impl Pieces {
    /// Reads a request's body to its end.
    pub(crate) async fn read(mut body: Incoming) -> Result<Self, hyper::Error> {
        let mut pieces = Self::default();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                pieces.push(data);
            }
        }
        Ok(pieces)
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Appends one piece.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.length += piece.len() as u64;
        self.pieces.push_back(piece);
    }

    /// Appends all pieces of another.
    pub(crate) fn append(&mut self, other: &Self) {
        other.pieces.iter().for_each(|piece| self.push(piece.clone()));
    }

    /// The bytes of a range that lies within.
    pub(crate) fn slice(&self, range: Range<u64>) -> Self {
        let mut slice = Self::default();
        let mut start = 0;
        for piece in &self.pieces {
            let end = start + piece.len() as u64;
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                slice.push(piece.slice(index(from - start)..index(to - start)));
            }
            start = end;
        }
        slice
    }

    /// Undoes the `aws-chunked` coding, in which SDKs send bodies whose checksum follows them.
    /// `None` if it is not well-formed.
    pub(crate) fn unchunked(mut self) -> Option<Self> {
        let mut plain = Self::default();
        loop {
            let line = self.take_line()?;
            let size = line.split(';').next()?.trim();
            let size = u64::from_str_radix(size, 16).ok()?;
            if size == 0 {
                return Some(plain);
            }
            self.take_into(size, &mut plain)?;
            self.take_line()?;
        }
    }

    /// The content as text, for the small XML documents of the protocol.
    pub(crate) fn to_text(&self) -> String {
        let bytes: Vec<u8> = self.pieces.iter().flatten().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Takes the first line off, with its end.
    pub(crate) fn take_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            let front = self.pieces.front_mut()?;
            let end = front.iter().position(|&byte| byte == b'\n');
            let taken = front.split_to(end.map_or(front.len(), |end| end + 1));
            self.length -= taken.len() as u64;
            line.extend_from_slice(&taken);
            if front.is_empty() {
                self.pieces.pop_front();
            }
            if end.is_some() {
                return String::from_utf8(line).ok();
            }
        }
    }

    fn take_into(&mut self, mut size: u64, plain: &mut Self) -> Option<()> {
        while size > 0 {
            let front = self.pieces.front_mut()?;
            let taken = front.split_to(front.len().min(index(size)));
            size -= taken.len() as u64;
            self.length -= taken.len() as u64;
            plain.push(taken);
            if front.is_empty() {
                self.pieces.pop_front();
            }
        }
        Some(())
    }
}

impl From<String> for Pieces {
    fn from(text: String) -> Self {
        let mut pieces = Self::default();
        pieces.push(text.into());
        pieces
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.length -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("objects fit into memory")
}
