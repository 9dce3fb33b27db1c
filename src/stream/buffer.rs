//! Memory for whole files, straight from the kernel and straight back to it.
//!
//! The system's allocator keeps tens of megabytes of what was freed, for each thread that ever held
//! some; for buffers as large as a segment that would double what a call takes. Pages that are never
//! written cost nothing, so room for the worst case is free until it is needed.

use std::io::{self, Write};
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use memmap2::MmapMut;

use crate::error::{Error, Result};

/// Zeroed bytes of a fixed length that are given back to the kernel when dropped.
pub struct Pages(MmapMut);

impl Pages {
    /// So many bytes, at least one page.
    pub fn new(len: usize) -> Result<Self> {
        let map = MmapMut::map_anon(len.max(1));
        map.map(Self).map_err(|e| {
            Error::local(format!("cannot get {len} bytes of memory: {e}"))
                .caused_by(e)
                .hint("give this process more memory, or have it take less: --memory, --jobs")
        })
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// A buffer that is written from its beginning and never grows.
pub struct Buffer {
    pages: Pages,
    len: usize,
}

impl Buffer {
    /// An empty buffer with room for so many bytes.
    pub fn with_room(room: usize) -> Result<Self> {
        Ok(Self { pages: Pages::new(room)?, len: 0 })
    }

    /// The room that is left.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.pages[self.len..]
    }

    /// Says that so many bytes of [`room`](Self::room) have been written.
    pub fn written(&mut self, bytes: usize) {
        self.len = (self.len + bytes).min(self.pages.len());
    }

    /// What was written, without copying it.
    pub fn into_bytes(self) -> Bytes {
        let len = self.len;
        Bytes::from_owner(Owned(self.pages)).slice(..len)
    }
}

struct Owned(Pages);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Fails with [`io::ErrorKind::StorageFull`], having written nothing, when the bytes do not fit.
impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room().get_mut(..bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        room.copy_from_slice(bytes);
        self.written(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_takes_what_it_has_room_for_and_no_more() {
        let mut buffer = Buffer::with_room(4096).unwrap();
        buffer.write_all(&[1; 4000]).unwrap();
        assert_eq!(buffer.write(&[2; 97]).unwrap_err().kind(), io::ErrorKind::StorageFull);
        buffer.room()[0] = 3;
        buffer.written(1);
        let bytes = buffer.into_bytes();
        assert_eq!((bytes.len(), bytes[3999], bytes[4000]), (4001, 1, 3));
    }
}
