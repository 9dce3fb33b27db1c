//! Real S3 servers.
