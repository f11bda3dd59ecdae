#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wk_fuzz::reader_forced::check(data));
