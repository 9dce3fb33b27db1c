//! From a synchronous writer to a bounded queue of equal parts.

use std::io::{self, Write};

use bytes::Bytes;
use tokio::sync::mpsc;

/// A writer that cuts what it is given into parts of `part_size` bytes (the last may be shorter, and
/// an empty stream gives one empty part), and the queue they arrive in. At most `queue` parts wait;
/// the writer blocks meanwhile, so it must not run on an asynchronous thread. It fails when the queue
/// is dropped. Memory: (`queue` + 1) × `part_size`, besides the part in the receiver's hands.
pub fn parts(part_size: usize, queue: usize) -> (PartWriter, mpsc::Receiver<Bytes>) {
    let (to, receiver) = mpsc::channel(queue);
    (PartWriter { part: Vec::new(), part_size, sent: 0, to }, receiver)
}

/// The writing end of [`parts`].
pub struct PartWriter {
    part: Vec<u8>,
    part_size: usize,
    sent: u64,
    to: mpsc::Sender<Bytes>,
}

impl PartWriter {
    /// Sends the last part. Without it the stream is cut short, and the receiver cannot tell: so
    /// whoever receives must also learn that this succeeded before it publishes anything.
    pub fn finish(mut self) -> io::Result<()> {
        if self.part.is_empty() && self.sent > 0 { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.part);
        self.sent += 1;
        self.to
            .blocking_send(part.into())
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the parts any more"))
    }
}

impl Write for PartWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.part.capacity() == 0 {
            self.part.reserve_exact(self.part_size);
        }
        let n = buf.len().min(self.part_size - self.part.len());
        self.part.extend_from_slice(&buf[..n]);
        if self.part.len() == self.part_size {
            self.send()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(len: usize) -> Vec<usize> {
        let (mut writer, mut receiver) = parts(10, 1);
        let producer = std::thread::spawn(move || {
            writer.write_all(&vec![7; len]).unwrap();
            writer.finish().unwrap();
        });
        let mut sizes = Vec::new();
        while let Some(part) = receiver.blocking_recv() {
            sizes.push(part.len());
        }
        producer.join().unwrap();
        sizes
    }

    #[test]
    fn all_parts_but_the_last_have_the_same_size() {
        assert_eq!(cut(25), [10, 10, 5]);
        assert_eq!(cut(20), [10, 10]);
        assert_eq!(cut(0), [0]);
    }

    #[test]
    fn a_writer_whose_receiver_is_gone_fails_instead_of_waiting() {
        let (mut writer, receiver) = parts(10, 1);
        drop(receiver);
        assert!(writer.write_all(&[0; 100]).is_err());
    }
}
