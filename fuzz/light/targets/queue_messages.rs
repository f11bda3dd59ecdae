#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wk_fuzz_light::queue_messages::check(data));
