#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wk_fuzz::sql_text::check(data));
