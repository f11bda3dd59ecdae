#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wk_fuzz_light::aws_xml::check(data));
