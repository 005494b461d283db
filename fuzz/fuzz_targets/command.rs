#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| convex_codex_local::evidence::hostile::check_command(text));
