//! What `barman_beside` is made of: the rows, the stores they run on, and the two sides.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(dead_code, unreachable_pub, reason = "whoever tells the differences uses the rows only")]

pub mod cloud;
pub mod effect;
pub mod fixtures;
pub mod row;
pub mod rows;
pub mod side;
