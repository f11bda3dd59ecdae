#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wk_fuzz::gzip_inflate::check(data));
