#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| barkeep::fuzz::cluster_manifest(input));
