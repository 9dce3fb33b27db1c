//! Takes a base backup of a running server.

mod copy;
