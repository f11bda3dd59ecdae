#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wk_fuzz_light::otlp_body::check(data));
