#![no_main]

use convex_codex_local::evidence::operations::Case;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    Case::read(bytes).run();
});
