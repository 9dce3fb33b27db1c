//! Bytes in motion: compressed, counted, digested and cut into parts, always in bounded memory.
//!
//! Everything here is synchronous and runs on the thread of whoever calls it. [`parts`] and
//! [`reader`] are the two bridges to the asynchronous side, each a queue of stated length.

pub mod buffer;
pub mod codec;
pub mod digest;
pub mod gzip_blocks;
pub mod parts;
pub mod pool;
pub mod reader;
