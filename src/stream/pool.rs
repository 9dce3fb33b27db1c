//! Part buffers from a fixed pool: what is packed waits until what was packed before has been sent, so
//! that memory depends on nothing but the pool.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::buffer::Pages;
use crate::error::Result;

/// A fixed number of buffers of one size. Clones share them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    part_size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Given back, with their memory.
    free: Vec<Pages>,
    /// Not yet made.
    unmade: usize,
    closed: bool,
}

impl Pool {
    /// At most `buffers` buffers of `part_size` bytes, each made when it is first needed.
    pub fn new(part_size: usize, buffers: usize) -> Self {
        let state = State { free: Vec::new(), unmade: buffers, closed: false };
        Self(Arc::new(Shared { part_size, state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// Lets everybody who waits for a buffer, now or later, fail instead.
    pub fn close(&self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }

    /// Waits for a buffer; so it must not be called on an asynchronous thread.
    fn acquire(&self) -> io::Result<Part> {
        let mut state = self.0.lock();
        loop {
            if state.closed {
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, "it was given up"));
            }
            if let Some(pages) = state.free.pop() {
                return Ok(Part { pages: Some(pages), len: 0, pool: self.clone() });
            }
            if state.unmade > 0 {
                state.unmade -= 1;
                drop(state);
                let pages = Pages::new(self.0.part_size).inspect_err(|_| self.0.lock().unmade += 1)?;
                return Ok(Part { pages: Some(pages), len: 0, pool: self.clone() });
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer of the pool, which it goes back to when it is dropped, wherever that is.
struct Part {
    pages: Option<Pages>,
    len: usize,
    pool: Pool,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        self.pages.as_ref().map_or(&[], |pages| &pages[..self.len])
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(pages) = self.pages.take() {
            self.pool.0.lock().free.push(pages);
            self.pool.0.changed.notify_one();
        }
    }
}

/// Takes the parts of a stream; it may wait, and fail.
pub type Sink = Box<dyn FnMut(Bytes) -> Result<()> + Send>;

/// A writer that cuts what it is given into parts of the pool's size; the last may be shorter, and an
/// empty stream gives one empty part.
pub struct PoolWriter {
    pool: Pool,
    part: Option<Part>,
    to: Sink,
    written: u64,
    sent: u64,
}

impl PoolWriter {
    /// Cuts for `to`.
    pub fn new(pool: Pool, to: Sink) -> Self {
        Self { pool, part: None, to, written: 0, sent: 0 }
    }

    /// How many bytes it was given.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Sends the last part. Without it the stream is cut short, and nobody can tell.
    pub fn finish(&mut self) -> Result<()> {
        if let Some(part) = self.part.take() {
            self.send(part)
        } else if self.sent == 0 {
            self.sent += 1;
            (self.to)(Bytes::new())
        } else {
            Ok(())
        }
    }

    fn send(&mut self, part: Part) -> Result<()> {
        self.sent += 1;
        (self.to)(Bytes::from_owner(part))
    }
}

impl Write for PoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut part = match self.part.take() {
            Some(part) => part,
            None => self.pool.acquire()?,
        };
        let room = part.pages.as_mut().map_or(&mut [][..], |pages| &mut pages[part.len..]);
        let n = bytes.len().min(room.len());
        room[..n].copy_from_slice(&bytes[..n]);
        part.len += n;
        self.written += n as u64;
        if part.len == self.pool.0.part_size {
            self.send(part)?;
        } else {
            self.part = Some(part);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn writer(pool: &Pool) -> (PoolWriter, mpsc::Receiver<Bytes>) {
        let (to, parts) = mpsc::channel();
        let sink = move |part| to.send(part).map_err(|_| crate::error::Error::bug("nobody listens"));
        (PoolWriter::new(pool.clone(), Box::new(sink)), parts)
    }

    #[test]
    fn all_parts_but_the_last_have_the_same_size() {
        for (len, sizes) in [(25, vec![10, 10, 5]), (20, vec![10, 10]), (0, vec![0])] {
            let (mut writer, parts) = writer(&Pool::new(10, 5));
            writer.write_all(&vec![7; len]).unwrap();
            writer.finish().unwrap();
            assert_eq!(writer.written(), len as u64);
            drop(writer);
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), sizes);
        }
    }

    #[test]
    fn a_writer_waits_until_a_part_is_given_back() {
        let (mut writer, parts) = writer(&Pool::new(10, 2));
        let writing = std::thread::spawn(move || {
            writer.write_all(&[1; 40]).unwrap();
            writer.finish().unwrap();
        });
        let held = [parts.recv().unwrap(), parts.recv().unwrap()];
        assert!(parts.recv_timeout(Duration::from_millis(50)).is_err(), "there are only two buffers");
        drop(held);
        assert_eq!(parts.iter().count(), 2);
        writing.join().unwrap();
    }

    #[test]
    fn a_closed_pool_lets_nobody_wait() {
        let pool = Pool::new(10, 1);
        let (mut writer, parts) = writer(&pool);
        let writing = std::thread::spawn(move || writer.write_all(&[1; 40]).unwrap_err().kind());
        let held = parts.recv().unwrap();
        pool.close();
        assert_eq!(writing.join().unwrap(), io::ErrorKind::BrokenPipe);
        drop(held);
    }
}
