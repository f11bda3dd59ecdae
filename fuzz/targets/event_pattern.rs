#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wk_fuzz::event_pattern::check(data));
