//! The server: what it says about itself, and the low-level backup functions.
