//! Our own lines: rows and skips, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semihv_curation::read_lines;

fuzz_target!(|bytes: &[u8]| {
    let mut sink = (Vec::new(), Vec::new());
    let _ = read_lines(bytes, std::path::Path::new("/"), &mut sink);
});
